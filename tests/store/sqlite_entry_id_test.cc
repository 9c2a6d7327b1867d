// Computed entry ids: the C++ form, the SQL form, and what comes back from an id.
#include <gtest/gtest.h>

#include <set>

#include "store/rows.h"
#include "store/sqlite/entry_id.h"
#include "store/sqlite_ledger.h"

namespace cala::tests {
namespace {

using base::Timestamp;
using store::StatementId;
using store::sqlite::entry_id;
using store::sqlite::entry_n_of;

TEST(SqliteEntryId, GivesItsNumberBack) {
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{65535}, std::int64_t{65536}, std::int64_t{1} << 30,
                               (std::int64_t{1} << 30) - 1, std::int64_t{123456789012}, store::sqlite::kMaxEntryN}) {
    for (const std::int64_t micros :
         {std::int64_t{0}, std::int64_t{1767225600123456}, std::int64_t{-62135596800000000}}) {
      const base::Uuid id = entry_id(n, Timestamp::from_micros(micros), 0xdeadbeef);
      EXPECT_EQ(entry_n_of(id, 0xdeadbeef), n);
      EXPECT_EQ(entry_n_of(id, 0xdeadbeee), std::nullopt);
    }
  }
  EXPECT_EQ(entry_n_of(base::Uuid{}, 0), std::nullopt);
}

TEST(SqliteEntryId, HasTheFormOfAVersion7Uuid) {
  const base::Uuid id = entry_id(7, Timestamp::from_micros(1767225600123456), 0x01020304);
  EXPECT_EQ(id.text(), "019b76da-a87b-7000-8000-000701020304");
}

TEST(SqliteEntryId, AnEntryOfAnyNumberIsFoundByIt) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db"), .durable = false});
  ASSERT_TRUE(ledger.post({transfer(0, 1, "5")}).ok());
  const core::Entry &entry = ledger.posted.back().entries.back();
  std::uint32_t salt = 0;
  for (std::size_t i = 12; i < 16; ++i) salt = salt << 8 | entry.id.bytes[i];
  for (int digit = 0; digit < 10; ++digit) {
    for (const std::int64_t n : {std::int64_t{1} << (4 * digit), (std::int64_t{1} << (4 * digit + 5)) - 1,
                                 std::int64_t{5} << (4 * digit), store::sqlite::kMaxEntryN - digit}) {
      if (n < 3) continue;  // the other entry's, and its own
      ASSERT_TRUE(ledger.writer().begin(store::Access::kWrite).ok());
      const std::string move = "UPDATE cala_entries SET n = " + std::to_string(n) + " WHERE n > 1";
      ASSERT_TRUE(ledger.writer().execute(store::ProgramStatement{move, {}}).ok());
      ASSERT_TRUE(ledger.writer().commit().ok());
      const std::string id = entry_id(n, entry.created_at, salt).text();
      const base::Json found = ledger.rows(StatementId::kEntryFind, R"({"by":"id","keys":[")" + id + R"("]})");
      EXPECT_EQ(found.root().get("rows").size(), 1U) << n << " " << id;
    }
  }
}

TEST(SqliteEntryId, IsTheSameInAnswersAsWhenWritten) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db"), .durable = false});
  ledger.now_micros = -1000000123;  // before 1970, where division has a sign to get wrong
  ASSERT_TRUE(ledger.post({transfer(0, 1, "5"), transfer(2, 3, "6")}).ok());
  ledger.now_micros = 1767225600999999;
  ASSERT_TRUE(ledger.post({transfer(1, 2, "7")}).ok());

  std::string keys;
  for (const core::PostedTransaction &posting : ledger.posted) {
    for (const core::Entry &entry : posting.entries) keys += (keys.empty() ? "\"" : ",\"") + entry.id.text() + '"';
  }
  const base::Json found = ledger.rows(StatementId::kEntryFind, R"({"by":"id","keys":[)" + keys + "]}");
  EXPECT_EQ(found.root().get("rows").size(), 6U);

  const core::PostedTransaction &posting = ledger.posted.back();
  const base::Json by_transaction = ledger.rows(
      StatementId::kEntryFind, R"({"by":"transaction_id","keys":[")" + posting.transaction.id.text() + R"("]})");
  std::size_t at = 0;
  for (const base::JsonView row : by_transaction.root().get("rows")) {
    base::Result<core::Entry> entry = store::entry_of(row);
    ASSERT_TRUE(entry.ok()) << entry.error().message;
    const core::Entry &expected = posting.entries.at(at++);
    EXPECT_EQ(entry->id, expected.id);
    EXPECT_EQ(entry->transaction_id, expected.transaction_id);
    EXPECT_EQ(entry->journal_id, expected.journal_id);
    EXPECT_EQ(entry->account_id, expected.account_id);
    EXPECT_EQ(entry->entry_type, expected.entry_type);
    EXPECT_EQ(entry->sequence, expected.sequence);
    EXPECT_EQ(entry->layer, expected.layer);
    EXPECT_EQ(entry->direction, expected.direction);
    EXPECT_EQ(entry->units.text(), expected.units.text());
    EXPECT_EQ(entry->account_version, expected.account_version);
    EXPECT_EQ(entry->created_at, expected.created_at);
  }
  EXPECT_EQ(at, 2U);
  const base::Json transaction =
      ledger.rows(StatementId::kTransactionFind, R"({"by":"id","keys":[")" + posting.transaction.id.text() + R"("]})");
  base::Result<core::Transaction> row = store::transaction_of(transaction.root().get("rows").first());
  ASSERT_TRUE(row.ok()) << row.error().message;
  EXPECT_EQ(row->entry_ids, posting.transaction.entry_ids);
}

TEST(SqliteEntryId, OfAnotherLedgerOrInstantFindsNothing) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db"), .durable = false});
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  const base::Uuid id = ledger.posted[0].entries[0].id;
  for (std::size_t byte = 0; byte < 16; ++byte) {
    base::Uuid other = id;
    other.bytes[byte] ^= 0x21;
    const base::Json found =
        ledger.rows(StatementId::kEntryFind, R"({"by":"id","keys":[")" + other.text() + R"(","x"]})");
    EXPECT_EQ(found.root().get("rows").size(), 0U) << other.text();
  }
}

}  // namespace
}  // namespace cala::tests
