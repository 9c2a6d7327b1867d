#include "core/posting/batch.h"

#include <algorithm>
#include <utility>

#include "core/posting/prepare.h"
#include "core/posting/replay.h"
#include "core/rejection.h"

namespace cala::core {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Uuid;

template <typename T>
void sort_distinct(std::vector<T> &items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

Error repeated(const char *column, const std::string &value) {
  return rejection(base::Status::kConflict, "transaction.exists",
                   std::string("another posting of the same batch has the ") + column + " \"" + value + "\"",
                   {{"column", column}, {"value", value}});
}

Error too_fine(const Entry &entry, int limit) {
  const std::string currency(entry.currency.code());
  const std::string units = entry.units.text();
  Error error = base::make_error(base::Status::kInvalid, "amount.scale",
                                 "entry " + std::to_string(entry.sequence) + " has " +
                                     std::to_string(entry.units.scale()) + " digits after the decimal point (" + units +
                                     " " + currency + "), and its journal's max_scale is " + std::to_string(limit) +
                                     ": round it in the tx template");
  base::JsonWriter details;
  details.begin_object().key("journal_id").string(entry.journal_id.text()).key("currency").string(currency);
  details.key("units").string(units).key("max_scale").integer(limit).end_object();
  error.details = details.take();
  return error;
}

// A defect of ours: a posting is written with all its entries or not at all.
Error fold_disagrees(const Entry &entry) {
  return base::make_error(base::Status::kInternal, "posting.fold",
                          "an entry of account " + entry.account_id.text() +
                              " was accepted and could then not be added to its balance; nothing was written");
}

}  // namespace

Batch::Batch(const std::vector<std::span<const AskedPosting>> &units) {
  for (const std::span<const AskedPosting> postings : units) {
    Unit &unit = units_.emplace_back();
    unit.begin = slots_.size();
    for (const AskedPosting &posting : postings) {
      Slot &slot = slots_.emplace_back();
      slot.asked = &posting;
      slot.unit = units_.size() - 1;
    }
    unit.end = slots_.size();
  }
}

std::vector<std::string> Batch::missing_templates() const {
  std::vector<std::string> missing;
  for (const Slot &slot : slots_) {
    const std::string &code = slot.asked->tx_template_code;
    if (slot.asked->voids || slot.asked->step) continue;
    if (templates_.contains(code) || std::find(missing.begin(), missing.end(), code) != missing.end()) continue;
    missing.push_back(code);
  }
  return missing;
}

void Batch::add_template(CompiledTxTemplatePtr tx_template) {
  const std::string &code = tx_template->source.code;
  templates_.insert_or_assign(code, std::move(tx_template));
}

std::vector<Uuid> Batch::missing_originals() const {
  std::vector<Uuid> missing;
  for (const Slot &slot : slots_) {
    if (slot.asked->step) {
      const Hold *of = hold(slot.asked->step->hold_id);
      if (of == nullptr) continue;
      std::vector<Uuid> ids = {of->id, slot.asked->id};
      if (of->closed_by) ids.push_back(*of->closed_by);
      for (const Uuid &id : ids) {
        if (const std::optional<Uuid> next = originals_.missing(id)) missing.push_back(*next);
      }
    }
    if (!slot.asked->voids) continue;
    if (const std::optional<Uuid> next = originals_.missing(slot.asked->voids->of)) missing.push_back(*next);
  }
  sort_distinct(missing);
  return missing;
}

const PostedTransaction *Batch::counted_as(const Slot &slot) const {
  if (slot.asked->step) return originals_.find(slot.asked->step->hold_id);
  return slot.asked->voids ? originals_.first(slot.asked->voids->of) : nullptr;
}

const Hold *Batch::hold(const Uuid &id) const {
  const auto at = holds_.find(id);
  return at == holds_.end() || !at->second ? nullptr : &*at->second;
}

std::vector<Uuid> Batch::missing_holds() const {
  std::vector<Uuid> missing;
  for (const Slot &slot : slots_) {
    const bool found = slot.asked->hold && slot.replayed;
    if (!slot.asked->step && !found) continue;
    const Uuid &id = found ? slot.posting.transaction.id : slot.asked->step->hold_id;
    if (!holds_.contains(id)) missing.push_back(id);
  }
  return missing;
}

void Batch::add_holds(const std::vector<Uuid> &asked, std::vector<Hold> found) {
  for (const Uuid &id : asked) holds_[id].reset();
  for (Hold &one : found) {
    const Uuid id = one.id;
    holds_[id] = std::move(one);
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].replayed && slots_[i].asked->hold) show_hold(i, *slots_[i].asked->hold);
  }
  for (Unit &unit : units_) close_if_refused(unit);
}

