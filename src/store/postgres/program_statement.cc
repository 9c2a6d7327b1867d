#include "store/postgres/program_statement.h"

#include <charconv>
#include <vector>

#include "store/postgres/error_table.h"
#include "store/program_rows.h"

namespace cala::store::postgres {

bool send_program(const LibpqApi &api, PGconn *connection, const ProgramStatement &statement) {
  std::vector<const char *> values;
  for (const std::optional<std::string> &parameter : statement.parameters) {
    values.push_back(parameter ? parameter->c_str() : nullptr);
  }
  return api.PQsendQueryParams(connection, statement.sql.c_str(), static_cast<int>(values.size()), nullptr,
                               values.data(), nullptr, nullptr, 0) == 1;
}

base::Result<std::string> program_document(const LibpqApi &api, const PGresult *result) {
  ProgramRows rows;
  const int width = api.PQnfields(result);
  for (int column = 0; column < width; ++column) rows.column(api.PQfname(result, column));
  const int count = api.PQntuples(result);
  for (int row = 0; row < count && !rows.too_many(); ++row) {
    for (int column = 0; column < width; ++column) {
      if (api.PQgetisnull(result, row, column) == 1) {
        rows.null();
      } else {
        rows.text(
            {api.PQgetvalue(result, row, column), static_cast<std::size_t>(api.PQgetlength(result, row, column))});
      }
    }
    rows.end_row();
  }
  // A SELECT's tag counts rows as well.
  const std::string_view tag = api.PQcmdStatus(const_cast<PGresult *>(result));
  const std::string_view number = api.PQcmdTuples(const_cast<PGresult *>(result));
  std::int64_t affected = 0;
  if (!tag.starts_with("SELECT")) std::from_chars(number.data(), number.data() + number.size(), affected);
  return rows.take(affected);
}

bool ends_transaction(const LibpqApi &api, const PGresult *result) {
  const std::string_view tag = api.PQcmdStatus(const_cast<PGresult *>(result));
  return tag == "COMMIT" || tag == "ROLLBACK" || tag == "PREPARE TRANSACTION";
}

base::Error program_ended_transaction() {
  base::Error error = base::make_error(base::Status::kMisuse, "tx.over",
                                       "the statement ended the transaction: what came before it is committed, unless "
                                       "it was rolled back");
  error.tx_state = base::TxState::kAborted;
  return error;
}

base::Error program_refused(const LibpqApi &api, const PGresult *result) {
  if (api.PQresultStatus(result) == PGRES_EMPTY_QUERY) {
    return base::make_error(base::Status::kInvalid, "tx.statement", "there is no statement");
  }
  const char *sqlstate = api.PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char *message = api.PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return program_error_of_sqlstate(sqlstate == nullptr ? "" : sqlstate, message == nullptr ? "" : message);
}

}  // namespace cala::store::postgres
