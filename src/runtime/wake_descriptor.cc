#include "runtime/wake_descriptor.h"

#include <string>

#include "platform/wake_pair.h"

namespace cala::runtime {

namespace {

base::Error no_descriptor(const char *what, int error_number) {
  base::Error error = base::make_error(base::Status::kUnavailable, "queue.descriptor",
                                       std::string(what) + " failed, errno " + std::to_string(error_number));
  error.retryable = true;
  return error;
}

}  // namespace

WakeDescriptor::~WakeDescriptor() { close_descriptors(); }

base::Outcome WakeDescriptor::open_pair() {
  platform::WakePair ends;
  if (const int failed = platform::open_wake_pair(ends); failed != 0) return no_descriptor("socketpair", failed);
  program_end_.store(ends.program_end);
  own_end_.store(ends.own_end);
  return {};
}

base::Result<int> WakeDescriptor::duplicate() {
  if (program_end_.load() < 0) {
    if (base::Outcome opened = open_pair(); !opened.ok()) return opened.error();
  }
  int copy = -1;
  const int failed = platform::duplicate_wake_end(program_end_.load(), copy);
  if (failed != 0) return no_descriptor("duplicating the descriptor", failed);
  return copy;
}

void WakeDescriptor::send() noexcept {
  if (const int end = own_end_.load(); end >= 0) platform::send_wake(end);
}

void WakeDescriptor::clear() noexcept {
  if (const int end = program_end_.load(); end >= 0) platform::clear_wakes(end);
}

void WakeDescriptor::close_descriptors() noexcept {
  for (std::atomic<int> *end : {&program_end_, &own_end_}) {
    const int descriptor = end->exchange(-1);
    if (descriptor >= 0) platform::close_wake_end(descriptor);
  }
}

}  // namespace cala::runtime
