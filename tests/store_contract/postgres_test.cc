// What only PostgreSQL has: roles, isolation levels, connections that die, programs on their own connections.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <thread>

#include "postgres_cluster.h"
#include "store/postgres/postgres_store.h"
#include "store/rows.h"
#include "store_contract/contract.h"
#include "store_contract/postgres_sql.h"

namespace cala::tests {
namespace {

using base::Result;
using base::Status;
using store::Access;
using store::StatementId;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class PostgresContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    sql_ = sql();
    ASSERT_NE(sql_, nullptr);
  }

  std::unique_ptr<SqlConnection> sql() { return SqlConnection::open(connection_string()); }

  // As a program does: the library's statement on a connection that the library does not know.
  std::string run(SqlConnection &on, const store::Request &request) {
    const store::SqlStatement statement = store().dialect().encode(request, store::Placeholder::kDollar);
    return on.run(std::string(statement.sql), statement.parameter);
  }
  Result<store::Answer> run_as_host(SqlConnection &on, const store::Request &request) {
    const std::string text = run(on, request);
    if (text.starts_with('!')) return store().dialect().error_of(text.substr(1, 5), text.substr(7));
    return store().dialect().decode(request, text);
  }
  static store::Call status_change(const core::Account &account) {
    core::Account locked = account;
    locked.status = core::LockStatus::kLocked;
    ++locked.version;
    base::JsonWriter row;
    row.begin_array();
    store::write_row(row, locked);
    row.end_array();
    return {StatementId::kAccountWrite, write_document("[]", row.text(), "[]", kNow), true};
  }
  static store::Call status_change(const core::Journal &journal) {
    core::Journal locked = journal;
    locked.status = core::LockStatus::kLocked;
    ++locked.version;
    base::JsonWriter row;
    row.begin_array();
    store::write_row(row, locked);
    row.end_array();
    return {StatementId::kJournalWrite, write_document("[]", row.text(), "[]", kNow), true};
  }
  static store::Call closing_of(const core::Journal &journal) {
    core::Journal closed = journal;
    closed.closed_until = base::Date{20000};
    ++closed.version;
    base::JsonWriter row;
    row.begin_array();
    store::write_row(row, closed);
    row.end_array();
    return {StatementId::kJournalWrite, write_document("[]", row.text(), "[]", kNow), true};
  }
  // Until so many wait for a lock; for ever when they do not, and then the test's limit of time ends it.
  void await_waiting_backends(int count) {
    while (std::stoi(sql_->run(
               "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND (database IS NULL OR database = (SELECT "
               "oid FROM pg_database WHERE datname = current_database()))")) < count) {
      std::this_thread::yield();
    }
  }
  void await_a_waiting_backend() { await_waiting_backends(1); }

  base::Uuid add_set(const core::Journal &journal, const char *rollup = "synchronous") {
    const base::Uuid set = base::new_uuid();
    const std::string row = R"({"id":")" + set.text() + R"(","code":")" + set.text() +
                            R"(","version":1,"name":"S","normal_balance_type":"credit","status":"active",)" +
                            R"("balance_rollup":")" + rollup + R"(","is_set":true,"journal_id":")" + journal.id.text() +
                            R"(","created_at":0,"modified_at":0})";
    EXPECT_TRUE(
        call(StatementId::kAccountWrite, R"({"insert":[)" + row + R"(],"update":[],"events":[],"now":0})", true));
    return set;
  }
  static std::string member(const base::Uuid &set, const base::Uuid &of, bool is_set) {
    return R"([[")" + set.text() + R"(",")" + of.text() + R"(",)" + (is_set ? "true" : "false") + "]]";
  }
  void join(const base::Uuid &set, const base::Uuid &of, bool is_set) {
    EXPECT_TRUE(call(StatementId::kMembershipWrite,
                     R"({"add":)" + member(set, of, is_set) + R"(,"remove":[],"events":[],"now":0})", true));
  }
  // An account that is created into a set.
  store::Call birth(const base::Uuid &set, const std::string &code) const {
    const core::Account born = account(code);
    base::JsonWriter row;
    row.begin_array();
    store::write_row(row, born);
    row.end_array();
    std::string document = write_document(row.text(), "[]", "[]", kNow);
    document.pop_back();
    return {StatementId::kAccountWrite,
            document + R"(,"members":[[")" + set.text() + R"(",")" + born.id.text() + "\"]]}", true};
  }
  std::string in_schema(const std::string &name) { return schema() + "." + name; }

  std::unique_ptr<SqlConnection> sql_;
};
INSTANTIATE_TEST_SUITE_P(Stores, PostgresContract, ::testing::Values("postgres"), store_name);

TEST_P(PostgresContract, ASchemaNewerThanTheLibraryIsRefused) {
  sql_->run("INSERT INTO " + in_schema("migrations") + " (version) VALUES (9999)");
  const Result<store::MigrationReport> report = store().migrate();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().status, Status::kUnsupported);
  EXPECT_EQ(report.error().code, "store.newer");
}

// Drivers look for placeholders even where there is no parameter.
TEST_P(PostgresContract, MigrationStatementsHoldNothingThatDriversTakeForAPlaceholder) {
  for (const std::string &statement : store().dialect().migration_statements(0)) {
    EXPECT_EQ(statement.find_first_of("%?"), std::string::npos) << statement;
    EXPECT_FALSE(statement.starts_with("--")) << statement;
  }
}

TEST_P(PostgresContract, AHostThatMigratesAfterAnotherIsToldToRetry) {
  const std::vector<std::string> statements = store().dialect().migration_statements(0);
  sql_->run("BEGIN");
  EXPECT_THAT(sql_->run(statements.front()), StartsWith("!40001"));
  sql_->run("ROLLBACK");
}

TEST_P(PostgresContract, AHostCanMigrateStatementByStatement) {
  forget_ledger();
  sql_->run("SET search_path = pg_temp, public");
  sql_->run("BEGIN");
  for (const std::string &statement : store().dialect().migration_statements(0)) {
    ASSERT_EQ(sql_->run(statement).substr(0, 1), "") << statement;
  }
  sql_->run("COMMIT");
  add_account("A");
}

