// Reading balances by effective date, in journals that keep them.
#include "core/balance/effective.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/balance/dated_total.h"
#include "engine/answers.h"
#include "engine/balance.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Date;
using base::Error;
using base::Outcome;
using base::Result;
using core::BalanceKey;
using core::DatedSums;
using core::DatedTotal;
using store::StatementId;

Error too_long() {
  return base::make_error(base::Status::kInvalid, "amount.range",
                          "the balance at that effective date would need more than 38 digits");
}

Error from_after(Date from, const std::string &until) {
  Error error = base::make_error(base::Status::kInvalid, "request.malformed",
                                 "/from must not be after until: " + from.text() + " is after " + until);
  error.details = R"({"pointer":"/from"})";
  return error;
}

// Adds up a list of sums; a place without one adds nothing.
Outcome add_up(base::JsonView list, DatedTotal &into) {
  if (!list.present()) return {};
  for (const base::JsonView item : list) {
    const Result<DatedSums> sums = store::sums_of(item);
    if (!sums) return Error(sums.error());
    into.add(*sums);
  }
  return {};
}

Outcome take_sums(const DatedTotal &total, DatedSums &out) {
  std::optional<DatedSums> sums = total.sums();
  if (!sums) return too_long();
  out = *sums;
  return {};
}

Error corrupt_row() {
  return base::make_error(base::Status::kInternal, "store.corrupt",
                          "the store gave a balance by effective date that is not as this library writes it");
}

Outcome read_head(base::JsonView row, DatedRow &out) {
  const auto account_id = base::Uuid::parse(row.get("account_id").string());
  const auto journal_id = base::Uuid::parse(row.get("journal_id").string());
  const auto currency = core::Currency::parse(row.get("currency").string());
  const auto type = core::parse_direction(row.get("normal_balance_type").string());
  const base::JsonView created = row.get("created_at");
  const auto micros = created.present() ? created.integer() : std::nullopt;
  if (!account_id || !journal_id || !currency || !type || !micros) return corrupt_row();
  out.key = {*account_id, *currency, *journal_id};
  out.normal_balance_type = *type;
  out.created_at = base::Timestamp::from_micros(*micros);
  return {};
}

// The rows of an answer, once the journal is seen to keep them.
Result<base::Json> kept_rows(Result<store::Answer> answer, const base::Uuid &journal_id) {
  if (!answer) return std::move(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  const base::JsonView kept = json->root().get("kept");
  if (kept.present() && kept.is_bool() && !kept.boolean()) return no_effective_balances(journal_id);
  return json;
}

ShownBalance shown(const DatedRow &row, const DatedSums &sums) {
  return ShownBalance{core::balance_of(row.key, sums, row.created_at), row.normal_balance_type};
}

Flow find_at(Context, BalanceKey key, Date effective) {
  Result<store::Answer> answer = co_await ask(read_dated(key, std::nullopt, effective));
  Result<std::optional<DatedRow>> row = dated_row(std::move(answer), key);
  if (!row) co_return std::move(row.error());
  if (!*row) co_return balance_not_found(key, " at that effective date");
  co_return Render([balance = shown(**row, (*row)->close)](base::JsonWriter &out) { render(out, balance); });
}

void render_range(base::JsonWriter &out, const DatedRow &row, const DatedSums &period) {
  out.begin_object();
  write_key(out, row.key);
  out.key("normal_balance_type").string(core::text_of(row.normal_balance_type)).key("open");
  render(out, ShownSums{row.open, row.normal_balance_type});
  out.key("period");
  render(out, ShownSums{period, row.normal_balance_type});
  out.key("close");
  render(out, ShownSums{row.close, row.normal_balance_type});
  out.end_object();
}

Flow find_range(Context context, BalanceKey key, Date from, std::optional<Date> until) {
  const Date today = context.ledger->now().date();
  const Date last = until.value_or(today);
  if (from > last) co_return from_after(from, until ? last.text() : last.text() + ", the ledger clock's today");
  Result<store::Answer> answer = co_await ask(read_dated(key, core::day_before(from), last));
  Result<std::optional<DatedRow>> found = dated_row(std::move(answer), key);
  if (!found) co_return std::move(found.error());
  if (!*found) co_return balance_not_found(key, " at that effective date");
  const DatedRow row = **found;
  const std::optional<DatedSums> period = core::difference(row.close, row.open);
  if (!period) co_return too_long();
  co_return Render([row, period = *period](base::JsonWriter &out) { render_range(out, row, period); });
}

struct Change {
  DatedRow row;  // close: its own day
  Date effective;
  DatedTotal before;  // all days before, on the earliest of its balance
};

Result<Rows<Change>> changes_of(Result<store::Answer> answer, const base::Uuid &journal_id) {
  Result<base::Json> json = kept_rows(std::move(answer), journal_id);
  if (!json) return std::move(json.error());
  Rows<Change> out;
  for (const base::JsonView row : json->root().get("rows")) {
    Change change;
    if (Outcome read = read_head(row, change.row); !read) return std::move(read.error());
    const auto day = row.get("effective").present() ? row.get("effective").integer() : std::nullopt;
    if (!day) return corrupt_row();
    change.effective = Date{static_cast<std::int32_t>(*day)};
    if (base::JsonView before = row.get("before"); before.present() && !before.is_null()) {
      if (Outcome added = add_up(before, change.before); !added) return std::move(added.error());
    }
    Result<DatedSums> own = store::sums_of(row.get("sums"));
    if (!own) return std::move(own.error());
    change.row.close = own.take();
    out.items.push_back(std::move(change));
    out.cursors.emplace_back(row.get("cursor").string());
  }
  return out;
}

// Days into balances at their end: each has what the day before it had.
// Rows are in order of balance and date, either way.
Outcome accumulate(std::vector<Change> &changes, bool descending) {
  if (descending) std::reverse(changes.begin(), changes.end());
  DatedTotal total;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    DatedRow &row = changes[i].row;
    if (i == 0 || changes[i - 1].row.key != row.key) total = changes[i].before;
    total.add(row.close);
    if (Outcome fits = take_sums(total, row.close); !fits) return fits;
  }
  if (descending) std::reverse(changes.begin(), changes.end());
  return {};
}

