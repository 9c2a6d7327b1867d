#include "base/json_repair.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "base/utf8.h"

namespace cala::base {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kUnitEscape = 6;  // \u0000

// The value of a \u escape that the text starts with, or -1.
std::int32_t unit_of(std::string_view text) {
  if (text.size() < kUnitEscape || !text.starts_with("\\u")) return -1;
  std::uint32_t unit = 0;
  const char *end = text.data() + kUnitEscape;
  const auto [at, failed] = std::from_chars(text.data() + 2, end, unit, 16);
  return failed == std::errc() && at == end ? static_cast<std::int32_t>(unit) : -1;
}

bool is_high(std::int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(std::int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// How much of the text, which starts with a backslash, is one escape; whether it may stay.
std::size_t escape_length(std::string_view text, bool &stays) {
  const std::int32_t unit = unit_of(text);
  stays = text.size() > 1;
  if (unit < 0) return stays ? 2 : 1;
  if (is_high(unit) && is_low(unit_of(text.substr(kUnitEscape)))) return 2 * kUnitEscape;
  stays = unit != 0 && !is_high(unit) && !is_low(unit);
  return kUnitEscape;
}

}  // namespace

std::string repaired_json(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_string = false;
  while (!text.empty()) {
    std::size_t length = 1;
    bool stays = true;
    if (in_string && text.front() == '\\') {
      length = escape_length(text, stays);
    } else if (in_string && static_cast<unsigned char>(text.front()) < 0x20U) {
      stays = false;
    } else {
      if (text.front() == '"') in_string = !in_string;
      length = utf8_sequence_length(text);
      stays = length > 0;
      if (!stays) length = 1;
    }
    out.append(stays ? text.substr(0, length) : kReplacement);
    text.remove_prefix(length);
  }
  return out;
}

Result<Json> parse_stored(std::string_view text) {
  Result<Json> json = Json::parse(text);
  if (!json) json = Json::parse(repaired_json(text));
  if (!json) return make_error(Status::kInternal, "store.corrupt", "the store gave an answer that is no JSON");
  return json;
}

}  // namespace cala::base
