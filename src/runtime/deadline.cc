#include "runtime/deadline.h"

#include <algorithm>
#include <limits>

namespace cala::runtime {

Deadline Deadline::after_ms(std::int32_t timeout_ms) {
  Deadline deadline;
  if (timeout_ms >= 0) deadline.at_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
  return deadline;
}

std::int32_t Deadline::remaining_ms() const {
  if (!at_.has_value()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*at_ - Clock::now()).count();
  using Count = decltype(left);
  const Count longest = std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(std::clamp<Count>(left, 0, longest));
}

}  // namespace cala::runtime