// A hold that is there already is the one that is asked for, if it ends when that would.
void Batch::show_hold(std::size_t i, const AskedHold &asked) {
  const Hold *there = hold(slots_[i].posting.transaction.id);
  if (there == nullptr) return;
  slots_[i].hold = *there;
  if (there->expires_at != asked.expires_at) fail(i, kReplay, replay_differs(slots_[i].posting, "expires_at"));
}

std::vector<std::string> Batch::drop_stale_templates(const std::vector<Uuid> &stored) {
  const Ids known(stored.begin(), stored.end());
  std::vector<std::string> stale;
  for (const auto &[code, compiled] : templates_) {
    if (!known.contains(compiled->source.id)) stale.push_back(code);
  }
  for (const std::string &code : stale) templates_.erase(code);
  return stale;
}

void Batch::prepare(base::Timestamp now) {
  now_ = now;
  Ids ids;
  std::unordered_set<std::string> external_ids;
  for (Slot &slot : slots_) {
    slot.posting = PostedTransaction();
    slot.replayed = false;
    slot.error.reset();
    slot.hold.reset();
  }
  for (Unit &unit : units_) {
    unit.state = Unit::kOpen;
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      const auto made = made_at_.find(slots_[i].asked->id);
      prepare_one(i, slots_[i].asked->id, made == made_at_.end() ? now : made->second);
    }
    refuse_repeats(unit);
    close_if_refused(unit);
    if (unit.state == Unit::kOpen && meets(unit, ids, external_ids)) unit.state = Unit::kNextGroup;
  }
}

std::vector<Uuid> Batch::doubtful() {
  lost_commit_ = true;
  std::vector<Uuid> ids;
  for (const Slot &slot : slots_) {
    if (slot.error && !made_at_.contains(slot.asked->id)) ids.push_back(slot.asked->id);
  }
  return ids;
}

void Batch::note_made(const std::vector<Transaction> &transactions) {
  for (const Transaction &transaction : transactions) made_at_[transaction.id] = transaction.created_at;
}

BatchNeeds Batch::needs() const {
  BatchNeeds needs;
  std::vector<std::pair<BalanceKey, base::Date>> dated;
  for (const Slot &slot : slots_) {
    if (!open(slot)) continue;
    const PostedTransaction &prepared = slot.posting;
    needs.transaction_ids.push_back(prepared.transaction.id);
    if (prepared.transaction.external_id) needs.external_ids.push_back(*prepared.transaction.external_id);
    needs.journal_ids.push_back(prepared.transaction.journal_id);
    for (const Entry &entry : prepared.entries) {
      needs.keys.push_back(key_of(entry));
      dated.emplace_back(needs.keys.back(), prepared.transaction.effective);
    }
  }
  for (const auto &[code, compiled] : templates_) needs.tx_template_ids.push_back(compiled->source.id);
  sort_distinct(needs.journal_ids);
  sort_distinct(needs.keys);
  sort_distinct(dated);
  std::size_t at = 0;
  for (const auto &[key, effective] : dated) {
    while (needs.keys[at] != key) ++at;
    needs.dated.push_back({at, effective});
  }
  return needs;
}

