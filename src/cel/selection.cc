#include <charconv>
#include <cmath>
#include <optional>

#include "base/utf8.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

// The index that a number means, negative for none. 1.0 is 1, 1.5 is none.
std::optional<std::int64_t> list_index(const Value &key) {
  switch (key.kind()) {
    case Kind::kInt: return key.as_int();
    case Kind::kUint:
      if (key.as_uint() > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
      return static_cast<std::int64_t>(key.as_uint());
    case Kind::kDouble: {
      const double number = key.as_double();
      if (!(number >= -1e15 && number <= 1e15) || number != std::floor(number)) return std::nullopt;
      return static_cast<std::int64_t>(number);
    }
    default: return std::nullopt;
  }
}

Value list_at(Runtime &runtime, const Value &list, std::int64_t index) {
  return index < 0 ? Value() : runtime.at(list, static_cast<std::uint64_t>(index));
}

Value no_such_key(Runtime &runtime, const Value &key) {
  if (key.is(Kind::kString)) {
    const std::string_view text = base::utf8_prefix(key.as_text(), 80);
    char quoted[84];
    std::size_t size = 0;
    quoted[size++] = '\'';
    size += text.copy(quoted + size, text.size());
    quoted[size++] = '\'';
    return runtime.fail_with(FailureCode::kNoSuchKey, {quoted, size});
  }
  char digits[24];
  if (key.is(Kind::kInt)) {
    const auto end = std::to_chars(digits, digits + sizeof digits, key.as_int());
    return runtime.fail_with(FailureCode::kNoSuchKey, {digits, static_cast<std::size_t>(end.ptr - digits)});
  }
  return Runtime::fail(FailureCode::kNoSuchKey);
}

// Whether the value is an optional, and what it holds; an optional chains: selecting from none is none.
bool chained(const Value &from, Value &held, bool &none) {
  if (!from.is(Kind::kOptional)) return false;
  none = from.as_optional() == nullptr;
  if (!none) held = *from.as_optional();
  return true;
}

}  // namespace

Value select_field(Runtime &runtime, const Value &from, std::string_view name) {
  if (!from.is(Kind::kMap)) return Runtime::fail(FailureCode::kNoFieldSelection, kind_type_name(from.kind()));
  const Value found = runtime.find(from, name);
  return found.is_absent() ? Runtime::fail(FailureCode::kNoSuchKey, name) : found;
}

Value has_field(Runtime &runtime, const Value &from, std::string_view name) {
  Value held = from;
  bool none = false;
  if (chained(from, held, none) && none) return Value::boolean(false);
  if (!held.is(Kind::kMap)) return Runtime::fail(FailureCode::kNoFieldSelection, kind_type_name(held.kind()));
  const Value found = runtime.find(held, name);
  return found.is_error() ? found : Value::boolean(!found.is_absent());
}

Value opt_select_field(Runtime &runtime, const Value &from, std::string_view name) {
  Value held = from;
  bool none = false;
  if (chained(from, held, none) && none) return Value::optional_none();
  if (!held.is(Kind::kMap)) return Runtime::fail(FailureCode::kNoFieldSelection, kind_type_name(held.kind()));
  const Value found = runtime.find(held, name);
  if (found.is_error()) return found;
  return found.is_absent() ? Value::optional_none() : make_optional(runtime, found);
}

Value index_into(Runtime &runtime, const Value &from, const Value &key) {
  if (from.is(Kind::kOptional)) return opt_index_into(runtime, from, key);
  if (from.is(Kind::kMap)) {
    const Value found = runtime.find(from, key);
    return found.is_absent() ? no_such_key(runtime, key) : found;
  }
  if (!from.is(Kind::kList)) return Runtime::fail(FailureCode::kNoSuchOverload, "[]");
  const auto index = list_index(key);
  if (!index) {
    const bool number = is_number(key.kind());
    return Runtime::fail(FailureCode::kInvalidArgument,
                         number ? "the index is not a whole number" : "a list is indexed by a number");
  }
  const Value found = list_at(runtime, from, *index);
  if (!found.is_absent()) return found;
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, *index);
  return runtime.fail_with(FailureCode::kIndexOutOfRange, {digits, static_cast<std::size_t>(end.ptr - digits)});
}

Value opt_index_into(Runtime &runtime, const Value &from, const Value &key) {
  Value held = from;
  bool none = false;
  if (chained(from, held, none) && none) return Value::optional_none();
  Value found;
  if (held.is(Kind::kMap)) {
    found = runtime.find(held, key);
  } else if (held.is(Kind::kList)) {
    const auto index = list_index(key);
    if (!index) return Runtime::fail(FailureCode::kInvalidArgument, "a list is indexed by a whole number");
    found = list_at(runtime, held, *index);
  } else {
    return Runtime::fail(FailureCode::kNoSuchOverload, "[?]");
  }
  if (found.is_error()) return found;
  return found.is_absent() ? Value::optional_none() : make_optional(runtime, found);
}

}  // namespace cala::cel
