// PostgresDialect: requests as calls of the versioned functions in one schema, and what comes back as answers. Every statement
// is SELECT "schema".name_v1($1::text::jsonb)::text: one text parameter, one row with one text, the same for every driver, and
// no more to plan than a function call. Immutable after construction; shared by all threads.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "store/port.h"

namespace cala::store::postgres {

class PostgresDialect final : public Dialect {
 public:
  explicit PostgresDialect(std::string_view schema);  // a valid schema name

  SqlStatement encode(const Request &request, Placeholder placeholder) const override;
  base::Result<Answer> decode(const Request &request, std::string_view text) const override;
  base::Error error_of(std::string_view sqlstate, std::string_view message) const override;
  std::vector<std::string> migration_statements(std::int64_t from_version) const override;
  std::int64_t schema_version() const override;

  const std::string &schema() const { return schema_; }

 private:
  using Texts = std::array<std::string, kStatementCount>;

  std::string schema_;
  std::array<Texts, 3> sql_;  // by placeholder
};

// For hosts that run the statements on a connection of their own. kInvalid "config.schema" when the name is not valid.
base::Result<std::unique_ptr<Dialect>> make_postgres_dialect(std::string_view schema);

}  // namespace cala::store::postgres
