#include "cel/operators.h"

#include <algorithm>
#include <cmath>

#include "cel/map.h"

namespace cala::cel {

namespace {

void charge_text(Runtime *runtime, const Value &value) {
  if (runtime != nullptr && value.is(Kind::kString)) runtime->charge(copied(value.as_text().size()));
}

}  // namespace

ListCursor::ListCursor(const Value &list, Runtime *runtime) : runtime_(runtime) {
  if (list.is_json_view()) {
    json_ = list.as_json_view().first();
  } else {
    at_ = list.list_items();
    end_ = at_ + list.list_size();
  }
}

bool ListCursor::next(Value &item) {
  if (json_.present()) {
    item = Value::json(json_);
    charge_text(runtime_, item);
    json_ = json_.next();
    return true;
  }
  if (at_ == end_) return false;
  item = *at_++;
  return true;
}

MapCursor::MapCursor(const Value &map, Runtime *runtime) : runtime_(runtime) {
  if (map.is_json_view()) {
    json_ = map.as_json_view().first();
  } else {
    data_ = map.map_data();
  }
}

bool MapCursor::next(Value &key, Value &value) {
  if (json_.present()) {
    key = Value::string(json_.key());
    value = Value::json(json_);
    charge_text(runtime_, key);
    charge_text(runtime_, value);
    json_ = json_.next();
    return true;
  }
  if (data_ == nullptr || index_ == data_->count) return false;
  key = data_->entries[index_].key;
  value = data_->entries[index_].value;
  ++index_;
  return true;
}

bool never_meet(Kind a, Kind b) {
  return (a == Kind::kDecimal && b == Kind::kDouble) || (a == Kind::kDouble && b == Kind::kDecimal);
}

bool is_number(Kind kind) { return kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDouble; }

base::Timestamp midnight(const Value &value) {
  return value.is(Kind::kDate) ? base::Timestamp::from_date(value.as_date()) : value.as_timestamp();
}

bool to_exact(const Value &value, Decimal &out) {
  switch (value.kind()) {
    case Kind::kDecimal: out = value.as_decimal(); return true;
    case Kind::kInt: out = Decimal::from_int(value.as_int()); return true;
    case Kind::kUint: out = Decimal::from_uint(value.as_uint()); return true;
    default: return false;
  }
}

namespace {

template <typename T>
Order order(const T &a, const T &b) {
  return a < b ? Order::kLess : (b < a ? Order::kGreater : Order::kEqual);
}

Order order_doubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return Order::kUnordered;
  return order(a, b);
}

// Whole numbers against doubles: what lies outside the integer's range is settled by that,
// the rest compares as doubles.
Order order_int_double(std::int64_t a, double b) {
  if (std::isnan(b)) return Order::kUnordered;
  if (b < -9223372036854775808.0) return Order::kGreater;
  if (b > 9223372036854775808.0) return Order::kLess;
  return order(static_cast<double>(a), b);
}

Order order_uint_double(std::uint64_t a, double b) {
  if (std::isnan(b)) return Order::kUnordered;
  if (b < 0) return Order::kGreater;
  if (b > 18446744073709551616.0) return Order::kLess;
  return order(static_cast<double>(a), b);
}

Order order_int_uint(std::int64_t a, std::uint64_t b) {
  return a < 0 ? Order::kLess : order(static_cast<std::uint64_t>(a), b);
}

Order reversed(Order given) {
  if (given == Order::kLess) return Order::kGreater;
  return given == Order::kGreater ? Order::kLess : given;
}

Order order_numbers(const Value &a, const Value &b) {
  const Kind left = a.kind();
  const Kind right = b.kind();
  if (left == right) {
    if (left == Kind::kInt) return order(a.as_int(), b.as_int());
    if (left == Kind::kUint) return order(a.as_uint(), b.as_uint());
    return order_doubles(a.as_double(), b.as_double());
  }
  if (left == Kind::kInt)
    return right == Kind::kUint ? order_int_uint(a.as_int(), b.as_uint()) : order_int_double(a.as_int(), b.as_double());
  if (left == Kind::kUint && right == Kind::kDouble) return order_uint_double(a.as_uint(), b.as_double());
  return reversed(order_numbers(b, a));
}

Order order_decimals(const Value &a, const Value &b) {
  Decimal left;
  Decimal right;
  if (!to_exact(a, left) || !to_exact(b, right)) return Order::kIncomparable;
  const auto given = Decimal::compare(left, right);
  return given < 0 ? Order::kLess : (given > 0 ? Order::kGreater : Order::kEqual);
}

bool is_calendar(Kind kind) { return kind == Kind::kDate || kind == Kind::kTimestamp; }

Value equal_lists(Runtime &runtime, const Value &a, const Value &b, int depth) {
  if (runtime.size_of(a) != runtime.size_of(b)) return Value::boolean(false);
  ListCursor left(a, &runtime);
  ListCursor right(b, &runtime);
  Value x;
  Value y;
  while (left.next(x) && right.next(y)) {
    const Value same = equal(runtime, x, y, depth + 1);
    if (same.is_error() || !same.as_bool()) return same;
  }
  return Value::boolean(true);
}

Value equal_maps(Runtime &runtime, const Value &a, const Value &b, int depth) {
  if (runtime.size_of(a) != runtime.size_of(b)) return Value::boolean(false);
  MapCursor cursor(a, &runtime);
  Value key;
  Value value;
  while (cursor.next(key, value)) {
    const Value other = runtime.find(b, key);
    if (other.is_error()) return other;
    if (other.is_absent()) return Value::boolean(false);
    const Value same = equal(runtime, value, other, depth + 1);
    if (same.is_error() || !same.as_bool()) return same;
  }
  return Value::boolean(true);
}

Value equal_optionals(Runtime &runtime, const Value &a, const Value &b, int depth) {
  const Value *x = a.as_optional();
  const Value *y = b.as_optional();
  if (x == nullptr || y == nullptr) return Value::boolean(x == y);
  return equal(runtime, *x, *y, depth + 1);
}

}  // namespace

