// Which entries count under which limit, and when too much has passed.
#include "core/velocity/enforce.h"

#include "core/posting/void.h"
#include "unit/core/velocity/velocity_fixture.h"

namespace cala::core {
namespace {

using base::Uuid;

TEST_F(Velocity, RefusesOnlyAboveTheAmount) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('100')")}))});
  EXPECT_EQ(debit("60"), "ok");
  EXPECT_EQ(debit("40.01"), "velocity.exceeded");
  EXPECT_EQ(debit("40"), "ok");
  EXPECT_EQ(debit("0.01"), "velocity.exceeded");
}

TEST_F(Velocity, NamesEverything) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('100')")}))});
  EXPECT_EQ(debit("60"), "ok");
  EXPECT_EQ(debit("41"), "velocity.exceeded");
  EXPECT_EQ(details_, R"({"limit_id":")" + id_of(10).text() + R"(","control_id":")" + id_of(20).text() +
                          R"(","account_id":")" + kAccount.text() + R"(","journal_id":")" + kJournal.text() +
                          R"(","currency":"USD","window":{},"layer":"settled","direction":"debit","basis":"net",)"
                          R"("allowed":"100","requested":"101","current":"60","sequence":1})");
}

TEST_F(Velocity, NetGivesRoomBackAndGrossDoesNot) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('100')")}))});
  EXPECT_EQ(debit("100"), "ok");
  EXPECT_EQ(credit("30"), "ok");
  EXPECT_EQ(debit("30"), "ok");
  VelocityLimit gross = limit_of("decimal('100')");
  gross.rule.balance[0].basis = VelocityBasis::kGross;
  balances_.clear();
  attach(kAccount, {compiled(control_of({gross}))});
  EXPECT_EQ(debit("100"), "ok");
  EXPECT_EQ(credit("30"), "ok");
  EXPECT_EQ(debit("0.01"), "velocity.exceeded");
}

TEST_F(Velocity, VoidTakesBackWhatWasCounted) {
  VelocityLimit gross = limit_of("decimal('100')");
  gross.rule.balance[0].basis = VelocityBasis::kGross;
  gross.condition = "context.vars.entry.entryType == 'CARD' && context.vars.entry.units > decimal('0')";
  attach(kAccount, {compiled(control_of({gross}))});
  EXPECT_EQ(debit("100"), "ok");
  EXPECT_EQ(debit("1"), "velocity.exceeded");
  const PostedTransaction original = posting_of({entry_of(Direction::kDebit, "100")});
  EXPECT_EQ(post(mirror_of(original, {}, id_of(31), now()), &original), "ok");
  EXPECT_EQ(debit("100"), "ok");
}

TEST_F(Velocity, VoidGivesRoomInTheWindowOfWhatItTakesBack) {
  VelocityLimit limit = limit_of("decimal('10')");
  limit.window = {{"day", "context.vars.transaction.effective"}};
  attach(kAccount, {compiled(control_of({limit}))});
  PostedTransaction original = posting_of({entry_of(Direction::kDebit, "10")});
  original.transaction.effective = date_of("2026-01-01");
  EXPECT_EQ(post(original), "ok");
  AskedVoid asked;
  asked.effective = date_of("2026-02-02");
  const PostedTransaction mirror = mirror_of(original, asked, id_of(31), now());
  EXPECT_EQ(post(mirror, &original), "ok");
  ASSERT_EQ(balances_.size(), 1U);
  EXPECT_EQ(balances_.begin()->first.window, R"({"day":"2026-01-01"})");
  EXPECT_EQ(post(original), "ok") << "there is room again";
  EXPECT_EQ(post(mirror_of(mirror, {}, id_of(32), now()), &original), "velocity.exceeded")
      << "a void taken back counts";
}

TEST_F(Velocity, VoidThatGivesRoomIsNeverRefused) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('100')")}))});
  EXPECT_EQ(debit("90"), "ok");
  const PostedTransaction original = posting_of({entry_of(Direction::kDebit, "10")});
  EXPECT_EQ(post(original), "ok");
  attach(kAccount, {compiled(control_of({limit_of("decimal('50')")}))});
  EXPECT_EQ(credit("10"), "velocity.exceeded") << "still above, as any posting";
  EXPECT_EQ(post(mirror_of(original, {}, id_of(31), now()), &original), "ok");
}

