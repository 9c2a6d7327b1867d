// The fold that moves a balance, and how it is shown.
#include "core/balance/balance.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::core {
namespace {

const base::Timestamp kNow = base::Timestamp::from_micros(1'000'000);

Balance fresh() {
  const BalanceKey key{base::Uuid(), *Currency::parse("USD"), base::Uuid()};
  return empty_balance(key, kNow);
}

Entry entry_of(Layer layer, Direction direction, const std::string &units, int n = 1) {
  Entry entry;
  entry.id.bytes[15] = static_cast<std::uint8_t>(n);
  entry.layer = layer;
  entry.direction = direction;
  entry.units = *Decimal::parse(units);
  entry.currency = *Currency::parse("USD");
  entry.created_at = base::Timestamp::from_micros(kNow.micros() + n);
  return entry;
}

TEST(BalanceFold, AddsToOneSideOfOneLayer) {
  Balance balance = fresh();
  ASSERT_TRUE(fold(balance, entry_of(Layer::kPending, Direction::kDebit, "1.5", 1)).ok());
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kCredit, "2.25", 2)).ok());
  EXPECT_EQ(balance.version, 2);
  EXPECT_EQ(balance.entry_id.bytes[15], 2);
  EXPECT_EQ(balance.modified_at.micros(), kNow.micros() + 2);
  EXPECT_EQ(balance.created_at.micros(), kNow.micros());
  EXPECT_EQ(balance.layers[0].credit.text(), "2.25");
  EXPECT_TRUE(balance.layers[0].debit.is_zero());
  EXPECT_EQ(balance.layers[1].debit.text(), "1.5");
  EXPECT_EQ(balance.layers[1].entry_id.bytes[15], 1);
  EXPECT_TRUE(balance.layers[2].entry_id.is_nil());
}

TEST(BalanceFold, KeepsGrossSumsAndTakesNegativeUnits) {
  Balance balance = fresh();
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kDebit, "5")).ok());
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kCredit, "5")).ok());
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kDebit, "-2")).ok());
  EXPECT_EQ(balance.layers[0].debit.text(), "3");
  EXPECT_EQ(balance.layers[0].credit.text(), "5");
}

TEST(BalanceFold, ASumBeyond38DigitsIsRefused) {
  Balance balance = fresh();
  const std::string most(38, '9');
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kDebit, most)).ok());
  const base::Outcome refused = fold(balance, entry_of(Layer::kSettled, Direction::kDebit, "1"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "amount.range");
  EXPECT_NE(refused.error().details.find("\"layer\":\"settled\""), std::string::npos);
}

// What is shown over all layers must fit as well as each layer does.
TEST(BalanceFold, ASumOverLayersBeyond38DigitsIsRefused) {
  Balance balance = fresh();
  const std::string most(38, '9');
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kDebit, most)).ok());
  EXPECT_FALSE(fold(balance, entry_of(Layer::kPending, Direction::kDebit, "1")).ok());
}

TEST(BalanceShown, TheNormalBalanceTypeGivesTheSign) {
  Balance balance = fresh();
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kDebit, "10")).ok());
  ASSERT_TRUE(fold(balance, entry_of(Layer::kSettled, Direction::kCredit, "4")).ok());
  ASSERT_TRUE(fold(balance, entry_of(Layer::kPending, Direction::kCredit, "1")).ok());
  ASSERT_TRUE(fold(balance, entry_of(Layer::kEncumbrance, Direction::kDebit, "0.5")).ok());
  EXPECT_EQ(net(balance.layers[0], Direction::kDebit)->text(), "6");
  EXPECT_EQ(net(balance.layers[0], Direction::kCredit)->text(), "-6");
  EXPECT_EQ(available(balance, Layer::kSettled, Direction::kDebit)->text(), "6");
  EXPECT_EQ(available(balance, Layer::kPending, Direction::kDebit)->text(), "5");
  EXPECT_EQ(available(balance, Layer::kEncumbrance, Direction::kDebit)->text(), "5.5");
  EXPECT_EQ(available(balance, Layer::kEncumbrance, Direction::kCredit)->text(), "-5.5");
}

}  // namespace
}  // namespace cala::core
