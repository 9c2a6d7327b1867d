// The configuration of cala_ledger_open.
#pragma once

#include <string_view>

#include "base/error.h"
#include "live/ledger.h"

namespace cala::api {

base::Result<live::Config> read_config(std::string_view text);

}  // namespace cala::api
