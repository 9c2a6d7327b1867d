// Params: what a posting supplies, as values of the types that its template declares.
#include <array>

#include "cel/cel.h"
#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

constexpr std::array<std::string_view, 8> kNames = {"string", "integer", "decimal",   "boolean",
                                                    "uuid",   "date",    "timestamp", "json"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char &c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return out;
}

base::Error refused(const ParamSpec &param, std::string_view why) {
  base::Error error = base::make_error(
      base::Status::kInvalid, "param.type",
      "param '" + param.name + "' of type " + std::string(param_type_name(param.type)) + ": " + std::string(why));
  base::JsonWriter details;
  error.details = details.begin_object()
                      .key("param")
                      .string(param.name)
                      .key("type")
                      .string(param_type_name(param.type))
                      .end_object()
                      .take();
  return error;
}

std::string_view expectation(ParamType type) {
  switch (type) {
    case ParamType::kString: return "a string is needed";
    case ParamType::kInteger: return "a whole number is needed";
    case ParamType::kDecimal: return "decimal text like \"10.50\" is needed, of at most 38 digits";
    case ParamType::kBoolean: return "true or false is needed";
    case ParamType::kUuid: return "a UUID's text is needed";
    case ParamType::kDate: return "a date like \"2025-01-31\" is needed";
    case ParamType::kTimestamp: return "an RFC 3339 instant like \"2025-01-31T10:00:00Z\" is needed";
    case ParamType::kJson: return "a JSON value is needed";
  }
  return "";
}

// Text that stands for a value of the type; absent when it is none.
Value from_text(ParamType type, std::string_view text) {
  switch (type) {
    case ParamType::kString: return Value::string(text);
    case ParamType::kDecimal: {
      const auto parsed = Decimal::parse(text);
      return parsed ? Value::decimal(*parsed) : Value();
    }
    case ParamType::kUuid: {
      const auto parsed = base::Uuid::parse(text);
      return parsed ? Value::uuid(*parsed) : Value();
    }
    case ParamType::kDate: {
      const auto parsed = base::Date::parse(text);
      return parsed ? Value::date(*parsed) : Value();
    }
    case ParamType::kTimestamp: {
      const auto parsed = base::Timestamp::parse(text);
      return parsed ? Value::timestamp(*parsed) : Value();
    }
    case ParamType::kJson: return Value::string(text);
    default: return Value();
  }
}

Value integer_of(const Value &value) {
  if (value.is(Kind::kInt)) return value;
  const bool fits = value.is(Kind::kUint) && value.as_uint() <= static_cast<std::uint64_t>(INT64_MAX);
  return fits ? Value::integer(static_cast<std::int64_t>(value.as_uint())) : Value();
}

Value decimal_of(const Value &value) {
  Decimal exact;
  return to_exact(value, exact) ? Value::decimal(exact) : Value();
}

bool is_json_kind(const Value &value) {
  const Kind kind = value.kind();
  return kind != Kind::kAbsent && kind != Kind::kBytes && kind != Kind::kType && kind != Kind::kOptional &&
         kind != Kind::kError;
}

Value coerced(ParamType type, const Value &value) {
  if (value.is(Kind::kString)) return from_text(type, value.as_text());
  switch (type) {
    case ParamType::kInteger: return integer_of(value);
    case ParamType::kDecimal: return decimal_of(value);
    case ParamType::kBoolean: return value.is(Kind::kBool) ? value : Value();
    case ParamType::kUuid: return value.is(Kind::kUuid) ? value : Value();
    case ParamType::kDate:
      if (value.is(Kind::kTimestamp)) return Value::date(value.as_timestamp().date());
      return value.is(Kind::kDate) ? value : Value();
    case ParamType::kTimestamp:
      return value.is(Kind::kTimestamp) || value.is(Kind::kDate) ? Value::timestamp(midnight(value)) : Value();
    case ParamType::kJson: return is_json_kind(value) ? value : Value();
    default: return Value();
  }
}

}  // namespace

std::optional<ParamType> parse_param_type(std::string_view name) {
  const std::string wanted = lower(name);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == wanted) return static_cast<ParamType>(i);
  }
  return std::nullopt;
}

std::string_view param_type_name(ParamType type) { return kNames[static_cast<std::size_t>(type)]; }

bool has_order(ParamType type) {
  return type == ParamType::kInteger || type == ParamType::kDecimal || type == ParamType::kDate ||
         type == ParamType::kTimestamp;
}

bool is_less(const Value &a, const Value &b) {
  switch (a.kind()) {
    case Kind::kInt: return a.as_int() < b.as_int();
    case Kind::kDecimal: return a.as_decimal() < b.as_decimal();
    case Kind::kDate: return a.as_date() < b.as_date();
    case Kind::kTimestamp: return a.as_timestamp() < b.as_timestamp();
    default: return false;
  }
}

namespace {

base::Error outside(const ParamSpec &param, const char *which, const Value &limit) {
  std::string text;
  append_value_text(limit, text);
  const bool below = &limit == &param.min;
  base::Error error = base::make_error(
      base::Status::kInvalid, "param.range",
      "param '" + param.name + "' is " + (below ? "less than its min " : "greater than its max ") + text);
  base::JsonWriter details;
  error.details = details.begin_object().key("param").string(param.name).key(which).string(text).end_object().take();
  return error;
}

}  // namespace

base::Result<Value> coerce_param(const ParamSpec &param, const Value &supplied) {
  const Value value = coerced(param.type, supplied);
  if (value.is_absent()) return refused(param, expectation(param.type));
  if (!param.min.is_absent() && is_less(value, param.min)) return outside(param, "min", param.min);
  if (!param.max.is_absent() && is_less(param.max, value)) return outside(param, "max", param.max);
  return value;
}

base::Result<Value> coerce_param(const ParamSpec &param, base::JsonView supplied) {
  const Value value = Value::json(supplied);
  if (param.type == ParamType::kDecimal && value.is(Kind::kDouble)) {
    return refused(param, "a JSON number with a fraction may already be rounded: send the decimal as a string");
  }
  return coerce_param(param, value);
}

}  // namespace cala::cel
