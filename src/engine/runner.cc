#include "engine/runner.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using base::Status;

constexpr std::string_view kOver = "tx.over";
constexpr int kMaxLostRaces = 12;
constexpr int kMaxLostConnections = 2;  // old ones, which say nothing of the store; whatever the limit of waiting
constexpr int kMaxLostCommits = 2;

// Whether an error says that no connection, or the one writer, came free in time.
bool is_exhausted(const base::Error &error) { return error.code == "store.pool_timeout" || error.code == "store.busy"; }

// stop: null where nobody can.
Result<SessionPool::Lease> acquire(Telemetry &telemetry, SessionPool &pool, store::Access access,
                                   const std::atomic<bool> *stop, std::string_view operation, Course &course) {
  const Telemetry::Clock::time_point began = Telemetry::Clock::now();
  Result<SessionPool::Lease> lease = pool.acquire(access, stop);
  const Telemetry::Clock::duration waited = Telemetry::Clock::now() - began;
  telemetry.waited_for_session(waited, course);
  if (!lease && is_exhausted(lease.error())) telemetry.log().pool_exhausted(operation, course, lease.error(), waited);
  return lease;
}

Result<store::Answer> timed(Telemetry &telemetry, store::Session &session, const store::Request &request,
                            Course &course) {
  const Telemetry::Clock::time_point began = Telemetry::Clock::now();
  session.trace(course.trace.sampled());
  Result<store::Answer> answer = session.execute(request);
  telemetry.ran(request, Telemetry::Clock::now() - began, course);
  return answer;
}

// A statement that was interrupted because the operation was cancelled is told as that, whatever the store calls it.
Result<Render> as_cancelled(Result<Render> outcome, const CancelToken &cancel) {
  if (!outcome && outcome.error().status == Status::kCancelled && cancel.cancelled()) {
    outcome.error().code = cancelled_error().code;
    outcome.error().message = cancelled_error().message;
  }
  return outcome;
}

// Rolls back what is open on a session, unless it was committed: also when an allocation throws. A session that cannot
// even do that is thrown away by the pool, which takes none back in a transaction.
class RollBack {
 public:
  explicit RollBack(store::Session &session) : session_(&session) {}
  ~RollBack() {
    if (session_ == nullptr) return;
    try {
      session_->rollback();
    } catch (...) {
    }
  }
  RollBack(const RollBack &) = delete;
  RollBack &operator=(const RollBack &) = delete;
  void committed() { session_ = nullptr; }

 private:
  store::Session *session_;
};

// An allocation failed after the write had been sent: it may have been committed.
base::Error interrupted_commit() noexcept {
  base::Error error;
  error.status = Status::kOutcomeUnknown;
  try {
    error.code = "store.outcome_unknown";
    error.tx_state = base::TxState::kAborted;
    error.message = "memory ran out during the commit; it may or may not have happened";
  } catch (...) {  // the status must do
  }
  return error;
}

Result<store::Answer> write_and_commit(Telemetry &telemetry, store::Session &session, const store::Request &request,
                                       Course &course) {
  try {
    const Telemetry::Clock::time_point began = Telemetry::Clock::now();
    session.trace(course.trace.sampled());
    Result<store::Answer> answer = session.execute_and_commit(request);
    telemetry.ran(request, Telemetry::Clock::now() - began, course);
    return answer;
  } catch (...) {
    return interrupted_commit();
  }
}

// One try in a transaction of its own. The last request is the only one that writes, and carries the commit.
Result<Render> drive(Operation &operation, const Context &context, store::Session &session, CancelToken &cancel,
                     bool &sent) {
  RollBack unless(session);
  const Interruptible<store::Session> running(cancel, &session);
  if (Outcome begun = session.begin(operation.traits().access); !begun) return std::move(begun.error());
  operation.begin(context);
  while (const store::Request *request = operation.pending()) {
    if (cancel.cancelled()) {
      operation.feed(cancelled_error());
      continue;
    }
    if (!writes(*request)) {
      operation.feed(timed(context.ledger->telemetry(), session, *request, operation.course()));
      continue;
    }
    cancel.attach(static_cast<store::Session *>(nullptr));
    sent = true;
    Result<store::Answer> written =
        write_and_commit(context.ledger->telemetry(), session, *request, operation.course());
    if (written) unless.committed();
    operation.feed(std::move(written));
  }
  cancel.attach(static_cast<store::Session *>(nullptr));
  return as_cancelled(operation.take_outcome(), cancel);
}

