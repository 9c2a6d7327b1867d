#include "cel/runtime.h"

#include "cel/map.h"
#include "cel/operators.h"
#include "cel/regex.h"

namespace cala::cel {

namespace {

constexpr std::size_t kFew = 8;  // children that are walked every time: quicker than to remember anything

Value found_or_absent(const Value *found) { return found == nullptr ? Value() : *found; }

}  // namespace

// The length of a JSON string is measured anew each time it is looked at.
Value Runtime::json(base::JsonView view) {
  const Value value = Value::json(view);
  if (value.is(Kind::kString) && !charge(copied(value.as_text().size()))) return out_of_steps();
  return value;
}

const Value &Runtime::open(JsonIndex::Seen &seen) {
  if (!seen.whole.is_absent()) return seen.whole;
  const std::size_t size = size_of(Value::json(seen.view));
  if (steps_left < 0) return seen.whole;
  seen.counted = true;
  seen.size = size;
  charge(JsonIndex::open(seen, arena));
  return seen.whole;
}

Value Runtime::find_json(base::JsonView map, std::string_view key) {
  std::size_t looked = 0;
  std::size_t bytes = 0;
  base::JsonView child = map.first();
  const auto look = [&](std::size_t most) {
    for (; child.present() && looked < most; child = child.next(), ++looked) {
      const std::string_view name = child.key();
      bytes += name.size();
      if (name == key) return true;
    }
    return false;
  };
  bool found = look(kFew);
  if (!found && child.present()) {
    JsonIndex::Seen &seen = opened.seen(map, arena);
    if (seen.walked) {
      const Value &whole = open(seen);
      return whole.is_absent() ? out_of_steps() : find(whole, key);
    }
    seen.walked = true;
    found = look(SIZE_MAX);
  }
  if (!charge(parsed(looked) + copied(bytes))) return out_of_steps();
  return found ? json(child) : Value();
}

Value Runtime::find(const Value &map, std::string_view key) {
  if (map.is_json_view()) return find_json(map.as_json_view(), key);
  return find(map, Value::string(key));
}

Value Runtime::find(const Value &map, const Value &key) {
  if (map.is_json_view()) return key.is(Kind::kString) ? find_json(map.as_json_view(), key.as_text()) : Value();
  std::size_t looked = 0;
  const Value found = found_or_absent(map.map_data()->find(key, looked));
  const std::size_t bytes = key.is(Kind::kString) ? key.as_text().size() : 0;
  return charge(walked(bytes) + looked / 8) ? found : out_of_steps();
}

Value Runtime::at(const Value &list, std::uint64_t index) {
  if (!list.is_json_view()) return index < list.list_size() ? list.list_items()[index] : Value();
  base::JsonView child = list.as_json_view().first();
  std::uint64_t passed = 0;
  const auto go = [&](std::uint64_t to) {
    for (; child.present() && passed < to; ++passed) child = child.next();
  };
  go(index < kFew ? index : kFew);
  if (passed == index || !child.present()) return json(child);
  JsonIndex::Seen &seen = opened.seen(list.as_json_view(), arena);
  if (seen.walked) {
    const Value &whole = open(seen);
    return whole.is_absent() ? out_of_steps() : at(whole, index);
  }
  seen.walked = true;
  go(index);
  if (!charge(parsed(static_cast<std::size_t>(passed)))) return out_of_steps();
  return json(child);
}

std::size_t Runtime::size_of(const Value &value) {
  if (!value.is_json_view()) return value.is(Kind::kMap) ? value.map_data()->count : value.list_size();
  base::JsonView child = value.as_json_view().first();
  std::size_t size = 0;
  for (; child.present() && size < kFew; child = child.next()) ++size;
  if (!child.present()) return size;
  JsonIndex::Seen &seen = opened.seen(value.as_json_view(), arena);
  if (seen.counted) return seen.size;
  const std::size_t most = steps_left < 0 ? 0 : static_cast<std::size_t>(steps_left) * 8;
  for (; child.present() && size < most; child = child.next()) ++size;
  charge(parsed(size));
  if (child.present()) return charge(kMaxSteps), size;
  seen.counted = true;
  return seen.size = size;
}

Runtime::Items Runtime::items(const Value &list) {
  if (!list.is_json_view()) return {list.list_items(), list.list_size(), Value()};
  const Value &whole = open(opened.seen(list.as_json_view(), arena));
  if (whole.is_absent() || steps_left < 0) return {nullptr, 0, out_of_steps()};
  return {whole.list_items(), whole.list_size(), Value()};
}

Value Runtime::matches(const Regex &regex, std::string_view text) {
  constexpr std::size_t kInstructionsAStep = 8;
  const std::size_t most = steps_left < 0 ? 0 : static_cast<std::size_t>(steps_left) * kInstructionsAStep;
  std::size_t work = 0;
  const std::optional<bool> found = regex.found_in(text, work, most);
  if (!charge(1 + work / kInstructionsAStep) || !found) return charge(kMaxSteps), out_of_steps();
  return Value::boolean(*found);
}

bool Runtime::charge_call(const Overload &overload, const Value *args, std::size_t count) {
  std::size_t bytes = 0;
  std::size_t items = 0;
  if (overload.cost.measure != Measure::kNone && overload.cost.measure != Measure::kOwn) {
    for (std::size_t i = 0; i < count; ++i) {
      if (args[i].is(Kind::kString) || args[i].is(Kind::kBytes)) bytes += args[i].as_text().size();
      if (args[i].is(Kind::kList)) items += size_of(args[i]);
    }
  }
  std::size_t steps = overload.cost.fixed;
  switch (overload.cost.measure) {
    case Measure::kNone:
    case Measure::kOwn: break;
    case Measure::kCopied: steps += copied(bytes); break;
    case Measure::kWalked: steps += walked(bytes); break;
    case Measure::kSearched: steps += searched(bytes); break;
    case Measure::kParsed: steps += parsed(bytes); break;
    case Measure::kItems: steps += items; break;
  }
  return charge(steps);
}

bool is_limit(const Value &value) {
  return value.is_error() &&
         (value.failure_code() == FailureCode::kStepLimit || value.failure_code() == FailureCode::kMemoryLimit);
}

char kind_letter(Kind kind) {
  switch (kind) {
    case Kind::kBool: return 'b';
    case Kind::kInt: return 'i';
    case Kind::kUint: return 'u';
    case Kind::kDouble: return 'd';
    case Kind::kString: return 's';
    case Kind::kBytes: return 'y';
    case Kind::kList: return 'l';
    case Kind::kMap: return 'm';
    case Kind::kTimestamp: return 't';
    case Kind::kDuration: return 'r';
    case Kind::kType: return 'T';
    case Kind::kDecimal: return 'D';
    case Kind::kUuid: return 'U';
    case Kind::kDate: return 'A';
    case Kind::kNull: return 'N';
    case Kind::kOptional: return 'O';
    default: return '?';
  }
}

bool letter_accepts(char letter, Kind kind) {
  if (letter == '*') return true;
  if (letter == '#') return is_number(kind);
  if (letter == 'c') return kind == Kind::kTimestamp || kind == Kind::kDate;
  return letter == kind_letter(kind);
}

const Overload *select_overload(OverloadRange range, const Value *args, std::size_t count) {
  for (std::size_t i = 0; i < range.count; ++i) {
    const std::string_view signature = range.first[i].signature;
    std::size_t arg = 0;
    std::size_t at = 0;
    while (signature[at] != '>' && arg < count && letter_accepts(signature[at], args[arg].kind())) {
      ++arg;
      if (signature[at + 1] != '+') {
        ++at;
      } else if (arg == count) {
        at += 2;
      }
    }
    if (arg == count && signature[at] == '>') return &range.first[i];
  }
  return nullptr;
}

}  // namespace cala::cel
