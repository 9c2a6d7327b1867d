#include "runtime/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <new>
#include <thread>

#include "runtime/one_shot.h"

namespace cala::runtime {
namespace {

using base::Error;
using base::Status;

LaneOptions lane(std::string name, std::size_t threads = 1, std::size_t capacity = 1024) {
  LaneOptions options;
  options.name = std::move(name);
  options.threads = threads;
  options.capacity = capacity;
  return options;
}

std::unique_ptr<Executor> make_executor(LaneOptions only) {
  std::vector<LaneOptions> lanes;
  lanes.push_back(std::move(only));
  return Executor::create(std::move(lanes)).take();
}

// Keeps a lane's only thread busy until it is let go.
class Blocker {
 public:
  explicit Blocker(Executor &executor, std::size_t lane_index = 0) : state_(std::make_shared<Shots>()) {
    auto task = make_task([state = state_](const Error *) {
      state->started.set();
      state->go_on.wait(-1);
    });
    EXPECT_TRUE(executor.submit(lane_index, std::move(task)).ok());
    state_->started.wait(-1);
  }
  void let_go() { state_->go_on.set(); }

 private:
  struct Shots {
    OneShot started;
    OneShot go_on;
  };
  std::shared_ptr<Shots> state_;
};

TEST(Executor, StartsThreadsOnlyWhenThereIsWorkForThem) {
  auto executor = make_executor(lane("test", 3));
  EXPECT_EQ(executor->threads_started(), 0U);
  Blocker first(*executor);
  EXPECT_EQ(executor->threads_started(), 1U);
  Blocker second(*executor);
  EXPECT_EQ(executor->threads_started(), 2U);
  first.let_go();
  second.let_go();
}

TEST(Executor, StartsNoMoreThreadsThanItsLaneAllows) {
  auto executor = make_executor(lane("test", 2));
  std::atomic<int> ran{0};
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(executor->submit(0, make_task([&](const Error *) { ++ran; })).ok());
  }
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_EQ(ran, 100);
  EXPECT_LE(executor->threads_started(), 2U);
}

TEST(Executor, RunsTasksOfOneThreadInOrder) {
  auto executor = make_executor(lane("test"));
  std::vector<int> order;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(executor->submit(0, make_task([&order, i](const Error *) { order.push_back(i); })).ok());
  }
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  ASSERT_EQ(order.size(), 50U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(Executor, NamesItsThreadsAndBlocksEverySignalOnThem) {
  auto executor = make_executor(lane("a-rather-long-name"));
  std::string name;
  bool blocked = true;
  std::size_t stack = 0;
  OneShot done;
  auto task = make_task([&](const Error *) {
    char buffer[64];
    pthread_getname_np(pthread_self(), buffer, sizeof buffer);
    name = buffer;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGCHLD, SIGPIPE, SIGALRM}) {
      blocked = blocked && sigismember(&mask, signal) == 1;
    }
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_destroy(&attributes);
    done.set();
  });
  ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  ASSERT_TRUE(done.wait(-1));
  EXPECT_EQ(name, "cala/a-rather-l");
  EXPECT_TRUE(blocked);
  EXPECT_GE(stack, 1U << 20);
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGUSR1), 0);
}

TEST(Executor, RefusesATaskThatFindsItsLaneFullAndLeavesItWithTheCaller) {
  auto executor = make_executor(lane("test", 1, 1));
  Blocker blocker(*executor);
  ASSERT_TRUE(executor->submit(0, make_task([](const Error *) {})).ok());
  bool touched = false;
  auto task = make_task([&](const Error *) { touched = true; });
  auto refused = executor->submit(0, std::move(task));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kBusy);
  EXPECT_EQ(refused.error().code, "executor.full");
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_NE(task, nullptr);
  blocker.let_go();
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_FALSE(touched);
}

TEST(Executor, LanesDoNotWaitForEachOther) {
  std::vector<LaneOptions> lanes;
  lanes.push_back(lane("slow"));
  lanes.push_back(lane("quick"));
  auto executor = Executor::create(std::move(lanes)).take();
  Blocker blocker(*executor, 0);
  OneShot done;
  ASSERT_TRUE(executor->submit(1, make_task([&](const Error *) { done.set(); })).ok());
  EXPECT_TRUE(done.wait(-1));
  blocker.let_go();
}

