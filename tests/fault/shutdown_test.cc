// A shutdown beside threads that go on starting operations is told of once.
#include <cala.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "live/ledger.h"

namespace cala::tests {
namespace {

TEST(Farewell, IsSaidOnceAndHeldNoMoreAfterThat) {
  live::Farewell farewell;
  ASSERT_TRUE(farewell.hold());
  farewell.release();
  farewell.release();  // the ledger's own
  EXPECT_FALSE(farewell.hold());
}

void count(void *user, cala_op *) { ++*static_cast<int *>(user); }

TEST(Shutdown, IsToldOfOnceBesideThreadsThatStartOperations) {
  const std::string config = R"({"store": "host:sqlite"})";
  const std::string request = R"({"expr": "1 + 1"})";
  for (int round = 0; round < 200; ++round) {
    cala_ledger *ledger = nullptr;
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
    cala_queue *queue = nullptr;
    ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, starts = i % 2 == 0] {
        cala_op *op = nullptr;
        while (cala_cel_evaluate(ledger, nullptr, request.data(), request.size(), &op, nullptr) == CALA_OK) {
          if (starts) {
            cala_op_start(op, queue, nullptr, nullptr);
          } else {
            EXPECT_NE(cala_op_run(op, 10000, nullptr), CALA_TIMEOUT);
          }
          cala_op_free(op);
          op = nullptr;
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::microseconds(round * 20));
    int told = 0;
    EXPECT_EQ(cala_ledger_shutdown(ledger, queue, count, &told, nullptr), CALA_OK);
    for (std::thread &thread : threads) thread.join();
    while (told == 0 && cala_queue_wait(queue, 10000) == CALA_OK) cala_queue_drain(queue, 0);
    EXPECT_EQ(cala_queue_drain(queue, 0), 0) << "something comes after the farewell";
    EXPECT_EQ(told, 1);
    cala_queue_free(queue);
    cala_ledger_free(ledger);
  }
}

}  // namespace
}  // namespace cala::tests
