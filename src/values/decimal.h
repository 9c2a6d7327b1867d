// Decimal: an exact decimal number, coefficient x 10^-scale, |coefficient| < 10^38, scale 0 to 38.
// Nothing here ever rounds unless a rounding mode is named: a result that does not fit is nullopt. The scale is kept as
// written ("1.50" stays "1.50"); comparison, equality and hash ignore it. A plain value.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/int128.h"

namespace cala::values {

// Half modes differ in ties only: kHalfUp goes away from zero, kHalfDown towards it. kUp and kDown are away from and
// towards zero, kCeiling and kFloor towards plus and minus infinity. kExact refuses to lose a digit.
enum class Rounding { kExact, kHalfEven, kHalfUp, kHalfDown, kUp, kDown, kCeiling, kFloor };

class Decimal {
 public:
  static constexpr int kMaxDigits = 38;
  static constexpr int kMaxScale = 38;

  constexpr Decimal() = default;
  static Decimal from_int(std::int64_t value);
  static Decimal from_uint(std::uint64_t value);
  // [+-]digits[.digits][e[+-]digits], taken exactly; anything else, or what does not fit, is nullopt.
  static std::optional<Decimal> parse(std::string_view text);
  static bool is_decimal_text(std::string_view text);  // a decimal of any size, one that does not fit too
  static std::optional<Decimal> from_parts(base::Int128 coefficient, int scale);  // nullopt when out of range

  // Scale of a sum is the greater scale, of a product the sum of both; trailing zeros are given up only to fit.
  static std::optional<Decimal> add(const Decimal &a, const Decimal &b);
  static std::optional<Decimal> sub(const Decimal &a, const Decimal &b);
  static std::optional<Decimal> mul(const Decimal &a, const Decimal &b);
  // The result has this scale (0 to 38), less trailing zeros that must be given up to fit. kExact fails when digits
  // would be lost. Division by zero is nullopt.
  static std::optional<Decimal> div(const Decimal &a, const Decimal &b, int scale, Rounding mode);
  static std::optional<Decimal> round(const Decimal &a, int scale, Rounding mode);
  Decimal negated() const;
  Decimal abs() const;

  static std::strong_ordering compare(const Decimal &a, const Decimal &b);
  friend bool operator==(const Decimal &a, const Decimal &b) { return compare(a, b) == 0; }
  friend std::strong_ordering operator<=>(const Decimal &a, const Decimal &b) { return compare(a, b); }
  std::size_t hash() const;

  bool is_zero() const { return coefficient_ == 0; }
  bool is_negative() const { return coefficient_ < 0; }
  base::Int128 coefficient() const { return coefficient_; }
  int scale() const { return scale_; }
  std::optional<std::int64_t> to_int64() const;  // when whole and in range

  std::string text() const;  // plain digits, never an exponent, the scale kept: "-0.50"; zero is never "-0"
  void append_to(std::string &out) const;

 private:
  constexpr Decimal(base::Int128 coefficient, int scale)
      : coefficient_(coefficient), scale_(static_cast<std::int8_t>(scale)) {}
  base::Int128 coefficient_ = 0;
  std::int8_t scale_ = 0;
};

}  // namespace cala::values
