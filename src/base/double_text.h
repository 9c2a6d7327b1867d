// Doubles as decimal text, without a locale, the same text as std::to_chars gives. Not by it: a library that has only
// this asks for 140 KB less of the C++ runtime's tables and code. What few digits say, as in 0.25, takes a short way;
// the rest is exact arithmetic on decimal digits, for values that a program sees rarely. All take finite numbers.
#pragma once

#include <string>

namespace cala::base {

// The fewest digits that read back the same: "1.5e+21", "0e+00".
void append_shortest_scientific(std::string &out, double value);
// The same without an exponent, as long as that takes: "0.00001". Whole numbers have all of their digits.
void append_shortest_fixed(std::string &out, double value);
// Whichever of the two is shorter, without an exponent when they are equally long.
void append_shortest(std::string &out, double value);

// So many digits behind the point, of the exact value; ties go to the even digit.
void append_rounded_scientific(std::string &out, double value, int places);
void append_rounded_fixed(std::string &out, double value, int places);

}  // namespace cala::base
