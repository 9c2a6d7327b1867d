// SQL of a test's own on a store, past the library: through the database's client library, which is loaded when it is
// needed, so that the tests link with nothing but libcala.
#pragma once

#include <string>

#include "ledger_client.h"

namespace cala::tests {

// Runs one statement that gives no rows. What went wrong, or empty.
std::string run_sql(const TestStore &store, const std::string &sql);

}  // namespace cala::tests
