#include "cel/number_text.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include "base/double_text.h"

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
  std::string text;
  base::append_shortest_scientific(text, number);
  const int exponent = exponent_of(text);
  if (exponent < -4 || exponent >= 21) {
    out += text;
  } else {
    append_plain_double(number, out);
  }
}

void append_plain_double(double number, std::string &out) {
  if (!append_unusual(number, out)) base::append_shortest_fixed(out, number);
}

void append_fixed_double(double number, int precision, std::string &out) {
  if (!append_unusual(number, out)) base::append_rounded_fixed(out, number, precision);
}

void append_scientific_double(double number, int precision, std::string &out) {
  if (!append_unusual(number, out)) base::append_rounded_scientific(out, number, precision);
}

}  // namespace cala::cel
