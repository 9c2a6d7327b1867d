// Value: one CEL value in 24 bytes, copied like a number. Scalars (decimals, uuids, dates and instants too) are held
// inside; strings, bytes, lists and maps are borrowed: from an Arena, a Program, a parsed Json, or the caller. Whoever
// makes a Value over borrowed memory sees to it that the memory lives as long. A map or list may be a view of JSON that
// is converted only where it is looked at. Immutable, so it may be read by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "values/decimal.h"

namespace cala::cel {

using namespace cala::values;  // NOLINT(google-build-using-namespace)

enum class Kind : std::uint8_t {
  kAbsent,  // no value: a param that was not supplied, a field that is not there
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kList,
  kMap,
  kTimestamp,
  kDuration,
  kType,
  kDecimal,
  kUuid,
  kDate,
  kOptional,
  kError,  // inside the evaluator only: never leaves evaluate()
};

// "int", "google.protobuf.Timestamp", "cala.Decimal": what type(x) is called.
std::string_view kind_type_name(Kind kind);

struct MapData;
enum class FailureCode : std::uint8_t;

// A nanosecond count, as CEL's duration.
struct Duration {
  std::int64_t nanos = 0;
};

class Value {
 public:
  constexpr Value() = default;  // absent

  static Value null() { return Value(Kind::kNull); }
  static Value boolean(bool value);
  static Value integer(std::int64_t value);
  static Value unsigned_integer(std::uint64_t value);
  static Value number(double value);
  static Value string(std::string_view borrowed);
  static Value bytes(std::string_view borrowed);
  static Value timestamp(base::Timestamp value);
  static Value duration(Duration value);
  static Value decimal(const Decimal &value);
  static Value uuid(const base::Uuid &value);
  static Value date(base::Date value);
  static Value type(std::string_view borrowed_name);
  static Value list(const Value *items, std::size_t count);
  static Value map(const MapData *data);
  static Value optional_none() { return Value(Kind::kOptional); }
  static Value optional_of(const Value *borrowed);
  // A number, string, bool or null at once; an object or array as a lazy view. Whole numbers are int, others double.
  static Value json(base::JsonView view);
  // What evaluation answers instead of a value: why, where in the source, and a borrowed word about what.
  static Value failure(FailureCode code, std::uint32_t position = 0, std::string_view detail = {});

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_absent() const { return kind_ == Kind::kAbsent; }
  bool is_error() const { return kind_ == Kind::kError; }

  // Each asks for its own kind; other kinds give nonsense, never undefined behaviour beyond it.
  bool as_bool() const { return payload_.integer != 0; }
  std::int64_t as_int() const { return payload_.integer; }
  std::uint64_t as_uint() const { return payload_.unsigned_integer; }
  double as_double() const { return payload_.number; }
  std::string_view as_text() const {
    return {payload_.text.data, payload_.text.size};
  }  // string, bytes, type name, failure
  base::Timestamp as_timestamp() const { return {payload_.integer, static_cast<std::int32_t>(extra_)}; }
  std::int64_t as_duration_nanos() const { return payload_.integer; }
  Decimal as_decimal() const;
  base::Uuid as_uuid() const;
  base::Date as_date() const { return {static_cast<std::int32_t>(payload_.integer)}; }
  const Value *as_optional() const { return payload_.items.data; }  // nullptr: none
  FailureCode failure_code() const { return static_cast<FailureCode>(flag_); }
  std::uint32_t failure_position() const { return extra_; }

  // Lists and maps. Runtime, ListCursor and MapCursor know both representations.
  bool is_json_view() const { return flag_ != 0; }
  base::JsonView as_json_view() const { return payload_.json; }
  const Value *list_items() const { return payload_.items.data; }  // of a list that is no JSON view
  std::size_t list_size() const { return payload_.items.count; }   // of a list that is no JSON view
  const MapData *map_data() const { return payload_.map; }         // of a map that is no JSON view

 private:
  explicit constexpr Value(Kind kind) : kind_(kind) {}

