// Lists, histories and balances at a moment, all of which walk the links between entries, against a naive look at what
// was posted.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "store/rows.h"
#include "store/sqlite_ledger.h"

namespace cala::tests {
namespace {

using store::StatementId;

constexpr std::size_t kAccounts = 5;
constexpr int kPostings = 1500;

Sketch random_sketch(std::mt19937_64 &random) {
  static const char *const kCurrencies[] = {"USD", "EUR", "USD", "USD"};
  const std::size_t from = random() % 3 == 0 ? random() % kAccounts : 0;  // account 0 is hot
  const std::size_t to = 1 + random() % (kAccounts - 1);
  Sketch sketch = transfer(from, to, std::to_string(random() % 1000) + "." + std::to_string(random() % 90 + 10));
  if (random() % 5 == 0) sketch.entries.push_back(sketch.entries[0]);  // the same balance twice in one transaction
  const std::string currency = kCurrencies[random() % 4];
  const auto layer = static_cast<core::Layer>(random() % 3);
  for (EntrySketch &entry : sketch.entries) {
    entry.currency = currency;
    entry.layer = layer;
  }
  sketch.effective_days = 20000 + static_cast<std::int32_t>(random() % 10);
  if (random() % 50 == 0) sketch.correlation_id = "group-" + std::to_string(random() % 4);
  return sketch;
}

// One ledger for all tests of the suite: they only read it.
class SqliteWalks : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TemporaryFolder;
    ledger = new SqliteLedger({.path = folder->file("ledger.db"), .durable = false}, kAccounts);
    std::mt19937_64 random(20260101);
    for (int done = 0; done < kPostings;) {
      std::vector<Sketch> group(1 + random() % 8);
      for (Sketch &sketch : group) sketch = random_sketch(random);
      ASSERT_TRUE(ledger->post(group).ok());
      done += static_cast<int>(group.size());
    }
    for (const core::PostedTransaction &posting : ledger->posted) {
      transaction_order.push_back(posting.transaction.id.text());
      for (const core::Entry &entry : posting.entries) entry_order.push_back({entry, posting.transaction});
    }
  }
  static void TearDownTestSuite() {
    delete ledger;
    delete folder;
    ledger = nullptr;
    folder = nullptr;
    entry_order.clear();
    transaction_order.clear();
  }

  struct Known {
    core::Entry entry;
    core::Transaction transaction;
  };

  static std::vector<std::string> pages(StatementId id, const std::string &filters, int size, bool desc,
                                        std::size_t limit = SIZE_MAX) {
    std::vector<std::string> ids;
    std::string after = "null";
    for (std::size_t count = 1; count > 0 && ids.size() < limit;) {
      const base::Json page = ledger->rows(id, R"({"first":)" + std::to_string(size) + R"(,"after":)" + after +
                                                   (desc ? R"(,"desc":true)" : R"(,"desc":false)") + filters + "}");
      count = 0;
      for (const base::JsonView row : page.root().get("rows")) {
        ids.emplace_back(row.get("id").present() ? row.get("id").string() : row.get("entry_id").string());
        after = row.get("cursor").text();
        ++count;
      }
    }
    return ids;
  }

  template <typename Keep>
  static std::vector<std::string> expected_entries(Keep keep, bool desc) {
    std::vector<std::string> ids;
    for (const Known &known : entry_order) {
      if (keep(known)) ids.push_back(known.entry.id.text());
    }
    if (desc) std::reverse(ids.begin(), ids.end());
    return ids;
  }

  template <typename Keep>
  static std::vector<std::string> expected_transactions(Keep keep, bool desc) {
    std::vector<std::string> ids;
    for (const core::PostedTransaction &posting : ledger->posted) {
      if (keep(posting)) ids.push_back(posting.transaction.id.text());
    }
    if (desc) std::reverse(ids.begin(), ids.end());
    return ids;
  }

