#include "runtime/executor.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "platform/fork_generation.h"
#include "platform/thread.h"
#include "runtime/fork_guard.h"

namespace cala::runtime {

using base::Error;
using base::make_error;
using base::Outcome;
using base::Result;
using base::Status;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kStackBytes = 1U << 20;
constexpr std::size_t kStackOfACaller = kStackBytes / 2;  // what a task must find there
constexpr std::chrono::milliseconds kCrowd{10};           // so long a lane is as it was when somebody had to wait
constexpr std::size_t kLongestThreadName = 15;

constinit std::atomic<std::uint64_t> last_task_id{0};

// Whose task the thread runs that is in try_run.
thread_local constinit const void *running_for = nullptr;

Error not_begun_error() {
  return make_error(Status::kCancelled, "op.cancelled", "the ledger was shut down before the operation began");
}

Error closed_error() {
  return make_error(Status::kClosed, "executor.closed", "the ledger is shutting down and takes no new work");
}

Error full_error(const std::string &lane) {
  Error error = make_error(Status::kBusy, "executor.full", "too many operations are waiting in lane " + lane);
  error.retryable = true;
  return error;
}

Error thread_error(int error_number) {
  Error error = make_error(Status::kUnavailable, "executor.thread",
                           "a thread could not be started, errno " + std::to_string(error_number));
  error.retryable = true;
  return error;
}

// A task ran out of memory, or broke the rule that our code does not throw. It is answered all the same.
Error thrown_error(bool out_of_memory) noexcept {
  Error error;
  error.status = out_of_memory ? Status::kNoMemory : Status::kInternal;
  try {
    error.code = out_of_memory ? "memory.exhausted" : "executor.task_failed";
    error.message = out_of_memory ? "out of memory" : "an operation ended in an unexpected way";
  } catch (...) {  // the status must do
  }
  return error;
}

void abandon(Task &task, const Error &why) noexcept {
  try {
    task.abandon(why);
  } catch (...) {
  }
}

void call_quietly(const std::function<void()> &call) noexcept {
  try {
    call();
  } catch (...) {
  }
}

// Runs the call; if it throws, abandons the tasks that are still there.
template <typename Call>
void run_guarded(std::vector<std::unique_ptr<Task>> &tasks, Call call) noexcept {
  bool out_of_memory = false;
  try {
    call();
    return;
  } catch (const std::bad_alloc &) {
    out_of_memory = true;
  } catch (...) {
  }
  for (const std::unique_ptr<Task> &task : tasks) {
    if (task != nullptr) abandon(*task, thrown_error(out_of_memory));
  }
}

}  // namespace

Task::Task() : id_(last_task_id.fetch_add(1, std::memory_order_relaxed) + 1) {}

Task::~Task() = default;

struct Executor::Lane {
  explicit Lane(LaneOptions given) : options(std::move(given)) {
    if (options.busy_max != 0) busy_since.reserve(2 * options.threads);  // callers, too
  }

  LaneOptions options;
  std::condition_variable work;
  std::deque<std::unique_ptr<Task>> waiting;
  std::size_t started = 0;
  std::size_t idle = 0;
  std::size_t working = 0;                      // threads at work, with callers
  std::size_t callers = 0;                      // in try_run
  std::optional<Clock::time_point> crowded_at;  // when somebody had to wait, the last time
  std::vector<Clock::time_point> busy_since;    // of a lane with busy_max; has room for all, in order

  std::size_t take_at_once() const { return options.run_batch ? std::max<std::size_t>(options.batch_max, 1) : 1; }