// What an extension that spreads tables over several servers would take: it plans a function's statements one by one,
// and needs to see which tables they are about, and values instead of rows.
class PostgresCatalogue : public PostgresContract {
 protected:
  // The names that a query selects, from functions and their statements in this schema.
  std::string names(const std::string &query) {
    const std::string in_ours = ".pronamespace = '" + schema() + "'::regnamespace";
    return sql_->run(
        "WITH function AS (SELECT p.*, l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p" +
        in_ours +
        "), statement AS (SELECT f.proname, s.text FROM function f "
        "CROSS JOIN LATERAL regexp_split_to_table(f.prosrc, ';[[:space:]]*') s (text)) "
        "SELECT string_agg(DISTINCT x.name, ' ') FROM (" +
        query + ") x (name)");
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, PostgresCatalogue, ::testing::Values("postgres"), store_name);

TEST_P(PostgresCatalogue, NoFunctionInSqlWrites) {
  EXPECT_EQ(names("SELECT proname FROM function WHERE lanname = 'sql' AND "
                  "prosrc ~ '\\y(INSERT|UPDATE|DELETE|MERGE|nextval|setval)\\y'"),
            "");
  EXPECT_NE(names("SELECT proname FROM function WHERE prosrc ~ '\\yINSERT\\y'"), "")
      << "there are functions that write";
}

// A row of a table is an argument only where it goes no further: in what is inlined when it reads, and where taken
// codes are sought.
TEST_P(PostgresCatalogue, RowsOfTablesAreArgumentsOnlyOfReaders) {
  const std::string takes_rows =
      "SELECT f.proname FROM function f CROSS JOIN LATERAL unnest(f.proargtypes) a JOIN pg_type t ON t.oid = a "
      "LEFT JOIN pg_type e ON e.oid = t.typelem JOIN pg_class c ON c.oid IN (t.typrelid, e.typrelid) "
      "WHERE c.relkind IN ('r', 'v')";
  EXPECT_EQ(names(takes_rows + " AND NOT (f.lanname = 'sql' AND (f.provolatile = 's' OR f.proname ~ '_taken$'))"), "");
  EXPECT_EQ(names(takes_rows + " AND f.proname ~ '_v[0-9]+$'"), "") << "what is called from outside takes one text";
}

// In an UPDATE what is not immutable is evaluated where it was asked, and may not look at a row.
TEST_P(PostgresCatalogue, UpdatesCallOnlyWhatIsImmutable) {
  const std::string called =
      "SELECT s.proname || ':' || f.proname FROM statement s "
      "CROSS JOIN LATERAL regexp_matches(substring(s.text from '\\yUPDATE \"?\\w+\"?\\..*'), '(\\w+)\\(', 'g') m "
      "JOIN pg_proc f ON f.proname = m[1] AND f.pronamespace IN ('pg_catalog'::regnamespace, '" +
      schema() + "'::regnamespace) WHERE f.provolatile ";
  EXPECT_EQ(names(called + "<> 'i'"), "");
  EXPECT_NE(names(called + "= 'i'"), "") << "some call functions";
}

TEST_P(PostgresCatalogue, EverySequenceIsTheDefaultOfAColumn) {
  const std::string sequence =
      "SELECT s.relname FROM pg_class s WHERE s.relkind = 'S' AND s.relnamespace = '" + schema() + "'::regnamespace ";
  EXPECT_EQ(
      names(sequence + "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refobjid = s.oid AND d.classid = "
                       "'pg_attrdef'::regclass) AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = s.oid AND "
                       "d.deptype = 'i')"),
      "");
  EXPECT_THAT(names(sequence), HasSubstr("event_sequence"));
}

TEST_P(PostgresCatalogue, AdvisoryLocksAreTakenWhereTheirTableIsNamed) {
  const std::string locks = "SELECT proname FROM statement WHERE text ~ 'pg_advisory' AND ";
  const std::string named = "text ~ '\\.(journals|accounts) '";
  EXPECT_EQ(names(locks + "NOT " + named), "");
  EXPECT_NE(names(locks + named), "") << "there are such locks";
}

TEST_P(PostgresContract, AHostsRollbackTakesThePostingWithIt) {
  const core::Account a = add_account("A"), b = add_account("B");
  sql_->run("CREATE TABLE IF NOT EXISTS " + in_schema("host_orders") + " (id int)");
  for (const char *end : {"ROLLBACK", "COMMIT"}) {
    sql_->run("BEGIN; INSERT INTO " + in_schema("host_orders") + " VALUES (1)");
    std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "2")};
    const store::PostingState state = take_state(run_as_host(*sql_, read_of(batch, true)));
    ASSERT_TRUE(run_as_host(*sql_, write_of(state, batch)).ok());
    sql_->run(end);
    const bool stays = std::string(end) == "COMMIT";
    EXPECT_EQ(balance(a.id).version, stays ? 1 : 0);
    EXPECT_EQ(sql_->run("SELECT count(*) FROM " + in_schema("host_orders")), stays ? "1" : "0");
  }
}

// Our own connections send a posting's rows in binary, programs send them as text:
// every value there is must arrive the same.
class PostedRows : public PostgresContract {
 protected:
  // Whatever a posting wrote, and the numbers that it draws begin where they began before.
  std::string dump_sql() const {
    std::string sql;
    for (const char *table : {"transactions", "entries", "balances", "balance_history", "outbox_events",
                              "effective_entries", "effective_balances"}) {
      sql += std::string(sql.empty() ? "" : " UNION ALL ") + "SELECT '" + table + " ' || t::text AS row FROM \"" +
             schema() + "\"." + table + " t";
    }
    return "SELECT string_agg(d.row, E'\\n' ORDER BY d.row COLLATE \"C\") FROM (" + sql + ") d";
  }
  std::string restart_sql() const {
    return "SELECT setval('\"" + schema() + "\".event_sequence', 1000), setval('\"" + schema() +
           "\".balance_numbers', 1000)";
  }
  static std::string first_value(store::Session &on, const std::string &sql) {
    const Result<store::Answer> answer = on.execute(store::ProgramStatement{sql, {}});
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    if (!answer) return {};
    const Result<base::Json> json = base::Json::parse(std::get<std::string>(*answer));
    return std::string(json->root().get("rows").first().first().string());
  }
  // Values that are awkward to carry, in every field that can hold them.
  static void make_awkward(store::PostingWrite &write) {
    const std::vector<std::string> texts = {
        "", "a,b(c){d}", R"(\"\\ ' \\x)", " tab\tline\n ", "\u00e9\u20ac\U0001F600", "NULL", "null"};
    const std::vector<std::string> decimals = {"0",
                                               "0.00",
                                               "1",
                                               "-1.50",
                                               "9999",
                                               "10000",
                                               "0.0001",
                                               "0.00001",
                                               "-0.1000",
                                               "100000000",
                                               "12345678.9",
                                               "99999999999999999999999999999999999999",
                                               "-0.99999999999999999999999999999999999999",
                                               "9999999999999999999.9999999999999999999",
                                               "0.00000000000000000000000000000000000001",
                                               "1000000000000.0000"};
    const std::vector<std::int64_t> instants = {kNow, -62'135'596'800'000'000, 253'402'300'799'999'999, -1,
                                                0,    946'684'799'999'999};
    std::size_t next = 0;
    const auto text = [&] { return texts[next++ % texts.size()]; };
    const auto decimal = [&] { return core::Decimal::parse(decimals[next++ % decimals.size()]).value(); };
    const auto instant = [&] { return base::Timestamp::from_micros(instants[next++ % instants.size()]); };
    for (std::size_t i = 0; i < write.transactions.size(); ++i) {
      core::Transaction &t = write.transactions[i];
      if (i % 2 == 0) t.correlation_id = text() + std::to_string(i);
      if (i % 3 != 0) t.external_id = text() + "#" + std::to_string(i);
      if (i % 3 != 1) t.description = text();
      if (i % 4 != 0) t.metadata = R"({"a" : [1, "\"\\\u00e9", null ] })";
      if (i % 5 == 0) t.void_of = base::new_uuid();
      t.version = 1 + static_cast<std::int64_t>(i);
      t.effective = base::Date{i % 2 == 0 ? -719'162 : 2'932'896};
      t.created_at = instant();
      t.modified_at = instant();
    }
    for (std::size_t i = 0; i < write.entries.size(); ++i) {
      core::Entry &e = write.entries[i];
      e.layer = static_cast<core::Layer>(i % 3);
      e.entry_type = text();
      if (i % 3 != 0) e.description = text();
      if (i % 3 != 1) e.metadata = R"j("\\,()")j";
      e.units = decimal();
      e.created_at = instant();
    }
    const auto disturb = [&](core::Balance &balance) {
      balance.created_at = instant();
      balance.modified_at = instant();
      for (core::LayerAmounts &layer : balance.layers) {
        layer = {decimal(), decimal(), next % 2 == 0 ? base::Uuid{} : base::new_uuid(), instant()};
      }
    };
    for (core::Balance &balance : write.balances) disturb(balance);
    for (core::BalanceMove &move : write.moves) disturb(move.after);
    for (const int level : {0, 1, 2}) {
      core::Bucket bucket{write.balances[0].key, static_cast<core::BucketLevel>(level), base::Date{-level}, {}};
      bucket.sums.modified_at = instant();
      bucket.sums.layers[1].debit = decimal();
      write.buckets.push_back(bucket);
    }
    write.warnings = {{1, {core::VelocityWarning{"more than \"that\"", R"({"limit":"x"})"}}}};
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, PostedRows, ::testing::Values("postgres"), store_name);

