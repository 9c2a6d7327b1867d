// The linker sends the calls of some of SQLite's functions, and of dlsym, by which libpq's are found, to the functions
// here (--wrap in tests/CMakeLists.txt).
#include "failing_store.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <sys/socket.h>

#include <atomic>
#include <cstring>
#include <string_view>

extern "C" {
decltype(sqlite3_step) __real_sqlite3_step;              // NOLINT: the linker's name
decltype(sqlite3_exec) __real_sqlite3_exec;              // NOLINT
decltype(sqlite3_prepare_v2) __real_sqlite3_prepare_v2;  // NOLINT
decltype(sqlite3_prepare_v3) __real_sqlite3_prepare_v3;  // NOLINT
void *__real_dlsym(void *handle, const char *name);      // NOLINT
}

namespace cala::tests {
namespace {

constinit std::atomic<long> left{0};  // until the one that fails; 0 and below: none does

bool fails() { return left.load() > 0 && left.fetch_sub(1) == 1; }

// SQLite calls these functions itself, and would not hear of a failure that its own statement knows nothing of.
constinit thread_local bool inside_sqlite = false;

template <typename Real, typename... Arguments>
int sqlite_call(Real real, Arguments... arguments) {
  if (inside_sqlite) return real(arguments...);
  if (fails()) return SQLITE_IOERR;
  inside_sqlite = true;
  const int result = real(arguments...);
  inside_sqlite = false;
  return result;
}

constinit decltype(&::PQsocket) socket_of = nullptr;

void cut(PGconn *connection) {
  if (fails()) ::shutdown(socket_of(connection), SHUT_RDWR);
}

#define CALA_CUT_FUNCTIONS(X) \
  X(PQconnectPoll)            \
  X(PQsendQueryParams)        \
  X(PQsendQueryPrepared)      \
  X(PQsendPrepare)            \
  X(PQpipelineSync)           \
  X(PQconsumeInput)           \
  X(PQgetResult)              \
  X(PQexec)

#define CALA_DECLARE(name) constinit decltype(&::name) real_##name = nullptr;
CALA_CUT_FUNCTIONS(CALA_DECLARE)
#undef CALA_DECLARE

// The function as it is, on a connection that may just have been cut.
template <typename Function, Function *Real>
struct Wrapped;
template <typename Out, typename... Arguments, Out (**Real)(PGconn *, Arguments...)>
struct Wrapped<Out (*)(PGconn *, Arguments...), Real> {
  static Out call(PGconn *connection, Arguments... arguments) {
    cut(connection);
    return (*Real)(connection, arguments...);
  }
};

template <typename Function>
void assign(Function &out, const void *address) {
  std::memcpy(&out, &address, sizeof out);
}

template <typename Function, Function *Real>
void *wrapped(void *address) {
  assign(*Real, address);
  Function function = &Wrapped<Function, Real>::call;
  void *out = nullptr;
  std::memcpy(&out, &function, sizeof out);
  return out;
}

}  // namespace

void fail_store_call(std::size_t nth) { left.store(static_cast<long>(nth)); }

bool store_call_is_to_fail() { return left.load() > 0; }

bool store_call_failed() { return left.exchange(0) <= 0; }

}  // namespace cala::tests

extern "C" {
int __wrap_sqlite3_step(sqlite3_stmt *statement) {  // NOLINT
  return cala::tests::sqlite_call(__real_sqlite3_step, statement);
}
int __wrap_sqlite3_exec(sqlite3 *handle, const char *sql, int (*row)(void *, int, char **, char **),  // NOLINT
                        void *user, char **message) {
  return cala::tests::sqlite_call(__real_sqlite3_exec, handle, sql, row, user, message);
}
int __wrap_sqlite3_prepare_v2(sqlite3 *handle, const char *sql, int size, sqlite3_stmt **out,  // NOLINT
                              const char **rest) {
  return cala::tests::sqlite_call(__real_sqlite3_prepare_v2, handle, sql, size, out, rest);
}
int __wrap_sqlite3_prepare_v3(sqlite3 *handle, const char *sql, int size, unsigned flags,  // NOLINT
                              sqlite3_stmt **out, const char **rest) {
  return cala::tests::sqlite_call(__real_sqlite3_prepare_v3, handle, sql, size, flags, out, rest);
}

void *__wrap_dlsym(void *handle, const char *name) {  // NOLINT
  void *address = __real_dlsym(handle, name);
  const std::string_view wanted(name);
  if (address == nullptr) return address;
  if (wanted == "PQsocket") cala::tests::assign(cala::tests::socket_of, address);
#define CALA_WRAP(function) \
  if (wanted == #function) return cala::tests::wrapped<decltype(&::function), &cala::tests::real_##function>(address);
  CALA_CUT_FUNCTIONS(CALA_WRAP)
#undef CALA_WRAP
  return address;
}
}
