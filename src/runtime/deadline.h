// Deadline: the moment a wait gives up, from a timeout in milliseconds where -1 (or less) means never. Steady clock, so
// a changed wall clock neither shortens nor lengthens a wait. A plain value; share it freely.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace cala::runtime {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline never() { return Deadline(); }
  static Deadline after_ms(std::int32_t timeout_ms);

  bool passed() const { return at_.has_value() && Clock::now() >= *at_; }
  std::int32_t remaining_ms() const;  // -1: never; rounded up, so that 0 means passed (what poll(2) takes)

  // Waits until `ready()` holds or time is up; returns what ready() says last.
  template <typename Ready>
  bool wait(std::condition_variable &changed, std::unique_lock<std::mutex> &lock, Ready ready) const {
    if (at_.has_value()) return changed.wait_until(lock, *at_, ready);
    changed.wait(lock, ready);
    return true;
  }

 private:
  std::optional<Clock::time_point> at_;
};

}  // namespace cala::runtime
