// What is done once, by two at the same moment: of two that ensure the same one creates it, the other waits for it and
// finds it, and its transaction can go on.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kCash = R"({"code": "CASH", "name": "Cash"})";

std::string created_of(const Answer &answer) {
  const std::optional<JsonDocument> document = JsonDocument::parse(answer.result);
  const cJSON *created = document ? json_member(document->root(), "created") : nullptr;
  return created == nullptr ? answer.text() : cJSON_IsTrue(created) != 0 ? "created" : "found";
}

class EnsureRace : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    first_ = store_->open();
    second_ = store_->open();
    ASSERT_NE(first_, nullptr);
    ASSERT_NE(second_, nullptr);
  }

  // What the second is told that asks while the first's transaction is open, which then ends.
  std::string told_to_the_second(bool in_a_transaction, bool first_commits) {
    EXPECT_TRUE(first_->begin().ok());
    EXPECT_EQ(created_of(first_->run("account_ensure", kCash)), "created");
    std::future<Answer> answer = std::async(std::launch::async, [&] {
      if (in_a_transaction) {
        EXPECT_TRUE(second_->begin().ok());
      }
      Answer ensured = second_->run("account_ensure", kCash);
      if (in_a_transaction) {
        EXPECT_TRUE(second_->run("account_ensure", R"({"code": "BANK", "name": "Bank"})").ok());
        EXPECT_TRUE(second_->commit().ok());
      }
      return ensured;
    });
    EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    EXPECT_TRUE((first_commits ? first_->commit() : first_->rollback()).ok());
    return created_of(answer.get());
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> first_;
  std::unique_ptr<LedgerClient> second_;
};

TEST_P(EnsureRace, TheSecondFindsWhatTheFirstCreated) { EXPECT_EQ(told_to_the_second(false, true), "found"); }

TEST_P(EnsureRace, TheSecondCreatesWhatTheFirstTookBack) { EXPECT_EQ(told_to_the_second(false, false), "created"); }

TEST_P(EnsureRace, TheTransactionOfTheSecondGoesOn) {
  EXPECT_EQ(told_to_the_second(true, true), "found");
  EXPECT_EQ(created_of(first_->run("account_ensure", R"({"code": "BANK", "name": "Bank"})")), "found");
}

TEST_P(EnsureRace, OfManyOneCreatesEachNoun) {
  const std::string journal = R"({"id": "10000000-0000-0000-0000-000000000001", "code": "MAIN", "name": "Main"})";
  const std::string in_journal = R"("journal_id": "10000000-0000-0000-0000-000000000001", "name": "Set"})";
  const std::string tx_template = R"json({"code": "T", "transaction": {"effective": "date()",
    "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"}, "entries": []})json";
  const std::string limit = R"json({"id": "40000000-0000-0000-0000-000000000001", "name": "L", "limit": {"balance": [
    {"layer": "SETTLED", "amount": "decimal('1')", "enforcement_direction": "DEBIT"}]}})json";
  for (const auto &[operation, request] :
       {std::pair<const char *, std::string>{"account_ensure", kCash},
        {"journal_ensure", journal},
        {"account_set_ensure", R"({"external_id": "set", )" + in_journal},
        {"account_set_ensure", R"({"id": "f0000000-0000-0000-0000-000000000001", )" + in_journal},
        {"tx_template_ensure", tx_template},
        {"velocity_limit_ensure", limit},
        {"velocity_control_ensure", R"({"id": "50000000-0000-0000-0000-000000000001", "name": "C"})"}}) {
    std::vector<std::future<std::string>> answers;
    answers.reserve(4);
    for (int i = 0; i < 4; ++i) {
      answers.push_back(std::async(std::launch::async, [this, name = operation, asked = request] {
        const std::unique_ptr<LedgerClient> mine = store_->open();
        return mine == nullptr ? std::string("not open") : created_of(mine->run(name, asked));
      }));
    }
    int created = 0;
    for (std::future<std::string> &answer : answers) {
      const std::string told = answer.get();
      EXPECT_TRUE(told == "created" || told == "found") << told;
      if (told == "created") ++created;
    }
    EXPECT_EQ(created, 1) << operation;
  }
}

TEST_P(EnsureRace, OfManyOneAddsALimitToAControlAndOneAttachesIt) {
  for (const auto &[operation, request] :
       {std::pair<const char *, std::string>{"velocity_limit_create",
                                             R"json({"id": "40000000-0000-0000-0000-000000000001", "name": "L", "limit":
          {"balance": [{"layer": "SETTLED", "amount": "decimal('1')", "enforcement_direction": "DEBIT"}]}})json"},
        {"velocity_control_create", R"({"id": "50000000-0000-0000-0000-000000000001", "name": "C"})"},
        {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"}}) {
    const Answer answer = first_->run(operation, request);
    ASSERT_TRUE(answer.ok()) << answer.text();
  }
  for (const auto &[operation, request] :
       {std::pair<const char *, std::string>{"velocity_control_ensure_limit",
                                             R"({"control_id": "50000000-0000-0000-0000-000000000001",
          "limit_id": "40000000-0000-0000-0000-000000000001"})"},
        {"velocity_control_ensure_attached", R"({"control_id": "50000000-0000-0000-0000-000000000001",
          "account_ids": ["a0000000-0000-0000-0000-000000000001"]})"}}) {
    std::vector<std::future<Answer>> answers;
    answers.reserve(4);
    for (int i = 0; i < 4; ++i) {
      answers.push_back(std::async(std::launch::async, [this, name = operation, asked = request] {
        const std::unique_ptr<LedgerClient> mine = store_->open();
        return mine == nullptr ? Answer() : mine->run(name, asked);
      }));
    }
    int created = 0;
    for (std::future<Answer> &each : answers) {
      const Answer answer = each.get();
      const bool made = answer.result == R"({"created":1,"found":0})";
      EXPECT_TRUE(made || answer.result == R"({"created":0,"found":1})") << operation << ": " << answer.text();
      if (made) ++created;
    }
    EXPECT_EQ(created, 1) << operation;
  }
}

