// What PostgreSQL's refusals mean in the ledger's words: one table from SQLSTATE to error. Pure functions.
#pragma once

#include <string_view>

#include "base/error.h"

namespace cala::store::postgres {

// message: PostgreSQL's primary message; its constraint names tell which column was taken, in every language.
base::Error error_of_sqlstate(std::string_view sqlstate, std::string_view message);

// The same for a statement of the program's own: what is wrong with it is the program's business and told in
// PostgreSQL's words.
base::Error program_error_of_sqlstate(std::string_view sqlstate, std::string_view message);

// A transaction id or external id that another session took since it was read: retryable.
base::Error taken_meanwhile();

// The connection broke. outcome_unknown: after a commit was sent and before its answer came.
base::Error connection_lost();
// kMisuse "transaction.none": what read and what writes are not in one transaction. Nothing is aborted by it.
base::Error no_transaction();
base::Error outcome_unknown();
// kMisuse "tx.encoding": the connection speaks another encoding than UTF8. Nothing was run, nothing is aborted.
base::Error wrong_encoding(std::string_view client_encoding);

}  // namespace cala::store::postgres
