// JSON at the edges. Reading is strict and exact, in two steps: a scan that refuses what cJSON would let pass
// (duplicate keys, \u0000, invalid UTF-8, nesting past 64, integers past 64 bits, non-finite numbers), naming the JSON
// pointer of what is wrong; then cJSON builds the tree. Writing is our own: it appends compact text and never depends
// on the locale. A Json and its views may be read by several threads; it is never changed after parsing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

struct cJSON;

namespace cala::base {

// A borrowed view of one value inside a parsed document. Valid while its Json lives. Cheap to copy.
class JsonView {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  JsonView() = default;  // absent
  explicit JsonView(const cJSON *node) : node_(node) {}

  bool present() const { return node_ != nullptr; }
  explicit operator bool() const { return present(); }
  Kind kind() const;  // of a present value
  bool is_null() const;
  bool is_string() const;
  bool is_object() const;
  bool is_array() const;
  bool is_bool() const;
  bool is_number() const;

  bool boolean() const;
  double number() const;
  std::optional<std::int64_t> integer()
      const;  // an integer of 64 bits, exactly; a fraction that is whole within +-2^53; else nullopt
  std::string_view string() const;           // of a string, else empty
  std::size_t size() const;                  // children of an array or object; linear
  JsonView get(std::string_view key) const;  // member, absent when missing
  JsonView first() const;                    // first child of an array or object, absent when none
  JsonView next() const;                     // next sibling
  std::string_view key() const;              // of a member of an object

  void append_to(std::string &out) const;  // compact text, keys in their order, doubles shortest
  std::string text() const;

  // Range-for over the children.
  class Iterator;
  Iterator begin() const;
  Iterator end() const;

 private:
  const cJSON *node_ = nullptr;
};

class JsonView::Iterator {
 public:
  explicit Iterator(JsonView at) : at_(at) {}
  JsonView operator*() const { return at_; }
  Iterator &operator++() {
    at_ = at_.next();
    return *this;
  }
  bool operator!=(const Iterator &other) const { return at_.node_ != other.at_.node_; }

 private:
  JsonView at_;
};

inline JsonView::Iterator JsonView::begin() const { return Iterator(first()); }
inline JsonView::Iterator JsonView::end() const { return Iterator(JsonView()); }

// An owned, parsed document.
class Json {
 public:
  // Errors are kInvalid "request.malformed"; the details hold {"pointer": "/a/0/b", "offset": n}.
  static Result<Json> parse(std::string_view text);

  JsonView root() const { return JsonView(root_.get()); }

 private:
  struct Delete {
    void operator()(cJSON *node) const;
  };
  std::unique_ptr<cJSON, Delete> root_;
};

// Equal as JSON values: object members in any order, numbers by value.
bool json_equal(JsonView a, JsonView b);

// Appends s as a JSON string with its quotes. s must be UTF-8.
void append_json_string(std::string &out, std::string_view s);
// Decimal digits.
void append_integer(std::string &out, std::int64_t value);
// Appends the shortest text that reads back as the same double: whole numbers within 2^53 as integers, greater ones
// with an exponent, minus zero as 0. JSON has no infinity and no NaN: they become null.
void append_json_number(std::string &out, double number);
bool is_valid_utf8(std::string_view s);

// Writes one JSON object or array by appending to a string: commas and quotes are its business, meaning is yours.
//   JsonWriter w; w.begin_object().key("id").string(id).key("n").integer(3).end_object(); w.take();
class JsonWriter {
 public:
  JsonWriter &begin_object();
  JsonWriter &end_object();
  JsonWriter &begin_array();
  JsonWriter &end_array();
  JsonWriter &key(std::string_view key);
  JsonWriter &string(std::string_view value);
  JsonWriter &integer(std::int64_t value);
  JsonWriter &number(double value);
  JsonWriter &boolean(bool value);
  JsonWriter &null();
  JsonWriter &raw(std::string_view json);  // json is already valid JSON text
  const std::string &text() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void comma();
  std::string out_;
  bool need_comma_ = false;
};

}  // namespace cala::base
