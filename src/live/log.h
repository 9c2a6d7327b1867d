// QueueLog: a ledger's log on its way to the program, through a queue. The queue bounds it: records that nobody reads
// are dropped and counted, and no thread waits for a place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "engine/log.h"
#include "runtime/clock.h"
#include "runtime/queue.h"

namespace cala::live {

// type: a record, or how many were dropped.
using LogFn = void (*)(void *user, std::int32_t type, const char *data, std::size_t length);

// Whom one ledger's records are for. They keep it until they are read.
class LogEar {
 public:
  LogEar(LogFn fn, void *user) : fn_(fn), user_(user) {}

  void hear(runtime::MessageType type, const char *data, std::size_t length) const;
  void *user() const { return user_; }
  bool is_called() const { return fn_ != nullptr; }
  void replace() noexcept { replaced_.store(true, std::memory_order_release); }

  // Asks the queue, and counts what it dropped: who takes the count finds all that were dropped until then.
  template <typename Ask>
  bool was_dropped(Ask ask) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool dropped = ask() == runtime::Queue::LogPlace::kFull;
    dropped_ += dropped ? 1 : 0;
    return dropped;
  }
  std::uint64_t take_dropped();
  std::uint64_t dropped();

 private:
  const LogFn fn_;
  void *const user_;
  std::atomic<bool> replaced_{false};
  std::mutex mutex_;
  std::uint64_t dropped_ = 0;
};

// Those who are called by one queue: each is told how many of its own ledger's records were dropped, one a message of
// the queue's. Safe from every thread.
class LogEars {
 public:
  static void give(runtime::Queue &queue, LogEars **out);  // the queue keeps them

  void add(std::shared_ptr<LogEar> ear);

 private:
  explicit LogEars(runtime::Queue &queue) : queue_(queue) {}
  static void dropped(void *ears, std::uint64_t count);
  LogEar *next_that_lost(std::uint64_t *lost, std::uint64_t *lost_by_others);

  runtime::Queue &queue_;  // that keeps these
  std::mutex mutex_;
  std::vector<std::shared_ptr<LogEar>> ears_;
  std::shared_ptr<LogEar> called_;  // a callback may leave by longjmp: nothing on its stack keeps it
};

class QueueLog final : public engine::LogListener {
 public:
  QueueLog(std::shared_ptr<runtime::Queue> queue, LogEars &ears, LogFn fn, void *user);

  bool take(const engine::LogEntry &entry) noexcept override;
  void replaced() noexcept override;  // fn is not called any more

 private:
  class Record;

  const std::shared_ptr<runtime::Queue> queue_;
  const std::shared_ptr<LogEar> ear_;
  const runtime::SystemClock clock_;
};

}  // namespace cala::live
