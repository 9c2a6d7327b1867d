// A libpq connection of the program's, in whose open transaction the ledger takes part. It is used with the functions
// of the very copy of libpq that made it, since PGconn differs between copies; it is never closed, nor its transaction
// ended. Statements are not prepared: the connection may stand behind a pooler.
// One thread at a time, but for interrupt().
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "store/port.h"

namespace cala::store::postgres {

// Any function's address, by name; null when there is none.
using FunctionResolver = std::function<void (*(const char *name))()>;

// resolve: where libpq's functions are; empty: in the loaded module `library` or, when that is empty too, in the
// program itself. kMisuse "transaction.none", "tx.connection", "tx.encoding"; kInvalid "tx.libpq". The dialect outlives
// the session.
base::Result<std::unique_ptr<Session>> adopt_connection(void *pgconn, const FunctionResolver &resolve,
                                                        const std::string &library, const Dialect &dialect);

}  // namespace cala::store::postgres
