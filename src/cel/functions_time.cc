// Instants, dates and durations: timestamp(), date(), duration() and the getters, in UTC or a zone that is named.
#include "cel/functions.h"
#include "cel/operators.h"
#include "cel/zone.h"

namespace cala::cel {

namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

Value not_a(std::string_view type) { return Runtime::fail(FailureCode::kConversion, type); }

Value same(Runtime &, const Value *args, std::size_t) { return args[0]; }

// RFC 3339 with its 'T'; the store's looser form is not the language's.
Value timestamp_from_string(Runtime &, const Value *args, std::size_t) {
  const std::string_view text = args[0].as_text();
  const bool strict = text.size() >= 20 && text[10] == 'T' && (text.back() == 'Z' || text[text.size() - 3] == ':');
  const auto parsed = strict ? base::Timestamp::parse(text) : std::nullopt;
  if (parsed) return Value::timestamp(*parsed);
  return not_a("timestamp: the text is RFC 3339, like 2025-01-31T10:00:00Z, in the range of years 0001 to 9999");
}

Value timestamp_from_int(Runtime &, const Value *args, std::size_t) {
  const std::int64_t seconds = args[0].as_int();
  if (seconds < base::Timestamp::kMinSeconds || seconds > base::Timestamp::kMaxSeconds)
    return Runtime::fail(FailureCode::kRange, "timestamp");
  return Value::timestamp({seconds, 0});
}

Value timestamp_from_date(Runtime &, const Value *args, std::size_t) { return Value::timestamp(midnight(args[0])); }

Value duration_from_string(Runtime &, const Value *args, std::size_t) {
  const ParsedDuration parsed = parse_duration(args[0].as_text());
  if (parsed.ok) return Value::duration({parsed.nanos});
  return parsed.range ? Runtime::fail(FailureCode::kRange, "duration")
                      : not_a("duration: the text is like 1h30m or -1.5s");
}

Value today(Runtime &runtime, const Value *, std::size_t) { return Value::date(runtime.now.date()); }

Value date_from_string(Runtime &, const Value *args, std::size_t) {
  const auto parsed = base::Date::parse(args[0].as_text());
  return parsed ? Value::date(*parsed) : not_a("date: the text is YYYY-MM-DD, from 0001-01-01 to 9999-12-31");
}

Value date_from_timestamp(Runtime &, const Value *args, std::size_t) {
  return Value::date(args[0].as_timestamp().date());
}

// The instant as a calendar and a clock show it in a zone.
struct Shown {
  base::Date date;
  std::int64_t second_of_day = 0;
  std::int32_t nanos = 0;
  bool ok = false;
};

Shown shown(const Value *args, std::size_t count) {
  Shown out;
  const base::Timestamp when = midnight(args[0]);
  const auto offset = count == 2 ? zone_offset(args[1].as_text(), when.seconds) : std::optional<std::int64_t>(0);
  if (!offset) return out;
  const std::int64_t seconds = when.seconds + *offset;
  std::int64_t days = seconds / 86400;
  if (seconds % 86400 < 0) --days;
  out.date = {static_cast<std::int32_t>(days)};
  out.second_of_day = seconds - days * 86400;
  out.nanos = when.nanos;
  out.ok = true;
  return out;
}

template <typename Get>
Value get(const Value *args, std::size_t count, Get read) {
  const Shown when = shown(args, count);
  if (!when.ok)
    return Runtime::fail(FailureCode::kInvalidArgument, "unknown time zone: write UTC or an offset like +02:00");
  return Value::integer(read(when));
}

std::int64_t day_of_year(const base::Date &date) {
  base::Date::Civil civil = date.civil();
  const auto first = base::Date::from_civil(civil.year, 1, 1);
  return first ? date.days - first->days : date.days - base::Timestamp{base::Timestamp::kMinSeconds, 0}.date().days;
}

Value full_year(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return std::int64_t{when.date.civil().year}; });
}
Value month(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return std::int64_t{when.date.civil().month} - 1; });
}
Value day_of_month(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return std::int64_t{when.date.civil().day} - 1; });
}
Value date_of_month(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return std::int64_t{when.date.civil().day}; });
}
Value day_of_week(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return ((std::int64_t{when.date.days} + 4) % 7 + 7) % 7; });
}
Value day_of_the_year(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return day_of_year(when.date); });
}
Value hours(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return when.second_of_day / 3600; });
}
Value minutes(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return when.second_of_day / 60 % 60; });
}
Value seconds(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return when.second_of_day % 60; });
}
Value milliseconds(Runtime &, const Value *args, std::size_t count) {
  return get(args, count, [](const Shown &when) { return std::int64_t{when.nanos} / 1'000'000; });
}

