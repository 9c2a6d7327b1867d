#include "json_document.h"

#include <cstring>

namespace cala::tests {

std::optional<JsonDocument> JsonDocument::parse(std::string_view text) {
  const char *end = nullptr;
  const std::string copy(text);
  cJSON *root = cJSON_ParseWithOpts(copy.c_str(), &end, 1);
  if (root == nullptr) return std::nullopt;
  return JsonDocument(root);
}

const cJSON *json_member(const cJSON *object, const char *key) {
  return object == nullptr ? nullptr : cJSON_GetObjectItemCaseSensitive(object, key);
}

const cJSON *json_at(const cJSON *root, std::string_view pointer) {
  const cJSON *at = root;
  while (at != nullptr && !pointer.empty()) {
    const std::size_t end = pointer.find('/', 1);
    const std::string token(pointer.substr(1, end == std::string_view::npos ? end : end - 1));
    pointer = end == std::string_view::npos ? std::string_view() : pointer.substr(end);
    at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, std::stoi(token)) : json_member(at, token.c_str());
  }
  return at;
}

std::string json_text(const cJSON *object, const char *key) {
  const cJSON *member = json_member(object, key);
  return cJSON_IsString(member) ? member->valuestring : "";
}

std::string json_print(const cJSON *value) {
  if (value == nullptr) return "nothing";
  char *text = cJSON_PrintUnformatted(value);
  std::string out = text;
  cJSON_free(text);
  return out;
}

std::string json_quote(std::string_view text) {
  const std::unique_ptr<cJSON, decltype(&cJSON_Delete)> value(cJSON_CreateString(std::string(text).c_str()),
                                                              cJSON_Delete);
  return json_print(value.get());
}

namespace {

std::string differs(const cJSON *expected, const cJSON *actual, const std::string &pointer) {
  return (pointer.empty() ? "the document" : pointer) + " should be " + json_print(expected) + " but is " +
         json_print(actual);
}

bool accepts(const cJSON *expected, const cJSON *actual) {
  if (cJSON_IsNull(expected)) return actual == nullptr || cJSON_IsNull(actual);
  if (cJSON_IsString(expected) && std::strcmp(expected->valuestring, "*") == 0) return actual != nullptr;
  return actual != nullptr && cJSON_Compare(expected, actual, 1) != 0;
}

}  // namespace

std::string json_mismatch(const cJSON *expected, const cJSON *actual, const std::string &pointer) {
  if (cJSON_IsObject(expected) && cJSON_IsObject(actual)) {
    for (const cJSON *member = expected->child; member != nullptr; member = member->next) {
      const cJSON *other = json_member(actual, member->string);
      std::string found = json_mismatch(member, other, pointer + "/" + member->string);
      if (!found.empty()) return found;
    }
    return "";
  }
  if (cJSON_IsArray(expected) && cJSON_IsArray(actual) && cJSON_GetArraySize(expected) == cJSON_GetArraySize(actual)) {
    const cJSON *other = actual->child;
    int index = 0;
    for (const cJSON *item = expected->child; item != nullptr; item = item->next, other = other->next) {
      std::string found = json_mismatch(item, other, pointer + "/" + std::to_string(index++));
      if (!found.empty()) return found;
    }
    return "";
  }
  return accepts(expected, actual) ? "" : differs(expected, actual, pointer);
}

namespace {

// Without leading zeros, trailing zeros of a fraction, "+" and the sign of zero.
std::string plain_amount(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  std::string whole(text.substr(0, point));
  std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
  whole.erase(0, whole.find_first_not_of('0'));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (whole.empty() && fraction.empty()) return "0";
  return (negative ? "-" : "") + whole + "." + fraction;
}

}  // namespace

bool same_amount(std::string_view a, std::string_view b) { return plain_amount(a) == plain_amount(b); }

}  // namespace cala::tests
