// Postings on our own connection: the same reads and the same rows as the documents of posting_documents.h, by prepared
// statements on typed values, which is faster than unpacking JSON. Belongs to its connection and to its thread.
//
// Accounts, journals and templates are remembered for as long as cala_ledger.change stays what it was; the numbers of
// balances, which never change, always. forget() must follow a transaction that wrote and was not committed: what it
// gave out is void.
#pragma once

#include <array>
#include <unordered_map>

#include "base/error.h"
#include "store/port.h"
#include "store/sqlite/posting_plan.h"
#include "store/sqlite/sqlite_connection.h"

namespace cala::store::sqlite {

class NativePosting {
 public:
  explicit NativePosting(Connection &connection) : connection_(connection) {}

  base::Result<PostingState> read(const PostingRead &read);
  // An error leaves the plan half written: the transaction must be rolled back.
  base::Outcome write(const PostingPlan &plan);
  void forget();

 private:
  enum Use : std::size_t {
    kLedger,
    kJournal,
    kAccount,
    kSetsAbove,
    kAttachedControls,
    kMoveVelocity,
    kMoveHolds,
    kBalance,
    kBalanceByN,
    kTxTemplate,
    kTransactionById,
    kTransactionByExternalId,
    kTransactionRow,
    kEntryRows,
    kInsertTransaction,
    kInsertEntry,
    kInsertBalance,
    kMoveBalance,
    kInsertEvent,
    kBucket,
    kPutBucket,
    kInsertDate,
    kUseCount
  };
  template <typename T>
  struct Numbered {
    std::int64_t n = 0;
    T row;
  };
  struct KeyHash {
    std::size_t operator()(const core::BalanceKey &key) const noexcept;
  };
  // Past this many accounts, or balances, all are forgotten, so that memory stays flat.
  static constexpr std::size_t kRemembered = 20000;

  static std::string_view sql_of(Use use);
  base::Result<Statement *> statement(Use use);
  // Steps a statement that gives no row.
  base::Outcome done(Statement &statement);

  base::Outcome read_ledger(SqliteTicket &ticket);
  base::Outcome read_journals(const PostingRead &read, PostingState &state, SqliteTicket &ticket);
  base::Outcome read_accounts(PostingState &state, SqliteTicket &ticket);
  base::Outcome read_sets(PostingState &state, SqliteTicket &ticket);
  base::Outcome read_sets_above(std::int64_t account_n, std::vector<core::SetAbove> &sets);
  base::Outcome read_controls(std::int64_t account_n, std::shared_ptr<const core::AttachedControls> &controls);
  base::Outcome read_balances(PostingState &state, SqliteTicket &ticket);
  base::Outcome read_buckets(const PostingRead &read, PostingState &state, const SqliteTicket &ticket);
  base::Outcome read_dated(const SqliteTicket::Place &place, base::Date effective, std::vector<core::Bucket> &buckets);
  base::Outcome read_tx_templates(const PostingRead &read, PostingState &state, SqliteTicket &ticket);
  // Null when there is none.
  base::Result<const Numbered<core::JournalState> *> journal(const base::Uuid &id);
  base::Result<const Numbered<core::AccountState> *> account(const base::Uuid &id);
  base::Result<std::int64_t> tx_template_n(const base::Uuid &id);
  base::Outcome read_balance(SqliteTicket::Place &place, std::uint32_t salt, std::vector<core::Balance> &balances);
  base::Outcome read_existing(const PostingRead &read, PostingState &state);
  base::Outcome note_existing(Use use, std::string_view key, std::vector<std::int64_t> &found);
  base::Result<core::PostedTransaction> read_posted(std::int64_t n);

  base::Outcome check_seen(const PostingPlan &plan);
  base::Outcome write_balances(const PostingPlan &plan);
  base::Outcome write_transactions(const PostingPlan &plan);
  base::Outcome write_transaction(const PlannedTransaction &planned, Statement &out);
  base::Outcome write_entries(const PostingPlan &plan);
  base::Outcome write_velocity(const PostingPlan &plan);
  base::Outcome write_holds(const PostingPlan &plan);
  base::Outcome write_buckets(const PostingPlan &plan);

  Connection &connection_;
  std::array<Statement, kUseCount> statements_;
  std::int64_t change_ = -1;  // what the following were read at
  std::unordered_map<base::Uuid, Numbered<core::AccountState>, base::UuidHash> accounts_;
  std::unordered_map<base::Uuid, Numbered<core::JournalState>, base::UuidHash> journals_;
  std::unordered_map<base::Uuid, std::int64_t, base::UuidHash> tx_templates_;
  std::unordered_map<core::BalanceKey, std::int64_t, KeyHash> balances_;
};

}  // namespace cala::store::sqlite
