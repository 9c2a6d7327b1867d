// The roll-up: balances of account sets that follow what is posted instead of moving with it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "engine/operation.h"

namespace cala::engine {

struct RollupProgress {
  std::int64_t applied = 0;
  std::int64_t frontier = 0;
  std::int64_t reached = 0;  // nothing up to this is still to be committed
  bool stalled = false;      // it came no further, and there is further to come
  bool caught_up() const { return applied >= frontier; }
};

// As the store answers StatementId::kRollupStatus.
base::Result<RollupProgress> rollup_progress(std::string_view answer);

// One step of the ledger's own: brings the balances some way. progress outlives it.
OperationPtr make_rollup_step(RollupProgress &progress);

}  // namespace cala::engine
