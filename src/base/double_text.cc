#include "base/double_text.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cala::base {

namespace {

// 0.d1d2d3… times ten to the power of `point`, without a zero at either end. Zero has no digits.
struct Digits {
  std::string digits;
  int point = 0;
};

bool operator<(const Digits &left, const Digits &right) {
  return left.point != right.point ? left.point < right.point : left.digits < right.digits;
}

void drop_zeros(Digits &number) {
  number.digits.erase(number.digits.find_last_not_of('0') + 1);
  const std::size_t zeros = std::min(number.digits.find_first_not_of('0'), number.digits.size());
  number.digits.erase(0, zeros);
  number.point = number.digits.empty() ? 0 : number.point - static_cast<int>(zeros);
}

// What `factor` times two to the power of `exponent` is in decimal:
// a power of five on top of that of ten where it is negative.
Digits exact(std::uint64_t factor, int exponent) {
  constexpr std::uint64_t kBase = 1'000'000'000;
  std::vector<std::uint64_t> parts;  // nine digits each, the last ones first
  for (; factor != 0; factor /= kBase) parts.push_back(factor % kBase);
  const auto multiply = [&parts](std::uint64_t by) {
    std::uint64_t carry = 0;
    for (std::uint64_t &part : parts) {
      carry += part * by;
      part = carry % kBase;
      carry /= kBase;
    }
    for (; carry != 0; carry /= kBase) parts.push_back(carry % kBase);
  };
  for (int left = exponent; left > 0; left -= 29) multiply(std::uint64_t{1} << std::min(left, 29));
  for (int left = -exponent; left > 0; left -= 13) {
    std::uint64_t power = 1;
    for (int i = 0; i < std::min(left, 13); ++i) power *= 5;
    multiply(power);
  }
  Digits made;
  made.digits.resize(parts.size() * 9);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::uint64_t part = parts[i];
    for (std::size_t j = 1; j <= 9; ++j, part /= 10) {
      made.digits[made.digits.size() - i * 9 - j] = static_cast<char>('0' + part % 10);
    }
  }
  made.point = static_cast<int>(made.digits.size()) + std::min(exponent, 0);
  drop_zeros(made);
  return made;
}

// A double greater than zero: mantissa times two to the power of exponent.
struct Parts {
  explicit Parts(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const int biased = static_cast<int>(bits >> 52);
    mantissa = bits & ((std::uint64_t{1} << 52) - 1);
    next_below_is_closer = mantissa == 0 && biased > 1;
    if (biased > 0) mantissa |= std::uint64_t{1} << 52;
    exponent = std::max(biased, 1) - 1075;
  }

  std::uint64_t mantissa;
  int exponent;
  bool next_below_is_closer;
};

Digits exact(double value) {
  if (value == 0) return {};
  const Parts parts(value);
  return exact(parts.mantissa, parts.exponent);
}

// The first `count` digits, and one more at the last of them when `up`.
Digits cut(const Digits &number, std::size_t count, bool up) {
  Digits made{number.digits.substr(0, count), number.point};
  if (up) {
    std::size_t grown = made.digits.find_last_not_of('9');
    if (grown == std::string::npos) {
      made.digits.insert(0, 1, '1');
      ++made.point;
      grown = 0;
    } else {
      ++made.digits[grown];
    }
    std::fill(made.digits.begin() + static_cast<std::ptrdiff_t>(grown) + 1, made.digits.end(), '0');
  }
  drop_zeros(made);
  return made;
}

// Whether the next decimal of `count` digits above is nearer than the one below; from half-way the even one is.
bool nearer_above(const Digits &number, std::size_t count) {
  if (count >= number.digits.size()) return false;
  const bool half_way = number.digits[count] == '5' && count + 1 == number.digits.size();
  if (!half_way) return number.digits[count] >= '5';
  return count > 0 && (number.digits[count - 1] - '0') % 2 == 1;
}

// To `count` digits, which may be none or fewer.
Digits rounded(const Digits &number, std::ptrdiff_t count) {
  if (count < 0) return {};
  const auto wanted = static_cast<std::size_t>(count);
  if (wanted >= number.digits.size()) return number;
  return cut(number, wanted, nearer_above(number, wanted));
}

// Up to 15 digits are read back as the same double by nobody else, so when some are, these are the fewest.
bool few_digits(double value, Digits &made) {
  constexpr double kMost = 1e15;
  double power = 1;
  for (int behind = 0; behind <= 15; ++behind, power *= 10) {
    const double scaled = value * power;
    if (!(scaled < kMost)) return false;
    if (scaled != std::floor(scaled) || scaled == 0 || scaled / power != value) continue;
    auto whole = static_cast<std::uint64_t>(scaled);
    for (; whole != 0; whole /= 10) made.digits.insert(made.digits.begin(), static_cast<char>('0' + whole % 10));
    made.point = static_cast<int>(made.digits.size()) - behind;
    drop_zeros(made);
    return true;
  }
  return false;
}

