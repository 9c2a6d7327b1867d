// A posting's write as rows: every number, link, trail and state worked out, nothing left to a database but to store
// them. Both ways of writing (posting_documents.h for programs, posting_native.h for our own connection) store the same
// plan, so they cannot differ. Borrows from the PostingWrite it was made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/port.h"
#include "store/sqlite/posting_ticket.h"

namespace cala::store::sqlite {

struct PlannedTransaction {
  const core::Transaction *row = nullptr;
  std::int64_t n = 0;
  std::int64_t journal_n = 0;  // 0 where the read did not name it: look it up by its id
  std::int64_t tx_template_n = 0;
  std::int64_t first_entry_n = 0;
  std::int64_t entry_count = 0;
  bool own_correlation = false;  // the correlation id is the transaction's own id
  std::string warnings;          // its event's payload; empty: none
};

// A row of cala_entries: an entry with its account's balance, or a set's balance moved by it.
struct PlannedEntry {
  const core::Entry *row = nullptr;
  std::int64_t n = 0;
  std::int64_t transaction_n = 0;
  std::int64_t balance_n = 0;
  std::int64_t version = 0;  // of the balance, after it
  std::int64_t prev_n = 0;
  std::int64_t skip_n = 0;
  std::int64_t entry_n = 0;  // of a move of a set's balance: the entry that moved it; else 0
  std::string state;
};

struct PlannedBalance {
  const core::Balance *row = nullptr;
  std::int64_t n = 0;
  std::int64_t account_n = 0;
  std::int64_t journal_n = 0;
  std::int64_t version_read = 0;  // 0: opened by this posting
  std::int64_t head_n = 0;
  std::int64_t entry_n = 0;  // of a set's balance: the entry behind its head; else 0
  std::string trail;
  std::string_view state;  // of its last planned row
};

struct PlannedBucket {
  const core::Bucket *row = nullptr;
  std::int64_t balance_n = 0;
  std::string sums;
};

// That a row of cala_entries is of an effective date.
struct PlannedDate {
  std::int64_t balance_n = 0;
  std::int32_t effective = 0;
  std::int64_t n = 0;
};

struct PostingPlan {
  std::string seen;
  std::string_view guard;  // empty when not asked for
  std::vector<PlannedTransaction> transactions;
  std::vector<PlannedEntry> entries;
  std::vector<PlannedBalance> balances;
  std::string velocity;  // rows of what limits have counted, a JSON array; empty: none
  std::string holds;     // likewise, of holds
  std::vector<PlannedBucket> buckets;
  std::vector<PlannedDate> dates;
};

// kInternal "store.plan" when the request does not hang together (an id that its ticket did not give, an unknown key).
base::Result<PostingPlan> plan_posting(const PostingWrite &write);

}  // namespace cala::store::sqlite
