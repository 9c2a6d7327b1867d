// The two clocks a ledger can own: the system's, and one that stands still until a test moves it.
// Both tell whole microseconds, as the ledger stores them. Thread rule: lock-free, safe from every thread and in a
// forked child.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/error.h"
#include "base/time.h"

namespace cala::runtime {

class SystemClock final : public base::Clock {
 public:
  base::Timestamp now() const override;
};

class ManualClock final : public base::Clock {
 public:
  explicit ManualClock(base::Timestamp start);  // nanoseconds below a microsecond are cut off
  base::Timestamp now() const override;

  // Any instant of the years 0001 to 9999, also an earlier one; else kInvalid "clock.range".
  base::Outcome set(base::Timestamp instant);
  // Forwards only: a negative step and one past the year 9999 are kInvalid "clock.range".
  base::Outcome advance_micros(std::int64_t micros);
  base::Outcome advance_millis(std::int64_t millis);

 private:
  std::atomic<std::int64_t> micros_;
};

}  // namespace cala::runtime
