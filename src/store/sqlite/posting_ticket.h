// What a posting's read notes for its write: row numbers, heads and trails. Made by either way of reading, used by
// either way of writing. Belongs to one operation; only next_entry_id changes it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/balance/balance.h"
#include "store/port.h"

namespace cala::store::sqlite {

class SqliteTicket final : public PostingTicket {
 public:
  // Where a balance's rows are; balance_n and head_n are 0 while there are none,
  // account_n while there is no such account.
  struct Place {
    core::BalanceKey key;
    std::int64_t account_n = 0;
    std::int64_t journal_n = 0;
    std::int64_t balance_n = 0;
    std::int64_t head_n = 0;
    std::vector<std::int64_t> trail;
  };

  base::Uuid next_entry_id(base::Timestamp created_at) override;

  // The place of a key that was asked for, else null.
  const Place *find(const core::BalanceKey &key) const;
  Place *find(const core::BalanceKey &key);
  // Adds the places of the sets above these accounts; false when there are none.
  bool add_sets(const std::vector<core::AccountState> &accounts);
  // Fills in the number of every place of this account, or journal.
  void note_account(const base::Uuid &id, std::int64_t n);
  void note_journal(const base::Uuid &id, std::int64_t n);
  // What the ledger looked like at the read; the write refuses to follow anything else.
  std::string seen() const;

  std::uint32_t salt = 0;
  std::int64_t change = 0;
  std::int64_t next_entry_n = 1;
  std::int64_t next_transaction_n = 1;
  std::int64_t next_balance_n = 1;
  std::vector<Place> places;  // sorted by key
  std::vector<std::pair<base::Uuid, std::int64_t>>
      tx_templates;  // the numbers of those that were asked for, where known

 private:
  std::int64_t given_ = 0;  // ids handed out
};

}  // namespace cala::store::sqlite
