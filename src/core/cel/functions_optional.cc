// Optionals: a value that may be missing. `.?` and `[?]` make them, `.` and `[]` on one chain.
#include "core/cel/functions.h"
#include "core/cel/operators.h"

namespace cala::core::cel {

namespace {

bool is_zero(const Value &value) {
  switch (value.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return !value.as_bool();
    case Kind::kInt:
    case Kind::kUint: return value.as_uint() == 0;
    case Kind::kDouble: return value.as_double() == 0;
    case Kind::kString:
    case Kind::kBytes: return value.as_text().empty();
    case Kind::kList: return value.list_size() == 0;
    case Kind::kMap: return value.map_size() == 0;
    case Kind::kTimestamp: return value.as_timestamp() == base::Timestamp{};
    case Kind::kDuration: return value.as_duration_nanos() == 0;
    case Kind::kDecimal: return value.as_decimal().is_zero();
    case Kind::kUuid: return value.as_uuid().is_nil();
    case Kind::kOptional: return value.as_optional() == nullptr;
    default: return false;
  }
}

Value of(Runtime &runtime, const Value *args, std::size_t) { return make_optional(runtime, args[0]); }
Value none(Runtime &, const Value *, std::size_t) { return Value::optional_none(); }
Value of_non_zero(Runtime &runtime, const Value *args, std::size_t) {
  return is_zero(args[0]) ? Value::optional_none() : make_optional(runtime, args[0]);
}
Value has_value(Runtime &, const Value *args, std::size_t) { return Value::boolean(args[0].as_optional() != nullptr); }
Value value(Runtime &, const Value *args, std::size_t) {
  return args[0].as_optional() == nullptr ? Runtime::fail(FailureCode::kNoneValue) : *args[0].as_optional();
}
Value either(Runtime &, const Value *args, std::size_t) { return args[0].as_optional() == nullptr ? args[1] : args[0]; }
Value or_value(Runtime &, const Value *args, std::size_t) {
  return args[0].as_optional() == nullptr ? args[1] : *args[0].as_optional();
}

// The values of those that have one.
Value unwrap(Runtime &runtime, const Value *args, std::size_t) {
  const std::size_t count = args[0].list_size();
  auto *to = runtime.arena.allocate_array<Value>(count);
  if (to == nullptr) return Runtime::out_of_memory();
  if (!runtime.charge(count)) return Runtime::out_of_steps();
  std::size_t made = 0;
  ListCursor cursor(args[0]);
  for (Value item; cursor.next(item);) {
    if (!item.is(Kind::kOptional)) return Runtime::fail(FailureCode::kNoSuchOverload, "unwrap");
    if (item.as_optional() != nullptr) to[made++] = *item.as_optional();
  }
  return Value::list(to, made);
}

constexpr Overload kFunctions[] = {
    {"optional.none", false, ">O", none},
    {"optional.of", false, "*>P", of},
    {"optional.ofNonZeroValue", false, "*>P", of_non_zero},
    {"optional.unwrap", false, "l>l", unwrap},
    {"unwrapOpt", true, "l>l", unwrap},
    {"hasValue", true, "O>b", has_value},
    {"value", true, "O>v", value},
    {"or", true, "OO>O", either},
    {"orValue", true, "O*>w", or_value},
};

}  // namespace

std::span<const Overload> optional_functions() { return kFunctions; }

}  // namespace cala::core::cel
