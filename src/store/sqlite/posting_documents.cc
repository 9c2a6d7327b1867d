#include "store/sqlite/posting_documents.h"

#include <map>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/json_repair.h"
#include "store/rows.h"
#include "store/sqlite/entry_id.h"
#include "store/sqlite/error_table.h"
#include "store/sqlite/layer_text.h"

namespace cala::store::sqlite {

namespace {

using base::JsonView;
using base::JsonWriter;
using base::Result;

void write_ids(JsonWriter &out, std::string_view key, const std::vector<base::Uuid> &ids) {
  out.key(key).begin_array();
  for (const base::Uuid &id : ids) out.string(id.text());
  out.end_array();
}

void write_text(JsonWriter &out, const std::optional<std::string> &text) {
  if (text) {
    out.string(*text);
  } else {
    out.null();
  }
}

void write_id(JsonWriter &out, const std::optional<base::Uuid> &id) {
  if (id) {
    out.string(id->text());
  } else {
    out.null();
  }
}

JsonWriter &write_number(JsonWriter &out, std::int64_t n) { return n == 0 ? out.null() : out.integer(n); }

bool take_integer(JsonView object, std::string_view key, std::int64_t &value) {
  const std::optional<std::int64_t> number = object.get(key).present() ? object.get(key).integer() : std::nullopt;
  if (number) value = *number;
  return number.has_value();
}

// The elements of an array, one after the other. A miss is remembered.
class Cells {
 public:
  explicit Cells(JsonView array) : at_(array.present() ? array.first() : JsonView()) {}

  std::string_view text() {
    const JsonView cell = take();
    if (!cell.present() || !cell.is_string()) ok_ = false;
    return cell.present() ? cell.string() : std::string_view();
  }
  std::int64_t integer() {
    const JsonView cell = take();
    const std::optional<std::int64_t> value = cell.present() ? cell.integer() : std::nullopt;
    if (!value) ok_ = false;
    return value.value_or(0);
  }
  JsonView take() {
    const JsonView cell = at_;
    if (at_.present()) at_ = at_.next();
    return cell;
  }
  bool ok() const { return ok_; }

 private:
  JsonView at_;
  bool ok_ = true;
};

class StateReader {
 public:
  StateReader(const PostingRead &read, JsonView root) : root_(root), ticket_(std::make_shared<SqliteTicket>()) {
    ticket_->places.reserve(read.keys.size());
    for (const core::BalanceKey &key : read.keys) ticket_->places.push_back({key, 0, 0, 0, 0, {}});
    host_ = read.host;
  }

  Result<PostingState> run() {
    std::int64_t salt = 0;
    if (!take_integer(root_, "salt", salt) || !take_integer(root_, "change", ticket_->change) ||
        !take_integer(root_, "next_entry", ticket_->next_entry_n) ||
        !take_integer(root_, "next_transaction", ticket_->next_transaction_n) ||
        !take_integer(root_, "next_balance", ticket_->next_balance_n)) {
      return corrupt_row("posting's state");
    }
    ticket_->salt = static_cast<std::uint32_t>(salt);
    if (base::Outcome outcome = read_rows(); !outcome) return std::move(outcome.error());
    if (base::Outcome outcome = read_existing(); !outcome) return std::move(outcome.error());
    if (host_) state_.guard = ticket_->seen();
    state_.ticket = std::move(ticket_);
    return std::move(state_);
  }

 private:
  base::Outcome read_rows() {
    for (const JsonView cells : root_.get("journals")) {
      if (!read_journal(Cells(cells))) return corrupt_row("journal");
    }
    for (const JsonView cells : root_.get("accounts")) {
      if (!read_account(Cells(cells))) return corrupt_row("account");
    }
    for (const JsonView cells : root_.get("sets")) {
      if (!read_set(Cells(cells))) return corrupt_row("account set");
    }
    place_sets();
    base::Outcome attached = read_attached_controls(root_.get("velocity"), state_.accounts);
    if (!attached) return attached;
    for (const JsonView cells : root_.get("balances")) {
      if (!read_balance(Cells(cells))) return corrupt_row("balance");
    }
    for (const JsonView row : root_.get("buckets")) {
      Result<core::Bucket> bucket = bucket_of(row);
      if (!bucket) return std::move(bucket.error());
      state_.buckets.push_back(bucket.take());
    }
    for (const JsonView text : root_.get("tx_template_ids")) {
      const std::optional<base::Uuid> id = base::Uuid::parse(text.string());
      if (!id) return corrupt_row("tx template");
      state_.tx_template_ids.push_back(*id);
    }
    return {};
  }

