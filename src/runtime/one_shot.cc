#include "runtime/one_shot.h"

#include "runtime/deadline.h"

namespace cala::runtime {

void OneShot::set() {
  const std::lock_guard<std::mutex> lock(mutex_);
  set_ = true;
  changed_.notify_all();
}

bool OneShot::is_set() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return set_;
}

bool OneShot::wait(std::int32_t timeout_ms) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (set_ || timeout_ms == 0) return set_;
  return Deadline::after_ms(timeout_ms).wait(changed_, lock, [this] { return set_; });
}

}  // namespace cala::runtime
