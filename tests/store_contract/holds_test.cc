// Holds, as a store keeps them: written with the posting that makes, captures or releases one,
// refused when another was faster.
#include <gmock/gmock.h>

#include "store/rows.h"
#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Result;
using store::Access;
using store::StatementId;
using testing::ElementsAre;

constexpr std::int64_t kSecond = 1000000;

class HoldContract : public StoreContract {
 protected:
  // A hold of 10.00 from one account to the other; expires after so many seconds, never for 0.
  core::Hold add_hold(const base::Uuid &from, const base::Uuid &to, std::int64_t seconds = 0) {
    core::PostedTransaction posting = transfer(from, to, "10.00");
    posting.transaction.hold_id = posting.transaction.id;
    core::AskedHold asked;
    if (seconds != 0) asked.expires_at = base::Timestamp::from_micros(kNow + seconds * kSecond);
    core::Hold hold = core::hold_of(posting, asked);
    hold.created_at = hold.modified_at = base::Timestamp::from_micros(kNow);
    EXPECT_TRUE(posted(posting, hold));
    return hold;
  }

  // What is done to it, with a posting beside it.
  base::Outcome step(core::Hold hold, const base::Uuid &from, const base::Uuid &to) {
    core::PostedTransaction posting = transfer(from, to, "-1");
    posting.transaction.hold_id = hold.id;
    if (hold.status != core::HoldStatus::kOpen) hold.closed_by = posting.transaction.id;
    return posted(posting, hold);
  }

  base::Outcome posted(const core::PostedTransaction &posting, const core::Hold &hold) {
    const std::unique_ptr<store::Session> on = session();
    if (base::Outcome begun = on->begin(Access::kWrite); !begun) return begun;
    std::vector<core::PostedTransaction> postings = {posting};
    const store::PostingState state = read_state(*on, read_of(postings));
    store::PostingWrite write = write_of(state, postings);
    std::vector<base::Uuid> accounts = above;
    for (const core::Entry &entry : posting.entries) accounts.push_back(entry.account_id);
    write.holds = {core::write_of(hold, accounts)};
    const Result<store::Answer> answer = on->execute_and_commit(std::move(write));
    if (answer) return {};
    on->rollback();
    return answer.error();
  }

  std::optional<core::Hold> found(const base::Uuid &id, bool lock = false) {
    const base::Json json =
        rows(StatementId::kHoldFind, R"({"keys":[")" + id.text() + R"("],"lock":)" + (lock ? "true}" : "false}"));
    const base::JsonView row = json.root().get("rows").first();
    if (!row.present()) return std::nullopt;
    Result<core::Hold> hold = store::hold_of(row);
    EXPECT_TRUE(hold.ok()) << hold.error().message;
    return hold ? std::optional(hold.take()) : std::nullopt;
  }

  std::vector<std::string> listed(const std::string &filters, bool desc = false, std::int64_t seconds = 0) {
    return pages(StatementId::kHoldList, filters + (filters.empty() ? "" : ",") + now(seconds), 2, desc, "id");
  }
  std::vector<std::string> due(std::int64_t seconds, int first = 10, const std::string &after = "") {
    const std::string behind = after.empty() ? "" : R"(,"after":")" + after + "\"";
    return column(StatementId::kHoldDue, "{" + now(seconds) + ",\"first\":" + std::to_string(first) + behind + "}",
                  "id");
  }
  std::vector<base::Uuid> above;  // sets by which holds are listed, too
  static std::string now(std::int64_t seconds) { return "\"now\":" + std::to_string(kNow + seconds * kSecond); }
};
CALA_FOR_EVERY_STORE(HoldContract);

