// Time zones as CEL writes them: "UTC", "+05:30", "-02:00", "02:00". IANA names ("Europe/Paris") are known only to a
// library that was built with CALA_IANA_ZONES: their rules depend on what the machine has installed, so two machines
// may disagree.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cala::cel {

// Seconds east of UTC at that instant; nullopt when the zone is not known.
std::optional<std::int64_t> zone_offset(std::string_view zone, std::int64_t utc_seconds);

}  // namespace cala::cel