base::Timestamp Batch::stamp(const BatchState &state, base::Timestamp now) const {
  const auto is_step = [](const Slot &slot) { return slot.asked->step.has_value(); };
  if (units_.size() > 1 && !std::all_of(slots_.begin(), slots_.end(), is_step)) return now;
  for (const Balance &balance : state.balances) now = std::max(now, balance.modified_at);
  return now;
}

bool Batch::captures_too_late(base::Timestamp now) const {
  return std::any_of(slots_.begin(), slots_.end(), [this, now](const Slot &slot) {
    if (!slot.asked->step || slot.asked->step->kind != AskedHoldStep::kCapture || !open(slot)) return false;
    const Hold *of = hold(slot.asked->step->hold_id);
    return of != nullptr && of->status_at(now_) == HoldStatus::kOpen && of->status_at(now) != HoldStatus::kOpen;
  });
}

void Batch::decide(const BatchState &state, base::Timestamp now) {
  now_ = now;
  index(state);
  for (Unit &unit : units_) {
    if (unit.state == Unit::kNextGroup && all_posted_before(unit)) unit.state = Unit::kOpen;
  }
  const auto stage = [this](void (Batch::*check)(std::size_t)) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (open(slots_[i])) (this->*check)(i);
    }
  };
  stage(&Batch::find_replay);
  stage(&Batch::check_journal);
  stage(&Batch::check_accounts);
  for (Unit &unit : units_) {
    close_if_refused(unit);
    unit.before_fold = unit.state;
  }
  fold_units(now);
}

std::vector<VelocityKey> Batch::velocity_needs() const { return {velocity_needs_.begin(), velocity_needs_.end()}; }

void Batch::decide_again(const std::vector<VelocityKey> &asked, std::vector<VelocityBalance> found,
                         base::Timestamp now) {
  for (const VelocityKey &key : asked) velocity_read_.insert_or_assign(key, VelocityBalance{key, 0, {}});
  for (VelocityBalance &balance : found) velocity_read_.insert_or_assign(balance.key, std::move(balance));
  for (Slot &slot : slots_) {
    if (slot.error && slot.stage >= kFold) slot.error.reset();
    slot.warnings.clear();
  }
  for (Unit &unit : units_) unit.state = unit.before_fold;
  trial_.clear();
  trial_buckets_.clear();
  ahead_.clear();
  velocity_trial_.clear();
  velocity_needs_.clear();
  fold_units(now);
}

void Batch::fold_units(base::Timestamp now) {
  bool keeps_order = true;
  for (Unit &unit : units_) {
    if (unit.state != Unit::kOpen || !writes(unit)) continue;
    if (!set_stamp(unit, now)) {
      unit.state = Unit::kAlone;
      keeps_order = false;
      note_ahead(unit);
    } else if (keeps_order) {
      fold_unit(unit);
    } else {
      unit.state = Unit::kNextGroup;
    }
  }
}

Result<std::vector<VelocityHeadroom>> Batch::headroom_after() const {
  std::vector<VelocityHeadroom> out;
  for (auto at = velocity_trial_.begin(); at != velocity_trial_.end(); ++at) {
    const VelocityKey &key = at->first;
    const CompiledControl *control = bearers_.find(key.account_id, key.control_id);
    if (control == nullptr) continue;
    FrozenControl counting = control->frozen;
    std::erase_if(counting.limits, [&key](const FrozenLimit &limit) { return limit.id != key.limit_id; });
    const HeadroomFilter only{key.journal_id, key.currency};
    Result<std::vector<VelocityHeadroom>> left =
        headroom(key.account_id, counting, {at->second}, only, units_.front().stamp);
    if (!left) return std::move(left.error());
    out.insert(out.end(), left->begin(), left->end());
  }
  return out;
}

