// How lists find their rows: by an index, whatever is asked of them. On PostgreSQL a ledger of some size is listed by
// every filter, and the server's own counters say whether a table was read from end to end and how many rows were
// fetched. SQLite has one plan for each statement, which its byte code shows: Rewind and Last go to an end of a table
// without looking for anything.
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
// Nor one of events with a filter, which looks at 10,000 of them at most.
constexpr std::int64_t kFilteredEvents = 12000;

struct Listed {
  StatementId id;
  std::string filters;
  std::int64_t most = kFew;
};

const std::vector<Listed> &every_filter() {
  const auto uuid = [](const char *letter, int number) {
    return std::string("00000000-0000-0000-000") + letter + "-" + std::string(12 - std::to_string(number).size(), '0') +
           std::to_string(number);
  };
  const std::string account = R"("account_id":")" + uuid("a", 10023) + "\"",
                    journal = R"("journal_id":")" + uuid("1", 1) + "\"";
  const std::string before_2021 = R"("expires_before":1609459200000000)",
                    first = R"("account_id":")" + uuid("a", 1) + "\"";
  const std::string now = R"("now":1767225600000000)", held = R"("account_id":")" + uuid("a", 102) + "\"",
                    open_held = R"("account_id":")" + uuid("a", 104) + "\"";
  const std::string effective = R"("effective_from":15010,"effective_to":15012)";
  const std::string set = R"("account_set_id":")" + uuid("f", 23) + "\"", both = account + "," + journal;
  const std::string of_set = R"("account_id":")" + uuid("f", 23) + "\"";
  const std::string control = R"("control_id":")" + uuid("5", 24) + "\"";
  const std::string accounts = R"("account_ids":[")" + uuid("a", 10023) + "\"]";
  const std::string trial = journal + R"(,"layer":"settled","totals":false)", at = R"(,"cut":[14975,14975,15020])";
  const std::string below = set + R"(,"layer":"settled","totals":false,"journal_id":")" + uuid("1", 0) + "\"";
  const std::string events = R"("after":100,"newest":false,"wait_ms":0,"entries":true,"balances":true)";
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
      {StatementId::kTransactionList, account + R"(,"tx_template_id":")" + uuid("2", 20) + "\""},
      {StatementId::kTransactionList, of_set},
      {StatementId::kTransactionList, of_set + "," + effective},
      {StatementId::kTransactionList, of_set + R"(,"stable":true)"},
      {StatementId::kTransactionList, R"("stable":true)"},
      {StatementId::kEntryList, account},
      {StatementId::kEntryList, journal},
      {StatementId::kEntryList, R"("transaction_id":")" + uuid("7", 77) + "\""},
      {StatementId::kEntryList, account + R"(,"created_from":0,"created_to":4102444800000000)"},
      {StatementId::kEntryList, journal + R"(,"created_from":0,"created_to":4102444800000000)"},
      {StatementId::kEntryList, of_set},
      {StatementId::kEntryList, journal + "," + effective},
      {StatementId::kEntryList, journal + R"(,"created_from":0,"created_to":4102444800000000)"},
      {StatementId::kEntryList, journal + R"(,"stable":true)"},
      {StatementId::kEntryList, account + "," + effective},
      {StatementId::kEntryList, account + R"(,"stable":true)"},
      {StatementId::kBalanceList, journal + R"(,"account_ids":[")" + uuid("a", 10023) + "\"]"},
      {StatementId::kBalanceList, R"("account_ids":[")" + uuid("a", 10023) + "\"]"},
      {StatementId::kBalanceList, journal},
      {StatementId::kBalanceHistory, account + "," + journal + R"(,"currency":"USD")"},
      {StatementId::kEntryList, set},
      {StatementId::kEntryList, set + "," + effective},
      {StatementId::kEntryList, set + R"(,"created_from":0,"created_to":4102444800000000)"},
      {StatementId::kEntryList, set + R"(,"stable":true)"},
      {StatementId::kEntryList, ""},
      {StatementId::kAccountSetList, ""},
      {StatementId::kAccountSetList, journal},
      {StatementId::kAccountSetMembers, set + R"(,"by_external_id":false)"},
      {StatementId::kAccountSetMembers, set + R"(,"by_external_id":true)"},
      {StatementId::kAccountSetParents, R"("member_id":")" + uuid("a", 10023) + "\""},
      {StatementId::kAccountSetParents, R"("member_id":")" + uuid("f", 223) + "\""},
      {StatementId::kVelocityLimitList, ""},
      {StatementId::kVelocityLimitList, control},
      {StatementId::kVelocityControlList, ""},
      {StatementId::kVelocityAttachmentList, ""},
      {StatementId::kVelocityAttachmentList, control},
      {StatementId::kVelocityAttachmentList, accounts},
      {StatementId::kVelocityAttachmentList, accounts + R"(,"with_sets":true)"},
      {StatementId::kVelocityAttachmentList, accounts + "," + control},
      {StatementId::kVelocityBalanceList, accounts},
      {StatementId::kVelocityBalanceList, accounts + "," + journal + R"(,"currency":"USD")"},
      {StatementId::kEffectiveChanges, journal + R"(,"modified_since":1664150400000000,"since_day":19261)"},
      {StatementId::kEffectiveRead,
       both + R"(,"currency":"USD","open":[14975,14975,15000],"close":[14975,14975,15020])"},
      {StatementId::kStatementRead, both + R"(,"currency":"USD","layer":"settled","low":1,"high":2)"},
      {StatementId::kStatementDated, both + R"(,"currency":"USD","layer":"settled","from":0,"until":20000)"},
      {StatementId::kTrialBalance, trial},
      {StatementId::kTrialBalance, trial + R"(,"currency":"USD")"},
      {StatementId::kTrialBalance, trial + R"(,"recorded_at":4102444800000000)"},
      {StatementId::kTrialBalance, trial + at},
      {StatementId::kTrialBalance, below},
      {StatementId::kTrialBalance, below + at},
      {StatementId::kTrialBalance, trial + R"(,"by_set":true)"},
      {StatementId::kTrialBalance, below + R"(,"by_set":true)"},
      {StatementId::kTrialBalance, below + R"(,"recorded_at":4102444800000000)"},
      {StatementId::kEventList, events},
      {StatementId::kEventList, events + R"(,"types":["account_created"])", kFilteredEvents},
      {StatementId::kEventList, events + "," + journal, kFilteredEvents},
      {StatementId::kListenerList, ""},
      {StatementId::kListenerList, R"("name":"l777")"},
      {StatementId::kHoldList, now},
      {StatementId::kHoldList, now + R"(,"status":"open")"},
      {StatementId::kHoldList, now + R"(,"status":"captured")"},
      {StatementId::kHoldList, now + R"(,"status":"expired")"},
      {StatementId::kHoldList, now + R"(,"status":"open","expires_before":4102444800000000)"},
      {StatementId::kHoldList, now + "," + before_2021},
      {StatementId::kHoldList, now + "," + before_2021 + R"(,"status":"captured")"},
      {StatementId::kHoldList, now + R"(,"status":"expired","expires_before":4102444800000000)"},
      {StatementId::kHoldList, now + "," + before_2021 + "," + first},
      {StatementId::kHoldList, now + "," + before_2021 + "," + first + R"(,"status":"captured")"},
      {StatementId::kHoldList, now + "," + held},
      {StatementId::kHoldList, now + "," + held + R"(,"status":"open")"},
      {StatementId::kHoldList, now + "," + open_held + R"(,"status":"captured")"},
  };
  return lists;
}

