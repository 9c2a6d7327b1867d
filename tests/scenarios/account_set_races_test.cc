// Members that are attached while others post, attach or create: real transactions on PostgreSQL, each on a ledger of its own.
#include <cala.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = "10000000-0000-0000-0000-000000000001";
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kBob = "a0000000-0000-0000-0000-000000000002";
constexpr const char *kNew = "a0000000-0000-0000-0000-000000000003";
constexpr const char *kTop = "f0000000-0000-0000-0000-000000000001";
constexpr const char *kPeople = "f0000000-0000-0000-0000-000000000002";
constexpr const char *kPosting = R"({"tx_template_code": "T"})";
constexpr auto kAWhile = std::chrono::milliseconds(300);

std::string text(const char *value) { return "\"" + std::string(value) + "\""; }
std::string set_in(const char *set, const char *member) {
  return R"({"members": [{"account_set_id": )" + text(set) + R"(, "member_account_set_id": )" + text(member) + "}]}";
}
std::string account_in(const char *set, const char *account) {
  return R"({"members": [{"account_set_id": )" + text(set) + R"(, "account_id": )" + text(account) + "}]}";
}

class AccountSetRaces : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    store_.emplace(StoreKind::kPostgres);
    one_ = store_->open();
    other_ = store_->open();
    ASSERT_NE(one_, nullptr);
    ASSERT_NE(other_, nullptr);
    run("journal_create", R"({"name": "Main", "id": )" + text(kJournal) + "}");
    run("account_create_many", R"({"accounts": [{"code": "A", "name": "A", "id": )" + text(kAlice) +
                                   R"(}, {"code": "B", "name": "B", "id": )" + text(kBob) + "}]}");
    run("tx_template_create", R"x({"code": "T", "transaction": {"effective": "date()", "journal_id": "uuid(')x" +
                                  std::string(kJournal) + R"x(')"}, "entries": [)x" + entry(kAlice, "DEBIT") + ", " +
                                  entry(kBob, "CREDIT") + "]}");
    for (const char *set : {kTop, kPeople}) {
      run("account_set_create", R"({"name": "Set", "journal_id": )" + text(kJournal) + R"(, "id": )" + text(set) + "}");
    }
  }

  static std::string entry(const char *account, const char *direction) {
    return R"x({"entry_type": "'E'", "account_id": "uuid(')x" + std::string(account) +
           R"x(')", "layer": "SETTLED", "direction": ")x" + direction +
           R"x(", "units": "decimal('5')", "currency": "'USD'"})x";
  }
  void run(const char *operation, const std::string &request) {
    const Answer answer = one_->run(operation, request);
    ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
  }
  // The other ledger does it meanwhile, and has to wait for us.
  std::future<Answer> meanwhile(const char *operation, const std::string &request) {
    std::future<Answer> answer =
        std::async(std::launch::async, [this, operation, request] { return other_->run(operation, request); });
    EXPECT_EQ(answer.wait_for(kAWhile), std::future_status::timeout) << operation << " does not wait";
    return answer;
  }
  std::string debit_of(const char *account) {
    const Answer answer = one_->run("balance_find", R"({"currency": "USD", "journal_id": )" + text(kJournal) +
                                                        R"(, "account_id": )" + text(account) + "}");
    if (!answer.ok()) return answer.code;
    return json_text(json_member(JsonDocument::parse(answer.result)->root(), "settled"), "debit");
  }

  std::optional<TestStore> store_;
  std::unique_ptr<LedgerClient> one_;
  std::unique_ptr<LedgerClient> other_;
};

TEST_F(AccountSetRaces, AnAccountIsNotAttachedUnderItsFirstPosting) {
  ASSERT_TRUE(one_->begin().ok());
  run("transaction_post", kPosting);
  std::future<Answer> attached = meanwhile("account_set_add_members", account_in(kPeople, kAlice));
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_EQ(attached.get().code, "membership.has_history");
  EXPECT_EQ(debit_of(kPeople), "balance.not_found");
}

TEST_F(AccountSetRaces, ASetIsNotAttachedUnderTheFirstPostingBelowIt) {
  run("account_set_add_members", account_in(kPeople, kAlice));
  ASSERT_TRUE(one_->begin().ok());
  run("transaction_post", kPosting);
  std::future<Answer> attached = meanwhile("account_set_add_members", set_in(kTop, kPeople));
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_EQ(attached.get().code, "membership.has_history");
  EXPECT_EQ(debit_of(kPeople), "5");
  EXPECT_EQ(debit_of(kTop), "balance.not_found");
}

TEST_F(AccountSetRaces, APostingThatWaitsForAnAttachmentMovesTheNewSetsToo) {
  run("account_set_add_members", account_in(kPeople, kAlice));
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", set_in(kTop, kPeople));
  std::future<Answer> posted = meanwhile("transaction_post", kPosting);
  ASSERT_TRUE(one_->commit().ok());
  const Answer answer = posted.get();
  EXPECT_TRUE(answer.ok()) << answer.text();
  EXPECT_EQ(debit_of(kPeople), "5");
  EXPECT_EQ(debit_of(kTop), "5");
}

TEST_F(AccountSetRaces, AnAttachmentThatWasRolledBackMovesNothing) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", account_in(kPeople, kAlice));
  std::future<Answer> posted = meanwhile("transaction_post", kPosting);
  ASSERT_TRUE(one_->rollback().ok());
  EXPECT_TRUE(posted.get().ok());
  EXPECT_EQ(debit_of(kAlice), "5");
  EXPECT_EQ(debit_of(kPeople), "balance.not_found");
}

TEST_F(AccountSetRaces, TwoAttachmentsOfOneAccountMakeOnePath) {
  run("account_set_add_members", account_in(kPeople, kBob));
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", set_in(kTop, kPeople));
  std::future<Answer> attached = meanwhile("account_set_add_members", account_in(kTop, kBob));
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_EQ(attached.get().code, "membership.duplicate_path");
}

TEST_F(AccountSetRaces, AnAccountBornIntoASetThatIsJustAttachedIsInBoth) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", set_in(kTop, kPeople));
  std::future<Answer> born = meanwhile("account_create", R"({"code": "N", "name": "N", "account_set_id": )" +
                                                             text(kPeople) + R"(, "id": )" + text(kNew) + "}");
  ASSERT_TRUE(one_->commit().ok());
  const Answer answer = born.get();
  EXPECT_TRUE(answer.ok()) << answer.text();
  EXPECT_EQ(one_->run("account_set_add_members", account_in(kTop, kNew)).code, "membership.duplicate_path");
}

// Nobody waits who has nothing to do with each other.
TEST_F(AccountSetRaces, AccountsAreBornIntoASetSideBySideAndBesidePostings) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_create", R"({"code": "N", "name": "N", "account_set_id": )" + text(kPeople) + "}");
  EXPECT_TRUE(other_->run("transaction_post", kPosting).ok());
  EXPECT_TRUE(
      other_->run("account_create", R"({"code": "M", "name": "M", "account_set_id": )" + text(kPeople) + "}").ok());
  ASSERT_TRUE(one_->commit().ok());
}

}  // namespace
}  // namespace cala::tests
