// JsonDocument: JSON for the tests, read by cJSON and compared by the rules of the scenarios. Independent of the
// library's own reader. One thread at a time.
#pragma once

#include <cjson/cJSON.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cala::tests {

class JsonDocument {
 public:
  static std::optional<JsonDocument> parse(std::string_view text);

  const cJSON *root() const { return root_.get(); }
  cJSON *mutable_root() { return root_.get(); }

 private:
  explicit JsonDocument(cJSON *root) : root_(root, cJSON_Delete) {}
  std::unique_ptr<cJSON, decltype(&cJSON_Delete)> root_;
};

// A member of an object or an item of an array, by JSON pointer ("/items/0/id"); nullptr when there is none.
const cJSON *json_at(const cJSON *root, std::string_view pointer);
const cJSON *json_member(const cJSON *object, const char *key);
// A string member, "" when there is none.
std::string json_text(const cJSON *object, const char *key);
std::string json_print(const cJSON *value);
// text as a JSON string, with its quotes.
std::string json_quote(std::string_view text);

// Where and how `actual` fails to match `expected`; empty when it matches. An expected object names members that must
// match (more may be there); arrays agree item by item; null wants the member absent or null; "*" wants anything that
// is there.
std::string json_mismatch(const cJSON *expected, const cJSON *actual, const std::string &pointer = "");

// Equal as numbers: "1.50" and "1.5". Both are plain decimals.
bool same_amount(std::string_view a, std::string_view b);

}  // namespace cala::tests