TEST(Executor, HandsBackATaskThatHasNotStarted) {
  auto executor = make_executor(lane("test"));
  Blocker blocker(*executor);
  bool ran = false;
  auto task = make_task([&](const Error *) { ran = true; });
  const std::uint64_t id = task->id();
  ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  EXPECT_NE(executor->try_remove(id), nullptr);
  EXPECT_EQ(executor->try_remove(id), nullptr);
  blocker.let_go();
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_FALSE(ran);
}

TEST(Executor, AbandonsATaskThatHasNotStartedOnTheCallersThread) {
  auto executor = make_executor(lane("test"));
  Blocker blocker(*executor);
  std::string code;
  std::thread::id thread;
  auto task = make_task([&](const Error *why) {
    code = why == nullptr ? "ran" : why->code;
    thread = std::this_thread::get_id();
  });
  const std::uint64_t id = task->id();
  ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  EXPECT_TRUE(executor->try_abandon(id, base::make_error(Status::kCancelled, "op.cancelled", "")));
  EXPECT_EQ(code, "op.cancelled");
  EXPECT_EQ(thread, std::this_thread::get_id());
  EXPECT_FALSE(executor->try_abandon(id, base::make_error(Status::kCancelled, "op.cancelled", "")));
  blocker.let_go();
}

TEST(Executor, IsNotIdleWhileACancelledTaskIsStillBeingAnswered) {
  auto executor = make_executor(lane("test"));
  std::atomic<bool> idle{false};
  bool idle_too_early = true;
  Blocker blocker(*executor);
  auto task = make_task([&](const Error *) {
    ASSERT_TRUE(executor->shutdown(Waiting::kAbandon, [&] { idle = true; }).ok());
    blocker.let_go();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    idle_too_early = idle;
  });
  const std::uint64_t id = task->id();
  ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  EXPECT_TRUE(executor->try_abandon(id, base::make_error(Status::kCancelled, "op.cancelled", "")));
  executor->join();
  EXPECT_FALSE(idle_too_early);
  EXPECT_TRUE(idle);
}

TEST(Executor, DoesNotHandBackATaskThatRuns) {
  auto executor = make_executor(lane("test"));
  OneShot started;
  OneShot go_on;
  auto task = make_task([&](const Error *) {
    started.set();
    go_on.wait(-1);
  });
  const std::uint64_t id = task->id();
  ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  ASSERT_TRUE(started.wait(-1));
  EXPECT_EQ(executor->try_remove(id), nullptr);
  go_on.set();
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
}

TEST(Executor, ShutdownAbandonsWhatWaitsAndRunsOnIdleLastOnALibraryThread) {
  auto executor = make_executor(lane("test", 2));
  Blocker first(*executor);
  Blocker second(*executor);
  std::mutex mutex;
  std::vector<std::string> order;
  const auto note = [&](std::string what) {
    const std::lock_guard<std::mutex> lock(mutex);
    order.push_back(std::move(what));
  };
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(executor
                    ->submit(0, make_task([&](const Error *why) {
                               note(why != nullptr && why->status == Status::kCancelled ? "abandoned" : "ran");
                             }))
                    .ok());
  }
  std::thread::id idle_thread;
  ASSERT_TRUE(executor
                  ->shutdown(Waiting::kAbandon,
                             [&] {
                               idle_thread = std::this_thread::get_id();
                               note("idle");
                             })
                  .ok());
  EXPECT_TRUE(executor->stopping());
  first.let_go();
  second.let_go();
  executor->join();
  EXPECT_THAT(order, testing::ElementsAre("abandoned", "abandoned", "abandoned", "idle"));
  EXPECT_NE(idle_thread, std::this_thread::get_id());
}

TEST(Executor, ShutdownDoesNotWaitForARunningTask) {
  auto executor = make_executor(lane("test"));
  Blocker blocker(*executor);
  OneShot idle;
  ASSERT_TRUE(executor->shutdown(Waiting::kAbandon, [&] { idle.set(); }).ok());
  EXPECT_FALSE(idle.is_set());
  blocker.let_go();
  EXPECT_TRUE(idle.wait(-1));
}

