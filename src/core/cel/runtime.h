// What a function of the language may touch while it runs: the arena it builds in, the clock's reading, and the step counter.
// Functions are pure otherwise. One evaluation, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "core/cel/arena.h"
#include "core/cel/failure.h"
#include "core/cel/value.h"

namespace cala::core::cel {

inline constexpr std::int64_t kMaxSteps = 1'000'000;
inline constexpr int kMaxValueDepth = 128;  // of lists and maps inside each other

struct Runtime {
  Arena &arena;
  base::Timestamp now;
  std::int64_t steps_left = kMaxSteps;

  // False once the evaluation has taken too many steps. Called for every node, element and kilobyte looked at.
  bool charge(std::size_t steps) {
    steps_left -= static_cast<std::int64_t>(steps);
    return steps_left >= 0;
  }

  static Value fail(FailureCode code, std::string_view detail = {}) { return Value::failure(code, 0, detail); }
  static Value out_of_memory() { return fail(FailureCode::kMemoryLimit); }
  static Value out_of_steps() { return fail(FailureCode::kStepLimit); }

  // Copies into the arena.
  Value text(std::string_view text) {
    const std::string_view kept = arena.copy(text);
    return kept.data() == nullptr ? out_of_memory() : Value::string(kept);
  }
  Value fail_with(FailureCode code, std::string_view detail) {
    const std::string_view kept = arena.copy(detail);
    return fail(code, kept);
  }
  // The items of a list, converted first where they are a view of JSON. nullptr (with count > 0): no memory.
  struct Items {
    const Value *data;
    std::size_t count;
    bool ok;
  };
  Items items(const Value &list);
};

using Function = Value (*)(Runtime &runtime, const Value *args, std::size_t count);

// One overload of a function. The signature is a letter for each argument, '>' and the letter of the result:
//   b bool, i int, u uint, d double, s string, y bytes, l list, m map, t timestamp, r duration, T type, D decimal, U uuid,
//   A date, N null, O optional; # int, uint or double; c timestamp or date; * anything; + after a letter: one or more of it.
// As a result also: * not known, e the element of the first argument's list, = the first argument's type,
//   P an optional of the first argument, E an optional of its element, v what the optional first argument holds, w as v or the
//   second argument.
struct Overload {
  std::string_view name;
  bool member;  // called as first.name(rest...)
  std::string_view signature;
  Function function;
};

struct OverloadRange {
  const Overload *first = nullptr;
  std::size_t count = 0;
};

OverloadRange find_function(std::string_view name, bool member);
// For hints: each name once, in order.
const std::string_view *function_names(std::size_t &count);

char kind_letter(Kind kind);
bool letter_accepts(char letter, Kind kind);
// The overload for these values, nullptr when there is none.
const Overload *select_overload(OverloadRange range, const Value *args, std::size_t count);

}  // namespace cala::core::cel
