#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cel/cel.h"

namespace cala::cel {
namespace {

const std::vector<ParamSpec> kParams = {{"recipient", ParamType::kUuid},
                                        {"amount", ParamType::kDecimal},
                                        {"count", ParamType::kInteger},
                                        {"order", ParamType::kJson}};

struct Outcome {
  std::string code;
  std::string message;
  std::string hint;
  std::int64_t line = 0;
  std::int64_t column = 0;
};

Outcome check(std::string_view source, ResultAs as = ResultAs::kUnchecked, bool context = false) {
  CompileOptions options;
  options.params = kParams;
  options.as = as;
  options.context = context;
  const auto program = compile(source, options);
  if (program) return {"ok", "", "", 0, 0};
  Outcome out;
  out.code = program.error().code;
  out.message = program.error().message;
  const auto details = base::Json::parse(program.error().details);
  if (details) {
    out.line = details->root().get("line").integer().value_or(0);
    out.column = details->root().get("column").integer().value_or(0);
    if (details->root().get("hint")) out.hint = details->root().get("hint").string();
  }
  return out;
}

TEST(CelChecker, HintsAtTheParamBehindAMisspeltNamespace) {
  const Outcome out = check("param.recipient");
  EXPECT_EQ(out.code, "cel.compile");
  EXPECT_EQ(out.hint, "did you mean `params.recipient`?");
  EXPECT_EQ(out.line, 1);
  EXPECT_EQ(out.column, 1);
}

TEST(CelChecker, RefusesOptionalItemsThatAreNoOptionals) {
  EXPECT_EQ(check("[1, ?2, 3]").code, "cel.compile");
  EXPECT_EQ(check("['x', ?1, 2 + 5]").code, "cel.compile");
  EXPECT_EQ(check("{?'a': 1, 'b': 2}").code, "cel.compile");
  EXPECT_EQ(check("[?optional.of(1), 2]").code, "ok");
}

TEST(CelChecker, QuotesWholeCodePoints) {
  const std::string token = "'" + std::string(38, 'x') + "\xD0\xAA\xD0\xAA'";
  const Outcome refused = check("1 " + token);
  EXPECT_EQ(refused.code, "cel.compile");
  EXPECT_TRUE(base::is_valid_utf8(refused.message)) << refused.message;
  EXPECT_EQ(check("1 b'\\320'").message, "1:3: unexpected bytes, expected the end of the expression");
}

TEST(CelChecker, HintsAtTheNearestParam) {
  const Outcome out = check("1 == 1 &&\n  has(params.recipeint)");
  EXPECT_EQ(out.hint, "did you mean `params.recipient`?");
  EXPECT_EQ(out.line, 2);
  EXPECT_EQ(out.column, 14);
}

TEST(CelChecker, HintsAtAParamWrittenWithoutItsNamespace) {
  EXPECT_EQ(check("amount").hint, "did you mean `params.amount`?");
}

TEST(CelChecker, HintsAtConstantsAndFunctions) {
  EXPECT_EQ(check("SETLED").hint, "did you mean `SETTLED`?");
  EXPECT_EQ(check("DEPOSIT", ResultAs::kString).hint, "a text is in quotes: 'DEPOSIT'");
  EXPECT_EQ(check("EUR", ResultAs::kCurrency).hint, "a text is in quotes: 'EUR'");
  EXPECT_EQ(check("12e80268-e31c-48bc-9db4-6f96b9aee77a", ResultAs::kUuid).hint,
            "write uuid('12e80268-e31c-48bc-9db4-6f96b9aee77a')");
  EXPECT_EQ(check("12345678-1234-1234-1234-123456789012", ResultAs::kUuid).hint,
            "write uuid('12345678-1234-1234-1234-123456789012')");
  EXPECT_EQ(check("'12e80268-e31c-48bc-9db4-6f96b9aee77a'", ResultAs::kUuid).hint, "write uuid('...')");
  EXPECT_EQ(check("debit").hint, "did you mean `DEBIT`?");
  EXPECT_EQ(check("decimal.add('1', '2')").hint, "did you mean `decimal.Add`?");
  EXPECT_EQ(check("'x'.startWith('y')").hint, "did you mean `startsWith`?");
  EXPECT_EQ(check("startsWith('x', 'y')").hint, "it is called on a value, x.startsWith(...)");
}

TEST(CelChecker, HintsAtContextFields) {
  EXPECT_EQ(check("context.vars.entry.unit == 1", ResultAs::kBool, true).hint, "did you mean `units`?");
  EXPECT_EQ(check("context.vars.acount.id", ResultAs::kUnchecked, true).hint, "did you mean `account`?");
}

TEST(CelChecker, RefusesAResultThatCannotBecomeWhatIsNeeded) {
  EXPECT_EQ(check("'x'", ResultAs::kDecimal).message,
            "1:1: the result is of type string, where a decimal is needed (write decimal('10.50'))");
  EXPECT_EQ(check("params.amount", ResultAs::kUuid).code, "cel.compile");
  EXPECT_EQ(check("params.?order", ResultAs::kAny).code, "cel.compile");
  EXPECT_EQ(check("params.count", ResultAs::kDecimal).code, "ok");
  EXPECT_EQ(check("params.order", ResultAs::kDecimal).code, "ok");
  EXPECT_EQ(check("date()", ResultAs::kTimestamp).code, "ok");
}

TEST(CelChecker, RefusesConstantsThatNameNoLayerDirectionOrCurrency) {
  EXPECT_EQ(check("'Settled'", ResultAs::kLayer).code, "cel.coerce");
  EXPECT_EQ(check("'debit'", ResultAs::kDirection).code, "cel.coerce");
  EXPECT_EQ(check("'US' + 'DX'", ResultAs::kCurrency).code, "currency.unknown");
  EXPECT_EQ(check("SETTLED", ResultAs::kLayer).code, "ok");
}

TEST(CelChecker, RefusesOperatorsThatNoOverloadTakes) {
  EXPECT_EQ(check("params.amount / 2").hint, "write decimal.Div(a, b, scale, mode)");
  EXPECT_EQ(check("params.amount * 1.5").hint, "write the number as decimal('...')");
  EXPECT_EQ(check("params.amount + '1'").message,
            "1:15: no such overload: decimal + string (write the text as decimal('...'))");
  EXPECT_EQ(check("1 + 1u").code, "cel.compile");
  EXPECT_EQ(check("!params.count").code, "cel.compile");
  EXPECT_EQ(check("params.count ? 1 : 2").code, "cel.compile");
  EXPECT_EQ(check("params.count && true").code, "cel.compile");
}

TEST(CelChecker, LeavesToRuntimeWhatOnlyItKnows) {
  EXPECT_EQ(check("params.order.total + 1").code, "ok");
  EXPECT_EQ(check("params.order.lines.all(each, each.n > 0 && each.ok)").code, "ok");
  EXPECT_EQ(check("dyn(1) + 1u").code, "ok");
  EXPECT_EQ(check("[1, 'x'].map(e, e + 1)").code, "ok");
}

TEST(CelChecker, FollowsTypesThroughMacros) {
  EXPECT_EQ(check("[1, 2].map(e, e + 1)[0] == 'x'.size()").code, "ok");
  EXPECT_EQ(check("[1, 2].map(e, e + 'x')").code, "cel.compile");
  EXPECT_EQ(check("[1, 2].all(e, e)").code, "cel.compile");
  EXPECT_EQ(check("{'a': 1}.all(k, v, k == 'a' && v > 0)").code, "ok");
  EXPECT_EQ(check("{'a': 1}.all(k, v, k + v == 'a')").code, "cel.compile");
  EXPECT_EQ(check("params.count.all(e, true)").code, "cel.compile");
}

TEST(CelChecker, ForgetsWhatCannotMatter) {
  EXPECT_EQ(check("false && missing").code, "ok");
  EXPECT_EQ(check("missing(1) || true").code, "ok");
  EXPECT_EQ(check("true ? 1 : missing").code, "ok");
  EXPECT_EQ(check("false && missing || other").code, "cel.compile");
}

TEST(CelChecker, RefusesArgumentsAndNamesWhatIsTaken) {
  const Outcome out = check("decimal(1.5)");
  EXPECT_EQ(out.message.find("1:1: no such overload: decimal(double)"), 0U);
  EXPECT_EQ(out.hint, "it takes (decimal) or (string) or (int) or (uint)");
  EXPECT_EQ(check("'x'.contains(1)").code, "cel.compile");
  EXPECT_EQ(check("decimal.Div(params.amount, 3, 2)").code, "cel.compile");
}

TEST(CelChecker, RefusesABrokenPatternWithTheExpression) {
  EXPECT_EQ(check("'x'.matches('(')").message.find("1:4: invalid regular expression"), 0U);
  EXPECT_EQ(check("'x'.matches('" + std::string(1025, 'a') + "')").message,
            "1:4: the pattern is longer than 1024 bytes");
}

TEST(CelChecker, CanBeTurnedOff) {
  CompileOptions options;
  options.check = false;
  const auto program = compile("missing || true", options);
  ASSERT_TRUE(program.ok());
  Arena arena;
  EXPECT_TRUE(evaluate(**program, {}, arena)->as_bool());
}

}  // namespace
}  // namespace cala::cel