TEST_P(HoldContract, ComesBackAsItWasWritten) {
  const core::Account a = add_account("A"), b = add_account("B");
  core::Hold hold = add_hold(a.id, b.id, 60);
  std::optional<core::Hold> read = found(hold.id);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->journal_id, hold.journal_id);
  EXPECT_EQ(read->status, core::HoldStatus::kOpen);
  EXPECT_EQ(read->expires_at, hold.expires_at);
  EXPECT_EQ(read->amount->text(), "10.00");
  EXPECT_EQ(read->currency.code(), "USD");
  EXPECT_EQ(read->captured.text(), "0");
  EXPECT_EQ(read->closed_by, std::nullopt);
  EXPECT_EQ(read->version, 1);
  EXPECT_EQ(read->created_at, hold.created_at);
  EXPECT_EQ(read->modified_at, hold.modified_at);
  hold.version = 2;
  hold.status = core::HoldStatus::kCaptured;
  hold.captured = *core::Decimal::parse("7.50");
  hold.modified_at = base::Timestamp::from_micros(kNow + 1);
  ASSERT_TRUE(step(hold, a.id, b.id));
  read = found(hold.id, true);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, core::HoldStatus::kCaptured);
  EXPECT_EQ(read->captured.text(), "7.50");
  EXPECT_NE(read->closed_by, std::nullopt);
  EXPECT_EQ(read->version, 2);
  EXPECT_EQ(read->expires_at, hold.expires_at);
  EXPECT_EQ(read->created_at, hold.created_at);
  EXPECT_EQ(read->modified_at, hold.modified_at);
  EXPECT_FALSE(found(*read->closed_by)) << "a transaction that is no hold";
  const core::Hold other = add_hold(a.id, b.id);
  EXPECT_EQ(found(other.id)->expires_at, std::nullopt);
}

TEST_P(HoldContract, IsNotMovedTwiceFromTheSameVersion) {
  const core::Account a = add_account("A"), b = add_account("B");
  core::Hold hold = add_hold(a.id, b.id);
  hold.version = 2;
  hold.captured = *core::Decimal::parse("6");
  ASSERT_TRUE(step(hold, a.id, b.id));
  const base::Outcome again = step(hold, a.id, b.id);
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().retryable) << again.error().code;
  EXPECT_EQ(found(hold.id)->version, 2);
  EXPECT_EQ(balance(a.id).version, 2) << "the posting beside it was not written either";
}

TEST_P(HoldContract, AreListedInTheOrderOfPostingByWhatTheyAreNow) {
  const core::Account a = add_account("A"), b = add_account("B"), c = add_account("C");
  std::vector<core::Hold> holds = {add_hold(a.id, b.id), add_hold(b.id, c.id, 1), add_hold(a.id, c.id, 2),
                                   add_hold(c.id, a.id)};
  std::vector<std::string> ids;
  ids.reserve(holds.size());
  for (const core::Hold &hold : holds) ids.push_back(hold.id.text());
  EXPECT_THAT(listed(""), ElementsAre(ids[0], ids[1], ids[2], ids[3]));
  EXPECT_THAT(listed("", true), ElementsAre(ids[3], ids[2], ids[1], ids[0]));
  holds[0].version = 2;
  holds[0].status = core::HoldStatus::kReleased;
  ASSERT_TRUE(step(holds[0], a.id, b.id));
  const std::string of_a = R"("account_id":")" + a.id.text() + "\"";
  const std::string open = R"("status":"open")", expired = R"("status":"expired")";
  EXPECT_THAT(listed(open), ElementsAre(ids[1], ids[2], ids[3]));
  EXPECT_THAT(listed(open, true), ElementsAre(ids[3], ids[2], ids[1]));
  EXPECT_THAT(listed(open, false, 1), ElementsAre(ids[2], ids[3]));
  EXPECT_THAT(listed(R"("status":"released")"), ElementsAre(ids[0]));
  EXPECT_THAT(listed(R"("status":"captured")"), ElementsAre());
  EXPECT_THAT(listed(of_a), ElementsAre(ids[0], ids[2], ids[3]));
  EXPECT_THAT(listed(of_a, true), ElementsAre(ids[3], ids[2], ids[0]));
  EXPECT_THAT(listed(of_a + "," + open), ElementsAre(ids[2], ids[3]));
  EXPECT_THAT(listed(of_a + "," + open, true), ElementsAre(ids[3], ids[2]));
  EXPECT_THAT(listed(of_a + "," + open, false, 2), ElementsAre(ids[3]));
  EXPECT_THAT(listed(of_a + R"(,"status":"released")"), ElementsAre(ids[0]));
  EXPECT_THAT(listed(of_a + "," + expired, false, 2), ElementsAre(ids[2]));
  holds[1].version = 2;
  holds[1].status = core::HoldStatus::kExpired;
  ASSERT_TRUE(step(holds[1], b.id, c.id));
  EXPECT_THAT(listed(expired, false, 1), ElementsAre(ids[1]));
  EXPECT_THAT(listed(expired, false, 2), ElementsAre(ids[1], ids[2])) << "of both kinds";
  EXPECT_THAT(listed(expired, true, 2), ElementsAre(ids[2], ids[1]));
  EXPECT_THAT(listed(R"("expires_before":)" + std::to_string(kNow + 2 * kSecond)), ElementsAre(ids[1]));
  EXPECT_THAT(listed(of_a + R"(,"expires_before":)" + std::to_string(kNow + 3 * kSecond)), ElementsAre(ids[2]));
  const Result<std::string> odd = call(StatementId::kHoldList, R"({"first":2,"after":"x","desc":false,"now":0})");
  ASSERT_FALSE(odd.ok());
  EXPECT_EQ(odd.error().code, "request.malformed");
}

