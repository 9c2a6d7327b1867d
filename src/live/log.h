// QueueLog: a ledger's log on its way to the program, through a queue. The queue bounds it: records that nobody reads
// are dropped and counted, and no thread waits for a place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/log.h"
#include "runtime/clock.h"
#include "runtime/queue.h"

namespace cala::live {

// type: a record, or how many were dropped.
using LogFn = void (*)(void *user, std::int32_t type, const char *data, std::size_t length);

class QueueLog final : public engine::LogListener {
 public:
  QueueLog(std::shared_ptr<runtime::Queue> queue, LogFn fn, void *user);

  bool take(const engine::LogEntry &entry) noexcept override;
  void replaced() noexcept override;  // fn is not called any more

 private:
  struct Ear;
  class Record;

  const std::shared_ptr<runtime::Queue> queue_;
  const std::shared_ptr<Ear> ear_;
  const runtime::SystemClock clock_;
};

}  // namespace cala::live
