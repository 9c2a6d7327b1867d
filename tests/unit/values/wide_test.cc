#include "values/wide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <random>

namespace cala::values {
namespace {

using base::UInt128;
using boost::multiprecision::cpp_int;

constexpr std::uint64_t kSeed = 20260101;
constexpr int kRounds = 20'000;

cpp_int big(UInt128 value) {
  return (cpp_int(static_cast<std::uint64_t>(value >> 64)) << 64) + static_cast<std::uint64_t>(value);
}

cpp_int big(const Wide &value) { return (big(value.high) << 128) + big(value.low); }

// Of any bit length, so that short and long ones meet.
UInt128 random_word(std::mt19937_64 &random, int max_bits = 128) {
  const UInt128 word = (static_cast<UInt128>(random()) << 64) | random();
  const int bits = static_cast<int>(random() % static_cast<unsigned>(max_bits + 1));
  return bits == 0 ? 0 : word >> (128 - bits);
}

Wide random_wide(std::mt19937_64 &random, int max_high_bits) {
  return Wide{random_word(random, max_high_bits), random_word(random)};
}

TEST(Wide, ProductsAreExact) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const UInt128 a = random_word(random), b = random_word(random);
    ASSERT_EQ(big(wide_mul(a, b)), big(a) * big(b)) << "round " << i << " of seed " << kSeed;
  }
  const UInt128 all_ones = ~UInt128{0};
  EXPECT_EQ(big(wide_mul(all_ones, all_ones)), big(all_ones) * big(all_ones));
}

TEST(Wide, ProductsWithAWideFactorAreExact) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const Wide a = random_wide(random, 64);
    const UInt128 b = random_word(random, 64);
    ASSERT_EQ(big(wide_mul(a, b)), big(a) * big(b)) << "round " << i << " of seed " << kSeed;
  }
}

TEST(Wide, SumsDifferencesAndOrderAreExact) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const Wide a = random_wide(random, 127), b = random_wide(random, 127);
    ASSERT_EQ(big(wide_add(a, b)), big(a) + big(b)) << "round " << i << " of seed " << kSeed;
    ASSERT_EQ(a < b, big(a) < big(b));
    const Wide &greater = std::max(a, b), &less = std::min(a, b);
    ASSERT_EQ(big(wide_sub(greater, less)), big(greater) - big(less)) << "round " << i << " of seed " << kSeed;
  }
}

TEST(Wide, QuotientsAndRemaindersAreExact) {
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const Wide a = random_wide(random, 128);
    const Wide b = i % 2 == 0 ? random_wide(random, 128) : Wide{0, random_word(random)};
    if (b.is_zero()) continue;
    const WideQuotient result = wide_div(a, b);
    ASSERT_EQ(big(result.quotient), big(a) / big(b)) << "round " << i << " of seed " << kSeed;
    ASSERT_EQ(big(result.remainder), big(a) % big(b)) << "round " << i << " of seed " << kSeed;
  }
}

TEST(Wide, BitLengthCountsToTheHighestOne) {
  EXPECT_EQ(bit_length(Wide{}), 0);
  for (int bit = 0; bit < 256; ++bit) {
    const Wide value = shift_left(Wide{0, 1}, bit);
    EXPECT_EQ(bit_length(value), bit + 1);
    EXPECT_EQ(big(value), cpp_int(1) << bit);
  }
}

}  // namespace
}  // namespace cala::values
