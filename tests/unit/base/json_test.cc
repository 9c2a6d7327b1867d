#include "base/json.h"

#include <gtest/gtest.h>
#include <locale.h>

#include <cstdlib>
#include <random>
#include <string>

namespace cala::base {
namespace {

Json parsed(std::string_view text) {
  auto json = Json::parse(text);
  EXPECT_TRUE(json.ok()) << text << ": " << (json.ok() ? "" : json.error().message);
  return json.ok() ? json.take() : Json();
}

std::string compact(std::string_view text) { return parsed(text).root().text(); }

const char *const kSample =
    "{\"id\":\"0190\\u20ac\\ud83d\\ude00\",\"n\":-12,\"x\":2.5e3,\"list\":[1,[],{},null,true,false,\"\"],"
    "\"nested\":{\"a\":{\"b\":[0.125]}}}";

TEST(JsonRead, GivesEveryKindOfValue) {
  const Json json =
      parsed(" {\"s\" : \"text\",\n\"i\":3,\t\"d\":2.5,\r\"t\":true,\"f\":false,\"n\":null,\"a\":[],\"o\":{}} ");
  const JsonView root = json.root();
  EXPECT_TRUE(root.is_object());
  EXPECT_EQ(root.size(), 8U);
  EXPECT_EQ(root.get("s").string(), "text");
  EXPECT_EQ(root.get("i").integer(), 3);
  EXPECT_EQ(root.get("d").number(), 2.5);
  EXPECT_TRUE(root.get("t").boolean());
  EXPECT_FALSE(root.get("f").boolean());
  EXPECT_TRUE(root.get("f").is_bool());
  EXPECT_TRUE(root.get("n").is_null());
  EXPECT_TRUE(root.get("a").is_array());
  EXPECT_TRUE(root.get("o").is_object());
  using Kind = JsonView::Kind;
  const Kind kinds[] = {Kind::kString, Kind::kNumber, Kind::kNumber, Kind::kBool,
                        Kind::kBool,   Kind::kNull,   Kind::kArray,  Kind::kObject};
  std::size_t i = 0;
  for (const JsonView child : root) EXPECT_EQ(child.kind(), kinds[i++]);
}

TEST(JsonRead, KeysAreExactToTheByte) {
  const Json json = parsed(R"({"Key":1,"key2":2,"":3})");
  EXPECT_FALSE(json.root().get("key").present());
  EXPECT_FALSE(json.root().get("ke").present());
  EXPECT_FALSE(json.root().get(std::string_view("Key\0", 4)).present());
  EXPECT_EQ(json.root().get("Key").integer(), 1);
  EXPECT_EQ(json.root().get("").integer(), 3);
  EXPECT_EQ(json.root().get(std::string_view("key2345").substr(0, 4)).integer(), 2);
  EXPECT_EQ(json.root().first().next().key(), "key2");
}

TEST(JsonRead, AnAbsentViewAnswersNothing) {
  const JsonView absent;
  EXPECT_FALSE(absent.present());
  EXPECT_FALSE(absent.is_null() || absent.is_string() || absent.is_object() || absent.is_array());
  EXPECT_FALSE(absent.is_bool() || absent.is_number() || absent.boolean());
  EXPECT_EQ(absent.size(), 0U);
  EXPECT_EQ(absent.string(), "");
  EXPECT_EQ(absent.key(), "");
  EXPECT_FALSE(absent.integer().has_value());
  EXPECT_FALSE(absent.first().present() || absent.next().present() || absent.get("a").present());
  EXPECT_FALSE(parsed("3").root().get("a").present());
  EXPECT_FALSE(parsed("[1]").root().get("").present());
  EXPECT_FALSE(parsed("\"s\"").root().first().present());
}

TEST(JsonRead, IntegerWantsAWholeNumberWithinExactness) {
  EXPECT_EQ(parsed("9007199254740992").root().integer(), 9007199254740992);
  EXPECT_EQ(parsed("-9007199254740992").root().integer(), -9007199254740992);
  EXPECT_EQ(parsed("-0").root().integer(), 0);
  EXPECT_EQ(parsed("1e3").root().integer(), 1000);
  EXPECT_EQ(parsed("12.50e1").root().integer(), 125);
  EXPECT_FALSE(parsed("1.5").root().integer().has_value());
  EXPECT_FALSE(parsed("1e16").root().integer().has_value());
  EXPECT_FALSE(parsed("\"1\"").root().integer().has_value());
}

TEST(JsonRead, FractionsAreExactAtAnyLength) {
  EXPECT_EQ(parsed("0.1").root().number(), 0.1);
  EXPECT_EQ(parsed("1.7976931348623157e308").root().number(), 1.7976931348623157e308);
  EXPECT_EQ(parsed("5e-324").root().number(), 5e-324);
  EXPECT_EQ(parsed("1e-400").root().number(), 0);
  EXPECT_EQ(parsed("0e999999999999").root().number(), 0);
  EXPECT_EQ(parsed("1e-99999999999999999999999").root().number(), 0);
  EXPECT_EQ(parsed("0." + std::string(1000, '0') + "125e1000").root().number(), 0.125);
  EXPECT_EQ(parsed("1" + std::string(400, '0') + "e-400").root().number(), 1);
  EXPECT_EQ(parsed("0." + std::string(100'000, '3')).root().number(), 1.0 / 3);
  EXPECT_EQ(parsed("2." + std::string(100, '0')).root().integer(), 2);
}

TEST(JsonRead, FractionsLandInTheirPlacesAmongIntegers) {
  EXPECT_EQ(compact("[1,2.5,{\"a\":-3,\"b\":[0.25,4],\"c\":1e-7},5,[6.5],\"7.5\"]"),
            "[1,2.5,{\"a\":-3,\"b\":[0.25,4],\"c\":1e-07},5,[6.5],\"7.5\"]");
}

// Switches the calling thread to a locale, which cJSON's localeconv and strtod heed, and back.
class LocaleOfThread {
 public:
  explicit LocaleOfThread(const char *name) : locale_(newlocale(LC_ALL_MASK, name, nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  ~LocaleOfThread() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }
  LocaleOfThread(const LocaleOfThread &) = delete;
  LocaleOfThread &operator=(const LocaleOfThread &) = delete;
  bool set() const { return locale_ != nullptr; }

 private:
  locale_t locale_;
  locale_t before_ = nullptr;
};

TEST(JsonRead, NumbersDoNotDependOnTheLocale) {
  const LocaleOfThread german("de_DE.UTF-8");
  if (!german.set()) GTEST_SKIP() << "no locale de_DE.UTF-8 here; tests/make_locale.sh makes one for LOCPATH";
  ASSERT_EQ(std::strtod("1,5", nullptr), 1.5) << "the locale has no decimal comma";
  const Json json = parsed(R"([1.5,1234567.25,-2.5e-3,9007199254740992,12])");
  EXPECT_EQ(json.root().text(), "[1.5,1234567.25,-0.0025,9007199254740992,12]");
  EXPECT_FALSE(Json::parse("[1,5e]").ok());
  EXPECT_EQ(parsed("[1,5]").root().size(), 2U);
}

TEST(JsonRead, UnescapesStrings) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00\u001F")").root().string(),
            "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x1F");
}

TEST(JsonRead, WritesCompactTextThatReadsBackEqual) {
  EXPECT_EQ(compact(" [ ] "), "[]");
  EXPECT_EQ(compact(" { } "), "{}");
  EXPECT_EQ(compact("{ \"b\" : 1 , \"a\" : [ null , true , false , \"\\u000a\" ] }"),
            "{\"b\":1,\"a\":[null,true,false,\"\\n\"]}");
  const Json json = parsed(kSample);
  EXPECT_TRUE(json_equal(json.root(), parsed(json.root().text()).root()));
}

TEST(JsonRead, SurvivesTenMegabytesInOneString) {
  std::string text;
  text.resize(10'000'000, 'x');
  EXPECT_EQ(parsed('"' + text + '"').root().string(), text);
  const Json json = parsed("{\"" + text + "\":1.5}");
  EXPECT_EQ(json.root().get(text).number(), 1.5);
}

TEST(JsonRead, ManyKeysAreReadInLittleTime) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i)
    text += "\"a common prefix of all keys " + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text += "\"last\":0}";
  EXPECT_EQ(parsed(text).root().size(), 100'001U);
}

// A value of any shape, `depth` levels at most.
void write_random(JsonWriter &w, std::mt19937_64 &random, int depth) {
  const auto below = [&random](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  switch (below(depth == 0 ? 5 : 7)) {
    case 0: w.null(); return;
    case 1: w.boolean(below(2) == 0); return;
    case 2: w.integer(static_cast<std::int64_t>(random() >> 11) - (std::int64_t{1} << 52)); return;
    case 3: w.number(static_cast<double>(random()) / 1e9); return;
    case 4: {
      std::string text;
      for (unsigned i = below(12); i > 0; --i) text += static_cast<char>(1 + below(126));
      w.string(text + "\xC3\xA9");
      return;
    }
    case 5:
      w.begin_array();
      for (unsigned i = below(5); i > 0; --i) write_random(w, random, depth - 1);
      w.end_array();
      return;
    default:
      w.begin_object();
      for (unsigned i = below(5); i > 0; --i) write_random(w.key("k\"" + std::to_string(i)), random, depth - 1);
      w.end_object();
  }
}

TEST(JsonRead, RandomValuesReadBackToTheByte) {
  constexpr std::uint64_t seed = 8259;
  std::mt19937_64 random(seed);
  for (int i = 0; i < 3'000; ++i) {
    JsonWriter w;
    write_random(w, random, 6);
    ASSERT_EQ(compact(w.text()), w.text()) << "seed " << seed;
  }
}

TEST(JsonRead, ChangedBytesNeverBreakTheReader) {
  constexpr std::uint64_t seed = 404;
  std::mt19937_64 random(seed);
  const std::string_view alphabet = "{}[]\",:\\0123456789.eE+-truefalsn u/\x80\xC3\xFF\n";
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = kSample;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes) {
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    }
    const auto json = Json::parse(text);
    if (!json.ok()) continue;
    ++accepted;
    ASSERT_TRUE(json_equal(json->root(), parsed(json->root().text()).root())) << text << ", seed " << seed;
  }
  EXPECT_GT(accepted, 100);
}

TEST(JsonEqual, IgnoresTheOrderOfMembersAndTheFormOfNumbers) {
  EXPECT_TRUE(json_equal(parsed(R"({"a":1,"b":[1,{"c":null,"d":true}]})").root(),
                         parsed(R"({"b":[1.0,{"d":true,"c":null}],"a":10e-1})").root()));
  EXPECT_TRUE(json_equal(parsed("-0").root(), parsed("0").root()));
  EXPECT_TRUE(json_equal(JsonView(), JsonView()));
}

TEST(JsonEqual, TellsValuesApart) {
  const char *different[] = {"null",  "true",  "false",      "0",         "1",
                             "\"\"",  "\"0\"", "[]",         "[0]",       "[0,1]",
                             "[1,0]", "{}",    "{\"a\":0}",  "{\"b\":0}", "[[]]",
                             "[{}]",  "1.5",   "{\"a\":[]}", "{\"a\":1}", "{\"a\":0,\"b\":0}"};
  for (const char *a : different) {
    for (const char *b : different) EXPECT_EQ(json_equal(parsed(a).root(), parsed(b).root()), a == b) << a << " " << b;
    EXPECT_FALSE(json_equal(parsed(a).root(), JsonView()));
  }
}

TEST(Json, IntegersOf64BitsAreExact) {
  const char *const text =
      "[9007199254740993,2.5,-62135596799999999,253402300799999999,{\"n\":9223372036854775807},-9223372036854775808,7]";
  const auto json = Json::parse(text);
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->root().text(), text);
  EXPECT_EQ(json->root().first().integer(), 9007199254740993);
  EXPECT_EQ(json->root().first().next().number(), 2.5);
  EXPECT_EQ(json->root().first().next().next().integer(), -62135596799999999);
  EXPECT_FALSE(Json::parse("9223372036854775808").ok());
  EXPECT_FALSE(json_equal(Json::parse("9007199254740993")->root(), Json::parse("9007199254740994")->root()));
}

}  // namespace
}  // namespace cala::base
