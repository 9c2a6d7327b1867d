#include "cel/number_text.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace cala::cel {

namespace {

bool append_unusual(double number, std::string &out) {
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number < 0 ? "-Infinity" : "Infinity";
  } else {
    return false;
  }
  return true;
}

constexpr std::size_t kRoom = 1400;  // a sign, 309 digits, a point and 1000 digits

void append_format(double number, std::chars_format format, int precision, std::string &out) {
  if (append_unusual(number, out)) return;
  char buffer[kRoom];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number, format, precision);
  if (error == std::errc()) out.append(buffer, end);
}

// The exponent behind the 'e' of a scientific text.
int exponent_of(std::string_view text) {
  int exponent = 0;
  std::string_view digits = text.substr(text.find('e') + 1);
  if (digits.front() == '+') digits.remove_prefix(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  return exponent;
}

}  // namespace

void append_double_text(double number, std::string &out) {
  if (append_unusual(number, out)) return;
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  const std::string_view text(buffer, static_cast<std::size_t>(end.ptr - buffer));
  const int exponent = exponent_of(text);
  if (exponent < -4 || exponent >= 21) {
    out += text;
  } else {
    append_plain_double(number, out);
  }
}

void append_plain_double(double number, std::string &out) {
  if (append_unusual(number, out)) return;
  char buffer[512];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed);
  if (error == std::errc()) out.append(buffer, end);
}

void append_fixed_double(double number, int precision, std::string &out) {
  append_format(number, std::chars_format::fixed, precision, out);
}

void append_scientific_double(double number, int precision, std::string &out) {
  append_format(number, std::chars_format::scientific, precision, out);
}

}  // namespace cala::cel