TEST_P(HoldContract, AreListedInTheOrderOfExpiryBeforeAnInstant) {
  const core::Account a = add_account("A"), b = add_account("B"), c = add_account("C"), set = add_account("S");
  above = {set.id};
  std::vector<core::Hold> holds = {add_hold(a.id, b.id, 5), add_hold(a.id, b.id, 3), add_hold(a.id, b.id)};
  above.clear();
  for (const std::int64_t seconds : {3, 1, 4, 3}) holds.push_back(add_hold(b.id, c.id, seconds));
  std::vector<std::string> ids;
  ids.reserve(holds.size());
  for (const core::Hold &hold : holds) ids.push_back(hold.id.text());
  const auto before = [](std::int64_t seconds) {
    return R"("expires_before":)" + std::to_string(kNow + seconds * kSecond);
  };
  EXPECT_THAT(listed(before(5)), ElementsAre(ids[4], ids[1], ids[3], ids[6], ids[5]));
  EXPECT_THAT(listed(before(5), true), ElementsAre(ids[5], ids[6], ids[3], ids[1], ids[4]));
  EXPECT_THAT(listed(before(1)), ElementsAre());
  holds[3].version = 2;
  holds[3].status = core::HoldStatus::kCaptured;
  ASSERT_TRUE(step(holds[3], b.id, c.id));
  holds[4].version = 2;
  holds[4].status = core::HoldStatus::kExpired;
  ASSERT_TRUE(step(holds[4], b.id, c.id));
  const std::string open = R"(,"status":"open")", expired = R"(,"status":"expired")";
  EXPECT_THAT(listed(before(6)), ElementsAre(ids[4], ids[1], ids[3], ids[6], ids[5], ids[0])) << "of every status";
  EXPECT_THAT(listed(before(6) + open, false, 3), ElementsAre(ids[5], ids[0]));
  EXPECT_THAT(listed(before(6) + open, true, 3), ElementsAre(ids[0], ids[5]));
  EXPECT_THAT(listed(before(6) + expired, false, 3), ElementsAre(ids[4], ids[1], ids[6]));
  EXPECT_THAT(listed(before(3) + expired, true, 9), ElementsAre(ids[4]));
  EXPECT_THAT(listed(before(6) + R"(,"status":"captured")"), ElementsAre(ids[3]));
  EXPECT_THAT(listed(before(6) + R"(,"status":"released")"), ElementsAre());
  const std::string of_b = R"(,"account_id":")" + b.id.text() + "\"", of_c = R"(,"account_id":")" + c.id.text() + "\"";
  EXPECT_THAT(listed(before(6) + of_c), ElementsAre(ids[4], ids[3], ids[6], ids[5]));
  EXPECT_THAT(listed(before(6) + of_b, true), ElementsAre(ids[0], ids[5], ids[6], ids[3], ids[1], ids[4]));
  EXPECT_THAT(listed(before(6) + of_b + open, false, 3), ElementsAre(ids[5], ids[0]));
  EXPECT_THAT(listed(before(6) + of_c + expired, true, 3), ElementsAre(ids[6], ids[4]));
  EXPECT_THAT(listed(before(6) + of_c + R"(,"status":"captured")"), ElementsAre(ids[3]));
  const std::string of_set = R"("account_id":")" + set.id.text() + "\"";
  EXPECT_THAT(listed(of_set), ElementsAre(ids[0], ids[1], ids[2])) << "of the accounts below a set";
  EXPECT_THAT(listed(of_set + "," + before(6)), ElementsAre(ids[1], ids[0]));
  for (const char *odd : {"1", "x/1", "1/", "1/2/x", ""}) {
    const Result<std::string> refused =
        call(StatementId::kHoldList,
             R"({"first":2,"after":")" + std::string(odd) + R"(","desc":false,"now":0,"expires_before":9})");
    ASSERT_FALSE(refused.ok()) << odd;
    EXPECT_EQ(refused.error().code, "request.malformed") << odd;
  }
}

