#include "log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <string>

namespace outbox {
namespace {

std::atomic<bool> quiet_{false};

// What a client sent cannot begin a line of its own or steer a terminal: U+0000 to U+001F and U+007F to U+009F.
std::string printable(std::string_view line) {
  std::string text;
  text.reserve(line.size());
  unsigned char before = 0;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_c1 = before == 0xC2 && byte >= 0x80 && byte < 0xA0;
    if (is_c1) text.pop_back();
    text.push_back(byte < 0x20 || byte == 0x7F || is_c1 ? '?' : c);
    before = byte;
  }
  return text;
}

void write_line(const char *level, std::string_view line) {
  char when[32];
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ ", &parts);
  std::string whole = when;
  whole.append(level).append(printable(line)).push_back('\n');
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
