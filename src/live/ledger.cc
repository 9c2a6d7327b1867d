// Opening, lanes, the roll-up, shutting down.
#include "live/ledger.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/post.h"
#include "engine/rollup.h"
#include "engine/runner.h"
#include "live/listener.h"
#include "live/op.h"
#include "live/schema_check.h"
#include "live/tx.h"

namespace cala::live {

namespace {

using base::Outcome;
using base::Result;
using base::Status;

constexpr std::size_t kWriteLane = 0;
constexpr std::size_t kReadLane = 1;
constexpr std::size_t kTransactionLane = 2;
constexpr std::size_t kBeginLane = 3;
constexpr std::size_t kPostLane = 4;
constexpr std::size_t kListenerLane = 5;
constexpr std::size_t kRollupLane = 6;
constexpr std::size_t kHealthLane = 7;  // who waits for an examination
constexpr std::size_t kProbeLane = 8;   // who makes it
constexpr std::size_t kMetricsLane = 9;
constexpr std::size_t kExaminations = 16;  // waited for at a time; threads are begun as they are needed

// Of a store with many writers. A second would make the groups smaller and wait for the first one's rows:
// docs/performance.md.
constexpr std::size_t kGroupsAtATime = 1;
constexpr std::size_t kMostWriters = 100;  // of other kinds than postings, in a group
constexpr std::chrono::milliseconds kRollupPause{10};
constexpr std::chrono::milliseconds kLongestRollupPause{1000};

}  // namespace

base::Error closed_error() {
  return base::make_error(Status::kClosed, "ledger.closed", "the ledger has been shut down");
}

base::Error misuse(std::string message) { return base::make_error(Status::kMisuse, "call.misuse", std::move(message)); }

Result<std::shared_ptr<LedgerState>> LedgerState::open(const Config &config, Backend backend,
                                                       std::string_view library_version) {
  std::shared_ptr<LedgerState> state(new LedgerState());
  if (Outcome started = state->start(config, std::move(backend), library_version); !started)
    return std::move(started.error());
  if (!config.lazy) {
    if (Outcome ready = state->ensure_ready(); !ready) return std::move(ready.error());
  }
  return state;
}

Outcome LedgerState::start(const Config &config, Backend backend, std::string_view library_version) {
  config_ = config;
  backend_ = std::move(backend);
  if (config.manual_clock) manual_clock_ = std::make_unique<runtime::ManualClock>(*config.manual_clock);
  const base::Clock &clock = manual_clock_ ? static_cast<const base::Clock &>(*manual_clock_)
                                           : static_cast<const base::Clock &>(system_clock_);
  const store::Dialect &dialect = backend_.store ? backend_.store->dialect() : *backend_.dialect;
  ledger_ = std::make_unique<engine::Ledger>(clock, dialect, backend_.name, manual_clock_ != nullptr, library_version);
  std::size_t writers = 1;
  std::size_t readers = 1;
  if (backend_.store) {
    sessions_ = std::make_unique<engine::SessionPool>(*backend_.store, config.pool_max, config.pool_timeout);
    writers = sessions_->max_of(store::Access::kWrite);
    readers = sessions_->max_of(store::Access::kRead);
  }
  const auto lane = [&](const char *name, std::size_t threads) {
    runtime::LaneOptions options;
    options.name = name;
    options.threads = threads;
    options.capacity = config.queue_max;
    return options;
  };
  std::vector<runtime::LaneOptions> lanes = {lane("write", writers), lane("read", readers),         lane("tx", writers),
                                             lane("begin", writers), lane("post", writers),         lane("events", 1),
                                             lane("rollup", 1),      lane("health", kExaminations), lane("probe", 1),
                                             lane("metrics", 1)};
  lanes[kPostLane].busy_max = kGroupsAtATime;
  if (config.group_max > 1) {
    runtime::LaneOptions &grouping = lanes[group_lane()];
    grouping.batch_max = config.group_max;
    grouping.run_batch = OpState::run_batch;
    grouping.weight = OpState::weight_in_batch;
    grouping.alike = OpState::groups_with;
  }
  farewell_->ends(ledger_->telemetry().shared_log());
  Result<std::unique_ptr<runtime::Executor>> executor = runtime::Executor::create(std::move(lanes));
  if (!executor) return std::move(executor.error());
  listeners_ = std::make_shared<ListenerHub>(*this);
  executor_ = executor.take();
  engine::Telemetry::Watched watched;
  watched.in_flight = [this] { return static_cast<std::int64_t>(in_flight_.load(std::memory_order_relaxed)); };
  watched.listeners = [this] { return listeners_->open(); };
  if (sessions_) watched.pool = [this](store::Access access) { return sessions_->sizes(access); };
  ledger_->telemetry().watch(std::move(watched));
  if (backend_.store && backend_.store->max_writers() > 1) ledger_->when_balances_follow([this] { wake_rollup(); });
  return {};
}

LedgerState::~LedgerState() { close(); }

// Where there is one writer, groups wait in one line with all that writes.
std::size_t LedgerState::group_lane() const {
  return sessions_ && sessions_->max_of(store::Access::kWrite) > 1 ? kPostLane : kWriteLane;
}

// Writers that do not post are grouped where they would wait for each other anyway, a hundred at most: nobody has an
// answer before the last of them is done.
std::size_t LedgerState::weight_in_group(const engine::Operation &operation) const {
  if (config_.group_max <= 1) return 0;
  if (operation.postings() == nullptr) {
    const engine::Operation::Traits &traits = operation.traits();
    const bool joins = group_lane() == kWriteLane && traits.access == store::Access::kWrite && traits.needs_store &&
                       !traits.migrates && !traits.of_ledger && traits.inside == engine::Operation::Inside::kAnywhere;
    return joins ? (config_.group_max + kMostWriters - 1) / kMostWriters : 0;
  }
  const std::size_t postings = operation.postings()->postings.size();
  return postings <= config_.group_max ? postings : 0;
}

std::size_t LedgerState::lane_of(const engine::Operation &operation, bool inside_transaction, bool by_itself) const {
  if (inside_transaction) return kTransactionLane;
  if (operation.traits().of_ledger) return operation.traits().needs_store ? kHealthLane : kMetricsLane;
  if (!by_itself && weight_in_group(operation) > 0) return group_lane();
  return operation.traits().access == store::Access::kWrite ? kWriteLane : kReadLane;
}

std::size_t LedgerState::begin_lane() { return kBeginLane; }

std::size_t LedgerState::listener_lane() { return kListenerLane; }

std::size_t LedgerState::probe_lane() { return kProbeLane; }

Outcome LedgerState::log_to(std::shared_ptr<engine::LogListener> listener, engine::LogLevel level,
                            std::optional<std::chrono::milliseconds> slow) {
  if (closing() || !ledger_->telemetry().log().listen(std::move(listener), level, slow)) return closed_error();
  return {};
}

void LedgerState::committed() noexcept { listeners_->committed(); }

Outcome LedgerState::ensure_ready() {
  if (host_only() || ready_.load(std::memory_order_acquire)) return {};
  const std::lock_guard<std::mutex> lock(ready_mutex_);
  if (ready_.load(std::memory_order_acquire)) return {};
  Outcome made = make_ready();
  if (made) ready_.store(true, std::memory_order_release);
  return made;
}

Outcome LedgerState::make_ready() {
  if (config_.migrate.value_or(backend_.migrates_by_default)) {
    Result<store::MigrationReport> migrated = backend_.store->migrate();
    if (!migrated) return std::move(migrated.error());
    engine::migrated(*migrated, ledger_->telemetry().log());
  }
  Result<engine::SessionPool::Lease> lease = sessions_->acquire(store::Access::kRead);
  if (!lease) return std::move(lease.error());
  store::Session &session = **lease;
  if (Outcome begun = session.begin(store::Access::kRead); !begun) return begun;
  Outcome checked = check_schema(session, ledger_->dialect().schema_version());
  const bool undone = checked && leaves_balances_behind(session);  // by another process perhaps
  session.rollback();
  if (undone) ledger_->balances_follow();
  return checked;
}

// At most one task is there, waiting or at work; who comes meanwhile makes it go on. Called when a posting has been
// written, so it does not fail: what is not begun for want of memory or of a thread is begun by whoever wakes it next.
// Both flags are in one order for all threads, so that either the task sees that it is asked or who asks sees that it
// has gone.
void LedgerState::wake_rollup() noexcept {
  rollup_asked_.store(true);
  if (closing() || rollup_there_.exchange(true)) return;
  try {
    std::unique_ptr<runtime::Task> task = runtime::make_task([this](const base::Error *why) {
      if (why == nullptr) roll_up();
      rollup_there_.store(false);
      if (why == nullptr && rollup_asked_.load()) wake_rollup();
    });
    if (executor_->submit(kRollupLane, std::move(task))) return;
  } catch (const std::bad_alloc &) {  // NOLINT(bugprone-empty-catch)
  }
  rollup_there_.store(false);
}

// As far as the newest posting was when it was last woken. What was written may not be committed yet, so it goes on,
// more and more slowly, until nothing is missing; and never faster than a balance needs to follow, so that many
// postings are one change.
void LedgerState::roll_up() noexcept {
  std::chrono::milliseconds pause = kRollupPause;
  std::int64_t before = -1;
  std::int64_t target = 0;
  while (!closing()) {
    const bool asked = rollup_asked_.exchange(false);
    engine::RollupProgress progress;
    const bool stepped = roll_up_once(progress);
    if (stepped) {
      if (asked) target = progress.frontier;
      if (std::min(progress.applied, progress.reached) >= target && !rollup_asked_.load()) return;
      if (progress.applied > before) pause = kRollupPause;
      before = progress.applied;
    } else if (asked) {
      rollup_asked_.store(true);
    }
    sessions_->pause(pause, nullptr);
    pause = std::min(pause * 2, kLongestRollupPause);
  }
}

bool LedgerState::roll_up_once(engine::RollupProgress &progress) noexcept {
  try {
    engine::Log &log = ledger_->telemetry().log();
    engine::CancelToken cancel;
    const engine::OperationPtr step = engine::make_rollup_step(progress);
    const Result<engine::Render> done = engine::run(*step, *ledger_, *backend_.store, *sessions_, cancel, {});
    if (done) {
      ledger_->telemetry().rolled_up(std::max<std::int64_t>(progress.frontier - progress.applied, 0));
      if (!progress.stalled && ledger_->rollup_failure().clear()) {
        log.tell({engine::LogLevel::kInfo, "rollup.recovered", "balances that follow are brought on again"});
      }
    } else if (!closing() && ledger_->rollup_failure().note(done.error(), ledger_->now())) {
      engine::LogEntry entry(engine::LogLevel::kWarn, "rollup.failed", "balances that follow cannot be brought on");
      log.tell(entry.with(done.error()));
    }
    return static_cast<bool>(done);
  } catch (const std::bad_alloc &) {
    return false;
  }
}

Outcome LedgerState::enter() {
  if (closing()) return closed_error();
  if (!farewell_->hold()) return closed_error();
  if (in_flight_.fetch_add(1, std::memory_order_relaxed) < config_.queue_max) return {};
  leave();
  answered();
  base::Error error = base::make_error(
      Status::kBusy, "queue.full", "there are " + std::to_string(config_.queue_max) + " operations in flight already");
  error.retryable = true;
  return error;
}

Outcome LedgerState::shutdown(std::shared_ptr<runtime::Queue> queue, std::shared_ptr<runtime::Completion> completion) {
  if (closing_.exchange(true, std::memory_order_acq_rel)) return closed_error();
  if (queue) {
    if (Outcome reserved = queue->reserve_any(); !reserved) {
      closing_.store(false, std::memory_order_release);
      return reserved;
    }
  }
  farewell_->address(std::move(queue), std::move(completion));
  listeners_->close();
  if (sessions_) sessions_->refuse_waiting();
  return executor_->shutdown(runtime::Waiting::kAbandon, [farewell = farewell_] { farewell->release(); });
}

void LedgerState::add_transaction(const std::shared_ptr<TxState> &transaction) {
  {
    const std::lock_guard<std::mutex> lock(transactions_mutex_);
    if (!closed_) {
      std::erase_if(transactions_, [](const std::weak_ptr<TxState> &each) { return each.expired(); });
      transactions_.push_back(transaction);
      return;
    }
  }
  transaction->end();
}

void LedgerState::end_transactions() {
  std::vector<std::weak_ptr<TxState>> open;
  {
    const std::lock_guard<std::mutex> lock(transactions_mutex_);
    closed_ = true;
    open.swap(transactions_);
  }
  for (const std::weak_ptr<TxState> &each : open) {
    if (const std::shared_ptr<TxState> transaction = each.lock()) transaction->end();
  }
}

void LedgerState::close() {
  if (!executor_) return;
  // Only the first of several shutdowns does anything; the others say that the ledger is closed, which is what is
  // wanted here.
  [[maybe_unused]] const Outcome first = shutdown(nullptr, nullptr);
  end_transactions();  // before the wait: what runs may be waiting for their locks
  executor_->join();
  if (sessions_) sessions_->close();
}

}  // namespace cala::live
