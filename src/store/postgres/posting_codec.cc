#include "store/postgres/posting_codec.h"

#include <algorithm>
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

void append_layers(RowLiteral &out, const Balance &balance) {
  for (const core::LayerAmounts &layer : balance.layers) {
    out.decimal(layer.debit).decimal(layer.credit).uuid_unless_nil(layer.entry_id).instant(layer.modified_at);
  }
}

void append_transactions(std::string &out, const std::vector<core::Transaction> &transactions) {
  RowLiteral rows(out);
  for (const core::Transaction &t : transactions) {
    rows.begin_row().uuid(t.id).uuid(t.journal_id).uuid(t.tx_template_id).integer(t.effective.days);
    if (t.correlation_id == t.id.text()) {
      rows.null();
    } else {
      rows.text(t.correlation_id);
    }
    rows.text_or_null(t.external_id).text_or_null(t.description).text_or_null(t.metadata);
    rows.uuid_or_null(t.void_of);
    rows.integer(t.version).instant(t.created_at).instant(t.modified_at).end_row();
  }
  rows.end_array();
}

void append_entries(std::string &out, const PostingWrite &request) {
  RowLiteral rows(out);
  std::size_t place = 0;
  for (const core::Entry &e : request.entries) {
    while (place + 1 < request.transactions.size() && request.transactions[place].id != e.transaction_id) ++place;
    rows.begin_row().integer(static_cast<std::int64_t>(place) + 1).uuid(e.id).uuid(e.transaction_id);
    rows.uuid(e.account_id).uuid(e.journal_id).integer(e.sequence).integer(request.transactions[place].effective.days);
    rows.word(core::text_of(e.layer)).word(core::text_of(e.direction)).decimal(e.units).word(e.currency.code());
    rows.integer(e.account_version).instant(e.created_at);
    rows.text(e.entry_type).text_or_null(e.description).text_or_null(e.metadata).end_row();
  }
  rows.end_array();
}

// Only what a balance was on the way: its last row of history is the balance itself.
void append_history(std::string &out, const PostingWrite &request) {
  const auto by_key = [](const Balance &balance, const BalanceKey &key) { return balance.key < key; };
  RowLiteral rows(out);
  for (const core::BalanceMove &move : request.moves) {
    const Balance &h = move.after;
    const auto at = std::lower_bound(request.balances.begin(), request.balances.end(), h.key, by_key);
    // A row of no balance of the request would be a defect of ours: the database refuses a place that is not there.
    const bool known = at != request.balances.end() && at->key == h.key;
    if (known && at->version == h.version) continue;
    rows.begin_row().integer(known ? at - request.balances.begin() + 1 : 0).integer(h.version).uuid(h.entry_id);
    rows.instant(h.modified_at);
    append_layers(rows, h);
    rows.end_row();
  }
  rows.end_array();
}

// How many of them are new.
std::int64_t append_balances(std::string &out, const PostingWrite &request) {
  const auto *ticket = static_cast<const Ticket *>(request.ticket);
  std::int64_t born = 0;
  RowLiteral rows(out);
  for (std::size_t i = 0; i < request.balances.size(); ++i) {
    const Balance &b = request.balances[i];
    const std::int64_t before = request.balance_versions[i];
    const std::int64_t known = ticket == nullptr ? 0 : ticket->number_of(b.key);
    // One that should be there and was not read matches no row, which the function takes for a lost race.
    const std::int64_t number = before == 0 ? 0 : (known == 0 ? -1 : known);
    born += number == 0 ? 1 : 0;
    rows.begin_row().integer(number).integer(before).uuid(b.key.account_id).word(b.key.currency.code());
    rows.uuid(b.key.journal_id).instant(b.created_at).integer(b.version).uuid(b.entry_id).instant(b.modified_at);
    append_layers(rows, b);
    rows.end_row();
  }
  rows.end_array();
  return born;
}

// Texts beside the transactions, null for those without; nothing where none has any.
void append_warnings(std::string &out, const PostingWrite &request) {
  const std::vector<std::string> payloads = warning_payloads(request);
  if (payloads.empty()) return;
  base::JsonWriter texts;
  texts.begin_array();
  for (const std::string &payload : payloads) {
    if (payload.empty()) {
      texts.null();
    } else {
      texts.string(payload);
    }
  }
  (out += R"(,"warnings":)") += texts.end_array().take();
}

// Reads the fields of rows as posting_read_v1 joins them.
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

