#include "store/postgres/migrations.h"

#include <algorithm>
#include <charconv>

#include "generated/postgres_sql.h"

namespace cala::store::postgres {
namespace {

constexpr std::string_view kSchemaToken = "@schema@";
constexpr std::string_view kBreak = "\n-- @break\n";

std::int64_t version_of(const SqlFile &file) {
  std::int64_t version = 0;
  std::from_chars(file.name.data(), file.name.data() + file.name.size(), version);
  return version;
}

std::string in_schema(std::string_view text, std::string_view schema) {
  std::string out;
  for (std::size_t at = text.find(kSchemaToken); at != std::string_view::npos; at = text.find(kSchemaToken)) {
    out.append(text.substr(0, at)).append("\"").append(schema).append("\"");
    text.remove_prefix(at + kSchemaToken.size());
  }
  return out.append(text);
}

// Some drivers look for placeholders and quotes in comments too, so those before a statement stay here.
std::string_view without_leading_comments(std::string_view statement) {
  while (statement.starts_with("--") || statement.starts_with("\n")) {
    statement.remove_prefix(std::min(statement.find('\n'), statement.size() - 1) + 1);
  }
  while (statement.ends_with("\n")) statement.remove_suffix(1);
  return statement;
}

void append_statements(std::vector<std::string> &out, std::string_view file, std::string_view schema) {
  while (!file.empty()) {
    const std::size_t end = std::min(file.find(kBreak), file.size());
    const std::string_view statement = without_leading_comments(file.substr(0, end));
    if (!statement.empty()) out.push_back(in_schema(statement, schema));
    file.remove_prefix(std::min(end + kBreak.size(), file.size()));
  }
}

// Gives the transaction an id, by which a host is asked whether there is one. Looks into pg_class, not to_regclass: what a session once found missing stays so in its cache, and waiting for an advisory lock
// does not empty that; opening a table does.
std::string fence(std::string_view schema, std::int64_t from_version) {
  return in_schema(R"(DO $do$
DECLARE
  found bigint := 0;
BEGIN
  PERFORM pg_catalog.pg_current_xact_id();
  PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('migration of @schema@', 0));
  IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
      ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
      WHERE n.nspname OPERATOR(pg_catalog.=) pg_catalog.btrim('@schema@', '"') AND c.relname OPERATOR(pg_catalog.=) 'migrations') THEN
    SELECT coalesce(pg_catalog.max(m.version), 0) INTO found FROM @schema@.migrations m;
  END IF;
  IF found OPERATOR(pg_catalog.<>) )",
                   schema) +
         std::to_string(from_version) + R"( THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'another process migrated this schema';
  END IF;
END
$do$)";
}

}  // namespace

std::int64_t newest_migration() { return kMigrationCount == 0 ? 0 : version_of(kMigrations[kMigrationCount - 1]); }

std::vector<std::string> migration_statements(std::string_view schema, std::int64_t from_version) {
  std::vector<std::string> statements;
  if (from_version >= newest_migration()) return statements;
  statements.push_back(fence(schema, from_version));
  for (std::size_t i = 0; i < kMigrationCount; ++i) {
    const std::int64_t version = version_of(kMigrations[i]);
    if (version <= from_version) continue;
    append_statements(statements, kMigrations[i].text, schema);
    if (i + 1 < kMigrationCount && version_of(kMigrations[i + 1]) == version) continue;
    statements.push_back(in_schema("INSERT INTO @schema@.migrations (version) VALUES (", schema) +
                         std::to_string(version) + ")");
  }
  return statements;
}

}  // namespace cala::store::postgres