TEST(Executor, DoesNotCallItselfIdleWhileOneOfItsThreadsIsBusy) {
  auto executor = make_executor(lane("test", 2));
  std::atomic<bool> idle{false};
  bool idle_too_early = true;
  OneShot started;
  OneShot go_on;
  ASSERT_TRUE(executor
                  ->submit(0, make_task([&](const Error *) {
                             started.set();
                             go_on.wait(-1);
                             std::this_thread::sleep_for(std::chrono::milliseconds(20));
                             idle_too_early = idle;
                           }))
                  .ok());
  ASSERT_TRUE(started.wait(-1));
  Blocker second(*executor);
  second.let_go();
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, [&] { idle = true; }).ok());
  go_on.set();
  executor->join();
  EXPECT_FALSE(idle_too_early);
  EXPECT_TRUE(idle);
}

TEST(Executor, RunsOnIdleOnTheCallersThreadWhenNoThreadWasStarted) {
  auto executor = make_executor(lane("test"));
  std::thread::id idle_thread;
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, [&] { idle_thread = std::this_thread::get_id(); }).ok());
  EXPECT_EQ(idle_thread, std::this_thread::get_id());
}

TEST(Executor, RefusesWorkAndASecondShutdownOnceItStops) {
  auto executor = make_executor(lane("test"));
  int idle = 0;
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, [&] { ++idle; }).ok());
  EXPECT_EQ(executor->shutdown(Waiting::kRun, [&] { ++idle; }).error().status, Status::kClosed);
  EXPECT_EQ(executor->submit(0, make_task([](const Error *) {})).error().status, Status::kClosed);
  EXPECT_EQ(idle, 1);
}

TEST(Executor, LetsALongTaskSeeThatItStops) {
  auto executor = make_executor(lane("test"));
  OneShot started;
  ASSERT_TRUE(executor
                  ->submit(0, make_task([&, raw = executor.get()](const Error *) {
                             started.set();
                             while (!raw->stopping()) std::this_thread::yield();
                           }))
                  .ok());
  ASSERT_TRUE(started.wait(-1));
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
}

TEST(Executor, AbandonsATaskThatThrewAndGoesOn) {
  auto executor = make_executor(lane("test"));
  std::vector<Status> told;
  ASSERT_TRUE(executor
                  ->submit(0, make_task([&](const Error *why) {
                             if (why == nullptr) throw std::bad_alloc();
                             told.push_back(why->status);
                           }))
                  .ok());
  ASSERT_TRUE(executor
                  ->submit(0, make_task([&](const Error *why) {
                             if (why == nullptr) throw 1;
                             told.push_back(why->status);
                           }))
                  .ok());
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_THAT(told, testing::ElementsAre(Status::kNoMemory, Status::kInternal));
}

// Notes how many tasks each batch has, and runs them.
LaneOptions batching(std::vector<std::size_t> &sizes, std::size_t most, std::size_t threads = 1) {
  LaneOptions options = lane("post", threads);
  options.batch_max = most;
  options.run_batch = [&](std::vector<std::unique_ptr<Task>> &tasks) {
    sizes.push_back(tasks.size());
    for (auto &task : tasks) task->run();
  };
  return options;
}

