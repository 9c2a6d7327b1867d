#include "values/decimal.h"

#include <algorithm>
#include <array>
#include <limits>

#include "values/wide.h"

namespace cala::values {
namespace {

using base::Int128;
using base::magnitude;
using base::UInt128;

constexpr std::array<UInt128, Decimal::kMaxDigits + 1> kPowersOfTen = [] {
  std::array<UInt128, Decimal::kMaxDigits + 1> powers{};
  UInt128 power = 1;
  for (UInt128 &slot : powers) {
    slot = power;
    power *= 10;
  }
  return powers;
}();

constexpr UInt128 power_of_ten(int exponent) { return kPowersOfTen[static_cast<std::size_t>(exponent)]; }

constexpr UInt128 kLimit = kPowersOfTen[Decimal::kMaxDigits];

constexpr bool fits(Int128 coefficient) { return magnitude(coefficient) < kLimit; }

constexpr Int128 with_sign(UInt128 value, bool negative) {
  return negative ? -static_cast<Int128>(value) : static_cast<Int128>(value);
}

// The coefficient at a scale that is `shift` greater, where that surely stays inside 128 bits; the everyday case.
inline bool scale_up(Int128 coefficient, int shift, Int128 &scaled) {
  if (shift == 0) {
    scaled = coefficient;
    return true;
  }
  const auto small = static_cast<std::int64_t>(coefficient);
  if (small != coefficient || shift > 18) return false;
  scaled = Int128{small} * static_cast<std::int64_t>(power_of_ten(shift));
  return true;
}

struct Fitted {
  UInt128 coefficient;
  int scale;
};

// Gives up as few trailing zeros as bring the value inside the limits; nullopt when other digits would have to go.
std::optional<Fitted> fit(const Wide &value, int scale) {
  int drop = std::max(0, scale - Decimal::kMaxScale);
  if (drop == 0 && value.high == 0 && value.low < kLimit) return Fitted{value.low, scale};
  if (value.is_zero()) return Fitted{0, scale - drop};
  while (drop <= Decimal::kMaxDigits && value >= wide_mul(kLimit, power_of_ten(drop))) ++drop;
  if (drop > scale || drop > Decimal::kMaxDigits) return std::nullopt;
  const WideQuotient cut = wide_div(value, Wide{0, power_of_ten(drop)});
  if (!cut.remainder.is_zero()) return std::nullopt;
  return Fitted{cut.quotient.low, scale - drop};
}

// What is left of a division: where the remainder lies between this quotient and the next.
bool rounds_away(const WideQuotient &division, const Wide &divisor, bool negative, Rounding mode) {
  const auto to_half = wide_add(division.remainder, division.remainder) <=> divisor;
  switch (mode) {
    case Rounding::kHalfEven: return std::is_gt(to_half) || (std::is_eq(to_half) && (division.quotient.low & 1) != 0);
    case Rounding::kHalfUp: return std::is_gteq(to_half);
    case Rounding::kHalfDown: return std::is_gt(to_half);
    case Rounding::kUp: return true;
    case Rounding::kCeiling: return !negative;
    case Rounding::kFloor: return negative;
    case Rounding::kExact:
    case Rounding::kDown: break;
  }
  return false;
}

std::optional<Fitted> rounded(WideQuotient division, const Wide &divisor, bool negative, int scale, Rounding mode) {
  if (!division.remainder.is_zero()) {
    if (mode == Rounding::kExact) return std::nullopt;
    if (rounds_away(division, divisor, negative, mode)) division.quotient = wide_add(division.quotient, Wide{0, 1});
  }
  return fit(division.quotient, scale);
}

// dividend x 10^shift / divisor for a shift up to 76, in two steps, since the whole dividend may pass 256 bits.
// nullopt when the quotient reaches 10^76, which no scale up to 38 can bring back.
std::optional<WideQuotient> scaled_quotient(UInt128 dividend, int shift, UInt128 divisor) {
  const int first_shift = std::min(shift, Decimal::kMaxDigits);
  const int second_shift = shift - first_shift;
  const WideQuotient first = wide_div(wide_mul(dividend, power_of_ten(first_shift)), Wide{0, divisor});
  if (second_shift == 0) return first;
  if (first.quotient >= wide_mul(kLimit, power_of_ten(Decimal::kMaxDigits - second_shift))) return std::nullopt;
  const UInt128 power = power_of_ten(second_shift);
  const WideQuotient second = wide_div(wide_mul(first.remainder.low, power), Wide{0, divisor});
  return WideQuotient{wide_add(wide_mul(first.quotient, power), second.quotient), second.remainder};
}

bool scale_in_range(int scale) { return scale >= 0 && scale <= Decimal::kMaxScale; }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads a decimal's text in one pass. Trailing zeros are only counted, so that any number of them costs nothing.
class Reader {
 public:
  explicit Reader(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool read() {
    negative_ = take('-');
    if (!negative_) take('+');
    if (!digits()) return false;
    if (take('.')) {
      const char *start = at_;
      if (!digits()) return false;
      scale_ = at_ - start;
    }
    if ((take('e') || take('E')) && !exponent()) return false;
    return at_ == end_;
  }

  // The value is coefficient_ x 10^(zeros_ - scale_).
  std::optional<Fitted> value() const {
    constexpr std::int64_t max_digits = Decimal::kMaxDigits;
    constexpr std::int64_t max_scale = Decimal::kMaxScale;
    if (coefficient_ == 0) return Fitted{0, static_cast<int>(std::clamp<std::int64_t>(scale_, 0, max_scale))};
    std::int64_t zeros = zeros_ + std::max<std::int64_t>(0, -scale_);
    std::int64_t scale = std::max<std::int64_t>(0, scale_);
    const std::int64_t drop = std::max({std::int64_t{0}, scale - max_scale, digits_ + zeros - max_digits});
    if (drop > zeros || drop > scale) return std::nullopt;
    return Fitted{coefficient_ * power_of_ten(static_cast<int>(zeros - drop)), static_cast<int>(scale - drop)};
  }

  bool negative() const { return negative_; }

 private:
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool digits() {
    const char *start = at_;
    for (; at_ != end_ && is_digit(*at_); ++at_) {
      if (*at_ == '0') {
        if (coefficient_ != 0) ++zeros_;
      } else if (!significant(static_cast<unsigned>(*at_ - '0'))) {
        return false;
      }
    }
    return at_ != start;
  }

  bool significant(unsigned digit) {
    digits_ += zeros_ + 1;
    if (digits_ > Decimal::kMaxDigits) return false;
    coefficient_ = coefficient_ * power_of_ten(static_cast<int>(zeros_) + 1) + digit;
    zeros_ = 0;
    return true;
  }

  // Saturates far beyond the length of any text, so that a longer fraction cannot make up for it.
  bool exponent() {
    constexpr std::int64_t saturated = 100'000'000'000'000'000;
    const bool down = take('-');
    if (!down) take('+');
    const char *start = at_;
    std::int64_t value = 0;
    for (; at_ != end_ && is_digit(*at_); ++at_) value = std::min(saturated, value * 10 + (*at_ - '0'));
    scale_ += down ? value : -value;
    return at_ != start;
  }

  const char *at_;
  const char *end_;
  UInt128 coefficient_ = 0;
  std::int64_t digits_ = 0;  // of coefficient_
  std::int64_t zeros_ = 0;
  std::int64_t scale_ = 0;
  bool negative_ = false;
};

// Writes the digits so that they end at `end`, and returns where they start. Zero writes nothing.
char *write_digits(std::uint64_t value, char *end) {
  for (; value != 0; value /= 10) *--end = static_cast<char>('0' + value % 10);
  return end;
}

char *write_digits(UInt128 value, char *end) {
  constexpr std::uint64_t chunk = 10'000'000'000'000'000'000U;
  constexpr int chunk_digits = 19;
  while (value > std::numeric_limits<std::uint64_t>::max()) {
    char *start = write_digits(static_cast<std::uint64_t>(value % chunk), end);
    end -= chunk_digits;
    std::fill(end, start, '0');
    value /= chunk;
  }
  return write_digits(static_cast<std::uint64_t>(value), end);
}

}  // namespace

Decimal Decimal::from_int(std::int64_t value) { return Decimal(value, 0); }

Decimal Decimal::from_uint(std::uint64_t value) { return Decimal(value, 0); }

std::optional<Decimal> Decimal::parse(std::string_view text) {
  Reader reader(text);
  if (!reader.read()) return std::nullopt;
  const std::optional<Fitted> value = reader.value();
  if (!value) return std::nullopt;
  return Decimal(with_sign(value->coefficient, reader.negative()), value->scale);
}

bool Decimal::is_decimal_text(std::string_view text) {
  const auto take = [&](std::string_view one_of) {
    const bool there = !text.empty() && one_of.find(text.front()) != std::string_view::npos;
    if (there) text.remove_prefix(1);
    return there;
  };
  const auto digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  take("+-");
  if (!digits() || (take(".") && !digits())) return false;
  if (take("eE")) {
    take("+-");
    if (!digits()) return false;
  }
  return text.empty();
}

std::optional<Decimal> Decimal::from_parts(Int128 coefficient, int scale) {
  if (!fits(coefficient) || !scale_in_range(scale)) return std::nullopt;
  return Decimal(coefficient, scale);
}

std::optional<Decimal> Decimal::add(const Decimal &a, const Decimal &b) {
  const int scale = std::max(a.scale(), b.scale());
  Int128 left = 0, right = 0, sum = 0;
  if (scale_up(a.coefficient_, scale - a.scale_, left) && scale_up(b.coefficient_, scale - b.scale_, right) &&
      !__builtin_add_overflow(left, right, &sum) && fits(sum)) {
    return Decimal(sum, scale);
  }
  const Wide wide_a = wide_mul(magnitude(a.coefficient_), power_of_ten(scale - a.scale_));
  const Wide wide_b = wide_mul(magnitude(b.coefficient_), power_of_ten(scale - b.scale_));
  const bool same_sign = a.is_negative() == b.is_negative();
  const bool negative = same_sign || wide_a >= wide_b ? a.is_negative() : b.is_negative();
  const Wide total = same_sign          ? wide_add(wide_a, wide_b)
                     : wide_a >= wide_b ? wide_sub(wide_a, wide_b)
                                        : wide_sub(wide_b, wide_a);
  const std::optional<Fitted> fitted = fit(total, scale);
  if (!fitted) return std::nullopt;
  return Decimal(with_sign(fitted->coefficient, negative), fitted->scale);
}

std::optional<Decimal> Decimal::sub(const Decimal &a, const Decimal &b) { return add(a, b.negated()); }

std::optional<Decimal> Decimal::mul(const Decimal &a, const Decimal &b) {
  const Wide product = wide_mul(magnitude(a.coefficient_), magnitude(b.coefficient_));
  const std::optional<Fitted> fitted = fit(product, a.scale_ + b.scale_);
  if (!fitted) return std::nullopt;
  return Decimal(with_sign(fitted->coefficient, a.is_negative() != b.is_negative()), fitted->scale);
}

std::optional<Decimal> Decimal::div(const Decimal &a, const Decimal &b, int scale, Rounding mode) {
  if (b.is_zero() || !scale_in_range(scale)) return std::nullopt;
  const int shift = scale + b.scale_ - a.scale_;
  Wide divisor{0, magnitude(b.coefficient_)};
  std::optional<WideQuotient> division;
  if (shift >= 0) {
    division = scaled_quotient(magnitude(a.coefficient_), shift, divisor.low);
  } else {
    divisor = wide_mul(divisor.low, power_of_ten(-shift));
    division = wide_div(Wide{0, magnitude(a.coefficient_)}, divisor);
  }
  if (!division) return std::nullopt;
  const bool negative = a.is_negative() != b.is_negative();
  const std::optional<Fitted> fitted = rounded(*division, divisor, negative, scale, mode);
  if (!fitted) return std::nullopt;
  return Decimal(with_sign(fitted->coefficient, negative), fitted->scale);
}

std::optional<Decimal> Decimal::round(const Decimal &a, int scale, Rounding mode) {
  return div(a, Decimal(1, 0), scale, mode);
}

Decimal Decimal::negated() const { return Decimal(-coefficient_, scale_); }

Decimal Decimal::abs() const { return is_negative() ? negated() : *this; }

std::strong_ordering Decimal::compare(const Decimal &a, const Decimal &b) {
  const int scale = std::max(a.scale(), b.scale());
  Int128 left = 0, right = 0;
  if (scale_up(a.coefficient_, scale - a.scale_, left) && scale_up(b.coefficient_, scale - b.scale_, right)) {
    return left <=> right;
  }
  if (a.is_negative() != b.is_negative()) {
    return a.is_negative() ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  const Wide wide_a = wide_mul(magnitude(a.coefficient_), power_of_ten(scale - a.scale_));
  const Wide wide_b = wide_mul(magnitude(b.coefficient_), power_of_ten(scale - b.scale_));
  return a.is_negative() ? wide_b <=> wide_a : wide_a <=> wide_b;
}

std::size_t Decimal::hash() const {
  UInt128 digits = magnitude(coefficient_);
  int scale = digits == 0 ? 0 : scale_;
  while (scale > 0 && digits > std::numeric_limits<std::uint64_t>::max() && digits % 10 == 0) {
    digits /= 10;
    --scale;
  }
  if (digits <= std::numeric_limits<std::uint64_t>::max()) {
    auto small = static_cast<std::uint64_t>(digits);
    for (; scale > 0 && small % 10 == 0; --scale) small /= 10;
    digits = small;
  }
  std::uint64_t mixed = static_cast<std::uint64_t>(digits) ^ (static_cast<std::uint64_t>(digits >> 64) << 1);
  mixed += static_cast<std::uint64_t>(scale) * 0x9e3779b97f4a7c15U + (is_negative() ? 0x632be59bd9b4e019U : 0);
  mixed = (mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93U;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}

std::optional<std::int64_t> Decimal::to_int64() const {
  const auto power = static_cast<Int128>(power_of_ten(scale_));
  const Int128 whole = coefficient_ / power;
  if (whole * power != coefficient_) return std::nullopt;
  const auto value = static_cast<std::int64_t>(whole);
  if (value != whole) return std::nullopt;
  return value;
}

std::string Decimal::text() const {
  std::string out;
  append_to(out);
  return out;
}

void Decimal::append_to(std::string &out) const {
  std::array<char, kMaxDigits + kMaxScale + 4> buffer{};
  char *const end = buffer.data() + buffer.size();
  char *start = write_digits(magnitude(coefficient_), end);
  // At least one digit stands before the point.
  while (end - start <= scale_) *--start = '0';
  if (is_negative()) out += '-';
  out.append(start, end - scale_);
  if (scale_ == 0) return;
  out += '.';
  out.append(end - scale_, end);
}

}  // namespace cala::values