Value duration_hours(Runtime &, const Value *args, std::size_t) {
  return Value::integer(args[0].as_duration_nanos() / (3600 * kNanosPerSecond));
}
Value duration_minutes(Runtime &, const Value *args, std::size_t) {
  return Value::integer(args[0].as_duration_nanos() / (60 * kNanosPerSecond));
}
Value duration_seconds(Runtime &, const Value *args, std::size_t) {
  return Value::integer(args[0].as_duration_nanos() / kNanosPerSecond);
}
Value duration_milliseconds(Runtime &, const Value *args, std::size_t) {
  return Value::integer(args[0].as_duration_nanos() % kNanosPerSecond / 1'000'000);
}

constexpr Overload kFunctions[] = {
    {"timestamp", kGlobal, "t>t", same, kNoCost},
    {"timestamp", kGlobal, "s>t", timestamp_from_string, kParsesText},
    {"timestamp", kGlobal, "i>t", timestamp_from_int, kNoCost},
    {"timestamp", kGlobal, "A>t", timestamp_from_date, kNoCost},
    {"duration", kGlobal, "r>r", same, kNoCost},
    {"duration", kGlobal, "s>r", duration_from_string, kParsesText},
    {"date", kGlobal, ">A", today, kNoCost},
    {"date", kGlobal, "A>A", same, kNoCost},
    {"date", kGlobal, "s>A", date_from_string, kParsesText},
    {"date", kGlobal, "t>A", date_from_timestamp, kNoCost},
    {"getFullYear", kMember, "c>i", full_year, kNoCost},
    {"getFullYear", kMember, "cs>i", full_year, Cost{4, Measure::kParsed}},
    {"getMonth", kMember, "c>i", month, kNoCost},
    {"getMonth", kMember, "cs>i", month, Cost{4, Measure::kParsed}},
    {"getDayOfMonth", kMember, "c>i", day_of_month, kNoCost},
    {"getDayOfMonth", kMember, "cs>i", day_of_month, Cost{4, Measure::kParsed}},
    {"getDate", kMember, "c>i", date_of_month, kNoCost},
    {"getDate", kMember, "cs>i", date_of_month, Cost{4, Measure::kParsed}},
    {"getDayOfWeek", kMember, "c>i", day_of_week, kNoCost},
    {"getDayOfWeek", kMember, "cs>i", day_of_week, Cost{4, Measure::kParsed}},
    {"getDayOfYear", kMember, "c>i", day_of_the_year, kNoCost},
    {"getDayOfYear", kMember, "cs>i", day_of_the_year, Cost{4, Measure::kParsed}},
    {"getHours", kMember, "c>i", hours, kNoCost},
    {"getHours", kMember, "cs>i", hours, Cost{4, Measure::kParsed}},
    {"getHours", kMember, "r>i", duration_hours, kNoCost},
    {"getMinutes", kMember, "c>i", minutes, kNoCost},
    {"getMinutes", kMember, "cs>i", minutes, Cost{4, Measure::kParsed}},
    {"getMinutes", kMember, "r>i", duration_minutes, kNoCost},
    {"getSeconds", kMember, "c>i", seconds, kNoCost},
    {"getSeconds", kMember, "cs>i", seconds, Cost{4, Measure::kParsed}},
    {"getSeconds", kMember, "r>i", duration_seconds, kNoCost},
    {"getMilliseconds", kMember, "c>i", milliseconds, kNoCost},
    {"getMilliseconds", kMember, "cs>i", milliseconds, Cost{4, Measure::kParsed}},
    {"getMilliseconds", kMember, "r>i", duration_milliseconds, kNoCost},
};

}  // namespace

std::span<const Overload> time_functions() { return kFunctions; }

}  // namespace cala::cel
