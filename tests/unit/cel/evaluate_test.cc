#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cel/cel.h"

namespace cala::cel {
namespace {

const std::vector<ParamSpec> kParams = {
    {"amount", ParamType::kDecimal}, {"memo", ParamType::kString}, {"order", ParamType::kJson}};

base::Result<Value> run(std::string_view source, const CompileOptions &options, const Bindings &bindings,
                        Arena &arena) {
  static std::vector<ProgramPtr> kept;  // results borrow from their program
  auto program = compile(source, options);
  if (!program) return std::move(program.error());
  kept.push_back(*program);
  return evaluate(**program, bindings, arena);
}

class CelEvaluate : public ::testing::Test {
 protected:
  CelEvaluate() {
    options_.params = kParams;
    values_ = {Value::decimal(*Decimal::parse("10.50")), Value(), Value::json(order_->root())};
    bindings_.params = values_;
    bindings_.now = *base::Timestamp::parse("2025-01-31T23:30:00Z");
  }
  base::Result<Value> eval(std::string_view source) { return run(source, options_, bindings_, arena_); }
  std::string json(std::string_view source) {
    auto value = eval(source);
    if (!value) return value.error().code;
    std::string out;
    const auto written = to_json(*value, out);
    return written ? out : written.error().code;
  }

  base::Result<base::Json> order_ = base::Json::parse(
      R"({"lines": [{"sku": "a", "n": 2}, {"sku": "b", "n": 3}], "big": 4503599627370497, "rate": 0.25})");
  std::vector<Value> values_;
  CompileOptions options_;
  Bindings bindings_;
  Arena arena_;
};

TEST_F(CelEvaluate, ReadsParamsBySlot) { EXPECT_EQ(eval("params.amount")->as_decimal().text(), "10.50"); }

TEST_F(CelEvaluate, TellsAnAbsentParamByHas) { EXPECT_EQ(json("has(params.memo) ? params.memo : 'none'"), "\"none\""); }

TEST_F(CelEvaluate, NamesAMissingParamThatIsRead) {
  const auto missing = eval("params.memo");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "param.missing");
  EXPECT_NE(missing.error().message.find("memo"), std::string::npos);
}

TEST_F(CelEvaluate, AbsorbsAMissingParamInLogic) {
  EXPECT_EQ(json("params.memo == 'x' || params.amount > 10"), "true");
}

TEST_F(CelEvaluate, WalksJsonParamsWithoutConvertingThem) {
  EXPECT_EQ(json("params.order.lines.map(each, each.n)"), "[2,3]");
  EXPECT_EQ(json("params.order.lines[1].sku"), "\"b\"");
  EXPECT_EQ(json("params.order.lines == [{'sku': 'a', 'n': 2}, {'n': 3, 'sku': 'b'}]"), "true");
  EXPECT_EQ(json("params.order.big + 1"), "4503599627370498");
  EXPECT_EQ(json("has(params.order.none)"), "false");
}

TEST_F(CelEvaluate, MaterialisesAllParamsOnlyWhenAskedFor) {
  EXPECT_EQ(json("size(params)"), "2");
  EXPECT_EQ(json("'memo' in params"), "false");
  EXPECT_EQ(json("params['amount']"), "\"10.50\"");
}

TEST_F(CelEvaluate, TakesTheDateFromTheLedgerClock) { EXPECT_EQ(json("date()"), "\"2025-01-31\""); }

TEST_F(CelEvaluate, KeepsDatesAsDatesInJson) { EXPECT_EQ(json("{'d': date('2024-02-29')}"), R"({"d":"2024-02-29"})"); }

TEST_F(CelEvaluate, ComparesDecimalsWithWholeNumbersByValue) {
  EXPECT_EQ(json("decimal('2.00') == 2 && decimal('2.5') > 2u && 3 > decimal('2.5') && decimal('2') != '2'"), "true");
  EXPECT_EQ(json("2 in [decimal('2.00')]"), "true");
}

TEST_F(CelEvaluate, NeverRoundsDecimalsSilently) {
  EXPECT_EQ(json("decimal('99999999999999999999') * decimal('99999999999999999999')"), "cel.eval");
  EXPECT_EQ(json("decimal.Div('1', '3', 4, 'EXACT')"), "cel.eval");
  EXPECT_EQ(json("decimal.Div('1', '3', 4, 'HALF_EVEN')"), "\"0.3333\"");
  EXPECT_EQ(json("decimal.Round('2.345', 2, 'HALF_EVEN')"), "\"2.34\"");
  EXPECT_EQ(json("decimal.Round('-2.341', 2, 'FLOOR')"), "\"-2.35\"");
}

TEST_F(CelEvaluate, SaysWhereAnExpressionFailed) {
  const auto failed = eval("1 +\n params.order.none");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().code, "cel.eval");
  const auto details = base::Json::parse(failed.error().details);
  ASSERT_TRUE(details.ok());
  EXPECT_EQ(details->root().get("line").integer(), 2);
  EXPECT_EQ(details->root().get("column").integer(), 14);
}

