// Threads of ours, with every signal blocked from their first instruction on: a handler of the program's must never run
// there. The one place that starts threads. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cala::platform {

enum class ThreadKind { kJoined, kDetached };

struct Thread {
  std::uintptr_t handle = 0;  // what the system calls it
};

// 0, or the error's number; `out` is the thread. A joined one is later joined or let go, once.
int start_quiet_thread(ThreadKind kind, std::size_t stack_bytes, void *(*body)(void *), void *argument, Thread &out);
bool is_this_thread(Thread thread);
void join_thread(Thread thread);
void let_go_of_thread(Thread thread);

// What debuggers show; 15 characters at most.
void name_this_thread(const char *name);

// Whether the thread that calls has so much of its stack left. Not on a stack that it made itself, a fiber's.
bool has_stack_left(std::size_t bytes);

// Calls body, which does not throw, on a thread of the program's, without the signals that writing may raise, as ours
// never get them: a peer that is gone and a file that may not grow are errors, and not the end of the process.
void run_without_write_signals(void (*body)(void *), void *argument);

}  // namespace cala::platform
