// Log: what an open ledger tells of its work, to one listener. A record has fixed words and numbers in it; of what a
// program or its people brought along (amounts, params, metadata, names, passwords, a database's own words) nothing
// comes this way.
//
// Thread rule: every method from every thread; none throws. Where nobody listens, hears() is a relaxed load and nothing
// else is done.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace cala::engine {

enum class LogLevel : std::uint8_t { kNone, kError, kWarn, kInfo, kDebug };
std::string_view level_name(LogLevel level);
std::optional<LogLevel> log_level_of(std::string_view word);

struct Course;

// One record. The texts are constants of the library's, or live as long as the call that tells it.
class LogEntry {
 public:
  struct Field {
    std::string_view key;
    std::variant<std::int64_t, std::string_view> value;
  };

  LogEntry(LogLevel level, std::string_view event, std::string_view message)
      : level_(level), event_(event), message_(message) {}

  LogEntry &with(std::string_view key, std::string_view text) noexcept;  // an empty one is left out
  LogEntry &with(std::string_view key, std::int64_t number) noexcept;
  LogEntry &with(std::string_view key, std::chrono::steady_clock::duration took) noexcept;  // in milliseconds
  LogEntry &with(const base::Error &error) noexcept;                                        // its code and SQLSTATE
  LogEntry &of(std::string_view operation, const Course &course) noexcept;                  // and its trace

  LogLevel level() const { return level_; }
  std::string_view event() const { return event_; }
  std::string_view message() const { return message_; }
  const Field *begin() const { return fields_.data(); }
  const Field *end() const { return fields_.data() + count_; }

 private:
  LogEntry &add(Field field) noexcept;

  LogLevel level_;
  std::string_view event_;
  std::string_view message_;
  std::array<Field, 12> fields_{};
  std::size_t count_ = 0;
};

class LogListener {
 public:
  virtual ~LogListener() = default;
  // False when the record was lost. Called by one thread at a time.
  virtual bool take(const LogEntry &entry) noexcept = 0;
  virtual void replaced() noexcept {}  // another has its place
};

// A traceparent of the W3C's: which trace of the program's an operation is part of. Empty: none.
class TraceParent {
 public:
  static constexpr std::size_t kLength = 55;  // of what every version of it begins with

  static std::optional<TraceParent> parse(std::string_view text) noexcept;
  std::string_view text() const { return {text_.data(), given_ ? kLength : 0}; }
  // What the database is told: nothing of a trace that nobody keeps, by the flag "sampled", the last digit's lowest
  // bit.
  std::string_view sampled() const {
    const char last = text_.back();
    return (last < 'a' ? last - '0' : last - 'a' + 10) % 2 == 1 ? text() : std::string_view();
  }

 private:
  std::array<char, kLength> text_{};
  bool given_ = false;
};

// What an operation went through until its answer, and what trace it is part of. The times are noted while somebody
// listens. One thread at a time, like the operation's.
struct Course {
  using Duration = std::chrono::steady_clock::duration;

  Duration line{};             // waiting for a thread
  Duration session{};          // and for a connection or the one writer
  Duration longest{};          // of its statements
  std::string_view statement;  // that one's name
  std::int64_t attempts = 0;
  TraceParent trace;

  void ran(std::string_view name, Duration took) noexcept {
    if (took <= longest) return;
    longest = took;
    statement = name;
  }
  void add(const Course &part) noexcept;
};

class Log {
 public:
  bool hears(LogLevel level) const noexcept { return level_.load(std::memory_order_relaxed) >= level; }
  bool listens() const noexcept { return hears(LogLevel::kError); }
  void tell(const LogEntry &entry) noexcept;

  // Takes the place of whoever listened before; null: nobody does. slow: operations that take longer are told of. False
  // after end().
  bool listen(std::shared_ptr<LogListener> listener, LogLevel level,
              std::optional<std::chrono::milliseconds> slow) noexcept;
  void end() noexcept;  // no record comes any more

  // An operation was answered.
  void answered(std::string_view operation, const Course &course, Course::Duration took,
                const base::Error *failure) noexcept;
  void failed(std::string_view operation, const base::Error &error) noexcept;
  // The store was lost, which is told once, until it answers again.
  void store_lost(std::string_view operation, const Course &course, const base::Error &error) noexcept;
  void store_answers() noexcept {
    if (lost_.load(std::memory_order_relaxed)) store_is_back();
  }
  void pool_exhausted(std::string_view operation, const Course &course, const base::Error &error,
                      Course::Duration waited) noexcept;

  std::int64_t lost_records() const { return lost_records_.load(std::memory_order_relaxed); }

 private:
  void store_is_back() noexcept;

  std::atomic<LogLevel> level_{LogLevel::kNone};
  std::atomic<std::int64_t> slow_ms_{-1};
  std::atomic<std::int64_t> lost_records_{0};
  std::atomic<bool> lost_{false};
  std::mutex mutex_;
  std::shared_ptr<LogListener> listener_;
  bool ended_ = false;
  std::chrono::steady_clock::time_point lost_at_{};
};

}  // namespace cala::engine
