// Who may be in which account set: every rule, and which of several refusals is told.
#include "core/account_set/membership.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/json.h"

namespace cala::core {
namespace {

using base::Outcome;
using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[14] = static_cast<std::uint8_t>(n / 256);
  id.bytes[15] = static_cast<std::uint8_t>(n % 256);
  return id;
}

const Uuid kJournal = numbered(60001);
const Uuid kOtherJournal = numbered(60002);

Membership set_in(int set, int member) { return {numbered(set), numbered(member), true}; }
Membership account_in(int set, int account) { return {numbered(set), numbered(account), false}; }

// Sets 1 to 999, accounts from 1000 on, all there, all of one journal.
MembershipState state_of(std::vector<Membership> stored, const std::vector<Membership> &request) {
  MembershipState state;
  for (const std::vector<Membership> &some : {stored, request}) {
    for (const Membership &one : some) {
      state.holders.push_back({one.account_set_id, true, kJournal});
      state.holders.push_back({one.member_id, one.member_is_set, kJournal});
    }
  }
  state.memberships = std::move(stored);
  return state;
}

std::string code_of(const Outcome &outcome) { return outcome.ok() ? "ok" : outcome.error().code; }
std::string detail(const Outcome &outcome, const char *key) {
  const base::Result<base::Json> details = base::Json::parse(outcome.error().details);
  return details->root().get(key).text();
}

std::string add(std::vector<Membership> stored, const std::vector<Membership> &request) {
  return code_of(check_additions(state_of(std::move(stored), request), request));
}

std::vector<Membership> chain(int from, int to) {
  std::vector<Membership> out;
  for (int n = from; n < to; ++n) out.push_back(set_in(n, n + 1));
  return out;
}

TEST(Membership, ATreeIsFine) {
  EXPECT_EQ(add({}, {set_in(1, 2), set_in(1, 3), account_in(2, 1000), account_in(3, 1001)}), "ok");
  EXPECT_EQ(add({set_in(1, 2)}, {account_in(2, 1000)}), "ok");
  EXPECT_EQ(add({}, {}), "ok");
}

TEST(Membership, SeveralParentsAreFineWhileNothingIsAboveBoth) {
  EXPECT_EQ(add({account_in(1, 1000)}, {account_in(2, 1000), set_in(3, 1)}), "ok");
  EXPECT_EQ(add({account_in(1, 1000), account_in(2, 1000), set_in(3, 1)}, {set_in(3, 2)}), "membership.duplicate_path");
}

TEST(Membership, ASetIsNotBelowItself) {
  EXPECT_EQ(add({}, {set_in(1, 1)}), "membership.cycle");
  EXPECT_EQ(add({set_in(1, 2), set_in(2, 3)}, {set_in(3, 1)}), "membership.cycle");
  EXPECT_EQ(add({}, {set_in(1, 2), set_in(2, 1)}), "membership.cycle");
}

TEST(Membership, TheFirstAdditionThatClosesACycleIsNamed) {
  const std::vector<Membership> request = {account_in(9, 1000), set_in(1, 2), set_in(2, 3), set_in(3, 1), set_in(4, 4)};
  const Outcome refused = check_additions(state_of({}, request), request);
  EXPECT_EQ(code_of(refused), "membership.cycle");
  EXPECT_EQ(detail(refused, "index"), "3");
  EXPECT_EQ(detail(refused, "account_set_id"), '"' + numbered(3).text() + '"');
  EXPECT_EQ(detail(refused, "member_account_set_id"), '"' + numbered(1).text() + '"');
}

TEST(Membership, NothingIsInASetTwice) {
  EXPECT_EQ(add({account_in(1, 1000)}, {account_in(1, 1000)}), "membership.duplicate_path");
  EXPECT_EQ(add({}, {account_in(1, 1000), account_in(1, 1000)}), "membership.duplicate_path");
  EXPECT_EQ(add({set_in(1, 2)}, {set_in(1, 2)}), "membership.duplicate_path");
  EXPECT_EQ(add({set_in(1, 2), account_in(2, 1000)}, {account_in(1, 1000)}), "membership.duplicate_path");
  EXPECT_EQ(add({account_in(1, 1000), account_in(2, 1000)}, {set_in(1, 2)}), "membership.duplicate_path");
  EXPECT_EQ(add({}, {set_in(1, 2), set_in(2, 3), set_in(1, 3)}), "membership.duplicate_path");
  EXPECT_EQ(add({set_in(1, 3)}, {set_in(1, 2), set_in(2, 3)}), "membership.duplicate_path");
  EXPECT_EQ(add({set_in(1, 2), set_in(2, 4), set_in(3, 4)}, {set_in(1, 3)}), "membership.duplicate_path");
}

TEST(Membership, PathsOfSetsAreToldBeforeThoseOfAccounts) {
  const std::vector<Membership> request = {account_in(1, 1000), account_in(1, 1000), set_in(2, 3), set_in(2, 3)};
  const Outcome refused = check_additions(state_of({}, request), request);
  EXPECT_EQ(code_of(refused), "membership.duplicate_path");
  EXPECT_EQ(detail(refused, "index"), "3");
}

TEST(Membership, SeventeenSetsAreTheDeepest) {
  EXPECT_EQ(add({}, chain(1, 17)), "ok");
  EXPECT_EQ(add(chain(1, 17), {account_in(17, 1000)}), "ok");
  EXPECT_EQ(add(chain(1, 17), {set_in(17, 18)}), "membership.depth");
  EXPECT_EQ(add(chain(2, 18), {set_in(1, 2)}), "membership.depth");
  const Outcome refused = check_additions(state_of({}, chain(1, 20)), chain(1, 20));
  EXPECT_EQ(code_of(refused), "membership.depth");
  EXPECT_EQ(detail(refused, "index"), "16");
  EXPECT_EQ(detail(refused, "depth"), "17");
  EXPECT_EQ(detail(refused, "max"), "16");
}

TEST(Membership, JournalsMustAgreeForSetsOnly) {
  const std::vector<Membership> request = {account_in(1, 1000), account_in(2, 1000), set_in(1, 2)};
  MembershipState state = state_of({}, request);
  for (MembershipState::Holder &holder : state.holders) {
    if (holder.id == numbered(2)) holder.journal_id = kOtherJournal;
  }
  const Outcome refused = check_additions(state, request);
  EXPECT_EQ(code_of(refused), "membership.journal_mismatch");
  EXPECT_EQ(detail(refused, "index"), "2");
  EXPECT_EQ(code_of(check_additions(state, {account_in(1, 1000), account_in(2, 1000)})), "ok");
}

TEST(Membership, HistoryCountsInTheSetsJournalOnly) {
  const std::vector<Membership> request = {account_in(1, 1000)};
  MembershipState state = state_of({}, request);
  state.history = {{numbered(1000), kOtherJournal}};
  EXPECT_EQ(code_of(check_additions(state, request)), "ok");
  state.history.push_back({numbered(1000), kJournal});
  EXPECT_EQ(code_of(check_additions(state, request)), "membership.has_history");
}

TEST(Membership, TheOrderOfRefusalsIsSetsJournalsHistoryGraphAccounts) {
  std::vector<Membership> request = {account_in(1, 2000), set_in(1, 1), account_in(1, 1000), set_in(1, 2),
                                     set_in(1, 998)};
  MembershipState state = state_of({}, {set_in(1, 2), account_in(1, 1000)});
  for (MembershipState::Holder &holder : state.holders) {
    if (holder.id == numbered(2)) holder.journal_id = kOtherJournal;
  }
  state.history = {{numbered(1000), kJournal}};
  EXPECT_EQ(code_of(check_additions(state, request)), "account_set.not_found");
  request.pop_back();
  EXPECT_EQ(code_of(check_additions(state, request)), "membership.journal_mismatch");
  request.pop_back();
  EXPECT_EQ(code_of(check_additions(state, request)), "membership.has_history");
  request.pop_back();
  EXPECT_EQ(code_of(check_additions(state, request)), "membership.cycle");
  request.pop_back();
  EXPECT_EQ(code_of(check_additions(state, request)), "account.not_found");
}

TEST(Membership, ASetIsNoAccountAndAnAccountNoSet) {
  MembershipState state = state_of({}, {set_in(1, 2), account_in(1, 1000)});
  EXPECT_EQ(code_of(check_additions(state, {account_in(1, 2)})), "account.is_set");
  EXPECT_EQ(code_of(check_additions(state, {account_in(1, 1)})), "account.is_set");
  EXPECT_EQ(code_of(check_additions(state, {set_in(1, 1000)})), "account_set.not_found");
  EXPECT_EQ(code_of(check_additions(state, {account_in(1000, 1000)})), "account_set.not_found");
}

TEST(Membership, OnlyAMemberWithoutHistoryIsRemoved) {
  MembershipState state = state_of({account_in(1, 1000)}, {account_in(2, 1001)});
  EXPECT_EQ(code_of(check_removal(state, account_in(1, 1000))), "ok");
  EXPECT_EQ(code_of(check_removal(state, account_in(2, 1000))), "membership.not_found");
  EXPECT_EQ(code_of(check_removal(state, account_in(3, 1000))), "account_set.not_found");
  EXPECT_EQ(code_of(check_removal(state, account_in(1, 3000))), "account.not_found");
  state.history = {{numbered(1000), kJournal}};
  EXPECT_EQ(code_of(check_removal(state, account_in(1, 1000))), "membership.has_history");
}

TEST(Membership, WhatIsThereAlreadyIsNotMissing) {
  const MembershipState state = state_of({set_in(1, 2), account_in(2, 1000)}, {});
  const std::vector<Membership> missing = missing_memberships(
      state, {account_in(2, 1000), account_in(1, 1001), set_in(1, 2), account_in(1, 1001), set_in(2, 3)});
  ASSERT_EQ(missing.size(), 2U);
  EXPECT_EQ(missing[0].member_id, numbered(1001));
  EXPECT_EQ(missing[1].member_id, numbered(3));
}

// Sixty-four sets, each in all before it: more paths than could ever be walked.
TEST(Membership, ADenseGraphIsRefusedAtOnce) {
  std::vector<Membership> request;
  for (int member = 2; member <= 64; ++member) {
    for (int set = 1; set < member; ++set) request.push_back(set_in(set, member));
  }
  const auto before = std::chrono::steady_clock::now();
  const Outcome refused = check_additions(state_of({}, request), request);
  EXPECT_EQ(code_of(refused), "membership.duplicate_path");
  EXPECT_EQ(detail(refused, "index"), "2");
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

}  // namespace
}  // namespace cala::core
