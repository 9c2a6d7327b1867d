// Callers that post between the same two accounts wait for each other; the balance's versions follow each other in time
// all the same.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr int kCallers = 8, kPostings = 25;
constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kBob = "a0000000-0000-0000-0000-000000000002";

void run_ok(LedgerClient &ledger, const std::string &operation, const std::string &request) {
  const Answer answer = ledger.run(operation, request);
  ASSERT_TRUE(answer.ok()) << answer.text();
}

void make_ledger(LedgerClient &ledger) {
  run_ok(ledger, "journal_create", std::string(R"({"name": "Main", "id": ")") + kJournal + "\"}");
  for (const char *id : {kAlice, kBob}) {
    run_ok(ledger, "account_create", std::string(R"({"name": "A", "code": ")") + id + R"(", "id": ")" + id + "\"}");
  }
  const std::string entry =
      R"j({"entry_type": "'MOVE'", "layer": "SETTLED", "units": "decimal('1')", "currency": "'USD'", )j";
  const auto side = [&entry](const char *account, const char *direction) {
    return entry + R"j("account_id": "uuid(')j" + account + R"j(')", "direction": ")j" + direction + "\"}";
  };
  const std::string transaction =
      R"j({"effective": "date()", "journal_id": "uuid(')j" + std::string(kJournal) + R"j(')"})j";
  run_ok(ledger, "tx_template_create",
         R"({"code": "MOVE", "transaction": )" + transaction + R"(, "entries": [)" + side(kAlice, "DEBIT") + ", " +
             side(kBob, "CREDIT") + "]}");
}

class HotPair : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    ledger_ = store_->open();
    ASSERT_NE(ledger_, nullptr);
    make_ledger(*ledger_);
    for (int i = 0; i < kCallers; ++i) callers_.push_back(store_->open());
    for (const auto &caller : callers_) ASSERT_NE(caller, nullptr);
  }
  void start() {
    for (const auto &caller : callers_) {
      threads_.emplace_back([this, &caller] {
        for (int i = 0; i < kPostings; ++i) run_ok(*caller, "transaction_post", R"({"tx_template_code": "MOVE"})");
        ++done_;
      });
    }
  }
  void join() {
    for (std::thread &thread : threads_) thread.join();
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
  std::vector<std::unique_ptr<LedgerClient>> callers_;
  std::vector<std::thread> threads_;
  std::atomic<int> done_{0};
};
INSTANTIATE_TEST_SUITE_P(Stores, HotPair, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &kind) { return std::string(name_of(kind.param)); });

const std::string kBobs =
    std::string(R"("currency": "USD", "journal_id": ")") + kJournal + R"(", "account_id": ")" + kBob + "\"";

TEST_P(HotPair, VersionsOfABalanceNeverGoBackInTime) {
  start();
  join();
  const Answer history = ledger_->run("balance_history", R"({"first": 1000, )" + kBobs + "}");
  ASSERT_TRUE(history.ok()) << history.text();
  const std::optional<JsonDocument> page = JsonDocument::parse(history.result);
  ASSERT_TRUE(page.has_value());
  std::string before;
  int versions = 0, backwards = 0;
  const cJSON *version = nullptr;
  cJSON_ArrayForEach(version, json_member(page->root(), "items")) {
    const std::string at = json_text(version, "modified_at");
    backwards += at < before ? 1 : 0;
    before = at;
    ++versions;
  }
  EXPECT_EQ(versions, kCallers * kPostings);
  EXPECT_EQ(backwards, 0);
}

// A balance as of an instant that is past does not change with what is posted meanwhile.
TEST_P(HotPair, ABalanceAsOfAnInstantStaysWhatItWas) {
  struct Seen {
    std::string at;
    int version;
    int version_at;
  };
  const auto version_of = [](const Answer &answer) {
    const std::optional<JsonDocument> balance = JsonDocument::parse(answer.result);
    const cJSON *version = balance ? json_member(balance->root(), "version") : nullptr;
    return version == nullptr ? 0 : version->valueint;
  };
  const auto version_at = [&](const std::string &instant) {
    const Answer answer = ledger_->run("balance_at", R"({"recorded_at": ")" + instant + "\", " + kBobs + "}");
    EXPECT_TRUE(answer.ok()) << answer.text();
    return version_of(answer);
  };
  run_ok(*ledger_, "transaction_post", R"({"tx_template_code": "MOVE"})");
  start();
  std::vector<Seen> seen;
  while (done_.load() < kCallers) {
    const Answer now = ledger_->run("balance_find", "{" + kBobs + "}");
    EXPECT_TRUE(now.ok()) << now.text();
    const std::optional<JsonDocument> balance = JsonDocument::parse(now.result);
    if (!balance) break;
    const std::string at = json_text(balance->root(), "modified_at");
    seen.push_back({at, version_of(now), version_at(at)});
  }
  join();
  EXPECT_GT(seen.size(), 5U);
  int changed = 0;
  int before = 0;
  for (const Seen &each : seen) {
    EXPECT_GE(each.version_at, each.version) << each.at;
    EXPECT_GE(each.version, before);
    before = each.version;
    const int later = version_at(each.at);
    EXPECT_GE(later, each.version_at) << each.at;
    changed += later == each.version_at ? 0 : 1;  // within one microsecond
  }
  EXPECT_LE(changed, static_cast<int>(seen.size()) / 10);
  // And each version is found by its own instant, or one that came in the same.
  const Answer history = ledger_->run("balance_history", R"({"first": 1000, )" + kBobs + "}");
  const std::optional<JsonDocument> page = JsonDocument::parse(history.result);
  ASSERT_TRUE(page.has_value());
  int versions = 0;
  const cJSON *version = nullptr;
  cJSON_ArrayForEach(version, json_member(page->root(), "items")) {
    const std::string at = json_text(version, "modified_at");
    const Answer found = ledger_->run("balance_at", R"({"recorded_at": ")" + at + "\", " + kBobs + "}");
    const std::optional<JsonDocument> balance = JsonDocument::parse(found.result);
    ASSERT_TRUE(balance.has_value()) << found.text();
    EXPECT_EQ(json_text(balance->root(), "modified_at"), at);
    EXPECT_GE(version_of(found), json_member(version, "version")->valueint);
    ++versions;
  }
  EXPECT_EQ(versions, kCallers * kPostings + 1);
}

}  // namespace
}  // namespace cala::tests
