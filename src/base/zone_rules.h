// The rules of named time zones ("Europe/Paris") as the machine has them installed; only in a build with
// CALA_IANA_ZONES, else no name is known. Reads files, and two machines may disagree: nothing that is posted should
// depend on it. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cala::base {

// Seconds east of UTC at that instant; nullopt when the zone is not known.
std::optional<std::int64_t> named_zone_offset(std::string_view name, std::int64_t utc_seconds);

}  // namespace cala::base
