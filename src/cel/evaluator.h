// The walk over a plan. One Evaluator is one evaluation: it counts steps, holds the locals that macros bind, and
// answers a value or a failure. Its recursion follows the nesting of the source, at most kMaxDepth, with small frames.
#pragma once

#include <cstdint>

#include "cel/cel.h"
#include "cel/plan.h"
#include "cel/runtime.h"

namespace cala::cel {

class Evaluator {
 public:
  Evaluator(const Bindings &bindings, Arena &arena, std::span<const std::string> param_names)
      : runtime_{arena, bindings.now}, bindings_(bindings), param_names_(param_names) {}

  // False: no memory for them.
  bool reserve_locals(std::uint32_t count);
  Value run(const Expr &expr);
  // One step on a constant, for folding; the step's items are constants.
  Value run_step(const Step &step, const Value &on);
  Runtime &runtime() { return runtime_; }

 private:
  Value leaf(const Expr &expr);
  Value param(const Expr &expr);
  Value all_params();
  Value context_field(const Expr &expr);
  Value context_map(ContextMap map);
  Value put_context_map(ContextMap map, std::string_view name, class MapBuilder &into);
  Value list_literal(const Expr &expr);
  Value map_literal(const Expr &expr);
  Value logic(const Expr &expr, bool deciding);

  Value apply(const Step &step, const Value &on);  // any step but calls and comprehensions
  Value call(const Step &step, const Value &on);
  Value dispatch(const OverloadRange &overloads, const Value *args, std::uint32_t count, std::uint32_t position);
  Value conditional(const Step &step, const Value &on);

  Value comprehension(const Step &step, const Value &on);
  Value optional_macro(const Step &step, const Value &on);
  Value bind(const Step &step, const Value &on);
  struct Loop;
  Value loop_list(const Step &step, const Value &on, Loop &loop);
  Value loop_map(const Step &step, const Value &on, Loop &loop);
  bool each(const Step &step, Loop &loop);  // false: stop
  bool each_quantifier(const Step &step, Loop &loop);
  bool each_list(const Step &step, Loop &loop);
  bool each_map(const Step &step, Loop &loop);
  bool passes(const Step &step, std::uint32_t item, Loop &loop, bool &pass);
  Value finish(const Step &step, Loop &loop);
  Value sort_by(const Step &step, Loop &loop);

  static constexpr std::uint32_t kInlineLocals = 8;
  Runtime runtime_;
  const Bindings &bindings_;
  std::span<const std::string> param_names_;
  Value inline_locals_[kInlineLocals];
  Value *locals_ = inline_locals_;
};

// A failure that says no position gets this one.
inline Value placed(const Value &value, std::uint32_t position) {
  if (!value.is_error() || value.failure_position() != 0) return value;
  return Value::failure(value.failure_code(), position, value.as_text());
}

}  // namespace cala::cel
