#include "engine/post.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

#include "core/posting/batch.h"
#include "engine/answers.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using core::Batch;
using core::CompiledTxTemplatePtr;
using store::StatementId;

constexpr int kMaxStaleTemplates = 3;
constexpr std::int64_t kMostRefused = 10000;  // holds that hold_expire looks behind
constexpr std::size_t kMostTold = 100;        // of them, whose refusals it tells

Render render_results(std::vector<core::PostingResult> results, bool single) {
  const auto kept = std::make_shared<const std::vector<core::PostingResult>>(std::move(results));
  return [kept, single](base::JsonWriter &out) {
    if (single) return render(out, kept->front());
    out.begin_object().key("results");
    render_array(out, *kept);
    out.end_object();
  };
}

Error outcome_unknown() {
  return base::make_error(base::Status::kOutcomeUnknown, "store.outcome_unknown",
                          "the connection was lost during the commit; it may or may not have happened");
}

Result<Render> outcome_of(Batch &batch, std::size_t at, const PostingUnit &unit) {
  if (batch.unknown(at)) return naming_ids(outcome_unknown(), unit);
  Result<std::vector<core::PostingResult>> results = batch.take_outcome(at);
  if (results) return render_results(results.take(), unit.single);
  Error error = std::move(results.error());
  if (unit.single) error.posting_index = -1;
  return error;
}

// Which of a group's units there is still something to do for.
std::vector<std::size_t> undecided(const std::vector<PostingUnitPtr> &units, const GroupOutcomes *out) {
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (out == nullptr || !(*out)[i].settled) at.push_back(i);
  }
  return at;
}

Batch batch_of(const std::vector<PostingUnitPtr> &units, const std::vector<std::size_t> &at) {
  std::vector<std::span<const core::AskedPosting>> postings;
  postings.reserve(at.size());
  for (const std::size_t i : at) postings.emplace_back(units[i]->postings);
  return Batch(postings);
}

void note_settled(Batch &batch, const std::vector<PostingUnitPtr> &units, const std::vector<std::size_t> &at,
                  GroupOutcomes &out) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    UnitOutcome &unit = out[at[i]];
    unit = UnitOutcome();
    if (!batch.settled(i)) continue;
    unit.result.emplace(outcome_of(batch, i, *units[at[i]]));
    unit.settled = true;
  }
}

void note_the_rest(Batch &batch, const std::vector<PostingUnitPtr> &units, const std::vector<std::size_t> &at,
                   GroupOutcomes &out) {
  for (std::size_t i = 0; i < at.size(); ++i) {
    UnitOutcome &unit = out[at[i]];
    if (unit.settled) continue;
    unit.alone = batch.alone(i);
    if (!batch.left_out(i)) unit.result.emplace(outcome_of(batch, i, *units[at[i]]));
  }
}

// Gives the batch the templates that the ledger remembers; answers the codes of the others.
std::vector<std::string> templates_to_read(Batch &batch, TxTemplateCache &cache) {
  std::vector<std::string> codes;
  for (std::string &code : batch.missing_templates()) {
    CompiledTxTemplatePtr cached = cache.find(code);
    if (cached) {
      batch.add_template(std::move(cached));
    } else {
      codes.push_back(std::move(code));
    }
  }
  return codes;
}

// Compiles templates that were read. One that was read inside a transaction that others share may never be committed.
Outcome add_templates(Batch &batch, Rows<core::TxTemplate> rows, TxTemplateCache *cache) {
  for (core::TxTemplate &source : rows.items) {
    Result<CompiledTxTemplatePtr> compiled = core::compile_tx_template(std::move(source));
    if (!compiled) {  // it could be when it was written
      return base::make_error(
          base::Status::kInternal, "store.corrupt",
          "the store gave a tx template that this library cannot read: " + compiled.error().message);
    }
    if (cache != nullptr) cache->put(*compiled);
    batch.add_template(compiled.take());
  }
  return {};
}

enum class Locked : bool { kNo, kYes };

