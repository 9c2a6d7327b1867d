// How lists find their rows: by an index, whatever is asked of them. On PostgreSQL a ledger of some size is listed by every filter,
// and the server's own counters say whether a table was read from end to end and how many rows were fetched. SQLite has one plan
// for each statement, which its byte code shows: Rewind and Last go to an end of a table without looking for anything.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Result;
using store::StatementId;

// A page of these must not cost more rows than this, of 20,000 accounts and transactions and 40,000 entries.
constexpr std::int64_t kFew = 4000;

struct Listed {
  StatementId id;
  std::string filters;
};

const std::vector<Listed> &every_filter() {
  const auto uuid = [](const char *letter, int number) {
    return std::string("00000000-0000-0000-000") + letter + "-" + std::string(12 - std::to_string(number).size(), '0') +
           std::to_string(number);
  };
  const std::string account = R"("account_id":")" + uuid("a", 10023) + "\"",
                    journal = R"("journal_id":")" + uuid("1", 1) + "\"";
  const std::string effective = R"("effective_from":15010,"effective_to":15012)";
  static const std::vector<Listed> lists = {
      {StatementId::kAccountList, ""},
      {StatementId::kAccountList, R"("code_prefix":"A0123")"},
      {StatementId::kAccountList, R"("status":"locked")"},
      {StatementId::kAccountList, R"("status":"active")"},
      {StatementId::kAccountList, R"("status":"locked","code_prefix":"A01")"},
      {StatementId::kTxTemplateList, ""},
      {StatementId::kTransactionList, ""},
      {StatementId::kTransactionList, R"("tx_template_id":")" + uuid("2", 3) + "\""},
      {StatementId::kTransactionList, journal},
      {StatementId::kTransactionList, account},
      {StatementId::kTransactionList, account + "," + journal},
      {StatementId::kTransactionList, R"("correlation_id":"c77")"},
      {StatementId::kTransactionList, R"("correlation_id":")" + uuid("7", 77) + "\""},
      {StatementId::kTransactionList, effective},
      {StatementId::kTransactionList, journal + "," + effective},
      {StatementId::kTransactionList, account + "," + effective},
      {StatementId::kTransactionList, R"("stable":true)"},
      {StatementId::kEntryList, account},
      {StatementId::kEntryList, journal},
      {StatementId::kEntryList, R"("transaction_id":")" + uuid("7", 77) + "\""},
      {StatementId::kEntryList, account + R"(,"created_from":0,"created_to":4102444800000000)"},
      {StatementId::kEntryList, journal + "," + effective},
      {StatementId::kEntryList, account + "," + effective},
      {StatementId::kEntryList, account + R"(,"stable":true)"},
      {StatementId::kBalanceList, journal + R"(,"account_ids":[")" + uuid("a", 10023) + "\"]"},
      {StatementId::kBalanceList, R"("account_ids":[")" + uuid("a", 10023) + "\"]"},
      {StatementId::kBalanceList, journal},
      {StatementId::kBalanceHistory, account + "," + journal + R"(,"currency":"USD")"},
  };
  return lists;
}

std::string request_of(const Listed &list, bool desc) {
  return std::string(R"({"first":10,"after":null,"desc":)") + (desc ? "true" : "false") +
         (list.filters.empty() ? "" : ",") + list.filters + "}";
}

class ListPlans : public StoreContract {
 protected:
  // The rows of a statement, each value a text, "" for null.
  static std::vector<std::vector<std::string>> sql(store::Session &on, const std::string &text,
                                                   const std::vector<std::optional<std::string>> &parameters = {}) {
    const Result<store::Answer> answer = on.execute(store::ProgramStatement{text, parameters});
    EXPECT_TRUE(answer.ok()) << answer.error().message << "\n" << text;
    std::vector<std::vector<std::string>> out;
    if (!answer) return out;
    const Result<base::Json> json = base::Json::parse(std::get<std::string>(*answer));
    for (const base::JsonView row : json->root().get("rows")) {
      out.emplace_back();
      for (const base::JsonView value : row) out.back().emplace_back(value.string());
    }
    return out;
  }

