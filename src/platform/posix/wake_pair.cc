#include "platform/wake_pair.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace cala::platform {

namespace {

constexpr int kLowestDescriptor = 3;

// Enough to empty the socket's buffer; an end, in case somebody wakes faster than we read. A byte left is spurious.
constexpr int kMostReads = 64;

}  // namespace

#ifdef __linux__

namespace {

constexpr int kSendFlags = MSG_NOSIGNAL | MSG_DONTWAIT;

}  // namespace

int open_wake_pair(WakePair &out) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) return errno;
  out = {ends[0], ends[1]};
  return 0;
}

#else

namespace {

constexpr int kSendFlags = MSG_DONTWAIT;

bool prepare(int end) {
  constexpr int on = 1;
  return fcntl(end, F_SETFD, FD_CLOEXEC) == 0 && fcntl(end, F_SETFL, O_NONBLOCK) == 0 &&
         setsockopt(end, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) == 0;
}

}  // namespace

// A child that another thread forks in between may inherit the two: this system has no call that does it at once.
int open_wake_pair(WakePair &out) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return errno;
  if (!prepare(ends[0]) || !prepare(ends[1])) {
    const int failed = errno;
    close(ends[0]);
    close(ends[1]);
    return failed;
  }
  out = {ends[0], ends[1]};
  return 0;
}

#endif

int duplicate_wake_end(int end, int &out) {
  out = fcntl(end, F_DUPFD_CLOEXEC, kLowestDescriptor);
  return out < 0 ? errno : 0;
}

void send_wake(int end) noexcept {
  const int kept = errno;
  (void)::send(end, "!", 1, kSendFlags);
  errno = kept;
}

void clear_wakes(int end) noexcept {
  const int kept = errno;
  char bytes[256];
  for (int i = 0; i < kMostReads; ++i) {
    if (recv(end, bytes, sizeof bytes, MSG_DONTWAIT) < static_cast<ssize_t>(sizeof bytes)) break;
  }
  errno = kept;
}

void close_wake_end(int end) noexcept { close(end); }

}  // namespace cala::platform