store::Call hold_call(const std::vector<base::Uuid> &ids, Locked locked) {
  base::JsonWriter out;
  out.begin_object().key("keys").begin_array();
  for (const base::Uuid &id : ids) out.string(id.text());
  out.end_array().key("lock").boolean(locked == Locked::kYes).end_object();
  return read_call(StatementId::kHoldFind, out.take());
}

store::Call due_call(base::Timestamp now, std::int64_t first, const std::optional<base::Uuid> &after) {
  base::JsonWriter out;
  out.begin_object().key("now").integer(now.micros()).key("first").integer(first);
  if (after) out.key("after").string(after->text());
  out.end_object();
  return read_call(StatementId::kHoldDue, out.take());
}

PostingUnitPtr release_of(const core::Hold &hold) {
  core::AskedPosting posting;
  posting.id = base::new_uuid();
  posting.step =
      core::AskedHoldStep{.hold_id = hold.id, .kind = core::AskedHoldStep::kExpire, .amount = {}, .effective = {}};
  return std::make_shared<const PostingUnit>(
      PostingUnit{.postings = {std::move(posting)}, .single = true, .request = {}});
}

// What is to be voided, as the store has it: each transaction with its entries.
std::vector<core::PostedTransaction> originals_of(Rows<core::Transaction> transactions, Rows<core::Entry> entries) {
  std::vector<core::PostedTransaction> out;
  for (core::Transaction &transaction : transactions.items) {
    core::PostedTransaction &posted = out.emplace_back();
    posted.transaction = std::move(transaction);
    for (core::Entry &entry : entries.items) {
      if (entry.transaction_id == posted.transaction.id) posted.entries.push_back(std::move(entry));
    }
  }
  return out;
}

store::PostingRead read_request(const Batch &batch, const Context &context, bool group) {
  store::PostingRead read;
  static_cast<core::BatchNeeds &>(read) = batch.needs();
  read.host = context.host;
  read.group = group;
  return read;
}

Result<store::PostingWrite> write_request(Batch &batch, store::PostingState &state) {
  Result<core::BatchWrite> decided =
      batch.write([&state](base::Timestamp created_at) { return state.ticket->next_entry_id(created_at); });
  if (!decided) return std::move(decided.error());
  store::PostingWrite write;
  static_cast<core::BatchWrite &>(write) = decided.take();
  write.guard = state.guard;
  write.ticket = state.ticket;
  return write;
}

// Whether an account set above an entry's account has a balance that the roll-up moves.
bool balances_follow(const core::BatchState &state, const std::vector<core::Entry> &entries) {
  std::vector<base::Uuid> accounts;
  for (const core::AccountState &account : state.accounts) {
    const bool later =
        std::any_of(account.sets.begin(), account.sets.end(), [](const auto &set) { return !set.at_once; });
    if (later) accounts.push_back(account.id);
  }
  return !accounts.empty() && std::any_of(entries.begin(), entries.end(), [&accounts](const core::Entry &entry) {
    return std::find(accounts.begin(), accounts.end(), entry.account_id) != accounts.end();
  });
}

// What is attached to the accounts and sets of the state, compiled.
Outcome limit_batch(Batch &batch, const store::PostingState &state, VelocityCache &cache) {
  core::VelocityBearers bearers;
  for (const core::AccountState &account : state.accounts) {
    if (!account.controls) continue;
    core::VelocityBearer bearer{account.id,
                                account.controls->name,
                                account.controls->external_id,
                                account.controls->normal_balance_type,
                                account.controls->metadata,
                                {}};
    for (const std::string &frozen : account.controls->frozen) {
      Result<core::CompiledControlPtr> control = cache.compiled(frozen);
      if (!control) return std::move(control.error());
      bearer.controls.push_back(control.take());
    }
    bearers.add(std::move(bearer));
  }
  batch.limit_by(std::move(bearers));
  return {};
}

