#include "runtime/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csetjmp>
#include <new>

#include "recorded_completion.h"

namespace cala::runtime {
namespace {

using base::Status;

std::vector<std::uint64_t> tags(const std::vector<ReadMessage> &messages) {
  std::vector<std::uint64_t> all;
  all.reserve(messages.size());
  for (const ReadMessage &message : messages) all.push_back(message.header.tag);
  return all;
}

TEST(Queue, FramesAMessageAlignedToEightBytesWithItsOwnLengths) {
  auto queue = make_queue();
  ASSERT_TRUE(queue->reserve().ok());
  queue->push(RecordedCompletion(0xfedcba9876543210U, "12345").with(MessageType::kShutdown, -7));
  unsigned char buffer[64];
  std::memset(buffer, 0xaa, sizeof buffer);
  std::size_t used = 0;
  auto count = queue->read(buffer, sizeof buffer, &used);
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, 1U);
  EXPECT_EQ(used, 32U);
  const ReadMessage message = parse_messages(buffer, used).at(0);
  EXPECT_EQ(message.header.message_len, 32U);
  EXPECT_EQ(message.header.header_len, 24U);
  EXPECT_EQ(message.header.type, 3U);
  EXPECT_EQ(message.header.tag, 0xfedcba9876543210U);
  EXPECT_EQ(message.header.status, -7);
  EXPECT_EQ(message.data, "12345");
  EXPECT_EQ(buffer[29], 0U);
  EXPECT_EQ(buffer[31], 0U);
  EXPECT_EQ(buffer[32], 0xaaU);
}

TEST(Queue, ReadsInTheOrderOfThePushes) {
  auto queue = make_queue();
  for (std::uint64_t tag = 1; tag <= 5; ++tag) push_one(*queue, tag);
  EXPECT_THAT(tags(read_messages(*queue)), testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_TRUE(read_messages(*queue).empty());
}

TEST(Queue, ReadsNothingFromAnEmptyQueueEvenWithoutABuffer) {
  auto queue = make_queue();
  std::size_t used = 99;
  auto count = queue->read(nullptr, 0, &used);
  ASSERT_TRUE(count.ok());
  EXPECT_EQ(*count, 0U);
  EXPECT_EQ(used, 0U);
}

TEST(Queue, FillsTheBufferWithWholeMessagesAndKeepsTheRest) {
  auto queue = make_queue();
  for (std::uint64_t tag = 1; tag <= 5; ++tag) push_one(*queue, tag, "12345678");
  EXPECT_THAT(tags(read_messages(*queue, 32 * 2 + 31)), testing::ElementsAre(1, 2));
  EXPECT_EQ(queue->undelivered(), 3U);
  EXPECT_THAT(tags(read_messages(*queue)), testing::ElementsAre(3, 4, 5));
}

TEST(Queue, SaysHowManyBytesTheFirstMessageNeedsAndLosesNothing) {
  auto queue = make_queue();
  auto large = push_one(*queue, 1, std::string(1000, 'x'));
  push_one(*queue, 2);
  unsigned char small[64];
  std::size_t used = 0;
  auto refused = queue->read(small, sizeof small, &used);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kInvalid);
  EXPECT_EQ(refused.error().code, "queue.buffer_too_small");
  EXPECT_EQ(used, 1024U);
  EXPECT_EQ(queue->undelivered(), 2U);
  const auto messages = read_messages(*queue, used);
  ASSERT_THAT(tags(messages), testing::ElementsAre(1));
  EXPECT_EQ(messages[0].data, std::string(1000, 'x'));
  EXPECT_EQ(large->rendered, 1);
  EXPECT_THAT(tags(read_messages(*queue)), testing::ElementsAre(2));
}

TEST(Queue, DrainsWhatDidNotFitIntoABuffer) {
  auto queue = make_queue();
  auto large = push_one(*queue, 1, std::string(1000, 'x'));
  std::size_t used = 0;
  EXPECT_FALSE(queue->read(nullptr, 0, &used).ok());
  EXPECT_EQ(*queue->drain(0), 1);
  EXPECT_EQ(large->deliveries, 1);
  push_one(*queue, 2, "short");
  EXPECT_EQ(read_messages(*queue).at(0).data, "short");
}

TEST(Queue, RefusesWorkWhenInFlightAndUndeliveredFillTheCapacity) {
  auto queue = make_queue();
  queue->set_capacity(2);
  push_one(*queue, 1);
  ASSERT_TRUE(queue->reserve().ok());
  auto refused = queue->reserve();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kBusy);
  EXPECT_EQ(refused.error().code, "queue.full");
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_EQ(read_messages(*queue).size(), 1U);
  EXPECT_TRUE(queue->reserve().ok());
  EXPECT_FALSE(queue->reserve().ok());
  queue->cancel_reservation();
  EXPECT_TRUE(queue->reserve().ok());
}

