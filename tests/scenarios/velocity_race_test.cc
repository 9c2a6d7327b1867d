// Velocity limits when several are at work: attaching waits for postings in flight and they for it, and postings that
// are committed together pass a limit no more than one by one.
#include <cala.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kBob = "a0000000-0000-0000-0000-000000000002";
constexpr const char *kControl = "50000000-0000-0000-0000-000000000001";
constexpr const char *kLimit = "40000000-0000-0000-0000-000000000001";
constexpr const char *kPost = R"({"tx_template_code": "MOVE"})";

std::string attach(const std::string &most) {
  return std::string(R"({"control_id": ")") + kControl + R"(", "account_ids": [")" + kAlice +
         R"("], "params": {"most": ")" + most + "\"}}";
}

void run_ok(LedgerClient &ledger, const std::string &operation, const std::string &request) {
  const Answer answer = ledger.run(operation, request);
  ASSERT_TRUE(answer.ok()) << answer.text();
}

// MOVE debits Alice by 1; a control with one limit that is not attached yet.
void make_ledger(LedgerClient &ledger) {
  run_ok(ledger, "journal_create", std::string(R"({"name": "Main", "id": ")") + kJournal + "\"}");
  for (const char *id : {kAlice, kBob}) {
    run_ok(ledger, "account_create", std::string(R"({"name": "A", "code": ")") + id + R"(", "id": ")" + id + "\"}");
  }
  const auto side = [](const char *account, const char *direction) {
    return R"j({"entry_type": "'MOVE'", "layer": "SETTLED", "units": "decimal('1')", "currency": "'USD'", )j"
           R"j("account_id": "uuid(')j" +
           std::string(account) + R"j(')", "direction": ")j" + direction + "\"}";
  };
  run_ok(ledger, "tx_template_create",
         R"j({"code": "MOVE", "transaction": {"effective": "date()", "journal_id": "uuid(')j" + std::string(kJournal) +
             R"j(')"}, "entries": [)j" + side(kAlice, "DEBIT") + ", " + side(kBob, "CREDIT") + "]}");
  run_ok(ledger, "velocity_limit_create",
         std::string(R"({"name": "L", "id": ")") + kLimit + R"(", "params": [{"name": "most",
    "type": "decimal"}], "limit": {"balance": [{"layer": "SETTLED", "amount": "params.most",
      "enforcement_direction": "DEBIT"}]}})");
  run_ok(ledger, "velocity_control_create", std::string(R"({"name": "C", "id": ")") + kControl + "\"}");
  run_ok(ledger, "velocity_control_add_limit",
         std::string(R"({"control_id": ")") + kControl + R"(", "limit_id": ")" + kLimit + "\"}");
}

class VelocityRace : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(StoreKind::kPostgres);
    first_ = store_->open();
    second_ = store_->open();
    ASSERT_NE(first_, nullptr);
    ASSERT_NE(second_, nullptr);
    make_ledger(*first_);
  }

  // Runs it on the second ledger while the first one's transaction is open; answers once that is committed. It must
  // have waited.
  Answer waits_for_commit(const std::string &operation, const std::string &request) {
    Answer answer;
    std::atomic<bool> done = false;
    std::thread other([&] {
      answer = second_->run(operation, request);
      done = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_FALSE(done) << operation << " did not wait: " << answer.text();
    EXPECT_TRUE(first_->commit().ok());
    other.join();
    return answer;
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> first_;
  std::unique_ptr<LedgerClient> second_;
};

TEST_F(VelocityRace, AnAttachWaitsForThePostingsInFlight) {
  for (int round = 0; round < 2;
       ++round) {  // the account's balance is born by the first posting, and there before the second
    ASSERT_TRUE(first_->begin().ok());
    run_ok(*first_, "transaction_post", kPost);
    const Answer attached = waits_for_commit("velocity_control_attach", attach("0"));
    EXPECT_TRUE(attached.ok()) << attached.text();
    EXPECT_EQ(first_->run("transaction_post", kPost).code, "velocity.exceeded");
    run_ok(*first_, "velocity_control_detach",
           std::string(R"({"control_id": ")") + kControl + R"(", "account_ids": [")" + kAlice + "\"]}");
  }
}

TEST_F(VelocityRace, APostingThatWaitedForAnAttachIsLimited) {
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(first_->begin().ok());
    run_ok(*first_, "velocity_control_attach", attach("0"));
    EXPECT_EQ(waits_for_commit("transaction_post", kPost).code, "velocity.exceeded");
    run_ok(*first_, "velocity_control_detach",
           std::string(R"({"control_id": ")") + kControl + R"(", "account_ids": [")" + kAlice + "\"]}");
    run_ok(*first_, "transaction_post", kPost);
  }
}

TEST_F(VelocityRace, AnAttachToASetWaitsForThePostingsBelowIt) {
  const std::string set = "60000000-0000-0000-0000-000000000001";
  run_ok(*first_, "account_set_create",
         R"({"name": "S", "journal_id": ")" + std::string(kJournal) + R"(", "id": ")" + set + "\"}");
  run_ok(*first_, "account_set_add_members",
         R"({"members": [{"account_set_id": ")" + set + R"(", "account_id": ")" + kAlice + "\"}]}");
  const std::string to_set = std::string(R"({"control_id": ")") + kControl + R"(", "account_set_id": ")" + set + "\"";
  ASSERT_TRUE(first_->begin().ok());
  run_ok(*first_, "transaction_post", kPost);
  const Answer attached = waits_for_commit("velocity_control_attach", to_set + R"(, "params": {"most": "0"}})");
  EXPECT_TRUE(attached.ok()) << attached.text();
  EXPECT_EQ(first_->run("transaction_post", kPost).code, "velocity.exceeded");
  ASSERT_TRUE(first_->begin().ok());
  run_ok(*first_, "velocity_control_detach", to_set + "}");
  const Answer posted = waits_for_commit("transaction_post", kPost);
  EXPECT_TRUE(posted.ok()) << posted.text();
}

