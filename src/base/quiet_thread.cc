#include "base/quiet_thread.h"

#include <signal.h>

namespace cala::base {

// A new thread inherits the mask.
int start_quiet_thread(ThreadKind kind, std::size_t stack_bytes, void *(*body)(void *), void *argument,
                       pthread_t &out) {
  pthread_attr_t attributes;
  if (const int failed = pthread_attr_init(&attributes); failed != 0) return failed;
  pthread_attr_setstacksize(&attributes, stack_bytes);
  if (kind == ThreadKind::kDetached) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(&out, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return failed;
}

}  // namespace cala::base
