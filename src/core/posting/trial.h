// Trial: the balances of a batch as they are after what was folded so far, over those that were read; by effective date
// too, in a journal that keeps those. What one unit moves stays apart until it is kept, so that a refused one leaves no
// trace. Pure.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/balance/balance.h"
#include "core/balance/effective.h"
#include "core/posting/moved.h"
#include "core/posting/transaction.h"

namespace cala::core {

class Trial {
 public:
  using BucketKey = std::tuple<BalanceKey, BucketLevel, base::Date>;
  // What some postings move, after them.
  struct Moves {
    std::map<BalanceKey, Balance> balances;
    std::map<BucketKey, DatedSums> buckets;
  };

  // What was read; it outlives this.
  void read(const std::vector<Balance> &balances, const std::vector<Bucket> &buckets);
  // As it was read, before anything was folded. Null where there is none.
  const Balance *as_read(const BalanceKey &key) const;
  // After what was kept. Null before its first entry.
  const Balance *before(const BalanceKey &key) const;
  // With what one unit moves; before its first entry an empty one.
  Balance amid(const Moves &mine, const BalanceKey &key, base::Timestamp now) const;

  // Adds an entry to every balance that it moves, and calls moved(balance) for each; dated: to their buckets of the
  // effective date, too. "amount.range" past 38 digits; what one unit moves is then no longer to be used.
  template <typename Moved>
  base::Outcome fold(const MovedAccounts &accounts, Moves &mine, const Entry &entry, base::Timestamp now,
                     Moved &&moved) const {
    base::Outcome outcome;
    accounts.for_each_moved(entry, [&](const BalanceKey &key) {
      if (!outcome) return;
      auto at = mine.balances.find(key);
      if (at == mine.balances.end()) at = mine.balances.emplace(key, amid(mine, key, now)).first;
      outcome = core::fold(at->second, entry);
      if (outcome) moved(at->second);
    });
    return outcome;
  }
  base::Outcome fold_dated(const MovedAccounts &accounts, Moves &mine, const Entry &entry, base::Date effective) const;
  void keep(Moves &&moves);

  // A unit that is posted by itself later takes its balances to its instant; `stamp` is no earlier than what moved
  // those of an entry.
  void leave_ahead(const MovedAccounts &accounts, const Entry &entry, base::Timestamp stamp);
  base::Timestamp no_earlier(const MovedAccounts &accounts, const Entry &entry, base::Timestamp stamp) const;
  // Forgets all but what was read.
  void start_over();

 private:
  std::map<BalanceKey, const Balance *> read_;
  std::map<BucketKey, const DatedSums *> read_buckets_;
  Moves kept_;
  std::map<BalanceKey, base::Timestamp> ahead_;
};

}  // namespace cala::core
