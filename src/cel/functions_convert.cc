// Conversions between types: int(), uint(), double(), string(), bytes(), bool(), type(), dyn().
#include <charconv>
#include <cmath>

#include "cel/functions.h"
#include "cel/lexer.h"
#include "cel/number_text.h"

namespace cala::cel {

namespace {

Value range(std::string_view type) { return Runtime::fail(FailureCode::kRange, type); }
Value not_a(std::string_view type) { return Runtime::fail(FailureCode::kConversion, type); }

Value same(Runtime &, const Value *args, std::size_t) { return args[0]; }

Value int_from_uint(Runtime &, const Value *args, std::size_t) {
  if (args[0].as_uint() > static_cast<std::uint64_t>(INT64_MAX)) return range("int");
  return Value::integer(static_cast<std::int64_t>(args[0].as_uint()));
}

Value int_from_double(Runtime &, const Value *args, std::size_t) {
  const double number = args[0].as_double();
  if (!(number > -9223372036854775808.0 && number < 9223372036854775808.0)) return range("int");
  return Value::integer(static_cast<std::int64_t>(number));
}

template <typename T>
bool whole_number(std::string_view text, T &number, bool &in_range) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  in_range = error != std::errc::result_out_of_range;
  return stop == text.data() + text.size() && error != std::errc::invalid_argument && !text.empty();
}

Value int_from_string(Runtime &, const Value *args, std::size_t) {
  std::int64_t number = 0;
  bool in_range = false;
  if (!whole_number(args[0].as_text(), number, in_range)) return not_a("int");
  return in_range ? Value::integer(number) : range("int");
}

Value int_from_timestamp(Runtime &, const Value *args, std::size_t) {
  return Value::integer(args[0].as_timestamp().seconds);
}

Value uint_from_int(Runtime &, const Value *args, std::size_t) {
  if (args[0].as_int() < 0) return range("uint");
  return Value::unsigned_integer(static_cast<std::uint64_t>(args[0].as_int()));
}

Value uint_from_double(Runtime &, const Value *args, std::size_t) {
  const double number = args[0].as_double();
  if (!(number >= 0 && number < 18446744073709551616.0)) return range("uint");
  return Value::unsigned_integer(static_cast<std::uint64_t>(number));
}

Value uint_from_string(Runtime &, const Value *args, std::size_t) {
  std::uint64_t number = 0;
  bool in_range = false;
  if (!whole_number(args[0].as_text(), number, in_range)) return not_a("uint");
  return in_range ? Value::unsigned_integer(number) : range("uint");
}

Value double_from_int(Runtime &, const Value *args, std::size_t) {
  return Value::number(static_cast<double>(args[0].as_int()));
}
Value double_from_uint(Runtime &, const Value *args, std::size_t) {
  return Value::number(static_cast<double>(args[0].as_uint()));
}

Value double_from_string(Runtime &, const Value *args, std::size_t) {
  std::string_view text = args[0].as_text();
  const bool negative = !text.empty() && text.front() == '-';
  std::string_view bare = text;
  if (!bare.empty() && (bare.front() == '+' || bare.front() == '-')) bare.remove_prefix(1);
  if (bare == "Infinity" || bare == "Inf" || bare == "inf" || bare == "infinity")
    return Value::number(negative ? -HUGE_VAL : HUGE_VAL);
  if (bare == "NaN" || bare == "nan") return Value::number(std::nan(""));
  const bool numeric = !bare.empty() && (bare.front() == '.' || (bare.front() >= '0' && bare.front() <= '9'));
  if (!numeric) return not_a("double");
  const auto number = parse_double(negative ? text : bare);
  if (number) return Value::number(*number);
  return bare.find_first_not_of("0123456789.eE+-") == std::string_view::npos ? range("double") : not_a("double");
}

Value string_from_any(Runtime &runtime, const Value *args, std::size_t) {
  std::string text;
  if (!append_value_text(args[0], text)) return Runtime::fail(FailureCode::kNoSuchOverload, "string");
  return runtime.text(text);
}

Value string_from_bytes(Runtime &, const Value *args, std::size_t) {
  if (!base::is_valid_utf8(args[0].as_text())) return Runtime::fail(FailureCode::kInvalidUtf8);
  return Value::string(args[0].as_text());
}

Value bytes_from_string(Runtime &, const Value *args, std::size_t) { return Value::bytes(args[0].as_text()); }

Value bool_from_string(Runtime &, const Value *args, std::size_t) {
  const std::string_view text = args[0].as_text();
  for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return Value::boolean(true);
  }
  for (const std::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return Value::boolean(false);
  }
  return not_a("bool");
}

