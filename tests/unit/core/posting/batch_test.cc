// A batch by itself: what it asks for, decides and writes, without a store, a clock or an id that was drawn.
#include "core/posting/batch.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/posting/prepare.h"

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
const Uuid kOtherJournal = numbered(2);
const Uuid kFirst = numbered(11);
const Uuid kSecond = numbered(12);
const Uuid kSet = numbered(21);
const Uuid kSetOfSets = numbered(22);
const Uuid kForeignSet = numbered(23);
const Timestamp kNow = Timestamp::from_micros(1'767'225'600'000'000);  // 2026-01-01

// One debit of params.from and one credit of params.to, params.units USD each, in the journal of params.journal.
CompiledTxTemplatePtr transfer_template() {
  TxTemplate source;
  source.id = numbered(31);
  source.code = "TRANSFER";
  const auto param = [&source](const char *name, ParamType type, const char *otherwise) {
    TxTemplateParam &added = source.params.emplace_back();
    added.name = name;
    added.type = type;
    if (otherwise != nullptr) added.default_expr = otherwise;
  };
  param("units", ParamType::kDecimal, "decimal('1')");
  param("from", ParamType::kUuid, "uuid('00000000-0000-0000-0000-00000000000b')");
  param("to", ParamType::kUuid, "uuid('00000000-0000-0000-0000-00000000000c')");
  param("journal", ParamType::kUuid, "uuid('00000000-0000-0000-0000-000000000001')");
  param("key", ParamType::kString, "''");
  param("effective", ParamType::kDate, "date()");
  source.transaction.effective = "params.effective";
  source.transaction.journal_id = "params.journal";
  source.transaction.description = "params.key";
  for (const char *direction : {"DEBIT", "CREDIT"}) {
    TxTemplateEntry &entry = source.entries.emplace_back();
    entry.entry_type = "'E'";
    entry.account_id = std::string(direction) == "DEBIT" ? "params.from" : "params.to";
    entry.layer = "SETTLED";
    entry.direction = direction;
    entry.units = "params.units";
    entry.currency = "'USD'";
  }
  base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(std::move(source));
  EXPECT_TRUE(compiled.ok()) << compiled.error().message;
  return compiled ? compiled.take() : nullptr;
}

// Postings, their params as JSON texts, in units; driven as the engine drives a batch.
class Postings {
 public:
  void unit(const std::vector<std::pair<int, std::string>> &postings) {
    std::vector<AskedPosting> &unit = units_.emplace_back();
    for (const auto &[id, params] : postings) {
      base::Result<base::Json> json = base::Json::parse(params);
      EXPECT_TRUE(json.ok()) << params;
      params_.push_back(std::make_unique<base::Json>(json.take()));
      AskedPosting &posting = unit.emplace_back();
      posting.id = numbered(id);
      posting.id_given = true;
      posting.tx_template_code = "TRANSFER";
      posting.params = params_.back()->root();
    }
  }

  void void_unit(int id, int of) {
    AskedPosting &posting = units_.emplace_back().emplace_back();
    posting.id = numbered(id);
    posting.id_given = true;
    posting.voids.emplace().of = numbered(of);
  }

  // Of one unit that voids, with what the store has of the originals: as they are asked for, one after the other.
  Batch decided_void(const BatchState &state, const std::vector<PostedTransaction> &stored) {
    std::vector<std::span<const AskedPosting>> spans(units_.begin(), units_.end());
    Batch batch(spans);
    EXPECT_TRUE(batch.missing_templates().empty());
    for (std::vector<Uuid> ids = batch.missing_originals(); !ids.empty(); ids = batch.missing_originals()) {
      asked_originals.insert(asked_originals.end(), ids.begin(), ids.end());
      std::vector<PostedTransaction> found;
      for (const PostedTransaction &one : stored) {
        if (one.transaction.id == ids.front()) found.push_back(one);
      }
      batch.add_originals(ids, std::move(found));
    }
    batch.prepare(kNow);
    needs = batch.needs();
    batch.decide(state, batch.stamp(state, kNow));
    return batch;
  }

  // Up to the decision.
  Batch decided(const BatchState &state, VelocityBearers bearers = {}) {
    std::vector<std::span<const AskedPosting>> spans(units_.begin(), units_.end());
    Batch batch(spans);
    EXPECT_EQ(batch.missing_templates(), std::vector<std::string>{"TRANSFER"});
    batch.add_template(transfer_template());
    EXPECT_TRUE(batch.missing_templates().empty());
    batch.prepare(kNow);
    needs = batch.needs();
    batch.limit_by(std::move(bearers));
    batch.decide(state, batch.stamp(state, kNow));
    return batch;
  }

  BatchNeeds needs;
  std::vector<Uuid> asked_originals;

 private:
  std::vector<std::vector<AskedPosting>> units_;
  std::vector<std::unique_ptr<base::Json>> params_;
};

BatchState ledger() {
  BatchState state;
  state.journals = {{kJournal, LockStatus::kActive, {}}, {kOtherJournal, LockStatus::kActive, {}}};
  state.accounts = {{kFirst, LockStatus::kActive, false, {}}, {kSecond, LockStatus::kActive, false, {}}};
  return state;
}

BatchWrite written(Batch &batch) {
  int n = 100;
  base::Result<BatchWrite> write = batch.write([&n](Timestamp) { return numbered(n++); });
  EXPECT_TRUE(write.ok());
  return write ? write.take() : BatchWrite{};
}

std::string refusal(Batch &batch, std::size_t unit) {
  base::Result<std::vector<PostingResult>> outcome = batch.take_outcome(unit);
  if (outcome) return "posted";
  return outcome.error().code + "@" + std::to_string(outcome.error().posting_index);
}

PostedTransaction posted_transfer(int id, const char *units) {
  base::Result<base::Json> params = base::Json::parse(std::string(R"({"units":")") + units + "\"}");
  EXPECT_TRUE(params.ok());
  base::Result<PostedTransaction> posted = prepare_posting(*transfer_template(), params->root(), numbered(id), kNow);
  EXPECT_TRUE(posted.ok());
  return posted ? posted.take() : PostedTransaction();
}

TEST(Batch, VoidsWithTheEntriesOfTheOriginalNegated) {
  Postings postings;
  postings.void_unit(52, 51);
  BatchState state = ledger();
  state.journals[0].max_scale = *MaxScale::parse(base::Json::parse("0")->root(), "");
  Batch batch = postings.decided_void(state, {posted_transfer(51, "1.5")});
  EXPECT_EQ(postings.asked_originals, std::vector<Uuid>{numbered(51)});
  EXPECT_EQ(postings.needs.transaction_ids, std::vector<Uuid>{numbered(52)});
  const BatchWrite write = written(batch);
  ASSERT_EQ(write.transactions.size(), 1U);
  EXPECT_EQ(write.transactions[0].void_of, numbered(51));
  ASSERT_EQ(write.entries.size(), 2U);
  EXPECT_EQ(write.entries[0].units.text(), "-1.5");
  EXPECT_EQ(write.entries[0].entry_type, "E_VOID");
  EXPECT_EQ(write.entries[0].direction, Direction::kDebit);
  EXPECT_EQ(write.entries[0].transaction_id, numbered(52));
}

TEST(Batch, VoidsOnceAndOnlyWhatIsThere) {
  BatchState state = ledger();
  PostedTransaction original = posted_transfer(51, "1");
  Postings none;
  none.void_unit(52, 51);
  Batch batch = none.decided_void(state, {});
  EXPECT_EQ(refusal(batch, 0), "transaction.not_found@0");
  original.transaction.voided_by = numbered(53);
  Postings again;
  again.void_unit(52, 51);
  batch = again.decided_void(state, {original});
  EXPECT_EQ(refusal(batch, 0), "transaction.already_voided@0");
}

TEST(Batch, VoidOfAVoidIsToldOfAllThatItTakesBack) {
  BatchState state = ledger();
  PostedTransaction mirror = mirror_of(posted_transfer(51, "1"), {numbered(51), {}, {}, {}}, numbered(52), kNow);
  Postings postings;
  postings.void_unit(53, 52);
  Batch batch = postings.decided_void(state, {mirror, posted_transfer(51, "1")});
  EXPECT_EQ(postings.asked_originals, (std::vector<Uuid>{numbered(52), numbered(51)}));
  const BatchWrite write = written(batch);
  ASSERT_EQ(write.entries.size(), 2U);
  EXPECT_EQ(write.entries[1].units.text(), "1");
  EXPECT_EQ(write.entries[1].entry_type, "E_VOID_VOID");
}

TEST(Batch, TheSameVoidAgainIsAReplayAndAnotherIsNot) {
  BatchState state = ledger();
  PostedTransaction original = posted_transfer(51, "1");
  PostedTransaction mirror = mirror_of(original, {numbered(51), {}, {}, {}}, numbered(52), kNow);
  original.transaction.voided_by = numbered(52);
  mirror.transaction.created_at = kNow;
  state.existing = {mirror};
  Postings again;
  again.void_unit(52, 51);
  Batch batch = again.decided_void(state, {original});
  base::Result<std::vector<PostingResult>> outcome = batch.take_outcome(0);
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->front().replayed);
  Postings posting;
  posting.unit({{52, "{}"}});
  Batch other = posting.decided(state);
  EXPECT_EQ(refusal(other, 0), "transaction.replay_differs@0");
}

