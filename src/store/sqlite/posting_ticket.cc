#include "store/sqlite/posting_ticket.h"

#include <algorithm>

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
