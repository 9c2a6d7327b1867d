#include "runtime/fork_guard.h"

#include <pthread.h>

#include <atomic>
#include <string>

namespace cala::runtime {

namespace {

constinit std::atomic<std::uint32_t> generation{0};

void count_fork() { generation.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

std::uint32_t fork_generation() {
  // Handlers stay for the life of the process; the library is linked with -z nodelete, so the function stays as well.
  static const int installed = pthread_atfork(nullptr, nullptr, count_fork);
  (void)installed;
  return generation.load(std::memory_order_relaxed);
}

bool forked_since(std::uint32_t born) { return generation.load(std::memory_order_relaxed) != born; }

base::Error forked_error(std::string_view what) {
  std::string message(what);
  message += " was made before fork; open a new one in this process";
  return base::make_error(base::Status::kForked, "process.forked", std::move(message));
}

}  // namespace cala::runtime