TEST(Batch, AsksOnceForEachTransactionOfAHold) {
  std::vector<AskedPosting> unit(1);
  unit[0].id = numbered(52);
  unit[0].id_given = true;
  unit[0].step.emplace().hold_id = numbered(51);
  const std::vector<std::span<const AskedPosting>> units = {unit};
  Batch batch(units);
  EXPECT_TRUE(batch.missing_templates().empty());
  EXPECT_EQ(batch.missing_holds(), std::vector<Uuid>{numbered(51)});
  EXPECT_TRUE(batch.missing_originals().empty()) << "the hold says which";
  Hold hold;
  hold.id = numbered(51);
  hold.status = HoldStatus::kCaptured;
  hold.closed_by = numbered(52);
  batch.add_holds({numbered(51)}, {hold});
  EXPECT_TRUE(batch.missing_holds().empty());
  EXPECT_EQ(batch.missing_originals(), (std::vector<Uuid>{numbered(51), numbered(52)}));
  batch.add_originals({numbered(51), numbered(52)}, {});
  EXPECT_TRUE(batch.missing_originals().empty());
  batch.prepare(kNow);
  EXPECT_EQ(refusal(batch, 0), "hold.not_found@0");
}

TEST(Batch, AsksForWhatItsEntriesTouchSortedAndOnce) {
  Postings postings;
  postings.unit({{51, "{}"}, {52, "{}"}});
  BatchState state = ledger();
  postings.decided(state);
  EXPECT_EQ(postings.needs.transaction_ids, (std::vector<Uuid>{numbered(51), numbered(52)}));
  EXPECT_EQ(postings.needs.journal_ids, std::vector<Uuid>{kJournal});
  EXPECT_EQ(postings.needs.tx_template_ids, std::vector<Uuid>{numbered(31)});
  const Currency usd = *Currency::parse("USD");
  EXPECT_EQ(postings.needs.keys, (std::vector<BalanceKey>{{kFirst, usd, kJournal}, {kSecond, usd, kJournal}}));
}

