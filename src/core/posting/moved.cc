#include "core/posting/moved.h"

#include <cstddef>

namespace cala::core {

BalanceKey key_of(const Entry &entry) { return BalanceKey{entry.account_id, entry.currency, entry.journal_id}; }

void MovedAccounts::add(const AccountState &account) {
  accounts_[account.id] = &account;
  if (account.floors) floors_ = true;
}

const AccountState *MovedAccounts::find(const base::Uuid &id) const {
  const auto at = accounts_.find(id);
  return at == accounts_.end() ? nullptr : at->second;
}

std::vector<base::Uuid> MovedAccounts::sets_above(const Entry &entry) const {
  std::vector<base::Uuid> ids;
  for (const SetAbove &set : accounts_.at(entry.account_id)->sets) {
    if (set.journal_id == entry.journal_id) ids.push_back(set.id);
  }
  return ids;
}

std::vector<base::Uuid> MovedAccounts::with_sets_above(const std::vector<Entry> &entries) const {
  std::vector<base::Uuid> ids;
  for (const Entry &entry : entries) {
    ids.push_back(entry.account_id);
    for (const base::Uuid &set : sets_above(entry)) ids.push_back(set);
  }
  return ids;
}

std::vector<Watched> MovedAccounts::watched(const PostedTransaction &posting) const {
  std::vector<Watched> out;
  if (!floors_ && posting.floors.empty()) return out;
  auto own = posting.floors.begin();
  for (std::size_t i = 0; i < posting.entries.size(); ++i) {
    const Entry &entry = posting.entries[i];
    for_each_moved(entry, [&](const BalanceKey &key) {
      const AccountState &account = *accounts_.at(key.account_id);
      if (!account.floors) return;
      const Floors &floors = *account.floors;
      out.push_back({key, floors.layer, account.normal_balance_type, floors.min.for_currency(key.currency),
                     floors.max.for_currency(key.currency)});
    });
    for (; own != posting.floors.end() && own->entry == i; ++own) {
      out.push_back({key_of(entry), entry.layer, accounts_.at(entry.account_id)->normal_balance_type,
                     own->min ? &*own->min : nullptr, own->max ? &*own->max : nullptr});
    }
  }
  return out;
}

}  // namespace cala::core
