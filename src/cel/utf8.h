// Code points in UTF-8 text that is already known to be valid. No tables, no locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cala::cel {

// Writes up to 4 bytes, returns how many.
inline std::size_t encode_utf8(std::uint32_t code, char *to) {
  if (code < 0x80) {
    to[0] = static_cast<char>(code);
    return 1;
  }
  if (code < 0x800) {
    to[0] = static_cast<char>(0xC0U | (code >> 6U));
    to[1] = static_cast<char>(0x80U | (code & 0x3FU));
    return 2;
  }
  if (code < 0x10000) {
    to[0] = static_cast<char>(0xE0U | (code >> 12U));
    to[1] = static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
    to[2] = static_cast<char>(0x80U | (code & 0x3FU));
    return 3;
  }
  to[0] = static_cast<char>(0xF0U | (code >> 18U));
  to[1] = static_cast<char>(0x80U | ((code >> 12U) & 0x3FU));
  to[2] = static_cast<char>(0x80U | ((code >> 6U) & 0x3FU));
  to[3] = static_cast<char>(0x80U | (code & 0x3FU));
  return 4;
}

inline std::size_t utf8_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

inline std::size_t count_code_points(std::string_view text) {
  std::size_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

// The byte offset of the code point with this index; npos when the text is shorter. index == length is text.size().
inline std::size_t offset_of_code_point(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += utf8_length(text[at]);
  return index == 0 ? (at < text.size() ? at : text.size()) : std::string_view::npos;
}

inline std::uint32_t decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])); };
  const std::size_t length = utf8_length(text[at]);
  if (length == 1 || at + length > text.size()) return byte(0);
  if (length == 2) return (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
  if (length == 3) return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
  return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
}

}  // namespace cala::cel