TEST(Batch, WritesEntriesWithTheVersionsOfTheirBalances) {
  Postings postings;
  postings.unit({{51, R"({"units":"2"})"}, {52, R"({"units":"3"})"}});
  BatchState state = ledger();
  Balance before = empty_balance({kFirst, *Currency::parse("USD"), kJournal}, kNow);
  before.version = 7;
  state.balances = {before};
  Batch batch = postings.decided(state);
  ASSERT_TRUE(batch.any_open());
  const BatchWrite write = written(batch);
  ASSERT_EQ(write.entries.size(), 4U);
  EXPECT_EQ(write.entries[0].account_version, 8);
  EXPECT_EQ(write.entries[1].account_version, 1);
  EXPECT_EQ(write.entries[2].account_version, 9);
  ASSERT_EQ(write.balances.size(), 2U);
  EXPECT_EQ(write.balances[0].layers[0].debit.text(), "5");
  EXPECT_EQ(write.balance_versions, (std::vector<std::int64_t>{7, 0}));
  EXPECT_EQ(write.transactions[1].entry_ids, (std::vector<Uuid>{numbered(102), numbered(103)}));
}

// What was decided on is not what is there any more, which only a defect can bring about:
// no part of the posting is written.
TEST(Batch, WritesNothingWhenAnAcceptedEntryCannotBeAdded) {
  Postings postings;
  postings.unit({{51, "{}"}});
  BatchState state = ledger();
  state.balances = {empty_balance({kFirst, *Currency::parse("USD"), kJournal}, kNow)};
  Batch batch = postings.decided(state);
  ASSERT_TRUE(batch.any_open());
  state.balances[0].layers[0].debit = *Decimal::parse(std::string(38, '9'));
  const base::Result<BatchWrite> write = batch.write([](Timestamp) { return numbered(100); });
  ASSERT_FALSE(write.ok());
  EXPECT_EQ(write.error().code, "posting.fold");
  EXPECT_EQ(write.error().status, base::Status::kInternal);
}

