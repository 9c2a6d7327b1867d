#include "store/sqlite/posting_ticket.h"

#include <algorithm>
#include <unordered_map>

#include "store/sqlite/entry_id.h"

namespace cala::store::sqlite {

base::Uuid SqliteTicket::next_entry_id(base::Timestamp created_at) {
  return entry_id(next_entry_n + given_++, created_at, salt);
}

const SqliteTicket::Place *SqliteTicket::find(const core::BalanceKey &key) const {
  const auto at =
      std::lower_bound(places.begin(), places.end(), key,
                       [](const Place &place, const core::BalanceKey &wanted) { return place.key < wanted; });
  return at != places.end() && at->key == key ? &*at : nullptr;
}

SqliteTicket::Place *SqliteTicket::find(const core::BalanceKey &key) {
  return const_cast<Place *>(static_cast<const SqliteTicket *>(this)->find(key));
}

bool SqliteTicket::add_sets(const std::vector<core::AccountState> &accounts) {
  std::unordered_map<base::Uuid, const core::AccountState *, base::UuidHash> in_sets;
  for (const core::AccountState &account : accounts) {
    if (!account.sets.empty()) in_sets.emplace(account.id, &account);
  }
  const std::size_t own = places.size();
  for (std::size_t i = 0; !in_sets.empty() && i < own; ++i) {
    const core::BalanceKey key = places[i].key;
    const auto account = in_sets.find(key.account_id);
    if (account == in_sets.end()) continue;
    for (const core::SetAbove &set : account->second->sets) {
      if (set.journal_id == key.journal_id) places.push_back({{set.id, key.currency, key.journal_id}, 0, 0, 0, 0, {}});
    }
  }
  if (places.size() == own) return false;
  const auto less = [](const Place &a, const Place &b) { return a.key < b.key; };
  const auto same = [](const Place &a, const Place &b) { return a.key == b.key; };
  std::stable_sort(places.begin(), places.end(), less);
  places.erase(std::unique(places.begin(), places.end(), same), places.end());
  return true;
}

void SqliteTicket::note_account(const base::Uuid &id, std::int64_t n) {
  auto at = std::lower_bound(places.begin(), places.end(), id, [](const Place &place, const base::Uuid &wanted) {
    return place.key.account_id < wanted;
  });
  for (; at != places.end() && at->key.account_id == id; ++at) at->account_n = n;
}

void SqliteTicket::note_journal(const base::Uuid &id, std::int64_t n) {
  for (Place &place : places) {
    if (place.key.journal_id == id) place.journal_n = n;
  }
}

std::string SqliteTicket::seen() const {
  return std::to_string(change) + ':' + std::to_string(next_entry_n) + ':' + std::to_string(next_transaction_n);
}

}  // namespace cala::store::sqlite
