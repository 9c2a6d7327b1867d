// MovedAccounts: the accounts of a batch's entries and the sets above them, as they were read: which balances an entry
// moves, and of which of those something must stay available. Pure.
#pragma once

#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "core/account/account.h"
#include "core/account/floors.h"
#include "core/balance/balance.h"
#include "core/posting/transaction.h"

namespace cala::core {

// The balance of the entry's own account.
BalanceKey key_of(const Entry &entry);

class MovedAccounts {
 public:
  // Outlives this.
  void add(const AccountState &account);
  // Null where there is no such account.
  const AccountState *find(const base::Uuid &id) const;

  // The sets above an entry's account whose balances are of the entry's journal, those that follow too.
  std::vector<base::Uuid> sets_above(const Entry &entry) const;
  // The accounts of all entries and those sets, as often as they come.
  std::vector<base::Uuid> with_sets_above(const std::vector<Entry> &entries) const;
  // Calls visit(key) for each balance that an entry moves: that of its account first, then those of the sets above.
  template <typename Visit>
  void for_each_moved(const Entry &entry, Visit &&visit) const {
    visit(key_of(entry));
    for (const SetAbove &set : accounts_.at(entry.account_id)->sets) {
      if (set.at_once && set.journal_id == entry.journal_id) {
        visit(BalanceKey{set.id, entry.currency, entry.journal_id});
      }
    }
  }
  // Those balances of a posting that its accounts, their sets or its tx template want something to stay available of,
  // in order of its entries. They point into both.
  std::vector<Watched> watched(const PostedTransaction &posting) const;

 private:
  std::unordered_map<base::Uuid, const AccountState *, base::UuidHash> accounts_;
  bool floors_ = false;  // whether any of them has some
};

}  // namespace cala::core
