// What stands behind a Queue, for queue.cc (the producers' and the program's other side) and queue_reader.cc (read,
// drain, run) only. Invariant: one mutex guards everything but `rendered` and `rendered_for`, which belong to whoever
// is the reader, and `wake`, which looks after itself. One block on the heap,
// so that a forked child can leave it alone.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "runtime/queue.h"
#include "runtime/wake_descriptor.h"

namespace cala::runtime {

// "So many logs were dropped." One per queue, queued again and again; its count is fixed while a reader has it.
class DroppedMessage final : public Completion {
 public:
  std::uint64_t tag() const override { return count; }
  std::int32_t status() const override { return 0; }
  std::uint16_t type() const override { return static_cast<std::uint16_t>(MessageType::kDropped); }
  void append_data(std::string &out) const override;
  void deliver() override {
    if (callback != nullptr) callback(user, count);
  }

  std::uint64_t count = 0;
  Queue::DroppedFn callback = nullptr;
  void *user = nullptr;
  std::shared_ptr<const void> keep;
};

struct Queue::State {
  std::mutex mutex;
  std::condition_variable changed;

  CompletionList pending;     // producers append here
  CompletionList taken;       // the reader's share, older than pending
  CompletionList delivering;  // out with a callback that has not returned

  std::size_t capacity = kDefaultCapacity;
  std::size_t places = 0;  // reserved + undelivered
  std::size_t log_capacity = kDefaultLogCapacity;
  std::size_t logs = 0;  // undelivered

  std::shared_ptr<DroppedMessage> dropped = std::make_shared<DroppedMessage>();
  bool dropped_queued = false;
  std::uint64_t dropped_count = 0;
  DroppedFn dropped_callback = nullptr;
  void *dropped_user = nullptr;
  std::shared_ptr<const void> dropped_keep;

  bool closed = false;
  bool armed = true;        // the next push sends a byte
  bool owe_wake = false;    // wake() was called and a reader may have swallowed its byte
  bool wait_woken = false;  // a wake() or stop() that no wait has seen yet
  std::uint64_t wakes = 0;
  bool stop_run = false;
  bool stop_drain = false;

  bool reading = false;
  bool running = false;
  std::thread::id reader;
  std::uintptr_t reader_frame = 0;
  std::shared_ptr<Queue> keep_alive;  // while a callback may drop the last reference

  std::string rendered;  // the data of the front message, kept when it did not fit
  const Completion *rendered_for = nullptr;

  WakeDescriptor wake;

  bool own_reader() const { return reading && reader == std::this_thread::get_id(); }
  bool reader_is_gone(std::uintptr_t frame) const;
  bool empty() const { return pending.empty() && taken.empty(); }
  void queue_dropped();
  void prepare(Completion &completion);
  void give_back(const Completion &completion);
  void finish(const Completion &completion);
};

}  // namespace cala::runtime
