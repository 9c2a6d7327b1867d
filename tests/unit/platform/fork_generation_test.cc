#include "platform/fork_generation.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <thread>

namespace cala::platform {
namespace {

// Runs check in a forked child and gives back whether it held there.
template <typename Check>
bool holds_in_child(Check check) {
  std::fflush(nullptr);  // or the child writes what is buffered here once more
  const pid_t child = fork();
  if (child == 0) _exit(check() ? 0 : 1);
  int status = -1;
  return waitpid(child, &status, 0) == child && status == 0;
}

TEST(ForkGeneration, StaysInOneProcessAndAllItsThreads) {
  const std::uint64_t here = fork_generation();
  EXPECT_NE(here, 0U);
  EXPECT_EQ(fork_generation(), here);
  std::uint64_t there = 0;
  std::thread([&there] { there = fork_generation(); }).join();
  EXPECT_EQ(there, here);
}

TEST(ForkGeneration, ChangesInAChildAndInAChildOfTheChild) {
  const std::uint64_t parent = fork_generation();
  EXPECT_TRUE(holds_in_child([parent] {
    const std::uint64_t child = fork_generation();
    return child != parent && child != 0 && fork_generation() == child &&
           holds_in_child([parent, child] { return fork_generation() != child && fork_generation() != parent; });
  }));
  EXPECT_EQ(fork_generation(), parent);
}

TEST(ForkGeneration, ChangesInAGrandchildWhoseParentNeverAsked) {
  const std::uint64_t parent = fork_generation();
  EXPECT_TRUE(holds_in_child([parent] { return holds_in_child([parent] { return fork_generation() != parent; }); }));
}

TEST(ForkGeneration, TheFirstProcessThatAsksStaysTheOnlyOne) {
  std::atomic<std::uint64_t> first{0};
  EXPECT_TRUE(holds_in_child([&first] { return is_first_process(first); }));  // the child's own memory
  EXPECT_TRUE(is_first_process(first));
  EXPECT_TRUE(holds_in_child([&first] { return !is_first_process(first) && !is_first_process(first); }));
  EXPECT_TRUE(is_first_process(first));
}

}  // namespace
}  // namespace cala::platform
