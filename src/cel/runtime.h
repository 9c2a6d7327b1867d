// What a function of the language may touch while it runs: the arena it builds in, the clock's reading, and the step
// counter. Functions are pure otherwise. One evaluation, one thread.
// A step is worth about 100 ns: whoever touches more than a few words charges for the size it touches, so that
// kMaxSteps bound the time whatever the values are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "cel/arena.h"
#include "cel/failure.h"
#include "cel/json_index.h"
#include "cel/value.h"

namespace cala::cel {

inline constexpr std::int64_t kMaxSteps = 1'000'000;
inline constexpr int kMaxValueDepth = 128;  // of lists and maps inside each other

// Steps for so many bytes, by what is done with each.
constexpr std::size_t copied(std::size_t bytes) { return bytes / 512; }   // copied, compared or measured in bulk
constexpr std::size_t walked(std::size_t bytes) { return bytes / 64; }    // one after the other
constexpr std::size_t searched(std::size_t bytes) { return bytes / 32; }  // by TextSearch
constexpr std::size_t parsed(std::size_t bytes) { return bytes / 8; }     // understood, or written one by one

struct Overload;
class Regex;

struct Runtime {
  Arena &arena;
  base::Timestamp now;
  std::int64_t steps_left = kMaxSteps;
  JsonIndex opened{};

  // False once the evaluation has taken too many steps.
  bool charge(std::size_t steps) {
    if (steps_left < 0 || steps > static_cast<std::size_t>(steps_left)) {
      steps_left = -1;
      return false;
    }
    steps_left -= static_cast<std::int64_t>(steps);
    return true;
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

  // Lists and maps of either representation. JSON is walked the first time and opened the second, so that looking into
  // it again and again does not walk it again and again. Absent: there is none; or a failure.
  Value find(const Value &map, const Value &key);
  Value find(const Value &map, std::string_view key);
  Value at(const Value &list, std::uint64_t index);
  std::size_t size_of(const Value &list_or_map);
  // The items of a list, in a row; JSON is opened for it. failure is absent, or why there are none.
  struct Items {
    const Value *data = nullptr;
    std::size_t count = 0;
    Value failure;
  };
  Items items(const Value &list);

  // A bool, or a failure.
  Value matches(const Regex &regex, std::string_view text);

  // For the call of this overload, before it is made.
  bool charge_call(const Overload &overload, const Value *args, std::size_t count);

 private:
  Value json(base::JsonView view);
  Value find_json(base::JsonView map, std::string_view key);
  const Value &open(JsonIndex::Seen &seen);
};

using Function = Value (*)(Runtime &runtime, const Value *args, std::size_t count);

// What a call costs beside its own step: a number of steps, and more by the size of its arguments.
enum class Measure : std::uint8_t {
  kNone,
  kCopied,  // the bytes of its strings
  kWalked,
  kSearched,
  kParsed,
  kItems,  // the items of its lists
  kOwn,    // what it touches only the function knows, so it charges by itself
};
struct Cost {
  std::uint8_t fixed;
  Measure measure;
};
inline constexpr Cost kNoCost{0, Measure::kNone};
inline constexpr Cost kNumberText{4, Measure::kNone};
inline constexpr Cost kExactNumbers{10, Measure::kParsed};
inline constexpr Cost kRounding{25, Measure::kParsed};
inline constexpr Cost kWalksText{0, Measure::kWalked};
inline constexpr Cost kSearchesText{0, Measure::kSearched};
inline constexpr Cost kParsesText{0, Measure::kParsed};
inline constexpr Cost kWalksItems{0, Measure::kItems};
inline constexpr Cost kOwnCost{0, Measure::kOwn};

// One overload of a function. The signature is a letter for each argument, '>' and the letter of the result:
//   b bool, i int, u uint, d double, s string, y bytes, l list, m map, t timestamp, r duration, T type, D decimal,
//   U uuid, A date, N null, O optional; # int, uint or double; c timestamp or date; * anything;
//   + after a letter: one or more of it.
// As a result also: * not known, e the element of the first argument's list, = the first argument's type,
//   P an optional of the first argument, E an optional of its element, v what the optional first argument holds, w as v
//   or the second argument.
enum Form : bool { kGlobal, kMember };  // name(all...), or first.name(rest...)
struct Overload {
  std::string_view name;
  Form form;
  std::string_view signature;
  Function function;
  Cost cost;
};

struct OverloadRange {
  const Overload *first = nullptr;
  std::size_t count = 0;
};

OverloadRange find_function(std::string_view name, Form form);
OverloadRange all_functions();  // sorted by name
// For hints: each name once, in order.
const std::string_view *function_names(std::size_t &count);

char kind_letter(Kind kind);
bool letter_accepts(char letter, Kind kind);
// Whether a failure is a limit's: && and || and the macros do not absorb it,
// or an evaluation could run into it for ever.
bool is_limit(const Value &value);
// The overload for these values, nullptr when there is none.
const Overload *select_overload(OverloadRange range, const Value *args, std::size_t count);

}  // namespace cala::cel
