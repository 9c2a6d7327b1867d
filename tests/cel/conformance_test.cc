// Runs files of CEL cases, one JSON object a line, through the cel_evaluate operation: the project's own (own.jsonl for
// the ledger's dialect, cases/ for the language and its extensions, by what they are about), and those of the folder in
// the environment variable CALA_CEL_CASES, else of $CALA_SHARED/cel. Cases that we believe wrong are listed with the
// reason in deviations.txt and must fail in the way that is described there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "cel/arena.h"
#include "cel/cel.h"
#include "cel/operators.h"
#include "engine/cel_document.h"

#ifndef CALA_WITH_ZONES
#define CALA_WITH_ZONES 0
#endif

namespace {

namespace base = cala::base;
namespace fs = std::filesystem;

constexpr const char *kForwarded[] = {"expr",     "as",       "clock",     "params",        "vars",
                                      "bindings", "type_env", "container", "disable_check", "disable_macros"};

std::string request_of(base::JsonView test_case) {
  base::JsonWriter writer;
  writer.begin_object();
  for (const char *key : kForwarded) {
    const base::JsonView value = test_case.get(key);
    if (value.present() && !value.is_null()) writer.key(key).raw(value.text());
  }
  return writer.end_object().take();
}

std::string replaced(std::string text, const std::string &wanted, const std::string &with) {
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + with.size())) {
    std::size_t before = 0;
    while (before < at && text[at - 1 - before] == '\\') ++before;
    if (before % 2 == 0) text.replace(at, wanted.size(), with);
  }
  return text;
}

// The JSON reader refuses a NUL. In what is read a code point that no case has stands for it, and in an expression the
// escape \000.
const std::string kNulEscape = "\\u0000";
const std::string kStandIn = "\xF3\xB0\x80\x80";
std::string without_nul(const std::string &json) { return replaced(json, kNulEscape, kStandIn); }
std::string with_nul(const std::string &json) { return replaced(json, kStandIn, "\\\\000"); }

std::string name_of(base::JsonView test_case) {
  if (test_case.get("id")) return std::string(test_case.get("id").string());
  std::string name;
  for (const char *key : {"file", "section", "name"})
    name += (name.empty() ? "" : "/") + std::string(test_case.get(key).string());
  return name + "#" + std::to_string(test_case.get("ordinal") ? test_case.get("ordinal").integer().value_or(0) : 0);
}

bool same_typed(base::JsonView expected, base::JsonView got);

// Doubles by value, NaN equal to itself and 0.0 unlike -0.0; instants by instant; maps in any order; the rest by text.
bool same_value(std::string_view type, base::JsonView expected, base::JsonView got) {
  if (type == "json" || type == "bool") return base::json_equal(expected, got);
  if (type == "null") return true;
  if (type == "double") {
    const double a = std::strtod(std::string(expected.string()).c_str(), nullptr);
    const double b = std::strtod(std::string(got.string()).c_str(), nullptr);
    return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
  }
  if (type == "timestamp") return base::Timestamp::parse(expected.string()) == base::Timestamp::parse(got.string());
  if (type == "list") {
    base::JsonView b = got.first();
    for (base::JsonView a = expected.first(); a; a = a.next(), b = b.next()) {
      if (!b || !same_typed(a, b)) return false;
    }
    return !b;
  }
  if (type == "map") {
    if (expected.size() != got.size()) return false;
    for (const base::JsonView pair : expected) {
      bool found = false;
      for (const base::JsonView other : got) {
        found =
            found || (same_typed(pair.first(), other.first()) && same_typed(pair.first().next(), other.first().next()));
      }
      if (!found) return false;
    }
    return true;
  }
  return expected.string() == got.string();
}

bool same_typed(base::JsonView expected, base::JsonView got) {
  return expected.get("type").string() == got.get("type").string() &&
         same_value(expected.get("type").string(), expected.get("value"), got.get("value"));
}

int stage_rank(std::string_view code) {
  if (code == "cel.params" || code == "params") return 0;
  if (code == "cel.compile" || code == "compile") return 1;
  if (code == "cel.eval" || code == "eval") return 2;
  return 3;
}

// Empty when the case passes, else what happened.
std::string run_case(base::JsonView test_case) {
  const auto request = base::Json::parse(with_nul(request_of(test_case)));
  if (!request) return "the request is not read: " + request.error().message;
  const auto got = cala::engine::evaluate_document(request->root(), base::Timestamp{});
  const base::JsonView expected = test_case.get("expected");
  const base::JsonView error = expected.get("error");
  if (error) {
    if (got) return "expected an error, got " + *got;
    const std::string &code = got.error().code;
    if (code.rfind("cel.", 0) != 0) return "expected a CEL error, got " + code + ": " + got.error().message;
    const base::JsonView stage = error.get("stage");
    // An earlier stage is as good. Compiling comes before evaluating whatever the params are.
    if (stage && stage_rank(code) > stage_rank(stage.string()))
      return "expected an error of stage " + std::string(stage.string()) + ", got " + code;
    return "";
  }
  if (!got) return "expected " + expected.text() + ", got " + got.error().code + ": " + got.error().message;
  auto answer = base::Json::parse(without_nul(*got));
  if (!answer) return "the answer is not JSON: " + *got;
  if (same_typed(expected.get("value"), answer->root().get("value"))) return "";
  return "expected " + expected.get("value").text() + ", got " + answer->root().get("value").text();
}

