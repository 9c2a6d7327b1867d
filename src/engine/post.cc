#include "engine/post.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/posting/prepare.h"
#include "core/posting/replay.h"
#include "engine/answers.h"
#include "engine/operations.h"

namespace cala::engine {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Uuid;
using core::CompiledTxTemplatePtr;
using core::PostedTransaction;
using store::StatementId;

constexpr int kMaxStaleTemplates = 3;

std::string quoted_details(std::initializer_list<std::pair<const char *, std::string>> members) {
  base::JsonWriter out;
  out.begin_object();
  for (const auto &[key, value] : members) out.key(key).string(value);
  out.end_object();
  return out.take();
}

Error rejection(base::Status status, const char *code, std::string message,
                std::initializer_list<std::pair<const char *, std::string>> members) {
  Error error = base::make_error(status, code, std::move(message));
  error.details = quoted_details(members);
  return error;
}

Error outcome_unknown() {
  return base::make_error(base::Status::kOutcomeUnknown, "store.outcome_unknown",
                          "the connection was lost during the commit; it may or may not have happened");
}

// Units of postings on their way through the stages. Pure: it decides, the flow below asks the store.
class Batch {
 public:
  explicit Batch(const std::vector<const PostingUnit *> &units) {
    for (const PostingUnit *asked : units) {
      Unit &unit = units_.emplace_back();
      unit.asked = asked;
      unit.begin = slots_.size();
      for (const Posting &posting : asked->postings) {
        Slot &slot = slots_.emplace_back();
        slot.asked = &posting;
        slot.unit = units_.size() - 1;
      }
      unit.end = slots_.size();
    }
  }

  // Codes of templates that are not at hand yet.
  std::vector<std::string> missing_templates(TxTemplateCache &cache) {
    std::vector<std::string> missing;
    for (const Slot &slot : slots_) {
      const std::string &code = slot.asked->tx_template_code;
      if (templates_.contains(code)) continue;
      CompiledTxTemplatePtr cached = cache.find(code);
      if (cached) {
        templates_.emplace(code, std::move(cached));
      } else if (std::find(missing.begin(), missing.end(), code) == missing.end()) {
        missing.push_back(code);
      }
    }
    return missing;
  }

  Outcome add_template(core::TxTemplate source, TxTemplateCache *cache) {
    Result<CompiledTxTemplatePtr> compiled = core::compile_tx_template(std::move(source));
    if (!compiled) return std::move(compiled.error());
    if (cache != nullptr) cache->put(*compiled);
    templates_.insert_or_assign((*compiled)->source.code, *compiled);
    return {};
  }

  // Forgets templates that the store no longer has; true when there were any.
  bool drop_stale_templates(const std::vector<Uuid> &stored, TxTemplateCache &cache) {
    const std::unordered_set<Uuid, base::UuidHash> known(stored.begin(), stored.end());
    std::vector<std::string> stale;
    for (const auto &[code, compiled] : templates_) {
      if (!known.contains(compiled->source.id)) stale.push_back(code);
    }
    for (const std::string &code : stale) {
      cache.remove(code);
      templates_.erase(code);
    }
    return !stale.empty();
  }

  // Stage 1: template, params, expressions, balance; then ids that the same unit has twice, and those of an earlier unit.
  void prepare(base::Timestamp now) {
    for (Slot &slot : slots_) slot.forget();
    std::unordered_set<Uuid, base::UuidHash> ids;
    std::unordered_set<std::string> external_ids;
    for (Unit &unit : units_) {
      unit.state = Unit::kOpen;
      for (std::size_t i = unit.begin; i < unit.end; ++i) {
        const Uuid &id = slots_[i].asked->id;
        const auto made = made_at_.find(id);
        prepare_one(i, id, made == made_at_.end() ? now : made->second);
      }
      refuse_repeats(unit);
      close_if_refused(unit);
      if (unit.state == Unit::kOpen && meets(unit, ids, external_ids)) unit.state = Unit::kNextGroup;
    }
  }

