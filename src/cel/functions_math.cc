// The math library: greatest, least, rounding of doubles, signs and bits;
// and min, max and abs of any number, decimals too.
#include <cmath>

#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

Value no_overload(std::string_view name) { return Runtime::fail(FailureCode::kNoSuchOverload, name); }

bool is_exact_or_double(const Value &value) { return is_number(value.kind()) || value.is(Kind::kDecimal); }

// The first of the extreme ones. Decimals may stand among ints and uints, not among doubles.
Value extreme(Runtime &runtime, const Value *items, std::size_t count, Order wanted, std::string_view name) {
  if (count == 0) return Runtime::fail(FailureCode::kInvalidArgument, "the list is empty");
  Value best = items[0];
  bool exact = false;
  bool inexact = false;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_exact_or_double(items[i])) return no_overload(name);
    exact = exact || items[i].is(Kind::kDecimal);
    inexact = inexact || items[i].is(Kind::kDouble);
    if (exact && inexact) return no_overload(name);
    const Order given = order_of(runtime, items[i], best);
    if (given == Order::kIncomparable) return no_overload(name);
    if (given == wanted) best = items[i];
  }
  return best;
}

Value greatest(Runtime &runtime, const Value *args, std::size_t count) {
  return extreme(runtime, args, count, Order::kGreater, "math.greatest");
}
Value least(Runtime &runtime, const Value *args, std::size_t count) {
  return extreme(runtime, args, count, Order::kLess, "math.least");
}

Value extreme_of_list(Runtime &runtime, const Value &list, Order wanted, std::string_view name) {
  const Runtime::Items items = runtime.items(list);
  if (items.failure.is_error()) return items.failure;
  return extreme(runtime, items.data, items.count, wanted, name);
}

Value greatest_of(Runtime &runtime, const Value *args, std::size_t) {
  return extreme_of_list(runtime, args[0], Order::kGreater, "math.greatest");
}
Value least_of(Runtime &runtime, const Value *args, std::size_t) {
  return extreme_of_list(runtime, args[0], Order::kLess, "math.least");
}

Value absolute(Runtime &, const Value *args, std::size_t) {
  switch (args[0].kind()) {
    case Kind::kInt:
      if (args[0].as_int() == INT64_MIN) return Runtime::fail(FailureCode::kOverflow, "int");
      return Value::integer(args[0].as_int() < 0 ? -args[0].as_int() : args[0].as_int());
    case Kind::kDouble: return Value::number(std::fabs(args[0].as_double()));
    case Kind::kDecimal: return Value::decimal(args[0].as_decimal().abs());
    default: return args[0];
  }
}

Value sign(Runtime &, const Value *args, std::size_t) {
  const Value &value = args[0];
  if (value.is(Kind::kInt)) return Value::integer(value.as_int() > 0 ? 1 : (value.as_int() < 0 ? -1 : 0));
  if (value.is(Kind::kUint)) return Value::unsigned_integer(value.as_uint() > 0 ? 1 : 0);
  const double number = value.as_double();
  return Value::number(number > 0 ? 1 : (number < 0 ? -1 : number));
}

Value ceil(Runtime &, const Value *args, std::size_t) { return Value::number(std::ceil(args[0].as_double())); }
Value floor(Runtime &, const Value *args, std::size_t) { return Value::number(std::floor(args[0].as_double())); }
Value round(Runtime &, const Value *args, std::size_t) { return Value::number(std::round(args[0].as_double())); }
Value trunc(Runtime &, const Value *args, std::size_t) { return Value::number(std::trunc(args[0].as_double())); }
Value is_nan(Runtime &, const Value *args, std::size_t) { return Value::boolean(std::isnan(args[0].as_double())); }
Value is_inf(Runtime &, const Value *args, std::size_t) { return Value::boolean(std::isinf(args[0].as_double())); }
Value is_finite(Runtime &, const Value *args, std::size_t) {
  return Value::boolean(std::isfinite(args[0].as_double()));
}

Value sqrt(Runtime &, const Value *args, std::size_t) {
  const Value &value = args[0];
  if (value.is(Kind::kInt)) return Value::number(std::sqrt(static_cast<double>(value.as_int())));
  if (value.is(Kind::kUint)) return Value::number(std::sqrt(static_cast<double>(value.as_uint())));
  return Value::number(std::sqrt(value.as_double()));
}

// The bits of an int or uint, and back.
std::uint64_t bits(const Value &value) { return value.as_uint(); }
Value with_bits(const Value &like, std::uint64_t out) {
  return like.is(Kind::kInt) ? Value::integer(static_cast<std::int64_t>(out)) : Value::unsigned_integer(out);
}

Value bit_and(Runtime &, const Value *args, std::size_t) { return with_bits(args[0], bits(args[0]) & bits(args[1])); }
Value bit_or(Runtime &, const Value *args, std::size_t) { return with_bits(args[0], bits(args[0]) | bits(args[1])); }
Value bit_xor(Runtime &, const Value *args, std::size_t) { return with_bits(args[0], bits(args[0]) ^ bits(args[1])); }
Value bit_not(Runtime &, const Value *args, std::size_t) { return with_bits(args[0], ~bits(args[0])); }