std::string source_dir() { return CALA_SOURCE_DIR; }

// "name: reason" a line; a name behind "zone " deviates only in a build without time zone rules.
const std::map<std::string, std::string> &deviations() {
  static const auto *known = [] {
    auto *made = new std::map<std::string, std::string>();
    std::ifstream file(source_dir() + "/tests/cel/deviations.txt");
    for (std::string line; std::getline(file, line);) {
      const std::size_t colon = line.find(": ");
      if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
      std::string name = line.substr(0, colon);
      if (name.rfind("zone ", 0) == 0) {
#ifdef CALA_IANA_ZONES
        continue;
#endif
        name = name.substr(5);
      }
      (*made)[name] = line.substr(colon + 2);
    }
    return made;
  }();
  return *known;
}

struct Tally {
  int passed = 0;
  int failed = 0;
  int deviating = 0;
};

std::string run_line(const std::string &line, std::string &name, Tally &tally) {
  auto parsed = base::Json::parse(without_nul(line));
  if (!parsed) return "the line is not read: " + parsed.error().message;
  name = name_of(parsed->root());
  std::string outcome = run_case(parsed->root());
  const auto deviation = deviations().find(name);
  if (deviation != deviations().end()) {
    if (outcome.empty()) return "passes, but is listed as a deviation";
    ++tally.deviating;
    return "";
  }
  if (outcome.empty()) ++tally.passed;
  return outcome;
}

int least_passed(const std::string &file) {
  static const std::map<std::string, int> floors = {
      {"own", 174},    {"arithmetic", 52},  {"comparison", 58},  {"logic", 24},
      {"strings", 74}, {"conversions", 54}, {"collections", 55}, {"macros", 38},
      {"time", 30},    {"math", 39},        {"optionals", 27},   {"encoders", 9},
      {"syntax", 38},  {"ledger", 213},     {"spec-core", 520},  {"spec-extensions", 265}};
  const auto found = floors.find(file);
  return found == floors.end() ? 1 : found->second;
}

void run_file(const fs::path &path) {
  std::ifstream file(path);
  ASSERT_TRUE(file.good()) << path;
  Tally tally;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty()) continue;
    std::string name = "line " + std::to_string(number);
    const std::string outcome = run_line(line, name, tally);
    if (outcome.empty()) continue;
    ++tally.failed;
    ADD_FAILURE() << path.filename().string() << ":" << number << " " << name << ": " << outcome;
  }
  ::testing::Test::RecordProperty("passed", tally.passed);
  ::testing::Test::RecordProperty("failed", tally.failed);
  ::testing::Test::RecordProperty("deviating", tally.deviating);
  // Not fewer than once passed: a file that is cut short, or cases that deviate by the dozen, are seen.
  EXPECT_GE(tally.passed, least_passed(path.stem().string()));
  EXPECT_EQ(tally.failed, 0) << path.filename().string() << ": " << tally.passed << " passed, " << tally.failed
                             << " failed, " << tally.deviating << " deviate on purpose";
}

fs::path cases_folder() {
  if (const char *cases = std::getenv("CALA_CEL_CASES")) return cases;
  if (const char *shared = std::getenv("CALA_SHARED")) return fs::path(shared) / "cel";
  return fs::path(source_dir()) / ".." / "shared" / "cel";
}

class CelCaseFile : public ::testing::Test {
 public:
  explicit CelCaseFile(fs::path path) : path_(std::move(path)) {}
  void TestBody() override { run_file(path_); }

 private:
  fs::path path_;
};

std::string test_name(const fs::path &path) {
  std::string name = path.stem().string();
  for (char &c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

void register_file(const fs::path &path, const std::string &suite) {
  ::testing::RegisterTest(suite.c_str(), test_name(path).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [path]() -> CelCaseFile * { return new CelCaseFile(path); });
}

std::size_t register_folder(const fs::path &folder, const std::string &suite) {
  std::error_code none;
  std::vector<fs::path> files;
  for (const auto &entry : fs::directory_iterator(folder, none)) {
    if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path &path : files) register_file(path, suite);
  return files.size();
}

// One test for each file, found before main.
const std::size_t registered_own = [] {
  register_file(source_dir() + "/tests/cel/own.jsonl", "CelOwnCases");
  return register_folder(source_dir() + "/tests/cel/cases", "CelCases");
}();
const std::size_t registered = register_folder(cases_folder(), "CelConformance");

// These are here wherever the library is built: no folder that somebody lacks makes the language untested.
TEST(CelCaseFiles, OurOwnAreAllThere) { EXPECT_GE(registered_own, 12U); }

// A folder that is there and has no cases is a mistake, not a reason to skip.
TEST(CelCaseFiles, AreFoundWhereTheFolderIs) {
  std::error_code none;
  if (!fs::is_directory(cases_folder(), none))
    GTEST_SKIP() << "no cases: set CALA_CEL_CASES to a folder of .jsonl files";
  EXPECT_GT(registered, 0) << cases_folder();
}

}  // namespace
