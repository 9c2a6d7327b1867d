// docs/errors.md names every code that the library can give, and none besides.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace cala::tests {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path &path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void add_matches(const std::string &text, const std::regex &pattern, std::set<std::string> &out) {
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) out.insert((*at)[1].str());
}

// Codes stand in the sources as "noun.word", or as ".word" after a noun that comes from elsewhere.
std::set<std::string> codes_of_sources() {
  const std::regex code(
      "\"((?:account|account_set|amount|balance|call|cel|clock|config|currency|event|executor|hold|journal|ledger|list|"
      "listener|"
      "membership|"
      "memory|op|option|param|"
      "posting|"
      "process|queue|"
      "request|rollup|store|transaction|tx|tx_template|velocity|velocity_control|velocity_limit)\\.[a-z_]+)\"");
  const std::regex suffix("\"(\\.(?:exists|not_found|changed))\"");
  const std::regex ensured("\"(\\.(?:ensure_differs|keys_span))\"");
  std::set<std::string> codes;
  std::set<std::string> suffixes;
  std::set<std::string> ensures;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(CALA_SOURCE_DIR "/src")) {
    if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
    const std::string text = read_file(entry.path());
    add_matches(text, code, codes);
    add_matches(text, suffix, suffixes);
    add_matches(text, ensured, ensures);
  }
  for (const std::string &word : suffixes) {
    for (const char *noun : {"account", "account_set", "journal", "tx_template"}) codes.insert(noun + word);
  }
  for (const std::string &word : ensures) {
    for (const char *noun : {"account", "account_set", "journal", "tx_template"}) codes.insert(noun + word);
  }
  // A velocity limit never changes; a control's change is named in full.
  for (const char *noun : {"velocity_control", "velocity_limit"}) {
    for (const char *word : {".ensure_differs", ".exists", ".not_found"}) codes.insert(std::string(noun) + word);
  }
  codes.insert("transaction.not_found");
  codes.insert("hold.not_found");
  return codes;
}

std::set<std::string> codes_of_document() {
  std::set<std::string> codes;
  std::istringstream document(read_file(CALA_SOURCE_DIR "/docs/errors.md"));
  const std::regex code("`([a-z_]+\\.[a-z_]+)`");
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with("| `")) continue;
    add_matches(line.substr(0, line.find(" | ")), code, codes);
  }
  return codes;
}

TEST(ErrorsDocument, NamesEveryCodeOfTheSourcesAndNoOther) {
  const std::set<std::string> made = codes_of_sources();
  const std::set<std::string> told = codes_of_document();
  ASSERT_GT(made.size(), 50U);
  for (const std::string &code : made) EXPECT_TRUE(told.contains(code)) << code << " is missing in docs/errors.md";
  for (const std::string &code : told) EXPECT_TRUE(made.contains(code)) << code << " of docs/errors.md is in no source";
}

}  // namespace
}  // namespace cala::tests
