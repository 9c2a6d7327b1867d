// What depends on which store it is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "live/ledger.h"
#include "store/port.h"

namespace cala::api {

base::Result<live::Backend> open_backend(const live::Config &config);

// Where the functions of the program's libpq are; empty: in the program itself.
using Resolver = std::function<void (*(const char *name))()>;
// A session on the program's own libpq connection, in whose open transaction it works. kUnsupported "tx.not_postgres".
base::Result<std::unique_ptr<store::Session>> adopt_session(live::LedgerState &ledger, void *pgconn,
                                                            const Resolver &resolve, const std::string &library);

// Whether a refusal of the database's, by its SQLSTATE or SQLite's name of it, says that a race was lost.
bool lost_race(std::string_view sqlstate);

}  // namespace cala::api
