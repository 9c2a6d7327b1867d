// Functions that look into strings: contains, startsWith, endsWith, matches, indexOf, lastIndexOf.
#include <charconv>

#include "core/cel/functions.h"
#include "core/cel/regex.h"
#include "core/cel/utf8.h"

namespace cala::core::cel {

namespace {

Value contains(Runtime &runtime, const Value *args, std::size_t) {
  if (!runtime.charge(args[0].as_text().size() / 64)) return Runtime::out_of_steps();
  return Value::boolean(args[0].as_text().find(args[1].as_text()) != std::string_view::npos);
}

Value starts_with(Runtime &, const Value *args, std::size_t) {
  return Value::boolean(args[0].as_text().starts_with(args[1].as_text()));
}
Value ends_with(Runtime &, const Value *args, std::size_t) {
  return Value::boolean(args[0].as_text().ends_with(args[1].as_text()));
}

// A pattern that is not a literal: compiled each time, which is dear, so it costs many steps.
Value matches(Runtime &runtime, const Value *args, std::size_t) {
  const std::string_view pattern = args[1].as_text();
  if (pattern.size() > kMaxPattern) return Runtime::fail(FailureCode::kPatternTooLong);
  if (!runtime.charge(100 + 20 * pattern.size())) return Runtime::out_of_steps();
  std::string why;
  const auto regex = Regex::compile(pattern, why);
  if (regex == nullptr) return runtime.fail_with(FailureCode::kBadRegex, why);
  if (!runtime.charge(regex_cost(*regex, args[0].as_text()))) return Runtime::out_of_steps();
  return Value::boolean(regex->found_in(args[0].as_text()));
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
  if (!runtime.charge(text.size() / 64)) return Runtime::out_of_steps();
  if (count == 3 && !start_of(text, args[2].as_int(), start)) return index_error(runtime, args[2].as_int());
  return code_point_index(text, text.find(args[1].as_text(), start));
}

Value last_index_of(Runtime &runtime, const Value *args, std::size_t count) {
  const std::string_view text = args[0].as_text();
  std::size_t start = std::string_view::npos;
  if (!runtime.charge(text.size() / 64)) return Runtime::out_of_steps();
  if (count == 3 && !start_of(text, args[2].as_int(), start)) return index_error(runtime, args[2].as_int());
  return code_point_index(text, text.rfind(args[1].as_text(), start));
}

constexpr Overload kFunctions[] = {
    {"contains", true, "ss>b", contains},          {"startsWith", true, "ss>b", starts_with},
    {"endsWith", true, "ss>b", ends_with},         {"matches", true, "ss>b", matches},
    {"matches", false, "ss>b", matches},           {"indexOf", true, "ss>i", index_of},
    {"indexOf", true, "ssi>i", index_of},          {"lastIndexOf", true, "ss>i", last_index_of},
    {"lastIndexOf", true, "ssi>i", last_index_of},
};

}  // namespace

std::span<const Overload> text_search_functions() { return kFunctions; }

}  // namespace cala::core::cel
