#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "recorded_completion.h"
#include "runtime/queue.h"

namespace cala::runtime {
namespace {

// Only so that a lost wake fails the test instead of hanging it.
constexpr int kSafetyMs = 30000;

// A descriptor of the queue, closed at the end of the test.
class Watched {
 public:
  explicit Watched(Queue &queue) : descriptor_(*queue.descriptor()) {}
  Watched(const Watched &) = delete;
  Watched &operator=(const Watched &) = delete;
  ~Watched() { ::close(descriptor_); }
  int get() const { return descriptor_; }
  std::size_t swallow() const {
    char bytes[4096];
    std::size_t all = 0;
    for (ssize_t got = 0; (got = ::read(descriptor_, bytes, sizeof bytes)) > 0;) all += static_cast<std::size_t>(got);
    return all;
  }

 private:
  int descriptor_;
};

TEST(QueueDescriptor, IsAFreshNonblockingCloseOnExecSocketEachTime) {
  auto queue = make_queue();
  const Watched first(*queue);
  const Watched second(*queue);
  EXPECT_NE(first.get(), second.get());
  for (const int descriptor : {first.get(), second.get()}) {
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_NE(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
    int domain = 0;
    socklen_t len = sizeof domain;
    ASSERT_EQ(getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
    EXPECT_EQ(domain, AF_UNIX);
  }
}

TEST(QueueDescriptor, IsReadableFromAPushUntilARead) {
  auto queue = make_queue();
  const Watched watched(*queue);
  EXPECT_FALSE(readable(watched.get()));
  push_one(*queue, 1);
  EXPECT_TRUE(readable(watched.get()));
  EXPECT_EQ(read_messages(*queue).size(), 1U);
  EXPECT_FALSE(readable(watched.get()));
}

TEST(QueueDescriptor, IsReadableAtOnceWhenSomethingWaitsAlready) {
  auto queue = make_queue();
  push_one(*queue, 1);
  const Watched first(*queue);
  EXPECT_TRUE(readable(first.get()));
  EXPECT_GT(first.swallow(), 0U);
  const Watched second(*queue);
  EXPECT_TRUE(readable(second.get()));
}

TEST(QueueDescriptor, StaysReadableWhenAReaderLeavesSomethingBehind) {
  auto queue = make_queue();
  const Watched watched(*queue);
  for (std::uint64_t tag = 1; tag <= 3; ++tag) push_one(*queue, tag);
  EXPECT_EQ(*queue->drain(1), 1);
  EXPECT_TRUE(readable(watched.get()));
  EXPECT_EQ(watched.swallow(), 1U);
  std::size_t used = 0;
  EXPECT_FALSE(queue->read(nullptr, 0, &used).ok());
  EXPECT_TRUE(readable(watched.get()));
  EXPECT_EQ(*queue->drain(0), 2);
  EXPECT_FALSE(readable(watched.get()));
}

TEST(QueueDescriptor, HoldsOneByteHoweverMuchIsPushed) {
  auto queue = make_queue();
  const Watched watched(*queue);
  for (std::uint64_t tag = 0; tag < 1000; ++tag) push_one(*queue, tag);
  EXPECT_EQ(watched.swallow(), 1U);
}

TEST(QueueDescriptor, DoesNotMindHowOftenItIsWoken) {
  auto queue = make_queue();
  const Watched watched(*queue);
  for (int i = 0; i < 20000; ++i) queue->wake();
  EXPECT_TRUE(readable(watched.get()));
  push_one(*queue, 1);
  for (int i = 0; i < 10 && readable(watched.get()); ++i) EXPECT_GE(*queue->drain(0), 0);
  EXPECT_FALSE(readable(watched.get()));
  EXPECT_EQ(queue->undelivered(), 0U);
}

TEST(QueueDescriptor, AnswersAWakeAgainThatADrainMayHaveSwallowed) {
  auto queue = make_queue();
  const Watched watched(*queue);
  push_one(*queue, 1, "{}", [&] { queue->wake(); });
  EXPECT_EQ(*queue->drain(0), 1);
  EXPECT_TRUE(readable(watched.get()));
  EXPECT_EQ(*queue->drain(0), 0);
  EXPECT_FALSE(readable(watched.get()));
}

TEST(QueueDescriptor, BecomesReadableWhenTheQueueIsClosed) {
  auto queue = make_queue();
  const Watched watched(*queue);
  queue->close();
  EXPECT_TRUE(readable(watched.get()));
}

TEST(QueueDescriptor, OutlivesItsQueue) {
  auto queue = make_queue();
  const Watched watched(*queue);
  queue->close();
  queue.reset();
  EXPECT_TRUE(readable(watched.get()));
  EXPECT_EQ(watched.swallow(), 1U);
}

TEST(QueueDescriptor, WakesALoopThatCollectsAgainAfterTheQueueWasEmpty) {
  auto queue = make_queue();
  const Watched watched(*queue);
  for (std::uint64_t tag = 1; tag <= 100; ++tag) {
    push_one(*queue, tag);
    ASSERT_TRUE(readable(watched.get()));
    if (tag % 2 == 0) {
      EXPECT_EQ(watched.swallow(), 1U);
    }
    ASSERT_EQ(*queue->drain(0), 1);
    ASSERT_FALSE(readable(watched.get()));
  }
}

// The loop sleeps in poll whenever it can, with each way of taking the byte: a single lost wake stops it.
template <typename Collect>
void collect_by_polling(bool swallow_first, Collect collect) {
  constexpr int kProducers = 3;
  constexpr std::uint64_t kEach = 3000;
  auto queue = make_queue();
  queue->set_capacity(64);
  const Watched watched(*queue);
  std::vector<std::thread> producers;
  for (std::uint64_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&queue, producer] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        while (!queue->reserve().ok()) std::this_thread::yield();
        queue->push(make_completion(producer * kEach + i));
      }
    });
  }
  std::size_t collected = 0;
  while (collected < kProducers * kEach) {
    if (!readable(watched.get(), kSafetyMs)) break;
    if (swallow_first) (void)watched.swallow();
    collected += collect(*queue);
  }
  EXPECT_EQ(collected, kProducers * kEach);
  if (collected < kProducers * kEach) queue->close();
  for (std::thread &producer : producers) producer.join();
}

