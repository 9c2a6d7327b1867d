#include "scenario_script.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "json_document.h"

namespace cala::tests {

namespace {

// Cuts the first word and the spaces after it off.
std::string_view take_word(std::string_view &text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text = text.substr(std::min(text.find_first_not_of(' ', end), text.size()));
  return word;
}

// A file's lines with comments left out, continuations joined and includes in place.
std::vector<ScriptLine> read_lines(const std::string &folder, const std::string &name) {
  std::vector<ScriptLine> lines;
  std::ifstream file(folder + "/" + name);
  if (!file) lines.push_back({name, 0, "there is no file " + name});
  int number = 0;
  for (std::string text; std::getline(file, text);) {
    ++number;
    if (text.empty() || text.front() == '#') continue;
    if (text.front() == ' ' && !lines.empty()) {
      lines.back().text += text.substr(std::min(text.find_first_not_of(' '), text.size()) - 1);
    } else {
      lines.push_back({name, number, text});
    }
  }
  std::vector<ScriptLine> out;
  for (ScriptLine &line : lines) {
    if (!line.text.starts_with("include ")) {
      out.push_back(std::move(line));
      continue;
    }
    for (ScriptLine &included : read_lines(folder, line.text.substr(8))) out.push_back(std::move(included));
  }
  return out;
}

}  // namespace

std::vector<Scenario> read_scenarios(const std::string &folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::vector<Scenario> scenarios;
  for (const std::string &name : names) {
    Scenario *current = nullptr;
    for (ScriptLine &line : read_lines(folder, name)) {
      if (line.text.starts_with("scenario ")) {
        current = &scenarios.emplace_back(Scenario{name, line.text.substr(9), {}});
      } else if (current != nullptr) {
        current->lines.push_back(std::move(line));
      }
    }
  }
  return scenarios;
}

void ScenarioRun::run(const Scenario &scenario) {
  for (const ScriptLine &line : scenario.lines) {
    std::string missing;
    const std::string text = substitute(line.text, missing);
    const std::string wrong = missing.empty() ? run_line(text) : "nothing is named " + missing;
    if (!wrong.empty()) return fail_(line, wrong);
  }
  if (unchecked_ && !scenario.lines.empty()) fail_(scenario.lines.back(), "the last answer is not checked");
}

std::string ScenarioRun::substitute(std::string_view text, std::string &missing) const {
  std::string out;
  while (true) {
    const std::size_t begin = text.find("${");
    const std::size_t end = begin == std::string_view::npos ? begin : text.find('}', begin);
    if (end == std::string_view::npos) return out += text;
    const std::string_view name = text.substr(begin + 2, end - begin - 2);
    const auto found = names_.find(name);
    if (found == names_.end()) missing = std::string(name);
    out += text.substr(0, begin);
    if (found != names_.end()) out += found->second;
    text = text.substr(end + 1);
  }
}

std::string ScenarioRun::run_line(std::string_view text) {
  std::string_view rest = text;
  const std::string_view word = take_word(rest);
  if (word == "ok") return check_ok(rest);
  if (word == "error") return check_error(rest);
  if (unchecked_) return "the answer before this line is not checked: " + answer_.text();
  if (word == "do") return run_operation(rest);
  if (word == "take") return take(rest);
  if (word == "clock") return run_clock(rest);
  if (word == "except") return rest.find(": ") == std::string_view::npos ? "there is no reason" : "";
  if (word == "begin") return end_transaction(ledger_.begin());
  if (word == "commit") return end_transaction(ledger_.commit());
  if (word == "rollback") return end_transaction(ledger_.rollback());
  if (word == "set") {
    const std::string name(take_word(rest));
    names_[name] = std::string(rest);
    return "";
  }
  return "no line begins with \"" + std::string(word) + "\"";
}

std::string ScenarioRun::run_operation(std::string_view rest) {
  const std::string_view operation = take_word(rest);
  if (!LedgerClient::knows(operation)) return "there is no operation " + std::string(operation);
  counts_before_ = ledger_.counts();
  answer_ = ledger_.run(operation, rest);
  again_ = nullptr;
  if (rest.find("\"stable\": true") != std::string_view::npos) {
    again_ = [this, name = std::string(operation), request = std::string(rest)] { return ledger_.run(name, request); };
  }
  unchecked_ = true;
  return "";
}

std::string ScenarioRun::run_clock(std::string_view rest) {
  const std::string_view what = take_word(rest);
  counts_before_ = ledger_.counts();
  answer_ = what == "set" ? ledger_.set_clock(rest) : ledger_.advance_clock(std::stoll(std::string(rest)));
  if (answer_.ok()) answer_.result = "{}";
  unchecked_ = true;
  return "";
}

std::string ScenarioRun::end_transaction(const Answer &ended) { return ended.ok() ? "" : "it failed: " + ended.text(); }

std::string ScenarioRun::check_ok(std::string_view expected) {
  unchecked_ = false;
  if (!answer_.ok()) return "it was refused: " + answer_.text();
  std::string wrong = check_answer(expected, answer_.result);
  for (int tries = 0; again_ && !wrong.empty() && tries < 400; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answer_ = again_();
    if (!answer_.ok()) return "it was refused: " + answer_.text();
    wrong = check_answer(expected, answer_.result);
  }
  return wrong;
}

std::string ScenarioRun::check_error(std::string_view rest) {
  unchecked_ = false;
  const std::string_view code = take_word(rest);
  if (answer_.ok()) return "it was not refused with " + std::string(code) + ": " + answer_.text();
  if (answer_.code != code) return "it was refused with another code: " + answer_.text();
  const std::string counts = ledger_.counts();
  if (counts != counts_before_) return "it was refused and yet written: " + counts_before_ + " became " + counts;
  return check_answer(rest, answer_.error_document());
}

std::string ScenarioRun::check_answer(std::string_view expected, const std::string &document) const {
  const std::optional<JsonDocument> actual = JsonDocument::parse(document);
  if (!actual) return "the answer is not JSON: " + document;
  if (expected.empty()) return "";
  const std::optional<JsonDocument> wanted = JsonDocument::parse(expected);
  if (!wanted) return "this line's document is not JSON";
  const std::string wrong = json_mismatch(wanted->root(), actual->root());
  return wrong.empty() ? "" : wrong + "\nin " + document;
}

std::string ScenarioRun::take(std::string_view rest) {
  const std::string name(take_word(rest));
  const std::optional<JsonDocument> document = JsonDocument::parse(answer_.result);
  const cJSON *value = document ? json_at(document->root(), rest) : nullptr;
  if (value == nullptr) return "there is no " + std::string(rest) + " in " + answer_.text();
  names_[name] = cJSON_IsString(value) ? value->valuestring : json_print(value);
  return "";
}

}  // namespace cala::tests
