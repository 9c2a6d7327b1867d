#include "store/postgres/migrations.h"

#include "generated/postgres_sql.h"

namespace cala::store::postgres {
namespace {

constexpr std::string_view kSchemaToken = "@schema@";

std::string in_schema(std::string_view text, std::string_view schema) {
  std::string out;
  for (std::size_t at = text.find(kSchemaToken); at != std::string_view::npos; at = text.find(kSchemaToken)) {
    out.append(text.substr(0, at)).append("\"").append(schema).append("\"");
    text.remove_prefix(at + kSchemaToken.size());
  }
  return out.append(text);
}

// Gives the transaction an id, by which a program is asked whether there is one. Looks into pg_class, not to_regclass:
// what a session once found missing stays so in its cache, and waiting for an advisory lock does not empty that;
// opening a table does.
std::string fence(std::string_view schema, std::int64_t from_version) {
  return in_schema(R"(DO $do$
DECLARE
  found bigint := 0;
BEGIN
  PERFORM pg_catalog.pg_current_xact_id();
  PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('migration of @schema@', 0));
  IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
      ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
      WHERE n.nspname OPERATOR(pg_catalog.=) pg_catalog.btrim('@schema@',
        '"') AND c.relname OPERATOR(pg_catalog.=) 'migrations') THEN
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

std::string note_of(std::int64_t version) {
  return "INSERT INTO @schema@.migrations (version) VALUES (" + std::to_string(version) + ")";
}

}  // namespace

std::int64_t newest_migration() { return newest_version(migration_list()); }

std::vector<std::string> migration_statements(std::string_view schema, std::int64_t from_version) {
  if (from_version >= newest_migration()) return {};
  std::vector<std::string> statements = statements_after(migration_files(), from_version, note_of);
  for (std::string &statement : statements) statement = in_schema(statement, schema);
  statements.insert(statements.begin(), fence(schema, from_version));
  return statements;
}

}  // namespace cala::store::postgres