TEST_F(Velocity, LayersAddUpToTheLimits) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('10')", "PENDING")}))});
  EXPECT_EQ(post(posting_of({entry_of(Direction::kDebit, "6", Layer::kPending)})), "ok");
  EXPECT_EQ(post(posting_of({entry_of(Direction::kDebit, "5", Layer::kSettled)})), "velocity.exceeded");
  EXPECT_EQ(post(posting_of({entry_of(Direction::kDebit, "500", Layer::kEncumbrance)})), "ok");
  EXPECT_EQ(post(posting_of({entry_of(Direction::kDebit, "4", Layer::kSettled)})), "ok");
}

TEST_F(Velocity, CreditLimitCountsCredits) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('10')", "SETTLED", "CREDIT")}))});
  EXPECT_EQ(credit("11"), "velocity.exceeded");
  EXPECT_EQ(debit("5"), "ok");
  EXPECT_EQ(credit("15"), "ok");
}

TEST_F(Velocity, StartIsInclusiveAndEndExclusive) {
  VelocityLimit limit = limit_of("decimal('0')");
  limit.rule.balance[0].start = "timestamp('2026-03-09T00:00:00Z')";
  limit.rule.balance[0].end = "timestamp('2026-03-10T00:00:00Z')";
  limit.rule.timestamp_source = "context.vars.transaction.effective";
  attach(kAccount, {compiled(control_of({limit}))});
  const auto on = [&](const char *date) {
    PostedTransaction posting = posting_of({entry_of(Direction::kDebit, "1")});
    posting.transaction.effective = base::Date::parse(date).value_or(base::Date());
    return post(posting);
  };
  EXPECT_EQ(on("2026-03-08"), "ok");
  EXPECT_EQ(on("2026-03-09"), "velocity.exceeded");
  EXPECT_EQ(on("2026-03-10"), "ok");
  EXPECT_EQ(balances_.begin()->second.version, 2) << "what passes while no amount is in force is counted";
}

TEST_F(Velocity, WindowIsTheTextOfItsValues) {
  EXPECT_EQ(window_of("context.vars.transaction.effective.format('%Y-%m')"), R"({"w":"2026-03"})");
  EXPECT_EQ(window_of("context.vars.transaction.createdAt.format('%H')"), R"({"w":"12"})");
  EXPECT_EQ(window_of("context.vars.transaction.id"), R"({"w":")" + id_of(30).text() + R"("})");
  EXPECT_EQ(window_of("context.vars.transaction.correlationId"), R"({"w":"order-1"})");
  EXPECT_EQ(window_of("context.vars.entry.entryType + string(context.vars.entry.sequence)"), R"({"w":"CARD1"})");
  EXPECT_EQ(window_of("context.vars.entry.units == decimal('1')"), R"({"w":true})");
  EXPECT_EQ(window_of("context.vars.account.name + context.vars.account.externalId"), R"({"w":"The account"})");
  EXPECT_EQ(window_of("context.vars.account.metadata.tier"), R"({"w":"gold"})");
  EXPECT_EQ(window_of("context.vars.account.normalBalanceType"), R"({"w":"CREDIT"})");
  EXPECT_EQ(window_of("has(context.vars.entry.metadata)"), R"({"w":false})");
  EXPECT_EQ(window_of("context.vars.entry.metadata.x"), "cel.eval");
  EXPECT_EQ(window_of("[1, 2].map(i, 'a very long word indeed, many times over')"
                      ".map(s, [1,2,3,4,5,6,7,8,9,10,11,12,13].map(i, s))"),
            "cel.coerce");
}

TEST_F(Velocity, WindowsOfEqualValuesAreOne) {
  EXPECT_EQ(window_of("{'b': [1.0, {'y': 2, 'x': null}], 'a': 'z'}"), R"({"w":{"a":"z","b":[1,{"x":null,"y":2}]}})");
  EXPECT_EQ(window_of("{'a': 'z', 'b': [1, {'x': null, 'y': 2}]}"), R"({"w":{"a":"z","b":[1,{"x":null,"y":2}]}})");
  EXPECT_EQ(window_of("[[], {}, [{'b': true, 'a': []}], -0.0, 9223372036854775807]"),
            R"({"w":[[],{},[{"a":[],"b":true}],0,9223372036854775807]})");
  EXPECT_EQ(window_of("decimal('10.50')"), R"({"w":"10.5"})");
  EXPECT_EQ(window_of("decimal('100.00')"), R"({"w":"100"})");
  EXPECT_EQ(window_of("decimal('100')"), R"({"w":"100"})");
  EXPECT_EQ(window_of("decimal('-0.0')"), R"({"w":"0"})");
}

