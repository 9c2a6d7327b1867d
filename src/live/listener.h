// Listeners: who is told of events through a queue. ListenerState is one of them; ListenerHub is a ledger's pump,
// one long task on a lane of its own while there are listeners, which reads pages of the outbox and hands their events
// to the queues. It reads when this ledger has committed something, and otherwise now and then, longer apart while
// nothing comes.
//
// Nothing is dropped: each listener has so many events in its queue at most, and the pump reads on when some of them
// were taken.
//
// Thread rule: safe from every thread. The pump alone touches what is marked as its own. A hub outlives its ledger's
// threads, and listeners hold the hub, not the ledger; the pump uses the ledger only until it has ended.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/event.h"
#include "engine/runner.h"
#include "runtime/completion.h"
#include "runtime/queue.h"

namespace cala::live {

class LedgerState;
class ListenerHub;

// text: the event, or the error because of which no more come.
using EventFn = void (*)(void *user, std::int32_t status, const char *text, std::size_t length);

class ListenerState : public std::enable_shared_from_this<ListenerState> {
 public:
  struct Options {
    engine::EventQuery query;
    std::size_t buffer = 500;
    std::chrono::milliseconds poll{100};
  };

  ListenerState(std::shared_ptr<ListenerHub> hub, Options options, std::shared_ptr<runtime::Queue> queue, EventFn fn,
                void *user)
      : hub_(std::move(hub)), options_(std::move(options)), queue_(std::move(queue)), fn_(fn), user_(user) {
    place_.store(options_.query.after);
    taken_.store(options_.query.after);
  }

  void free();  // its handle is being freed
  bool freed() const { return freed_.load(std::memory_order_acquire); }
  std::int64_t place() const { return place_.load(std::memory_order_acquire); }
  // All that it waits for up to here has left the queue: never behind an event that left, never beyond one that waits.
  std::int64_t reached() noexcept;

 private:
  friend class ListenerHub;
  class Record;
  static constexpr std::chrono::milliseconds kFirstPause{5};

  void taken(std::int64_t place) noexcept;  // by the program, from the queue
  void dropped() noexcept;                  // by the queue, with what else was in it
  std::size_t room() const;
  // The pump's: reads once and hands on. When to read again is in due_.
  void read(LedgerState &ledger, engine::CancelToken &cancel);
  void read_page(LedgerState &ledger, engine::CancelToken &cancel);
  bool push(std::string text, std::int64_t place, base::Status status);
  void rest();

  const std::shared_ptr<ListenerHub> hub_;
  Options options_;
  const std::shared_ptr<runtime::Queue> queue_;
  const EventFn fn_;
  void *const user_;
  std::atomic<bool> freed_{false};
  std::atomic<std::size_t> waiting_{0};  // events in the queue
  std::atomic<bool> full_{false};        // the pump waits for room
  std::atomic<bool> lost_{false};        // an event was dropped
  std::atomic<std::int64_t> place_{0};   // read and put into the queue up to here
  std::atomic<std::int64_t> taken_{0};   // see reached()

  // The pump's own.
  std::chrono::steady_clock::time_point due_{};
  std::chrono::steady_clock::time_point last_{};
  std::chrono::milliseconds pause_ = kFirstPause;
  bool ended_ = false;
};

class ListenerHub : public std::enable_shared_from_this<ListenerHub> {
 public:
  static constexpr std::size_t kMost = 100;

  explicit ListenerHub(LedgerState &ledger) : ledger_(&ledger) {}

  // kBusy "listener.too_many" beyond kMost; what the executor says when it starts no thread.
  base::Outcome add(const std::shared_ptr<ListenerState> &listener);
  // This ledger has committed: costs a load where nobody listens.
  void committed() noexcept {
    if (listening_.load(std::memory_order_relaxed) && !committed_.exchange(true)) wake();
  }
  void wake() noexcept;
  std::int64_t open();    // how many there are
  void close() noexcept;  // ends the pump, soon, and lets the listeners go

 private:
  using Listeners = std::vector<std::shared_ptr<ListenerState>>;

  void pump();
  bool begin_round(Listeners &round);
  template <typename Which>
  void take_out(Listeners &gone, Which which);
  void end_round(std::chrono::steady_clock::time_point until);

  LedgerState *const ledger_;
  std::atomic<bool> listening_{false};
  std::atomic<bool> committed_{false};
  engine::CancelToken cancel_;  // of what the pump runs
  std::mutex mutex_;
  std::condition_variable changed_;
  Listeners listeners_;
  bool pumping_ = false;
  bool closed_ = false;
  bool woken_ = false;
};

}  // namespace cala::live
