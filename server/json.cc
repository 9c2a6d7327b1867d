#include "json.h"

#include <cstdint>

namespace outbox::json {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void skip_space(std::string_view text, std::size_t &at) {
  while (at < text.size() && is_space(text[at])) ++at;
}

void skip_string(std::string_view text, std::size_t &at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  if (at < text.size()) {
    ++at;
  } else {
    at = text.size();
  }
}

void skip_value(std::string_view text, std::size_t &at) {
  std::size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        skip_string(text, at);
        if (depth == 0) return;
        continue;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (depth == 0) return;
        ++at;
        if (--depth == 0) return;
        continue;
      case ',':
        if (depth == 0) return;
        break;
      default:
        if (depth == 0 && is_space(text[at])) return;
    }
    ++at;
  }
}

std::string_view next_value(std::string_view text, std::size_t &at) {
  skip_space(text, at);
  const std::size_t begin = at;
  skip_value(text, at);
  return text.substr(begin, at - begin);
}

// Steps over a separator; false at the end of what is taken apart.
bool step(std::string_view text, std::size_t &at) {
  skip_space(text, at);
  if (at < text.size() && text[at] == ',') {
    ++at;
    skip_space(text, at);
  }
  return at < text.size() && text[at] != '}' && text[at] != ']';
}

std::uint32_t hex_at(std::string_view text, std::size_t at) {
  std::uint32_t value = 0;
  for (const char c : text.substr(at, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string &out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

// What follows \u; a high surrogate takes the low one with it.
void unescape_code(std::string_view text, std::size_t &at, std::string &out) {
  std::uint32_t code = hex_at(text, at + 1);
  at += 4;
  if (code >= 0xd800 && code < 0xdc00 && text.substr(at + 1, 2) == "\\u") {
    code = 0x10000 + ((code - 0xd800) << 10) + ((hex_at(text, at + 3) - 0xdc00) & 0x3ff);
    at += 6;
  }
  append_utf8(out, code);
}

}  // namespace

void members(std::string_view object, const std::function<void(std::string_view, std::string_view)> &each) {
  std::size_t at = 0;
  skip_space(object, at);
  if (at >= object.size() || object[at] != '{') return;
  ++at;
  while (step(object, at)) {
    const std::size_t before = at;
    const std::string key = unquote(next_value(object, at));
    skip_space(object, at);
    if (at >= object.size() || object[at] != ':') return;
    ++at;
    const std::string_view value = next_value(object, at);
    if (at == before) return;
    each(key, value);
  }
}

void items(std::string_view list, const std::function<void(std::string_view)> &each) {
  std::size_t at = 0;
  skip_space(list, at);
  if (at >= list.size() || list[at] != '[') return;
  ++at;
  while (step(list, at)) {
    const std::string_view value = next_value(list, at);
    if (value.empty()) return;
    each(value);
  }
}

std::string unquote(std::string_view string) {
  std::string out;
  if (!is_string(string)) return out;
  const std::string_view text = string.substr(1, string.size() - 2);
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 >= text.size()) {
      out.push_back(text[at]);
      continue;
    }
    switch (text[++at]) {
      case 'b': out.push_back('\b'); break;
      case 'f': out.push_back('\f'); break;
      case 'n': out.push_back('\n'); break;
      case 'r': out.push_back('\r'); break;
      case 't': out.push_back('\t'); break;
      case 'u':
        if (at + 5 > text.size()) return out;
        unescape_code(text, at, out);
        break;
      default: out.push_back(text[at]);
    }
  }
  return out;
}

std::string quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

std::string text_of(std::string_view object, std::string_view key) {
  std::string found;
  members(object, [&](std::string_view name, std::string_view value) {
    if (name == key) found = is_string(value) ? unquote(value) : std::string(value);
  });
  return found;
}

}  // namespace outbox::json
