#include "values/terms.h"

#include <algorithm>

namespace cala::values {

namespace {

template <typename Enum, std::size_t N>
std::optional<Enum> parse_word(std::string_view text, const std::array<Enum, N> &values) {
  for (const Enum value : values) {
    if (is_word(text, text_of(value))) return value;
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 16> kEventTypes = {
    "transaction_created",          "account_created",           "account_updated",
    "account_set_created",          "account_set_updated",       "account_set_member_created",
    "account_set_member_removed",   "journal_created",           "journal_updated",
    "tx_template_created",          "velocity_limit_created",    "velocity_control_created",
    "velocity_control_limit_added", "velocity_control_attached", "velocity_control_replaced",
    "velocity_control_detached"};

}  // namespace

bool is_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  if (text == word) return true;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char upper = word[i] >= 'a' && word[i] <= 'z' ? static_cast<char>(word[i] - 'a' + 'A') : word[i];
    if (text[i] != upper) return false;
  }
  return true;
}

std::string_view text_of(Direction value) { return value == Direction::kDebit ? "debit" : "credit"; }

std::string_view text_of(Layer value) {
  switch (value) {
    case Layer::kSettled: return "settled";
    case Layer::kPending: return "pending";
    case Layer::kEncumbrance: break;
  }
  return "encumbrance";
}

std::string_view text_of(LockStatus value) { return value == LockStatus::kActive ? "active" : "locked"; }

std::string_view text_of(BalanceRollup value) {
  return value == BalanceRollup::kSynchronous ? "synchronous" : "eventually_consistent";
}

std::string_view text_of(HoldStatus value) {
  switch (value) {
    case HoldStatus::kOpen: return "open";
    case HoldStatus::kCaptured: return "captured";
    case HoldStatus::kReleased: return "released";
    case HoldStatus::kExpired: break;
  }
  return "expired";
}

std::optional<Direction> parse_direction(std::string_view text) {
  return parse_word(text, std::array{Direction::kDebit, Direction::kCredit});
}

std::optional<Layer> parse_layer(std::string_view text) { return parse_word(text, kLayers); }

std::optional<LockStatus> parse_lock_status(std::string_view text) {
  return parse_word(text, std::array{LockStatus::kActive, LockStatus::kLocked});
}

std::optional<BalanceRollup> parse_balance_rollup(std::string_view text) {
  return parse_word(text, std::array{BalanceRollup::kSynchronous, BalanceRollup::kEventuallyConsistent});
}

std::optional<HoldStatus> parse_hold_status(std::string_view text) {
  return parse_word(text,
                    std::array{HoldStatus::kOpen, HoldStatus::kCaptured, HoldStatus::kReleased, HoldStatus::kExpired});
}

std::optional<std::string_view> parse_event_type(std::string_view text) {
  const auto *const found = std::find_if(kEventTypes.begin(), kEventTypes.end(),
                                         [text](std::string_view type) { return is_word(text, type); });
  return found == kEventTypes.end() ? std::nullopt : std::optional(*found);
}

}  // namespace cala::values
