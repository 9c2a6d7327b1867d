#include "store/postgres/posting_codec.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/json.h"
#include "base/json_repair.h"
#include "store/postgres/error_table.h"
#include "store/postgres/row_literal.h"
#include "store/rows.h"

namespace cala::store::postgres {
namespace {

using base::Error;
using base::JsonView;
using base::Result;
using core::Balance;
using core::BalanceKey;

// Which number each balance that was read has.
class Ticket final : public PostingTicket {
 public:
  base::Uuid next_entry_id(base::Timestamp) override { return base::new_uuid(); }

  void add(const BalanceKey &key, std::int64_t number) { numbers_.emplace_back(key, number); }
  void seal() { std::sort(numbers_.begin(), numbers_.end()); }
  // 0 for a balance that was not there.
  std::int64_t number_of(const BalanceKey &key) const {
    const auto at = std::lower_bound(numbers_.begin(), numbers_.end(), std::pair(key, std::int64_t{0}));
    return at != numbers_.end() && at->first == key ? at->second : 0;
  }

 private:
  std::vector<std::pair<BalanceKey, std::int64_t>> numbers_;
};

Error corrupt(std::string_view what) {
  return base::make_error(base::Status::kInternal, "store.corrupt",
                          "PostgreSQL gave " + std::string(what) + " that this library cannot read");
}

// The fields of each row, as migrations/0001_05_postings.sql has them.
constexpr std::array kKeyFields = {Field::kUuid, Field::kText, Field::kUuid};
constexpr std::array kTransactionFields = {
    Field::kInteger, Field::kUuid, Field::kUuid, Field::kUuid, Field::kDate,    Field::kText,    Field::kText,
    Field::kText,    Field::kJson, Field::kUuid, Field::kUuid, Field::kInteger, Field::kInstant, Field::kInstant};
constexpr std::array kEntryFields = {Field::kInteger,   Field::kUuid,    Field::kUuid, Field::kUuid,
                                     Field::kUuid,      Field::kInteger, Field::kDate, Field::kLayer,
                                     Field::kDirection, Field::kDecimal, Field::kText, Field::kBig,
                                     Field::kInstant,   Field::kText,    Field::kText, Field::kJson};
constexpr std::array kHistoryFields = {
    Field::kInteger, Field::kBig,     Field::kBig,     Field::kUuid,    Field::kInstant, Field::kDecimal,
    Field::kDecimal, Field::kUuid,    Field::kInstant, Field::kDecimal, Field::kDecimal, Field::kUuid,
    Field::kInstant, Field::kDecimal, Field::kDecimal, Field::kUuid,    Field::kInstant};
constexpr std::array kBalanceFields = {
    Field::kInteger, Field::kBig,     Field::kBig,     Field::kUuid,    Field::kText,    Field::kUuid,
    Field::kInstant, Field::kBig,     Field::kUuid,    Field::kInstant, Field::kDecimal, Field::kDecimal,
    Field::kUuid,    Field::kInstant, Field::kDecimal, Field::kDecimal, Field::kUuid,    Field::kInstant,
    Field::kDecimal, Field::kDecimal, Field::kUuid,    Field::kInstant};
constexpr std::array kBucketFields = {Field::kInteger, Field::kSmall,   Field::kDate,
                                      Field::kDate,    Field::kInstant, Field::kJson};

// Below, Rows is RowLiteral or RowBinary.
template <typename Rows>
void append_keys(Rows &&rows, const PostingRead &request) {
  for (const BalanceKey &key : request.keys) {
    rows.begin_row().uuid(key.account_id).word(key.currency.code()).uuid(key.journal_id).end_row();
  }
  rows.end_array();
}

template <typename Rows>
void append_layers(Rows &rows, const Balance &balance) {
  for (const core::LayerAmounts &layer : balance.layers) {
    rows.decimal(layer.debit).decimal(layer.credit).uuid_unless_nil(layer.entry_id).instant(layer.modified_at);
  }
}

template <typename Rows>
void append_transactions(Rows &&rows, const std::vector<core::Transaction> &transactions) {
  std::int64_t place = 0;
  for (const core::Transaction &t : transactions) {
    rows.begin_row().integer(++place).uuid(t.id).uuid(t.journal_id).uuid(t.tx_template_id).date(t.effective);
    if (t.correlation_id == t.id.text()) {
      rows.null();
    } else {
      rows.text(t.correlation_id);
    }
    rows.text_or_null(t.external_id).text_or_null(t.description).text_or_null(t.metadata);
    rows.uuid_or_null(t.void_of).uuid_or_null(t.hold_id);
    rows.integer(t.version).instant(t.created_at).instant(t.modified_at).end_row();
  }
  rows.end_array();
}

template <typename Rows>
void append_entries(Rows &&rows, const PostingWrite &request) {
  std::size_t place = 0;
  for (const core::Entry &e : request.entries) {
    while (place + 1 < request.transactions.size() && request.transactions[place].id != e.transaction_id) ++place;
    rows.begin_row().integer(static_cast<std::int64_t>(place) + 1).uuid(e.id).uuid(e.transaction_id);
    rows.uuid(e.account_id).uuid(e.journal_id).integer(e.sequence).date(request.transactions[place].effective);
    rows.word(core::text_of(e.layer)).word(core::text_of(e.direction)).decimal(e.units).word(e.currency.code());
    rows.integer(e.account_version).instant(e.created_at);
    rows.text(e.entry_type).text_or_null(e.description).text_or_null(e.metadata).end_row();
  }
  rows.end_array();
}

// Which balance of the request has the key.
std::size_t place_of(const PostingWrite &request, const BalanceKey &key) {
  const auto by_key = [](const Balance &balance, const BalanceKey &sought) { return balance.key < sought; };
  const auto at = std::lower_bound(request.balances.begin(), request.balances.end(), key, by_key);
  return static_cast<std::size_t>(at - request.balances.begin());
}

// What the read called a balance. One that should be there and was not read matches no row, which the function takes
// for a lost race.
std::int64_t number_of(const PostingWrite &request, std::size_t place) {
  if (request.balance_versions[place] == 0) return 0;
  const auto *ticket = static_cast<const Ticket *>(request.ticket.get());
  const std::int64_t known = ticket == nullptr ? 0 : ticket->number_of(request.balances[place].key);
  return known == 0 ? -1 : known;
}

// Only what a balance was on the way: its last row of history is the balance itself.
template <typename Rows>
void append_history(Rows &&rows, const PostingWrite &request) {
  for (const core::BalanceMove &move : request.moves) {
    const Balance &h = move.after;
    const std::size_t at = place_of(request, h.key);
    // A row of no balance of the request would be a defect of ours: the database refuses a place that is not there.
    const bool known = at < request.balances.size() && request.balances[at].key == h.key;
    if (known && request.balances[at].version == h.version) continue;
    rows.begin_row().integer(known ? static_cast<std::int64_t>(at) + 1 : 0).integer(known ? number_of(request, at) : 0);
    rows.integer(h.version).uuid(h.entry_id).instant(h.modified_at);
    append_layers(rows, h);
    rows.end_row();
  }
  rows.end_array();
}

template <typename Rows>
void append_balances(Rows &&rows, const PostingWrite &request) {
  for (std::size_t i = 0; i < request.balances.size(); ++i) {
    const Balance &b = request.balances[i];
    rows.begin_row().integer(static_cast<std::int64_t>(i) + 1).integer(number_of(request, i));
    rows.integer(request.balance_versions[i]).uuid(b.key.account_id).word(b.key.currency.code()).uuid(b.key.journal_id);
    rows.instant(b.created_at).integer(b.version).uuid(b.entry_id).instant(b.modified_at);
    append_layers(rows, b);
    rows.end_row();
  }
  rows.end_array();
}

std::int64_t born_of(const PostingWrite &request) {
  return std::count(request.balance_versions.begin(), request.balance_versions.end(), 0);
}

// Texts beside the transactions, null for those without; empty where none has any.
std::string warnings_of(const PostingWrite &request) {
  const std::vector<std::string> payloads = warning_payloads(request);
  if (payloads.empty()) return {};
  base::JsonWriter texts;
  texts.begin_array();
  for (const std::string &payload : payloads) {
    if (payload.empty()) {
      texts.null();
    } else {
      texts.string(payload);
    }
  }
  return texts.end_array().take();
}

// Reads the fields of rows as posting_read_rows_v1 joins them.
class RowsText {
 public:
  explicit RowsText(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }
  bool failed() const { return failed_; }