// One entry moves its account's balance and those of all sets above it in its journal.
TEST(Batch, AnEntryMovesTheBalancesOfTheSetsAbove) {
  Postings postings;
  postings.unit({{51, R"({"units":"2"})"}, {52, R"({"units":"3"})"}});
  BatchState state = ledger();
  state.accounts[0].sets = {{kSet, kJournal}, {kSetOfSets, kJournal}, {kForeignSet, kOtherJournal}};
  state.accounts[1].sets = {{kSetOfSets, kJournal}};
  state.accounts.push_back({kSet, LockStatus::kActive, true, {}});
  state.accounts.push_back({kSetOfSets, LockStatus::kActive, true, {}});
  Batch batch = postings.decided(state);
  const BatchWrite write = written(batch);
  std::vector<std::pair<std::size_t, Uuid>> moved;
  for (const BalanceMove &move : write.moves) moved.emplace_back(move.entry, move.after.key.account_id);
  EXPECT_EQ(moved, (std::vector<std::pair<std::size_t, Uuid>>{{0, kFirst},
                                                              {0, kSet},
                                                              {0, kSetOfSets},
                                                              {1, kSecond},
                                                              {1, kSetOfSets},
                                                              {2, kFirst},
                                                              {2, kSet},
                                                              {2, kSetOfSets},
                                                              {3, kSecond},
                                                              {3, kSetOfSets}}));
  EXPECT_EQ(write.moves.back().after.version, 4);
  EXPECT_EQ(write.moves.back().after.entry_id, write.entries.back().id);
  EXPECT_EQ(write.entries.back().account_version, 2) << "the account's, not the set's";
  ASSERT_EQ(write.balances.size(), 4U);
  EXPECT_EQ(write.balances[3].key.account_id, kSetOfSets);
  EXPECT_EQ(write.balances[3].layers[0].debit.text(), "5");
  EXPECT_EQ(write.balances[3].layers[0].credit.text(), "5");
}

std::shared_ptr<const Floors> at_least(const char *least) {
  Floors floors;
  floors.min.otherwise = Decimal::parse(least);
  return std::make_shared<const Floors>(std::move(floors));
}

// kFirst is debited: on the credit side, what is available of it goes down.
TEST(Batch, WhatMustStayAvailableIsCheckedPostingByPosting) {
  Postings postings;
  postings.unit({{51, R"({"units":"6"})"}, {52, R"({"units":"5"})"}});
  postings.unit({{53, R"({"units":"10"})"}});
  postings.unit({{54, R"({"units":"1"})"}});
  BatchState state = ledger();
  state.accounts[0].floors = at_least("-10");
  Batch batch = postings.decided(state);
  EXPECT_EQ(refusal(batch, 0), "account.below_min@1");
  EXPECT_EQ(refusal(batch, 1), "posted") << "what was refused left no trace";
  EXPECT_EQ(refusal(batch, 2), "account.below_min@0");
}