store::Call velocity_call(const std::vector<core::VelocityKey> &keys) {
  base::JsonWriter out;
  out.begin_object().key("keys").begin_array();
  for (const core::VelocityKey &key : keys) {
    out.begin_array().string(key.account_id.text()).string(key.currency.code()).string(key.journal_id.text());
    out.string(key.control_id.text()).string(key.limit_id.text()).string(key.window).end_array();
  }
  out.end_array().end_object();
  return read_call(StatementId::kVelocityRead, out.take());
}

// What the ledger says of a posting, and not its store.
bool is_refusal(const Error &error) {
  return error.status == base::Status::kRejected || error.status == base::Status::kNotFound ||
         error.status == base::Status::kInvalid || (error.status == base::Status::kConflict && !error.retryable);
}

void write_refusal(base::JsonWriter &out, const Error &error) {
  out.begin_object().key("code").string(error.code).key("message").string(error.message);
  out.key("details").raw(error.details.empty() ? std::string_view("{}") : std::string_view(error.details));
  out.end_object();
}

Render render_refusal(Error error) {
  return [error = std::make_shared<const Error>(std::move(error))](base::JsonWriter &out) {
    out.begin_object().key("would_post").boolean(false).key("error");
    write_refusal(out, *error);
    out.end_object();
  };
}

struct HoldRefusal {
  base::Uuid hold_id;
  Error error;
};

struct Expired {
  std::int64_t expired = 0;
  std::int64_t refused = 0;
  std::vector<HoldRefusal> refusals;  // the first of them
};

Render render_expired(Expired what) {
  return [what = std::make_shared<const Expired>(std::move(what))](base::JsonWriter &out) {
    out.begin_object().key("expired").integer(what->expired).key("refused").integer(what->refused);
    out.key("refusals").begin_array();
    for (const HoldRefusal &one : what->refusals) {
      out.begin_object().key("hold_id").string(one.hold_id.text()).key("error");
      write_refusal(out, one.error);
      out.end_object();
    }
    out.end_array().end_object();
  };
}

struct Preview {
  core::PostingResult result;
  std::vector<ShownBalance> after;
  std::vector<core::VelocityHeadroom> limits;
};

void write_preview(base::JsonWriter &out, const Preview &preview) {
  out.begin_object().key("would_post").boolean(true).key("replayed").boolean(preview.result.replayed);
  out.key("transaction");
  render(out, preview.result.posted.transaction);
  out.key("entries");
  render_array(out, preview.result.posted.entries);
  out.key("balances_after");
  render_array(out, preview.after);
  out.key("limits");
  render_array(out, preview.limits);
  render_warnings(out, preview.result.warnings);
  out.end_object();
}

// What would become of a batch of one posting, which has been decided.
Result<Render> preview_of(Batch &batch, const store::PostingState &state) {
  Preview preview;
  if (batch.any_open()) {
    Result<core::BatchWrite> write = batch.write([](base::Timestamp) { return base::new_uuid(); });
    if (!write) return std::move(write.error());
    for (const core::Balance &balance : write->balances) {
      const auto owner =
          std::find_if(state.accounts.begin(), state.accounts.end(),
                       [&balance](const core::AccountState &account) { return account.id == balance.key.account_id; });
      if (owner != state.accounts.end()) preview.after.push_back({balance, owner->normal_balance_type});
    }
    Result<std::vector<core::VelocityHeadroom>> limits = batch.headroom_after();
    if (!limits) return std::move(limits.error());
    preview.limits = limits.take();
  }
  Result<std::vector<core::PostingResult>> results = batch.take_outcome(0);
  if (!results && !is_refusal(results.error())) return std::move(results.error());
  if (!results) {
    results.error().posting_index = -1;
    return render_refusal(std::move(results.error()));
  }
  preview.result = std::move(results->front());
  return Render([kept = std::make_shared<const Preview>(std::move(preview))](base::JsonWriter &out) {
    write_preview(out, *kept);
  });
}

bool any_refused(const Batch &batch, std::size_t units) {
  for (std::size_t i = 0; i < units; ++i) {
    if (batch.refused(i)) return true;
  }
  return false;
}