namespace {

std::size_t bytes_of(const Value &value) {
  const bool text = value.is(Kind::kString) || value.is(Kind::kBytes);
  return text ? value.as_text().size() : 0;
}

}  // namespace

// What comes out where the steps run out does not matter: the evaluation ends there.
Order order_of(Runtime &runtime, const Value &a, const Value &b) {
  const Kind left = a.kind();
  const Kind right = b.kind();
  if (!runtime.charge(copied(std::min(bytes_of(a), bytes_of(b))))) return Order::kIncomparable;
  if (is_number(left) && is_number(right)) return order_numbers(a, b);
  if (left == Kind::kDecimal || right == Kind::kDecimal) return order_decimals(a, b);
  if (is_calendar(left) && is_calendar(right)) return order(midnight(a), midnight(b));
  if (left != right) return Order::kIncomparable;
  switch (left) {
    case Kind::kString:
    case Kind::kBytes: return order(a.as_text().compare(b.as_text()), 0);
    case Kind::kBool: return order(a.as_int(), b.as_int());
    case Kind::kDuration: return order(a.as_duration_nanos(), b.as_duration_nanos());
    default: return Order::kIncomparable;
  }
}

Value equal(Runtime &runtime, const Value &a, const Value &b, int depth) {
  const std::size_t bytes = bytes_of(a);
  if (!runtime.charge(1 + (bytes == bytes_of(b) ? copied(bytes) : 0))) return Runtime::out_of_steps();
  if (depth > kMaxValueDepth) return Runtime::fail(FailureCode::kDepthLimit);
  if (never_meet(a.kind(), b.kind())) return Runtime::fail(FailureCode::kNoSuchOverload, "decimal == double");
  if (a.kind() == b.kind()) {
    switch (a.kind()) {
      case Kind::kNull: return Value::boolean(true);
      case Kind::kString:
      case Kind::kBytes:
      case Kind::kType: return Value::boolean(a.as_text() == b.as_text());
      case Kind::kUuid: return Value::boolean(a.as_uuid() == b.as_uuid());
      case Kind::kList: return equal_lists(runtime, a, b, depth);
      case Kind::kMap: return equal_maps(runtime, a, b, depth);
      case Kind::kOptional: return equal_optionals(runtime, a, b, depth);
      default: break;
    }
  }
  return Value::boolean(order_of(runtime, a, b) == Order::kEqual);
}

Value relate(Runtime &runtime, Operator op, const Value &a, const Value &b) {
  if (op == Operator::kEqual) return equal(runtime, a, b);
  if (op == Operator::kNotEqual) {
    const Value same = equal(runtime, a, b);
    return same.is_error() ? same : Value::boolean(!same.as_bool());
  }
  const Order given = order_of(runtime, a, b);
  if (runtime.steps_left < 0) return Runtime::out_of_steps();
  if (given == Order::kIncomparable) return Runtime::fail(FailureCode::kNoSuchOverload, operator_text(op));
  switch (op) {
    case Operator::kLess: return Value::boolean(given == Order::kLess);
    case Operator::kLessEqual: return Value::boolean(given == Order::kLess || given == Order::kEqual);
    case Operator::kGreater: return Value::boolean(given == Order::kGreater);
    default: return Value::boolean(given == Order::kGreater || given == Order::kEqual);
  }
}

Value contained(Runtime &runtime, const Value &item, const Value &container) {
  if (container.is(Kind::kMap)) {
    const Value found = runtime.find(container, item);
    return found.is_error() ? found : Value::boolean(!found.is_absent());
  }
  if (!container.is(Kind::kList)) return Runtime::fail(FailureCode::kNoSuchOverload, "in");
  ListCursor cursor(container, &runtime);
  Value element;
  while (cursor.next(element)) {
    const Value same = equal(runtime, item, element);
    if (same.is_error() || same.as_bool()) return same;
  }
  return Value::boolean(false);
}

Value make_optional(Runtime &runtime, const Value &value) {
  auto *held = runtime.arena.allocate_array<Value>(1);
  if (held == nullptr) return Runtime::out_of_memory();
  *held = value;
  return Value::optional_of(held);
}

}  // namespace cala::cel
