#include "store/sqlite/entry_id.h"

namespace cala::store::sqlite {

namespace {

void put(base::Uuid &id, std::size_t at, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value >>= 8) id.bytes[at + i] = static_cast<std::uint8_t>(value);
}

std::uint64_t get(const base::Uuid &id, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | id.bytes[at + i];
  return value;
}

}  // namespace

base::Uuid entry_id(std::int64_t n, base::Timestamp created_at, std::uint32_t salt) {
  const auto number = static_cast<std::uint64_t>(n);
  base::Uuid id;
  put(id, 0, 6, static_cast<std::uint64_t>(created_at.micros() / 1000));  // truncates, as SQL's division does
  put(id, 6, 2, 0x7000U | number >> 30);
  put(id, 8, 2, 0x8000U | (number >> 16 & 0x3fffU));
  put(id, 10, 2, number & 0xffffU);
  put(id, 12, 4, salt);
  return id;
}

std::optional<std::int64_t> entry_n_of(const base::Uuid &id, std::uint32_t salt) {
  const std::uint64_t high = get(id, 6, 2);
  const std::uint64_t middle = get(id, 8, 2);
  if (high >> 12 != 7 || middle >> 14 != 2 || get(id, 12, 4) != salt) return std::nullopt;
  return static_cast<std::int64_t>((high & 0xfffU) << 30 | (middle & 0x3fffU) << 16 | get(id, 10, 2));
}

}  // namespace cala::store::sqlite