TEST_F(VelocityRace, CallersTogetherPassALimitExactlyAsOftenAsItAllows) {
  run_ok(*first_, "velocity_control_attach", attach("30"));
  std::atomic<int> passed = 0;
  std::atomic<int> refused = 0;
  std::vector<std::unique_ptr<LedgerClient>> callers;
  for (int i = 0; i < 4; ++i) callers.push_back(store_->open());
  std::vector<std::thread> threads;
  for (const auto &caller : callers) {
    ASSERT_NE(caller, nullptr);
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const Answer answer = caller->run("transaction_post", kPost);
        EXPECT_TRUE(answer.ok() || answer.code == "velocity.exceeded") << answer.text();
        ++(answer.ok() ? passed : refused);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(passed, 30);
  EXPECT_EQ(refused, 10);
}

// What is posted while a commit is under way is committed as a group.
class VelocityGroups : public ::testing::TestWithParam<StoreKind> {};

TEST_P(VelocityGroups, PassALimitAsIfOneByOne) {
  if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const TestStore store(GetParam());
  const std::unique_ptr<LedgerClient> client = store.open();
  ASSERT_NE(client, nullptr);
  make_ledger(*client);
  run_ok(*client, "velocity_control_attach", attach("30"));
  const std::string config = store.config();
  cala_ledger *ledger = nullptr;
  ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
  cala_queue *queue = nullptr;
  ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  const std::string request = kPost;
  std::vector<cala_op *> ops(60, nullptr);
  for (cala_op *&op : ops) {
    ASSERT_EQ(cala_transaction_post(ledger, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK);
    ASSERT_EQ(cala_op_start(op, queue, nullptr, nullptr), CALA_OK);
  }
  for (std::size_t told = 0; told < ops.size();) {
    ASSERT_EQ(cala_queue_wait(queue, 60'000), CALA_OK);
    told += static_cast<std::size_t>(cala_queue_drain(queue, 0));
  }
  int passed = 0;
  for (cala_op *op : ops) {
    const cala_status status = cala_op_status(op);
    passed += status == CALA_OK ? 1 : 0;
    if (status != CALA_OK) {
      EXPECT_STREQ(cala_error_code(cala_op_error(op)), "velocity.exceeded");
    }
    cala_op_free(op);
  }
  EXPECT_EQ(passed, 30);
  cala_queue_free(queue);
  cala_ledger_free(ledger);
  const Answer left = client->run("velocity_headroom", std::string(R"({"account_id": ")") + kAlice + "\"}");
  EXPECT_NE(left.result.find(R"("current":"30","left":"0")"), std::string::npos) << left.text();
}

INSTANTIATE_TEST_SUITE_P(Stores, VelocityGroups, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
