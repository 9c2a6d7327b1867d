// What each system's sources behind the headers of src/platform must do.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "platform/files.h"
#include "platform/module.h"
#include "platform/random.h"
#include "platform/socket.h"
#include "platform/thread.h"
#include "platform/wake_pair.h"

namespace cala::platform {
namespace {

TEST(Random, FillsAllOfALargePlaceAnewEachTime) {
  std::array<std::uint8_t, 4096> first{};
  std::array<std::uint8_t, 4096> second{};
  ASSERT_TRUE(fill_random(first.data(), first.size()));
  ASSERT_TRUE(fill_random(second.data(), second.size()));
  EXPECT_NE(first, second);
  for (std::size_t part = 0; part < first.size(); part += 64) {
    EXPECT_TRUE(std::any_of(first.begin() + part, first.begin() + part + 64, [](auto byte) { return byte != 0; }));
  }
}

struct Seen {
  Thread thread;
  int blocked = 0;
  std::string name;
};

void *look(void *given) {
  auto &seen = *static_cast<Seen *>(given);
  name_this_thread("cala/look");
  std::array<char, 32> name{};
  pthread_getname_np(pthread_self(), name.data(), name.size());
  seen.name = name.data();
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD, SIGPIPE, SIGALRM}) {
    seen.blocked += sigismember(&mask, number);
  }
  return nullptr;
}

TEST(QuietThread, BlocksSignalsHasANameAndKnowsItself) {
  Seen seen;
  ASSERT_EQ(start_quiet_thread(ThreadKind::kJoined, 1U << 20, look, &seen, seen.thread), 0);
  EXPECT_FALSE(is_this_thread(seen.thread));
  join_thread(seen.thread);
  EXPECT_EQ(seen.name, "cala/look");
  EXPECT_EQ(seen.blocked, 7);
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);  // here all is as before
}

bool readable(int socket) { return wait_for_socket(socket, WaitFor::kReadable, 0) > 0; }

TEST(WakePair, CarriesAWakeUntilItIsCleared) {
  WakePair pair;
  ASSERT_EQ(open_wake_pair(pair), 0);
  EXPECT_FALSE(readable(pair.program_end));
  send_wake(pair.own_end);
  EXPECT_GT(wait_for_socket(pair.program_end, WaitFor::kReadable, 10'000), 0);
  clear_wakes(pair.program_end);
  EXPECT_FALSE(readable(pair.program_end));
  close_wake_end(pair.program_end);
  close_wake_end(pair.own_end);
}

TEST(WakePair, TakesAnyNumberOfWakesWithoutWaiting) {
  WakePair pair;
  ASSERT_EQ(open_wake_pair(pair), 0);
  for (int i = 0; i < 200'000; ++i) send_wake(pair.own_end);
  EXPECT_TRUE(readable(pair.program_end));
  for (int i = 0; i < 100'000 && readable(pair.program_end); ++i) clear_wakes(pair.program_end);
  EXPECT_FALSE(readable(pair.program_end));
  close_wake_end(pair.program_end);
  send_wake(pair.own_end);  // nobody is there any more, and no signal ends the process
  close_wake_end(pair.own_end);
}

TEST(WakePair, IsReadableThroughADuplicateThatOutlivesIt) {
  WakePair pair;
  ASSERT_EQ(open_wake_pair(pair), 0);
  int copy = -1;
  ASSERT_EQ(duplicate_wake_end(pair.program_end, copy), 0);
  close_wake_end(pair.program_end);
  send_wake(pair.own_end);
  EXPECT_GT(wait_for_socket(copy, WaitFor::kReadable, 10'000), 0);
  close_wake_end(pair.own_end);
  close_wake_end(copy);
}

TEST(Files, AreTheSameByAnyNameAndAnotherInTheSamePlace) {
  const std::string folder = testing::TempDir() + "cala-files-" + std::to_string(process_id());
  std::filesystem::create_directory(folder);
  const std::string file = folder + "/one";
  const std::string other = folder + "/two";
  std::ofstream(file) << "1";
  std::ofstream(other) << "2";
  std::filesystem::create_hard_link(file, folder + "/same");
  const auto before = identity_of(file);
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(identity_of(folder + "/same"), before);
  EXPECT_TRUE(may_read(file));
  std::filesystem::rename(other, file);
  EXPECT_NE(identity_of(file), before);
  EXPECT_EQ(identity_of(other), std::nullopt);
  EXPECT_FALSE(may_read(other));
  std::filesystem::remove_all(folder);
}

TEST(Modules, AreFoundOnlyWhereTheyAre) {
  EXPECT_EQ(load_module("libcala-no-such-module.so.7"), nullptr);
  EXPECT_EQ(hold_loaded_module("libcala-no-such-module.so.7"), nullptr);
  EXPECT_NE(find_in_program("malloc"), nullptr);
  EXPECT_EQ(find_in_program("cala_no_such_function"), nullptr);
  EXPECT_FALSE(libpq_names().empty());
}

TEST(Sockets, HaveTextsForEachWayOfNotAnswering) {
  for (const std::vector<std::string> &texts : {unknown_host_texts(), no_answer_texts()}) {
    EXPECT_FALSE(texts.empty());
    for (const std::string &text : texts) EXPECT_FALSE(text.empty());  // it would be found in any message
  }
}

}  // namespace
}  // namespace cala::platform
