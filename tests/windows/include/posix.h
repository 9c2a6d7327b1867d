/* What the C tests of tests/abi ask of POSIX, in Windows' words, for tools/try_target. Descriptors are sockets there. A
 * test that forks is skipped: no process of Windows' is a copy of another. */
#ifndef CALA_TESTS_WINDOWS_POSIX_H
#define CALA_TESTS_WINDOWS_POSIX_H

/* winsock2.h goes before windows.h. */
/* clang-format off */
#include <winsock2.h>
#include <windows.h>
/* clang-format on */

#include <direct.h>
#include <fcntl.h>
#include <io.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#undef ERROR /* a kind of handle in the tests, a region of the screen in wingdi.h */

#define poll(sockets, count, timeout_ms) WSAPoll((sockets), (count), (timeout_ms))
#define close(socket) closesocket((SOCKET)(socket))
#define read(socket, to, size) recv((SOCKET)(socket), (to), (size), 0)

#define F_GETFD 1
#define F_GETFL 2
#define FD_CLOEXEC 1
#define O_NONBLOCK 4

/* Windows tells of no socket whether it waits: one that has nothing to read must say so at once. */
static inline int fcntl(int socket, int what) {
  DWORD flags = 0;
  char byte;
  if (what == F_GETFD) {
    return GetHandleInformation((HANDLE)(intptr_t)socket, &flags) && (flags & HANDLE_FLAG_INHERIT) == 0 ? FD_CLOEXEC
                                                                                                        : 0;
  }
  return recv((SOCKET)socket, &byte, 1, MSG_PEEK) < 0 && WSAGetLastError() == WSAEWOULDBLOCK ? O_NONBLOCK : 0;
}

static inline char *mkdtemp(char *pattern) {
  return _mktemp_s(pattern, strlen(pattern) + 1) == 0 && _mkdir(pattern) == 0 ? pattern : NULL;
}

static inline char *strndup(const char *text, size_t most) {
  const size_t size = strnlen(text, most);
  char *copy = calloc(size + 1, 1);
  return copy == NULL ? NULL : memcpy(copy, text, size);
}

#define fork() (print_message("no process here is a copy of another\n"), skip(), -1)
#define WNOHANG 1
#define SIGKILL 9
#define alarm(seconds) ((void)(seconds))
#define waitpid(child, status, options) ((void)(status), (void)(options), (child))
#define kill(process, signal) TerminateProcess((HANDLE)(intptr_t)(process), (signal))
#define WIFEXITED(status) ((status) == 0)
#define WEXITSTATUS(status) (status)
#define WIFSIGNALED(status) ((status) != 0)
#define WTERMSIG(status) (status)

#endif
