#include "core/cel/runtime.h"

#include "core/cel/operators.h"

namespace cala::core::cel {

Runtime::Items Runtime::items(const Value &list) {
  if (!list.is_json_view()) return {list.list_items(), list.list_size(), true};
  const std::size_t count = list.list_size();
  auto *data = arena.allocate_array<Value>(count);
  if (data == nullptr || !charge(count)) return {nullptr, 0, false};
  ListCursor cursor(list);
  for (std::size_t i = 0; i < count; ++i) cursor.next(data[i]);
  return {data, count, true};
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

}  // namespace cala::core::cel
