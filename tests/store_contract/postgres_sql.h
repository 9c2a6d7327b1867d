// SqlConnection: plain SQL on a PostgreSQL connection of the test's own, for what no ledger does: other roles, other
// isolation levels, killed backends, a look at the tables. It finds libpq by itself, so that it shares nothing with
// what is tested. One thread at a time.
#pragma once

#include <memory>
#include <string>

namespace cala::tests {

class SqlConnection {
 public:
  // nullptr when it cannot connect.
  static std::unique_ptr<SqlConnection> open(const std::string &connection_string);
  ~SqlConnection();
  SqlConnection(const SqlConnection &) = delete;
  SqlConnection &operator=(const SqlConnection &) = delete;

  // The first value of the first row of the last statement, or "SQLSTATE message" after "!" when one failed.
  std::string run(const std::string &sql);
  // The same for one statement with one text parameter, $1.
  std::string run(const std::string &sql, const std::string &parameter);

 private:
  explicit SqlConnection(void *connection) : connection_(connection) {}
  std::string text_of(void *result);
  void *connection_;
};

}  // namespace cala::tests
