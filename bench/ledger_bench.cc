// ledger_bench: how many postings a second the library makes, how long one takes, and how that compares with writing the same rows
// with nothing above them. Only cala.h is used for the ledger; the bare rows go in through the system's libpq and SQLite.
//
//   bench_ledger                             all cells: SQLite, and PostgreSQL when CALA_TEST_POSTGRES names a database
//   bench_ledger --store sqlite|postgres|sqlite:PATH|postgres://... --mode sequential|callers|batch --callers C --batch B
//                --accounts hot|K --durable 0|1 --postings N --rounds R --preload N --bare-group N
//                --group-max N
//
// A round is N postings by the ledger, then the same number of rows by the bare writer; rounds alternate, so that both meet the same
// weather. README.md says how to read the result.
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cala.h"
#include "usage.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string store;  // empty: every store there is
  std::string mode;   // empty: every cell
  int callers = 16;
  int batch = 100;
  std::optional<int> accounts;  // 0: the hot pair
  bool durable = true;
  int postings = 0;  // 0: as the mode deserves
  int rounds = 3;
  int preload = 5000;
  int bare_group = 0;  // 0: as the mode deserves
  int group_max = 0;   // 0: the library's default
};

struct Cell {
  std::string mode;
  int callers = 1;
  int batch = 1;
  int accounts = 0;
  int postings = 0;
  int bare_group = 1;
};

[[noreturn]] void fail(const std::string &what) {
  std::fprintf(stderr, "ledger_bench: %s\n", what.c_str());
  std::exit(1);
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// ---- the ledger

[[noreturn]] void fail(const std::string &what, cala_status status, cala_error *error) {
  fail(what + ": " + cala_status_name(status) + " " + cala_error_code(error) + ": " + cala_error_message(error));
}

using OperationFn = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

void run(cala_ledger *ledger, OperationFn operation, const std::string &request) {
  cala_op *op = nullptr;
  cala_error *error = nullptr;
  cala_status status = operation(ledger, nullptr, request.data(), request.size(), &op, &error);
  if (status == CALA_OK) status = cala_op_run(op, -1, &error);
  if (status != CALA_OK) fail("an operation failed", status, error);
  cala_op_free(op);
}

std::string uuid_of(int kind, int number) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-7000-8%03x-%012x", kind, static_cast<unsigned>(number));
  return text;
}

constexpr int kHotAccounts = 2;
constexpr int kJournalKind = 1;
constexpr int kAccountKind = 2;
constexpr int kMaxBatch = 10000;

class Books {
 public:
  Books(const std::string &config, int accounts) : accounts_(accounts) {
    cala_error *error = nullptr;
    const cala_status status = cala_ledger_open(config.data(), config.size(), &ledger_, &error);
    if (status != CALA_OK) fail("the ledger did not open", status, error);
    make_books();
  }
  ~Books() { cala_ledger_free(ledger_); }
  Books(const Books &) = delete;
  Books &operator=(const Books &) = delete;

  cala_ledger *ledger() const { return ledger_; }

  // The posting with this number: between the hot pair, or two accounts that jump about.
  void append_posting(std::string &out, unsigned number) const {
    const auto [sender, recipient] = pair_of(number, accounts_);
    out += R"({"tx_template_code":"TRANSFER","params":{"sender":")" + uuid_of(kAccountKind, sender);
    out += R"(","recipient":")" + uuid_of(kAccountKind, recipient) + R"(","amount":"1.00"}})";
  }
  std::string posting(unsigned number) const {
    std::string out;
    append_posting(out, number);
    return out;
  }
  std::string batch(unsigned first, int count) const {
    std::string out = R"({"postings":[)";
    for (int i = 0; i < count; ++i) {
      if (i > 0) out += ',';
      append_posting(out, first + static_cast<unsigned>(i));
    }
    return out + "]}";
  }
  void preload(int postings) const {
    for (int done = 0; done < postings; done += 500)
      run(ledger_, cala_transaction_post_many, batch(0x8000000U + static_cast<unsigned>(done), 500));
  }

  static std::pair<int, int> pair_of(unsigned number, int accounts) {
    if (accounts <= kHotAccounts) return {0, 1};
    const unsigned count = static_cast<unsigned>(accounts);
    const unsigned sender = number * 2654435761U % count;
    const unsigned step = 1 + number * 40503U % (count - 1);
    return {static_cast<int>(sender), static_cast<int>((sender + step) % count)};
  }

 private:
  void make_books() {
    run(ledger_, cala_journal_create, R"({"id":")" + uuid_of(kJournalKind, 0) + R"(","name":"Bench"})");
    for (int first = 0; first < std::max(accounts_, kHotAccounts); first += kMaxBatch) {
      std::string request = R"({"accounts":[)";
      const int end = std::min(std::max(accounts_, kHotAccounts), first + kMaxBatch);
      for (int i = first; i < end; ++i) {
        if (i > first) request += ',';
        request += R"({"id":")" + uuid_of(kAccountKind, i) + R"(","code":"A)" + std::to_string(i) + R"(","name":"A"})";
      }
      run(ledger_, cala_account_create_many, request + "]}");
    }
    const std::string rest = R"(,"layer":"'SETTLED'","units":"params.amount","currency":"'USD'"})";
    run(ledger_, cala_tx_template_create,
        R"x({"code":"TRANSFER","params":[{"name":"sender","type":"uuid"},{"name":"recipient","type":"uuid"},)x"
        R"x({"name":"amount","type":"decimal"}],"transaction":{"effective":"date()","journal_id":"uuid(')x" +
            uuid_of(kJournalKind, 0) +
            R"x(')"},"entries":[{"entry_type":"'DEBIT'","direction":"'DEBIT'","account_id":"params.sender")x" + rest +
            R"x(,{"entry_type":"'CREDIT'","direction":"'CREDIT'","account_id":"params.recipient")x" + rest + "]}");
  }

  const int accounts_;
  cala_ledger *ledger_ = nullptr;
};

