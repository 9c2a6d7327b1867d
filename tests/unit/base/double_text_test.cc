#include "base/double_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace cala::base {
namespace {

template <typename Append, typename... How>
std::string ours(Append append, double value, How... how) {
  std::string out;
  append(out, value, how...);
  return out;
}

template <typename... How>
std::string theirs(double value, How... how) {
  std::vector<char> buffer(2000);
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, how...);
  return std::string(buffer.data(), end.ptr);
}

void expect_the_same_as_to_chars(double value) {
  EXPECT_EQ(ours(append_shortest_scientific, value), theirs(value, std::chars_format::scientific));
  EXPECT_EQ(ours(append_shortest_fixed, value), theirs(value, std::chars_format::fixed));
  EXPECT_EQ(ours(append_shortest, value), theirs(value));
}

void expect_rounded_the_same(double value, int places) {
  EXPECT_EQ(ours(append_rounded_fixed, value, places), theirs(value, std::chars_format::fixed, places))
      << value << ' ' << places;
  EXPECT_EQ(ours(append_rounded_scientific, value, places), theirs(value, std::chars_format::scientific, places))
      << value << ' ' << places;
}

// Where the fewest digits are hard to find: zero, the ends, powers of two and their neighbours, half-way decimals.
std::vector<double> hard_values() {
  using Limits = std::numeric_limits<double>;
  std::vector<double> values = {0.0,
                                -0.0,
                                0.1,
                                0.3,
                                -2.5,
                                5e-324,
                                Limits::min(),
                                Limits::max(),
                                1e15,
                                1e16,
                                999999999999999.9,
                                1e21,
                                1e22,
                                1e23,
                                9.5,
                                0.0001,
                                1e-5,
                                123456.7890625,
                                4503599627370496.5,
                                0.99999,
                                9.007199254740993e15};
  for (int power = -1074; power < 1024; power += 7) {
    const double value = std::ldexp(1.0, power);
    values.insert(values.end(), {value, std::nextafter(value, 0.0), std::nextafter(value, Limits::max())});
  }
  for (int power = -30; power < 30; ++power) values.push_back(std::pow(10.0, power) * 3);
  return values;
}

TEST(DoubleText, IsTheFewestDigitsAsToCharsFindsThem) {
  for (const double value : hard_values()) expect_the_same_as_to_chars(value);
  constexpr std::uint64_t seed = 7;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> usual(-100000, 100000);
  for (int i = 0; i < 2'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) expect_the_same_as_to_chars(value);
    expect_the_same_as_to_chars(usual(random));
    expect_the_same_as_to_chars(std::round(usual(random) * 100) / 100);
  }
}

TEST(DoubleText, IsRoundedAsToCharsRounds) {
  for (const double value : hard_values()) {
    for (const int places : {0, 1, 2, 17}) expect_rounded_the_same(value, places);
  }
  for (const double value : {0.5, 1.5, 2.5, 0.125, 0.375, 9.995, 99.5, 0.05, 1e-7, 5e-324, 1.7976931348623157e308}) {
    for (const int places : {0, 1, 2, 3, 20, 340, 1000}) expect_rounded_the_same(value, places);
  }
  constexpr std::uint64_t seed = 8;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 1'000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) expect_rounded_the_same(value, static_cast<int>(random() % 30));
  }
}

}  // namespace
}  // namespace cala::base
