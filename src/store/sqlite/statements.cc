#include "store/sqlite/statements.h"

#include "generated/sqlite_sql.h"

namespace cala::store::sqlite {

namespace {

std::string_view text_named(std::string_view name) {
  for (const SqlFile &file : statement_files()) {
    if (file.name == name) return file.text;
  }
  return {};
}

std::string with_placeholder(std::string_view sql, Placeholder placeholder) {
  std::string out;
  for (const char c : sql) {
    if (c == '?') {
      out += placeholder == Placeholder::kDollar ? "$1" : placeholder == Placeholder::kPercent ? "%s" : "?";
    } else {
      out += c;
      if (c == '%' && placeholder == Placeholder::kPercent) out += '%';
    }
  }
  return out;
}

std::string note_of(std::int64_t version) {
  return "INSERT INTO main.cala_migrations (version, applied_at) VALUES (" + std::to_string(version) +
         ", CAST(strftime('%s', 'now') AS INTEGER) * 1000000)";
}

}  // namespace

StatementCatalogue::StatementCatalogue() {
  for (std::size_t i = 0; i < kStatementNames.size(); ++i) {
    const std::string sql = without_comments(text_named(kStatementNames[i]));
    for (const Placeholder placeholder : {Placeholder::kDollar, Placeholder::kQmark, Placeholder::kPercent}) {
      texts_[i][static_cast<std::size_t>(placeholder)] = with_placeholder(sql, placeholder);
    }
  }
}

std::string_view StatementCatalogue::sql(StatementId id, Placeholder placeholder) const {
  return texts_[static_cast<std::size_t>(id)][static_cast<std::size_t>(placeholder)];
}

std::int64_t newest_migration() { return newest_version(migration_list()); }

std::vector<std::string> migrations_after(std::int64_t from_version) {
  return statements_after(migration_files(), from_version, note_of);
}

}  // namespace cala::store::sqlite
