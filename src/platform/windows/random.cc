#include "platform/random.h"

// windows.h goes first.
// clang-format off
#include <windows.h>
#include <bcrypt.h>
// clang-format on

namespace cala::platform {

bool fill_random(std::uint8_t *to, std::size_t size) {
  return BCryptGenRandom(nullptr, to, static_cast<ULONG>(size), BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0;
}

std::uint64_t process_id() { return GetCurrentProcessId(); }

}  // namespace cala::platform
