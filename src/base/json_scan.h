// The strict scan of a JSON text, before any tree is built: the grammar of RFC 8259 to the letter, valid UTF-8, and the
// rules that json.h names. It also reads the numbers that have a fraction or an exponent, exactly and whatever the
// locale, since cJSON reads them by way of strtod. Recursion is bounded by kJsonMaxDepth. Nothing here is shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cala::base {

inline constexpr std::size_t kJsonMaxDepth = 64;
inline constexpr std::size_t kJsonMaxSize = std::size_t{64} << 20;

// A number that cJSON would not read exactly: one with a fraction or an exponent, or a wide integer.
struct JsonFraction {
  std::size_t offset;   // in the text
  std::size_t size;     // of its token
  std::size_t ordinal;  // how many numbers stand before it in the text
  double value;
  std::optional<std::int64_t> wide = std::nullopt;  // an integer beyond 2^53
};

// The fractions of a text, in its order, or what is wrong with it, as Json::parse reports it.
Result<std::vector<JsonFraction>> scan_json(std::string_view text);

// Whether a text is JSON as the grammar has it, for whoever only hands it on: numbers of any size, and keys that appear
// twice, are.
bool is_json(std::string_view text);

}  // namespace cala::base
