// The roll-up on PostgreSQL: the ledger's own thread brings balances on, one change for many entries, and loses nothing
// that is committed late or was left undone.
#include <cala.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"
#include "store_sql.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kBob = "a0000000-0000-0000-0000-000000000002";
constexpr const char *kHot = "f0000000-0000-0000-0000-000000000001";
constexpr const char *kPosting = R"({"tx_template_code": "T"})";

class Rollup : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    store_.emplace(StoreKind::kPostgres);
    ledger_ = store_->open();
    ASSERT_NE(ledger_, nullptr);
    fill();
  }

  // The first set that follows, an account in it, and a posting's template.
  void fill() {
    const std::string journal = kJournal;
    const std::string set = kHot;
    run("journal_create", R"({"name": "Main", "id": ")" + journal + "\"}");
    run("account_set_create", R"({"name": "Hot", "balance_rollup": "eventually_consistent", "journal_id": ")" +
                                  journal + R"(", "id": ")" + set + "\"}");
    run("account_create", R"({"code": "A", "name": "A", "account_set_id": ")" + set + R"(", "id": ")" + kAlice + "\"}");
    run("account_create", R"({"code": "B", "name": "B", "id": ")" + std::string(kBob) + "\"}");
    run("tx_template_create", R"x({"code": "T", "transaction": {"effective": "date()", "journal_id": "uuid(')x" +
                                  journal + R"x(')"}, "entries": [)x" + entry(kAlice, "DEBIT") + ", " +
                                  entry(kBob, "CREDIT") + "]}");
  }

  static std::string entry(const char *account, const char *direction) {
    return R"x({"entry_type": "'E'", "account_id": "uuid(')x" + std::string(account) +
           R"x(')", "layer": "SETTLED", "direction": ")x" + direction +
           R"x(", "units": "decimal('1')", "currency": "'USD'"})x";
  }
  void run(const char *operation, const std::string &request) {
    const Answer answer = ledger_->run(operation, request);
    ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
  }
  static std::string postings(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += (i == 0 ? "" : ", ") + std::string(kPosting);
    return "{\"postings\": [" + all + "]}";
  }
  static std::string key(const char *more = "") {
    return R"({"currency": "USD", "journal_id": ")" + std::string(kJournal) + R"(", "account_id": ")" + kHot + "\"" +
           more + "}";
  }
  static std::string debit(LedgerClient &of) {
    const Answer answer = of.run("balance_find", key());
    if (!answer.ok()) return answer.code;
    return json_text(json_member(JsonDocument::parse(answer.result)->root(), "settled"), "debit");
  }
  // Nobody asks for it: the ledger does it by itself.
  std::string debit_becoming(const std::string &wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (debit(*ledger_) != wanted && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return debit(*ledger_);
  }
  // The database refuses every change of the set's balance.
  void forbid() {
    EXPECT_EQ(run_sql(*store_, "ALTER TABLE " + store_->schema() +
                                   ".balances ADD CONSTRAINT forbidden CHECK (account_id <> '" + kHot + "')"),
              "");
  }
  void allow() {
    EXPECT_EQ(run_sql(*store_, "ALTER TABLE " + store_->schema() + ".balances DROP CONSTRAINT forbidden"), "");
  }
  std::string last_error() {
    const Answer answer = ledger_->run("rollup_status", "{}");
    if (!answer.ok()) return answer.text();
    return json_text(json_member(JsonDocument::parse(answer.result)->root(), "last_error"), "code");
  }
  static bool within(std::chrono::seconds most, const std::function<bool()> &holds) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (!holds() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return holds();
  }

  std::optional<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
};

TEST_F(Rollup, FollowsByItselfAndChangesABalanceOnceForManyEntries) {
  run("transaction_post_many", postings(200));
  EXPECT_EQ(debit_becoming("200"), "200");
  const Answer history = ledger_->run("balance_history", key());
  ASSERT_TRUE(history.ok()) << history.text();
  const auto page = JsonDocument::parse(history.result);
  EXPECT_EQ(cJSON_GetArraySize(json_member(page->root(), "items")), 1);
  run("transaction_post", kPosting);
  EXPECT_EQ(debit_becoming("201"), "201");
}

TEST_F(Rollup, FollowsATransactionThatIsCommittedLate) {
  ASSERT_TRUE(ledger_->begin().ok());
  run("transaction_post", kPosting);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(ledger_->commit().ok());
  EXPECT_EQ(debit_becoming("1"), "1");
}

// Until its commit nobody else sees that there is a set that follows.
TEST_F(Rollup, FollowsATransactionThatMakesTheFirstSetAndPosts) {
  ledger_.reset();
  store_.emplace(StoreKind::kPostgres);
  ledger_ = store_->open();
  ASSERT_NE(ledger_, nullptr);
  ASSERT_TRUE(ledger_->begin().ok());
  fill();
  run("transaction_post", kPosting);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_TRUE(ledger_->commit().ok());
  EXPECT_EQ(debit_becoming("1"), "1");
}

