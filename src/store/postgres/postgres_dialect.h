// PostgresDialect: requests as calls of the versioned functions in one schema, and what comes back as answers. Every
// statement is SELECT "schema".name_v1($1::text::jsonb)::text: one text parameter, one row with one text, the same for
// every driver, and no more to plan than a function call. A connection of ours sends the rows of postings in binary
// instead (encode_own). Immutable after construction; shared by all threads.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "store/port.h"
#include "store/postgres/posting_codec.h"

namespace cala::store::postgres {

// A request as a connection of ours sends it.
struct OwnStatement {
  StatementId id = StatementId::kSchemaProbe;
  const char *name = "";  // as SqlStatement
  const char *sql = "";
  std::vector<Parameter> parameters{};
  bool writes = false;
};

class PostgresDialect final : public Dialect {
 public:
  explicit PostgresDialect(std::string_view schema);  // a valid schema name

  SqlStatement encode(const Request &request, Placeholder placeholder) const override;
  // As encode, but for postings' rows, which cross in binary. types: as types_sql answered.
  OwnStatement encode_own(const Request &request, const RowTypes &types, std::string_view trace) const;
  // Asks a database what it calls the types of rows: one text, for parse_types.
  // Works without a schema, where it finds none.
  const std::string &types_sql() const { return types_sql_; }
  static RowTypes parse_types(std::string_view text);
  // Asks what the transaction is to be prepared as.
  const std::string &prepare_sql() const { return prepare_sql_; }
  base::Result<Answer> decode(const Request &request, std::string_view text) const override;
  base::Error error_of(std::string_view sqlstate, std::string_view message) const override;
  std::vector<std::string> migration_statements(std::int64_t from_version) const override;
  std::int64_t schema_version() const override;

  const std::string &schema() const { return schema_; }

 private:
  using Texts = std::array<std::string, kStatementCount>;

  std::string schema_;
  std::array<Texts, 3> sql_;  // by placeholder
  std::string read_rows_sql_;
  std::string write_rows_sql_;
  std::string types_sql_;
  std::string prepare_sql_;
};

// For programs that run the statements on a connection of their own.
// kInvalid "config.schema" when the name is not valid.
base::Result<std::unique_ptr<Dialect>> make_postgres_dialect(std::string_view schema);

}  // namespace cala::store::postgres
