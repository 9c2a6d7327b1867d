// Velocity limits: what may pass through an account, or through an account set, within a window. A limit says what is
// counted and how much; a control is a list of limits; attaching a control to an account freezes its limits with the
// params given. Plain values.
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
#include "core/fields.h"
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

// What is counted, and how much may be.
struct VelocityLimitRule {
  std::optional<std::string> timestamp_source;  // CEL
  std::vector<VelocityBalanceLimit> balance;
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
  VelocityLimitRule rule;
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

template <>
struct WordsOf<VelocityAction> {
  static constexpr const char *all = "reject, warn";
  static std::optional<VelocityAction> parse(std::string_view text) { return parse_velocity_action(text); }
  static std::string_view text(VelocityAction value) { return word_of(value); }
};

template <>
struct WordsOf<VelocityBasis> {
  static constexpr const char *all = "net, gross";
  static std::optional<VelocityBasis> parse(std::string_view text) { return parse_velocity_basis(text); }
  static std::string_view text(VelocityBasis value) { return word_of(value); }
};

template <>
struct Fields<VelocityWindowKey> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("alias", &VelocityWindowKey::alias, {.not_empty = true});
    visit("value", &VelocityWindowKey::value, kGiven);
  }
};

template <>
struct Fields<VelocityBalanceLimit> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("layer", &VelocityBalanceLimit::layer, kGiven);
    visit("amount", &VelocityBalanceLimit::amount, kGiven);
    visit("enforcement_direction", &VelocityBalanceLimit::enforcement_direction, kGiven);
    visit("start", &VelocityBalanceLimit::start, kGiven);
    visit("end", &VelocityBalanceLimit::end, kGiven);
    visit("basis", &VelocityBalanceLimit::basis, kGiven);
  }
};

template <>
struct Fields<VelocityLimitRule> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("timestamp_source", &VelocityLimitRule::timestamp_source, kGiven);
    visit("balance", &VelocityLimitRule::balance, {.required = true, .not_empty = true, .most = 100});
  }
};

template <>
struct Fields<VelocityLimit> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &VelocityLimit::id, kId);
    visit("version", &VelocityLimit::version, kKept);
    visit("number", &VelocityLimit::number, kHidden);
    visit("name", &VelocityLimit::name, {.not_empty = true});
    visit("description", &VelocityLimit::description, kGiven);
    visit("window", &VelocityLimit::window, {.most = 100});
    visit("condition", &VelocityLimit::condition, kGiven);
    visit("currency", &VelocityLimit::currency, kGiven);
    visit("params", &VelocityLimit::params, {.most = 1000});
    visit("limit", &VelocityLimit::rule, kGiven);
    visit("created_at", &VelocityLimit::created_at, kKept);
    visit("modified_at", &VelocityLimit::modified_at, kKept);
  }
};

// But for what a row and an answer have in shapes of their own: the action and the limits.
template <>
struct Fields<VelocityControl> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &VelocityControl::id, kId);
    visit("version", &VelocityControl::version, kKept);
    visit("number", &VelocityControl::number, kHidden);
    visit("name", &VelocityControl::name, {.not_empty = true});
    visit("description", &VelocityControl::description, kGiven);
    visit("condition", &VelocityControl::condition, kGiven);
    visit("created_at", &VelocityControl::created_at, kKept);
    visit("modified_at", &VelocityControl::modified_at, kKept);
  }
};

}  // namespace cala::core
