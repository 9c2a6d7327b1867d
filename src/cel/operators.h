// The operators of the language on values: equality, order, arithmetic, membership, selection and indexing. Each
// answers a value or a failure, never throws, and charges the runtime for what it walks through. Equality is defined
// between all kinds: numbers of any kind by value, a date as its midnight;
// otherwise values of different kinds are unequal.
#pragma once

#include <string_view>

#include "cel/ast.h"
#include "cel/runtime.h"
#include "cel/value.h"

namespace cala::cel {

// Walks a list or a map of either representation. A runtime, if one is given, is charged for the texts of JSON, which
// are measured as they are met; the steps themselves are the caller's to charge.
class ListCursor {
 public:
  explicit ListCursor(const Value &list, Runtime *runtime = nullptr);
  bool next(Value &item);

 private:
  const Value *at_ = nullptr;
  const Value *end_ = nullptr;
  base::JsonView json_;
  Runtime *runtime_;
};

class MapCursor {
 public:
  explicit MapCursor(const Value &map, Runtime *runtime = nullptr);
  bool next(Value &key, Value &value);

 private:
  const MapData *data_ = nullptr;
  std::size_t index_ = 0;
  base::JsonView json_;
  Runtime *runtime_;
};

enum class Order : std::uint8_t { kLess, kEqual, kGreater, kUnordered, kIncomparable };
Order order_of(Runtime &runtime, const Value &a, const Value &b);  // of scalars
// A decimal and a double: what a double holds is rounded already, so the two are never compared, sorted or found in
// each other.
bool never_meet(Kind a, Kind b);
bool is_number(Kind kind);  // int, uint or double

Value equal(Runtime &runtime, const Value &a, const Value &b, int depth = 0);
Value relate(Runtime &runtime, Operator op, const Value &a, const Value &b);
Value arithmetic(Runtime &runtime, Operator op, const Value &a, const Value &b);
Value negate(const Value &a);
Value contained(Runtime &runtime, const Value &item, const Value &container);

Value select_field(Runtime &runtime, const Value &from, std::string_view name);
Value has_field(Runtime &runtime, const Value &from, std::string_view name);
Value opt_select_field(Runtime &runtime, const Value &from, std::string_view name);
Value index_into(Runtime &runtime, const Value &from, const Value &key);
Value opt_index_into(Runtime &runtime, const Value &from, const Value &key);

// An optional that holds a value; its place is in the arena.
Value make_optional(Runtime &runtime, const Value &value);

base::Timestamp midnight(const Value &date_or_timestamp);
// a decimal, int or uint as a decimal; false for any other kind.
bool to_exact(const Value &value, Decimal &out);

}  // namespace cala::cel