  static std::string key_of(std::size_t account, const std::string &currency = "USD") {
    return R"("account_id":")" + ledger->accounts[account].text() + R"(","journal_id":")" + ledger->journal.text() +
           R"(","currency":")" + currency + '"';
  }

  // The balance after each of its entries, by folding what was posted.
  static std::vector<core::Balance> expected_history(std::size_t account, const std::string &currency) {
    const core::BalanceKey key{ledger->accounts[account], *core::Currency::parse(currency), ledger->journal};
    std::vector<core::Balance> history;
    for (const Known &known : entry_order) {
      if (known.entry.account_id != key.account_id || known.entry.currency != key.currency) continue;
      core::Balance balance = history.empty() ? core::empty_balance(key, known.entry.created_at) : history.back();
      EXPECT_TRUE(core::fold(balance, known.entry).ok());
      history.push_back(balance);
    }
    return history;
  }

  static void expect_same(const core::Balance &expected, base::JsonView row) {
    base::Result<core::Balance> found = store::balance_of(row);
    ASSERT_TRUE(found.ok()) << found.error().message;
    EXPECT_EQ(found->version, expected.version);
    EXPECT_EQ(found->entry_id, expected.entry_id);
    EXPECT_EQ(found->created_at, expected.created_at);
    EXPECT_EQ(found->modified_at, expected.modified_at);
    for (std::size_t i = 0; i < core::kLayerCount; ++i) {
      EXPECT_EQ(found->layers[i].debit.text(), expected.layers[i].debit.text());
      EXPECT_EQ(found->layers[i].credit.text(), expected.layers[i].credit.text());
      EXPECT_EQ(found->layers[i].entry_id, expected.layers[i].entry_id);
      EXPECT_EQ(found->layers[i].modified_at, expected.layers[i].modified_at);
    }
  }

  static TemporaryFolder *folder;
  static SqliteLedger *ledger;
  static std::vector<Known> entry_order;
  static std::vector<std::string> transaction_order;
};

TemporaryFolder *SqliteWalks::folder = nullptr;
SqliteLedger *SqliteWalks::ledger = nullptr;
std::vector<SqliteWalks::Known> SqliteWalks::entry_order;
std::vector<std::string> SqliteWalks::transaction_order;

TEST_F(SqliteWalks, PageThroughAnAccountsEntriesInBothOrders) {
  for (std::size_t account = 0; account < kAccounts; ++account) {
    const base::Uuid id = ledger->accounts[account];
    for (const bool desc : {false, true}) {
      const auto expected = expected_entries([&](const Known &known) { return known.entry.account_id == id; }, desc);
      for (const int size : {1, 7, 64, 5000}) {
        const std::size_t limit = size == 1 ? 40 : SIZE_MAX;
        auto found = pages(StatementId::kEntryList, R"(,"account_id":")" + id.text() + '"', size, desc, limit);
        auto wanted = expected;
        if (wanted.size() > limit) wanted.resize(limit);
        EXPECT_EQ(found, wanted) << "account " << account << (desc ? " desc" : " asc") << " by " << size;
      }
    }
  }
}

TEST_F(SqliteWalks, PageThroughAnAccountsEntriesWithFilters) {
  const base::Uuid id = ledger->accounts[0];
  const base::Timestamp from = entry_order[entry_order.size() / 3].entry.created_at;
  const base::Timestamp to = entry_order[entry_order.size() / 2].entry.created_at;
  const std::string filters = R"(,"account_id":")" + id.text() + R"(","effective_from":20003,"effective_to":20004,)" +
                              R"("created_from":)" + std::to_string(from.micros()) + R"(,"created_to":)" +
                              std::to_string(to.micros());
  for (const bool desc : {false, true}) {
    const auto expected = expected_entries(
        [&](const Known &known) {
          const std::int32_t day = known.transaction.effective.days;
          return known.entry.account_id == id && day >= 20003 && day <= 20004 && known.entry.created_at >= from &&
                 known.entry.created_at <= to;
        },
        desc);
    ASSERT_GT(expected.size(), 20U);
    for (const int size : {3, 10, 5000}) EXPECT_EQ(pages(StatementId::kEntryList, filters, size, desc), expected);
  }
}