  // Moves the next batch over, in order.
  void take(std::vector<std::unique_ptr<Task>> &batch) {
    std::size_t room = take_at_once();
    const std::size_t first = weight(*waiting.front());
    room -= first == 0 ? room : std::min(first, room);
    do {
      batch.push_back(std::move(waiting.front()));
      waiting.pop_front();
    } while (joins(*batch.front(), room));
  }
  // Takes its room when the next task joins.
  bool joins(const Task &leader, std::size_t &room) const {
    if (room == 0 || waiting.empty()) return false;
    if (options.alike && !options.alike(leader, *waiting.front())) return false;
    const std::size_t more = weight(*waiting.front());
    if (more == 0 || more > room) return false;
    room -= more;
    return true;
  }
  std::size_t weight(const Task &task) const { return options.weight ? options.weight(task) : 1; }

  bool wants_thread() const {
    if (started >= options.threads) return false;
    return options.busy_max == 0 ? waiting.size() >= idle : started + callers == busy_since.size();
  }
  // When one more thread may work; in the past: now.
  Clock::time_point next_turn() const {
    if (options.busy_max == 0 || busy_since.size() < options.busy_max) return Clock::time_point::min();
    return busy_since[busy_since.size() - options.busy_max] + options.patience;
  }
  bool has_room() const { return working < options.threads; }
  bool lets_in(Clock::time_point now) const { return waiting.empty() && has_room() && next_turn() <= now; }
  Clock::time_point note_busy() {
    ++working;
    const Clock::time_point now = Clock::now();
    if (options.busy_max != 0) busy_since.push_back(now);
    return now;
  }
  void note_done(Clock::time_point since) {
    --working;
    const auto at = std::find(busy_since.begin(), busy_since.end(), since);
    if (at != busy_since.end()) busy_since.erase(at);
  }
};

// Shared by the Executor and its threads. The mutex guards everything but `stopping`, which may be read without it.
struct Executor::State {
  std::mutex mutex;
  std::deque<Lane> lanes;
  std::vector<platform::Thread> threads;  // started and not yet joined
  std::size_t started = 0;
  std::size_t live = 0;     // threads, and callers in try_run
  std::size_t callers = 0;  // in try_run
  std::condition_variable caller_left;
  std::size_t abandoning = 0;  // calls of try_abandon that are answering a task
  std::condition_variable abandoned;
  std::atomic<bool> stopping{false};
  bool abandon_waiting = false;
  std::function<void()> on_idle;
};

struct Executor::ThreadStart {
  std::shared_ptr<State> state;
  Lane *lane;
  std::vector<std::unique_ptr<Task>> batch;
  std::string name;
};

Result<std::unique_ptr<Executor>> Executor::create(std::vector<LaneOptions> lanes) {
  auto state = std::make_shared<State>();
  for (LaneOptions &options : lanes) {
    if (options.threads == 0) {
      return make_error(Status::kInternal, "executor.lane", "lane " + options.name + " has no thread");
    }
    state->lanes.emplace_back(std::move(options));
  }
  return std::unique_ptr<Executor>(new Executor(std::move(state)));
}

Executor::Executor(std::shared_ptr<State> state) : generation_(platform::fork_generation()), state_(std::move(state)) {}

Executor::~Executor() {
  if (forked()) {
    leak(state_);
    return;
  }
  if (!stopping()) (void)shutdown(Waiting::kAbandon, {}).ok();
  join();
}

bool Executor::forked() const { return forked_since(generation_); }

bool Executor::stopping() const { return state_->stopping.load(std::memory_order_acquire); }

Outcome Executor::submit(std::size_t lane_index, std::unique_ptr<Task> &&task) {
  if (forked()) return forked_error("the ledger");
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->stopping.load(std::memory_order_relaxed)) return closed_error();
  Lane &lane = state_->lanes[lane_index];
  if (lane.waiting.size() >= lane.options.capacity) return full_error(lane.options.name);
  if (lane.wants_thread()) {
    Outcome started = start_thread(state_, lane);
    if (!started.ok() && lane.started == 0) return started;
  }
  const Clock::time_point now = Clock::now();
  if (!lane.lets_in(now)) lane.crowded_at = now;
  lane.waiting.push_back(std::move(task));
  lane.work.notify_one();
  return {};
}

