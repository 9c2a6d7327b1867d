#include "base/uuid.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <set>
#include <thread>
#include <unordered_set>
#include <vector>

namespace cala::base {
namespace {

const char *const kText = "0190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c1";

std::int64_t millis_of(const Uuid &id) {
  std::int64_t millis = 0;
  for (std::size_t i = 0; i < 6; ++i) millis = millis << 8 | id.bytes[i];
  return millis;
}

int version_of(const Uuid &id) { return id.bytes[6] >> 4; }
int variant_of(const Uuid &id) { return id.bytes[8] >> 6; }

TEST(UuidText, ReadsEitherCaseAndWritesLowerCase) {
  EXPECT_EQ(Uuid::parse(kText)->text(), kText);
  EXPECT_EQ(Uuid::parse("0190A1B2-C3D4-7E5F-8A6B-7C8D9EAFB0C1")->text(), kText);
  EXPECT_EQ(Uuid::parse("0190a1B2-C3d4-7e5F-8A6b-7c8D9EafB0c1")->text(), kText);
  EXPECT_EQ(Uuid().text(), "00000000-0000-0000-0000-000000000000");
  EXPECT_TRUE(Uuid().is_nil());
  EXPECT_FALSE(Uuid::parse(kText)->is_nil());
}

TEST(UuidText, AppendsToWhatIsThere) {
  std::string out = "id=";
  Uuid::parse(kText)->append_to(out);
  EXPECT_EQ(out, std::string("id=") + kText);
}

TEST(UuidText, StrictFormTakes8_4_4_4_12Only) {
  for (const char *text : {"", "0190a1b2c3d47e5f8a6b7c8d9eafb0c1", "{0190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c1}",
                           "urn:uuid:0190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c1", "0190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c",
                           "0190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c11", "0190a1b2-c3d4-7e5f-8a6b_7c8d9eafb0c1",
                           "0190a1b2c-3d4-7e5f-8a6b-7c8d9eafb0c1", "g190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c1",
                           "0190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c ", "-190a1b2-c3d4-7e5f-8a6b-7c8d9eafb0c1"}) {
    EXPECT_FALSE(Uuid::parse(text).has_value()) << text;
  }
}

TEST(UuidText, NoOtherByteIsAHexDigit) {
  std::string text = kText;
  for (int byte = 0; byte < 256; ++byte) {
    text[5] = static_cast<char>(byte);
    const bool digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
    EXPECT_EQ(Uuid::parse(text).has_value(), digit) << byte;
  }
}

TEST(UuidOrder, IsBytewise) {
  EXPECT_LT(*Uuid::parse("00000000-0000-0000-0000-0000000000ff"), *Uuid::parse("00000000-0000-0000-0000-000000000100"));
  EXPECT_LT(*Uuid::parse("7fffffff-0000-0000-0000-000000000000"), *Uuid::parse("80000000-0000-0000-0000-000000000000"));
}

TEST(UuidOrder, HashesOfNeighboursDiffer) {
  std::set<std::size_t> hashes;
  for (int i = 0; i < 256; ++i) {
    Uuid id = *Uuid::parse(kText);
    id.bytes[7] = static_cast<std::uint8_t>(i);
    hashes.insert(UuidHash()(id));
    id = *Uuid::parse(kText);
    id.bytes[15] = static_cast<std::uint8_t>(i);
    hashes.insert(UuidHash()(id));
  }
  EXPECT_EQ(hashes.size(), 511U);
}

TEST(UuidSource, LaysOutVersionSeven) {
  UuidSource source;
  const Uuid id = source.next(0x0190a1b2c3d4, 0xffff, ~std::uint64_t{0});
  EXPECT_EQ(id.text(), "0190a1b2-c3d4-77ff-bfff-ffffffffffff");
  EXPECT_EQ(source.next(0x0190a1b2c3d5, 0, 0).text(), "0190a1b2-c3d5-7000-8000-000000000000");
}

TEST(UuidSource, RisesWithinOneMillisecond) {
  UuidSource source;
  Uuid last = source.next(1'000, 7, 0);
  for (int i = 0; i < 1'000; ++i) {
    const Uuid id = source.next(1'000, 0, 0);
    ASSERT_LT(last, id);
    ASSERT_EQ(millis_of(id), 1'000);
    last = id;
  }
}

TEST(UuidSource, RisesWhenTheClockStepsBack) {
  UuidSource source;
  Uuid last = source.next(5'000, 0, ~std::uint64_t{0});
  for (const std::int64_t now : {4'999, 1, 0, -1, 5'000, 4'000, 5'001, 5'000}) {
    const Uuid id = source.next(now, 0x7fff, 0);
    EXPECT_LT(last, id) << now;
    EXPECT_EQ(version_of(id), 7);
    EXPECT_EQ(variant_of(id), 2);
    last = id;
  }
}

TEST(UuidSource, RisesWhenTheCounterOfAMillisecondRunsOut) {
  UuidSource source;
  Uuid last = source.next(1'000, 0x7fff, 0);
  for (int i = 0; i < 70'000; ++i) {
    const Uuid id = source.next(1'000, 0, 0);
    ASSERT_LT(last, id) << i;
    ASSERT_EQ(version_of(id), 7);
    ASSERT_EQ(variant_of(id), 2);
    last = id;
  }
  EXPECT_EQ(millis_of(last), 1'001);
  EXPECT_LT(last, source.next(1'002, 0, 0));
}

TEST(NewUuid, IsVersionSevenOfThisTime) {
  const auto clock = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const std::int64_t before = clock();
  const Uuid id = new_uuid();
  EXPECT_EQ(version_of(id), 7);
  EXPECT_EQ(variant_of(id), 2);
  EXPECT_GE(millis_of(id), before);
}

TEST(NewUuid, RisesFromCallToCall) {
  Uuid last = new_uuid();
  for (int i = 0; i < 200'000; ++i) {
    const Uuid id = new_uuid();
    ASSERT_LT(last, id) << i;
    last = id;
  }
}

TEST(NewUuid, TailsAreRandom) {
  std::set<std::array<std::uint8_t, 7>> tails;
  constexpr std::size_t count = 10'000;
  for (std::size_t i = 0; i < count; ++i) {
    const Uuid id = new_uuid();
    std::array<std::uint8_t, 7> tail;
    std::copy(id.bytes.begin() + 9, id.bytes.end(), tail.begin());
    tails.insert(tail);
  }
  EXPECT_EQ(tails.size(), count);
}

TEST(NewUuid, IsUniqueAndRisingInEachOfSeveralThreads) {
  constexpr std::size_t thread_count = 4, ids_each = 20'000;
  std::vector<std::vector<Uuid>> made(thread_count);
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (auto &ids : made) {
    threads.emplace_back([&ids] {
      for (std::size_t i = 0; i < ids_each; ++i) ids.push_back(new_uuid());
    });
  }
  for (std::thread &thread : threads) thread.join();
  std::unordered_set<Uuid, UuidHash> all;
  for (const auto &ids : made) {
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    all.insert(ids.begin(), ids.end());
  }
  EXPECT_EQ(all.size(), thread_count * ids_each);
}

// The child's ids, made right after the fork with the parent's stock of randomness in memory.
std::vector<Uuid> ids_of_a_forked_child(std::size_t count) {
  std::vector<Uuid> ids(count);
  int ends[2];
  if (pipe(ends) != 0) return {};
  std::fflush(nullptr);  // or the child writes what is buffered here once more
  const pid_t child = fork();
  if (child == 0) {
    for (Uuid &id : ids) id = new_uuid();
    const auto size = static_cast<ssize_t>(count * sizeof(Uuid));
    _exit(write(ends[1], ids.data(), count * sizeof(Uuid)) == size ? 0 : 1);
  }
  close(ends[1]);
  std::size_t filled = 0;
  auto *to = reinterpret_cast<std::uint8_t *>(ids.data());
  for (ssize_t got = 1; got > 0 && filled < count * sizeof(Uuid); filled += static_cast<std::size_t>(got)) {
    got = read(ends[0], to + filled, count * sizeof(Uuid) - filled);
    if (got < 0) return {};
  }
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0 ? ids : std::vector<Uuid>();
}

TEST(NewUuid, AForkedChildDoesNotRepeatTheRandomnessOfItsParent) {
  constexpr std::size_t count = 100;
  new_uuid();
  const std::vector<Uuid> theirs = ids_of_a_forked_child(count);
  ASSERT_EQ(theirs.size(), count);
  std::set<std::vector<std::uint8_t>> tails;
  const auto add_tail = [&tails](const Uuid &id) { tails.emplace(id.bytes.begin() + 9, id.bytes.end()); };
  for (const Uuid &id : theirs) add_tail(id);
  for (std::size_t i = 0; i < count; ++i) add_tail(new_uuid());
  EXPECT_EQ(tails.size(), 2 * count);
}

}  // namespace
}  // namespace cala::base