  bool read_journal(Cells cells) {
    const std::int64_t n = cells.integer();
    const std::optional<base::Uuid> id = base::Uuid::parse(cells.text());
    const std::optional<core::LockStatus> status = core::parse_lock_status(cells.text());
    if (!id || !status || !cells.ok()) return false;
    Result<core::MaxScale> scale = core::MaxScale::parse(cells.take(), "/max_scale");
    if (!scale) return false;
    ticket_->note_journal(*id, n);
    journals_.emplace_back(*id, n);
    const bool keeps_dated = cells.integer() != 0;
    core::JournalState journal{*id, *status, scale.take(), keeps_dated};
    if (const JsonView closed = cells.take(); !closed.present() || !closed.is_null()) {
      const std::optional<std::int64_t> until = closed.present() ? closed.integer() : std::nullopt;
      if (!until) return false;
      journal.closed_until = base::Date{static_cast<std::int32_t>(*until)};
    }
    state_.journals.push_back(std::move(journal));
    return cells.ok();
  }

  bool read_account(Cells cells) {
    const std::int64_t n = cells.integer();
    const std::optional<base::Uuid> id = base::Uuid::parse(cells.text());
    const std::optional<core::LockStatus> status = core::parse_lock_status(cells.text());
    const bool is_set = cells.integer() != 0;
    const std::optional<core::Direction> side = core::parse_direction(cells.text());
    if (!id || !status || !side || !cells.ok()) return false;
    ticket_->note_account(*id, n);
    state_.accounts.push_back({*id, *status, is_set, {}, {}, *side});
    return read_floors(cells.take(), state_.accounts.back().floors);
  }

  static bool read_floors(JsonView cell, std::shared_ptr<const core::Floors> &floors) {
    if (!cell.present() || !cell.is_string()) return true;
    std::optional<core::Floors> parsed = core::Floors::parse_text(cell.string());
    if (!parsed) return false;
    if (!parsed->empty()) floors = std::make_shared<const core::Floors>(std::move(*parsed));
    return true;
  }

  // [account id, the set's number, id, status, journal id, normal balance type, floors]
  bool read_set(Cells cells) {
    const std::optional<base::Uuid> account_id = base::Uuid::parse(cells.text());
    const std::int64_t n = cells.integer();
    const std::optional<base::Uuid> id = base::Uuid::parse(cells.text());
    const std::optional<core::LockStatus> status = core::parse_lock_status(cells.text());
    const std::optional<base::Uuid> journal_id = base::Uuid::parse(cells.text());
    const std::optional<core::Direction> side = core::parse_direction(cells.text());
    if (!account_id || !id || !status || !journal_id || !side || !cells.ok()) return false;
    core::AccountState state{.id = *id, .status = *status, .is_set = true, .normal_balance_type = *side};
    if (!read_floors(cells.take(), state.floors)) return false;
    for (core::AccountState &account : state_.accounts) {
      if (account.id == *account_id) account.sets.push_back({*id, *journal_id});
    }
    sets_.emplace(*id, std::pair(n, std::move(state)));
    return true;
  }

  void place_sets() {
    if (!ticket_->add_sets(state_.accounts)) return;
    for (const auto &[id, row] : sets_) {
      ticket_->note_account(id, row.first);
      state_.accounts.push_back(row.second);
    }
    for (const auto &[id, n] : journals_) ticket_->note_journal(id, n);
  }

