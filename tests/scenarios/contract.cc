#include "contract.h"

#include <algorithm>
#include <cmath>

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

std::string wants(const std::string &pointer, const std::string &what, const cJSON *value) {
  return pointer + ": " + what + " is wanted where " + json_print(value).substr(0, 100) + " stands";
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// As a shape says in which 9 is any digit, x any of hexadecimal and everything else itself.
bool has_shape(std::string_view text, std::string_view shape) {
  return std::equal(text.begin(), text.end(), shape.begin(), shape.end(), [](char c, char wanted) {
    if (wanted == '9') return is_digit(c);
    if (wanted == 'x') return is_digit(c) || (c >= 'a' && c <= 'f');
    return c == wanted;
  });
}

bool are_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  return are_digits(text.substr(0, point)) && (point == std::string_view::npos || are_digits(text.substr(point + 1)));
}

bool is_currency(std::string_view text) {
  return text.size() >= 3 && text.size() <= 10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || (c >= 'A' && c <= 'Z'); });
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

const cJSON *Contract::operation(std::string_view name) const {
  return json_member(json_member(document_, "operations"), std::string(name).c_str());
}

bool Contract::may_write(std::string_view name) const { return json_text(operation(name), "access") == "write"; }

const cJSON *Contract::request_of(std::string_view name) const { return json_member(operation(name), "request"); }

bool Contract::names(std::string_view name, std::string_view code) const {
  return holds(json_member(operation(name), "errors"), code);
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

const std::vector<Contract::Fields> &Contract::objects_of(const cJSON *type) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = objects_.find(type); known != objects_.end()) return known->second;
  }
  std::vector<Fields> made = make_objects_of(type);
  const std::lock_guard lock(mutex_);
  return objects_.try_emplace(type, std::move(made)).first->second;
}

std::vector<Contract::Fields> Contract::make_objects_of(const cJSON *type) const {
  type = resolved(type);
  std::vector<Fields> out;
  const cJSON *item = nullptr;
  if (is_kind(type, "object")) {
    Fields fields;
    cJSON_ArrayForEach(item, json_member(type, "fields")) fields[json_text(item, "key")] = item;
    out.push_back(std::move(fields));
  } else if (is_kind(type, "union")) {
    cJSON_ArrayForEach(item, json_member(type, "of")) {
      for (const Fields &fields : objects_of(item)) out.push_back(fields);
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
  static const std::map<std::string, bool (*)(std::string_view), std::less<>> words = {
      {"text", [](std::string_view) { return true; }},
      {"cel", [](std::string_view) { return true; }},
      {"cursor", [](std::string_view text) { return !text.empty(); }},
      {"uuid", [](std::string_view text) { return has_shape(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"); }},
      {"decimal", is_decimal},
      {"date", [](std::string_view text) { return has_shape(text, "9999-99-99"); }},
      {"instant", [](std::string_view text) { return has_shape(text, "9999-99-99T99:99:99.999999Z"); }},
      {"currency", is_currency},
  };
  if (word == "json") return "";
  if (word == "boolean") return cJSON_IsBool(value) ? "" : wants(pointer, "boolean", value);
  const auto is_word = words.find(word);
  if (is_word == words.end()) return pointer + ": the contract has the unknown word " + std::string(word);
  if (!cJSON_IsString(value)) return wants(pointer, std::string(word), value);
  const std::string_view text = value->valuestring;
  const bool any_length = word == "text" || word == "cel";
  return (any_length || text.size() < 1000) && is_word->second(text) ? "" : wants(pointer, std::string(word), value);
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
    const std::lock_guard lock(mutex_);
    seen_fields_.insert(field);
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
  std::string wrong;
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
  return wrong.empty() ? wants(pointer, "object", value) : wrong;
}

std::string Contract::breach_of_result(std::string_view name, std::string_view result) const {
  const cJSON *of = operation(name);
  const std::optional<JsonDocument> document = JsonDocument::parse(result);
  if (of == nullptr) return "the contract has no operation " + std::string(name);
  if (!document) return "not JSON";
  {
    const std::lock_guard lock(mutex_);
    answered_.emplace(name);
  }
  return mismatch(json_member(of, "result"), document->root(), "");
}

std::string Contract::breach_of_error(std::string_view name, const Refusal &refusal) const {
  const std::string code(refusal.code);
  const cJSON *known = json_member(json_member(document_, "codes"), code.c_str());
  if (known == nullptr) return "no such code: " + code;
  {
    const std::lock_guard lock(mutex_);
    seen_codes_.insert(code);
  }
  if (json_text(known, "status") != refusal.status) {
    return code + " comes with " + std::string(refusal.status) + ", not " + json_text(known, "status");
  }
  if (!names(name, code) && !cJSON_IsTrue(json_member(known, "any"))) {
    return std::string(name) + " does not name " + code;
  }
  const std::string retryable = json_text(known, "retryable");
  if (retryable != "sometimes" && refusal.retryable != (retryable == "yes")) {
    return code + (refusal.retryable ? " is" : " is not") + " retryable";
  }
  const std::optional<JsonDocument> details = JsonDocument::parse(refusal.details);
  if (!details) return "the details of " + code + " are not JSON";
  const std::string wrong = mismatch(json_member(known, "details"), details->root(), "");
  return wrong.empty() ? "" : "details of " + code + ": " + wrong + " in " + std::string(refusal.details);
}

std::set<std::string> Contract::unseen_codes() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> out;
  const cJSON *of = nullptr;
  const cJSON *code = nullptr;
  cJSON_ArrayForEach(of, json_member(document_, "operations")) {
    cJSON_ArrayForEach(code, json_member(of, "errors")) {
      if (!seen_codes_.contains(code->valuestring)) out.emplace(code->valuestring);
    }
  }
  return out;
}

std::set<std::string> Contract::unanswered_operations() const {
  std::set<std::string> out;
  for (const std::string &name : operations()) {
    const std::lock_guard lock(mutex_);
    if (!answered_.contains(name)) out.insert(name);
  }
  return out;
}

std::set<std::string> Contract::unseen_keys() const {
  std::set<std::string> out;
  std::set<std::string> visited;
  for (const std::string &name : operations()) {
    add_unseen_keys(json_member(operation(name), "result"), name, visited, out);
  }
  const cJSON *code = nullptr;
  cJSON_ArrayForEach(code, json_member(document_, "codes")) {
    {
      const std::lock_guard lock(mutex_);
      if (!seen_codes_.contains(code->string)) continue;
    }
    add_unseen_keys(json_member(code, "details"), code->string, visited, out);
  }
  return out;
}

void Contract::add_unseen_keys(const cJSON *type, const std::string &path, std::set<std::string> &visited,
                               std::set<std::string> &out) const {
  if (is_kind(type, "name")) {
    const std::string name = json_text(type, "name");
    if (resolved(type) != type && visited.insert(name).second) add_unseen_keys(resolved(type), name, visited, out);
    return;
  }
  const cJSON *item = nullptr;
  cJSON_ArrayForEach(item, json_member(type, "fields")) {
    const std::string key = path + "/" + json_text(item, "key");
    {
      const std::lock_guard lock(mutex_);
      if (!seen_fields_.contains(item)) out.insert(key);
    }
    add_unseen_keys(json_member(item, "type"), key, visited, out);
  }
  const cJSON *of = json_member(type, "of");
  if (cJSON_IsObject(of)) add_unseen_keys(of, path, visited, out);
  if (cJSON_IsArray(of)) {
    cJSON_ArrayForEach(item, of) add_unseen_keys(item, path, visited, out);
  }
}

}  // namespace cala::tests
