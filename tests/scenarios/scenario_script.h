// ScenarioScript: the scenario files of this folder, read as README.md says, and run on a ledger. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ledger_client.h"

namespace cala::tests {

struct ScriptLine {
  std::string file;
  int number = 0;
  std::string text;
};

struct Scenario {
  std::string file;  // "postings.txt"
  std::string title;
  std::vector<ScriptLine> lines;
};

// Every scenario of the folder's .txt files, in the order of file names and lines. What cannot be read becomes a
// scenario that fails and says why.
std::vector<Scenario> read_scenarios(const std::string &folder);

class ScenarioRun {
 public:
  using Fail = std::function<void(const ScriptLine &line, const std::string &what)>;

  ScenarioRun(LedgerClient &ledger, Fail fail) : ledger_(ledger), fail_(std::move(fail)) {}
  // Runs to the end, or to the first line that fails.
  void run(const Scenario &scenario);

 private:
  std::string run_line(std::string_view text);  // what is wrong, or empty
  std::string run_operation(std::string_view rest);
  std::string run_clock(std::string_view rest);
  std::string check_ok(std::string_view expected);
  std::string check_error(std::string_view rest);
  std::string check_answer(std::string_view expected, const std::string &document) const;
  std::string take(std::string_view rest);
  std::string end_transaction(const Answer &ended);
  std::string substitute(std::string_view text, std::string &missing) const;

  LedgerClient &ledger_;
  Fail fail_;
  std::map<std::string, std::string, std::less<>> names_;
  Answer answer_;
  std::function<Answer()> again_;  // a stable list, which waits for whatever else is in flight in the cluster
  bool unchecked_ = false;         // an answer that no ok or error has looked at
  std::string counts_before_;      // the last operation
};

}  // namespace cala::tests
