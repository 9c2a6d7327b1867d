#include "base/uuid.h"

#include <chrono>
#include <cstring>

#include "platform/fork_generation.h"
#include "platform/random.h"

namespace cala::base {
namespace {

constexpr std::size_t kTextSize = 36;
constexpr std::size_t kHyphens[] = {8, 13, 18, 23};

constexpr bool is_hyphen_place(std::size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

constexpr std::array<std::int8_t, 256> kHexValue = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < 10; ++i) values['0' + i] = static_cast<std::int8_t>(i);
  for (std::size_t i = 0; i < 6; ++i) {
    values['a' + i] = static_cast<std::int8_t>(10 + i);
    values['A' + i] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

int hex_value(char c) { return kHexValue[static_cast<unsigned char>(c)]; }

std::optional<Uuid> parse_digits(std::string_view digits) {
  Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = hex_value(digits[2 * i]);
    const int low = hex_value(digits[2 * i + 1]);
    if ((high | low) < 0) return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return id;
}

void store_big_endian(std::uint8_t *to, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) *to++ = static_cast<std::uint8_t>(value >> shift);
}

// Only reached where the system has no randomness or forbids it. Ids stay unique in the process by their counter.
void fill_without_system(std::uint8_t *to, std::size_t size) {
  auto state = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  state ^= platform::process_id() << 40 ^ reinterpret_cast<std::uintptr_t>(to);
  for (std::size_t i = 0; i < size; ++i) {
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    to[i] = static_cast<std::uint8_t>(mixed >> 56);
  }
}

void fill_random(std::uint8_t *to, std::size_t size) {
  if (!platform::fill_random(to, size)) fill_without_system(to, size);
}

// Random bytes a thread has in stock. A forked child inherits its parent's stock and must not use it.
struct RandomStock {
  std::array<std::uint8_t, 480> bytes;
  std::size_t used;
  std::uint64_t generation;
};

constexpr std::size_t kDrawSize = sizeof(std::uint16_t) + sizeof(std::uint64_t);
static_assert(sizeof(RandomStock::bytes) % kDrawSize == 0);

thread_local constinit RandomStock stock{{}, sizeof(RandomStock::bytes), 0};

constinit UuidSource process_source;

}  // namespace

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != kTextSize) return std::nullopt;
  for (const std::size_t place : kHyphens) {
    if (text[place] != '-') return std::nullopt;
  }
  std::array<char, 32> digits;
  std::size_t count = 0;
  for (std::size_t i = 0; i < kTextSize; ++i) {
    if (!is_hyphen_place(i)) digits[count++] = text[i];
  }
  return parse_digits({digits.data(), digits.size()});
}

std::string Uuid::text() const {
  std::string out;
  append_to(out);
  return out;
}

void Uuid::append_to(std::string &out) const {
  constexpr char digits[] = "0123456789abcdef";
  std::array<char, kTextSize> buffer;
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    if (is_hyphen_place(at)) buffer[at++] = '-';
    buffer[at++] = digits[byte >> 4];
    buffer[at++] = digits[byte & 15];
  }
  out.append(buffer.data(), buffer.size());
}

std::size_t UuidHash::operator()(const Uuid &id) const noexcept {
  std::uint64_t halves[2];
  std::memcpy(halves, id.bytes.data(), sizeof(halves));
  // The time is in the first half, so neighbours differ in few bits: mix well.
  std::uint64_t mixed = (halves[0] ^ (halves[1] >> 29) ^ (halves[1] << 35)) * 0x9e3779b97f4a7c15U;
  mixed = (mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93U;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}

Uuid UuidSource::next(std::int64_t unix_ms, std::uint16_t counter_seed, std::uint64_t tail) {
  const auto clock = static_cast<std::uint64_t>(unix_ms < 0 ? 0 : unix_ms) << 16;
  std::uint64_t last = last_.load(std::memory_order_relaxed);
  std::uint64_t place = 0;
  do {
    // Within the millisecond of the last id, or before it, the next place; else a fresh start in the new millisecond.
    place = (clock >> 16) > (last >> 16) ? clock | (counter_seed & 0x7fffU) : last + 1;
  } while (!last_.compare_exchange_weak(last, place, std::memory_order_relaxed));
  const std::uint64_t counter_high = place >> 4 & 0xfff;
  const std::uint64_t counter_low = place & 0xf;
  Uuid id;
  store_big_endian(id.bytes.data(), (place & ~std::uint64_t{0xffff}) | 0x7000U | counter_high);
  store_big_endian(id.bytes.data() + 8, std::uint64_t{2} << 62 | counter_low << 58 | (tail & ~std::uint64_t{0} >> 6));
  return id;
}

Uuid new_uuid() {
  const std::uint64_t generation = platform::fork_generation();
  if (stock.used == stock.bytes.size() || stock.generation != generation) {
    fill_random(stock.bytes.data(), stock.bytes.size());
    stock.used = 0;
    stock.generation = generation;
  }
  std::uint16_t counter_seed = 0;
  std::uint64_t tail = 0;
  std::memcpy(&counter_seed, stock.bytes.data() + stock.used, sizeof(counter_seed));
  std::memcpy(&tail, stock.bytes.data() + stock.used + sizeof(counter_seed), sizeof(tail));
  stock.used += kDrawSize;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return process_source.next(std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), counter_seed, tail);
}

}  // namespace cala::base
