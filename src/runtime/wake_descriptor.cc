#include "runtime/wake_descriptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace cala::runtime {

namespace {

// Enough to empty the socket's buffer; an end, in case somebody wakes faster than we read. A byte left is spurious.
constexpr int kMostReads = 64;

base::Error no_descriptor(const char *what, int error_number) {
  base::Error error = base::make_error(base::Status::kUnavailable, "queue.descriptor",
                                       std::string(what) + " failed, errno " + std::to_string(error_number));
  error.retryable = true;
  return error;
}

}  // namespace

WakeDescriptor::~WakeDescriptor() { close_descriptors(); }

base::Outcome WakeDescriptor::open_pair() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return no_descriptor("socketpair", errno);
  }
  host_end_.store(ends[0]);
  library_end_.store(ends[1]);
  return {};
}

base::Result<int> WakeDescriptor::duplicate() {
  if (host_end_.load() < 0) {
    if (base::Outcome opened = open_pair(); !opened.ok()) return opened.error();
  }
  const int copy = fcntl(host_end_.load(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return no_descriptor("duplicating the descriptor", errno);
  return copy;
}

void WakeDescriptor::send() noexcept {
  const int end = library_end_.load();
  if (end < 0) return;
  const int kept = errno;
  (void)::send(end, "!", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  errno = kept;
}

void WakeDescriptor::clear() noexcept {
  const int end = host_end_.load();
  if (end < 0) return;
  const int kept = errno;
  char bytes[256];
  for (int i = 0; i < kMostReads; ++i) {
    if (recv(end, bytes, sizeof bytes, MSG_DONTWAIT) < static_cast<ssize_t>(sizeof bytes)) break;
  }
  errno = kept;
}

void WakeDescriptor::close_descriptors() noexcept {
  for (std::atomic<int> *end : {&host_end_, &library_end_}) {
    const int descriptor = end->exchange(-1);
    if (descriptor >= 0) close(descriptor);
  }
}

}  // namespace cala::runtime
