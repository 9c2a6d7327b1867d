// Executor: the library's threads. Named lanes, each a bounded FIFO of tasks with up to N threads that are started
// when there is work for them. Threads block all signals, are called "cala/<lane>" and have a stack of 1 MiB.
//
// Invariants:
// - A task that was accepted is answered exactly once by the executor: run(), or abandon(), or handed back by
//   try_remove(). One that throws out of run() (memory) gets abandon() after it.
// - shutdown() never blocks, refuses new work with kClosed, and its on_idle runs exactly once, after the last task, on
//   the last thread to end that runs tasks, a library thread or one in try_run(); on the caller's thread when there is
//   none.
// - Threads keep what they need alive; the Executor may be destroyed on one of its own threads.
//
// Thread rule: every method is safe from every thread. No lock is held while a task or on_idle runs. In a forked child
// submit and shutdown answer kForked, and join and the destructor do nothing: the threads are in the parent, and what
// they use is leaked.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"

namespace cala::runtime {

class Task {
 public:
  Task();
  Task(const Task &) = delete;
  Task &operator=(const Task &) = delete;
  virtual ~Task();

  std::uint64_t id() const { return id_; }  // unique in the process; known before submit

  virtual void run() = 0;
  // Answer without doing the work: the executor shuts down (kCancelled), or run() threw (kNoMemory, kInternal).
  virtual void abandon(const base::Error &why) = 0;

 private:
  const std::uint64_t id_;
};

// A task from a callable: `fn(nullptr)` runs, `fn(&error)` abandons.
template <typename Fn>
std::unique_ptr<Task> make_task(Fn fn) {
  class FnTask final : public Task {
   public:
    explicit FnTask(Fn &&call) : call_(std::move(call)) {}
    void run() override { call_(static_cast<const base::Error *>(nullptr)); }
    void abandon(const base::Error &why) override { call_(&why); }

   private:
    Fn call_;
  };
  static_assert(std::is_invocable_v<Fn &, const base::Error *>);
  return std::make_unique<FnTask>(std::move(fn));
}

struct LaneOptions {
  std::string name;
  std::size_t threads = 1;
  std::size_t capacity = 1024;  // tasks that may wait
  // With run_batch a thread takes waiting tasks of up to batch_max in all at once and hands them over in order. The
  // callback answers each one and may take them out of the vector; if it throws, those still in it are abandoned.
  std::size_t batch_max = 1;
  std::function<void(std::vector<std::unique_ptr<Task>> &)> run_batch;
  // How much of batch_max a task takes; 0: it is never with others in a batch. None given: 1.
  std::function<std::size_t(const Task &)> weight;
  // Whether the second may be in a batch that begins with the first. None given: any.
  std::function<bool(const Task &, const Task &)> alike;
  // So many threads work at a time, so that what arrives meanwhile becomes one batch; 0: all. One that takes longer
  // than patience, which then waits for somebody, is not counted any more.
  std::size_t busy_max = 0;
  std::chrono::milliseconds patience{100};
};

// What shutdown does with tasks that have not started.
enum class Waiting { kRun, kAbandon };

class Executor {
 public:
  // Lanes are named by their index from now on. Starts no thread.
  static base::Result<std::unique_ptr<Executor>> create(std::vector<LaneOptions> lanes);
  ~Executor();  // shutdown(kAbandon) if nobody did, then join
  Executor(const Executor &) = delete;
  Executor &operator=(const Executor &) = delete;

  // On an error (kBusy "executor.full", kClosed "executor.closed", ...) the task stays with the caller, unanswered.
  base::Outcome submit(std::size_t lane, std::unique_ptr<Task> &&task);

  // Runs the task here and now, on the caller's thread, instead of handing it to one of the lane's: only where nothing
  // waits in the lane and one of its threads might take it, so that nobody is overtaken and no batch is made smaller.
  // Not where somebody had to wait a moment ago: those who come and go there are served sooner by one thread that does
  // not sleep. Not on a small stack. False: the task stays with the caller, unanswered, for submit.
  bool try_run(std::size_t lane, std::unique_ptr<Task> &task);

  // Cancels a task that has not started: abandon(why), on this thread, before any on_idle. False when it has started or
  // is not known.
  bool try_abandon(std::uint64_t task_id, const base::Error &why);
  // Takes such a task back; the caller answers it. on_idle does not wait for that answer. Null like false above.
  std::unique_ptr<Task> try_remove(std::uint64_t task_id);

  // kClosed when called a second time; that on_idle never runs. on_idle must not throw.
  base::Outcome shutdown(Waiting waiting, std::function<void()> on_idle);
  bool stopping() const;  // a long task looks at this now and then

  // After shutdown: waits for all threads, a moment when on_idle was seen, and for others that are in try_run().
  // On a library thread it lets that thread go instead.
  void join();

  std::size_t threads_started() const;

 private:
  struct Lane;
  struct State;
  struct ThreadStart;

  explicit Executor(std::shared_ptr<State> state);
  bool forked() const;
  static base::Outcome start_thread(const std::shared_ptr<State> &state, Lane &lane);
  static void start_another(const std::shared_ptr<State> &state, Lane &lane) noexcept;
  static std::unique_ptr<Task> remove_waiting(State &state, std::uint64_t task_id);
  static void *thread_main(void *argument);
  static void wait_for_work(const State &state, Lane &lane, std::unique_lock<std::mutex> &lock);
  static void run_batch(const Lane &lane, std::vector<std::unique_ptr<Task>> &batch) noexcept;
  static std::function<void()> leave(State &state);
  static void serve(const std::shared_ptr<State> &shared, Lane &lane, std::vector<std::unique_ptr<Task>> &batch);

  const std::uint64_t generation_;
  std::shared_ptr<State> state_;
};

}  // namespace cala::runtime
