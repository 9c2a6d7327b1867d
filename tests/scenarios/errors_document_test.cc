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

// What stands in quotes and is words with dots.
template <typename Take>
void for_each_quoted(const std::string &text, Take take) {
  for (std::size_t open = text.find('"'); open != std::string::npos; open = text.find('"', open + 1)) {
    const std::size_t close = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.", open + 1);
    if (close != std::string::npos && text[close] == '"') take(text.substr(open + 1, close - open - 1));
  }
}

// Codes stand in the sources as "noun.word", or as ".word" after a noun that comes from elsewhere.
std::set<std::string> codes_of_sources() {
  const std::string_view nouns =
      " account account_set amount balance call cel clock config currency event executor group hold journal ledger "
      "list listener membership memory op operation option param pool posting prepared process queue request rollup "
      "schema store transaction tx tx_template velocity velocity_control velocity_limit ";
  std::set<std::string> codes;
  std::set<std::string> suffixes;
  std::set<std::string> ensures;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(CALA_SOURCE_DIR "/src")) {
    if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
    for_each_quoted(read_file(entry.path()), [&](const std::string &word) {
      const std::size_t dot = word.find('.');
      if (dot == std::string::npos || dot + 1 == word.size() || word.find('.', dot + 1) != std::string::npos) return;
      if (nouns.find(" " + word.substr(0, dot) + " ") != std::string::npos) codes.insert(word);
      if (word == ".exists" || word == ".not_found" || word == ".changed") suffixes.insert(word);
      if (word == ".ensure_differs" || word == ".keys_span") ensures.insert(word);
    });
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

// What stands in the first column of the tables of a document, from the line that begins with `from`, to the next that
// is empty.
std::set<std::string> first_column(const char *path, std::string_view from = {}) {
  std::set<std::string> names;
  std::istringstream document(read_file(std::string(CALA_SOURCE_DIR) + path));
  const std::regex name("`([a-z_]+\\.[a-z_]+)`");
  bool within = from.empty();
  for (std::string line; std::getline(document, line);) {
    if (!from.empty()) within = line.starts_with(from) || (within && !line.empty());
    if (within && line.starts_with("| `")) add_matches(line.substr(0, line.find(" | ")), name, names);
  }
  return names;
}

// A name is a code, or an event of the log.
TEST(ErrorsDocument, NamesEveryCodeOfTheSourcesAndNoOther) {
  const std::set<std::string> made = codes_of_sources();
  const std::set<std::string> codes = first_column("/docs/errors.md");
  const std::set<std::string> events = first_column("/docs/running.md", "| event | level |");
  ASSERT_GT(codes.size(), 50U);
  ASSERT_GT(events.size(), 5U);
  for (const std::string &name : made) {
    EXPECT_TRUE(codes.contains(name) != events.contains(name))
        << name << " is missing in docs/errors.md or docs/running.md, or in both";
  }
  for (const std::string &name : codes)
    EXPECT_TRUE(made.contains(name)) << name << " of docs/errors.md is in no source";
  for (const std::string &name : events)
    EXPECT_TRUE(made.contains(name)) << name << " of docs/running.md is in no source";
}

}  // namespace
}  // namespace cala::tests
