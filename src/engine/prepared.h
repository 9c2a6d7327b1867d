// Transactions that were prepared: what they may be called.
#pragma once

#include <string_view>

#include "base/error.h"

namespace cala::engine {

// kInvalid "request.malformed" unless it is 1 to 100 bytes of UTF-8 without a NUL.
base::Outcome check_gid(std::string_view gid);

}  // namespace cala::engine
