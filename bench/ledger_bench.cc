// ledger_bench: how many postings a second the library makes, how long one takes, and how that compares with writing
// the same rows with nothing above them. Only cala.h is used for the ledger;
// rows go in through the system's libpq and SQLite.
//
//   ledger_bench                             all cells: SQLite, and PostgreSQL when CALA_TEST_POSTGRES names a database
//   ledger_bench --store sqlite|postgres|sqlite:PATH|postgres://... --mode sequential|callers|batch
//                --callers C --batch B --accounts hot|K --books plain|full --durable 0|1 --postings N --rounds R
//                --preload N --bare-group N --group-max N --answers 0|1 --json 0|1
//   ledger_bench --mode open --rate R --seconds S                  operations start at fixed times, whoever is late
//   ledger_bench --mode growth --postings N                        what changes on the way there
//   ledger_bench --mode events | telemetry                         what it costs to be told
//   ledger_bench --mode driven --work ledger|bare|copy|function    rounds as its input asks for them (bench/suite.py)
//
// A round is N postings by the ledger, then the same number of rows by the bare writer; rounds alternate, so that both
// meet the same weather. README.md says how to read the result.
#include <libpq-fe.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "books.h"
#include "growth.h"
#include "load.h"
#include "rows.h"
#include "transfer.h"
#include "usage.h"
#include "watching.h"

namespace {

using namespace cala::bench;

struct Options {
  std::string store;  // empty: every store there is
  std::string mode;   // empty: every cell
  std::string work = "ledger";
  int callers = 16;
  int batch = 100;
  std::optional<int> accounts;  // 0: the hot pair
  bool answers = false;         // are read
  bool full = false;            // books with sets, limits and effective dates
  bool durable = true;
  int postings = 0;  // 0: as the mode deserves
  int rounds = 3;
  int preload = 5000;
  int bare_group = 0;  // 0: as the mode deserves
  int group_max = 0;   // 0: the library's default
  int queue_max = 0;   // the same
  int rate = 1000;
  int seconds = 5;
  bool json = false;
};

struct Cell {
  std::string mode;
  int callers = 1;
  int batch = 1;
  int accounts = 0;
  int postings = 0;
  int bare_group = 1;
};

constexpr int kCopyGroup = 1000;

std::string accounts_text(int accounts) { return accounts <= kHotAccounts ? "hot" : std::to_string(accounts); }

// ---- one cell

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

// A JSON number; null for what is not known.
std::string number(const std::optional<double> &value) {
  if (!value) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *value);
  return text;
}

// The members of a JSON object that say what was measured.
std::string members_of(const Measured &measured) {
  const Usage &usage = measured.usage;
  return "\"postings\":" + std::to_string(measured.postings) + ",\"seconds\":" + number(measured.seconds) +
         ",\"p50_ms\":" + number(percentile(measured.milliseconds, 0.5)) +
         ",\"p99_ms\":" + number(percentile(measured.milliseconds, 0.99)) +
         ",\"client_s\":" + number(usage.client_seconds) + ",\"server_s\":" + number(usage.server_seconds) +
         ",\"written\":" + number(usage.written_bytes) + ",\"peak_mib\":" + number(peak_memory());
}

Measured measured_round(Work &work, const Meter &meter, int callers, int batch, int postings) {
  const Usage before = meter.read();
  Measured measured = work.round(callers, batch, postings);
  measured.usage = meter.read() - before;
  return measured;
}

void add(Measured &sum, const Measured &part) {
  sum.seconds += part.seconds;
  sum.milliseconds.insert(sum.milliseconds.end(), part.milliseconds.begin(), part.milliseconds.end());
  sum.usage += part.usage;
  sum.postings += part.postings;
}

void print_row(const std::string &store, const Cell &cell, const Measured &ledger, const Measured &bare) {
  const double total = ledger.postings;
  const double rate = total / ledger.seconds;
  const double bare_rate = bare.postings / bare.seconds;
  const std::string mode = cell.batch > 1 ? "batch " + std::to_string(cell.batch) : cell.mode;
  const Usage &usage = ledger.usage;
  std::printf("%-9s %-11s %8d %8s  %12.0f %9.3f %9.3f  %12.0f %6d  %6.2f  %9s %9s %9s %8s\n", store.c_str(),
              mode.c_str(), cell.callers, accounts_text(cell.accounts).c_str(), rate,
              percentile(ledger.milliseconds, 0.5), percentile(ledger.milliseconds, 0.99), bare_rate, cell.bare_group,
              rate / bare_rate, each(usage.client_seconds, total, 1e6).c_str(),
              each(usage.server_seconds, total, 1e6).c_str(), each(usage.written_bytes, total, 1).c_str(),
              each(peak_memory(), 1, 1).c_str());
}