Result<Render> attempt(Operation &operation, const Context &context, store::Session &session, CancelToken &cancel) {
  bool sent = false;
  Result<Render> interrupted = interrupted_commit();  // made now: later there may be no memory for it
  try {
    return drive(operation, context, session, cancel, sent);
  } catch (...) {
    if (!sent) throw;
    return interrupted;
  }
}

Result<Render> attempt(Operation &operation, const Context &context, SessionPool &pool, CancelToken &cancel) {
  Result<SessionPool::Lease> lease = [&] {
    const Interruptible<SessionPool> waiting(cancel, &pool);
    return acquire(context.ledger->telemetry(), pool, operation.traits().access, cancel.flag(), operation.name(),
                   operation.course());
  }();
  if (!lease) return std::move(lease.error());
  return attempt(operation, context, **lease, cancel);
}

// How long to go on asking a store that has gone: from the first time that it was not there.
class Patience {
 public:
  Patience(SessionPool &pool, std::chrono::milliseconds limit) : pool_(pool), limit_(limit) {}

  // Waits a little, longer each time; false when it is time to give up: cancelled, shutting down, or over the limit.
  bool wait(CancelToken *cancel) {
    const auto now = std::chrono::steady_clock::now();
    if (end_ == kNotBegun) end_ = now + limit_;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - now);
    if (left.count() <= 0) return false;
    const auto pause = std::min<std::chrono::milliseconds>(next_, left);
    next_ = std::min(next_ * 2 + std::chrono::milliseconds(20), std::chrono::milliseconds(1000));
    if (cancel == nullptr) return pool_.pause(pause, nullptr);
    const Interruptible<SessionPool> waiting(*cancel, &pool_);
    return pool_.pause(pause, cancel->flag());
  }

 private:
  static constexpr auto kNotBegun = std::chrono::steady_clock::time_point::max();

  SessionPool &pool_;
  const std::chrono::milliseconds limit_;
  std::chrono::milliseconds next_{0};  // what was lost may have been an old connection only
  std::chrono::steady_clock::time_point end_ = kNotBegun;
};

// The server went away, or does not answer yet.
bool store_is_away(const base::Error &error) {
  return error.status == Status::kUnavailable &&
         (error.code == "store.connection_lost" || error.code == "store.unreachable");
}

// Longer each time, and not the same for everybody who lost the same race.
void back_off(int lost_races) {
  const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  const int spread = 1 << (lost_races < 6 ? lost_races : 6);
  std::this_thread::sleep_for(std::chrono::microseconds(200 + (ticks >> 4) % (500 * spread)));
}

Result<Render> run_without_store(Operation &operation, const Context &context) {
  operation.begin(context);
  return operation.take_outcome();
}

base::Error aborted_error() {
  base::Error error =
      base::make_error(Status::kMisuse, "transaction.aborted", "the transaction failed before; only rollback is left");
  error.tx_state = base::TxState::kAborted;
  return error;
}

Result<Render> migrate(store::Store &store, Log &log) {
  Result<store::MigrationReport> report = store.migrate();
  if (!report) return std::move(report.error());
  migrated(*report, log);
  return Render([done = *report](base::JsonWriter &out) {
    out.begin_object().key("from_version").integer(done.from_version);
    out.key("to_version").integer(done.to_version).end_object();
  });
}

// Why a transaction is run once more.
void tell_retry(Log &log, const Operation &operation, Retry why, const base::Error &error) noexcept {
  const LogLevel level = why == Retry::kLostRace ? LogLevel::kDebug : LogLevel::kInfo;
  if (!log.hears(level)) return;
  LogEntry entry(level, "transaction.retried", "a transaction is run again");
  entry.of(operation.name(), operation.course()).with("after", kRetryNames[static_cast<std::size_t>(why)]);
  log.tell(entry.with(error).with("attempts", operation.course().attempts));
}

