#include "base/inflate.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

namespace cala::base {
namespace {

// What zlib made of the texts beside them, one of each kind of block.
constexpr std::array<std::uint8_t, 19> kStored = {0x01, 0x0e, 0x00, 0xf1, 0xff, 0x63, 0x61, 0x6c, 0x61, 0x20,
                                                  0x63, 0x61, 0x6c, 0x61, 0x20, 0x63, 0x61, 0x6c, 0x61};
constexpr std::array<std::uint8_t, 9> kFixed = {0x4b, 0x4e, 0xcc, 0x49, 0x54, 0x48, 0x86, 0x11, 0x00};
constexpr std::string_view kCala = "cala cala cala";
constexpr std::uint8_t kDescribed[] = {
    0xed, 0x8e, 0xc1, 0x01, 0x03, 0x30, 0x08, 0x02, 0x17, 0xe2, 0x21, 0x6a, 0x4c, 0x1c, 0xa7, 0xfb, 0x2f, 0x51,
    0x18, 0xa2, 0xbf, 0xfa, 0x31, 0x51, 0xc0, 0x0b, 0x10, 0x8d, 0x05, 0x07, 0x79, 0x50, 0x83, 0x5e, 0x4c, 0xe3,
    0x11, 0x8c, 0x00, 0x53, 0xbd, 0x5b, 0x5b, 0x29, 0x56, 0x12, 0x69, 0xf2, 0xa8, 0xbf, 0x45, 0x65, 0x4b, 0x2f,
    0xb7, 0x74, 0xdd, 0xea, 0xaf, 0x71, 0x72, 0x71, 0xee, 0x60, 0xa4, 0x1b, 0xf5, 0xab, 0xff, 0xd5, 0xfc, 0x69,
    0xbf, 0xd2, 0xed, 0x38, 0x57, 0x46, 0x86, 0x12, 0x48, 0x45, 0xd1, 0x99, 0x4c, 0x85, 0xb3, 0x7c, 0xa5, 0x7d,
    0xee, 0xf8, 0xee, 0x18, 0x60, 0x4c, 0x72, 0x45, 0xc4, 0xd7, 0x66, 0x10, 0x61, 0x86, 0x29, 0x68, 0xe2, 0x8c,
    0x45, 0x56, 0x34, 0xb2, 0x83, 0x22, 0x93, 0x23, 0xc7, 0xaf, 0xeb, 0xd9, 0xf3, 0x76, 0xa5, 0x2b, 0x3b, 0x4a,
    0xf9, 0x86, 0x16, 0x79, 0x29, 0xaf, 0x5a, 0xc9, 0x9f, 0x7f, 0xfd, 0xeb, 0x07, 0xf5, 0x05,
};

std::string squares() {
  std::string text;
  for (int i = 0; i < 60; ++i) (text += std::to_string(i * i)) += ',';
  return text.append(600, 'a');
}

bool unpacks(std::span<const std::uint8_t> packed, std::string_view text) {
  std::string out(text.size(), '?');
  return inflate(packed, out) && out == text;
}

TEST(Inflate, UnpacksEachKindOfBlock) {
  EXPECT_TRUE(unpacks(kStored, kCala));
  EXPECT_TRUE(unpacks(kFixed, kCala));
  EXPECT_TRUE(unpacks(kDescribed, squares()));
}

TEST(Inflate, RefusesAnotherLength) {
  std::string out(kCala.size() - 1, '?');
  EXPECT_FALSE(inflate(kStored, out));
  EXPECT_FALSE(inflate(kFixed, out));
  out.resize(kCala.size() + 1);
  EXPECT_FALSE(inflate(kStored, out));
  EXPECT_FALSE(inflate(kFixed, out));
}

TEST(Inflate, RefusesWhatIsCutOff) {
  std::string out(squares().size(), '?');
  const std::span<const std::uint8_t> packed(kDescribed);
  for (std::size_t size = 0; size < packed.size(); ++size) EXPECT_FALSE(inflate(packed.first(size), out)) << size;
}

// Damage may give another text; it must not leave the buffers.
TEST(Inflate, SurvivesDamage) {
  const std::span<const std::uint8_t> packed(kDescribed);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    std::vector<std::uint8_t> damaged(packed.begin(), packed.end());
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1U << (bit % 8));
    std::vector<char> out(squares().size());
    if (!inflate(damaged, out)) ++refused;
  }
  EXPECT_GT(refused, packed.size());
}

// A thread unpacks one text after the other while others fork: each child finds some that are begun, and unpacks all.
TEST(PackedText, IsUnpackedByAForkedChildToo) {
  constexpr std::size_t kCount = 200;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::string> places(kCount, std::string(squares().size(), '?'));
    std::deque<PackedText> texts;
    for (std::string &place : places) texts.emplace_back(kDescribed, place);
    const auto all_unpacked = [&texts] {
      return std::all_of(texts.begin(), texts.end(), [](PackedText &text) { return text.unpacked(); });
    };
    std::atomic<bool> begun = false;
    std::thread parent([&] {
      begun = true;
      EXPECT_TRUE(all_unpacked());
    });
    while (!begun) std::this_thread::yield();
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      _exit(all_unpacked() && places.back() == squares() ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    parent.join();
    ASSERT_EQ(status, 0) << round;
    EXPECT_EQ(places.front(), squares());
  }
}

TEST(PackedText, ThatIsDamagedSaysSoEachTime) {
  std::string place(kCala.size() + 1, '?');
  PackedText text(kStored, place);
  EXPECT_FALSE(text.unpacked());
  EXPECT_FALSE(text.unpacked());
}

}  // namespace
}  // namespace cala::base
