// Balances by effective date. The entries of a balance are summed in buckets: one for each day that has any, each month
// and each year. An entry moves three of them, whatever its date and however long the history; what a balance was at
// the end of a day is the years before that day's, the months of its year before its month, and the days of its month
// up to it. The buckets do not overlap, so they may be added in any order. Plain values, pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/balance/balance.h"
#include "core/posting/transaction.h"
#include "core/values.h"

namespace cala::core {

enum class BucketLevel : std::uint8_t { kDay, kMonth, kYear };
inline constexpr std::array<BucketLevel, 3> kBucketLevels = {BucketLevel::kDay, BucketLevel::kMonth,
                                                             BucketLevel::kYear};

// The first day of the bucket that holds this day.
base::Date bucket_start(BucketLevel level, base::Date date);

// Which buckets make a balance at the end of a day: the years that begin before `year`, the months from it on that
// begin before `month`, the days from that on to `day`.
struct DateCut {
  base::Date year;
  base::Date month;
  base::Date day;
  bool takes(BucketLevel level, base::Date start) const;
};
DateCut cut_at(base::Date date);
// nullopt before 0001-01-01.
std::optional<base::Date> day_before(base::Date date);

// What entries of some days add up to.
struct DatedSums {
  struct Side {
    Decimal debit;
    Decimal credit;
    base::Uuid entry_id;          // of the latest date the last one posted; nil: the layer has no entry
    base::Date entry_date;        // its effective date
    base::Timestamp modified_at;  // when the newest of them was posted, whatever its date
  };
  std::int64_t entries = 0;
  base::Uuid entry_id;
  base::Date entry_date;
  base::Timestamp modified_at;
  std::array<Side, kLayerCount> layers;
};

// Adds an entry that was posted after all others. "amount.range" when a sum would pass 38 digits; the sums are then no
// longer to be used.
base::Outcome fold(DatedSums &sums, const Entry &entry, base::Date effective);
// Adds sums of other days. false past 38 digits.
bool merge(DatedSums &sums, const DatedSums &more);
// What came in between: close - open, with close's last entries. nullopt past 38 digits.
std::optional<DatedSums> difference(const DatedSums &close, const DatedSums &open);
// As a balance: its version counts the entries.
Balance balance_of(const BalanceKey &key, const DatedSums &sums, base::Timestamp created_at);

// One bucket of a balance.
struct Bucket {
  BalanceKey key;
  BucketLevel level = BucketLevel::kDay;
  base::Date start;
  DatedSums sums;
};

}  // namespace cala::core
