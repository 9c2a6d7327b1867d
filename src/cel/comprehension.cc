// The macros that walk a list or the keys of a map, and those that bind one value.
#include "cel/evaluator.h"
#include "cel/functions.h"
#include "cel/map.h"
#include "cel/operators.h"

namespace cala::cel {

// What a walk has gathered so far.
struct Evaluator::Loop {
  explicit Loop(Arena &arena) : map(arena) {}
  Value item;     // the element or key
  Value failure;  // the first one met, absent while none
  Value decided;  // the answer, once it is known early
  std::size_t hits = 0;
  Value *out = nullptr;   // of a list result
  Value *keys = nullptr;  // of sortBy
  std::size_t count = 0;
  MapBuilder map;
};

Value Evaluator::comprehension(const Step &step, const Value &on) {
  switch (step.macro) {
    case Macro::kBind: return bind(step, on);
    case Macro::kOptMap:
    case Macro::kOptFlatMap: return optional_macro(step, on);
    default: break;
  }
  Loop loop(runtime_.arena);
  const bool over_map = on.is(Kind::kMap);
  if (!over_map && !on.is(Kind::kList))
    return Value::failure(FailureCode::kNoSuchOverload, step.position, "comprehension");
  const std::size_t size = runtime_.size_of(on);
  if (step.macro == Macro::kMap || step.macro == Macro::kFilter || step.macro == Macro::kSortBy) {
    loop.out = runtime_.arena.allocate_array<Value>(size);
    if (step.macro == Macro::kSortBy) loop.keys = runtime_.arena.allocate_array<Value>(size);
    if (loop.out == nullptr || (step.macro == Macro::kSortBy && loop.keys == nullptr))
      return Value::failure(FailureCode::kMemoryLimit, step.position);
  }
  return over_map ? loop_map(step, on, loop) : loop_list(step, on, loop);
}

Value Evaluator::loop_list(const Step &step, const Value &on, Loop &loop) {
  ListCursor cursor(on, &runtime_);
  std::int64_t index = 0;
  while (cursor.next(loop.item)) {
    if (step.two_names) {
      locals_[step.slot] = Value::integer(index++);
      locals_[step.slot + 1] = loop.item;
    } else {
      locals_[step.slot] = loop.item;
    }
    if (!each(step, loop)) break;
  }
  return finish(step, loop);
}

Value Evaluator::loop_map(const Step &step, const Value &on, Loop &loop) {
  MapCursor cursor(on, &runtime_);
  Value value;
  while (cursor.next(loop.item, value)) {
    locals_[step.slot] = loop.item;
    if (step.two_names) locals_[step.slot + 1] = value;
    if (!each(step, loop)) break;
  }
  return finish(step, loop);
}

bool Evaluator::each(const Step &step, Loop &loop) {
  if (!runtime_.charge(1)) {
    loop.decided = Value::failure(FailureCode::kStepLimit, step.position);
    return false;
  }
  switch (step.macro) {
    case Macro::kAll:
    case Macro::kExists:
    case Macro::kExistsOne: return each_quantifier(step, loop);
    case Macro::kTransformMap:
    case Macro::kTransformMapEntry: return each_map(step, loop);
    default: return each_list(step, loop);
  }
}

bool Evaluator::each_quantifier(const Step &step, Loop &loop) {
  const Value value = run(*step.items[0]);
  if (!value.is(Kind::kBool)) {
    const Value failure =
        value.is_error() ? value : Value::failure(FailureCode::kNoSuchOverload, step.position, "predicate");
    if (loop.failure.is_absent()) loop.failure = failure;
    if (step.macro == Macro::kExistsOne || is_limit(failure)) loop.decided = failure;
    return loop.decided.is_absent();
  }
  if (step.macro == Macro::kExistsOne) {
    loop.hits += value.as_bool() ? 1 : 0;
    return true;
  }
  const bool deciding = step.macro == Macro::kExists;
  if (value.as_bool() != deciding) return true;
  loop.decided = value;
  return false;
}

// Whether the filter, items[item], lets the element through. False: the walk ends with the failure.
bool Evaluator::passes(const Step &step, std::uint32_t item, Loop &loop, bool &pass) {
  const Value value = run(*step.items[item]);
  if (value.is(Kind::kBool)) {
    pass = value.as_bool();
    return true;
  }
  loop.decided = value.is_error() ? value : Value::failure(FailureCode::kNoSuchOverload, step.position, "filter");
  return false;
}

bool Evaluator::each_list(const Step &step, Loop &loop) {
  bool pass = true;
  const bool filters = step.macro == Macro::kFilter;
  if (filters || step.item_count == 2) {
    if (!passes(step, filters ? 0 : 1, loop, pass)) return false;
    if (!pass) return true;
  }
  Value made = loop.item;
  if (!filters) {
    made = run(*step.items[0]);
    if (made.is_error()) {
      loop.decided = made;
      return false;
    }
  }
  if (loop.keys != nullptr) {
    loop.keys[loop.count] = made;
    made = loop.item;
  }
  loop.out[loop.count++] = made;
  return true;
}

bool Evaluator::each_map(const Step &step, Loop &loop) {
  bool pass = true;
  if (step.item_count == 2 && !passes(step, 1, loop, pass)) return false;
  if (!pass) return true;
  const Value key = locals_[step.slot];
  const Value made = run(*step.items[0]);
  auto put = MapBuilder::Put::kDone;
  if (made.is_error()) {
    loop.decided = made;
  } else if (step.macro == Macro::kTransformMap) {
    put = loop.map.put(key, made);
  } else if (!made.is(Kind::kMap)) {
    loop.decided = Value::failure(FailureCode::kNoSuchOverload, step.position, "transformMapEntry");
  } else {
    MapCursor cursor(made, &runtime_);
    Value entry_key;
    Value entry_value;
    while (put == MapBuilder::Put::kDone && cursor.next(entry_key, entry_value)) {
      put = loop.map.put(entry_key, entry_value);
      if (!runtime_.charge(1 + loop.map.take_work())) break;
    }
  }
  if (!runtime_.charge(loop.map.take_work())) loop.decided = Value::failure(FailureCode::kStepLimit, step.position);
  if (put == MapBuilder::Put::kNoMemory) loop.decided = Value::failure(FailureCode::kMemoryLimit, step.position);
  if (put == MapBuilder::Put::kRepeated) loop.decided = Value::failure(FailureCode::kRepeatedKey, step.position);
  return loop.decided.is_absent();
}

Value Evaluator::finish(const Step &step, Loop &loop) {
  if (!loop.decided.is_absent()) return loop.decided;
  if (!loop.failure.is_absent()) return loop.failure;
  switch (step.macro) {
    case Macro::kAll: return Value::boolean(true);
    case Macro::kExists: return Value::boolean(false);
    case Macro::kExistsOne: return Value::boolean(loop.hits == 1);
    case Macro::kSortBy: return sort_by(step, loop);
    case Macro::kTransformMap:
    case Macro::kTransformMapEntry: {
      const MapData *data = loop.map.finish();
      return data == nullptr ? Value::failure(FailureCode::kMemoryLimit, step.position) : Value::map(data);
    }
    default: return Value::list(loop.out, loop.count);
  }
}

Value Evaluator::sort_by(const Step &step, Loop &loop) {
  const Value sorted = sort_values(runtime_, loop.keys, loop.out, loop.count);
  return placed(sorted, step.position);
}

Value Evaluator::bind(const Step &step, const Value &on) {
  locals_[step.slot] = on;
  return run(*step.items[0]);
}

Value Evaluator::optional_macro(const Step &step, const Value &on) {
  if (!on.is(Kind::kOptional)) return Value::failure(FailureCode::kNoSuchOverload, step.position, "optMap");
  if (on.as_optional() == nullptr) return on;
  locals_[step.slot] = *on.as_optional();
  const Value made = run(*step.items[0]);
  if (made.is_error()) return made;
  if (step.macro == Macro::kOptMap) return make_optional(runtime_, made);
  return made.is(Kind::kOptional) ? made : Value::failure(FailureCode::kNoSuchOverload, step.position, "optFlatMap");
}

}  // namespace cala::cel
