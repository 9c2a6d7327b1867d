#include "store/schema_name.h"

#include <algorithm>

namespace cala::store {

bool is_schema_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  if (name.empty() || name.size() > kLongestSchemaName || !letter(name.front()) || name.starts_with("pg_") ||
      name == "information_schema") {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace cala::store
