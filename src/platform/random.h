// The system's randomness, and what tells two processes apart where it gives none.
// Any thread; nothing is kept over a fork.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cala::platform {

// False when the system has none or forbids it: what is in `to` then is not random.
bool fill_random(std::uint8_t *to, std::size_t size);

std::uint64_t process_id();

}  // namespace cala::platform
