#include "cel/map.h"

#include <cstring>

#include "cel/runtime.h"

namespace cala::cel {

namespace {

constexpr std::size_t kHashedFrom = 12;

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33U;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33U;
  return x;
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(hash);
}

// A key in the one form in which equal keys are the same: whole doubles and small uints become ints.
Value canonical(const Value &key) {
  if (key.is(Kind::kUint) && key.as_uint() <= static_cast<std::uint64_t>(INT64_MAX)) {
    return Value::integer(static_cast<std::int64_t>(key.as_uint()));
  }
  if (!key.is(Kind::kDouble)) return key;
  const double number = key.as_double();
  if (number >= -9223372036854775808.0 && number < 9223372036854775808.0) {
    const auto whole = static_cast<std::int64_t>(number);
    return static_cast<double>(whole) == number ? Value::integer(whole) : Value();
  }
  if (number >= 9223372036854775808.0 && number < 18446744073709551616.0) {
    return Value::unsigned_integer(static_cast<std::uint64_t>(number));
  }
  return Value();
}

bool same(const Value &a, const Value &b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kString: return a.as_text() == b.as_text();
    case Kind::kInt: return a.as_int() == b.as_int();
    case Kind::kUint: return a.as_uint() == b.as_uint();
    case Kind::kBool: return a.as_bool() == b.as_bool();
    default: return false;
  }
}

std::uint64_t hash_key(const Value &key) {
  if (key.is(Kind::kString)) return hash_text(key.as_text());
  return mix(key.as_uint() + static_cast<std::uint64_t>(key.kind()));
}

}  // namespace

bool is_map_key(Kind kind) {
  return kind == Kind::kString || kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kBool;
}

const Value *MapData::find(const Value &key) const {
  std::size_t looked = 0;
  return find(key, looked);
}

const Value *MapData::find(const Value &key, std::size_t &looked) const {
  const Value wanted = canonical(key);
  if (!is_map_key(wanted.kind())) return nullptr;
  if (table == nullptr) {
    looked += count;
    for (std::size_t i = 0; i < count; ++i) {
      if (same(canonical(entries[i].key), wanted)) return &entries[i].value;
    }
    return nullptr;
  }
  for (std::size_t at = hash_key(wanted) & table_mask; table[at] != 0; at = (at + 1) & table_mask) {
    ++looked;
    const MapEntry &entry = entries[table[at] - 1];
    if (same(canonical(entry.key), wanted)) return &entry.value;
  }
  return nullptr;
}

bool MapBuilder::reserve(std::size_t count) {
  if (count <= capacity_) return true;
  auto *grown = allocate<MapEntry>(count);
  if (grown == nullptr) return false;
  for (std::size_t i = 0; i < data_.count; ++i) grown[i] = entries_[i];
  entries_ = grown;
  data_.entries = grown;
  capacity_ = count;
  return true;
}

void MapBuilder::enter(std::size_t entry) {
  std::size_t at = hash_key(canonical(entries_[entry].key)) & data_.table_mask;
  for (; table_[at] != 0; at = (at + 1) & data_.table_mask) ++looked_;
  table_[at] = static_cast<std::uint32_t>(entry + 1);
}

bool MapBuilder::index() {
  std::size_t slots = 32;
  while (slots < capacity_ * 2) slots *= 2;
  table_ = allocate<std::uint32_t>(slots);
  if (table_ == nullptr) return false;
  std::memset(table_, 0, slots * sizeof *table_);
  data_.table = table_;
  data_.table_mask = slots - 1;
  for (std::size_t i = 0; i < data_.count; ++i) enter(i);
  return true;
}

MapBuilder::Put MapBuilder::put(const Value &key, const Value &value) {
  if (!is_map_key(key.kind())) return Put::kNotAKey;
  if (key.is(Kind::kString)) key_bytes_ += key.as_text().size();
  if (data_.find(key, looked_) != nullptr) return Put::kRepeated;
  const bool full = data_.count == capacity_;
  if (full && !reserve(capacity_ == 0 ? 4 : capacity_ * 2)) return Put::kNoMemory;
  entries_[data_.count++] = {key, value};
  if (data_.count < kHashedFrom) return Put::kDone;
  if (full || table_ == nullptr) return index() ? Put::kDone : Put::kNoMemory;
  enter(data_.count - 1);
  return Put::kDone;
}

// A key is hashed twice or thrice: where it is looked for, where it is entered, and again as the table grows.
std::size_t MapBuilder::take_work() {
  const std::size_t work = looked_ / 4 + 3 * walked(key_bytes_);
  looked_ = 0;
  key_bytes_ = 0;
  return work;
}

const MapData *MapBuilder::finish() {
  auto *data = allocate<MapData>(1);
  if (data != nullptr) *data = data_;
  return data;
}

}  // namespace cala::cel