// To expire is to release holds; to try it, to write nothing where one of them is refused.
enum class Purpose : std::uint8_t { kPost, kPreview, kExpire, kTryToExpire };

// Without `out` there is one unit, whose outcome is the flow's. A preview is of one posting, and writes nothing. due:
// the holds that are to expire, locked.
Flow post_units(Context context, std::vector<PostingUnitPtr> units, Purpose purpose, GroupOutcomes *out = nullptr,
                std::vector<core::Hold> due = {}) {
  TxTemplateCache &cache = context.ledger->tx_templates();
  base::Timestamp now = context.ledger->now();
  const std::vector<std::size_t> at = undecided(units, out);
  Batch batch = batch_of(units, at);
  batch.add_holds({}, std::move(due));
  const bool group = purpose == Purpose::kPost && units.size() > 1;
  store::PostingState state;
  for (int attempt = 0;; ++attempt) {
    const std::vector<std::string> missing = templates_to_read(batch, cache);
    if (attempt == 0) context.ledger->telemetry().looked_up(missing.empty());
    if (!missing.empty()) {
      const Lookup lookup{"code", missing};  // not inside co_await (flow.h)
      Result<store::Answer> answer = co_await ask(find_call(StatementId::kTxTemplateFind, lookup));
      Result<Rows<core::TxTemplate>> rows = rows_of(std::move(answer), store::tx_template_of);
      if (!rows) co_return std::move(rows.error());
      Outcome added = add_templates(batch, rows.take(), context.inside ? nullptr : &cache);
      if (!added) co_return std::move(added.error());
    }
    for (std::vector<base::Uuid> ids = batch.missing_holds(); !ids.empty(); ids = batch.missing_holds()) {
      Result<store::Answer> answer = co_await ask(hold_call(ids, Locked::kYes));
      Result<Rows<core::Hold>> holds = rows_of(std::move(answer), store::hold_of);
      if (!holds) co_return std::move(holds.error());
      batch.add_holds(ids, std::move(holds->items));
      now = std::max(now, context.ledger->now());  // it may have waited for another who was at them
    }
    for (std::vector<base::Uuid> ids = batch.missing_originals(); !ids.empty(); ids = batch.missing_originals()) {
      Lookup lookup = lookup_ids(ids);
      Result<store::Answer> found = co_await ask(find_call(StatementId::kTransactionFind, lookup));
      Result<Rows<core::Transaction>> transactions = rows_of(std::move(found), store::transaction_of);
      if (!transactions) co_return std::move(transactions.error());
      lookup.by = "transaction_id";
      Result<store::Answer> listed = co_await ask(find_call(StatementId::kEntryFind, lookup));
      Result<Rows<core::Entry>> entries = rows_of(std::move(listed), store::entry_of);
      if (!entries) co_return std::move(entries.error());
      batch.add_originals(ids, originals_of(transactions.take(), entries.take()));
    }
    batch.prepare(now);
    const std::vector<base::Uuid> doubtful = context.lost_commit ? batch.doubtful() : std::vector<base::Uuid>();
    if (!doubtful.empty()) {
      Result<store::Answer> answer = co_await ask(find_call(StatementId::kTransactionFind, lookup_ids(doubtful)));
      Result<Rows<core::Transaction>> made = rows_of(std::move(answer), store::transaction_of);
      if (!made) co_return std::move(made.error());
      batch.note_made(made->items);
      batch.prepare(now);
    }
    if (!batch.any_open()) break;
    Result<store::Answer> answer = co_await ask(read_request(batch, context, group));
    if (!answer) co_return std::move(answer.error());
    state = std::move(std::get<store::PostingState>(*answer));
    const base::Date prepared_on = now.date();
    now = batch.stamp(state, std::max(now, context.ledger->now()));
    const std::vector<std::string> stale = batch.drop_stale_templates(state.tx_template_ids);
    for (const std::string &code : stale) cache.remove(code);
    if (!stale.empty() && attempt < kMaxStaleTemplates) continue;
    // Expressions know the day and nothing finer. On another day they may say something else, even other accounts: once
    // more. Each time is a later day than the one before. And a hold may have expired while this waited.
    if (now.date() == prepared_on && !batch.captures_too_late(now)) break;
  }
  Outcome limited = limit_batch(batch, state, context.ledger->velocity_controls());
  if (!limited) co_return std::move(limited.error());
  batch.decide(state, now);
  for (std::vector<core::VelocityKey> keys = batch.velocity_needs(); !keys.empty(); keys = batch.velocity_needs()) {
    Result<store::Answer> answer = co_await ask(velocity_call(keys));
    Result<Rows<core::VelocityBalance>> rows = rows_of(std::move(answer), store::velocity_balance_of);
    if (!rows) co_return std::move(rows.error());
    batch.decide_again(keys, std::move(rows->items), now);
  }
  for (std::vector<base::Uuid> ids = batch.missing_holds(); !ids.empty(); ids = batch.missing_holds()) {
    Result<store::Answer> answer = co_await ask(hold_call(ids, Locked::kNo));
    Result<Rows<core::Hold>> holds = rows_of(std::move(answer), store::hold_of);
    if (!holds) co_return std::move(holds.error());
    batch.add_holds(ids, std::move(holds->items));
  }
  if (purpose == Purpose::kPreview) co_return preview_of(batch, state);
  if (out != nullptr) note_settled(batch, units, at, *out);
  const bool gives_up = purpose == Purpose::kTryToExpire && any_refused(batch, at.size());
  if (!gives_up && batch.any_open()) {
    Result<store::PostingWrite> write = write_request(batch, state);
    if (!write) co_return std::move(write.error());
    const bool follow = balances_follow(state, write->entries);
    const Result<store::Answer> written = co_await ask(write.take());
    if (follow) context.ledger->balances_follow();
    if (!written && out == nullptr) co_return naming_ids(written.error(), *units.front());
    if (!written) co_return written.error();
  }
  if (out == nullptr) co_return outcome_of(batch, 0, *units.front());
  note_the_rest(batch, units, at, *out);
  co_return Render();
}

}  // namespace

