#include <gtest/gtest.h>

#include <string>

#include "cel/cel.h"

namespace cala::cel {
namespace {

Value decimal(const char *text) { return Value::decimal(*Decimal::parse(text)); }
const base::Uuid kId = *base::Uuid::parse("12e80268-e31c-48bc-9db4-6f96b9aee77a");
const base::Date kDay = *base::Date::parse("2024-02-29");
const base::Timestamp kNoon = *base::Timestamp::parse("2024-02-29T12:00:00.5Z");

TEST(CelCoerce, ConvertsIntegersToDecimalsExactly) {
  EXPECT_EQ(to_decimal(Value::integer(-7))->text(), "-7");
  EXPECT_EQ(to_decimal(Value::unsigned_integer(UINT64_MAX))->text(), "18446744073709551615");
  EXPECT_EQ(to_decimal(decimal("1.50"))->text(), "1.50");
  EXPECT_EQ(to_decimal(Value::number(1.5)).error().code, "cel.coerce");
  EXPECT_EQ(to_decimal(Value::string("1")).error().code, "cel.coerce");
}

TEST(CelCoerce, TakesUuidsFromUuidsOnly) {
  EXPECT_EQ(to_uuid(Value::uuid(kId))->text(), kId.text());
  EXPECT_EQ(to_uuid(Value::string(kId.text())).error().code, "cel.coerce");
}

TEST(CelCoerce, ConvertsBetweenDatesAndTimestamps) {
  EXPECT_EQ(to_date(Value::timestamp(kNoon))->text(), "2024-02-29");
  EXPECT_EQ(to_timestamp(Value::date(kDay))->text(), "2024-02-29T00:00:00Z");
  EXPECT_EQ(to_date(Value::string("2024-02-29")).error().code, "cel.coerce");
}

TEST(CelCoerce, TakesWordsExactly) {
  EXPECT_EQ(*to_layer(Value::string("PENDING")), "PENDING");
  EXPECT_EQ(to_layer(Value::string("pending")).error().code, "cel.coerce");
  EXPECT_EQ(*to_direction(Value::string("CREDIT")), "CREDIT");
  EXPECT_EQ(to_direction(Value::string("")).error().code, "cel.coerce");
  EXPECT_EQ(to_currency(Value::string("USD"))->code(), "USD");
  EXPECT_EQ(to_currency(Value::string("usd")).error().code, "currency.unknown");
  EXPECT_EQ(to_currency(Value::null()).error().code, "cel.coerce");
}

std::string json(const Value &value) {
  std::string out = "<";
  const auto written = to_json(value, out);
  return written ? out.substr(1) : written.error().code + out;
}

TEST(CelCoerce, WritesJson) {
  EXPECT_EQ(json(decimal("10.00")), "\"10.00\"");
  EXPECT_EQ(json(Value::date(kDay)), "\"2024-02-29\"");
  EXPECT_EQ(json(Value::timestamp(kNoon)), "\"2024-02-29T12:00:00.500+00:00\"");
  EXPECT_EQ(json(Value::duration({5'400'000'000'000})), "\"5400s\"");
  EXPECT_EQ(json(Value::number(0.25)), "0.25");
  EXPECT_EQ(json(Value::integer(INT64_MAX)), "9223372036854775807");
  EXPECT_EQ(json(Value::integer(42)), "42");
}

TEST(CelCoerce, LeavesNothingBehindWhenJsonIsRefused) {
  const Value items[] = {Value::integer(1), Value::bytes("x")};
  EXPECT_EQ(json(Value::list(items, 2)), "cel.coerce<");
  EXPECT_EQ(json(Value::type("int")), "cel.coerce<");
  EXPECT_EQ(json(Value::number(1.0 / 0.0 * 0.0)), "cel.coerce<");
}

TEST(CelCoerce, RefusesTextThatNoReaderTakesBack) {
  using namespace std::string_view_literals;
  for (const std::string_view bad : {"\0"sv, "a\0b"sv, "\xff"sv, "\xed\xa0\x80"sv}) {
    const Value items[] = {Value::string(bad)};
    EXPECT_EQ(to_string(items[0]).error().code, "cel.coerce");
    EXPECT_EQ(json(items[0]), "cel.coerce<");
    EXPECT_EQ(json(Value::list(items, 1)), "cel.coerce<");
  }
  for (char c = 1; c < 0x20; ++c) {
    const std::string_view text(&c, 1);
    EXPECT_EQ(*to_string(Value::string(text)), text);
    EXPECT_TRUE(base::Json::parse(json(Value::string(text))).ok()) << int{c};
  }
}

class CelParams : public ::testing::Test {
 protected:
  // The value's JSON, or the code of what refused it.
  std::string coerced(ParamType type, const std::string &text) {
    auto parsed = base::Json::parse(text);
    if (!parsed) return parsed.error().code;
    documents_.push_back(parsed.take());
    const auto value = coerce_param(ParamSpec{"x", type}, documents_.back().root());
    return value ? json(*value) : value.error().code;
  }
  std::vector<base::Json> documents_;
};

TEST_F(CelParams, TakeTextForDecimalsAndRefuseFractions) {
  EXPECT_EQ(coerced(ParamType::kDecimal, "\"1000.50\""), "\"1000.50\"");
  EXPECT_EQ(coerced(ParamType::kDecimal, "7"), "\"7\"");
  EXPECT_EQ(coerced(ParamType::kDecimal, "7.5"), "param.type");
  EXPECT_EQ(coerced(ParamType::kDecimal, "\"7,5\""), "param.type");
}

TEST_F(CelParams, TakeWholeNumbersForIntegers) {
  EXPECT_EQ(coerced(ParamType::kInteger, "-5"), "-5");
  EXPECT_EQ(coerced(ParamType::kInteger, "5.5"), "param.type");
  EXPECT_EQ(coerced(ParamType::kInteger, "\"5\""), "param.type");
}

TEST_F(CelParams, TakeAnyJsonForJson) {
  EXPECT_EQ(coerced(ParamType::kJson, R"({"a": [1, null]})"), R"({"a":[1,null]})");
  EXPECT_EQ(coerced(ParamType::kJson, "[1]"), "[1]");
  EXPECT_EQ(coerced(ParamType::kJson, "null"), "null");
}

TEST_F(CelParams, TakeTextForUuidsDatesAndTimestamps) {
  EXPECT_EQ(coerced(ParamType::kUuid, "\"12E80268-E31C-48BC-9DB4-6F96B9AEE77A\""),
            "\"12e80268-e31c-48bc-9db4-6f96b9aee77a\"");
  EXPECT_EQ(coerced(ParamType::kUuid, "\"xyz\""), "param.type");
  EXPECT_EQ(coerced(ParamType::kDate, "\"2024-02-29\""), "\"2024-02-29\"");
  EXPECT_EQ(coerced(ParamType::kDate, "\"2024-2-29\""), "param.type");
  EXPECT_EQ(coerced(ParamType::kTimestamp, "\"2024-02-29T10:00:00+02:00\""), "\"2024-02-29T08:00:00+00:00\"");
  EXPECT_EQ(coerced(ParamType::kBoolean, "\"true\""), "param.type");
  EXPECT_EQ(coerced(ParamType::kString, "1"), "param.type");
}

TEST_F(CelParams, NameTheParamThatIsWrong) {
  const auto wrong = coerce_param(ParamSpec{"amount", ParamType::kDecimal}, Value::boolean(true));
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("'amount'"), std::string::npos);
  EXPECT_EQ(wrong.error().details, R"({"param":"amount","type":"decimal"})");
}

TEST_F(CelParams, AreNamedInEitherCase) {
  EXPECT_EQ(parse_param_type("DECIMAL"), ParamType::kDecimal);
  EXPECT_EQ(parse_param_type("json"), ParamType::kJson);
  EXPECT_FALSE(parse_param_type("money").has_value());
  EXPECT_EQ(param_type_name(ParamType::kTimestamp), "timestamp");
}

TEST(CelParamBounds, AreKept) {
  const auto outcome = [](const ParamSpec &param, const Value &value) {
    const auto made = coerce_param(param, value);
    return made ? std::string("ok") : made.error().code + " " + made.error().details;
  };
  const ParamSpec amount{"amount", ParamType::kDecimal, Value::decimal(*Decimal::parse("0.01")),
                         Value::decimal(*Decimal::parse("100"))};
  EXPECT_EQ(outcome(amount, Value::string("0.010")), "ok");
  EXPECT_EQ(outcome(amount, Value::integer(100)), "ok");
  EXPECT_EQ(outcome(amount, Value::string("0.009")), "param.range {\"param\":\"amount\",\"min\":\"0.01\"}");
  EXPECT_EQ(outcome(amount, Value::string("100.01")), "param.range {\"param\":\"amount\",\"max\":\"100\"}");
  const ParamSpec count{"count", ParamType::kInteger, Value::integer(-1), Value()};
  EXPECT_EQ(outcome(count, Value::integer(INT64_MAX)), "ok");
  EXPECT_EQ(outcome(count, Value::integer(-2)), "param.range {\"param\":\"count\",\"min\":\"-1\"}");
  const ParamSpec day{"day", ParamType::kDate, Value(), Value::date(*base::Date::parse("2025-01-31"))};
  EXPECT_EQ(outcome(day, Value::string("2025-01-31")), "ok");
  EXPECT_EQ(outcome(day, Value::string("2025-02-01")), "param.range {\"param\":\"day\",\"max\":\"2025-01-31\"}");
}

}  // namespace
}  // namespace cala::cel