// Tries until there is an answer. `unknown` is a commit whose answer was lost: until that is looked up, it is what the
// operation ends with, whatever fails then and even when there is no memory left.
Result<Render> repeat(Operation &operation, Context context, SessionPool &pool, CancelToken &cancel,
                      std::chrono::milliseconds failover_wait, std::optional<Result<Render>> &unknown) {
  Patience patience(pool, failover_wait);
  Telemetry &telemetry = context.ledger->telemetry();
  Log &log = telemetry.log();
  const auto retried = [&](Retry why, const base::Error &error) {
    telemetry.retried(why);
    tell_retry(log, operation, why, error);
  };
  int lost_commits = 0;
  int lost_races = 0;
  int lost_connections = 0;
  while (true) {
    Result<Render> outcome = cancelled_error();
    ++operation.course().attempts;
    if (!cancel.cancelled()) outcome = attempt(operation, context, pool, cancel);
    if (outcome) {
      log.store_answers();
      return outcome;
    }
    const base::Error &error = outcome.error();
    if (store_is_away(error)) log.store_lost(operation.name(), operation.course(), error);
    if (error.status == Status::kOutcomeUnknown) {
      unknown.emplace(std::move(outcome));
      context.lost_commit = true;
      log.store_lost(operation.name(), operation.course(), unknown->error());
      if (!operation.traits().repeatable || ++lost_commits > kMaxLostCommits) return std::move(*unknown);
      retried(Retry::kLostCommit, unknown->error());
      continue;
    }
    if (unknown && settles(error)) return outcome;
    const bool races = operation.traits().races || !error.sqlstate.empty();
    if (error.status == Status::kConflict && error.retryable && races && lost_races < kMaxLostRaces) {
      retried(Retry::kLostRace, error);
      back_off(lost_races++);
    } else if (error.code == "store.connection_lost" && lost_connections < kMaxLostConnections) {
      retried(Retry::kLostConnection, error);
      ++lost_connections;
    } else if (!store_is_away(error) || !patience.wait(&cancel)) {
      if (unknown) return std::move(*unknown);
      return outcome;
    } else {
      retried(Retry::kStoreAway, error);
    }
  }
}

}  // namespace

void CancelToken::cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_.store(true, std::memory_order_release);
  if (session_ != nullptr) session_->interrupt();
  if (pool_ != nullptr) pool_->wake();
  if (group_ != nullptr) group_->cancel();
}

void CancelToken::attach(store::Session *session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (session_ != nullptr) session_->forget_interrupt();
  session_ = session;
}

void CancelToken::attach(SessionPool *pool) {
  const std::lock_guard<std::mutex> lock(mutex_);
  pool_ = pool;
}

void CancelToken::attach(CancelToken *group) {
  const std::lock_guard<std::mutex> lock(mutex_);
  group_ = group;
  if (group_ != nullptr && cancelled()) group_->cancel();
}

bool settles(const base::Error &error) {
  return error.status == Status::kRejected || error.status == Status::kNotFound || error.status == Status::kInvalid ||
         (error.status == Status::kConflict && !error.retryable);
}

Result<Render> run(Operation &operation, Ledger &ledger, store::Store &store, SessionPool &pool, CancelToken &cancel,
                   std::chrono::milliseconds failover_wait, bool lost_commit) {
  const Context context{.ledger = &ledger, .lost_commit = lost_commit};
  if (!operation.traits().needs_store) return run_without_store(operation, context);
  if (operation.traits().migrates) return migrate(store, ledger.telemetry().log());
  std::optional<Result<Render>> unknown;
  try {
    return repeat(operation, context, pool, cancel, failover_wait, unknown);
  } catch (...) {
    if (!unknown) throw;
    return std::move(*unknown);
  }
}

Result<Render> run_inside(Operation &operation, const Context &context, store::Session &session, CancelToken &cancel) {
  if (!operation.traits().needs_store) return run_without_store(operation, context);
  if (operation.traits().migrates && !context.host) {
    return base::make_error(Status::kMisuse, "op.own_transaction", "ledger_migrate runs in a transaction of its own");
  }
  const Interruptible<store::Session> running(cancel, &session);
  operation.begin(context);
  while (const store::Request *request = operation.pending()) {
    // Also where the operation was cancelled, which has the transaction go back to it.
    const bool is_savepoint = std::holds_alternative<store::Savepoint>(*request);
    if (is_savepoint) session.forget_interrupt();
    const bool stops = cancel.cancelled() && !is_savepoint;
    Result<store::Answer> answer = cancelled_error();
    if (!stops) answer = timed(context.ledger->telemetry(), session, *request, operation.course());
    operation.feed(std::move(answer));
  }
  return as_cancelled(operation.take_outcome(), cancel);
}