std::string request_of(const Listed &list, bool desc) {
  return std::string(R"({"first":10,)") + (list.id == StatementId::kEventList ? "" : R"("after":null,)") +
         R"("desc":)" + (desc ? "true" : "false") + (list.filters.empty() ? "" : ",") + list.filters + "}";
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

  // Account n has a balance in journal n + 3 modulo 5. Transaction n is in journal n modulo 5, by template n modulo
  // 200, moves accounts n + 2 and n + 3, and is effective on day 10000 + n / 2. Account n is in set 1 + n modulo 2000,
  // set n, from 101 on, in set 1 + (n - 1) modulo 100, each in the journal of its accounts and with a balance. Journals
  // 0 to 3 keep balances by effective date; sets of journal 4 follow.
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
             "INSERT INTO " + s + ".journals SELECT " + id("1", "i") +
                 ", 1, now(), now(), 'active', i < 4, '[]', 'J' FROM generate_series(0, 4) AS i",
             "INSERT INTO " + s +
                 ".accounts (id, version, created_at, modified_at, normal_balance_type, status, balance_rollup, "
                 "is_set, code, name, journal_id) SELECT " +
                 id("f", "i") +
                 ", 1, now() + i * interval '1 second', now(), 'credit', 'active', CASE WHEN i % 5 = 2 THEN " +
                 "'eventually_consistent' ELSE 'synchronous' END::" + s + ".balance_rollup, true, " + id("f", "i") +
                 "::text, 'set', " + id("1", "(i + 2) % 5") + " FROM generate_series(1, 2000) AS i",
             "INSERT INTO " + s + ".account_set_members SELECT " + id("f", "1 + i % 2000") + ", " + id("a", "i") +
                 ", now() + i * interval '1 second', false FROM generate_series(1, 20000) AS i UNION ALL SELECT " +
                 id("f", "1 + (i - 1) % 100") + ", " + id("f", "i") +
                 ", now(), true FROM generate_series(101, 2000) AS i",
             "INSERT INTO " + s + ".account_set_ancestors SELECT m.member_id, m.account_set_id, 1 FROM " + s +
                 ".account_set_members m UNION ALL SELECT m.member_id, n.account_set_id, 2 FROM " + s +
                 ".account_set_members m JOIN " + s + ".account_set_members n ON n.member_id = m.account_set_id",
             "INSERT INTO " + s +
                 ".velocity_limits (version, created_at, modified_at, id, name, window_keys, params, limits) SELECT 1, "
                 "now(), now(), " +
                 id("4", "i") + ", 'L', '[]', '[]', '{}' FROM generate_series(1, 5000) AS i",
             "INSERT INTO " + s +
                 ".velocity_controls (version, created_at, modified_at, id, action, name) SELECT 1, now(), now(), " +
                 id("5", "i") + ", 'reject', 'C' FROM generate_series(1, 5000) AS i",
             "INSERT INTO " + s + ".velocity_control_limits SELECT " + id("5", "i") + ", " + id("4", "i") +
                 ", now() FROM generate_series(1, 5000) AS i",
             "INSERT INTO " + s +
                 ".velocity_attachments (version, created_at, modified_at, account_id, control_id, params, frozen) "
                 "SELECT 1, now(), now(), " +
                 id("a", "i") + ", " + id("5", "1 + i % 5000") + ", '{}', '{}' FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s + ".velocity_balances SELECT 1, " + id("a", "i") + ", " + id("1", "(i + 3) % 5") +
                 ", " + id("5", "1 + i % 5000") + ", " + id("4", "1 + i % 5000") +
                 ", 'USD', '{}', 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s +
                 ".effective_balances SELECT i, timestamptz '2020-01-01' + i / 20 * interval '1 day', CASE l WHEN 0 "
                 "THEN date '1970-01-01' + 15000 WHEN 1 THEN date '2011-01-01' ELSE date '2011-01-01' END, date "
                 "'2020-01-01' + i / 20, l, '[1,0,0,0,[\"1\",\"0\"],[\"0\",\"0\"],[\"0\",\"0\"]]' FROM "
                 "generate_series(1, 20000) AS i CROSS JOIN generate_series(0, 2) AS l",
             "INSERT INTO " + s +
                 ".effective_entries SELECT i, k, date '1970-01-01' + 10000 + i / 2 FROM generate_series(1, 20000) AS "
                 "i "
                 "CROSS JOIN generate_series(1, 2) AS k",
             "INSERT INTO " + s + ".outbox_events SELECT i, now(), CASE i % 10 WHEN 0 THEN " + id("a", "i") + " ELSE " +
                 id("7", "i") +
                 " END, CASE i % 10 WHEN 0 THEN 'account_created' ELSE 'transaction_created' END, CASE i % 10 WHEN 0 "
                 "THEN "
                 "'{}'::json END FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s + ".listeners SELECT 'l' || i, i, now() FROM generate_series(1, 5000) AS i",
             "INSERT INTO " + s + ".order_marks VALUES (20000, '3')",
             "UPDATE " + s + ".rollup_state SET applied = 19990",
             "INSERT INTO " + s + ".tx_templates SELECT " + id("2", "i") +
                 ", 1, now(), now(), 'T' || lpad(i::text, 6, '0'), '[]', '{}', '[]' FROM generate_series(0, 5000) AS i",
             "INSERT INTO " + s + ".transactions SELECT i, now(), now(), 1, date '1970-01-01' + 10000 + i / 2, " +
                 id("7", "i") + ", " + id("1", "i % 5") + ", " + id("2", "i % 200") +
                 ", NULL, NULL, CASE WHEN i % 2 = 0 THEN 'c' || i / 10 END FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s +
                 ".entries SELECT i, 1, now(), k, date '1970-01-01' + 10000 + i / 2, 'settled', 'debit', " +
                 id("e", "2 * i + k") + ", " + id("7", "i") + ", " + id("a", "1 + (i + k) % 20000") + ", " +
                 id("1", "i % 5") +
                 ", 1, 'USD', 'x' FROM generate_series(1, 20000) AS i CROSS JOIN generate_series(1, 2) AS k",
             "INSERT INTO " + s + ".balances SELECT i, 1, now(), now(), now(), now(), now(), " + id("a", "i") + ", " +
                 id("1", "(i + 3) % 5") + ", " + id("e", "i") +
                 ", NULL, NULL, NULL, 'USD', 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) AS i",
             "INSERT INTO " + s + ".balances SELECT 20000 + i, 1, now(), now(), now(), now(), now(), " + id("f", "i") +
                 ", " + id("1", "(i + 2) % 5") + ", " + id("e", "i") +
                 ", NULL, NULL, NULL, 'USD', 0, 0, 0, 0, 0, 0 FROM generate_series(1, 2000) AS i",
             "INSERT INTO " + s + ".balance_history SELECT i, k, now(), now(), now(), now(), " + id("e", "i") +
                 ", NULL, NULL, NULL, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 20000) AS i CROSS JOIN "
                 "generate_series(1, 2) AS k",
             // Each transaction is a hold, every hundredth an open one, and half of those have expired or end later; of
             // the others every third would have, and one of the last did first of all.
             "INSERT INTO " + s +
                 ".holds SELECT i, 1, now(), CASE WHEN i = 19999 THEN timestamptz '2020-01-01' WHEN i % 200 = 0 THEN "
                 "timestamptz '2025-01-01' WHEN i % 3 = 0 THEN timestamptz '2030-01-01' END, " +
                 id("7", "i") +
                 ", NULL, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'captured' END, 'USD', 1, 0 FROM generate_series(1, "
                 "20000) "
                 "AS i",
             "INSERT INTO " + s + ".hold_accounts SELECT " + id("a", "1 + (i + k) % 20000") +
                 ", i, h.expires_at, i % 100 = 0 FROM generate_series(1, 20000) AS i CROSS JOIN generate_series(1, 2) "
                 "AS "
                 "k JOIN " +
                 s + ".holds h ON h.ordinal = i",
         }) {
      sql(on, statement);
    }
    for (const auto &row :
         sql(on, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = '" + s + "'::regnamespace")) {
      sql(on, "ANALYZE " + s + "." + row[0]);
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
    const auto rows =
        sql(on,
            "SELECT sum(seq_scan), sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM "
            "pg_stat_xact_user_tables "
            "WHERE schemaname = '" +
                schema() +
                "' AND relname NOT IN ('journals', 'migrations', 'order_marks', 'rollup_state', 'outbox_state')");
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
      const Result<base::Json> json = base::Json::parse(std::get<std::string>(*answer));
      ASSERT_TRUE(json.ok()) << request;
      EXPECT_GT(json->root().get("rows").size(), 0U) << request;
      const Counters after = counters(*on);
      EXPECT_EQ(after.scans, before.scans) << request;
      EXPECT_LE(after.rows - before.rows, list.most) << request;
    }
  }
  on->rollback();
}

