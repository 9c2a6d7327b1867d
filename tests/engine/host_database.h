// HostDatabase: a program with a SQLite connection of its own, on which it drives the ledger's operations by step and
// feed, and notes for each statement whether it could have written. One thread at a time.
#pragma once

#include <cala.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cala::tests {

struct DrivenOperation {
  cala_status status = CALA_OK;
  std::string status_name;
  std::string code;     // of the error
  std::string message;  // of the error
  std::int32_t tx_state = CALA_TX_USABLE;
  std::string result;              // of the answer
  std::vector<bool> writes;        // by statement: whether SQLite says that it may write
  std::vector<std::string> names;  // by statement
};

using MakeOperation = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

class HostDatabase {
 public:
  HostDatabase();
  ~HostDatabase();
  HostDatabase(const HostDatabase &) = delete;
  HostDatabase &operator=(const HostDatabase &) = delete;

  cala_op *make(MakeOperation operation, const std::string &request);
  // Runs to the end, or until stop_before_write says so and the next statement writes. Does not free the operation.
  DrivenOperation drive(cala_op *op, bool stop_before_write = false, const char *sql_before_write = nullptr);
  DrivenOperation run(MakeOperation operation, const std::string &request);  // make, drive, free

  // As run, but of statement `place`, from 0, what `change` makes of the answer is fed.
  using Garble = std::function<std::string(const std::string &answer)>;
  DrivenOperation run_garbled(MakeOperation operation, const std::string &request, std::size_t place,
                              const Garble &change);

  // From here on SQLite's function of that name, with so many arguments, answers 'x' on the program's connection.
  void override_function(const std::string &name, int arguments, bool aggregate);

  void execute(const char *sql);
  int changes() const { return sqlite3_total_changes(database_); }

 private:
  std::int32_t run_statement(cala_op *op, DrivenOperation &driven);

  std::size_t garbled_place_ = 0;
  Garble garble_;
  sqlite3 *database_ = nullptr;
  cala_ledger *ledger_ = nullptr;
  cala_tx *tx_ = nullptr;
};

}  // namespace cala::tests