  std::int64_t integer() {
    const std::string_view text = field();
    std::int64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size()) failed_ = true;
    return value;
  }
  base::Timestamp instant() { return base::Timestamp::from_micros(integer()); }
  base::Uuid uuid() { return checked(base::Uuid::parse(field())); }
  base::Uuid uuid_or_nil() {
    const std::string_view text = field();
    return text == "-" ? base::Uuid{} : checked(base::Uuid::parse(text));
  }
  core::Decimal decimal() { return checked(core::Decimal::parse(field())); }
  core::Currency currency() { return checked(core::Currency::parse(field())); }
  // The row's last field, which may not be there.
  std::shared_ptr<const core::Floors> floors() {
    if (!row_goes_on_) return nullptr;
    return std::make_shared<const core::Floors>(checked(core::Floors::parse_text(field())));
  }
  core::LockStatus status() { return checked(core::parse_lock_status(field())); }

 private:
  std::string_view field() {
    const std::size_t end = std::min(rest_.find_first_of(" ;"), rest_.size());
    const std::string_view found = rest_.substr(0, end);
    row_goes_on_ = end < rest_.size() && rest_[end] == ' ';
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return found;
  }
  template <typename T>
  T checked(const std::optional<T> &value) {
    if (!value) failed_ = true;
    return value.value_or(T{});
  }