// What a posting reads grows with what it posts, not with its square: each key is looked up some times, in whatever
// order the planner would like to join. 200 accounts below a set in a journal with effective dates.
TEST_P(ListPlans, APostingLooksEachOfItsBalancesUpAFewTimes) {
  if (!is_postgres()) return;
  constexpr int kKeys = 200, kLookups = 30;
  core::Journal dated = journal("dated");
  dated.effective_balances = true;
  ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, {dated}).ok());
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kWrite).ok());
  const std::string s = '"' + schema() + '"';
  const std::string id = "('00000000-0000-0000-000a-' || lpad(i::text, 12, '0'))::uuid";
  const std::string set = "'00000000-0000-0000-000f-000000000001'::uuid", in = "'" + dated.id.text() + "'::uuid";
  const std::string from = " FROM generate_series(0, " + std::to_string(kKeys) + ") AS i";
  for (const std::string &statement : {
           "INSERT INTO " + s +
               ".accounts (id, version, created_at, modified_at, normal_balance_type, status, balance_rollup, is_set, "
               "code, name) SELECT " +
               id + ", 1, now(), now(), 'credit', 'active', 'synchronous', false, 'A' || i, 'name'" + from,
           "INSERT INTO " + s +
               ".accounts (id, version, created_at, modified_at, normal_balance_type, status, balance_rollup, is_set, "
               "code, name, journal_id) SELECT " +
               set + ", 1, now(), now(), 'credit', 'active', 'synchronous', true, 'set', 'name', " + in,
           "INSERT INTO " + s + ".account_set_ancestors SELECT " + id + ", " + set + ", 1" + from,
           "INSERT INTO " + s + ".balances SELECT i, 1, now(), now(), now(), now(), now(), " + id + ", " + in + ", " +
               id + ", NULL, NULL, NULL, 'USD', 0, 0, 0, 0, 0, 0" + from,
       }) {
    sql(*on, statement);
  }
  store::PostingRead read;
  read.journal_ids.push_back(dated.id);
  for (int i = 0; i < kKeys; ++i) {
    const std::string number = std::to_string(i);
    core::BalanceKey key;
    key.account_id =
        base::Uuid::parse("00000000-0000-0000-000a-" + std::string(12 - number.size(), '0') + number).value();
    key.journal_id = dated.id;
    key.currency = core::Currency::parse("USD").value();
    read.keys.push_back(key);
    read.dated.push_back({static_cast<std::size_t>(i), base::Date{20000}});
  }
  const auto lookups = [&] {
    return std::stoll(sql(*on,
                          "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_xact_user_tables WHERE "
                          "schemaname = '" +
                              schema() + "'")[0][0]);
  };
  const std::int64_t before = lookups();
  const Result<store::Answer> answer = on->execute(read);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(std::get<store::PostingState>(*answer).balances.size(), static_cast<std::size_t>(kKeys));
  EXPECT_LE(lookups() - before, kKeys * kLookups);
  on->rollback();
}