TEST(Queue, GivesAShutdownAPlaceEvenWhenFull) {
  auto queue = make_queue();
  queue->set_capacity(0);
  EXPECT_FALSE(queue->reserve().ok());
  ASSERT_TRUE(queue->reserve_any().ok());
  queue->push(make_completion(9));
  EXPECT_EQ(read_messages(*queue).at(0).header.tag, 9U);
  EXPECT_EQ(queue->places_taken(), 0U);
}

TEST(Queue, FreesAPlaceBeforeItsCallbackSoThatItCanStartMoreWork) {
  auto queue = make_queue();
  queue->set_capacity(1);
  bool accepted = false;
  push_one(*queue, 1, "{}", [&] { accepted = queue->reserve().ok(); });
  EXPECT_EQ(*queue->drain(0), 1);
  EXPECT_TRUE(accepted);
}

TEST(Queue, DeliversACompletionThatIsPushedTwiceOnce) {
  auto queue = make_queue();
  auto completion = push_one(*queue, 1);
  queue->push(completion);
  EXPECT_EQ(*queue->drain(0), 1);
  queue->push(completion);
  EXPECT_EQ(*queue->drain(0), 0);
  EXPECT_EQ(completion->deliveries, 1);
}

TEST(Queue, DrainsOnlyWhatWasThereWhenItBegan) {
  auto queue = make_queue();
  std::vector<std::uint64_t> seen;
  std::function<void(std::uint64_t)> chain = [&](std::uint64_t tag) {
    push_one(*queue, tag, "{}", [&, tag] {
      seen.push_back(tag);
      chain(tag + 1);
    });
  };
  chain(1);
  EXPECT_EQ(*queue->drain(0), 1);
  EXPECT_EQ(*queue->drain(0), 1);
  EXPECT_THAT(seen, testing::ElementsAre(1, 2));
  EXPECT_EQ(queue->undelivered(), 1U);
}

TEST(Queue, DrainsAtMostAsManyAsAsked) {
  auto queue = make_queue();
  for (std::uint64_t tag = 1; tag <= 5; ++tag) push_one(*queue, tag);
  EXPECT_EQ(*queue->drain(2), 2);
  EXPECT_EQ(*queue->drain(2), 2);
  EXPECT_EQ(*queue->drain(2), 1);
  EXPECT_EQ(*queue->drain(2), 0);
}

TEST(Queue, RefusesToBeReadFromInsideACallback) {
  auto queue = make_queue();
  push_one(*queue, 2);
  std::vector<Status> refused;
  push_one(*queue, 1, "{}", [&] {
    std::size_t used = 0;
    unsigned char buffer[256];
    refused.push_back(queue->drain(0).error().status);
    refused.push_back(queue->read(buffer, sizeof buffer, &used).error().status);
    refused.push_back(queue->run().error().status);
  });
  EXPECT_EQ(*queue->drain(0), 2);
  EXPECT_THAT(refused, testing::Each(Status::kMisuse));
  EXPECT_EQ(refused.size(), 3U);
}

TEST(Queue, LivesUntilTheEndOfTheDrainWhoseCallbackDroppedIt) {
  auto queue = make_queue();
  const std::weak_ptr<Queue> watched = queue;
  auto after = make_completion(2);
  push_one(*queue, 1, "{}", [&] {
    queue->close();
    queue.reset();
    EXPECT_FALSE(watched.expired());
  });
  ASSERT_TRUE(queue->reserve().ok());
  queue->push(after);
  Queue *raw = queue.get();
  EXPECT_EQ(*raw->drain(0), 1);
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(after->deliveries, 0);
  EXPECT_EQ(after.use_count(), 1);
}

TEST(Queue, LeavesTheRestQueuedWhenACallbackStopsTheDrain) {
  auto queue = make_queue();
  push_one(*queue, 1, "{}", [&] { queue->stop(); });
  push_one(*queue, 2);
  EXPECT_EQ(*queue->drain(0), 1);
  EXPECT_EQ(*queue->drain(0), 1);
}