base::Error naming_ids(const base::Error &error, const PostingUnit &unit) {
  Error copy = error;
  if (error.status != base::Status::kOutcomeUnknown) return copy;
  base::JsonWriter details;
  details.begin_object().key("transaction_ids").begin_array();
  for (const core::AskedPosting &posting : unit.postings) details.string(posting.id.text());
  details.end_array().end_object();
  copy.details = details.take();
  return copy;
}

Flow post(Context context, PostingUnitPtr unit) {
  std::vector<PostingUnitPtr> units;
  units.push_back(std::move(unit));
  return post_units(context, std::move(units), Purpose::kPost);
}

Flow post_group(Context context, std::vector<PostingUnitPtr> units, GroupOutcomes *out) {
  return post_units(context, std::move(units), Purpose::kPost, out);
}

// What is refused stays due, and first. Then those behind it are looked at, until so many can be released or none is
// left; the write, which is one, comes last.
Flow expire_holds(Context context, std::int64_t limit) {
  const base::Timestamp now = context.ledger->now();
  std::vector<core::Hold> due;
  std::optional<base::Uuid> last;
  Expired what;
  while (true) {
    const std::int64_t wanted = limit - static_cast<std::int64_t>(due.size());
    Result<store::Answer> answer = co_await ask(due_call(now, wanted, last));
    Result<Rows<core::Hold>> more = rows_of(std::move(answer), store::hold_of);
    if (!more) co_return std::move(more.error());
    const bool goes_on = static_cast<std::int64_t>(more->items.size()) == wanted && what.refused < kMostRefused;
    if (!more->items.empty()) last = more->items.back().id;
    std::move(more->items.begin(), more->items.end(), std::back_inserter(due));
    std::vector<PostingUnitPtr> units;
    units.reserve(due.size());
    for (const core::Hold &hold : due) units.push_back(release_of(hold));
    GroupOutcomes outcomes(units.size());
    const Purpose purpose = goes_on ? Purpose::kTryToExpire : Purpose::kExpire;
    Flow releases = post_units(context, std::move(units), purpose, &outcomes, due);
    releases.resume();
    while (!releases.done()) co_await pass_on(releases);
    Result<Render> ended = releases.take_outcome();
    if (!ended) co_return std::move(ended.error());
    std::vector<core::Hold> released;
    for (std::size_t i = 0; i < due.size(); ++i) {
      std::optional<Result<Render>> &outcome = outcomes[i].result;
      if (outcome && !*outcome && !is_refusal(outcome->error())) co_return std::move(outcome->error());
      if (outcome && *outcome) {
        released.push_back(std::move(due[i]));
      } else if (outcome && what.refusals.size() < kMostTold) {
        what.refusals.push_back({due[i].id, std::move(outcome->error())});
      }
    }
    const std::size_t refusals = due.size() - released.size();
    what.refused += static_cast<std::int64_t>(refusals);
    due = std::move(released);
    if (!goes_on || refusals == 0) break;
  }
  what.expired = static_cast<std::int64_t>(due.size());
  co_return render_expired(std::move(what));
}

