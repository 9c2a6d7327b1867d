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

// A batch of postings on its way through the stages. Pure: it decides, the flow below asks the store.
class Batch {
 public:
  Batch(const std::vector<Posting> &postings, Outcomes mode) : postings_(postings), mode_(mode) {
    slots_.resize(postings.size());
  }

  // Codes of templates that are not at hand yet.
  std::vector<std::string> missing_templates(TxTemplateCache &cache) {
    std::vector<std::string> missing;
    for (const Posting &posting : postings_) {
      if (templates_.contains(posting.tx_template_code)) continue;
      CompiledTxTemplatePtr cached = cache.find(posting.tx_template_code);
      if (cached) {
        templates_.emplace(posting.tx_template_code, std::move(cached));
      } else if (std::find(missing.begin(), missing.end(), posting.tx_template_code) == missing.end()) {
        missing.push_back(posting.tx_template_code);
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

  // Stage 1: template, params, expressions, balance; then ids that the batch itself has twice.
  void prepare(base::Timestamp now) {
    for (std::size_t i = 0; i < postings_.size(); ++i) {
      slots_[i] = Slot{};
      prepare_one(i, postings_[i].id, now);
    }
    refuse_repeats();
  }

  store::PostingRead read_request(bool host) const {
    store::PostingRead read;
    read.host = host;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].open()) continue;
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
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].open()) find_replay(i);
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].open()) check_journal(i);
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].open()) check_accounts(i);
    }
    if (first_error() != nullptr && mode_ == Outcomes::kAllOrNothing) return;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].open()) fold_posting(i, now);
    }
  }

  // The instant of what is written now that the balances are locked: not before anything they hold, whatever the clock says, so
  // that no balance goes back in time.
  static base::Timestamp stamp(const store::PostingState &state, base::Timestamp now) {
    for (const core::Balance &balance : state.balances) now = std::max(now, balance.modified_at);
    return now;
  }

  // What there is to write: nothing when everything was refused or replayed.
  Result<store::PostingWrite> write_request(store::PostingState &state, base::Timestamp now) {
    store::PostingWrite write;
    write.now = now;
    write.guard = state.guard;
    write.ticket = state.ticket.get();
    std::map<core::BalanceKey, core::Balance> touched;
    for (Slot &slot : slots_) {
      if (!slot.open()) continue;
      PostedTransaction &posting = slot.posting;
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

  // The error that an all-or-nothing batch ends with: every posting passes a stage before any goes to the next.
  const Error *first_error() const {
    const Slot *first = nullptr;
    for (const Slot &slot : slots_) {
      if (slot.error && (first == nullptr || slot.stage < first->stage)) first = &slot;
    }
    return first == nullptr ? nullptr : first->error.get();
  }
  bool any_open() const {
    return std::any_of(slots_.begin(), slots_.end(), [](const Slot &slot) { return slot.open(); });
  }

  std::vector<PostingOutcome> take_outcomes() {
    std::vector<PostingOutcome> out;
    out.reserve(slots_.size());
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      Slot &slot = slots_[i];
      if (slot.error) {
        out.emplace_back(std::move(*slot.error));
        continue;
      }
      // An id that nobody else knows was posted by this very operation, whose first answer was lost on the way.
      const bool own = !postings_[i].id_given && slot.posting.transaction.id == postings_[i].id;
      out.emplace_back(PostingResult{std::move(slot.posting), slot.replayed && !own});
    }
    return out;
  }

 private:
  enum Stage { kPrepare, kReplay, kJournal, kAccount, kFold };

  struct Slot {
    PostedTransaction posting;
    bool replayed = false;
    std::unique_ptr<Error> error;
    Stage stage = kPrepare;
    bool open() const { return !error && !replayed; }
  };

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
    error.posting_index = static_cast<std::int64_t>(i);
    slots_[i].stage = stage;
    slots_[i].error = std::make_unique<Error>(std::move(error));
  }

  void prepare_one(std::size_t i, const Uuid &id, base::Timestamp now) {
    const auto found = templates_.find(postings_[i].tx_template_code);
    if (found == templates_.end()) {
      return fail(i, kPrepare, not_found("tx_template", Lookup{"code", {postings_[i].tx_template_code}}));
    }
    Result<PostedTransaction> prepared = core::prepare_posting(*found->second, postings_[i].params, id, now);
    if (!prepared) return fail(i, kPrepare, std::move(prepared.error()));
    slots_[i].posting = prepared.take();
  }

  void refuse_repeats() {
    std::unordered_set<Uuid, base::UuidHash> ids;
    std::unordered_set<std::string> external_ids;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].open()) continue;
      const core::Transaction &transaction = slots_[i].posting.transaction;
      if (!ids.insert(transaction.id).second) {
        fail(i, kPrepare, repeated("id", transaction.id.text()));
      } else if (transaction.external_id && !external_ids.insert(*transaction.external_id).second) {
        fail(i, kPrepare, repeated("external_id", *transaction.external_id));
      }
    }
  }

  static Error repeated(const char *column, const std::string &value) {
    return rejection(base::Status::kConflict, "transaction.exists",
                     std::string("another posting of the same batch has the ") + column + " \"" + value + "\"",
                     {{"column", column}, {"value", value}});
  }

  void index(const store::PostingState &state) {
    for (const core::Journal &journal : state.journals) journals_[journal.id] = &journal;
    for (const core::Account &account : state.accounts) accounts_[account.id] = &account;
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
    const Uuid id = postings_[i].id_given ? postings_[i].id : posted->transaction.id;
    prepare_one(i, id, posted->transaction.created_at);
    if (!slots_[i].open()) return;
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

  // Adds a posting's entries to a trial of the balances; a sum that does not fit refuses this posting alone.
  void fold_posting(std::size_t i, base::Timestamp now) {
    std::map<core::BalanceKey, core::Balance> mine;
    for (const core::Entry &entry : slots_[i].posting.entries) {
      const core::BalanceKey key = key_of(entry);
      const auto trial = trial_.find(key);
      core::Balance start = trial == trial_.end() ? starting_balance(key, now) : trial->second;
      core::Balance &balance = mine.try_emplace(key, std::move(start)).first->second;
      if (Outcome folded = core::fold(balance, entry); !folded) return fail(i, kFold, std::move(folded.error()));
    }
    for (auto &[key, balance] : mine) trial_[key] = std::move(balance);
  }

  const std::vector<Posting> &postings_;
  Outcomes mode_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, CompiledTxTemplatePtr> templates_;
  std::unordered_map<Uuid, const core::Journal *, base::UuidHash> journals_;
  std::unordered_map<Uuid, const core::Account *, base::UuidHash> accounts_;
  std::map<core::BalanceKey, const core::Balance *> balances_;
  std::unordered_map<Uuid, const PostedTransaction *, base::UuidHash> existing_ids_;
  std::unordered_map<std::string, const PostedTransaction *> existing_external_ids_;
  std::map<core::BalanceKey, core::Balance> trial_;
};

