// Floors: how much of an account, or of an account set, must stay available, or may be there at most ("never below
// zero"). A posting that takes what is available below the least, or raises it above the most, is refused; one that
// leads back is not. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/balance/balance.h"
#include "core/values.h"

namespace cala::core {

// Amounts by currency, with one for every other.
struct AmountLimits {
  std::optional<Decimal> otherwise;
  std::vector<std::pair<Currency, Decimal>> of;  // sorted by code

  bool empty() const { return !otherwise && of.empty(); }
  const Decimal *for_currency(Currency currency) const;  // null where nothing is said
  // "0", or {"USD": "0", "*": "-10"}. An error names the place in details.pointer, from the given one on.
  static base::Result<AmountLimits> parse(base::JsonView json, const std::string &pointer);
  void append_to(base::JsonWriter &out) const;
  friend bool operator==(const AmountLimits &, const AmountLimits &) = default;
};

struct Floors {
  AmountLimits min;
  AmountLimits max;
  Layer layer = Layer::kSettled;  // what is available up to this layer

  bool empty() const { return min.empty() && max.empty(); }
  // As it is stored, without spaces, quotes or semicolons: "settled|*=0,USD=5|"; none where nothing was said.
  std::optional<std::string> text() const;
  static std::optional<Floors> parse_text(std::string_view text);
  friend bool operator==(const Floors &, const Floors &) = default;
};

// One balance that a posting moves and that is watched; the amounts, where there are any, outlive it.
struct Watched {
  BalanceKey key;
  Layer layer = Layer::kSettled;
  Direction normal_balance_type = Direction::kCredit;
  const Decimal *min = nullptr;
  const Decimal *max = nullptr;
};

// kRejected "account.below_min" or "account.above_max" where a posting may not take the balance
// from `before` to `after`.
base::Outcome check_floor(const Watched &watched, const Balance &before, const Balance &after);

}  // namespace cala::core
