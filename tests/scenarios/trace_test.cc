// Every trace on both stores: what our own model of a ledger answered (tests/model, by ctest in CALA_MODEL_TRACES), and
// the recordings of the original in the shared folder (CALA_SHARED) and in the folder CALA_TRACES.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "trace_replay.h"

namespace cala::tests {
namespace {

namespace fs = std::filesystem;

std::string environment(const char *name, const std::string &otherwise) {
  const char *value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
  return value == nullptr ? otherwise : value;
}

void add_traces(const std::string &folder, std::vector<std::string> &paths) {
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".jsonl") paths.push_back(entry.path().string());
  }
}

struct TraceCase {
  StoreKind store = StoreKind::kSqlite;
  std::string path;  // empty: there are no traces here
};

void PrintTo(const TraceCase &value, std::ostream *out) { *out << value.path; }

std::vector<TraceCase> trace_cases() {
  std::vector<std::string> paths;
  add_traces(environment("CALA_SHARED", CALA_SOURCE_DIR "/../shared") + "/traces", paths);
  for (const char *more : {"CALA_MODEL_TRACES", "CALA_TRACES"}) {
    if (const std::string folder = environment(more, ""); !folder.empty()) add_traces(folder, paths);
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty()) paths.emplace_back();
  std::vector<TraceCase> cases;
  for (const StoreKind store : {StoreKind::kSqlite, StoreKind::kPostgres}) {
    for (const std::string &path : paths) cases.push_back({store, path});
  }
  return cases;
}

std::string name_of_case(const testing::TestParamInfo<TraceCase> &info) {
  std::string name = std::string(name_of(info.param.store)) + "_" + fs::path(info.param.path).stem().string() + "_" +
                     std::to_string(info.index);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

std::vector<std::string> read_lines(const std::string &path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

TEST(ModelTraces, AreThere) {
  const std::string folder = environment("CALA_MODEL_TRACES", "");
  if (folder.empty()) GTEST_SKIP() << "CALA_MODEL_TRACES is not set; ctest plays the model and sets it";
  std::vector<std::string> paths;
  add_traces(folder, paths);
  EXPECT_GE(paths.size(), 6U);
  for (const std::string &path : paths) EXPECT_GT(read_lines(path).size(), 300U) << path;
}

class Trace : public testing::TestWithParam<TraceCase> {};

TEST_P(Trace, ReplaysWithTheSameAnswers) {
  if (GetParam().path.empty())
    GTEST_SKIP() << "no traces: neither CALA_MODEL_TRACES nor CALA_SHARED names a folder that has some";
  if (!is_available(GetParam().store)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const std::vector<std::string> lines = read_lines(GetParam().path);
  ASSERT_FALSE(lines.empty());
  const std::optional<JsonDocument> header = JsonDocument::parse(lines.front());
  ASSERT_TRUE(header.has_value());
  const TestStore store(GetParam().store);
  Answer refusal;
  const std::string clock = "\"clock\": {\"manual\": " + json_quote(json_text(header->root(), "clock")) + "}";
  const std::unique_ptr<LedgerClient> ledger = store.open(clock, &refusal);
  ASSERT_NE(ledger, nullptr) << refusal.text();

  const std::unique_ptr<HostConnection> host = HostConnection::open(store);
  const TraceResult result = TraceReplay(*ledger, *host).replay(lines);
  RecordProperty("lines_run", result.run);
  for (const std::string &difference : result.differences) ADD_FAILURE() << GetParam().path << " " << difference;
  EXPECT_EQ(result.run, static_cast<int>(lines.size()) - 1);
}

INSTANTIATE_TEST_SUITE_P(Recorded, Trace, testing::ValuesIn(trace_cases()), name_of_case);

}  // namespace
}  // namespace cala::tests
