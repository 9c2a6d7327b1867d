#include "store/postgres/error_table.h"

#include <gtest/gtest.h>

namespace cala::store::postgres {
namespace {

using base::Status;
using base::TxState;

struct Meaning {
  const char *sqlstate;
  Status status;
  const char *code;
  bool retryable;
  TxState tx_state;
};

class ErrorTable : public ::testing::TestWithParam<Meaning> {};

TEST_P(ErrorTable, SqlstateHasItsMeaning) {
  const Meaning &expected = GetParam();
  const base::Error error = error_of_sqlstate(expected.sqlstate, "said so");
  EXPECT_EQ(error.status, expected.status);
  EXPECT_EQ(error.code, expected.code);
  EXPECT_EQ(error.retryable, expected.retryable);
  EXPECT_EQ(error.tx_state, expected.tx_state);
  EXPECT_EQ(error.sqlstate, expected.sqlstate);
  EXPECT_FALSE(error.message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Sqlstates, ErrorTable,
    ::testing::Values(Meaning{"40001", Status::kConflict, "store.serialization", true, TxState::kRetry},
                      Meaning{"40P01", Status::kConflict, "store.deadlock", true, TxState::kRetry},
                      Meaning{"55P03", Status::kBusy, "store.lock_timeout", true, TxState::kAborted},
                      Meaning{"57014", Status::kCancelled, "store.cancelled", false, TxState::kAborted},
                      Meaning{"42501", Status::kPermission, "store.permission", false, TxState::kAborted},
                      Meaning{"26000", Status::kUnsupported, "store.unsupported", false, TxState::kAborted},
                      Meaning{"42P05", Status::kUnsupported, "store.unsupported", false, TxState::kAborted},
                      Meaning{"25006", Status::kPermission, "store.read_only", false, TxState::kAborted},
                      Meaning{"25001", Status::kMisuse, "transaction.state", false, TxState::kAborted},
                      Meaning{"25P01", Status::kMisuse, "transaction.none", false, TxState::kUsable},
                      Meaning{"25P02", Status::kMisuse, "transaction.aborted", false, TxState::kAborted},
                      Meaning{"42883", Status::kUnsupported, "store.migrations_missing", false, TxState::kAborted},
                      Meaning{"3F000", Status::kUnsupported, "store.migrations_missing", false, TxState::kAborted},
                      Meaning{"42P01", Status::kUnsupported, "store.migrations_missing", false, TxState::kAborted},
                      Meaning{"53100", Status::kUnavailable, "store.full", false, TxState::kAborted},
                      Meaning{"53300", Status::kUnavailable, "store.too_many_connections", true, TxState::kAborted},
                      Meaning{"57P01", Status::kUnavailable, "store.connection_lost", true, TxState::kAborted},
                      Meaning{"57P03", Status::kUnavailable, "store.unreachable", true, TxState::kAborted},
                      Meaning{"08006", Status::kUnavailable, "store.connection_lost", true, TxState::kAborted},
                      Meaning{"28P01", Status::kPermission, "store.login", false, TxState::kAborted},
                      Meaning{"54000", Status::kInvalid, "request.too_large", false, TxState::kAborted},
                      Meaning{"XX000", Status::kInternal, "store.refused", false, TxState::kAborted}),
    [](const ::testing::TestParamInfo<Meaning> &meaning) { return std::string(meaning.param.sqlstate); });

TEST(UniqueViolation, NamesNounAndColumnInEveryLanguage) {
  for (const char *message : {"duplicate key value violates unique constraint \"accounts_external_id_key\"",
                              "doppelter Schlüsselwert verletzt Unique-Constraint »accounts_external_id_key«"}) {
    const base::Error error = error_of_sqlstate("23505", message);
    EXPECT_EQ(error.status, Status::kConflict);
    EXPECT_EQ(error.code, "account.exists");
    EXPECT_EQ(error.details, R"({"column":"external_id"})");
    EXPECT_EQ(error.message, "the ledger has another account with this external_id");
    EXPECT_FALSE(error.retryable);
  }
  EXPECT_EQ(error_of_sqlstate("23505", "tx_templates_code_key").code, "tx_template.exists");
}

TEST(UniqueViolation, OfATransactionIsALostRace) {
  const base::Error error = error_of_sqlstate("23505", "... \"transactions_external_id_key\"");
  EXPECT_EQ(error.code, "transaction.exists");
  EXPECT_TRUE(error.retryable);
  EXPECT_EQ(error.tx_state, TxState::kRetry);
}

TEST(UniqueViolation, OfABalancesVersionIsASerializationFailure) {
  const base::Error error = error_of_sqlstate("23505", "... \"balance_history_pkey\"");
  EXPECT_EQ(error.code, "store.serialization");
  EXPECT_EQ(error.tx_state, TxState::kRetry);
}

TEST(ErrorMessages, AreOneShortLine) {
  const std::string long_text(1000, 'x');
  EXPECT_LT(error_of_sqlstate("42501", long_text).message.size(), 300U);
  EXPECT_EQ(error_of_sqlstate("42501", "first\tpart\nDETAIL: second").message, "PostgreSQL refuses: first part");
}

}  // namespace
}  // namespace cala::store::postgres
