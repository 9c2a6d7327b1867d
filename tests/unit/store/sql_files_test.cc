#include "store/sql_files.h"

#include <gmock/gmock.h>

namespace cala::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr SqlFile kFiles[] = {
    {"0001_01_tables",
     "-- What this is?\n-- 100%.\nCREATE TABLE a (x int)\n-- @break\n-- b\nCREATE TABLE b (\n-- y\n  y int)\n"},
    {"0001_02_views", "CREATE VIEW v AS SELECT 1\n-- @break\n"},
    {"0002_more", "ALTER TABLE a ADD z int  -- @break\n\n"},
    {"0010_01_last", "DROP VIEW v\n"},
};

std::string note(std::int64_t version) { return "note " + std::to_string(version); }

TEST(SqlFiles, OfOneNumberAreOneVersion) {
  EXPECT_THAT(statements_after(kFiles, 0, note),
              ElementsAre("CREATE TABLE a (x int)", "CREATE TABLE b (\n  y int)", "CREATE VIEW v AS SELECT 1", "note 1",
                          "ALTER TABLE a ADD z int  -- @break", "note 2", "DROP VIEW v", "note 10"));
}

TEST(SqlFiles, ContinueAfterAVersion) {
  EXPECT_THAT(statements_after(kFiles, 1, note),
              ElementsAre("ALTER TABLE a ADD z int  -- @break", "note 2", "DROP VIEW v", "note 10"));
  EXPECT_THAT(statements_after(kFiles, 2, note), ElementsAre("DROP VIEW v", "note 10"));
  EXPECT_THAT(statements_after(kFiles, 10, note), IsEmpty());
  EXPECT_THAT(statements_after(kFiles, 11, note), IsEmpty());
}

TEST(SqlFiles, EndWithTheNewestVersion) {
  EXPECT_EQ(newest_version(kFiles), 10);
  EXPECT_EQ(newest_version({}), 0);
}

}  // namespace
}  // namespace cala::store