void print_json(const std::string &store, const Cell &cell, const Measured &ledger, const Measured &bare) {
  std::printf(R"({"store":"%s","mode":"%s","callers":%d,"batch":%d,"accounts":"%s",%s,"bare_group":%d,"bare_rate":%s})"
              "\n",
              store.c_str(), cell.mode.c_str(), cell.callers, cell.batch, accounts_text(cell.accounts).c_str(),
              members_of(ledger).c_str(), cell.bare_group, number(bare.postings / bare.seconds).c_str());
}

void run_cell(const std::string &store, LedgerWork &work, Rows &rows, const Cell &cell, const Options &options,
              const Meter &meter) {
  Measured ledger;
  Measured bare;
  RowsWork bare_work(rows, cell.bare_group);
  work.round(cell.callers, cell.batch, cell.batch * cell.callers);
  reset_peak_memory();
  for (int round = 0; round < options.rounds; ++round) {
    add(ledger, measured_round(work, meter, cell.callers, cell.batch, cell.postings));
    add(bare, bare_work.round(1, 1, cell.postings));
  }
  (options.json ? print_json : print_row)(store, cell, ledger, bare);
  std::fflush(stdout);
}

// ---- rounds that the input asks for: "callers batch postings", or for a ledger "open rate seconds"

void print_load(const Load &load) {
  std::printf(
      R"({"offered":%s,"seconds":%s,"started":%d,"answered":%d,"refused":%d,"failed":%d,"p50_ms":%s,"p99_ms":%s,)"
      R"("max_ms":%s,"late_ms":%s})"
      "\n",
      number(load.offered).c_str(), number(load.seconds).c_str(), load.started, load.answered, load.refused,
      load.failed, number(load.p50_ms).c_str(), number(load.p99_ms).c_str(), number(load.max_ms).c_str(),
      number(load.late_ms).c_str());
  std::fflush(stdout);
}

void run_load(const Books &books, LedgerWork &work, double rate, double seconds) {
  const unsigned first = work.take(static_cast<int>(rate * seconds) + 1);
  print_load(open_load(books, first, rate, seconds));
}

void drive(Work &work, const Meter &meter, const Books *books, LedgerWork *ledger) {
  std::printf("{\"ready\":\"libcala %s\"}\n", cala_version());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int callers = 0;
    int batch = 0;
    int postings = 0;
    std::string open;
    double rate = 0;
    double seconds = 0;
    if (words >> callers >> batch >> postings && callers > 0 && batch > 0) {
      reset_peak_memory();
      std::printf("{%s}\n", members_of(measured_round(work, meter, callers, batch, postings)).c_str());
      std::fflush(stdout);
    } else if (std::istringstream again(line);
               books != nullptr && again >> open >> rate >> seconds && open == "open" && rate > 0) {
      run_load(*books, *ledger, rate, seconds);
    } else {
      fail("a line is: callers batch postings, or: open rate seconds");
    }
  }
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
    fail("--mode is sequential, callers, batch, open, growth, events, telemetry or driven");
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
  const std::string queue = options.queue_max > 0 ? R"(,"queue_max":)" + std::to_string(options.queue_max) : "";
  return std::string(R"(,"commit":{"durable":)") + (options.durable ? "true" : "false") + group + "}" + queue;
}

// What a mode does with an open ledger; rows: the bare writer beside it, store_bytes: how large the store is.
void run_mode(const std::string &store, Books &books, Rows &rows, const Options &options, const Meter &meter,
              const std::function<std::optional<double>()> &store_bytes) {
  LedgerWork work(books, options.answers);
  if (options.mode == "growth")
    return grow(books, work, options.postings > 0 ? options.postings : 1000000, store_bytes);
  books.preload(options.preload);
  if (options.mode == "driven") return drive(work, meter, &books, &work);
  if (options.mode == "open") return run_load(books, work, options.rate, options.seconds);
  const int postings = options.postings > 0 ? options.postings : 20000;
  if (options.mode == "events") return hear_events(books, work, options.preload, postings, options.rounds);
  if (options.mode == "telemetry") {
    std::printf("| | told, to nothing told | time | client CPU | server CPU |\n|---|---|---|---|---|\n");
    watch(books, work, meter, 1, 1, options.rounds);
    watch(books, work, meter, 64, 1, options.rounds);
    return watch(books, work, meter, 1, options.batch, options.rounds);
  }
  for (int done = 0; done < options.preload; done += 500) rows.write(500);
  for (const Cell &cell : cells_of(options, books.accounts())) run_cell(store, work, rows, cell, options, meter);
}