  // Of units whose commit may have been lost: postings that are refused now were not then, on another day perhaps. They are there,
  // or what became of them stays unknown.
  std::vector<Uuid> doubtful() {
    lost_commit_ = true;
    std::vector<Uuid> ids;
    for (const Slot &slot : slots_) {
      if (slot.error && !made_at_.contains(slot.asked->id)) ids.push_back(slot.asked->id);
    }
    return ids;
  }

  // They are prepared as of then from now on.
  void note_made(const std::vector<core::Transaction> &transactions) {
    for (const core::Transaction &transaction : transactions) made_at_[transaction.id] = transaction.created_at;
  }

  store::PostingRead read_request(bool host) const {
    store::PostingRead read;
    read.host = host;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!open(slots_[i])) continue;
      const PostedTransaction &prepared = slots_[i].posting;
      read.transaction_ids.push_back(prepared.transaction.id);
      if (prepared.transaction.external_id) read.external_ids.push_back(*prepared.transaction.external_id);
      read.journal_ids.push_back(prepared.transaction.journal_id);
      for (const core::Entry &entry : prepared.entries) read.keys.push_back(key_of(entry));
    }
    for (const auto &[code, compiled] : templates_) read.tx_template_ids.push_back(compiled->source.id);
    sort_distinct(read.journal_ids);
    sort_distinct(read.keys);
    return read;
  }

  // Stages 2 and 3, on what the store holds: replays, journals, accounts; then the fold.
  void decide(const store::PostingState &state, base::Timestamp now) {
    index(state);
    for (Unit &unit : units_) {
      if (unit.state == Unit::kNextGroup && all_posted_before(unit)) unit.state = Unit::kOpen;
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (open(slots_[i])) find_replay(i);
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (open(slots_[i])) check_journal(i);
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (open(slots_[i])) check_accounts(i);
    }
    bool keeps_order = true;
    for (Unit &unit : units_) {
      close_if_refused(unit);
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

  // The instant of what a unit by itself writes now that the balances are locked: not before anything they hold, whatever the clock
  // says, so that no balance goes back in time. In a group each unit has its own.
  base::Timestamp stamp(const store::PostingState &state, base::Timestamp now) const {
    if (units_.size() > 1) return now;
    for (const core::Balance &balance : state.balances) now = std::max(now, balance.modified_at);
    return now;
  }

  // What there is to write: nothing when everything was refused or replayed.
  Result<store::PostingWrite> write_request(store::PostingState &state) {
    store::PostingWrite write;
    write.guard = state.guard;
    write.ticket = state.ticket.get();
    std::map<core::BalanceKey, core::Balance> touched;
    for (Slot &slot : slots_) {
      if (!open(slot)) continue;
      PostedTransaction &posting = slot.posting;
      const base::Timestamp now = units_[slot.unit].stamp;
      for (core::Entry &entry : posting.entries) {
        entry.id = state.ticket ? state.ticket->next_entry_id(now) : base::new_uuid();
        entry.created_at = now;
        core::Balance &balance = touched.try_emplace(key_of(entry), starting_balance(key_of(entry), now)).first->second;
        // Ids are part of the snapshots, so the fold that counts is this one; fold_posting has shown that it succeeds.
        if (Outcome folded = core::fold(balance, entry); !folded) return fold_disagrees(entry);
        entry.account_version = balance.version;
        posting.transaction.entry_ids.push_back(entry.id);
        write.history.push_back(balance);
        write.entries.push_back(entry);
      }
      posting.transaction.created_at = posting.transaction.modified_at = now;
      write.transactions.push_back(posting.transaction);
    }
    for (auto &[key, balance] : touched) {
      const auto before = balances_.find(key);
      write.balance_versions.push_back(before == balances_.end() ? 0 : before->second->version);
      write.balances.push_back(std::move(balance));
    }
    return write;
  }

  bool any_open() const {
    return std::any_of(slots_.begin(), slots_.end(), [this](const Slot &slot) { return open(slot); });
  }

  // Whether a unit's outcome is known, as far as the stages have come, and does not depend on what the group writes: refused for what
  // the store holds, or posted before as a whole.
  bool settled(std::size_t at) const {
    const Unit &unit = units_[at];
    if (unit.state == Unit::kRefused) return first_error(unit).stage != kFold;
    return unit.state == Unit::kOpen && !writes(unit);
  }
  bool refused(std::size_t at) const { return units_[at].state == Unit::kRefused; }
  bool left_out(std::size_t at) const {
    return units_[at].state == Unit::kNextGroup || units_[at].state == Unit::kAlone;
  }
  bool alone(std::size_t at) const { return units_[at].state == Unit::kAlone; }

  // Of a unit that was not left out; once.
  Result<Render> take_outcome(std::size_t at) {
    const Unit &unit = units_[at];
    if (unit.state == Unit::kRefused) {
      const Slot &first = first_error(unit);
      if (lost_commit_ && first.stage == kPrepare) return naming_ids(outcome_unknown(), *unit.asked);
      Error error = std::move(*first.error);
      if (unit.asked->single) error.posting_index = -1;
      return error;
    }
    auto results = std::make_shared<std::vector<PostingResult>>();
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      Slot &slot = slots_[i];
      // An id that nobody else knows was posted by this very operation, whose first answer was lost on the way.
      const bool own = !slot.asked->id_given && slot.posting.transaction.id == slot.asked->id;
      results->push_back(PostingResult{std::move(slot.posting), slot.replayed && !own});
    }
    return render_results(std::move(results), unit.asked->single);
  }

 private:
  enum Stage { kPrepare, kReplay, kJournal, kAccount, kFold };

  struct Slot {
    const Posting *asked = nullptr;
    std::size_t unit = 0;
    PostedTransaction posting;
    bool replayed = false;
    std::unique_ptr<Error> error;
    Stage stage = kPrepare;

    void forget() {
      posting = PostedTransaction();
      replayed = false;
      error.reset();
    }
  };

  struct Unit {
    enum State : std::uint8_t { kOpen, kRefused, kNextGroup, kAlone };
    const PostingUnit *asked = nullptr;
    std::size_t begin = 0;
    std::size_t end = 0;
    State state = kOpen;
    base::Timestamp stamp;
  };

  // Whether any of an open unit is still to be written.
  bool writes(const Unit &unit) const {
    return std::any_of(slots_.begin() + offset(unit.begin), slots_.begin() + offset(unit.end),
                       [this](const Slot &slot) { return open(slot); });
  }

  // Whatever becomes of the units before it: an id that the caller gave may be one of theirs, if it is not known yet.
  bool all_posted_before(const Unit &unit) const {
    return std::all_of(slots_.begin() + offset(unit.begin), slots_.begin() + offset(unit.end),
                       [this](const Slot &slot) {
                         if (existing_ids_.contains(slot.posting.transaction.id)) return true;
                         return !slot.asked->id_given && posted_before(slot.posting.transaction) != nullptr;
                       });
  }

  bool open(const Slot &slot) const { return !slot.error && !slot.replayed && units_[slot.unit].state == Unit::kOpen; }

  static std::ptrdiff_t offset(std::size_t i) { return static_cast<std::ptrdiff_t>(i); }

  static Render render_results(std::shared_ptr<std::vector<PostingResult>> results, bool single) {
    return [results = std::move(results), single](base::JsonWriter &out) {
      if (single) return render(out, results->front());
      out.begin_object().key("results");
      render_array(out, *results);
      out.end_object();
    };
  }

  // The slot whose error a refused unit ends with: every posting of a unit passes a stage before any goes to the next.
  const Slot &first_error(const Unit &unit) const {
    const Slot *first = nullptr;
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      const Slot &slot = slots_[i];
      if (slot.error && (first == nullptr || slot.stage < first->stage)) first = &slot;
    }
    return *first;
  }

  void close_if_refused(Unit &unit) {
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      if (slots_[i].error) unit.state = Unit::kRefused;
    }
  }

  // A defect of ours: a posting is written with all its entries or not at all.
  static Error fold_disagrees(const core::Entry &entry) {
    return base::make_error(base::Status::kInternal, "posting.fold",
                            "an entry of account " + entry.account_id.text() +
                                " was accepted and could then not be added to its balance; nothing was written");
  }

  static core::BalanceKey key_of(const core::Entry &entry) {
    return core::BalanceKey{entry.account_id, entry.currency, entry.journal_id};
  }

  template <typename T>
  static void sort_distinct(std::vector<T> &items) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
  }

  void fail(std::size_t i, Stage stage, Error error) {
    error.posting_index = static_cast<std::int64_t>(i - units_[slots_[i].unit].begin);
    slots_[i].stage = stage;
    slots_[i].error = std::make_unique<Error>(std::move(error));
  }

  void prepare_one(std::size_t i, const Uuid &id, base::Timestamp now) {
    const auto found = templates_.find(slots_[i].asked->tx_template_code);
    if (found == templates_.end()) {
      return fail(i, kPrepare, not_found("tx_template", Lookup{"code", {slots_[i].asked->tx_template_code}}));
    }
    Result<PostedTransaction> prepared = core::prepare_posting(*found->second, slots_[i].asked->params, id, now);
    if (!prepared) return fail(i, kPrepare, std::move(prepared.error()));
    slots_[i].posting = prepared.take();
  }

  void refuse_repeats(const Unit &unit) {
    std::unordered_set<Uuid, base::UuidHash> ids;
    std::unordered_set<std::string> external_ids;
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      if (!open(slots_[i])) continue;
      const core::Transaction &transaction = slots_[i].posting.transaction;
      if (!ids.insert(transaction.id).second) {
        fail(i, kPrepare, repeated("id", transaction.id.text()));
      } else if (transaction.external_id && !external_ids.insert(*transaction.external_id).second) {
        fail(i, kPrepare, repeated("external_id", *transaction.external_id));
      }
    }
  }

  // Whether an earlier unit of the group has one of its ids: then it must see what became of that one. Adds its own.
  bool meets(const Unit &unit, std::unordered_set<Uuid, base::UuidHash> &ids,
             std::unordered_set<std::string> &external_ids) const {
    bool met = false;
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      const core::Transaction &transaction = slots_[i].posting.transaction;
      if (!ids.insert(transaction.id).second) met = true;
      if (transaction.external_id && !external_ids.insert(*transaction.external_id).second) met = true;
    }
    return met;
  }

  static Error repeated(const char *column, const std::string &value) {
    return rejection(base::Status::kConflict, "transaction.exists",
                     std::string("another posting of the same batch has the ") + column + " \"" + value + "\"",
                     {{"column", column}, {"value", value}});
  }

  void index(const store::PostingState &state) {
    for (const core::JournalState &journal : state.journals) journals_[journal.id] = &journal;
    for (const core::AccountState &account : state.accounts) accounts_[account.id] = &account;
    for (const core::Balance &balance : state.balances) balances_[balance.key] = &balance;
    for (const PostedTransaction &posted : state.existing) {
      existing_ids_[posted.transaction.id] = &posted;
      if (posted.transaction.external_id) existing_external_ids_[*posted.transaction.external_id] = &posted;
    }
  }

  // A transaction with the same id or external id: the same posting again, or a conflict. It is prepared once more at the first
  // one's instant, so that date() and defaults give what they gave then.
  void find_replay(std::size_t i) {
    const PostedTransaction *posted = posted_before(slots_[i].posting.transaction);
    if (posted == nullptr) return;
    const Posting &asked = *slots_[i].asked;
    prepare_one(i, asked.id_given ? asked.id : posted->transaction.id, posted->transaction.created_at);
    if (slots_[i].error) return;
    const std::optional<std::string> field = core::first_difference(*posted, slots_[i].posting);
    if (field) return fail(i, kReplay, core::replay_differs(*posted, *field));
    slots_[i].posting = *posted;
    slots_[i].replayed = true;
  }

  const PostedTransaction *posted_before(const core::Transaction &mine) const {
    const auto by_id = existing_ids_.find(mine.id);
    if (by_id != existing_ids_.end()) return by_id->second;
    if (!mine.external_id) return nullptr;
    const auto by_external_id = existing_external_ids_.find(*mine.external_id);
    return by_external_id == existing_external_ids_.end() ? nullptr : by_external_id->second;
  }

  void check_journal(std::size_t i) {
    const Uuid &id = slots_[i].posting.transaction.journal_id;
    const auto found = journals_.find(id);
    if (found == journals_.end()) return fail(i, kJournal, not_found("journal", lookup_ids({id})));
    if (found->second->status == core::LockStatus::kLocked) {
      return fail(i, kJournal,
                  rejection(base::Status::kRejected, "journal.locked", "journal " + id.text() + " is locked",
                            {{"journal_id", id.text()}}));
    }
    for (const core::Entry &entry : slots_[i].posting.entries) {
      const int limit = found->second->max_scale.for_currency(entry.currency);
      if (entry.units.scale() > limit) return fail(i, kJournal, too_fine(entry, limit));
    }
  }

  static Error too_fine(const core::Entry &entry, int limit) {
    const std::string currency(entry.currency.code());
    const std::string units = entry.units.text();
    Error error = base::make_error(base::Status::kInvalid, "amount.scale",
                                   "entry " + std::to_string(entry.sequence) + " has " +
                                       std::to_string(entry.units.scale()) + " digits after the decimal point (" +
                                       units + " " + currency + "), and its journal's max_scale is " +
                                       std::to_string(limit) + ": round it in the tx template");
    base::JsonWriter details;
    details.begin_object().key("journal_id").string(entry.journal_id.text()).key("currency").string(currency);
    details.key("units").string(units).key("max_scale").integer(limit).end_object();
    error.details = details.take();
    return error;
  }

  void check_accounts(std::size_t i) {
    for (const core::Entry &entry : slots_[i].posting.entries) {
      const std::string id = entry.account_id.text();
      const auto found = accounts_.find(entry.account_id);
      if (found == accounts_.end()) return fail(i, kAccount, not_found("account", lookup_ids({entry.account_id})));
      if (found->second->is_set) {
        return fail(
            i, kAccount,
            rejection(base::Status::kRejected, "account.is_set",
                      "account " + id + " is an account set and takes no entries of its own", {{"account_id", id}}));
      }
      if (found->second->status == core::LockStatus::kLocked) {
        return fail(
            i, kAccount,
            rejection(base::Status::kRejected, "account.locked", "account " + id + " is locked", {{"account_id", id}}));
      }
    }
  }

  core::Balance starting_balance(const core::BalanceKey &key, base::Timestamp now) const {
    const auto found = balances_.find(key);
    return found == balances_.end() ? core::empty_balance(key, now) : *found->second;
  }

  const core::Balance *balance_before(const core::BalanceKey &key) const {
    const auto trial = trial_.find(key);
    if (trial != trial_.end()) return &trial->second;
    const auto read = balances_.find(key);
    return read == balances_.end() ? nullptr : read->second;
  }

  // As for a unit by itself; false when expressions may say something else on the day that it falls on.
  bool set_stamp(Unit &unit, base::Timestamp now) const {
    unit.stamp = now;
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      for (const core::Entry &entry : slots_[i].posting.entries) {
        const core::Balance *before = balance_before(key_of(entry));
        if (before != nullptr) unit.stamp = std::max(unit.stamp, before->modified_at);
        const auto ahead = ahead_.find(key_of(entry));
        if (ahead != ahead_.end()) unit.stamp = std::max(unit.stamp, ahead->second);
      }
    }
    return unit.stamp.date() == now.date();
  }

  // What a unit that is alone leaves behind, so that those which it takes to its day are told alone at once.
  void note_ahead(const Unit &unit) {
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      for (const core::Entry &entry : slots_[i].posting.entries) {
        base::Timestamp &ahead = ahead_[key_of(entry)];
        ahead = std::max(ahead, unit.stamp);
      }
    }
  }

  // Adds a unit's entries to a trial of the balances; a sum that does not fit refuses this unit alone.
  void fold_unit(Unit &unit) {
    std::map<core::BalanceKey, core::Balance> mine;
    for (std::size_t i = unit.begin; i < unit.end; ++i) {
      if (!open(slots_[i])) continue;
      for (core::Entry &entry : slots_[i].posting.entries) {
        entry.created_at = unit.stamp;
        const core::BalanceKey key = key_of(entry);
        auto at = mine.find(key);
        if (at == mine.end()) {
          const core::Balance *before = balance_before(key);
          at = mine.emplace(key, before == nullptr ? core::empty_balance(key, unit.stamp) : *before).first;
        }
        Outcome folded = core::fold(at->second, entry);
        if (folded) continue;
        fail(i, kFold, std::move(folded.error()));
        unit.state = Unit::kRefused;
        return;
      }
    }
    for (auto &[key, balance] : mine) trial_.insert_or_assign(key, balance);
  }

  std::vector<Unit> units_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, CompiledTxTemplatePtr> templates_;
  std::unordered_map<Uuid, const core::JournalState *, base::UuidHash> journals_;
  std::unordered_map<Uuid, const core::AccountState *, base::UuidHash> accounts_;
  std::map<core::BalanceKey, const core::Balance *> balances_;
  std::unordered_map<Uuid, const PostedTransaction *, base::UuidHash> existing_ids_;
  std::unordered_map<std::string, const PostedTransaction *> existing_external_ids_;
  std::map<core::BalanceKey, core::Balance> trial_;
  std::map<core::BalanceKey, base::Timestamp> ahead_;
  std::unordered_map<Uuid, base::Timestamp, base::UuidHash> made_at_;  // found though they are refused now
  bool lost_commit_ = false;
};

