#include "values/decimal.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace cala::values {
namespace {

using base::Int128;

const std::string kNines38(38, '9');

Decimal dec(std::string_view text) {
  const auto value = Decimal::parse(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Decimal());
}

std::string shown(const std::optional<Decimal> &value) { return value ? value->text() : "nothing"; }

std::string reread(std::string_view text) { return shown(Decimal::parse(text)); }

std::string repeated(char digit, std::size_t count) { return std::string(count, digit); }

std::string zeros(std::size_t count) { return repeated('0', count); }

TEST(DecimalParse, KeepsTheScaleAsWritten) {
  for (const char *text : {"0", "1", "-1", "1.50", "0.00", "-0.50", "1234.56", "100", "0.000000000000000000001"}) {
    EXPECT_EQ(reread(text), text);
  }
}

TEST(DecimalParse, TakesSignsLeadingZerosAndExponents) {
  EXPECT_EQ(reread("+1.5"), "1.5");
  EXPECT_EQ(reread("-0"), "0");
  EXPECT_EQ(reread("-0.00"), "0.00");
  EXPECT_EQ(reread("007"), "7");
  EXPECT_EQ(reread("00.10"), "0.10");
  EXPECT_EQ(reread("1e5"), "100000");
  EXPECT_EQ(reread("1E5"), "100000");
  EXPECT_EQ(reread("1e+5"), "100000");
  EXPECT_EQ(reread("1e-2"), "0.01");
  EXPECT_EQ(reread("1.50e1"), "15.0");
  EXPECT_EQ(reread("1.5e3"), "1500");
  EXPECT_EQ(reread("1500e-2"), "15.00");
  EXPECT_EQ(reread("-12.34e-5"), "-0.0001234");
  EXPECT_EQ(reread("1e0000000000000000000000000005"), "100000");
  EXPECT_EQ(reread("1e-0"), "1");
}

TEST(DecimalParse, RefusesEveryOtherForm) {
  for (const char *text : {"",    "+",   "-",        ".",  "5.",   ".5",    "-.5", "1_000", "1,5",  " 1",    "1 ",
                           "1e",  "1e+", "1e-",      "e5", "1.e5", "1.5.2", "--1", "+-1",   "1e5.", "1e1e1", "0x10",
                           "NaN", "inf", "Infinity", "1f", "1.5 ", "\t1",   "1\n", "١",     "1e٢",  "1'000", "- 1"}) {
    EXPECT_FALSE(Decimal::parse(text).has_value()) << '"' << text << '"';
  }
  EXPECT_FALSE(Decimal::parse(std::string_view("1\0", 2)).has_value());
}

TEST(DecimalParse, CountsSignificantDigitsOnly) {
  EXPECT_EQ(reread(kNines38), kNines38);
  EXPECT_EQ(reread("-" + kNines38), "-" + kNines38);
  EXPECT_EQ(reread("0." + kNines38), "0." + kNines38);
  EXPECT_EQ(reread(zeros(1000) + kNines38), kNines38);
  EXPECT_EQ(reread("1" + zeros(37)), "1" + zeros(37));
  EXPECT_FALSE(Decimal::parse("1" + zeros(38)).has_value());
  EXPECT_FALSE(Decimal::parse(kNines38 + "9").has_value());
  EXPECT_FALSE(Decimal::parse("0." + kNines38 + "9").has_value());
  EXPECT_FALSE(Decimal::parse("9." + kNines38).has_value());
}

TEST(DecimalParse, GivesUpZerosThatDoNotFitAndNothingElse) {
  EXPECT_EQ(reread("1." + zeros(100)), "1." + zeros(37));
  EXPECT_EQ(reread("0.5" + zeros(100)), "0.5" + zeros(37));
  EXPECT_EQ(reread("0." + zeros(37) + "1"), "0." + zeros(37) + "1");
  EXPECT_EQ(reread("0." + zeros(37) + "10"), "0." + zeros(37) + "1");
  EXPECT_FALSE(Decimal::parse("0." + zeros(37) + "01").has_value());
  EXPECT_FALSE(Decimal::parse("1." + zeros(100) + "1").has_value());
  EXPECT_EQ(reread("0." + zeros(100)), "0." + zeros(38));
  EXPECT_EQ(reread(kNines38 + "." + zeros(3)), kNines38);
  EXPECT_EQ(reread("1" + zeros(50) + "e-30"), "1" + zeros(20) + "." + zeros(17));
}

TEST(DecimalParse, SurvivesHugeExponents) {
  EXPECT_EQ(reread("1e37"), "1" + zeros(37));
  EXPECT_FALSE(Decimal::parse("1e38").has_value());
  EXPECT_EQ(reread("1e-38"), "0." + zeros(37) + "1");
  EXPECT_FALSE(Decimal::parse("1e-39").has_value());
  EXPECT_FALSE(Decimal::parse("1e-40").has_value());
  EXPECT_EQ(reread("100e-40"), "0." + zeros(37) + "1");
  for (const char *exponent : {"2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
                               "18446744073709551616", "99999999999999999999999999999999999999"}) {
    EXPECT_FALSE(Decimal::parse(std::string("1e") + exponent).has_value()) << exponent;
    EXPECT_FALSE(Decimal::parse(std::string("1e-") + exponent).has_value()) << exponent;
    EXPECT_EQ(reread(std::string("0e") + exponent), "0") << exponent;
    EXPECT_EQ(reread(std::string("0e-") + exponent), "0." + zeros(38)) << exponent;
  }
}

TEST(DecimalParse, SurvivesTenMegabytesOfDigits) {
  const std::string many_zeros = zeros(10'000'000);
  EXPECT_EQ(reread(many_zeros + "1"), "1");
  EXPECT_EQ(reread("1" + many_zeros + "e-10000000"), "1." + zeros(37));
  EXPECT_EQ(reread("0." + many_zeros + "1e10000001"), "1");
  EXPECT_FALSE(Decimal::parse(repeated('7', 10'000'000)).has_value());
}

TEST(DecimalParts, HoldTheLimits) {
  Int128 limit = 1;
  for (int i = 0; i < 38; ++i) limit *= 10;
  EXPECT_EQ(shown(Decimal::from_parts(limit - 1, 0)), kNines38);
  EXPECT_EQ(shown(Decimal::from_parts(1 - limit, 38)), "-0." + kNines38);
  EXPECT_FALSE(Decimal::from_parts(limit, 0).has_value());
  EXPECT_FALSE(Decimal::from_parts(-limit, 0).has_value());
  const auto smallest = static_cast<Int128>(base::UInt128{1} << 127);
  EXPECT_FALSE(Decimal::from_parts(smallest, 0).has_value());
  EXPECT_FALSE(Decimal::from_parts(1, -1).has_value());
  EXPECT_FALSE(Decimal::from_parts(1, 39).has_value());
}

TEST(DecimalParts, IntegersConvertExactly) {
  EXPECT_EQ(Decimal::from_int(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
  EXPECT_EQ(Decimal::from_int(std::numeric_limits<std::int64_t>::max()).text(), "9223372036854775807");
  EXPECT_EQ(Decimal::from_uint(std::numeric_limits<std::uint64_t>::max()).text(), "18446744073709551615");
}

TEST(DecimalParts, ToInt64WantsAWholeNumberInRange) {
  EXPECT_EQ(dec("12.00").to_int64(), 12);
  EXPECT_EQ(dec("-0.0").to_int64(), 0);
  EXPECT_EQ(dec("12.01").to_int64(), std::nullopt);
  EXPECT_EQ(dec("9223372036854775807.0").to_int64(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(dec("-9223372036854775808.000").to_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(dec("9223372036854775808").to_int64(), std::nullopt);
  EXPECT_EQ(dec("-9223372036854775809").to_int64(), std::nullopt);
  EXPECT_EQ(dec(kNines38).to_int64(), std::nullopt);
  EXPECT_EQ(dec("0." + kNines38).to_int64(), std::nullopt);
}

TEST(DecimalArithmetic, ScalesFollowTheRule) {
  EXPECT_EQ(shown(Decimal::add(dec("1.5"), dec("1.50"))), "3.00");
  EXPECT_EQ(shown(Decimal::add(dec("0.1"), dec("0.2"))), "0.3");
  EXPECT_EQ(shown(Decimal::sub(dec("1.00"), dec("1"))), "0.00");
  EXPECT_EQ(shown(Decimal::mul(dec("1.50"), dec("2.0"))), "3.000");
  EXPECT_EQ(shown(Decimal::mul(dec("-1.5"), dec("0.00"))), "0.000");
}

TEST(DecimalArithmetic, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(Decimal::add(dec(kNines38), dec("1")).has_value());
  EXPECT_FALSE(Decimal::sub(dec("-" + kNines38), dec("1")).has_value());
  EXPECT_FALSE(Decimal::add(dec(kNines38), dec(kNines38)).has_value());
  EXPECT_FALSE(Decimal::mul(dec(kNines38), dec("2")).has_value());
  EXPECT_FALSE(Decimal::mul(dec("1e-20"), dec("1e-20")).has_value());
  EXPECT_FALSE(Decimal::add(dec("1e37"), dec("0.1")).has_value());
}

TEST(DecimalArithmetic, GivesUpTrailingZerosToFit) {
  EXPECT_EQ(shown(Decimal::add(dec("1e37"), dec("0e-38"))), "1" + zeros(37));
}

TEST(DecimalArithmetic, ReachesTheLimitThroughWideIntermediates) {
  EXPECT_EQ(shown(Decimal::sub(dec(kNines38), dec(kNines38))), "0");
  EXPECT_EQ(shown(Decimal::add(dec("-" + kNines38), dec("1"))), "-" + std::string(37, '9') + "8");
  EXPECT_EQ(shown(Decimal::mul(dec("1e37"), dec("1e-37"))), "1." + zeros(37));
  EXPECT_EQ(shown(Decimal::mul(dec("5e-38"), dec("2"))), "0." + zeros(36) + "10");
  EXPECT_EQ(shown(Decimal::mul(dec("5e-38"), dec("0.2"))), "0." + zeros(37) + "1");
  EXPECT_EQ(shown(Decimal::add(dec("0." + kNines38), dec("1e-38"))), "1." + zeros(37));
}

TEST(DecimalDivision, ByZeroIsNothing) {
  EXPECT_FALSE(Decimal::div(dec("1"), dec("0.00"), 2, Rounding::kHalfEven).has_value());
  EXPECT_FALSE(Decimal::div(dec("0"), dec("0"), 2, Rounding::kHalfEven).has_value());
}

TEST(DecimalDivision, WantsAScaleInRange) {
  EXPECT_FALSE(Decimal::div(dec("1"), dec("3"), -1, Rounding::kDown).has_value());
  EXPECT_FALSE(Decimal::div(dec("1"), dec("3"), 39, Rounding::kDown).has_value());
  EXPECT_FALSE(Decimal::round(dec("1"), -1, Rounding::kDown).has_value());
  EXPECT_FALSE(Decimal::round(dec("1"), 39, Rounding::kDown).has_value());
}

TEST(DecimalDivision, ExactRefusesToLoseDigits) {
  EXPECT_EQ(shown(Decimal::div(dec("1"), dec("8"), 3, Rounding::kExact)), "0.125");
  EXPECT_FALSE(Decimal::div(dec("1"), dec("8"), 2, Rounding::kExact).has_value());
  EXPECT_FALSE(Decimal::div(dec("1"), dec("3"), 38, Rounding::kExact).has_value());
  EXPECT_EQ(shown(Decimal::round(dec("1.500"), 1, Rounding::kExact)), "1.5");
  EXPECT_FALSE(Decimal::round(dec("1.55"), 1, Rounding::kExact).has_value());
}

TEST(DecimalDivision, ReachesBothEndsOfTheRange) {
  EXPECT_EQ(shown(Decimal::div(dec("1"), dec("3"), 38, Rounding::kDown)), "0." + std::string(38, '3'));
  EXPECT_EQ(shown(Decimal::div(dec("1"), dec("1"), 38, Rounding::kExact)), "1." + zeros(37));
  EXPECT_EQ(shown(Decimal::div(dec("5e36"), dec("0.1" + zeros(37)), 38, Rounding::kExact)), "5" + zeros(37));
  EXPECT_FALSE(Decimal::div(dec("1e37"), dec("0.1"), 0, Rounding::kDown).has_value());
  EXPECT_FALSE(Decimal::div(dec("1e37"), dec("1e-38"), 38, Rounding::kDown).has_value());
  EXPECT_EQ(shown(Decimal::div(dec("1e-38"), dec(kNines38), 0, Rounding::kUp)), "1");
  EXPECT_EQ(shown(Decimal::div(dec("1e-38"), dec(kNines38), 38, Rounding::kHalfUp)), "0." + zeros(38));
}

struct RoundingCase {
  Rounding mode;
  const char *expected[8];
};

TEST(DecimalRounding, EveryModeOnTiesAndNeighbours) {
  const char *inputs[8] = {"2.5", "3.5", "-2.5", "-3.5", "2.4", "2.6", "-2.4", "-2.6"};
  const RoundingCase cases[] = {
      {Rounding::kHalfEven, {"2", "4", "-2", "-4", "2", "3", "-2", "-3"}},
      {Rounding::kHalfUp, {"3", "4", "-3", "-4", "2", "3", "-2", "-3"}},
      {Rounding::kHalfDown, {"2", "3", "-2", "-3", "2", "3", "-2", "-3"}},
      {Rounding::kUp, {"3", "4", "-3", "-4", "3", "3", "-3", "-3"}},
      {Rounding::kDown, {"2", "3", "-2", "-3", "2", "2", "-2", "-2"}},
      {Rounding::kCeiling, {"3", "4", "-2", "-3", "3", "3", "-2", "-2"}},
      {Rounding::kFloor, {"2", "3", "-3", "-4", "2", "2", "-3", "-3"}},
  };
  for (const RoundingCase &c : cases) {
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(shown(Decimal::round(dec(inputs[i]), 0, c.mode)), c.expected[i])
          << inputs[i] << " in mode " << static_cast<int>(c.mode);
    }
  }
}

TEST(DecimalRounding, PadsAndCarries) {
  EXPECT_EQ(shown(Decimal::round(dec("1.5"), 3, Rounding::kExact)), "1.500");
  EXPECT_EQ(shown(Decimal::round(dec("9.995"), 2, Rounding::kHalfUp)), "10.00");
  EXPECT_EQ(shown(Decimal::round(dec("-0.001"), 2, Rounding::kHalfEven)), "0.00");
  EXPECT_EQ(shown(Decimal::round(dec(kNines38), 2, Rounding::kExact)), kNines38);
  EXPECT_EQ(shown(Decimal::round(dec("0." + kNines38), 0, Rounding::kHalfUp)), "1");
}

TEST(DecimalOrder, IgnoresTheScale) {
  EXPECT_EQ(dec("1.50"), dec("1.5"));
  EXPECT_EQ(dec("0"), dec("0.000"));
  EXPECT_EQ(dec("-0.0"), dec("0"));
  EXPECT_LT(dec("-1"), dec("0.5"));
  EXPECT_LT(dec("1.4999"), dec("1.5"));
  EXPECT_LT(dec("-1.5"), dec("-1.4999"));
  EXPECT_GT(dec(kNines38), dec("0." + kNines38));
  EXPECT_LT(dec("-" + kNines38), dec("-0." + kNines38));
  EXPECT_LT(dec("-" + kNines38), dec("0." + kNines38));
  EXPECT_LT(dec("1e-38"), dec("1e37"));
}

TEST(DecimalOrder, EqualValuesHashAlike) {
  EXPECT_EQ(dec("1.50").hash(), dec("1.5").hash());
  EXPECT_EQ(dec("100").hash(), dec("100.000").hash());
  EXPECT_EQ(dec("0").hash(), dec("0.000").hash());
  EXPECT_EQ(dec("1" + zeros(37)).hash(), dec("1" + zeros(30) + "0000000").hash());
  EXPECT_EQ(dec("0.1" + zeros(37)).hash(), dec("0.1").hash());
  EXPECT_NE(dec("1").hash(), dec("-1").hash());
  EXPECT_NE(dec("1").hash(), dec("10").hash());
  EXPECT_NE(dec("1").hash(), dec("0.1").hash());
}

TEST(DecimalText, IsNeverAnExponentAndZeroIsNeverNegative) {
  EXPECT_EQ(dec("1e-38").text(), "0." + zeros(37) + "1");
  EXPECT_EQ(dec("-1e37").text(), "-1" + zeros(37));
  EXPECT_EQ(dec("-0.00").text(), "0.00");
  EXPECT_EQ(dec("0.00").negated().text(), "0.00");
  EXPECT_EQ(dec("-7.10").abs().text(), "7.10");
  EXPECT_EQ(dec("7.10").negated().text(), "-7.10");
  EXPECT_EQ(Decimal().text(), "0");
  EXPECT_EQ(dec("18446744073709551616").text(), "18446744073709551616");
  EXPECT_EQ(dec("1" + zeros(19) + "1").text(), "1" + zeros(19) + "1");
}

TEST(DecimalText, AppendsToWhatIsThere) {
  std::string out = "total ";
  dec("-1.20").append_to(out);
  EXPECT_EQ(out, "total -1.20");
}

}  // namespace
}  // namespace cala::values