TEST(Batch, WhatMustStayAvailableOfASetIsChecked) {
  Postings postings;
  postings.unit({{51, R"({"units":"6"})"}});
  BatchState state = ledger();
  state.accounts[0].sets = {{kSet, kJournal}, {kForeignSet, kOtherJournal}};
  state.accounts.push_back({kSet, LockStatus::kActive, true, {}});
  state.accounts.back().floors = at_least("-5");
  state.accounts.push_back({kForeignSet, LockStatus::kActive, true, {}});
  state.accounts.back().floors = at_least("100");
  Batch batch = postings.decided(state);
  EXPECT_EQ(refusal(batch, 0), "account.below_min@0");
  state.accounts[1].sets = state.accounts[0].sets;
  Postings within;
  within.unit({{51, R"({"units":"6"})"}});
  Batch inside = within.decided(state);
  EXPECT_EQ(refusal(inside, 0), "posted") << "what goes from one member to another leaves the set as it was";
}

// Every posting of a unit passes a stage before any goes to the next, so the lower posting's later stage does not win.
base::Date day(const char *text) { return base::Date::parse(text).value_or(base::Date{}); }

const DatedSums *bucket_in(const std::vector<Bucket> &buckets, const Uuid &account, BucketLevel level,
                           const char *start) {
  for (const Bucket &bucket : buckets) {
    if (bucket.key.account_id == account && bucket.level == level && bucket.start == day(start)) return &bucket.sums;
  }
  return nullptr;
}

TEST(Batch, AsksForTheDatesOfItsKeys) {
  Postings postings;
  postings.unit({{51, R"({"effective":"2025-03-10"})"},
                 {52, R"({"effective":"2025-03-10"})"},
                 {53, R"({"effective":"2025-03-09","to":"00000000-0000-0000-0000-00000000000b"})"}});
  const BatchState state = ledger();
  postings.decided(state);
  std::vector<std::pair<std::size_t, base::Date>> dated;
  for (const DatedKey &key : postings.needs.dated) dated.emplace_back(key.key, key.effective);
  EXPECT_EQ(dated, (std::vector<std::pair<std::size_t, base::Date>>{
                       {0, day("2025-03-09")}, {0, day("2025-03-10")}, {1, day("2025-03-10")}}));
}

TEST(Batch, BucketsByEffectiveDateMoveWithTheBalancesAlsoOfSets) {
  Postings postings;
  postings.unit({{51, R"({"units":"2","effective":"2025-03-10"})"}, {52, R"({"units":"3","effective":"2025-03-31"})"}});
  postings.unit({{53, R"({"units":"4","effective":"2025-03-10"})"}});
  BatchState state = ledger();
  state.journals[0].effective_balances = true;
  state.accounts[0].sets = {{kSet, kJournal}, {kForeignSet, kOtherJournal}};
  state.accounts.push_back({kSet, LockStatus::kActive, true, {}});
  Bucket before{{kFirst, *Currency::parse("USD"), kJournal}, BucketLevel::kMonth, day("2025-03-01"), {}};
  before.sums.entries = 7;
  before.sums.entry_date = day("2025-03-20");
  before.sums.entry_id = numbered(90);
  before.sums.layers[0] = {*Decimal::parse("1000"), Decimal(), numbered(90), day("2025-03-20"), kNow};
  state.buckets = {before};
  Batch batch = postings.decided(state);
  const BatchWrite write = written(batch);
  // Three balances, each with two days, a month and a year; the one that is credited has no set.
  EXPECT_EQ(write.buckets.size(), 3U * 4U);
  const DatedSums *month = bucket_in(write.buckets, kFirst, BucketLevel::kMonth, "2025-03-01");
  ASSERT_NE(month, nullptr);
  EXPECT_EQ(month->entries, 10);
  EXPECT_EQ(month->layers[0].debit.text(), "1009");
  EXPECT_EQ(month->entry_date, day("2025-03-31"));
  EXPECT_EQ(month->entry_id, write.entries[2].id);
  const DatedSums *of_set = bucket_in(write.buckets, kSet, BucketLevel::kDay, "2025-03-10");
  ASSERT_NE(of_set, nullptr);
  EXPECT_EQ(of_set->entries, 2);
  EXPECT_EQ(of_set->layers[0].debit.text(), "6");
  EXPECT_EQ(of_set->entry_id, write.entries[4].id);
  EXPECT_EQ(bucket_in(write.buckets, kForeignSet, BucketLevel::kDay, "2025-03-10"), nullptr);
}

