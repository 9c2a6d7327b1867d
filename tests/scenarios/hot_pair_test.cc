// Callers that post between the same two accounts wait for each other; the balance's versions follow each other in time all the same.
#include <gtest/gtest.h>

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

TEST(HotPair, VersionsOfABalanceNeverGoBackInTime) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const TestStore store(StoreKind::kPostgres);
  const std::unique_ptr<LedgerClient> ledger = store.open();
  ASSERT_NE(ledger, nullptr);
  make_ledger(*ledger);

  std::vector<std::unique_ptr<LedgerClient>> callers;
  for (int i = 0; i < kCallers; ++i) callers.push_back(store.open());
  std::vector<std::thread> threads;
  for (const auto &caller : callers) {
    ASSERT_NE(caller, nullptr);
    threads.emplace_back([&caller] {
      for (int i = 0; i < kPostings; ++i) run_ok(*caller, "transaction_post", R"({"tx_template_code": "MOVE"})");
    });
  }
  for (std::thread &thread : threads) thread.join();

  const Answer history =
      ledger->run("balance_history", std::string(R"({"first": 1000, "currency": "USD", "journal_id": ")") + kJournal +
                                         R"(", "account_id": ")" + kBob + "\"}");
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

}  // namespace
}  // namespace cala::tests
