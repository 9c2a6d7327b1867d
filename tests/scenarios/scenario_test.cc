// The scenario files of this folder, on both stores. README.md here describes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "scenario_script.h"

namespace cala::tests {
namespace {

struct ScenarioCase {
  StoreKind store = StoreKind::kSqlite;
  Scenario scenario;
};

void PrintTo(const ScenarioCase &value, std::ostream *out) {
  *out << value.scenario.file << ": " << value.scenario.title;
}

std::vector<ScenarioCase> scenario_cases() {
  std::vector<ScenarioCase> cases;
  for (const StoreKind store : {StoreKind::kSqlite, StoreKind::kPostgres}) {
    for (Scenario &scenario : read_scenarios(CALA_SOURCE_DIR "/tests/scenarios")) {
      cases.push_back({store, std::move(scenario)});
    }
  }
  return cases;
}

std::string name_of_case(const testing::TestParamInfo<ScenarioCase> &info) {
  std::string name = std::string(name_of(info.param.store)) + "_" + info.param.scenario.title;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

TEST(ScenarioFiles, AreThere) { EXPECT_GE(read_scenarios(CALA_SOURCE_DIR "/tests/scenarios").size(), 80U); }

class Scenarios : public testing::TestWithParam<ScenarioCase> {};

TEST_P(Scenarios, Hold) {
  if (!is_available(GetParam().store)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const TestStore store(GetParam().store);
  Answer refusal;
  const std::unique_ptr<LedgerClient> ledger =
      store.open("\"clock\": {\"manual\": \"2026-01-01T00:00:00Z\"}", &refusal);
  ASSERT_NE(ledger, nullptr) << refusal.text();
  ScenarioRun run(*ledger, [](const ScriptLine &line, const std::string &what) {
    ADD_FAILURE() << line.file << ":" << line.number << ": " << what << "\n  " << line.text;
  });
  run.run(GetParam().scenario);
}

INSTANTIATE_TEST_SUITE_P(Files, Scenarios, testing::ValuesIn(scenario_cases()), name_of_case);

}  // namespace
}  // namespace cala::tests