TEST(Executor, HandsABatchWhatWaitsUpToItsMost) {
  std::vector<std::size_t> sizes;
  LaneOptions options = batching(sizes, 4);
  auto executor = make_executor(std::move(options));
  Blocker blocker(*executor);
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(executor->submit(0, make_task([&order, i](const Error *) { order.push_back(i); })).ok());
  }
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  blocker.let_go();
  executor->join();
  EXPECT_THAT(sizes, testing::ElementsAre(1, 4, 4, 2));
  EXPECT_THAT(order, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(Executor, PutsIntoABatchOnlyWhatJoins) {
  std::vector<std::size_t> sizes;
  LaneOptions options = batching(sizes, 10);
  std::vector<std::uint64_t> loners;
  options.weight = [&](const Task &task) -> std::size_t {
    return std::find(loners.begin(), loners.end(), task.id()) == loners.end() ? 1 : 0;
  };
  auto executor = make_executor(std::move(options));
  Blocker blocker(*executor);
  for (int i = 0; i < 8; ++i) {
    auto task = make_task([](const Error *) {});
    if (i == 3 || i == 6 || i == 7) loners.push_back(task->id());
    ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  }
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  blocker.let_go();
  executor->join();
  EXPECT_THAT(sizes, testing::ElementsAre(1, 3, 1, 2, 1, 1));
}

TEST(Executor, PutsIntoABatchNoMoreThanItHolds) {
  std::vector<std::size_t> sizes;
  LaneOptions options = batching(sizes, 4);
  std::map<std::uint64_t, std::size_t> weights;
  options.weight = [&](const Task &task) { return weights[task.id()]; };
  auto executor = make_executor(std::move(options));
  Blocker blocker(*executor);
  for (const std::size_t weight : {2U, 2U, 3U, 1U, 3U, 9U, 4U, 1U}) {
    auto task = make_task([](const Error *) {});
    weights[task->id()] = weight;
    ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  }
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  blocker.let_go();
  executor->join();
  EXPECT_THAT(sizes, testing::ElementsAre(1, 2, 2, 1, 1, 1, 1));
}

// A thread for what a batch has left behind is there when the batch takes long.
TEST(Executor, StartsAThreadForWhatABatchLeavesBehind) {
  LaneOptions options = lane("post", 2);
  options.batch_max = 1;
  options.busy_max = 1;
  options.patience = std::chrono::milliseconds(10);
  OneShot first;
  OneShot second;
  options.run_batch = [](std::vector<std::unique_ptr<Task>> &tasks) {
    for (auto &task : tasks) task->run();
  };
  auto executor = make_executor(std::move(options));
  ASSERT_TRUE(executor->submit(0, make_task([&](const Error *) { first.wait(-1); })).ok());
  ASSERT_TRUE(executor->submit(0, make_task([&](const Error *) { second.set(); })).ok());
  EXPECT_TRUE(second.wait(10'000));
  first.set();
}

LaneOptions one_at_work(std::vector<std::size_t> &sizes, std::chrono::milliseconds patience) {
  LaneOptions options = batching(sizes, 10, 3);
  options.busy_max = 1;
  options.patience = patience;
  return options;
}

TEST(Executor, LetsABatchGrowWhileAnotherIsAtWork) {
  std::vector<std::size_t> sizes;
  auto executor = make_executor(one_at_work(sizes, std::chrono::hours(1)));
  Blocker blocker(*executor);
  OneShot done;
  for (int i = 0; i < 5; ++i) {
    auto task = make_task([&done, i](const Error *) {
      if (i == 4) done.set();
    });
    ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
  }
  EXPECT_FALSE(done.wait(20));
  EXPECT_EQ(executor->threads_started(), 2U);
  blocker.let_go();
  EXPECT_TRUE(done.wait(-1));
  executor.reset();
  EXPECT_THAT(sizes, testing::ElementsAre(1, 5));
}

TEST(Executor, LetsABatchInBesideOneThatTakesTooLong) {
  std::vector<std::size_t> sizes;
  auto executor = make_executor(one_at_work(sizes, std::chrono::milliseconds(10)));
  Blocker blocker(*executor);
  for (int i = 0; i < 3; ++i) {
    OneShot done;
    ASSERT_TRUE(executor->submit(0, make_task([&done](const Error *) { done.set(); })).ok());
    EXPECT_TRUE(done.wait(-1));
  }
  blocker.let_go();
  executor.reset();
  EXPECT_THAT(sizes, testing::ElementsAre(1, 1, 1, 1));
}

TEST(Executor, AbandonsTheRestOfABatchThatThrew) {
  LaneOptions options = lane("writer");
  options.batch_max = 3;
  options.run_batch = [](std::vector<std::unique_ptr<Task>> &tasks) {
    tasks.front()->run();
    tasks.front().reset();
    if (tasks.size() > 1) throw std::bad_alloc();
  };
  auto executor = make_executor(std::move(options));
  Blocker blocker(*executor);
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        executor
            ->submit(0, make_task([&](const Error *why) { order.emplace_back(why == nullptr ? "ran" : why->code); }))
            .ok());
  }
  blocker.let_go();
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_THAT(order, testing::ElementsAre("ran", "memory.exhausted", "memory.exhausted"));
}

TEST(Executor, TasksMaySubmitMoreTasks) {
  auto executor = make_executor(lane("test", 2));
  std::atomic<int> ran{0};
  OneShot done;
  std::function<void()> chain = [&] {
    if (++ran == 200) return done.set();
    EXPECT_TRUE(executor->submit(0, make_task([&](const Error *) { chain(); })).ok());
  };
  chain();
  EXPECT_TRUE(done.wait(-1));
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_EQ(ran, 200);
}

TEST(Executor, MayBeDestroyedByItsOwnLastThread) {
  auto owner = std::make_shared<std::unique_ptr<Executor>>(make_executor(lane("test", 2)));
  Executor *executor = owner->get();
  Blocker blocker(*executor);
  OneShot gone;
  ASSERT_TRUE(executor
                  ->shutdown(Waiting::kAbandon,
                             [&gone, owner]() mutable {
                               owner->reset();
                               gone.set();
                             })
                  .ok());
  owner.reset();
  blocker.let_go();
  EXPECT_TRUE(gone.wait(-1));
}

TEST(Executor, DestroyedWhileBusyAnswersEveryTaskExactlyOnce) {
  std::atomic<int> answered{0};
  {
    auto executor = make_executor(lane("test", 2));
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(executor->submit(0, make_task([&](const Error *) { ++answered; })).ok());
    }
  }
  EXPECT_EQ(answered, 200);
}

