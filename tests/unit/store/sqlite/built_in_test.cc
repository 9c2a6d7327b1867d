// The SQLite that is compiled in: of the version that is pinned, and with the options that the store relies on.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <string_view>

namespace cala::tests {
namespace {

class BuiltIn : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(sqlite3_open(":memory:", &handle_), SQLITE_OK); }
  void TearDown() override { sqlite3_close(handle_); }

  // The first column of the first row; the message, where the statement fails.
  std::string answer(std::string_view sql) {
    sqlite3_stmt *statement = nullptr;
    std::string text;
    if (sqlite3_prepare_v2(handle_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      text = reinterpret_cast<const char *>(sqlite3_column_text(statement, 0));
    } else {
      text = sqlite3_errmsg(handle_);
    }
    sqlite3_finalize(statement);
    return text;
  }

  sqlite3 *handle_ = nullptr;
};

TEST_F(BuiltIn, IsWhatItsHeaderSays) {
  EXPECT_STREQ(sqlite3_libversion(), SQLITE_VERSION);
  EXPECT_STREQ(sqlite3_sourceid(), SQLITE_SOURCE_ID);
}

// Connections on different threads, each used by one at a time; the locks that all of them share (unix_vfs) are there.
TEST_F(BuiltIn, MayBeUsedByThreads) {
  EXPECT_NE(sqlite3_threadsafe(), 0);
  EXPECT_NE(sqlite3_mutex_alloc(SQLITE_MUTEX_STATIC_VFS3), nullptr);
}

TEST_F(BuiltIn, KnowsWhatTheStatementsAskFor) {
  EXPECT_EQ(answer("SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]')"), "2");
  EXPECT_EQ(answer("SELECT group_concat(value, '+') FROM json_each('[1, 2, 3]')"), "1+2+3");
  EXPECT_EQ(answer("SELECT sum(n) OVER (ORDER BY n DESC) FROM (SELECT 1 AS n UNION SELECT 2) ORDER BY n"), "3");
  EXPECT_EQ(sqlite3_exec(handle_, "CREATE TABLE t (k INTEGER PRIMARY KEY) STRICT", nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_EQ(answer("INSERT INTO t VALUES (7) ON CONFLICT (k) DO NOTHING RETURNING k"), "7");
}

#ifdef CALA_BUILT_IN_SQLITE
TEST_F(BuiltIn, IsNewEnoughAndLoadsNothing) {
  EXPECT_GE(sqlite3_libversion_number(), 3050000);
  EXPECT_EQ(sqlite3_compileoption_used("OMIT_LOAD_EXTENSION"), 1);
  EXPECT_EQ(answer("SELECT load_extension('x')"), "no such function: load_extension");
  EXPECT_TRUE(answer("SELECT \"no_column\"").starts_with("no such column"));
}
#endif

}  // namespace
}  // namespace cala::tests
