// Doubles as text, without a locale: as string() writes them, and as format()'s clauses do.
#pragma once

#include <string>

namespace cala::cel {

// The shortest digits that read back the same, with an exponent only below 1e-4 and from 1e21 on: "0.5", "1e+21",
// "NaN", "-Infinity".
void append_double_text(double number, std::string &out);
// Without an exponent, as long as that takes.
void append_plain_double(double number, std::string &out);
// Exactly `precision` digits, at most 1000, behind the point; ties go to the even digit.
void append_fixed_double(double number, int precision, std::string &out);
void append_scientific_double(double number, int precision, std::string &out);

}  // namespace cala::cel
