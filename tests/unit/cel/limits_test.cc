// No expression may exhaust the stack, the heap or the patience of who evaluates it.
#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <vector>

#include "cel/cel.h"
#include "cel/lexer.h"
#include "cel/parser.h"

namespace cala::cel {
namespace {

std::string repeated(const std::string &text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string nested(const std::string &open, const std::string &core, const std::string &close, int depth) {
  return repeated(open, depth) + core + repeated(close, depth);
}

// "ok", or the message of what refused it.
std::string outcome(const std::string &source) {
  const std::vector<VariableSpec> variables = {{"n", DeclaredType::kDyn, DeclaredType::kDyn, DeclaredType::kDyn},
                                               {"yes", DeclaredType::kDyn, DeclaredType::kDyn, DeclaredType::kDyn}};
  CompileOptions options;
  options.variables = variables;
  const auto program = compile(source, options);
  if (!program) return program.error().message;
  const std::vector<Value> values = {Value::integer(1), Value::boolean(true)};
  Bindings bindings;
  bindings.variables = values;
  Arena arena;
  const auto value = evaluate(**program, bindings, arena);
  return value ? "ok" : value.error().message;
}

bool says(const std::string &text, const std::string &wanted) { return text.find(wanted) != std::string::npos; }

TEST(CelLimits, RefusesASourceOfMoreThan64KiB) {
  EXPECT_EQ(outcome("1" + std::string(65535, ' ')), "ok");
  EXPECT_TRUE(says(outcome("1" + std::string(65536, ' ')), "longer than 64 KiB"));
}

TEST(CelLimits, RefusesDepthPast128) {
  EXPECT_EQ(outcome(nested("[", "n", "]", 127)), "ok");
  EXPECT_TRUE(says(outcome(nested("[", "n", "]", 128)), "nested too deeply"));
  EXPECT_TRUE(says(outcome(nested("n + [", "n", "]", 127)), "nested too deeply"));
  EXPECT_TRUE(says(outcome(repeated("[", 60000)), "nested too deeply"));
  EXPECT_TRUE(says(outcome(repeated("{1:", 20000)), "nested too deeply"));
}

TEST(CelLimits, RefusesParenthesesPast95) {
  EXPECT_EQ(outcome(nested("(", "n", ")", 95)), "ok");
  EXPECT_TRUE(says(outcome(nested("(", "n", ")", 96)), "95 parentheses"));
}

TEST(CelLimits, RefusesMacrosInsideEachOtherPast32) {
  EXPECT_EQ(outcome(nested("[n].all(x, ", "yes", ")", 32)), "ok");
  EXPECT_TRUE(says(outcome(nested("[n].all(x, ", "yes", ")", 33)), "32 macros"));
}

TEST(CelLimits, TakesLongChainsThatAreNotDeep) {
  EXPECT_EQ(outcome("n" + repeated(" + n", 5000)), "ok");
  EXPECT_EQ(outcome("yes" + repeated(" && yes", 5000)), "ok");
  EXPECT_EQ(outcome(repeated("!", 2000) + "yes"), "ok");
  EXPECT_EQ(outcome("{'a': n}" + repeated(".?a", 3000)).find("invalid"), std::string::npos);
}

TEST(CelLimits, RefusesMoreThan20000Nodes) { EXPECT_TRUE(says(outcome("n" + repeated("+n", 10001)), "20000 nodes")); }

TEST(CelLimits, StopsAfterAMillionSteps) {
  const std::string many = "[1,2,3,4,5,6,7,8,9,10]";
  const std::string nest = many + ".all(a, " + many + ".all(b, " + many + ".all(c, " + many + ".all(d, " + many +
                           ".all(e, " + many + ".all(f, n > 0))))))";
  EXPECT_TRUE(says(outcome(nest), "1000000 steps"));
}

TEST(CelLimits, StopsAfterBuildingFourMebibytes) {
  EXPECT_TRUE(says(outcome("lists.range(1000000)"), "steps"));
  std::string grow = "cel.bind(a0, 'xxxxxxxxxxxxxxxx' + string(n), ";
  for (int i = 0; i < 20; ++i)
    grow += "cel.bind(a" + std::to_string(i + 1) + ", a" + std::to_string(i) + " + a" + std::to_string(i) + ", ";
  EXPECT_TRUE(says(outcome(grow + "a20" + repeated(")", 21)), "more than 4 MiB"));
}

TEST(CelLimits, RefusesPatternsPast1KiB) {
  EXPECT_TRUE(says(outcome("'x'.matches(string(n) + '" + std::string(1024, 'a') + "')"), "longer than 1024 bytes"));
}

TEST(CelLimits, FoldsNoMoreThanItMay) {
  EXPECT_EQ(outcome("[" + repeated("'abc' + 'def' + 'ghi',", 2000) + "].size()"), "ok");
}

struct OnSmallStack {
  std::string source;
  std::string result;
};

void *run_small(void *argument) {
  auto *job = static_cast<OnSmallStack *>(argument);
  job->result = outcome(job->source);
  return nullptr;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CALA_ADDRESS_SANITIZER
#endif
#endif
#if defined(CALA_ADDRESS_SANITIZER) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__OPTIMIZE__)
constexpr std::size_t kStack = 1024 * 1024;  // these builds have frames that are several times as large
#else
constexpr std::size_t kStack = 128 * 1024;
#endif

TEST(CelLimits, RunsTheDeepestExpressionsOn128KiBOfStack) {
  const std::vector<std::string> sources = {
      nested("(", "n", ")", 95),
      nested("[", "n", "]", 127),
      nested("{'k':", "n", "}", 127),
      nested("!yes ? 1 : ", "n", "", 127),
      nested("max(1, 2, 3, ", "n", ")", 127),
      nested("[n, 1][", "n", "]", 127),
      nested("[n].all(x, ", "yes", ")", 32),
      nested("{'a':n}.transformMap(k, v, ", "n", ")", 32),
      nested("yes && (", "yes", ")", 95),
      nested("n + max(", "n", ")", 95),
      nested("yes || yes && 1 == 1 + 1 * max(", "n", ")", 35),
      nested("int(", "n", ")", 127),
  };
  for (const std::string &source : sources) {
    OnSmallStack job{source, ""};
    pthread_attr_t attributes;
    pthread_t thread;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
    ASSERT_EQ(pthread_create(&thread, &attributes, run_small, &job), 0);
    ASSERT_EQ(pthread_join(thread, nullptr), 0);
    pthread_attr_destroy(&attributes);
    EXPECT_FALSE(job.result.empty()) << source.substr(0, 40);
  }
}

TEST(CelParser, PutsErrorsWhereTheyAre) {
  EXPECT_EQ(outcome("1 +\n  * 2"), "2:3: unexpected '*', expected an expression");
  EXPECT_EQ(outcome("'é' ++ 1"), "1:6: unexpected '+', expected an expression");
  EXPECT_EQ(outcome("n = 1"), "1:3: '=' is no operator: equality is '=='");
  EXPECT_EQ(outcome("  'abc"), "1:3: the string is not closed");
  EXPECT_EQ(outcome(""), "1:1: the expression is empty");
  EXPECT_EQ(outcome("while"), "1:1: a reserved word cannot be a name here");
  EXPECT_EQ(outcome("n.all(1, true)"), "1:7: the macro's variable must be a simple name");
}

TEST(CelParser, RefusesWhatIsNotUtf8) { EXPECT_TRUE(says(outcome("'\xff'"), "not valid UTF-8")); }

}  // namespace
}  // namespace cala::cel
