#include "core/posting/trial.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cala::core {
namespace {

using base::Timestamp;
using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

const Uuid kJournal = numbered(1);
const Uuid kAccount = numbered(11);
const Uuid kSet = numbered(21);
const Timestamp kNow = Timestamp::from_micros(1'000);
const base::Date kDay{20000};

BalanceKey key_of(const Uuid &account) { return {account, *Currency::parse("USD"), kJournal}; }

Entry credit(const char *units) {
  Entry entry;
  entry.account_id = kAccount;
  entry.journal_id = kJournal;
  entry.currency = *Currency::parse("USD");
  entry.units = *Decimal::parse(units);
  entry.created_at = kNow;
  return entry;
}

class Trials : public ::testing::Test {
 protected:
  Trials() {
    states.resize(2);
    states[0].id = kAccount;
    states[0].sets = {{kSet, kJournal}};
    states[1].id = kSet;
    for (const AccountState &state : states) accounts.add(state);
    Balance balance = empty_balance(key_of(kAccount), Timestamp::from_micros(1));
    EXPECT_TRUE(core::fold(balance, credit("5")));
    balance.modified_at = Timestamp::from_micros(500);
    balances.push_back(balance);
    trial.read(balances, buckets);
  }

  base::Outcome fold(Trial::Moves &mine, const char *units) {
    const Entry entry = credit(units);
    base::Outcome folded = trial.fold(accounts, mine, entry, kNow, [this](const Balance &balance) {
      moved.push_back(balance.layers[0].credit.text());
    });
    if (!folded) return folded;
    return trial.fold_dated(accounts, mine, entry, kDay);
  }
  std::string credits(const Balance &balance) { return balance.layers[0].credit.text(); }

  std::vector<AccountState> states;
  MovedAccounts accounts;
  std::vector<Balance> balances;
  std::vector<Bucket> buckets;
  Trial trial;
  std::vector<std::string> moved;
};

TEST_F(Trials, AnEntryMovesWhatWasReadAndWhatIsAbove) {
  Trial::Moves mine;
  ASSERT_TRUE(fold(mine, "2"));
  EXPECT_EQ(moved, (std::vector<std::string>{"7", "2"}));
  EXPECT_EQ(credits(trial.amid(mine, key_of(kAccount), kNow)), "7");
  EXPECT_EQ(mine.buckets.size(), 6U) << "a day, a month and a year of each";
}

TEST_F(Trials, WhatIsNotKeptLeavesNoTrace) {
  Trial::Moves refused;
  ASSERT_TRUE(fold(refused, "2"));
  EXPECT_EQ(credits(*trial.before(key_of(kAccount))), "5");
  EXPECT_EQ(trial.before(key_of(kSet)), nullptr);
  Trial::Moves mine;
  ASSERT_TRUE(fold(mine, "3"));
  trial.keep(std::move(mine));
  EXPECT_EQ(credits(*trial.before(key_of(kAccount))), "8");
  EXPECT_EQ(credits(*trial.before(key_of(kSet))), "3");
  EXPECT_EQ(credits(*trial.as_read(key_of(kAccount))), "5");
  Trial::Moves next;
  ASSERT_TRUE(fold(next, "1"));
  EXPECT_EQ(credits(next.balances.at(key_of(kAccount))), "9");
  EXPECT_EQ(next.buckets.at({key_of(kSet), BucketLevel::kDay, kDay}).layers[0].credit.text(), "4");
  trial.start_over();
  EXPECT_EQ(credits(*trial.before(key_of(kAccount))), "5");
  EXPECT_EQ(trial.before(key_of(kSet)), nullptr);
}

TEST_F(Trials, ASumThatDoesNotFitIsToldAndNoBalanceAfterItMoves) {
  Trial::Moves mine;
  const base::Outcome folded = fold(mine, "99999999999999999999999999999999999999");
  ASSERT_FALSE(folded);
  EXPECT_EQ(folded.error().code, "amount.range");
  EXPECT_TRUE(moved.empty());
}

TEST_F(Trials, AnInstantIsNoEarlierThanWhatMovedTheBalancesOrWill) {
  const Entry entry = credit("1");
  EXPECT_EQ(trial.no_earlier(accounts, entry, Timestamp::from_micros(400)), Timestamp::from_micros(500));
  EXPECT_EQ(trial.no_earlier(accounts, entry, Timestamp::from_micros(600)), Timestamp::from_micros(600));
  trial.leave_ahead(accounts, entry, Timestamp::from_micros(700));
  trial.leave_ahead(accounts, entry, Timestamp::from_micros(650));
  EXPECT_EQ(trial.no_earlier(accounts, entry, Timestamp::from_micros(600)), Timestamp::from_micros(700));
  trial.start_over();
  EXPECT_EQ(trial.no_earlier(accounts, entry, Timestamp::from_micros(600)), Timestamp::from_micros(600));
}

}  // namespace
}  // namespace cala::core