// ---- the bare writer: the rows of a posting, in tables with nothing but a primary key, group by group

class Bare {
 public:
  virtual ~Bare() = default;
  // The rows of `postings` postings and their commit.
  virtual void write(int postings) = 0;

 protected:
  std::int64_t next_ = 1;
};

class BareSqlite final : public Bare {
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

class BarePostgres final : public Bare {
 public:
  BarePostgres(const std::string &connection, const std::string &schema, bool durable)
      : connection_(PQconnectdb(connection.c_str())), schema_(schema) {
    if (PQstatus(connection_) != CONNECTION_OK) fail(std::string("PostgreSQL: ") + PQerrorMessage(connection_));
    exec("SET client_min_messages = error");
    exec(durable ? "SET synchronous_commit = on" : "SET synchronous_commit = off");
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
  ~BarePostgres() override {
    exec("DROP SCHEMA " + schema_ + " CASCADE");
    PQfinish(connection_);
  }

  // One statement, and so one commit: the group's ids are its only parameters, two arrays.
  void write(int postings) override {
    std::string transactions = "{";
    std::string entries = "{";
    const std::string first = std::to_string(next_);
    for (int i = 0; i < postings; ++i, ++next_) {
      append_uuid(transactions, 1, next_);
      append_uuid(entries, 2, next_ * 2);
      append_uuid(entries, 2, next_ * 2 + 1);
    }
    transactions.back() = '}';
    entries.back() = '}';
    const char *const values[] = {transactions.c_str(), entries.c_str(), first.c_str()};
    PGresult *result = PQexecPrepared(connection_, "bare", 3, values, nullptr, nullptr, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(std::string("PostgreSQL: ") + PQresultErrorMessage(result));
    PQclear(result);
  }

 private:
  static void append_uuid(std::string &out, int kind, std::int64_t number) {
    char text[48];
    std::snprintf(text, sizeof text, "019b7a2e-%04x-7000-8000-%012llx,", static_cast<unsigned>(kind),
                  static_cast<unsigned long long>(number));
    out += text;
  }
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
    PGresult *result = PQprepare(connection_, "bare", sql.c_str(), 3, types);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) fail(std::string("PostgreSQL: ") + PQresultErrorMessage(result));
    PQclear(result);
    exec("SET plan_cache_mode = force_generic_plan");
  }
  void exec(const std::string &sql) {
    PGresult *result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      fail(std::string("PostgreSQL: ") + PQresultErrorMessage(result));
    PQclear(result);
  }