TEST_F(SqliteWalks, PageThroughAllEntriesOfAJournal) {
  const std::string filters = R"(,"journal_id":")" + ledger->journal.text() + R"(","effective_from":20009)";
  for (const bool desc : {false, true}) {
    const auto expected =
        expected_entries([](const Known &known) { return known.transaction.effective.days >= 20009; }, desc);
    EXPECT_EQ(pages(StatementId::kEntryList, filters, 50, desc), expected);
    EXPECT_EQ(pages(StatementId::kEntryList, "", 400, desc),
              expected_entries([](const Known &) { return true; }, desc));
  }
  const std::string other = base::new_uuid().text();
  EXPECT_TRUE(pages(StatementId::kEntryList, R"(,"journal_id":")" + other + '"', 50, false).empty());
  EXPECT_TRUE(pages(StatementId::kEntryList, R"(,"account_id":")" + other + '"', 50, false).empty());
}

TEST_F(SqliteWalks, PageThroughAnAccountsTransactionsEachOnce) {
  const base::Uuid id = ledger->accounts[3];
  const auto touches = [&](const core::PostedTransaction &posting) {
    return std::any_of(posting.entries.begin(), posting.entries.end(),
                       [&](const core::Entry &entry) { return entry.account_id == id; });
  };
  for (const bool desc : {false, true}) {
    const auto all = expected_transactions(touches, desc);
    ASSERT_GT(all.size(), 200U);
    for (const int size : {4, 33, 5000}) {
      EXPECT_EQ(pages(StatementId::kTransactionList, R"(,"account_id":")" + id.text() + '"', size, desc), all);
    }
    const auto one_day = expected_transactions(
        [&](const core::PostedTransaction &posting) {
          return touches(posting) && posting.transaction.effective.days == 20005;
        },
        desc);
    const std::string filters = R"(,"account_id":")" + id.text() +
                                R"(","effective_from":20005,"effective_to":20005,"tx_template_id":")" +
                                ledger->tx_template.text() + '"';
    EXPECT_EQ(pages(StatementId::kTransactionList, filters, 4, desc), one_day);
  }
}

TEST_F(SqliteWalks, PageThroughTransactionsByCorrelationId) {
  const base::Uuid account = ledger->accounts[2];
  for (const bool desc : {false, true}) {
    const auto expected = expected_transactions(
        [](const core::PostedTransaction &posting) { return posting.transaction.correlation_id == "group-1"; }, desc);
    ASSERT_GT(expected.size(), 2U);
    EXPECT_EQ(pages(StatementId::kTransactionList, R"(,"correlation_id":"group-1")", 2, desc), expected);
    const auto of_account = expected_transactions(
        [&](const core::PostedTransaction &posting) {
          return posting.transaction.correlation_id == "group-1" &&
                 std::any_of(posting.entries.begin(), posting.entries.end(),
                             [&](const core::Entry &entry) { return entry.account_id == account; });
        },
        desc);
    EXPECT_EQ(pages(StatementId::kTransactionList,
                    R"(,"correlation_id":"group-1","account_id":")" + account.text() + '"', 2, desc),
              of_account);
  }
  const std::string own = transaction_order[17];
  if (ledger->posted[17].transaction.correlation_id == own) {
    EXPECT_EQ(pages(StatementId::kTransactionList, R"(,"correlation_id":")" + own + '"', 2, false),
              std::vector<std::string>{own});
  }
}

TEST_F(SqliteWalks, PageThroughAllTransactions) {
  EXPECT_EQ(pages(StatementId::kTransactionList, "", 101, false), transaction_order);
  auto backwards = transaction_order;
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(pages(StatementId::kTransactionList, R"(,"journal_id":")" + ledger->journal.text() + '"', 101, true),
            backwards);
}

TEST_F(SqliteWalks, FindABalanceAtEveryVersion) {
  for (const char *currency : {"USD", "EUR"}) {
    const std::vector<core::Balance> history = expected_history(1, currency);
    ASSERT_GT(history.size(), 60U);
    const std::size_t step = history.size() / 60;
    for (std::size_t i = 0; i < history.size(); i += i + step < history.size() ? step : 1) {
      const base::Json found = ledger->rows(StatementId::kBalanceAt,
                                            "{" + key_of(1, currency) + R"(,"version":)" + std::to_string(i + 1) + "}");
      ASSERT_EQ(found.root().get("rows").size(), 1U);
      expect_same(history[i], found.root().get("rows").first());
    }
    for (const std::size_t absent : {std::size_t{0}, history.size() + 1}) {
      const base::Json found = ledger->rows(
          StatementId::kBalanceAt, "{" + key_of(1, currency) + R"(,"version":)" + std::to_string(absent) + "}");
      EXPECT_EQ(found.root().get("rows").size(), 0U);
    }
  }
}

TEST_F(SqliteWalks, FindABalanceAtEveryInstant) {
  const std::vector<core::Balance> history = expected_history(0, "USD");
  std::set<std::int64_t> instants;
  for (std::size_t i = 0; i < history.size(); i += 13) {
    instants.insert(history[i].modified_at.micros());
    instants.insert(history[i].modified_at.micros() + 1);
    instants.insert(history[i].modified_at.micros() - 1);
  }
  for (const std::int64_t instant : instants) {
    const auto past = std::find_if(history.rbegin(), history.rend(), [&](const core::Balance &balance) {
      return balance.modified_at.micros() <= instant;
    });
    const base::Json found =
        ledger->rows(StatementId::kBalanceAt, "{" + key_of(0) + R"(,"recorded_at":)" + std::to_string(instant) + "}");
    ASSERT_EQ(found.root().get("rows").size(), past == history.rend() ? 0U : 1U) << instant;
    if (past != history.rend()) expect_same(*past, found.root().get("rows").first());
  }
}

TEST_F(SqliteWalks, PageThroughABalancesHistory) {
  const std::vector<core::Balance> history = expected_history(2, "USD");
  std::vector<std::string> ids;
  for (const core::Balance &balance : history) ids.push_back(balance.entry_id.text());
  for (const int size : {9, 5000}) {
    EXPECT_EQ(pages(StatementId::kBalanceHistory, "," + key_of(2), size, false), ids);
  }
  std::reverse(ids.begin(), ids.end());
  for (const int size : {9, 5000}) {
    EXPECT_EQ(pages(StatementId::kBalanceHistory, "," + key_of(2), size, true), ids);
  }
}

TEST_F(SqliteWalks, FindAndListCurrentBalances) {
  std::string keys;
  for (std::size_t account = 0; account < kAccounts; ++account) {
    keys += (keys.empty() ? "{" : ",{") + key_of(account, "EUR") + "}";
  }
  const base::Json found = ledger->rows(StatementId::kBalanceFind, R"({"keys":[)" + keys + "]}");
  ASSERT_EQ(found.root().get("rows").size(), kAccounts);
  for (const base::JsonView row : found.root().get("rows")) {
    const auto at =
        std::find(ledger->accounts.begin(), ledger->accounts.end(), *base::Uuid::parse(row.get("account_id").string()));
    expect_same(expected_history(static_cast<std::size_t>(at - ledger->accounts.begin()), "EUR").back(), row);
  }
  std::vector<std::pair<std::string, std::string>> expected;
  for (const base::Uuid &id : ledger->accounts) {
    for (const char *currency : {"EUR", "USD"}) expected.emplace_back(id.text(), currency);
  }
  std::sort(expected.begin(), expected.end());
  for (const bool desc : {false, true}) {
    if (desc) std::reverse(expected.begin(), expected.end());
    std::string named;
    for (const base::Uuid &id : ledger->accounts) named += (named.empty() ? "\"" : ",\"") + id.text() + '"';
    for (const std::string &filters :
         {std::string(), R"(,"account_ids":[)" + named + "]", R"(,"journal_id":")" + ledger->journal.text() + '"'}) {
      std::vector<std::pair<std::string, std::string>> listed;
      std::string after = "null";
      for (bool more = true; more;) {
        const base::Json page = ledger->rows(
            StatementId::kBalanceList,
            R"({"first":3,"after":)" + after + (desc ? R"(,"desc":true)" : R"(,"desc":false)") + filters + "}");
        more = false;
        for (const base::JsonView row : page.root().get("rows")) {
          listed.emplace_back(row.get("account_id").string(), row.get("currency").string());
          after = row.get("cursor").text();
          more = true;
        }
      }
      EXPECT_EQ(listed, expected) << filters;
    }
  }
}

}  // namespace
}  // namespace cala::tests
