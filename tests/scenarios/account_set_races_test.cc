// Members that are attached while others post, attach or create: real transactions on PostgreSQL, each on a ledger of
// its own.
#include <cala.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

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
constexpr const char *kOther = "f0000000-0000-0000-0000-000000000003";
constexpr const char *kAbroad = "f0000000-0000-0000-0000-000000000004";  // of another journal
constexpr const char *kElsewhere = "10000000-0000-0000-0000-000000000002";
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
    run("tx_template_create", R"x({"code": "NEW", "transaction": {"effective": "date()", "journal_id": "uuid(')x" +
                                  std::string(kJournal) + R"x(')"}, "entries": [)x" + entry(kNew, "DEBIT") + ", " +
                                  entry(kBob, "CREDIT") + "]}");
    for (const char *set : {kTop, kPeople, kOther}) run("account_set_create", set_of(kJournal, set));
    run("journal_create", R"({"name": "Elsewhere", "id": )" + text(kElsewhere) + "}");
    run("account_set_create", set_of(kElsewhere, kAbroad));
  }

  static std::string set_of(const char *journal, const char *set) {
    return R"({"name": "Set", "journal_id": )" + text(journal) + R"(, "id": )" + text(set) + "}";
  }
  static std::string born(const std::string &id, const char *set) {
    return R"({"name": "N", "code": )" + text(id.c_str()) + R"(, "id": )" + text(id.c_str()) +
           R"(, "account_set_id": )" + text(set) + "}";
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
  // That the account born meanwhile is below People and Top, by one path each.
  void expect_new_below_both() {
    run("transaction_post", R"({"tx_template_code": "NEW"})");
    EXPECT_EQ(debit_of(kPeople), "5");
    EXPECT_EQ(debit_of(kTop), "5");
    EXPECT_EQ(one_->run("account_set_add_members", account_in(kOther, kNew)).code, "membership.has_history");
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
  std::future<Answer> creation = meanwhile("account_create", born(kNew, kPeople));
  ASSERT_TRUE(one_->commit().ok());
  const Answer answer = creation.get();
  EXPECT_TRUE(answer.ok()) << answer.text();
  EXPECT_EQ(one_->run("account_set_add_members", account_in(kTop, kNew)).code, "membership.duplicate_path");
  expect_new_below_both();
}

TEST_F(AccountSetRaces, ASetThatIsAttachedWhileAnAccountIsBornIntoItTakesItAlong) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_create", born(kNew, kPeople));
  std::future<Answer> attached = meanwhile("account_set_add_members", set_in(kTop, kPeople));
  ASSERT_TRUE(one_->commit().ok());
  const Answer answer = attached.get();
  EXPECT_TRUE(answer.ok()) << answer.text();
  expect_new_below_both();
}

TEST_F(AccountSetRaces, AnAccountThatIsBeingBornIntoASetIsNotAddedToItOnceMore) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_create", born(kNew, kPeople));
  std::future<Answer> attached = meanwhile("account_set_add_members", account_in(kPeople, kNew));
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_EQ(attached.get().code, "membership.duplicate_path");
}

TEST_F(AccountSetRaces, AnAccountThatIsBeingBornIntoASetIsAddedToAnother) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_create", born(kNew, kPeople));
  std::future<Answer> attached = meanwhile("account_set_add_members", account_in(kTop, kNew));
  ASSERT_TRUE(one_->commit().ok());
  const Answer answer = attached.get();
  EXPECT_TRUE(answer.ok()) << answer.text();
}

TEST_F(AccountSetRaces, APostingThatWaitsForItsAccountsAttachmentMovesTheSet) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", account_in(kPeople, kAlice));
  std::future<Answer> posted = meanwhile("transaction_post", kPosting);
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_TRUE(posted.get().ok());
  EXPECT_EQ(debit_of(kPeople), "5");
}

// Whoever adds members has the journal alone, because any two additions may close a second path together.
TEST_F(AccountSetRaces, AdditionsOfOneJournalComeOneAfterTheOther) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", account_in(kPeople, kAlice));
  std::future<Answer> same = meanwhile("account_set_add_members", account_in(kTop, kAlice));
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_TRUE(same.get().ok());
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", set_in(kTop, kOther));
  std::future<Answer> joined = meanwhile("account_set_add_members", set_in(kOther, kPeople));
  ASSERT_TRUE(one_->commit().ok());
  EXPECT_EQ(joined.get().code, "membership.duplicate_path");
}

TEST_F(AccountSetRaces, AnotherJournalsSetsAreJoinedMeanwhile) {
  ASSERT_TRUE(one_->begin().ok());
  run("account_set_add_members", account_in(kPeople, kAlice));
  const Answer answer = other_->run("account_set_add_members", account_in(kAbroad, kAlice));
  EXPECT_TRUE(answer.ok()) << answer.text();
  ASSERT_TRUE(one_->commit().ok());
}

TEST_F(AccountSetRaces, AccountsThatAreAddedSideBySideInAnyOrderAreBelowAllThatIsAbove) {
  constexpr int kThreads = 4, kEach = 4;
  run("account_set_add_members", set_in(kTop, kPeople));
  std::vector<std::vector<std::string>> ids(kThreads);
  for (int i = 0; i < kThreads * kEach; ++i) {
    const std::string id = "a1000000-0000-0000-0000-0000000000" + std::to_string(10 + i);
    run("account_create", R"({"name": "N", "code": )" + text(id.c_str()) + R"(, "id": )" + text(id.c_str()) + "}");
    ids[static_cast<std::size_t>(i % kThreads)].push_back(id);
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([this, i, &mine = ids[i]] {
      const std::unique_ptr<LedgerClient> ledger = store_->open();
      ASSERT_NE(ledger, nullptr);
      for (const std::string &id : mine) {
        const auto one = [&id](const char *set) {
          return R"({"account_set_id": )" + text(set) + R"(, "account_id": )" + text(id.c_str()) + "}";
        };
        const std::string both = i % 2 == 0 ? one(kPeople) + ", " + one(kAbroad) : one(kAbroad) + ", " + one(kPeople);
        const Answer answer = ledger->run("account_set_add_members", R"({"members": [)" + both + "]}");
        EXPECT_TRUE(answer.ok()) << answer.text();
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (const std::vector<std::string> &some : ids) {
    for (const std::string &id : some) {
      EXPECT_EQ(one_->run("account_set_add_members", account_in(kTop, id.c_str())).code, "membership.duplicate_path");
      const Answer parents = one_->run("account_set_list_parents", R"({"account_id": )" + text(id.c_str()) + "}");
      EXPECT_NE(parents.result.find(kPeople), std::string::npos) << parents.text();
      EXPECT_NE(parents.result.find(kAbroad), std::string::npos) << parents.text();
    }
  }
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