Flow list_changes(Context, Page page, base::Uuid journal_id, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kEffectiveChanges, document));
  Result<Rows<Change>> rows = changes_of(std::move(answer), journal_id);
  if (!rows) co_return std::move(rows.error());
  if (Outcome added = accumulate(rows->items, page.descending); !added) co_return std::move(added.error());
  Rows<DatedBalance> balances;
  balances.cursors = std::move(rows->cursors);
  for (const Change &change : rows->items) {
    balances.items.push_back(DatedBalance{shown(change.row, change.row.close), change.effective});
  }
  co_return Render([balances = std::move(balances), page](base::JsonWriter &out) {
    render_page(out, balances, page, "balance_changes");
  });
}

}  // namespace

Date first_date() { return Date::from_civil(1, 1, 1).value_or(Date{}); }
Date last_date() { return Date::from_civil(9999, 12, 31).value_or(Date{}); }

base::Error no_effective_balances(const base::Uuid &journal_id) {
  Error error = base::make_error(base::Status::kRejected, "journal.no_effective_balances",
                                 "journal " + journal_id.text() +
                                     " keeps no balances by effective date: it was created without effective_balances");
  base::JsonWriter details;
  details.begin_object().key("journal_id").string(journal_id.text()).end_object();
  error.details = details.take();
  return error;
}

void write_cut(base::JsonWriter &out, std::string_view key, std::optional<Date> date) {
  out.key(key);
  if (!date) {
    out.null();
    return;
  }
  const core::DateCut cut = core::cut_at(*date);
  out.begin_array().integer(cut.year.days).integer(cut.month.days).integer(cut.day.days).end_array();
}

store::Call read_dated(const BalanceKey &key, std::optional<Date> open, Date close) {
  base::JsonWriter document;
  document.begin_object();
  write_key(document, key);
  write_cut(document, "open", open);
  write_cut(document, "close", close);
  document.end_object();
  return read_call(StatementId::kEffectiveRead, document.take());
}

Result<std::optional<DatedRow>> dated_row(Result<store::Answer> answer, const BalanceKey &key) {
  Result<base::Json> json = kept_rows(std::move(answer), key.journal_id);
  if (!json) return std::move(json.error());
  DatedRow out;
  DatedTotal open;
  DatedTotal close;
  for (const base::JsonView row : json->root().get("rows")) {
    if (Outcome read = read_head(row, out); !read) return std::move(read.error());
    if (Outcome added = add_up(row.get("open"), open); !added) return std::move(added.error());
    if (Outcome added = add_up(row.get("close"), close); !added) return std::move(added.error());
  }
  if (Outcome fits = take_sums(open, out.open); !fits) return std::move(fits.error());
  if (Outcome fits = take_sums(close, out.close); !fits) return std::move(fits.error());
  return out.close.entries == 0 ? std::optional<DatedRow>() : std::optional(out);
}

OperationPtr balance_at_effective(const BalanceKey &key, Date effective) {
  return std::make_unique<Operation>("balance_at", Operation::Traits{},
                                     [key, effective](Context context) { return find_at(context, key, effective); });
}

Result<OperationPtr> balance_range(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const BalanceKey key = read_balance_key(reader);
  const std::optional<Date> from = reader.optional_date("from");
  if (!reader.has("from")) reader.fail("request.missing_key", "from", "is required");
  const std::optional<Date> until = reader.optional_date("until");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (until && *from > *until) return from_after(*from, until->text());
  return std::make_unique<Operation>("balance_range", Operation::Traits{}, [key, from = *from, until](Context context) {
    return find_range(context, key, from, until);
  });
}

Result<OperationPtr> balance_changes(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "balance_changes");
  const base::Uuid journal_id = reader.uuid("journal_id");
  const std::optional<base::Timestamp> since = reader.optional_instant("modified_since");
  if (!reader.has("modified_since")) reader.fail("request.missing_key", "modified_since", "is required");
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  document.key("journal_id").string(journal_id.text()).key("modified_since").integer(since->micros());
  document.key("since_day").integer(since->date().days).end_object();
  return std::make_unique<Operation>("balance_changes", Operation::Traits{},
                                     [page, journal_id, text = document.take()](Context context) {
                                       return list_changes(context, page, journal_id, text);
                                     });
}

}  // namespace cala::engine
