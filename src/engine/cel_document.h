// What cel_evaluate answers: {expr, as?, clock?, params?, vars?, bindings?, type_env?, container?, disable_check?} in,
// {"value": {"type", "value"}} out. Pure: the clock's reading is given, and used where the request names no clock.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"

namespace cala::engine {

base::Result<std::string> evaluate_document(base::JsonView request, base::Timestamp now);

}  // namespace cala::engine