bool Batch::any_open() const {
  return std::any_of(slots_.begin(), slots_.end(), [this](const Slot &slot) { return open(slot); });
}

Result<BatchWrite> Batch::write(const EntryIds &next_entry_id) {
  BatchWrite write;
  Balances touched;
  Buckets dated;
  for (Slot &slot : slots_) {
    if (!open(slot)) continue;
    PostedTransaction &posting = slot.posting;
    const base::Timestamp now = units_[slot.unit].stamp;
    for (Entry &entry : posting.entries) {
      entry.id = next_entry_id(now);
      entry.created_at = now;
      // Ids are part of the snapshots, so the fold that counts is this one; fold_unit has shown that it succeeds.
      bool folded = true;
      accounts_.for_each_moved(entry, [&](const BalanceKey &key) {
        const auto before = balances_.find(key);
        Balance &balance =
            touched.try_emplace(key, before == balances_.end() ? empty_balance(key, now) : *before->second)
                .first->second;
        if (!fold(balance, entry)) folded = false;
        if (key.account_id == entry.account_id) entry.account_version = balance.version;
        write.moves.push_back({write.entries.size(), balance});
      });
      if (!folded || !fold_dated(dated, {}, entry, posting.transaction.effective)) return fold_disagrees(entry);
      posting.transaction.entry_ids.push_back(entry.id);
      write.entries.push_back(entry);
    }
    posting.transaction.created_at = posting.transaction.modified_at = now;
    if (slot.hold) {
      slot.hold->modified_at = now;
      if (slot.asked->hold) slot.hold->created_at = now;
      write.holds.push_back(write_of(*slot.hold, posting.entries));
    }
    if (!slot.warnings.empty()) write.warnings.push_back({write.transactions.size(), slot.warnings});
    write.transactions.push_back(posting.transaction);
  }
  for (const auto &[key, balance] : velocity_trial_) {
    write.velocity_versions.push_back(velocity_read_.at(key).version);
    write.velocity.push_back(balance);
  }
  for (auto &[key, balance] : touched) {
    const auto before = balances_.find(key);
    write.balance_versions.push_back(before == balances_.end() ? 0 : before->second->version);
    write.balances.push_back(std::move(balance));
  }
  for (auto &[place, sums] : dated) {
    write.buckets.push_back({std::get<0>(place), std::get<1>(place), std::get<2>(place), std::move(sums)});
  }
  return write;
}

bool Batch::settled(std::size_t at) const {
  const Unit &unit = units_[at];
  if (unit.state == Unit::kRefused) return first_error(unit).stage < kFold;
  return unit.state == Unit::kOpen && !writes(unit);
}

bool Batch::left_out(std::size_t at) const {
  return units_[at].state == Unit::kNextGroup || units_[at].state == Unit::kAlone;
}

bool Batch::refused(std::size_t at) const { return units_[at].state == Unit::kRefused; }

bool Batch::alone(std::size_t at) const { return units_[at].state == Unit::kAlone; }

bool Batch::unknown(std::size_t at) const {
  return lost_commit_ && units_[at].state == Unit::kRefused && first_error(units_[at]).stage == kPrepare;
}

Result<std::vector<PostingResult>> Batch::take_outcome(std::size_t at) {
  const Unit &unit = units_[at];
  if (unit.state == Unit::kRefused) return std::move(*first_error(unit).error);
  std::vector<PostingResult> results;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    Slot &slot = slots_[i];
    // An id that nobody else knows was posted by this very operation, whose first answer was lost on the way.
    const bool own = !slot.asked->id_given && slot.posting.transaction.id == slot.asked->id;
    if (slot.hold) slot.hold->status = slot.hold->status_at(now_);
    results.push_back(
        PostingResult{std::move(slot.posting), slot.replayed && !own, std::move(slot.warnings), std::move(slot.hold)});
  }
  return results;
}

// Whether any of an open unit is still to be written.
bool Batch::writes(const Unit &unit) const {
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (open(slots_[i])) return true;
  }
  return false;
}

