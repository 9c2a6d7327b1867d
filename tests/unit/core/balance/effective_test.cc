// Buckets by day, month and year against the plain sum of the entries up to a day.
#include "core/balance/effective.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace cala::core {
namespace {

base::Date day(const std::string &text) { return base::Date::parse(text).value_or(base::Date{}); }

Entry entry_of(Layer layer, Direction direction, const std::string &units, std::int64_t posted) {
  Entry entry;
  entry.id = base::new_uuid();
  entry.layer = layer;
  entry.direction = direction;
  entry.units = Decimal::parse(units).value_or(Decimal{});
  entry.created_at = base::Timestamp::from_micros(posted);
  return entry;
}

// A balance's buckets, as a store would keep them.
class Buckets {
 public:
  void post(const Entry &entry, base::Date effective) {
    for (const BucketLevel level : kBucketLevels) {
      const base::Outcome folded = fold(buckets_[{level, bucket_start(level, effective)}], entry, effective);
      EXPECT_TRUE(folded.ok());
    }
    posted_.emplace_back(entry, effective);
  }

  DatedSums at(base::Date date) const {
    DatedSums sums;
    const DateCut cut = cut_at(date);
    read_ = 0;
    for (const auto &[place, bucket] : buckets_) {
      if (!cut.takes(place.first, place.second)) continue;
      EXPECT_TRUE(merge(sums, bucket));
      ++read_;
    }
    return sums;
  }

  // The same from the entries themselves.
  DatedSums plain(base::Date date) const {
    DatedSums sums;
    for (const auto &[entry, effective] : posted_) {
      if (effective > date) continue;
      EXPECT_TRUE(fold(sums, entry, effective).ok());
    }
    return sums;
  }

  int read() const { return read_; }

