#include "rows.h"

#include <libpq-fe.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>

namespace cala::bench {

namespace {

class BareSqlite final : public Rows {
 public:
  BareSqlite(const std::string &path, bool durable) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK) fail("the bare SQLite file did not open");
    exec("PRAGMA journal_mode = WAL");
    exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    exec("PRAGMA temp_store = MEMORY");
    exec(
        "CREATE TABLE transactions (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, journal_n INTEGER, template_n "
        "INTEGER, "
        "effective INTEGER, created_at INTEGER)");
    exec(
        "CREATE TABLE entries (n INTEGER PRIMARY KEY, transaction_n INTEGER, balance_n INTEGER, version INTEGER, "
        "entry_type TEXT, layer INTEGER, direction INTEGER, units TEXT, created_at INTEGER, state TEXT)");
    exec(
        "CREATE TABLE balances (n INTEGER PRIMARY KEY, account_n INTEGER, version INTEGER, modified_at INTEGER, state "
        "TEXT)");
    exec("CREATE TABLE events (n INTEGER PRIMARY KEY, type TEXT, subject_n INTEGER, recorded_at INTEGER)");
    prepare(insert_transaction_, "INSERT INTO transactions VALUES (?1, ?2, 1, 1, 20000, 1767225600000000)");
    prepare(insert_entry_,
            "INSERT INTO entries VALUES (?1, ?2, 1, ?1, 'DEBIT', 0, 1, '1.00', 1767225600000000, "
            "'[[\"123456.00\",\"123456.00\"]]')");
    prepare(insert_balance_,
            "INSERT INTO balances VALUES (?1, 1, ?1, 1767225600000000, '[[\"123456.00\",\"123456.00\"]]')");
    prepare(insert_event_, "INSERT INTO events VALUES (?1, 'transaction_created', ?1, 1767225600000000)");
    prepare(begin_, "BEGIN IMMEDIATE");
    prepare(commit_, "COMMIT");
  }
  ~BareSqlite() override {
    for (sqlite3_stmt *each : {insert_transaction_, insert_entry_, insert_balance_, insert_event_, begin_, commit_})
      sqlite3_finalize(each);
    sqlite3_close(db_);
  }

  void write(int postings) override {
    step(begin_);
    for (int i = 0; i < postings; ++i, ++next_) {
      char id[40];
      std::snprintf(id, sizeof id, "019b7a2e-0000-7000-8000-%012llx", static_cast<unsigned long long>(next_));
      sqlite3_bind_int64(insert_transaction_, 1, next_);
      sqlite3_bind_text(insert_transaction_, 2, id, -1, SQLITE_STATIC);
      step(insert_transaction_);
      for (const std::int64_t n : {next_ * 2, next_ * 2 + 1}) {
        sqlite3_bind_int64(insert_entry_, 1, n);
        sqlite3_bind_int64(insert_entry_, 2, next_);
        step(insert_entry_);
        sqlite3_bind_int64(insert_balance_, 1, n);
        step(insert_balance_);
      }
      sqlite3_bind_int64(insert_event_, 1, next_);
      step(insert_event_);
    }
    step(commit_);
  }

 private:
  void exec(const char *sql) {
    if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      fail(std::string("SQLite: ") + sqlite3_errmsg(db_));
  }
  void prepare(sqlite3_stmt *&statement, const char *sql) {
    if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) != SQLITE_OK)
      fail(std::string("SQLite: ") + sqlite3_errmsg(db_));
  }
  void step(sqlite3_stmt *statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) fail(std::string("SQLite: ") + sqlite3_errmsg(db_));
    sqlite3_reset(statement);
  }

  sqlite3 *db_ = nullptr;
  sqlite3_stmt *insert_transaction_ = nullptr;
  sqlite3_stmt *insert_entry_ = nullptr;
  sqlite3_stmt *insert_balance_ = nullptr;
  sqlite3_stmt *insert_event_ = nullptr;
  sqlite3_stmt *begin_ = nullptr;
  sqlite3_stmt *commit_ = nullptr;
};

class PostgresRows : public Rows {
 public:
  PostgresRows(const std::string &connection, bool durable) : connection_(PQconnectdb(connection.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) fail(std::string("PostgreSQL: ") + PQerrorMessage(connection_));
    exec("SET client_min_messages = error");
    exec(durable ? "SET synchronous_commit = on" : "SET synchronous_commit = off");
  }
  ~PostgresRows() override { PQfinish(connection_); }