TEST_P(HoldContract, AreDueTheEarliestFirstUnlessTheyAreLocked) {
  const core::Account a = add_account("A"), b = add_account("B");
  core::Account c = add_account("C");
  std::vector<core::Hold> holds = {add_hold(a.id, b.id, 3), add_hold(b.id, c.id, 1), add_hold(a.id, b.id, 2),
                                   add_hold(a.id, b.id)};
  EXPECT_THAT(due(0), ElementsAre());
  EXPECT_THAT(due(1), ElementsAre(holds[1].id.text()));
  EXPECT_THAT(due(9), ElementsAre(holds[1].id.text(), holds[2].id.text(), holds[0].id.text()));
  EXPECT_THAT(due(9, 1), ElementsAre(holds[1].id.text()));
  const core::Hold beside = add_hold(a.id, b.id, 1);
  EXPECT_THAT(due(9, 1, holds[1].id.text()), ElementsAre(beside.id.text())) << "of the same instant";
  EXPECT_THAT(due(9, 9, beside.id.text()), ElementsAre(holds[2].id.text(), holds[0].id.text()));
  EXPECT_THAT(due(2, 9, holds[2].id.text()), ElementsAre());
  core::Hold over = beside;
  over.version = 2;
  over.status = core::HoldStatus::kExpired;
  ASSERT_TRUE(step(over, a.id, b.id));
  EXPECT_THAT(due(9, 1, beside.id.text()), ElementsAre(holds[2].id.text())) << "behind one that is due no more";
  c.version = 2;
  c.status = core::LockStatus::kLocked;
  ASSERT_TRUE(write<core::Account>(StatementId::kAccountWrite, {}, {c}).ok());
  EXPECT_THAT(due(9), ElementsAre(holds[2].id.text(), holds[0].id.text()));
  holds[2].version = 2;
  holds[2].status = core::HoldStatus::kExpired;
  ASSERT_TRUE(step(holds[2], a.id, b.id));
  EXPECT_THAT(due(9), ElementsAre(holds[0].id.text()));
}

TEST_P(HoldContract, AreNotDueWhereAnotherIsAtThem) {
  if (!is_postgres()) GTEST_SKIP() << "SQLite has one writer";
  const core::Account a = add_account("A"), b = add_account("B");
  const std::string first = add_hold(a.id, b.id, 1).id.text(), second = add_hold(a.id, b.id, 2).id.text();
  const std::unique_ptr<store::Session> other = session();
  ASSERT_TRUE(other->begin(Access::kWrite));
  ASSERT_TRUE(
      other->execute(store::Call{StatementId::kHoldFind, R"({"keys":[")" + first + R"("],"lock":true})", false}));
  EXPECT_THAT(due(9), ElementsAre(second));
  other->rollback();
  EXPECT_THAT(due(9), ElementsAre(first, second));
}

}  // namespace
}  // namespace cala::tests
