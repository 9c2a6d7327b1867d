// Functions on lists and maps, and on lists as sets.
#include <algorithm>
#include <bit>

#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

Value size(Runtime &runtime, const Value *args, std::size_t) {
  return Value::integer(static_cast<std::int64_t>(runtime.size_of(args[0])));
}

Value slice(Runtime &runtime, const Value *args, std::size_t) {
  const Runtime::Items items = runtime.items(args[0]);
  const std::int64_t begin = args[1].as_int();
  const std::int64_t end = args[2].as_int();
  if (items.failure.is_error()) return items.failure;
  const bool inside = begin >= 0 && begin <= end && static_cast<std::uint64_t>(end) <= items.count;
  if (!inside) return Runtime::fail(FailureCode::kInvalidArgument, "slice: the range is not inside the list");
  return Value::list(items.data + begin, static_cast<std::size_t>(end - begin));
}

struct Flattening {
  Value *to = nullptr;  // nullptr: only count
  std::size_t count = 0;
};

// False: too deep or too many steps.
bool flatten_into(Runtime &runtime, const Value &list, std::int64_t depth, int level, Flattening &out) {
  if (level > kMaxValueDepth) return false;
  ListCursor cursor(list, &runtime);
  Value item;
  while (cursor.next(item)) {
    if (!runtime.charge(1)) return false;
    if (item.is(Kind::kList) && depth > 0) {
      if (!flatten_into(runtime, item, depth - 1, level + 1, out)) return false;
      continue;
    }
    if (out.to != nullptr) out.to[out.count] = item;
    ++out.count;
  }
  return true;
}

Value flatten(Runtime &runtime, const Value *args, std::size_t count) {
  const std::int64_t depth = count == 2 ? args[1].as_int() : 1;
  if (depth < 0) return Runtime::fail(FailureCode::kInvalidArgument, "flatten: level must be non-negative");
  Flattening measured;
  if (!flatten_into(runtime, args[0], depth, 0, measured)) return Runtime::out_of_steps();
  Flattening made;
  made.to = runtime.arena.allocate_array<Value>(measured.count);
  if (made.to == nullptr) return Runtime::out_of_memory();
  if (!flatten_into(runtime, args[0], depth, 0, made)) return Runtime::out_of_steps();
  return Value::list(made.to, made.count);
}

Value reversed(Runtime &runtime, const Value *args, std::size_t) {
  const Runtime::Items items = runtime.items(args[0]);
  auto *to = runtime.arena.allocate_array<Value>(items.count);
  if (items.failure.is_error()) return items.failure;
  if (to == nullptr) return Runtime::out_of_memory();
  std::reverse_copy(items.data, items.data + items.count, to);
  return Value::list(to, items.count);
}

// Whether an equal item is among the first `count`; a failure when it cannot be told.
Value among(Runtime &runtime, const Value &wanted, const Value *items, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const Value same = equal(runtime, wanted, items[i]);
    if (same.is_error() || same.as_bool()) return same;
  }
  return Value::boolean(false);
}

Value distinct(Runtime &runtime, const Value *args, std::size_t) {
  const Runtime::Items items = runtime.items(args[0]);
  auto *to = runtime.arena.allocate_array<Value>(items.count);
  if (items.failure.is_error()) return items.failure;
  if (to == nullptr) return Runtime::out_of_memory();
  std::size_t made = 0;
  for (std::size_t i = 0; i < items.count; ++i) {
    const Value known = among(runtime, items.data[i], to, made);
    if (known.is_error()) return known;
    if (!known.as_bool()) to[made++] = items.data[i];
  }
  return Value::list(to, made);
}

Value sort(Runtime &runtime, const Value *args, std::size_t) {
  const Runtime::Items items = runtime.items(args[0]);
  if (items.failure.is_error()) return items.failure;
  return sort_values(runtime, items.data, items.data, items.count);
}

Value range(Runtime &runtime, const Value *args, std::size_t) {
  const std::int64_t count = args[0].as_int();
  if (count < 0) return Runtime::fail(FailureCode::kInvalidArgument, "lists.range: the count is negative");
  if (!runtime.charge(static_cast<std::size_t>(count))) return Runtime::out_of_steps();
  auto *to = runtime.arena.allocate_array<Value>(static_cast<std::size_t>(count));
  if (to == nullptr) return Runtime::out_of_memory();
  for (std::int64_t i = 0; i < count; ++i) to[i] = Value::integer(i);
  return Value::list(to, static_cast<std::size_t>(count));
}

Value first(Runtime &runtime, const Value *args, std::size_t) {
  const Value found = runtime.at(args[0], 0);
  if (found.is_error()) return found;
  return found.is_absent() ? Value::optional_none() : make_optional(runtime, found);
}

