#include "cel/evaluator.h"

#include "cel/map.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

Value no_overload(std::string_view name, std::uint32_t position) {
  return Value::failure(FailureCode::kNoSuchOverload, position, name);
}

}  // namespace

bool Evaluator::reserve_locals(std::uint32_t count) {
  if (count <= kInlineLocals) return true;
  locals_ = runtime_.arena.allocate_array<Value>(count);
  return locals_ != nullptr;
}

Value Evaluator::run(const Expr &expr) {
  if (!runtime_.charge(1)) return Value::failure(FailureCode::kStepLimit, expr.position);
  if (expr.step_count == 0) return leaf(expr);
  Value value = leaf(expr);
  const Step *step = expr.steps;
  for (const Step *end = step + expr.step_count; step != end; ++step) {
    if (value.is_error()) return value;
    if (!runtime_.charge(1)) return Value::failure(FailureCode::kStepLimit, step->position);
    if (step->kind == StepKind::kCall) {
      value = call(*step, value);
    } else if (step->kind == StepKind::kComprehension) {
      value = comprehension(*step, value);
    } else {
      value = apply(*step, value);
    }
  }
  return value;
}

Value Evaluator::run_step(const Step &step, const Value &on) {
  return step.kind == StepKind::kCall ? call(step, on) : apply(step, on);
}

Value Evaluator::leaf(const Expr &expr) {
  switch (expr.leaf) {
    case LeafKind::kConstant: return expr.constant;
    case LeafKind::kParam: return param(expr);
    case LeafKind::kLocal: return locals_[expr.index];
    case LeafKind::kContextField: return context_field(expr);
    case LeafKind::kHasParam:
      return Value::boolean(expr.index < bindings_.params.size() && !bindings_.params[expr.index].is_absent());
    case LeafKind::kHasContextField:
      return Value::boolean(bindings_.context != nullptr &&
                            !bindings_.context->field(static_cast<ContextField>(expr.index)).is_absent());
    case LeafKind::kAnd: return logic(expr, false);
    case LeafKind::kOr: return logic(expr, true);
    case LeafKind::kVariable:
      if (expr.index < bindings_.variables.size() && !bindings_.variables[expr.index].is_absent())
        return bindings_.variables[expr.index];
      return Value::failure(FailureCode::kUnknownVariable, expr.position, expr.name);
    case LeafKind::kList: return placed(list_literal(expr), expr.position);
    case LeafKind::kMap: return placed(map_literal(expr), expr.position);
    case LeafKind::kAllParams: return placed(all_params(), expr.position);
    case LeafKind::kContextMap: return placed(context_map(static_cast<ContextMap>(expr.index)), expr.position);
    case LeafKind::kCall: return dispatch(expr.overloads, nullptr, 0, expr.position);
  }
  return Value::null();
}

Value Evaluator::param(const Expr &expr) {
  if (expr.index < bindings_.params.size()) {
    const Value &given = bindings_.params[expr.index];
    if (!given.is_absent()) return given;
  }
  return Value::failure(FailureCode::kMissingParam, expr.position, expr.name);
}

Value Evaluator::context_field(const Expr &expr) {
  if (bindings_.context != nullptr) {
    const Value found = bindings_.context->field(static_cast<ContextField>(expr.index));
    if (!found.is_absent()) return found;
  }
  return Value::failure(FailureCode::kNoSuchKey, expr.position, expr.name);
}

Value Evaluator::all_params() {
  MapBuilder builder(runtime_.arena);
  if (!runtime_.charge(param_names_.size())) return Runtime::out_of_steps();
  for (std::size_t i = 0; i < param_names_.size() && i < bindings_.params.size(); ++i) {
    if (bindings_.params[i].is_absent()) continue;
    const auto put = builder.put(Value::string(param_names_[i]), bindings_.params[i]);
    if (put == MapBuilder::Put::kNoMemory) return Runtime::out_of_memory();
  }
  const MapData *data = builder.finish();
  return data == nullptr ? Runtime::out_of_memory() : Value::map(data);
}

Value Evaluator::put_context_map(ContextMap map, std::string_view name, MapBuilder &into) {
  const Value inner = context_map(map);
  if (inner.is_error()) return inner;
  return into.put(Value::string(name), inner) == MapBuilder::Put::kDone ? Value::null() : Runtime::out_of_memory();
}

Value Evaluator::context_map(ContextMap map) {
  MapBuilder builder(runtime_.arena);
  if (!runtime_.charge(kContextFieldCount)) return Runtime::out_of_steps();
  Value put = Value::null();
  if (map == ContextMap::kContext) {
    put = put_context_map(ContextMap::kVars, "vars", builder);
  } else if (map == ContextMap::kVars) {
    put = put_context_map(ContextMap::kTransaction, "transaction", builder);
    if (!put.is_error()) put = put_context_map(ContextMap::kEntry, "entry", builder);
    if (!put.is_error()) put = put_context_map(ContextMap::kAccount, "account", builder);
  }
  if (put.is_error()) return put;
  for (std::size_t i = 0; i < kContextFieldCount && bindings_.context != nullptr; ++i) {
    if (kContextFieldSpecs[i].map != map) continue;
    const Value field = bindings_.context->field(static_cast<ContextField>(i));
    if (field.is_absent()) continue;
    if (builder.put(Value::string(kContextFieldSpecs[i].name), field) != MapBuilder::Put::kDone)
      return Runtime::out_of_memory();
  }
  const MapData *data = builder.finish();
  return data == nullptr ? Runtime::out_of_memory() : Value::map(data);
}

