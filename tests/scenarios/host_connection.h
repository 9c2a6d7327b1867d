// HostConnection: a program's own connection to a test's ledger, with the program's own copy of SQLite or with libpq,
// on which it has a transaction and runs what operations ask for (cala_op_step). One thread at a time.
#pragma once

#include <cala.h>

#include <memory>
#include <string>

#include "ledger_client.h"

namespace cala::tests {

class HostConnection {
 public:
  // nullptr and a failed test where it cannot be opened.
  static std::unique_ptr<HostConnection> open(const TestStore &store);
  HostConnection() = default;
  HostConnection(const HostConnection &) = delete;
  HostConnection &operator=(const HostConnection &) = delete;
  virtual ~HostConnection() = default;

  // "" or what is wrong.
  virtual std::string execute(const std::string &sql) = 0;
  // Runs the statement that the operation is at and feeds it what comes of it.
  virtual std::int32_t feed(cala_op *op) = 0;
};

}  // namespace cala::tests