// Called under the lock.
Outcome Executor::start_thread(const std::shared_ptr<State> &state, Lane &lane) {
  auto start = std::make_unique<ThreadStart>(ThreadStart{state, &lane, {}, {}});
  start->batch.reserve(lane.take_at_once());
  state->threads.reserve(state->threads.size() + 1);
  start->name = ("cala/" + lane.options.name).substr(0, kLongestThreadName);
  platform::Thread thread;
  const int failed =
      platform::start_quiet_thread(platform::ThreadKind::kJoined, kStackBytes, thread_main, start.get(), thread);
  if (failed != 0) return thread_error(failed);
  (void)start.release();
  state->threads.push_back(thread);
  ++state->started;
  ++state->live;
  ++lane.started;
  return {};
}

void *Executor::thread_main(void *argument) {
  const std::unique_ptr<ThreadStart> start(static_cast<ThreadStart *>(argument));
  State &state = *start->state;
  platform::name_this_thread(start->name.c_str());
  serve(start->state, *start->lane, start->batch);
  const std::function<void()> on_idle = leave(state);
  if (on_idle) call_quietly(on_idle);
  return nullptr;
}

// What the last one has to call.
std::function<void()> Executor::leave(State &state) {
  std::unique_lock<std::mutex> lock(state.mutex);
  if (--state.live > 0) return {};
  // Only for threads that are inside try_abandon, which runs none of the program's code.
  state.abandoned.wait(lock, [&state] { return state.abandoning == 0; });
  return std::exchange(state.on_idle, {});
}

void Executor::wait_for_work(const State &state, Lane &lane, std::unique_lock<std::mutex> &lock) {
  ++lane.idle;
  while (!state.stopping.load(std::memory_order_relaxed)) {
    const Clock::time_point turn = lane.next_turn();
    if (lane.waiting.empty() || !lane.has_room()) {
      lane.work.wait(lock);
    } else if (turn > Clock::now()) {
      lane.work.wait_until(lock, turn);
    } else {
      break;
    }
  }
  --lane.idle;
}

// Called under the lock, for what a batch has left; without it this thread comes back to that.
void Executor::start_another(const std::shared_ptr<State> &state, Lane &lane) noexcept {
  if (state->stopping.load(std::memory_order_relaxed) || !lane.wants_thread()) return;
  try {
    (void)start_thread(state, lane).ok();
  } catch (...) {
  }
}

void Executor::run_batch(const Lane &lane, std::vector<std::unique_ptr<Task>> &batch) noexcept {
  if (lane.options.run_batch) {
    run_guarded(batch, [&] { lane.options.run_batch(batch); });
  } else {
    run_guarded(batch, [&] { batch.front()->run(); });
  }
  batch.clear();
}

void Executor::serve(const std::shared_ptr<State> &shared, Lane &lane, std::vector<std::unique_ptr<Task>> &batch) {
  State &state = *shared;
  std::optional<Clock::time_point> since;
  for (;;) {
    bool give_up = false;
    {
      std::unique_lock<std::mutex> lock(state.mutex);
      if (since) lane.note_done(*since);
      since.reset();
      wait_for_work(state, lane, lock);
      if (lane.waiting.empty()) return;
      give_up = state.abandon_waiting;
      since = lane.note_busy();
      lane.take(batch);
      if (!lane.waiting.empty()) lane.work.notify_one();
      if (!lane.waiting.empty()) start_another(shared, lane);
    }
    if (give_up) {
      for (const std::unique_ptr<Task> &task : batch) abandon(*task, not_begun_error());
      batch.clear();
    } else {
      run_batch(lane, batch);
    }
  }
}