// ---- on the caller's thread

void run_here(Executor &executor, std::unique_ptr<Task> task) {
  ASSERT_TRUE(executor.try_run(0, task));
  EXPECT_EQ(task, nullptr);
}

// The task is still there, to be submitted.
void expect_to_stay(Executor &executor) {
  std::unique_ptr<Task> task = make_task([](const Error *) { ADD_FAILURE() << "a task ran"; });
  EXPECT_FALSE(executor.try_run(0, task));
  EXPECT_NE(task, nullptr);
}

TEST(ExecutorCaller, RunsATaskWhereNothingIsToDo) {
  auto executor = make_executor(lane("test"));
  std::thread::id ran_on;
  for (int i = 0; i < 3; ++i) {
    ran_on = {};
    run_here(*executor, make_task([&](const Error *why) {
      EXPECT_EQ(why, nullptr);
      ran_on = std::this_thread::get_id();
    }));
    EXPECT_EQ(ran_on, std::this_thread::get_id());
  }
  EXPECT_EQ(executor->threads_started(), 0U);
}

TEST(ExecutorCaller, RunsNothingWhereAllThreadsAreAtWork) {
  auto executor = make_executor(lane("test"));
  Blocker blocker(*executor);
  expect_to_stay(*executor);
  blocker.let_go();
}

TEST(ExecutorCaller, RunsNothingBesideABatchOfALaneThatWorksOneAtATime) {
  std::vector<std::size_t> sizes;
  auto executor = make_executor(one_at_work(sizes, std::chrono::hours(1)));
  Blocker blocker(*executor);
  expect_to_stay(*executor);
  blocker.let_go();
}

TEST(ExecutorCaller, OvertakesNobody) {
  auto executor = make_executor(lane("test", 2));
  Blocker first(*executor);
  Blocker second(*executor);
  OneShot ran;
  ASSERT_TRUE(executor->submit(0, make_task([&](const Error *) { ran.set(); })).ok());
  expect_to_stay(*executor);
  first.let_go();
  second.let_go();
  EXPECT_TRUE(ran.wait(-1));
}

TEST(ExecutorCaller, RunsNothingAfterAShutdown) {
  auto executor = make_executor(lane("test"));
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  expect_to_stay(*executor);
}

// The stack is the test's own: the C library gives a thread a larger one that it has left over.
TEST(ExecutorCaller, RunsNothingOnASmallStack) {
  auto executor = make_executor(lane("test"));
  alignas(4096) static char stack[256U << 10];
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstack(&attributes, stack, sizeof stack), 0);
  pthread_t thread{};
  const auto body = [](void *of) -> void * {
    expect_to_stay(*static_cast<Executor *>(of));
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, executor.get()), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

