// What work costs besides time: CPU of this process and of the PostgreSQL server, bytes that the store wrote, memory.
// Linux only, from /proc; what cannot be told is absent.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace cala::bench {

struct Usage {
  double client_seconds = 0;             // user and system, all threads of this process
  std::optional<double> server_seconds;  // of the postmaster and all that it started, ended ones too
  std::optional<double> written_bytes;   // WAL of the server; for SQLite what this process has written
};

Usage operator-(const Usage &after, const Usage &before);
Usage &operator+=(Usage &sum, const Usage &part);

// Reads usage of this process and, with a connection string, of the server behind it.
class Meter {
 public:
  explicit Meter(const std::string &connection = "");
  ~Meter();
  Meter(const Meter &) = delete;
  Meter &operator=(const Meter &) = delete;

  Usage read() const;
  // Of the processor, by the server alone; 0 where it cannot be told.
  double server_seconds() const;

 private:
  void *connection_ = nullptr;
  pid_t postmaster_ = 0;
};

// Of the processor, by all threads of this process.
double client_seconds();

// Memory that this process has, and the most that it had since the last reset, in MiB.
std::optional<double> resident_memory();
std::optional<double> peak_memory();
void reset_peak_memory();

}  // namespace cala::bench