// Which of a group's units there is still something to do for.
std::vector<std::size_t> undecided(const std::vector<PostingUnitPtr> &units, const GroupOutcomes *out) {
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (out == nullptr || !(*out)[i].settled) at.push_back(i);
  }
  return at;
}

std::vector<const PostingUnit *> pick(const std::vector<PostingUnitPtr> &units, const std::vector<std::size_t> &at) {
  std::vector<const PostingUnit *> picked;
  picked.reserve(at.size());
  for (const std::size_t i : at) picked.push_back(units[i].get());
  return picked;
}

void note_settled(Batch &batch, const std::vector<std::size_t> &at, GroupOutcomes &out) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    UnitOutcome &unit = out[at[i]];
    unit = UnitOutcome();
    if (!batch.settled(i)) continue;
    unit.result.emplace(batch.take_outcome(i));
    unit.settled = true;
  }
}

void note_the_rest(Batch &batch, const std::vector<std::size_t> &at, GroupOutcomes &out) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    UnitOutcome &unit = out[at[i]];
    if (unit.settled) continue;
    unit.alone = batch.alone(i);
    if (!batch.left_out(i)) unit.result.emplace(batch.take_outcome(i));
  }
}

// Without `out` there is one unit, whose outcome is the flow's.
Flow post_units(Context context, std::vector<PostingUnitPtr> units, GroupOutcomes *out) {
  TxTemplateCache &cache = context.ledger->tx_templates();
  const std::vector<std::size_t> at = undecided(units, out);
  Batch batch(pick(units, at));
  store::PostingState state;
  base::Timestamp now = context.ledger->now();
  for (int attempt = 0;; ++attempt) {
    const std::vector<std::string> missing = batch.missing_templates(cache);
    if (!missing.empty()) {
      const Lookup lookup{"code", missing};
      Result<store::Answer> answer = co_await ask(find_call(StatementId::kTxTemplateFind, lookup));
      Result<Rows<core::TxTemplate>> rows = rows_of(std::move(answer), store::tx_template_of);
      if (!rows) co_return std::move(rows.error());
      for (core::TxTemplate &source : rows->items) {
        Outcome added = batch.add_template(std::move(source), context.inside ? nullptr : &cache);
        if (!added) co_return std::move(added.error());
      }
    }
    batch.prepare(now);
    const std::vector<Uuid> doubtful = context.lost_commit ? batch.doubtful() : std::vector<Uuid>();
    if (!doubtful.empty()) {
      Result<store::Answer> answer = co_await ask(find_call(StatementId::kTransactionFind, lookup_ids(doubtful)));
      Result<Rows<core::Transaction>> made = rows_of(std::move(answer), store::transaction_of);
      if (!made) co_return std::move(made.error());
      batch.note_made(made->items);
      batch.prepare(now);
    }
    if (!batch.any_open()) break;
    store::PostingRead request = batch.read_request(context.host);
    request.group = units.size() > 1;
    Result<store::Answer> answer = co_await ask(std::move(request));
    if (!answer) co_return std::move(answer.error());
    state = std::move(std::get<store::PostingState>(*answer));
    const base::Date prepared_on = now.date();
    now = batch.stamp(state, std::max(now, context.ledger->now()));
    if (batch.drop_stale_templates(state.tx_template_ids, cache) && attempt < kMaxStaleTemplates) continue;
    // Expressions know the day and nothing finer. On another day they may say something else, even other accounts: once more.
    // Each time is a later day than the one before.
    if (now.date() == prepared_on) break;
  }
  batch.decide(state, now);
  if (out != nullptr) note_settled(batch, at, *out);
  if (batch.any_open()) {
    Result<store::PostingWrite> write = batch.write_request(state);
    if (!write) co_return std::move(write.error());
    const Result<store::Answer> written = co_await ask(write.take());
    if (!written && out == nullptr) co_return naming_ids(written.error(), *units.front());
    if (!written) co_return written.error();
  }
  if (out == nullptr) co_return batch.take_outcome(0);
  note_the_rest(batch, at, *out);
  co_return Render();
}

}  // namespace

