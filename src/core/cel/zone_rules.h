// Where the rules of IANA time zones would be looked up. There are none yet: every name is unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cala::core::cel {

std::optional<std::int64_t> zone_rules_offset(std::string_view name, std::int64_t utc_seconds);

}  // namespace cala::core::cel
