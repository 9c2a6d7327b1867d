#include "runtime/one_shot.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/deadline.h"

namespace cala::runtime {
namespace {

TEST(OneShot, TellsWhetherItWasSetBeforeTimeWasUp) {
  OneShot shot;
  EXPECT_FALSE(shot.is_set());
  EXPECT_FALSE(shot.wait(0));
  EXPECT_FALSE(shot.wait(2));
  shot.set();
  EXPECT_TRUE(shot.wait(0));
  EXPECT_TRUE(shot.wait(-1));
  shot.set();
  EXPECT_TRUE(shot.is_set());
}

TEST(OneShot, ShowsEveryWaiterWhatWasWrittenBeforeTheSet) {
  auto shot = std::make_shared<OneShot>();
  int written = 0;
  std::vector<std::thread> waiters;
  waiters.reserve(4);
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([shot, &written] {
      EXPECT_TRUE(shot->wait(-1));
      EXPECT_EQ(written, 42);
    });
  }
  written = 42;
  shot->set();
  for (std::thread &waiter : waiters) waiter.join();
}

TEST(OneShot, WaitsWithTheLongestTimeout) {
  auto shot = std::make_shared<OneShot>();
  std::thread waiter([shot] { EXPECT_TRUE(shot->wait(std::numeric_limits<std::int32_t>::max())); });
  shot->set();
  waiter.join();
}

TEST(Deadline, NeverPassesWithoutATimeout) {
  EXPECT_FALSE(Deadline::never().passed());
  EXPECT_FALSE(Deadline::after_ms(-1).passed());
  EXPECT_EQ(Deadline::after_ms(-5).remaining_ms(), -1);
}

TEST(Deadline, HasPassedAtOnceWithZero) {
  const Deadline deadline = Deadline::after_ms(0);
  EXPECT_TRUE(deadline.passed());
  EXPECT_EQ(deadline.remaining_ms(), 0);
}

TEST(Deadline, HasTimeLeftInTheFarFuture) {
  const Deadline deadline = Deadline::after_ms(std::numeric_limits<std::int32_t>::max());
  EXPECT_FALSE(deadline.passed());
  EXPECT_GT(deadline.remaining_ms(), std::numeric_limits<std::int32_t>::max() / 2);
}

}  // namespace
}  // namespace cala::runtime
