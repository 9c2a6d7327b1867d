#include "store/port.h"

namespace cala::store {

namespace {

std::string_view sql_of(Savepoint what) {
  if (what == Savepoint::kSet) return "SAVEPOINT cala";
  return what == Savepoint::kRollBack ? "ROLLBACK TO SAVEPOINT cala" : "RELEASE SAVEPOINT cala";
}

std::string_view name_of(Savepoint what) {
  if (what == Savepoint::kSet) return "savepoint";
  return what == Savepoint::kRollBack ? "savepoint_roll_back" : "savepoint_release";
}

}  // namespace

std::optional<SqlStatement> plain_statement(const Request &request) {
  SqlStatement statement;
  statement.has_parameter = false;
  statement.returns_row = false;
  if (const auto *ddl = std::get_if<Ddl>(&request)) {
    statement.name = "ledger_migrate";
    statement.sql = ddl->sql;
    statement.writes = true;
    return statement;
  }
  if (const auto *savepoint = std::get_if<Savepoint>(&request)) {
    statement.name = name_of(*savepoint);
    statement.sql = sql_of(*savepoint);
    return statement;
  }
  return std::nullopt;
}

base::Outcome Session::prepare(const std::string &) {
  return base::make_error(base::Status::kUnsupported, "tx.not_postgres",
                          "only a ledger on PostgreSQL can prepare transactions");
}

}  // namespace cala::store
