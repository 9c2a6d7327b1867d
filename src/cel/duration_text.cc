#include <cstdint>

#include "base/int128.h"
#include "cel/functions.h"

namespace cala::cel {

namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
// Longer names before those they begin with.
constexpr Unit kUnits[] = {
    {"ns", 1},         {"us", 1'000},          {"\xC2\xB5s", 1'000},        {"\xCE\xBCs", 1'000},
    {"ms", 1'000'000}, {"s", kNanosPerSecond}, {"m", 60 * kNanosPerSecond}, {"h", 3600 * kNanosPerSecond},
};

const Unit *take_unit(std::string_view &text) {
  for (const Unit &unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr base::Int128 kTooLong = base::Int128{INT64_MAX} * 4;

// One number with its unit; false when there is none. What is past the range stays past it.
bool take_part(std::string_view &text, base::Int128 &total) {
  base::Int128 whole = 0;
  std::size_t digits = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
    if (whole < kTooLong) whole = whole * 10 + (text.front() - '0');
  }
  base::Int128 fraction = 0;
  base::Int128 scale = 1;
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++digits) {
      if (scale >= base::Int128{1'000'000'000} * kNanosPerSecond) continue;
      fraction = fraction * 10 + (text.front() - '0');
      scale *= 10;
    }
  }
  const Unit *unit = digits > 0 ? take_unit(text) : nullptr;
  if (unit == nullptr) return false;
  const bool fits = whole < kTooLong / unit->nanos;
  total += fits ? whole * unit->nanos + fraction * unit->nanos / scale : kTooLong;
  if (total > kTooLong) total = kTooLong;
  return true;
}

}  // namespace

ParsedDuration parse_duration(std::string_view text) {
  ParsedDuration out;
  const bool negative = !text.empty() && text.front() == '-';
  if (negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (text == "0") return {0, true, false};
  base::Int128 total = 0;
  if (text.empty()) return out;
  while (!text.empty()) {
    if (!take_part(text, total)) return out;
  }
  if (negative) total = -total;
  out.range = total > INT64_MAX || total < INT64_MIN;
  out.ok = !out.range;
  out.nanos = out.ok ? static_cast<std::int64_t>(total) : 0;
  return out;
}

std::string duration_text(std::int64_t nanos) {
  std::string text = nanos < 0 ? "-" : "";
  const std::uint64_t size = nanos < 0 ? 0 - static_cast<std::uint64_t>(nanos) : static_cast<std::uint64_t>(nanos);
  text += std::to_string(size / static_cast<std::uint64_t>(kNanosPerSecond));
  std::uint64_t rest = size % static_cast<std::uint64_t>(kNanosPerSecond);
  if (rest > 0) {
    std::string digits = std::to_string(rest + static_cast<std::uint64_t>(kNanosPerSecond)).substr(1);
    while (digits.back() == '0') digits.pop_back();
    text += '.';
    text += digits;
  }
  return text + "s";
}

}  // namespace cala::cel
