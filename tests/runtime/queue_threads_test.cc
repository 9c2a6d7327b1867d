#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "recorded_completion.h"
#include "runtime/one_shot.h"
#include "runtime/queue.h"

namespace cala::runtime {
namespace {

using base::Status;

constexpr std::uint64_t kProducers = 4;
constexpr std::uint64_t kEach = 2000;

// Threads that push completions and count how often each was answered.
class Producers {
 public:
  explicit Producers(const std::shared_ptr<Queue> &queue) : answers_(kProducers * kEach) {
    for (std::uint64_t producer = 0; producer < kProducers; ++producer) {
      threads_.emplace_back([this, queue, producer] {
        for (std::uint64_t i = 0; i < kEach; ++i) push(*queue, producer * kEach + i);
      });
    }
  }
  Producers(const Producers &) = delete;
  Producers &operator=(const Producers &) = delete;
  ~Producers() { join(); }

  void join() {
    for (std::thread &thread : threads_) thread.join();
    threads_.clear();
  }
  void answer(std::uint64_t tag) {
    ++answers_[tag];
    ++answered;
  }
  std::size_t answered_exactly_once() const {
    std::size_t once = 0;
    for (const std::atomic<int> &answer : answers_) once += answer == 1 ? 1U : 0U;
    return once;
  }

  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> refused{0};

 private:
  void push(Queue &queue, std::uint64_t tag) {
    for (;;) {
      auto reserved = queue.reserve();
      if (reserved.ok()) break;
      if (reserved.error().status == Status::kClosed) {
        ++refused;
        return;
      }
      std::this_thread::yield();
    }
    queue.push(make_completion(tag, std::to_string(tag), [this, tag] { answer(tag); }));
  }

