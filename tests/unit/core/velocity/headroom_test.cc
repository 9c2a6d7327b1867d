#include "core/velocity/headroom.h"

#include "unit/core/velocity/velocity_fixture.h"

namespace cala::core {
namespace {

TEST_F(Velocity, HeadroomSaysWhatIsLeft) {
  VelocityLimit limit = limit_of("decimal('100')");
  limit.rule.balance.push_back(limit.rule.balance[0]);
  limit.rule.balance[1].basis = VelocityBasis::kGross;
  limit.rule.balance[1].end = "timestamp('2020-01-01T00:00:00Z')";
  const CompiledControlPtr control = compiled(control_of({limit}));
  base::Result<std::vector<VelocityHeadroom>> rows = headroom(kAccount, control->frozen, {}, {}, now());
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].left.text(), "100");
  EXPECT_EQ((*rows)[0].window, "{}");
  EXPECT_FALSE((*rows)[0].currency.has_value());
  attach(kAccount, {control});
  EXPECT_EQ(debit("70"), "ok");
  EXPECT_EQ(credit("20"), "ok");
  rows = headroom(kAccount, control->frozen, {balances_.begin()->second}, {}, now());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].left.text(), "50");
  EXPECT_TRUE((*rows)[0].active);
  EXPECT_EQ((*rows)[1].left.text(), "30");
  EXPECT_FALSE((*rows)[1].active);
  EXPECT_EQ((*rows)[0].journal_id, kJournal);
  rows =
      headroom(kAccount, control->frozen, {balances_.begin()->second}, {std::nullopt, Currency::parse("EUR")}, now());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].left.text(), "100") << "nothing was counted in that currency";
}

TEST_F(Velocity, HeadroomIsNegativeBelowWhatHasPassed) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('100')")}))});
  EXPECT_EQ(debit("70"), "ok");
  const CompiledControlPtr lowered = compiled(control_of({limit_of("decimal('50.5')")}));
  const auto rows = headroom(kAccount, lowered->frozen, {balances_.begin()->second}, {}, now());
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ((*rows)[0].left.text(), "-19.5");
}

TEST_F(Velocity, HeadroomOfAnotherCurrencyIsNotShown) {
  VelocityLimit limit = limit_of("decimal('100')");
  limit.currency = usd();
  const CompiledControlPtr control = compiled(control_of({limit}));
  const auto rows = headroom(kAccount, control->frozen, {}, {std::nullopt, Currency::parse("EUR")}, now());
  ASSERT_TRUE(rows.ok());
  EXPECT_TRUE(rows->empty());
}

TEST_F(Velocity, HeadroomPast38DigitsIsRefused) {
  const CompiledControlPtr control = compiled(control_of({limit_of("decimal('" + std::string(38, '9') + "')")}));
  VelocityBalance balance;
  balance.key.limit_id = id_of(10);
  balance.layers[0].credit = amount("1");
  const auto rows = headroom(kAccount, control->frozen, {balance}, {}, now());
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code, "amount.range");
}

}  // namespace
}  // namespace cala::core
