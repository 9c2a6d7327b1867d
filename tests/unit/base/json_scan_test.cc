// What the strict scan refuses, and how it says so.
#include "base/json_scan.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json.h"

namespace cala::base {
namespace {

// "pointer@offset" of the refusal, or "accepted".
std::string refusal(std::string_view text) {
  const auto json = Json::parse(text);
  if (json.ok()) return "accepted";
  EXPECT_EQ(json.error().status, Status::kInvalid);
  EXPECT_EQ(json.error().code, "request.malformed");
  EXPECT_EQ(json.error().message.find('\n'), std::string::npos);
  const auto details = Json::parse(json.error().details);
  EXPECT_TRUE(details.ok()) << json.error().details;
  if (!details.ok()) return "no details";
  const auto offset = details->root().get("offset").integer();
  EXPECT_TRUE(offset.has_value());
  return std::string(details->root().get("pointer").string()) + "@" + std::to_string(offset.value_or(-1));
}

std::string message_of(std::string_view text) {
  const auto json = Json::parse(text);
  return json.ok() ? "" : json.error().message;
}

std::string repeated(char c, std::size_t count) { return std::string(count, c); }

std::string nested(std::size_t depth, std::string_view open, std::string_view inside, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += inside;
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

TEST(JsonScan, RefusesWhatTheGrammarRefuses) {
  for (const char *text : {"",
                           " ",
                           "nul",
                           "nulll",
                           "True",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "01",
                           "-01",
                           "00",
                           "-",
                           "+1",
                           ".5",
                           "5.",
                           "1.e5",
                           "1e",
                           "1e+",
                           "0x10",
                           "1_000",
                           "--1",
                           "1 2",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "[",
                           "]",
                           "[1",
                           "{",
                           "}",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\" 1}",
                           "{1:2}",
                           "'a'",
                           "\"",
                           "\"a",
                           "\"\\\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\U0041\"",
                           "\"\t\"",
                           "\"\n\"",
                           "[1]]",
                           "{}{}",
                           "// c\n1",
                           "/**/1",
                           "[1}",
                           "{\"a\":1]",
                           "\xEF\xBB\xBF{}",
                           "\f1",
                           "\v1",
                           "1\xC2\xA0",
                           "tru",
                           "[tru]",
                           "\\u0031",
                           "undefined",
                           "1e5.5",
                           "{\"a\":1 \"b\":2}"}) {
    EXPECT_NE(refusal(text), "accepted") << text;
  }
  EXPECT_NE(refusal(std::string_view("1\0", 2)), "accepted");
  EXPECT_NE(refusal(std::string_view("\"a\0b\"", 5)), "accepted");
}

TEST(JsonScan, AcceptsWhatTheGrammarAccepts) {
  for (const char *text : {"null",        "true",
                           "false",       "0",
                           "-0",          "1",
                           "-1.5e+10",    "1E5",
                           "\"\"",        "[]",
                           "{}",          " \t\r\n1 \t\r\n",
                           "[[[]]]",      "{\"\":{\"\":0}}",
                           "\"\\u0001\"", "\"\x7f\"",
                           "\"\\/\"",     "0.0",
                           "0e0",         "[ 1 , 2 ]"}) {
    EXPECT_EQ(refusal(text), "accepted") << text;
  }
}

TEST(JsonScan, NamesThePlace) {
  EXPECT_EQ(refusal(""), "@0");
  EXPECT_EQ(refusal("x"), "@0");
  EXPECT_EQ(refusal("{\"a\":[1,x]}"), "/a/1@8");
  EXPECT_EQ(refusal("{\"a\":{\"b\":[[],[0,{\"c\":tru}]]}}"), "/a/b/1/1/c@25");
  EXPECT_EQ(refusal("[1 2]"), "@3");
  EXPECT_EQ(refusal("{\"a\":1,\"b\" 2}"), "@11");
  EXPECT_EQ(refusal("{\"a\":[1,{\"b\":\"\\ud800\"}]}"), "/a/1/b@14");
  EXPECT_EQ(refusal("[0] x"), "@4");
  EXPECT_EQ(message_of("[0] x"), "malformed JSON at byte 4: expected the end of the text");
  EXPECT_EQ(message_of("[0"), "malformed JSON at byte 2: the text ends too early");
  EXPECT_EQ(message_of("[\"a"), "malformed JSON at byte 3: the text ends too early");
}

TEST(JsonScan, EscapesThePointer) {
  EXPECT_EQ(refusal("{\"a/b~c\":{\"~1\":x}}"), "/a~1b~0c/~01@15");
  EXPECT_EQ(refusal("{\"\":[{\"\\u0022\\n\":x}]}"), "//0/\"\n@17");
  EXPECT_EQ(refusal("{\"\\u0061\\ud83d\\ude00\\/\":x}"), "/a\xF0\x9F\x98\x80~1@24");
}

TEST(JsonScan, RefusesEveryTruncationOfADocument) {
  const std::string_view text =
      "{\"id\":\"0190\\u20ac\\ud83d\\ude00\xE2\x82\xAC\",\"n\":-12,\"x\":2.5e+3,\"list\":[1,[],{},null,true,false]}";
  ASSERT_EQ(refusal(text), "accepted");
  for (std::size_t size = 0; size < text.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees a read past its end.
    const std::string part(text.substr(0, size));
    EXPECT_NE(refusal(part), "accepted") << part;
  }
}

TEST(JsonScan, RefusesDuplicateKeysAfterUnescaping) {
  EXPECT_EQ(refusal(R"({"a":1,"a":2})"), "/a@7");
  EXPECT_EQ(refusal(R"({"a":1,"\u0061":2})"), "/a@7");
  EXPECT_EQ(refusal(R"({"\/":1,"/":2})"), "/~1@8");
  EXPECT_EQ(refusal(R"({"x":{"é":1,"b":0,"\u00e9":2}})"), "/x/é@19");
  EXPECT_EQ(refusal(R"({"\ud83d\ude00":1,"😀":2})"), "/😀@18");
  EXPECT_EQ(refusal(R"({"":1,"":2})"), "/@6");
  EXPECT_EQ(refusal(R"([0,{"b":1,"a":1,"a":1,"b":1}])"), "/1/a@16");
  EXPECT_EQ(refusal(R"({"a":1,"A":2,"b":{"a":3},"c":[{"a":4},{"a":5}]})"), "accepted");
  EXPECT_EQ(refusal(R"({"a":1,"\\u0061":2})"), "accepted");
}

TEST(JsonScan, FindsTheDuplicateAmongManyKeys) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += "\"key " + std::to_string(i) + "\":0,";
  const std::size_t offset = text.size();
  text += "\"key 77777\":1}";
  EXPECT_EQ(refusal(text), "/key 77777@" + std::to_string(offset));
}

TEST(JsonScan, RefusesTheZeroCharacterAndLoneSurrogates) {
  EXPECT_EQ(refusal(R"("ab\u0000")"), "@3");
  EXPECT_EQ(refusal(R"({"a\u0000":1})"), "@3");
  EXPECT_EQ(refusal(R"("\ud800")"), "@1");
  EXPECT_EQ(refusal(R"("\udc00")"), "@1");
  EXPECT_EQ(refusal(R"("\ud800\ud800")"), "@1");
  EXPECT_EQ(refusal(R"("\ud800x")"), "@1");
  EXPECT_EQ(refusal(R"("\ud800\n")"), "@1");
  EXPECT_EQ(refusal(R"("\ud800\u0041")"), "@1");
  EXPECT_EQ(refusal(R"("\udbff\udfff")"), "accepted");
}

TEST(JsonScan, RefusesInvalidUtf8WhereverItStands) {
  for (const char *bytes : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                            "\xF4\x90\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98"}) {
    EXPECT_EQ(refusal(std::string("\"a") + bytes + "\""), "@2") << bytes;
    EXPECT_EQ(refusal(std::string("{\"") + bytes + "\":1}"), "@2") << bytes;
    EXPECT_NE(refusal(bytes), "accepted");
  }
}

TEST(JsonScan, KnowsJsonThatOurRulesRefuse) {
  for (const char *text :
       {"12345678901234567890", "[1e999]", R"({"a":1,"a":2})", R"([{"big":-99999999999999999999}])"}) {
    EXPECT_FALSE(scan_json(text)) << text;
    EXPECT_TRUE(is_json(text)) << text;
  }
  for (const char *text : {"", "01", "1.", "{", R"({"a":1,})", R"(["\u0000"])", "NaN", "[1] 2"}) {
    EXPECT_FALSE(is_json(text)) << text;
  }
}

TEST(JsonScan, RefusesIntegersBeyond64Bits) {
  EXPECT_EQ(refusal("9007199254740992"), "accepted");
  EXPECT_EQ(refusal("9007199254740993"), "accepted");
  EXPECT_EQ(refusal("[9223372036854775807,-9223372036854775808]"), "accepted");
  EXPECT_EQ(refusal("9223372036854775808"), "@0");
  EXPECT_EQ(refusal("[-9223372036854775809]"), "/0@1");
  EXPECT_EQ(refusal("18446744073709551616"), "@0");
  EXPECT_EQ(refusal(repeated('9', 10'000'000)), "@0");
  EXPECT_EQ(refusal("9007199254740993.0"), "accepted");
  EXPECT_EQ(refusal("1e300"), "accepted");
}

TEST(JsonScan, RefusesNumbersThatAreNotFinite) {
  EXPECT_EQ(refusal("[0,1e400]"), "/1@3");
  EXPECT_EQ(refusal("-1e309"), "@0");
  EXPECT_EQ(refusal("1.7976931348623159e308"), "@0");
  EXPECT_EQ(refusal("1e99999999999999999999"), "@0");
  EXPECT_EQ(refusal(std::string(400, '9') + ".0"), "@0");
  EXPECT_EQ(refusal("0." + std::string(400, '0') + "1e900"), "@0");
  EXPECT_EQ(refusal("0." + std::string(400, '0') + "1e400"), "accepted");
}

TEST(JsonScan, RefusesNestingPast64Levels) {
  EXPECT_EQ(refusal(nested(64, "[", "", "]")), "accepted");
  EXPECT_EQ(refusal(nested(64, "{\"a\":", "1", "}")), "accepted");
  EXPECT_EQ(refusal(nested(65, "[", "", "]")), nested(64, "/0", "", "") + "@64");
  EXPECT_EQ(refusal(nested(65, "{\"a\":", "1", "}")), nested(64, "/a", "", "") + "@320");
  EXPECT_EQ(refusal(nested(10'000, "[", "", "]")), nested(64, "/0", "", "") + "@64");
  EXPECT_EQ(refusal(repeated('[', 10'000'000)), nested(64, "/0", "", "") + "@64");
}

TEST(JsonScan, CountsOpenLevelsNotAllOfThem) {
  EXPECT_EQ(refusal("[" + nested(63, "[", "", "]") + "," + nested(63, "[", "", "]") + "]"), "accepted");
}

TEST(JsonScan, RefusesMoreThan64Mebibytes) {
  std::string text(kJsonMaxSize, ' ');
  text.front() = '1';
  EXPECT_TRUE(scan_json(text).ok());
  text += ' ';
  EXPECT_EQ(refusal(text), "@" + std::to_string(kJsonMaxSize));
}

TEST(JsonScan, ListsTheFractionsInTheirOrder) {
  const auto fractions = scan_json("[1,2.5,{\"a\":3,\"b\":4e1}]");
  ASSERT_TRUE(fractions.ok());
  ASSERT_EQ(fractions->size(), 2U);
  const JsonFraction &first = (*fractions)[0], &second = (*fractions)[1];
  EXPECT_EQ(first.offset, 3U);
  EXPECT_EQ(first.size, 3U);
  EXPECT_EQ(first.ordinal, 1U);
  EXPECT_EQ(first.value, 2.5);
  EXPECT_EQ(second.ordinal, 3U);
  EXPECT_EQ(second.value, 40);
}

}  // namespace
}  // namespace cala::base
