// The store port: what the engine asks of whoever keeps the ledger, in ledger words.
//
// An operation asks Requests and gets Answers; it never sees SQL. Every request is one statement with one JSON text
// parameter and one JSON text answer, so that it runs the same on our own connection, on the embedded store, and on a
// connection of the program's (step / feed). Dialect turns a request into that statement and the text that came back
// into the answer; Session runs requests on a connection of ours. All writes of an operation are in its last request.
//
// Threads: a Store and its Dialect are shared and immutable after open; a Session belongs to one thread at a time, but
// for interrupt(), which any thread may call.
//
// Documents (what is inside the JSON texts; the same on both stores). Instants are integers, microseconds since 1970
// UTC; dates are integers, days since 1970-01-01; ids are UUID text; decimals are strings; metadata is JSON text inside
// a string; enums are lower-case words; absent values are null or left out. Rows:
//   account      {id, version, code, name, external_id, normal_balance_type, status, description, metadata,
//                 balance_rollup, is_set, floors (text, core/account/floors.h), created_at, modified_at}
//                 (of a set also journal_id; its code is its id, its status active)
//   journal      {id, version, name, code, description, status, effective_balances, max_scale (JSON), closed_until,
//                 created_at, modified_at}
//   tx_template  {id, version, code, params, transaction, entries, description, metadata, created_at, modified_at}
//                 (params, transaction, entries: JSON values as in the API, stored as JSON text)
//   transaction  {id, journal_id, tx_template_id, tx_template_code, effective, correlation_id, external_id,
//                 description, metadata, void_of, voided_by, hold_id, version, created_at, modified_at,
//                 entry_ids: [...]}
//   entry        {id, transaction_id, journal_id, account_id, entry_type, sequence, layer, direction, units, currency,
//                 description, metadata, account_version, created_at}
//   sums         [entries, entry_id, effective date of that, modified_at,
//                 x3: null (no entry) or [debit, credit, entry_id, its date, modified_at]]:
//                 what the entries of a day, a month or a year add up to (core/balance/effective.h)
//   balance      {account_id, journal_id, currency, version, entry_id, created_at, modified_at,
//                 normal_balance_type (of the account, where read), layers: [[debit, credit, entry_id|null,
//                 modified_at], x3]}
//   velocity_limit       {id, version, number, name, description, condition, currency, window, params, limit,
//                        created_at, modified_at}
//   velocity_control     {id, version, number, name, description, condition, action, limits: [velocity_limit],
//                        created_at, modified_at}
//   velocity_attachment  {account_id, control_id, version, is_set, params, frozen (JSON texts),
//                        created_at, modified_at}
//   velocity_balance     {account_id, currency, journal_id, control_id, limit_id, window, version,
//                        layers: [[debit, credit], x3]}
//   hold         {id, journal_id, status (as written last), expires_at, amount, currency, captured, closed_by,
//                 version, created_at, modified_at}
//   event        {sequence, type, recorded_at, subject_id, payload (JSON text, an object), transaction,
//                 entries: [entry]|null, balances: [balance]|null}:
//                 the last three of the type transaction_created, whose payload may be null
// Rows of a list also carry "cursor": a string, opaque to everybody but the store that made it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "core/account/account.h"
#include "core/balance/balance.h"
#include "core/journal/journal.h"
#include "core/posting/batch.h"
#include "core/posting/transaction.h"

