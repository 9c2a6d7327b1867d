#include "base/json_repair.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::base {
namespace {

std::string text_in(std::string_view json) {
  const Result<Json> parsed = parse_stored(json);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  return parsed ? std::string(parsed->root().get("a").string()) : "(none)";
}

TEST(ParseStored, KeepsWhatIsRight) {
  EXPECT_EQ(text_in(R"({"a": "\\u0000 \"\\ \ud83d\ude00 é 😀 \u0001"})"), "\\u0000 \"\\ 😀 é 😀 \x01");
}

// One bad text hides neither itself nor the others.
TEST(ParseStored, ReplacesWhatNoTextMayHold) {
  EXPECT_EQ(text_in(R"({"b": "x", "a": "1\u00002"})"), "1\uFFFD2");
  EXPECT_EQ(text_in(R"({"a": "\ud800 \udc00 \ud800\ud83d\ude00\\\u0000"})"), "\uFFFD \uFFFD \uFFFD😀\\\uFFFD");
  EXPECT_EQ(text_in("{\"a\": \"1\xff\xc3\x28\xed\xa0\x80|\xc0\x80\"}"),
            "1\uFFFD\uFFFD(\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD");
  EXPECT_EQ(text_in(std::string("{\"a\": \"1\0\n2\"}", 13)), "1\uFFFD\uFFFD2");
  EXPECT_EQ(text_in("{\"\xff\": 1, \"a\": \"good\"}"), "good");
}

TEST(ParseStored, RefusesWhatIsNoJson) {
  for (const char *text : {"", "{", R"({"a": "x)", R"({"a": "\)", R"({"a": x})", "\xff", R"({"a": "\x"})"}) {
    EXPECT_FALSE(parse_stored(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cala::base
