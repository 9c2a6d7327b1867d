// What a store is asked before a ledger's first use. Both block,
// and run inside the transaction that is open on the session.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "store/port.h"

namespace cala::live {

// Whether the ledger's tables are there, of the version that this library knows: kUnsupported
// "store.migrations_missing", "store.newer".
base::Outcome check_schema(store::Session &session, std::int64_t expected);

// Whether there is something for the roll-up to do. If nobody can tell, whoever posts next wakes it.
bool leaves_balances_behind(store::Session &session);

}  // namespace cala::live
