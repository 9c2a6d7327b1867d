// A statement of the program's own on a libpq connection: sent with text parameters, answered as the document of
// store/program_rows.h, refused in the words of tx_exec. One thread at a time.
#pragma once

#include <string>

#include "base/error.h"
#include "store/port.h"
#include "store/postgres/libpq_api.h"

namespace cala::store::postgres {

// Whether it went out.
bool send_program(const LibpqApi &api, PGconn *connection, const ProgramStatement &statement);
base::Result<std::string> program_document(const LibpqApi &api, const PGresult *result);
// kInvalid "tx.statement", kConflict "tx.constraint", or what the ledger's own statements would be told.
// Whether a statement that succeeded was COMMIT, ROLLBACK or their like, by the server's own word; and the answer then,
// kMisuse "tx.over".
bool ends_transaction(const LibpqApi &api, const PGresult *result);
base::Error program_ended_transaction();
base::Error program_refused(const LibpqApi &api, const PGresult *result);

}  // namespace cala::store::postgres
