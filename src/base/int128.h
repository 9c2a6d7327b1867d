// Int128 and UInt128: the compiler's 128-bit integers under names that a pedantic build accepts.
#pragma once

namespace cala::base {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

// The absolute value, also of the smallest Int128.
constexpr UInt128 magnitude(Int128 value) {
  return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

}  // namespace cala::base
