#include "base/utf8.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cala::base {
namespace {

TEST(Utf8, EveryCodePointIsValidButSurrogates) {
  for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
    std::string text;
    append_utf8(text, code);
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    ASSERT_EQ(utf8_sequence_length(text), surrogate ? 0 : text.size()) << code;
    ASSERT_EQ(is_valid_utf8(text), !surrogate) << code;
  }
}

TEST(Utf8, NoShorterTextOfACodePointIsValid) {
  for (const std::uint32_t code : {0x80U, 0x7FFU, 0x800U, 0xFFFFU, 0x10000U, 0x10FFFFU}) {
    std::string text;
    append_utf8(text, code);
    for (text.pop_back(); !text.empty(); text.pop_back()) EXPECT_EQ(utf8_sequence_length(text), 0U) << code;
  }
}

TEST(Utf8, RefusesOverlongSurrogateTooHighAndBrokenForms) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"\x80"sv,
                                      "\xBF"sv,
                                      "\xC0\x80"sv,
                                      "\xC1\xBF"sv,
                                      "\xE0\x80\x80"sv,
                                      "\xE0\x9F\xBF"sv,
                                      "\xF0\x80\x80\x80"sv,
                                      "\xF0\x8F\xBF\xBF"sv,
                                      "\xED\xA0\x80"sv,
                                      "\xED\xBF\xBF"sv,
                                      "\xF4\x90\x80\x80"sv,
                                      "\xF5\x80\x80\x80"sv,
                                      "\xF8\x88\x80\x80\x80"sv,
                                      "\xFE"sv,
                                      "\xFF"sv,
                                      "\xC2"sv,
                                      "\xC2\x41"sv,
                                      "\xE2\x82"sv,
                                      "\xE2\x28\xA1"sv,
                                      "\xE2\x82\x28"sv,
                                      "\xF0\x9F\x98"sv,
                                      "\xF0\x28\x8C\xBC"sv,
                                      "\xF0\x90\x28\xBC"sv,
                                      "\xF0\x90\x8C\x28"sv}) {
    EXPECT_FALSE(is_valid_utf8(text)) << testing::PrintToString(text);
    EXPECT_EQ(utf8_sequence_length(text), 0U);
    EXPECT_FALSE(is_valid_utf8("twelve ASCII" + std::string(text)));
    EXPECT_FALSE(is_valid_utf8(std::string(text) + "twelve ASCII"));
  }
}

TEST(Utf8, TakesTextOfEveryLength) {
  EXPECT_TRUE(is_valid_utf8(""));
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t place = 0; place <= size; ++place) {
      std::string text(size, 'a');
      text.insert(place, "\xE2\x82\xAC");
      EXPECT_TRUE(is_valid_utf8(text));
      text[place + 1] = 'a';
      EXPECT_FALSE(is_valid_utf8(text));
    }
  }
  EXPECT_TRUE(is_valid_utf8(std::string_view("\0a", 2)));
}

TEST(Utf8Prefix, CutsBetweenCodePoints) {
  EXPECT_EQ(utf8_prefix("abc", 5), "abc");
  EXPECT_EQ(utf8_prefix("abc", 2), "ab");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(utf8_prefix("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(utf8_prefix("\xF0\x9F\x98\x80", 3), "");
}

}  // namespace
}  // namespace cala::base
