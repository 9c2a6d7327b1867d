// The embedded store's language: statements for our own SQLite and for a program's (sqlite_dialect.cc), refusals in the
// ledger's words (error_table.h). Immutable; any thread.
//
// A write gives back no row: where the port speaks of `changed`, the statement fails with kConflict "<noun>.changed"
// instead and has written nothing; where it succeeds, its answer is {"changed":[]}.
//
// SQLite has no name for a transaction, so a guard cannot prove that read and write ran in the same one. It says what
// the ledger looked like at the read (the number of changes to accounts, journals and templates, the next entry's and
// transaction's numbers); the write refuses, "transaction.none", when anything has been written in between. Nothing can
// get lost that way.
#pragma once

#include <memory>

#include "store/port.h"
#include "store/sqlite/statements.h"

namespace cala::store::sqlite {

class SqliteDialect final : public Dialect {
 public:
  SqlStatement encode(const Request &request, Placeholder placeholder) const override;
  base::Result<Answer> decode(const Request &request, std::string_view text) const override;
  base::Error error_of(std::string_view sqlstate, std::string_view message) const override;
  std::vector<std::string> migration_statements(std::int64_t from_version) const override;
  std::int64_t schema_version() const override;

 private:
  StatementCatalogue catalogue_;
};

}  // namespace cala::store::sqlite

namespace cala::store {

std::unique_ptr<Dialect> make_sqlite_dialect();

}  // namespace cala::store