// Of the decimals that read back as this double the one with the fewest digits; of several of these the nearest.
Digits shortest(double value) {
  Digits made;
  if (value == 0 || few_digits(value, made)) return made;
  const Parts parts(value);
  Digits number = exact(parts.mantissa, parts.exponent);
  const Digits low = parts.next_below_is_closer ? exact(parts.mantissa * 4 - 1, parts.exponent - 2)
                                                : exact(parts.mantissa * 2 - 1, parts.exponent - 1);
  const Digits high = exact(parts.mantissa * 2 + 1, parts.exponent - 1);
  const bool ends_too = parts.mantissa % 2 == 0;  // a decimal half-way between two doubles is read as the even one
  const auto reads_back = [&](const Digits &decimal) {
    return ends_too ? !(decimal < low) && !(high < decimal) : low < decimal && decimal < high;
  };
  for (std::size_t count = 1; count < number.digits.size(); ++count) {
    const bool up = nearer_above(number, count);
    made = cut(number, count, up);
    if (reads_back(made)) return made;
    made = cut(number, count, !up);
    if (reads_back(made)) return made;
  }
  return number;
}

void append_scientific(std::string &out, const Digits &number, std::size_t digits) {
  out += number.digits.empty() ? '0' : number.digits.front();
  if (digits > 1) {
    out += '.';
    const std::string_view rest =
        std::string_view(number.digits).substr(std::min<std::size_t>(1, number.digits.size()));
    out += rest;
    out.append(digits - 1 - rest.size(), '0');
  }
  const int exponent = number.digits.empty() ? 0 : number.point - 1;
  const int size = std::abs(exponent);
  out += exponent < 0 ? "e-" : "e+";
  if (size < 10) out += '0';
  out += std::to_string(size);
}

void append_fixed(std::string &out, const Digits &number, std::size_t places) {
  const std::string_view digits = number.digits;
  const auto before = static_cast<std::size_t>(std::max(number.point, 0));
  if (before == 0) out += '0';
  out += digits.substr(0, before);
  if (before > digits.size()) out.append(before - digits.size(), '0');
  if (places == 0) return;
  out += '.';
  const std::size_t zeros = digits.empty() ? 0 : std::min(places, static_cast<std::size_t>(std::max(-number.point, 0)));
  const std::string_view behind = digits.substr(std::min(before, digits.size()));
  out.append(zeros, '0');
  out += behind;
  out.append(places - zeros - behind.size(), '0');
}

double magnitude(std::string &out, double value) {
  if (std::signbit(value)) out += '-';
  return std::fabs(value);
}

void append_whole_or_fixed(std::string &out, const Digits &number, double value) {
  const int behind = static_cast<int>(number.digits.size()) - number.point;
  // Zeros at the end would say more of a whole number than is known of it.
  append_fixed(out, behind < 0 ? exact(value) : number, static_cast<std::size_t>(std::max(behind, 0)));
}

}  // namespace

void append_shortest_scientific(std::string &out, double value) {
  const Digits number = shortest(magnitude(out, value));
  append_scientific(out, number, std::max<std::size_t>(number.digits.size(), 1));
}

void append_shortest_fixed(std::string &out, double value) {
  const double size = magnitude(out, value);
  append_whole_or_fixed(out, shortest(size), size);
}

void append_shortest(std::string &out, double value) {
  const double size = magnitude(out, value);
  const Digits number = shortest(size);
  std::string scientific;
  append_scientific(scientific, number, std::max<std::size_t>(number.digits.size(), 1));
  const int count = static_cast<int>(number.digits.size());
  const int fixed =
      number.point <= 0 ? 2 - number.point + count : std::max(number.point, count + (number.point < count ? 1 : 0));
  if (count == 0 || fixed <= static_cast<int>(scientific.size())) {
    append_whole_or_fixed(out, number, size);
  } else {
    out += scientific;
  }
}

void append_rounded_scientific(std::string &out, double value, int places) {
  append_scientific(out, rounded(exact(magnitude(out, value)), places + 1), static_cast<std::size_t>(places) + 1);
}

void append_rounded_fixed(std::string &out, double value, int places) {
  const Digits number = exact(magnitude(out, value));
  append_fixed(out, rounded(number, number.point + places), static_cast<std::size_t>(places));
}

}  // namespace cala::base
