#include "platform/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace cala::platform {

int wait_for_socket(int socket, WaitFor what, int timeout_ms) {
  pollfd ready{};
  ready.fd = socket;
  ready.events = what == WaitFor::kReadable ? POLLIN : POLLOUT;
  const int count = ::poll(&ready, 1, timeout_ms);
  return count < 0 && errno == EINTR ? 0 : count;
}

bool point_nowhere(int socket) {
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere < 0) return false;
  if (socket >= 0) ::dup2(nowhere, socket);
  ::close(nowhere);
  return true;
}

std::vector<std::string> unknown_host_texts() {
  std::vector<std::string> texts;
  for (const int code : {EAI_NONAME, EAI_AGAIN, EAI_FAIL,
#ifdef EAI_NODATA
                         EAI_NODATA,
#endif
                         EAI_SERVICE}) {
    texts.emplace_back(gai_strerror(code));
  }
  return texts;
}

std::vector<std::string> no_answer_texts() {
  std::vector<std::string> texts;
  for (const int code : {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ECONNRESET, ENOENT, EACCES}) {
    texts.push_back(std::generic_category().message(code));
  }
  return texts;
}

}  // namespace cala::platform