TEST(Batch, AJournalWithoutThemHasNoBuckets) {
  Postings postings;
  postings.unit({{51, R"({"effective":"2025-03-10"})"}});
  const BatchState state = ledger();
  Batch batch = postings.decided(state);
  EXPECT_TRUE(written(batch).buckets.empty());
}

TEST(Batch, ASumOfAYearThatDoesNotFitRefusesThatUnitAlone) {
  const std::string most = "9" + std::string(37, '0');
  Postings postings;
  postings.unit({{51, R"({"units":")" + most + R"(","effective":"2025-03-10"})"},
                 {52, R"({"units":"-)" + most + R"(","effective":"2024-03-10"})"}});
  postings.unit({{53, R"({"units":")" + most + R"(","effective":"2025-06-10"})"}});
  postings.unit({{54, R"({"units":"1","effective":"2025-06-10"})"}});
  BatchState state = ledger();
  state.journals[0].effective_balances = true;
  Batch batch = postings.decided(state);
  const BatchWrite write = written(batch);
  EXPECT_EQ(refusal(batch, 1), "amount.range@0");
  const DatedSums *june = bucket_in(write.buckets, kFirst, BucketLevel::kMonth, "2025-06-01");
  ASSERT_NE(june, nullptr);
  EXPECT_EQ(june->layers[0].debit.text(), "1");
}

TEST(Batch, TheStageComesBeforeThePosting) {
  const std::string unknown_journal = R"({"journal":"00000000-0000-0000-0000-000000000009"})";
  const std::string unknown_account = R"({"to":"00000000-0000-0000-0000-000000000009"})";
  const std::string bad_param = R"({"units":"x"})";
  BatchState state = ledger();
  const auto told = [&state](const std::vector<std::pair<int, std::string>> &unit) {
    Postings postings;
    postings.unit(unit);
    Batch batch = postings.decided(state);
    EXPECT_FALSE(batch.any_open());
    EXPECT_TRUE(batch.settled(0));
    return refusal(batch, 0);
  };
  EXPECT_EQ(told({{51, unknown_account}, {52, unknown_journal}, {53, bad_param}}), "param.type@2");
  EXPECT_EQ(told({{51, unknown_account}, {52, unknown_journal}}), "journal.not_found@1");
  EXPECT_EQ(told({{51, "{}"}, {52, unknown_account}}), "account.not_found@1");
  EXPECT_EQ(told({{51, "{}"}, {51, "{}"}}), "transaction.exists@1");
}

TEST(Batch, LocksAndSetsRefuse) {
  const auto told = [](const BatchState &state) {
    Postings postings;
    postings.unit({{51, "{}"}});
    Batch batch = postings.decided(state);
    return refusal(batch, 0);
  };
  BatchState state = ledger();
  state.accounts[1].status = LockStatus::kLocked;
  EXPECT_EQ(told(state), "account.locked@0");
  state.accounts[0].is_set = true;
  EXPECT_EQ(told(state), "account.is_set@0");
  state.journals[0].closed_until = kNow.date();
  EXPECT_EQ(told(state), "journal.closed@0");
  state.journals[0].status = LockStatus::kLocked;
  EXPECT_EQ(told(state), "journal.locked@0");
}

// A sum that does not fit refuses its unit alone; the units after it see balances as if it had never been.
TEST(Batch, AUnitThatIsRefusedLeavesNoTrace) {
  const std::string huge = R"({"units":"99999999999999999999999999999999999999"})";
  Postings postings;
  postings.unit({{51, huge}});
  postings.unit({{52, huge}, {53, huge}});
  postings.unit({{54, R"({"units":"-1"})"}});
  BatchState state = ledger();
  Batch batch = postings.decided(state);
  ASSERT_TRUE(batch.any_open());
  const BatchWrite write = written(batch);
  EXPECT_EQ(write.transactions.size(), 2U);
  EXPECT_EQ(write.balances[0].layers[0].debit.text(), "99999999999999999999999999999999999998");
  EXPECT_FALSE(batch.settled(1)) << "it depends on what the first unit writes";
  EXPECT_EQ(refusal(batch, 0), "posted");
  EXPECT_EQ(refusal(batch, 1), "amount.range@0");
  EXPECT_EQ(refusal(batch, 2), "posted");
}