void migrated(const store::MigrationReport &report, Log &log) noexcept {
  if (report.from_version == report.to_version) return;
  LogEntry entry(LogLevel::kInfo, "schema.migrated", "the ledger's tables were made or upgraded");
  log.tell(entry.with("from_version", report.from_version).with("to_version", report.to_version));
}

Result<std::unique_ptr<OwnTransaction>> OwnTransaction::begin(Ledger &ledger, SessionPool &pool,
                                                              std::chrono::milliseconds failover_wait, Course &course,
                                                              CancelToken *cancel) {
  constexpr std::string_view kName = "tx_begin";
  Patience patience(pool, failover_wait);
  Log &log = ledger.telemetry().log();
  while (true) {
    Outcome begun;
    ++course.attempts;
    Result<SessionPool::Lease> lease = [&] {
      std::optional<Interruptible<SessionPool>> waiting;
      if (cancel != nullptr) waiting.emplace(*cancel, &pool);
      return acquire(ledger.telemetry(), pool, store::Access::kWrite, cancel == nullptr ? nullptr : cancel->flag(),
                     kName, course);
    }();
    if (lease) {
      std::unique_ptr<OwnTransaction> transaction(new OwnTransaction(ledger, lease.take()));  // from here it rolls back
      std::optional<Interruptible<store::Session>> beginning;
      if (cancel != nullptr) beginning.emplace(*cancel, &*transaction->lease_);
      begun = transaction->lease_->begin(store::Access::kWrite);
      beginning.reset();
      if (begun) {
        log.store_answers();
        return transaction;
      }
    } else {
      begun = std::move(lease.error());
    }
    if (store_is_away(begun.error())) log.store_lost(kName, course, begun.error());
    if (!store_is_away(begun.error()) || !patience.wait(cancel)) return std::move(begun.error());
  }
}

OwnTransaction::~OwnTransaction() {
  if (open_) const RollBack now(*lease_);
}

Result<Render> OwnTransaction::run(Operation &operation, CancelToken &cancel, bool savepoint) {
  if (aborted_) return aborted_error();
  aborted_ = true;  // should something throw: nobody knows how far it came
  const bool hosts_own = operation.traits().inside == Operation::Inside::kOwnTransaction;
  if (hosts_own) lease_.spend();
  Result<Render> outcome =
      run_inside(operation, Context{.ledger = &ledger_, .inside = true, .savepoint = savepoint}, *lease_, cancel);
  aborted_ = false;
  // It got past every look at its text, and there is no transaction left to commit or to roll back.
  if (hosts_own && !outcome && outcome.error().code == kOver) {
    open_ = false;
    const SessionPool::Lease ending = std::move(lease_);
    const RollBack now(*ending);
  }
  return outcome;
}

Outcome OwnTransaction::commit() {
  open_ = false;
  const SessionPool::Lease ending = std::move(lease_);
  RollBack unless(*ending);
  if (aborted_) return aborted_error();
  Outcome interrupted = interrupted_commit();  // made now: later there may be no memory for it
  try {
    Outcome committed = ending->commit();
    if (committed) unless.committed();
    return committed;
  } catch (...) {
    return interrupted;
  }
}

Outcome OwnTransaction::prepare(const std::string &gid) {
  if (aborted_) {
    Outcome undone = rollback();
    return undone ? aborted_error() : std::move(undone);
  }
  Outcome interrupted = interrupted_commit();  // made now: later there may be no memory for it
  Outcome prepared;
  try {
    prepared = lease_->prepare(gid);
  } catch (...) {
    prepared = std::move(interrupted);
  }
  if (!prepared && prepared.error().tx_state == base::TxState::kUsable) return prepared;
  open_ = false;
  const SessionPool::Lease ending = std::move(lease_);
  RollBack unless(*ending);
  if (prepared) unless.committed();
  return prepared;
}

Outcome OwnTransaction::rollback() {
  open_ = false;
  const SessionPool::Lease ending = std::move(lease_);
  const RollBack now(*ending);
  return {};
}

}  // namespace cala::engine
