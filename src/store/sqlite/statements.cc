#include "store/sqlite/statements.h"

#include <charconv>

#include "generated/sqlite_sql.h"

namespace cala::store::sqlite {

namespace {

constexpr std::array<std::string_view, store::kStatementCount> kNames = {"schema_probe_v1",
                                                                         "schema_read_v1",
                                                                         "ledger_info_v1",
                                                                         "account_find_v1",
                                                                         "journal_find_v1",
                                                                         "tx_template_find_v1",
                                                                         "transaction_find_v1",
                                                                         "entry_find_v1",
                                                                         "account_list_v1",
                                                                         "journal_list_v1",
                                                                         "tx_template_list_v1",
                                                                         "transaction_list_v1",
                                                                         "entry_list_v1",
                                                                         "balance_list_v1",
                                                                         "balance_history_v1",
                                                                         "balance_find_v1",
                                                                         "balance_at_v1",
                                                                         "effective_read_v1",
                                                                         "effective_changes_v1",
                                                                         "statement_read_v1",
                                                                         "statement_dated_v1",
                                                                         "trial_balance_v1",
                                                                         "account_write_v1",
                                                                         "journal_write_v1",
                                                                         "tx_template_write_v1",
                                                                         "account_set_find_v1",
                                                                         "account_set_list_v1",
                                                                         "account_set_members_v1",
                                                                         "account_set_parents_v1",
                                                                         "membership_read_v1",
                                                                         "membership_write_v1",
                                                                         "velocity_limit_find_v1",
                                                                         "velocity_control_find_v1",
                                                                         "velocity_limit_list_v1",
                                                                         "velocity_control_list_v1",
                                                                         "velocity_attachment_list_v1",
                                                                         "velocity_balance_list_v1",
                                                                         "velocity_read_v1",
                                                                         "velocity_limit_write_v1",
                                                                         "velocity_control_write_v1",
                                                                         "velocity_attachment_write_v1",
                                                                         "posting_read_v1",
                                                                         "posting_write_v1"};

std::size_t index_of(StatementId id) { return static_cast<std::size_t>(id); }

std::string_view text_named(std::string_view name) {
  for (std::size_t i = 0; i < kStatementCount; ++i) {
    if (kStatements[i].name == name) return kStatements[i].text;
  }
  return {};
}

// Without comments: some drivers look for placeholders in them.
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
  return "INSERT INTO cala_migrations (version, applied_at) VALUES (" + std::to_string(version) +
         ", CAST(strftime('%s', 'now') AS INTEGER) * 1000000)";
}

}  // namespace

StatementCatalogue::StatementCatalogue() {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::string sql = without_comments(text_named(kNames[i]));
    for (const Placeholder placeholder : {Placeholder::kDollar, Placeholder::kQmark, Placeholder::kPercent}) {
      texts_[i][static_cast<std::size_t>(placeholder)] = with_placeholder(sql, placeholder);
    }
  }
}

std::string_view StatementCatalogue::name(StatementId id) const { return kNames[index_of(id)]; }

std::string_view StatementCatalogue::sql(StatementId id, Placeholder placeholder) const {
  return texts_[index_of(id)][static_cast<std::size_t>(placeholder)];
}

std::int64_t migration_version(std::string_view name) {
  std::int64_t version = 0;
  std::from_chars(name.data(), name.data() + name.size(), version);
  return version;
}

std::int64_t newest_migration() {
  return kMigrationCount == 0 ? 0 : migration_version(kMigrations[kMigrationCount - 1].name);
}

std::vector<std::string> migrations_after(std::int64_t from_version) {
  constexpr std::string_view kBreak = "-- @break\n";
  std::vector<std::string> statements;
  for (std::size_t i = 0; i < kMigrationCount; ++i) {
    const SqlFile &file = kMigrations[i];
    const std::int64_t version = migration_version(file.name);
    if (version <= from_version) continue;
    std::string_view rest = file.text;
    for (std::size_t at = 0; at != std::string_view::npos;) {
      at = rest.find(kBreak);
      statements.push_back(without_comments(rest.substr(0, at)));
      if (at != std::string_view::npos) rest.remove_prefix(at + kBreak.size());
    }
    const bool more = i + 1 < kMigrationCount && migration_version(kMigrations[i + 1].name) == version;
    if (!more) statements.push_back(note_of(version));
  }
  return statements;
}

}  // namespace cala::store::sqlite
