// Balance: what the entries of one (journal, account, currency) add up to, per layer and side, and the fold that moves
// it. Gross sums, never netted; the normal balance type only decides the sign when a balance is shown. Plain values,
// pure functions.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/posting/transaction.h"
#include "core/values.h"

namespace cala::core {

// Ordered by account, currency, journal: the one order in which balances are locked.
struct BalanceKey {
  base::Uuid account_id;
  Currency currency;
  base::Uuid journal_id;
  friend auto operator<=>(const BalanceKey &, const BalanceKey &) = default;
};

struct LayerAmounts {
  Decimal debit;
  Decimal credit;
  base::Uuid entry_id;  // nil until the layer's first entry
  base::Timestamp modified_at;
};

struct Balance {
  BalanceKey key;
  std::int64_t version = 0;  // counts the entries that moved it
  base::Uuid entry_id;       // the last entry
  base::Timestamp created_at;
  base::Timestamp modified_at;
  std::array<LayerAmounts, kLayerCount> layers;
};

// A balance before its first entry.
Balance empty_balance(const BalanceKey &key, base::Timestamp now);
// Adds one entry: version + 1, its layer's side += units. "amount.range" when a sum would pass 38 digits; the balance
// is then no longer to be used.
base::Outcome fold(Balance &balance, const Entry &entry);
// Signed by the normal balance type. nullopt past 38 digits.
std::optional<Decimal> net(const LayerAmounts &layer, Direction normal_balance_type);
// Settled; settled + pending; settled + pending + encumbrance.
std::optional<Decimal> available(const Balance &balance, Layer upto, Direction normal_balance_type);

}  // namespace cala::core