  std::string_view rest_;
  bool row_goes_on_ = false;
  bool failed_ = false;
};

base::Outcome read_balances(std::string_view text, Ticket &ticket, std::vector<Balance> &out) {
  RowsText fields(text);
  while (!fields.at_end() && !fields.failed()) {
    Balance balance;
    const std::int64_t number = fields.integer();
    balance.version = fields.integer();
    balance.key.account_id = fields.uuid();
    balance.key.currency = fields.currency();
    balance.key.journal_id = fields.uuid();
    balance.entry_id = fields.uuid();
    balance.created_at = fields.instant();
    balance.modified_at = fields.instant();
    for (core::LayerAmounts &layer : balance.layers) {
      layer.debit = fields.decimal();
      layer.credit = fields.decimal();
      layer.entry_id = fields.uuid_or_nil();
      layer.modified_at = fields.instant();
    }
    ticket.add(balance.key, number);
    out.push_back(balance);
  }
  if (fields.failed()) return corrupt("a balance");
  ticket.seal();
  return {};
}

// [id, status, 1 for a set + 2 for the debit side, floors where there are any]
base::Outcome read_accounts(std::string_view text, std::vector<core::AccountState> &out) {
  RowsText fields(text);
  while (!fields.at_end() && !fields.failed()) {
    core::AccountState account;
    account.id = fields.uuid();
    account.status = fields.status();
    const std::int64_t kind = fields.integer();
    account.is_set = (kind & 1) != 0;
    account.normal_balance_type = (kind & 2) != 0 ? core::Direction::kDebit : core::Direction::kCredit;
    account.floors = fields.floors();
    out.push_back(std::move(account));
  }
  if (fields.failed()) return corrupt("an account");
  return {};
}

// Each row: an account, a set above it, the set's journal, whether its balance moves at once.
base::Outcome read_sets(std::string_view text, std::vector<core::AccountState> &accounts) {
  std::unordered_map<base::Uuid, core::AccountState *, base::UuidHash> by_id;
  if (!text.empty()) {
    for (core::AccountState &account : accounts) by_id.emplace(account.id, &account);
  }
  RowsText fields(text);
  while (!fields.at_end() && !fields.failed()) {
    const auto account = by_id.find(fields.uuid());
    const base::Uuid set_id = fields.uuid();
    const base::Uuid journal_id = fields.uuid();
    const bool at_once = fields.integer() != 0;
    if (fields.failed() || account == by_id.end()) return corrupt("an account set");
    account->second->sets.push_back({set_id, journal_id, at_once});
  }
  return {};
}

// [id, status, max_scale, closed_until|null, effective_balances]
base::Outcome read_journals(JsonView rows, std::vector<core::JournalState> &out) {
  for (const JsonView row : rows) {
    const JsonView id = row.first();
    const JsonView status = id.next();
    const std::optional<base::Uuid> read_id = base::Uuid::parse(id.present() ? id.string() : std::string_view());
    const std::optional<core::LockStatus> read_status =
        core::parse_lock_status(status.present() ? status.string() : std::string_view());
    if (!read_id || !read_status) return corrupt("a journal");
    Result<core::MaxScale> scale = core::MaxScale::parse(status.next(), "/max_scale");
    const JsonView closed = status.next().next();
    const JsonView dated = closed.next();
    const std::optional<std::int64_t> keeps_dated = dated.present() ? dated.integer() : std::nullopt;
    const std::optional<std::int64_t> closed_until = closed.present() ? closed.integer() : std::nullopt;
    if (!scale || !keeps_dated || (!closed_until && !closed.is_null())) return corrupt("a journal");
    out.push_back({*read_id, *read_status, scale.take(), *keeps_dated != 0});
    if (closed_until) out.back().closed_until = base::Date{static_cast<std::int32_t>(*closed_until)};
  }
  return {};
}

template <typename T>
base::Outcome read_rows(JsonView rows, Result<T> (*read)(JsonView), std::vector<T> &out) {
  for (const JsonView row : rows) {
    Result<T> value = read(row);
    if (!value) return std::move(value.error());
    out.push_back(value.take());
  }
  return {};
}

base::Outcome read_existing(JsonView rows, std::vector<core::PostedTransaction> &out) {
  for (const JsonView row : rows) {
    core::PostedTransaction posted;
    Result<core::Transaction> transaction = transaction_of(row.get("transaction"));
    if (!transaction) return std::move(transaction.error());
    posted.transaction = transaction.take();
    if (base::Outcome read = read_rows(row.get("entries"), entry_of, posted.entries); !read) return read;
    out.push_back(std::move(posted));
  }
  return {};
}

base::Outcome read_template_ids(JsonView ids, std::vector<base::Uuid> &out) {
  for (const JsonView id : ids) {
    const std::optional<base::Uuid> parsed = base::Uuid::parse(id.string());
    if (!parsed) return corrupt("a tx template id");
    out.push_back(*parsed);
  }
  return {};
}

// Places in keys, from 1, and dates, by turns.
std::vector<std::int32_t> dated_of(const PostingRead &request) {
  std::vector<std::int32_t> dated;
  dated.reserve(2 * request.dated.size());
  for (const core::DatedKey &one : request.dated) {
    dated.push_back(static_cast<std::int32_t>(one.key) + 1);
    dated.push_back(one.effective.days);
  }
  return dated;
}

// The accounts of the keys, which are sorted by them, each once.
std::vector<base::Uuid> accounts_of(const PostingRead &request) {
  std::vector<base::Uuid> accounts;
  accounts.reserve(request.keys.size());
  for (const BalanceKey &key : request.keys) {
    if (accounts.empty() || accounts.back() != key.account_id) accounts.push_back(key.account_id);
  }
  return accounts;
}

// The buckets of balances by effective date, each with which balance of the request it is of, from 1.
template <typename Rows>
void append_buckets(Rows &&rows, const PostingWrite &request) {
  for (const core::Bucket &bucket : request.buckets) {
    base::JsonWriter sums;
    write_row(sums, bucket.sums);
    rows.begin_row().integer(static_cast<std::int64_t>(place_of(request, bucket.key)) + 1);
    rows.integer(static_cast<std::int64_t>(bucket.level)).date(bucket.start).date(bucket.sums.modified_at.date());
    rows.instant(bucket.sums.modified_at).text(sums.take()).end_row();
  }
  rows.end_array();
}

// Of the moves of balances that have buckets: which balance of the request, from 1, its version and the effective date,
// by turns.
std::vector<std::int64_t> dated_moves(const PostingWrite &request) {
  std::set<base::Uuid> journals;
  for (const core::Bucket &bucket : request.buckets) journals.insert(bucket.key.journal_id);
  std::size_t place = 0;
  std::vector<std::int64_t> dated;
  for (const core::BalanceMove &move : request.moves) {
    if (!journals.contains(move.after.key.journal_id)) continue;
    const base::Uuid &transaction_id = request.entries[move.entry].transaction_id;
    while (place + 1 < request.transactions.size() && request.transactions[place].id != transaction_id) ++place;
    dated.push_back(static_cast<std::int64_t>(place_of(request, move.after.key)) + 1);
    dated.push_back(move.after.version);
    dated.push_back(request.transactions[place].effective.days);
  }
  return dated;
}

template <typename Integer>
void append_integer_array(std::string &out, const std::vector<Integer> &values) {
  out += "\"{";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ',';
    base::append_integer(out, values[i]);
  }
  out += "}\"";
}

