// Buckets by effective date: read with a posting, written with it, and what is made of them, by every way of posting.
#include <gmock/gmock.h>

#include "core/balance/effective.h"
#include "store/rows.h"
#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using store::StatementId;
using testing::ElementsAre;

base::Date day(const char *text) { return base::Date::parse(text).value_or(base::Date{}); }

class EffectiveContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    journal_ = journal("dated");
    journal_.effective_balances = true;
    ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, {journal_}).ok());
    a_ = add_account("A").id;
    b_ = add_account("B").id;
  }

  // What the posting's read gave of buckets.
  std::vector<core::Bucket> post_on(const char *date, const std::string &units, std::int64_t now = kNow) {
    std::vector<core::PostedTransaction> postings = {sketch(
        journal_, main_tx_template(), {{a_, core::Direction::kDebit, units}, {b_, core::Direction::kCredit, units}})};
    postings[0].transaction.effective = day(date);
    const std::unique_ptr<store::Session> on = session();
    EXPECT_TRUE(on->begin(store::Access::kWrite).ok());
    store::PostingRead read = read_of(postings);
    for (std::size_t i = 0; i < read.keys.size(); ++i) read.dated.push_back({i, day(date)});
    store::PostingState state = read_state(*on, read);
    EXPECT_TRUE(state.journals.at(0).effective_balances);
    store::PostingWrite write = write_of(state, postings, now);
    for (const core::Entry &entry : write.entries) {
      for (const core::BucketLevel level : core::kBucketLevels) {
        core::Bucket bucket{
            {entry.account_id, entry.currency, entry.journal_id}, level, core::bucket_start(level, day(date)), {}};
        for (const core::Bucket &before : state.buckets) {
          if (before.key == bucket.key && before.level == level && before.start == bucket.start) bucket = before;
        }
        EXPECT_TRUE(core::fold(bucket.sums, entry, day(date)).ok());
        write.buckets.push_back(bucket);
      }
    }
    const base::Result<store::Answer> written = on->execute_and_commit(store::Request(std::move(write)));
    EXPECT_TRUE(written.ok()) << written.error().message;
    return std::move(state.buckets);
  }

  std::string key() const {
    return R"("account_id":")" + a_.text() + R"(","journal_id":")" + journal_.id.text() + R"(","currency":"USD")";
  }
  static std::string cut(const char *date) {
    const core::DateCut cut = core::cut_at(day(date));
    return "[" + std::to_string(cut.year.days) + "," + std::to_string(cut.month.days) + "," +
           std::to_string(cut.day.days) + "]";
  }
  // Entries and debits of account A up to the end of a day.
  std::string at(const char *date) {
    const base::Json found =
        rows(StatementId::kEffectiveRead, "{" + key() + R"(,"open":null,"close":)" + cut(date) + "}");
    core::DatedSums sums;
    for (const base::JsonView one : found.root().get("rows").first().get("close")) {
      const base::Result<core::DatedSums> read = store::sums_of(one);
      EXPECT_TRUE(read.ok());
      if (!read) continue;
      EXPECT_TRUE(core::merge(sums, *read));
    }
    return std::to_string(sums.entries) + "x" + sums.layers[0].debit.text();
  }

  core::Journal journal_;
  base::Uuid a_;
  base::Uuid b_;
};
CALA_FOR_EVERY_STORE(EffectiveContract);

TEST_P(EffectiveContract, APostingReadsTheBucketsOfItsDateAndNoOthers) {
  EXPECT_TRUE(post_on("2025-03-10", "5").empty());
  EXPECT_EQ(post_on("2025-03-09", "2").size(), 4U) << "the month and the year of both accounts";
  EXPECT_EQ(post_on("2025-03-10", "1").size(), 6U);
  EXPECT_TRUE(post_on("2024-03-10", "7").empty());
  EXPECT_EQ(at("2024-03-09"), "0x0");
  EXPECT_EQ(at("2024-12-31"), "1x7");
  EXPECT_EQ(at("2025-03-09"), "2x9");
  EXPECT_EQ(at("2025-03-10"), "4x15");
  EXPECT_EQ(at("9999-12-31"), "4x15");
}

TEST_P(EffectiveContract, TheFirstAndTheLastDayAreDaysLikeOthers) {
  post_on("0001-01-01", "1");
  post_on("9999-12-31", "2");
  EXPECT_EQ(at("0001-01-01"), "1x1");
  EXPECT_EQ(at("9999-12-30"), "1x1");
  EXPECT_EQ(at("9999-12-31"), "2x3");
}

TEST_P(EffectiveContract, ListsComeByDate) {
  post_on("2025-03-10", "5");
  post_on("2025-02-28", "2");
  post_on("2025-03-10", "1");
  post_on("0001-01-01", "3", kNow + 1000);
  const std::string days = R"("layer":"settled","from":)" + std::to_string(day("2025-01-01").days) + R"(,"until":)" +
                           std::to_string(day("2025-12-31").days);
  const auto units = [&](bool desc) {
    std::vector<std::string> found;
    const base::Json answer =
        rows(StatementId::kStatementDated,
             "{" + key() + "," + days + R"(,"first":10,"after":null,"desc":)" + (desc ? "true" : "false") + "}");
    for (const base::JsonView row : answer.root().get("rows"))
      found.emplace_back(row.get("entry").get("units").string());
    return found;
  };
  EXPECT_THAT(units(false), ElementsAre("2", "5", "1"));
  EXPECT_THAT(units(true), ElementsAre("1", "5", "2"));
  const std::string since = R"("journal_id":")" + journal_.id.text() + R"(","modified_since":)" +
                            std::to_string(kNow + 1000) + R"(,"since_day":)" +
                            std::to_string(base::Timestamp::from_micros(kNow).date().days);
  // Every date of both accounts comes after the first, which is what changed.
  EXPECT_EQ(pages(StatementId::kEffectiveChanges, since, 2, false, "account_id").size(), 6U);
  EXPECT_EQ(pages(StatementId::kEffectiveChanges, since, 4, true, "account_id").size(), 6U);
}

}  // namespace
}  // namespace cala::tests