TEST(Batch, ASetsSumThatDoesNotFitRefuses) {
  Postings postings;
  postings.unit({{51, "{}"}});
  BatchState state = ledger();
  state.accounts[0].sets = {{kSet, kJournal}};
  Balance full = empty_balance({kSet, *Currency::parse("USD"), kJournal}, kNow);
  full.layers[0].debit = *Decimal::parse("99999999999999999999999999999999999999");
  state.balances = {full};
  Batch batch = postings.decided(state);
  EXPECT_FALSE(batch.any_open());
  EXPECT_EQ(refusal(batch, 0), "amount.range@0");
}

TEST(Batch, TheSamePostingAgainIsAReplayAndAnotherAConflict) {
  BatchState state = ledger();
  Postings first;
  first.unit({{51, R"({"key":"a"})"}});
  Batch posted = first.decided(state);
  written(posted);
  base::Result<std::vector<PostingResult>> outcome = posted.take_outcome(0);
  ASSERT_TRUE(outcome.ok());
  state.existing.push_back(outcome->front().posted);

  Postings again;
  again.unit({{51, R"({"key":"a"})"}});
  again.unit({{51, R"({"key":"b"})"}});
  Batch batch = again.decided(state);
  EXPECT_FALSE(batch.any_open());
  EXPECT_TRUE(batch.settled(0));
  base::Result<std::vector<PostingResult>> replayed = batch.take_outcome(0);
  ASSERT_TRUE(replayed.ok());
  EXPECT_TRUE(replayed->front().replayed);
  EXPECT_EQ(replayed->front().posted.transaction.id, numbered(51));
  EXPECT_EQ(refusal(batch, 1), "transaction.replay_differs@0");
}

// The second of two units with one id has to see what became of the first.
TEST(Batch, AUnitThatMeetsAnEarlierOnesIdIsLeftOut) {
  Postings postings;
  postings.unit({{51, "{}"}});
  postings.unit({{51, "{}"}});
  BatchState state = ledger();
  Batch batch = postings.decided(state);
  EXPECT_FALSE(batch.left_out(0));
  EXPECT_TRUE(batch.left_out(1));
  EXPECT_FALSE(batch.alone(1));
}

// No balance goes back in time, whatever the clock says; a set's neither.
TEST(Batch, InstantsDoNotGoBack) {
  Postings postings;
  postings.unit({{51, "{}"}});
  BatchState state = ledger();
  state.accounts[0].sets = {{kSet, kJournal}};
  Balance ahead = empty_balance({kSet, *Currency::parse("USD"), kJournal}, kNow);
  ahead.modified_at = Timestamp::from_micros(kNow.micros() + 5);
  state.balances = {ahead};
  Batch batch = postings.decided(state);
  const BatchWrite write = written(batch);
  EXPECT_EQ(write.transactions[0].created_at.micros(), kNow.micros() + 5);
  EXPECT_EQ(write.entries[1].created_at.micros(), kNow.micros() + 5);
}

// A control with one limit at this account or set: debits come to no more than `most` USD.
VelocityBearers limited(const Uuid &id, const std::string &most, const std::string &condition = "true") {
  VelocityLimit limit;
  limit.id = numbered(41);
  limit.number = 1;
  limit.condition = condition;
  limit.rule.balance.push_back({"SETTLED", "decimal('" + most + "')", "DEBIT", std::nullopt, std::nullopt, {}});
  VelocityControl control;
  control.id = numbered(42);
  control.number = 1;
  control.limits = {limit};
  const base::Result<FrozenControl> frozen = freeze(control, base::JsonView(), kNow);
  EXPECT_TRUE(frozen.ok());
  base::Result<CompiledControlPtr> compiled = compile_frozen(frozen_text(*frozen));
  EXPECT_TRUE(compiled.ok());
  VelocityBearers bearers;
  bearers.add({id, "A", std::nullopt, Direction::kCredit, std::nullopt, {compiled.take()}});
  return bearers;
}

VelocityKey counted_at(const Uuid &id) {
  return {id, *Currency::parse("USD"), kJournal, numbered(42), numbered(41), "{}"};
}

