#include "cel/cel.h"

#include <algorithm>

#include "cel/ast.h"
#include "cel/compiler.h"
#include "cel/evaluator.h"
#include "cel/failure.h"
#include "cel/parser.h"
#include "cel/plan.h"

namespace cala::cel {

namespace {

constexpr std::size_t kCompileBudget = std::size_t{32} << 20;

base::Outcome check_source(std::string_view source) {
  if (source.size() > kMaxSource) return compile_error({}, 0, "the expression is longer than 64 KiB");
  if (!base::is_valid_utf8(source)) return compile_error({}, 0, "the expression is not valid UTF-8");
  return {};
}

// A constant that names no layer, direction or currency is refused with the expression, not with the first posting.
base::Outcome check_constant(const Value &value, ResultAs as) {
  if (as == ResultAs::kLayer) {
    if (auto layer = to_layer(value); !layer) return std::move(layer.error());
  } else if (as == ResultAs::kDirection) {
    if (auto direction = to_direction(value); !direction) return std::move(direction.error());
  } else if (as == ResultAs::kCurrency) {
    if (auto currency = to_currency(value); !currency) return std::move(currency.error());
  }
  return {};
}

// A UUID without its uuid('...') is no expression, or one that subtracts.
bool is_uuid(std::string_view source) {
  while (!source.empty() && source.front() == ' ') source.remove_prefix(1);
  while (!source.empty() && source.back() == ' ') source.remove_suffix(1);
  return base::Uuid::parse(source).has_value();
}

base::Error bare_uuid(std::string_view source) {
  return compile_error(source, 0, "a uuid stands here by itself", "write uuid('" + std::string(source) + "')");
}

}  // namespace

Program::Program(std::unique_ptr<const Plan> plan) : plan_(std::move(plan)) {}
Program::~Program() = default;
std::string_view Program::source() const { return plan_->source; }
bool Program::is_constant() const { return plan_->root->is_constant(); }
const Value *Program::constant() const { return is_constant() ? &plan_->root->constant : nullptr; }
bool Program::reads_param(std::size_t index) const {
  return index < plan_->params_read.size() && plan_->params_read[index];
}
bool Program::reads_context() const { return plan_->reads_context; }

base::Result<ProgramPtr> compile(std::string_view source, const CompileOptions &options) {
  if (auto checked = check_source(source); !checked) return std::move(checked.error());
  auto plan = std::make_unique<Program::Plan>();
  plan->source.assign(source);
  plan->params_read.assign(options.params.size(), false);
  for (const ParamSpec &param : options.params) plan->param_names.push_back(param.name);
  Arena scratch;
  scratch.start_budget(kCompileBudget);
  plan->arena.start_budget(kCompileBudget);
  Parser parser(plan->source, scratch, plan->arena, options.macros);
  auto parsed = parser.parse();
  if (!parsed) return is_uuid(source) ? bare_uuid(source) : std::move(parsed.error());
  Compiler compiler(options, *plan, scratch);
  if (auto compiled = compiler.compile(*parsed); !compiled)
    return is_uuid(source) ? bare_uuid(source) : std::move(compiled.error());
  if (options.check && plan->root->is_constant()) {
    if (auto checked = check_constant(plan->root->constant, options.as); !checked) return std::move(checked.error());
  }
  return std::make_shared<const Program>(std::move(plan));
}

namespace {

Value run(const Program::Plan &plan, Evaluator &evaluator) {
  if (!evaluator.reserve_locals(plan.local_count)) return Runtime::out_of_memory();
  const Value value = evaluator.run(*plan.root);
  return !value.is_error() && evaluator.runtime().steps_left < 0 ? Runtime::out_of_steps() : value;
}

// Within what is left of the shared limits, which it lowers.
Value run_shared(const Program::Plan &plan, Evaluator &evaluator, Arena &arena, Shared &shared) {
  Runtime &runtime = evaluator.runtime();
  const std::int64_t steps = std::min(kMaxSteps, shared.steps_left);
  const std::size_t bytes = std::min(Arena::kEvaluationBudget, shared.bytes_left);
  arena.start_budget(bytes);
  runtime.steps_left = steps;
  runtime.opened = shared.opened;
  const Value value = run(plan, evaluator);
  shared.opened = runtime.opened;
  shared.steps_left -= steps - std::max<std::int64_t>(runtime.steps_left, 0);
  shared.bytes_left -= bytes - arena.remaining_budget();
  if (!is_limit(value)) return value;
  const bool of_steps = value.failure_code() == FailureCode::kStepLimit;
  if (of_steps ? steps == kMaxSteps : bytes == Arena::kEvaluationBudget) return value;
  return Value::failure(of_steps ? FailureCode::kSharedStepLimit : FailureCode::kSharedMemoryLimit,
                        value.failure_position());
}

}  // namespace

base::Result<Value> evaluate(const Program &program, const Bindings &bindings, Arena &arena) {
  const Program::Plan &plan = program.plan();
  Evaluator evaluator(bindings, arena, plan.param_names);
  Value value;
  if (bindings.shared != nullptr) {
    value = run_shared(plan, evaluator, arena, *bindings.shared);
  } else {
    arena.start_budget();
    value = run(plan, evaluator);
  }
  if (value.is_error()) return failure_error(value, plan.source);
  return value;
}

}  // namespace cala::cel
