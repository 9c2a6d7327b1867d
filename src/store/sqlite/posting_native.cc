#include "store/sqlite/posting_native.h"

#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <unordered_set>

#include "base/json.h"
#include "base/json_repair.h"
#include "store/rows.h"
#include "store/sqlite/entry_id.h"
#include "store/sqlite/error_table.h"
#include "store/sqlite/layer_text.h"

namespace cala::store::sqlite {

namespace {

using base::Outcome;
using base::Result;
using base::Timestamp;

Statement &number_or_null(Statement &out, std::int64_t n) { return n == 0 ? out.null() : out.integer(n); }

std::optional<core::JournalState> journal_at(const base::Uuid &id, const Statement &row) {
  const std::optional<core::LockStatus> status = core::parse_lock_status(row.column_text(1));
  const Result<base::Json> scales = base::parse_stored(row.column_text(2));
  if (!status || !scales) return std::nullopt;
  Result<core::MaxScale> scale = core::MaxScale::parse(scales->root(), "/max_scale");
  if (!scale) return std::nullopt;
  core::JournalState journal{id, *status, scale.take(), row.column_integer(3) != 0};
  if (!row.column_null(4)) journal.closed_until = base::Date{static_cast<std::int32_t>(row.column_integer(4))};
  return journal;
}

}  // namespace

std::string_view NativePosting::sql_of(Use use) {
  switch (use) {
    case kLedger:
      return "SELECT salt, change, (SELECT coalesce(max(n), 0) + 1 FROM main.cala_entries),"
             " (SELECT coalesce(max(n), 0) + 1 FROM main.cala_transactions), (SELECT coalesce(max(n), 0) + 1 FROM "
             "main.cala_balances)"
             " FROM main.cala_ledger";
    case kJournal:
      return "SELECT n, status, max_scale, effective_balances, closed_until FROM main.cala_journals WHERE id = ?";
    case kAccount: return "SELECT n, status, is_set, normal_balance_type, floors FROM main.cala_accounts WHERE id = ?";
    case kSetsAbove:
      return "SELECT s.id, j.id FROM main.cala_account_set_ancestors x CROSS JOIN main.cala_accounts s ON s.n = x.set_n"
             " CROSS JOIN main.cala_journals j ON j.n = s.journal_n WHERE x.member_n = ? ORDER BY s.id";
    case kAttachedControls: return "SELECT row FROM main.cala_attached_controls_v1 WHERE account_n = ?";
    case kMoveVelocity: return "INSERT INTO main.cala_velocity_move_v1 (doc) VALUES (?)";
    case kMoveHolds: return "INSERT INTO main.cala_hold_move_v1 (doc) VALUES (?)";
    case kBalance:
      return "SELECT n, version, head_entry_n, created_at, modified_at, trail, state, entry_n FROM main.cala_balances"
             " WHERE account_n = ? AND journal_n = ? AND currency = ?";
    case kBalanceByN:
      return "SELECT n, version, head_entry_n, created_at, modified_at, trail, state, entry_n FROM main.cala_balances"
             " WHERE n = ? AND account_n = ? AND journal_n = ?";
    case kTxTemplate: return "SELECT n FROM main.cala_tx_templates WHERE id = ?";
    case kTransactionById: return "SELECT n FROM main.cala_transactions WHERE id = ?";
    case kTransactionByExternalId: return "SELECT n FROM main.cala_transactions WHERE external_id = ?";
    case kTransactionRow:
      return "SELECT row, first_entry_n, entry_count FROM main.cala_transaction_rows_v1 WHERE n = ?";
    case kEntryRows: return "SELECT row FROM main.cala_entry_rows_v1 WHERE n >= ? AND n < ? ORDER BY n";
    case kInsertTransaction:
      return "INSERT INTO main.cala_transactions (n, id, journal_n, tx_template_n, effective, first_entry_n, "
             "entry_count,"
             " correlation_id, external_id, description, metadata, void_of, version, created_at, "
             "modified_at, hold_id)"
             " VALUES (?, ?, coalesce(?, (SELECT n FROM main.cala_journals WHERE id = ?)),"
             " coalesce(?, (SELECT n FROM main.cala_tx_templates WHERE id = ?)), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    case kInsertEntry:
      return "INSERT INTO main.cala_entries (n, transaction_n, balance_n, version, prev_n, skip_n, entry_type, layer, "
             "direction,"
             " units, description, metadata, created_at, state, entry_n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
             "?, ?, ?)";
    case kInsertBalance:
      return "INSERT INTO main.cala_balances (n, account_n, journal_n, currency, version, head_entry_n, created_at, "
             "modified_at,"
             " trail, state, entry_n) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    case kMoveBalance:
      return "UPDATE main.cala_balances SET version = ?, head_entry_n = ?, modified_at = ?, trail = ?, state = ?, "
             "entry_n = "
             "?"
             " WHERE n = ? AND version = ?";
    case kInsertEvent:
      return "INSERT INTO main.cala_outbox_events (type, subject_n, payload, recorded_at) VALUES "
             "('transaction_created', ?, "
             "?, "
             "?)";
    case kBucket:
      return "SELECT sums FROM main.cala_effective_balances WHERE balance_n = ? AND level = ? AND start = ?";
    case kPutBucket:
      return "INSERT INTO main.cala_effective_balances (balance_n, level, start, modified_on, modified_at, sums)"
             " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (balance_n, level, start) DO UPDATE SET"
             " modified_on = excluded.modified_on, modified_at = excluded.modified_at, sums = excluded.sums";
    case kInsertDate: return "INSERT INTO main.cala_effective_entries (balance_n, effective, n) VALUES (?, ?, ?)";
    case kUseCount: break;
  }
  return {};
}

Result<Statement *> NativePosting::statement(Use use) {
  Statement &cached = statements_[use];
  if (!cached.prepared()) {
    Result<Statement> prepared = connection_.prepare(sql_of(use));
    if (!prepared) return std::move(prepared.error());
    cached = prepared.take();
  }
  return &cached;
}

Outcome NativePosting::done(Statement &statement) {
  const Resetting resetting(statement);
  const int result = statement.step();
  if (result != SQLITE_DONE) return connection_.error(result);
  return {};
}

Result<PostingState> NativePosting::read(const PostingRead &read) {
  PostingState state;
  auto ticket = std::make_shared<SqliteTicket>();
  ticket->places.reserve(read.keys.size());
  for (const core::BalanceKey &key : read.keys) ticket->places.push_back({key, 0, 0, 0, 0, {}});
  if (Outcome outcome = read_ledger(*ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_journals(read, state, *ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_accounts(state, *ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_sets(state, *ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_balances(state, *ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_buckets(read, state, *ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_tx_templates(read, state, *ticket); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_existing(read, state); !outcome) return std::move(outcome.error());
  if (read.host) state.guard = ticket->seen();
  state.ticket = std::move(ticket);
  return state;
}

std::size_t NativePosting::KeyHash::operator()(const core::BalanceKey &key) const noexcept {
  const std::size_t account = base::UuidHash()(key.account_id);
  const std::string_view currency = key.currency.code();
  return account * 31 + base::UuidHash()(key.journal_id) * 7 + std::hash<std::string_view>()(currency);
}

void NativePosting::forget() {
  accounts_.clear();
  journals_.clear();
  tx_templates_.clear();
  balances_.clear();
  change_ = -1;
}

Outcome NativePosting::read_ledger(SqliteTicket &ticket) {
  Result<Statement *> ledger = statement(kLedger);
  if (!ledger) return std::move(ledger.error());
  Statement &row = **ledger;
  Resetting resetting(row);
  if (const int result = row.step(); result != SQLITE_ROW) {
    return result == SQLITE_DONE ? corrupt_row("ledger") : connection_.error(result);
  }
  ticket.salt = static_cast<std::uint32_t>(row.column_integer(0));
  ticket.change = row.column_integer(1);
  if (ticket.change != change_) {
    accounts_.clear();
    journals_.clear();
    tx_templates_.clear();
    change_ = ticket.change;
  }
  ticket.next_entry_n = row.column_integer(2);
  ticket.next_transaction_n = row.column_integer(3);
  ticket.next_balance_n = row.column_integer(4);
  return {};
}

Outcome NativePosting::read_journals(const PostingRead &read, PostingState &state, SqliteTicket &ticket) {
  for (const base::Uuid &id : read.journal_ids) {
    Result<const Numbered<core::JournalState> *> found = journal(id);
    if (!found) return std::move(found.error());
    if (*found == nullptr) continue;
    ticket.note_journal(id, (*found)->n);
    state.journals.push_back((*found)->row);
  }
  return {};
}

Outcome NativePosting::read_accounts(PostingState &state, SqliteTicket &ticket) {
  state.accounts.reserve(ticket.places.size());
  for (std::size_t i = 0; i < ticket.places.size(); ++i) {
    const base::Uuid &id = ticket.places[i].key.account_id;
    if (i > 0 && id == ticket.places[i - 1].key.account_id) {
      ticket.places[i].account_n = ticket.places[i - 1].account_n;
      continue;
    }
    Result<const Numbered<core::AccountState> *> found = account(id);
    if (!found) return std::move(found.error());
    if (*found == nullptr) continue;
    ticket.places[i].account_n = (*found)->n;
    state.accounts.push_back((*found)->row);
  }
  return {};
}

// Adds the sets above the accounts, and the places of their balances.
Outcome NativePosting::read_sets(PostingState &state, SqliteTicket &ticket) {
  if (!ticket.add_sets(state.accounts)) return {};
  std::unordered_set<base::Uuid, base::UuidHash> seen;
  for (const core::AccountState &account : state.accounts) seen.insert(account.id);
  for (SqliteTicket::Place &place : ticket.places) {
    if (place.account_n != 0) continue;
    Result<const Numbered<core::AccountState> *> found = account(place.key.account_id);
    if (!found) return std::move(found.error());
    if (*found == nullptr) continue;
    place.account_n = (*found)->n;
    if (seen.insert(place.key.account_id).second) state.accounts.push_back((*found)->row);
  }
  for (const core::JournalState &journal : state.journals) ticket.note_journal(journal.id, journals_[journal.id].n);
  return {};
}

Outcome NativePosting::read_tx_templates(const PostingRead &read, PostingState &state, SqliteTicket &ticket) {
  for (const base::Uuid &id : read.tx_template_ids) {
    Result<std::int64_t> n = tx_template_n(id);
    if (!n) return std::move(n.error());
    if (*n == 0) continue;
    state.tx_template_ids.push_back(id);
    ticket.tx_templates.emplace_back(id, *n);
  }
  return {};
}

Result<const NativePosting::Numbered<core::JournalState> *> NativePosting::journal(const base::Uuid &id) {
  using Found = const Numbered<core::JournalState> *;
  if (const auto at = journals_.find(id); at != journals_.end()) return Found{&at->second};
  Result<Statement *> lookup = statement(kJournal);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  const std::string key = id.text();
  const int result = row.text(key).step();
  if (result == SQLITE_DONE) return Found{nullptr};
  if (result != SQLITE_ROW) return connection_.error(result);
  std::optional<core::JournalState> read = journal_at(id, row);
  if (!read) return corrupt_row("journal");
  return Found{&(journals_[id] = {row.column_integer(0), std::move(*read)})};
}

Result<const NativePosting::Numbered<core::AccountState> *> NativePosting::account(const base::Uuid &id) {
  using Found = const Numbered<core::AccountState> *;
  if (const auto at = accounts_.find(id); at != accounts_.end()) return Found{&at->second};
  Result<Statement *> lookup = statement(kAccount);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  const std::string key = id.text();
  const int result = row.text(key).step();
  if (result == SQLITE_DONE) return Found{nullptr};
  if (result != SQLITE_ROW) return connection_.error(result);
  const std::optional<core::LockStatus> status = core::parse_lock_status(row.column_text(1));
  const std::optional<core::Direction> side = core::parse_direction(row.column_text(3));
  const std::string_view floors = row.column_text(4);
  const std::optional<core::Floors> parsed = floors.empty() ? core::Floors() : core::Floors::parse_text(floors);
  if (!status || !side || !parsed) return corrupt_row("account");
  Numbered<core::AccountState> read{row.column_integer(0), {id, *status, row.column_integer(2) != 0, {}, {}, *side}};
  if (!parsed->empty()) read.row.floors = std::make_shared<const core::Floors>(*parsed);
  if (Outcome outcome = read_sets_above(read.n, read.row.sets); !outcome) return std::move(outcome.error());
  if (Outcome outcome = read_controls(read.n, read.row.controls); !outcome) return std::move(outcome.error());
  if (accounts_.size() >= kRemembered) accounts_.clear();
  return Found{&(accounts_[id] = std::move(read))};
}

Outcome NativePosting::read_sets_above(std::int64_t account_n, std::vector<core::SetAbove> &sets) {
  Result<Statement *> lookup = statement(kSetsAbove);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  int result = row.integer(account_n).step();
  for (; result == SQLITE_ROW; result = row.step()) {
    const std::optional<base::Uuid> id = base::Uuid::parse(row.column_text(0));
    const std::optional<base::Uuid> journal_id = base::Uuid::parse(row.column_text(1));
    if (!id || !journal_id) return corrupt_row("account set");
    sets.push_back({*id, *journal_id});
  }
  if (result != SQLITE_DONE) return connection_.error(result);
  return {};
}

Outcome NativePosting::read_controls(std::int64_t account_n, std::shared_ptr<const core::AttachedControls> &controls) {
  Result<Statement *> lookup = statement(kAttachedControls);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  const int result = row.integer(account_n).step();
  if (result == SQLITE_DONE) return {};
  if (result != SQLITE_ROW) return connection_.error(result);
  const Result<base::Json> json = base::parse_stored(row.column_text(0));
  if (!json) return corrupt_row("velocity attachment");
  Result<std::shared_ptr<const core::AttachedControls>> read = attached_controls_of(json->root());
  if (!read) return std::move(read.error());
  controls = read.take();
  return {};
}

Result<std::int64_t> NativePosting::tx_template_n(const base::Uuid &id) {
  if (const auto at = tx_templates_.find(id); at != tx_templates_.end()) return at->second;
  Result<Statement *> lookup = statement(kTxTemplate);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  const std::string key = id.text();
  const int result = row.text(key).step();
  if (result == SQLITE_DONE) return std::int64_t{0};
  if (result != SQLITE_ROW) return connection_.error(result);
  return tx_templates_[id] = row.column_integer(0);
}

Outcome NativePosting::read_balances(PostingState &state, SqliteTicket &ticket) {
  state.balances.reserve(ticket.places.size());
  for (SqliteTicket::Place &place : ticket.places) {
    if (place.account_n == 0 || place.journal_n == 0) continue;
    if (Outcome outcome = read_balance(place, ticket.salt, state.balances); !outcome) return outcome;
  }
  return {};
}

Outcome NativePosting::read_balance(SqliteTicket::Place &place, std::uint32_t salt,
                                    std::vector<core::Balance> &balances) {
  const auto known = balances_.find(place.key);
  Result<Statement *> lookup = statement(known == balances_.end() ? kBalance : kBalanceByN);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  if (known != balances_.end()) row.integer(known->second);
  row.integer(place.account_n).integer(place.journal_n);
  if (known == balances_.end()) row.text(place.key.currency.code());
  const int result = row.step();
  if (result == SQLITE_DONE) return {};
  if (result != SQLITE_ROW) return connection_.error(result);
  core::Balance &balance = balances.emplace_back();
  balance.key = place.key;
  place.balance_n = row.column_integer(0);
  balance.version = row.column_integer(1);
  place.head_n = row.column_integer(2);
  balance.created_at = Timestamp::from_micros(row.column_integer(3));
  balance.modified_at = Timestamp::from_micros(row.column_integer(4));
  balance.entry_id = entry_id(row.column_null(7) ? place.head_n : row.column_integer(7), balance.modified_at, salt);
  if (!read_trail(row.column_text(5), place.trail)) return corrupt_row("balance");
  if (!read_layers(row.column_text(6), salt, balance)) return corrupt_row("balance");
  if (known == balances_.end()) {
    if (balances_.size() >= kRemembered) balances_.clear();
    balances_.emplace(place.key, place.balance_n);
  }
  return {};
}

// The buckets that the entries fall into, of their accounts' balances and of those of the sets above.
Outcome NativePosting::read_buckets(const PostingRead &read, PostingState &state, const SqliteTicket &ticket) {
  for (const core::DatedKey &dated : read.dated) {
    const core::BalanceKey &key = read.keys[dated.key];
    const auto kept = journals_.find(key.journal_id);
    if (kept == journals_.end() || !kept->second.row.effective_balances) continue;
    std::vector<base::Uuid> owners = {key.account_id};
    if (const auto owner = accounts_.find(key.account_id); owner != accounts_.end()) {
      for (const core::SetAbove &set : owner->second.row.sets) owners.push_back(set.id);
    }
    for (const base::Uuid &owner : owners) {
      const SqliteTicket::Place *place = ticket.find({owner, key.currency, key.journal_id});
      if (place == nullptr || place->balance_n == 0) continue;
      if (Outcome outcome = read_dated(*place, dated.effective, state.buckets); !outcome) return outcome;
    }
  }
  return {};
}

Outcome NativePosting::read_dated(const SqliteTicket::Place &place, base::Date effective,
                                  std::vector<core::Bucket> &buckets) {
  Result<Statement *> lookup = statement(kBucket);
  if (!lookup) return std::move(lookup.error());
  for (const core::BucketLevel level : core::kBucketLevels) {
    Statement &row = **lookup;
    Resetting resetting(row);
    const base::Date start = core::bucket_start(level, effective);
    row.integer(place.balance_n).integer(static_cast<std::int64_t>(level)).integer(start.days);
    const int result = row.step();
    if (result == SQLITE_DONE) continue;
    if (result != SQLITE_ROW) return connection_.error(result);
    Result<base::Json> json = base::parse_stored(row.column_text(0));
    if (!json) return corrupt_row("bucket");
    Result<core::DatedSums> sums = sums_of(json->root());
    if (!sums) return std::move(sums.error());
    buckets.push_back({place.key, level, start, sums.take()});
  }
  return {};
}

Outcome NativePosting::read_existing(const PostingRead &read, PostingState &state) {
  std::vector<std::int64_t> found;
  for (const base::Uuid &id : read.transaction_ids) {
    if (Outcome outcome = note_existing(kTransactionById, id.text(), found); !outcome) return outcome;
  }
  for (const std::string &id : read.external_ids) {
    if (Outcome outcome = note_existing(kTransactionByExternalId, id, found); !outcome) return outcome;
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  for (const std::int64_t n : found) {
    Result<core::PostedTransaction> posted = read_posted(n);
    if (!posted) return std::move(posted.error());
    state.existing.push_back(posted.take());
  }
  return {};
}

Outcome NativePosting::note_existing(Use use, std::string_view key, std::vector<std::int64_t> &found) {
  Result<Statement *> lookup = statement(use);
  if (!lookup) return std::move(lookup.error());
  Statement &row = **lookup;
  Resetting resetting(row);
  const int result = row.text(key).step();
  if (result == SQLITE_ROW) found.push_back(row.column_integer(0));
  if (result != SQLITE_ROW && result != SQLITE_DONE) return connection_.error(result);
  return {};
}

// A replay is rare: by way of the JSON rows.
Result<core::PostedTransaction> NativePosting::read_posted(std::int64_t n) {
  Result<Statement *> transactions = statement(kTransactionRow);
  if (!transactions) return std::move(transactions.error());
  Statement &row = **transactions;
  Resetting resetting(row);
  if (const int result = row.integer(n).step(); result != SQLITE_ROW) return connection_.error(result);
  Result<base::Json> json = base::parse_stored(row.column_text(0));
  if (!json) return corrupt_row("transaction");
  Result<core::Transaction> transaction = transaction_of(json->root());
  if (!transaction) return std::move(transaction.error());
  core::PostedTransaction posted{transaction.take(), {}};

  Result<Statement *> entries = statement(kEntryRows);
  if (!entries) return std::move(entries.error());
  Statement &entry_row = **entries;
  Resetting resetting_entries(entry_row);
  entry_row.integer(row.column_integer(1)).integer(row.column_integer(1) + row.column_integer(2));
  int result = entry_row.step();
  for (; result == SQLITE_ROW; result = entry_row.step()) {
    Result<base::Json> entry_json = base::parse_stored(entry_row.column_text(0));
    if (!entry_json) return corrupt_row("entry");
    Result<core::Entry> entry = entry_of(entry_json->root());
    if (!entry) return std::move(entry.error());
    posted.entries.push_back(entry.take());
  }
  if (result != SQLITE_DONE) return connection_.error(result);
  return posted;
}

Outcome NativePosting::write(const PostingPlan &plan) {
  if (Outcome outcome = check_seen(plan); !outcome) return outcome;
  if (Outcome outcome = write_balances(plan); !outcome) return outcome;
  if (Outcome outcome = write_transactions(plan); !outcome) return outcome;
  if (Outcome outcome = write_entries(plan); !outcome) return outcome;
  if (Outcome outcome = write_buckets(plan); !outcome) return outcome;
  if (Outcome outcome = write_velocity(plan); !outcome) return outcome;
  return write_holds(plan);
}

Outcome NativePosting::write_holds(const PostingPlan &plan) {
  if (plan.holds.empty()) return {};
  Result<Statement *> move = statement(kMoveHolds);
  if (!move) return std::move(move.error());
  return done((*move)->text(plan.holds));
}

Outcome NativePosting::write_velocity(const PostingPlan &plan) {
  if (plan.velocity.empty()) return {};
  Result<Statement *> move = statement(kMoveVelocity);
  if (!move) return std::move(move.error());
  return done((*move)->text(plan.velocity));
}

Outcome NativePosting::check_seen(const PostingPlan &plan) {
  SqliteTicket now;
  if (Outcome outcome = read_ledger(now); !outcome) return outcome;
  const std::string seen = now.seen();
  if (!plan.guard.empty() && plan.guard != seen) return error_of_message("", "cala:transaction.none");
  if (plan.seen != seen) return error_of_message("", "cala:balance.changed");
  return {};
}

Outcome NativePosting::write_balances(const PostingPlan &plan) {
  Result<Statement *> insert = statement(kInsertBalance);
  if (!insert) return std::move(insert.error());
  Result<Statement *> move = statement(kMoveBalance);
  if (!move) return std::move(move.error());
  for (const PlannedBalance &planned : plan.balances) {
    const core::Balance &row = *planned.row;
    Statement &opening = **insert;
    Statement &moving = **move;
    if (planned.version_read == 0) {
      opening.integer(planned.n).integer(planned.account_n).integer(planned.journal_n).text(row.key.currency.code());
      opening.integer(row.version).integer(planned.head_n).integer(row.created_at.micros());
      opening.integer(row.modified_at.micros()).text(planned.trail).text(planned.state);
      if (Outcome outcome = done(number_or_null(opening, planned.entry_n)); !outcome) return outcome;
      continue;
    }
    moving.integer(row.version).integer(planned.head_n).integer(row.modified_at.micros()).text(planned.trail);
    number_or_null(moving.text(planned.state), planned.entry_n).integer(planned.n).integer(planned.version_read);
    if (Outcome outcome = done(moving); !outcome) return outcome;
    if (connection_.changed_rows() != 1) return error_of_message("", "cala:balance.changed");
  }
  return {};
}

Outcome NativePosting::write_transactions(const PostingPlan &plan) {
  Result<Statement *> insert = statement(kInsertTransaction);
  if (!insert) return std::move(insert.error());
  Result<Statement *> event = statement(kInsertEvent);
  if (!event) return std::move(event.error());
  for (const PlannedTransaction &planned : plan.transactions) {
    if (Outcome outcome = write_transaction(planned, **insert); !outcome) return outcome;
    const std::int64_t recorded_at = planned.row->created_at.micros();
    Statement &row = (*event)->integer(planned.n);
    if (planned.warnings.empty()) {
      row.null();
    } else {
      row.text(planned.warnings);
    }
    if (Outcome outcome = done(row.integer(recorded_at)); !outcome) return outcome;
  }
  return {};
}

Outcome NativePosting::write_transaction(const PlannedTransaction &planned, Statement &out) {
  const core::Transaction &row = *planned.row;
  const std::string id = row.id.text();
  const std::string journal_id = planned.journal_n == 0 ? row.journal_id.text() : std::string();
  const std::string tx_template_id = planned.tx_template_n == 0 ? row.tx_template_id.text() : std::string();
  const std::string void_of = row.void_of ? row.void_of->text() : std::string();
  const std::string hold_id = row.hold_id ? row.hold_id->text() : std::string();
  const auto word = [&out](bool present, std::string_view text) { present ? out.text(text) : out.null(); };
  out.integer(planned.n).text(id);
  number_or_null(out, planned.journal_n).text(journal_id);
  number_or_null(out, planned.tx_template_n)
      .text(tx_template_id)
      .integer(row.effective.days)
      .integer(planned.first_entry_n)
      .integer(planned.entry_count);
  word(!planned.own_correlation, row.correlation_id);
  out.optional_text(row.external_id).optional_text(row.description).optional_text(row.metadata);
  word(row.void_of.has_value(), void_of);
  out.integer(row.version).integer(row.created_at.micros()).integer(row.modified_at.micros());
  word(row.hold_id.has_value(), hold_id);
  return done(out);
}

Outcome NativePosting::write_entries(const PostingPlan &plan) {
  Result<Statement *> insert = statement(kInsertEntry);
  if (!insert) return std::move(insert.error());
  Statement &out = **insert;
  std::string units;
  for (const PlannedEntry &planned : plan.entries) {
    const core::Entry &row = *planned.row;
    units.clear();
    if (planned.entry_n == 0) row.units.append_to(units);
    const bool of_set = planned.entry_n != 0;
    out.integer(planned.n).integer(planned.transaction_n).integer(planned.balance_n).integer(planned.version);
    out.integer(planned.prev_n).integer(planned.skip_n).text(of_set ? std::string_view() : row.entry_type);
    out.integer(static_cast<std::int64_t>(row.layer)).integer(static_cast<std::int64_t>(row.direction)).text(units);
    if (of_set) {
      out.null().null();
    } else {
      out.optional_text(row.description).optional_text(row.metadata);
    }
    out.integer(row.created_at.micros()).text(planned.state);
    if (Outcome outcome = done(number_or_null(out, planned.entry_n)); !outcome) return outcome;
  }
  return {};
}

Outcome NativePosting::write_buckets(const PostingPlan &plan) {
  if (plan.buckets.empty()) return {};
  Result<Statement *> put = statement(kPutBucket);
  if (!put) return std::move(put.error());
  Statement &out = **put;
  for (const PlannedBucket &planned : plan.buckets) {
    const core::Bucket &row = *planned.row;
    out.integer(planned.balance_n).integer(static_cast<std::int64_t>(row.level)).integer(row.start.days);
    out.integer(row.sums.modified_at.date().days).integer(row.sums.modified_at.micros()).text(planned.sums);
    if (Outcome outcome = done(out); !outcome) return outcome;
  }
  Result<Statement *> insert = statement(kInsertDate);
  if (!insert) return std::move(insert.error());
  for (const PlannedDate &date : plan.dates) {
    Outcome outcome = done((*insert)->integer(date.balance_n).integer(date.effective).integer(date.n));
    if (!outcome) return outcome;
  }
  return {};
}

}  // namespace cala::store::sqlite
