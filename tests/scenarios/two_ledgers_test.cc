// Two ledgers on one store, as two processes have them: what the one writes, the other's next posting knows, whatever
// it remembers; and batches that overlap in any order all get through.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr int kAccounts = 6;
constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kTop = "f0000000-0000-0000-0000-000000000001";
constexpr const char *kPeople = "f0000000-0000-0000-0000-000000000002";
constexpr const char *kTemplate = "20000000-0000-0000-0000-000000000009";

std::string account(int number) { return "a0000000-0000-0000-0000-00000000000" + std::to_string(number); }

std::string transfer(int from, int to) {
  return R"({"tx_template_code": "TRANSFER", "params": {"from": ")" + account(from) + R"(", "to": ")" + account(to) +
         "\"}}";
}

std::string entry(const char *param, const char *direction) {
  return std::string(R"x({"entry_type": "'E'", "account_id": ")x") + param +
         R"x(", "layer": "SETTLED", "direction": ")x" + direction +
         R"x(", "units": "decimal('1')", "currency": "'USD'"})x";
}

std::string note(const char *says) {
  return std::string(R"x({"code": "NOTE", "id": ")x") + kTemplate +
         R"x(", "transaction": {"effective": "date()", "journal_id": "uuid(')x" + kJournal +
         R"x(')", "description": "')x" + says + R"x('"}, "entries": []})x";
}

class TwoLedgers : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    first_ = store_->open();
    second_ = store_->open();
    ASSERT_NE(first_, nullptr);
    ASSERT_NE(second_, nullptr);
    run("journal_create", std::string(R"({"name": "Main", "id": ")") + kJournal + "\"}");
    for (int i = 0; i < kAccounts; ++i) {
      run("account_create", R"({"name": "A", "code": ")" + account(i) + R"(", "id": ")" + account(i) + "\"}");
    }
    run("tx_template_create",
        R"x({"code": "TRANSFER", "params": [{"name": "from", "type": "uuid"}, {"name": "to", "type": "uuid"}],
             "transaction": {"effective": "date()", "journal_id": "uuid(')x" +
            std::string(kJournal) + R"x(')"}, "entries": [)x" + entry("params.from", "DEBIT") + ", " +
            entry("params.to", "CREDIT") + "]}");
  }

  void run(const char *operation, const std::string &request) {
    const Answer answer = first_->run(operation, request);
    ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
  }
  void post(LedgerClient &ledger, int from, int to) {
    const Answer answer = ledger.run("transaction_post", transfer(from, to));
    ASSERT_TRUE(answer.ok()) << answer.text();
  }
  // "3": what was debited and how often, or the code of the refusal.
  std::string debit_of(const std::string &holder) {
    const Answer answer = second_->run("balance_find", std::string(R"({"currency": "USD", "journal_id": ")") +
                                                           kJournal + R"(", "account_id": ")" + holder + "\"}");
    if (!answer.ok()) return answer.code;
    return json_text(json_member(JsonDocument::parse(answer.result)->root(), "settled"), "debit");
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> first_;
  std::unique_ptr<LedgerClient> second_;
};

TEST_P(TwoLedgers, TheNextPostingMovesTheSetsThatTheOtherHasJoined) {
  for (const char *set : {kTop, kPeople}) {
    run("account_set_create",
        std::string(R"({"name": "S", "journal_id": ")") + kJournal + R"(", "id": ")" + set + "\"}");
  }
  run("account_set_add_members",
      std::string(R"({"members": [{"account_set_id": ")") + kPeople + R"(", "account_id": ")" + account(0) + "\"}]}");
  post(*second_, 1, 2);  // remembers what there is to remember
  run("account_set_add_members", std::string(R"({"members": [{"account_set_id": ")") + kTop +
                                     R"(", "member_account_set_id": ")" + kPeople + "\"}]}");
  post(*second_, 0, 1);
  EXPECT_EQ(debit_of(kPeople), "1");
  EXPECT_EQ(debit_of(kTop), "1");
}

TEST_P(TwoLedgers, ATxTemplateThatTheOtherTookBackIsForgotten) {
  ASSERT_TRUE(first_->begin().ok());
  run("tx_template_create", note("the first"));
  run("transaction_post", R"({"tx_template_code": "NOTE"})");
  ASSERT_TRUE(first_->rollback().ok());
  const Answer created = second_->run("tx_template_create", note("the second"));
  ASSERT_TRUE(created.ok()) << created.text();
  for (LedgerClient *ledger : {first_.get(), second_.get()}) {
    const Answer posted = ledger->run("transaction_post", R"({"tx_template_code": "NOTE"})");
    EXPECT_NE(posted.result.find("the second"), std::string::npos) << posted.text();
  }
}

TEST_P(TwoLedgers, BatchesThatOverlapInAnyOrderAllGetThrough) {
  constexpr int kThreads = 6, kBatches = 4, kPostings = 3;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      const std::unique_ptr<LedgerClient> ledger = store_->open();
      ASSERT_NE(ledger, nullptr);
      for (int n = 0; n < kBatches; ++n) {
        std::string postings;
        for (int p = 0; p < kPostings; ++p) {
          const int from = (i + n + 2 * p) % kAccounts, to = (from + 1 + (i + p) % (kAccounts - 1)) % kAccounts;
          postings += (p == 0 ? "" : ", ") + transfer(from, to);
        }
        const Answer answer = ledger->run("transaction_post_many", "{\"postings\": [" + postings + "]}");
        EXPECT_TRUE(answer.ok()) << answer.text();
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  const Answer balances = first_->run("trial_balance", std::string(R"({"journal_id": ")") + kJournal + "\"}");
  EXPECT_NE(balances.result.find(R"("totals":[{"currency":"USD","debit":"72","credit":"72"}])"), std::string::npos)
      << balances.text();
}

INSTANTIATE_TEST_SUITE_P(Stores, TwoLedgers, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
