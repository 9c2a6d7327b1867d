// Typed values: values as the JSON that cel_evaluate and the conformance cases use, {"type": "int", "value": "5"}:
// numbers as text, bytes in hexadecimal, lists of typed values, maps as lists of [key, value] pairs.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "cel/arena.h"
#include "cel/value.h"

namespace cala::engine {

// Strings are borrowed from the JSON, the rest is built in the arena. Errors are request.malformed.
base::Result<cel::Value> read_typed_value(base::JsonView typed, cel::Arena &arena, int depth = 0);

// Errors are cel.coerce: nested too deep.
base::Outcome write_typed_value(const cel::Value &value, base::JsonWriter &writer, int depth = 0);

// A double as these values write it: "1.0", "1e+16", "NaN".
std::string typed_double_text(double number);

}  // namespace cala::engine
