#include "platform/thread.h"

#include <pthread.h>
#include <signal.h>

#include <cstring>

namespace cala::platform {

namespace {

static_assert(sizeof(pthread_t) <= sizeof(std::uintptr_t));

pthread_t own(Thread thread) {
  pthread_t out{};
  std::memcpy(&out, &thread.handle, sizeof out);
  return out;
}

struct Stack {
  std::uintptr_t lowest = 0;
  std::uintptr_t end = 0;
};

Stack stack_of_this_thread() {
  Stack out;
#ifdef __APPLE__
  out.end = reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(pthread_self()));
  out.lowest = out.end - pthread_get_stacksize_np(pthread_self());
#else
  pthread_attr_t attributes;
  void *lowest = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return out;
  if (pthread_attr_getstack(&attributes, &lowest, &size) == 0) {
    out.lowest = reinterpret_cast<std::uintptr_t>(lowest);
    out.end = out.lowest + size;
  }
  pthread_attr_destroy(&attributes);
#endif
  return out;
}

constexpr int kWriteSignals[] = {SIGPIPE, SIGXFSZ};

// Takes one that came meanwhile: it would be delivered as soon as it is let in.
void discard_if_new(int signal, const sigset_t &pending_before) {
  sigset_t pending;
  if (sigismember(&pending_before, signal) == 1 || sigpending(&pending) != 0) return;
  if (sigismember(&pending, signal) != 1) return;
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  int taken = 0;
  sigwait(&one, &taken);
}

}  // namespace

// A new thread inherits the mask.
int start_quiet_thread(ThreadKind kind, std::size_t stack_bytes, void *(*body)(void *), void *argument, Thread &out) {
  pthread_attr_t attributes;
  if (const int failed = pthread_attr_init(&attributes); failed != 0) return failed;
  pthread_attr_setstacksize(&attributes, stack_bytes);
  if (kind == ThreadKind::kDetached) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  const int failed = pthread_create(&thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (failed == 0) std::memcpy(&out.handle, &thread, sizeof thread);
  return failed;
}

bool is_this_thread(Thread thread) { return pthread_equal(own(thread), pthread_self()) != 0; }

void join_thread(Thread thread) { pthread_join(own(thread), nullptr); }

void let_go_of_thread(Thread thread) { pthread_detach(own(thread)); }

void name_this_thread(const char *name) {
#ifdef __APPLE__
  pthread_setname_np(name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

bool has_stack_left(std::size_t bytes) {
  thread_local constinit bool known = false;
  thread_local constinit Stack stack;
  if (!known) stack = stack_of_this_thread();
  known = true;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return here >= stack.lowest && here < stack.end && here - stack.lowest >= bytes;
}

void run_without_write_signals(void (*body)(void *), void *argument) {
  sigset_t blocked;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&blocked);
  for (const int signal : kWriteSignals) sigaddset(&blocked, signal);
  sigemptyset(&pending);
  sigpending(&pending);
  const bool changed = pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0;
  body(argument);
  if (!changed) return;
  for (const int signal : kWriteSignals) {
    if (sigismember(&before, signal) != 1) discard_if_new(signal, pending);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace cala::platform