base::Error naming_ids(const base::Error &error, const PostingUnit &unit) {
  Error copy = error;
  if (error.status != base::Status::kOutcomeUnknown) return copy;
  base::JsonWriter details;
  details.begin_object().key("transaction_ids").begin_array();
  for (const Posting &posting : unit.postings) details.string(posting.id.text());
  details.end_array().end_object();
  copy.details = details.take();
  return copy;
}

Flow post(Context context, PostingUnitPtr unit) {
  std::vector<PostingUnitPtr> units;
  units.push_back(std::move(unit));
  return post_units(context, std::move(units), nullptr);
}

Flow post_group(Context context, std::vector<PostingUnitPtr> units, GroupOutcomes *out) {
  return post_units(context, std::move(units), out);
}

namespace {

Posting read_posting(RequestReader &reader) {
  Posting posting;
  const std::optional<Uuid> id = reader.optional_uuid("id");
  posting.id_given = id.has_value();
  posting.id = id ? *id : base::new_uuid();
  posting.tx_template_code = reader.text("tx_template_code");
  posting.params = reader.optional_object("params");
  return posting;
}

OperationPtr make_post(PostingUnit asked) {
  const auto unit = std::make_shared<const PostingUnit>(std::move(asked));
  return std::make_unique<Operation>(
      unit->single ? "transaction_post" : "transaction_post_many", Operation::Traits{store::Access::kWrite, true},
      [unit](Context context) { return post(context, unit); }, unit);
}

}  // namespace

Result<OperationPtr> transaction_post(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  PostingUnit unit{{read_posting(reader)}, true, request};
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_post(std::move(unit));
}

Result<OperationPtr> transaction_post_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  PostingUnit unit{{}, false, request};
  for (const base::JsonView item : reader.array("postings", kMaxBatch)) {
    RequestReader one(item, "/postings/" + std::to_string(unit.postings.size()));
    unit.postings.push_back(read_posting(one));
    reader.adopt(one.finish());
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_post(std::move(unit));
}

}  // namespace cala::engine
