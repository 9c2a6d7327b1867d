// Decimal against the same rules written with integers that never overflow.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <random>
#include <string>

#include "values/decimal.h"

namespace cala::values {
namespace {

using base::Int128;
using boost::multiprecision::cpp_int;

constexpr std::uint64_t kSeed = 19700101;
constexpr int kRounds = 5'000;
constexpr Rounding kModes[] = {Rounding::kExact, Rounding::kHalfEven, Rounding::kHalfUp,  Rounding::kHalfDown,
                               Rounding::kUp,    Rounding::kDown,     Rounding::kCeiling, Rounding::kFloor};

cpp_int ten_to(int exponent) { return boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(exponent)); }

cpp_int big(Int128 value) {
  const base::UInt128 size = base::magnitude(value);
  const cpp_int whole = (cpp_int(static_cast<std::uint64_t>(size >> 64)) << 64) + static_cast<std::uint64_t>(size);
  return value < 0 ? cpp_int(-whole) : whole;
}

// What a result should be: coefficient and scale, or nothing.
struct Expected {
  bool fits = false;
  cpp_int coefficient;
  int scale = 0;
};

// Gives up one trailing zero after the other until the value fits or a digit is in the way.
Expected fitted(cpp_int coefficient, int scale) {
  while (scale > 0 && (scale > 38 || abs(coefficient) >= ten_to(38)) && coefficient % 10 == 0) {
    coefficient /= 10;
    --scale;
  }
  return Expected{scale <= 38 && abs(coefficient) < ten_to(38), coefficient, scale};
}

cpp_int floor_of(const cpp_int &dividend, const cpp_int &divisor) {
  cpp_int quotient = dividend / divisor;
  if (quotient * divisor != dividend && (dividend < 0) != (divisor < 0)) quotient -= 1;
  return quotient;
}

// Picks between the integers below and above the exact quotient by the definition of the mode.
Expected divided(const Decimal &a, const Decimal &b, int scale, Rounding mode) {
  const cpp_int dividend = big(a.coefficient()) * ten_to(scale + b.scale());
  const cpp_int divisor = big(b.coefficient()) * ten_to(a.scale());
  const cpp_int below = floor_of(dividend, divisor);
  if (below * divisor == dividend) return fitted(below, scale);
  const cpp_int above = below + 1;
  const bool positive = below >= 0;
  const cpp_int towards_zero = positive ? below : above;
  const cpp_int away = positive ? above : below;
  const cpp_int twice = abs(2 * dividend), middle = abs((below + above) * divisor);
  const bool nearer_away = twice > middle, tie = twice == middle;
  switch (mode) {
    case Rounding::kExact: return Expected{};
    case Rounding::kHalfEven:
      return fitted(tie ? (below % 2 == 0 ? below : above) : (nearer_away ? away : towards_zero), scale);
    case Rounding::kHalfUp: return fitted(tie || nearer_away ? away : towards_zero, scale);
    case Rounding::kHalfDown: return fitted(nearer_away ? away : towards_zero, scale);
    case Rounding::kUp: return fitted(away, scale);
    case Rounding::kDown: return fitted(towards_zero, scale);
    case Rounding::kCeiling: return fitted(above, scale);
    case Rounding::kFloor: return fitted(below, scale);
  }
  return Expected{};
}

class DecimalModel : public testing::Test {
 protected:
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  // Of every length and scale, with a taste for nines, powers of ten, halves and trailing zeros.
  Decimal next() {
    const int length = below(39);
    const int kind = below(6);
    std::string digits;
    for (int i = 0; i < length; ++i) digits += static_cast<char>('0' + below(10));
    if (kind == 0) std::fill(digits.begin(), digits.end(), '9');
    if (kind == 1 && length > 0) digits = "1" + std::string(digits.size() - 1, '0');
    if (kind == 2 && length > 0) digits = "5" + std::string(digits.size() - 1, '0');
    if (kind == 3) std::fill(digits.begin() + below(length + 1), digits.end(), '0');
    Int128 coefficient = 0;
    for (const char c : digits) coefficient = coefficient * 10 + (c - '0');
    const int scale = below(3) == 0 ? below(39) : below(9);
    return Decimal::from_parts(below(2) == 0 ? coefficient : -coefficient, scale).value();
  }

  // The same value with a smaller or greater scale where that is possible, else another value.
  Decimal near(const Decimal &a) {
    const auto same = Decimal::round(a, below(39), Rounding::kDown);
    return same && below(4) != 0 ? *same : next();
  }

  static void expect_equal(const std::optional<Decimal> &actual, const Expected &expected, const std::string &what) {
    ASSERT_EQ(actual.has_value(), expected.fits) << what << ", seed " << kSeed;
    if (!expected.fits) return;
    ASSERT_EQ(big(actual->coefficient()), expected.coefficient) << what << ", seed " << kSeed;
    ASSERT_EQ(actual->scale(), expected.scale) << what << ", seed " << kSeed;
  }