Value last(Runtime &runtime, const Value *args, std::size_t) {
  const std::size_t size = runtime.size_of(args[0]);
  if (size == 0) return Value::optional_none();
  const Value found = runtime.at(args[0], size - 1);
  return found.is_error() ? found : make_optional(runtime, found);
}

// Whether each of these items, or any of them when `any`, is among those.
Value compare_sets(Runtime &runtime, const Value &these, const Value &those, bool any) {
  const Runtime::Items left = runtime.items(these);
  const Runtime::Items right = runtime.items(those);
  if (left.failure.is_error()) return left.failure;
  if (right.failure.is_error()) return right.failure;
  for (std::size_t i = 0; i < left.count; ++i) {
    const Value found = among(runtime, left.data[i], right.data, right.count);
    if (found.is_error() || found.as_bool() == any) return found;
  }
  return Value::boolean(!any);
}

Value set_contains(Runtime &runtime, const Value *args, std::size_t) {
  return compare_sets(runtime, args[1], args[0], false);
}

Value set_equivalent(Runtime &runtime, const Value *args, std::size_t) {
  const Value forth = compare_sets(runtime, args[0], args[1], false);
  if (forth.is_error() || !forth.as_bool()) return forth;
  return compare_sets(runtime, args[1], args[0], false);
}

Value set_intersects(Runtime &runtime, const Value *args, std::size_t) {
  return compare_sets(runtime, args[0], args[1], true);
}

constexpr Overload kFunctions[] = {
    {"size", kGlobal, "l>i", size, kOwnCost},
    {"size", kGlobal, "m>i", size, kOwnCost},
    {"size", kMember, "l>i", size, kOwnCost},
    {"size", kMember, "m>i", size, kOwnCost},
    {"slice", kMember, "lii>=", slice, kOwnCost},
    {"flatten", kMember, "l>l", flatten, kOwnCost},
    {"flatten", kMember, "li>l", flatten, kOwnCost},
    {"reverse", kMember, "l>=", reversed, kWalksItems},
    {"distinct", kMember, "l>=", distinct, kOwnCost},
    {"sort", kMember, "l>=", sort, kOwnCost},
    {"first", kMember, "l>E", first, kOwnCost},
    {"last", kMember, "l>E", last, kOwnCost},
    {"lists.range", kGlobal, "i>l", range, kOwnCost},
    {"sets.contains", kGlobal, "ll>b", set_contains, kOwnCost},
    {"sets.equivalent", kGlobal, "ll>b", set_equivalent, kOwnCost},
    {"sets.intersects", kGlobal, "ll>b", set_intersects, kOwnCost},
};

}  // namespace

std::span<const Overload> list_functions() { return kFunctions; }

Value sort_values(Runtime &runtime, const Value *keys, const Value *items, std::size_t count) {
  // Merging compares each key at most once in each of as many passes as the count has bits,
  // and no further than it is long.
  const auto passes = static_cast<std::size_t>(std::bit_width(count));
  std::size_t steps = count;
  bool exact = false;
  bool inexact = false;
  for (std::size_t i = 0; i < count; ++i) {
    exact = exact || keys[i].is(Kind::kDecimal);
    inexact = inexact || keys[i].is(Kind::kDouble);
    const bool text = keys[i].is(Kind::kString) || keys[i].is(Kind::kBytes);
    if (text) steps += copied(keys[i].as_text().size());
  }
  if (!runtime.charge(steps * passes)) return Runtime::out_of_steps();
  if (exact && inexact) return Runtime::fail(FailureCode::kNoSuchOverload, "sort");
  Runtime paid{runtime.arena, runtime.now};
  paid.steps_left = INT64_MAX;
  for (std::size_t i = 0; i < count; ++i) {
    if (order_of(paid, keys[0], keys[i]) == Order::kIncomparable)
      return Runtime::fail(FailureCode::kNoSuchOverload, "sort");
    if (order_of(paid, keys[i], keys[i]) == Order::kUnordered)
      return Runtime::fail(FailureCode::kInvalidArgument, "NaN has no order");
  }
  auto *order = runtime.arena.allocate_array<std::uint32_t>(count);
  auto *sorted = runtime.arena.allocate_array<Value>(count);
  if (order == nullptr || sorted == nullptr) return Runtime::out_of_memory();
  for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i);
  std::stable_sort(order, order + count,
                   [&](std::uint32_t a, std::uint32_t b) { return order_of(paid, keys[a], keys[b]) == Order::kLess; });
  for (std::size_t i = 0; i < count; ++i) sorted[i] = items[order[i]];
  return Value::list(sorted, count);
}

}  // namespace cala::cel
