// Our regular expressions against RE2's, whose syntax and meaning they have: the same patterns are taken and refused,
// and the same texts match, for patterns that are made by chance from all that the syntax has.
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cel/regex.h"

namespace {

using cala::cel::Regex;

class Patterns {
 public:
  explicit Patterns(unsigned seed) : random_(seed) {}

  // Mostly well-formed, but for one pattern in eight that a piece was cut out of.
  std::string pattern() {
    std::string made = chance(6) ? pick({"(?i)", "(?s)", "(?m)", "(?im)", "(?i-s)", "(?U)", "(?-i)"}) : "";
    made += alternatives(3);
    if (chance(8) && !made.empty()) made.erase(random_() % made.size(), 1 + random_() % 3);
    return cala::base::is_valid_utf8(made) ? made : pattern();
  }

  std::string text() {
    std::string made;
    for (auto count = random_() % 9; count > 0; --count)
      made += pick({"a", "b", "c", "A", "B", "z", "0", "7", "_", " ", "\n", "-",  ".", "]",  "é",
                    "É", "ß", "ſ", "s", "k", "K", "π", "Σ", "ς", "σ", "я",  "中", "😀", "aa", "ab"});
    return made;
  }

 private:
  bool chance(unsigned one_in) { return random_() % one_in == 0; }

  std::string pick(std::initializer_list<const char *> from) { return *(from.begin() + random_() % from.size()); }

  std::string alternatives(int depth) {
    std::string made = sequence(depth);
    while (chance(4)) made += "|" + sequence(depth);
    return made;
  }

  std::string sequence(int depth) {
    std::string made;
    for (auto count = random_() % 4; count > 0; --count) made += repeated(depth);
    return made;
  }

  std::string repeated(int depth) {
    std::string made = atom(depth);
    if (chance(3))
      made += pick({"*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}", "{,3}", "{2,1}", "{0}", "{1,3}?", "{x}",
                    "**", "{1001}"});
    return made;
  }

  std::string atom(int depth) {
    switch (random_() % (depth > 0 ? 9 : 6)) {
      case 0:
      case 1:
        return pick(
            {"a", "b", "c", "A", "z", "0", "é", "ß", "s", "K", "Σ", "я", "中", "😀", "-", " ", "_", "]", "}", "{"});
      case 2:
        return pick({".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\pL", "\\PL", "\\p{Lu}", "\\P{^Ll}", "\\p{Greek}",
                     "\\p{^Greek}", "\\pN", "\\p{Nope}", "\\X"});
      case 3:
        return pick({"\\.", "\\*", "\\n", "\\t", "\\x41", "\\x{3c0}", "\\101", "\\0", "\\Qa.b\\E", "\\_", "\\-", "\\e",
                     "\\8", "\\u0041", "\\a", "\\x{110000}", "\\x4"});
      case 4: return pick({"^", "$", "\\b", "\\B", "\\A", "\\z", "\\Z", "(?i)", "(?-i)", "(?m)"});
      case 5: return set();
      case 6: return "(" + alternatives(depth - 1) + ")";
      case 7: return pick({"(?:", "(?i:", "(?P<n>", "(?s-m:", "(?=", "(?", "(?P<1-2>"}) + alternatives(depth - 1) + ")";
      default: return "(" + alternatives(depth - 1) + ")";
    }
  }

  std::string set() {
    std::string made = chance(3) ? "[^" : "[";
    for (auto count = random_() % 4; count > 0; --count)
      made += pick({"a",   "a-c", "A-Z",  "0-9",     "é",         "α-ω",        "-",
                    "\\d", "\\W", "\\pL", "\\P{Lu}", "[:alpha:]", "[:^digit:]", "[:nope:]",
                    "\\]", "\\-", "z-a",  "^",       ".",         "]",          "\\x{3b1}-\\x{3c9}",
                    "\\b", "s",   "[",    "\\n-\\r", "&&"});
    return made + "]";
  }

  std::mt19937 random_;
};

// All that is otherwise on purpose: there is no place inside a character, and the name of a group is also taken as RE2
// writes it since 2023.
TEST(RegexAgainstRe2, DiffersInBytesAndInNamesOfGroupsOnly) {
  std::string why;
  EXPECT_TRUE(RE2::PartialMatch("bς7", "\\B"));
  EXPECT_FALSE(Regex::compile("\\B", why)->found_in("bς7"));
  EXPECT_TRUE(RE2("\\C", RE2::Quiet).ok());
  EXPECT_EQ(Regex::compile("\\C", why), nullptr);
  EXPECT_NE(Regex::compile("(?<n>a)", why), nullptr);
  EXPECT_NE(Regex::compile("(?P<n>a)", why), nullptr);
}

TEST(RegexAgainstRe2, TakesAndFindsTheSame) {
  Patterns patterns(20261129);
  RE2::Options options;
  options.set_log_errors(false);
  int taken = 0;
  int refused = 0;
  int found = 0;
  int missed = 0;
  int differences = 0;
  for (int i = 0; i < 12'000 && differences < 20; ++i) {
    const std::string pattern = patterns.pattern();
    const RE2 theirs(pattern, options);
    std::string why;
    const auto ours = Regex::compile(pattern, why);
    if ((ours != nullptr) != theirs.ok()) {
      ++differences;
      ADD_FAILURE() << "/" << pattern << "/: RE2 says " << (theirs.ok() ? "yes" : theirs.error()) << ", we say "
                    << (ours != nullptr ? "yes" : why);
    }
    ++(theirs.ok() ? taken : refused);
    for (int j = 0; j < 6 && ours != nullptr && theirs.ok(); ++j) {
      const std::string text = patterns.text();
      const bool ascii =
          std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
      if (!ascii && pattern.find("\\B") != std::string::npos) continue;  // RE2 finds it inside a character
      const bool wanted = RE2::PartialMatch(text, theirs);
      ++(wanted ? found : missed);
      if (ours->found_in(text) == wanted) continue;
      ++differences;
      ADD_FAILURE() << "/" << pattern << "/ in \"" << text << "\": RE2 says " << wanted;
    }
  }
  EXPECT_GT(taken, 6'000);
  EXPECT_GT(refused, 1'000);
  EXPECT_GT(found, 9'000);
  EXPECT_GT(missed, 3'000);
}

}  // namespace
