#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "store/rows.h"
#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Result;
using store::Access;
using store::StatementId;

class ConcurrencyContract : public StoreContract {
 protected:
  // Posts until it is in, as the runner does.
  base::Outcome post_persistently(store::Session &on, const core::PostedTransaction &posting) {
    for (int attempt = 0;; ++attempt) {
      std::vector<core::PostedTransaction> one = {posting};
      base::Outcome done = post(on, one);
      if (done || !done.error().retryable || attempt == 1000) return done;
    }
  }

  template <typename Work>
  static void in_threads(int count, Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
    for (std::thread &thread : threads) thread.join();
  }
};
CALA_FOR_EVERY_STORE(ConcurrencyContract);

TEST_P(ConcurrencyContract, FirstPostingsOnANewBalanceDoNotCollide) {
  main_journal();
  main_tx_template();
  for (int round = 0; round < 5; ++round) {
    const core::Account a = add_account("A" + std::to_string(round)), b = add_account("B" + std::to_string(round));
    std::vector<core::PostedTransaction> postings;
    for (int i = 0; i < 4; ++i) postings.push_back(transfer(a.id, b.id, "1"));
    in_threads(4, [&](int i) {
      const std::unique_ptr<store::Session> on = session();
      const base::Outcome done = post_persistently(*on, postings[static_cast<std::size_t>(i)]);
      EXPECT_TRUE(done.ok()) << done.error().code;
    });
    EXPECT_EQ(balance(a.id).version, 4);
    EXPECT_EQ(balance(b.id).layers[0].credit.text(), "4");
  }
}

TEST_P(ConcurrencyContract, PostingsInOppositeOrderNeitherDeadlockNorLoseAnything) {
  constexpr int kThreads = 4, kEach = 25;
  const core::Account a = add_account("A"), b = add_account("B"), c = add_account("C");
  std::vector<core::PostedTransaction> postings;
  for (int i = 0; i < kThreads * kEach; ++i) {
    const core::Account &from = i % 3 == 0 ? a : (i % 3 == 1 ? b : c), &to = i % 3 == 0 ? b : (i % 3 == 1 ? a : b);
    postings.push_back(transfer(from.id, to.id, "1"));
  }
  std::atomic<int> deadlocks{0};
  in_threads(kThreads, [&](int thread) {
    const std::unique_ptr<store::Session> on = session();
    for (int i = 0; i < kEach; ++i) {
      std::vector<core::PostedTransaction> one = {postings[static_cast<std::size_t>(thread * kEach + i)]};
      base::Outcome done = post(*on, one);
      if (!done && done.error().code == "store.deadlock") ++deadlocks;
      if (!done) done = post_persistently(*on, one[0]);
      EXPECT_TRUE(done.ok()) << done.error().code;
    }
  });
  EXPECT_EQ(deadlocks, 0);
  EXPECT_EQ(balance(a.id).version + balance(b.id).version + balance(c.id).version, 2 * kThreads * kEach);
}

TEST_P(ConcurrencyContract, TheSameExternalIdIsPostedOnce) {
  const core::Account a = add_account("A"), b = add_account("B");
  std::vector<core::PostedTransaction> postings;
  for (int i = 0; i < 4; ++i) {
    postings.push_back(transfer(a.id, b.id, "1"));
    postings.back().transaction.external_id = "once";
  }
  std::atomic<int> written{0};
  in_threads(4, [&](int i) {
    const std::unique_ptr<store::Session> on = session();
    for (int attempt = 0; attempt < 1000; ++attempt) {
      if (!on->begin(Access::kWrite).ok()) continue;
      std::vector<core::PostedTransaction> one = {postings[static_cast<std::size_t>(i)]};
      Result<store::Answer> read = on->execute(read_of(one));
      if (!read) {
        EXPECT_TRUE(read.error().retryable) << read.error().code;
        on->rollback();
        continue;
      }
      const auto state = std::get<store::PostingState>(read.take());
      if (!state.existing.empty()) {
        on->rollback();
        return;
      }
      const Result<store::Answer> done = on->execute_and_commit(write_of(state, one));
      if (done) {
        ++written;
        return;
      }
      EXPECT_TRUE(done.error().retryable) << done.error().code;
      on->rollback();
    }
    ADD_FAILURE() << "never came to an end";
  });
  EXPECT_EQ(written, 1);
  EXPECT_EQ(balance(a.id).version, 1);
}

TEST_P(ConcurrencyContract, UpdatesOfOneVersionHaveOneWinner) {
  const core::Account a = add_account("A");
  std::atomic<int> winners{0};
  in_threads(4, [&](int i) {
    core::Account mine = a;
    mine.version = 2;
    mine.name = "Winner " + std::to_string(i);
    Result<std::string> answer = write<core::Account>(StatementId::kAccountWrite, {}, {mine});
    for (int attempt = 0; !answer && answer.error().status == base::Status::kBusy && attempt < 1000; ++attempt) {
      answer = write<core::Account>(StatementId::kAccountWrite, {}, {mine});
    }
    if (answer && base::Json::parse(*answer)->root().get("changed").size() == 0) ++winners;
  });
  EXPECT_EQ(winners, 1);
}

TEST_P(ConcurrencyContract, RacingMigrationsAllSucceed) {
  forget_ledger();
  std::atomic<int> from_nothing{0};
  in_threads(4, [&](int) {
    const std::unique_ptr<store::Store> mine = open_again();
    const Result<store::MigrationReport> report = mine->migrate();
    ASSERT_TRUE(report.ok()) << report.error().code << ": " << report.error().message;
    EXPECT_EQ(report->to_version, mine->dialect().schema_version());
    if (report->from_version == 0) ++from_nothing;
  });
  EXPECT_EQ(from_nothing, 1);
  const Result<std::string> read = call(StatementId::kSchemaRead, "{}");
  EXPECT_EQ(base::Json::parse(*read)->root().get("version").integer(), store().dialect().schema_version());
}

}  // namespace
}  // namespace cala::tests
