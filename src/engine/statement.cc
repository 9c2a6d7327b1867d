// Statements of account, and trial balances.
#include <algorithm>
#include <memory>
#include <utility>

#include "core/balance/effective.h"
#include "engine/answers.h"
#include "engine/balance.h"
#include "engine/makers.h"
#include "values/decimal_sum.h"

namespace cala::engine {

namespace {

using base::Date;
using base::Error;
using base::Outcome;
using base::Result;
using base::Timestamp;
using core::BalanceKey;
using core::Decimal;
using store::StatementId;

// The widest range of versions that one request looks through for entries of a layer.
constexpr std::int64_t kWidest = 16384;

// Debits and credits of one layer.
struct Sides {
  Decimal debit;
  Decimal credit;
};

struct Asked {
  BalanceKey key;
  core::Layer layer = core::Layer::kSettled;
  bool by_effective = false;
  std::optional<Timestamp> recorded_from, recorded_until;
  std::optional<Date> effective_from, effective_until;
  Page page;
};

struct Line {
  core::Entry entry;
  Sides running;
};

struct Statement {
  core::Direction normal_balance_type = core::Direction::kCredit;
  Sides opening;
  Sides closing;
  Rows<Line> lines;
};

Error too_long(const BalanceKey &key) {
  return base::make_error(base::Status::kInvalid, "amount.range",
                          "the sums of account " + key.account_id.text() + " would need more than 38 digits");
}

Error corrupt_row() {
  return base::make_error(base::Status::kInternal, "store.corrupt",
                          "the store gave a line of a statement that is not as this library writes it");
}

bool add(Sides &sides, const core::Entry &entry, bool taken_away) {
  Decimal &side = entry.direction == core::Direction::kDebit ? sides.debit : sides.credit;
  const std::optional<Decimal> sum = taken_away ? Decimal::sub(side, entry.units) : Decimal::add(side, entry.units);
  if (sum) side = *sum;
  return sum.has_value();
}

void write_sides(base::JsonWriter &out, const Sides &sides, core::Direction normal_balance_type) {
  core::LayerAmounts amounts;
  amounts.debit = sides.debit;
  amounts.credit = sides.credit;
  out.key("debit").string(sides.debit.text()).key("credit").string(sides.credit.text());
  out.key("net").string(core::net(amounts, normal_balance_type).value_or(Decimal{}).text());
}

void write_sums(base::JsonWriter &out, const char *key, const Sides &sides, core::Direction normal_balance_type) {
  out.key(key).begin_object();
  write_sides(out, sides, normal_balance_type);
  out.end_object();
}

void render_statement(base::JsonWriter &out, const Statement &statement, const Page &page) {
  const auto first = static_cast<std::size_t>(page.first);
  const std::size_t shown = std::min(statement.lines.items.size(), first);
  out.begin_object();
  write_sums(out, "opening", statement.opening, statement.normal_balance_type);
  out.key("items").begin_array();
  for (std::size_t i = 0; i < shown; ++i) {
    out.begin_object().key("entry");
    render(out, statement.lines.items[i].entry);
    write_sums(out, "running", statement.lines.items[i].running, statement.normal_balance_type);
    out.end_object();
  }
  out.end_array();
  write_sums(out, "closing", statement.closing, statement.normal_balance_type);
  out.key("has_next_page").boolean(statement.lines.items.size() > first);
  if (shown > 0) out.key("end_cursor").string(encode_cursor("account_statement", statement.lines.cursors[shown - 1]));
  out.end_object();
}

Render rendered(Statement statement, const Page &page) {
  const auto kept = std::make_shared<const Statement>(std::move(statement));
  return [kept, page](base::JsonWriter &out) { render_statement(out, *kept, page); };
}

store::Call balance_as_recorded(const BalanceKey &key, std::optional<Timestamp> at) {
  base::JsonWriter document;
  document.begin_object();
  if (at) {
    write_key(document, key);
    document.key("recorded_at").integer(at->micros()).end_object();
    return read_call(StatementId::kBalanceAt, document.take());
  }
  document.key("keys").begin_array().begin_object();
  write_key(document, key);
  document.end_object().end_array().end_object();
  return read_call(StatementId::kBalanceFind, document.take());
}

// What a statement begins or ends with, by recorded time.
struct Edge {
  Sides sides;
  std::int64_t version = 0;
};

Result<Edge> edge_of(Result<store::Answer> answer, core::Layer layer, core::Direction &normal_balance_type) {
  Result<Rows<ShownBalance>> rows = rows_of(std::move(answer), shown_balance_of);
  if (!rows) return std::move(rows.error());
  Edge edge;
  if (rows->items.empty()) return edge;
  const ShownBalance &shown = rows->items.front();
  const core::LayerAmounts &amounts = shown.balance.layers[static_cast<std::size_t>(layer)];
  edge.sides = {amounts.debit, amounts.credit};
  edge.version = shown.balance.version;
  normal_balance_type = shown.normal_balance_type;
  return edge;
}

store::Call read_versions(const Asked &asked, std::int64_t low, std::int64_t high, std::int64_t first) {
  base::JsonWriter document;
  document.begin_object();
  write_key(document, asked.key);
  document.key("layer").string(core::text_of(asked.layer)).key("low").integer(low).key("high").integer(high);
  document.key("first").integer(first).key("desc").boolean(asked.page.descending).end_object();
  return read_call(StatementId::kStatementRead, document.take());
}

Outcome add_versions(Result<store::Answer> answer, Rows<Line> &lines) {
  if (!answer) return std::move(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  for (const base::JsonView row : json->root().get("rows")) {
    Result<core::Entry> entry = store::entry_of(row.get("entry"));
    if (!entry) return std::move(entry.error());
    const auto version = row.get("version").present() ? row.get("version").integer() : std::nullopt;
    const std::optional<Decimal> debit = Decimal::parse(row.get("debit").string());
    const std::optional<Decimal> credit = Decimal::parse(row.get("credit").string());
    if (!version || !debit || !credit) return corrupt_row();
    lines.items.push_back({entry.take(), {*debit, *credit}});
    lines.cursors.push_back(std::to_string(*version));
  }
  return {};
}

Error not_a_cursor() {
  Error error = base::make_error(base::Status::kInvalid, "request.malformed", "/after is not a cursor of this list");
  error.details = R"({"pointer":"/after"})";
  return error;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  const std::optional<Decimal> number = text.size() > 18 ? std::nullopt : Decimal::parse(text);
  return number ? number->to_int64() : std::nullopt;
}

// Only an account that is there has a statement; one without entries has an empty one.
store::Call find_owner(const Asked &asked) {
  return find_call(StatementId::kAccountFind, lookup_ids({asked.key.account_id}));
}

Flow statement_as_recorded(Context, Asked asked) {
  Statement statement;
  Result<store::Answer> end = co_await ask(balance_as_recorded(asked.key, asked.recorded_until));
  Result<Edge> closing = edge_of(std::move(end), asked.layer, statement.normal_balance_type);
  if (!closing) co_return std::move(closing.error());
  statement.closing = closing->sides;
  if (closing->version == 0) {
    Result<store::Answer> answer = co_await ask(find_owner(asked));
    Result<Rows<core::Account>> owner = rows_of(std::move(answer), store::account_of);
    if (!owner) co_return std::move(owner.error());
    if (owner->items.empty()) co_return not_found("account", lookup_ids({asked.key.account_id}));
    co_return rendered(std::move(statement), asked.page);
  }
  std::int64_t low = 1;
  if (asked.recorded_from) {
    const Timestamp before = Timestamp::from_micros(asked.recorded_from->micros() - 1);
    Result<store::Answer> start = co_await ask(balance_as_recorded(asked.key, before));
    Result<Edge> opening = edge_of(std::move(start), asked.layer, statement.normal_balance_type);
    if (!opening) co_return std::move(opening.error());
    statement.opening = opening->sides;
    low = opening->version + 1;
  }
  std::int64_t high = closing->version;
  if (asked.page.after) {
    const std::optional<std::int64_t> after = whole_number(*asked.page.after);
    if (!after || *after < 0) co_return not_a_cursor();
    if (asked.page.descending) {
      high = std::min(high, *after - 1);
    } else {
      low = std::max(low, *after + 1);
    }
  }
  const std::int64_t wanted = asked.page.first + 1;
  for (std::int64_t width = wanted; low <= high; width = std::min(2 * width, kWidest)) {
    const auto found = static_cast<std::int64_t>(statement.lines.items.size());
    if (found >= wanted) break;
    const std::int64_t from = asked.page.descending ? std::max(low, high - width + 1) : low;
    const std::int64_t until = asked.page.descending ? high : std::min(high, low + width - 1);
    Result<store::Answer> answer = co_await ask(read_versions(asked, from, until, wanted - found));
    if (Outcome added = add_versions(std::move(answer), statement.lines); !added) co_return std::move(added.error());
    if (asked.page.descending) {
      high = from - 1;
    } else {
      low = until + 1;
    }
  }
  co_return rendered(std::move(statement), asked.page);
}

// A cursor by effective date carries what the running sums are on the side where the next page goes on, so that they go
// on from there whatever was posted meanwhile: day/place/debit/credit.
struct DatedCursor {
  std::string store;
  Sides running;
};

std::optional<DatedCursor> parse_dated_cursor(const std::string &text) {
  const std::size_t day = text.find('/');
  const std::size_t place = day == std::string::npos ? day : text.find('/', day + 1);
  const std::size_t debit = place == std::string::npos ? place : text.find('/', place + 1);
  if (debit == std::string::npos) return std::nullopt;
  const std::optional<Decimal> debits = Decimal::parse(text.substr(place + 1, debit - place - 1));
  const std::optional<Decimal> credits = Decimal::parse(text.substr(debit + 1));
  if (!debits || !credits) return std::nullopt;
  return DatedCursor{text.substr(0, place), {*debits, *credits}};
}

store::Call read_dated_entries(const Asked &asked, const std::optional<DatedCursor> &cursor) {
  Page page = asked.page;
  page.after = cursor ? std::optional(cursor->store) : std::nullopt;
  base::JsonWriter document = begin_list(page);
  write_key(document, asked.key);
  document.key("layer").string(core::text_of(asked.layer));
  document.key("from").integer(asked.effective_from.value_or(first_date()).days);
  document.key("until").integer(asked.effective_until.value_or(last_date()).days).end_object();
  return read_call(StatementId::kStatementDated, document.take());
}

Outcome add_dated(Result<store::Answer> answer, Sides running, bool descending, const BalanceKey &key,
                  Rows<Line> &lines) {
  if (!answer) return std::move(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  for (const base::JsonView row : json->root().get("rows")) {
    Result<core::Entry> entry = store::entry_of(row.get("entry"));
    if (!entry) return std::move(entry.error());
    Sides shown = running;
    if (!add(running, *entry, descending)) return too_long(key);
    if (!descending) shown = running;
    lines.items.push_back({entry.take(), shown});
    lines.cursors.push_back(std::string(row.get("cursor").string()) + "/" + running.debit.text() + "/" +
                            running.credit.text());
  }
  return {};
}

Sides sides_of(const core::DatedSums &sums, core::Layer layer) {
  const core::DatedSums::Side &side = sums.layers[static_cast<std::size_t>(layer)];
  return {side.debit, side.credit};
}

Flow statement_by_effective(Context, Asked asked) {
  std::optional<DatedCursor> cursor;
  if (asked.page.after) {
    cursor = parse_dated_cursor(*asked.page.after);
    if (!cursor) co_return not_a_cursor();
  }
  Statement statement;
  const std::optional<Date> before = asked.effective_from ? core::day_before(*asked.effective_from) : std::nullopt;
  Result<store::Answer> answer =
      co_await ask(read_dated(asked.key, before, asked.effective_until.value_or(last_date())));
  Result<std::optional<DatedRow>> row = dated_row(std::move(answer), asked.key);
  if (!row) co_return std::move(row.error());
  if (!*row) {
    Result<store::Answer> found = co_await ask(find_owner(asked));
    Result<Rows<core::Account>> owner = rows_of(std::move(found), store::account_of);
    if (!owner) co_return std::move(owner.error());
    if (owner->items.empty()) co_return not_found("account", lookup_ids({asked.key.account_id}));
    co_return rendered(std::move(statement), asked.page);
  }
  statement.normal_balance_type = (*row)->normal_balance_type;
  statement.opening = sides_of((*row)->open, asked.layer);
  statement.closing = sides_of((*row)->close, asked.layer);
  const Sides edge = asked.page.descending ? statement.closing : statement.opening;
  Result<store::Answer> entries = co_await ask(read_dated_entries(asked, cursor));
  Outcome added =
      add_dated(std::move(entries), cursor ? cursor->running : edge, asked.page.descending, asked.key, statement.lines);
  if (!added) co_return std::move(added.error());
  co_return rendered(std::move(statement), asked.page);
}

template <typename Moment>
void refuse_reversed(RequestReader &reader, const std::optional<Moment> &from, const std::optional<Moment> &until) {
  if (from && until && *from > *until) reader.fail("request.malformed", "from", "must not be after until");
}

struct TrialRow {
  base::Uuid account_id;
  std::string code;
  std::string name;
  core::Currency currency;
  core::Direction normal_balance_type = core::Direction::kCredit;
  Sides sides;
};

struct TrialBalance {
  Rows<TrialRow> rows;
  std::vector<TrialRow> totals;
};

// Parts are added without their trailing zeros, which may come from how the store adds, and the sum shows `scale`
// decimals at least.
std::optional<Sides> sum_of(base::JsonView row) {
  values::DecimalSum debits;
  values::DecimalSum credits;
  for (const base::JsonView part : row.get("parts")) {
    const base::JsonView first = part.first();
    const base::JsonView second = first.present() ? first.next() : first;
    if (!second.present()) return std::nullopt;
    const std::optional<Decimal> debit = Decimal::parse(first.string());
    const std::optional<Decimal> credit = Decimal::parse(second.string());
    if (!debit || !credit) return std::nullopt;
    if (!debit->is_zero()) debits.add(*debit);
    if (!credit->is_zero()) credits.add(*credit);
  }
  const std::optional<Decimal> debit = debits.value();
  const std::optional<Decimal> credit = credits.value();
  if (!debit || !credit) return std::nullopt;
  return Sides{*debit, *credit};
}

// What accounts and totals have alike.
Result<TrialRow> sums_row(base::JsonView row) {
  const Error too_many = base::make_error(base::Status::kInvalid, "amount.range",
                                          "a sum of the trial balance would need more than 38 digits");
  TrialRow out;
  const auto currency = core::Currency::parse(row.get("currency").string());
  if (!currency) return corrupt_row();
  out.currency = *currency;
  std::optional<Sides> sides = sum_of(row);
  if (!sides) return too_many;
  out.sides = *sides;
  return out;
}

Result<TrialRow> total_row(base::JsonView row) {
  Result<TrialRow> out = sums_row(row);
  if (!out) return out;
  const std::int64_t scale = row.get("scale").present() ? row.get("scale").integer().value_or(-1) : -1;
  if (scale < 0 || scale > Decimal::kMaxScale) return corrupt_row();
  for (Decimal *side : {&out->sides.debit, &out->sides.credit}) {
    *side = Decimal::round(*side, static_cast<int>(scale), core::Rounding::kExact).value_or(*side);
  }
  return out;
}

Result<TrialRow> account_row(base::JsonView row) {
  Result<TrialRow> out = sums_row(row);
  if (!out) return out;
  const auto id = base::Uuid::parse(row.get("account_id").string());
  const auto type = core::parse_direction(row.get("normal_balance_type").string());
  if (!id || !type) return corrupt_row();
  out->account_id = *id;
  out->code = row.get("code").string();
  out->name = row.get("name").string();
  out->normal_balance_type = *type;
  return out;
}

Result<TrialBalance> trial_balance_of(const base::Json &json) {
  TrialBalance out;
  for (const base::JsonView row : json.root().get("rows")) {
    Result<TrialRow> read = account_row(row);
    if (!read) return std::move(read.error());
    out.rows.items.push_back(read.take());
    out.rows.cursors.emplace_back(row.get("cursor").string());
  }
  for (const base::JsonView row : json.root().get("totals")) {
    Result<TrialRow> read = total_row(row);
    if (!read) return std::move(read.error());
    out.totals.push_back(read.take());
  }
  return out;
}

void render_trial_balance(base::JsonWriter &out, const TrialBalance &trial, const Page &page) {
  const auto first = static_cast<std::size_t>(page.first);
  const std::size_t shown = std::min(trial.rows.items.size(), first);
  out.begin_object().key("items").begin_array();
  for (std::size_t i = 0; i < shown; ++i) {
    const TrialRow &row = trial.rows.items[i];
    out.begin_object().key("account_id").string(row.account_id.text()).key("code").string(row.code);
    out.key("name").string(row.name).key("currency").string(row.currency.code());
    write_sides(out, row.sides, row.normal_balance_type);
    out.end_object();
  }
  out.end_array();
  if (!page.after) {
    out.key("totals").begin_array();
    for (const TrialRow &row : trial.totals) {
      out.begin_object().key("currency").string(row.currency.code());
      out.key("debit").string(row.sides.debit.text()).key("credit").string(row.sides.credit.text()).end_object();
    }
    out.end_array();
  }
  out.key("has_next_page").boolean(trial.rows.items.size() > first);
  if (shown > 0) out.key("end_cursor").string(encode_cursor("trial_balance", trial.rows.cursors[shown - 1]));
  out.end_object();
}

struct TrialBalanceOf {
  base::Uuid journal_id;
  std::optional<base::Uuid> account_set_id;
  bool dated = false;
};

Flow find_trial_balance(Context, Page page, TrialBalanceOf of, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kTrialBalance, document));
  if (!answer) co_return std::move(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) co_return std::move(json.error());
  const base::JsonView kept = json->root().get("kept");
  if (!kept.present() || kept.is_null()) co_return not_found("journal", lookup_ids({of.journal_id}));
  const base::JsonView known = json->root().get("known");
  if (of.account_set_id && known.present() && !known.boolean()) {
    co_return not_found("account_set", lookup_ids({*of.account_set_id}));
  }
  if (of.dated && !kept.boolean()) co_return no_effective_balances(of.journal_id);
  Result<TrialBalance> trial = trial_balance_of(*json);
  if (!trial) co_return std::move(trial.error());
  const auto found = std::make_shared<const TrialBalance>(trial.take());
  co_return Render([found, page](base::JsonWriter &out) { render_trial_balance(out, *found, page); });
}

}  // namespace

Result<OperationPtr> account_statement(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  Asked asked;
  asked.page = read_page(reader, "account_statement");
  asked.key = read_balance_key(reader);
  asked.layer = reader.word("layer", core::Layer::kSettled, core::parse_layer, "settled, pending, encumbrance");
  const std::optional<std::string> by = reader.optional_text("by");
  asked.by_effective = by && core::is_word(*by, "effective");
  if (by && !asked.by_effective && !core::is_word(*by, "recorded")) {
    reader.fail("request.malformed", "by", "must be one of recorded, effective");
  }
  if (asked.by_effective) {
    asked.effective_from = reader.optional_date("from");
    asked.effective_until = reader.optional_date("until");
    refuse_reversed(reader, asked.effective_from, asked.effective_until);
  } else {
    asked.recorded_from = reader.optional_instant("from");
    asked.recorded_until = reader.optional_instant("until");
    refuse_reversed(reader, asked.recorded_from, asked.recorded_until);
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("account_statement", Operation::Traits{}, [asked](Context context) {
    return asked.by_effective ? statement_by_effective(context, asked) : statement_as_recorded(context, asked);
  });
}

Result<OperationPtr> trial_balance(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "trial_balance");
  const base::Uuid journal_id = reader.uuid("journal_id");
  const std::optional<base::Uuid> account_set_id = reader.optional_uuid("account_set_id");
  const bool by_set = reader.boolean("subtotals", false);
  const bool one_currency = reader.has("currency");
  const core::Currency currency = one_currency ? reader.currency("currency") : core::Currency{};
  const auto layer = reader.word("layer", core::Layer::kSettled, core::parse_layer, "settled, pending, encumbrance");
  std::optional<Date> effective;
  std::optional<Timestamp> recorded_at;
  if (const base::JsonView moment = reader.optional_object("at"); moment.present()) {
    RequestReader at(moment, "/at");
    effective = at.optional_date("effective");
    recorded_at = at.optional_instant("recorded_at");
    if (effective.has_value() == recorded_at.has_value()) {
      at.fail(effective ? "request.malformed" : "request.missing_key", "effective",
              "or recorded_at must be given, and only one of them");
    }
    reader.adopt(at.finish());
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  document.key("journal_id").string(journal_id.text()).key("layer").string(core::text_of(layer));
  document.key("totals").boolean(!page.after).key("by_set").boolean(by_set);
  if (account_set_id) document.key("account_set_id").string(account_set_id->text());
  if (one_currency) document.key("currency").string(currency.code());
  if (recorded_at) document.key("recorded_at").integer(recorded_at->micros());
  if (effective) write_cut(document, "cut", effective);
  document.end_object();
  const TrialBalanceOf of{journal_id, account_set_id, effective.has_value()};
  return std::make_unique<Operation>(
      "trial_balance", Operation::Traits{},
      [page, of, text = document.take()](Context context) { return find_trial_balance(context, page, of, text); });
}

}  // namespace cala::engine