// The earlier one has the lower ordinal, and is committed after the later one has been rolled up.
TEST_F(Rollup, WaitsForAnEarlierTransactionAndSaysSo) {
  const std::unique_ptr<LedgerClient> other = store_->open();
  ASSERT_TRUE(ledger_->begin().ok());
  run("account_create", R"({"code": "C", "name": "C"})");
  ASSERT_TRUE(other->run("transaction_post", kPosting).ok());
  const Answer waited = other->run("rollup_await", R"({"timeout_ms": 100})");
  EXPECT_EQ(waited.status, CALA_TIMEOUT);
  EXPECT_EQ(waited.code, "rollup.timeout");
  run("transaction_post", kPosting);
  ASSERT_TRUE(ledger_->commit().ok());
  const Answer done = other->run("rollup_await", "{}");
  EXPECT_TRUE(done.ok()) << done.text();
  EXPECT_EQ(debit(*other), "2");
}

TEST_F(Rollup, SaysWhyItCannotGoOnAndGoesOnWhenItCan) {
  EXPECT_EQ(last_error(), "");
  forbid();
  run("transaction_post", kPosting);
  EXPECT_TRUE(within(std::chrono::seconds(30), [&] { return !last_error().empty(); }));
  const Answer status = ledger_->run("rollup_status", "{}");
  EXPECT_NE(status.result.find("forbidden"), std::string::npos) << status.text();
  EXPECT_EQ(ledger_->run("rollup_await", "{}").code, last_error());
  EXPECT_EQ(debit(*ledger_), "balance.not_found");
  allow();
  EXPECT_EQ(debit_becoming("1"), "1");
  EXPECT_TRUE(within(std::chrono::seconds(30), [&] { return last_error().empty(); }));
}

// What was posted counts, whatever became of its account since.
TEST_F(Rollup, ALockedAccountHoldsNothingUp) {
  forbid();
  run("transaction_post", kPosting);
  EXPECT_TRUE(within(std::chrono::seconds(30), [&] { return !last_error().empty(); }));
  run("account_lock", R"({"id": ")" + std::string(kAlice) + "\"}");
  run("journal_lock", R"({"id": ")" + std::string(kJournal) + "\"}");
  allow();
  EXPECT_EQ(debit_becoming("1"), "1");
}

TEST_F(Rollup, FollowsAPostingThatWaitedForTheAttachment) {
  const std::string warm = "f0000000-0000-0000-0000-000000000002";
  run("account_set_create", R"({"name": "Warm", "balance_rollup": "eventually_consistent", "journal_id": ")" +
                                std::string(kJournal) + R"(", "id": ")" + warm + "\"}");
  const std::unique_ptr<LedgerClient> other = store_->open();
  ASSERT_TRUE(ledger_->begin().ok());
  run("account_set_add_members",
      R"({"members": [{"account_set_id": ")" + warm + R"(", "account_id": ")" + kBob + "\"}]}");
  std::future<Answer> posted = std::async(std::launch::async, [&] { return other->run("transaction_post", kPosting); });
  EXPECT_EQ(posted.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  ASSERT_TRUE(ledger_->commit().ok());
  const Answer answer = posted.get();
  ASSERT_TRUE(answer.ok()) << answer.text();
  run("rollup_await", "{}");
  const Answer found = ledger_->run("balance_find", R"({"currency": "USD", "journal_id": ")" + std::string(kJournal) +
                                                        R"(", "account_id": ")" + warm + "\"}");
  EXPECT_NE(found.result.find(R"("credit":"1")"), std::string::npos) << found.text();
}

TEST_F(Rollup, WhatALedgerLeftUndoneTheNextOneDoes) {
  forbid();
  run("transaction_post_many", postings(3));
  ledger_.reset();
  allow();
  ledger_ = store_->open();
  ASSERT_NE(ledger_, nullptr);
  EXPECT_EQ(debit_becoming("3"), "3");
}

TEST_F(Rollup, OfManyLedgersCountsEveryPostingOnce) {
  std::vector<std::future<int>> ledgers;
  for (int i = 0; i < 3; ++i) {
    ledgers.push_back(std::async(std::launch::async, [this] {
      const std::unique_ptr<LedgerClient> mine = store_->open();
      int posted = 0;
      for (int n = 0; n < 20; ++n) posted += mine->run("transaction_post", kPosting).ok() ? 1 : 0;
      return posted;
    }));
  }
  int posted = 0;
  for (std::future<int> &each : ledgers) posted += each.get();
  EXPECT_EQ(posted, 60);
  EXPECT_TRUE(ledger_->run("rollup_await", "{}").ok());
  EXPECT_EQ(debit(*ledger_), "60");
}

