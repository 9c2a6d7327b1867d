#include "core/velocity/velocity.h"

#include <gtest/gtest.h>

namespace cala::core {
namespace {

Decimal amount(const char *text) { return Decimal::parse(text).value_or(Decimal()); }

// Debits and credits: settled 10 and 4, pending 3 and 8.
VelocityBalance balance() {
  VelocityBalance out;
  out.layers[static_cast<std::size_t>(Layer::kSettled)] = {amount("10"), amount("4")};
  out.layers[static_cast<std::size_t>(Layer::kPending)] = {amount("3"), amount("8")};
  return out;
}

std::string measured(Layer upto, Direction direction, VelocityBasis basis) {
  const std::optional<Decimal> out = measure(balance(), upto, direction, basis);
  return out ? out->text() : "none";
}

TEST(VelocityMeasure, NetIsOneSideLessTheOther) {
  EXPECT_EQ(measured(Layer::kSettled, Direction::kDebit, VelocityBasis::kNet), "6");
  EXPECT_EQ(measured(Layer::kSettled, Direction::kCredit, VelocityBasis::kNet), "-6");
}

TEST(VelocityMeasure, GrossIsOneSideAlone) {
  EXPECT_EQ(measured(Layer::kSettled, Direction::kDebit, VelocityBasis::kGross), "10");
  EXPECT_EQ(measured(Layer::kSettled, Direction::kCredit, VelocityBasis::kGross), "4");
}

TEST(VelocityMeasure, LayersAddUp) {
  EXPECT_EQ(measured(Layer::kPending, Direction::kDebit, VelocityBasis::kNet), "1");
  EXPECT_EQ(measured(Layer::kPending, Direction::kDebit, VelocityBasis::kGross), "13");
  EXPECT_EQ(measured(Layer::kEncumbrance, Direction::kDebit, VelocityBasis::kNet), "1");
}

TEST(VelocityMeasure, IsNoNumberPast38Digits) {
  VelocityBalance full;
  full.layers[0].debit = amount("99999999999999999999999999999999999999");
  EXPECT_TRUE(measure(full, Layer::kSettled, Direction::kDebit, VelocityBasis::kNet).has_value());
  full.layers[1].debit = amount("1");
  EXPECT_FALSE(measure(full, Layer::kPending, Direction::kDebit, VelocityBasis::kGross).has_value());
}

TEST(VelocityWords, AreReadInEitherCase) {
  for (const VelocityAction action : {VelocityAction::kReject, VelocityAction::kWarn}) {
    EXPECT_EQ(parse_velocity_action(word_of(action)), action);
  }
  for (const VelocityBasis basis : {VelocityBasis::kNet, VelocityBasis::kGross}) {
    EXPECT_EQ(parse_velocity_basis(word_of(basis)), basis);
  }
  EXPECT_EQ(parse_velocity_action("WARN"), VelocityAction::kWarn);
  EXPECT_EQ(parse_velocity_basis("GROSS"), VelocityBasis::kGross);
  EXPECT_EQ(parse_velocity_action("Warn"), std::nullopt);
  EXPECT_EQ(parse_velocity_basis("netto"), std::nullopt);
}

}  // namespace
}  // namespace cala::core
