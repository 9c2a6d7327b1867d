#include "core/cel/zone_rules.h"

namespace cala::core::cel {

std::optional<std::int64_t> zone_rules_offset(std::string_view, std::int64_t) { return std::nullopt; }

}  // namespace cala::core::cel
