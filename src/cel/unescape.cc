#include <cstdint>
#include <optional>

#include "cel/lexer.h"
#include "cel/utf8.h"

namespace cala::cel {

namespace {

std::optional<char> simple_escape(char c) {
  switch (c) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\':
    case '?':
    case '"':
    case '\'':
    case '`': return c;
    default: return std::nullopt;
  }
}

// The number in `digits` characters of base 16 or 8 at text[at], or nullopt.
std::optional<std::uint32_t> digits_at(std::string_view text, std::size_t at, std::size_t digits, std::uint32_t base) {
  if (at + digits > text.size()) return std::nullopt;
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    std::uint32_t digit = 99;
    if (c >= '0' && c <= '9') digit = static_cast<std::uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<std::uint32_t>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') digit = static_cast<std::uint32_t>(c - 'A') + 10;
    if (digit >= base) return std::nullopt;
    number = number * base + digit;
  }
  return number;
}

// One escape that names a code point or an octet; at is just behind the backslash.
struct CodeEscape {
  std::uint32_t code = 0;
  std::size_t length = 0;  // 0: wrong
};

CodeEscape low_surrogate(std::string_view text, std::size_t at, std::uint32_t high) {
  if (at + 1 >= text.size() || text[at] != '\\' || text[at + 1] != 'u') return {};
  const auto low = digits_at(text, at + 2, 4, 16);
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return {};
  return {0x10000 + ((high - 0xD800) << 10U) + (*low - 0xDC00), 6};
}

CodeEscape code_escape(std::string_view text, std::size_t at, bool bytes) {
  std::size_t digits = 0;
  switch (text[at]) {
    case 'x':
    case 'X': digits = 2; break;
    case 'u': digits = bytes ? 0 : 4; break;
    case 'U': digits = bytes ? 0 : 8; break;
    default: {
      const auto octal = digits_at(text, at, 3, 8);
      return octal && *octal <= 0377 ? CodeEscape{*octal, 3} : CodeEscape{};
    }
  }
  const auto number = digits == 0 ? std::nullopt : digits_at(text, at + 1, digits, 16);
  if (!number) return {};
  if (*number >= 0xD800 && *number <= 0xDBFF && digits == 4) {
    const CodeEscape low = low_surrogate(text, at + 5, *number);
    return low.length == 0 ? CodeEscape{} : CodeEscape{low.code, 5 + low.length};
  }
  if (*number > 0x10FFFF || (*number >= 0xD800 && *number <= 0xDFFF)) return {};
  return {*number, 1 + digits};
}

}  // namespace

Unescaped unescape(std::string_view text, bool bytes, char *to) {
  Unescaped out;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at++];
    if (c != '\\') {
      to[out.size++] = c;
      continue;
    }
    if (at >= text.size()) return {0, "a backslash ends the string"};
    if (const auto simple = simple_escape(text[at])) {
      to[out.size++] = *simple;
      ++at;
      continue;
    }
    const CodeEscape code = code_escape(text, at, bytes);
    if (code.length == 0) return {0, "the string has an escape that CEL does not know"};
    at += code.length;
    if (bytes) {
      to[out.size++] = static_cast<char>(code.code);
    } else {
      out.size += encode_utf8(code.code, to + out.size);
    }
  }
  return out;
}

}  // namespace cala::cel
