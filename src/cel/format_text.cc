// "...".format([...]): the printf-like clauses of the strings library, the same in every locale.
#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "cel/functions.h"
#include "cel/number_text.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

constexpr int kMaxPrecision = 1000;
constexpr std::size_t kMaxText = Arena::kEvaluationBudget;

class Formatter {
 public:
  Formatter(Runtime &runtime, const Value &list) : runtime_(runtime), items_(runtime.items(list)) {}

  Value run(std::string_view format) {
    if (items_.failure.is_error()) return items_.failure;
    while (!format.empty() && failure_.is_absent()) {
      const std::size_t before = out_.size();
      const std::size_t percent = format.find('%');
      out_ += format.substr(0, percent);
      if (percent == std::string_view::npos) break;
      format.remove_prefix(percent + 1);
      clause(format);
      if (out_.size() > kMaxText) return Runtime::out_of_memory();
      if (!runtime_.charge(1 + searched(out_.size() - std::min(before, out_.size())))) return Runtime::out_of_steps();
    }
    return failure_.is_absent() ? runtime_.text(out_) : failure_;
  }

 private:
  void fail(const std::string &sentence) { failure_ = runtime_.fail_with(FailureCode::kFormat, sentence); }
  void refuse(std::string_view rule, const Value &value) {
    fail(std::string(rule) + ", was given " + std::string(kind_type_name(value.kind())));
  }

  void clause(std::string_view &format) {
    if (format.starts_with('%')) {
      out_ += '%';
      format.remove_prefix(1);
      return;
    }
    int precision = -1;
    if (format.starts_with('.') && !take_precision(format, precision)) return;
    if (format.empty()) return fail("unexpected end of the format");
    const char letter = format.front();
    format.remove_prefix(1);
    if (std::string_view("sdfebxXo").find(letter) == std::string_view::npos || letter == '\0') {
      return fail("could not parse formatting clause: unrecognized formatting clause \"" +
                  std::string(1, letter >= ' ' && letter <= '~' ? letter : '?') + "\"");
    }
    if (next_ >= items_.count) return fail("index " + std::to_string(next_) + " out of range");
    substitute(letter, precision, items_.data[next_++]);
  }

  bool take_precision(std::string_view &format, int &precision) {
    format.remove_prefix(1);
    precision = 0;
    std::size_t digits = 0;
    for (; !format.empty() && format.front() >= '0' && format.front() <= '9'; ++digits) {
      if (precision <= kMaxPrecision) precision = precision * 10 + (format.front() - '0');
      format.remove_prefix(1);
    }
    if (digits > 0 && precision <= kMaxPrecision) return true;
    fail(digits == 0 ? "the precision has no digits" : "the precision is more than 1000");
    return false;
  }

  void substitute(char letter, int precision, const Value &value) {
    switch (letter) {
      case 's': return text(value, 0);
      case 'd': return decimal(value);
      case 'f':
      case 'e': return fixed(value, precision < 0 ? 6 : precision, letter == 'e');
      case 'b': return binary(value);
      case 'o': return octal(value);
      default: return hexadecimal(value, letter == 'X');
    }
  }

  void decimal(const Value &value) {
    if (is_number(value.kind()) || value.is(Kind::kDecimal)) return scalar(value);
    refuse("decimal clause can only be used on integers", value);
  }

  void scalar(const Value &value) {
    if (value.is(Kind::kDouble)) return append_plain_double(value.as_double(), out_);
    append_value_text(value, out_);
  }

  static bool is_unusual(const Value &value) {
    return value.is(Kind::kString) &&
           (value.as_text() == "NaN" || value.as_text() == "Infinity" || value.as_text() == "-Infinity");
  }

  void fixed(const Value &value, int precision, bool scientific) {
    runtime_.charge(20 + static_cast<std::size_t>(precision) / 8);
    if (is_unusual(value)) {
      out_ += value.as_text();
      return;
    }
    if (value.is(Kind::kDecimal) && !scientific) return fixed_decimal(value.as_decimal(), precision);
    double number = 0;
    switch (value.kind()) {
      case Kind::kInt: number = static_cast<double>(value.as_int()); break;
      case Kind::kUint: number = static_cast<double>(value.as_uint()); break;
      case Kind::kDouble: number = value.as_double(); break;
      default:
        return refuse(scientific ? "scientific clause can only be used on doubles"
                                 : "fixed-point clause can only be used on doubles",
                      value);
    }
    if (scientific) return append_scientific_double(number, precision, out_);
    append_fixed_double(number, precision, out_);
  }

  // A decimal is shown with its digits, or refused: format() never rounds money.
  void fixed_decimal(const Decimal &value, int precision) {
    const auto rounded =
        precision <= Decimal::kMaxScale ? Decimal::round(value, precision, Rounding::kExact) : std::nullopt;
    if (!rounded) return fail("the decimal has more digits than the precision: round it first");
    rounded->append_to(out_);
  }