// Whatever becomes of the units before it: an id that the caller gave may be one of theirs, if it is not known yet.
bool Batch::all_posted_before(const Unit &unit) const {
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    const Slot &slot = slots_[i];
    if (existing_ids_.contains(slot.posting.transaction.id)) continue;
    if (slot.asked->id_given || posted_before(slot.posting.transaction) == nullptr) return false;
  }
  return true;
}

// The slot whose error a refused unit ends with.
const Batch::Slot &Batch::first_error(const Unit &unit) const {
  const Slot *first = nullptr;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    const Slot &slot = slots_[i];
    if (slot.error && (first == nullptr || slot.stage < first->stage)) first = &slot;
  }
  return *first;
}

void Batch::close_if_refused(Unit &unit) {
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (slots_[i].error) unit.state = Unit::kRefused;
  }
}

void Batch::fail(std::size_t i, Stage stage, Error error) {
  error.posting_index = static_cast<std::int64_t>(i - units_[slots_[i].unit].begin);
  slots_[i].stage = stage;
  slots_[i].error = std::make_unique<Error>(std::move(error));
}

void Batch::prepare_one(std::size_t i, const Uuid &id, base::Timestamp now) {
  if (slots_[i].asked->voids) return prepare_void(i, *slots_[i].asked->voids, id, now);
  if (slots_[i].asked->step) return prepare_step(i, *slots_[i].asked->step, id, now);
  const std::string &code = slots_[i].asked->tx_template_code;
  const auto found = templates_.find(code);
  if (found == templates_.end()) return fail(i, kPrepare, not_found("tx_template", "code", code));
  Result<PostedTransaction> prepared = prepare_posting(*found->second, slots_[i].asked->params, id, now);
  if (!prepared) return fail(i, kPrepare, std::move(prepared.error()));
  slots_[i].posting = prepared.take();
  if (slots_[i].asked->hold) prepare_hold(i, *slots_[i].asked->hold);
}

void Batch::prepare_hold(std::size_t i, const AskedHold &asked) {
  PostedTransaction &posting = slots_[i].posting;
  if (Outcome pending = check_pending(posting); !pending) return fail(i, kPrepare, std::move(pending.error()));
  posting.transaction.hold_id = posting.transaction.id;
  slots_[i].hold = hold_of(posting, asked);
}

// What was posted before under the same id, or has released the hold that is to be released, is a replay, which the store will show.
void Batch::prepare_step(std::size_t i, const AskedHoldStep &asked, const Uuid &id, base::Timestamp now) {
  const Hold *of = hold(asked.hold_id);
  const PostedTransaction *own = of == nullptr ? nullptr : originals_.find(of->id);
  if (own == nullptr) return fail(i, kPrepare, not_found("hold", "id", asked.hold_id.text()));
  const PostedTransaction *before = originals_.find(slots_[i].asked->id);
  const bool is_gone = of->status == HoldStatus::kReleased || of->status == HoldStatus::kExpired;
  if (before == nullptr && asked.kind == AskedHoldStep::kRelease && !slots_[i].asked->id_given && is_gone) {
    before = originals_.find(*of->closed_by);
  }
  if (before != nullptr) {
    const auto field = step_difference(*of, before->transaction, before->entries, asked);
    if (field) return fail(i, kPrepare, replay_differs(*before, *field));
    slots_[i].posting = *before;
    slots_[i].hold = *of;
    return;
  }
  Result<HoldStep> step = take_step(*of, *own, asked, id, now);
  if (!step) return fail(i, kPrepare, std::move(step.error()));
  slots_[i].posting = std::move(step->posting);
  slots_[i].hold = std::move(step->after);
}

