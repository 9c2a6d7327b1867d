// Functions that look into strings: contains, startsWith, endsWith, matches, indexOf, lastIndexOf.
#include <charconv>

#include "cel/functions.h"
#include "cel/regex.h"
#include "cel/text_search.h"
#include "cel/utf8.h"

namespace cala::cel {

namespace {

Value contains(Runtime &, const Value *args, std::size_t) {
  return Value::boolean(TextSearch(args[1].as_text()).find(args[0].as_text(), 0) != std::string_view::npos);
}

// A text that is longer than the other is not looked at.
bool charge_affix(Runtime &runtime, const Value *args) {
  const std::size_t size = args[1].as_text().size();
  return size > args[0].as_text().size() || runtime.charge(copied(size));
}

Value starts_with(Runtime &runtime, const Value *args, std::size_t) {
  if (!charge_affix(runtime, args)) return Runtime::out_of_steps();
  return Value::boolean(args[0].as_text().starts_with(args[1].as_text()));
}
Value ends_with(Runtime &runtime, const Value *args, std::size_t) {
  if (!charge_affix(runtime, args)) return Runtime::out_of_steps();
  return Value::boolean(args[0].as_text().ends_with(args[1].as_text()));
}

// A pattern that is not a literal is compiled each time.
Value matches(Runtime &runtime, const Value *args, std::size_t) {
  const std::string_view pattern = args[1].as_text();
  if (pattern.size() > kMaxPattern) return Runtime::fail(FailureCode::kPatternTooLong);
  if (!runtime.charge(50 + 4 * pattern.size())) return Runtime::out_of_steps();
  std::string why;
  std::size_t work = 0;
  const auto regex = Regex::compile(pattern, why, &work);
  if (!runtime.charge(work / 4)) return Runtime::out_of_steps();
  if (regex == nullptr) return runtime.fail_with(FailureCode::kBadRegex, why);
  return runtime.matches(*regex, args[0].as_text());
}

Value index_error(Runtime &runtime, std::int64_t index) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, index);
  return runtime.fail_with(FailureCode::kIndexOutOfRange, {digits, static_cast<std::size_t>(end.ptr - digits)});
}

// Counts bytes up to a place as code points; npos is -1.
Value code_point_index(std::string_view text, std::size_t place) {
  if (place == std::string_view::npos) return Value::integer(-1);
  return Value::integer(static_cast<std::int64_t>(count_code_points(text.substr(0, place))));
}

bool start_of(std::string_view text, std::int64_t index, std::size_t &start) {
  if (index < 0 || static_cast<std::uint64_t>(index) > text.size()) return false;
  start = offset_of_code_point(text, static_cast<std::size_t>(index));
  return start != std::string_view::npos;
}

Value index_of(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view text = args[0].as_text();
  std::size_t start = 0;
  if (count == 3 && !start_of(text, args[2].as_int(), start)) return index_error(runtime, args[2].as_int());
  return code_point_index(text, TextSearch(args[1].as_text()).find(text, start));
}

Value last_index_of(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view text = args[0].as_text();
  std::size_t start = std::string_view::npos;
  if (count == 3 && !start_of(text, args[2].as_int(), start)) return index_error(runtime, args[2].as_int());
  return code_point_index(text, TextSearch(args[1].as_text(), TextSearch::From::kBack).find(text, start));
}

constexpr Overload kFunctions[] = {
    {"contains", kMember, "ss>b", contains, kSearchesText},
    {"startsWith", kMember, "ss>b", starts_with, kOwnCost},
    {"endsWith", kMember, "ss>b", ends_with, kOwnCost},
    {"matches", kMember, "ss>b", matches, kOwnCost},
    {"matches", kGlobal, "ss>b", matches, kOwnCost},
    {"indexOf", kMember, "ss>i", index_of, kSearchesText},
    {"indexOf", kMember, "ssi>i", index_of, kSearchesText},
    {"lastIndexOf", kMember, "ss>i", last_index_of, kSearchesText},
    {"lastIndexOf", kMember, "ssi>i", last_index_of, kSearchesText},
};

}  // namespace

std::span<const Overload> text_search_functions() { return kFunctions; }

}  // namespace cala::cel
