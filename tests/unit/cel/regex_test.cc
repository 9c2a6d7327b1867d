#include "cel/regex.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::cel {
namespace {

// "yes", "no", or why the pattern is none.
std::string found(const std::string &pattern, const std::string &text) {
  std::string why;
  const auto regex = Regex::compile(pattern, why);
  return regex == nullptr ? why : (regex->found_in(text) ? "yes" : "no");
}

TEST(Regex, FindsAnywhereUnlessAnchored) {
  EXPECT_EQ(found("bc", "abcd"), "yes");
  EXPECT_EQ(found("^bc", "abcd"), "no");
  EXPECT_EQ(found("cd$", "abcd"), "yes");
  EXPECT_EQ(found("^$", "\n"), "no");
  EXPECT_EQ(found("(?m)^b$", "a\nb\nc"), "yes");
  EXPECT_EQ(found("\\Ab\\z", "b"), "yes");
  EXPECT_EQ(found("", ""), "yes");
}

TEST(Regex, TakesAlternativesAndGroups) {
  EXPECT_EQ(found("^(a|bc|)d$", "bcd"), "yes");
  EXPECT_EQ(found("^(a|bc|)d$", "d"), "yes");
  EXPECT_EQ(found("^(?:a|b)(?P<name>c)$", "bc"), "yes");
  EXPECT_EQ(found("a||b", "x"), "yes");
}

TEST(Regex, Repeats) {
  EXPECT_EQ(found("^(ab){2,3}$", "abab"), "yes");
  EXPECT_EQ(found("^(ab){2,3}$", "ab"), "no");
  EXPECT_EQ(found("^(ab){2,3}$", "abababab"), "no");
  EXPECT_EQ(found("^a{2,}b?c*$", "aaacc"), "yes");
  EXPECT_EQ(found("^(a*)*$", "aaab"), "no");
  EXPECT_EQ(found("^a{,2}$", "a{,2}"), "yes");
  EXPECT_EQ(found("^a{01}$", "a{01}"), "yes");
  EXPECT_EQ(found("^(a+?)+$", "aaa"), "yes");
}

TEST(Regex, CountsCodePoints) {
  EXPECT_EQ(found("^.{3}$", "🐱é€"), "yes");
  EXPECT_EQ(found("(a|😀){2}", "🐱😀😀"), "yes");
  EXPECT_EQ(found("[α-ω]", "λ"), "yes");
  EXPECT_EQ(found("^[^a]$", "\n"), "yes");
  EXPECT_EQ(found("^.$", "\n"), "no");
  EXPECT_EQ(found("(?s)^.$", "\n"), "yes");
}

TEST(Regex, KnowsClasses) {
  EXPECT_EQ(found("^\\d\\w\\s\\D\\W\\S$", "1_ a-b"), "yes");
  EXPECT_EQ(found("^[[:alpha:]][[:^digit:]]$", "aé"), "yes");
  EXPECT_EQ(found("^\\pL\\p{Greek}\\P{Lu}$", "éλx"), "yes");
  EXPECT_EQ(found("^[]a-]+$", "]-a"), "yes");
  EXPECT_EQ(found("\\bfoo\\b", "a foo b"), "yes");
  EXPECT_EQ(found("\\bfoo\\b", "afoo"), "no");
}

TEST(Regex, IgnoresCaseAsUnicodeFoldsIt) {
  EXPECT_EQ(found("(?i)^straße$", "STRAẞE"), "yes");
  EXPECT_EQ(found("(?i)σ", "ς"), "yes");
  EXPECT_EQ(found("(?i)[k]", "\xE2\x84\xAA"), "yes");
  EXPECT_EQ(found("(?i:a)b", "AB"), "no");
}

TEST(Regex, SaysWhatIsWrong) {
  EXPECT_EQ(found("(", ""), "missing closing )");
  EXPECT_EQ(found(")", ""), "unexpected )");
  EXPECT_EQ(found("[a", ""), "missing closing ]: [a");
  EXPECT_EQ(found("[0123456789abcdefghi\xDB\x8C", ""), "missing closing ]: [0123456789abcdefghi");
  EXPECT_EQ(found("a**", ""), "bad repetition operator: **");
  EXPECT_EQ(found("*", ""), "no argument for repetition operator: *");
  EXPECT_EQ(found("[z-a]", ""), "invalid character class range: [z-a]");
  EXPECT_EQ(found("\\8", ""), "invalid escape sequence: \\8");
  EXPECT_EQ(found("(?=a)", ""), "invalid or unsupported Perl syntax: (?=");
  EXPECT_EQ(found("a{1001}", ""), "invalid repetition size: {1001}");
  EXPECT_EQ(found("((a{100}){100}){100}", ""), "pattern too large - compile failed");
}

TEST(Regex, NeverBacktracks) {
  const std::string text(4000, 'a');
  EXPECT_EQ(found("^(a*)*(a*)*(a*)*b$", text), "no");
  EXPECT_EQ(found("(x+x+)+y", std::string(4000, 'x')), "no");
}

}  // namespace
}  // namespace cala::cel