// The same void_id again is a replay, which the store will show.
void Batch::prepare_void(std::size_t i, const AskedVoid &asked, const Uuid &id, base::Timestamp now) {
  const PostedTransaction *posted = originals_.find(asked.of);
  if (posted == nullptr) return fail(i, kPrepare, not_found("transaction", "id", asked.of.text()));
  const Transaction &transaction = posted->transaction;
  if (transaction.hold_id) return fail(i, kPrepare, not_voidable(transaction));
  if (transaction.voided_by && *transaction.voided_by != id) return fail(i, kPrepare, already_voided(transaction));
  slots_[i].posting = mirror_of(*posted, asked, id, now);
}

void Batch::refuse_repeats(const Unit &unit) {
  Ids ids;
  std::unordered_set<std::string> external_ids;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (!open(slots_[i])) continue;
    const Transaction &transaction = slots_[i].posting.transaction;
    if (!ids.insert(transaction.id).second) {
      fail(i, kPrepare, repeated("id", transaction.id.text()));
    } else if (transaction.external_id && !external_ids.insert(*transaction.external_id).second) {
      fail(i, kPrepare, repeated("external_id", *transaction.external_id));
    }
  }
}

// Whether an earlier unit has one of its ids. Adds its own.
bool Batch::meets(const Unit &unit, Ids &ids, std::unordered_set<std::string> &external_ids) const {
  bool met = false;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    const Transaction &transaction = slots_[i].posting.transaction;
    if (!ids.insert(transaction.id).second) met = true;
    if (transaction.external_id && !external_ids.insert(*transaction.external_id).second) met = true;
  }
  return met;
}

void Batch::index(const BatchState &state) {
  for (const JournalState &journal : state.journals) journals_[journal.id] = &journal;
  for (const AccountState &account : state.accounts) accounts_.add(account);
  for (const Balance &balance : state.balances) balances_[balance.key] = &balance;
  for (const Bucket &bucket : state.buckets) buckets_[{bucket.key, bucket.level, bucket.start}] = &bucket.sums;
  for (const PostedTransaction &posted : state.existing) {
    existing_ids_[posted.transaction.id] = &posted;
    if (posted.transaction.external_id) existing_external_ids_[*posted.transaction.external_id] = &posted;
  }
}

// A transaction with the same id or external id: the same posting again, or a conflict. It is prepared once more at the first one's
// instant, so that date() and defaults give what they gave then.
void Batch::find_replay(std::size_t i) {
  const PostedTransaction *posted = posted_before(slots_[i].posting.transaction);
  if (posted == nullptr) return;
  const AskedPosting &asked = *slots_[i].asked;
  prepare_one(i, asked.id_given ? asked.id : posted->transaction.id, posted->transaction.created_at);
  if (slots_[i].error) return;
  const std::optional<std::string> field = first_difference(*posted, slots_[i].posting);
  if (field) return fail(i, kReplay, replay_differs(*posted, *field));
  slots_[i].posting = *posted;
  slots_[i].replayed = true;
}

const PostedTransaction *Batch::posted_before(const Transaction &mine) const {
  const auto by_id = existing_ids_.find(mine.id);
  if (by_id != existing_ids_.end()) return by_id->second;
  if (!mine.external_id) return nullptr;
  const auto by_external_id = existing_external_ids_.find(*mine.external_id);
  return by_external_id == existing_external_ids_.end() ? nullptr : by_external_id->second;
}

void Batch::check_journal(std::size_t i) {
  const Uuid &id = slots_[i].posting.transaction.journal_id;
  const auto found = journals_.find(id);
  if (found == journals_.end()) return fail(i, kJournal, not_found("journal", "id", id.text()));
  if (found->second->status == LockStatus::kLocked) {
    return fail(i, kJournal,
                rejection(base::Status::kRejected, "journal.locked", "journal " + id.text() + " is locked",
                          {{"journal_id", id.text()}}));
  }
  if (slots_[i].asked->voids) return;  // what was booked with a finer scale can be taken back
  for (const Entry &entry : slots_[i].posting.entries) {
    // Of a hold, too: only an amount that is said is a new one.
    if (slots_[i].asked->step && (!slots_[i].asked->step->amount || entry.layer == Layer::kPending)) continue;
    const int limit = found->second->max_scale.for_currency(entry.currency);
    if (entry.units.scale() > limit) return fail(i, kJournal, too_fine(entry, limit));
  }
}

