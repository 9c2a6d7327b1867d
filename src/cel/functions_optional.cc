// Optionals: a value that may be missing. `.?` and `[?]` make them, `.` and `[]` on one chain.
#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

bool is_zero(Runtime &runtime, const Value &value) {
  switch (value.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return !value.as_bool();
    case Kind::kInt:
    case Kind::kUint: return value.as_uint() == 0;
    case Kind::kDouble: return value.as_double() == 0;
    case Kind::kString:
    case Kind::kBytes: return value.as_text().empty();
    case Kind::kList:
    case Kind::kMap: return runtime.size_of(value) == 0;
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
  return is_zero(runtime, args[0]) ? Value::optional_none() : make_optional(runtime, args[0]);
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
  const std::size_t count = runtime.size_of(args[0]);
  auto *to = runtime.arena.allocate_array<Value>(count);
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t made = 0;
  ListCursor cursor(args[0], &runtime);
  for (Value item; cursor.next(item);) {
    if (!item.is(Kind::kOptional)) return Runtime::fail(FailureCode::kNoSuchOverload, "unwrap");
    if (item.as_optional() != nullptr) to[made++] = *item.as_optional();
  }
  return Value::list(to, made);
}

constexpr Overload kFunctions[] = {
    {"optional.none", kGlobal, ">O", none, kNoCost},
    {"optional.of", kGlobal, "*>P", of, kNoCost},
    {"optional.ofNonZeroValue", kGlobal, "*>P", of_non_zero, kOwnCost},
    {"optional.unwrap", kGlobal, "l>l", unwrap, kWalksItems},
    {"unwrapOpt", kMember, "l>l", unwrap, kWalksItems},
    {"hasValue", kMember, "O>b", has_value, kNoCost},
    {"value", kMember, "O>v", value, kNoCost},
    {"or", kMember, "OO>O", either, kNoCost},
    {"orValue", kMember, "O*>w", or_value, kNoCost},
};

}  // namespace

std::span<const Overload> optional_functions() { return kFunctions; }

}  // namespace cala::cel
