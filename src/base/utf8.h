// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. (is_valid_utf8 is in json.h.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cala::base {

// The bytes of the code point that text starts with, 1 to 4; 0 when it starts with none. text must not be empty.
std::size_t utf8_sequence_length(std::string_view text);

// As much of a UTF-8 text as fits into max bytes without cutting a code point in two.
std::string_view utf8_prefix(std::string_view text, std::size_t max);

// code_point must be one that UTF-8 can hold.
void append_utf8(std::string &out, std::uint32_t code_point);

}  // namespace cala::base
