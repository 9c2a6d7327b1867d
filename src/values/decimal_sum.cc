#include "values/decimal_sum.h"

namespace cala::values {

namespace {

using base::Int128;

constexpr int kBits = 254;  // 38 digits with 38 more behind the point are below 2^253, and two such below 2^255

// Multiplied by 10^places; false where it would not be below 2^kBits.
bool raise(Wide &value, int places) {
  for (; places > 0; --places) {
    if (bit_length(value) > kBits - 2) return false;
    value = wide_mul(value, 10);
  }
  return bit_length(value) <= kBits;
}

}  // namespace

void DecimalSum::add(const Decimal &value) {
  if (value.scale() > scale_) {
    const int places = value.scale() - scale_;
    if (!raise(above_, places) || !raise(below_, places)) lost_ = true;
    scale_ = value.scale();
  }
  const Int128 coefficient = value.coefficient();
  Wide units{0, base::magnitude(coefficient)};
  if (!raise(units, scale_ - value.scale())) lost_ = true;
  Wide &side = coefficient < 0 ? below_ : above_;
  side = wide_add(side, units);
  if (bit_length(side) > kBits) lost_ = true;
}

std::optional<Decimal> DecimalSum::value() const {
  if (lost_) return std::nullopt;
  const bool negative = above_ < below_;
  Wide total = negative ? wide_sub(below_, above_) : wide_sub(above_, below_);
  int scale = scale_;
  const Wide ten{0, 10};
  while (true) {
    if (bit_length(total) < 128) {
      const auto coefficient = static_cast<Int128>(total.low);
      if (const auto value = Decimal::from_parts(negative ? -coefficient : coefficient, scale)) return value;
    }
    const WideQuotient shorter = wide_div(total, ten);
    if (!shorter.remainder.is_zero() || scale == 0) return std::nullopt;
    total = shorter.quotient;
    --scale;
  }
}

}  // namespace cala::values
