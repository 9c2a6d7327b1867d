// A statement of the program's own on our SQLite connection: one statement, text parameters, answered as the document
// of store/program_rows.h. One thread at a time.
#pragma once

#include <string>

#include "base/error.h"
#include "store/port.h"
#include "store/sqlite/sqlite_connection.h"

namespace cala::store::sqlite {

// kInvalid "tx.statement", kConflict "tx.constraint", or what the ledger's own statements would be told.
base::Result<std::string> execute_program(Connection &connection, const ProgramStatement &statement);

}  // namespace cala::store::sqlite