// It reads what came since it was there last, and what that moves.
TEST_P(ListPlans, TheRollUpReadsNoLargeTableFromEndToEnd) {
  if (!is_postgres()) return;
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kWrite).ok());
  fill(*on);
  for (const auto &[id, request] : {std::pair(StatementId::kRollupStatus, R"({"sequence":null,"timeout_ms":0})"),
                                    std::pair(StatementId::kRollupApply, R"({"steps":null})")}) {
    const Counters before = counters(*on);
    const Result<store::Answer> answer = on->execute(store::Call{id, request, false});
    ASSERT_TRUE(answer.ok()) << request << ": " << answer.error().message;
    const Counters after = counters(*on);
    EXPECT_EQ(after.scans, before.scans) << request;
    EXPECT_LE(after.rows - before.rows, kFew) << request;
  }
  EXPECT_EQ(sql(*on, "SELECT applied FROM \"" + schema() + "\".rollup_state")[0][0], "20000");
  on->rollback();
}

// Those of an expiry lie together, whatever else is asked of them.
TEST_P(ListPlans, HoldsByExpiryAreFoundByIt) {
  if (is_postgres()) return;  // there the rows that are fetched are counted
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kRead).ok());
  const store::SqlStatement statement =
      store().dialect().encode(store::Call{StatementId::kHoldList, "{}", false}, store::Placeholder::kQmark);
  std::map<std::string, int> searches;
  for (const auto &row : sql(*on, "EXPLAIN QUERY PLAN " + std::string(statement.sql), {"{}"})) {
    for (const char *index :
         {"cala_holds_expiry (status=? AND expires_at>? AND expires_at<?)",
          "cala_hold_accounts_expiry (account_n=? AND is_open=? AND expires_at>? AND expires_at<?)"}) {
      if (row[3].find(index) != std::string::npos) ++searches[index];
    }
  }
  ASSERT_EQ(searches.size(), 2U);
  EXPECT_EQ(searches.begin()->second, 4) << "of an account, open and not, both ways";
  EXPECT_EQ(searches.rbegin()->second, 8) << "of each status, both ways";
  on->rollback();
}