core::AskedPosting read_posting(RequestReader &reader) {
  core::AskedPosting posting;
  const std::optional<base::Uuid> id = reader.optional_uuid("id");
  posting.id_given = id.has_value();
  posting.id = id ? *id : base::new_uuid();
  posting.tx_template_code = reader.text("tx_template_code");
  posting.params = reader.optional_object("params");
  return posting;
}

namespace {

Flow preview(Context context, PostingUnitPtr unit) {
  std::vector<PostingUnitPtr> units;
  units.push_back(std::move(unit));
  return post_units(context, std::move(units), Purpose::kPreview);
}

OperationPtr make_post(PostingUnit asked) {
  const auto unit = std::make_shared<const PostingUnit>(std::move(asked));
  return std::make_unique<Operation>(
      unit->single ? "transaction_post" : "transaction_post_many",
      Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
      [unit](Context context) { return post(context, unit); }, unit);
}

}  // namespace

Result<OperationPtr> transaction_post(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  PostingUnit unit{.postings = {read_posting(reader)}, .single = true, .request = request};
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_post(std::move(unit));
}

Result<OperationPtr> transaction_post_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  PostingUnit unit{.postings = {}, .request = request};
  for (const base::JsonView item : reader.array("postings", kMaxBatch)) {
    RequestReader one(item, "/postings/" + std::to_string(unit.postings.size()));
    unit.postings.push_back(read_posting(one));
    reader.adopt(one.finish());
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_post(std::move(unit));
}

// It locks what the posting would, so that what it says holds at that moment; so it runs where there can be writes.
Result<OperationPtr> transaction_preview(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const auto unit = std::make_shared<const PostingUnit>(
      PostingUnit{.postings = {read_posting(reader)}, .single = true, .request = request});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("transaction_preview",
                                     Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
                                     [unit](Context context) { return preview(context, unit); });
}

// Never one of a group, whose postings do not see each other's voids.
Result<OperationPtr> transaction_void(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  core::AskedPosting posting;
  core::AskedVoid &asked = posting.voids.emplace();
  asked.of = reader.uuid("id");
  const std::optional<base::Uuid> id = reader.optional_uuid("void_id");
  posting.id_given = id.has_value();
  posting.id = id ? *id : base::new_uuid();
  asked.effective = reader.optional_date("effective");
  asked.description = reader.optional_text("description");
  asked.metadata = reader.optional_json("metadata");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  const auto unit = std::make_shared<const PostingUnit>(
      PostingUnit{.postings = {std::move(posting)}, .single = true, .request = request});
  return std::make_unique<Operation>("transaction_void",
                                     Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
                                     [unit](Context context) { return post(context, unit); });
}

}  // namespace cala::engine