TEST(Batch, AsksForWhatLimitsCountedOnlyWhereOneCounts) {
  Postings postings;
  postings.unit({{51, "{}"}});
  BatchState state = ledger();
  Batch other = postings.decided(state, limited(kFirst, "1", "context.vars.entry.entryType == 'OTHER'"));
  EXPECT_TRUE(other.velocity_needs().empty());
  EXPECT_TRUE(written(other).velocity.empty());
  Batch batch = postings.decided(state, limited(kFirst, "1"));
  EXPECT_EQ(batch.velocity_needs(), std::vector<VelocityKey>{counted_at(kFirst)});
  batch.decide_again(batch.velocity_needs(), {}, kNow);
  EXPECT_TRUE(batch.velocity_needs().empty());
  const BatchWrite write = written(batch);
  ASSERT_EQ(write.velocity.size(), 1U);
  EXPECT_EQ(write.velocity[0].version, 1);
  EXPECT_EQ(write.velocity[0].layers[0].debit.text(), "1");
  EXPECT_EQ(write.velocity_versions, std::vector<std::int64_t>{0});
}

TEST(Batch, ALimitSeesTheUnitsBeforeAndNotThoseThatWereRefused) {
  Postings postings;
  postings.unit({{51, R"({"units":"6"})"}});
  postings.unit({{52, R"({"units":"1"})"}, {53, R"({"units":"5"})"}, {54, R"({"units":"50"})"}});
  postings.unit({{55, R"({"units":"4"})"}});
  postings.unit({{56, R"({"units":"1"})"}});
  BatchState state = ledger();
  Batch batch = postings.decided(state, limited(kFirst, "12"));
  VelocityBalance before{counted_at(kFirst), 3, {}};
  before.layers[0].debit = *Decimal::parse("2");
  batch.decide_again(batch.velocity_needs(), {before}, kNow);
  EXPECT_FALSE(batch.settled(1)) << "whether it passes depends on the unit before";
  const BatchWrite write = written(batch);
  ASSERT_EQ(write.velocity.size(), 1U);
  EXPECT_EQ(write.velocity[0].version, 5);
  EXPECT_EQ(write.velocity[0].layers[0].debit.text(), "12");
  EXPECT_EQ(write.velocity_versions, std::vector<std::int64_t>{3});
  EXPECT_EQ(write.transactions.size(), 2U);
  EXPECT_EQ(refusal(batch, 0), "posted");
  EXPECT_EQ(refusal(batch, 1), "velocity.exceeded@1");
  EXPECT_EQ(refusal(batch, 2), "posted");
  EXPECT_EQ(refusal(batch, 3), "velocity.exceeded@0");
}

TEST(Batch, ALimitOfASetCountsTheEntriesOfItsJournal) {
  Postings postings;
  postings.unit({{51, R"({"units":"5"})"}});
  BatchState state = ledger();
  state.accounts[0].sets = {{kSet, kJournal}, {kForeignSet, kOtherJournal}};
  state.accounts.push_back({kSet, LockStatus::kActive, true, {}});
  Batch batch = postings.decided(state, limited(kSet, "4"));
  ASSERT_EQ(batch.velocity_needs(), std::vector<VelocityKey>{counted_at(kSet)});
  batch.decide_again(batch.velocity_needs(), {}, kNow);
  EXPECT_EQ(refusal(batch, 0), "velocity.exceeded@0");
  Batch foreign = postings.decided(state, limited(kForeignSet, "4"));
  EXPECT_TRUE(foreign.velocity_needs().empty());
  EXPECT_EQ(refusal(foreign, 0), "posted");
}

TEST(Batch, ExpressionsOfLimitsComeBeforeAnyLimit) {
  Postings postings;
  postings.unit({{51, R"({"units":"5"})"}, {52, R"({"key":"bad"})"}});
  BatchState state = ledger();
  Batch batch = postings.decided(
      state, limited(kFirst, "4", "context.vars.entry.units > decimal('1') || context.vars.entry.metadata.x == 1"));
  EXPECT_TRUE(batch.velocity_needs().empty()) << "nothing is asked for what is refused anyway";
  EXPECT_EQ(refusal(batch, 0), "cel.eval@1");
}

}  // namespace
}  // namespace cala::core
