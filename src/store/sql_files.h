// A store's SQL files, embedded at build time, and its migrations taken apart. Files of migrations whose names begin
// with the same number are parts of one version, in the order of their names; a line that is only the break marker ends
// a statement. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cala::store {

struct SqlFile {
  std::string_view name;  // without .sql
  std::string_view text;
};

// Without the lines that are comments: some drivers look for placeholders and quotes in them.
std::string without_comments(std::string_view text);

// 0 where there is none.
std::int64_t newest_version(std::span<const SqlFile> migrations);

// The statements of every version after from_version; `note(version)` gives the one that ends each.
std::vector<std::string> statements_after(std::span<const SqlFile> migrations, std::int64_t from_version,
                                          std::string (*note)(std::int64_t version));

}  // namespace cala::store
