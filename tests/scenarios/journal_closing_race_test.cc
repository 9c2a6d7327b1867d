// Closing a journal's books while others post: what is under way is waited for, and nothing comes in after it.
#include <cala.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kPost = R"({"tx_template_code": "DATED", "params": {"day": "2025-12-31"}})";
constexpr const char *kClose = R"({"id": "10000000-0000-0000-0000-000000000001", "until": "2025-12-31"})";
constexpr const char *kReopen = R"({"id": "10000000-0000-0000-0000-000000000001", "until": null})";
constexpr const char *kBalance = R"({"journal_id": "10000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD"})";

class ClosingRace : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    first_ = store_->open();
    second_ = store_->open();
    ASSERT_NE(first_, nullptr);
    ASSERT_NE(second_, nullptr);
    for (const auto &[operation, request] :
         {std::pair<const char *, const char *>{"journal_create",
                                                R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})"},
          {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"},
          {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000002", "code": "B", "name": "B"})"},
          {"tx_template_create", R"json({"code": "DATED", "params": [{"name": "day", "type": "date"}],
            "transaction": {"effective": "params.day", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
            "entries": [
              {"entry_type": "'D'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
                "direction": "DEBIT", "units": "decimal('1')", "currency": "'USD'"},
              {"entry_type": "'C'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
                "direction": "CREDIT", "units": "decimal('1')", "currency": "'USD'"}]})json"}}) {
      const Answer answer = first_->run(operation, request);
      ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
    }
  }

  // The second ledger's answer to what has to wait for the first one's transaction.
  Answer after(Answer (LedgerClient::*end)(), const char *operation, const char *request) {
    std::future<Answer> answer =
        std::async(std::launch::async, [this, operation, request] { return second_->run(operation, request); });
    EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    EXPECT_TRUE((first_.get()->*end)().ok());
    return answer.get();
  }

  // How much was posted.
  std::string posted() {
    const Answer answer = first_->run("balance_find", kBalance);
    const std::optional<JsonDocument> document = JsonDocument::parse(answer.result);
    return document ? json_text(json_member(document->root(), "settled"), "debit") : "0";
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> first_;
  std::unique_ptr<LedgerClient> second_;
};

TEST_P(ClosingRace, AClosingWaitsForThePostingsUnderWay) {
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("transaction_post", kPost).ok());
  const Answer closed = after(&LedgerClient::commit, "journal_close", kClose);
  EXPECT_TRUE(closed.ok()) << closed.text();
  EXPECT_EQ(posted(), "1");
  EXPECT_EQ(first_->run("transaction_post", kPost).code, "journal.closed");
}

TEST_P(ClosingRace, APostingWaitsForTheClosingUnderWay) {
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("journal_close", kClose).ok());
  EXPECT_EQ(after(&LedgerClient::rollback, "transaction_post", kPost).code, "");
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("journal_close", kClose).ok());
  EXPECT_EQ(after(&LedgerClient::commit, "transaction_post", kPost).code, "journal.closed");
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("journal_reopen", kReopen).ok());
  EXPECT_EQ(after(&LedgerClient::commit, "transaction_post", kPost).code, "");
  EXPECT_EQ(posted(), "2");
}

TEST_P(ClosingRace, NothingIsPostedOnceItIsClosed) {
  constexpr int kPosters = 3;
  std::vector<std::unique_ptr<LedgerClient>> ledgers;
  for (int i = 0; i < kPosters; ++i) ledgers.push_back(store_->open());
  std::atomic<int> made{0};
  std::vector<std::future<std::string>> posters;
  for (const auto &ledger : ledgers) {
    posters.push_back(std::async(std::launch::async, [&made, on = ledger.get()] {
      while (true) {
        const Answer answer = on->run("transaction_post", kPost);
        if (!answer.ok()) return answer.code;
        ++made;
      }
    }));
  }
  while (made.load() < 2 * kPosters) std::this_thread::yield();
  EXPECT_TRUE(second_->run("journal_close", kClose).ok());
  const std::string then = posted();
  for (std::future<std::string> &poster : posters) EXPECT_EQ(poster.get(), "journal.closed");
  EXPECT_EQ(posted(), then);
  EXPECT_EQ(then, std::to_string(made.load()));
}

INSTANTIATE_TEST_SUITE_P(Stores, ClosingRace, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
