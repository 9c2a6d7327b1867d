#include "platform/wake_pair.h"

// winsock2.h goes before windows.h.
// clang-format off
#include <winsock2.h>
#include <windows.h>
// clang-format on

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "platform/random.h"
#include "platform/windows/sockets.h"

namespace cala::platform {

namespace {

constexpr int kMostReads = 64;
constexpr int kMostStrangers = 64;  // who connect to the port in between

class Socket {
 public:
  explicit Socket(SOCKET socket = INVALID_SOCKET) : socket_(socket) {}
  Socket(Socket &&other) noexcept : socket_(std::exchange(other.socket_, INVALID_SOCKET)) {}
  Socket &operator=(Socket &&other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~Socket() {
    if (socket_ != INVALID_SOCKET) closesocket(socket_);
  }
  // A number of a socket is that of a handle, of which 32 bits count.
  bool is_open() const {
    return socket_ != INVALID_SOCKET && socket_ <= static_cast<SOCKET>(std::numeric_limits<int>::max());
  }
  SOCKET get() const { return socket_; }
  int release() { return static_cast<int>(std::exchange(socket_, INVALID_SOCKET)); }

 private:
  SOCKET socket_;
};

Socket make_socket() {
  return Socket(
      WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
}

bool set_option(const Socket &socket, int level, int option) {
  const BOOL on = TRUE;
  return setsockopt(socket.get(), level, option, reinterpret_cast<const char *>(&on), sizeof on) == 0;
}

bool without_waiting(const Socket &socket) {
  u_long on = 1;
  return ioctlsocket(socket.get(), static_cast<long>(FIONBIO), &on) == 0;
}

bool same_name(const sockaddr_in &a, const sockaddr_in &b) {
  return a.sin_family == b.sin_family && a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
}

using Secret = std::array<std::uint8_t, 16>;

bool passes(const Socket &from, const Socket &to, const Secret &secret) {
  if (send(from.get(), reinterpret_cast<const char *>(secret.data()), static_cast<int>(secret.size()), 0) !=
      static_cast<int>(secret.size())) {
    return false;
  }
  Secret got{};
  for (std::size_t filled = 0; filled < got.size();) {
    const int more =
        recv(to.get(), reinterpret_cast<char *>(got.data() + filled), static_cast<int>(got.size() - filled), 0);
    if (more <= 0) return false;
    filled += static_cast<std::size_t>(more);
  }
  return got == secret;
}

// The other end of our own connection. Anybody on this machine may connect to the port as long as it is open: he has
// another name than we, and does not know what we say to the other end.
Socket accept_own(const Socket &listener, const Socket &ours, const sockaddr_in &our_name) {
  Secret secret;
  if (!fill_random(secret.data(), secret.size())) return Socket();
  for (int i = 0; i < kMostStrangers; ++i) {
    sockaddr_in name{};
    int size = sizeof name;
    Socket other(accept(listener.get(), reinterpret_cast<sockaddr *>(&name), &size));
    if (!other.is_open()) return other;
    if (same_name(name, our_name)) return passes(ours, other, secret) ? std::move(other) : Socket();
  }
  return Socket();
}

int last_error() {
  const int error = WSAGetLastError();
  return error != 0 ? error : WSAECONNABORTED;
}

}  // namespace

int start_sockets() {
  static const int failed = [] {
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data);
  }();
  return failed;
}

// Windows has no socketpair: a connection over the loopback address to a port of our own, which is closed at once.
int open_wake_pair(WakePair &out) {
  if (const int failed = start_sockets(); failed != 0) return failed;
  WSASetLastError(0);
  sockaddr_in port{};
  port.sin_family = AF_INET;
  port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto *const address = reinterpret_cast<sockaddr *>(&port);
  int size = sizeof port;
  const Socket listener = make_socket();
  Socket ours = make_socket();
  // Exclusive: nobody else can take the port over.
  if (!listener.is_open() || !ours.is_open() || !set_option(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE) ||
      bind(listener.get(), address, size) != 0 || listen(listener.get(), SOMAXCONN) != 0 ||
      getsockname(listener.get(), address, &size) != 0 || connect(ours.get(), address, size) != 0) {
    return last_error();
  }
  sockaddr_in our_name{};
  size = sizeof our_name;
  if (getsockname(ours.get(), reinterpret_cast<sockaddr *>(&our_name), &size) != 0) return last_error();
  Socket other = accept_own(listener, ours, our_name);
  if (!other.is_open() || !without_waiting(ours) || !without_waiting(other) ||
      !set_option(other, IPPROTO_TCP, TCP_NODELAY)) {
    return last_error();
  }
  out.program_end = ours.release();
  out.own_end = other.release();
  return 0;
}

int duplicate_wake_end(int end, int &out) {
  WSAPROTOCOL_INFOW info;
  if (WSADuplicateSocketW(static_cast<SOCKET>(end), GetCurrentProcessId(), &info) != 0) return last_error();
  Socket copy(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &info, 0,
                         WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
  if (!copy.is_open() || !without_waiting(copy)) return last_error();
  out = copy.release();
  return 0;
}

void send_wake(int end) noexcept {
  const int kept = WSAGetLastError();
  (void)::send(static_cast<SOCKET>(end), "!", 1, 0);
  WSASetLastError(kept);
}

void clear_wakes(int end) noexcept {
  const int kept = WSAGetLastError();
  char bytes[256];
  for (int i = 0; i < kMostReads; ++i) {
    if (recv(static_cast<SOCKET>(end), bytes, sizeof bytes, 0) < static_cast<int>(sizeof bytes)) break;
  }
  WSASetLastError(kept);
}

void close_wake_end(int end) noexcept { closesocket(static_cast<SOCKET>(end)); }

}  // namespace cala::platform
