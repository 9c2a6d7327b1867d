// WakeDescriptor: a pair of sockets whose bytes say "look into the queue" (platform/wake_pair.h); made when the first
// duplicate is asked for, so that programs that do not poll pay nothing.
// Invariants: what waits in the socket is bounded by its buffer; send never blocks, never raises SIGPIPE, and a full
// buffer is readable anyway. Thread rule: duplicate() under the owner's lock, the rest from every thread; descriptors
// are closed only with the object, so a late send cannot hit a number that somebody else got meanwhile.
#pragma once

#include <atomic>

#include "base/error.h"

namespace cala::runtime {

class WakeDescriptor {
 public:
  WakeDescriptor() = default;
  WakeDescriptor(const WakeDescriptor &) = delete;
  WakeDescriptor &operator=(const WakeDescriptor &) = delete;
  ~WakeDescriptor();

  base::Result<int> duplicate();
  void send() noexcept;
  void clear() noexcept;  // takes the bytes that are there
  void close_descriptors() noexcept;

 private:
  base::Outcome open_pair();

  std::atomic<int> program_end_{-1};
  std::atomic<int> own_end_{-1};
};

}  // namespace cala::runtime
