// Two texts as decimals: what is read is written back the same, arithmetic is exact or refused,
// and order agrees with it.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/values.h"

using cala::core::Decimal;
using cala::core::Rounding;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_text(const Decimal &value) {
  const auto again = Decimal::parse(value.text());
  require(again && *again == value && again->scale() == value.scale());
}

void check_pair(const Decimal &a, const Decimal &b, int scale, Rounding mode) {
  const auto sum = Decimal::add(a, b);
  if (sum) {
    check_text(*sum);
    if (const auto back = Decimal::sub(*sum, b)) require(*back == a);
    require((*sum > a) == (b > Decimal()));
  }
  if (const auto product = Decimal::mul(a, b)) {
    check_text(*product);
    require(product->is_zero() == (a.is_zero() || b.is_zero()));
    if (!b.is_zero()) {
      if (const auto back = Decimal::div(*product, b, a.scale(), Rounding::kExact)) require(*back == a);
    }
  }
  if (const auto quotient = Decimal::div(a, b, scale, mode)) check_text(*quotient);
  if (const auto rounded = Decimal::round(a, scale, mode)) {
    check_text(*rounded);
    require(rounded->scale() <= scale);
    if (mode == Rounding::kExact) require(*rounded == a);
    if (mode == Rounding::kFloor) require(*rounded <= a);
    if (mode == Rounding::kCeiling) require(*rounded >= a);
  }
  require((a < b) == (b > a) && (a == b) == (b == a));
  if (a == b) require(a.hash() == b.hash());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  if (size < 2) return 0;
  const auto mode = static_cast<Rounding>(data[0] % 8);
  const int scale = data[1] % 39;
  const std::string_view text(reinterpret_cast<const char *>(data + 2), size - 2);
  const std::size_t middle = text.find(' ');
  const auto a = Decimal::parse(text.substr(0, middle));
  const auto b = Decimal::parse(middle == std::string_view::npos ? text : text.substr(middle + 1));
  if (a) check_text(*a);
  if (a && b) check_pair(*a, *b, scale, mode);
  return 0;
}
