#include "runtime/clock.h"

#include <chrono>

namespace cala::runtime {

namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kMinMicros = base::Timestamp::kMinSeconds * kMicrosPerSecond;
constexpr std::int64_t kMaxMicros = base::Timestamp::kMaxSeconds * kMicrosPerSecond + (kMicrosPerSecond - 1);

base::Timestamp from_micros(std::int64_t micros) {
  std::int64_t seconds = micros / kMicrosPerSecond;
  std::int64_t rest = micros % kMicrosPerSecond;
  if (rest < 0) {
    rest += kMicrosPerSecond;
    --seconds;
  }
  return {seconds, static_cast<std::int32_t>(rest * 1000)};
}

// Callers have checked the range, so this cannot overflow.
std::int64_t to_micros(base::Timestamp instant) { return instant.seconds * kMicrosPerSecond + instant.nanos / 1000; }

bool in_range(base::Timestamp instant) {
  return instant.seconds >= base::Timestamp::kMinSeconds && instant.seconds <= base::Timestamp::kMaxSeconds &&
         instant.nanos >= 0 && instant.nanos < 1'000'000'000;
}

base::Error out_of_range() {
  return base::make_error(base::Status::kInvalid, "clock.range",
                          "the clock can only be set to an instant of the years 0001 to 9999");
}

}  // namespace

base::Timestamp SystemClock::now() const {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  return from_micros(std::chrono::floor<std::chrono::microseconds>(wall).count());
}

ManualClock::ManualClock(base::Timestamp start) : micros_(in_range(start) ? to_micros(start) : 0) {}

base::Timestamp ManualClock::now() const { return from_micros(micros_.load(std::memory_order_acquire)); }

base::Outcome ManualClock::set(base::Timestamp instant) {
  if (!in_range(instant)) return out_of_range();
  micros_.store(to_micros(instant), std::memory_order_release);
  return {};
}

base::Outcome ManualClock::advance_micros(std::int64_t micros) {
  if (micros < 0) {
    return base::make_error(base::Status::kInvalid, "clock.range", "a clock is advanced by zero or more");
  }
  std::int64_t before = micros_.load(std::memory_order_relaxed);
  do {
    if (micros > kMaxMicros - kMinMicros || before > kMaxMicros - micros) return out_of_range();
  } while (!micros_.compare_exchange_weak(before, before + micros, std::memory_order_acq_rel));
  return {};
}

base::Outcome ManualClock::advance_millis(std::int64_t millis) {
  if (millis > (kMaxMicros - kMinMicros) / 1000) return out_of_range();
  return advance_micros(millis < 0 ? -1 : millis * 1000);
}

}  // namespace cala::runtime