TEST_F(Velocity, EachWindowCountsByItself) {
  VelocityLimit limit = limit_of("decimal('10')");
  limit.window = {{"day", "context.vars.transaction.effective.format('%d')"}};
  attach(kAccount, {compiled(control_of({limit}))});
  EXPECT_EQ(debit("10"), "ok");
  EXPECT_EQ(debit("1"), "velocity.exceeded");
  PostedTransaction later = posting_of({entry_of(Direction::kDebit, "10")});
  later.transaction.effective.days += 1;
  EXPECT_EQ(post(later), "ok");
}

TEST_F(Velocity, ConditionAndCurrencyDecideWhatCounts) {
  VelocityLimit limit = limit_of("decimal('0')");
  limit.condition = "context.vars.entry.entryType == 'OTHER'";
  attach(kAccount, {compiled(control_of({limit}))});
  EXPECT_EQ(debit("1"), "ok");
  limit.condition.reset();
  limit.currency = Currency::parse("EUR");
  attach(kAccount, {compiled(control_of({limit}))});
  EXPECT_EQ(debit("1"), "ok");
  limit.currency = usd();
  VelocityControl control = control_of({limit});
  control.condition = "context.vars.account.metadata.tier == 'silver'";
  attach(kAccount, {compiled(control)});
  EXPECT_EQ(debit("1"), "ok");
  control.condition = "context.vars.account.metadata.tier == 'gold'";
  attach(kAccount, {compiled(control)});
  EXPECT_EQ(debit("1"), "velocity.exceeded");
  control.condition = "context.vars.account.metadata.none == 'gold'";
  attach(kAccount, {compiled(control)});
  EXPECT_EQ(debit("1"), "cel.eval");
}

TEST_F(Velocity, SetCountsWhatIsBelowIt) {
  attach(kSet, {compiled(control_of({limit_of("decimal('10')")}))});
  EXPECT_EQ(debit("6"), "ok");
  EXPECT_EQ(post(posting_of({entry_of(Direction::kDebit, "5", Layer::kSettled, id_of(9))})), "velocity.exceeded");
  EXPECT_NE(details_.find(kSet.text()), std::string::npos);
}

TEST_F(Velocity, NamesTheOldestControlThenTheOldestLimit) {
  VelocityLimit young = limit_of("decimal('0')");
  young.id = id_of(11);
  young.number = 2;
  VelocityControl old_control = control_of({limit_of("decimal('0')"), young});
  VelocityControl young_control = old_control;
  young_control.id = id_of(21);
  young_control.number = 2;
  attach(kAccount, {compiled(young_control)});
  attach(kSet, {compiled(old_control)});
  const PostedTransaction posting = posting_of({entry_of(Direction::kDebit, "1")});
  const base::Result<std::vector<VelocityHit>> hits = match(posting);
  ASSERT_TRUE(hits.ok());
  ASSERT_EQ(hits->size(), 4U);
  EXPECT_EQ((*hits)[0].key.control_id, id_of(20));
  EXPECT_EQ((*hits)[0].key.limit_id, id_of(10));
  EXPECT_EQ((*hits)[1].key.limit_id, id_of(11));
  EXPECT_EQ((*hits)[2].key.control_id, id_of(21));
}

TEST_F(Velocity, WarnsWithTheSameNumbers) {
  VelocityControl control = control_of({limit_of("decimal('10')")});
  control.action = VelocityAction::kWarn;
  attach(kAccount, {compiled(control)});
  EXPECT_EQ(debit("10"), "ok");
  EXPECT_TRUE(warnings_.empty());
  EXPECT_EQ(debit("5"), "ok");
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].details.find(R"("requested":"15","current":"10")"), std::string::npos) << warnings_[0].details;
}

TEST_F(Velocity, SumsPast38DigitsAreRefused) {
  attach(kAccount, {compiled(control_of({limit_of("decimal('99999999999999999999999999999999999999')")}))});
  EXPECT_EQ(debit("99999999999999999999999999999999999999"), "ok");
  EXPECT_EQ(debit("1"), "amount.range");
}

}  // namespace
}  // namespace cala::core
