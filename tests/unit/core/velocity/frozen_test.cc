#include "core/velocity/frozen.h"

#include "unit/core/velocity/velocity_fixture.h"

namespace cala::core {
namespace {

TEST(VelocityDefinition, RefusesWhatCanNeverBeEvaluated) {
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("decimal('5')"), now())), "ok");
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("decimal('5'"), now())), "cel.compile");
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("params.none"), now())), "cel.compile");
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("context.vars.entry.units"), now())), "cel.compile")
      << "an amount is worked out when a control is attached, where there is no posting";
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("decimal('5')", "'SIDEWAYS'"), now())), "cel.coerce");
  VelocityLimit limit = limit_of("decimal('5')");
  limit.condition = "context.vars.entry.units";
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "cel.compile") << "a condition is true or false";
  limit = limit_of("decimal('5')");
  limit.window = {{"day", "'a'"}, {"day", "'b'"}};
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "request.malformed");
  limit = limit_of("params.most");
  limit.params = {decimal_param("most"), decimal_param("most")};
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "param.duplicate");
  limit.params = {decimal_param("most")};
  limit.params[0].default_expr = "'much'";
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "param.type");
  VelocityControl control = control_of({});
  control.condition = "context.vars.entry.units > 1 &&";
  EXPECT_EQ(code_of(check_velocity_control(control)), "cel.compile");
}

TEST(VelocityFreezing, WorksOutTheParams) {
  VelocityLimit limit = limit_of("decimal.Add(params.most, '1')");
  limit.params = {decimal_param("most")};
  limit.rule.balance[0].start = "timestamp('2026-01-01T00:00:00Z')";
  const auto frozen = [&](const char *params) {
    const base::Result<base::Json> json = base::Json::parse(params);
    base::Result<FrozenControl> out = freeze(control_of({limit}), json->root(), now());
    return out ? out->limits[0].balance[0].amount.text() : out.error().code;
  };
  EXPECT_EQ(frozen(R"({"most": "5"})"), "6");
  EXPECT_EQ(frozen("{}"), "param.missing");
  EXPECT_EQ(frozen(R"({"most": "a lot"})"), "param.type");
  EXPECT_EQ(frozen(R"({"most": "5", "least": "1"})"), "param.unknown");
  limit.params[0].default_expr = "decimal('7')";
  EXPECT_EQ(frozen("{}"), "8");
}

TEST(VelocityFreezing, KnowsItsLimits) {
  VelocityLimit one = limit_of("decimal('1')"), other = limit_of("decimal('2')");
  other.id = base::Uuid::parse("00000000-0000-0000-0000-00000000ffff").value();
  const auto text_of_limits = [](std::vector<VelocityLimit> limits) {
    return frozen_text(freeze(control_of(std::move(limits)), base::JsonView(), now()).take());
  };
  EXPECT_TRUE(has_limits(text_of_limits({one, other}), {one, other}));
  EXPECT_TRUE(has_limits(text_of_limits({}), {}));
  EXPECT_FALSE(has_limits(text_of_limits({one}), {one, other}));
  EXPECT_FALSE(has_limits(text_of_limits({other}), {one}));
  EXPECT_FALSE(has_limits(text_of_limits({one, other}), {one}));
  EXPECT_FALSE(has_limits("no JSON", {}));
}

TEST(VelocityFreezing, SurvivesItsText) {
  VelocityLimit limit = limit_of("decimal('5.50')", "ENCUMBRANCE", "CREDIT");
  limit.window = {{"day", "context.vars.transaction.effective.format('%Y')"}};
  limit.condition = "context.vars.entry.layer == SETTLED";
  limit.currency = usd();
  limit.rule.timestamp_source = "context.vars.transaction.effective";
  limit.rule.balance[0].start = "timestamp('2026-01-01T00:00:00.000000001Z')";
  limit.rule.balance[0].end = "date('2027-01-01')";
  limit.rule.balance[0].basis = VelocityBasis::kGross;
  VelocityControl control = control_of({limit});
  control.condition = "true";
  control.action = VelocityAction::kWarn;
  const base::Result<FrozenControl> frozen = freeze(control, base::JsonView(), now());
  ASSERT_TRUE(frozen.ok());
  const std::string text = frozen_text(*frozen);
  const base::Result<CompiledControlPtr> again = compile_frozen(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(frozen_text((*again)->frozen), text);
  EXPECT_EQ((*again)->frozen.limits[0].balance[0].start->nanos, 1);
  EXPECT_EQ(compile_frozen("{}").error().code, "store.corrupt");
}

}  // namespace
}  // namespace cala::core