void Batch::check_accounts(std::size_t i) {
  for (const Entry &entry : slots_[i].posting.entries) {
    const std::string id = entry.account_id.text();
    const AccountState *account = accounts_.find(entry.account_id);
    if (account == nullptr) return fail(i, kAccount, not_found("account", "id", id));
    if (account->is_set) {
      return fail(
          i, kAccount,
          rejection(base::Status::kRejected, "account.is_set",
                    "account " + id + " is an account set and takes no entries of its own", {{"account_id", id}}));
    }
    if (account->status == LockStatus::kLocked) {
      return fail(
          i, kAccount,
          rejection(base::Status::kRejected, "account.locked", "account " + id + " is locked", {{"account_id", id}}));
    }
  }
}

const Balance *Batch::balance_before(const BalanceKey &key) const {
  const auto trial = trial_.find(key);
  if (trial != trial_.end()) return &trial->second;
  const auto read = balances_.find(key);
  return read == balances_.end() ? nullptr : read->second;
}

// As for a unit by itself; false when expressions may say something else on the day that it falls on.
bool Batch::set_stamp(Unit &unit, base::Timestamp now) const {
  unit.stamp = now;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (!open(slots_[i])) continue;
    for (const Entry &entry : slots_[i].posting.entries) {
      accounts_.for_each_moved(entry, [&](const BalanceKey &key) {
        const Balance *before = balance_before(key);
        if (before != nullptr) unit.stamp = std::max(unit.stamp, before->modified_at);
        const auto ahead = ahead_.find(key);
        if (ahead != ahead_.end()) unit.stamp = std::max(unit.stamp, ahead->second);
      });
    }
  }
  return unit.stamp.date() == now.date();
}

// What a unit that is alone leaves behind, so that those which it takes to its day are told alone at once.
void Batch::note_ahead(const Unit &unit) {
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (slots_[i].replayed) continue;
    for (const Entry &entry : slots_[i].posting.entries) {
      accounts_.for_each_moved(entry, [&](const BalanceKey &key) {
        base::Timestamp &ahead = ahead_[key];
        ahead = std::max(ahead, unit.stamp);
      });
    }
  }
}

// Adds a unit's entries to a trial of the balances; a sum that does not fit refuses this unit alone.
void Batch::fold_unit(Unit &unit) {
  Balances mine;
  Buckets dated;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (!open(slots_[i]) || fold_posting(i, mine, dated, unit.stamp)) continue;
    unit.state = Unit::kRefused;
    return;
  }
  if (!pass_limits(unit)) {
    unit.state = Unit::kRefused;
    return;
  }
  for (auto &[key, balance] : mine) trial_.insert_or_assign(key, std::move(balance));
  for (auto &[key, sums] : dated) trial_buckets_.insert_or_assign(key, std::move(sums));
}

bool Batch::fold_posting(std::size_t i, Balances &mine, Buckets &dated, base::Timestamp now) {
  PostedTransaction &posting = slots_[i].posting;
  std::vector<std::pair<Watched, Balance>> before;
  for (const Watched &one : accounts_.watched(posting)) {
    const auto at = mine.find(one.key);
    const Balance *read = at != mine.end() ? &at->second : balance_before(one.key);
    before.emplace_back(one, read == nullptr ? empty_balance(one.key, now) : *read);
  }
  for (Entry &entry : posting.entries) {
    entry.created_at = now;
    Outcome folded = fold_into(mine, entry, now);
    if (folded) folded = fold_dated(dated, trial_buckets_, entry, posting.transaction.effective);
    if (folded) continue;
    fail(i, kFold, std::move(folded.error()));
    return false;
  }
  for (const auto &[one, balance] : before) {
    Outcome within = check_floor(one, balance, mine.at(one.key));
    if (within) continue;
    fail(i, kFloor, std::move(within.error()));
    return false;
  }
  return true;
}

