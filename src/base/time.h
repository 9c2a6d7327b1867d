// Instants, dates and durations as plain numbers, and their text. UTC only, years 0001 to 9999, no locale, no libc.
// Timestamp keeps nanoseconds, as CEL does; what the ledger stores and shows has microseconds (micros()).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cala::base {

struct Date {
  std::int32_t days = 0;  // since 1970-01-01
  friend auto operator<=>(const Date &, const Date &) = default;

  static std::optional<Date> parse(std::string_view text);  // exactly YYYY-MM-DD, 0001-01-01 to 9999-12-31
  static std::optional<Date> from_civil(std::int32_t year, std::int32_t month, std::int32_t day);
  struct Civil {
    std::int32_t year, month, day;
  };
  Civil civil() const;
  std::string text() const;
};

struct Timestamp {
  std::int64_t seconds = 0;  // since 1970-01-01T00:00:00Z
  std::int32_t nanos = 0;    // 0 to 999,999,999
  friend auto operator<=>(const Timestamp &, const Timestamp &) = default;

  static constexpr std::int64_t kMinSeconds = -62135596800;  // 0001-01-01T00:00:00Z
  static constexpr std::int64_t kMaxSeconds = 253402300799;  // 9999-12-31T23:59:59Z

  // RFC 3339 with any offset and up to nine decimals (2026-01-01T00:00:00.5+02:00); also the form with a space that
  // PostgreSQL writes inside JSON. Out of range is nullopt.
  static std::optional<Timestamp> parse(std::string_view text);
  static Timestamp from_micros(std::int64_t micros);
  static Timestamp from_date(Date date);
  std::int64_t micros() const;  // floor
  Date date() const;
  std::string text() const;         // shortest: 2026-01-01T00:00:00Z, .5Z, .123456789Z (as CEL's string())
  std::string micros_text() const;  // always six decimals: 2026-01-01T00:00:00.000000Z (as the API writes)
};

// The clock's interface. The ledger owns one; core never reads time by itself.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;  // thread-safe, microsecond precision
};

}  // namespace cala::base