TEST_P(PostedRows, AreTheSameInBinaryAndAsText) {
  const core::Account a = add_account("A");
  const core::Account b = add_account("B");
  const core::Account c = add_account("C");
  post_transfer(a.id, b.id, "7");
  std::vector<core::PostedTransaction> postings;
  for (int i = 0; i < 30; ++i) postings.push_back(i % 7 == 6 ? transfer(b.id, c.id, "2.5") : transfer(a.id, b.id, "1"));

  const auto ours = session();
  ASSERT_TRUE(ours->begin(Access::kWrite).ok());
  const store::PostingState state = read_state(*ours, read_of(postings));
  store::PostingWrite write = write_of(state, postings);
  make_awkward(write);
  first_value(*ours, restart_sql());
  const Result<store::Answer> written = ours->execute(write);
  ASSERT_TRUE(written.ok()) << written.error().code << ": " << written.error().message;
  const std::string in_binary = first_value(*ours, dump_sql());
  ours->rollback();

  sql_->run("BEGIN");
  const store::PostingState as_host = take_state(run_as_host(*sql_, read_of(postings, true)));
  ASSERT_EQ(as_host.balances.size(), state.balances.size());
  write.guard = as_host.guard;
  write.ticket = as_host.ticket;
  sql_->run(restart_sql());
  const Result<store::Answer> written_as_host = run_as_host(*sql_, write);
  ASSERT_TRUE(written_as_host.ok()) << written_as_host.error().code << ": " << written_as_host.error().message;
  const std::string as_text = sql_->run(dump_sql());
  sql_->run("ROLLBACK");

  EXPECT_EQ(in_binary, as_text);
  EXPECT_THAT(in_binary, HasSubstr("-0.99999999999999999999999999999999999999"));
  EXPECT_THAT(in_binary, HasSubstr("0001-01-01"));
  EXPECT_THAT(in_binary, HasSubstr("effective_balances"));
}

TEST_P(PostedRows, OfASchemaThatWasMadeAnewAreSentByANewConnection) {
  const auto before = session();
  std::vector<core::PostedTransaction> postings = {transfer(add_account("A").id, add_account("B").id, "1")};
  ASSERT_TRUE(post(*before, postings).ok());
  sql_->run("DROP SCHEMA \"" + schema() + "\" CASCADE");
  ASSERT_TRUE(store().migrate().ok());
  postings[0].transaction.id = base::new_uuid();
  EXPECT_FALSE(post(*before, postings).ok()) << "it knows the types of the schema that is gone";
  EXPECT_FALSE(before->healthy());
  EXPECT_TRUE(post(*session(), postings).ok());
}

TEST_P(PostgresContract, AHostWithoutATransactionIsCaught) {
  const core::Account a = add_account("A"), b = add_account("B");
  std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "2")};
  const store::PostingState state = take_state(run_as_host(*sql_, read_of(batch, true)));
  const Result<store::Answer> written = run_as_host(*sql_, write_of(state, batch));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, "transaction.none");
  EXPECT_EQ(written.error().tx_state, base::TxState::kUsable);
  EXPECT_EQ(balance(a.id).version, 0);
}

// What reads in one transaction and writes in another has written nothing, and the other can go on.
TEST_P(PostgresContract, ATransactionThatIsNotTheOneThatReadStaysUsable) {
  const core::Account a = add_account("A"), b = add_account("B");
  sql_->run("BEGIN");
  store::PostingRead nothing;
  nothing.host = true;
  const store::PostingState elsewhere = take_state(run_as_host(*sql_, nothing));
  sql_->run("COMMIT; BEGIN");
  std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "2")};
  store::PostingState state = take_state(run_as_host(*sql_, read_of(batch, true)));
  std::vector<store::Request> writes = {
      store::Call{StatementId::kAccountWrite, write_document("[]", "[]", "[]", kNow, elsewhere.guard), true},
      store::Call{StatementId::kJournalWrite, write_document("[]", "[]", "[]", kNow, elsewhere.guard), true},
      store::Call{StatementId::kTxTemplateWrite, write_document("[]", "[]", "[]", kNow, elsewhere.guard), true}};
  const std::string own = std::exchange(state.guard, elsewhere.guard);
  for (const store::Request &write : writes) {
    const Result<store::Answer> refused = run_as_host(*sql_, write);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, "transaction.none");
    EXPECT_EQ(refused.error().tx_state, base::TxState::kUsable);
  }
  store::PostingWrite write = write_of(state, batch);
  EXPECT_EQ(run_as_host(*sql_, write).error().code, "transaction.none");
  write.guard = own;
  EXPECT_TRUE(run_as_host(*sql_, write).ok());
  EXPECT_EQ(sql_->run("COMMIT"), "");
  EXPECT_EQ(balance(a.id).version, 1);
}