namespace cala::store {

enum class StatementId : std::uint8_t {
  // {} -> {present: bool}: is there a ledger at all? Works on an empty database.
  kSchemaProbe,
  // {} -> {version: n}: the newest migration applied. Only where the probe said present.
  kSchemaRead,
  // {} -> {accounts, journals, tx_templates, transactions, entries, balances}: counts.
  kLedgerInfo,
  // Finds: {by: "id"|"code"|"external_id", keys: [text, ...]} -> {rows: [...]}, in no order, missing ones left out.
  kAccountFind,      // id, code, external_id
  kJournalFind,      // id, code
  kTxTemplateFind,   // id, code
  kTransactionFind,  // id, external_id
  kEntryFind,        // id, transaction_id (all entries of it, by sequence)
  // Lists: {first: n, after: cursor|null, desc: bool, ...filters, null or absent when not asked} ->
  // {rows: [...]}, n at most.
  kAccountList,     // by code; code_prefix, status. Only accounts that are not sets.
  kJournalList,     // by created_at, id; status
  kTxTemplateList,  // by code
  // by order of posting; tx_template_id, journal_id, account_id, correlation_id, effective_from, effective_to
  kTransactionList,
  // by order of posting; account_id, account_set_id (of every account below it, in its journal), journal_id,
  // transaction_id, created_from, created_to, effective_from, effective_to. It and kTransactionList, with stable: true,
  // end where nothing can come before what they show; kUnavailable "list.no_mark" where the store cannot know.
  kEntryList,
  kBalanceList,     // by account_id, currency; journal_id, account_ids: [...]
  kBalanceHistory,  // by version; account_id, journal_id, currency
  // {keys: [{account_id, journal_id, currency}, ...]} -> {rows: [balance...]}
  kBalanceFind,
  // {account_id, journal_id, currency, version|null, recorded_at|null} -> {rows: [balance]}: the newest with version <=
  // or modified_at <= what is given; version must exist exactly or there is no row.
  kBalanceAt,
  // {account_id, journal_id, currency, open: cut|null, close: cut} -> {kept: bool|null (no such journal), rows:
  // [{account_id, journal_id, currency, created_at, normal_balance_type, open: [sums...], close: [sums...]}]}: the
  // buckets that make the balance at the end of two days. A cut is [first day of the day's year,
  // of its month, the day].
  kEffectiveRead,
  // A list by account_id, currency, effective: {journal_id, modified_since, since_day} -> {kept, rows: [{account_id,
  // journal_id, currency, created_at, normal_balance_type, effective, sums: of that day, before: [sums...] of all days
  // before it, on the earliest row of each balance}]}: every day at whose end the balance
  // is not what it was before modified_since.
  kEffectiveChanges,
  // {account_id, journal_id, currency, layer, low, high, first, desc} -> {rows: [{version, debit, credit, entry}]}: the
  // versions of a balance from low to high whose entry is of the layer, with the layer's sums after it;
  // `first` at most.
  kStatementRead,
  // A list by effective, version: {account_id, journal_id, currency, layer, from, until} -> {rows: [{entry}]}: a
  // balance's entries of the layer on those effective dates.
  kStatementDated,
  // A list by code, currency: {journal_id, account_set_id|null, currency|null, layer, recorded_at|null, cut|null,
  // totals: bool} -> {kept, rows: [{account_id, code, name, normal_balance_type, currency, scale, parts: [[debit,
  // credit], ...]}], totals: [{currency, scale, parts}]}: the balances of accounts as they are, as recorded at an
  // instant, or at the end of an effective date; parts are texts to be added, and scale how many decimals their sum
  // shows at least.
  kTrialBalance,
  // {after: n, first: n, types: [text]|null, journal_id|null, entries: bool, balances: bool, newest: bool, wait_ms} ->
  // {rows: [event], place: n, mark: n} or, where events behind `after` were pruned, {pruned: n}: events behind `after`,
  // up to the mark below which nothing is still to come; place: how far these reach, what the filters left out too.
  // newest: none, and as the place the mark, once it is behind all that was committed when it was asked; that may take
  // until wait_ms have passed. kUnavailable "list.no_mark" where the store cannot know.
  kEventList,
  // by name; name. Rows {name, place, modified_at}, newest: no event has a greater number, and pruned: none can begin
  // before this place
  kListenerList,
  // {change: "insert"|"move"|"remove", name, place, now, guard} -> {changed: [name]}: not empty, and nothing written,
  // where there is one to be inserted already, or before what was pruned, or none to be moved or removed. A place is
  // never moved back.
  kListenerWrite,
  // {place|null, before|null, limit} -> {place: n|null, events: n, more: bool, pruned: n, behind: {name, place}|null}:
  // the oldest events that can be deleted, how many these are, whether there are more, and a listener that is not done
  // with them.
  kEventPruneRead,
  // {place, pruned, guard} -> {changed: []}: deletes the events up to the place. Not empty, and nothing deleted, where
  // somebody else has pruned meanwhile or a listener is behind the place.
  kEventPrune,
  // A list by gid: {gid|null} -> {rows: [{gid, owner, prepared_at, age_ms (as the store's clock says), name,
  // transaction}]}: this ledger's transactions that were prepared and have not ended. The last two are for EndPrepared.
  kPreparedList,
  // {} -> {recovery, read_only: bool (of a server), rollup_behind, listeners: n, listener: {name, behind,
  // waiting_since|null}|null, prepared: {count, oldest_age_ms|null}|null, file_bytes}: how the ledger is. What a store
  // does not know is left out.
  kLedgerHealth,
  // Writes: {insert: [row...], update: [row...], events: [{type, subject_id, payload}], now, guard} -> {changed:
  // [id...]}. An update states its new version; it applies only where version - 1 is stored, else the id is in
  // `changed` and NOTHING of the request is written. kAccountWrite also takes members: [[account_set_id, member_id],
  // ...], accounts just inserted. A taken id, code or external id is the store's unique violation, mapped to kConflict
  // "<noun>.exists" with details {"column": ...}. payload is JSON text. Changing an account's status, or a journal's or
  // until when it is closed, waits for postings in flight.
  kAccountWrite,
  kJournalWrite,
  kTxTemplateWrite,
  // {by: "id"|"external_id", keys: [text, ...]} -> {rows: [...]}: as the finds above, only sets.
  kAccountSetFind,
  kAccountSetList,  // by created_at, id; journal_id. A list as the others
  // Lists of what an account set has in it, {account_set_id, by_external_id: bool, ...} -> rows {member_id, is_set,
  // created_at}, by created_at and member, or by external id and member, those without one after the others; and of the
  // sets, as rows of accounts, that {member_id} is in itself, by created_at, id.
  kAccountSetMembers,
  kAccountSetParents,
  // {members: [[account_set_id, member_id, member_is_set], ...], host: bool} -> {guard, holders: [[id, is_set,
  // journal_id|null]...], history: [[member_id, journal_id]...], memberships: [[account_set_id, member_id,
  // member_is_set]...]}, as core::MembershipState wants it. Waits for the postings in flight in the sets' journals, and
  // keeps others out.
  kMembershipRead,
  // {add: [[account_set_id, member_id, member_is_set], ...], remove: [likewise], events, now, guard} -> {changed: []}.
  // In the transaction of the read that allowed it.
  kMembershipWrite,
  // Velocity. Lists by age: limits control_id; attachments control_id, account_ids: [...], with_sets (those above the
  // accounts, too).
  kVelocityLimitFind,    // id
  kVelocityControlFind,  // id
  kVelocityLimitList,
  kVelocityControlList,
  kVelocityAttachmentList,
  // {account_ids, currency|null, journal_id|null} -> {rows: [velocity_balance...]} in the order of their keys.
  kVelocityBalanceList,
  // Of a posting that holds its balances: {keys: [[account_id, currency, journal_id, control_id, limit_id, window],
  // ...]} -> {rows: [velocity_balance...]}, locked, missing ones left out.
  kVelocityRead,
  kVelocityLimitWrite,  // as the writes above
  kVelocityControlWrite,
  // {add: [{control_id, limit_id}], attach: [row], replace: [row], detach: [{account_id, control_id}], events, now,
  // guard} -> {changed: [...]}: waits for postings in flight. Nothing is written unless all can be.
  kVelocityAttachmentWrite,
  // {keys: [id, ...], lock: bool} -> {rows: [hold...]}, in no order, missing ones left out; lock: so that they stay so
  // until the transaction ends.
  kHoldFind,
  kHoldList,  // by order of posting, of expiry with expires_before; now, account_id (a set's too), status (as of now)
  // {now, first, after: id|null} -> {rows: [hold...]}, locked: open ones that have expired, the earliest first, behind
  // a hold where one is given, without those of a locked account or journal,
  // and those that another transaction has locked.
  kHoldDue,
  // {sequence|null, timeout_ms} -> {applied, reached, frontier, target}: how far balances that follow have come, could
  // come, and how far postings are; target: the sequence or the frontier. Waits until what is at or below the target is
  // committed or gone.
  kRollupStatus,
  // {steps: n|null} -> {changed: [], applied}: brings them as far as they can come, or some way.
  kRollupApply,
  // A posting, in two. See PostingRead and PostingWrite; these two are asked with typed requests, not with a Call.
  kPostingRead,
  kPostingWrite,
};
inline constexpr std::size_t kStatementCount = static_cast<std::size_t>(StatementId::kPostingWrite) + 1;

// What a statement is called: its function in PostgreSQL, its file in sqlite/statements, and to a program that runs it.
// clang-format off
inline constexpr std::array<std::string_view, kStatementCount> kStatementNames = {
    "schema_probe_v1",
    "schema_read_v1",
    "ledger_info_v1",
    "account_find_v1",
    "journal_find_v1",
    "tx_template_find_v1",
    "transaction_find_v1",
    "entry_find_v1",
    "account_list_v1",
    "journal_list_v1",
    "tx_template_list_v1",
    "transaction_list_v1",
    "entry_list_v1",
    "balance_list_v1",
    "balance_history_v1",
    "balance_find_v1",
    "balance_at_v1",
    "effective_read_v1",
    "effective_changes_v1",
    "statement_read_v1",
    "statement_dated_v1",
    "trial_balance_v1",
    "event_list_v1",
    "listener_list_v1",
    "listener_write_v1",
    "event_prune_read_v1",
    "event_prune_write_v1",
    "prepared_list_v1",
    "ledger_health_v1",
    "account_write_v1",
    "journal_write_v1",
    "tx_template_write_v1",
    "account_set_find_v1",
    "account_set_list_v1",
    "account_set_members_v1",
    "account_set_parents_v1",
    "membership_read_v1",
    "membership_write_v1",
    "velocity_limit_find_v1",
    "velocity_control_find_v1",
    "velocity_limit_list_v1",
    "velocity_control_list_v1",
    "velocity_attachment_list_v1",
    "velocity_balance_list_v1",
    "velocity_read_v1",
    "velocity_limit_write_v1",
    "velocity_control_write_v1",
    "velocity_attachment_write_v1",
    "hold_find_v1",
    "hold_list_v1",
    "hold_due_v1",
    "rollup_status_v1",
    "rollup_apply_v1",
    "posting_read_v1",
    "posting_write_v1",
};
// clang-format on
static_assert(kStatementNames.back() == "posting_write_v1");

constexpr std::string_view statement_name(StatementId id) { return kStatementNames[static_cast<std::size_t>(id)]; }

// Any statement but the posting's two.
struct Call {
  StatementId id = StatementId::kSchemaProbe;
  std::string document;
  bool writes = false;
};

// Locks what a batch of postings will touch, in sorted order, and reads it: journals (shared fence), accounts that have
// no balance yet, balances, of the sets above the accounts too,
// each so that it cannot change until the transaction ends.
struct PostingRead : core::BatchNeeds {
  bool host = false;   // the transaction is the program's: answer a guard to hand to the write
  bool group = false;  // of independent postings: gives up soon where rows are held, so that nobody waits for another's
};

// The store's own notes between a read and the write that follows it (row numbers, links). Opaque to the engine.
class PostingTicket {
 public:
  virtual ~PostingTicket() = default;
  // The id of the next entry to be written; the engine asks once for each entry,
  // in the order in which it will write them.
  virtual base::Uuid next_entry_id(base::Timestamp created_at) = 0;
};

struct PostingState : core::BatchState {
  std::string guard;                        // names the transaction that holds the locks; empty when not asked for
  std::vector<base::Uuid> tx_template_ids;  // of those asked for, the ones that are there
  std::shared_ptr<PostingTicket> ticket;
};

// Everything that a batch of postings writes, in one statement. Fails with kMisuse "transaction.none" when the guard is
// not this transaction's, and with a retryable error when a balance is not at the version that was read. entries[i].id
// are from the ticket. Rows of what velocity limits have counted are written as documents, on both stores alike.
struct PostingWrite : core::BatchWrite {
  std::string guard;
  std::shared_ptr<const PostingTicket> ticket;  // the one of the state that it was decided on
};

// One statement of a migration, without a parameter or an answer. Only programs are ever asked to run it (step / feed);
// our own connections migrate by Store::migrate.
struct Ddl {
  std::string sql;
};

// Around an operation in a transaction that others share: set a savepoint, go back to it, forget it.
enum class Savepoint : std::uint8_t { kSet, kRollBack, kRelease };

// A statement of the program's own, run in a transaction of ours. Only sessions of ours are ever asked to run it.
// Answer: the JSON text {columns: [name], rows: [[text|null]], affected: n}.
struct ProgramStatement {
  std::string sql;
  std::vector<std::optional<std::string>> parameters;
};

// Ends a transaction that was prepared, outside of any other: the last request of its operation. Only sessions of ours
// are ever asked to run it. kNotFound "prepared.not_found" where another has ended it.
struct EndPrepared {
  std::string name;         // as the list gave them: what it is called, as the store writes a literal,
  std::string transaction;  // and which it is
  bool commit = false;
};

using Request = std::variant<Call, PostingRead, PostingWrite, Ddl, Savepoint, ProgramStatement, EndPrepared>;

struct Written {};
using Answer = std::variant<std::string /* of a Call, of the program's: the JSON text */, PostingState, Written>;

enum class Placeholder : std::uint8_t { kDollar, kQmark, kPercent };

struct SqlStatement {
  StatementId id = StatementId::kSchemaProbe;
  std::string_view name;  // stable: "posting_read_v1"; may name a prepared statement
  std::string_view sql;   // lives as long as the dialect or, of a Ddl, the request; at most one placeholder
  std::string parameter;  // JSON text
  bool has_parameter = true;
  bool writes = false;
  bool returns_row = true;  // one row of one text column; false: no row
};

// The store's language: shared by its own sessions and by programs that run the statements themselves. Thread-safe.
class Dialect {
 public:
  virtual ~Dialect() = default;
  virtual SqlStatement encode(const Request &request, Placeholder placeholder) const = 0;
  // For kPostingWrite, text is what the statement gave back, or empty where a write gives back no row.
  virtual base::Result<Answer> decode(const Request &request, std::string_view text) const = 0;
  // What a database's refusal means in the ledger's words. message is the database's; no secrets pass.
  virtual base::Error error_of(std::string_view sqlstate, std::string_view message) const = 0;
  // The statements that bring a schema from `version` (0: none) to the library's, each to be run alone, in order.
  virtual std::vector<std::string> migration_statements(std::int64_t from_version) const = 0;
  virtual std::int64_t schema_version() const = 0;  // that this library was built for
};

// The statement of a request that is the same in every dialect and has neither parameter nor answer:
// a Ddl or a Savepoint.
std::optional<SqlStatement> plain_statement(const Request &request);

enum class Access : std::uint8_t { kRead, kWrite };

// One connection of ours. After a lost connection every call fails with kUnavailable until it is thrown away.
class Session {
 public:
  virtual ~Session() = default;
  virtual base::Outcome begin(Access access) = 0;  // may be sent together with the first request
  virtual base::Result<Answer> execute(const Request &request) = 0;
  // The transaction's last request and its commit, in one flush where the store can. kOutcomeUnknown when the
  // connection was lost after the commit was sent.
  virtual base::Result<Answer> execute_and_commit(const Request &request) = 0;
  virtual base::Outcome commit() = 0;
  // The open transaction goes on in the store, under a name, until EndPrepared; the session has none then. It stays
  // open where the refusal says that it is usable. kUnsupported "tx.not_postgres" where the store cannot.
  virtual base::Outcome prepare(const std::string &gid);
  virtual void rollback() = 0;  // harmless when there is nothing to roll back
  virtual bool healthy() const = 0;
  // Any thread: makes the request that runs fail with kCancelled, soon, or the next one, until that is forgotten.
  virtual void interrupt() = 0;
  virtual void forget_interrupt() = 0;
  // Which trace the next requests of the transaction are part of, for whoever looks at the database; empty: none. A
  // traceparent that was checked.
  virtual void trace(std::string_view) {}
};

struct MigrationReport {
  std::int64_t from_version = 0;
  std::int64_t to_version = 0;
};

// What a store takes of its disk, where it can know; negative: not known.
struct DiskUse {
  std::int64_t file_bytes = -1;
  std::int64_t wal_bytes = -1;   // of a write-ahead log beside the file
  std::int64_t free_bytes = -1;  // for us, in the file's filesystem
};

class Store {
 public:
  virtual ~Store() = default;
  virtual const Dialect &dialect() const = 0;
  virtual base::Result<std::unique_ptr<Session>> connect(Access access) = 0;
  // Brings the schema to the library's version; safe when several processes race. kUnsupported "store.newer" when the
  // schema is newer than the library.
  virtual base::Result<MigrationReport> migrate() = 0;
  // Writers that can work at the same time: 1 for the embedded store.
  virtual std::size_t max_writers() const = 0;
  virtual std::string_view name() const = 0;  // "sqlite" or "postgres"
  virtual DiskUse disk_use() const { return {}; }
  // kUnavailable "store.file_gone" where the file that was opened is no longer under its name, which open connections
  // do not notice.
  virtual base::Outcome in_place() const { return {}; }
};

}  // namespace cala::store
