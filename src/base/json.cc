#include "base/json.h"

#include <cjson/cJSON.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <new>
#include <vector>

#include "base/json_scan.h"

namespace cala::base {
namespace {

// Beside cJSON's types and flags: valuedouble holds the bits of an integer of 64.
constexpr int kWideInteger = 1 << 16;

bool is_wide(const cJSON *node) { return node != nullptr && (node->type & kWideInteger) != 0; }

constexpr double kMaxExactInteger = 9007199254740992.0;

int type_of(const cJSON *node) { return node == nullptr ? cJSON_Invalid : node->type & 0xFF; }

bool has_children(const cJSON *node) {
  const int type = type_of(node);
  return type == cJSON_Array || type == cJSON_Object;
}

// cJSON would read fractions through strtod, which heeds the locale, and from a buffer that cuts long ones. So it is
// given a zero in their place, and patch_fractions puts the values in.
std::string without_fractions(std::string_view text, const std::vector<JsonFraction> &fractions) {
  std::string plain(text);
  for (const JsonFraction &fraction : fractions) {
    plain.replace(fraction.offset, fraction.size, fraction.size, ' ');
    plain[fraction.offset] = '0';
  }
  return plain;
}

struct FractionCursor {
  const JsonFraction *next;
  const JsonFraction *end;
  std::size_t numbers_passed = 0;
};

// Recursion is as deep as the scan allowed.
void patch_fractions(cJSON *node, FractionCursor &cursor) {
  for (; node != nullptr && cursor.next != cursor.end; node = node->next) {
    if (has_children(node)) {
      patch_fractions(node->child, cursor);
    } else if (type_of(node) == cJSON_Number && cursor.numbers_passed++ == cursor.next->ordinal) {
      node->valuedouble = cursor.next->wide ? std::bit_cast<double>(*cursor.next->wide) : cursor.next->value;
      if (cursor.next->wide) node->type |= kWideInteger;
      ++cursor.next;
    }
  }
}

// The scan lets nothing pass that cJSON refuses, so only memory can be the reason for a null.
cJSON *parsed(std::string_view text) {
  if (cJSON *root = cJSON_ParseWithLength(text.data(), text.size())) return root;
  throw std::bad_alloc();
}

cJSON *build_tree(std::string_view text, const std::vector<JsonFraction> &fractions) {
  if (fractions.empty()) return parsed(text);
  cJSON *root = parsed(without_fractions(text, fractions));
  FractionCursor cursor{fractions.data(), fractions.data() + fractions.size()};
  patch_fractions(root, cursor);
  return root;
}

std::vector<JsonView> members_by_key(JsonView object) {
  std::vector<JsonView> members;
  for (const JsonView member : object) members.push_back(member);
  std::sort(members.begin(), members.end(), [](JsonView a, JsonView b) { return a.key() < b.key(); });
  return members;
}

bool objects_equal(JsonView a, JsonView b) {
  const std::vector<JsonView> left = members_by_key(a), right = members_by_key(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](JsonView x, JsonView y) { return x.key() == y.key() && json_equal(x, y); });
}

bool arrays_equal(JsonView a, JsonView b) {
  JsonView x = a.first(), y = b.first();
  for (; x && y; x = x.next(), y = y.next()) {
    if (!json_equal(x, y)) return false;
  }
  return x.present() == y.present();
}

void append_children(std::string &out, JsonView parent) {
  bool need_comma = false;
  for (const JsonView child : parent) {
    if (need_comma) out += ',';
    need_comma = true;
    if (parent.is_object()) {
      append_json_string(out, child.key());
      out += ':';
    }
    child.append_to(out);
  }
}

}  // namespace

JsonView::Kind JsonView::kind() const {
  switch (type_of(node_)) {
    case cJSON_False:
    case cJSON_True: return Kind::kBool;
    case cJSON_Number: return Kind::kNumber;
    case cJSON_String: return Kind::kString;
    case cJSON_Array: return Kind::kArray;
    case cJSON_Object: return Kind::kObject;
    default: return Kind::kNull;
  }
}

bool JsonView::is_null() const { return type_of(node_) == cJSON_NULL; }
bool JsonView::is_string() const { return type_of(node_) == cJSON_String; }
bool JsonView::is_object() const { return type_of(node_) == cJSON_Object; }
bool JsonView::is_array() const { return type_of(node_) == cJSON_Array; }
bool JsonView::is_bool() const { return present() && kind() == Kind::kBool; }
bool JsonView::is_number() const { return type_of(node_) == cJSON_Number; }

bool JsonView::boolean() const { return type_of(node_) == cJSON_True; }

double JsonView::number() const {
  if (is_wide(node_)) return static_cast<double>(std::bit_cast<std::int64_t>(node_->valuedouble));
  return is_number() ? node_->valuedouble : 0;
}

std::optional<std::int64_t> JsonView::integer() const {
  if (!is_number()) return std::nullopt;
  if (is_wide(node_)) return std::bit_cast<std::int64_t>(node_->valuedouble);
  const double value = node_->valuedouble;
  if (std::abs(value) > kMaxExactInteger || value != std::trunc(value)) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::string_view JsonView::string() const { return is_string() ? std::string_view(node_->valuestring) : ""; }

std::size_t JsonView::size() const {
  std::size_t count = 0;
  for (JsonView child = first(); child; child = child.next()) ++count;
  return count;
}

JsonView JsonView::get(std::string_view key) const {
  if (!is_object()) return {};
  // Not cJSON_GetObjectItemCaseSensitive: it wants the key to end in a zero byte.
  for (const JsonView member : *this) {
    if (member.key() == key) return member;
  }
  return {};
}

JsonView JsonView::first() const { return has_children(node_) ? JsonView(node_->child) : JsonView(); }

JsonView JsonView::next() const { return present() ? JsonView(node_->next) : JsonView(); }

std::string_view JsonView::key() const {
  return present() && node_->string != nullptr ? std::string_view(node_->string) : "";
}

void JsonView::append_to(std::string &out) const {
  switch (kind()) {
    case Kind::kNull: out += "null"; break;
    case Kind::kBool: out += boolean() ? "true" : "false"; break;
    case Kind::kNumber:
      if (is_wide(node_)) {
        out += std::to_string(*integer());
      } else {
        append_json_number(out, number());
      }
      break;
    case Kind::kString: append_json_string(out, string()); break;
    case Kind::kArray:
      out += '[';
      append_children(out, *this);
      out += ']';
      break;
    case Kind::kObject:
      out += '{';
      append_children(out, *this);
      out += '}';
      break;
  }
}

std::string JsonView::text() const {
  std::string out;
  append_to(out);
  return out;
}

bool json_equal(JsonView a, JsonView b) {
  if (!a || !b) return a.present() == b.present();
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case JsonView::Kind::kNull: return true;
    case JsonView::Kind::kBool: return a.boolean() == b.boolean();
    case JsonView::Kind::kNumber: return a.number() == b.number() && a.integer() == b.integer();
    case JsonView::Kind::kString: return a.string() == b.string();
    case JsonView::Kind::kArray: return arrays_equal(a, b);
    case JsonView::Kind::kObject: return objects_equal(a, b);
  }
  return false;
}

void Json::Delete::operator()(cJSON *node) const { cJSON_Delete(node); }

Result<Json> Json::parse(std::string_view text) {
  const Result<std::vector<JsonFraction>> fractions = scan_json(text);
  if (!fractions) return Error(fractions.error());
  Json json;
  json.root_.reset(build_tree(text, *fractions));
  return json;
}

}  // namespace cala::base
