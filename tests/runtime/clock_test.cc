#include "runtime/clock.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

namespace cala::runtime {
namespace {

using base::Timestamp;

TEST(SystemClock, TellsWholeMicrosecondsOfThisCentury) {
  const SystemClock clock;
  const Timestamp now = clock.now();
  EXPECT_GT(now.seconds, 1'600'000'000);
  EXPECT_LT(now.seconds, 4'000'000'000);
  EXPECT_EQ(now.nanos % 1000, 0);
}

TEST(ManualClock, StandsStillUntilItIsMoved) {
  ManualClock clock({100, 123'456'789});
  EXPECT_EQ(clock.now(), (Timestamp{100, 123'456'000}));
  EXPECT_EQ(clock.now(), clock.now());
  ASSERT_TRUE(clock.advance_micros(1'500'000).ok());
  EXPECT_EQ(clock.now(), (Timestamp{101, 623'456'000}));
  ASSERT_TRUE(clock.advance_millis(2'000).ok());
  EXPECT_EQ(clock.now(), (Timestamp{103, 623'456'000}));
}

TEST(ManualClock, KeepsInstantsBefore1970) {
  ManualClock clock({-1, 999'999'000});
  EXPECT_EQ(clock.now(), (Timestamp{-1, 999'999'000}));
  ASSERT_TRUE(clock.set({Timestamp::kMinSeconds, 1'000}).ok());
  EXPECT_EQ(clock.now(), (Timestamp{Timestamp::kMinSeconds, 1'000}));
}

TEST(ManualClock, MayBeSetBackButNotAdvancedBackwards) {
  ManualClock clock({100, 0});
  ASSERT_TRUE(clock.set({50, 0}).ok());
  EXPECT_EQ(clock.now(), (Timestamp{50, 0}));
  EXPECT_EQ(clock.advance_micros(-1).error().code, "clock.range");
  EXPECT_EQ(clock.advance_millis(std::numeric_limits<std::int64_t>::min()).error().code, "clock.range");
  EXPECT_EQ(clock.now(), (Timestamp{50, 0}));
}

TEST(ManualClock, StaysInsideTheYears1To9999) {
  ManualClock clock({0, 0});
  EXPECT_EQ(clock.set({Timestamp::kMaxSeconds + 1, 0}).error().code, "clock.range");
  EXPECT_EQ(clock.set({Timestamp::kMinSeconds - 1, 0}).error().code, "clock.range");
  EXPECT_EQ(clock.set({0, 1'000'000'000}).error().code, "clock.range");
  EXPECT_EQ(clock.advance_micros(std::numeric_limits<std::int64_t>::max()).error().code, "clock.range");
  EXPECT_EQ(clock.advance_millis(std::numeric_limits<std::int64_t>::max()).error().code, "clock.range");
  ASSERT_TRUE(clock.set({Timestamp::kMaxSeconds, 999'999'000}).ok());
  EXPECT_EQ(clock.advance_micros(1).error().code, "clock.range");
  EXPECT_TRUE(clock.advance_micros(0).ok());
}

TEST(ManualClock, LosesNoStepOfSeveralThreads) {
  ManualClock clock({0, 0});
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int step = 0; step < 1000; ++step) EXPECT_TRUE(clock.advance_micros(3).ok());
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(clock.now(), (Timestamp{0, 12'000'000}));
}

}  // namespace
}  // namespace cala::runtime
