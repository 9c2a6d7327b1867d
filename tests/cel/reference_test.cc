// Runs every example of docs/cel.md.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "cel/cel.h"
#include "cel/runtime.h"
#include "engine/typed_value.h"

namespace cala::cel {
namespace {

class CelReference : public ::testing::Test {
 protected:
  CelReference() {
    params_ = {{"amount", ParamType::kDecimal}, {"sender", ParamType::kUuid},    {"memo", ParamType::kString},
               {"count", ParamType::kInteger},  {"effective", ParamType::kDate}, {"order", ParamType::kJson}};
    values_ = {Value::decimal(*Decimal::parse("10.50")),
               Value::uuid(*base::Uuid::parse("12e80268-e31c-48bc-9db4-6f96b9aee77a")),
               Value(),
               Value::integer(3),
               Value::date(*base::Date::parse("2024-12-31")),
               Value::json(order_->root())};
  }

  // The typed value as JSON, or "error: ...", or "refused: ...".
  std::string outcome(const std::string &source) {
    CompileOptions options;
    options.params = params_;
    const auto program = compile(source, options);
    if (!program) return "refused: " + program.error().message;
    Bindings bindings;
    bindings.params = values_;
    bindings.now = *base::Timestamp::parse("2025-01-31T10:00:00Z");
    Arena arena;
    const auto value = evaluate(**program, bindings, arena);
    if (!value) return "error: " + value.error().code + ": " + value.error().message;
    base::JsonWriter writer;
    return engine::write_typed_value(*value, writer) ? writer.take() : "error: no typed form";
  }

  base::Result<base::Json> order_ = base::Json::parse(R"({"id": 7, "total": "99.90", "tags": ["a", "b"]})");
  std::vector<ParamSpec> params_;
  std::vector<Value> values_;
};

std::vector<std::string> lines_of(const std::string &path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

const std::string kPath = std::string(CALA_SOURCE_DIR) + "/docs/cel.md";

TEST_F(CelReference, ExamplesAreTrue) {
  bool inside = false;
  int examples = 0;
  for (const std::string &line : lines_of(kPath)) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```cel";
      continue;
    }
    if (!inside || line.empty()) continue;
    const std::size_t mark = line.rfind(" // ");
    ASSERT_NE(mark, std::string::npos) << line;
    const std::string wanted = line.substr(mark + 4);
    const std::string got = outcome(line.substr(0, mark));
    ++examples;
    if (wanted.rfind("=> ", 0) == 0) {
      EXPECT_EQ(got, outcome(wanted.substr(3))) << line;
      EXPECT_EQ(got.find("error: "), std::string::npos) << line << ": " << got;
      EXPECT_EQ(got.find("refused: "), std::string::npos) << line << ": " << got;
    } else {
      const std::size_t colon = wanted.find(": ");
      EXPECT_EQ(got.substr(0, colon), wanted.substr(0, colon)) << line << ": " << got;
      EXPECT_NE(got.find(wanted.substr(colon + 2)), std::string::npos) << line << ": " << got;
    }
  }
  EXPECT_GT(examples, 100);
}

TEST_F(CelReference, NamesEveryFunction) {
  std::string text;
  for (const std::string &line : lines_of(kPath)) text += line + "\n";
  std::size_t count = 0;
  const std::string_view *names = function_names(count);
  ASSERT_GT(count, 50U);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name(names[i]);
    const bool named = text.find(name + "(") != std::string::npos || text.find("`" + name + "`") != std::string::npos;
    EXPECT_TRUE(named) << name;
  }
}

}  // namespace
}  // namespace cala::cel
