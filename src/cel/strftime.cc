// format(): a timestamp or date by a strftime text, always UTC and English. The table is the one of the original
// ledger's date library, so that its templates keep their results; an unknown specifier is an error.
#include <string>

#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

constexpr std::string_view kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                        "July",    "August",   "September", "October", "November", "December"};
constexpr std::string_view kDays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

class StrftimeWriter {
 public:
  explicit StrftimeWriter(base::Timestamp when) : when_(when), date_(when.date()), civil_(date_.civil()) {
    second_of_day_ = when.seconds - std::int64_t{date_.days} * 86400;
    const auto new_year = base::Date::from_civil(civil_.year, 1, 1);
    day_of_year_ = new_year ? date_.days - new_year->days : 0;
    weekday_ = static_cast<int>(((std::int64_t{date_.days} + 4) % 7 + 7) % 7);
  }

  bool run(std::string_view format) {
    while (!format.empty()) {
      const std::size_t percent = format.find('%');
      out_ += format.substr(0, percent);
      if (percent == std::string_view::npos) return true;
      format.remove_prefix(percent + 1);
      if (!specifier(format)) return false;
    }
    return true;
  }

  const std::string &text() const { return out_; }

 private:
  bool specifier(std::string_view &format) {
    char pad = '\0';
    if (!format.empty() && (format.front() == '-' || format.front() == '_' || format.front() == '0')) {
      pad = format.front();
      format.remove_prefix(1);
    }
    if (format.empty()) return false;
    const char letter = format.front();
    format.remove_prefix(1);
    if (number(letter, pad)) return true;
    if (pad != '\0') return false;
    if (letter == '.' || (letter >= '3' && letter <= '9') || letter == ':' || letter == '#')
      return longer(letter, format);
    return word(letter) || composite(letter);
  }

  // The numeric specifiers, which take a padding; false for any other.
  bool number(char letter, char pad) {
    switch (letter) {
      case 'Y': return padded(civil_.year, 4, '0', pad);
      case 'C': return padded(civil_.year / 100, 2, '0', pad);
      case 'y': return padded(civil_.year % 100, 2, '0', pad);
      case 'q': return padded((civil_.month - 1) / 3 + 1, 1, '0', pad);
      case 'm': return padded(civil_.month, 2, '0', pad);
      case 'd': return padded(civil_.day, 2, '0', pad);
      case 'e': return padded(civil_.day, 2, ' ', pad);
      case 'w': return padded(weekday_, 1, '0', pad);
      case 'u': return padded(weekday_ == 0 ? 7 : weekday_, 1, '0', pad);
      case 'U': return padded((day_of_year_ + 7 - weekday_) / 7, 2, '0', pad);
      case 'W': return padded((day_of_year_ + 7 - (weekday_ + 6) % 7) / 7, 2, '0', pad);
      case 'G': return padded(iso_year(), 4, '0', pad);
      case 'g': return padded(iso_year() % 100, 2, '0', pad);
      case 'V': return padded(iso_week(), 2, '0', pad);
      case 'j': return padded(day_of_year_ + 1, 3, '0', pad);
      case 'H': return padded(hour(), 2, '0', pad);
      case 'k': return padded(hour(), 2, ' ', pad);
      case 'I': return padded(hour12(), 2, '0', pad);
      case 'l': return padded(hour12(), 2, ' ', pad);
      case 'M': return padded(second_of_day_ / 60 % 60, 2, '0', pad);
      case 'S': return padded(second_of_day_ % 60, 2, '0', pad);
      case 'f': return padded(when_.nanos, 9, '0', pad);
      case 's': return padded(when_.seconds, 1, '0', pad);
      default: return false;
    }
  }

  bool word(char letter) {
    switch (letter) {
      case 'B': out_ += month_name(); return true;
      case 'b':
      case 'h': out_ += month_name().substr(0, 3); return true;
      case 'A': out_ += kDays[weekday_]; return true;
      case 'a': out_ += kDays[weekday_].substr(0, 3); return true;
      case 'P': out_ += hour() < 12 ? "am" : "pm"; return true;
      case 'p': out_ += hour() < 12 ? "AM" : "PM"; return true;
      case 'Z': out_ += "UTC"; return true;
      case 'z': out_ += "+0000"; return true;
      case 't': out_ += '\t'; return true;
      case 'n': out_ += '\n'; return true;
      case '%': out_ += '%'; return true;
      default: return false;
    }
  }

