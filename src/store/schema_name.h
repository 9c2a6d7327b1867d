// The name of the schema that a ledger lives in. Pure.
#pragma once

#include <string_view>

namespace cala::store {

inline constexpr std::size_t kLongestSchemaName = 63;

// Lower-case letters, digits and _, not beginning with a digit or pg_.
bool is_schema_name(std::string_view name);

}  // namespace cala::store
