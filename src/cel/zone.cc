#include "cel/zone.h"

#include "base/zone_rules.h"

namespace cala::cel {

namespace {

std::optional<std::int64_t> digits(std::string_view text) {
  if (text.empty() || text.size() > 2) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

}  // namespace

std::optional<std::int64_t> zone_offset(std::string_view zone, std::int64_t utc_seconds) {
  if (zone == "UTC" || zone == "Z" || zone.empty()) return 0;
  const std::size_t colon = zone.find(':');
  if (colon == std::string_view::npos) return base::named_zone_offset(zone, utc_seconds);
  const bool behind = zone.front() == '-';
  const std::size_t sign = behind || zone.front() == '+' ? 1 : 0;
  const auto hours = digits(zone.substr(sign, colon - sign));
  const auto minutes = digits(zone.substr(colon + 1));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return behind ? -seconds : seconds;
}

}  // namespace cala::cel