  struct Text {
    const char *data;
    std::size_t size;
  };
  struct Items {
    const Value *data;
    std::size_t count;
  };
  struct Wide {
    std::uint64_t low, high;
  };
  union Payload {
    Wide wide = {0, 0};
    std::int64_t integer;
    std::uint64_t unsigned_integer;
    double number;
    Text text;
    Items items;
    const MapData *map;
    base::JsonView json;
    std::uint8_t raw[16];
  };

  Kind kind_ = Kind::kAbsent;
  std::uint8_t flag_ = 0;    // 1: a view of JSON; the code of a failure
  std::uint32_t extra_ = 0;  // nanoseconds of a timestamp, scale of a decimal, position of a failure
  Payload payload_{};
};

static_assert(sizeof(Value) == 24);

// The type of a declared variable, or what the checker knows of an expression. kDyn: only runtime can know.
enum class DeclaredType : std::uint8_t {
  kDyn,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kList,
  kMap,
  kTimestamp,
  kDuration,
  kDecimal,
  kUuid,
  kDate,
  kNull,
  kType,
};

inline Value Value::boolean(bool value) {
  Value out(Kind::kBool);
  out.payload_.integer = value ? 1 : 0;
  return out;
}
inline Value Value::integer(std::int64_t value) {
  Value out(Kind::kInt);
  out.payload_.integer = value;
  return out;
}
inline Value Value::unsigned_integer(std::uint64_t value) {
  Value out(Kind::kUint);
  out.payload_.unsigned_integer = value;
  return out;
}
inline Value Value::number(double value) {
  Value out(Kind::kDouble);
  out.payload_.number = value;
  return out;
}
inline Value Value::string(std::string_view borrowed) {
  Value out(Kind::kString);
  out.payload_.text = {borrowed.data(), borrowed.size()};
  return out;
}
inline Value Value::bytes(std::string_view borrowed) {
  Value out(Kind::kBytes);
  out.payload_.text = {borrowed.data(), borrowed.size()};
  return out;
}
inline Value Value::type(std::string_view borrowed_name) {
  Value out(Kind::kType);
  out.payload_.text = {borrowed_name.data(), borrowed_name.size()};
  return out;
}
inline Value Value::timestamp(base::Timestamp value) {
  Value out(Kind::kTimestamp);
  out.payload_.integer = value.seconds;
  out.extra_ = static_cast<std::uint32_t>(value.nanos);
  return out;
}
inline Value Value::duration(Duration value) {
  Value out(Kind::kDuration);
  out.payload_.integer = value.nanos;
  return out;
}
inline Value Value::decimal(const Decimal &value) {
  Value out(Kind::kDecimal);
  const auto coefficient = value.coefficient();
  std::memcpy(out.payload_.raw, &coefficient, sizeof out.payload_.raw);
  out.extra_ = static_cast<std::uint32_t>(value.scale());
  return out;
}
inline Value Value::uuid(const base::Uuid &value) {
  Value out(Kind::kUuid);
  std::memcpy(out.payload_.raw, value.bytes.data(), sizeof out.payload_.raw);
  return out;
}
inline Value Value::date(base::Date value) {
  Value out(Kind::kDate);
  out.payload_.integer = value.days;
  return out;
}
inline Value Value::list(const Value *items, std::size_t count) {
  Value out(Kind::kList);
  out.payload_.items = {items, count};
  return out;
}
inline Value Value::map(const MapData *data) {
  Value out(Kind::kMap);
  out.payload_.map = data;
  return out;
}
inline Value Value::optional_of(const Value *borrowed) {
  Value out(Kind::kOptional);
  out.payload_.items = {borrowed, 1};
  return out;
}
inline Value Value::failure(FailureCode code, std::uint32_t position, std::string_view detail) {
  Value out(Kind::kError);
  out.flag_ = static_cast<std::uint8_t>(code);
  out.extra_ = position;
  out.payload_.text = {detail.data(), detail.size()};
  return out;
}
inline base::Uuid Value::as_uuid() const {
  base::Uuid out;
  std::memcpy(out.bytes.data(), payload_.raw, sizeof payload_.raw);
  return out;
}

}  // namespace cala::cel