// One who only creates takes no notice of those who ensure; they find what it made.
TEST_P(EnsureRace, FindsWhatAPlainCreateMadeMeanwhile) {
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("account_create", kCash).ok());
  std::future<Answer> answer = std::async(std::launch::async, [&] { return second_->run("account_ensure", kCash); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  ASSERT_TRUE(first_->commit().ok());
  EXPECT_EQ(created_of(answer.get()), "found");
}

TEST_P(EnsureRace, TwoFindASetByOneKeyEach) {
  const std::string set = R"("journal_id": "10000000-0000-0000-0000-000000000001", "name": "Set"})";
  const std::string id = R"({"id": "f0000000-0000-0000-0000-000000000001", )";
  const std::string external_id = R"({"external_id": "set", )";
  const Answer journal =
      first_->run("journal_create", R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})");
  ASSERT_TRUE(journal.ok()) << journal.text();
  ASSERT_TRUE(first_->begin().ok());
  const Answer made = first_->run("account_set_create", id + R"("external_id": "set", )" + set);
  ASSERT_TRUE(made.ok()) << made.text();
  const std::unique_ptr<LedgerClient> third = store_->open();
  std::future<Answer> by_id =
      std::async(std::launch::async, [&] { return second_->run("account_set_ensure", id + set); });
  std::future<Answer> by_external_id =
      std::async(std::launch::async, [&] { return third->run("account_set_ensure", external_id + set); });
  EXPECT_EQ(by_id.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  EXPECT_EQ(by_external_id.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  ASSERT_TRUE(first_->commit().ok());
  EXPECT_EQ(created_of(by_id.get()), "found");
  EXPECT_EQ(created_of(by_external_id.get()), "found");
}

TEST_P(EnsureRace, OfManyOneAddsEachMember) {
  const std::string set = "f0000000-0000-0000-0000-00000000000";
  for (const auto &[operation, request] :
       {std::pair<const char *, std::string>{"journal_create",
                                             R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})"},
        {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"},
        {"account_set_create",
         R"({"journal_id": "10000000-0000-0000-0000-000000000001", "name": "S", "id": ")" + set + "1\"}"},
        {"account_set_create",
         R"({"journal_id": "10000000-0000-0000-0000-000000000001", "name": "S", "id": ")" + set + "2\"}"}}) {
    const Answer answer = first_->run(operation, request);
    ASSERT_TRUE(answer.ok()) << answer.text();
  }
  const std::string request = R"({"members": [{"account_set_id": ")" + set + R"(1", "member_account_set_id": ")" + set +
                              R"(2"}, {"account_set_id": ")" + set +
                              R"(2", "account_id": "a0000000-0000-0000-0000-000000000001"}]})";
  std::vector<std::future<Answer>> answers;
  answers.reserve(4);
  for (int i = 0; i < 4; ++i) {
    answers.push_back(std::async(std::launch::async, [&] {
      const std::unique_ptr<LedgerClient> mine = store_->open();
      return mine == nullptr ? Answer() : mine->run("account_set_ensure_members", request);
    }));
  }
  int created = 0;
  for (std::future<Answer> &each : answers) {
    const Answer answer = each.get();
    const bool made = answer.result == R"({"created":2,"found":0})";
    EXPECT_TRUE(made || answer.result == R"({"created":0,"found":2})") << answer.text();
    if (made) ++created;
  }
  EXPECT_EQ(created, 1);
}

class VoidRace : public EnsureRace {
 protected:
  void SetUp() override {
    EnsureRace::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const auto &[operation, request] :
         {std::pair<const char *, const char *>{"journal_create",
                                                R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})"},
          {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"},
          {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000002", "code": "B", "name": "B"})"},
          {"tx_template_create", R"json({"code": "T", "transaction": {"effective": "date()",
            "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"}, "entries": [
            {"entry_type": "'D'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
              "direction": "DEBIT", "units": "decimal('5')", "currency": "'USD'"},
            {"entry_type": "'C'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
              "direction": "CREDIT", "units": "decimal('5')", "currency": "'USD'"}]})json"},
          {"transaction_post", R"({"id": "30000000-0000-0000-0000-000000000001", "tx_template_code": "T"})"}}) {
      ASSERT_TRUE(first_->run(operation, request).ok()) << operation;
    }
  }

  // What the second is told that voids the transaction while the first's void is not committed.
  Answer told_to_the_second_void(bool first_commits) {
    const char *request = R"({"id": "30000000-0000-0000-0000-000000000001"})";
    EXPECT_TRUE(first_->begin().ok());
    EXPECT_TRUE(first_->run("transaction_void", request).ok());
    std::future<Answer> answer =
        std::async(std::launch::async, [&] { return second_->run("transaction_void", request); });
    EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    EXPECT_TRUE((first_commits ? first_->commit() : first_->rollback()).ok());
    return answer.get();
  }
};

TEST_P(VoidRace, TheSecondIsToldThatItWasVoided) {
  EXPECT_EQ(told_to_the_second_void(true).code, "transaction.already_voided");
}

TEST_P(VoidRace, TheSecondVoidsWhatTheFirstTookBack) {
  const Answer answer = told_to_the_second_void(false);
  EXPECT_TRUE(answer.ok()) << answer.text();
}

INSTANTIATE_TEST_SUITE_P(Stores, VoidRace, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });
INSTANTIATE_TEST_SUITE_P(Stores, EnsureRace, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
