// OneShot: a latch that is set once and waited for with a timeout, for a caller that blocks on one operation.
// Everything the setter wrote before set() is visible to whoever saw it set. Thread rule: safe from every thread; the
// setter and the waiter each keep it alive (std::shared_ptr), since a waiter whose time is up leaves first.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace cala::runtime {

class OneShot {
 public:
  void set();
  bool is_set() const;
  bool wait(std::int32_t timeout_ms);  // true: set; false: time is up. -1 waits forever, 0 only looks.

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace cala::runtime
