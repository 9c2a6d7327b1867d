// The embedded migration files (store/sql_files.h) as statements; @schema@ stands for the quoted schema in them.
// Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cala::store::postgres {

std::int64_t newest_migration();

// The statements that bring a schema from a version to the newest. The first takes the schema's migration lock and
// fails with a serialization failure when the schema is not at from_version (another process was faster).
std::vector<std::string> migration_statements(std::string_view schema, std::int64_t from_version);

}  // namespace cala::store::postgres
