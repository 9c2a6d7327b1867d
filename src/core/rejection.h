// What the ledger's rules refuse, as errors whose details name what they are about.
#pragma once

#include <initializer_list>
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

}  // namespace cala::core