 protected:
  static std::string uuid_text(int kind, std::int64_t number) {
    char text[48];
    std::snprintf(text, sizeof text, "019b7a2e-%04x-7000-8000-%012llx", static_cast<unsigned>(kind),
                  static_cast<unsigned long long>(number));
    return text;
  }
  void exec(const std::string &sql) { check(PQexec(connection_, sql.c_str()), PGRES_COMMAND_OK); }
  void check(PGresult *result, ExecStatusType wanted) {
    if (PQresultStatus(result) != wanted) fail(std::string("PostgreSQL: ") + PQerrorMessage(connection_));
    PQclear(result);
  }

  PGconn *connection_;
};

class BarePostgres final : public PostgresRows {
 public:
  BarePostgres(const std::string &connection, const std::string &schema, bool durable)
      : PostgresRows(connection, durable), schema_(schema) {
    exec("CREATE SCHEMA " + schema);
    exec("SET search_path = " + schema);
    exec(
        "CREATE TABLE transactions (ordinal bigint, id uuid PRIMARY KEY, journal_id uuid, template_id uuid, effective "
        "date, "
        "created_at timestamptz)");
    exec(
        "CREATE TABLE entries (id uuid PRIMARY KEY, transaction_id uuid, account_id uuid, journal_id uuid, sequence "
        "int, layer "
        "int, direction int, units numeric, currency text, entry_type text, account_version bigint, created_at "
        "timestamptz)");
    const char *const balance =
        "number bigint, version bigint, entry_id uuid, settled_debit numeric, settled_credit numeric, pending_debit "
        "numeric, "
        "pending_credit numeric, encumbrance_debit numeric, encumbrance_credit numeric, modified_at timestamptz, "
        "PRIMARY KEY (number, version)";
    exec(std::string("CREATE TABLE history (") + balance + ")");
    exec(std::string("CREATE TABLE balances (") + balance + ")");
    exec("CREATE TABLE events (sequence bigint PRIMARY KEY, subject_id uuid, type text, recorded_at timestamptz)");
    prepare();
  }
  ~BarePostgres() override { exec("DROP SCHEMA " + schema_ + " CASCADE"); }

  // One statement, and so one commit: the group's ids are its only parameters, two arrays.
  void write(int postings) override {
    std::string transactions = "{";
    std::string entries = "{";
    const std::string first = std::to_string(next_);
    for (int i = 0; i < postings; ++i, ++next_) {
      transactions += uuid_text(1, next_) + ',';
      entries += uuid_text(2, next_ * 2) + ',';
      entries += uuid_text(2, next_ * 2 + 1) + ',';
    }
    transactions.back() = '}';
    entries.back() = '}';
    const char *const values[] = {transactions.c_str(), entries.c_str(), first.c_str()};
    check(PQexecPrepared(connection_, "bare", 3, values, nullptr, nullptr, 0), PGRES_COMMAND_OK);
  }

 private:
  void prepare() {
    const std::string balance =
        " SELECT $3 * 2 + e.place, e.place, e.id, 123456.00, 123456.00, 0, 0, 0, 0, now() FROM e";
    const std::string sql =
        "WITH e AS (SELECT * FROM unnest($2::uuid[]) WITH ORDINALITY AS e (id, place)), t AS (SELECT * FROM "
        "unnest($1::uuid[]) "
        "WITH ORDINALITY AS t (id, place)), a AS (INSERT INTO transactions SELECT $3 + t.place, t.id, t.id, t.id, "
        "current_date, now() FROM t), b AS (INSERT INTO entries SELECT e.id, e.id, e.id, e.id, 1, 1, 1, 1.00, 'USD', "
        "'DEBIT', "
        "e.place, now() FROM e), c AS (INSERT INTO history" +
        balance + "), d AS (INSERT INTO balances" + balance +
        ") INSERT INTO events SELECT $3 + t.place, t.id, 'transaction_created', now() FROM t";
    const Oid types[] = {0, 0, 20};
    check(PQprepare(connection_, "bare", sql.c_str(), 3, types), PGRES_COMMAND_OK);
    exec("SET plan_cache_mode = force_generic_plan");
  }

  std::string schema_;
};

