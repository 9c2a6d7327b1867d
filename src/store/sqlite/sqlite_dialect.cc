#include "store/sqlite/sqlite_dialect.h"

#include "store/sqlite/error_table.h"
#include "store/sqlite/posting_documents.h"

namespace cala::store {

namespace sqlite {

SqlStatement SqliteDialect::encode(const Request &request, Placeholder placeholder) const {
  if (std::optional<SqlStatement> plain = plain_statement(request)) return *plain;
  SqlStatement statement;
  if (const auto *call = std::get_if<Call>(&request)) {
    statement.id = call->id;
    statement.parameter = call->document;
    statement.writes = call->writes;
  } else if (const auto *read = std::get_if<PostingRead>(&request)) {
    statement.id = StatementId::kPostingRead;
    statement.parameter = posting_read_document(*read);
  } else {
    statement.id = StatementId::kPostingWrite;
    statement.writes = true;
    base::Result<PostingPlan> plan = plan_posting(std::get<PostingWrite>(request));
    // encode() cannot fail: a write that does not hang together becomes a document that the trigger refuses.
    statement.parameter = plan ? posting_write_document(*plan) : R"({"seen":""})";
  }
  statement.returns_row = !statement.writes;
  statement.name = statement_name(statement.id);
  statement.sql = catalogue_.sql(statement.id, placeholder);
  return statement;
}

base::Result<Answer> SqliteDialect::decode(const Request &request, std::string_view text) const {
  if (const auto *call = std::get_if<Call>(&request)) {
    // A write gives no row back, or one with a number where the program has PRAGMA count_changes.
    const bool is_count = text.find_first_not_of("0123456789") == std::string_view::npos;
    if (call->writes && is_count) return Answer(std::string(R"({"changed":[]})"));
    return Answer(std::string(text));
  }
  if (const auto *read = std::get_if<PostingRead>(&request)) {
    base::Result<PostingState> state = posting_state_of(*read, text);
    if (!state) return std::move(state.error());
    return Answer(state.take());
  }
  return Answer(Written{});
}

base::Error SqliteDialect::error_of(std::string_view sqlstate, std::string_view message) const {
  return error_of_message(sqlstate, message);
}

std::vector<std::string> SqliteDialect::migration_statements(std::int64_t from_version) const {
  return migrations_after(from_version);
}

std::int64_t SqliteDialect::schema_version() const { return newest_migration(); }

}  // namespace sqlite

std::unique_ptr<Dialect> make_sqlite_dialect() { return std::make_unique<sqlite::SqliteDialect>(); }

}  // namespace cala::store
