// What SQLite's refusals mean in the ledger's words: for our own connection and for a program's driver, which has the
// message and, with luck, the name of the code. Pure.
#pragma once

#include <string_view>

#include "base/error.h"

namespace cala::store::sqlite {

// code_name: as SQLite spells it ("SQLITE_BUSY_SNAPSHOT"), or empty; message: SQLite's, or the driver's around it.
base::Error error_of_message(std::string_view code_name, std::string_view message);

// The same for a statement of the program's own: what is wrong with it is told in SQLite's words.
base::Error program_error_of_message(std::string_view code_name, std::string_view message);

// The name of an extended result code, of its primary code when we have none of its own, else "SQLITE_ERROR".
std::string_view code_name_of(int extended_code);

base::Error corrupt_row(std::string_view what);

}  // namespace cala::store::sqlite