bool Executor::try_run(std::size_t lane_index, std::unique_ptr<Task> &task) {
  if (forked() || !platform::has_stack_left(kStackOfACaller)) return false;
  const std::shared_ptr<State> state = state_;  // answering may let go of the executor
  Lane &lane = state->lanes[lane_index];
  std::vector<std::unique_ptr<Task>> batch;
  batch.reserve(1);
  Clock::time_point since;
  {
    const std::lock_guard<std::mutex> lock(state->mutex);
    if (state->stopping.load(std::memory_order_relaxed)) return false;
    const Clock::time_point now = Clock::now();
    if (!lane.lets_in(now) || (lane.crowded_at && now - *lane.crowded_at < kCrowd)) return false;
    batch.push_back(std::move(task));
    since = lane.note_busy();
    ++lane.callers;
    ++state->callers;
    ++state->live;
  }
  struct Run {
    const Lane &lane;
    std::vector<std::unique_ptr<Task>> &batch;
  } run{lane, batch};
  running_for = state.get();
  platform::run_without_write_signals(
      [](void *of) {
        const auto &[in, tasks] = *static_cast<Run *>(of);
        run_batch(in, tasks);
      },
      &run);
  running_for = nullptr;
  {
    const std::lock_guard<std::mutex> lock(state->mutex);
    lane.note_done(since);
    --lane.callers;
    --state->callers;
    if (!lane.waiting.empty()) lane.work.notify_one();
    state->caller_left.notify_all();
  }
  const std::function<void()> on_idle = leave(*state);
  if (on_idle) call_quietly(on_idle);
  return true;
}

bool Executor::try_abandon(std::uint64_t task_id, const Error &why) {
  if (forked()) return false;
  const std::shared_ptr<State> state = state_;  // answering may let go of the executor
  std::unique_ptr<Task> task;
  {
    const std::lock_guard<std::mutex> lock(state->mutex);
    task = remove_waiting(*state, task_id);
    if (task == nullptr) return false;
    ++state->abandoning;
  }
  abandon(*task, why);
  {
    const std::lock_guard<std::mutex> lock(state->mutex);
    if (--state->abandoning == 0) state->abandoned.notify_all();
  }
  return true;
}

std::unique_ptr<Task> Executor::try_remove(std::uint64_t task_id) {
  if (forked()) return nullptr;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return remove_waiting(*state_, task_id);
}

std::unique_ptr<Task> Executor::remove_waiting(State &state, std::uint64_t task_id) {
  for (Lane &lane : state.lanes) {
    for (auto at = lane.waiting.begin(); at != lane.waiting.end(); ++at) {
      if ((*at)->id() != task_id) continue;
      std::unique_ptr<Task> task = std::move(*at);
      lane.waiting.erase(at);
      return task;
    }
  }
  return nullptr;
}

Outcome Executor::shutdown(Waiting waiting, std::function<void()> on_idle) {
  if (forked()) return forked_error("the ledger");
  std::function<void()> run_here;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (state_->stopping.exchange(true, std::memory_order_acq_rel)) return closed_error();
    state_->abandon_waiting = waiting == Waiting::kAbandon;
    (state_->live == 0 ? run_here : state_->on_idle) = std::move(on_idle);
    for (Lane &lane : state_->lanes) lane.work.notify_all();
  }
  if (run_here) run_here();
  return {};
}

// A thread that ends up here itself (on_idle let go of the ledger) cannot wait for its own end.
void Executor::join() {
  if (forked()) return;
  const std::shared_ptr<State> state = state_;
  std::vector<platform::Thread> threads;
  {
    std::unique_lock<std::mutex> lock(state->mutex);
    const std::size_t own = running_for == state.get() ? 1 : 0;
    state->caller_left.wait(lock, [&] { return state->callers <= own; });
    threads.swap(state->threads);
  }
  for (const platform::Thread thread : threads) {
    if (platform::is_this_thread(thread)) {
      platform::let_go_of_thread(thread);
    } else {
      platform::join_thread(thread);
    }
  }
}

std::size_t Executor::threads_started() const {
  if (forked()) return 0;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->started;
}

}  // namespace cala::runtime
