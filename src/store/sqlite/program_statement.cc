#include "store/sqlite/program_statement.h"

#include <sqlite3.h>

#include <memory>

#include "store/program_rows.h"
#include "store/sqlite/error_table.h"

namespace cala::store::sqlite {

namespace {

using base::Error;
using base::Result;

struct Finalize {
  void operator()(sqlite3_stmt *statement) const { sqlite3_finalize(statement); }
};
using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;

Error refused(const Connection &connection, int result) {
  if (connection.is_interrupted()) return connection.error(result);
  return program_error_of_message(code_name_of(result), sqlite3_errmsg(connection.raw()));
}

Error wrong(const char *what) { return base::make_error(base::Status::kInvalid, "tx.statement", what); }

// While it lives SQLite itself refuses what would begin or end a transaction, or change the connection. PRAGMA only
// while the program's statement is compiled: the functions pragma_table_info and its like run one when
// they are stepped.
class ControlGuard {
 public:
  explicit ControlGuard(sqlite3 *handle) : handle_(handle) { sqlite3_set_authorizer(handle_, judge, this); }
  ~ControlGuard() { sqlite3_set_authorizer(handle_, nullptr, nullptr); }
  ControlGuard(const ControlGuard &) = delete;
  ControlGuard &operator=(const ControlGuard &) = delete;

  void compiled() { compiling_ = false; }
  bool refused() const { return refused_; }

 private:
  static int judge(void *self, int action, const char *, const char *, const char *, const char *) {
    auto &guard = *static_cast<ControlGuard *>(self);
    const bool control = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT || action == SQLITE_ATTACH ||
                         action == SQLITE_DETACH || (action == SQLITE_PRAGMA && guard.compiling_);
    guard.refused_ = guard.refused_ || control;
    return control ? SQLITE_DENY : SQLITE_OK;
  }

  sqlite3 *handle_;
  bool compiling_ = true;
  bool refused_ = false;
};

Error control_statement() {
  return base::make_error(base::Status::kInvalid, "tx.control_statement",
                          "sql must not begin or end a transaction, nor change the connection for those who use it "
                          "afterwards");
}

Result<StatementPtr> prepare(const Connection &connection, const ProgramStatement &program) {
  sqlite3_stmt *handle = nullptr;
  const char *rest = nullptr;
  const int size = static_cast<int>(program.sql.size());
  const int result = sqlite3_prepare_v2(connection.raw(), program.sql.data(), size, &handle, &rest);
  StatementPtr statement(handle);
  if (result != SQLITE_OK) return refused(connection, result);
  if (!statement) return wrong("there is no statement");
  const std::string tail(rest, program.sql.data() + program.sql.size());
  if (tail.find_first_not_of(" \t\r\n;") != std::string::npos) return wrong("one statement at a time");
  if (static_cast<std::size_t>(sqlite3_bind_parameter_count(handle)) != program.parameters.size()) {
    return wrong("the statement does not have as many placeholders as there are params");
  }
  return statement;
}

void bind(sqlite3_stmt *statement, const ProgramStatement &program) {
  int place = 0;
  for (const std::optional<std::string> &parameter : program.parameters) {
    ++place;
    if (!parameter) continue;  // NULL, as it is
    const int bound =
        sqlite3_bind_text64(statement, place, parameter->data(), parameter->size(), SQLITE_STATIC, SQLITE_UTF8);
    if (bound == SQLITE_NOMEM) throw std::bad_alloc();
  }
}

void take_row(sqlite3_stmt *statement, int width, ProgramRows &rows) {
  for (int column = 0; column < width; ++column) {
    const int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL) {
      rows.null();
      continue;
    }
    const void *data =
        type == SQLITE_BLOB ? sqlite3_column_blob(statement, column) : sqlite3_column_text(statement, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
    if (data == nullptr && (size > 0 || type != SQLITE_BLOB)) throw std::bad_alloc();  // an empty blob has no data
    const std::string_view value =
        data == nullptr ? std::string_view() : std::string_view(static_cast<const char *>(data), size);
    if (type == SQLITE_BLOB) {
      rows.bytes(value);
    } else {
      rows.text(value);
    }
  }
  rows.end_row();
}

}  // namespace

Result<std::string> execute_program(Connection &connection, const ProgramStatement &program) {
  ControlGuard guard(connection.raw());
  Result<StatementPtr> prepared = prepare(connection, program);
  if (guard.refused()) return control_statement();
  if (!prepared) return std::move(prepared.error());
  guard.compiled();
  sqlite3_stmt *statement = prepared->get();
  bind(statement, program);
  ProgramRows rows;
  const int width = sqlite3_column_count(statement);
  for (int column = 0; column < width; ++column) {
    const char *name = sqlite3_column_name(statement, column);
    if (name == nullptr) throw std::bad_alloc();
    rows.column(name);
  }
  const std::int64_t before = sqlite3_total_changes64(connection.raw());
  int result = sqlite3_step(statement);
  for (; result == SQLITE_ROW && !rows.too_many(); result = sqlite3_step(statement)) take_row(statement, width, rows);
  if (result != SQLITE_ROW && result != SQLITE_DONE) return refused(connection, result);
  const bool wrote = sqlite3_total_changes64(connection.raw()) != before;
  return rows.take(wrote ? connection.changed_rows() : 0);
}

}  // namespace cala::store::sqlite
