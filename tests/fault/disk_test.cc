// A disk that fails to keep what was written: the nth fsync of an operation on SQLite answers EIO. The linker sends
// every call to the functions here (--wrap in tests/CMakeLists.txt).
#include <cala.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>

extern "C" {
int __real_fsync(int descriptor);      // NOLINT: the linker's name
int __real_fdatasync(int descriptor);  // NOLINT
}

namespace cala::tests {
namespace {

constinit std::atomic<int> left{0};  // until the one that fails; 0 and below: none does

bool fails() {
  if (left.load() <= 0 || left.fetch_sub(1) != 1) return false;
  errno = EIO;
  return true;
}

}  // namespace
}  // namespace cala::tests

extern "C" {
int __wrap_fsync(int descriptor) {  // NOLINT
  return cala::tests::fails() ? -1 : __real_fsync(descriptor);
}
int __wrap_fdatasync(int descriptor) {  // NOLINT
  return cala::tests::fails() ? -1 : __real_fdatasync(descriptor);
}
}

namespace cala::tests {
namespace {

using MakeOperation = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

class DiskFails : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/cala-disk-XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    const std::string config = R"({"store": "sqlite:)" + folder_ + R"(/ledger.db"})";
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger_, nullptr), CALA_OK);
    ASSERT_EQ(run(cala_journal_create, R"({"id": "10000000-0000-0000-0000-000000000001", "name": "J"})"), CALA_OK);
    ASSERT_EQ(run(cala_account_create, R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"),
              CALA_OK);
    ASSERT_EQ(run(cala_tx_template_create, R"json({"code": "MOVE",
      "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
      "entries": [
        {"entry_type": "'D'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
          "direction": "DEBIT", "units": "decimal('1')", "currency": "'USD'"},
        {"entry_type": "'C'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
          "direction": "CREDIT", "units": "decimal('1')", "currency": "'USD'"}]})json"),
              CALA_OK);
  }
  void TearDown() override {
    cala_ledger_free(ledger_);
    std::filesystem::remove_all(folder_);
  }

  cala_status run(MakeOperation make, const std::string &request, cala_tx *tx = nullptr) {
    cala_op *op = nullptr;
    cala_error *error = nullptr;
    EXPECT_EQ(make(ledger_, tx, request.data(), request.size(), &op, nullptr), CALA_OK);
    const cala_status status = cala_op_run(op, 20000, &error);
    code_ = cala_error_code(error);
    if (status == CALA_OK) result_ = cala_op_result(op, nullptr);
    cala_error_free(error);
    cala_op_free(op);
    return status;
  }
  void expect_transactions(int count) {
    ASSERT_EQ(run(cala_ledger_info, "{}"), CALA_OK) << code_;
    EXPECT_NE(result_.find("\"transactions\":" + std::to_string(count) + ","), std::string::npos) << result_;
  }

  std::string folder_;
  cala_ledger *ledger_ = nullptr;
  std::string code_;
  std::string result_;
};

TEST_F(DiskFails, APostingIsLookedUpAndMadeOnce) {
  for (int round = 1; round <= 20; ++round) {
    left.store(1);
    ASSERT_EQ(run(cala_transaction_post, R"({"tx_template_code": "MOVE"})"), CALA_OK) << code_;
    ASSERT_LE(left.load(), 0) << "it did not fail";
    expect_transactions(round);
  }
}

TEST_F(DiskFails, WhatCannotBeLookedUpIsSaidToBeUnknown) {
  left.store(1);
  ASSERT_EQ(run(cala_account_create, R"({"code": "B", "name": "B"})"), CALA_OUTCOME_UNKNOWN) << code_;
  EXPECT_EQ(code_, "store.outcome_unknown");
  const cala_status again = run(cala_account_create, R"({"code": "B", "name": "B"})");
  EXPECT_TRUE(again == CALA_OK || again == CALA_CONFLICT) << again << code_;
  EXPECT_EQ(run(cala_account_find, R"({"code": "B"})"), CALA_OK);
}

TEST_F(DiskFails, ATransactionsCommitIsUnknownAndTheNextOneIsMade) {
  for (int round = 0; round < 3; ++round) {
    cala_tx *tx = nullptr;
    ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
    ASSERT_EQ(run(cala_account_create, R"({"code": "C", "name": "C"})", tx), CALA_OK) << code_;
    left.store(1);
    EXPECT_EQ(cala_tx_commit(tx, nullptr), CALA_OUTCOME_UNKNOWN);
    cala_tx_free(tx);
    ASSERT_EQ(run(cala_account_find, R"({"code": "C"})"), CALA_NOT_FOUND) << "the file is read as it was";
  }
  ASSERT_EQ(run(cala_transaction_post, R"({"tx_template_code": "MOVE"})"), CALA_OK) << code_;
  expect_transactions(1);
}

}  // namespace
}  // namespace cala::tests
