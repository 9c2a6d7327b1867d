#include "core/velocity/velocity.h"

namespace cala::core {

std::string_view word_of(VelocityAction value) { return value == VelocityAction::kReject ? "reject" : "warn"; }

std::string_view word_of(VelocityBasis value) { return value == VelocityBasis::kNet ? "net" : "gross"; }

std::optional<VelocityAction> parse_velocity_action(std::string_view text) {
  if (is_word(text, "reject")) return VelocityAction::kReject;
  if (is_word(text, "warn")) return VelocityAction::kWarn;
  return std::nullopt;
}

std::optional<VelocityBasis> parse_velocity_basis(std::string_view text) {
  if (is_word(text, "net")) return VelocityBasis::kNet;
  if (is_word(text, "gross")) return VelocityBasis::kGross;
  return std::nullopt;
}

std::optional<Decimal> measure(const VelocityBalance &balance, Layer upto, Direction direction, VelocityBasis basis) {
  Decimal sum;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(upto); ++i) {
    const VelocityBalance::Sides &sides = balance.layers[i];
    const bool debit = direction == Direction::kDebit;
    std::optional<Decimal> next = Decimal::add(sum, debit ? sides.debit : sides.credit);
    if (next && basis == VelocityBasis::kNet) next = Decimal::sub(*next, debit ? sides.credit : sides.debit);
    if (!next) return std::nullopt;
    sum = *next;
  }
  return sum;
}

}  // namespace cala::core