Value shift(const Value *args, bool left) {
  const std::int64_t by = args[1].as_int();
  if (by < 0)
    return Runtime::fail(FailureCode::kInvalidArgument,
                         left ? "math.bitShiftLeft() negative offset" : "math.bitShiftRight() negative offset");
  const std::uint64_t from = bits(args[0]);
  if (by > 63) return with_bits(args[0], 0);
  return with_bits(args[0], left ? from << static_cast<unsigned>(by) : from >> static_cast<unsigned>(by));
}

Value shift_left(Runtime &, const Value *args, std::size_t) { return shift(args, true); }
Value shift_right(Runtime &, const Value *args, std::size_t) { return shift(args, false); }

constexpr Overload kFunctions[] = {
    {"math.greatest", kGlobal, "l>e", greatest_of, kWalksItems},
    {"math.greatest", kGlobal, "i+>i", greatest, kNoCost},
    {"math.greatest", kGlobal, "u+>u", greatest, kNoCost},
    {"math.greatest", kGlobal, "d+>d", greatest, kNoCost},
    {"math.greatest", kGlobal, "#+>*", greatest, kNoCost},
    {"math.least", kGlobal, "l>e", least_of, kWalksItems},
    {"math.least", kGlobal, "i+>i", least, kNoCost},
    {"math.least", kGlobal, "u+>u", least, kNoCost},
    {"math.least", kGlobal, "d+>d", least, kNoCost},
    {"math.least", kGlobal, "#+>*", least, kNoCost},
    {"max", kGlobal, "l>e", greatest_of, kWalksItems},
    {"max", kGlobal, "D+>D", greatest, kNoCost},
    {"max", kGlobal, "i+>i", greatest, kNoCost},
    {"max", kGlobal, "u+>u", greatest, kNoCost},
    {"max", kGlobal, "d+>d", greatest, kNoCost},
    {"max", kGlobal, "*+>*", greatest, kNoCost},
    {"min", kGlobal, "l>e", least_of, kWalksItems},
    {"min", kGlobal, "D+>D", least, kNoCost},
    {"min", kGlobal, "i+>i", least, kNoCost},
    {"min", kGlobal, "u+>u", least, kNoCost},
    {"min", kGlobal, "d+>d", least, kNoCost},
    {"min", kGlobal, "*+>*", least, kNoCost},
    {"abs", kGlobal, "D>D", absolute, kNoCost},
    {"abs", kGlobal, "i>i", absolute, kNoCost},
    {"abs", kGlobal, "u>u", absolute, kNoCost},
    {"abs", kGlobal, "d>d", absolute, kNoCost},
    {"math.abs", kGlobal, "i>i", absolute, kNoCost},
    {"math.abs", kGlobal, "u>u", absolute, kNoCost},
    {"math.abs", kGlobal, "d>d", absolute, kNoCost},
    {"math.sign", kGlobal, "i>i", sign, kNoCost},
    {"math.sign", kGlobal, "u>u", sign, kNoCost},
    {"math.sign", kGlobal, "d>d", sign, kNoCost},
    {"math.ceil", kGlobal, "d>d", ceil, kNoCost},
    {"math.floor", kGlobal, "d>d", floor, kNoCost},
    {"math.round", kGlobal, "d>d", round, kNoCost},
    {"math.trunc", kGlobal, "d>d", trunc, kNoCost},
    {"math.isNaN", kGlobal, "d>b", is_nan, kNoCost},
    {"math.isInf", kGlobal, "d>b", is_inf, kNoCost},
    {"math.isFinite", kGlobal, "d>b", is_finite, kNoCost},
    {"math.sqrt", kGlobal, "#>d", sqrt, kNoCost},
    {"math.bitAnd", kGlobal, "ii>i", bit_and, kNoCost},
    {"math.bitAnd", kGlobal, "uu>u", bit_and, kNoCost},
    {"math.bitOr", kGlobal, "ii>i", bit_or, kNoCost},
    {"math.bitOr", kGlobal, "uu>u", bit_or, kNoCost},
    {"math.bitXor", kGlobal, "ii>i", bit_xor, kNoCost},
    {"math.bitXor", kGlobal, "uu>u", bit_xor, kNoCost},
    {"math.bitNot", kGlobal, "i>i", bit_not, kNoCost},
    {"math.bitNot", kGlobal, "u>u", bit_not, kNoCost},
    {"math.bitShiftLeft", kGlobal, "ii>i", shift_left, kNoCost},
    {"math.bitShiftLeft", kGlobal, "ui>u", shift_left, kNoCost},
    {"math.bitShiftRight", kGlobal, "ii>i", shift_right, kNoCost},
    {"math.bitShiftRight", kGlobal, "ui>u", shift_right, kNoCost},
};

}  // namespace

std::span<const Overload> math_functions() { return kFunctions; }

}  // namespace cala::cel
