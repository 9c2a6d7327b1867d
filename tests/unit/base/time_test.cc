#include "base/time.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

namespace cala::base {
namespace {

Timestamp at(std::string_view text) {
  const auto value = Timestamp::parse(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Timestamp{});
}

TEST(Date, EveryDayOfTenThousandYearsAgreesWithTheCalendarOfTheLanguage) {
  std::int32_t days = Date::parse("0001-01-01")->days;
  const std::int32_t last = Date::parse("9999-12-31")->days;
  EXPECT_EQ(last - days + 1, 3652059);
  for (; days <= last; ++days) {
    const std::chrono::year_month_day expected{std::chrono::sys_days(std::chrono::days(days))};
    const Date::Civil civil = Date{days}.civil();
    ASSERT_EQ(civil.year, static_cast<int>(expected.year())) << days;
    ASSERT_EQ(static_cast<unsigned>(civil.month), static_cast<unsigned>(expected.month())) << days;
    ASSERT_EQ(static_cast<unsigned>(civil.day), static_cast<unsigned>(expected.day())) << days;
    ASSERT_EQ(Date::from_civil(civil.year, civil.month, civil.day)->days, days);
  }
}

TEST(Date, TextReadsBack) {
  for (const char *text : {"0001-01-01", "1582-10-15", "1969-12-31", "1970-01-01", "2000-02-29", "2024-02-29",
                           "2026-12-31", "9999-12-31"}) {
    EXPECT_EQ(Date::parse(text)->text(), text);
  }
  EXPECT_EQ(Date::parse("1970-01-01")->days, 0);
  EXPECT_EQ(Date::parse("1969-12-31")->days, -1);
  EXPECT_EQ(Date::parse("2000-03-01")->days, 11017);
}

TEST(Date, RefusesEveryOtherForm) {
  for (const char *text : {"", "2026", "2026-01", "2026-1-1", "26-01-01", "2026-01-1", "2026/01/01", "20260101",
                           "2026-01-01 ", " 2026-01-01", "2026-01-01T00:00:00Z", "+2026-01-01", "-001-01-01",
                           "02026-01-01", "10000-01-01", "2026-0a-01", "2026-01-0x"}) {
    EXPECT_FALSE(Date::parse(text).has_value()) << text;
  }
}

TEST(Date, RefusesDaysThatAreNotInTheCalendar) {
  for (const char *text : {"0000-12-31", "2026-00-01", "2026-13-01", "2026-01-00", "2026-01-32", "2026-04-31",
                           "2026-02-29", "1900-02-29", "2100-02-29", "2024-02-30"}) {
    EXPECT_FALSE(Date::parse(text).has_value()) << text;
  }
  EXPECT_FALSE(Date::from_civil(10000, 1, 1).has_value());
  EXPECT_FALSE(Date::from_civil(2026, -1, 1).has_value());
  EXPECT_FALSE(Date::from_civil(2026, std::numeric_limits<std::int32_t>::max(), 1).has_value());
}

TEST(TimestampParse, ReadsEveryFormOfTheSameInstant) {
  const Timestamp noon{1767268800, 0};
  for (const char *text :
       {"2026-01-01T12:00:00Z", "2026-01-01t12:00:00z", "2026-01-01 12:00:00Z", "2026-01-01T12:00:00+00:00",
        "2026-01-01T12:00:00-00:00", "2026-01-01 12:00:00+00", "2026-01-01T14:00:00+02:00", "2026-01-01T14:00:00+02",
        "2026-01-01T17:45:00+05:45", "2026-01-01T06:30:00-05:30", "2026-01-02T11:59:00+23:59",
        "2025-12-31T12:01:00-23:59", "2026-01-01T12:00:00.0Z", "2026-01-01T12:00:00.000000000Z"}) {
    EXPECT_EQ(at(text), noon) << text;
  }
}

TEST(TimestampParse, TakesOneToNineDecimals) {
  EXPECT_EQ(at("1970-01-01T00:00:00.5Z"), (Timestamp{0, 500'000'000}));
  EXPECT_EQ(at("1970-01-01T00:00:00.123456789Z"), (Timestamp{0, 123'456'789}));
  EXPECT_EQ(at("1970-01-01T00:00:00.000000001Z"), (Timestamp{0, 1}));
  EXPECT_EQ(at("1969-12-31T23:59:59.999999999Z"), (Timestamp{-1, 999'999'999}));
  EXPECT_EQ(at("2026-01-01T00:00:00.5+02:00"), (Timestamp{1767218400, 500'000'000}));
}

TEST(TimestampParse, RefusesEveryOtherForm) {
  for (const char *text : {"",
                           "2026-01-01",
                           "2026-01-01T12:00:00",
                           "2026-01-01T12:00Z",
                           "2026-01-01T12:00:00.Z",
                           "2026-01-01T12:00:00.0000000001Z",
                           "2026-01-01T12:00:00,5Z",
                           "2026-01-01_12:00:00Z",
                           "2026-01-01T1:00:00Z",
                           "2026-01-01T12:00:00 Z",
                           "2026-01-01T12:00:00ZZ",
                           "2026-01-01T12:00:00+",
                           "2026-01-01T12:00:00+1",
                           "2026-01-01T12:00:00+01:",
                           "2026-01-01T12:00:00+01:0",
                           "2026-01-01T12:00:00+0100",
                           "2026-01-01T12:00:00+24:00",
                           "2026-01-01T12:00:00+01:60",
                           "2026-01-01T12:00:00.5",
                           "2026-01-01T24:00:00Z",
                           "2026-01-01T23:60:00Z",
                           "2026-01-01T23:59:60Z",
                           "2026-02-29T00:00:00Z",
                           "2026-01-32T00:00:00Z",
                           "2026-01-01T12:00:00 +00",
                           " 2026-01-01T12:00:00Z",
                           "infinity"}) {
    EXPECT_FALSE(Timestamp::parse(text).has_value()) << text;
  }
}

TEST(TimestampParse, EveryPrefixOfAnInstantIsRefused) {
  const std::string_view text = "2026-01-01T12:00:00.123+02:00";
  for (std::size_t size = 0; size < text.size(); ++size) {
    const bool shorter_offset = size == text.size() - 3;
    EXPECT_EQ(Timestamp::parse(text.substr(0, size)).has_value(), shorter_offset) << text.substr(0, size);
  }
}

TEST(TimestampParse, KeepsToTheYears1To9999AfterTheOffset) {
  EXPECT_EQ(at("0001-01-01T00:00:00Z").seconds, Timestamp::kMinSeconds);
  EXPECT_EQ(at("9999-12-31T23:59:59.999999999Z"), (Timestamp{Timestamp::kMaxSeconds, 999'999'999}));
  EXPECT_EQ(at("0001-01-01T01:00:00+01:00").seconds, Timestamp::kMinSeconds);
  EXPECT_FALSE(Timestamp::parse("0001-01-01T00:59:59+01:00").has_value());
  EXPECT_FALSE(Timestamp::parse("9999-12-31T23:59:59-00:01").has_value());
}

TEST(TimestampText, IsAsShortAsItCanBe) {
  EXPECT_EQ((Timestamp{0, 0}).text(), "1970-01-01T00:00:00Z");
  EXPECT_EQ((Timestamp{0, 500'000'000}).text(), "1970-01-01T00:00:00.5Z");
  EXPECT_EQ((Timestamp{0, 123'456'789}).text(), "1970-01-01T00:00:00.123456789Z");
  EXPECT_EQ((Timestamp{0, 1}).text(), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ((Timestamp{-1, 120'000'000}).text(), "1969-12-31T23:59:59.12Z");
  EXPECT_EQ((Timestamp{Timestamp::kMinSeconds, 0}).text(), "0001-01-01T00:00:00Z");
  EXPECT_EQ((Timestamp{Timestamp::kMaxSeconds, 0}).text(), "9999-12-31T23:59:59Z");
}

TEST(TimestampText, OfTheApiAlwaysHasSixDecimals) {
  EXPECT_EQ((Timestamp{0, 0}).micros_text(), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ((Timestamp{1767268800, 123'456'789}).micros_text(), "2026-01-01T12:00:00.123456Z");
  EXPECT_EQ((Timestamp{-1, 999'999'999}).micros_text(), "1969-12-31T23:59:59.999999Z");
}

TEST(TimestampText, ReadsBack) {
  for (std::int64_t seconds = Timestamp::kMinSeconds; seconds <= Timestamp::kMaxSeconds;
       seconds += 86'400 * 97 + 12'345) {
    const Timestamp value{seconds, static_cast<std::int32_t>((seconds % 1'000 + 1'000) * 499'999)};
    ASSERT_EQ(at(value.text()), value);
    ASSERT_EQ(at(value.micros_text()), Timestamp::from_micros(value.micros()));
  }
}

TEST(TimestampMicros, AreTheFloorOnBothSidesOfTheEpoch) {
  EXPECT_EQ((Timestamp{0, 1'999}).micros(), 1);
  EXPECT_EQ((Timestamp{-1, 999'999'999}).micros(), -1);
  EXPECT_EQ((Timestamp{-1, 0}).micros(), -1'000'000);
  EXPECT_EQ(Timestamp::from_micros(-1), (Timestamp{-1, 999'999'000}));
  EXPECT_EQ(Timestamp::from_micros(1'500'000), (Timestamp{1, 500'000'000}));
  EXPECT_EQ(Timestamp::from_micros(std::numeric_limits<std::int64_t>::min()), (Timestamp{-9223372036855, 224'192'000}));
}

TEST(TimestampDate, IsTheDayInUtc) {
  EXPECT_EQ(at("2026-01-01T01:00:00+02:00").date().text(), "2025-12-31");
  EXPECT_EQ((Timestamp{-1, 0}).date(), Date{-1});
  EXPECT_EQ((Timestamp{86'399, 999'999'999}).date(), Date{0});
  EXPECT_EQ(Timestamp::from_date(*Date::parse("2026-01-01")), at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(Timestamp::from_date(*Date::parse("0001-01-01")).seconds, Timestamp::kMinSeconds);
}

TEST(TimestampOrder, IsThatOfTime) {
  EXPECT_LT((Timestamp{-1, 999'999'999}), (Timestamp{0, 0}));
  EXPECT_LT((Timestamp{0, 1}), (Timestamp{0, 2}));
}

}  // namespace
}  // namespace cala::base