Value Evaluator::list_literal(const Expr &expr) {
  auto *items = runtime_.arena.allocate_array<Value>(expr.item_count);
  if (items == nullptr) return Runtime::out_of_memory();
  std::size_t count = 0;
  for (std::uint32_t i = 0; i < expr.item_count; ++i) {
    items[count] = run(*expr.items[i]);
    if (items[count].is_error()) return items[count];
    if (expr.items[i]->optional_item) {
      if (!items[count].is(Kind::kOptional)) return no_overload("[?]", expr.items[i]->position);
      const Value *held = items[count].as_optional();
      if (held == nullptr) continue;
      items[count] = *held;
    }
    ++count;
  }
  return Value::list(items, count);
}

Value Evaluator::map_literal(const Expr &expr) {
  MapBuilder builder(runtime_.arena);
  if (!builder.reserve(expr.item_count / 2)) return Runtime::out_of_memory();
  for (std::uint32_t i = 0; i + 1 < expr.item_count; i += 2) {
    const Value key = run(*expr.items[i]);
    if (key.is_error()) return key;
    Value value = run(*expr.items[i + 1]);
    if (value.is_error()) return value;
    if (expr.items[i]->optional_item) {
      if (!value.is(Kind::kOptional)) return no_overload("{?}", expr.items[i]->position);
      if (value.as_optional() == nullptr) continue;
      value = *value.as_optional();
    }
    switch (builder.put(key, value)) {
      case MapBuilder::Put::kDone: break;
      case MapBuilder::Put::kRepeated:
        return Value::failure(FailureCode::kRepeatedKey, expr.items[i]->position,
                              key.is(Kind::kString) ? key.as_text() : std::string_view());
      case MapBuilder::Put::kNotAKey:
        return Value::failure(FailureCode::kUnsupportedKey, expr.items[i]->position, kind_type_name(key.kind()));
      case MapBuilder::Put::kNoMemory: return Runtime::out_of_memory();
    }
    if (!runtime_.charge(builder.take_work())) return Runtime::out_of_steps();
  }
  const MapData *data = builder.finish();
  return data == nullptr ? Runtime::out_of_memory() : Value::map(data);
}

// An operand that decides wins over failures on either side of it; a failure, or what is no bool, wins over the rest.
Value Evaluator::logic(const Expr &expr, bool deciding) {
  Value failure;
  for (std::uint32_t i = 0; i < expr.item_count; ++i) {
    const Value value = run(*expr.items[i]);
    if (value.is(Kind::kBool)) {
      if (value.as_bool() == deciding) return value;
    } else if (is_limit(value)) {
      return value;
    } else if (failure.is_absent()) {
      failure = value.is_error() ? value : no_overload(deciding ? "||" : "&&", expr.items[i]->position);
    }
  }
  return failure.is_absent() ? Value::boolean(!deciding) : failure;
}

Value Evaluator::conditional(const Step &step, const Value &on) {
  if (!on.is(Kind::kBool)) return no_overload("?:", step.position);
  return run(*step.items[on.as_bool() ? 0 : 1]);
}

Value Evaluator::apply(const Step &step, const Value &on) {
  switch (step.kind) {
    case StepKind::kNot: return on.is(Kind::kBool) ? Value::boolean(!on.as_bool()) : no_overload("!", step.position);
    case StepKind::kNegate: return placed(negate(on), step.position);
    case StepKind::kSelect:
      return placed(
          on.is(Kind::kOptional) ? opt_select_field(runtime_, on, step.name) : select_field(runtime_, on, step.name),
          step.position);
    case StepKind::kHas: return placed(has_field(runtime_, on, step.name), step.position);
    case StepKind::kOptSelect: return placed(opt_select_field(runtime_, on, step.name), step.position);
    case StepKind::kConditional: return conditional(step, on);
    case StepKind::kMatches:
      if (!on.is(Kind::kString)) return no_overload("matches", step.position);
      return placed(runtime_.matches(*step.regex, on.as_text()), step.position);
    default: break;
  }
  const Value other = run(*step.items[0]);
  if (other.is_error()) return other;
  switch (step.kind) {
    case StepKind::kCompare: return placed(relate(runtime_, step.op, on, other), step.position);
    case StepKind::kArithmetic: return placed(arithmetic(runtime_, step.op, on, other), step.position);
    case StepKind::kIn: return placed(contained(runtime_, on, other), step.position);
    case StepKind::kIndex: return placed(index_into(runtime_, on, other), step.position);
    default: return placed(opt_index_into(runtime_, on, other), step.position);
  }
}

Value Evaluator::call(const Step &step, const Value &on) {
  constexpr std::uint32_t kFew = 3;
  const std::uint32_t count = step.item_count + 1;
  Value few[kFew];
  Value *args = count <= kFew ? few : runtime_.arena.allocate_array<Value>(count);
  if (args == nullptr) return Value::failure(FailureCode::kMemoryLimit, step.position);
  args[0] = on;
  for (std::uint32_t i = 1; i < count; ++i) {
    args[i] = run(*step.items[i - 1]);
    if (args[i].is_error()) return args[i];
  }
  return dispatch(step.overloads, args, count, step.position);
}

Value Evaluator::dispatch(const OverloadRange &overloads, const Value *args, std::uint32_t count,
                          std::uint32_t position) {
  if (overloads.count == 0) return Value::failure(FailureCode::kUnknownFunction, position);
  const Overload *overload = select_overload(overloads, args, count);
  if (overload == nullptr) return Value::failure(FailureCode::kNoSuchOverload, position, overloads.first->name);
  if (!runtime_.charge_call(*overload, args, count)) return Value::failure(FailureCode::kStepLimit, position);
  return placed(overload->function(runtime_, args, count), position);
}

}  // namespace cala::cel