Error as_first_error(const Error &error, bool single) {
  Error copy = error;
  if (single) copy.posting_index = -1;
  return copy;
}

// Whoever does not know what became of the postings asks with these ids, which may be the library's own.
Error naming_ids(const Error &error, const std::vector<Posting> &postings) {
  Error copy = error;
  if (error.status != base::Status::kOutcomeUnknown) return copy;
  base::JsonWriter details;
  details.begin_object().key("transaction_ids").begin_array();
  for (const Posting &posting : postings) details.string(posting.id.text());
  details.end_array().end_object();
  copy.details = details.take();
  return copy;
}

Render render_results(std::vector<PostingOutcome> outcomes, bool single) {
  auto results = std::make_shared<std::vector<PostingResult>>();
  for (PostingOutcome &outcome : outcomes) results->push_back(outcome.take());
  return [results, single](base::JsonWriter &out) {
    if (single) return render(out, results->front());
    out.begin_object().key("results");
    render_array(out, *results);
    out.end_object();
  };
}

}  // namespace

Flow post(Context context, std::shared_ptr<const std::vector<Posting>> postings, Outcomes mode, bool single,
          PostingOutcomes *out) {
  TxTemplateCache &cache = context.ledger->tx_templates();
  Batch batch(*postings, mode);
  store::PostingState state;
  base::Timestamp now = context.ledger->now();
  for (int attempt = 0; !postings->empty(); ++attempt) {
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
    if (mode == Outcomes::kAllOrNothing && batch.first_error() != nullptr) {
      co_return as_first_error(*batch.first_error(), single);
    }
    if (!batch.any_open()) break;
    Result<store::Answer> answer = co_await ask(batch.read_request(context.host));
    if (!answer) co_return std::move(answer.error());
    state = std::move(std::get<store::PostingState>(*answer));
    const base::Date prepared_on = now.date();
    now = Batch::stamp(state, std::max(now, context.ledger->now()));
    if (batch.drop_stale_templates(state.tx_template_ids, cache) && attempt < kMaxStaleTemplates) continue;
    // Expressions know the day and nothing finer. On another day they may say something else, even other accounts: once more.
    // Each time is a later day than the one before.
    if (now.date() == prepared_on) break;
  }
  batch.decide(state, now);
  if (mode == Outcomes::kAllOrNothing && batch.first_error() != nullptr) {
    co_return as_first_error(*batch.first_error(), single);
  }
  if (batch.any_open()) {
    Result<store::PostingWrite> write = batch.write_request(state, now);
    if (!write) co_return std::move(write.error());
    const Result<store::Answer> written = co_await ask(write.take());
    if (!written) co_return naming_ids(written.error(), *postings);
  }
  if (mode == Outcomes::kEach) {
    out->items = batch.take_outcomes();
    co_return Render();
  }
  co_return render_results(batch.take_outcomes(), single);
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

Result<OperationPtr> make_post(const RequestPtr &request, std::vector<Posting> postings, bool single) {
  auto shared = std::make_shared<const std::vector<Posting>>(std::move(postings));
  return std::make_unique<Operation>(single ? "transaction_post" : "transaction_post_many",
                                     Operation::Traits{store::Access::kWrite, true},
                                     [request, shared, single](Context context) {
                                       return post(context, shared, Outcomes::kAllOrNothing, single, nullptr);
                                     });
}

}  // namespace

Result<OperationPtr> transaction_post(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<Posting> postings = {read_posting(reader)};
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_post(request, std::move(postings), true);
}

Result<OperationPtr> transaction_post_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<Posting> postings;
  for (const base::JsonView item : reader.array("postings", kMaxBatch)) {
    RequestReader one(item, "/postings/" + std::to_string(postings.size()));
    postings.push_back(read_posting(one));
    reader.adopt(one.finish());
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_post(request, std::move(postings), false);
}

}  // namespace cala::engine
