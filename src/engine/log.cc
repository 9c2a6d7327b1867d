#include "engine/log.h"

#include <algorithm>
#include <utility>

namespace cala::engine {

namespace {

using base::Status;
using Clock = std::chrono::steady_clock;

constexpr std::array<std::string_view, 5> kLevelNames = {"none", "error", "warn", "info", "debug"};

std::int64_t milliseconds(Clock::duration took) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
}

// What nobody can do anything about by asking otherwise.
LogLevel level_of(const base::Error &error) {
  switch (error.status) {
    case Status::kInternal:
    case Status::kOutcomeUnknown:
    case Status::kNoMemory: return LogLevel::kError;
    case Status::kUnavailable:
    case Status::kPermission: return LogLevel::kWarn;
    default: return LogLevel::kDebug;
  }
}

LogEntry failure_of(const base::Error &error) {
  const LogLevel level = level_of(error);
  if (level == LogLevel::kDebug) return {level, "operation.refused", "an operation was refused"};
  return {level, "operation.failed", "an operation failed"};
}

}  // namespace

std::string_view level_name(LogLevel level) { return kLevelNames[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> log_level_of(std::string_view word) {
  for (std::size_t i = 1; i < kLevelNames.size(); ++i) {
    if (word == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

LogEntry &LogEntry::add(Field field) noexcept {
  if (count_ < fields_.size()) fields_[count_++] = field;
  return *this;
}

LogEntry &LogEntry::with(std::string_view key, std::string_view text) noexcept {
  return text.empty() ? *this : add({key, text});
}

LogEntry &LogEntry::with(std::string_view key, std::int64_t number) noexcept { return add({key, number}); }

LogEntry &LogEntry::with(std::string_view key, Clock::duration took) noexcept { return add({key, milliseconds(took)}); }

LogEntry &LogEntry::with(const base::Error &error) noexcept {
  return with("code", std::string_view(error.code)).with("sqlstate", std::string_view(error.sqlstate));
}

LogEntry &LogEntry::of(std::string_view operation, const Course &course) noexcept {
  return with("operation", operation).with("traceparent", course.trace.text());
}

// version-trace-parent-flags, in lower case hexadecimal digits; later versions may have more behind it.
std::optional<TraceParent> TraceParent::parse(std::string_view text) noexcept {
  constexpr std::string_view kShape = "00-00000000000000000000000000000000-0000000000000000-00";
  static_assert(kShape.size() == kLength);
  if (text.size() < kLength) return std::nullopt;
  for (std::size_t i = 0; i < kLength; ++i) {
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (kShape[i] == '-' ? text[i] != '-' : !hex) return std::nullopt;
  }
  const std::string_view version = text.substr(0, 2);
  if (version == "ff" || text.find_first_not_of('0', 3) == 35 || text.find_first_not_of('0', 36) == 52) {
    return std::nullopt;
  }
  if (text.size() > kLength && (version == "00" || text[kLength] != '-')) return std::nullopt;
  TraceParent out;
  text.copy(out.text_.data(), kLength);
  out.given_ = true;
  return out;
}

void Course::add(const Course &part) noexcept {
  session += part.session;
  attempts += part.attempts;
  ran(part.statement, part.longest);
}

void Log::tell(const LogEntry &entry) noexcept {
  if (!hears(entry.level())) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (listener_ == nullptr || listener_->take(entry)) return;
  lost_records_.fetch_add(1, std::memory_order_relaxed);
}

bool Log::listen(std::shared_ptr<LogListener> listener, LogLevel level,
                 std::optional<std::chrono::milliseconds> slow) noexcept {
  std::shared_ptr<LogListener> before;  // ends after the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ended_) return false;
  before = std::exchange(listener_, std::move(listener));
  if (before != nullptr) before->replaced();
  slow_ms_.store(slow ? slow->count() : -1, std::memory_order_relaxed);
  level_.store(listener_ == nullptr ? LogLevel::kNone : level, std::memory_order_relaxed);
  return true;
}

void Log::end() noexcept {
  std::shared_ptr<LogListener> before;  // ends after the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  level_.store(LogLevel::kNone, std::memory_order_relaxed);
  before = std::move(listener_);
}

void Log::answered(std::string_view operation, const Course &course, Course::Duration took,
                   const base::Error *failure) noexcept {
  if (failure != nullptr && hears(level_of(*failure))) {
    tell(failure_of(*failure).of(operation, course).with(*failure).with("took_ms", took));
  }
  const std::int64_t slow = slow_ms_.load(std::memory_order_relaxed);
  if (slow < 0 || milliseconds(took) < slow || !hears(LogLevel::kWarn)) return;
  LogEntry entry(LogLevel::kWarn, "operation.slow", "an operation took long");
  entry.of(operation, course).with("took_ms", took).with("line_ms", course.line);
  entry.with("session_ms", course.session).with("attempts", std::max<std::int64_t>(course.attempts, 1));
  if (!course.statement.empty()) entry.with("statement", course.statement).with("statement_ms", course.longest);
  if (failure != nullptr) entry.with("code", std::string_view(failure->code));
  tell(entry);
}

void Log::failed(std::string_view operation, const base::Error &error) noexcept {
  if (hears(level_of(error))) tell(failure_of(error).with("operation", operation).with(error));
}

void Log::store_lost(std::string_view operation, const Course &course, const base::Error &error) noexcept {
  if (!hears(LogLevel::kWarn) || lost_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (lost_.load(std::memory_order_relaxed)) return;
    lost_at_ = Clock::now();
    lost_.store(true, std::memory_order_relaxed);
  }
  tell(LogEntry(LogLevel::kWarn, "store.lost", "the store does not answer").of(operation, course).with(error));
}

void Log::store_is_back() noexcept {
  Clock::duration away{};
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!lost_.load(std::memory_order_relaxed)) return;
    away = Clock::now() - lost_at_;
    lost_.store(false, std::memory_order_relaxed);
  }
  tell(LogEntry(LogLevel::kInfo, "store.reached", "the store answers again").with("away_ms", away));
}

void Log::pool_exhausted(std::string_view operation, const Course &course, const base::Error &error,
                         Course::Duration waited) noexcept {
  if (!hears(LogLevel::kWarn)) return;
  LogEntry entry(LogLevel::kWarn, "pool.exhausted", "no connection, or the one writer, came free in time");
  tell(entry.of(operation, course).with(error).with("session_ms", waited));
}

}  // namespace cala::engine
