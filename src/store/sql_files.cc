#include "store/sql_files.h"

#include <algorithm>
#include <charconv>

namespace cala::store {

namespace {

constexpr std::string_view kBreak = "\n-- @break\n";

std::int64_t version_of(const SqlFile &file) {
  std::int64_t version = 0;
  std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
  return version;
}

void append_statements(std::vector<std::string> &out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(kBreak), text.size());
    std::string statement = without_comments(text.substr(0, end));
    if (!statement.empty()) out.push_back(std::move(statement));
    text.remove_prefix(std::min(end + kBreak.size(), text.size()));
  }
}

}  // namespace

std::string without_comments(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    if (!row.starts_with("--") && !row.empty()) (out += row) += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::int64_t newest_version(std::span<const SqlFile> migrations) {
  return migrations.empty() ? 0 : version_of(migrations.back());
}

std::vector<std::string> statements_after(std::span<const SqlFile> migrations, std::int64_t from_version,
                                          std::string (*note)(std::int64_t version)) {
  std::vector<std::string> statements;
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    const std::int64_t version = version_of(migrations[i]);
    if (version <= from_version) continue;
    append_statements(statements, migrations[i].text);
    const bool more = i + 1 < migrations.size() && version_of(migrations[i + 1]) == version;
    if (!more) statements.push_back(note(version));
  }
  return statements;
}

}  // namespace cala::store