TEST(Queue, RunsUntilACallbackStopsIt) {
  auto queue = make_queue();
  int delivered = 0;
  push_one(*queue, 1, "{}", [&] {
    ++delivered;
    push_one(*queue, 2, "{}", [&] {
      ++delivered;
      queue->stop();
    });
  });
  EXPECT_TRUE(queue->run().ok());
  EXPECT_EQ(delivered, 2);
}

TEST(Queue, RemembersAStopThatComesBeforeTheRun) {
  auto queue = make_queue();
  queue->stop();
  EXPECT_TRUE(queue->run().ok());
  int delivered = 0;
  push_one(*queue, 1, "{}", [&] {
    ++delivered;
    queue->stop();
  });
  EXPECT_TRUE(queue->run().ok());
  EXPECT_EQ(delivered, 1);
}

TEST(Queue, EndsARunWhenACallbackClosesTheQueue) {
  auto queue = make_queue();
  push_one(*queue, 1, "{}", [&] { queue->close(); });
  auto ended = queue->run();
  ASSERT_FALSE(ended.ok());
  EXPECT_EQ(ended.error().status, Status::kClosed);
}

TEST(Queue, RefusesEverythingOnceClosed) {
  auto queue = make_queue();
  auto waiting = push_one(*queue, 1);
  ASSERT_TRUE(queue->reserve().ok());
  queue->close();
  std::size_t used = 0;
  EXPECT_EQ(queue->reserve().error().status, Status::kClosed);
  EXPECT_EQ(queue->reserve_any().error().status, Status::kClosed);
  EXPECT_EQ(queue->drain(0).error().status, Status::kClosed);
  EXPECT_EQ(queue->read(nullptr, 0, &used).error().status, Status::kClosed);
  EXPECT_EQ(queue->wait(0).error().status, Status::kClosed);
  EXPECT_EQ(queue->run().error().status, Status::kClosed);
  EXPECT_EQ(queue->descriptor().error().status, Status::kClosed);
  EXPECT_EQ(waiting.use_count(), 1);
}

TEST(Queue, LetsGoOfACompletionThatComesAfterTheClose) {
  auto queue = make_queue();
  ASSERT_TRUE(queue->reserve().ok());
  queue->close();
  auto late = make_completion(1);
  queue->push(late);
  EXPECT_EQ(late.use_count(), 1);
  EXPECT_EQ(queue->places_taken(), 0U);
}

TEST(Queue, ReleasesAHundredThousandMessagesWithoutDeepRecursion) {
  auto queue = make_queue();
  queue->set_capacity(100000);
  for (std::uint64_t tag = 0; tag < 100000; ++tag) push_one(*queue, tag);
  EXPECT_EQ(queue->undelivered(), 100000U);
  queue->close();
  EXPECT_EQ(queue->undelivered(), 0U);
}

class FailsToRender final : public Completion {
 public:
  std::uint64_t tag() const override { return 7; }
  std::int32_t status() const override { return 0; }
  void append_data(std::string &out) const override {
    if (++attempts < 2) throw std::bad_alloc();
    out += "late";
  }
  void deliver() override {}
  mutable int attempts = 0;
};

TEST(Queue, KeepsAMessageThatRanOutOfMemoryWhileItWasRead) {
  auto queue = make_queue();
  ASSERT_TRUE(queue->reserve().ok());
  queue->push(std::make_shared<FailsToRender>());
  EXPECT_THROW((void)read_messages(*queue), std::bad_alloc);
  EXPECT_EQ(read_messages(*queue).at(0).data, "late");
}

std::shared_ptr<Completion> make_log() { return RecordedCompletion(0, "{}").with(MessageType::kLog, 0); }

TEST(Queue, DropsLogsAboveTheirBoundAndSaysHowMany) {
  auto queue = make_queue();
  queue->set_log_capacity(2);
  for (int i = 0; i < 5; ++i) queue->push_log(make_log());
  push_one(*queue, 1);
  auto messages = read_messages(*queue);
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[0].header.type, 2U);
  EXPECT_EQ(messages[1].header.type, 2U);
  EXPECT_EQ(messages[2].header.type, 4U);
  EXPECT_EQ(messages[2].header.tag, 3U);
  EXPECT_EQ(messages[2].data, "3");
  EXPECT_EQ(messages[3].header.type, 1U);
  queue->push_log(make_log());
  messages = read_messages(*queue);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].header.type, 2U);
}