// Rows alone, as the input asks for them.
void drive_rows(Rows &rows, const Options &options, const Meter &meter, int group) {
  for (int done = 0; done < options.preload; done += 500) rows.write(500);
  RowsWork work(rows, group);
  drive(work, meter, nullptr, nullptr);
}

void run_sqlite(const std::string &path, int accounts, const Options &options) {
  const Folder folder;
  const std::string file = path.empty() ? folder.file("ledger.db") : path;
  const std::unique_ptr<Rows> rows =
      bare_sqlite(path.empty() ? folder.file("bare.db") : path + ".bare", options.durable);
  const Meter meter;
  if (options.work == "bare") return drive_rows(*rows, options, meter, options.bare_group);
  if (options.work != "ledger") fail("--work " + options.work + " needs PostgreSQL");
  Books books(R"({"store":"sqlite:)" + file + '"' + commit_option(options) + "}", accounts, options.full);
  run_mode("sqlite", books, *rows, options, meter, [&file]() -> std::optional<double> {
    double bytes = 0;
    for (const std::string &name : {file, file + "-wal"}) {
      std::error_code absent;
      const auto size = std::filesystem::file_size(name, absent);
      if (!absent) bytes += static_cast<double>(size);
    }
    return bytes;
  });
}

std::optional<double> answer_of(const std::string &connection, const std::string &sql) {
  PGconn *server = PQconnectdb(connection.c_str());
  PQclear(PQexec(server, "SET client_min_messages = error"));
  PGresult *result = PQexec(server, sql.c_str());
  std::optional<double> value;
  if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
    value = std::strtod(PQgetvalue(result, 0, 0), nullptr);
  PQclear(result);
  PQfinish(server);
  return value;
}

void run_postgres(const std::string &connection, int accounts, const Options &options) {
  const std::string schema = "bench_" + std::to_string(getpid());
  const Meter meter(connection);
  if (options.work == "function") {
    const std::unique_ptr<Work> work = transfer_function(connection, schema, accounts, options.durable);
    if (options.preload > 0) work->round(1, 500, options.preload);
    return drive(*work, meter, nullptr, nullptr);
  }
  const std::unique_ptr<Rows> bare = bare_postgres(connection, schema + "_bare", options.durable);
  if (options.work == "bare") return drive_rows(*bare, options, meter, options.bare_group);
  {
    Books books(
        R"({"store":")" + connection + R"(","migrate":true,"schema":")" + schema + '"' + commit_option(options) + "}",
        accounts, options.full);
    if (options.work == "copy") {
      const std::unique_ptr<Rows> rows = copy_postgres(connection, schema, accounts, options.durable);
      drive_rows(*rows, options, meter, kCopyGroup);
    } else {
      run_mode("postgres", books, *bare, options, meter, [&] {
        return answer_of(connection,
                         "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'm') "
                         "AND relnamespace = '" +
                             schema + "'::regnamespace");
      });
    }
  }
  answer_of(connection, "DROP SCHEMA IF EXISTS " + schema + " CASCADE");
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
    else if (name == "--books" && (std::string_view(value) == "plain" || std::string_view(value) == "full"))
      options.full = std::string_view(value) == "full";
    else if (name == "--answers")
      options.answers = number_of(name, value) != 0;
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
    else if (name == "--queue-max")
      options.queue_max = std::max(1, number_of(name, value));
    else if (name == "--work")
      options.work = value;
    else if (name == "--rate")
      options.rate = std::max(1, number_of(name, value));
    else if (name == "--seconds")
      options.seconds = std::max(1, number_of(name, value));
    else if (name == "--json")
      options.json = number_of(name, value) != 0;
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
  const bool one = options.mode == "driven" || options.mode == "growth" || options.mode == "open" ||
                   options.mode == "events" || options.mode == "telemetry";
  if (options.work != "ledger" && options.mode != "driven") fail("--work goes with --mode driven");
  if (options.mode == "driven" && (options.store.empty() || !options.accounts))
    fail("--mode driven needs --store and --accounts");
  if (!options.json && !one) print_header();
  for (const std::string &store : stores) {
    for (const int accounts : options.accounts ? std::vector<int>{*options.accounts}
                              : one            ? std::vector<int>{10000}
                                               : std::vector<int>{0, 10000}) {
      if (one && options.mode != "driven") std::printf("# %s\n", store.c_str());
      run_store(store, accounts, options);
    }
  }
  return 0;
}
