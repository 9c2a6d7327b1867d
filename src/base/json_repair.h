// What a database may hold of a text that no writer of ours put there:
// NUL, bytes that are no UTF-8, half a surrogate pair.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace cala::base {

// A JSON text with U+FFFD in the place of what a string in it may not hold.
std::string repaired_json(std::string_view text);

// What a store answered: as Json::parse, but repaired where needed, so that one bad text does not hide the rest.
// kInternal "store.corrupt".
Result<Json> parse_stored(std::string_view text);

}  // namespace cala::base
