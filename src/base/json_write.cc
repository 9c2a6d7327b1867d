#include <array>
#include <charconv>
#include <cmath>

#include "base/double_text.h"
#include "base/json.h"

namespace cala::base {
namespace {

constexpr double kMaxExactInteger = 9007199254740992.0;

// A great whole number gets an exponent, since written as an integer a strict reader (ours) would refuse it as inexact.
void append_fraction(std::string &out, double value) {
  if (std::abs(value) > kMaxExactInteger) {
    append_shortest_scientific(out, value);
  } else {
    append_shortest(out, value);
  }
}

void append_escape(std::string &out, char c) {
  constexpr char hex[] = "0123456789abcdef";
  constexpr std::string_view controls = "\b\f\n\r\t";
  out += '\\';
  if (c == '"' || c == '\\') {
    out += c;
  } else if (const std::size_t at = controls.find(c); at != std::string_view::npos) {
    out += "bfnrt"[at];
  } else {
    out += "u00";
    out += hex[c >> 4];
    out += hex[c & 15];
  }
}

}  // namespace

void append_integer(std::string &out, std::int64_t value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), end.ptr);
}

void append_json_string(std::string &out, std::string_view s) {
  out += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (static_cast<unsigned char>(s[i]) >= 0x20 && s[i] != '"' && s[i] != '\\') continue;
    out.append(s, plain, i - plain);
    append_escape(out, s[i]);
    plain = i + 1;
  }
  out.append(s, plain);
  out += '"';
}

void append_json_number(std::string &out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
  } else if (std::abs(number) <= kMaxExactInteger && number == std::trunc(number)) {
    append_integer(out, static_cast<std::int64_t>(number));
  } else {
    append_fraction(out, number);
  }
}

JsonWriter &JsonWriter::begin_object() {
  comma();
  out_ += '{';
  need_comma_ = false;
  return *this;
}

JsonWriter &JsonWriter::end_object() {
  out_ += '}';
  need_comma_ = true;
  return *this;
}

JsonWriter &JsonWriter::begin_array() {
  comma();
  out_ += '[';
  need_comma_ = false;
  return *this;
}

JsonWriter &JsonWriter::end_array() {
  out_ += ']';
  need_comma_ = true;
  return *this;
}

JsonWriter &JsonWriter::key(std::string_view key) {
  comma();
  append_json_string(out_, key);
  out_ += ':';
  need_comma_ = false;
  return *this;
}

JsonWriter &JsonWriter::string(std::string_view value) {
  comma();
  append_json_string(out_, value);
  return *this;
}

JsonWriter &JsonWriter::integer(std::int64_t value) {
  comma();
  append_integer(out_, value);
  return *this;
}

JsonWriter &JsonWriter::number(double value) {
  comma();
  append_json_number(out_, value);
  return *this;
}

JsonWriter &JsonWriter::boolean(bool value) {
  comma();
  out_ += value ? "true" : "false";
  return *this;
}

JsonWriter &JsonWriter::null() {
  comma();
  out_ += "null";
  return *this;
}

JsonWriter &JsonWriter::raw(std::string_view json) {
  comma();
  out_ += json;
  return *this;
}

void JsonWriter::comma() {
  if (need_comma_) out_ += ',';
  need_comma_ = true;
}

}  // namespace cala::base
