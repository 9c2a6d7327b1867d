// Velocity limits: what may pass through an account, or through an account set, within a window. A limit says what is counted and
// how much; a control is a list of limits; attaching a control to an account freezes its limits with the params given. Plain values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "core/tx_template/tx_template.h"
#include "core/values.h"

namespace cala::core {

enum class VelocityAction : std::uint8_t { kReject, kWarn };
// What is measured: one side less the other, so that what comes back gives room again, or one side alone.
enum class VelocityBasis : std::uint8_t { kNet, kGross };
std::string_view word_of(VelocityAction value);
std::string_view word_of(VelocityBasis value);
std::optional<VelocityAction> parse_velocity_action(std::string_view text);
std::optional<VelocityBasis> parse_velocity_basis(std::string_view text);

struct VelocityWindowKey {
  std::string alias;
  std::string value;  // CEL
};

struct VelocityBalanceLimit {  // every text is CEL
  std::string layer;
  std::string amount;
  std::string enforcement_direction;
  std::optional<std::string> start;
  std::optional<std::string> end;
  VelocityBasis basis = VelocityBasis::kNet;
};

struct VelocityLimit {
  base::Uuid id;
  std::int64_t version = 1;
  std::int64_t number = 0;  // by age, as the store counts; 0: not stored yet
  std::string name;
  std::optional<std::string> description;
  std::vector<VelocityWindowKey> window;
  std::optional<std::string> condition;  // CEL
  std::optional<Currency> currency;
  std::vector<TxTemplateParam> params;
  std::optional<std::string> timestamp_source;  // CEL
  std::vector<VelocityBalanceLimit> balance;
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

struct VelocityControl {
  base::Uuid id;
  std::int64_t version = 1;
  std::int64_t number = 0;  // by age, as the store counts; 0: not stored yet
  std::string name;
  std::optional<std::string> description;
  std::optional<std::string> condition;  // CEL
  VelocityAction action = VelocityAction::kReject;
  std::vector<VelocityLimit> limits;  // oldest first
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

// A control at an account or a set, as it was frozen.
struct VelocityAttachment {
  base::Uuid account_id;
  base::Uuid control_id;
  bool is_set = false;
  std::int64_t version = 1;
  std::string params = "{}";  // a JSON object
  std::string frozen;         // see frozen.h
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

// Ordered as the rows are locked.
struct VelocityKey {
  base::Uuid account_id;  // an account or a set: where the control is attached
  Currency currency;
  base::Uuid journal_id;
  base::Uuid control_id;
  base::Uuid limit_id;
  std::string window;  // a JSON object: what the limit's window came to
  friend auto operator<=>(const VelocityKey &, const VelocityKey &) = default;
};

// What has been counted under a key.
struct VelocityBalance {
  struct Sides {
    Decimal debit;
    Decimal credit;
  };
  VelocityKey key;
  std::int64_t version = 0;  // counts the entries; 0: none yet
  std::array<Sides, kLayerCount> layers;
};

// The measure of a balance: what of it is in this direction, in this layer and those before it. nullopt past 38 digits.
std::optional<Decimal> measure(const VelocityBalance &balance, Layer upto, Direction direction, VelocityBasis basis);

}  // namespace cala::core
