#include "platform/socket.h"

// winsock2.h goes before windows.h.
// clang-format off
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
// clang-format on

#include <array>

namespace cala::platform {

// Not WSAPoll: before Windows 10 2004 it does not say that a connection was refused.
int wait_for_socket(int socket, WaitFor what, int timeout_ms) {
  fd_set wanted;
  FD_ZERO(&wanted);
  FD_SET(static_cast<SOCKET>(socket), &wanted);
  fd_set failed = wanted;
  timeval time{timeout_ms / 1000, timeout_ms % 1000 * 1000};
  const bool reading = what == WaitFor::kReadable;
  return select(0, reading ? &wanted : nullptr, reading ? nullptr : &wanted, &failed, timeout_ms < 0 ? nullptr : &time);
}

// There is no forked child here that could ask.
bool point_nowhere(int) { return false; }

std::vector<std::string> unknown_host_texts() {
  std::vector<std::string> texts;
  for (const int code : {EAI_NONAME, EAI_AGAIN, EAI_FAIL, EAI_SERVICE}) texts.emplace_back(gai_strerrorA(code));
  return texts;
}

// libpq asks for them in English too.
std::vector<std::string> no_answer_texts() {
  std::vector<std::string> texts;
  for (const int code : {WSAECONNREFUSED, WSAETIMEDOUT, WSAEHOSTUNREACH, WSAENETUNREACH, WSAECONNRESET}) {
    std::array<char, 512> text{};
    DWORD size = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
                                static_cast<DWORD>(code), MAKELANGID(LANG_ENGLISH, SUBLANG_DEFAULT), text.data(),
                                static_cast<DWORD>(text.size()), nullptr);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' ')) --size;
    if (size > 0) texts.emplace_back(text.data(), size);
  }
  return texts;
}

}  // namespace cala::platform