  bool read_balance(Cells cells) {
    const std::optional<base::Uuid> account_id = base::Uuid::parse(cells.text());
    const std::optional<base::Uuid> journal_id = base::Uuid::parse(cells.text());
    const std::optional<core::Currency> currency = core::Currency::parse(cells.text());
    if (!account_id || !journal_id || !currency) return false;
    core::Balance balance;
    balance.key = {*account_id, *currency, *journal_id};
    SqliteTicket::Place *place = ticket_->find(balance.key);
    if (place == nullptr) return false;
    place->balance_n = cells.integer();
    balance.version = cells.integer();
    place->head_n = cells.integer();
    const std::int64_t entry_n = cells.integer();
    balance.created_at = base::Timestamp::from_micros(cells.integer());
    balance.modified_at = base::Timestamp::from_micros(cells.integer());
    balance.entry_id = entry_id(entry_n, balance.modified_at, ticket_->salt);
    if (!read_trail(cells.text(), place->trail)) return false;
    if (!read_layers(cells.text(), ticket_->salt, balance) || !cells.ok()) return false;
    state_.balances.push_back(balance);
    return true;
  }

  base::Outcome read_existing() {
    for (const JsonView posted : root_.get("existing")) {
      Result<core::Transaction> transaction = transaction_of(posted.get("transaction"));
      if (!transaction) return std::move(transaction.error());
      core::PostedTransaction existing{transaction.take(), {}};
      for (const JsonView row : posted.get("entries")) {
        Result<core::Entry> entry = entry_of(row);
        if (!entry) return std::move(entry.error());
        existing.entries.push_back(entry.take());
      }
      state_.existing.push_back(std::move(existing));
    }
    return {};
  }

