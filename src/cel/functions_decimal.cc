// The ledger's own types: exact decimals and uuids. Nothing here rounds unless a mode is named.
#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

Value not_a(std::string_view type) { return Runtime::fail(FailureCode::kConversion, type); }

Value decimal_from_string(Runtime &, const Value *args, std::size_t) {
  const auto parsed = Decimal::parse(args[0].as_text());
  return parsed ? Value::decimal(*parsed)
                : not_a("decimal: the text is [+-]digits[.digits][e+-digits], of at most 38 digits");
}

Value decimal_from_number(Runtime &, const Value *args, std::size_t) {
  Decimal out;
  to_exact(args[0], out);
  return Value::decimal(out);
}

// An argument of decimal.Add() and the like: a decimal, int or uint, or a decimal's text.
bool take(const Value &value, Decimal &out, Value &failure) {
  if (to_exact(value, out)) return true;
  const auto parsed = value.is(Kind::kString) ? Decimal::parse(value.as_text()) : std::nullopt;
  if (parsed) {
    out = *parsed;
    return true;
  }
  failure = value.is(Kind::kString) ? not_a("decimal") : Runtime::fail(FailureCode::kNoSuchOverload, "decimal");
  return false;
}

Value made(const std::optional<Decimal> &result, std::string_view what) {
  return result ? Value::decimal(*result) : Runtime::fail(FailureCode::kDecimalRange, what);
}

Value of_two(const Value *args, std::optional<Decimal> (*operation)(const Decimal &, const Decimal &),
             const char *what) {
  Decimal a;
  Decimal b;
  Value failure;
  if (!take(args[0], a, failure) || !take(args[1], b, failure)) return failure;
  return made(operation(a, b), what);
}

Value add(Runtime &, const Value *args, std::size_t) { return of_two(args, Decimal::add, "decimal.Add"); }

Value sub(Runtime &, const Value *args, std::size_t) { return of_two(args, Decimal::sub, "decimal.Sub"); }

Value mul(Runtime &, const Value *args, std::size_t) { return of_two(args, Decimal::mul, "decimal.Mul"); }

Value cmp(Runtime &, const Value *args, std::size_t) {
  Decimal a;
  Decimal b;
  Value failure;
  if (!take(args[0], a, failure) || !take(args[1], b, failure)) return failure;
  const auto order = Decimal::compare(a, b);
  return Value::integer(order < 0 ? -1 : (order > 0 ? 1 : 0));
}

struct NamedMode {
  std::string_view name;
  Rounding mode;
};
constexpr NamedMode kModes[] = {
    {"EXACT", Rounding::kExact},     {"HALF_EVEN", Rounding::kHalfEven},
    {"HALF_UP", Rounding::kHalfUp},  {"HALF_DOWN", Rounding::kHalfDown},
    {"UP", Rounding::kUp},           {"DOWN", Rounding::kDown},
    {"CEILING", Rounding::kCeiling}, {"FLOOR", Rounding::kFloor},
};

// The scale and mode that end the arguments of Div and Round.
bool take_rounding(const Value &scale, const Value &mode, int &places, Rounding &rounding, Value &failure) {
  if (scale.as_int() < 0 || scale.as_int() > Decimal::kMaxScale) {
    failure = Runtime::fail(FailureCode::kInvalidArgument, "the scale is 0 to 38");
    return false;
  }
  places = static_cast<int>(scale.as_int());
  for (const NamedMode &named : kModes) {
    if (named.name != mode.as_text()) continue;
    rounding = named.mode;
    return true;
  }
  failure = Runtime::fail(FailureCode::kInvalidArgument,
                          "the rounding mode is EXACT, HALF_EVEN, HALF_UP, HALF_DOWN, UP, DOWN, CEILING or FLOOR");
  return false;
}

Value rounded(const std::optional<Decimal> &result, Rounding mode) {
  if (result) return Value::decimal(*result);
  if (mode == Rounding::kExact)
    return Runtime::fail(FailureCode::kInvalidArgument, "EXACT: the result does not fit the scale without rounding");
  return Runtime::fail(FailureCode::kDecimalRange, "rounding");
}

Value div(Runtime &, const Value *args, std::size_t) {
  Decimal a;
  Decimal b;
  Value failure;
  int scale = 0;
  Rounding mode = Rounding::kExact;
  if (!take(args[0], a, failure) || !take(args[1], b, failure) ||
      !take_rounding(args[2], args[3], scale, mode, failure))
    return failure;
  if (b.is_zero()) return Runtime::fail(FailureCode::kDivideByZero);
  return rounded(Decimal::div(a, b, scale, mode), mode);
}

Value round(Runtime &, const Value *args, std::size_t) {
  Decimal a;
  Value failure;
  int scale = 0;
  Rounding mode = Rounding::kExact;
  if (!take(args[0], a, failure) || !take_rounding(args[1], args[2], scale, mode, failure)) return failure;
  return rounded(Decimal::round(a, scale, mode), mode);
}

Value same(Runtime &, const Value *args, std::size_t) { return args[0]; }

Value uuid_from_string(Runtime &, const Value *args, std::size_t) {
  const auto parsed = base::Uuid::parse(args[0].as_text());
  return parsed ? Value::uuid(*parsed) : not_a("uuid: the text is 8-4-4-4-12 hexadecimal digits");
}

constexpr Overload kFunctions[] = {
    {"decimal", kGlobal, "D>D", same, kNoCost},
    {"decimal", kGlobal, "s>D", decimal_from_string, kParsesText},
    {"decimal", kGlobal, "i>D", decimal_from_number, kNoCost},
    {"decimal", kGlobal, "u>D", decimal_from_number, kNoCost},
    {"uuid", kGlobal, "U>U", same, kNoCost},
    {"uuid", kGlobal, "s>U", uuid_from_string, kParsesText},
    {"decimal.Add", kGlobal, "**>D", add, kExactNumbers},
    {"decimal.Sub", kGlobal, "**>D", sub, kExactNumbers},
    {"decimal.Mul", kGlobal, "**>D", mul, kExactNumbers},
    {"decimal.Cmp", kGlobal, "**>i", cmp, kExactNumbers},
    {"decimal.Div", kGlobal, "**is>D", div, kRounding},
    {"decimal.Round", kGlobal, "*is>D", round, kRounding},
};

}  // namespace

std::span<const Overload> decimal_functions() { return kFunctions; }

}  // namespace cala::cel
