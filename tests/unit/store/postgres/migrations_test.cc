#include "store/postgres/migrations.h"

#include <gtest/gtest.h>

namespace cala::store::postgres {
namespace {

TEST(MigrationStatements, NameTheSchemaQuoted) {
  const std::vector<std::string> statements = migration_statements("books", 0);
  ASSERT_FALSE(statements.empty());
  std::size_t named = 0;
  for (const std::string &statement : statements) {
    EXPECT_EQ(statement.find("@schema@"), std::string::npos) << statement;
    EXPECT_EQ(statement.find("@break"), std::string::npos) << statement;
    if (statement.find("\"books\".") != std::string::npos) ++named;
  }
  EXPECT_GT(named, statements.size() / 2);
}

TEST(MigrationStatements, BeginWithTheLockAndNoteEveryVersion) {
  const std::vector<std::string> statements = migration_statements("books", 0);
  EXPECT_NE(statements.front().find("pg_advisory_xact_lock"), std::string::npos);
  std::int64_t noted = 0;
  const std::string note = "INSERT INTO \"books\".migrations (version) VALUES (";
  for (const std::string &statement : statements) {
    if (statement.find(note) != 0) continue;
    const std::int64_t version = std::stoll(statement.substr(note.size()));
    EXPECT_GT(version, noted) << "in order, each once";
    noted = version;
  }
  EXPECT_EQ(noted, newest_migration());
}

TEST(MigrationStatements, EndWhereNothingIsNewer) {
  EXPECT_TRUE(migration_statements("books", newest_migration()).empty());
  EXPECT_TRUE(migration_statements("books", newest_migration() + 1).empty());
}

}  // namespace
}  // namespace cala::store::postgres
