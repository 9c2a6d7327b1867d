#include "store/postgres/postgres_dialect.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "core/rejection.h"
#include "store/postgres/error_table.h"
#include "store/postgres/migrations.h"
#include "store/postgres/posting_codec.h"
#include "store/schema_name.h"

namespace cala::store::postgres {
namespace {

constexpr std::array<std::string_view, 3> kPlaceholders = {"$1", "?", "%s"};

// These writes keep the JSON they are given as it is.
std::string_view parameter_type(StatementId id) {
  const bool verbatim = id == StatementId::kTxTemplateWrite || id == StatementId::kVelocityLimitWrite ||
                        id == StatementId::kVelocityAttachmentWrite;
  return verbatim ? "json" : "jsonb";
}

constexpr std::string_view kOtherEncoding = "{\"client_encoding\" : \"";  // as json_build_object writes it

// The ledger's texts are UTF-8. On a connection in another encoding the server would take them for that, and store
// other texts; so each statement looks first, and there does nothing but say so. Without an operator, which the
// session's search_path could give another meaning.
std::string only_in_utf8(const std::string &value) {
  return "SELECT CASE WHEN pg_catalog.nameeq(pg_catalog.pg_client_encoding(), 'UTF8') THEN " + value +
         "::pg_catalog.text ELSE pg_catalog.json_build_object('client_encoding', pg_catalog.pg_client_encoding())"
         "::pg_catalog.text END";
}

// The probe is no function: it is asked where there may be none. It also gives the id of the transaction that it is
// asked in, null where that has none.
std::string sql_of(StatementId id, std::string_view schema, std::string_view placeholder) {
  const std::string quoted = '"' + std::string(schema) + '"';
  const std::string text = std::string(placeholder) + "::pg_catalog.text";
  if (id == StatementId::kSchemaProbe) {
    return only_in_utf8("pg_catalog.json_build_object('present', pg_catalog.to_regclass('" + quoted +
                        ".migrations') IS NOT NULL AND " + text +
                        " IS NOT NULL, 'xid', pg_catalog.pg_current_xact_id_if_assigned()::pg_catalog.text)");
  }
  return only_in_utf8(quoted + "." + std::string(statement_name(id)) + "(" + text + "::pg_catalog." +
                      std::string(parameter_type(id)) + ")");
}

std::string rows_sql_of(std::string_view schema, std::string_view function, std::size_t parameters) {
  std::string sql = '"' + std::string(schema) + "\"." + std::string(function) + "(";
  for (std::size_t i = 1; i <= parameters; ++i) {
    if (i > 1) sql += ", ";
    sql += '$' + std::to_string(i);
  }
  return only_in_utf8(sql + ')');
}

std::string types_sql_of(std::string_view schema) {
  std::string sql = "SELECT pg_catalog.concat_ws(' '";
  for (const char *type : {"balance_key_v1", "posting_transaction_v1", "posting_entry_v1", "posting_history_v1",
                           "posting_balance_v1", "posting_bucket_v1", "layer", "direction"}) {
    sql += ", coalesce(pg_catalog.to_regtype('\"" + std::string(schema) + "\"." + type + "')::pg_catalog.oid, 0)";
  }
  return sql + ")";
}

struct Encoded {
  StatementId id = StatementId::kSchemaProbe;
  std::string parameter;
  bool writes = false;
};

Encoded encoded(const Call &call) { return {.id = call.id, .parameter = call.document, .writes = call.writes}; }
Encoded encoded(const PostingRead &read) {
  return {.id = StatementId::kPostingRead, .parameter = encode_posting_read(read)};
}
Encoded encoded(const PostingWrite &write) {
  return {.id = StatementId::kPostingWrite, .parameter = encode_posting_write(write), .writes = true};
}

// A list answers {"invalid": "after"} for a cursor that no list gave and {"unmarked": true} where a stable one does not
// know its end, {"unsettled": ...} where there is no newest place yet, a write {"exists": ...} for what is taken and
// {"elsewhere": true} in a transaction that is not the one that read.
base::Outcome refusal_in(std::string_view text) {
  // By far the most answers are rows, which the operation parses anyway.
  if (text.starts_with("{\"rows\"") || text.starts_with("{\"changed\"")) return {};
  const base::Result<base::Json> json = base::Json::parse(text);
  if (!json || !json->root().is_object()) {
    return base::make_error(base::Status::kInternal, "store.corrupt",
                            "PostgreSQL gave an answer that is no JSON object");
  }
  if (const base::JsonView key = json->root().get("invalid"); key.present()) {
    return base::make_error(base::Status::kInvalid, "request.malformed",
                            "\"" + std::string(key.string()) + "\" is not a cursor that this list gave");
  }
  if (json->root().get("unmarked").present()) {
    return base::make_error(base::Status::kUnavailable, "list.no_mark",
                            "where a stable list ends is noted by reading one, which cannot be done on a read-only "
                            "connection; read one on a connection that can write first");
  }
  if (const base::JsonView waited = json->root().get("unsettled"); waited.present()) {
    base::Error error = base::make_error(base::Status::kUnavailable, "list.no_mark",
                                         "where now is cannot be told: a transaction that has written, this one or one "
                                         "that began before the newest event, "
                                         "has not ended");
    error.retryable = waited.boolean();
    return error;
  }
  if (json->root().get("elsewhere").present()) return no_transaction();
  if (const base::JsonView taken = json->root().get("exists"); taken.present()) {
    return core::already_exists(taken.get("noun").string(), taken.get("column").string());
  }
  return {};
}

}  // namespace

PostgresDialect::PostgresDialect(std::string_view schema)
    : schema_(schema),
      read_rows_sql_(rows_sql_of(schema, "posting_read_rows_v1", kPostingReadParameters)),
      write_rows_sql_(rows_sql_of(schema, "posting_write_rows_v1", kPostingWriteParameters)),
      types_sql_(types_sql_of(schema)),
      prepare_sql_(only_in_utf8('"' + schema_ + "\".tx_prepare_v1($1::pg_catalog.jsonb)")) {
  for (std::size_t style = 0; style < kPlaceholders.size(); ++style) {
    for (std::size_t id = 0; id < kStatementCount; ++id) {
      sql_[style][id] = sql_of(static_cast<StatementId>(id), schema_, kPlaceholders[style]);
    }
  }
}

SqlStatement PostgresDialect::encode(const Request &request, Placeholder placeholder) const {
  if (std::optional<SqlStatement> plain = plain_statement(request)) return *plain;
  Encoded what{};
  if (const auto *call = std::get_if<Call>(&request)) what = encoded(*call);
  if (const auto *read = std::get_if<PostingRead>(&request)) what = encoded(*read);
  if (const auto *write = std::get_if<PostingWrite>(&request)) what = encoded(*write);
  SqlStatement statement;
  statement.id = what.id;
  statement.name = statement_name(what.id);
  statement.sql = sql_[static_cast<std::size_t>(placeholder)][static_cast<std::size_t>(what.id)];
  statement.parameter = std::move(what.parameter);
  statement.writes = what.writes;
  return statement;
}

OwnStatement PostgresDialect::encode_own(const Request &request, const RowTypes &types, std::string_view trace) const {
  if (const auto *read = std::get_if<PostingRead>(&request)) {
    return {.id = StatementId::kPostingRead,
            .name = "posting_read_rows_v1",
            .sql = read_rows_sql_.c_str(),
            .parameters = posting_read_parameters(*read, types, trace)};
  }
  if (const auto *write = std::get_if<PostingWrite>(&request)) {
    return {.id = StatementId::kPostingWrite,
            .name = "posting_write_rows_v1",
            .sql = write_rows_sql_.c_str(),
            .parameters = posting_write_parameters(*write, types),
            .writes = true};
  }
  SqlStatement statement = encode(request, Placeholder::kDollar);
  OwnStatement own{
      .id = statement.id, .name = statement.name.data(), .sql = statement.sql.data(), .writes = statement.writes};
  if (statement.has_parameter) own.parameters.push_back({.value = std::move(statement.parameter)});
  return own;
}

RowTypes PostgresDialect::parse_types(std::string_view text) {
  RowTypes types;
  for (TypeId *type : {&types.key, &types.transaction, &types.entry, &types.history, &types.balance, &types.bucket,
                       &types.layer, &types.direction}) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::from_chars(text.data(), text.data() + end, *type);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return types;
}

base::Result<Answer> PostgresDialect::decode(const Request &request, std::string_view text) const {
  if (text.starts_with(kOtherEncoding)) {
    text.remove_prefix(kOtherEncoding.size());
    return wrong_encoding(text.substr(0, text.find('"')));
  }
  if (std::holds_alternative<PostingRead>(request)) {
    base::Result<PostingState> state = decode_posting_read(text);
    if (!state) return std::move(state.error());
    return Answer(state.take());
  }
  if (std::holds_alternative<PostingWrite>(request)) {
    const base::Result<Written> written = decode_posting_write(text);
    if (!written) return base::Error(written.error());
    return Answer(Written{});
  }
  if (!std::holds_alternative<Call>(request)) return Answer(Written{});
  if (base::Outcome refusal = refusal_in(text); !refusal) return std::move(refusal.error());
  return Answer(std::string(text));
}

base::Error PostgresDialect::error_of(std::string_view sqlstate, std::string_view message) const {
  return error_of_sqlstate(sqlstate, message);
}

std::vector<std::string> PostgresDialect::migration_statements(std::int64_t from_version) const {
  return postgres::migration_statements(schema_, from_version);
}

std::int64_t PostgresDialect::schema_version() const { return newest_migration(); }

base::Result<std::unique_ptr<Dialect>> make_postgres_dialect(std::string_view schema) {
  if (!store::is_schema_name(schema)) {
    return base::make_error(base::Status::kInvalid, "config.schema",
                            "\"schema\" must be 1 to 63 of a-z, 0-9 and _, and not begin with a digit");
  }
  return std::unique_ptr<Dialect>(std::make_unique<PostgresDialect>(schema));
}

}  // namespace cala::store::postgres
