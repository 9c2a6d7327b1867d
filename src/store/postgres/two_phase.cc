// Two-phase commit on a session: a transaction is prepared on one connection and ended on any. Neither is ever guessed:
// an answer that was lost is looked up, by the transaction's number and by what it is called.
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "store/postgres/error_table.h"
#include "store/postgres/postgres_session.h"

namespace cala::store::postgres {
namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

constexpr std::string_view kNoSuchPrepared = "42704";
constexpr std::string_view kTaken = "42710";
constexpr std::string_view kNotNow =
    "55000";  // prepared transactions are disabled; one is being ended by another session
constexpr std::string_view kNoRoom = "53200";

std::string document_of(const std::string &gid) {
  base::JsonWriter document;
  return document.begin_object().key("gid").string(gid).end_object().take();
}

Error exists(const std::string &gid) {
  Error error =
      base::make_error(Status::kConflict, "prepared.exists", "a transaction is prepared under this gid already");
  error.details = document_of(gid);
  return error;
}

Error disabled() {
  return base::make_error(Status::kUnsupported, "prepared.disabled",
                          "max_prepared_transactions is 0, so PostgreSQL prepares no transaction; set it to as many as "
                          "may be prepared at once, and start PostgreSQL again");
}

Error too_many() {
  Error error = base::make_error(Status::kBusy, "prepared.too_many",
                                 "as many transactions are prepared as max_prepared_transactions allows");
  error.retryable = true;
  return error;
}

Error not_found() {
  return base::make_error(Status::kNotFound, "prepared.not_found", "another has ended the prepared transaction");
}

Error busy() {
  Error error = base::make_error(Status::kBusy, "prepared.busy", "another session is ending the prepared transaction");
  error.retryable = true;
  return error;
}

// PREPARE TRANSACTION was refused: that ends the transaction.
Error not_prepared(Error refused, const std::string &gid) {
  Error error = std::move(refused);
  const std::string sqlstate = error.sqlstate;
  if (sqlstate == kTaken) error = exists(gid);
  if (sqlstate == kNotNow) error = disabled();
  if (sqlstate == kNoRoom) error = too_many();
  error.sqlstate = sqlstate;
  error.tx_state = base::TxState::kAborted;
  return error;
}

Error not_ended(Error refused) {
  Error error = std::move(refused);
  const std::string sqlstate = error.sqlstate;
  if (sqlstate == kNoSuchPrepared) error = not_found();
  if (sqlstate == kNotNow) error = busy();
  error.sqlstate = sqlstate;
  error.tx_state = base::TxState::kUsable;  // it was in none
  return error;
}

std::string lower_half(const std::string &transaction) {
  std::uint64_t number = 0;
  std::from_chars(transaction.data(), transaction.data() + transaction.size(), number);
  return std::to_string(number & 0xffffffffU);
}

// While it is prepared: what it is called and its number are shown together, whatever server has it now.
std::string prepared_or_became(const std::string &name, const std::string &transaction) {
  return "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts x WHERE x.gid OPERATOR(pg_catalog.=) " +
         name + " AND x.transaction::pg_catalog.text OPERATOR(pg_catalog.=) '" + lower_half(transaction) +
         "') THEN 'prepared' ELSE (" + became_sql(transaction) + ") END";
}

}  // namespace

Outcome PostgresSession::prepare(const std::string &gid) {
  if (!usable()) return connection_lost();
  const Result<std::string> found = ask(dialect_.prepare_sql(), document_of(gid));
  if (!found) return Error(found.error());
  const Result<base::Json> how = base::Json::parse(*found);
  if (!how) return Error(how.error());
  if (const base::JsonView other = how->root().get("client_encoding"); other.present()) {
    return wrong_encoding(other.string());
  }
  const std::string_view refusal = how->root().get("refusal").string();
  if (refusal == "disabled") return disabled();
  if (refusal == "exists") return exists(gid);
  if (refusal == "full") return too_many();
  const std::string name(how->root().get("name").string());
  const std::string transaction(how->root().get("transaction").string());
  Result<std::string> prepared = run_alone("PREPARE TRANSACTION " + name);
  if (prepared) {
    stage_ = Stage::kIdle;
    // A transaction that had failed before is rolled back, and its tag tells.
    if (*prepared != "PREPARE TRANSACTION") return dialect_.error_of("25P02", {});
    return {};
  }
  if (prepared.error().status != Status::kOutcomeUnknown) return not_prepared(std::move(prepared.error()), gid);
  return inquire(prepared_or_became(name, transaction), [](Connection &, const std::string &became) {
    std::optional<Outcome> settled;
    if (became == "prepared" || became == "committed") settled.emplace();  // somebody may have ended it already
    if (became == "aborted") settled.emplace(connection_lost());
    return settled;
  });
}

Result<Answer> PostgresSession::end_prepared(const EndPrepared &end) {
  rollback();  // what was looked at
  if (!usable()) return connection_lost();
  const std::string sql = (end.commit ? "COMMIT PREPARED " : "ROLLBACK PREPARED ") + end.name;
  Result<std::string> ended = run_alone(sql);
  if (ended) return Answer(Written{});
  if (ended.error().status != Status::kOutcomeUnknown) return not_ended(std::move(ended.error()));
  Outcome found =
      inquire(prepared_or_became(end.name, end.transaction), [&](Connection &connection, const std::string &became) {
        std::optional<Outcome> settled;
        if (became == "committed" || became == "aborted") {
          settled.emplace();
          if ((became == "committed") != end.commit) settled.emplace(not_found());
        }
        if (became != "prepared") return settled;
        Result<std::string> again = connection.run(sql);
        if (again) {
          settled.emplace();
        } else if (const Error &why = again.error();
                   !why.retryable && why.sqlstate != kNoSuchPrepared && why.sqlstate != kNotNow) {
          settled.emplace(not_ended(std::move(again.error())));
        }
        return settled;
      });
  if (!found) return std::move(found.error());
  return Answer(Written{});
}

}  // namespace cala::store::postgres
