#include "core/posting/moved.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace cala::core {
namespace {

using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

const Uuid kJournal = numbered(1);
const Uuid kOtherJournal = numbered(2);
const Uuid kAccount = numbered(11);
const Uuid kSet = numbered(21);
const Uuid kForeignSet = numbered(22);
const Uuid kFollowingSet = numbered(23);

Entry entry_of(const Uuid &account, const char *currency = "USD") {
  Entry entry;
  entry.account_id = account;
  entry.journal_id = kJournal;
  entry.currency = *Currency::parse(currency);
  return entry;
}

std::shared_ptr<const Floors> at_least(const char *least, Layer layer = Layer::kSettled) {
  Floors floors;
  floors.min.otherwise = Decimal::parse(least);
  floors.layer = layer;
  return std::make_shared<const Floors>(std::move(floors));
}

class Moved : public ::testing::Test {
 protected:
  Moved() {
    states.resize(4);
    states[0].id = kAccount;
    states[0].sets = {{kSet, kJournal}, {kForeignSet, kOtherJournal}, {kFollowingSet, kJournal, false}};
    states[1].id = kSet;
    states[2].id = kForeignSet;
    states[3].id = kFollowingSet;
  }

  MovedAccounts accounts() const {
    MovedAccounts out;
    for (const AccountState &state : states) out.add(state);
    return out;
  }

  std::vector<AccountState> states;
};

TEST_F(Moved, BalancesAreTheAccountsAndThoseOfTheSetsOfTheJournalThatMoveAtOnce) {
  const MovedAccounts moved = accounts();
  std::vector<Uuid> ids;
  moved.for_each_moved(entry_of(kAccount), [&](const BalanceKey &key) {
    ids.push_back(key.account_id);
    EXPECT_EQ(key.journal_id, kJournal);
    EXPECT_EQ(key.currency.code(), "USD");
  });
  EXPECT_EQ(ids, (std::vector<Uuid>{kAccount, kSet}));
  EXPECT_EQ(moved.sets_above(entry_of(kAccount)), (std::vector<Uuid>{kSet, kFollowingSet}));
  EXPECT_EQ(moved.find(numbered(99)), nullptr);
}

TEST_F(Moved, NothingIsWatchedWhereNobodyAsks) {
  PostedTransaction posting;
  posting.entries = {entry_of(kAccount)};
  EXPECT_TRUE(accounts().watched(posting).empty());
}

TEST_F(Moved, AccountsAndSetsAreWatchedInOrderOfTheEntries) {
  states[0].floors = at_least("1");
  states[1].floors = at_least("2", Layer::kPending);
  states[1].normal_balance_type = Direction::kDebit;
  states[2].floors = at_least("3");
  PostedTransaction posting;
  posting.entries = {entry_of(kAccount), entry_of(kAccount, "EUR")};
  const std::vector<Watched> watched = accounts().watched(posting);
  ASSERT_EQ(watched.size(), 4U) << "a set of another journal is not moved";
  EXPECT_EQ(watched[0].key.account_id, kAccount);
  EXPECT_EQ(watched[0].min->text(), "1");
  EXPECT_EQ(watched[0].max, nullptr);
  EXPECT_EQ(watched[1].key.account_id, kSet);
  EXPECT_EQ(watched[1].layer, Layer::kPending);
  EXPECT_EQ(watched[1].normal_balance_type, Direction::kDebit);
  EXPECT_EQ(watched[2].key.currency.code(), "EUR");
}

TEST_F(Moved, WhatATemplateWantsIsWatchedBesideWhatTheAccountSays) {
  states[0].floors = at_least("1");
  PostedTransaction posting;
  posting.entries = {entry_of(kAccount), entry_of(kAccount)};
  posting.entries[1].layer = Layer::kEncumbrance;
  EntryFloors &own = posting.floors.emplace_back();
  own.entry = 1;
  own.max = Decimal::parse("9");
  const std::vector<Watched> watched = accounts().watched(posting);
  ASSERT_EQ(watched.size(), 3U);
  EXPECT_EQ(watched[1].min->text(), "1");
  EXPECT_EQ(watched[2].min, nullptr);
  EXPECT_EQ(watched[2].max->text(), "9");
  EXPECT_EQ(watched[2].layer, Layer::kEncumbrance) << "up to the entry's own layer";
}

TEST_F(Moved, AHoldIsListedByItsAccountsAndTheSetsAboveInItsJournal) {
  EXPECT_EQ(accounts().with_sets_above({entry_of(kAccount), entry_of(kSet)}),
            (std::vector<Uuid>{kAccount, kSet, kFollowingSet, kSet}));
}

}  // namespace
}  // namespace cala::core