std::size_t collect_by_drain(Queue &queue) { return static_cast<std::size_t>(*queue.drain(7)); }
std::size_t collect_by_read(Queue &queue) { return read_messages(queue, 256).size(); }

TEST(QueueDescriptor, LosesNoWakeOfAPollingDrain) { collect_by_polling(false, collect_by_drain); }
TEST(QueueDescriptor, LosesNoWakeOfAPollingReader) { collect_by_polling(false, collect_by_read); }
TEST(QueueDescriptor, LosesNoWakeWhenTheHostTakesTheByteItself) {
  collect_by_polling(true, collect_by_drain);
  collect_by_polling(true, collect_by_read);
}

TEST(QueueDescriptor, LosesNoWakeCalledWhileTheLoopDrains) {
  auto queue = make_queue();
  const Watched watched(*queue);
  std::atomic<int> asked{0};
  std::atomic<int> seen{0};
  std::thread waker([&] {
    for (int i = 1; i <= 500; ++i) {
      push_one(*queue, 1);
      asked = i;
      queue->wake();
      while (seen < i) std::this_thread::yield();
    }
  });
  while (seen < 500) {
    if (!readable(watched.get(), kSafetyMs)) break;
    seen = asked.load();  // looks before it drains, as loops do: what is asked from here on needs another wake
    (void)*queue->drain(0);
  }
  EXPECT_EQ(seen, 500);
  seen = 500;
  waker.join();
}

}  // namespace
}  // namespace cala::runtime
