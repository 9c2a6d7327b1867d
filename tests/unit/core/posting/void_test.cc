#include "core/posting/void.h"

#include <gtest/gtest.h>

namespace cala::core {
namespace {

using base::Date;
using base::Timestamp;
using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

const Timestamp kNow = *Timestamp::parse("2026-03-10T12:00:00Z");

PostedTransaction original() {
  PostedTransaction out;
  out.transaction.id = numbered(1);
  out.transaction.journal_id = numbered(2);
  out.transaction.external_id = "order-1";
  out.transaction.correlation_id = "c";
  out.transaction.description = "bought";
  for (const Direction direction : {Direction::kDebit, Direction::kCredit}) {
    Entry &entry = out.entries.emplace_back();
    entry.account_id = numbered(direction == Direction::kDebit ? 7 : 8);
    entry.entry_type = "CARD";
    entry.direction = direction;
    entry.units = *Decimal::parse("1.50");
    entry.currency = *Currency::parse("USD");
  }
  return out;
}

TEST(Void, HasTheSidesOfTheOriginalWithNegatedUnits) {
  const PostedTransaction made = mirror_of(original(), {}, numbered(11), kNow);
  ASSERT_EQ(made.entries.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(made.entries[i].account_id, original().entries[i].account_id);
    EXPECT_EQ(made.entries[i].direction, original().entries[i].direction);
    EXPECT_EQ(made.entries[i].units.text(), "-1.50");
    EXPECT_EQ(made.entries[i].entry_type, "CARD_VOID");
  }
}

TEST(Void, SaysWhatItTakesBackAndLeavesTheExternalIdThere) {
  const PostedTransaction made = mirror_of(original(), {}, numbered(11), kNow);
  EXPECT_EQ(made.transaction.id, numbered(11));
  EXPECT_EQ(made.transaction.void_of, numbered(1));
  EXPECT_EQ(made.transaction.external_id, std::nullopt);
  EXPECT_EQ(made.transaction.correlation_id, "c");
  EXPECT_EQ(made.transaction.description, std::nullopt) << "the original's is of the original";
}

TEST(Void, IsOfTheDayUnlessOneIsAsked) {
  EXPECT_EQ(mirror_of(original(), {}, numbered(11), kNow).transaction.effective, *Date::parse("2026-03-10"));
  AskedVoid asked;
  asked.effective = Date::parse("2026-02-01");
  asked.description = "returned";
  asked.metadata = R"({"by": "desk"})";
  const PostedTransaction made = mirror_of(original(), asked, numbered(11), kNow);
  EXPECT_EQ(made.transaction.effective, *Date::parse("2026-02-01"));
  EXPECT_EQ(made.transaction.description, "returned");
  EXPECT_EQ(made.transaction.metadata, R"({"by": "desk"})");
}

TEST(Void, ASecondOneNamesTheFirst) {
  Transaction transaction = original().transaction;
  transaction.voided_by = numbered(11);
  const base::Error error = already_voided(transaction);
  EXPECT_EQ(error.status, base::Status::kRejected);
  EXPECT_EQ(error.code, "transaction.already_voided");
  EXPECT_EQ(error.details,
            R"({"transaction_id":")" + numbered(1).text() + R"(","voided_by":")" + numbered(11).text() + R"("})");
}

}  // namespace
}  // namespace cala::core
