#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

#include "base/json.h"

namespace cala::base {
namespace {

std::string number_text(double number) {
  std::string out;
  append_json_number(out, number);
  return out;
}

std::string string_text(std::string_view s) {
  std::string out;
  append_json_string(out, s);
  return out;
}

TEST(JsonNumberText, WholeNumbersWithinExactnessAreIntegers) {
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(-0.0), "0");
  EXPECT_EQ(number_text(100000), "100000");
  EXPECT_EQ(number_text(-42), "-42");
  EXPECT_EQ(number_text(9007199254740992.0), "9007199254740992");
  EXPECT_EQ(number_text(-9007199254740992.0), "-9007199254740992");
}

TEST(JsonNumberText, FractionsAreAsShortAsTheyCanBe) {
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(-2.5), "-2.5");
  EXPECT_EQ(number_text(1e21), "1e+21");
  EXPECT_EQ(number_text(5e-324), "5e-324");
  EXPECT_EQ(number_text(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
}

TEST(JsonNumberText, GreaterWholeNumbersHaveAnExponent) {
  EXPECT_EQ(number_text(9007199254740994.0), "9.007199254740994e+15");
  EXPECT_EQ(number_text(-60876504931187802112.0), "-6.08765049311878e+19");
}

TEST(JsonNumberText, WhatIsNotFiniteIsNull) {
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number_text(-std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(number_text(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(JsonNumberText, EveryDoubleReadsBackThroughTheParser) {
  constexpr std::uint64_t seed = 64;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 5'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number)) continue;
    const std::string text = number_text(number);
    const auto json = Json::parse(text);
    ASSERT_TRUE(json.ok()) << text << ", seed " << seed;
    ASSERT_EQ(json->root().number(), number) << text << ", seed " << seed;
  }
}

TEST(JsonStringText, EscapesWhatMustBeAndNothingElse) {
  EXPECT_EQ(string_text(""), "\"\"");
  EXPECT_EQ(string_text("plain"), "\"plain\"");
  EXPECT_EQ(string_text("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(string_text("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(string_text(std::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(string_text("\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

TEST(JsonStringText, EveryCharacterReadsBackThroughTheParser) {
  std::string all;
  for (char c = 1; c < 127; ++c) all += c;
  const auto json = Json::parse(string_text(all));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->root().string(), all);
}

TEST(JsonWriter, PutsCommasBetweenMembersAndElements) {
  JsonWriter w;
  w.begin_object().key("id").string("a").key("n").integer(3).key("list").begin_array();
  w.integer(1).number(2.5).boolean(true).boolean(false).null().string("x").begin_array().end_array();
  w.begin_object().end_object().raw("[1,2]").end_array().key("o").begin_object().key("k").null().end_object();
  w.end_object();
  EXPECT_EQ(w.text(), R"({"id":"a","n":3,"list":[1,2.5,true,false,null,"x",[],{},[1,2]],"o":{"k":null}})");
  EXPECT_TRUE(Json::parse(w.take()).ok());
}

TEST(JsonWriter, EscapesKeysAndWritesEveryInteger) {
  JsonWriter w;
  w.begin_object().key("a\"b").integer(std::numeric_limits<std::int64_t>::min());
  w.key("c").integer(std::numeric_limits<std::int64_t>::max()).end_object();
  EXPECT_EQ(w.take(), R"({"a\"b":-9223372036854775808,"c":9223372036854775807})");
}

}  // namespace
}  // namespace cala::base
