#include <gmock/gmock.h>

#include <algorithm>

#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using store::StatementId;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class ListContract : public StoreContract {
 protected:
  // Pages of every size, both ways, give the same rows.
  void expect_list(StatementId id, const std::string &filters, std::string_view key,
                   std::vector<std::string> expected) {
    for (const std::int64_t size : {1, 2, 3, 100}) {
      EXPECT_THAT(pages(id, filters, size, false, key), ElementsAreArray(expected)) << filters << " by " << size;
    }
    std::reverse(expected.begin(), expected.end());
    for (const std::int64_t size : {1, 2, 100}) {
      EXPECT_THAT(pages(id, filters, size, true, key), ElementsAreArray(expected)) << filters << " by " << size;
    }
  }
};
CALA_FOR_EVERY_STORE(ListContract);

TEST_P(ListContract, AccountsComeByCodeBytewise) {
  for (const char *code : {"b", "B", "a", "A_1", "A%1", "A\\1", "AB", "A", "ä"}) add_account(code);
  expect_list(StatementId::kAccountList, "", "code", {"A", "A%1", "AB", "A\\1", "A_1", "B", "a", "b", "ä"});
}

TEST_P(ListContract, ACodePrefixMeansItself) {
  for (const char *code : {"A", "A%", "A%1", "A1", "A\\", "A\\1", "A_", "A_1", "B"}) add_account(code);
  expect_list(StatementId::kAccountList, R"("code_prefix":"A%")", "code", {"A%", "A%1"});
  expect_list(StatementId::kAccountList, R"("code_prefix":"A_")", "code", {"A_", "A_1"});
  expect_list(StatementId::kAccountList, R"("code_prefix":"A\\")", "code", {"A\\", "A\\1"});
  expect_list(StatementId::kAccountList, R"("code_prefix":"C")", "code", {});
  EXPECT_THAT(column(StatementId::kAccountList, R"({"first":10,"code_prefix":""})", "code").size(), 9U);
}

TEST_P(ListContract, AccountsAreFilteredByStatusAndSetsAreLeftOut) {
  core::Account locked = account("LOCKED"), set = account("SET");
  locked.status = core::LockStatus::kLocked;
  set.is_set = true;
  ASSERT_TRUE(write<core::Account>(StatementId::kAccountWrite, {locked, set, account("OPEN")}).ok());
  expect_list(StatementId::kAccountList, R"("status":"locked")", "code", {"LOCKED"});
  expect_list(StatementId::kAccountList, R"("status":"active")", "code", {"OPEN"});
  expect_list(StatementId::kAccountList, R"("status":null,"code_prefix":null)", "code", {"LOCKED", "OPEN"});
}

TEST_P(ListContract, JournalsComeInOrderOfBirth) {
  std::vector<std::string> names;
  std::vector<core::Journal> journals;
  for (const std::int64_t offset : {5, 0, 9, 9, -3'000'000}) {
    core::Journal j = journal("J" + std::to_string(journals.size()));
    j.created_at = base::Timestamp::from_micros(kNow + offset);
    if (offset == 0) j.status = core::LockStatus::kLocked;
    journals.push_back(j);
  }
  ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, journals).ok());
  std::sort(journals.begin(), journals.end(),
            [](const auto &a, const auto &b) { return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id); });
  for (const core::Journal &j : journals) names.push_back(j.name);
  expect_list(StatementId::kJournalList, "", "name", names);
  expect_list(StatementId::kJournalList, R"("status":"locked")", "name", {"J1"});
}

TEST_P(ListContract, TxTemplatesComeByCode) {
  for (const char *code : {"T2", "T1", "T3"}) add_tx_template(code);
  expect_list(StatementId::kTxTemplateList, "", "code", {"T1", "T2", "T3"});
}

// Five transactions in two journals by two templates; the clock runs backwards, the order is that of posting.
class PostedListContract : public ListContract {
 protected:
  void SetUp() override {
    ListContract::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char *code : {"A", "B", "C"}) accounts_.push_back(add_account(code));
    const core::Journal first = main_journal(), second = add_journal("Second");
    const core::TxTemplate t1 = main_tx_template(), t2 = add_tx_template("OTHER");
    add(first, t1, 0, 1, 20000);
    add(second, t1, 0, 1, 20001);
    add(first, t2, 1, 2, 20002);
    add(first, t1, 0, 2, 19000);
    add(second, t2, 1, 2, 20002);
    second_ = second;
    other_ = t2;
  }

  void add(const core::Journal &in, const core::TxTemplate &by, std::size_t from, std::size_t to,
           std::int32_t effective) {
    core::PostedTransaction made = sketch(
        in, by,
        {{accounts_[from].id, core::Direction::kDebit, "1.00"}, {accounts_[to].id, core::Direction::kCredit, "1.00"}});
    made.transaction.effective = base::Date{effective};
    if (posted_.size() == 1 || posted_.size() == 3) made.transaction.correlation_id = "together";
    if (posted_.size() == 2) made.transaction.correlation_id = posted_[0].transaction.id.text();
    std::vector<core::PostedTransaction> one = {made};
    const base::Outcome done = post(*session(), one, kNow - static_cast<std::int64_t>(posted_.size()));
    ASSERT_TRUE(done.ok()) << done.error().message;
    posted_.push_back(one[0]);
  }

  std::vector<std::string> transactions(const std::vector<std::size_t> &which) const {
    std::vector<std::string> out;
    for (const std::size_t i : which) out.push_back(posted_[i].transaction.id.text());
    return out;
  }
  // Pairs of transaction and place in it, from 0.
  std::vector<std::string> entries(const std::vector<std::pair<std::size_t, std::size_t>> &which) const {
    std::vector<std::string> out;
    for (const auto &[t, e] : which) out.push_back(posted_[t].entries[e].id.text());
    return out;
  }
  static std::string field(const char *name, const std::string &value) {
    return "\"" + std::string(name) + "\":\"" + value + "\"";
  }

  std::vector<core::Account> accounts_;
  std::vector<core::PostedTransaction> posted_;
  core::Journal second_;
  core::TxTemplate other_;
};
CALA_FOR_EVERY_STORE(PostedListContract);

