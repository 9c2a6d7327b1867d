// start_quiet_thread: a thread of ours, with every signal blocked from its first instruction on: a handler of the
// program's must never run there. The one place that starts threads. Any thread.
#pragma once

#include <pthread.h>

#include <cstddef>

namespace cala::base {

enum class ThreadKind { kJoined, kDetached };

// 0, or the error's number; `out` is the thread.
int start_quiet_thread(ThreadKind kind, std::size_t stack_bytes, void *(*body)(void *), void *argument, pthread_t &out);

}  // namespace cala::base