  PGconn *connection_;
  std::string schema_;
};

// ---- one cell

struct Measured {
  double seconds = 0;
  std::vector<double> milliseconds;  // of each operation
  cala::bench::Usage usage;
};

// Splits the postings of a round among callers, each of which runs one operation after the other.
void run_round(const Books &books, const Cell &cell, unsigned first, Measured &measured) {
  std::vector<std::vector<double>> times(static_cast<std::size_t>(cell.callers));
  std::atomic<int> next{0};
  const int operations = cell.postings / cell.batch;
  const auto call = [&](std::vector<double> &own) {
    for (int i = next.fetch_add(1); i < operations; i = next.fetch_add(1)) {
      const unsigned number = first + static_cast<unsigned>(i * cell.batch);
      const std::string request = cell.batch > 1 ? books.batch(number, cell.batch) : books.posting(number);
      const Clock::time_point begin = Clock::now();
      run(books.ledger(), cell.batch > 1 ? cala_transaction_post_many : cala_transaction_post, request);
      own.push_back(seconds_since(begin) * 1000);
    }
  };
  const Clock::time_point begin = Clock::now();
  if (cell.callers == 1) {
    call(times.front());
  } else {
    std::vector<std::thread> threads;
    for (auto &own : times) threads.emplace_back([&call, &own] { call(own); });
    for (std::thread &thread : threads) thread.join();
  }
  measured.seconds += seconds_since(begin);
  for (const auto &own : times) measured.milliseconds.insert(measured.milliseconds.end(), own.begin(), own.end());
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void print_header() {
  std::printf("%-9s %-11s %8s %8s  %12s %9s %9s  %12s %6s  %6s  %9s %9s %9s %8s\n", "store", "mode", "callers",
              "accounts", "postings/s", "p50 ms", "p99 ms", "bare/s", "group", "ratio", "client us", "server us",
              "written B", "peak MiB");
}

// A posting's share; "-" for what is not known.
std::string each(const std::optional<double> &whole, double postings, double unit) {
  if (!whole) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", *whole * unit / postings);
  return text;
}

void run_cell(const std::string &store_name, const Books &books, Bare &bare, const Cell &cell, const Options &options,
              const cala::bench::Meter &meter) {
  Measured ledger;
  double bare_seconds = 0;
  unsigned number = 1;
  run_round(books, Cell{cell.mode, cell.callers, cell.batch, cell.accounts, cell.batch * cell.callers, 1}, number,
            ledger);
  ledger = Measured();
  for (int round = 0; round < options.rounds; ++round) {
    const cala::bench::Usage before = meter.read();
    run_round(books, cell, number, ledger);
    ledger.usage += meter.read() - before;
    number += static_cast<unsigned>(cell.postings);
    const Clock::time_point begin = Clock::now();
    for (int done = 0; done < cell.postings; done += cell.bare_group)
      bare.write(std::min(cell.bare_group, cell.postings - done));
    bare_seconds += seconds_since(begin);
  }
  const double total = static_cast<double>(cell.postings) * options.rounds;
  const double rate = total / ledger.seconds;
  const double bare_rate = total / bare_seconds;
  const std::string mode = cell.batch > 1 ? "batch " + std::to_string(cell.batch) : cell.mode;
  const std::string accounts = cell.accounts <= kHotAccounts ? "hot" : std::to_string(cell.accounts);
  const cala::bench::Usage &usage = ledger.usage;
  std::printf("%-9s %-11s %8d %8s  %12.0f %9.3f %9.3f  %12.0f %6d  %6.2f  %9s %9s %9s %8s\n", store_name.c_str(),
              mode.c_str(), cell.callers, accounts.c_str(), rate, percentile(ledger.milliseconds, 0.5),
              percentile(ledger.milliseconds, 0.99), bare_rate, cell.bare_group, rate / bare_rate,
              each(usage.client_seconds, total, 1e6).c_str(), each(usage.server_seconds, total, 1e6).c_str(),
              each(usage.written_bytes, total, 1).c_str(), each(cala::bench::peak_memory(), 1, 1).c_str());
  std::fflush(stdout);
}

Cell cell_of(const Options &options, const std::string &mode, int callers, int accounts) {
  Cell cell;
  cell.mode = mode;
  cell.accounts = accounts;
  cell.postings = 600;
  if (mode == "callers") {
    cell.callers = cell.bare_group = callers;
    cell.postings = 2400;
  } else if (mode == "batch") {
    cell.batch = cell.bare_group = options.batch;
    cell.postings = 5000;
  } else if (mode != "sequential") {
    fail("--mode is sequential, callers or batch");
  }
  if (options.postings > 0) cell.postings = options.postings;
  if (options.bare_group > 0) cell.bare_group = options.bare_group;
  cell.postings = std::max(cell.postings - cell.postings % cell.batch, cell.batch);
  return cell;
}

std::vector<Cell> cells_of(const Options &options, int accounts) {
  if (!options.mode.empty()) return {cell_of(options, options.mode, options.callers, accounts)};
  return {cell_of(options, "sequential", 1, accounts), cell_of(options, "callers", 16, accounts),
          cell_of(options, "callers", 64, accounts), cell_of(options, "batch", 1, accounts)};
}

// ---- the stores

class Folder {
 public:
  Folder() {
    std::string path = (std::filesystem::temp_directory_path() / "cala-bench-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) fail("no temporary folder");
    path_ = path;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  std::string file(const char *name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string commit_option(const Options &options) {
  const std::string group = options.group_max > 0 ? R"(,"group_max":)" + std::to_string(options.group_max) : "";
  return std::string(R"(,"commit":{"durable":)") + (options.durable ? "true" : "false") + group + "}";
}

void run_cells(const std::string &name, const Books &books, Bare &bare, int accounts, const Options &options,
               const cala::bench::Meter &meter) {
  books.preload(options.preload);
  for (int done = 0; done < options.preload; done += 500) bare.write(500);
  for (const Cell &cell : cells_of(options, accounts)) run_cell(name, books, bare, cell, options, meter);
}

void run_sqlite(const std::string &path, int accounts, const Options &options) {
  const Folder folder;
  const std::string file = path.empty() ? folder.file("ledger.db") : path;
  const Books books(R"({"store":"sqlite:)" + file + '"' + commit_option(options) + "}", accounts);
  BareSqlite bare(path.empty() ? folder.file("bare.db") : path + ".bare", options.durable);
  run_cells("sqlite", books, bare, accounts, options, cala::bench::Meter());
}

void drop_schema(const std::string &connection, const std::string &schema) {
  PGconn *server = PQconnectdb(connection.c_str());
  PQclear(PQexec(server, "SET client_min_messages = error"));
  PQclear(PQexec(server, ("DROP SCHEMA IF EXISTS " + schema + " CASCADE").c_str()));
  PQfinish(server);
}

void run_postgres(const std::string &connection, int accounts, const Options &options) {
  const std::string schema = "bench_" + std::to_string(getpid());
  {
    const Books books(
        R"({"store":")" + connection + R"(","migrate":true,"schema":")" + schema + '"' + commit_option(options) + "}",
        accounts);
    BarePostgres bare(connection, schema + "_bare", options.durable);
    run_cells("postgres", books, bare, accounts, options, cala::bench::Meter(connection));
  }
  drop_schema(connection, schema);
}

void run_store(const std::string &store, int accounts, const Options &options) {
  const char *server = getenv("CALA_TEST_POSTGRES");
  if (store == "sqlite") return run_sqlite("", accounts, options);
  if (store.starts_with("sqlite:")) return run_sqlite(store.substr(std::strlen("sqlite:")), accounts, options);
  if (store == "postgres" && server == nullptr)
    fail("--store postgres needs CALA_TEST_POSTGRES, or give the connection string");
  run_postgres(store == "postgres" ? server : store, accounts, options);
}

// ---- the command line

int number_of(std::string_view name, const char *text) {
  char *end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || value < 0 || value > 100000000)
    fail(std::string(name) + " needs a whole number");
  return static_cast<int>(value);
}

Options read_options(int argc, char **argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (i + 1 >= argc) fail(std::string(name) + " needs a value; bench/README.md lists the options");
    const char *value = argv[++i];
    if (name == "--store")
      options.store = value;
    else if (name == "--mode")
      options.mode = value;
    else if (name == "--accounts")
      options.accounts = std::string_view(value) == "hot" ? 0 : number_of(name, value);
    else if (name == "--durable")
      options.durable = number_of(name, value) != 0;
    else if (name == "--callers")
      options.callers = std::max(1, number_of(name, value));
    else if (name == "--batch")
      options.batch = std::clamp(number_of(name, value), 1, kMaxBatch);
    else if (name == "--postings")
      options.postings = number_of(name, value);
    else if (name == "--rounds")
      options.rounds = std::max(1, number_of(name, value));
    else if (name == "--preload")
      options.preload = number_of(name, value);
    else if (name == "--bare-group")
      options.bare_group = number_of(name, value);
    else if (name == "--group-max")
      options.group_max = std::max(1, number_of(name, value));
    else
      fail("unknown option " + std::string(name) + "; bench/README.md lists the options");
  }
  return options;
}

}  // namespace

int main(int argc, char **argv) {
  const Options options = read_options(argc, argv);
  std::vector<std::string> stores = {"sqlite"};
  if (getenv("CALA_TEST_POSTGRES") != nullptr) stores.emplace_back("postgres");
  if (!options.store.empty()) stores = {options.store};
  print_header();
  for (const std::string &store : stores) {
    for (const int accounts : options.accounts ? std::vector<int>{*options.accounts} : std::vector<int>{0, 10000}) {
      run_store(store, accounts, options);
    }
  }
  return 0;
}
