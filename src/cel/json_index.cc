#include "cel/json_index.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>

#include "cel/map.h"
#include "cel/runtime.h"

namespace cala::cel {

namespace {

std::uintptr_t address_of(base::JsonView view) { return std::bit_cast<std::uintptr_t>(view); }

std::size_t slot_of(base::JsonView view, std::size_t slots) {
  return static_cast<std::size_t>(address_of(view) / 16 * 0x9e3779b97f4a7c15U >> 20U) & (slots - 1);
}

std::size_t open_list(JsonIndex::Seen &seen, Arena &arena) {
  auto *items = static_cast<Value *>(arena.allocate_uncounted(seen.size * sizeof(Value)));
  std::size_t made = 0;
  std::size_t bytes = 0;
  for (const base::JsonView child : seen.view) {
    items[made] = Value::json(child);
    if (items[made].is(Kind::kString)) bytes += items[made].as_text().size();
    ++made;
  }
  seen.whole = Value::list(items, made);
  return parsed(made) + copied(bytes);
}

std::size_t open_map(JsonIndex::Seen &seen, Arena &arena) {
  MapBuilder builder(arena, MapBuilder::Room::kUncounted);
  builder.reserve(seen.size);
  std::size_t bytes = 0;
  for (const base::JsonView child : seen.view) {
    const Value value = Value::json(child);
    if (value.is(Kind::kString)) bytes += value.as_text().size();
    builder.put(Value::string(child.key()), value);
  }
  seen.whole = Value::map(builder.finish());
  return seen.size + builder.take_work() + copied(bytes);
}

}  // namespace

JsonIndex::Seen &JsonIndex::seen(base::JsonView view, Arena &arena) {
  if ((count_ + 1) * 2 > slots_) grow(arena);
  std::size_t at = slot_of(view, slots_);
  for (; table_[at] != nullptr; at = (at + 1) & (slots_ - 1)) {
    if (address_of(table_[at]->view) == address_of(view)) return *table_[at];
  }
  table_[at] = new (arena.allocate_uncounted(sizeof(Seen))) Seen{};
  table_[at]->view = view;
  ++count_;
  return *table_[at];
}

void JsonIndex::grow(Arena &arena) {
  const std::size_t slots = slots_ == 0 ? 16 : slots_ * 2;
  auto **table = static_cast<Seen **>(arena.allocate_uncounted(slots * sizeof(Seen *)));
  std::fill(table, table + slots, nullptr);
  for (std::size_t i = 0; i < slots_; ++i) {
    if (table_[i] == nullptr) continue;
    std::size_t at = slot_of(table_[i]->view, slots);
    while (table[at] != nullptr) at = (at + 1) & (slots - 1);
    table[at] = table_[i];
  }
  table_ = table;
  slots_ = slots;
}

std::size_t JsonIndex::open(Seen &seen, Arena &arena) {
  return seen.view.is_object() ? open_map(seen, arena) : open_list(seen, arena);
}

}  // namespace cala::cel
