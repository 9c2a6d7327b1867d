#include "base/zone_rules.h"

#ifdef CALA_IANA_ZONES
#include <absl/time/time.h>

#include <string>

#include "platform/files.h"
#endif

namespace cala::base {

#ifdef CALA_IANA_ZONES

namespace {

constexpr std::size_t kLongestName = 64;

// A name is looked up as a file, so nothing that leads out of the folder may pass; and each that was asked for is
// remembered for ever, so only those that exist are.
bool is_installed(std::string_view name) {
  if (name.size() > kLongestName || name.front() == '/') return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '_' && c != '-' && c != '+' && c != '/') return false;
  }
  return platform::may_read("/usr/share/zoneinfo/" + std::string(name));
}

}  // namespace

std::optional<std::int64_t> named_zone_offset(std::string_view name, std::int64_t utc_seconds) {
  absl::TimeZone zone;
  if (!is_installed(name) || !absl::LoadTimeZone(std::string(name), &zone)) return std::nullopt;
  return zone.At(absl::FromUnixSeconds(utc_seconds)).offset;
}

#else

std::optional<std::int64_t> named_zone_offset(std::string_view, std::int64_t) { return std::nullopt; }

#endif

}  // namespace cala::base
