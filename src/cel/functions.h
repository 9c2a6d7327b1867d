// The functions of the language, a family to a file; each table is sorted into one by name where it is looked up. Every
// function is pure, answers a failure for what it cannot take, and charges the runtime
// for work that grows with its arguments.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cel/runtime.h"

namespace cala::cel {

std::span<const Overload> conversion_functions();
std::span<const Overload> string_functions();
std::span<const Overload> text_search_functions();
std::span<const Overload> math_functions();
std::span<const Overload> time_functions();
std::span<const Overload> list_functions();
std::span<const Overload> decimal_functions();
std::span<const Overload> optional_functions();
std::span<const Overload> encoding_functions();

// items in the order of their keys (which may be items itself); equal keys keep their order.
Value sort_values(Runtime &runtime, const Value *keys, const Value *items, std::size_t count);

// "%s and %d".format([...]), date.format('%Y'), a timestamp's too.
Value format_text(Runtime &runtime, const Value *args, std::size_t count);
Value format_calendar(Runtime &runtime, const Value *args, std::size_t count);

// The text that string(value) gives; false when there is none.
bool append_value_text(const Value &value, std::string &out);

// "1h30m", "-1.5s"; nullopt with a failure code when it is none, or out of range.
struct ParsedDuration {
  std::int64_t nanos = 0;
  bool ok = false;
  bool range = false;
};
ParsedDuration parse_duration(std::string_view text);
std::string duration_text(std::int64_t nanos);  // "5400s", "1.5s"

}  // namespace cala::cel