// Whatever the text of a statement of the program's looks like: what it made of the transaction is asked of the server.
TEST_P(PostgresContract, AStatementThatEndedTheTransactionIsFoundOutAfterwards) {
  const core::Account a = add_account("A"), b = add_account("B");
  std::int64_t committed = 0;
  for (const char *end : {"COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "END", "ABORT"}) {
    const std::unique_ptr<store::Session> on = session();
    std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "2")};
    ASSERT_TRUE(on->begin(Access::kWrite).ok());
    const store::PostingState state = read_state(*on, read_of(batch));
    ASSERT_TRUE(on->execute(write_of(state, batch)).ok());
    const Result<store::Answer> ended = on->execute(store::ProgramStatement{end, {}});
    ASSERT_FALSE(ended.ok()) << end;
    EXPECT_EQ(ended.error().code, "tx.over") << end;
    on->rollback();
    if (std::string_view(end).substr(0, 1) != "R" && std::string_view(end) != "ABORT") ++committed;
    EXPECT_EQ(balance(a.id).version, committed) << end;
  }
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  EXPECT_TRUE(on->execute(store::ProgramStatement{"SELECT 'COMMIT'", {}}).ok());
  EXPECT_TRUE(on->commit().ok());
}

TEST_P(PostgresContract, AHostilesSearchPathChangesNothing) {
  const core::Account a = add_account("A"), b = add_account("B");
  sql_->run(
      "CREATE TEMP TABLE balances (number int); CREATE TEMP TABLE accounts (id int);"
      "SET search_path = pg_temp, public; SET standard_conforming_strings = off; SET DateStyle = German;"
      "SET TimeZone = 'Asia/Kolkata'; SET bytea_output = escape; SET extra_float_digits = 0");
  sql_->run("BEGIN");
  std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "2")};
  batch[0].transaction.description = "back\\slash";
  const store::PostingState state = take_state(run_as_host(*sql_, read_of(batch, true)));
  ASSERT_TRUE(run_as_host(*sql_, write_of(state, batch)).ok());
  const Result<store::Answer> listed =
      run_as_host(*sql_, store::Call{StatementId::kAccountList, R"({"first":9,"code_prefix":"A"})", false});
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  EXPECT_THAT(std::get<std::string>(*listed), HasSubstr("\"created_at\" : " + std::to_string(kNow)));
  EXPECT_EQ(sql_->run("COMMIT"), "");
  EXPECT_EQ(balance(a.id).version, 1);
}

TEST_P(PostgresContract, ARoleThatMayOnlyExecuteCanKeepTheLedgerAndNothingElse) {
  const core::Account a = add_account("A"), b = add_account("B");
  const std::string role = schema() + "_app";
  sql_->run("CREATE ROLE " + role + "; GRANT USAGE ON SCHEMA " + schema() + " TO " + role +
            "; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA " + schema() + " TO " + role);
  sql_->run("SET ROLE " + role);
  EXPECT_THAT(sql_->run("UPDATE " + in_schema("balances") + " SET version = 7"), StartsWith("!42501"));
  EXPECT_THAT(sql_->run("SELECT code FROM " + in_schema("accounts")), StartsWith("!42501"));
  EXPECT_THAT(sql_->run("SELECT nextval('" + in_schema("event_sequence") + "')"), StartsWith("!42501"));
  sql_->run("BEGIN");
  std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "2")};
  const store::PostingState state = take_state(run_as_host(*sql_, read_of(batch, true)));
  EXPECT_TRUE(run_as_host(*sql_, write_of(state, batch)).ok());
  EXPECT_TRUE(run_as_host(*sql_, store::Call{StatementId::kSchemaProbe, "{}", false}).ok());
  EXPECT_TRUE(run_as_host(*sql_, store::Call{StatementId::kEntryList, R"({"first":9})", false}).ok());
  EXPECT_TRUE(run_as_host(*sql_, status_change(a)).ok());
  sql_->run("COMMIT; RESET ROLE; DROP OWNED BY " + role + "; DROP ROLE " + role);
  EXPECT_EQ(balance(a.id).version, 1);
}