  void number_in_base(std::string_view sign, std::uint64_t size, unsigned base, bool upper) {
    const char *const symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[64];
    std::size_t count = 0;
    do {
      digits[count++] = symbols[size % base];
      size /= base;
    } while (size > 0);
    out_ += sign;
    while (count > 0) out_ += digits[--count];
  }

  bool integer_in_base(const Value &value, unsigned base, bool upper = false) {
    if (value.is(Kind::kUint)) {
      number_in_base({}, value.as_uint(), base, upper);
      return true;
    }
    if (!value.is(Kind::kInt)) return false;
    const bool negative = value.as_int() < 0;
    number_in_base(negative ? "-" : "", negative ? 0 - value.as_uint() : value.as_uint(), base, upper);
    return true;
  }

  void binary(const Value &value) {
    if (value.is(Kind::kBool)) {
      out_ += value.as_bool() ? '1' : '0';
    } else if (!integer_in_base(value, 2)) {
      refuse("only integers and bools can be formatted as binary", value);
    }
  }

  void octal(const Value &value) {
    if (!integer_in_base(value, 8)) refuse("octal clause can only be used on integers", value);
  }

  void hexadecimal(const Value &value, bool upper) {
    if (integer_in_base(value, 16, upper)) return;
    if (!value.is(Kind::kString) && !value.is(Kind::kBytes))
      return refuse("only integers, byte buffers, and strings can be formatted as hex", value);
    const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (const char c : value.as_text()) {
      out_ += alphabet[static_cast<unsigned char>(c) >> 4U];
      out_ += alphabet[static_cast<unsigned char>(c) & 15U];
    }
  }

  void text(const Value &value, int depth) {
    if (depth > kMaxValueDepth) {
      failure_ = Runtime::fail(FailureCode::kDepthLimit);
      return;
    }
    const bool bytes_given = value.is(Kind::kBytes);
    if (!runtime_.charge(4 + (bytes_given ? value.as_text().size() / 2 : 0))) {
      failure_ = Runtime::out_of_steps();
      return;
    }
    switch (value.kind()) {
      case Kind::kNull: out_ += "null"; return;
      case Kind::kBytes: return bytes(value.as_text());
      case Kind::kList: return list(value, depth);
      case Kind::kMap: return map(value, depth);
      case Kind::kOptional:
        return refuse(
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, "
            "and timestamps",
            value);
      default: return scalar(value);
    }
  }

  // What is not UTF-8 becomes one U+FFFD a run.
  void bytes(std::string_view from) {
    bool replaced = false;
    while (!from.empty()) {
      std::size_t length = 1;
      while (length < 4 && length < from.size() && !base::is_valid_utf8(from.substr(0, length))) ++length;
      const bool valid = base::is_valid_utf8(from.substr(0, length));
      if (valid) {
        out_ += from.substr(0, length);
      } else if (!replaced) {
        out_ += "\xEF\xBF\xBD";
      }
      replaced = !valid;
      from.remove_prefix(valid ? length : 1);
    }
  }

  void list(const Value &value, int depth) {
    out_ += '[';
    ListCursor cursor(value, &runtime_);
    Value item;
    for (bool first = true; cursor.next(item) && failure_.is_absent() && out_.size() <= kMaxText; first = false) {
      if (!first) out_ += ", ";
      text(item, depth + 1);
    }
    out_ += ']';
  }

  // The entries are written behind the text so far, cut off, and put back in the order of their keys.
  void map(const Value &value, int depth) {
    std::vector<std::pair<std::string, std::string>> entries;
    const std::size_t begin = out_.size();
    MapCursor cursor(value, &runtime_);
    Value key;
    Value held;
    std::size_t size = begin;
    std::size_t key_bytes = 0;
    const auto cut_text = [&](const Value &part) {
      text(part, depth + 1);
      std::string made = out_.substr(begin);
      out_.resize(begin);
      size += made.size();
      return made;
    };
    while (cursor.next(key, held) && failure_.is_absent() && size <= kMaxText) {
      std::string key_text = cut_text(key);
      key_bytes += key_text.size();
      entries.emplace_back(std::move(key_text), cut_text(held));
    }
    const auto passes = static_cast<std::size_t>(std::bit_width(entries.size()));
    if (!runtime_.charge(passes * (entries.size() + copied(key_bytes)) + 2 * searched(size - begin))) {
      failure_ = Runtime::out_of_steps();
      return;
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) { return a.first < b.first; });
    out_ += '{';
    for (std::size_t i = 0; i < entries.size(); ++i) {
      out_ += i > 0 ? ", " : "";
      out_ += entries[i].first;
      out_ += ": ";
      out_ += entries[i].second;
    }
    out_ += '}';
  }

  Runtime &runtime_;
  Runtime::Items items_;
  std::size_t next_ = 0;
  std::string out_;
  Value failure_;
};

}  // namespace

Value format_text(Runtime &runtime, const Value *args, std::size_t) {
  return Formatter(runtime, args[1]).run(args[0].as_text());
}

}  // namespace cala::cel