// As the ledger keeps them, balance_history included; account n has balance n.
class CopyPostgres final : public PostgresRows {
 public:
  CopyPostgres(const std::string &connection, const std::string &schema, int accounts, bool durable)
      : PostgresRows(connection, durable), accounts_(accounts) {
    exec("SET search_path = " + schema);
    exec("TRUNCATE outbox_events");  // of the accounts that were made
  }

  void write(int postings) override {
    transactions_.clear();
    entries_.clear();
    history_.clear();
    events_.clear();
    for (int i = 0; i < postings; ++i, ++next_) append(next_);
    exec("BEGIN");
    copy("transactions (ordinal, created_at, modified_at, version, effective, id, journal_id, tx_template_id)",
         transactions_);
    copy(
        "entries (ordinal, account_version, created_at, sequence, effective, layer, direction, id, transaction_id, "
        "account_id, journal_id, units, currency, entry_type)",
        entries_);
    copy(
        "balance_history (balance_number, version, modified_at, settled_modified_at, pending_modified_at, "
        "encumbrance_modified_at, entry_id, settled_entry_id, settled_debit, settled_credit, pending_debit, "
        "pending_credit, encumbrance_debit, encumbrance_credit)",
        history_);
    copy("outbox_events (sequence, recorded_at, subject_id, type)", events_);
    exec("COMMIT");
  }

 private:
  void append(std::int64_t number) {
    const std::string ordinal = std::to_string(number);
    const std::string now = "2026-01-01 00:00:00+00\t";
    const std::string journal = uuid_text(3, 0) + '\t';
    const std::string transaction = uuid_text(1, number) + '\t';
    const auto [sender, recipient] = pair_of(static_cast<unsigned>(number), accounts_);
    transactions_ += ordinal + '\t' + now + now + "1\t2026-01-01\t" + transaction + journal + uuid_text(4, 0) + '\n';
    for (const int side : {0, 1}) {
      const int account = side == 0 ? sender : recipient;
      const std::string entry = uuid_text(2, number * 2 + side) + '\t';
      entries_ += ordinal + '\t' + ordinal + '\t' + now + std::to_string(side + 1) + "\t2026-01-01\tsettled\t" +
                  (side == 0 ? "debit\t" : "credit\t") + entry + transaction + uuid_text(5, account) + '\t' + journal +
                  "1.00\tUSD\t" + (side == 0 ? "DEBIT\n" : "CREDIT\n");
      history_ += std::to_string(account) + '\t' + ordinal + '\t' + now + now + now + now + entry + entry +
                  "123456.00\t123456.00\t0\t0\t0\t0\n";
    }
    events_ += ordinal + '\t' + now + transaction + "transaction_created\n";
  }
  void copy(const char *columns, const std::string &rows) {
    PGresult *begun = PQexec(connection_, (std::string("COPY ") + columns + " FROM STDIN").c_str());
    check(begun, PGRES_COPY_IN);
    if (PQputCopyData(connection_, rows.data(), static_cast<int>(rows.size())) != 1 ||
        PQputCopyEnd(connection_, nullptr) != 1)
      fail(std::string("PostgreSQL: ") + PQerrorMessage(connection_));
    check(PQgetResult(connection_), PGRES_COMMAND_OK);
    while (PGresult *more = PQgetResult(connection_)) PQclear(more);
  }

  const int accounts_;
  std::string transactions_;
  std::string entries_;
  std::string history_;
  std::string events_;
};

}  // namespace

std::unique_ptr<Rows> bare_sqlite(const std::string &path, bool durable) {
  return std::make_unique<BareSqlite>(path, durable);
}

std::unique_ptr<Rows> bare_postgres(const std::string &connection, const std::string &schema, bool durable) {
  return std::make_unique<BarePostgres>(connection, schema, durable);
}

std::unique_ptr<Rows> copy_postgres(const std::string &connection, const std::string &schema, int accounts,
                                    bool durable) {
  return std::make_unique<CopyPostgres>(connection, schema, accounts, durable);
}

Measured RowsWork::round(int callers, int batch, int postings) {
  const int group = group_ > 0 ? group_ : std::max(callers, batch);
  const int groups = std::max(postings / group, 1);
  Measured measured = run_callers(1, groups, [&](int, int) { rows_.write(group); });
  measured.postings = groups * group;
  return measured;
}

}  // namespace cala::bench
