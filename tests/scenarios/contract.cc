#include "contract.h"

#include <cmath>
#include <regex>

#include "json_document.h"

namespace cala::tests {

namespace {

bool is_kind(const cJSON *type, std::string_view kind) { return json_text(type, "kind") == kind; }

bool holds(const cJSON *array, std::string_view text) {
  const cJSON *item = nullptr;
  cJSON_ArrayForEach(item, array) {
    if (cJSON_IsString(item) && text == item->valuestring) return true;
  }
  return false;
}

// Sections of docs/errors.md whose codes any operation may give.
bool is_common(std::string_view section) {
  return section == "The request" || section == "Transactions" || section == "Calls, operations and queues" ||
         section == "Stores";
}

std::string wants(const std::string &pointer, const std::string &what, const cJSON *value) {
  return pointer + ": " + what + " is wanted where " + json_print(value).substr(0, 100) + " stands";
}

}  // namespace

Contract::Contract() : document_(cJSON_Parse(cala_api())) {}

const Contract &Contract::of_library() {
  static const Contract contract;
  return contract;
}

std::vector<std::string> Contract::operations() const {
  std::vector<std::string> names;
  const cJSON *operation = nullptr;
  cJSON_ArrayForEach(operation, json_member(document_, "operations")) names.emplace_back(operation->string);
  return names;
}

bool Contract::may_write(std::string_view operation) const {
  const cJSON *of = json_member(json_member(document_, "operations"), std::string(operation).c_str());
  return json_text(of, "access") == "write";
}

const cJSON *Contract::request_of(std::string_view operation) const {
  return json_member(json_member(json_member(document_, "operations"), std::string(operation).c_str()), "request");
}

const cJSON *Contract::resolved(const cJSON *type) const {
  while (is_kind(type, "name")) {
    const std::string name = json_text(type, "name");
    const cJSON *known = json_member(json_member(document_, "types"), name.c_str());
    const std::size_t dot = name.find('.');
    if (known != nullptr) {
      type = json_member(known, "type");
    } else if (dot != std::string::npos) {
      type = request_of(name.substr(0, dot));
    } else {
      return type;
    }
  }
  return type;
}

std::vector<Contract::Fields> Contract::objects_of(const cJSON *type) const {
  type = resolved(type);
  std::vector<Fields> out;
  const cJSON *item = nullptr;
  if (is_kind(type, "object")) {
    Fields fields;
    cJSON_ArrayForEach(item, json_member(type, "fields")) fields[json_text(item, "key")] = item;
    out.push_back(std::move(fields));
  } else if (is_kind(type, "union")) {
    cJSON_ArrayForEach(item, json_member(type, "of")) {
      for (Fields &fields : objects_of(item)) out.push_back(std::move(fields));
    }
  } else if (is_kind(type, "all")) {
    out.emplace_back();
    cJSON_ArrayForEach(item, json_member(type, "of")) {
      std::vector<Fields> joined;
      for (const Fields &before : out) {
        for (const Fields &more : objects_of(item)) {
          joined.push_back(before);
          joined.back().insert(more.begin(), more.end());
        }
      }
      out = std::move(joined);
    }
  }
  return out;
}

std::string Contract::mismatch_of_word(std::string_view word, const cJSON *value, const std::string &pointer) const {
  static const std::map<std::string, std::regex, std::less<>> patterns = {
      {"text", std::regex("[^]*")},
      {"cel", std::regex("[^]*")},
      {"cursor", std::regex("[^]+")},
      {"uuid", std::regex("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")},
      {"decimal", std::regex("-?[0-9]+(\\.[0-9]+)?")},
      {"date", std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}")},
      {"instant", std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z")},
      {"currency", std::regex("[A-Z0-9]{3,10}")},
  };
  if (word == "json") return "";
  if (word == "boolean") return cJSON_IsBool(value) ? "" : wants(pointer, "boolean", value);
  const auto pattern = patterns.find(word);
  if (pattern == patterns.end()) return pointer + ": the contract has the unknown word " + std::string(word);
  if (!cJSON_IsString(value)) return wants(pointer, std::string(word), value);
  const std::string_view text = value->valuestring;
  if (word == "text" || word == "cel") return "";  // of any length: std::regex would not survive it
  return text.size() < 1000 && std::regex_match(text.begin(), text.end(), pattern->second)
             ? ""
             : wants(pointer, std::string(word), value);
}

std::string Contract::mismatch_of_object(const Fields &fields, const cJSON *value, const std::string &pointer) const {
  for (const auto &[key, field] : fields) {
    const cJSON *member = json_member(value, key.c_str());
    if (member == nullptr) {
      if (cJSON_IsFalse(json_member(field, "optional"))) return pointer + "/" + key + " is missing";
      continue;
    }
    if (std::string wrong = mismatch(json_member(field, "type"), member, pointer + "/" + key); !wrong.empty()) {
      return wrong;
    }
  }
  const cJSON *member = nullptr;
  cJSON_ArrayForEach(member, value) {
    if (!fields.contains(member->string)) return pointer + "/" + member->string + " is not in the contract";
  }
  return "";
}

std::string Contract::mismatch(const cJSON *type, const cJSON *value, const std::string &pointer) const {
  type = resolved(type);
  const std::string kind = json_text(type, "kind");
  const cJSON *of = json_member(type, "of");
  const cJSON *item = nullptr;
  if (kind == "name") return mismatch_of_word(json_text(type, "name"), value, pointer);
  if (kind == "literal") {
    const cJSON *wanted = json_member(type, "value");
    return cJSON_Compare(wanted, value, 1) != 0 ? "" : wants(pointer, json_print(wanted), value);
  }
  if (kind == "integer") {
    if (!cJSON_IsNumber(value) || std::floor(value->valuedouble) != value->valuedouble) {
      return wants(pointer, "integer", value);
    }
    const cJSON *least = json_member(type, "min");
    const cJSON *most = json_member(type, "max");
    const bool inside = (least == nullptr || value->valuedouble >= least->valuedouble) &&
                        (most == nullptr || value->valuedouble <= most->valuedouble);
    return inside ? "" : wants(pointer, json_print(type), value);
  }
  if (kind == "list") {
    if (!cJSON_IsArray(value)) return wants(pointer, "list", value);
    std::size_t index = 0;
    cJSON_ArrayForEach(item, value) {
      if (std::string wrong = mismatch(of, item, pointer + "/" + std::to_string(index++)); !wrong.empty()) return wrong;
    }
    return "";
  }
  if (kind == "map") {
    if (!cJSON_IsObject(value)) return wants(pointer, "object", value);
    cJSON_ArrayForEach(item, value) {
      if (std::string wrong = mismatch(of, item, pointer + "/" + item->string); !wrong.empty()) return wrong;
    }
    return "";
  }
  std::string wrong = wants(pointer, "object", value);
  if (cJSON_IsObject(value)) {
    for (const Fields &fields : objects_of(type)) {
      wrong = mismatch_of_object(fields, value, pointer);
      if (wrong.empty()) return "";
    }
  }
  if (kind == "union") {
    cJSON_ArrayForEach(item, of) {
      if (objects_of(item).empty() && mismatch(item, value, pointer).empty()) return "";
    }
  }
  return wrong;
}

std::string Contract::breach_of_result(std::string_view operation, std::string_view result) const {
  const cJSON *of = json_member(json_member(document_, "operations"), std::string(operation).c_str());
  const std::optional<JsonDocument> document = JsonDocument::parse(result);
  if (of == nullptr) return "the contract has no operation " + std::string(operation);
  if (!document) return "not JSON";
  return mismatch(json_member(of, "result"), document->root(), "");
}

std::string Contract::breach_of_error(std::string_view operation, std::string_view code,
                                      std::string_view status) const {
  const cJSON *of = json_member(json_member(document_, "operations"), std::string(operation).c_str());
  const cJSON *known = json_member(json_member(document_, "codes"), std::string(code).c_str());
  if (known == nullptr) return "no such code: " + std::string(code);
  {
    const std::lock_guard lock(mutex_);
    seen_.emplace(code);
  }
  if (json_text(known, "status") != status) {
    return std::string(code) + " comes with " + std::string(status) + ", not " + json_text(known, "status");
  }
  if (!holds(json_member(of, "errors"), code) && !is_common(json_text(known, "section"))) {
    return std::string(operation) + " does not name " + std::string(code);
  }
  return "";
}

std::set<std::string> Contract::unseen_codes() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> out;
  const cJSON *operation = nullptr;
  const cJSON *code = nullptr;
  cJSON_ArrayForEach(operation, json_member(document_, "operations")) {
    cJSON_ArrayForEach(code, json_member(operation, "errors")) {
      if (!seen_.contains(code->valuestring)) out.emplace(code->valuestring);
    }
  }
  return out;
}

}  // namespace cala::tests
