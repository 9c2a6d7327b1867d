// What a proxy between libcala and the tests' PostgreSQL needs: an end that listens on 127.0.0.1,
// and the server's Unix socket.
#pragma once

#include <optional>
#include <string>

namespace cala::tests {

class LoopbackListener {
 public:
  LoopbackListener();
  ~LoopbackListener();
  LoopbackListener(const LoopbackListener &) = delete;
  LoopbackListener &operator=(const LoopbackListener &) = delete;

  bool good() const { return good_; }
  int port() const { return port_; }
  int descriptor() const { return listener_; }
  int accept() const;  // a connection, or below 0

 private:
  int listener_ = -1;
  bool good_ = false;
  int port_ = 0;
};

int connect_to_unix_socket(const std::string &path);  // a connection, or below 0

// What postgres_connection() says.
struct DirectServer {
  std::string socket_path;
  std::string database;

  static std::optional<DirectServer> of(const std::string &connection);
};

}  // namespace cala::tests
