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

}  // namespace cala::platform