TEST_P(PostgresContract, ARoleWithoutGrantsIsRefusedByName) {
  const std::string role = schema() + "_nobody";
  sql_->run("CREATE ROLE " + role + "; GRANT USAGE ON SCHEMA " + schema() + " TO " + role + "; SET ROLE " + role);
  const Result<store::Answer> refused = run_as_host(*sql_, store::Call{StatementId::kLedgerInfo, "{}", false});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kPermission);
  EXPECT_THAT(refused.error().message, HasSubstr("ledger_info_v1"));
  EXPECT_EQ(refused.error().tx_state, base::TxState::kAborted);
  sql_->run("ROLLBACK");
  EXPECT_EQ(sql_->run("SELECT count(*) > 100 FROM pg_proc WHERE pronamespace = '" + schema() + "'::regnamespace"), "t");
  EXPECT_EQ(sql_->run("SELECT string_agg(oid::regprocedure::text, ' ') FROM pg_proc WHERE pronamespace = '" + schema() +
                      "'::regnamespace AND has_function_privilege('" + role + "', oid, 'EXECUTE')"),
            "");
  sql_->run("RESET ROLE; DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_P(PostgresContract, AReadOnlyTransactionIsNamed) {
  sql_->run("BEGIN READ ONLY");
  const Result<store::Answer> refused = run_as_host(*sql_, status_change(add_account("A")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "store.read_only");
  EXPECT_EQ(run_as_host(*sql_, store::Call{StatementId::kLedgerInfo, "{}", false}).error().code, "transaction.aborted");
  sql_->run("ROLLBACK");
}

// Members are frozen by their first entry, also where that is committed after the snapshot
// of whoever writes the membership.
TEST_P(PostgresContract, AMembershipUnderAFixedSnapshotDoesNotOverlookAFirstEntry) {
  for (const char *level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    const auto named = [&](const char *name) { return add_account(std::string(name) + " " + level); };
    const core::Account a = named("A"), b = named("B"), below = named("C"), other = named("D");
    const core::Journal own = add_journal(level);
    const base::Uuid top = add_set(own), people = add_set(own);
    join(people, below.id, false);
    const auto post_between = [&](const core::Account &from, const core::Account &to) {
      std::vector<core::PostedTransaction> one = {sketch(
          own, main_tx_template(), {{from.id, core::Direction::kDebit, "1"}, {to.id, core::Direction::kCredit, "1"}})};
      EXPECT_TRUE(post(*session(), one).ok());
    };
    const auto read_after = [&](const std::function<void()> &change, const std::string &members) {
      sql_->run(std::string("BEGIN ISOLATION LEVEL ") + level + "; SELECT count(*) FROM pg_class");
      change();
      const Result<store::Answer> read = run_as_host(
          *sql_, store::Call{StatementId::kMembershipRead, R"({"host":true,"members":)" + members + "}", false});
      sql_->run("ROLLBACK");
      if (!read.ok()) return read.error().sqlstate;
      return std::get<std::string>(*read).find(R"("history" : [])") == std::string::npos ? std::string("history")
                                                                                         : std::string("none");
    };
    EXPECT_EQ(read_after([] {}, member(top, a.id, false)), "none");
    EXPECT_EQ(read_after([] {}, member(top, people, true)), "none");
    EXPECT_EQ(read_after([&] { post_between(a, b); }, member(top, a.id, false)), "40001");
    EXPECT_EQ(read_after([&] { post_between(below, other); }, member(top, people, true)), "40001");
    EXPECT_EQ(read_after([&] { post_between(a, below); }, member(top, a.id, false)), "history");
    EXPECT_EQ(read_after([] {}, member(top, people, true)), "history");
  }
}

// Nor an account that was created into a set at or below the member since.
TEST_P(PostgresContract, AMembershipUnderAFixedSnapshotDoesNotMissAnAccountThatWasBornBelow) {
  for (const std::string level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    const core::Journal own = add_journal(level);
    const base::Uuid top = add_set(own), people = add_set(own), below = add_set(own), other = add_set(own);
    join(people, below, true);
    int births = 0;
    const auto bear = [&](const base::Uuid &set) {
      const store::Call one = birth(set, level + std::to_string(births++));
      EXPECT_TRUE(call(one.id, one.document, true));
    };
    const auto read_after = [&](const std::function<void()> &change) {
      sql_->run("BEGIN ISOLATION LEVEL " + level + "; SELECT count(*) FROM pg_class");
      change();
      const std::string request = R"({"host":true,"members":)" + member(top, people, true) + "}";
      const Result<store::Answer> read = run_as_host(*sql_, store::Call{StatementId::kMembershipRead, request, false});
      sql_->run("ROLLBACK");
      return read.ok() ? std::string("read") : read.error().sqlstate;
    };
    EXPECT_EQ(read_after([] {}), "read");
    EXPECT_EQ(read_after([&] { bear(people); }), "40001");
    EXPECT_EQ(read_after([&] { bear(below); }), "40001");
    EXPECT_EQ(read_after([&] {
                for (int i = 0; i < 20; ++i) bear(people);
              }),
              "40001");
    EXPECT_EQ(read_after([&] { bear(other), bear(top); }), "read") << "these are not below";
    EXPECT_EQ(read_after([] {}), "read");
  }
}

// Accounts are created into one set side by side, by more transactions than it has marks, and under fixed snapshots,
// too, which do not stumble over each other's marks.
TEST_P(PostgresContract, AccountsAreBornIntoOneSetSideBySideUnderAnyIsolation) {
  const core::Journal own = add_journal("J");
  const base::Uuid top = add_set(own), people = add_set(own);
  std::vector<std::unique_ptr<SqlConnection>> hosts;
  for (const char *level : {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE", "READ COMMITTED", "REPEATABLE READ"}) {
    hosts.push_back(sql());
    hosts.back()->run(std::string("BEGIN ISOLATION LEVEL ") + level + "; SELECT count(*) FROM pg_class");
  }
  const store::Call early = birth(people, "EARLY");
  EXPECT_TRUE(call(early.id, early.document, true));
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Result<store::Answer> born = run_as_host(*hosts[i], birth(people, "N" + std::to_string(i)));
    EXPECT_TRUE(born.ok()) << i << ": " << born.error().message;
  }
  for (const auto &host : hosts) EXPECT_EQ(host->run("COMMIT"), "");
  join(top, people, true);
  EXPECT_EQ(sql_->run("SELECT count(*) FROM " + in_schema("account_set_ancestors") + " WHERE account_set_id = '" +
                      top.text() + "' AND depth = 2"),
            "6");
}

// What a set that follows is limited to is counted by postings that hold no balance of it: they hold its account,
// alone, and take it so at once. Two that shared it first would each wait for the other.
TEST_P(PostgresContract, PostingsBelowALimitedSetThatFollowsDoNotDeadlockUnderFixedSnapshots) {
  for (const std::string level : {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"}) {
    const core::Journal own = add_journal(level);
    const base::Uuid people = add_set(own, "eventually_consistent");
    std::vector<core::PostedTransaction> postings;
    for (const std::string number : {"1", "2"}) {
      const core::Account from = add_account("A" + number + level), to = add_account("B" + number + level);
      for (const core::Account &each : {from, to}) join(people, each.id, false);
      const auto posting = [&] {
        return sketch(own, main_tx_template(),
                      {{from.id, core::Direction::kDebit, "1"}, {to.id, core::Direction::kCredit, "1"}});
      };
      std::vector<core::PostedTransaction> first = {posting()};
      EXPECT_TRUE(post(*session(), first).ok());
      postings.push_back(posting());
    }
    const std::string attached = R"({"add":[],"attach":[{"account_id":")" + people.text() + R"(","control_id":")" +
                                 base::new_uuid().text() + R"(","version":1,"params":"{}","frozen":"{}","created_at":0,
      "modified_at":0}],"replace":[],"detach":[],"events":[],"now":0})";
    EXPECT_TRUE(call(StatementId::kVelocityAttachmentWrite, attached, true));
    const std::unique_ptr<SqlConnection> holder = sql();
    holder->run("BEGIN; SELECT 1 FROM " + in_schema("accounts") + " WHERE id = '" + people.text() + "' FOR SHARE");
    std::vector<std::string> outcomes(2);
    std::vector<std::thread> posters;
    for (std::size_t i = 0; i < 2; ++i) {
      posters.emplace_back([&, i] {
        const std::unique_ptr<SqlConnection> host = sql();
        host->run("BEGIN ISOLATION LEVEL " + level);
        const Result<store::Answer> read = run_as_host(*host, read_of({postings[i]}));
        outcomes[i] = read.ok() ? "read" : read.error().sqlstate;
        host->run("COMMIT");
      });
    }
    await_waiting_backends(2);
    holder->run("COMMIT");
    for (std::thread &poster : posters) poster.join();
    EXPECT_EQ(outcomes, (std::vector<std::string>{"read", "read"})) << level;
  }
}

