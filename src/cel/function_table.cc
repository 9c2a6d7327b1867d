#include <algorithm>
#include <array>

#include "cel/functions.h"

namespace cala::cel {

namespace {

constexpr std::size_t kRoom = 320;

// Every overload, by name, functions before methods; overloads of one name keep the order of their family.
struct Table {
  std::array<Overload, kRoom> overloads{};
  std::array<std::string_view, kRoom> names{};
  std::size_t count = 0;
  std::size_t name_count = 0;
};

bool before(const Overload &a, const Overload &b) { return a.name != b.name ? a.name < b.name : a.form < b.form; }

Table make_table() {
  Table table;
  for (const auto &family :
       {conversion_functions(), string_functions(), text_search_functions(), math_functions(), time_functions(),
        list_functions(), decimal_functions(), optional_functions(), encoding_functions()}) {
    for (const Overload &overload : family) {
      if (table.count < kRoom) table.overloads[table.count++] = overload;
    }
  }
  for (std::size_t i = 1; i < table.count; ++i) {
    for (std::size_t j = i; j > 0 && before(table.overloads[j], table.overloads[j - 1]); --j) {
      std::swap(table.overloads[j], table.overloads[j - 1]);
    }
  }
  for (std::size_t i = 0; i < table.count; ++i) {
    const std::string_view name = table.overloads[i].name;
    if (table.name_count == 0 || table.names[table.name_count - 1] != name) table.names[table.name_count++] = name;
  }
  return table;
}

const Table &table() {
  static const Table made = make_table();
  return made;
}

}  // namespace

OverloadRange find_function(std::string_view name, Form form) {
  const Table &all = table();
  const Overload wanted{name, form, {}, nullptr, kNoCost};
  const auto *begin = all.overloads.data();
  const auto *end = begin + all.count;
  const auto *first = std::lower_bound(begin, end, wanted, before);
  OverloadRange range{first, 0};
  while (first + range.count != end && first[range.count].name == name && first[range.count].form == form)
    ++range.count;
  return range;
}

OverloadRange all_functions() { return {table().overloads.data(), table().count}; }

const std::string_view *function_names(std::size_t &count) {
  count = table().name_count;
  return table().names.data();
}

}  // namespace cala::cel
