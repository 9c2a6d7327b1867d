// Texts that the build packed (deflate, RFC 1951), so that the file of the library is smaller.
#pragma once

#include <cstdint>
#include <span>

namespace cala::base {

// Fills `out` exactly; false when `packed` is cut off, damaged, or not of that length.
bool inflate(std::span<const std::uint8_t> packed, std::span<char> out);

}  // namespace cala::base
