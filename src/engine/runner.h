// Runner: drives operations on sessions of ours: begin, statements, the last write with its commit, retries after lost
// races and lost connections. CancelToken: how somebody else asks a running operation to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "engine/operation.h"
#include "engine/session_pool.h"
#include "store/port.h"

namespace cala::engine {

// Thread-safe. cancel() interrupts the statement that runs, unless the operation's write is on its way, and the wait
// for a session.
class CancelToken {
 public:
  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // What to interrupt from now on, each null for nothing.
  void attach(store::Session *session);
  void attach(SessionPool *pool);
  void attach(CancelToken *group);  // cancelled with this one, at once if this one is
  const std::atomic<bool> *flag() const { return &cancelled_; }

 private:
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  store::Session *session_ = nullptr;
  SessionPool *pool_ = nullptr;
  CancelToken *group_ = nullptr;
};

// Lets a token interrupt something for as long as this lives: also when an allocation throws.
template <typename Target>
class Interruptible {
 public:
  Interruptible(CancelToken &cancel, Target *target) : cancel_(cancel) { cancel_.attach(target); }
  ~Interruptible() { cancel_.attach(static_cast<Target *>(nullptr)); }
  Interruptible(const Interruptible &) = delete;
  Interruptible &operator=(const Interruptible &) = delete;

 private:
  CancelToken &cancel_;
};

// Runs the operation in a transaction of its own. Blocks; while the store is away, as in a failover, it waits and tries
// again for at most failover_wait. A commit whose answer was lost is looked up; until that succeeds the outcome stays
// unknown. lost_commit: it was tried before, and such a commit of it has not been looked up yet.
base::Result<Render> run(Operation &operation, Ledger &ledger, store::Store &store, SessionPool &pool,
                         CancelToken &cancel, std::chrono::milliseconds failover_wait, bool lost_commit = false);

// Whether an error tells what became of a commit whose answer was lost before: only a ledger that was looked into can
// give it.
bool settles(const base::Error &error);

void migrated(const store::MigrationReport &report, Log &log) noexcept;  // for the log

// Runs the operation in the transaction that is open on the session, and leaves it open. Blocks.
base::Result<Render> run_inside(Operation &operation, const Context &context, store::Session &session,
                                CancelToken &cancel);

// A transaction on one of our sessions, in which several operations run, one after the other. One thread at a time.
class OwnTransaction {
 public:
  // cancel: ends the wait for a session and for the store; null where nobody can.
  static base::Result<std::unique_ptr<OwnTransaction>> begin(Ledger &ledger, SessionPool &pool,
                                                             std::chrono::milliseconds failover_wait, Course &course,
                                                             CancelToken *cancel = nullptr);
  ~OwnTransaction();  // rolls back what is still open

  base::Result<Render> run(Operation &operation, CancelToken &cancel, bool savepoint);
  base::Outcome commit();
  base::Outcome rollback();
  base::Outcome prepare(const std::string &gid);  // it stays open where the refusal says that it is usable
  bool open() const { return open_; }

 private:
  OwnTransaction(Ledger &ledger, SessionPool::Lease lease) : ledger_(ledger), lease_(std::move(lease)) {}

  Ledger &ledger_;
  SessionPool::Lease lease_;
  bool open_ = true;
  bool aborted_ = false;  // something threw half-way: only rollback is left
};

}  // namespace cala::engine
