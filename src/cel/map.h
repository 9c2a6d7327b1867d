// Maps that an evaluation or a caller builds: entries in the order they were put in, found by key. Keys are int, uint,
// bool or string; numbers are the same key when they are equal (1, 1u, 1.0).
// Small maps are searched, larger ones hashed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cel/arena.h"
#include "cel/value.h"

namespace cala::cel {

struct MapEntry {
  Value key;
  Value value;
};

struct MapData {
  const MapEntry *entries = nullptr;
  std::size_t count = 0;
  const std::uint32_t *table = nullptr;  // of 1 + index of an entry, 0 is empty; nullptr for small maps
  std::size_t table_mask = 0;

  // nullptr when there is none. Any kind may be asked for; only key kinds are found.
  const Value *find(const Value &key) const;
  const Value *find(const Value &key, std::size_t &looked) const;  // adds how many entries it looked at
};

// Collects entries in an Arena. put() and finish() answer nullptr or a failure kind when the budget is spent.
class MapBuilder {
 public:
  enum class Put { kDone, kRepeated, kNotAKey, kNoMemory };
  enum class Room { kCounted, kUncounted };  // whether the arena's budget pays

  explicit MapBuilder(Arena &arena, Room room = Room::kCounted) : arena_(arena), room_(room) {}
  bool reserve(std::size_t count);
  Put put(const Value &key, const Value &value);
  const MapData *finish();  // nullptr: no memory
  std::size_t size() const { return data_.count; }
  std::size_t take_work();  // what put() was worth since the last time, in steps

 private:
  template <typename T>
  T *allocate(std::size_t count) {
    return room_ == Room::kCounted ? arena_.allocate_array<T>(count)
                                   : static_cast<T *>(arena_.allocate_uncounted(count * sizeof(T)));
  }
  bool index();
  void enter(std::size_t entry);

  Arena &arena_;
  Room room_;
  std::size_t looked_ = 0;
  std::size_t key_bytes_ = 0;
  MapEntry *entries_ = nullptr;
  std::uint32_t *table_ = nullptr;
  std::size_t capacity_ = 0;
  MapData data_;
};

bool is_map_key(Kind kind);

}  // namespace cala::cel
