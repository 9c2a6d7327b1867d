// fork_generation: how a process notices that it is a forked child, at the price of a load. Whatever must not be used
// on both sides of a fork (randomness in stock, connections, threads) remembers the number it was made under, and
// compares. Thread-safe, and safe in a child of a process with threads: it takes no lock.
#pragma once

#include <atomic>
#include <cstdint>

namespace cala::platform {

// Never 0. The same on every call in one process; another one in a child that was forked from it.
std::uint64_t fork_generation();

// Notes in `first`, which is 0 before, the process that asks first. False in every other: those forked from it.
inline bool is_first_process(std::atomic<std::uint64_t> &first) {
  std::uint64_t noted = 0;
  const std::uint64_t process = fork_generation();
  return first.compare_exchange_strong(noted, process) || noted == process;
}

}  // namespace cala::platform