 private:
  std::map<std::pair<BucketLevel, base::Date>, DatedSums> buckets_;
  std::vector<std::pair<Entry, base::Date>> posted_;
  mutable int read_ = 0;
};

void expect_same(const DatedSums &a, const DatedSums &b, base::Date at) {
  EXPECT_EQ(a.entries, b.entries) << at.text();
  EXPECT_EQ(a.entry_id, b.entry_id) << at.text();
  EXPECT_EQ(a.modified_at, b.modified_at) << at.text();
  for (std::size_t i = 0; i < kLayerCount; ++i) {
    EXPECT_EQ(a.layers[i].debit, b.layers[i].debit) << at.text() << " layer " << i;
    EXPECT_EQ(a.layers[i].credit, b.layers[i].credit) << at.text() << " layer " << i;
    EXPECT_EQ(a.layers[i].entry_id, b.layers[i].entry_id) << at.text() << " layer " << i;
    EXPECT_EQ(a.layers[i].modified_at, b.layers[i].modified_at) << at.text() << " layer " << i;
  }
}

TEST(EffectiveBuckets, BeginWhereTheirDayMonthAndYearDo) {
  EXPECT_EQ(bucket_start(BucketLevel::kDay, day("2024-02-29")), day("2024-02-29"));
  EXPECT_EQ(bucket_start(BucketLevel::kMonth, day("2024-02-29")), day("2024-02-01"));
  EXPECT_EQ(bucket_start(BucketLevel::kYear, day("2024-02-29")), day("2024-01-01"));
  EXPECT_EQ(bucket_start(BucketLevel::kYear, day("0001-12-31")), day("0001-01-01"));
  EXPECT_EQ(bucket_start(BucketLevel::kMonth, day("9999-12-31")), day("9999-12-01"));
}

TEST(EffectiveBuckets, NoDayIsBeforeTheFirst) {
  EXPECT_FALSE(day_before(day("0001-01-01")).has_value());
  EXPECT_EQ(day_before(day("0001-01-02")), day("0001-01-01"));
  EXPECT_EQ(day_before(day("2026-01-01")), day("2025-12-31"));
}

TEST(EffectiveBuckets, GiveTheSumOfTheEntriesAtEveryDay) {
  std::mt19937 random(20261129);
  const auto below = [&random](std::uint32_t bound) { return static_cast<std::int32_t>(random() % bound); };
  const std::vector<std::pair<std::int32_t, std::int32_t>> spans = {
      {day("0001-01-01").days, 800}, {day("9997-11-20").days, 772}, {day("2023-12-15").days, 440}};
  for (const auto &[first, days] : spans) {
    Buckets buckets;
    for (int i = 0; i < 300; ++i) {
      const auto layer = static_cast<Layer>(below(3));
      const auto direction = static_cast<Direction>(below(2));
      const std::string units = std::to_string(below(2000) - 500) + "." + std::to_string(10 + below(90));
      buckets.post(entry_of(layer, direction, units, 1000 + i),
                   base::Date{first + below(static_cast<std::uint32_t>(days))});
    }
    for (std::int32_t d = first; d < first + days; ++d) {
      expect_same(buckets.at(base::Date{d}), buckets.plain(base::Date{d}), base::Date{d});
    }
  }
  EXPECT_EQ(day("9997-11-20").days + 771, day("9999-12-31").days);
}

TEST(EffectiveBuckets, ReadFewWhateverTheHistory) {
  Buckets buckets;
  for (std::int32_t d = 0; d < 3650; ++d) {
    buckets.post(entry_of(Layer::kSettled, Direction::kDebit, "1", d), base::Date{day("2016-01-01").days + d});
  }
  EXPECT_EQ(buckets.at(day("2025-12-28")).entries, 3650);
  EXPECT_LE(buckets.read(), 9 + 11 + 31);
}

// A back-dated entry moves amounts and the time of change, and is no later day's last entry.
TEST(EffectiveBuckets, ABackDatedEntryIsNotTheLastOfLaterDays) {
  Buckets buckets;
  const Entry late = entry_of(Layer::kSettled, Direction::kDebit, "5", 1);
  const Entry early = entry_of(Layer::kSettled, Direction::kDebit, "2", 2);
  buckets.post(late, day("2026-03-10"));
  buckets.post(early, day("2026-03-09"));
  const Balance at = balance_of(BalanceKey{}, buckets.at(day("2026-03-31")), base::Timestamp::from_micros(1));
  EXPECT_EQ(at.version, 2);
  EXPECT_EQ(at.entry_id, late.id);
  EXPECT_EQ(at.layers[0].entry_id, late.id);
  EXPECT_EQ(at.layers[0].debit.text(), "7");
  EXPECT_EQ(at.modified_at, early.created_at);
  EXPECT_TRUE(at.layers[1].entry_id.is_nil());
  EXPECT_EQ(buckets.at(day("2026-03-09")).entry_id, early.id);
  EXPECT_EQ(buckets.at(day("2026-03-08")).entries, 0);
}

TEST(EffectiveBuckets, APeriodIsWhatCameBetween) {
  Buckets buckets;
  buckets.post(entry_of(Layer::kSettled, Direction::kDebit, "5", 1), day("2026-03-10"));
  buckets.post(entry_of(Layer::kPending, Direction::kCredit, "3", 2), day("2026-03-12"));
  buckets.post(entry_of(Layer::kSettled, Direction::kDebit, "7", 3), day("2026-04-01"));
  const std::optional<DatedSums> period = difference(buckets.at(day("2026-04-01")), buckets.at(day("2026-03-11")));
  ASSERT_TRUE(period.has_value());
  EXPECT_EQ(period->entries, 2);
  EXPECT_EQ(period->layers[0].debit.text(), "7");
  EXPECT_EQ(period->layers[1].credit.text(), "3");
}

TEST(EffectiveBuckets, PastThirtyEightDigitsIsRefused) {
  const std::string most = "9" + std::string(37, '0');
  DatedSums sums;
  EXPECT_TRUE(fold(sums, entry_of(Layer::kSettled, Direction::kDebit, most, 1), day("2026-01-01")).ok());
  DatedSums other = sums;
  EXPECT_FALSE(merge(other, sums));
  DatedSums nothing;
  EXPECT_TRUE(merge(sums, nothing));
  const base::Outcome refused = fold(sums, entry_of(Layer::kSettled, Direction::kDebit, most, 2), day("2026-01-01"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "amount.range");
  // Each side fits, their difference does not.
  DatedSums sides;
  EXPECT_TRUE(fold(sides, entry_of(Layer::kSettled, Direction::kDebit, most, 1), day("2026-01-01")).ok());
  EXPECT_FALSE(fold(sides, entry_of(Layer::kPending, Direction::kCredit, "-" + most, 2), day("2026-01-01")).ok());
}

}  // namespace
}  // namespace cala::core
