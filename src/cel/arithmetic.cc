#include <cmath>

#include "cel/operators.h"

namespace cala::cel {

namespace {

constexpr std::int64_t kNanos = 1'000'000'000;

Value no_overload(Operator op) { return Runtime::fail(FailureCode::kNoSuchOverload, operator_text(op)); }
Value overflow(std::string_view type) { return Runtime::fail(FailureCode::kOverflow, type); }
Value out_of_range(std::string_view type) { return Runtime::fail(FailureCode::kRange, type); }

Value divide_ints(Operator op, std::int64_t a, std::int64_t b) {
  const bool divide = op == Operator::kDivide;
  if (b == 0) return Runtime::fail(divide ? FailureCode::kDivideByZero : FailureCode::kModulusByZero);
  if (a == INT64_MIN && b == -1) return overflow("int");
  return Value::integer(divide ? a / b : a % b);
}

Value ints(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  bool wrong = false;
  switch (op) {
    case Operator::kAdd: wrong = __builtin_add_overflow(a, b, &out); break;
    case Operator::kSubtract: wrong = __builtin_sub_overflow(a, b, &out); break;
    case Operator::kMultiply: wrong = __builtin_mul_overflow(a, b, &out); break;
    default: return divide_ints(op, a, b);
  }
  return wrong ? overflow("int") : Value::integer(out);
}

Value uints(Operator op, std::uint64_t a, std::uint64_t b) {
  std::uint64_t out = 0;
  bool wrong = false;
  switch (op) {
    case Operator::kAdd: wrong = __builtin_add_overflow(a, b, &out); break;
    case Operator::kSubtract: wrong = __builtin_sub_overflow(a, b, &out); break;
    case Operator::kMultiply: wrong = __builtin_mul_overflow(a, b, &out); break;
    case Operator::kDivide:
      if (b == 0) return Runtime::fail(FailureCode::kDivideByZero);
      out = a / b;
      break;
    default:
      if (b == 0) return Runtime::fail(FailureCode::kModulusByZero);
      out = a % b;
  }
  return wrong ? overflow("uint") : Value::unsigned_integer(out);
}

Value doubles(Operator op, double a, double b) {
  switch (op) {
    case Operator::kAdd: return Value::number(a + b);
    case Operator::kSubtract: return Value::number(a - b);
    case Operator::kMultiply: return Value::number(a * b);
    case Operator::kDivide: return Value::number(a / b);
    default: return no_overload(op);
  }
}

// Long ones may have to be brought to a scale with 256 bits, digit by digit.
bool is_long(const Decimal &value) {
  const base::Int128 coefficient = value.coefficient();
  return coefficient != static_cast<std::int64_t>(coefficient);
}

Value decimals(Runtime &runtime, Operator op, const Value &a, const Value &b) {
  Decimal left;
  Decimal right;
  if (!to_exact(a, left) || !to_exact(b, right)) return no_overload(op);
  if (!runtime.charge(is_long(left) || is_long(right) ? kExactNumbers.fixed : 1)) return Runtime::out_of_steps();
  std::optional<Decimal> out;
  switch (op) {
    case Operator::kAdd: out = Decimal::add(left, right); break;
    case Operator::kSubtract: out = Decimal::sub(left, right); break;
    case Operator::kMultiply: out = Decimal::mul(left, right); break;
    default: return no_overload(op);
  }
  return out ? Value::decimal(*out) : Runtime::fail(FailureCode::kDecimalRange, operator_text(op));
}

Value joined_text(Runtime &runtime, const Value &a, const Value &b) {
  const std::string_view left = a.as_text();
  const std::string_view right = b.as_text();
  if (!runtime.charge(copied(left.size() + right.size()))) return Runtime::out_of_steps();
  auto *to = static_cast<char *>(runtime.arena.allocate(left.size() + right.size() + 1));
  if (to == nullptr) return Runtime::out_of_memory();
  left.copy(to, left.size());
  right.copy(to + left.size(), right.size());
  const std::string_view text(to, left.size() + right.size());
  return a.is(Kind::kString) ? Value::string(text) : Value::bytes(text);
}

Value joined_lists(Runtime &runtime, const Value &a, const Value &b) {
  const std::size_t count = runtime.size_of(a) + runtime.size_of(b);
  if (!runtime.charge(count)) return Runtime::out_of_steps();
  auto *to = runtime.arena.allocate_array<Value>(count);
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t at = 0;
  for (const Value *list : {&a, &b}) {
    ListCursor cursor(*list, &runtime);
    Value item;
    while (cursor.next(item)) to[at++] = item;
  }
  return Value::list(to, count);
}

Value moved(const Value &when, std::int64_t nanos) {
  const base::Timestamp from = midnight(when);
  std::int64_t seconds = nanos / kNanos;
  std::int64_t rest = nanos % kNanos + from.nanos;
  if (rest < 0) {
    rest += kNanos;
    --seconds;
  } else if (rest >= kNanos) {
    rest -= kNanos;
    ++seconds;
  }
  seconds += from.seconds;
  if (seconds < base::Timestamp::kMinSeconds || seconds > base::Timestamp::kMaxSeconds)
    return out_of_range("timestamp");
  return Value::timestamp({seconds, static_cast<std::int32_t>(rest)});
}

Value between(const Value &a, const Value &b) {
  const base::Timestamp left = midnight(a);
  const base::Timestamp right = midnight(b);
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(left.seconds - right.seconds, kNanos, &nanos) ||
      __builtin_add_overflow(nanos, static_cast<std::int64_t>(left.nanos) - right.nanos, &nanos)) {
    return out_of_range("duration");
  }
  return Value::duration({nanos});
}

Value durations(Operator op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  const bool wrong = op == Operator::kAdd ? __builtin_add_overflow(a, b, &out) : __builtin_sub_overflow(a, b, &out);
  return wrong ? out_of_range("duration") : Value::duration({out});
}

bool is_calendar(const Value &value) { return value.is(Kind::kTimestamp) || value.is(Kind::kDate); }

Value times(Operator op, const Value &a, const Value &b) {
  const bool add = op == Operator::kAdd;
  if (!add && op != Operator::kSubtract) return no_overload(op);
  if (a.is(Kind::kDuration) && b.is(Kind::kDuration))
    return durations(op, a.as_duration_nanos(), b.as_duration_nanos());
  if (add && a.is(Kind::kDuration) && is_calendar(b)) return moved(b, a.as_duration_nanos());
  if (is_calendar(a) && b.is(Kind::kDuration)) {
    const std::int64_t nanos = b.as_duration_nanos();
    if (!add && nanos == INT64_MIN) return out_of_range("duration");
    return moved(a, add ? nanos : -nanos);
  }
  if (!add && is_calendar(a) && is_calendar(b)) return between(a, b);
  return no_overload(op);
}

}  // namespace

Value arithmetic(Runtime &runtime, Operator op, const Value &a, const Value &b) {
  if (a.is(Kind::kDecimal) || b.is(Kind::kDecimal)) return decimals(runtime, op, a, b);
  if (a.kind() == b.kind()) {
    switch (a.kind()) {
      case Kind::kInt: return ints(op, a.as_int(), b.as_int());
      case Kind::kUint: return uints(op, a.as_uint(), b.as_uint());
      case Kind::kDouble: return doubles(op, a.as_double(), b.as_double());
      case Kind::kString:
      case Kind::kBytes: return op == Operator::kAdd ? joined_text(runtime, a, b) : no_overload(op);
      case Kind::kList: return op == Operator::kAdd ? joined_lists(runtime, a, b) : no_overload(op);
      default: break;
    }
  }
  return times(op, a, b);
}

Value negate(const Value &a) {
  switch (a.kind()) {
    case Kind::kInt: return a.as_int() == INT64_MIN ? overflow("int") : Value::integer(-a.as_int());
    case Kind::kDouble: return Value::number(-a.as_double());
    case Kind::kDecimal: return Value::decimal(a.as_decimal().negated());
    default: return no_overload(Operator::kNegate);
  }
}

}  // namespace cala::cel
