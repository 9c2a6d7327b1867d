#include "core/balance/dated_total.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::core {
namespace {

DatedSums day(int date, const char *debit, const char *credit) {
  DatedSums sums;
  sums.entries = 1;
  sums.entry_date = base::Date{date};
  sums.entry_id.bytes[15] = static_cast<std::uint8_t>(date);
  sums.modified_at = base::Timestamp::from_micros(100 - date);
  DatedSums::Side &layer = sums.layers[0];
  layer.debit = *Decimal::parse(debit);
  layer.credit = *Decimal::parse(credit);
  layer.entry_id = sums.entry_id;
  layer.entry_date = sums.entry_date;
  layer.modified_at = sums.modified_at;
  return sums;
}

TEST(DatedTotal, IsWhatMergingGives) {
  DatedTotal total;
  DatedSums merged;
  for (const DatedSums &one : {day(3, "1.50", "0"), day(1, "2", "3"), day(2, "-0.5", "0")}) {
    total.add(one);
    ASSERT_TRUE(merge(merged, one));
  }
  const std::optional<DatedSums> sums = total.sums();
  ASSERT_TRUE(sums);
  EXPECT_EQ(sums->entries, 3);
  EXPECT_EQ(sums->entry_id, merged.entry_id);
  EXPECT_EQ(sums->entry_date, base::Date{3});
  EXPECT_EQ(sums->modified_at, merged.modified_at);
  EXPECT_EQ(sums->layers[0].debit.text(), merged.layers[0].debit.text());
  EXPECT_EQ(sums->layers[0].credit.text(), "3");
  EXPECT_EQ(sums->layers[0].entry_id, merged.layers[0].entry_id);
  EXPECT_TRUE(sums->layers[1].entry_id.is_nil());
}

TEST(DatedTotal, OnlyTheWholeMustFit) {
  const char *const most = "60000000000000000000000000000000000000", *const least =
                                                                         "-60000000000000000000000000000000000000";
  DatedTotal total;
  total.add(day(1, most, "0"));
  total.add(day(2, most, "0"));
  EXPECT_FALSE(total.sums());
  total.add(day(3, least, "0"));
  ASSERT_TRUE(total.sums());
  EXPECT_EQ(total.sums()->layers[0].debit.text(), most);
  total.add(day(4, "0", least));
  EXPECT_FALSE(total.sums()) << "its net does not fit";
}

}  // namespace
}  // namespace cala::core