TEST_P(ListPlans, NoListOfSqliteGoesThroughALargeTable) {
  if (is_postgres()) return;
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kRead).ok());
  std::set<std::string> large;  // root pages of the tables and their indexes
  for (const auto &row :
       sql(*on,
           "SELECT rootpage FROM sqlite_master WHERE rootpage > 0 AND tbl_name NOT IN "
           "('cala_journals', 'cala_ledger', 'cala_migrations', 'cala_outbox_state', 'sqlite_sequence')")) {
    large.insert(row[0]);
  }
  EXPECT_GT(large.size(), 10U);
  std::set<StatementId> seen;
  for (const Listed &list : every_filter()) {
    if (!seen.insert(list.id).second) continue;
    const store::SqlStatement statement =
        store().dialect().encode(store::Call{list.id, "{}", false}, store::Placeholder::kQmark);
    // Of events the newest one is looked up; a trial balance's totals are of all balances, where they are asked for.
    int allowed = list.id == StatementId::kEventList || list.id == StatementId::kListenerList ||
                  list.id == StatementId::kTrialBalance;
    std::map<std::string, bool> is_large;  // by cursor
    for (const auto &row : sql(*on, "EXPLAIN " + std::string(statement.sql), {"{}"})) {
      const std::string &opcode = row[1], &cursor = row[2], &root = row[3];
      if (opcode == "OpenRead") is_large[cursor] = large.contains(root);
      if (opcode == "OpenEphemeral" || opcode == "OpenPseudo" || opcode == "OpenAutoindex") is_large[cursor] = false;
      const bool whole = opcode == "Rewind" || opcode == "Last";
      if (whole && is_large[cursor]) --allowed;
      EXPECT_GE(allowed, 0) << statement.name << " at " << row[0];
    }
    EXPECT_FALSE(is_large.empty()) << statement.name;
  }
  EXPECT_EQ(seen.size(), 21U);
  on->rollback();
}

}  // namespace
}  // namespace cala::tests
