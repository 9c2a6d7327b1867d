#include "base/utf8.h"

#include <cstring>

#include "base/json.h"

namespace cala::base {
namespace {

constexpr bool between(unsigned char byte, unsigned low, unsigned high) { return byte >= low && byte <= high; }

bool is_ascii(const char *eight_bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, eight_bytes, sizeof(word));
  return (word & 0x8080808080808080U) == 0;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (between(lead, 0xC2, 0xDF)) return between(byte(1), 0x80, 0xBF) ? 2 : 0;
  // The second byte tells overlong forms, surrogates and what lies past U+10FFFF from the rest.
  if (between(lead, 0xE0, 0xEF)) {
    const bool second = between(byte(1), lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF);
    return second && between(byte(2), 0x80, 0xBF) ? 3 : 0;
  }
  if (!between(lead, 0xF0, 0xF4)) return 0;
  const bool second = between(byte(1), lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF);
  return second && between(byte(2), 0x80, 0xBF) && between(byte(3), 0x80, 0xBF) ? 4 : 0;
}

void append_utf8(std::string &out, std::uint32_t code_point) {
  const auto tail = [code_point](int shift) { return static_cast<char>(0x80 | (code_point >> shift & 0x3F)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | code_point >> 6);
    out += tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | code_point >> 12);
    out += tail(6);
    out += tail(0);
  } else {
    out += static_cast<char>(0xF0 | code_point >> 18);
    out += tail(12);
    out += tail(6);
    out += tail(0);
  }
}

bool is_valid_utf8(std::string_view s) {
  while (!s.empty()) {
    if (s.size() >= 8 && is_ascii(s.data())) {
      s.remove_prefix(8);
      continue;
    }
    const std::size_t length = utf8_sequence_length(s);
    if (length == 0) return false;
    s.remove_prefix(length);
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0U) == 0x80U) --max;
  return text.substr(0, max);
}

}  // namespace cala::base
