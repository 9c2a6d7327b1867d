// A batch may touch as many balances as its postings name: nothing but their number bounds it.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "ledger_client.h"

namespace cala::tests {
namespace {

class LargeBatch : public testing::TestWithParam<StoreKind> {};

TEST_P(LargeBatch, OfSixteenHundredBalancesIsPostedWhole) {
  constexpr int kPostings = 800;
  if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const TestStore store(GetParam());
  const std::unique_ptr<LedgerClient> ledger = store.open();
  ASSERT_NE(ledger, nullptr);
  const std::string journal = "10000000-0000-0000-0000-000000000001";
  const auto account = [](int number) { return "a0000000-0000-0000-0000-00000000" + std::to_string(1000 + number); };
  const auto entry = [](const char *param, const char *direction) {
    return std::string(R"j({"entry_type": "'E'", "account_id": ")j") + param +
           R"j(", "layer": "SETTLED", "direction": ")j" + direction +
           R"j(", "units": "decimal('1')", "currency": "'USD'"})j";
  };
  std::string accounts;
  std::string postings;
  for (int i = 0; i < 2 * kPostings; ++i) {
    accounts += i == 0 ? "" : ", ";
    accounts += R"({"name": "A", "code": ")" + account(i) + R"(", "id": ")" + account(i) + "\"}";
  }
  for (int i = 0; i < kPostings; ++i) {
    postings += i == 0 ? "" : ", ";
    postings += R"({"tx_template_code": "T", "params": {"from": ")" + account(2 * i) + R"(", "to": ")" +
                account(2 * i + 1) + "\"}}";
  }
  for (const auto &[operation, request] :
       {std::pair<const char *, std::string>{"journal_create", R"({"name": "Main", "id": ")" + journal + "\"}"},
        {"account_create_many", "{\"accounts\": [" + accounts + "]}"},
        {"tx_template_create",
         R"j({"code": "T", "params": [{"name": "from", "type": "uuid"}, {"name": "to", "type": "uuid"}],
              "transaction": {"effective": "date()", "journal_id": "uuid(')j" +
             journal + R"j(')"}, "entries": [)j" + entry("params.from", "DEBIT") + ", " + entry("params.to", "CREDIT") +
             "]}"},
        {"transaction_post_many", "{\"postings\": [" + postings + "]}"}}) {
    const Answer answer = ledger->run(operation, request);
    ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
  }
  EXPECT_NE(ledger->counts().find("balances 1600"), std::string::npos) << ledger->counts();
  EXPECT_NE(ledger->counts().find("transactions 800"), std::string::npos) << ledger->counts();
}

INSTANTIATE_TEST_SUITE_P(Stores, LargeBatch, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
