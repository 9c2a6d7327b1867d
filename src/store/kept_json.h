// JSON that a row holds as a text, and that goes into answers as it is.
#pragma once

#include <string>
#include <string_view>

namespace cala::store {

// The text where it is JSON, repaired where a string in it holds what none may; else a JSON string with the text in it:
// somebody else put that there, and it must not make an answer that nobody can read.
std::string kept_json(std::string_view text);

}  // namespace cala::store