TEST_P(PostgresContract, UnderAFixedSnapshotStalenessIsASerializationFailure) {
  for (const char *level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    const core::Account a = add_account(std::string("A ") + level), b = add_account(std::string("B ") + level);
    const core::Journal own = add_journal(level);
    const core::PostedTransaction posting =
        sketch(own, main_tx_template(), {{a.id, core::Direction::kDebit, "1"}, {b.id, core::Direction::kCredit, "1"}});
    const auto read_after = [&](const std::function<void()> &change) {
      sql_->run(std::string("BEGIN ISOLATION LEVEL ") + level + "; SELECT count(*) FROM pg_class");
      change();
      const Result<store::Answer> read = run_as_host(*sql_, read_of({posting}));
      sql_->run("ROLLBACK");
      return read.ok() ? std::string("fresh") : read.error().sqlstate;
    };
    const std::unique_ptr<SqlConnection> other = sql();
    EXPECT_EQ(read_after([] {}), "fresh");
    EXPECT_EQ(read_after([&] {
                std::vector<core::PostedTransaction> one = {posting};
                one[0].transaction.id = base::new_uuid();
                for (core::Entry &entry : one[0].entries) entry.transaction_id = one[0].transaction.id;
                EXPECT_TRUE(post(*session(), one).ok());
              }),
              "40001")
        << "balances were born meanwhile";
    EXPECT_EQ(read_after([&] {
                std::vector<core::PostedTransaction> one = {posting};
                EXPECT_TRUE(post(*session(), one).ok());
              }),
              "40001");
    EXPECT_EQ(read_after([&] { EXPECT_TRUE(run_as_host(*other, status_change(a)).ok()); }), "40001");
    EXPECT_EQ(read_after([&] { EXPECT_TRUE(run_as_host(*other, status_change(own)).ok()); }), "40001");
    const std::string attached = R"({"add":[],"attach":[{"account_id":")" + a.id.text() + R"(","control_id":")" +
                                 base::new_uuid().text() + R"(","version":1,"params":"{}","frozen":"{}","created_at":0,
      "modified_at":0}],"replace":[],"detach":[],"events":[],"now":0})";
    EXPECT_EQ(read_after([&] { EXPECT_TRUE(call(store::StatementId::kVelocityAttachmentWrite, attached, true).ok()); }),
              "40001")
        << "what was attached meanwhile is not overlooked";
  }
}

TEST_P(PostgresContract, UnderAFixedSnapshotABalanceBornMeanwhileRefusesTheRead) {
  const core::Account a = add_account("A"), b = add_account("B");
  std::vector<core::PostedTransaction> late = {transfer(a.id, b.id, "1")};
  sql_->run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
  post_transfer(a.id, b.id, "1");
  const Result<store::Answer> read = run_as_host(*sql_, read_of(late));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().tx_state, base::TxState::kRetry);
  sql_->run("ROLLBACK");
  EXPECT_EQ(balance(a.id).version, 1);
}

TEST_P(PostgresContract, APostingThatWaitedForAStatusChangeSeesIt) {
  for (const bool posted_before : {false, true}) {
    const std::string suffix = posted_before ? " 2" : " 1";
    const core::Account a = add_account("A" + suffix), b = add_account("B" + suffix);
    if (posted_before) post_transfer(a.id, b.id, "1");
    sql_->run("BEGIN");
    ASSERT_TRUE(run_as_host(*sql_, status_change(a)).ok());
    const std::unique_ptr<SqlConnection> host = sql();
    host->run("BEGIN");
    const store::PostingRead request = read_of({transfer(a.id, b.id, "1")});
    store::PostingState state;
    std::thread poster([&] { state = take_state(run_as_host(*host, request)); });
    await_a_waiting_backend();
    sql_->run("COMMIT");
    poster.join();
    ASSERT_EQ(state.accounts.size(), 2U);
    const core::AccountState &read = state.accounts[state.accounts[0].id == a.id ? 0 : 1];
    EXPECT_EQ(read.status, core::LockStatus::kLocked);
  }
}

TEST_P(PostgresContract, AStatusChangeWaitsForPostingsInFlight) {
  const core::Account a = add_account("A"), b = add_account("B");
  const core::Journal journal = main_journal();
  main_tx_template();
  core::Journal once_locked = journal;
  ++once_locked.version;
  for (const store::Call &change : {status_change(a), status_change(journal), closing_of(once_locked)}) {
    sql_->run("BEGIN");
    std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "1")};
    const store::PostingState state = take_state(run_as_host(*sql_, read_of(batch)));
    std::thread changer([&] { EXPECT_TRUE(call(change.id, change.document, true).ok()); });
    await_a_waiting_backend();
    EXPECT_TRUE(run_as_host(*sql_, write_of(state, batch)).ok());
    sql_->run("COMMIT");
    changer.join();
  }
  EXPECT_EQ(balance(a.id).version, 3);
}

TEST_P(PostgresContract, PostingsToOneJournalDoNotWaitForEachOther) {
  std::vector<core::Account> accounts;
  for (const char *code : {"A", "B", "C", "D"}) accounts.push_back(add_account(code));
  const std::unique_ptr<store::Session> first = session(), second = session();
  std::vector<core::PostedTransaction> one = {transfer(accounts[0].id, accounts[1].id, "1")};
  std::vector<core::PostedTransaction> two = {transfer(accounts[2].id, accounts[3].id, "1")};
  ASSERT_TRUE(first->begin(Access::kWrite).ok());
  const store::PostingState held = read_state(*first, read_of(one));
  EXPECT_TRUE(post(*second, two).ok());
  EXPECT_TRUE(first->execute_and_commit(write_of(held, one)).ok());
}

TEST_P(PostgresContract, AConnectionKilledInATransactionIsLostAndLeavesNothing) {
  const core::Account a = add_account("A"), b = add_account("B");
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  std::vector<core::PostedTransaction> batch = {transfer(a.id, b.id, "1")};
  const store::PostingState state = read_state(*on, read_of(batch));
  sql_->run(
      "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE state = 'idle in transaction' AND "
      "application_name = 'cala_contract'");
  const Result<store::Answer> written = on->execute(write_of(state, batch));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().status, Status::kUnavailable);
  EXPECT_EQ(written.error().code, "store.connection_lost");
  EXPECT_TRUE(written.error().retryable);
  EXPECT_FALSE(on->healthy());
  on->rollback();
  EXPECT_EQ(on->begin(Access::kWrite).error().code, "store.connection_lost");
  EXPECT_EQ(on->execute(store::Call{StatementId::kLedgerInfo, "{}", false}).error().code, "store.connection_lost");
  EXPECT_EQ(balance(a.id).version, 0);
}