Value type_of(Runtime &, const Value *args, std::size_t) { return Value::type(kind_type_name(args[0].kind())); }

constexpr Overload kFunctions[] = {
    {"int", kGlobal, "i>i", same, kNoCost},
    {"int", kGlobal, "u>i", int_from_uint, kNoCost},
    {"int", kGlobal, "d>i", int_from_double, kNoCost},
    {"int", kGlobal, "s>i", int_from_string, kParsesText},
    {"int", kGlobal, "t>i", int_from_timestamp, kNoCost},
    {"uint", kGlobal, "u>u", same, kNoCost},
    {"uint", kGlobal, "i>u", uint_from_int, kNoCost},
    {"uint", kGlobal, "d>u", uint_from_double, kNoCost},
    {"uint", kGlobal, "s>u", uint_from_string, kParsesText},
    {"double", kGlobal, "d>d", same, kNoCost},
    {"double", kGlobal, "i>d", double_from_int, kNoCost},
    {"double", kGlobal, "u>d", double_from_uint, kNoCost},
    {"double", kGlobal, "s>d", double_from_string, kParsesText},
    {"string", kGlobal, "s>s", same, kNoCost},
    {"string", kGlobal, "y>s", string_from_bytes, kWalksText},
    {"string", kGlobal, "#>s", string_from_any, kNumberText},
    {"string", kGlobal, "b>s", string_from_any, kNumberText},
    {"string", kGlobal, "t>s", string_from_any, kNumberText},
    {"string", kGlobal, "r>s", string_from_any, kNumberText},
    {"string", kGlobal, "A>s", string_from_any, kNumberText},
    {"string", kGlobal, "D>s", string_from_any, kNumberText},
    {"string", kGlobal, "U>s", string_from_any, kNumberText},
    {"bytes", kGlobal, "y>y", same, kNoCost},
    {"bytes", kGlobal, "s>y", bytes_from_string, kNoCost},
    {"bool", kGlobal, "b>b", same, kNoCost},
    {"bool", kGlobal, "s>b", bool_from_string, kNoCost},
    {"type", kGlobal, "*>T", type_of, kNoCost},
    {"dyn", kGlobal, "*>*", same, kNoCost},
};

}  // namespace

std::span<const Overload> conversion_functions() { return kFunctions; }

bool append_value_text(const Value &value, std::string &out) {
  switch (value.kind()) {
    case Kind::kBool: out += value.as_bool() ? "true" : "false"; return true;
    case Kind::kInt: out += std::to_string(value.as_int()); return true;
    case Kind::kUint: out += std::to_string(value.as_uint()); return true;
    case Kind::kDouble: append_double_text(value.as_double(), out); return true;
    case Kind::kString:
    case Kind::kType: out += value.as_text(); return true;
    case Kind::kTimestamp: out += value.as_timestamp().text(); return true;
    case Kind::kDuration: out += duration_text(value.as_duration_nanos()); return true;
    case Kind::kDate: out += value.as_date().text(); return true;
    case Kind::kDecimal: value.as_decimal().append_to(out); return true;
    case Kind::kUuid: value.as_uuid().append_to(out); return true;
    default: return false;
  }
}

}  // namespace cala::cel
