#include "platform/thread.h"

// windows.h goes first.
// clang-format off
#include <windows.h>
#include <process.h>
// clang-format on

#include <cerrno>
#include <memory>
#include <new>
#include <string>

namespace cala::platform {

namespace {

struct Start {
  void *(*body)(void *);
  void *argument;
};

unsigned __stdcall run(void *given) {
  const Start start = *std::unique_ptr<Start>(static_cast<Start *>(given));
  start.body(start.argument);
  return 0;
}

// A program that unloaded the library would take the code from under its threads.
void stay_loaded() {
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                     reinterpret_cast<const wchar_t *>(&stay_loaded), &module);
}

HANDLE own(Thread thread) { return reinterpret_cast<HANDLE>(thread.handle); }

}  // namespace

// There are no signals that a handler of the program's could take here.
int start_quiet_thread(ThreadKind kind, std::size_t stack_bytes, void *(*body)(void *), void *argument, Thread &out) {
  std::unique_ptr<Start> start(new (std::nothrow) Start{body, argument});
  if (start == nullptr) return ENOMEM;
  stay_loaded();
  const std::uintptr_t handle = _beginthreadex(nullptr, static_cast<unsigned>(stack_bytes), run, start.get(),
                                               STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr);
  if (handle == 0) return errno;
  (void)start.release();
  out.handle = handle;
  if (kind == ThreadKind::kDetached) CloseHandle(own(out));
  return 0;
}

bool is_this_thread(Thread thread) { return GetThreadId(own(thread)) == GetCurrentThreadId(); }

void join_thread(Thread thread) {
  WaitForSingleObject(own(thread), INFINITE);
  CloseHandle(own(thread));
}

void let_go_of_thread(Thread thread) { CloseHandle(own(thread)); }

void name_this_thread(const char *name) {
  const std::string narrow(name);
  SetThreadDescription(GetCurrentThread(), std::wstring(narrow.begin(), narrow.end()).c_str());
}

bool has_stack_left(std::size_t bytes) {
  ULONG_PTR lowest = 0;
  ULONG_PTR end = 0;
  GetCurrentThreadStackLimits(&lowest, &end);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return here >= lowest && here < end && here - lowest >= bytes;
}

// Writing raises no signals here.
void run_without_write_signals(void (*body)(void *), void *argument) { body(argument); }

}  // namespace cala::platform
