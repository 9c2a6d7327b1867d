#include "values/decimal_sum.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <string>

namespace cala::values {
namespace {

std::string sum(std::initializer_list<const char *> amounts) {
  DecimalSum out;
  for (const char *amount : amounts) out.add(*Decimal::parse(amount));
  const std::optional<Decimal> value = out.value();
  return value ? value->text() : "none";
}

TEST(DecimalSum, KeepsTheGreatestScale) {
  EXPECT_EQ(sum({}), "0");
  EXPECT_EQ(sum({"1.50", "2.5"}), "4.00");
  EXPECT_EQ(sum({"1", "-1.000"}), "0.000");
  EXPECT_EQ(sum({"-3", "1.25"}), "-1.75");
}

TEST(DecimalSum, MayPass38DigitsOnTheWay) {
  const char *const most = "99999999999999999999999999999999999999", *const least =
                                                                         "-99999999999999999999999999999999999999";
  EXPECT_EQ(sum({most, "1"}), "none");
  EXPECT_EQ(sum({most, "1", "-1"}), most);
  EXPECT_EQ(sum({most, most, most, least, least}), most);
  EXPECT_EQ(sum({least, least, most}), least);
  EXPECT_EQ(sum({most, "0.01", least}), "0.01");
  EXPECT_EQ(sum({most, "0.01"}), "none");
  EXPECT_EQ(sum({most, "0.00"}), most) << "zeros are given up to fit";
  EXPECT_EQ(sum({"0.00000000000000000000000000000000000001", most, least}), "0.00000000000000000000000000000000000001");
}

TEST(DecimalSum, IsWhatAddingOneByOneGivesWhereThatFits) {
  std::mt19937_64 random(20260101);
  for (int round = 0; round < 2000; ++round) {
    DecimalSum all;
    Decimal one_by_one;
    for (int i = 0; i < 8; ++i) {
      const auto coefficient = static_cast<std::int64_t>(random()) >> (random() % 60);
      const Decimal amount = Decimal::from_parts(coefficient, static_cast<int>(random() % 19)).value();
      all.add(amount);
      one_by_one = Decimal::add(one_by_one, amount).value();
    }
    ASSERT_TRUE(all.value());
    EXPECT_EQ(all.value()->text(), one_by_one.text());
  }
}

}  // namespace
}  // namespace cala::values