class Fields final : public ContextFields {
 public:
  Value field(ContextField field) const override {
    switch (field) {
      case ContextField::kEntryUnits: return Value::decimal(*Decimal::parse("125.50"));
      case ContextField::kEntryDirection: return Value::string("DEBIT");
      case ContextField::kEntrySequence: return Value::unsigned_integer(1);
      case ContextField::kAccountMetadata: return metadata ? Value::json(metadata->root()) : Value();
      default: return Value();
    }
  }
  std::optional<base::Json> metadata;
};

class CelContext : public ::testing::Test {
 protected:
  CelContext() {
    options_.context = true;
    bindings_.context = &fields_;
  }
  std::string json(std::string_view source) {
    auto value = run(source, options_, bindings_, arena_);
    if (!value) return value.error().code;
    std::string out;
    return to_json(*value, out) ? out : "cel.coerce";
  }
  Fields fields_;
  CompileOptions options_;
  Bindings bindings_;
  Arena arena_;
};

TEST_F(CelContext, ReadsFieldsFromTheProvider) {
  EXPECT_EQ(json("context.vars.entry.units >= decimal('100') && context.vars.entry.direction == DEBIT"), "true");
}

TEST_F(CelContext, TellsAbsentMetadataByHas) {
  const std::string closed =
      "has(context.vars.account.metadata) && has(context.vars.account.metadata.closed) && "
      "context.vars.account.metadata.closed";
  EXPECT_EQ(json(closed), "false");
  auto parsed = base::Json::parse(R"({"closed": true})");
  fields_.metadata = parsed.take();
  EXPECT_EQ(json(closed), "true");
}

TEST_F(CelContext, GivesWholeObjectsAsMaps) {
  EXPECT_EQ(json("context.vars.entry"), R"({"sequence":1,"direction":"DEBIT","units":"125.50"})");
}

TEST(CelProgram, KnowsWhatItReads) {
  CompileOptions options;
  options.params = kParams;
  const auto program = compile("has(params.memo) ? params.memo : 'x'", options);
  ASSERT_TRUE(program.ok());
  EXPECT_FALSE((*program)->reads_param(0));
  EXPECT_TRUE((*program)->reads_param(1));
  EXPECT_FALSE((*program)->reads_context());
}

TEST(CelProgram, FoldsConstants) {
  const auto program = compile("decimal('1.10') + 1 == decimal('2.1') ? 'yes' : 'no'", {});
  ASSERT_TRUE(program.ok());
  ASSERT_NE((*program)->constant(), nullptr);
  EXPECT_EQ((*program)->constant()->as_text(), "yes");
}

TEST(CelProgram, DoesNotFoldTheClock) {
  const auto program = compile("date()", {});
  ASSERT_TRUE(program.ok());
  EXPECT_FALSE((*program)->is_constant());
}

TEST(CelArena, AsksForNothingForScalars) {
  CompileOptions options;
  options.params = kParams;
  const auto program = compile(
      "has(params.amount) && params.amount * 2 > decimal('1') && params.amount in [1, 2, params.amount]", options);
  ASSERT_TRUE(program.ok());
  const auto scalar = compile("params.amount * 2 - decimal('1.5')", options);
  ASSERT_TRUE(scalar.ok());
  const std::vector<Value> values = {Value::decimal(Decimal::from_int(5)), Value(), Value()};
  Bindings bindings;
  bindings.params = values;
  Arena arena;
  EXPECT_EQ(evaluate(**scalar, bindings, arena)->as_decimal().text(), "8.5");
  EXPECT_EQ(arena.remaining_budget(), Arena::kEvaluationBudget);
  EXPECT_TRUE(evaluate(**program, bindings, arena)->as_bool());
  EXPECT_LT(arena.remaining_budget(), Arena::kEvaluationBudget);
}

TEST_F(CelEvaluate, QuotesKeysInWholeCodePoints) {
  const auto whole = eval("{'a': 1}['caf\xC3\xA9']");
  ASSERT_FALSE(whole.ok());
  EXPECT_NE(whole.error().message.find("'caf\xC3\xA9'"), std::string::npos) << whole.error().message;
  const auto cut = eval("{'a': 1}['" + std::string(79, 'x') + "\xC3\xA9']");
  ASSERT_FALSE(cut.ok());
  EXPECT_TRUE(base::is_valid_utf8(cut.error().message));
  EXPECT_NE(cut.error().message.find("'" + std::string(79, 'x') + "'"), std::string::npos) << cut.error().message;
}

}  // namespace
}  // namespace cala::cel
