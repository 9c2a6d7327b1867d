#include "runtime/fork_guard.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "platform/fork_generation.h"
#include "recorded_completion.h"
#include "runtime/executor.h"
#include "runtime/one_shot.h"
#include "runtime/queue.h"

#if defined(__SANITIZE_THREAD__)
#define CALA_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CALA_UNDER_TSAN 1
#endif
#endif

namespace cala::runtime {
namespace {

using base::Status;

class ForkGuard : public testing::Test {
 protected:
  void SetUp() override {
#ifdef CALA_UNDER_TSAN
    GTEST_SKIP() << "ThreadSanitizer does not follow a fork of a process with threads";
#endif
  }
};

// Runs the checks in a child and returns the number of the first one that failed, 0 for none. A child that hangs in a
// lock is ended by its alarm and shows as -1.
int in_child(const std::function<int()> &checks) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(checks());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(ForkGuard, TellsAChildFromItsParent) {
  const std::uint64_t born = platform::fork_generation();
  EXPECT_FALSE(forked_since(born));
  EXPECT_EQ(in_child([born] {
              if (!forked_since(born)) return 1;
              if (forked_since(platform::fork_generation())) return 2;
              return 0;
            }),
            0);
  EXPECT_FALSE(forked_since(born));
}

TEST_F(ForkGuard, TellsAGrandchildFromItsParent) {
  EXPECT_EQ(in_child([] {
              const std::uint64_t born = platform::fork_generation();
              return in_child([born] { return forked_since(born) ? 0 : 1; });
            }),
            0);
}

TEST_F(ForkGuard, MakesAQueueAnswerForkedInTheChild) {
  auto queue = make_queue();
  const int descriptor = *queue->descriptor();
  push_one(*queue, 1);
  EXPECT_EQ(in_child([&] {
              std::size_t used = 0;
              unsigned char buffer[256];
              if (queue->reserve().error().status != Status::kForked) return 1;
              if (queue->drain(0).error().status != Status::kForked) return 2;
              if (queue->read(buffer, sizeof buffer, &used).error().status != Status::kForked) return 3;
              if (queue->wait(-1).error().status != Status::kForked) return 4;
              if (queue->run().error().status != Status::kForked) return 5;
              if (queue->descriptor().error().status != Status::kForked) return 6;
              queue->wake();
              queue->stop();
              queue->close();
              queue.reset();
              return 0;
            }),
            0);
  EXPECT_TRUE(readable(descriptor));
  EXPECT_EQ(read_messages(*queue).at(0).header.tag, 1U);
  close(descriptor);
}

TEST_F(ForkGuard, LetsAChildFreeAQueueWhoseLockAndWaitAreHeldByThreadsOfTheParent) {
  auto queue = make_queue();
  OneShot waiting;
  std::thread waiter([&] {
    waiting.set();
    EXPECT_FALSE(*queue->wait(-1));
  });
  std::thread drainer([&] { EXPECT_TRUE(queue->run().ok()); });
  ASSERT_TRUE(waiting.wait(-1));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(in_child([&] {
                queue->close();
                queue.reset();
                return 0;
              }),
              0);
  }
  queue->wake();
  waiter.join();
  queue->stop();
  drainer.join();
}

TEST_F(ForkGuard, KeepsCompletionsOfTheParentUntouchedInTheChild) {
  struct Told {
    int *ended;
    ~Told() { ++*ended; }
  };
  int ended = 0;
  auto queue = make_queue();
  push_one(*queue, 1, "{}", [told = std::make_shared<Told>(Told{&ended})] {});
  ended = 0;
  EXPECT_EQ(in_child([&] {
              queue.reset();
              return ended;
            }),
            0);
}

TEST_F(ForkGuard, ClosesTheDescriptorsOfAnInheritedQueueWithTheChildsFree) {
  auto queue = make_queue();
  const int last_before = dup(0);
  const int mine = *queue->descriptor();
  EXPECT_EQ(in_child([&] {
              close(mine);
              queue.reset();
              for (int descriptor = last_before + 1; descriptor <= mine; ++descriptor) {
                if (fcntl(descriptor, F_GETFD) != -1) return 1;
              }
              return 0;
            }),
            0);
  push_one(*queue, 1);
  EXPECT_TRUE(readable(mine));
  close(mine);
  close(last_before);
}

TEST_F(ForkGuard, MakesAnExecutorAnswerForkedAndItsFreeJoinNothing) {
  std::vector<LaneOptions> lanes(1);
  lanes[0].name = "test";
  auto executor = Executor::create(std::move(lanes)).take();
  OneShot go_on;
  OneShot started;
  ASSERT_TRUE(executor
                  ->submit(0, make_task([&](const base::Error *) {
                             started.set();
                             go_on.wait(-1);
                           }))
                  .ok());
  ASSERT_TRUE(started.wait(-1));
  bool answered = false;
  ASSERT_TRUE(executor->submit(0, make_task([&](const base::Error *) { answered = true; })).ok());
  EXPECT_EQ(in_child([&] {
              auto task = make_task([](const base::Error *) {});
              if (executor->submit(0, std::move(task)).error().status != Status::kForked) return 1;
              if (executor->shutdown(Waiting::kAbandon, {}).error().status != Status::kForked) return 2;
              executor->join();
              executor.reset();
              return answered ? 3 : 0;
            }),
            0);
  go_on.set();
  ASSERT_TRUE(executor->shutdown(Waiting::kRun, {}).ok());
  executor->join();
  EXPECT_TRUE(answered);
}

TEST_F(ForkGuard, LetsAChildMakeItsOwn) {
  auto inherited = make_queue();
  EXPECT_EQ(in_child([] {
              auto queue = make_queue();
              int seen = 0;
              push_one(*queue, 1, "{}", [&] { ++seen; });
              if (*queue->drain(0) != 1 || seen != 1) return 1;
              std::vector<LaneOptions> lanes(1);
              lanes[0].name = "child";
              auto executor = Executor::create(std::move(lanes)).take();
              bool ran = false;
              if (!executor->submit(0, make_task([&](const base::Error *) { ran = true; })).ok()) return 2;
              if (!executor->shutdown(Waiting::kRun, {}).ok()) return 3;
              executor->join();
              return ran ? 0 : 4;
            }),
            0);
}

}  // namespace
}  // namespace cala::runtime
