// Read, decide, one write: an operation's statements are reads, and its last one alone writes. So an operation that is
// given up halfway leaves nothing, and one that is refused leaves the program's transaction as it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "operation_cases.h"

namespace cala::tests {
namespace {

class OneWrite : public testing::Test {
 protected:
  void SetUp() override {
    host_.execute("BEGIN");
    expect_one_write_last(cala_journal_create, kJournal);
    expect_one_write_last(cala_account_create_many, kAccounts);
    expect_one_write_last(cala_tx_template_create, kTemplate);
    expect_one_write_last(cala_account_set_create, kSet);
    expect_one_write_last(cala_tx_template_create, kHoldTemplate);
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

  void expect_refused_as_changed(MakeOperation operation, const std::string &request, const char *meanwhile,
                                 const std::string &code) {
    cala_op *op = host_.make(operation, request);
    const DrivenOperation driven = host_.drive(op, false, meanwhile);
    cala_op_free(op);
    EXPECT_EQ(driven.status, CALA_CONFLICT) << request;
    EXPECT_EQ(driven.code, code) << request;
  }

  HostDatabase host_;
};

TEST_F(OneWrite, IsTheLastStatementOfEveryOperationThatWrites) {
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_one_write_last(cala_hold_create, kExpiredHold);
  const std::vector<Case> writing = cases("write");
  for (const Case &one : writing) {
    ASSERT_FALSE(one.request.empty()) << one.name << " is new: give it a request";
    // On SQLite every balance has moved with the posting, and a preview only locks what the posting would.
    if (one.name == "rollup_await" || one.name == "transaction_preview") {
      expect_no_write(one.make, one.request);
      continue;
    }
    expect_one_write_last(one.make, one.request);
  }
  EXPECT_GE(writing.size(), 12U);
}

TEST_F(OneWrite, IsNoneWhereThereIsNothingToWrite) {
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_no_write(cala_transaction_post, kPosting);  // a replay
  expect_no_write(cala_transaction_post_many, R"({"postings": []})");
  expect_one_write_last(cala_hold_create, kHold);
  expect_no_write(cala_hold_create, kHold);  // a replay
  expect_no_write(cala_hold_expire, "{}");
  expect_one_write_last(cala_hold_release, R"({"hold_id": "30000000-0000-0000-0000-00000000000a"})");
  expect_no_write(cala_hold_release, R"({"hold_id": "30000000-0000-0000-0000-00000000000a"})");  // a replay
  expect_no_write(cala_account_create_many, R"({"accounts": []})");
  expect_no_write(cala_account_update, kAlice);
  expect_no_write(cala_account_unlock, kAlice);
  expect_no_write(cala_account_ensure, R"({"code": "ALICE", "name": "Alice"})");
  expect_no_write(cala_account_set_ensure, kSet);
  expect_no_write(cala_journal_ensure, kJournal);
  expect_no_write(cala_tx_template_ensure, kTemplate);
}

TEST_F(OneWrite, IsNoneForReads) {
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_one_write_last(cala_hold_create, kHold);
  const std::vector<Case> reading = cases("read");
  for (const Case &one : reading) {
    ASSERT_FALSE(one.request.empty()) << one.name << " is new: give it a request";
    expect_no_write(one.make, one.request);
  }
  EXPECT_GE(reading.size(), 19U);
  expect_no_write(cala_ledger_migrate, "{}");
}

// What a posting asks: the names of its statements.
TEST_F(OneWrite, OfAPostingHasOneStatementMoreOnlyWhereALimitCountsAnEntry) {
  const std::vector<std::string> plain = {"posting_read_v1", "posting_write_v1"};
  const std::string post = R"({"tx_template_code": "TRANSFER", "params": {"amount": "1"}})";
  const auto make = [this](MakeOperation operation, const std::string &request) {
    const DrivenOperation driven = host_.run(operation, request);
    EXPECT_EQ(driven.status, CALA_OK) << driven.code << " " << request;
  };
  const auto limit = [&make](const char *number, const char *condition) {
    make(cala_velocity_limit_create,
         R"json({"name": "L", "limit": {"balance": [{"layer": "SETTLED", "amount": "decimal('1')",
           "enforcement_direction": "DEBIT"}]}, "condition": ")json" +
             std::string(condition) + R"(", "id": "40000000-0000-0000-0000-00000000000)" + number + "\"}");
    make(cala_velocity_control_create,
         R"({"name": "C", "id": "50000000-0000-0000-0000-00000000000)" + std::string(number) + "\"}");
    make(cala_velocity_control_add_limit,
         R"({"control_id": "50000000-0000-0000-0000-00000000000)" + std::string(number) +
             R"(", "limit_id": "40000000-0000-0000-0000-00000000000)" + number + "\"}");
    make(cala_velocity_control_attach, R"({"control_id": "50000000-0000-0000-0000-00000000000)" + std::string(number) +
                                           R"(", "account_ids": ["a0000000-0000-0000-0000-000000000001"]})");
  };
  make(cala_transaction_post, post);  // the template is known from here on, if it is to be
  const std::vector<std::string> first = host_.run(cala_transaction_post, post).names;
  EXPECT_TRUE(std::equal(plain.rbegin(), plain.rend(), first.rbegin()));
  limit("1", "context.vars.entry.entryType == 'OTHER'");
  EXPECT_EQ(host_.run(cala_transaction_post, post).names, first);
  limit("2", "true");
  std::vector<std::string> more = first;
  more.insert(more.end() - 1, "velocity_read_v1");
  EXPECT_EQ(host_.run(cala_transaction_post, post).names, more);
  const DrivenOperation refused = host_.run(cala_transaction_post, post);
  EXPECT_EQ(refused.code, "velocity.exceeded");
  EXPECT_EQ(std::count(refused.writes.begin(), refused.writes.end(), true), 0) << "the host's transaction is usable";
}

