#include "core/posting/trial.h"

#include <algorithm>
#include <utility>

namespace cala::core {

using base::Outcome;

void Trial::read(const std::vector<Balance> &balances, const std::vector<Bucket> &buckets) {
  for (const Balance &balance : balances) read_[balance.key] = &balance;
  for (const Bucket &bucket : buckets) read_buckets_[{bucket.key, bucket.level, bucket.start}] = &bucket.sums;
}

const Balance *Trial::as_read(const BalanceKey &key) const {
  const auto at = read_.find(key);
  return at == read_.end() ? nullptr : at->second;
}

const Balance *Trial::before(const BalanceKey &key) const {
  const auto at = kept_.balances.find(key);
  return at == kept_.balances.end() ? as_read(key) : &at->second;
}

Balance Trial::amid(const Moves &mine, const BalanceKey &key, base::Timestamp now) const {
  const auto at = mine.balances.find(key);
  const Balance *balance = at == mine.balances.end() ? before(key) : &at->second;
  return balance == nullptr ? empty_balance(key, now) : *balance;
}

Outcome Trial::fold_dated(const MovedAccounts &accounts, Moves &mine, const Entry &entry, base::Date effective) const {
  Outcome outcome;
  accounts.for_each_moved(entry, [&](const BalanceKey &key) {
    for (const BucketLevel level : kBucketLevels) {
      if (!outcome) return;
      const BucketKey place(key, level, bucket_start(level, effective));
      auto at = mine.buckets.find(place);
      if (at == mine.buckets.end()) {
        const auto kept = kept_.buckets.find(place);
        const auto read = read_buckets_.find(place);
        const DatedSums none;
        at = mine.buckets
                 .emplace(place, kept != kept_.buckets.end()   ? kept->second
                                 : read != read_buckets_.end() ? *read->second
                                                               : none)
                 .first;
      }
      outcome = core::fold(at->second, entry, effective);
    }
  });
  return outcome;
}

void Trial::keep(Moves &&moves) {
  for (auto &[key, balance] : moves.balances) kept_.balances.insert_or_assign(key, std::move(balance));
  for (auto &[key, sums] : moves.buckets) kept_.buckets.insert_or_assign(key, std::move(sums));
}

void Trial::leave_ahead(const MovedAccounts &accounts, const Entry &entry, base::Timestamp stamp) {
  accounts.for_each_moved(entry, [&](const BalanceKey &key) {
    base::Timestamp &ahead = ahead_[key];
    ahead = std::max(ahead, stamp);
  });
}

base::Timestamp Trial::no_earlier(const MovedAccounts &accounts, const Entry &entry, base::Timestamp stamp) const {
  accounts.for_each_moved(entry, [&](const BalanceKey &key) {
    if (const Balance *balance = before(key)) stamp = std::max(stamp, balance->modified_at);
    if (const auto ahead = ahead_.find(key); ahead != ahead_.end()) stamp = std::max(stamp, ahead->second);
  });
  return stamp;
}

void Trial::start_over() {
  kept_ = Moves();
  ahead_.clear();
}

}  // namespace cala::core