  bool composite(char letter) {
    switch (letter) {
      case 'D':
      case 'x': return run("%m/%d/%y");
      case 'F': return run("%Y-%m-%d");
      case 'v': return run("%e-%b-%Y");
      case 'R': return run("%H:%M");
      case 'T':
      case 'X': return run("%H:%M:%S");
      case 'r': return run("%I:%M:%S %p");
      case 'c': return run("%a %b %e %H:%M:%S %Y");
      case '+': return run("%Y-%m-%dT%H:%M:%S%.f%:z");
      default: return false;
    }
  }

  // %.f %.3f %3f and so on, %:z %::z %:::z %#z.
  bool longer(char letter, std::string_view &format) {
    if (letter == '#') return take(format, "z") && (out_ += "+0000", true);
    if (letter == ':') {
      if (take(format, "z")) return out_ += "+00:00", true;
      if (take(format, ":z")) return out_ += "+00:00:00", true;
      return take(format, "::z") && (out_ += "+00", true);
    }
    const bool point = letter == '.';
    if (point && take(format, "f")) return fraction_as_needed();
    const char digits = point && !format.empty() ? format.front() : letter;
    if (point && !format.empty()) format.remove_prefix(1);
    if ((digits != '3' && digits != '6' && digits != '9') || !take(format, "f")) return false;
    if (point) out_ += '.';
    fraction(digits - '0');
    return true;
  }

  static bool take(std::string_view &format, std::string_view wanted) {
    if (!format.starts_with(wanted)) return false;
    format.remove_prefix(wanted.size());
    return true;
  }

  void fraction(int digits) {
    std::string text = std::to_string(1'000'000'000 + when_.nanos).substr(1);
    out_ += text.substr(0, static_cast<std::size_t>(digits));
  }

  // Nothing, or a point and 3, 6 or 9 digits.
  bool fraction_as_needed() {
    if (when_.nanos == 0) return true;
    out_ += '.';
    fraction(when_.nanos % 1'000'000 == 0 ? 3 : (when_.nanos % 1'000 == 0 ? 6 : 9));
    return true;
  }

  bool padded(std::int64_t value, std::size_t width, char usual, char pad) {
    const std::string digits = std::to_string(value < 0 ? -value : value);
    const char fill = pad == '\0' ? usual : (pad == '_' ? ' ' : '0');
    const std::size_t sign = value < 0 ? 1 : 0;
    const std::size_t blanks = pad == '-' || digits.size() + sign >= width ? 0 : width - digits.size() - sign;
    if (fill == ' ') out_.append(blanks, ' ');
    if (value < 0) out_ += '-';
    if (fill == '0') out_.append(blanks, '0');
    out_ += digits;
    return true;
  }

  std::string_view month_name() const { return kMonths[civil_.month - 1]; }
  std::int64_t hour() const { return second_of_day_ / 3600; }
  std::int64_t hour12() const { return hour() % 12 == 0 ? 12 : hour() % 12; }

  // The ISO week's year and number are those of its Thursday.
  std::int32_t thursday() const { return date_.days + 3 - (weekday_ + 6) % 7; }
  std::int64_t iso_year() const {
    const base::Date day{thursday()};
    return day.days * std::int64_t{86400} > base::Timestamp::kMaxSeconds
               ? 10000
               : (day.days * std::int64_t{86400} < base::Timestamp::kMinSeconds ? 0 : day.civil().year);
  }
  std::int64_t iso_week() const {
    const auto first = base::Date::from_civil(static_cast<std::int32_t>(iso_year()), 1, 1);
    return first ? (thursday() - first->days) / 7 + 1 : (iso_year() > 9999 ? 1 : 52);
  }

  base::Timestamp when_;
  base::Date date_;
  base::Date::Civil civil_;
  std::int64_t second_of_day_ = 0;
  std::int32_t day_of_year_ = 0;
  int weekday_ = 0;
  std::string out_;
};

}  // namespace

Value format_calendar(Runtime &runtime, const Value *args, std::size_t) {
  const std::string_view format = args[1].as_text();
  if (!runtime.charge(4 + 2 * format.size())) return Runtime::out_of_steps();
  if (format.size() > 4096) return Runtime::fail(FailureCode::kInvalidArgument, "the format is longer than 4096 bytes");
  StrftimeWriter writer(midnight(args[0]));
  if (!writer.run(format))
    return Runtime::fail(FailureCode::kInvalidArgument, "the format has a specifier that strftime does not know");
  return runtime.text(writer.text());
}

}  // namespace cala::cel