TEST_F(OneWrite, IsRefusedWhereTheRowWasChangedSinceItWasRead) {
  expect_refused_as_changed(cala_account_update, R"({"id": "a0000000-0000-0000-0000-000000000001", "name": "A"})",
                            "UPDATE cala_accounts SET version = version + 1", "account.changed");
  expect_refused_as_changed(cala_account_lock, kAlice, "UPDATE cala_accounts SET version = version + 1",
                            "account.changed");
  expect_refused_as_changed(cala_account_set_update, R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "S"})",
                            "UPDATE cala_accounts SET version = version + 1", "account_set.changed");
  expect_refused_as_changed(cala_journal_update, R"({"id": "10000000-0000-0000-0000-000000000001", "name": "J"})",
                            "UPDATE cala_journals SET version = version + 1", "journal.changed");
}

TEST_F(OneWrite, IsNoneForARefusalWhichLeavesTheTransactionUsable) {
  expect_no_write(cala_transaction_post, kUnbalanced, "posting.unbalanced");
  expect_no_write(cala_transaction_post, R"({"tx_template_code": "NONE"})", "tx_template.not_found");
  expect_no_write(cala_account_create, R"({"code": "ALICE", "name": "Again"})", "account.exists");
  expect_no_write(cala_account_ensure, R"({"code": "ALICE", "name": "Other"})", "account.ensure_differs");
  expect_no_write(cala_transaction_find, R"({"external_id": "none"})", "transaction.not_found");
  expect_no_write(cala_transaction_void, kVoid, "transaction.not_found");
  expect_no_write(cala_hold_create, R"({"tx_template_code": "TRANSFER", "params": {"amount": "1"}})",
                  "hold.not_pending");
  expect_no_write(cala_hold_capture, R"({"hold_id": "30000000-0000-0000-0000-00000000000a"})", "hold.not_found");
  expect_one_write_last(cala_transaction_post, kPosting);
  expect_one_write_last(cala_transaction_void, kVoid);
  expect_no_write(cala_transaction_void, kVoid, "transaction.already_voided");
  host_.execute("COMMIT; BEGIN");
  EXPECT_NE(host_.run(cala_balance_find, kBalance).result.find("\"version\":2"), std::string::npos);
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
