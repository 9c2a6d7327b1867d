// Queue: where finished work waits for the program. Library threads push; the program reads framed messages (`read`),
// has its callbacks called (`drain`, `run`), or watches a descriptor.
// The library never calls the program from its own threads.
//
// Invariants:
// - Places: every piece of work takes a place before it starts (`reserve`) and holds it until its completion was read
//   or delivered, or the reservation was cancelled. So `push` always has room and drops nothing.
// - Wakes: a descriptor's byte is only a hint. Spurious bytes happen, a lost one does not: the queue is armed when a
//   reader leaves it empty, the push that finds it armed sends one byte, and a reader that leaves something behind
//   sends one itself. A wake() is answered again when a reader may have swallowed its byte.
// - One reader at a time: a second thread gets kBusy, a nested reader kMisuse.
// - A callback may do everything, including close the queue and drop the last reference: the queue then ends when
//   the drain does. No lock is held and no object with a destructor is alive on the stack across a callback, because a
//   callback may leave by longjmp. The thread that was left so may read or drain again from the same height of
//   its stack, or a little above, as a loop does. (Stacks are taken to grow downwards.)
//
// Thread rule: every method is safe from every thread. In a forked child every method answers kForked and the
// destructor closes the two descriptors and leaks the rest: what it holds belongs to the parent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/error.h"
#include "runtime/completion.h"

namespace cala::runtime {

// How `read` lays out a message: native endian, 8-aligned, data at header_len, the next one at message_len.
// Both may grow.
struct MessageHeader {
  std::uint32_t message_len;  // with header and padding
  std::uint16_t header_len;
  std::uint16_t type;
  std::uint64_t tag;
  std::int32_t status;
  std::uint32_t data_len;
};
static_assert(sizeof(MessageHeader) == 24);

class Queue : public std::enable_shared_from_this<Queue> {
 public:
  static constexpr std::size_t kDefaultCapacity = 65536;
  static constexpr std::size_t kDefaultLogCapacity = 1024;
  using DroppedFn = void (*)(void *user, std::uint64_t count);

  static base::Result<std::shared_ptr<Queue>> create();
  ~Queue();
  Queue(const Queue &) = delete;
  Queue &operator=(const Queue &) = delete;

  void set_capacity(std::size_t places);
  void set_log_capacity(std::size_t logs);
  // What a drain calls for a "dropped" message (a reader finds the count as tag and as data).
  // keep: what user belongs to.
  void set_dropped_callback(DroppedFn callback, void *user, std::shared_ptr<const void> keep = nullptr);

  // kBusy "queue.full" when in flight + undelivered fill the capacity, or `at_least` places where that is more.
  base::Outcome reserve(std::size_t at_least = 0);
  base::Outcome reserve_any();  // the same, without the bound: a shutdown must not be refused by a full queue
  void cancel_reservation();

  // Uses a reserved place. Never fails, never drops; a second push of the same completion does nothing. After close()
  // the place is given back and the completion is let go, since nobody can read it any more.
  void push(std::shared_ptr<Completion> completion) noexcept;
  enum class LogPlace : std::uint8_t { kFree, kFull, kClosed };
  // Needs no reservation. kFull: too many logs are waiting, and it was dropped and counted.
  LogPlace push_log(std::shared_ptr<Completion> log) noexcept;
  LogPlace place_for_log() noexcept;  // the same, asked before there is a log: kFull when one was counted as dropped
  void drop_log() noexcept;           // one that there was no memory for
  // From a drain's callback of dropped logs, which told of fewer than all of them: another message tells of the rest.
  void tell_dropped_again(std::uint64_t rest) noexcept;

  // A fresh duplicate of the queue's end of an AF_UNIX socketpair: close-on-exec, nonblocking, readable when there is
  // something to read. The caller closes it.
  base::Result<int> descriptor();

  // Copies finished messages into `buf`; returns how many, and their bytes in *used. When not even the first fits:
  // kInvalid "queue.buffer_too_small", *used = the bytes it needs, and nothing is lost.
  base::Result<std::size_t> read(void *buf, std::size_t cap, std::size_t *used);

  // Delivers what is waiting now, at most `max` (0: no limit); what arrives meanwhile waits for the next call.
  base::Result<int> drain(std::uint32_t max);

  // Drains and waits until stop(); kClosed when the queue is closed meanwhile.
  base::Outcome run();
  // Ends the drain in progress after its callback, the rest stays queued; ends a run(), or the next one when none is
  // running. A callback inside drain() that calls it ends that drain only. Ends a wait() like wake().
  void stop();

  // True: something is waiting. False: time is up, or wake() or stop() was called, also before. -1 waits forever.
  base::Result<bool> wait(std::int32_t timeout_ms);
  void wake();

  // The program is done with the queue: undelivered completions are let go, waits and runs end with kClosed.
  void close();

  std::size_t undelivered() const;  // messages waiting, logs included
  std::size_t places_taken() const;

 private:
  struct State;
  enum class Refusal { kNone, kForked, kClosed, kNested, kBusy };

  explicit Queue(std::unique_ptr<State> state);
  bool forked() const;
  static base::Error refusal_error(Refusal refusal);

  struct LogOffer;
  LogPlace offer_log(LogOffer offer) noexcept;
  Refusal enter(std::uintptr_t frame);
  void leave();
  int deliver_waiting(std::uint32_t max);
  std::size_t begin_round(std::uint32_t max);
  Completion *take_for_delivery();
  void delivered(Completion *completion);
  void mark_running();
  Refusal wait_for_run(bool *stopped);

  base::Result<std::size_t> fill(unsigned char *buf, std::size_t cap, std::size_t *used);
  std::shared_ptr<Completion> next_to_read();
  void render(const Completion &completion);
  void was_read(const Completion &completion);

  const std::uint64_t generation_;
  State *const state_;
};

}  // namespace cala::runtime
