// The primary goes, however it goes, and its standby takes over: every caller ends with its postings stored once, and
// none of them repeats anything itself.
#include <cala.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "tests/postgres_cluster.h"

namespace cala::tests {
namespace {

using MakeOperation = cala_status (*)(cala_ledger *, cala_tx *, const char *, std::size_t, cala_op **, cala_error **);

constexpr const char *kTemplate = R"t({"code": "DEPOSIT", "params": [{"name": "to", "type": "string"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"account_id": "uuid('a0000000-0000-0000-0000-000000000000')", "layer": "SETTLED", "direction": "DEBIT",
     "units": "decimal('1')", "currency": "'USD'", "entry_type": "'DR'"},
    {"account_id": "uuid(params.to)", "layer": "SETTLED", "direction": "CREDIT", "units": "decimal('1')",
     "currency": "'USD'", "entry_type": "'CR'"}]})t";

std::string account_id(int number) {
  const std::string digits = std::to_string(number);
  return "a0000000-0000-0000-0000-" + std::string(12 - digits.size(), '0') + digits;
}

class Failover : public ::testing::Test {
 protected:
  static constexpr int kCallers = 16;

  void SetUp() override {
    if (!postgres_connection()) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    primary_ = PostgresCluster::start();
    ASSERT_NE(primary_, nullptr);
    open(primary_->connection(), R"(, "migrate": true)");
    ASSERT_NE(ledger_, nullptr);
    run(cala_journal_create, R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})");
    run(cala_tx_template_create, kTemplate);
    for (int i = 0; i <= kCallers; ++i) {
      run(cala_account_create,
          R"({"id": ")" + account_id(i) + R"(", "code": "A)" + std::to_string(i) + R"(", "name": "Account"})");
    }
    stand_by();
  }
  void TearDown() override { cala_ledger_free(ledger_); }

  void open(const std::string &store, const std::string &more = {}) {
    cala_ledger_free(ledger_);
    ledger_ = nullptr;
    const std::string config = R"({"store": ")" + store + R"(", "pool": {"max": 16})" + more + "}";
    cala_error *error = nullptr;
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger_, &error), CALA_OK) << cala_error_message(error);
  }
  void open_both(const std::string &more = {}) {
    open("postgres://cala@/cala_test?host=" + primary_->folder() + "," + standby_->folder() +
         "&target_session_attrs=read-write" + more);
  }
  void stand_by() {
    standby_ = primary_->start_standby();
    ASSERT_NE(standby_, nullptr);
  }

  // The answer; on a failure it is the test's, and the text empty.
  std::string run(MakeOperation make, const std::string &request) {
    cala_op *op = nullptr;
    cala_error *error = nullptr;
    EXPECT_EQ(make(ledger_, nullptr, request.data(), request.size(), &op, &error), CALA_OK)
        << cala_error_message(error);
    cala_error_free(error);
    error = nullptr;
    std::string answer;
    if (op != nullptr && cala_op_run(op, -1, &error) == CALA_OK) {
      std::size_t length = 0;
      const char *text = cala_op_result(op, &length);
      answer.assign(text, length);
    } else {
      ADD_FAILURE() << request << ": " << cala_error_code(error) << ": " << cala_error_message(error);
    }
    cala_error_free(error);
    cala_op_free(op);
    return answer;
  }

  std::int64_t postings_of(int account) {
    const std::string answer =
        run(cala_balance_find,
            R"({"journal_id": "10000000-0000-0000-0000-000000000001", "currency": "USD", "account_id": ")" +
                account_id(account) + "\"}");
    const base::Result<base::Json> json = base::Json::parse(answer.empty() ? "{}" : answer);
    return json ? json->root().get("version").integer().value_or(-1) : -1;
  }

  // Sixteen callers post while `what` happens, and a little longer; each without an id and without a second try.
  template <typename What>
  void while_posting(What what) {
    std::atomic<bool> stop{false};
    std::vector<std::int64_t> done(kCallers);
    std::vector<std::thread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] {
        const std::string request =
            R"({"tx_template_code": "DEPOSIT", "params": {"to": ")" + account_id(i + 1) + "\"}}";
        while (!stop && !HasFailure()) {
          if (!run(cala_transaction_post, request).empty()) ++done[static_cast<std::size_t>(i)];
        }
      });
    }
    std::thread beginner([&] {
      while (!stop && !HasFailure()) {
        cala_tx *tx = nullptr;
        cala_error *error = nullptr;
        EXPECT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, &error), CALA_OK) << cala_error_message(error);
        if (tx != nullptr) cala_tx_rollback(tx, nullptr);
        cala_tx_free(tx);
        cala_error_free(error);
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    what();
    std::this_thread::sleep_for(std::chrono::milliseconds(1000));
    stop = true;
    for (std::thread &caller : callers) caller.join();
    beginner.join();
    for (int i = 0; i < kCallers; ++i) {
      posted_[static_cast<std::size_t>(i)] += done[static_cast<std::size_t>(i)];
      total_ += done[static_cast<std::size_t>(i)];
      EXPECT_GT(done[static_cast<std::size_t>(i)], 0);
      EXPECT_EQ(postings_of(i + 1), posted_[static_cast<std::size_t>(i)]) << "caller " << i;
    }
    EXPECT_EQ(postings_of(0), total_);
  }

  std::unique_ptr<PostgresCluster> primary_;
  std::unique_ptr<PostgresCluster> standby_;
  cala_ledger *ledger_ = nullptr;
  std::vector<std::int64_t> posted_ = std::vector<std::int64_t>(kCallers);
  std::int64_t total_ = 0;
};

TEST_F(Failover, EveryPostingIsStoredOnceHoweverThePrimaryEnds) {
  for (const char *way : {"crash", "immediate", "fast"}) {
    if (!standby_) stand_by();
    open_both();
    while_posting([&] {
      EXPECT_TRUE(primary_->end(way));
      EXPECT_TRUE(standby_->promote());
    });
    if (HasFailure()) FAIL() << way;
    primary_ = std::move(standby_);
  }
}

// Somebody else says where the ledger is, and said it a little early.
TEST_F(Failover, AStandbyIsAskedAgainUntilItIsThePrimary) {
  open(standby_->connection());
  EXPECT_TRUE(primary_->end("immediate"));
  std::thread promotion([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    EXPECT_TRUE(standby_->promote());
  });
  const std::string answer =
      run(cala_transaction_post, R"({"tx_template_code": "DEPOSIT", "params": {"to": ")" + account_id(1) + "\"}}");
  promotion.join();
  EXPECT_FALSE(answer.empty());
  EXPECT_EQ(postings_of(1), 1);
}

TEST_F(Failover, AServerThatDoesNotAnswerDoesNotHideTheOther) {
  EXPECT_TRUE(primary_->end("freeze"));
  EXPECT_TRUE(standby_->promote());
  const auto begun = std::chrono::steady_clock::now();
  open_both("&connect_timeout=2");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
  run(cala_transaction_post, R"({"tx_template_code": "DEPOSIT", "params": {"to": ")" + account_id(1) + "\"}}");
  EXPECT_EQ(postings_of(1), 1);
  EXPECT_TRUE(primary_->end("thaw"));
}

}  // namespace
}  // namespace cala::tests
