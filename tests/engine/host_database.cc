#include "host_database.h"

#include <gtest/gtest.h>

namespace cala::tests {

HostDatabase::HostDatabase() {
  const std::string config = R"({"store": "host:sqlite", "clock": {"manual": "2026-01-01T00:00:00Z"}})";
  EXPECT_EQ(sqlite3_open(":memory:", &database_), SQLITE_OK);
  EXPECT_EQ(cala_ledger_open(config.data(), config.size(), &ledger_, nullptr), CALA_OK);
  EXPECT_EQ(cala_tx_host(ledger_, nullptr, 0, &tx_, nullptr), CALA_OK);
  execute("BEGIN");
  EXPECT_EQ(run(cala_ledger_migrate, "{}").status, CALA_OK);
  execute("COMMIT");
}

HostDatabase::~HostDatabase() {
  cala_tx_free(tx_);
  cala_ledger_free(ledger_);
  sqlite3_close(database_);
}

void HostDatabase::execute(const char *sql) {
  EXPECT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database_);
}

void HostDatabase::override_function(const std::string &name, int arguments, bool aggregate) {
  const auto answer = [](sqlite3_context *context, int, sqlite3_value **) {
    sqlite3_result_text(context, "x", 1, SQLITE_STATIC);
  };
  const auto step = [](sqlite3_context *, int, sqlite3_value **) {};
  const auto final = [](sqlite3_context *context) { sqlite3_result_text(context, "x", 1, SQLITE_STATIC); };
  const int made =
      aggregate
          ? sqlite3_create_function(database_, name.c_str(), arguments, SQLITE_UTF8, nullptr, nullptr, step, final)
          : sqlite3_create_function(database_, name.c_str(), arguments, SQLITE_UTF8, nullptr, answer, nullptr, nullptr);
  EXPECT_EQ(made, SQLITE_OK);
}

cala_op *HostDatabase::make(MakeOperation operation, const std::string &request) {
  cala_op *op = nullptr;
  cala_error *error = nullptr;
  EXPECT_EQ(operation(ledger_, tx_, request.data(), request.size(), &op, &error), CALA_OK) << cala_error_message(error);
  cala_error_free(error);
  return op;
}

// Runs what the operation asks for and feeds the answer.
std::int32_t HostDatabase::run_statement(cala_op *op, DrivenOperation &driven) {
  std::size_t length = 0;
  const char *sql = cala_op_sql(op, &length);
  sqlite3_stmt *statement = nullptr;
  if (sqlite3_prepare_v2(database_, sql, static_cast<int>(length), &statement, nullptr) != SQLITE_OK) {
    ADD_FAILURE() << cala_op_sql_name(op) << ": " << sqlite3_errmsg(database_);
    return cala_op_feed_error(op, nullptr, sqlite3_errmsg(database_));
  }
  driven.writes.push_back(sqlite3_stmt_readonly(statement) == 0);
  driven.names.emplace_back(cala_op_sql_name(op));
  for (int i = 0; i < cala_op_param_count(op); ++i) {
    const char *value = cala_op_param(op, i, &length);
    sqlite3_bind_text(statement, i + 1, value, static_cast<int>(length), SQLITE_TRANSIENT);
  }
  const int stepped = sqlite3_step(statement);
  std::int32_t step = CALA_STEP_FAILED;
  if (garble_ && driven.names.size() == garbled_place_ + 1 && (stepped == SQLITE_ROW || stepped == SQLITE_DONE)) {
    const auto *text = stepped == SQLITE_ROW ? sqlite3_column_text(statement, 0) : nullptr;
    const std::string odd = garble_(text == nullptr ? "" : reinterpret_cast<const char *>(text));
    step = cala_op_feed(op, odd.data(), odd.size());
  } else if (stepped == SQLITE_ROW) {
    const char *text = reinterpret_cast<const char *>(sqlite3_column_text(statement, 0));
    step = cala_op_feed(op, text, static_cast<std::size_t>(sqlite3_column_bytes(statement, 0)));
  } else if (stepped == SQLITE_DONE) {
    step = cala_op_feed(op, nullptr, 0);
  } else {
    step = cala_op_feed_error(op, sqlite3_errstr(stepped), sqlite3_errmsg(database_));
  }
  sqlite3_finalize(statement);
  return step;
}

DrivenOperation HostDatabase::drive(cala_op *op, bool stop_before_write, const char *sql_before_write) {
  DrivenOperation driven;
  std::int32_t step = cala_op_step(op);
  while (step == CALA_STEP_NEED_QUERY) {
    const std::string name = cala_op_sql_name(op);
    const bool writes = name.find("write") != std::string::npos;
    if (stop_before_write && writes) return driven;
    if (sql_before_write != nullptr && writes) execute(sql_before_write);
    step = run_statement(op, driven);
  }
  driven.status = cala_op_status(op);
  driven.status_name = cala_status_name(driven.status);
  driven.code = cala_error_code(cala_op_error(op));
  driven.message = cala_error_message(cala_op_error(op));
  driven.tx_state = cala_error_tx_state(cala_op_error(op));
  if (const char *result = cala_op_result(op, nullptr)) driven.result = result;
  return driven;
}

DrivenOperation HostDatabase::run(MakeOperation operation, const std::string &request) {
  cala_op *op = make(operation, request);
  DrivenOperation driven = drive(op);
  cala_op_free(op);
  return driven;
}

DrivenOperation HostDatabase::run_garbled(MakeOperation operation, const std::string &request, std::size_t place,
                                          const Garble &change) {
  garbled_place_ = place;
  garble_ = change;
  DrivenOperation driven = run(operation, request);
  garble_ = nullptr;
  return driven;
}

}  // namespace cala::tests
