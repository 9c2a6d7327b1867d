#include "store/host_sqlite.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

namespace cala::tests {

struct HostFunctions {
  decltype(&::sqlite3_open_v2) open = nullptr;
  decltype(&::sqlite3_close_v2) close = nullptr;
  decltype(&::sqlite3_busy_timeout) busy_timeout = nullptr;
  decltype(&::sqlite3_prepare_v2) prepare = nullptr;
  decltype(&::sqlite3_bind_text) bind_text = nullptr;
  decltype(&::sqlite3_step) step = nullptr;
  decltype(&::sqlite3_column_text) column_text = nullptr;
  decltype(&::sqlite3_finalize) finalize = nullptr;
  decltype(&::sqlite3_errmsg) errmsg = nullptr;
  decltype(&::sqlite3_vfs_find) vfs_find = nullptr;
  bool complete = true;
};

namespace {

template <typename Function>
void load(void *library, const char *name, Function &function, bool &complete) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  complete = complete && function != nullptr;
}

HostFunctions load_all() {
  HostFunctions f;
  void *library = ::dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    f.complete = false;
    return f;
  }
  load(library, "sqlite3_open_v2", f.open, f.complete);
  load(library, "sqlite3_close_v2", f.close, f.complete);
  load(library, "sqlite3_busy_timeout", f.busy_timeout, f.complete);
  load(library, "sqlite3_prepare_v2", f.prepare, f.complete);
  load(library, "sqlite3_bind_text", f.bind_text, f.complete);
  load(library, "sqlite3_step", f.step, f.complete);
  load(library, "sqlite3_column_text", f.column_text, f.complete);
  load(library, "sqlite3_finalize", f.finalize, f.complete);
  load(library, "sqlite3_errmsg", f.errmsg, f.complete);
  load(library, "sqlite3_vfs_find", f.vfs_find, f.complete);
  return f;
}

}  // namespace

const HostFunctions *HostSqlite::functions() {
  static const HostFunctions loaded = load_all();
  return loaded.complete ? &loaded : nullptr;
}

bool HostSqlite::is_another_copy() { return functions()->vfs_find("unix") != ::sqlite3_vfs_find("unix"); }

HostSqlite::HostSqlite(const std::string &path) : call_(functions()) {
  EXPECT_EQ(call_->open(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr), SQLITE_OK);
  call_->busy_timeout(handle_, 30000);
}

HostSqlite::~HostSqlite() { call_->close(handle_); }

base::Result<std::string> HostSqlite::run(const std::string &sql, const std::string *parameter) {
  sqlite3_stmt *statement = nullptr;
  int result = call_->prepare(handle_, sql.c_str(), static_cast<int>(sql.size()), &statement, nullptr);
  if (result == SQLITE_OK && parameter != nullptr) {
    call_->bind_text(statement, 1, parameter->data(), static_cast<int>(parameter->size()), SQLITE_STATIC);
  }
  std::string answer;
  if (result == SQLITE_OK) result = call_->step(statement);
  if (result == SQLITE_ROW) {
    const unsigned char *text = call_->column_text(statement, 0);
    if (text != nullptr) answer = reinterpret_cast<const char *>(text);
    result = call_->step(statement);
  }
  base::Error error = base::make_error(base::Status::kInternal, "host", call_->errmsg(handle_));
  call_->finalize(statement);
  if (result != SQLITE_DONE && result != SQLITE_ROW) return error;
  return answer;
}

base::Result<store::Answer> HostSqlite::ask(const store::Dialect &dialect, const store::Request &request) {
  const store::SqlStatement statement = dialect.encode(request, store::Placeholder::kQmark);
  base::Result<std::string> text = run(std::string(statement.sql), &statement.parameter);
  if (!text) return dialect.error_of("", text.error().message);
  return dialect.decode(request, *text);
}

}  // namespace cala::tests
