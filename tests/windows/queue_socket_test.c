/* A queue's descriptor on Windows is a socket: readable when there is something to read, through every copy, and nobody
 * else's. While queues are made, a stranger connects to every port that this process listens at, and talks. */
#include <cala.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

enum { STRANGERS = 20, MOST_QUEUES = 100000, SAFETY_MS = 60000 };

static volatile LONG stop = 0;
static volatile LONG strangers = 0;
static volatile LONG64 next_handle = 0; /* the number that the next socket is likely to have */

static void require(int holds, const char *what) {
  if (holds) return;
  printf("not so: %s\n", what);
  fflush(stdout);
  ExitProcess(1);
}

static int readable(SOCKET socket, int timeout_ms) {
  fd_set set;
  struct timeval time;
  time.tv_sec = timeout_ms / 1000;
  time.tv_usec = timeout_ms % 1000 * 1000;
  FD_ZERO(&set);
  FD_SET(socket, &set);
  return select(0, &set, NULL, NULL, &time) == 1;
}

static SOCKET new_socket(void) { return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED); }

/* The process' own listeners, by the numbers of its handles, so that the moment in which there is one is not missed. */
static int listens(SOCKET socket, struct sockaddr_in *address) {
  BOOL listening = FALSE;
  int size = sizeof listening;
  if (getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, (char *)&listening, &size) != 0 || !listening) return 0;
  size = sizeof *address;
  return getsockname(socket, (struct sockaddr *)address, &size) == 0;
}

static DWORD WINAPI connect_to_all(void *unused) {
  SOCKET stranger = INVALID_SOCKET;
  (void)unused;
  while (!stop) {
    SOCKET at;
    if (stranger == INVALID_SOCKET) stranger = new_socket();
    for (at = (SOCKET)next_handle; at < (SOCKET)next_handle + 16; at += 4) {
      struct sockaddr_in address;
      if (!listens(at, &address)) continue;
      if (connect(stranger, (struct sockaddr *)&address, sizeof address) == 0) {
        send(stranger, "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", 32, 0);
        InterlockedIncrement(&strangers);
      }
      closesocket(stranger);
      stranger = INVALID_SOCKET;
      break;
    }
  }
  if (stranger != INVALID_SOCKET) closesocket(stranger);
  return 0;
}

static void nobody_else_joins(void) {
  int made;
  const HANDLE stranger = CreateThread(NULL, 0, connect_to_all, NULL, 0, NULL);
  for (made = 0; strangers < STRANGERS; ++made) {
    cala_queue *queue = NULL;
    SOCKET socket = new_socket();
    require(made < MOST_QUEUES, "strangers find the port");
    InterlockedExchange64(&next_handle, (LONG64)socket);
    closesocket(socket);
    require(cala_queue_new(&queue, NULL) == CALA_OK, "a queue is made");
    socket = (SOCKET)cala_queue_fd(queue);
    require((int32_t)socket >= 0, "a queue has a socket while strangers connect");
    require(!readable(socket, 0), "nothing is to be read before a wake");
    require(cala_queue_wake(queue) == CALA_OK, "a queue is woken");
    require(readable(socket, SAFETY_MS), "a wake can be read");
    closesocket(socket);
    cala_queue_free(queue);
  }
  InterlockedExchange(&stop, 1);
  WaitForSingleObject(stranger, INFINITE);
  printf("%d queues, %ld strangers\n", made, (long)strangers);
}

static void an_answer_can_be_waited_for(void) {
  const char *config = "{\"store\": \"sqlite::memory:\"}";
  const char *request = "{\"code\": \"ALICE\", \"name\": \"Alice\"}";
  char bytes[64];
  uint64_t buffer[1024];
  size_t used = 0;
  cala_ledger *ledger = NULL;
  cala_queue *queue = NULL;
  cala_op *op = NULL;
  SOCKET first;
  SOCKET second;
  require(cala_ledger_open(config, strlen(config), &ledger, NULL) == CALA_OK, "a ledger opens");
  require(cala_queue_new(&queue, NULL) == CALA_OK, "a queue is made");
  first = (SOCKET)cala_queue_fd(queue);
  second = (SOCKET)cala_queue_fd(queue);
  require(first != second, "each descriptor is new");
  require(recv(first, bytes, sizeof bytes, 0) == SOCKET_ERROR && WSAGetLastError() == WSAEWOULDBLOCK, "it never waits");
  require(cala_account_create(ledger, NULL, request, strlen(request), &op, NULL) == CALA_OK, "an operation is made");
  require(cala_op_start(op, queue, NULL, NULL) == CALA_OK, "an operation is started");
  require(readable(first, SAFETY_MS) && readable(second, SAFETY_MS), "its answer shows at both");
  closesocket(first);
  require(cala_queue_read(queue, buffer, sizeof buffer, &used) == CALA_OK && used > 0, "its answer is read");
  require(!readable(second, 0), "then nothing is left");
  require(cala_op_status(op) == CALA_OK, "the account is there");
  closesocket(second);
  cala_op_free(op);
  cala_queue_free(queue);
  cala_ledger_free(ledger);
}

int main(void) {
  WSADATA data;
  require(WSAStartup(MAKEWORD(2, 2), &data) == 0, "sockets start");
  an_answer_can_be_waited_for();
  nobody_else_joins();
  puts("queue_socket_test: passed");
  return 0;
}
