#include "core/posting/batch.h"

#include <algorithm>
#include <utility>

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

// of_request: the units are an amount that the request says, and not what a tx template made of it.
Error too_fine(const Entry &entry, int limit, bool of_request) {
  const std::string currency(entry.currency.code());
  const std::string units = entry.units.text();
  Error error = base::make_error(base::Status::kInvalid, "amount.scale",
                                 "entry " + std::to_string(entry.sequence) + " has " +
                                     std::to_string(entry.units.scale()) + " digits after the decimal point (" + units +
                                     " " + currency + "), and its journal's max_scale is " + std::to_string(limit) +
                                     (of_request ? ": round the amount" : ": round it in the tx template"));
  base::JsonWriter details;
  details.begin_object().key("journal_id").string(entry.journal_id.text()).key("currency").string(currency);
  details.key("units").string(units).key("max_scale").integer(limit);
  if (of_request) details.key("pointer").string("/amount");
  details.end_object();
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
    if (!sources_.lacks_template(*slot.asked)) continue;
    const std::string &code = slot.asked->tx_template_code;
    if (std::find(missing.begin(), missing.end(), code) == missing.end()) missing.push_back(code);
  }
  return missing;
}

std::vector<Uuid> Batch::missing_originals() const {
  std::vector<Uuid> missing;
  for (const Slot &slot : slots_) sources_.name_missing_originals(*slot.asked, missing);
  sort_distinct(missing);
  return missing;
}

std::vector<Uuid> Batch::missing_holds() const {
  std::vector<Uuid> missing;
  for (const Slot &slot : slots_) {
    const bool found = slot.asked->hold && slot.replayed;
    if (!slot.asked->step && !found) continue;
    const Uuid &id = found ? slot.posting.transaction.id : slot.asked->step->hold_id;
    if (!sources_.knows_hold(id)) missing.push_back(id);
  }
  return missing;
}

void Batch::add_holds(const std::vector<Uuid> &asked, std::vector<Hold> found) {
  sources_.add_holds(asked, std::move(found));
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].replayed && slots_[i].asked->hold) show_hold(i, *slots_[i].asked->hold);
  }
  for (Unit &unit : units_) close_if_refused(unit);
}

