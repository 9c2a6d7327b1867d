// A journal's books, closed up to a date.
#include "core/journal/journal.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::core {
namespace {

using base::Date;

base::Uuid numbered(int n) {
  base::Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

TEST(Journal, IsClosedFurtherAndNeverLess) {
  EXPECT_EQ(closed_at_least(std::nullopt, Date{10}), Date{10});
  EXPECT_EQ(closed_at_least(Date{9}, Date{10}), Date{10});
  EXPECT_EQ(closed_at_least(Date{11}, Date{10}), Date{11});
}

TEST(Journal, IsReopenedFurtherAndNeverLess) {
  EXPECT_EQ(closed_at_most(Date{10}, std::nullopt), std::nullopt);
  EXPECT_EQ(closed_at_most(Date{10}, Date{9}), Date{9});
  EXPECT_EQ(closed_at_most(Date{10}, Date{11}), Date{10});
  EXPECT_EQ(closed_at_most(std::nullopt, Date{10}), std::nullopt);
  EXPECT_EQ(closed_at_most(std::nullopt, std::nullopt), std::nullopt);
}

TEST(Journal, TakesWhatIsEffectiveAfterItsClosing) {
  JournalState journal{numbered(1), LockStatus::kActive, {}};
  EXPECT_TRUE(check_open(journal, Date{-719162}));
  journal.closed_until = Date::parse("2026-01-31");
  EXPECT_TRUE(check_open(journal, *Date::parse("2026-02-01")));
  for (const char *date : {"2026-01-31", "2025-12-31"}) {
    const base::Outcome refused = check_open(journal, *Date::parse(date));
    ASSERT_FALSE(refused) << date;
    EXPECT_EQ(refused.error().status, base::Status::kRejected);
    EXPECT_EQ(refused.error().code, "journal.closed");
    EXPECT_EQ(refused.error().details, R"({"journal_id":"00000000-0000-0000-0000-000000000001",)"
                                       R"("closed_until":"2026-01-31","effective":")" +
                                           std::string(date) + "\"}");
  }
  journal.status = LockStatus::kLocked;
  EXPECT_EQ(check_open(journal, *Date::parse("2025-12-31")).error().code, "journal.locked") << "that first";
}

}  // namespace
}  // namespace cala::core
