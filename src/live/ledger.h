// LedgerState: an open ledger: configuration, store, sessions, threads, lanes, and how they are opened and shut down.
// Everything that is in flight holds it by shared pointer, so frees may come in any order.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "engine/ledger.h"
#include "engine/log.h"
#include "engine/operation.h"
#include "engine/rollup.h"
#include "engine/session_pool.h"
#include "runtime/clock.h"
#include "runtime/executor.h"
#include "runtime/queue.h"
#include "store/port.h"

namespace cala::live {

// What a ledger is opened with.
struct Config {
  std::string store = "sqlite:cala.db";
  std::optional<bool> migrate;
  std::string schema = "cala";
  std::size_t pool_max = 10;
  std::chrono::milliseconds pool_timeout{30'000};
  std::optional<base::Timestamp> manual_clock;
  bool durable = true;
  std::size_t group_max = 500;
  std::size_t queue_max = 65536;
  bool lazy = false;
  std::chrono::milliseconds failover_wait{30'000};
};

// What a store's name stands for. A host-only ledger has a dialect and no store.
struct Backend {
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::Dialect> dialect;  // only when there is no store
  std::string_view name;                    // "sqlite" or "postgres"
  bool migrates_by_default = false;
};
class TxState;
class ListenerHub;

// Tells of a ledger's shutdown once nothing is left that has an answer to give. Threads of the ledger may outlive the
// ledger by a moment, so they share this.
class Farewell {
 public:
  // False when the farewell has been said: whoever comes now comes too late, and must not have it said again.
  bool hold() {
    std::size_t holds = holds_.load(std::memory_order_relaxed);
    while (holds != 0) {
      if (holds_.compare_exchange_weak(holds, holds + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  void release() {
    if (holds_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (log_) log_->end();
    if (queue_) queue_->push(std::move(completion_));
  }
  // What is told until then, and no longer. Before the first thread.
  void ends(std::shared_ptr<engine::Log> log) { log_ = std::move(log); }
  // Before the ledger's own hold is released.
  void address(std::shared_ptr<runtime::Queue> queue, std::shared_ptr<runtime::Completion> completion) {
    queue_ = std::move(queue);
    completion_ = std::move(completion);
  }

 private:
  std::atomic<std::size_t> holds_{1};  // the ledger's own, until its threads are done
  std::shared_ptr<engine::Log> log_;
  std::shared_ptr<runtime::Queue> queue_;
  std::shared_ptr<runtime::Completion> completion_;
};

class LedgerState {
 public:
  // library_version outlives the ledger.
  static base::Result<std::shared_ptr<LedgerState>> open(const Config &config, Backend backend,
                                                         std::string_view library_version);
  ~LedgerState();

  engine::Ledger &ledger() { return *ledger_; }
  bool host_only() const { return backend_.store == nullptr; }
  store::Store &store() { return *backend_.store; }
  engine::SessionPool &sessions() { return *sessions_; }
  runtime::Executor &executor() { return *executor_; }
  runtime::ManualClock *manual_clock() { return manual_clock_.get(); }

  // The lane in which an operation's task waits for a thread. by_itself: never in a group.
  std::size_t lane_of(const engine::Operation &operation, bool inside_transaction, bool by_itself = false) const;
  // How much of a group the operation takes that is, in a transaction of its own, committed together with others; 0:
  // it never is.
  std::size_t weight_in_group(const engine::Operation &operation) const;
  // Apart: who waits here for a connection must not keep those from a thread who have one and may give it back.
  static std::size_t begin_lane();
  // Checks or migrates the schema before the first use. Blocks. Cheap once it has succeeded.
  base::Outcome ensure_ready();
  // How long to wait for a store that was there before.
  std::chrono::milliseconds failover_wait() const { return config_.failover_wait; }
  std::size_t queue_max() const { return config_.queue_max; }

  // Places for operations in flight: kBusy "queue.full" beyond queue_max. An operation leaves before it is told of, and
  // says answered() after that, so that whoever is told finds a free place, and the shutdown is told of last.
  base::Outcome enter();
  void leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  void answered() { farewell_->release(); }

  // Transactions that are rolled back when the ledger closes.
  void add_transaction(const std::shared_ptr<TxState> &transaction);

  // Who hears the ledger's log, from now on; null: nobody. kClosed when it has been shut down.
  base::Outcome log_to(std::shared_ptr<engine::LogListener> listener, engine::LogLevel level,
                       std::optional<std::chrono::milliseconds> slow);

  // Who is told of events.
  const std::shared_ptr<ListenerHub> &listeners() const { return listeners_; }
  void committed() noexcept;  // something was committed: listeners may read it
  static std::size_t listener_lane();
  static std::size_t probe_lane();

  base::Outcome shutdown(std::shared_ptr<runtime::Queue> queue, std::shared_ptr<runtime::Completion> completion);
  void close();  // shutdown, then wait for the threads and close the sessions
  bool closing() const { return closing_.load(std::memory_order_acquire); }

 private:
  LedgerState() = default;
  base::Outcome start(const Config &config, Backend backend, std::string_view library_version);
  base::Outcome make_ready();
  void end_transactions();
  void wake_rollup() noexcept;
  void roll_up() noexcept;
  bool roll_up_once(engine::RollupProgress &progress) noexcept;
  std::size_t group_lane() const;

  Config config_;
  Backend backend_;
  runtime::SystemClock system_clock_;
  std::unique_ptr<runtime::ManualClock> manual_clock_;
  std::unique_ptr<engine::Ledger> ledger_;
  std::unique_ptr<engine::SessionPool> sessions_;
  std::unique_ptr<runtime::Executor> executor_;
  std::shared_ptr<ListenerHub> listeners_;
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<bool> closing_{false};
  std::atomic<bool> ready_{false};
  std::mutex ready_mutex_;
  std::shared_ptr<Farewell> farewell_ = std::make_shared<Farewell>();
  std::mutex transactions_mutex_;
  std::vector<std::weak_ptr<TxState>> transactions_;
  bool closed_ = false;  // under transactions_mutex_
  std::atomic<bool> rollup_asked_{false};
  std::atomic<bool> rollup_there_{false};
};

base::Error closed_error();
// A call that a program should not have made: "call.misuse".
base::Error misuse(std::string message);

}  // namespace cala::live
