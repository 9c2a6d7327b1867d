// Read, decide, one write: an operation's statements are reads, and its last one alone writes. So an operation that is given up
// halfway leaves nothing, and one that is refused leaves the host's transaction as it was.
#include <gtest/gtest.h>

#include <algorithm>

#include "host_database.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main", "code": "MAIN"})";
constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice"},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "BOB", "name": "Bob"}]})";
constexpr const char *kTemplate = R"json({"code": "TRANSFER",
  "params": [{"name": "amount", "type": "decimal"}, {"name": "credit", "type": "decimal", "default": "1"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED", "direction": "DEBIT",
      "units": "params.amount", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED", "direction": "CREDIT",
      "units": "params.credit", "currency": "'USD'"}]})json";
constexpr const char *kPosting =
    R"({"id": "30000000-0000-0000-0000-000000000001", "tx_template_code": "TRANSFER", "params": {"amount": "1.0"}})";
constexpr const char *kUnbalanced = R"({"tx_template_code": "TRANSFER", "params": {"amount": "2"}})";
constexpr const char *kBalance = R"({"journal_id": "10000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD"})";
constexpr const char *kAlice = R"({"id": "a0000000-0000-0000-0000-000000000001"})";

class OneWrite : public testing::Test {
 protected:
  void SetUp() override {
    host_.execute("BEGIN");
    expect_one_write_last(cala_journal_create, kJournal);
    expect_one_write_last(cala_account_create_many, kAccounts);
    expect_one_write_last(cala_tx_template_create, kTemplate);
    host_.execute("COMMIT; BEGIN");
  }

  void expect_one_write_last(MakeOperation operation, const std::string &request) {
    const DrivenOperation driven = host_.run(operation, request);
    EXPECT_EQ(driven.status, CALA_OK) << driven.code << " " << request;
    ASSERT_FALSE(driven.writes.empty()) << request;
    EXPECT_TRUE(driven.writes.back()) << request;
    EXPECT_EQ(std::count(driven.writes.begin(), driven.writes.end(), true), 1) << request;
  }

  void expect_no_write(MakeOperation operation, const std::string &request, const std::string &code = "") {
    const int before = host_.changes();
    const DrivenOperation driven = host_.run(operation, request);
    EXPECT_EQ(driven.code, code) << request;
    EXPECT_EQ(std::count(driven.writes.begin(), driven.writes.end(), true), 0) << request;
    EXPECT_EQ(host_.changes(), before) << request;
  }

  HostDatabase host_;
};

TEST_F(OneWrite, IsTheLastStatementOfEveryOperationThatWrites) {
  expect_one_write_last(cala_account_create,
                        R"({"code": "CAROL", "name": "Carol", "external_id": "x", "metadata": {"a": 1}})");
  expect_one_write_last(cala_account_update,
                        R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "external_id": "y"})");
  expect_one_write_last(cala_account_lock, kAlice);
  expect_one_write_last(cala_account_unlock, kAlice);
  expect_one_write_last(cala_journal_create, R"({"name": "Other", "code": "OTHER"})");
  expect_one_write_last(cala_journal_update, R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Renamed"})");
  expect_one_write_last(cala_journal_lock, R"({"id": "10000000-0000-0000-0000-000000000001"})");
  expect_one_write_last(cala_journal_unlock, R"({"id": "10000000-0000-0000-0000-000000000001"})");
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_one_write_last(cala_transaction_post_many,
                        R"({"postings": [{"tx_template_code": "TRANSFER", "params": {"amount": "1"}},
    {"tx_template_code": "TRANSFER", "params": {"amount": "1"}}]})");
}

TEST_F(OneWrite, IsNoneWhereThereIsNothingToWrite) {
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_no_write(cala_transaction_post, kPosting);  // a replay
  expect_no_write(cala_transaction_post_many, R"({"postings": []})");
  expect_no_write(cala_account_create_many, R"({"accounts": []})");
  expect_no_write(cala_account_update, kAlice);
  expect_no_write(cala_account_unlock, kAlice);
}

TEST_F(OneWrite, IsNoneForReads) {
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_no_write(cala_account_find, R"({"code": "ALICE"})");
  expect_no_write(cala_account_find_many, R"({"ids": ["a0000000-0000-0000-0000-000000000001"]})");
  expect_no_write(cala_account_list, "{}");
  expect_no_write(cala_journal_find, R"({"code": "MAIN"})");
  expect_no_write(cala_journal_list, "{}");
  expect_no_write(cala_tx_template_find, R"({"code": "TRANSFER"})");
  expect_no_write(cala_tx_template_list, "{}");
  expect_no_write(cala_transaction_find, R"({"id": "30000000-0000-0000-0000-000000000001"})");
  expect_no_write(cala_transaction_find_many, R"({"ids": ["30000000-0000-0000-0000-000000000001"]})");
  expect_no_write(cala_transaction_list, "{}");
  expect_no_write(cala_entry_list, R"({"account_id": "a0000000-0000-0000-0000-000000000001"})");
  expect_no_write(cala_entry_find_many, R"({"ids": ["30000000-0000-0000-0000-000000000001"]})");
  expect_no_write(cala_balance_find, kBalance);
  expect_no_write(cala_balance_find_many, "{\"keys\": [" + std::string(kBalance) + "]}");
  expect_no_write(cala_balance_list, R"({"journal_id": "10000000-0000-0000-0000-000000000001",
    "account_ids": ["a0000000-0000-0000-0000-000000000001"]})");
  expect_no_write(cala_balance_history, kBalance);
  expect_no_write(cala_balance_at, R"({"journal_id": "10000000-0000-0000-0000-000000000001",
    "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD", "version": 1})");
  expect_no_write(cala_ledger_info, "{}");
  expect_no_write(cala_ledger_migrate, "{}");
  expect_no_write(cala_cel_evaluate, R"({"expr": "1 + 1"})");
}

