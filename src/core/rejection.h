// What the ledger's rules refuse, as errors whose details name what they are about.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace cala::core {

using Details = std::initializer_list<std::pair<const char *, std::string>>;

// An error whose details are these texts.
base::Error rejection(base::Status status, const char *code, std::string message, Details details);
// kNotFound "<noun>.not_found", naming the key: not_found("tx_template", "code", "TRANSFER").
base::Error not_found(std::string_view noun, std::string_view by, const std::string &key);
// kConflict "<noun>.exists": a column's value that is taken, where known, and which item of a batch (from 0) has it,
// else -1.
base::Error already_exists(std::string_view noun, std::string_view column, const std::optional<std::string> &value = {},
                           std::int64_t index = -1);

}  // namespace cala::core
