// Velocity limits by themselves: definitions, freezing, which entries count, and when too much has passed.
#include <gtest/gtest.h>

#include <string>

#include "core/posting/void.h"
#include "core/velocity/enforce.h"
#include "core/velocity/frozen.h"
#include "core/velocity/headroom.h"

namespace cala::core {
namespace {

using base::Uuid;

Uuid id_of(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

Decimal amount(std::string_view text) { return Decimal::parse(text).value_or(Decimal()); }

Currency usd() { return Currency::parse("USD").value_or(Currency()); }

base::Timestamp instant(std::string_view text) { return base::Timestamp::parse(text).value_or(base::Timestamp()); }

const Uuid kAccount = id_of(1);
const Uuid kSet = id_of(2);
const Uuid kJournal = id_of(3);

VelocityLimit limit_of(const std::string &most, const std::string &layer = "SETTLED",
                       const std::string &direction = "DEBIT") {
  VelocityLimit limit;
  limit.id = id_of(10);
  limit.number = 1;
  limit.name = "L";
  VelocityBalanceLimit balance;
  balance.layer = layer;
  balance.amount = most;
  balance.enforcement_direction = direction;
  limit.rule.balance.push_back(balance);
  return limit;
}

VelocityControl control_of(std::vector<VelocityLimit> limits) {
  VelocityControl control;
  control.id = id_of(20);
  control.number = 1;
  control.name = "C";
  control.limits = std::move(limits);
  return control;
}

TxTemplateParam decimal_param(const std::string &name) {
  TxTemplateParam param;
  param.name = name;
  param.type = ParamType::kDecimal;
  return param;
}

std::string code_of(const base::Outcome &outcome) { return outcome ? "ok" : outcome.error().code; }

base::Timestamp now() { return instant("2026-03-10T12:00:00Z"); }

// By way of the stored text, as a posting gets it.
CompiledControlPtr compiled(const VelocityControl &control, const std::string &params = "{}") {
  const base::Result<base::Json> json = base::Json::parse(params);
  base::Result<FrozenControl> frozen = freeze(control, json->root(), now());
  EXPECT_TRUE(frozen.ok()) << frozen.error().message;
  if (!frozen) return nullptr;
  base::Result<CompiledControlPtr> out = compile_frozen(frozen_text(*frozen));
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out ? out.take() : nullptr;
}

base::Date date_of(const char *text) { return base::Date::parse(text).value_or(base::Date()); }

Entry entry_of(Direction direction, std::string_view units, Layer layer = Layer::kSettled,
               const Uuid &account = kAccount) {
  Entry entry;
  entry.account_id = account;
  entry.journal_id = kJournal;
  entry.entry_type = "CARD";
  entry.layer = layer;
  entry.direction = direction;
  entry.units = amount(units);
  entry.currency = usd();
  return entry;
}

PostedTransaction posting_of(std::vector<Entry> entries) {
  PostedTransaction posting;
  posting.transaction.id = id_of(30);
  posting.transaction.journal_id = kJournal;
  posting.transaction.effective = base::Date::parse("2026-03-09").value_or(base::Date());
  posting.transaction.correlation_id = "order-1";
  posting.transaction.created_at = now();
  posting.entries = std::move(entries);
  for (std::size_t i = 0; i < posting.entries.size(); ++i) {
    posting.entries[i].sequence = static_cast<std::int32_t>(i + 1);
  }
  return posting;
}

// One account below one set, and what has been counted there.
class Velocity : public ::testing::Test {
 protected:
  void attach(const Uuid &to, std::vector<CompiledControlPtr> controls) {
    VelocityBearer bearer;
    bearer.id = to;
    bearer.name = to == kSet ? "The set" : "The account";
    bearer.metadata = to == kAccount ? std::optional<std::string>(R"({"tier":"gold"})") : std::nullopt;
    bearer.controls = std::move(controls);
    bearers_.add(std::move(bearer));
  }

  base::Result<std::vector<VelocityHit>> match(const PostedTransaction &posting,
                                               const PostedTransaction *counted_as = nullptr) const {
    return bearers_.match(
        posting, [](const Entry &) { return std::vector<Uuid>{kSet}; }, counted_as);
  }

  // "ok", or the error's code; what was counted stays only when all was.
  std::string post(const PostedTransaction &posting, const PostedTransaction *counted_as = nullptr) {
    base::Result<std::vector<VelocityHit>> hits = match(posting, counted_as);
    if (!hits) return hits.error().code;
    VelocityBalances counted = balances_;
    for (const VelocityHit &hit : *hits) {
      VelocityBalance &balance = counted.try_emplace(hit.key, VelocityBalance{hit.key, 0, {}}).first->second;
      base::Outcome outcome = count_hit(hit, balance, warnings_);
      if (outcome) continue;
      details_ = outcome.error().details;
      return outcome.error().code;
    }
    balances_ = std::move(counted);
    return "ok";
  }
  std::string debit(std::string_view units) { return post(posting_of({entry_of(Direction::kDebit, units)})); }
  std::string credit(std::string_view units) { return post(posting_of({entry_of(Direction::kCredit, units)})); }

  std::string window_of(const std::string &expression) {
    VelocityLimit limit = limit_of("decimal('1')");
    limit.window = {{"w", expression}};
    attach(kAccount, {compiled(control_of({limit}))});
    const PostedTransaction posting = posting_of({entry_of(Direction::kDebit, "1")});
    const base::Result<std::vector<VelocityHit>> hits = match(posting);
    if (!hits) return hits.error().code;
    return hits->size() == 1 ? hits->front().key.window : "none";
  }

  VelocityBearers bearers_;
  VelocityBalances balances_;
  std::vector<VelocityWarning> warnings_;
  std::string details_;
};

TEST(VelocityDefinition, RefusesWhatCanNeverBeEvaluated) {
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("decimal('5')"), now())), "ok");
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("decimal('5'"), now())), "cel.compile");
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("params.none"), now())), "cel.compile");
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("context.vars.entry.units"), now())), "cel.compile")
      << "an amount is worked out when a control is attached, where there is no posting";
  EXPECT_EQ(code_of(check_velocity_limit(limit_of("decimal('5')", "'SIDEWAYS'"), now())), "cel.coerce");
  VelocityLimit limit = limit_of("decimal('5')");
  limit.condition = "context.vars.entry.units";
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "cel.compile") << "a condition is true or false";
  limit = limit_of("decimal('5')");
  limit.window = {{"day", "'a'"}, {"day", "'b'"}};
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "request.malformed");
  limit = limit_of("params.most");
  limit.params = {decimal_param("most"), decimal_param("most")};
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "param.duplicate");
  limit.params = {decimal_param("most")};
  limit.params[0].default_expr = "'much'";
  EXPECT_EQ(code_of(check_velocity_limit(limit, now())), "param.type");
  VelocityControl control = control_of({});
  control.condition = "context.vars.entry.units > 1 &&";
  EXPECT_EQ(code_of(check_velocity_control(control)), "cel.compile");
}

