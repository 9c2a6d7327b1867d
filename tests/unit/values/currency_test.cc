#include "values/currency.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace cala::values {
namespace {

// Every code that three or four capital letters can spell and that parse takes.
std::vector<Currency> all_currencies() {
  std::vector<Currency> found;
  std::string code;
  const auto spell = [&](const auto &self, std::size_t size) -> void {
    if (code.size() == size) {
      if (const auto currency = Currency::parse(code)) found.push_back(*currency);
      return;
    }
    for (char c = 'A'; c <= 'Z'; ++c) {
      code.push_back(c);
      self(self, size);
      code.pop_back();
    }
  };
  spell(spell, 3);
  spell(spell, 4);
  return found;
}

int exponent_of(std::string_view code) { return Currency::parse(code)->exponent(); }

TEST(Currency, TheTableHolds178IsoAnd14CryptoCodes) { EXPECT_EQ(all_currencies().size(), 178U + 14U); }

TEST(Currency, EveryCodeReadsBackAsItself) {
  for (const Currency currency : all_currencies()) {
    EXPECT_EQ(Currency::parse(currency.code()), currency);
    EXPECT_GE(currency.exponent(), 0);
    EXPECT_LE(currency.exponent(), 18);
  }
}

TEST(Currency, IsOrderedAsItsCodeIs) {
  const std::vector<Currency> all = all_currencies();
  for (const Currency a : all) {
    for (const Currency b : all) EXPECT_EQ(a <=> b, a.code() <=> b.code()) << a.code() << " and " << b.code();
  }
}

TEST(Currency, ExponentsAreTheCustomaryOnes) {
  EXPECT_EQ(exponent_of("USD"), 2);
  EXPECT_EQ(exponent_of("EUR"), 2);
  EXPECT_EQ(exponent_of("JPY"), 0);
  EXPECT_EQ(exponent_of("BHD"), 3);
  EXPECT_EQ(exponent_of("CLF"), 4);
  EXPECT_EQ(exponent_of("MGA"), 1);
  EXPECT_EQ(exponent_of("XTS"), 0);
  EXPECT_EQ(exponent_of("BTC"), 8);
  EXPECT_EQ(exponent_of("ETH"), 18);
  EXPECT_EQ(exponent_of("COMP"), 18);
  EXPECT_EQ(exponent_of("USDC"), 6);
}

TEST(Currency, FirstAndLastOfTheTableAreFound) {
  EXPECT_EQ(Currency::parse("AED")->code(), "AED");
  EXPECT_EQ(Currency::parse("ZWL")->code(), "ZWL");
  EXPECT_EQ(Currency().code(), "AED");
}

TEST(Currency, RefusesWhatIsNotACode) {
  using namespace std::string_view_literals;
  for (const std::string_view code :
       {""sv, "U"sv, "US"sv, "usd"sv, "Usd"sv, "USD "sv, " USD"sv, "USDX"sv, "USDTT"sv, "AAA"sv, "ZZZ"sv, "USD\0"sv,
        "US\0"sv, "\0\0\0"sv, "\xff\xff\xff"sv, "USDUSD"sv}) {
    EXPECT_FALSE(Currency::parse(code).has_value()) << code;
  }
}

}  // namespace
}  // namespace cala::values
