#include "platform/fork_generation.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace cala::platform {
namespace {

#ifdef MADV_WIPEONFORK

constexpr std::size_t kPageSize = 4096;

struct alignas(kPageSize) Page {
  std::atomic<std::uint64_t> generation{0};
  std::array<std::byte, kPageSize - sizeof(std::atomic<std::uint64_t>)> rest{};
};
static_assert(sizeof(Page) == kPageSize);

// The kernel hands this page to a forked child as zeros. It is alone in its page, so nothing else is lost.
constinit Page page;
constinit std::atomic<std::uint64_t> generations{0};

// A kernel of greater pages than ours (arm64 has them of 16 and 64 KiB) takes the address when it happens to be that of
// such a page, and wipes all of it: what lies behind ours too. Emulators exist that answer every madvise with success
// and do nothing; they also take advice that does not exist. A kernel older than 4.14 says no.
bool kernel_wipes_page() {
  if (sysconf(_SC_PAGESIZE) != static_cast<long>(kPageSize)) return false;
  constexpr int no_such_advice = -1;
  return madvise(&page, kPageSize, no_such_advice) != 0 && madvise(&page, kPageSize, MADV_WIPEONFORK) == 0;
}

// The first call in this process.
std::uint64_t new_generation() {
  if (!kernel_wipes_page()) return static_cast<std::uint64_t>(getpid());
  std::uint64_t current = 0;
  const std::uint64_t fresh = generations.fetch_add(1, std::memory_order_relaxed) + 1;
  return page.generation.compare_exchange_strong(current, fresh, std::memory_order_relaxed) ? fresh : current;
}

}  // namespace

std::uint64_t fork_generation() {
  const std::uint64_t generation = page.generation.load(std::memory_order_relaxed);
  return generation != 0 ? generation : new_generation();
}

#else

}  // namespace

std::uint64_t fork_generation() { return static_cast<std::uint64_t>(getpid()); }

#endif

}  // namespace cala::platform