constexpr std::string_view kGroupPatience = "500ms";

Parameter text_parameter(std::string value) { return {.value = std::move(value)}; }
Parameter text_or_null_parameter(std::string value) {
  const bool null = value.empty();
  return {.value = std::move(value), .null = null};
}
Parameter binary_parameter(std::string value) { return {.value = std::move(value), .binary = true}; }

}  // namespace

std::string encode_posting_read(const PostingRead &request) {
  std::string out = R"({"transaction_ids":)";
  append_uuid_array(out, request.transaction_ids);
  out += R"(,"external_ids":)";
  append_text_array(out, request.external_ids);
  out += R"(,"tx_template_ids":)";
  append_uuid_array(out, request.tx_template_ids);
  out += R"(,"journal_ids":)";
  append_uuid_array(out, request.journal_ids);
  out += R"(,"account_ids":)";
  append_uuid_array(out, accounts_of(request));
  out += R"(,"keys":)";
  append_keys(RowLiteral(out), request);
  out += R"(,"dated":)";
  append_integer_array(out, dated_of(request));
  out += request.host ? R"(,"host":true)" : R"(,"host":false)";
  if (request.group) ((out += R"(,"lock_timeout":")") += kGroupPatience) += '"';
  return out += '}';
}

std::string encode_posting_write(const PostingWrite &request) {
  std::string out = R"({"guard":)";
  base::append_json_string(out, request.guard);
  out += R"(,"transactions":)";
  append_transactions(RowLiteral(out), request.transactions);
  out += R"(,"entries":)";
  append_entries(RowLiteral(out), request);
  out += R"(,"history":)";
  append_history(RowLiteral(out), request);
  out += R"(,"balances":)";
  append_balances(RowLiteral(out), request);
  out += R"(,"born":)";
  base::append_integer(out, born_of(request));
  if (const std::string velocity = velocity_rows(request); !velocity.empty()) (out += R"(,"velocity":)") += velocity;
  if (const std::string warnings = warnings_of(request); !warnings.empty()) (out += R"(,"warnings":)") += warnings;
  if (const std::string holds = hold_rows(request); !holds.empty()) (out += R"(,"holds":)") += holds;
  if (!request.buckets.empty()) {
    out += R"(,"buckets":)";
    append_buckets(RowLiteral(out), request);
    out += R"(,"dated":)";
    append_integer_array(out, dated_moves(request));
  }
  out += '}';
  return out;
}

std::vector<Parameter> posting_read_parameters(const PostingRead &request, const RowTypes &types,
                                               std::string_view trace) {
  std::string keys;
  append_keys(RowBinary(keys, types.key, kKeyFields, types), request);
  std::vector<Parameter> out;
  out.reserve(kPostingReadParameters);
  out.push_back(binary_parameter(std::move(keys)));
  out.push_back(binary_parameter(binary_array(accounts_of(request))));
  out.push_back(binary_parameter(binary_array(request.journal_ids)));
  out.push_back(binary_parameter(binary_array(request.transaction_ids)));
  out.push_back(binary_parameter(binary_array(request.external_ids)));
  out.push_back(binary_parameter(binary_array(request.tx_template_ids)));
  out.push_back(binary_parameter(binary_array(dated_of(request))));
  out.push_back(text_parameter(request.host ? "true" : "false"));
  out.push_back(text_or_null_parameter(std::string(request.group ? kGroupPatience : std::string_view())));
  out.push_back(text_or_null_parameter(std::string(trace)));
  return out;
}

std::vector<Parameter> posting_write_parameters(const PostingWrite &request, const RowTypes &types) {
  std::string transactions;
  std::string entries;
  std::string history;
  std::string balances;
  // About what a row takes, so that they seldom move while they grow.
  transactions.reserve(256 * request.transactions.size());
  entries.reserve(320 * request.entries.size());
  balances.reserve(512 * request.balances.size());
  append_transactions(RowBinary(transactions, types.transaction, kTransactionFields, types), request.transactions);
  append_entries(RowBinary(entries, types.entry, kEntryFields, types), request);
  append_history(RowBinary(history, types.history, kHistoryFields, types), request);
  append_balances(RowBinary(balances, types.balance, kBalanceFields, types), request);
  std::vector<Parameter> out;
  out.reserve(kPostingWriteParameters);
  out.push_back(text_parameter(request.guard));
  out.push_back(binary_parameter(std::move(transactions)));
  out.push_back(binary_parameter(std::move(entries)));
  out.push_back(binary_parameter(std::move(history)));
  out.push_back(binary_parameter(std::move(balances)));
  out.push_back(text_parameter(std::to_string(born_of(request))));
  out.push_back(text_or_null_parameter(velocity_rows(request)));
  out.push_back(text_or_null_parameter(warnings_of(request)));
  out.push_back(text_or_null_parameter(hold_rows(request)));
  if (request.buckets.empty()) {
    out.push_back(text_or_null_parameter({}));
    out.push_back(text_or_null_parameter({}));
  } else {
    std::string buckets;
    append_buckets(RowBinary(buckets, types.bucket, kBucketFields, types), request);
    out.push_back(binary_parameter(std::move(buckets)));
    out.push_back(binary_parameter(binary_array(dated_moves(request))));
  }
  return out;
}

Result<PostingState> decode_posting_read(std::string_view text) {
  Result<base::Json> json = base::parse_stored(text);
  if (!json || !json->root().is_object()) return corrupt("the state before a posting");
  const JsonView root = json->root();
  PostingState state;
  state.guard = root.get("guard").string();
  auto ticket = std::make_shared<Ticket>();
  base::Outcome read = read_balances(root.get("balances").string(), *ticket, state.balances);
  if (read) read = read_journals(root.get("journals"), state.journals);
  if (read) read = read_accounts(root.get("accounts").string(), state.accounts);
  if (read) read = read_sets(root.get("sets").string(), state.accounts);
  if (read) read = read_attached_controls(root.get("velocity"), state.accounts);
  if (read) read = read_template_ids(root.get("tx_template_ids"), state.tx_template_ids);
  if (read) read = read_existing(root.get("existing"), state.existing);
  if (read && root.get("buckets").present()) read = read_rows(root.get("buckets"), bucket_of, state.buckets);
  if (!read) return std::move(read.error());
  state.ticket = std::move(ticket);
  return state;
}

Result<Written> decode_posting_write(std::string_view text) {
  if (text == "{}") return Written{};
  Result<base::Json> json = base::parse_stored(text);
  if (!json || !json->root().is_object()) return corrupt("an answer to a posting");
  if (json->root().get("duplicate").present()) return taken_meanwhile();
  if (json->root().get("elsewhere").present()) return no_transaction();
  return Written{};
}

}  // namespace cala::store::postgres