// Which limits count what, for all of a unit before any of it is counted.
bool Batch::match_limits(const Unit &unit, std::vector<std::vector<VelocityHit>> &hits) {
  const auto sets_of = [this](const Entry &entry) { return accounts_.sets_above(entry); };
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    std::vector<VelocityHit> &of_posting = hits.emplace_back();
    if (!open(slots_[i])) continue;
    Transaction &transaction = slots_[i].posting.transaction;
    transaction.created_at = transaction.modified_at = unit.stamp;
    Result<std::vector<VelocityHit>> matched = bearers_.match(slots_[i].posting, sets_of, counted_as(slots_[i]));
    if (!matched) {
      fail(i, kMatch, std::move(matched.error()));
      return false;
    }
    of_posting = matched.take();
  }
  return true;
}

// False when a limit refuses the unit. What is not known yet passes, and is noted.
bool Batch::pass_limits(const Unit &unit) {
  if (bearers_.empty()) return true;
  std::vector<std::vector<VelocityHit>> hits;
  if (!match_limits(unit, hits)) return false;
  VelocityBalances mine;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    Slot &slot = slots_[i];
    for (const VelocityHit &hit : hits[i - unit.begin]) {
      VelocityBalance *balance = counted(mine, hit.key);
      if (balance == nullptr) {
        velocity_needs_.insert(hit.key);
        continue;
      }
      Outcome passed = count_hit(hit, *balance, slot.warnings);
      if (passed) continue;
      fail(i, kVelocity, std::move(passed.error()));
      return false;
    }
  }
  for (auto &[key, balance] : mine) velocity_trial_.insert_or_assign(key, std::move(balance));
  return true;
}

// What has been counted under a key, to be counted on; null where that is not known yet.
VelocityBalance *Batch::counted(VelocityBalances &mine, const VelocityKey &key) {
  if (const auto at = mine.find(key); at != mine.end()) return &at->second;
  auto before = velocity_trial_.find(key);
  if (before == velocity_trial_.end()) {
    before = velocity_read_.find(key);
    if (before == velocity_read_.end()) return nullptr;
  }
  return &mine.emplace(key, before->second).first->second;
}

Outcome Batch::fold_into(Balances &mine, const Entry &entry, base::Timestamp now) const {
  Outcome outcome;
  accounts_.for_each_moved(entry, [&](const BalanceKey &key) {
    if (!outcome) return;
    auto at = mine.find(key);
    if (at == mine.end()) {
      const Balance *before = balance_before(key);
      at = mine.emplace(key, before == nullptr ? empty_balance(key, now) : *before).first;
    }
    outcome = fold(at->second, entry);
  });
  return outcome;
}

Outcome Batch::fold_dated(Buckets &buckets, const Buckets &before, const Entry &entry, base::Date effective) const {
  if (!journals_.at(entry.journal_id)->effective_balances) return {};
  Outcome outcome;
  accounts_.for_each_moved(entry, [&](const BalanceKey &key) {
    for (const BucketLevel level : kBucketLevels) {
      if (!outcome) return;
      const BucketKey place(key, level, bucket_start(level, effective));
      auto at = buckets.find(place);
      if (at == buckets.end()) {
        const auto earlier = before.find(place);
        const auto read = buckets_.find(place);
        const DatedSums none;
        at = buckets
                 .emplace(place, earlier != before.end()  ? earlier->second
                                 : read != buckets_.end() ? *read->second
                                                          : none)
                 .first;
      }
      outcome = fold(at->second, entry, effective);
    }
  });
  return outcome;
}

}  // namespace cala::core