  std::mt19937_64 random_{kSeed};
};

TEST_F(DecimalModel, SumsAndDifferencesAreExact) {
  for (int i = 0; i < kRounds; ++i) {
    const Decimal a = next(), b = i % 3 == 0 ? near(a) : next();
    const int scale = std::max(a.scale(), b.scale());
    const cpp_int left = big(a.coefficient()) * ten_to(scale - a.scale());
    const cpp_int right = big(b.coefficient()) * ten_to(scale - b.scale());
    ASSERT_NO_FATAL_FAILURE(expect_equal(Decimal::add(a, b), fitted(left + right, scale), a.text() + " + " + b.text()));
    ASSERT_NO_FATAL_FAILURE(expect_equal(Decimal::sub(a, b), fitted(left - right, scale), a.text() + " - " + b.text()));
  }
}

TEST_F(DecimalModel, ProductsAreExact) {
  for (int i = 0; i < kRounds; ++i) {
    const Decimal a = next(), b = next();
    const Expected expected = fitted(big(a.coefficient()) * big(b.coefficient()), a.scale() + b.scale());
    ASSERT_NO_FATAL_FAILURE(expect_equal(Decimal::mul(a, b), expected, a.text() + " * " + b.text()));
  }
}

TEST_F(DecimalModel, QuotientsAreRoundedAsTheModeSays) {
  for (int i = 0; i < kRounds; ++i) {
    const Decimal a = next(), b = i % 3 == 0 ? near(a) : next();
    if (b.is_zero()) continue;
    const int scale = below(39);
    for (const Rounding mode : kModes) {
      ASSERT_NO_FATAL_FAILURE(expect_equal(Decimal::div(a, b, scale, mode), divided(a, b, scale, mode),
                                           a.text() + " / " + b.text() + " to scale " + std::to_string(scale) +
                                               " in mode " + std::to_string(static_cast<int>(mode))));
    }
  }
}

TEST_F(DecimalModel, TiesAreRoundedAsTheModeSays) {
  const Decimal two = Decimal::from_int(2);
  for (int i = 0; i < kRounds; ++i) {
    const Decimal odd = Decimal::from_int(2 * below(1'000'000) + 1 - 1'000'000);
    for (const Rounding mode : kModes) {
      ASSERT_NO_FATAL_FAILURE(
          expect_equal(Decimal::div(odd, two, 0, mode), divided(odd, two, 0, mode), odd.text() + " / 2"));
    }
  }
}

TEST_F(DecimalModel, RoundingIsDivisionByOne) {
  const Decimal one = Decimal::from_int(1);
  for (int i = 0; i < kRounds; ++i) {
    const Decimal a = next();
    const int scale = below(39);
    for (const Rounding mode : kModes) {
      ASSERT_NO_FATAL_FAILURE(expect_equal(
          Decimal::round(a, scale, mode), divided(a, one, scale, mode),
          a.text() + " rounded to " + std::to_string(scale) + " in mode " + std::to_string(static_cast<int>(mode))));
    }
  }
}

TEST_F(DecimalModel, OrderIsThatOfTheValuesAndEqualValuesHashAlike) {
  int equal = 0;
  for (int i = 0; i < kRounds; ++i) {
    const Decimal a = next(), b = i % 2 == 0 ? near(a) : next();
    const cpp_int left = big(a.coefficient()) * ten_to(b.scale());
    const cpp_int right = big(b.coefficient()) * ten_to(a.scale());
    const auto order = left < right    ? std::strong_ordering::less
                       : left == right ? std::strong_ordering::equal
                                       : std::strong_ordering::greater;
    ASSERT_EQ(Decimal::compare(a, b), order) << a.text() << " and " << b.text() << ", seed " << kSeed;
    ASSERT_EQ(a == b, left == right);
    if (a == b) {
      ++equal;
      ASSERT_EQ(a.hash(), b.hash()) << a.text() << " and " << b.text() << ", seed " << kSeed;
    }
  }
  EXPECT_GT(equal, kRounds / 10);
}

TEST_F(DecimalModel, TextReadsBackAsTheSameCoefficientAndScale) {
  for (int i = 0; i < kRounds; ++i) {
    const Decimal a = next();
    const auto back = Decimal::parse(a.text());
    ASSERT_TRUE(back.has_value()) << a.text();
    ASSERT_EQ(back->coefficient(), a.coefficient()) << a.text();
    ASSERT_EQ(back->scale(), a.scale()) << a.text();
  }
}

TEST_F(DecimalModel, TextsWithExponentsAreTakenExactly) {
  for (int i = 0; i < kRounds; ++i) {
    std::string digits;
    for (int length = 1 + below(45); length > 0; --length) {
      digits += static_cast<char>('0' + (below(2) == 0 ? 0 : below(10)));
    }
    const int point = below(static_cast<int>(digits.size()));
    const int exponent = below(121) - 60;
    const std::string fraction = digits.substr(digits.size() - static_cast<std::size_t>(point));
    const std::string whole = digits.substr(0, digits.size() - fraction.size());
    std::string text = whole;
    if (!fraction.empty()) text.append(".").append(fraction);
    text.append("e").append(std::to_string(exponent));
    const std::size_t first = digits.find_first_not_of('0');
    cpp_int coefficient(first == std::string::npos ? "0" : digits.substr(first));
    int scale = point - exponent;
    if (scale < 0) {
      coefficient *= ten_to(-scale);
      scale = 0;
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal(Decimal::parse(text), fitted(coefficient, scale), text));
  }
}

}  // namespace
}  // namespace cala::values
