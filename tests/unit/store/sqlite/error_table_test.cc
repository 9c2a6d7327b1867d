#include "store/sqlite/error_table.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::store::sqlite {
namespace {

using base::Status;
using base::TxState;

TEST(SqliteErrorTable, AnSqliteThatIsTooOldIsToldAsThat) {
  // As SQLite 3.34 and a build without JSON say it, alone and inside a driver's sentence.
  for (const char *message :
       {"near \"MATERIALIZED\": syntax error", "near \"FROM\": syntax error", "no such function: json_each",
        "SQL logic error: near \"MATERIALIZED\": syntax error (1)"}) {
    const base::Error error = error_of_message("", message);
    EXPECT_EQ(error.status, Status::kUnsupported) << message;
    EXPECT_EQ(error.code, "store.too_old") << message;
    EXPECT_EQ(error.tx_state, TxState::kUsable) << message;
  }
}

TEST(SqliteErrorTable, LostRacesAreToBeRunAgain) {
  for (const char *name : {"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"}) {
    const base::Error error = error_of_message(name, "");
    EXPECT_EQ(error.status, Status::kBusy) << name;
    EXPECT_EQ(error.tx_state, TxState::kRetry) << name;
    EXPECT_TRUE(error.retryable) << name;
  }
}

TEST(SqliteErrorTable, ATakenColumnIsNamed) {
  const base::Error error = error_of_message("SQLITE_CONSTRAINT", "UNIQUE constraint failed: cala_accounts.code");
  EXPECT_EQ(error.status, Status::kConflict);
  EXPECT_EQ(error.code, "account.exists");
  EXPECT_EQ(error.details, R"({"column":"code"})");
}

// Nothing makes a code that the contract lacks: a program passes on what its driver says, whatever that is.
TEST(SqliteErrorTable, OnlyWhatPeopleNameExists) {
  for (const char *place :
       {"cala_hold_accounts.account_n, cala_hold_accounts.hold_n", "cala_listeners.name", "cala_", "cala_accounts",
        "cala_accounts.", "cala_accounts.name", "cala_s.id", "cala_nonsense.code"}) {
    const base::Error error = error_of_message("SQLITE_CONSTRAINT", "UNIQUE constraint failed: " + std::string(place));
    EXPECT_EQ(error.status, Status::kInternal) << place;
    EXPECT_EQ(error.code, "store.refused") << place;
  }
  EXPECT_EQ(error_of_message("", "UNIQUE constraint failed: cala_entries.n").code, "balance.changed");
}

TEST(SqliteErrorTable, AProgramsOwnMistakesAreItsOwn) {
  const base::Error syntax = program_error_of_message("SQLITE_ERROR", "near \"SELEKT\": syntax error");
  EXPECT_EQ(syntax.code, "tx.statement");
  EXPECT_EQ(syntax.status, Status::kInvalid);
  const base::Error constraint = program_error_of_message("SQLITE_CONSTRAINT", "UNIQUE constraint failed: orders.note");
  EXPECT_EQ(constraint.code, "tx.constraint");
  EXPECT_EQ(program_error_of_message("SQLITE_FULL", "database or disk is full").code, "store.full");
}

}  // namespace
}  // namespace cala::store::sqlite