  JsonView root_;
  std::shared_ptr<SqliteTicket> ticket_;
  PostingState state_;
  std::map<base::Uuid, std::pair<std::int64_t, core::AccountState>> sets_;
  std::vector<std::pair<base::Uuid, std::int64_t>> journals_;
  bool host_ = false;
};

void write_transaction(JsonWriter &out, const PlannedTransaction &planned) {
  const core::Transaction &row = *planned.row;
  out.begin_array().integer(planned.n).string(row.id.text()).string(row.journal_id.text());
  out.string(row.tx_template_id.text()).integer(row.effective.days);
  out.integer(planned.first_entry_n).integer(planned.entry_count);
  if (planned.own_correlation) {
    out.null();
  } else {
    out.string(row.correlation_id);
  }
  write_text(out, row.external_id);
  write_text(out, row.description);
  write_text(out, row.metadata);
  write_id(out, row.void_of);
  out.integer(row.version).integer(row.created_at.micros()).integer(row.modified_at.micros());
  if (!planned.warnings.empty()) {
    out.string(planned.warnings);
  } else if (row.hold_id) {
    out.null();
  }
  if (row.hold_id) out.string(row.hold_id->text());
  out.end_array();
}

void write_entry(JsonWriter &out, const PlannedEntry &planned) {
  const core::Entry &row = *planned.row;
  out.begin_array().integer(planned.n).integer(planned.transaction_n).integer(planned.balance_n);
  const bool of_set = planned.entry_n != 0;
  out.integer(planned.version).integer(planned.prev_n).integer(planned.skip_n);
  out.string(of_set ? std::string_view() : row.entry_type);
  out.integer(static_cast<std::int64_t>(row.layer)).integer(static_cast<std::int64_t>(row.direction));
  out.string(of_set ? std::string() : row.units.text());
  write_text(out, of_set ? std::nullopt : row.description);
  write_text(out, of_set ? std::nullopt : row.metadata);
  out.integer(row.created_at.micros()).string(planned.state);
  write_number(out, planned.entry_n).end_array();
}

void write_opened(JsonWriter &out, const PlannedBalance &planned) {
  const core::Balance &row = *planned.row;
  out.begin_array().integer(planned.n).integer(planned.account_n).integer(planned.journal_n);
  out.string(row.key.currency.code()).integer(row.version).integer(planned.head_n);
  out.integer(row.created_at.micros()).integer(row.modified_at.micros());
  out.string(planned.trail).string(planned.state);
  write_number(out, planned.entry_n).end_array();
}

void write_moved(JsonWriter &out, const PlannedBalance &planned) {
  const core::Balance &row = *planned.row;
  out.begin_array().integer(planned.n).integer(planned.version_read).integer(row.version).integer(planned.head_n);
  out.integer(row.modified_at.micros()).string(planned.trail).string(planned.state);
  write_number(out, planned.entry_n).end_array();
}

void write_bucket(JsonWriter &out, const PlannedBucket &planned) {
  const core::Bucket &row = *planned.row;
  out.begin_array().integer(planned.balance_n).integer(static_cast<std::int64_t>(row.level)).integer(row.start.days);
  out.integer(row.sums.modified_at.date().days).integer(row.sums.modified_at.micros()).string(planned.sums).end_array();
}

}  // namespace

std::string posting_read_document(const PostingRead &read) {
  JsonWriter out;
  out.begin_object();
  write_ids(out, "transaction_ids", read.transaction_ids);
  out.key("external_ids").begin_array();
  for (const std::string &id : read.external_ids) out.string(id);
  out.end_array();
  write_ids(out, "tx_template_ids", read.tx_template_ids);
  write_ids(out, "journal_ids", read.journal_ids);
  out.key("account_ids").begin_array();
  for (std::size_t i = 0; i < read.keys.size(); ++i) {
    if (i == 0 || read.keys[i].account_id != read.keys[i - 1].account_id) out.string(read.keys[i].account_id.text());
  }
  out.end_array().key("keys").begin_array();
  for (const core::BalanceKey &key : read.keys) {
    out.begin_array()
        .string(key.account_id.text())
        .string(key.journal_id.text())
        .string(key.currency.code())
        .end_array();
  }
  out.end_array().key("dated").begin_array();
  for (const core::DatedKey &dated : read.dated) {
    out.begin_array().integer(static_cast<std::int64_t>(dated.key));
    for (const core::BucketLevel level : core::kBucketLevels)
      out.integer(core::bucket_start(level, dated.effective).days);
    out.end_array();
  }
  out.end_array().end_object();
  return out.take();
}

Result<PostingState> posting_state_of(const PostingRead &read, std::string_view text) {
  // The rest of such an answer may be no JSON.
  constexpr std::string_view kOverridden = R"({"overridden":")";
  if (text.starts_with(kOverridden) && text.find('"', kOverridden.size()) != kOverridden.size()) {
    text.remove_prefix(kOverridden.size());
    return base::make_error(base::Status::kMisuse, "tx.connection",
                            "on this connection the program has a function of its own under the name of SQLite's " +
                                std::string(text.substr(0, text.find('"'))) +
                                ": give it another name (sqlite3_create_function), or use another connection");
  }
  Result<base::Json> json = base::parse_stored(text);
  if (!json) return corrupt_row("posting's state");
  return StateReader(read, json->root()).run();
}

std::string posting_write_document(const PostingPlan &plan) {
  JsonWriter out;
  out.begin_object().key("seen").string(plan.seen);
  if (!plan.guard.empty()) out.key("guard").string(plan.guard);
  out.key("transactions").begin_array();
  for (const PlannedTransaction &transaction : plan.transactions) write_transaction(out, transaction);
  out.end_array().key("entries").begin_array();
  for (const PlannedEntry &entry : plan.entries) write_entry(out, entry);
  out.end_array().key("opened").begin_array();
  for (const PlannedBalance &balance : plan.balances) {
    if (balance.version_read == 0) write_opened(out, balance);
  }
  out.end_array().key("moved").begin_array();
  for (const PlannedBalance &balance : plan.balances) {
    if (balance.version_read != 0) write_moved(out, balance);
  }
  out.end_array().key("buckets").begin_array();
  for (const PlannedBucket &bucket : plan.buckets) write_bucket(out, bucket);
  out.end_array().key("dates").begin_array();
  for (const PlannedDate &date : plan.dates) {
    out.begin_array().integer(date.balance_n).integer(date.effective).integer(date.n).end_array();
  }
  out.end_array();
  if (!plan.velocity.empty()) out.key("velocity").raw(plan.velocity);
  if (!plan.holds.empty()) out.key("holds").raw(plan.holds);
  out.end_object();
  return out.take();
}

}  // namespace cala::store::sqlite
