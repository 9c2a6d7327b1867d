// Wide: an unsigned 256-bit integer, just enough of one for Decimal: the exact product of two coefficients, and what
// comes of aligning, adding and dividing such products. Operations that could pass 2^256 say what their caller must
// ensure. A plain value.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>

#include "base/int128.h"

namespace cala::values {

struct Wide {
  base::UInt128 high = 0;
  base::UInt128 low = 0;
  friend constexpr auto operator<=>(const Wide &, const Wide &) = default;

  constexpr bool is_zero() const { return high == 0 && low == 0; }
};

constexpr Wide wide_mul(base::UInt128 a, base::UInt128 b) {
  using base::UInt128;
  const auto a0 = static_cast<std::uint64_t>(a), a1 = static_cast<std::uint64_t>(a >> 64);
  const auto b0 = static_cast<std::uint64_t>(b), b1 = static_cast<std::uint64_t>(b >> 64);
  const UInt128 low = UInt128{a0} * b0;
  const UInt128 cross1 = UInt128{a0} * b1;
  const UInt128 cross2 = UInt128{a1} * b0;
  const UInt128 middle = (low >> 64) + static_cast<std::uint64_t>(cross1) + static_cast<std::uint64_t>(cross2);
  return {UInt128{a1} * b1 + (cross1 >> 64) + (cross2 >> 64) + (middle >> 64),
          (middle << 64) | static_cast<std::uint64_t>(low)};
}

// The product must be below 2^256.
constexpr Wide wide_mul(const Wide &a, base::UInt128 b) {
  Wide product = wide_mul(a.low, b);
  product.high += a.high * b;
  return product;
}

// The sum must be below 2^256.
constexpr Wide wide_add(const Wide &a, const Wide &b) {
  const base::UInt128 low = a.low + b.low;
  return {a.high + b.high + (low < a.low ? 1U : 0U), low};
}

// a must not be less than b.
constexpr Wide wide_sub(const Wide &a, const Wide &b) {
  return {a.high - b.high - (a.low < b.low ? 1U : 0U), a.low - b.low};
}

constexpr int bit_length(base::UInt128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  return 128 - (high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<std::uint64_t>(value)));
}

constexpr int bit_length(const Wide &value) {
  return value.high != 0 ? 128 + bit_length(value.high) : bit_length(value.low);
}

// The bits shifted out must be zero.
constexpr Wide shift_left(const Wide &value, int bits) {
  if (bits == 0) return value;
  if (bits >= 128) return {value.low << (bits - 128), 0};
  return {(value.high << bits) | (value.low >> (128 - bits)), value.low << bits};
}

constexpr Wide shift_right_one(const Wide &value) { return {value.high >> 1, (value.low >> 1) | (value.high << 127)}; }

struct WideQuotient {
  Wide quotient;
  Wide remainder;
};

// Shift and subtract: one step for each bit of the quotient. Amounts of everyday size take the first branch.
// divisor must not be zero.
constexpr WideQuotient wide_div(const Wide &dividend, const Wide &divisor) {
  if (dividend.high == 0 && divisor.high == 0) {
    return {{0, dividend.low / divisor.low}, {0, dividend.low % divisor.low}};
  }
  WideQuotient result{{}, dividend};
  if (dividend < divisor) return result;
  const int steps = bit_length(dividend) - bit_length(divisor);
  Wide shifted = shift_left(divisor, steps);
  for (int step = steps; step >= 0; --step) {
    result.quotient = shift_left(result.quotient, 1);
    if (result.remainder >= shifted) {
      result.remainder = wide_sub(result.remainder, shifted);
      result.quotient.low |= 1;
    }
    shifted = shift_right_one(shifted);
  }
  return result;
}

}  // namespace cala::values
