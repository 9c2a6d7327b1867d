#include "store_contract/postgres_sql.h"

#include <dlfcn.h>

namespace cala::tests {
namespace {

template <typename Function>
Function *function(const char *name) {
  static void *const library = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  return reinterpret_cast<Function *>(dlsym(library, name));
}

constexpr int kConnectionOk = 0;  // the first of libpq's ConnStatusType
constexpr int kSqlState = 'C';    // PG_DIAG_SQLSTATE and PG_DIAG_MESSAGE_PRIMARY
constexpr int kMessage = 'M';

}  // namespace

std::unique_ptr<SqlConnection> SqlConnection::open(const std::string &connection_string) {
  void *connection = function<void *(const char *)>("PQconnectdb")(connection_string.c_str());
  std::unique_ptr<SqlConnection> opened(new SqlConnection(connection));
  if (function<int(void *)>("PQstatus")(connection) != kConnectionOk) return nullptr;
  opened->run("SET client_min_messages = error");
  return opened;
}

SqlConnection::~SqlConnection() { function<void(void *)>("PQfinish")(connection_); }

std::string SqlConnection::text_of(void *result) {
  std::string text;
  const auto field = function<char *(void *, int)>("PQresultErrorField");
  if (const char *sqlstate = field(result, kSqlState)) {
    text = std::string("!") + sqlstate + " " + field(result, kMessage);
  } else if (function<int(void *)>("PQntuples")(result) > 0) {
    text = function<char *(void *, int, int)>("PQgetvalue")(result, 0, 0);
  }
  function<void(void *)>("PQclear")(result);
  return text;
}

std::string SqlConnection::run(const std::string &sql) {
  return text_of(function<void *(void *, const char *)>("PQexec")(connection_, sql.c_str()));
}

std::string SqlConnection::run(const std::string &sql, const std::string &parameter) {
  const char *value = parameter.c_str();
  using Exec = void *(void *, const char *, int, const void *, const char *const *, const int *, const int *, int);
  return text_of(function<Exec>("PQexecParams")(connection_, sql.c_str(), 1, nullptr, &value, nullptr, nullptr, 0));
}

}  // namespace cala::tests