// What comes while a caller is at work is one batch afterwards, of a thread of the lane's.
void expect_one_batch_afterwards(LaneOptions options, const std::vector<std::size_t> &sizes) {
  auto executor = make_executor(std::move(options));
  OneShot done;
  run_here(*executor, make_task([&](const Error *) {
    for (int i = 0; i < 3; ++i) {
      auto task = make_task([&done, i](const Error *) {
        if (i == 2) done.set();
      });
      ASSERT_TRUE(executor->submit(0, std::move(task)).ok());
    }
    EXPECT_FALSE(done.wait(20));
  }));
  EXPECT_TRUE(done.wait(-1));
  EXPECT_EQ(executor->threads_started(), 1U);
  executor.reset();
  EXPECT_THAT(sizes, testing::ElementsAre(1, 3));
}

TEST(ExecutorCaller, LetsABatchGrowInALaneOfOneThread) {
  std::vector<std::size_t> sizes;
  expect_one_batch_afterwards(batching(sizes, 10), sizes);
}

TEST(ExecutorCaller, LetsABatchGrowInALaneThatWorksOneAtATime) {
  std::vector<std::size_t> sizes;
  expect_one_batch_afterwards(one_at_work(sizes, std::chrono::hours(1)), sizes);
}

TEST(ExecutorCaller, IsTheLastToEndAndWaitedFor) {
  auto executor = make_executor(lane("test"));
  OneShot began;
  OneShot go_on;
  std::atomic<bool> ended{false};
  std::atomic<bool> idle{false};
  std::thread caller([&] {
    run_here(*executor, make_task([&](const Error *) {
      began.set();
      go_on.wait(-1);
      ended = true;
    }));
  });
  began.wait(-1);
  ASSERT_TRUE(executor->shutdown(Waiting::kAbandon, [&] { idle = ended.load(); }).ok());
  EXPECT_FALSE(idle);
  std::thread later([&] { go_on.set(); });
  executor->join();
  EXPECT_TRUE(ended);
  caller.join();
  later.join();
  EXPECT_TRUE(idle);
}

TEST(ExecutorCaller, MayDestroyTheExecutor) {
  auto executor = std::make_shared<std::unique_ptr<Executor>>(make_executor(lane("test")));
  bool gone = false;
  Executor *running = executor->get();
  run_here(*running, make_task([&](const Error *) {
    ASSERT_TRUE(running
                    ->shutdown(Waiting::kAbandon,
                               [&] {
                                 executor->reset();
                                 gone = true;
                               })
                    .ok());
  }));
  EXPECT_TRUE(gone);
}

TEST(ExecutorCaller, AnswersATaskThatThrows) {
  auto executor = make_executor(lane("test"));
  std::string code;
  run_here(*executor, make_task([&](const Error *why) {
    if (why == nullptr) throw std::bad_alloc();
    code = why->code;
  }));
  EXPECT_EQ(code, "memory.exhausted");
  run_here(*executor, make_task([](const Error *) {}));
}

TEST(Executor, AnswersEachAcceptedTaskOnceUnderSubmitCancelAndShutdown) {
  auto executor = make_executor(lane("test", 3, 64));
  std::atomic<int> accepted{0};
  std::atomic<int> answered{0};
  std::atomic<bool> idle{false};
  std::vector<std::thread> hosts;
  hosts.reserve(4);
  for (int host = 0; host < 4; ++host) {
    hosts.emplace_back([&, host] {
      for (int i = 0; i < 1000; ++i) {
        auto task = make_task([&](const Error *) {
          EXPECT_FALSE(idle);
          ++answered;
        });
        const std::uint64_t id = task->id();
        if (i % 2 == 0 && executor->try_run(0, task)) {
          ++accepted;
          continue;
        }
        if (!executor->submit(0, std::move(task)).ok()) continue;
        ++accepted;
        if (i % 3 == 0) (void)executor->try_abandon(id, base::make_error(Status::kCancelled, "op.cancelled", ""));
        if (host == 0 && i == 800) (void)executor->shutdown(Waiting::kAbandon, [&] { idle = true; }).ok();
      }
    });
  }
  for (std::thread &host : hosts) host.join();
  (void)executor->shutdown(Waiting::kAbandon, [&] { idle = true; }).ok();
  executor->join();
  EXPECT_TRUE(idle);
  EXPECT_EQ(answered, accepted);
}

}  // namespace
}  // namespace cala::runtime