TEST_F(OneWrite, IsNoneForARefusalWhichLeavesTheTransactionUsable) {
  expect_no_write(cala_transaction_post, kUnbalanced, "posting.unbalanced");
  expect_no_write(cala_transaction_post, R"({"tx_template_code": "NONE"})", "tx_template.not_found");
  expect_no_write(cala_account_create, R"({"code": "ALICE", "name": "Again"})", "account.exists");
  expect_no_write(cala_transaction_find, R"({"external_id": "none"})", "transaction.not_found");
  expect_one_write_last(cala_transaction_post, kPosting);
  host_.execute("COMMIT; BEGIN");
  EXPECT_NE(host_.run(cala_balance_find, kBalance).result.find("\"version\":1"), std::string::npos);
}

TEST_F(OneWrite, IsNotReachedByAnOperationThatIsGivenUp) {
  for (const auto &[operation, request] : {std::pair<MakeOperation, const char *>{cala_transaction_post, kPosting},
                                           {cala_account_create, R"({"code": "CAROL", "name": "Carol"})"},
                                           {cala_account_lock, kAlice}}) {
    const int before = host_.changes();
    cala_op *op = host_.make(operation, request);
    const DrivenOperation driven = host_.drive(op, true);
    EXPECT_FALSE(driven.writes.empty());
    EXPECT_EQ(cala_op_status(op), CALA_BUSY);
    cala_op_free(op);
    EXPECT_EQ(host_.changes(), before);
  }
  EXPECT_EQ(host_.run(cala_transaction_find, R"({"id": "30000000-0000-0000-0000-000000000001"})").code,
            "transaction.not_found");
  expect_one_write_last(cala_transaction_post, kPosting);
}

TEST_F(OneWrite, IsTakenBackByTheHostsRollback) {
  expect_one_write_last(cala_transaction_post, kPosting);
  host_.execute("ROLLBACK; BEGIN");
  EXPECT_EQ(host_.run(cala_balance_find, kBalance).code, "balance.not_found");
  expect_one_write_last(cala_transaction_post, kPosting);
}

TEST_F(OneWrite, IsOneOperationsAtATime) {
  cala_op *first = host_.make(cala_transaction_post, kPosting);
  cala_op *second = host_.make(cala_transaction_post, kPosting);
  EXPECT_EQ(cala_op_step(first), CALA_STEP_NEED_QUERY);
  EXPECT_EQ(cala_op_step(second), -CALA_BUSY);
  EXPECT_EQ(cala_op_step(first), -CALA_MISUSE);
  cala_op_free(first);
  EXPECT_EQ(host_.drive(second).status, CALA_OK);
  EXPECT_EQ(cala_op_step(second), -CALA_MISUSE);
  EXPECT_EQ(cala_op_feed(second, nullptr, 0), -CALA_MISUSE);
  EXPECT_EQ(cala_op_sql(second, nullptr), nullptr);
  cala_op_free(second);
}

TEST_F(OneWrite, IsNotTriedAfterTheDatabaseRefusedARead) {
  cala_op *op = host_.make(cala_transaction_post, kPosting);
  ASSERT_EQ(cala_op_step(op), CALA_STEP_NEED_QUERY);
  EXPECT_EQ(cala_op_feed_error(op, "SQLITE_BUSY", "database is locked"), CALA_STEP_FAILED);
  EXPECT_EQ(cala_op_status(op), CALA_BUSY);
  EXPECT_STREQ(cala_error_code(cala_op_error(op)), "store.busy");
  EXPECT_EQ(cala_error_retryable(cala_op_error(op)), 1);
  cala_op_free(op);
}

TEST_F(OneWrite, CannotBeRunOrStartedByTheLibraryInAHostsTransaction) {
  cala_op *op = host_.make(cala_transaction_post, kPosting);
  cala_error *error = nullptr;
  EXPECT_EQ(cala_op_run(op, -1, &error), CALA_MISUSE);
  EXPECT_STREQ(cala_error_code(error), "op.host_transaction");
  cala_error_free(error);
  EXPECT_EQ(host_.drive(op).status, CALA_OK);
  cala_op_free(op);
}

}  // namespace
}  // namespace cala::tests
