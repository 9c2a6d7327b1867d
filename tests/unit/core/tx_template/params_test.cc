// Declared params: what they may be, their defaults, and what a request gives.
#include "core/tx_template/params.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cala::core {
namespace {

const base::Timestamp kNow = *base::Timestamp::parse("2026-03-10T12:00:00Z");

TxTemplateParam param(const std::string &name, ParamType type) {
  TxTemplateParam out;
  out.name = name;
  out.type = type;
  return out;
}

TxTemplateParam bounded(ParamType type, std::optional<std::string> min, std::optional<std::string> max) {
  TxTemplateParam out = param("p", type);
  out.min = std::move(min);
  out.max = std::move(max);
  return out;
}

TxTemplateParam defaulted(ParamType type, const std::string &expression) {
  TxTemplateParam out = param("p", type);
  out.default_expr = expression;
  return out;
}

// "ok", or the code and where.
std::string told(const base::Error &error) { return error.code + " " + error.details; }

std::string declared(const std::vector<TxTemplateParam> &params) {
  const base::Result<CompiledParams> compiled = compile_params(params);
  if (!compiled) return told(compiled.error());
  const base::Outcome checked = check_defaults(*compiled, kNow);
  return checked ? "ok" : told(checked.error());
}

// What the first param comes to, as text.
std::string bound(const std::vector<TxTemplateParam> &params, const std::string &supplied) {
  const base::Result<CompiledParams> compiled = compile_params(params);
  EXPECT_TRUE(compiled.ok()) << compiled.error().message;
  const base::Result<base::Json> json = base::Json::parse(supplied);
  EXPECT_TRUE(json.ok());
  cel::Arena arena;
  cel::Bindings bindings;
  bindings.now = kNow;
  const auto values = bind_params(compiled->specs, compiled->defaults, json->root(), bindings, arena);
  if (!values) return told(values.error());
  EXPECT_EQ(values->size(), params.size());
  if (values->front().is_absent()) return "absent";
  std::string text;
  EXPECT_TRUE(cel::to_json(values->front(), text).ok());
  return text;
}

TEST(Params, ANameIsDeclaredOnce) {
  EXPECT_EQ(declared({param("a", ParamType::kString), param("b", ParamType::kUuid)}), "ok");
  EXPECT_EQ(declared({param("a", ParamType::kString), param("a", ParamType::kUuid)}),
            R"(param.duplicate {"pointer":"/params/1/name"})");
}

TEST(Params, BoundsAreConstantsOfTheirType) {
  EXPECT_EQ(declared({bounded(ParamType::kDecimal, "decimal('0.01')", "decimal('10')")}), "ok");
  EXPECT_EQ(declared({bounded(ParamType::kString, "'a'", std::nullopt)}), R"(param.type {"pointer":"/params/0/min"})");
  EXPECT_EQ(declared({bounded(ParamType::kDate, std::nullopt, "date()")}), R"(cel.compile {"pointer":"/params/0/max"})")
      << "it would be another one tomorrow";
  EXPECT_TRUE(declared({bounded(ParamType::kInteger, "1", "'ten'")}).starts_with("cel.compile"));
  EXPECT_EQ(declared({bounded(ParamType::kInteger, "2", "1")}), R"(param.range {"pointer":"/params/0/max"})");
  EXPECT_EQ(declared({bounded(ParamType::kInteger, "1", "1")}), "ok");
}

TEST(Params, DefaultsHaveTheTypeAndTheBounds) {
  EXPECT_EQ(declared({defaulted(ParamType::kDate, "date()")}), "ok");
  EXPECT_TRUE(declared({defaulted(ParamType::kDecimal, "'much'")}).starts_with("param.type"));
  EXPECT_TRUE(declared({defaulted(ParamType::kInteger, "'1'")}).starts_with("cel.compile"));
  EXPECT_TRUE(declared({param("a", ParamType::kInteger), defaulted(ParamType::kInteger, "params.a")})
                  .starts_with("cel.compile"))
      << "a default reads no other param";
  TxTemplateParam low = defaulted(ParamType::kInteger, "0");
  low.min = "1";
  EXPECT_TRUE(declared({low}).starts_with("param.range"));
}

TEST(Params, AreWhatIsGivenElseTheDefaultElseAbsent) {
  const TxTemplateParam amount = defaulted(ParamType::kDecimal, "decimal('0.50')");
  EXPECT_EQ(bound({amount}, R"({"p": "1.20"})"), R"("1.20")");
  EXPECT_EQ(bound({amount}, "{}"), R"("0.50")");
  EXPECT_EQ(bound({param("p", ParamType::kDecimal)}, "{}"), "absent");
  EXPECT_EQ(bound({defaulted(ParamType::kDate, "date()")}, "{}"), R"("2026-03-10")");
}

TEST(Params, OfAnotherTypeOrOutsideTheBoundsAreRefusedByName) {
  EXPECT_TRUE(
      bound({param("p", ParamType::kUuid)}, R"({"p": "me"})").starts_with("param.type {\"pointer\":\"/params/p\""));
  EXPECT_TRUE(bound({bounded(ParamType::kInteger, "1", "9")}, R"({"p": 10})").starts_with("param.range"));
  const std::string digits(39, '9');
  EXPECT_TRUE(bound({param("p", ParamType::kDecimal)}, R"({"p": ")" + digits + "\"}").starts_with("amount.range"));
}

TEST(Params, UndeclaredOnesAreRefused) {
  const base::Result<CompiledParams> compiled = compile_params({param("p", ParamType::kString)});
  ASSERT_TRUE(compiled.ok());
  const base::Result<base::Json> known = base::Json::parse(R"({"p": "x"})");
  const base::Result<base::Json> unknown = base::Json::parse(R"({"p": "x", "q": 1})");
  EXPECT_TRUE(refuse_unknown_params(compiled->specs, known->root(), "tx template T").ok());
  EXPECT_TRUE(refuse_unknown_params(compiled->specs, base::JsonView(), "tx template T").ok());
  const base::Outcome refused = refuse_unknown_params(compiled->specs, unknown->root(), "tx template T");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(told(refused.error()), R"(param.unknown {"pointer":"/params/q","param":"q"})");
  EXPECT_EQ(refused.error().message, "tx template T declares no param \"q\"");
}

}  // namespace
}  // namespace cala::core
