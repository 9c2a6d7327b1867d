#include "store_sql.h"

#include <dlfcn.h>
#include <sqlite3.h>

#include <cstdlib>

namespace cala::tests {

namespace {

template <typename Function>
Function *function_of(void *library, const char *name) {
  return reinterpret_cast<Function *>(dlsym(library, name));
}

std::string run_in_sqlite(const std::string &path, const std::string &sql) {
  void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return dlerror();
  auto *open_database = function_of<decltype(sqlite3_open)>(library, "sqlite3_open");
  auto *execute = function_of<decltype(sqlite3_exec)>(library, "sqlite3_exec");
  auto *message = function_of<decltype(sqlite3_errmsg)>(library, "sqlite3_errmsg");
  auto *close_database = function_of<decltype(sqlite3_close)>(library, "sqlite3_close");
  sqlite3 *database = nullptr;
  std::string wrong;
  if (open_database(path.c_str(), &database) != SQLITE_OK ||
      execute(database, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    wrong = message(database);
  }
  close_database(database);
  return wrong;
}

std::string run_in_postgres(const std::string &sql) {
  void *library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return dlerror();
  auto *connect_to = function_of<void *(const char *)>(library, "PQconnectdb");
  auto *execute = function_of<void *(void *, const char *)>(library, "PQexec");
  auto *status = function_of<int(const void *)>(library, "PQresultStatus");
  auto *message = function_of<const char *(const void *)>(library, "PQerrorMessage");
  auto *clear = function_of<void(void *)>(library, "PQclear");
  auto *finish = function_of<void(void *)>(library, "PQfinish");
  constexpr int command_ok = 1;  // PGRES_COMMAND_OK
  void *connection =
      connect_to(std::getenv("CALA_TEST_POSTGRES"));  // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
  void *result = execute(connection, sql.c_str());
  const std::string wrong = status(result) == command_ok ? "" : message(connection);
  clear(result);
  finish(connection);
  return wrong;
}

}  // namespace

std::string run_sql(const TestStore &store, const std::string &sql) {
  return store.kind() == StoreKind::kSqlite ? run_in_sqlite(store.path(), sql) : run_in_postgres(sql);
}

}  // namespace cala::tests