TEST(Queue, CountsLogsThatAreDroppedWhileTheDroppedMessageIsBeingRead) {
  auto queue = make_queue();
  queue->set_log_capacity(0);
  queue->push_log(make_log());
  std::size_t used = 0;
  EXPECT_FALSE(queue->read(nullptr, 0, &used).ok());
  queue->push_log(make_log());
  queue->push_log(make_log());
  EXPECT_EQ(read_messages(*queue).at(0).header.tag, 1U);
  EXPECT_EQ(read_messages(*queue).at(0).header.tag, 2U);
  EXPECT_TRUE(read_messages(*queue).empty());
}

TEST(Queue, TellsADrainOfDroppedLogs) {
  auto queue = make_queue();
  std::uint64_t told = 0;
  queue->set_dropped_callback([](void *user, std::uint64_t count) { *static_cast<std::uint64_t *>(user) += count; },
                              &told);
  queue->set_log_capacity(0);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) queue->push_log(make_log());
    EXPECT_EQ(*queue->drain(0), 1);
  }
  EXPECT_EQ(told, 6U);
}

TEST(Queue, LeavesThePlacesOfWorkAloneWhenLogsAreRead) {
  auto queue = make_queue();
  ASSERT_TRUE(queue->reserve().ok());
  queue->push_log(make_log());
  EXPECT_EQ(read_messages(*queue).size(), 1U);
  EXPECT_EQ(queue->places_taken(), 1U);
}

TEST(Queue, WaitTellsWorkFromTimeAndFromAWake) {
  auto queue = make_queue();
  EXPECT_FALSE(*queue->wait(0));
  EXPECT_FALSE(*queue->wait(1));
  queue->wake();
  EXPECT_FALSE(*queue->wait(-1));
  queue->stop();
  EXPECT_FALSE(*queue->wait(-1));
  push_one(*queue, 1);
  EXPECT_TRUE(*queue->wait(-1));
  EXPECT_TRUE(*queue->wait(0));
}

std::jmp_buf out_of_callback;

// Drains, and tells whether it came back through longjmp. Nothing here has a destructor.
bool drain_was_left(Queue *queue) {
  if (setjmp(out_of_callback) != 0) return true;
  (void)queue->drain(0);
  return false;
}

class LongjmpCompletion final : public Completion {
 public:
  std::uint64_t tag() const override { return 1; }
  std::int32_t status() const override { return 0; }
  void append_data(std::string &) const override {}
  void deliver() override { std::longjmp(out_of_callback, 1); }
};

TEST(Queue, GoesOnAfterACallbackThatLeftByLongjmp) {
  auto queue = make_queue();
  const int descriptor = *queue->descriptor();
  ASSERT_TRUE(queue->reserve().ok());
  queue->push(std::make_shared<LongjmpCompletion>());
  auto next = push_one(*queue, 2);
  EXPECT_TRUE(drain_was_left(queue.get()));
  EXPECT_TRUE(readable(descriptor));
  EXPECT_FALSE(drain_was_left(queue.get()));
  EXPECT_EQ(next->deliveries, 1);
  EXPECT_EQ(queue->places_taken(), 0U);
  close(descriptor);
}

TEST(Queue, TellsOfLogsThatAreDroppedAfterACallbackOfDroppedLogsLeftByLongjmp) {
  auto queue = make_queue();
  const int descriptor = *queue->descriptor();
  std::uint64_t told = 0;
  queue->set_dropped_callback(
      [](void *user, std::uint64_t count) {
        *static_cast<std::uint64_t *>(user) += count;
        std::longjmp(out_of_callback, 1);
      },
      &told);
  queue->set_log_capacity(0);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    for (int i = 0; i < 2; ++i) queue->push_log(make_log());
    EXPECT_TRUE(readable(descriptor));
    EXPECT_TRUE(drain_was_left(queue.get()));
    EXPECT_FALSE(drain_was_left(queue.get()));
    EXPECT_EQ(told, 2 * round);
  }
  close(descriptor);
}

TEST(Queue, EndsWhenItIsClosedAfterACallbackThatLeftByLongjmp) {
  auto queue = make_queue();
  const std::weak_ptr<Queue> watched = queue;
  ASSERT_TRUE(queue->reserve().ok());
  queue->push(std::make_shared<LongjmpCompletion>());
  EXPECT_TRUE(drain_was_left(queue.get()));
  queue->close();
  queue.reset();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace cala::runtime
