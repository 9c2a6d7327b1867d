#include "log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <string>

namespace outbox {
namespace {

std::atomic<bool> quiet_{false};

void write_line(const char *level, std::string_view line) {
  char when[32];
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ ", &parts);
  std::string whole = when;
  whole.append(level).append(line).push_back('\n');
  // One call, so that lines of different threads stay lines. A log that cannot be written stops nothing.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, whole.data(), whole.size());
}

}  // namespace

void set_quiet(bool quiet) { quiet_ = quiet; }

void log_info(std::string_view line) {
  if (!quiet_) write_line("info ", line);
}

void log_error(std::string_view line) { write_line("error ", line); }

}  // namespace outbox