// A hold that is there already is the one that is asked for, if it ends when that would.
void Batch::show_hold(std::size_t i, const AskedHold &asked) {
  const Hold *there = sources_.hold(slots_[i].posting.transaction.id);
  if (there == nullptr) return;
  slots_[i].hold = *there;
  if (there->expires_at != asked.expires_at) fail(i, kReplay, replay_differs(slots_[i].posting, "expires_at"));
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
  needs.tx_template_ids = sources_.tx_template_ids();
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
    const Hold *of = sources_.hold(slot.asked->step->hold_id);
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

void Batch::decide_again(const std::vector<VelocityKey> &asked, std::vector<VelocityBalance> found,
                         base::Timestamp now) {
  counting_.start_over(asked, std::move(found));
  trial_.start_over();
  for (Slot &slot : slots_) {
    if (slot.error && slot.stage >= kFold) slot.error.reset();
    slot.warnings.clear();
  }
  for (Unit &unit : units_) unit.state = unit.before_fold;
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

bool Batch::any_open() const {
  return std::any_of(slots_.begin(), slots_.end(), [this](const Slot &slot) { return open(slot); });
}

Result<BatchWrite> Batch::write(const EntryIds &next_entry_id) {
  BatchWrite write;
  Trial::Moves moves;
  trial_.start_over();
  for (Slot &slot : slots_) {
    if (!open(slot)) continue;
    PostedTransaction &posting = slot.posting;
    const base::Timestamp now = units_[slot.unit].stamp;
    for (Entry &entry : posting.entries) {
      entry.id = next_entry_id(now);
      entry.created_at = now;
      // Ids are part of the snapshots, so the fold that counts is this one; fold_unit has shown that it succeeds.
      Outcome folded = trial_.fold(accounts_, moves, entry, now, [&](const Balance &balance) {
        if (balance.key.account_id == entry.account_id) entry.account_version = balance.version;
        write.moves.push_back({write.entries.size(), balance});
      });
      if (folded && keeps_dated(posting.transaction)) {
        folded = trial_.fold_dated(accounts_, moves, entry, posting.transaction.effective);
      }
      if (!folded) return fold_disagrees(entry);
      posting.transaction.entry_ids.push_back(entry.id);
      write.entries.push_back(entry);
    }
    posting.transaction.created_at = posting.transaction.modified_at = now;
    if (slot.hold) {
      slot.hold->modified_at = now;
      if (slot.asked->hold) slot.hold->created_at = now;
      write.holds.push_back(write_of(*slot.hold, accounts_.with_sets_above(posting.entries)));
    }
    if (!slot.warnings.empty()) write.warnings.push_back({write.transactions.size(), slot.warnings});
    write.transactions.push_back(posting.transaction);
  }
  for (const auto &[key, balance] : counting_.kept()) {
    write.velocity_versions.push_back(counting_.version_read(key));
    write.velocity.push_back(balance);
  }
  for (auto &[key, balance] : moves.balances) {
    const Balance *before = trial_.as_read(key);
    write.balance_versions.push_back(before == nullptr ? 0 : before->version);
    write.balances.push_back(std::move(balance));
  }
  for (auto &[place, sums] : moves.buckets) {
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
  Result<MadePosting> made = sources_.make(*slots_[i].asked, id, now);
  if (!made) return fail(i, kPrepare, std::move(made.error()));
  slots_[i].posting = std::move(made->posting);
  slots_[i].hold = std::move(made->hold);
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
  trial_.read(state.balances, state.buckets);
  for (const PostedTransaction &posted : state.existing) {
    existing_ids_[posted.transaction.id] = &posted;
    if (posted.transaction.external_id) existing_external_ids_[*posted.transaction.external_id] = &posted;
  }
}

// A transaction with the same id or external id: the same posting again, or a conflict. It is prepared once more at the
// first one's instant, so that date() and defaults give what they gave then.
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
  base::Outcome is_open = check_open(*found->second, slots_[i].posting.transaction.effective);
  if (!is_open) return fail(i, kJournal, std::move(is_open.error()));
  if (slots_[i].asked->voids) return;  // what was booked with a finer scale can be taken back
  for (const Entry &entry : slots_[i].posting.entries) {
    // Of a hold, too: only an amount that is said is a new one.
    if (slots_[i].asked->step && (!slots_[i].asked->step->amount || entry.layer == Layer::kPending)) continue;
    const int limit = found->second->max_scale.for_currency(entry.currency);
    if (entry.units.scale() > limit) {
      return fail(i, kJournal, too_fine(entry, limit, slots_[i].asked->step.has_value()));
    }
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

// As for a unit by itself; false when expressions may say something else on the day that it falls on.
bool Batch::set_stamp(Unit &unit, base::Timestamp now) const {
  unit.stamp = now;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (!open(slots_[i])) continue;
    for (const Entry &entry : slots_[i].posting.entries) unit.stamp = trial_.no_earlier(accounts_, entry, unit.stamp);
  }
  return unit.stamp.date() == now.date();
}

// What a unit that is alone leaves behind, so that those which it takes to its day are told alone at once.
void Batch::note_ahead(const Unit &unit) {
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (slots_[i].replayed) continue;
    for (const Entry &entry : slots_[i].posting.entries) trial_.leave_ahead(accounts_, entry, unit.stamp);
  }
}

// Adds a unit's entries to a trial of the balances; a sum that does not fit refuses this unit alone.
void Batch::fold_unit(Unit &unit) {
  Trial::Moves mine;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    if (!open(slots_[i]) || fold_posting(i, mine, unit.stamp)) continue;
    unit.state = Unit::kRefused;
    return;
  }
  if (!pass_limits(unit)) {
    unit.state = Unit::kRefused;
    return;
  }
  trial_.keep(std::move(mine));
}

bool Batch::fold_posting(std::size_t i, Trial::Moves &mine, base::Timestamp now) {
  PostedTransaction &posting = slots_[i].posting;
  std::vector<std::pair<Watched, Balance>> before;
  for (const Watched &one : accounts_.watched(posting)) before.emplace_back(one, trial_.amid(mine, one.key, now));
  for (Entry &entry : posting.entries) {
    entry.created_at = now;
    Outcome folded = trial_.fold(accounts_, mine, entry, now, [](const Balance &) {});
    if (folded && keeps_dated(posting.transaction)) {
      folded = trial_.fold_dated(accounts_, mine, entry, posting.transaction.effective);
    }
    if (folded) continue;
    fail(i, kFold, std::move(folded.error()));
    return false;
  }
  for (const auto &[one, balance] : before) {
    Outcome within = check_floor(one, balance, mine.balances.at(one.key));
    if (within) continue;
    fail(i, kFloor, std::move(within.error()));
    return false;
  }
  return true;
}

bool Batch::keeps_dated(const Transaction &transaction) const {
  return journals_.at(transaction.journal_id)->effective_balances;
}

// Which limits count what, for all of a unit before any of it is counted.
bool Batch::match_limits(const Unit &unit, std::vector<std::vector<VelocityHit>> &hits) {
  const auto sets_of = [this](const Entry &entry) { return accounts_.sets_above(entry); };
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    std::vector<VelocityHit> &of_posting = hits.emplace_back();
    if (!open(slots_[i])) continue;
    Transaction &transaction = slots_[i].posting.transaction;
    transaction.created_at = transaction.modified_at = unit.stamp;
    Result<std::vector<VelocityHit>> matched =
        counting_.bearers().match(slots_[i].posting, sets_of, sources_.counted_as(*slots_[i].asked));
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
  if (counting_.bearers().empty()) return true;
  std::vector<std::vector<VelocityHit>> hits;
  if (!match_limits(unit, hits)) return false;
  VelocityBalances mine;
  for (std::size_t i = unit.begin; i < unit.end; ++i) {
    for (const VelocityHit &hit : hits[i - unit.begin]) {
      Outcome passed = counting_.count(hit, mine, slots_[i].warnings);
      if (passed) continue;
      fail(i, kVelocity, std::move(passed.error()));
      return false;
    }
  }
  counting_.keep(std::move(mine));
  return true;
}

}  // namespace cala::core