// [id, status, max_scale, effective_balances]
base::Outcome read_journals(JsonView rows, std::vector<core::JournalState> &out) {
  for (const JsonView row : rows) {
    const JsonView id = row.first();
    const JsonView status = id.next();
    const std::optional<base::Uuid> read_id = base::Uuid::parse(id.present() ? id.string() : std::string_view());
    const std::optional<core::LockStatus> read_status =
        core::parse_lock_status(status.present() ? status.string() : std::string_view());
    if (!read_id || !read_status) return corrupt("a journal");
    Result<core::MaxScale> scale = core::MaxScale::parse(status.next(), "/max_scale");
    const JsonView dated = status.next().next();
    const std::optional<std::int64_t> keeps_dated = dated.present() ? dated.integer() : std::nullopt;
    if (!scale || !keeps_dated) return corrupt("a journal");
    out.push_back({*read_id, *read_status, scale.take(), *keeps_dated != 0});
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
void append_dated(std::string &out, const PostingRead &request) {
  out += R"(,"dated":"{)";
  for (std::size_t i = 0; i < request.dated.size(); ++i) {
    if (i > 0) out += ',';
    base::append_integer(out, static_cast<std::int64_t>(request.dated[i].key) + 1);
    out += ',';
    base::append_integer(out, request.dated[i].effective.days);
  }
  out += R"(}")";
}

// The buckets of balances by effective date, each with which balance of the request it is of, from 1.
void append_buckets(std::string &out, const PostingWrite &request) {
  const auto by_key = [](const Balance &balance, const BalanceKey &key) { return balance.key < key; };
  RowLiteral rows(out);
  for (const core::Bucket &bucket : request.buckets) {
    const auto at = std::lower_bound(request.balances.begin(), request.balances.end(), bucket.key, by_key);
    base::JsonWriter sums;
    write_row(sums, bucket.sums);
    rows.begin_row().integer(at - request.balances.begin() + 1).integer(static_cast<std::int64_t>(bucket.level));
    rows.integer(bucket.start.days).integer(bucket.sums.modified_at.date().days).instant(bucket.sums.modified_at);
    rows.text(sums.take()).end_row();
  }
  rows.end_array();
}

// Of the moves of balances that have buckets: which balance of the request, from 1, its version and the effective date, by turns.
void append_dated_moves(std::string &out, const PostingWrite &request) {
  const auto by_key = [](const Balance &balance, const BalanceKey &key) { return balance.key < key; };
  std::set<base::Uuid> journals;
  for (const core::Bucket &bucket : request.buckets) journals.insert(bucket.key.journal_id);
  std::size_t place = 0;
  out += R"(,"dated":"{)";
  bool any = false;
  for (const core::BalanceMove &move : request.moves) {
    if (!journals.contains(move.after.key.journal_id)) continue;
    const base::Uuid &transaction_id = request.entries[move.entry].transaction_id;
    while (place + 1 < request.transactions.size() && request.transactions[place].id != transaction_id) ++place;
    const auto at = std::lower_bound(request.balances.begin(), request.balances.end(), move.after.key, by_key);
    if (std::exchange(any, true)) out += ',';
    base::append_integer(out, at - request.balances.begin() + 1);
    out += ',';
    base::append_integer(out, move.after.version);
    out += ',';
    base::append_integer(out, request.transactions[place].effective.days);
  }
  out += R"(}")";
}

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
  out += R"(,"keys":)";
  RowLiteral keys(out);
  for (const BalanceKey &key : request.keys) {
    keys.begin_row().uuid(key.account_id).word(key.currency.code()).uuid(key.journal_id).end_row();
  }
  keys.end_array();
  append_dated(out, request);
  out += request.host ? R"(,"host":true)" : R"(,"host":false)";
  out += request.group ? R"(,"lock_timeout":"500ms"})" : "}";
  return out;
}

std::string encode_posting_write(const PostingWrite &request) {
  std::string out = R"({"guard":)";
  base::append_json_string(out, request.guard);
  out += R"(,"transactions":)";
  append_transactions(out, request.transactions);
  out += R"(,"entries":)";
  append_entries(out, request);
  out += R"(,"history":)";
  append_history(out, request);
  out += R"(,"balances":)";
  const std::int64_t born = append_balances(out, request);
  out += R"(,"born":)";
  base::append_integer(out, born);
  if (const std::string velocity = velocity_rows(request); !velocity.empty()) (out += R"(,"velocity":)") += velocity;
  append_warnings(out, request);
  if (!request.buckets.empty()) {
    out += R"(,"buckets":)";
    append_buckets(out, request);
    append_dated_moves(out, request);
  }
  out += '}';
  return out;
}

Result<PostingState> decode_posting_read(std::string_view text) {
  Result<base::Json> json = base::parse_stored(text);
  if (!json || !json->root().is_object()) return corrupt("the state before a posting");
  const JsonView root = json->root();
  PostingState state;
  state.guard = root.get("guard").string();
  auto ticket = std::make_unique<Ticket>();
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
