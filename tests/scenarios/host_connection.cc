#include "host_connection.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <sqlite3.h>

#include <cstdlib>
#include <vector>

namespace cala::tests {

namespace {

struct SqliteFunctions {
  template <typename Function>
  static Function *named(const char *name) {
    static void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
    return library == nullptr ? nullptr : reinterpret_cast<Function *>(dlsym(library, name));
  }
  decltype(sqlite3_open) *open = named<decltype(sqlite3_open)>("sqlite3_open");
  decltype(sqlite3_close) *close = named<decltype(sqlite3_close)>("sqlite3_close");
  decltype(sqlite3_exec) *exec = named<decltype(sqlite3_exec)>("sqlite3_exec");
  decltype(sqlite3_busy_timeout) *busy_timeout = named<decltype(sqlite3_busy_timeout)>("sqlite3_busy_timeout");
  decltype(sqlite3_prepare_v2) *prepare = named<decltype(sqlite3_prepare_v2)>("sqlite3_prepare_v2");
  decltype(sqlite3_bind_text) *bind_text = named<decltype(sqlite3_bind_text)>("sqlite3_bind_text");
  decltype(sqlite3_step) *step = named<decltype(sqlite3_step)>("sqlite3_step");
  decltype(sqlite3_column_text) *column_text = named<decltype(sqlite3_column_text)>("sqlite3_column_text");
  decltype(sqlite3_column_bytes) *column_bytes = named<decltype(sqlite3_column_bytes)>("sqlite3_column_bytes");
  decltype(sqlite3_finalize) *finalize = named<decltype(sqlite3_finalize)>("sqlite3_finalize");
  decltype(sqlite3_errmsg) *errmsg = named<decltype(sqlite3_errmsg)>("sqlite3_errmsg");
};

// Another copy of SQLite than the library's, as programs have one.
class HostOnSqlite : public HostConnection {
 public:
  explicit HostOnSqlite(const std::string &path) {
    if (call_.open == nullptr || call_.open(path.c_str(), &database_) != SQLITE_OK) {
      ADD_FAILURE() << "the system's SQLite does not open " << path;
      return;
    }
    call_.busy_timeout(database_, 30'000);
  }
  ~HostOnSqlite() override { call_.close(database_); }

  std::string execute(const std::string &sql) override {
    const bool done = call_.exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
    return done ? "" : call_.errmsg(database_);
  }

  std::int32_t feed(cala_op *op) override {
    std::size_t length = 0;
    const char *sql = cala_op_sql(op, &length);
    sqlite3_stmt *statement = nullptr;
    int told = call_.prepare(database_, sql, static_cast<int>(length), &statement, nullptr);
    for (int i = 0; told == SQLITE_OK && i < cala_op_param_count(op); ++i) {
      const char *value = cala_op_param(op, i, &length);
      told = call_.bind_text(statement, i + 1, value, static_cast<int>(length), SQLITE_TRANSIENT);
    }
    if (told == SQLITE_OK) told = call_.step(statement);
    std::int32_t step = CALA_STEP_FAILED;
    if (told == SQLITE_ROW) {
      const unsigned char *text = call_.column_text(statement, 0);
      step = cala_op_feed(op, reinterpret_cast<const char *>(text),
                          static_cast<std::size_t>(call_.column_bytes(statement, 0)));
    } else if (told == SQLITE_DONE) {
      step = cala_op_feed(op, nullptr, 0);
    } else {
      step = cala_op_feed_error(op, nullptr, call_.errmsg(database_));
    }
    call_.finalize(statement);
    return step;
  }

 private:
  SqliteFunctions call_;
  sqlite3 *database_ = nullptr;
};

class HostOnPostgres : public HostConnection {
 public:
  HostOnPostgres() {
    const char *store = std::getenv("CALA_TEST_POSTGRES");  // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
    connection_ = PQconnectdb(store);
    EXPECT_EQ(PQstatus(connection_), CONNECTION_OK) << PQerrorMessage(connection_);
    PQsetNoticeReceiver(
        connection_, [](void *, const PGresult *) {}, nullptr);
  }
  ~HostOnPostgres() override { PQfinish(connection_); }

  std::string execute(const std::string &sql) override {
    PGresult *result = PQexec(connection_, sql.c_str());
    const std::string wrong = PQresultErrorMessage(result);
    PQclear(result);
    return wrong;
  }

  std::int32_t feed(cala_op *op) override {
    std::vector<const char *> values;
    for (int i = 0; i < cala_op_param_count(op); ++i) values.push_back(cala_op_param(op, i, nullptr));
    PGresult *result = PQexecParams(connection_, cala_op_sql(op, nullptr), static_cast<int>(values.size()), nullptr,
                                    values.data(), nullptr, nullptr, 0);
    const ExecStatusType told = PQresultStatus(result);
    std::int32_t step = CALA_STEP_FAILED;
    if (told == PGRES_TUPLES_OK && PQgetisnull(result, 0, 0) == 0) {
      step = cala_op_feed(op, PQgetvalue(result, 0, 0), static_cast<std::size_t>(PQgetlength(result, 0, 0)));
    } else if (told == PGRES_TUPLES_OK || told == PGRES_COMMAND_OK) {
      step = cala_op_feed(op, nullptr, 0);
    } else {
      step = cala_op_feed_error(op, PQresultErrorField(result, PG_DIAG_SQLSTATE),
                                PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    }
    PQclear(result);
    return step;
  }

 private:
  PGconn *connection_ = nullptr;
};

}  // namespace

std::unique_ptr<HostConnection> HostConnection::open(const TestStore &store) {
  if (store.kind() == StoreKind::kSqlite) return std::make_unique<HostOnSqlite>(store.path());
  return std::make_unique<HostOnPostgres>();
}

}  // namespace cala::tests
