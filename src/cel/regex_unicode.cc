#include <algorithm>
#include <array>

#include "cel/regex.h"
#include "cel/regex_unicode_data.h"

namespace cala::cel {

namespace {

constexpr std::uint32_t take_varint(const std::uint8_t *&at) {
  std::uint32_t number = 0;
  for (unsigned shift = 0;; shift += 7) {
    const std::uint32_t byte = *at++;
    number |= (byte & 0x7FU) << shift;
    if (byte < 0x80) return number;
  }
}

struct Case {
  std::uint32_t code;
  std::uint32_t next;
};

constexpr std::array<Case, unicode::kCaseCount> kCases = [] {
  std::array<Case, unicode::kCaseCount> cases{};
  const std::uint8_t *at = unicode::kCaseData;
  std::uint32_t code = 0;
  for (Case &each : cases) {
    code += take_varint(at);
    const std::uint32_t distance = take_varint(at);
    const std::uint32_t half = distance / 2;
    each = {code, distance % 2 == 0 ? code + half : code - half - 1};
  }
  return cases;
}();

}  // namespace

std::uint32_t next_case(std::uint32_t code) {
  const auto *found = std::lower_bound(kCases.begin(), kCases.end(), code,
                                       [](const Case &each, std::uint32_t wanted) { return each.code < wanted; });
  return found != kCases.end() && found->code == code ? found->next : code;
}

std::size_t CodeSet::add_other_cases() {
  tidy();
  CodeSet others;
  std::size_t looked = ranges_.size();
  for (const CodeRange &range : ranges_) {
    const auto *each = std::lower_bound(kCases.begin(), kCases.end(), range.from,
                                        [](const Case &one, std::uint32_t wanted) { return one.code < wanted; });
    for (; each != kCases.end() && each->code <= range.to; ++each, ++looked) {
      for (std::uint32_t other = each->next; other != each->code; other = next_case(other)) others.add(other, other);
    }
  }
  add(others);
  tidy();
  return looked;
}

bool unicode_class(std::string_view name, CodeSet &set) {
  if (name == "Any") {
    set.add(0, 0x10FFFF);
    return true;
  }
  const auto *found =
      std::lower_bound(std::begin(unicode::kClasses), std::end(unicode::kClasses), name,
                       [](const unicode::Class &each, std::string_view wanted) { return each.name < wanted; });
  if (found == std::end(unicode::kClasses) || found->name != name) return false;
  const std::uint8_t *at = unicode::kClassData + found->offset;
  std::uint32_t code = 0;
  for (std::uint32_t i = 0; i < found->ranges; ++i) {
    const std::uint32_t from = code + take_varint(at);
    code = from + take_varint(at);
    set.add(from, code);
  }
  return true;
}

}  // namespace cala::cel
