#include "usage.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cala::bench {

namespace {

// Of /proc/PID/stat: the parent, and ticks of the process and of its children that have ended.
struct Process {
  pid_t parent = 0;
  double own = 0;
  double children = 0;
};

// What the scheduler has counted of a process with one thread.
std::optional<double> nanoseconds_of(const std::string &pid) {
  std::ifstream file("/proc/" + pid + "/schedstat");
  double ran = 0;
  file >> ran;
  return file ? std::optional<double>(ran) : std::nullopt;
}

std::optional<Process> process_of(const std::string &pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  Process process;
  fields >> skipped >> process.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  double children_user = 0;
  double children_system = 0;
  fields >> user >> system >> children_user >> children_system;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  process.own = nanoseconds_of(pid).value_or((user + system) / ticks * 1e9) / 1e9;
  process.children = (children_user + children_system) / ticks;
  return fields ? std::optional<Process>(process) : std::nullopt;
}

std::optional<double> seconds_of_server(pid_t postmaster) {
  const std::optional<Process> top = process_of(std::to_string(postmaster));
  if (!top) return std::nullopt;
  double sum = top->own + top->children;
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const std::optional<Process> process = process_of(pid);
    if (process && process->parent == postmaster) sum += process->own;
  }
  return sum;
}

std::optional<std::string> answer(PGconn *connection, const char *sql) {
  PGresult *result = PQexec(connection, sql);
  std::optional<std::string> value;
  if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) value = PQgetvalue(result, 0, 0);
  PQclear(result);
  return value;
}

// A line "name: number" of a file of /proc.
std::optional<double> number_in(const char *path, const std::string &name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::strtod(line.c_str() + name.size() + 1, nullptr);
  }
  return std::nullopt;
}

std::optional<double> mebibytes(const std::string &name) {
  const std::optional<double> kilobytes = number_in("/proc/self/status", name);
  if (!kilobytes) return std::nullopt;
  return *kilobytes / 1024;
}

}  // namespace

Usage operator-(const Usage &after, const Usage &before) {
  Usage spent;
  spent.client_seconds = after.client_seconds - before.client_seconds;
  if (after.server_seconds && before.server_seconds)
    spent.server_seconds = *after.server_seconds - *before.server_seconds;
  if (after.written_bytes && before.written_bytes) spent.written_bytes = *after.written_bytes - *before.written_bytes;
  return spent;
}

Usage &operator+=(Usage &sum, const Usage &part) {
  sum.client_seconds += part.client_seconds;
  if (part.server_seconds) sum.server_seconds = sum.server_seconds.value_or(0) + *part.server_seconds;
  if (part.written_bytes) sum.written_bytes = sum.written_bytes.value_or(0) + *part.written_bytes;
  return sum;
}

Meter::Meter(const std::string &connection) {
  if (connection.empty()) return;
  PGconn *server = PQconnectdb(connection.c_str());
  connection_ = server;
  if (PQstatus(server) != CONNECTION_OK || PQhost(server)[0] != '/')
    return;  // a server on another machine has no /proc here
  const std::optional<Process> backend = process_of(std::to_string(PQbackendPID(server)));
  if (backend) postmaster_ = backend->parent;
}

Meter::~Meter() {
  if (connection_ != nullptr) PQfinish(static_cast<PGconn *>(connection_));
}

Usage Meter::read() const {
  Usage usage;
  usage.client_seconds = client_seconds();
  if (connection_ == nullptr) {
    usage.written_bytes = number_in("/proc/self/io", "wchar");
    return usage;
  }
  if (postmaster_ != 0) usage.server_seconds = seconds_of_server(postmaster_);
  const auto at = answer(static_cast<PGconn *>(connection_), "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
  if (at) usage.written_bytes = std::strtod(at->c_str(), nullptr);
  return usage;
}

double Meter::server_seconds() const { return postmaster_ != 0 ? seconds_of_server(postmaster_).value_or(0) : 0; }

double client_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

std::optional<double> resident_memory() { return mebibytes("VmRSS"); }
std::optional<double> peak_memory() { return mebibytes("VmHWM"); }

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace cala::bench