TEST(VelocityFreezing, WorksOutTheParams) {
  VelocityLimit limit = limit_of("decimal.Add(params.most, '1')");
  limit.params = {decimal_param("most")};
  limit.rule.balance[0].start = "timestamp('2026-01-01T00:00:00Z')";
  const auto frozen = [&](const char *params) {
    const base::Result<base::Json> json = base::Json::parse(params);
    base::Result<FrozenControl> out = freeze(control_of({limit}), json->root(), now());
    return out ? out->limits[0].balance[0].amount.text() : out.error().code;
  };
  EXPECT_EQ(frozen(R"({"most": "5"})"), "6");
  EXPECT_EQ(frozen("{}"), "param.missing");
  EXPECT_EQ(frozen(R"({"most": "a lot"})"), "param.type");
  EXPECT_EQ(frozen(R"({"most": "5", "least": "1"})"), "param.unknown");
  limit.params[0].default_expr = "decimal('7')";
  EXPECT_EQ(frozen("{}"), "8");
}

TEST(VelocityFreezing, SurvivesItsText) {
  VelocityLimit limit = limit_of("decimal('5.50')", "ENCUMBRANCE", "CREDIT");
  limit.window = {{"day", "context.vars.transaction.effective.format('%Y')"}};
  limit.condition = "context.vars.entry.layer == SETTLED";
  limit.currency = usd();
  limit.rule.timestamp_source = "context.vars.transaction.effective";
  limit.rule.balance[0].start = "timestamp('2026-01-01T00:00:00.000000001Z')";
  limit.rule.balance[0].end = "date('2027-01-01')";
  limit.rule.balance[0].basis = VelocityBasis::kGross;
  VelocityControl control = control_of({limit});
  control.condition = "true";
  control.action = VelocityAction::kWarn;
  const base::Result<FrozenControl> frozen = freeze(control, base::JsonView(), now());
  ASSERT_TRUE(frozen.ok());
  const std::string text = frozen_text(*frozen);
  const base::Result<CompiledControlPtr> again = compile_frozen(text);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(frozen_text((*again)->frozen), text);
  EXPECT_EQ((*again)->frozen.limits[0].balance[0].start->nanos, 1);
  EXPECT_EQ(compile_frozen("{}").error().code, "store.corrupt");
}

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

TEST_F(Velocity, HeadroomSaysWhatIsLeft) {
  VelocityLimit limit = limit_of("decimal('100')");
  limit.rule.balance.push_back(limit.rule.balance[0]);
  limit.rule.balance[1].basis = VelocityBasis::kGross;
  limit.rule.balance[1].end = "timestamp('2020-01-01T00:00:00Z')";
  const CompiledControlPtr control = compiled(control_of({limit}));
  base::Result<std::vector<VelocityHeadroom>> rows = headroom(kAccount, control->frozen, {}, {}, now());
  ASSERT_TRUE(rows.ok());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].left.text(), "100");
  EXPECT_EQ((*rows)[0].window, "{}");
  EXPECT_FALSE((*rows)[0].currency.has_value());
  attach(kAccount, {control});
  EXPECT_EQ(debit("70"), "ok");
  EXPECT_EQ(credit("20"), "ok");
  rows = headroom(kAccount, control->frozen, {balances_.begin()->second}, {}, now());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].left.text(), "50");
  EXPECT_TRUE((*rows)[0].active);
  EXPECT_EQ((*rows)[1].left.text(), "30");
  EXPECT_FALSE((*rows)[1].active);
  EXPECT_EQ((*rows)[0].journal_id, kJournal);
  rows =
      headroom(kAccount, control->frozen, {balances_.begin()->second}, {std::nullopt, Currency::parse("EUR")}, now());
  ASSERT_EQ(rows->size(), 2U);
  EXPECT_EQ((*rows)[0].left.text(), "100") << "nothing was counted in that currency";
}

}  // namespace
}  // namespace cala::core