TEST_P(PostgresContract, AnIdleConnectionThatDiedIsNoticedBeforeWorkBegins) {
  const std::unique_ptr<store::Session> on = session();
  sql_->run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'cala_contract'");
  const base::Outcome begun = on->begin(Access::kWrite);
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().code, "store.connection_lost");
  EXPECT_FALSE(on->healthy());
}

TEST_P(PostgresContract, AnInterruptedStatementIsCancelledAndTheConnectionStaysGood) {
  const core::Account a = add_account("A"), b = add_account("B");
  sql_->run("BEGIN");
  ASSERT_TRUE(run_as_host(*sql_, status_change(a)).ok());
  const std::unique_ptr<store::Session> on = session();
  on->interrupt();
  on->forget_interrupt();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  const store::PostingRead request = read_of({transfer(a.id, b.id, "1")});
  std::string code;
  std::thread poster([&] { code = on->execute(request).error().code; });
  await_a_waiting_backend();
  on->interrupt();
  poster.join();
  sql_->run("ROLLBACK");
  EXPECT_EQ(code, "store.cancelled");
  on->forget_interrupt();
  on->rollback();
  EXPECT_TRUE(on->healthy());
  std::vector<core::PostedTransaction> one = {transfer(a.id, b.id, "1")};
  EXPECT_TRUE(post(*on, one).ok());
}

// While a connection was opened for the operation, say, or what it learns first was on its way.
TEST_P(PostgresContract, AnInterruptThatComesBeforeTheRequestIsNotLost) {
  const core::Account a = add_account("A"), b = add_account("B");
  sql_->run("BEGIN");
  ASSERT_TRUE(run_as_host(*sql_, status_change(a)).ok());
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  on->interrupt();
  std::promise<std::string> code;
  std::thread poster([&] { code.set_value(on->execute(read_of({transfer(a.id, b.id, "1")})).error().code); });
  std::future<std::string> told = code.get_future();
  const bool ended = told.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  sql_->run("ROLLBACK");
  poster.join();
  ASSERT_TRUE(ended);
  EXPECT_EQ(told.get(), "store.cancelled");
  on->forget_interrupt();
  on->rollback();
  EXPECT_TRUE(on->healthy());
  std::vector<core::PostedTransaction> one = {transfer(a.id, b.id, "1")};
  EXPECT_TRUE(post(*on, one).ok());
}

TEST_P(PostgresContract, AFailedStatementEndsTheTransactionUntilRollback) {
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  ASSERT_TRUE(on->execute(store::Call{StatementId::kLedgerInfo, "{}", false}).ok());
  const store::Call bad{StatementId::kAccountFind, R"({"by":"id","keys":["no id"]})", false};
  EXPECT_EQ(on->execute(bad).error().tx_state, base::TxState::kAborted);
  EXPECT_EQ(on->execute(store::Call{StatementId::kLedgerInfo, "{}", false}).error().code, "transaction.aborted");
  EXPECT_EQ(on->commit().error().code, "transaction.aborted");
  on->rollback();
  EXPECT_TRUE(on->healthy());
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  EXPECT_TRUE(on->execute(store::Call{StatementId::kLedgerInfo, "{}", false}).ok());
  EXPECT_TRUE(on->commit().ok());
}

TEST_P(PostgresContract, AForkedChildThatDropsItsSessionsLeavesTheParentsAlone) {
  std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  ASSERT_TRUE(on->execute(store::Call{StatementId::kLedgerInfo, "{}", false}).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    on.reset();
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(on->execute(store::Call{StatementId::kLedgerInfo, "{}", false}).ok());
  EXPECT_TRUE(on->commit().ok());
}

TEST_P(PostgresContract, OurConnectionsDoNotWaitForEver) {
  const std::unique_ptr<SqlConnection> mine = sql();
  ASSERT_NE(session(), nullptr);
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  const core::Account a = add_account("A");
  sql_->run("ALTER ROLE CURRENT_USER SET lock_timeout = '20ms'");
  const Result<std::unique_ptr<store::Session>> impatient = store().connect(Access::kWrite);
  sql_->run("ALTER ROLE CURRENT_USER RESET lock_timeout");
  ASSERT_TRUE(impatient.ok());
  mine->run("BEGIN");
  ASSERT_TRUE(run_as_host(*mine, status_change(a)).ok());
  ASSERT_TRUE((*impatient)->begin(Access::kWrite).ok());
  const Result<store::Answer> refused = (*impatient)->execute_and_commit(status_change(a));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kBusy);
  EXPECT_EQ(refused.error().code, "store.lock_timeout");
  mine->run("ROLLBACK");
}

TEST_P(PostgresContract, WhatIsWrittenIsInTheOutboxOnceInOrderOfPosting) {
  const core::Account a = add_account("A"), b = add_account("B");
  for (int i = 0; i < 3; ++i) post_transfer(a.id, b.id, "1");
  EXPECT_EQ(sql_->run("SELECT count(*) FROM " + in_schema("outbox_events")), "7");
  EXPECT_EQ(sql_->run("SELECT payload ->> 'a' FROM " + in_schema("outbox_events") + " ORDER BY sequence LIMIT 1"),
            "\"quoted\"");
  EXPECT_EQ(
      sql_->run("SELECT string_agg(e.subject_id::text, ',' ORDER BY e.sequence) = (SELECT string_agg(t.id::text, ',' "
                "ORDER BY t.ordinal) FROM " +
                in_schema("transactions") + " t) FROM " + in_schema("outbox_events") +
                " e WHERE type = 'transaction_created' AND payload IS NULL"),
      "t");
}