// Where it stopped is committed with what it did.
TEST_F(Rollup, KilledAtAnyMomentItLosesAndDoublesNothing) {
  const std::string kill =
      "DO $$ BEGIN PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.query LIKE '%" +
      store_->schema() + "%rollup%' AND a.pid <> pg_backend_pid(); END $$";
  int posted = 0;
  for (int i = 0; i < 20; ++i) {
    posted += ledger_->run("transaction_post", kPosting).ok() ? 1 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(i % 7));
    EXPECT_EQ(run_sql(*store_, kill), "");
  }
  EXPECT_GT(posted, 0);
  EXPECT_EQ(debit_becoming(std::to_string(posted)), std::to_string(posted));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(debit(*ledger_), std::to_string(posted));
}

TEST_F(Rollup, ALedgerIsClosedWhileItWaitsForATransaction) {
  std::unique_ptr<LedgerClient> other = store_->open();
  ASSERT_TRUE(ledger_->begin().ok());
  run("transaction_post", kPosting);
  ASSERT_TRUE(other->run("rollup_await", R"({"timeout_ms": 10})").code == "rollup.timeout");
  const auto begun = std::chrono::steady_clock::now();
  std::thread closing([&] { other.reset(); });
  EXPECT_TRUE(ledger_->rollback().ok());
  ledger_.reset();
  closing.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
}

TEST_F(Rollup, ALedgerIsClosedWhileAnotherTransactionIsAtIt) {
  const std::string held = "FROM " + store_->schema() + ".rollup_state";
  std::future<std::string> holder = std::async(std::launch::async, [&] {
    return run_sql(*store_, "DO $$ BEGIN PERFORM 1 " + held + " FOR UPDATE; PERFORM pg_sleep(30); END $$");
  });
  const std::string probe = "DO $$ BEGIN PERFORM 1 " + held + " FOR UPDATE NOWAIT; END $$";
  EXPECT_TRUE(within(std::chrono::seconds(10), [&] { return !run_sql(*store_, probe).empty(); }));
  run("transaction_post", kPosting);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begun = std::chrono::steady_clock::now();
  ledger_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(10));
  EXPECT_EQ(
      run_sql(*store_, "DO $$ BEGIN PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.query LIKE '%" +
                           store_->schema() + "%pg_sleep(30)%' AND a.pid <> pg_backend_pid(); END $$"),
      "");
  EXPECT_NE(holder.get(), "");
  ledger_ = store_->open();
  ASSERT_NE(ledger_, nullptr);
  EXPECT_EQ(debit_becoming("1"), "1");
}

// Whoever waits for a posting that is still to come keeps nobody's balances from following.
TEST_F(Rollup, WaitsForAPostingToCome) {
  const std::unique_ptr<LedgerClient> other = store_->open();
  const Answer status = ledger_->run("rollup_status", "{}");
  const auto page = JsonDocument::parse(status.result);
  ASSERT_TRUE(page) << status.text();
  const cJSON *frontier = json_member(page->root(), "frontier");
  ASSERT_NE(frontier, nullptr);
  const std::string next = std::to_string(static_cast<std::int64_t>(frontier->valuedouble) + 2);
  std::future<Answer> waiting = std::async(std::launch::async, [&other, next] {
    return other->run("rollup_await", R"({"timeout_ms": 30000, "sequence": )" + next + "}");
  });
  run("transaction_post", kPosting);
  EXPECT_EQ(debit_becoming("1"), "1");
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  run("transaction_post", kPosting);
  const Answer done = waiting.get();
  EXPECT_TRUE(done.ok()) << done.text();
}

TEST_F(Rollup, MembersThatPostedCannotBeMovedThoughNothingHasBeenRolledUp) {
  const std::string above = "f0000000-0000-0000-0000-000000000002";
  const std::string in_above = R"({"members": [{"account_set_id": ")" + above + "\", ";
  run("account_set_create",
      R"({"name": "Above", "journal_id": ")" + std::string(kJournal) + R"(", "id": ")" + above + "\"}");
  forbid();
  run("transaction_post", kPosting);
  const Answer removed = ledger_->run("account_set_remove_member", R"({"account_set_id": ")" + std::string(kHot) +
                                                                       R"(", "account_id": ")" + kAlice + "\"}");
  EXPECT_EQ(removed.code, "membership.has_history");
  const Answer set =
      ledger_->run("account_set_add_members", in_above + R"("member_account_set_id": ")" + kHot + "\"}]}");
  EXPECT_EQ(set.code, "membership.has_history");
  const Answer account = ledger_->run("account_set_add_members", in_above + R"("account_id": ")" + kAlice + "\"}]}");
  EXPECT_EQ(account.code, "membership.has_history");
  EXPECT_EQ(debit(*ledger_), "balance.not_found");
  allow();
  EXPECT_EQ(debit_becoming("1"), "1");
}

}  // namespace
}  // namespace cala::tests
