// Uuid: sixteen bytes, ordered bytewise; its text is 8-4-4-4-12, read in either case, written in lower case.
// UuidSource makes version 7 ids: unique in the process and rising in order of creation. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cala::base {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Uuid &, const Uuid &) = default;
  bool is_nil() const { return *this == Uuid{}; }

  static std::optional<Uuid> parse(std::string_view text);  // exactly 36 characters, 8-4-4-4-12
  std::string text() const;
  void append_to(std::string &out) const;
};

struct UuidHash {
  std::size_t operator()(const Uuid &id) const noexcept;
};

// Lays out version 7 ids: 48 bits of milliseconds, then a 16-bit counter, then 58 random bits. The first 64 bits that
// are not fixed by the version and variant rise with every call, whatever the clock does: where it stands still or
// steps back, or the counter of one millisecond runs out, they go on from the last id.
class UuidSource {
 public:
  constexpr UuidSource() = default;
  // counter_seed: random, its lower 15 bits start the counter of a new millisecond. tail: random, new for each call.
  Uuid next(std::int64_t unix_ms, std::uint16_t counter_seed, std::uint64_t tail);

 private:
  std::atomic<std::uint64_t> last_{0};
};

// A fresh version 7 id from the system's clock and randomness; later calls in one process compare greater.
Uuid new_uuid();

}  // namespace cala::base