  std::vector<std::atomic<int>> answers_;
  std::vector<std::thread> threads_;
};

TEST(QueueThreads, AnswerEveryPushExactlyOnceWithSeveralReadersAndDrainers) {
  auto queue = make_queue();
  queue->set_capacity(128);
  Producers producers(queue);
  std::vector<std::thread> consumers;
  consumers.reserve(4);
  for (int consumer = 0; consumer < 4; ++consumer) {
    consumers.emplace_back([&, consumer] {
      std::vector<unsigned char> buffer(512);
      while (producers.answered < kProducers * kEach) {
        if (!*queue->wait(1)) continue;
        std::size_t used = 0;
        if (consumer % 2 == 0) {
          auto drained = queue->drain(16);
          EXPECT_TRUE(drained.ok() || drained.error().status == Status::kBusy);
        } else if (auto count = queue->read(buffer.data(), buffer.size(), &used); count.ok()) {
          for (const ReadMessage &message : parse_messages(buffer.data(), used)) {
            EXPECT_EQ(message.data, std::to_string(message.header.tag));
            producers.answer(message.header.tag);
          }
        } else {
          EXPECT_EQ(count.error().status, Status::kBusy);
        }
      }
    });
  }
  for (std::thread &consumer : consumers) consumer.join();
  EXPECT_EQ(producers.answered_exactly_once(), kProducers * kEach);
  EXPECT_EQ(queue->undelivered(), 0U);
  EXPECT_EQ(queue->places_taken(), 0U);
}

TEST(QueueThreads, RunDeliversEverythingUntilAnotherThreadStopsIt) {
  auto queue = make_queue();
  Producers producers(queue);
  std::thread runner([&] { EXPECT_TRUE(queue->run().ok()); });
  producers.join();
  while (producers.answered < kProducers * kEach) std::this_thread::yield();
  queue->stop();
  runner.join();
  EXPECT_EQ(producers.answered_exactly_once(), kProducers * kEach);
}

TEST(QueueThreads, RefuseASecondReaderWhileACallbackRuns) {
  auto queue = make_queue();
  OneShot inside;
  OneShot leave;
  push_one(*queue, 1, "{}", [&] {
    inside.set();
    leave.wait(-1);
  });
  std::thread drainer([&] { EXPECT_EQ(*queue->drain(0), 1); });
  ASSERT_TRUE(inside.wait(-1));
  std::size_t used = 0;
  EXPECT_EQ(queue->drain(0).error().status, Status::kBusy);
  EXPECT_EQ(queue->read(nullptr, 0, &used).error().status, Status::kBusy);
  EXPECT_EQ(queue->run().error().status, Status::kBusy);
  leave.set();
  drainer.join();
  EXPECT_EQ(*queue->drain(0), 0);
}

TEST(QueueThreads, CloseWhileProducersAndADrainAreBusy) {
  auto queue = make_queue();
  queue->set_capacity(32);
  Producers producers(queue);
  std::atomic<bool> closed{false};
  std::thread drainer([&] {
    while (!closed) {
      auto drained = queue->drain(3);
      EXPECT_TRUE(drained.ok() || drained.error().status == Status::kClosed);
      std::this_thread::yield();
    }
  });
  while (producers.answered < 100) std::this_thread::yield();
  queue->close();
  closed = true;
  drainer.join();
  producers.join();
  EXPECT_GT(producers.refused, 0U);
  EXPECT_EQ(producers.answered_exactly_once(), producers.answered);
  EXPECT_EQ(queue->undelivered(), 0U);
}

TEST(QueueThreads, CloseWhileAReaderIsInTheMiddleOfAMessage) {
  auto queue = make_queue();
  OneShot rendering;
  OneShot closed;
  class SlowCompletion final : public Completion {
   public:
    SlowCompletion(OneShot &rendering_now, OneShot &go_on) : rendering_(rendering_now), go_on_(go_on) {}
    std::uint64_t tag() const override { return 5; }
    std::int32_t status() const override { return 0; }
    void append_data(std::string &out) const override {
      rendering_.set();
      go_on_.wait(-1);
      out += "whole";
    }
    void deliver() override {}

   private:
    OneShot &rendering_;
    OneShot &go_on_;
  };
  ASSERT_TRUE(queue->reserve().ok());
  queue->push(std::make_shared<SlowCompletion>(rendering, closed));
  std::thread reader([&] { EXPECT_EQ(read_messages(*queue).at(0).data, "whole"); });
  ASSERT_TRUE(rendering.wait(-1));
  queue->close();
  closed.set();
  reader.join();
}

TEST(QueueThreads, CloseEndsAWaitAndARun) {
  auto queue = make_queue();
  std::thread waiter([&] { EXPECT_EQ(queue->wait(-1).error().status, Status::kClosed); });
  std::thread runner([&] { EXPECT_EQ(queue->run().error().status, Status::kClosed); });
  queue->close();
  waiter.join();
  runner.join();
}

TEST(QueueThreads, WakeAndStopEachEndEveryWaitInProgress) {
  auto queue = make_queue();
  for (int round = 0; round < 2; ++round) {
    std::atomic<int> ended{0};
    std::vector<std::thread> waiters;
    waiters.reserve(3);
    for (int i = 0; i < 3; ++i) {
      waiters.emplace_back([&] {
        EXPECT_FALSE(*queue->wait(-1));
        ++ended;
      });
    }
    while (ended < 3) {
      if (round == 0) queue->wake();
      if (round == 1) queue->stop();
      std::this_thread::yield();
    }
    for (std::thread &waiter : waiters) waiter.join();
  }
}

TEST(QueueThreads, CountEveryLogEitherAsReadOrAsDropped) {
  auto queue = make_queue();
  queue->set_log_capacity(8);
  constexpr std::uint64_t kLogs = 2000;
  std::vector<std::thread> loggers;
  loggers.reserve(3);
  std::atomic<int> running{3};
  for (int logger = 0; logger < 3; ++logger) {
    loggers.emplace_back([&] {
      for (std::uint64_t i = 0; i < kLogs; ++i) {
        queue->push_log(RecordedCompletion(1, "{}").with(MessageType::kLog, 0));
      }
      --running;
    });
  }
  std::uint64_t counted = 0;
  for (bool last = false; !last;) {
    last = running == 0 && queue->undelivered() == 0;
    for (const ReadMessage &message : read_messages(*queue)) counted += message.header.tag;
  }
  for (std::thread &logger : loggers) logger.join();
  EXPECT_EQ(counted, 3 * kLogs);
}

}  // namespace
}  // namespace cala::runtime
