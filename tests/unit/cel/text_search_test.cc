#include "cel/text_search.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace cala::cel {
namespace {

TEST(TextSearch, FindsWhatTheStandardLibraryFinds) {
  std::mt19937 random(7);
  const auto text_of = [&](std::size_t most) {
    std::string text;
    const auto letters = 1 + random() % 3;
    for (std::size_t size = random() % most; size > 0; --size) text += static_cast<char>('a' + random() % letters);
    return text;
  };
  int found = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string text = text_of(40);
    const std::string wanted = text_of(12);
    const std::size_t start = random() % 44;
    const std::size_t forth = TextSearch(wanted).find(text, start);
    ASSERT_EQ(forth, text.find(wanted, start)) << wanted << " in " << text << " from " << start;
    ASSERT_EQ(TextSearch(wanted, TextSearch::From::kBack).find(text, start), text.rfind(wanted, start))
        << wanted << " in " << text << " back from " << start;
    found += forth == std::string::npos ? 0 : 1;
  }
  EXPECT_GT(found, 20'000);
}

}  // namespace
}  // namespace cala::cel
