#include "engine/cel_document.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::engine {
namespace {

const base::Timestamp kNow = *base::Timestamp::parse("2025-01-31T10:00:00Z");

std::string answer(const std::string &request) {
  const auto parsed = base::Json::parse(request);
  if (!parsed) return parsed.error().code;
  const auto result = evaluate_document(parsed->root(), kNow);
  return result ? *result : result.error().code;
}

TEST(CelDocument, AnswersWithTheType) {
  EXPECT_EQ(answer(R"j({"expr": "1 + 1"})j"), R"j({"value":{"type":"int","value":"2"}})j");
  EXPECT_EQ(answer(R"j({"expr": "date()"})j"), R"j({"value":{"type":"date","value":"2025-01-31"}})j");
  EXPECT_EQ(answer(R"j({"expr": "[1u, b'a']"})j"),
            R"j({"value":{"type":"list","value":[{"type":"uint","value":"1"},{"type":"bytes","value":"61"}]}})j");
  EXPECT_EQ(answer(R"j({"expr": "optional.none()"})j"), R"j({"value":{"type":"optional","value":null}})j");
}

TEST(CelDocument, CoercesToWhatIsAskedFor) {
  EXPECT_EQ(answer(R"j({"expr": "1", "as": "decimal"})j"), R"j({"value":{"type":"decimal","value":"1"}})j");
  EXPECT_EQ(answer(R"j({"expr": "{'d': date()}", "as": "json", "clock": "2024-02-29T00:00:00Z"})j"),
            R"j({"value":{"type":"json","value":{"d":"2024-02-29"}}})j");
  EXPECT_EQ(answer(R"j({"expr": "'USD'", "as": "currency"})j"), R"j({"value":{"type":"currency","value":"USD"}})j");
  EXPECT_EQ(answer(R"j({"expr": "'XXY'", "as": "currency"})j"), "cel.coerce");
}

TEST(CelDocument, BindsParamsWithTheirDefaults) {
  EXPECT_EQ(answer(R"j({"expr": "params.a + params.b", "params": [{"name": "a", "type": "decimal", "value": {"type": )j"
                   R"j("string", "value": "1.5"}}, {"name": "b", "type": "DECIMAL", "default": "2"}]})j"),
            R"j({"value":{"type":"decimal","value":"3.5"}})j");
  EXPECT_EQ(answer(R"j({"expr": "1", "params": [{"name": "a", "type": "integer", )j"
                   R"j("value": {"type": "string", "value": "1"}}]})j"),
            "cel.params");
  EXPECT_EQ(
      answer(R"j({"expr": "1", "params": [{"name": "a", "type": "integer"}, {"name": "a", "type": "integer"}]})j"),
      "cel.params");
  EXPECT_EQ(answer(R"j({"expr": "params.a", "params": [{"name": "a", "type": "integer"}]})j"), "cel.eval");
}

TEST(CelDocument, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(answer(R"j({"expr": "1", "exprs": "2"})j"), "request.unknown_key");
  EXPECT_EQ(answer(R"j({})j"), "request.missing_key");
  EXPECT_EQ(answer(R"j({"expr": 1})j"), "request.malformed");
  EXPECT_EQ(answer(R"j({"expr": "1", "as": "money"})j"), "request.malformed");
  EXPECT_EQ(answer(R"j({"expr": "x", "vars": {"x": {"type": "int", "value": "one"}}})j"), "request.malformed");
  EXPECT_EQ(answer(R"j([])j"), "request.malformed");
}

TEST(CelDocument, NamesThePlaceOfWhatItRefuses) {
  const auto refusal = [](const std::string &request) {
    const auto parsed = base::Json::parse(request);
    const auto result = evaluate_document(parsed->root(), kNow);
    return result ? *result : result.error().code + " " + result.error().details;
  };
  EXPECT_EQ(refusal(R"j({"expr": "1", "exprs": "2"})j"), R"(request.unknown_key {"pointer":"/exprs"})");
  EXPECT_EQ(refusal(R"j({"exprs": "2"})j"), R"(request.unknown_key {"pointer":"/exprs"})");
  EXPECT_EQ(refusal(R"j({"expr": null})j"), R"(request.missing_key {"pointer":"/expr"})");
  EXPECT_EQ(refusal(R"j({"expr": "1", "as": "money"})j"), R"(request.malformed {"pointer":"/as"})");
  EXPECT_EQ(refusal(R"j({"expr": "1", "clock": "noon"})j"), R"(request.malformed {"pointer":"/clock"})");
  EXPECT_EQ(refusal(R"j({"expr": "x", "vars": {"a/b": {"type": "int", "value": "one"}}})j"),
            R"(request.malformed {"pointer":"/vars/a~1b"})");
  EXPECT_EQ(refusal(R"j({"expr": "1", "params": [{"name": "a", "type": "string"}, 7]})j"),
            R"(request.malformed {"pointer":"/params/1"})");
  EXPECT_EQ(refusal(R"j({"expr": "1", "params": [{"name": "a", "type": "integer", "vlaue": 1}]})j"),
            R"(request.unknown_key {"pointer":"/params/0/vlaue"})");
  EXPECT_EQ(refusal(R"j({"expr": "1", "params": [{"name": "a", "type": "integer", "default": 1}]})j"),
            R"(request.malformed {"pointer":"/params/0/default"})");
  EXPECT_EQ(refusal(R"j({"expr": "1", "params": [{"name": "a", "type": "float"}]})j"),
            R"(cel.params {"pointer":"/params/0"})");
  EXPECT_EQ(
      refusal(
          R"j({"expr": "1", "params": [{"name": "a", "type": "date", "value": {"type": "string", "value": "x"}}]})j"),
      R"(cel.params {"param":"a","type":"date"})");
}

TEST(CelDocument, HasAnEnd) {
  const std::string text(100'000, 'x');
  EXPECT_EQ(answer(R"j({"expr": "lists.range(1000).map(i, x)", "vars": {"x": {"type": "string", "value": ")j" + text +
                   R"j("}}})j"),
            "cel.coerce");
  EXPECT_EQ(
      answer(
          R"j({"expr": "lists.range(1000).map(i, x)", "as": "json", "vars": {"x": {"type": "json", "value": {"a": ")j" +
          text + R"j("}}}})j"),
      "cel.coerce");
}

}  // namespace
}  // namespace cala::engine
