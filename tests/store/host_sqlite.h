// The program's own copy of SQLite: the system's shared library, loaded at run time. It is another copy than the one
// inside the library under test: other variables, other locks, other notes about files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "store/port.h"

struct sqlite3;

namespace cala::tests {

struct HostFunctions;

class HostSqlite {
 public:
  // Null where the system has no libsqlite3.so.0.
  static const HostFunctions *functions();
  // True when the two copies share nothing: they have different tables of file systems.
  static bool is_another_copy();

  // Fails the test when the file cannot be opened.
  explicit HostSqlite(const std::string &path);
  ~HostSqlite();
  HostSqlite(const HostSqlite &) = delete;
  HostSqlite &operator=(const HostSqlite &) = delete;

  // A statement with at most one text parameter and one text answer, empty when there is none.
  base::Result<std::string> run(const std::string &sql, const std::string *parameter = nullptr);
  // As a program's driver does it: encode, run, decode.
  base::Result<store::Answer> ask(const store::Dialect &dialect, const store::Request &request);

 private:
  const HostFunctions *call_;
  sqlite3 *handle_ = nullptr;
};

}  // namespace cala::tests
