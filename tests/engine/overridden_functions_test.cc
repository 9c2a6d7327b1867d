// A program gives SQLite's functions another meaning on its connection (sqlite3_create_function): nothing is written
// with them, and the error names the function.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "operation_cases.h"

namespace cala::tests {
namespace {

struct Override {
  const char *name;
  int arguments;  // as the ledger's statements call it; -1: any number, as SQLite has it
  bool aggregate = false;
};

constexpr Override kOverrides[] = {
    {"char", -1},
    {"coalesce", -1},
    {"glob", 2},
    {"instr", 2},
    {"json", 1},
    {"json_array", -1},
    {"json_quote", 1},
    {"json_extract", 2},
    {"json_extract", -1},
    {"json_array_length", 2},
    {"json_object", -1},
    {"julianday", -1},
    {"julianday", 3},
    {"length", 1},
    {"ltrim", 2},
    {"max", -1},
    {"min", -1},
    {"printf", -1},
    {"printf", 7},
    {"replace", 3},
    {"rtrim", 2},
    {"substr", 2},
    {"substr", 3},
    {"group_concat", 2, true},
    {"sum", 1, true},
    {"count", 0, true},
    {"max", 1, true},
    {"min", 1, true},
    {"json_group_array", 1, true},
    {"iif", 3},
};

TEST(OverriddenFunctions, LetNothingBeWritten) {
  for (const Override &one : kOverrides) {
    HostDatabase host;
    host.execute("BEGIN");
    for (const auto &[make, request] :
         std::vector<std::pair<MakeOperation, const char *>>{{cala_journal_create, kJournal},
                                                             {cala_account_create_many, kAccounts},
                                                             {cala_tx_template_create, kTemplate}}) {
      ASSERT_EQ(host.run(make, request).code, "") << request;
    }
    const int before = host.changes();
    host.override_function(one.name, one.arguments, one.aggregate);
    const DrivenOperation posted = host.run(cala_transaction_post, kPosting);
    EXPECT_NE(posted.status, CALA_OK) << one.name << " of " << one.arguments;
    // The template is read before, with what is in the place of json_extract; without coalesce no answer comes.
    const std::string early = one.name == std::string("json_extract") ? "tx_template.not_found" : "store.corrupt";
    EXPECT_TRUE(posted.code == "tx.connection" || posted.code == early) << one.name << ": " << posted.code;
    if (posted.code == "tx.connection") {
      EXPECT_NE(posted.message.find(one.name), std::string::npos) << posted.message;
      EXPECT_EQ(posted.tx_state, CALA_TX_USABLE);
    }
    EXPECT_NE(host.run(cala_account_create, R"({"code": "CAROL", "name": "Carol"})").status, CALA_OK) << one.name;
    EXPECT_EQ(host.changes(), before) << one.name << " of " << one.arguments;
  }
}

// The functions that the statements and triggers call are those above. A number at random, a place in a window and a
// view for people need none.
TEST(OverriddenFunctions, AreAllThatTheStatementsCall) {
  std::set<std::string> tried = {"random", "row_number", "json_each", "datetime", "date", "nullif"};
  for (const Override &one : kOverrides) tried.insert(one.name);
  const std::regex comment("--.*");
  const std::regex text("'(?:[^']|'')*'");
  const std::regex call("\\b([a-z_]+)\\(");
  std::set<std::string> called;
  for (const char *folder : {"/src/store/sqlite/statements", "/src/store/sqlite/migrations"}) {
    for (const auto &entry : std::filesystem::directory_iterator(std::string(CALA_SOURCE_DIR) + folder)) {
      std::ostringstream all;
      all << std::ifstream(entry.path()).rdbuf();
      const std::string sql = std::regex_replace(std::regex_replace(all.str(), comment, ""), text, "''");
      for (std::sregex_iterator at(sql.begin(), sql.end(), call), end; at != end; ++at) called.insert((*at)[1].str());
    }
  }
  EXPECT_GT(called.size(), 20U);
  for (const std::string &name : called) EXPECT_TRUE(tried.contains(name)) << name;
}

}  // namespace
}  // namespace cala::tests