TEST_P(PostgresContract, BalancesAreUpdatedInPlace) {
  const core::Account a = add_account("A"), b = add_account("B");
  for (int i = 0; i < 20; ++i) post_transfer(a.id, b.id, "1");
  sql_->run("SELECT pg_stat_force_next_flush()");
  sql_.reset();
  sql_ = sql();
  const std::string updates = "SELECT n_tup_upd - n_tup_hot_upd FROM pg_stat_all_tables WHERE schemaname = '" +
                              schema() + "' AND relname = 'balances'";
  for (int i = 0; i < 1000 && sql_->run("SELECT n_tup_upd FROM pg_stat_all_tables WHERE schemaname = '" + schema() +
                                        "' AND relname = 'balances'") != "38";
       ++i) {
    ::usleep(10'000);
  }
  EXPECT_EQ(sql_->run(updates), "0");
}

class PostgresOpening : public ::testing::Test {};

TEST_F(PostgresOpening, NoMessageShowsAPassword) {
  for (const char *connection :
       {"postgres://user:s3cret@/?host=/nowhere", "postgres://user:s3cret@nowhere.invalid:1/db?connect_timeout=2",
        "host=/nowhere password=s3cret", "password=s3cret nonsense", "postgres://user:a@s3cret@/nowhere/db",
        "postgres://user:s3cret@h:port/db", "s3cret", "host=s3cret@nowhere.invalid"}) {
    Result<std::unique_ptr<store::Store>> opened = store::postgres::open_postgres({connection, "cala", "cala"});
    std::string message = opened ? std::string() : opened.error().message;
    if (opened) {
      const Result<std::unique_ptr<store::Session>> connected = (*opened)->connect(Access::kRead);
      ASSERT_FALSE(connected.ok()) << connection;
      message = connected.error().message;
      EXPECT_EQ(connected.error().status, Status::kUnavailable) << connection;
    } else {
      EXPECT_EQ(opened.error().code, "config.store");
    }
    EXPECT_THAT(message, Not(HasSubstr("s3cret"))) << connection;
    EXPECT_THAT(message, Not(testing::IsEmpty()));
  }
}

TEST_F(PostgresOpening, AnUnreachableServerIsNamed) {
  const Result<std::unique_ptr<store::Store>> opened =
      store::postgres::open_postgres({"host=/nowhere port=5999 dbname=books", "cala", "cala"});
  ASSERT_TRUE(opened.ok());
  const Result<std::unique_ptr<store::Session>> connected = (*opened)->connect(Access::kRead);
  ASSERT_FALSE(connected.ok());
  EXPECT_EQ(connected.error().code, "store.unreachable");
  EXPECT_TRUE(connected.error().retryable);
  for (const char *part : {"/nowhere", "5999", "books"}) EXPECT_THAT(connected.error().message, HasSubstr(part));
  EXPECT_EQ((*opened)->migrate().error().code, "store.unreachable");
}

TEST_F(PostgresOpening, ABadSchemaNameIsRefused) {
  for (const char *schema : {"", "Cala", "1a", "a-b", "a\"b", "a;drop"}) {
    const Result<std::unique_ptr<store::Store>> opened = store::postgres::open_postgres({"dbname=x", schema, "cala"});
    ASSERT_FALSE(opened.ok()) << schema;
    EXPECT_EQ(opened.error().code, "config.schema");
  }
}

TEST_F(PostgresOpening, ADatabaseThatIsNotThereIsNamed) {
  const std::optional<std::string> connection = postgres_connection();
  if (!connection) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
  const std::unique_ptr<SqlConnection> sql = SqlConnection::open(*connection);
  const std::string place =
      "host=" + sql->run("SELECT split_part(current_setting('unix_socket_directories'), ',', 1)") +
      " port=" + sql->run("SELECT current_setting('port')") + " user=" + sql->run("SELECT current_user");
  const auto code_of = [](const std::string &string) {
    const Result<std::unique_ptr<store::Store>> opened = store::postgres::open_postgres({string, "cala", "cala"});
    return (*opened)->connect(Access::kRead).error().code;
  };
  EXPECT_EQ(code_of(place + " dbname=not_there"), "store.database_missing");
  EXPECT_EQ(code_of(place + "_not_there dbname=postgres"), "store.login");
}

TEST_F(PostgresOpening, ADatabaseWithoutPlpgsqlIsNamed) {
  const std::optional<std::string> connection = postgres_connection();
  if (!connection) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
  const std::unique_ptr<SqlConnection> sql = SqlConnection::open(*connection);
  sql->run("DROP DATABASE IF EXISTS without_plpgsql");
  ASSERT_EQ(sql->run("CREATE DATABASE without_plpgsql"), "");
  const std::string there =
      "host=" + sql->run("SELECT split_part(current_setting('unix_socket_directories'), ',', 1)") +
      " port=" + sql->run("SELECT current_setting('port')") + " user=" + sql->run("SELECT current_user") +
      " dbname=without_plpgsql";
  ASSERT_EQ(SqlConnection::open(there)->run("DROP EXTENSION plpgsql"), "");
  {
    const Result<std::unique_ptr<store::Store>> opened = store::postgres::open_postgres({there, "cala", "cala"});
    const Result<store::MigrationReport> migrated = (*opened)->migrate();
    ASSERT_FALSE(migrated.ok());
    EXPECT_EQ(migrated.error().status, Status::kUnsupported);
    EXPECT_EQ(migrated.error().code, "store.unsupported");
    EXPECT_THAT(migrated.error().message, HasSubstr("CREATE EXTENSION plpgsql"));
  }
  SqlConnection::open(there)->run("CREATE EXTENSION plpgsql");
  EXPECT_TRUE((*store::postgres::open_postgres({there, "cala", "cala"}))->migrate().ok());
  EXPECT_EQ(sql->run("DROP DATABASE without_plpgsql WITH (FORCE)"), "");
}

// The server goes while a posting's write waits and its commit is behind it on the wire.
TEST_F(PostgresOpening, ACommitWhoseAnswerIsLostIsOfUnknownOutcome) {
  if (!postgres_connection()) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
  const std::unique_ptr<PostgresCluster> cluster = PostgresCluster::start();
  ASSERT_NE(cluster, nullptr);
  Result<std::unique_ptr<store::Store>> opened =
      store::postgres::open_postgres({cluster->connection(), "cala", "cala_contract"});
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE((*opened)->migrate().ok());
  const std::unique_ptr<SqlConnection> blocker = SqlConnection::open(cluster->connection());
  const std::unique_ptr<SqlConnection> watcher = SqlConnection::open(cluster->connection());
  blocker->run("BEGIN; LOCK TABLE cala.accounts");
  for (const bool explicit_begin : {false, true}) {
    Result<std::unique_ptr<store::Session>> connected = (*opened)->connect(Access::kWrite);
    ASSERT_TRUE(connected.ok());
    store::Session &on = **connected;
    ASSERT_TRUE(on.begin(Access::kWrite).ok());
    if (explicit_begin) {
      ASSERT_TRUE(on.execute(store::Call{StatementId::kSchemaRead, "{}", false}).ok());
    }
    const store::Call write{StatementId::kAccountWrite, R"({"insert":[],"update":[],"events":[],"now":0})", true};
    base::Error error;
    std::thread writer([&] { error = on.execute_and_commit(write).error(); });
    while (watcher->run("SELECT count(*) FROM pg_locks WHERE NOT granted") == "0") std::this_thread::yield();
    if (!explicit_begin) {
      watcher->run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cala_contract'");
    } else {
      ASSERT_TRUE(cluster->kill());
    }
    writer.join();
    // Terminated, the server says so before it goes: that is an answer. Killed, it says nothing.
    EXPECT_EQ(error.code, explicit_begin ? "store.outcome_unknown" : "store.connection_lost");
    EXPECT_EQ(error.status, explicit_begin ? Status::kOutcomeUnknown : Status::kUnavailable);
    EXPECT_FALSE(on.healthy());
  }
}

}  // namespace
}  // namespace cala::tests
