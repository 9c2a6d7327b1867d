#include "base/time.h"

namespace cala::base {
namespace {

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::size_t kMaxTextSize = 30;  // 2026-01-01T00:00:00.123456789Z

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

constexpr bool is_leap(std::int32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr std::int32_t days_in_month(std::int32_t year, std::int32_t month) {
  constexpr std::int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

// The calendar repeats every 400 years, an era. Years are counted from March, so that a leap day is the last of its
// year; then (153 x months + 2) / 5 days have passed before a month's first.
constexpr std::int32_t kDaysPerEra = 146097;
constexpr std::int32_t kEpochFromMarchZero = 719468;

constexpr std::int32_t days_from_civil(std::int32_t year, std::int32_t month, std::int32_t day) {
  const std::int32_t march_year = month > 2 ? year : year - 1;
  const std::int32_t march_month = month > 2 ? month - 3 : month + 9;
  const auto era = static_cast<std::int32_t>(floor_div(march_year, 400));
  const std::int32_t year_of_era = march_year - era * 400;
  const std::int32_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
  const std::int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kEpochFromMarchZero;
}

static_assert(days_from_civil(1970, 1, 1) == 0);
static_assert(days_from_civil(1, 1, 1) * kSecondsPerDay == Timestamp::kMinSeconds);
static_assert((days_from_civil(9999, 12, 31) + 1) * kSecondsPerDay - 1 == Timestamp::kMaxSeconds);

// Takes text apart from its front. Each step answers whether it could.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool at_end() const { return rest_.empty(); }

  bool take(char c) { return take_any(c, c); }

  bool take_any(char a, char b) {
    if (rest_.empty() || (rest_.front() != a && rest_.front() != b)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool number(std::size_t digits, std::int32_t &value) {
    if (rest_.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(rest_[i])) return false;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(digits);
    return true;
  }

  bool date(Date &date) {
    std::int32_t year = 0, month = 0, day = 0;
    if (!number(4, year) || !take('-') || !number(2, month) || !take('-') || !number(2, day)) return false;
    const std::optional<Date> found = Date::from_civil(year, month, day);
    if (found) date = *found;
    return found.has_value();
  }

  bool time_of_day(std::int64_t &seconds) {
    std::int32_t hour = 0, minute = 0, second = 0;
    if (!number(2, hour) || !take(':') || !number(2, minute) || !take(':') || !number(2, second)) return false;
    seconds = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
  }

  bool fraction(std::int32_t &nanos) {
    std::size_t digits = 0;
    while (digits < rest_.size() && is_digit(rest_[digits])) ++digits;
    if (digits == 0 || digits > 9 || !number(digits, nanos)) return false;
    for (; digits < 9; ++digits) nanos *= 10;
    return true;
  }

  bool offset(std::int64_t &seconds) {
    if (take_any('Z', 'z')) return true;
    const bool behind = take('-');
    std::int32_t hour = 0, minute = 0;
    if ((!behind && !take('+')) || !number(2, hour) || (take(':') && !number(2, minute))) return false;
    seconds = (hour * 3600 + minute * 60) * (behind ? -1 : 1);
    return hour < 24 && minute < 60;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
};

void append_padded(std::string &out, std::int64_t value, std::size_t width) {
  char buffer[20];
  char *const end = buffer + sizeof(buffer);
  char *start = end;
  for (; value > 0 || static_cast<std::size_t>(end - start) < width; value /= 10) {
    *--start = static_cast<char>('0' + value % 10);
  }
  out.append(start, end);
}

void append_date(std::string &out, const Date::Civil &civil) {
  append_padded(out, civil.year, 4);
  out += '-';
  append_padded(out, civil.month, 2);
  out += '-';
  append_padded(out, civil.day, 2);
}

void append_date_and_time(std::string &out, const Timestamp &at) {
  const Date date = at.date();
  const std::int64_t second_of_day = at.seconds - date.days * kSecondsPerDay;
  append_date(out, date.civil());
  out += 'T';
  append_padded(out, second_of_day / 3600, 2);
  out += ':';
  append_padded(out, second_of_day / 60 % 60, 2);
  out += ':';
  append_padded(out, second_of_day % 60, 2);
}

}  // namespace

std::optional<Date> Date::parse(std::string_view text) {
  Cursor cursor(text);
  Date date;
  if (!cursor.date(date) || !cursor.at_end()) return std::nullopt;
  return date;
}

std::optional<Date> Date::from_civil(std::int32_t year, std::int32_t month, std::int32_t day) {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
    return std::nullopt;
  }
  return Date{days_from_civil(year, month, day)};
}

Date::Civil Date::civil() const {
  const std::int64_t shifted = std::int64_t{days} + kEpochFromMarchZero;
  const std::int64_t era = floor_div(shifted, kDaysPerEra);
  const std::int64_t day_of_era = shifted - era * kDaysPerEra;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (kDaysPerEra - 1)) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  return Civil{static_cast<std::int32_t>(year_of_era + era * 400 + (month <= 2 ? 1 : 0)),
               static_cast<std::int32_t>(month),
               static_cast<std::int32_t>(day_of_year - (153 * march_month + 2) / 5 + 1)};
}

std::string Date::text() const {
  std::string out;
  append_date(out, civil());
  return out;
}

std::optional<Timestamp> Timestamp::parse(std::string_view text) {
  Cursor cursor(text);
  Date date;
  std::int64_t second_of_day = 0, offset = 0;
  std::int32_t nanos = 0;
  if (!cursor.date(date) || (!cursor.take_any('T', 't') && !cursor.take(' '))) return std::nullopt;
  if (!cursor.time_of_day(second_of_day) || (cursor.take('.') && !cursor.fraction(nanos))) return std::nullopt;
  if (!cursor.offset(offset) || !cursor.at_end()) return std::nullopt;
  const std::int64_t seconds = date.days * kSecondsPerDay + second_of_day - offset;
  if (seconds < kMinSeconds || seconds > kMaxSeconds) return std::nullopt;
  return Timestamp{seconds, nanos};
}

Timestamp Timestamp::from_micros(std::int64_t micros) {
  const std::int64_t rest = micros % kMicrosPerSecond;
  return Timestamp{floor_div(micros, kMicrosPerSecond),
                   static_cast<std::int32_t>((rest < 0 ? rest + kMicrosPerSecond : rest) * 1000)};
}

Timestamp Timestamp::from_date(Date date) { return Timestamp{date.days * kSecondsPerDay, 0}; }

std::int64_t Timestamp::micros() const { return seconds * kMicrosPerSecond + nanos / 1000; }

Date Timestamp::date() const { return Date{static_cast<std::int32_t>(floor_div(seconds, kSecondsPerDay))}; }

std::string Timestamp::text() const {
  std::string out;
  out.reserve(kMaxTextSize);
  append_date_and_time(out, *this);
  if (nanos != 0) {
    out += '.';
    append_padded(out, nanos, 9);
    while (out.back() == '0') out.pop_back();
  }
  out += 'Z';
  return out;
}

std::string Timestamp::micros_text() const {
  std::string out;
  out.reserve(kMaxTextSize);
  append_date_and_time(out, *this);
  out += '.';
  append_padded(out, nanos / 1000, 6);
  out += 'Z';
  return out;
}

}  // namespace cala::base
