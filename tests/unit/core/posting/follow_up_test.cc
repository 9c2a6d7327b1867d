#include "core/posting/follow_up.h"

#include <gtest/gtest.h>

namespace cala::core {
namespace {

using base::Timestamp;
using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

PostedTransaction earlier() {
  PostedTransaction out;
  Transaction &transaction = out.transaction;
  transaction.id = numbered(1);
  transaction.journal_id = numbered(2);
  transaction.tx_template_id = numbered(3);
  transaction.tx_template_code = "T";
  transaction.correlation_id = "c";
  transaction.external_id = "e";
  transaction.description = "d";
  transaction.void_of = numbered(4);
  transaction.hold_id = numbered(5);
  transaction.version = 7;
  transaction.created_at = Timestamp::from_micros(1);
  transaction.entry_ids = {numbered(6)};
  Entry &entry = out.entries.emplace_back();
  entry.id = numbered(6);
  entry.transaction_id = numbered(1);
  entry.account_id = numbered(7);
  entry.entry_type = "E";
  entry.sequence = 9;
  entry.units = *Decimal::parse("1.50");
  entry.description = "of it";
  entry.account_version = 8;
  entry.created_at = Timestamp::from_micros(1);
  return out;
}

TEST(FollowUp, HasTheJournalTemplateAndCorrelationIdAndNothingElse) {
  const PostedTransaction made = follow_up(earlier(), numbered(11), base::Date{20000});
  EXPECT_EQ(made.transaction.id, numbered(11));
  EXPECT_EQ(made.transaction.journal_id, numbered(2));
  EXPECT_EQ(made.transaction.tx_template_id, numbered(3));
  EXPECT_EQ(made.transaction.tx_template_code, "T");
  EXPECT_EQ(made.transaction.correlation_id, "c");
  EXPECT_EQ(made.transaction.effective, base::Date{20000});
  EXPECT_EQ(made.transaction.external_id, std::nullopt);
  EXPECT_EQ(made.transaction.description, std::nullopt);
  EXPECT_EQ(made.transaction.void_of, std::nullopt);
  EXPECT_EQ(made.transaction.hold_id, std::nullopt);
  EXPECT_EQ(made.transaction.version, 1);
  EXPECT_TRUE(made.transaction.entry_ids.empty());
  EXPECT_TRUE(made.entries.empty());
}

TEST(FollowUp, TakesEntriesWithOtherUnitsAsItsOwn) {
  const PostedTransaction of = earlier();
  PostedTransaction made = follow_up(of, numbered(11), base::Date{20000});
  add_from(made, of.entries[0], "_VOID", of.entries[0].units.negated());
  add_from(made, of.entries[0], "", *Decimal::parse("2"));
  ASSERT_EQ(made.entries.size(), 2U);
  EXPECT_EQ(made.entries[0].entry_type, "E_VOID");
  EXPECT_EQ(made.entries[0].units.text(), "-1.50");
  EXPECT_EQ(made.entries[0].description, "of it");
  EXPECT_EQ(made.entries[0].account_id, numbered(7));
  for (int i = 0; i < 2; ++i) {
    const Entry &entry = made.entries[static_cast<std::size_t>(i)];
    EXPECT_EQ(entry.sequence, i + 1);
    EXPECT_EQ(entry.transaction_id, numbered(11));
    EXPECT_TRUE(entry.id.is_nil());
    EXPECT_EQ(entry.account_version, 0);
    EXPECT_EQ(entry.created_at, Timestamp());
  }
  EXPECT_EQ(made.entries[1].units.text(), "2");
}

}  // namespace
}  // namespace cala::core