  // Account n has a balance in journal n + 3 modulo 5. Transaction n is in journal n modulo 5, by template n modulo 200, moves
  // accounts n + 2 and n + 3, and is effective on day 10000 + n / 2.
  void fill(store::Session &on) {
    const std::string s = '"' + schema() + '"';
    const auto id = [](const std::string &letter, const std::string &number) {
      return "('00000000-0000-0000-000" + letter + "-' || lpad((" + number + ")::text, 12, '0'))::uuid";
    };
    for (const std::string &statement : {
             "INSERT INTO " + s +
                 ".accounts (id, version, created_at, modified_at, normal_balance_type, status, balance_rollup, "
                 "is_set, code, name) "
                 "SELECT " +
                 id("a", "i") +
                 ", 1, now(), now(), 'credit', CASE WHEN i % 1000 = 0 THEN 'locked' ELSE 'active' END::" + s +
                 ".lock_status, 'synchronous', false, 'A' || lpad(i::text, 6, '0'), 'name' FROM generate_series(1, "
                 "20000) AS i",
             "INSERT INTO " + s + ".tx_templates SELECT " + id("2", "i") +
                 ", 1, now(), now(), 'T' || lpad(i::text, 6, '0'), '[]', '{}', '[]' FROM generate_series(0, 5000) AS i",
             "INSERT INTO " + s + ".transactions SELECT i, now(), now(), 1, date '1970-01-01' + 10000 + i / 2, " +
                 id("7", "i") + ", " + id("1", "i % 5") + ", " + id("2", "i % 200") +
                 ", NULL, CASE WHEN i % 2 = 0 THEN 'c' || i / 10 END FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s +
                 ".entries SELECT i, 1, now(), k, date '1970-01-01' + 10000 + i / 2, 'settled', 'debit', " +
                 id("e", "2 * i + k") + ", " + id("7", "i") + ", " + id("a", "1 + (i + k) % 20000") + ", " +
                 id("1", "i % 5") +
                 ", 1, 'USD', 'x' FROM generate_series(1, 20000) AS i CROSS JOIN generate_series(1, 2) AS k",
             "INSERT INTO " + s + ".balances SELECT i, 1, now(), now(), now(), now(), now(), " + id("a", "i") + ", " +
                 id("1", "(i + 3) % 5") + ", " + id("e", "i") +
                 ", NULL, NULL, NULL, 'USD', 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s + ".balance_history SELECT i, k, now(), now(), now(), now(), " + id("e", "i") +
                 ", NULL, NULL, NULL, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) AS i CROSS JOIN "
                 "generate_series(1, 2) AS k",
         }) {
      sql(on, statement);
    }
    for (const char *table : {"accounts", "tx_templates", "transactions", "entries", "balances", "balance_history"}) {
      sql(on, "ANALYZE " + s + "." + table);
    }
    // As autovacuum does for pages that have been filled since.
    for (const char *index : {"transactions_effective_idx", "entries_time_idx"}) {
      sql(on, "SELECT brin_summarize_new_values('" + s + "." + index + "')");
    }
  }

  struct Counters {
    std::int64_t scans = 0;
    std::int64_t rows = 0;
  };
  Counters counters(store::Session &on) {
    const auto rows = sql(
        on,
        "SELECT sum(seq_scan), sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM "
        "pg_stat_xact_user_tables "
        "WHERE schemaname = '" +
            schema() +
            "' AND relname IN ('accounts', 'tx_templates', 'transactions', 'entries', 'balances', 'balance_history')");
    return rows.empty() ? Counters{} : Counters{std::stoll(rows[0][0]), std::stoll(rows[0][1])};
  }
};
CALA_FOR_EVERY_STORE(ListPlans);

TEST_P(ListPlans, NoListReadsALargeTableFromEndToEnd) {
  if (!is_postgres()) return;
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kWrite).ok());
  fill(*on);
  for (const Listed &list : every_filter()) {
    for (const bool desc : {false, true}) {
      const std::string request = request_of(list, desc);
      const Counters before = counters(*on);
      const Result<store::Answer> answer = on->execute(store::Call{list.id, request, false});
      ASSERT_TRUE(answer.ok()) << request << ": " << answer.error().message;
      const bool found = std::get<std::string>(*answer).find("\"created_at\"") != std::string::npos;
      EXPECT_TRUE(found || request.find("stable") != std::string::npos) << request;  // nothing here is committed yet
      const Counters after = counters(*on);
      EXPECT_EQ(after.scans, before.scans) << request;
      EXPECT_LE(after.rows - before.rows, kFew) << request;
    }
  }
  on->rollback();
}

TEST_P(ListPlans, NoListOfSqliteGoesThroughALargeTable) {
  if (is_postgres()) return;
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kRead).ok());
  std::set<std::string> large;  // root pages of the tables and their indexes
  for (const auto &row : sql(*on,
                             "SELECT rootpage FROM sqlite_master WHERE rootpage > 0 AND tbl_name IN ('cala_accounts', "
                             "'cala_transactions', 'cala_entries', 'cala_balances', 'cala_tx_templates')")) {
    large.insert(row[0]);
  }
  EXPECT_GT(large.size(), 10U);
  std::set<StatementId> seen;
  for (const Listed &list : every_filter()) {
    if (!seen.insert(list.id).second) continue;
    const store::SqlStatement statement =
        store().dialect().encode(store::Call{list.id, "{}", false}, store::Placeholder::kQmark);
    std::map<std::string, bool> is_large;  // by cursor
    for (const auto &row : sql(*on, "EXPLAIN " + std::string(statement.sql), {"{}"})) {
      const std::string &opcode = row[1], &cursor = row[2], &root = row[3];
      if (opcode == "OpenRead") is_large[cursor] = large.contains(root);
      if (opcode == "OpenEphemeral" || opcode == "OpenPseudo" || opcode == "OpenAutoindex") is_large[cursor] = false;
      const bool whole = opcode == "Rewind" || opcode == "Last";
      EXPECT_FALSE(whole && is_large[cursor]) << statement.name << " at " << row[0];
    }
    EXPECT_FALSE(is_large.empty()) << statement.name;
  }
  EXPECT_EQ(seen.size(), 6U);
  on->rollback();
}

}  // namespace
}  // namespace cala::tests