TEST_P(PostedListContract, TransactionsComeInOrderOfPosting) {
  expect_list(StatementId::kTransactionList, "", "id", transactions({0, 1, 2, 3, 4}));
}

TEST_P(PostedListContract, TransactionsAreFilteredByEverythingAskedFor) {
  const auto list = [&](const std::string &filters, const std::vector<std::size_t> &expected) {
    expect_list(StatementId::kTransactionList, filters, "id", transactions(expected));
  };
  list(field("journal_id", second_.id.text()), {1, 4});
  list(field("tx_template_id", other_.id.text()), {2, 4});
  list(field("journal_id", second_.id.text()) + "," + field("tx_template_id", other_.id.text()), {4});
  list(R"("effective_from":20001)", {1, 2, 4});
  list(R"("effective_to":20000)", {0, 3});
  list(R"("effective_from":20000,"effective_to":20001,"journal_id":null)", {0, 1});
  list(field("journal_id", base::new_uuid().text()), {});
}

TEST_P(PostedListContract, TransactionsAreListedByAccount) {
  const auto list = [&](const std::string &filters, const std::vector<std::size_t> &expected) {
    expect_list(StatementId::kTransactionList, filters, "id", transactions(expected));
  };
  list(field("account_id", accounts_[0].id.text()), {0, 1, 3});
  list(field("account_id", accounts_[2].id.text()), {2, 3, 4});
  list(field("account_id", accounts_[1].id.text()) + "," + field("journal_id", second_.id.text()), {1, 4});
  list(field("account_id", accounts_[1].id.text()) + R"(,"effective_from":20002)", {2, 4});
}

TEST_P(PostedListContract, TransactionsAreListedByCorrelation) {
  expect_list(StatementId::kTransactionList, R"("correlation_id":"together")", "id", transactions({1, 3}));
  const std::string own = posted_[0].transaction.id.text();
  expect_list(StatementId::kTransactionList, field("correlation_id", own), "id", transactions({0, 2}));
  expect_list(StatementId::kTransactionList, R"("correlation_id":"none")", "id", {});
}

TEST_P(PostedListContract, EntriesComeInOrderOfPosting) {
  expect_list(StatementId::kEntryList, field("account_id", accounts_[1].id.text()), "id",
              entries({{0, 1}, {1, 1}, {2, 0}, {4, 0}}));
  expect_list(StatementId::kEntryList, field("journal_id", second_.id.text()), "id",
              entries({{1, 0}, {1, 1}, {4, 0}, {4, 1}}));
  expect_list(StatementId::kEntryList, field("transaction_id", posted_[3].transaction.id.text()), "id",
              entries({{3, 0}, {3, 1}}));
}

TEST_P(PostedListContract, EntriesAreFilteredByDates) {
  const std::string of_b = field("account_id", accounts_[1].id.text());
  expect_list(StatementId::kEntryList, of_b + R"(,"effective_from":20001)", "id", entries({{1, 1}, {2, 0}, {4, 0}}));
  expect_list(StatementId::kEntryList, of_b + R"(,"effective_to":20001)", "id", entries({{0, 1}, {1, 1}}));
  expect_list(StatementId::kEntryList, of_b + R"(,"created_from":)" + std::to_string(kNow - 1), "id",
              entries({{0, 1}, {1, 1}}));
  expect_list(StatementId::kEntryList, of_b + R"(,"created_to":)" + std::to_string(kNow - 2), "id",
              entries({{2, 0}, {4, 0}}));
}

TEST_P(PostedListContract, BalancesComeByAccount) {
  std::vector<std::pair<std::string, std::string>> held;
  for (const core::Account &a : accounts_) {
    for (const base::Uuid &j : {main_journal().id, second_.id}) held.emplace_back(a.id.text(), j.text());
  }
  // Every account moved in both journals.
  std::sort(held.begin(), held.end());
  std::vector<std::string> ids;
  for (const auto &[a, j] : held) ids.push_back(a);
  expect_list(StatementId::kBalanceList, "", "account_id", ids);
  std::vector<std::string> in_second;
  for (const auto &[a, j] : held) {
    if (j == second_.id.text()) in_second.push_back(a);
  }
  expect_list(StatementId::kBalanceList, field("journal_id", second_.id.text()), "account_id", in_second);
  const std::string one = accounts_[2].id.text();
  expect_list(StatementId::kBalanceList, R"("account_ids":[")" + one + "\"]", "account_id", {one, one});
  expect_list(StatementId::kBalanceList, R"("account_ids":[])", "account_id", {});
}

TEST_P(PostedListContract, ACursorThatNoListGaveIsRefused) {
  for (const StatementId id : {StatementId::kJournalList, StatementId::kTransactionList, StatementId::kEntryList,
                               StatementId::kBalanceList, StatementId::kBalanceHistory}) {
    const base::Result<std::string> answer =
        call(id, R"({"first":10,"after":"no'where",)" + balance_key(accounts_[0].id) + "}");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().status, base::Status::kInvalid);
    EXPECT_EQ(answer.error().tx_state, base::TxState::kUsable);
  }
}

}  // namespace
}  // namespace cala::tests
