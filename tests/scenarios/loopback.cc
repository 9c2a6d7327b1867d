#include "loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace cala::tests {

LoopbackListener::LoopbackListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  good_ = ::bind(listener_, reinterpret_cast<sockaddr *>(&address), length) == 0 && ::listen(listener_, 16) == 0 &&
          ::getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &length) == 0;
  port_ = ntohs(address.sin_port);
}

LoopbackListener::~LoopbackListener() { ::close(listener_); }

int LoopbackListener::accept() const { return ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); }

int connect_to_unix_socket(const std::string &path) {
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (::connect(server, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0) return server;
  ::close(server);
  return -1;
}

// postgres://cala@/DATABASE?host=FOLDER
std::optional<DirectServer> DirectServer::of(const std::string &connection) {
  const std::size_t query = connection.find("?host=");
  const std::size_t slash = connection.find("@/");
  if (query == std::string::npos || slash == std::string::npos) return std::nullopt;
  return DirectServer{connection.substr(query + 6) + "/.s.PGSQL.5432", connection.substr(slash + 2, query - slash - 2)};
}

}  // namespace cala::tests
