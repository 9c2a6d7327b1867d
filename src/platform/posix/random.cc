#include "platform/random.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace cala::platform {

#ifdef __linux__

bool fill_random(std::uint8_t *to, std::size_t size) {
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t got = getrandom(to + filled, size - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    filled += static_cast<std::size_t>(got);
  }
  return true;
}

#else

bool fill_random(std::uint8_t *to, std::size_t size) {
  constexpr std::size_t kMostAtOnce = 256;
  for (std::size_t filled = 0; filled < size;) {
    const std::size_t part = std::min(size - filled, kMostAtOnce);
    if (getentropy(to + filled, part) != 0) return false;
    filled += part;
  }
  return true;
}

#endif

std::uint64_t process_id() { return static_cast<std::uint64_t>(getpid()); }

}  // namespace cala::platform
