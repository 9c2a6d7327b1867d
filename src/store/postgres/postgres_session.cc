#include "store/postgres/postgres_session.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "platform/socket.h"
#include "store/postgres/error_table.h"
#include "store/postgres/program_statement.h"

namespace cala::store::postgres {
namespace {

using base::Error;
using base::Outcome;
using base::Result;

constexpr std::string_view kReadOnly = "25006";
constexpr std::size_t kMostParameters = std::max(kPostingReadParameters, kPostingWriteParameters);
constexpr int kLookMs = 500;  // how often a statement looks whether it was cancelled long ago
// The timeline tells a server from another one, promoted, that gave the same number to another transaction.
constexpr const char *kNameSql =
    "SELECT CASE WHEN pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL THEN "
    "pg_catalog.pg_current_xact_id_if_assigned()::text || '/' || "
    "pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) END";
constexpr auto kLongestPause = std::chrono::milliseconds(1000);
constexpr const char *kBeginSql = "BEGIN ISOLATION LEVEL READ COMMITTED";

}  // namespace

// What went out in one flush, and what came back, command by command; results end early when the connection breaks.
struct PostgresSession::Flight {
  std::vector<Command> commands;
  std::vector<ResultPtr> results;
  bool ended_transaction = false;  // something was sent that would commit
  bool synced = false;             // the server came to the end of it
};

Result<std::unique_ptr<Session>> PostgresSession::start(std::unique_ptr<Connection> connection,
                                                        const PostgresDialect &dialect, Inquiry inquiry) {
  if (connection->api().PQenterPipelineMode(connection->raw()) != 1) return connection_lost();
  return std::unique_ptr<Session>(new PostgresSession(std::move(connection), dialect, inquiry));
}

PostgresSession::PostgresSession(std::unique_ptr<Connection> connection, const PostgresDialect &dialect,
                                 Inquiry inquiry)
    : connection_(std::move(connection)), dialect_(dialect), inquiry_(inquiry) {}

Outcome PostgresSession::begin(Access access) {
  // Found out now, a server that went away is a plain retry; found out by a commit, its outcome would be unknown.
  if (broken_ || stale_ || !connection_->is_alive_now()) {
    broken_ = true;
    return connection_lost();
  }
  name_.clear();
  trace_.clear();
  stage_ = access == Access::kRead ? Stage::kReading : Stage::kToBegin;
  return {};
}

Result<Answer> PostgresSession::run(const Request &request, Then then) {
  if (std::holds_alternative<Ddl>(request)) {
    return base::make_error(base::Status::kMisuse, "store.misuse", "a store of our own migrates by Store::migrate");
  }
  if (!usable()) return connection_lost();
  if (const auto *program = std::get_if<ProgramStatement>(&request)) return run_program(*program);
  if (const auto *end = std::get_if<EndPrepared>(&request)) return end_prepared(*end);
  const bool rows = std::holds_alternative<PostingRead>(request) || std::holds_alternative<PostingWrite>(request);
  if (rows && !types_) {
    if (Outcome learned = learn_types(); !learned) return std::move(learned.error());
  }
  const OwnStatement statement = dialect_.encode_own(request, types_.value_or(RowTypes()), trace_);
  std::vector<Command> commands = begin_with(then);
  const bool plain = statement.parameters.empty();
  const bool by_name = !plain && !says_trace(statement);
  if (by_name && !prepared_[static_cast<std::size_t>(statement.id)]) commands.push_back(Command::kPrepare);
  commands.push_back(plain ? Command::kPlain : Command::kRequest);
  if (stage_ == Stage::kOpen && then == Then::kCommits) commands.push_back(Command::kCommit);
  if (stage_ == Stage::kOpen && then == Then::kStaysOpen && !plain && statement.writes)
    commands.push_back(Command::kName);
  const Flight flight = fly(std::move(commands), {.own = &statement});
  return landed(flight, request, statement.id, then);
}

// Once for a connection, before its first posting. A schema that is not there has none: the posting says so.
Outcome PostgresSession::learn_types() {
  const Flight flight = fly({Command::kTypes}, {});
  const LibpqApi &api = connection_->api();
  if (!flight.synced || api.PQresultStatus(flight.results[0].get()) != PGRES_TUPLES_OK)
    return failure_of(flight, Then::kStaysOpen);
  types_ = PostgresDialect::parse_types(api.PQgetvalue(flight.results[0].get(), 0, 0));
  return {};
}

// What goes before a transaction's first request; a single one that commits needs nothing.
std::vector<PostgresSession::Command> PostgresSession::begin_with(Then then) {
  if (stage_ != Stage::kToBegin || then == Then::kCommits) return {};
  stage_ = Stage::kOpen;
  return {Command::kBegin};
}

Result<Answer> PostgresSession::run_program(const ProgramStatement &statement) {
  std::vector<Command> commands = begin_with(Then::kStaysOpen);
  const std::size_t place = commands.size();
  commands.push_back(Command::kProgram);
  commands.push_back(Command::kName);
  const Flight flight = fly(std::move(commands), {.program = &statement});
  const LibpqApi &api = connection_->api();
  const PGresult *result =
      flight.results.empty() ? nullptr : flight.results[std::min(place, flight.results.size() - 1)].get();
  const ExecStatusType status = api.PQresultStatus(result);
  if (!flight.synced || (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)) {
    if (flight.results.size() < flight.commands.size() || !flight.synced) return connection_lost();
    if (api.PQtransactionStatus(connection_->raw()) == PQTRANS_IDLE) return program_ended_transaction();
    return program_refused(api, result);
  }
  // What follows the statement was refused: it may have set a statement_timeout that nothing can keep.
  if (api.PQtransactionStatus(connection_->raw()) == PQTRANS_INERROR) {
    return program_refused(api, flight.results.back().get());
  }
  // With AND CHAIN there is a transaction again, but another one.
  if (api.PQtransactionStatus(connection_->raw()) != PQTRANS_INTRANS || ends_transaction(api, result)) {
    return program_ended_transaction();
  }
  take_name(flight);
  Result<std::string> document = program_document(api, result);
  if (!document) return std::move(document.error());
  return Answer(document.take());
}

Result<Answer> PostgresSession::landed(const Flight &flight, const Request &request, StatementId id, Then then) {
  const LibpqApi &api = connection_->api();
  const PGresult *answer = nullptr;
  bool done = flight.synced;
  for (std::size_t i = 0; i < flight.results.size(); ++i) {
    const PGresult *result = flight.results[i].get();
    const ExecStatusType status = api.PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      Error error = failure_of(flight, then);
      stale_ = stale_ || error.sqlstate == kReadOnly;  // the next one may be connected to a server that takes writes
      // What was learned of the types may be of a schema that was made anew since.
      stale_ = stale_ || (types_ && (error.sqlstate.starts_with("42") || error.sqlstate.starts_with("XX")));
      return error;
    }
    if (flight.commands[i] == Command::kPrepare) prepared_[static_cast<std::size_t>(id)] = true;
    if (flight.commands[i] == Command::kRequest || flight.commands[i] == Command::kPlain) answer = result;
    if (flight.commands[i] == Command::kCommit) done = true;  // whatever becomes of the connection now
  }
  if (answer == nullptr || !done) return failure_of(flight, then);
  if (then == Then::kCommits) stage_ = Stage::kIdle;
  take_name(flight);
  std::string_view text;
  if (api.PQntuples(answer) == 1 && api.PQgetisnull(answer, 0, 0) == 0) {
    text = {api.PQgetvalue(answer, 0, 0), static_cast<std::size_t>(api.PQgetlength(answer, 0, 0))};
  }
  return dialect_.decode(request, text);
}

// The server's own refusal settles the matter: nothing was committed. Without one, a commit that was sent may have
// happened. A COMMIT that is answered by the end of the connection may have happened too: with synchronous replication
// it does its work before it waits.
Error PostgresSession::failure_of(const Flight &flight, Then then) const {
  const LibpqApi &api = connection_->api();
  for (std::size_t i = 0; i < flight.results.size(); ++i) {
    if (flight.commands[i] == Command::kCommit && !flight.synced) break;
    const PGresult *result = flight.results[i].get();
    if (api.PQresultErrorField(result, PG_DIAG_SQLSTATE) != nullptr) return connection_->error_of(result);
  }
  if (then == Then::kCommits && flight.ended_transaction && stage_ != Stage::kReading) return outcome_unknown();
  return connection_lost();
}

PostgresSession::Flight PostgresSession::fly(std::vector<Command> commands, Carried carried) {
  Flight flight;
  flight.commands = std::move(commands);
  connection_->canceller().begin();
  const bool was_broken = std::exchange(broken_, true);  // should something throw half-way
  bool sent = true;
  for (const Command command : flight.commands) {
    flight.ended_transaction = flight.ended_transaction || command == Command::kCommit;
    sent = sent && send(command, carried);
  }
  flight.ended_transaction = flight.ended_transaction || (sent && stage_ != Stage::kOpen);
  if (sent && connection_->api().PQpipelineSync(connection_->raw()) == 1) collect(flight);
  const bool quiet = connection_->canceller().end();
  broken_ = was_broken || !flight.synced || !quiet;
  return flight;
}

bool PostgresSession::send(Command command, Carried carried) {
  const LibpqApi &api = connection_->api();
  PGconn *raw = connection_->raw();
  const auto plain = [&](const char *sql) {
    return api.PQsendQueryParams(raw, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
  };
  switch (command) {
    case Command::kBegin: return plain(kBeginSql);
    case Command::kName: return plain(kNameSql);
    case Command::kCommit: return plain("COMMIT");
    case Command::kRollback: return plain("ROLLBACK");
    case Command::kPrepare: return api.PQsendPrepare(raw, carried.own->name, carried.own->sql, 0, nullptr) == 1;
    case Command::kPlain: return plain(carried.own->sql);
    case Command::kTypes: return plain(dialect_.types_sql().c_str());
    case Command::kProgram: return send_program(api, raw, *carried.program);
    case Command::kRequest: return send_request(*carried.own);
  }
  return false;
}

// A posting's statements cost less by their names: the transaction goes by its trace while it reads, and what writes
// has its locks already and hardly waits for anybody.
bool PostgresSession::says_trace(const OwnStatement &statement) const {
  return !trace_.empty() && statement.id != StatementId::kPostingRead && statement.id != StatementId::kPostingWrite;
}

bool PostgresSession::send_request(const OwnStatement &statement) {
  std::array<const char *, kMostParameters> values{};
  std::array<int, kMostParameters> lengths{};
  std::array<int, kMostParameters> formats{};
  const std::size_t count = statement.parameters.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Parameter &parameter = statement.parameters[i];
    values[i] = parameter.null ? nullptr : parameter.value.c_str();
    lengths[i] = static_cast<int>(parameter.value.size());
    formats[i] = parameter.binary ? 1 : 0;
  }
  const LibpqApi &api = connection_->api();
  if (says_trace(statement)) {
    const std::string sql = std::string(statement.sql) + " /*traceparent='" + trace_ + "'*/";
    return api.PQsendQueryParams(connection_->raw(), sql.c_str(), static_cast<int>(count), nullptr, values.data(),
                                 lengths.data(), formats.data(), 0) == 1;
  }
  return api.PQsendQueryPrepared(connection_->raw(), statement.name, static_cast<int>(count), values.data(),
                                 lengths.data(), formats.data(), 0) == 1;
}

// False when it was asked to cancel and is silent all the same: it is not waited for any longer.
bool PostgresSession::await_answer() {
  const LibpqApi &api = connection_->api();
  PGconn *raw = connection_->raw();
  while (api.PQisBusy(raw) == 1) {
    if (connection_->canceller().overdue()) return false;
    const int ready = platform::wait_for_socket(api.PQsocket(raw), platform::WaitFor::kReadable, kLookMs);
    if (ready < 0) return true;
    if (ready > 0 && api.PQconsumeInput(raw) != 1) return true;  // PQgetResult says why
  }
  return true;
}

void PostgresSession::collect(Flight &flight) {
  const LibpqApi &api = connection_->api();
  PGconn *raw = connection_->raw();
  while (flight.results.size() < flight.commands.size()) {
    if (!await_answer()) return;
    ResultPtr first(api.PQgetResult(raw), ClearResult{&api});
    if (!first) return;
    const bool lost = !connection_->is_alive() && api.PQresultErrorField(first.get(), PG_DIAG_SQLSTATE) == nullptr &&
                      api.PQresultStatus(first.get()) == PGRES_FATAL_ERROR;
    flight.results.push_back(std::move(first));
    if (lost) return;
    while (ResultPtr rest{api.PQgetResult(raw), ClearResult{&api}}) {
    }
  }
  if (!await_answer()) return;
  const ResultPtr end(api.PQgetResult(raw), ClearResult{&api});
  flight.synced = end && api.PQresultStatus(end.get()) == PGRES_PIPELINE_SYNC;
}

Outcome PostgresSession::commit() {
  if (stage_ != Stage::kOpen) {
    stage_ = Stage::kIdle;
    return {};
  }
  if (!usable()) return connection_lost();
  const Flight flight = fly({Command::kCommit}, {});
  const LibpqApi &api = connection_->api();
  if (flight.results.empty() || api.PQresultStatus(flight.results[0].get()) != PGRES_COMMAND_OK) {
    Error error = failure_of(flight, Then::kCommits);
    if (error.status != base::Status::kOutcomeUnknown) return error;
    return look_up_commit();
  }
  stage_ = Stage::kIdle;
  // A transaction that had failed before ends with COMMIT too, but its tag tells.
  const std::string_view tag = api.PQcmdStatus(flight.results[0].get());
  if (tag != "COMMIT") return dialect_.error_of("25P02", {});
  return {};
}

void PostgresSession::take_name(const Flight &flight) {
  const LibpqApi &api = connection_->api();
  for (std::size_t i = 0; i < flight.results.size(); ++i) {
    const PGresult *result = flight.results[i].get();
    if (flight.commands[i] != Command::kName || api.PQntuples(result) != 1) continue;
    if (api.PQgetisnull(result, 0, 0) == 0) name_ = api.PQgetvalue(result, 0, 0);
  }
}

// One text, in the transaction that is open, which begins with it if need be.
Result<std::string> PostgresSession::ask(const std::string &sql, const std::string &parameter) {
  std::vector<Command> commands = begin_with(Then::kStaysOpen);
  commands.push_back(Command::kProgram);
  const ProgramStatement statement{sql, {parameter}};
  const Flight flight = fly(std::move(commands), {.program = &statement});
  const LibpqApi &api = connection_->api();
  const PGresult *result = flight.synced ? flight.results.back().get() : nullptr;
  if (api.PQresultStatus(result) != PGRES_TUPLES_OK || api.PQntuples(result) != 1)
    return failure_of(flight, Then::kStaysOpen);
  return std::string(api.PQgetvalue(result, 0, 0));
}

// A statement by itself, and its tag. kOutcomeUnknown where its answer was lost.
Result<std::string> PostgresSession::run_alone(const std::string &sql) {
  const ProgramStatement statement{sql, {}};
  const Flight flight = fly({Command::kProgram}, {.program = &statement});
  const LibpqApi &api = connection_->api();
  PGresult *result = flight.results.empty() ? nullptr : flight.results[0].get();
  if (api.PQresultStatus(result) == PGRES_COMMAND_OK) return std::string(api.PQcmdStatus(result));
  if (!flight.synced) return outcome_unknown();
  Error error = connection_->error_of(result);
  stale_ = stale_ || error.sqlstate == kReadOnly;
  return error;
}

std::string became_sql(const std::string &transaction) {
  const std::size_t mark = transaction.find('/');
  return "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby' "
         "WHEN pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) <> '" +
         transaction.substr(mark + 1) + "' THEN 'another' ELSE pg_catalog.pg_xact_status('" +
         transaction.substr(0, mark) + "') END";
}

Outcome PostgresSession::look_up_commit() const {
  if (name_.empty()) return connection_lost();  // it wrote nothing
  return inquire(became_sql(name_), [](Connection &, const std::string &became) {
    std::optional<Outcome> settled;
    if (became == "committed") settled.emplace();
    if (became == "aborted") settled.emplace(connection_lost());
    return settled;
  });
}

// A transaction whose connection broke may still be at its commit.
Outcome PostgresSession::inquire(const std::string &sql, const Settle &settle) const {
  const auto end = std::chrono::steady_clock::now() + inquiry_.limit;
  for (auto pause = std::chrono::milliseconds(20);; pause = std::min(pause * 2, kLongestPause)) {
    Result<std::unique_ptr<Connection>> connection = Connection::open(connection_->api(), inquiry_.target);
    const Result<std::string> became = connection ? (*connection)->run(sql) : std::move(connection.error());
    if (became) {
      if (std::optional<Outcome> settled = settle(**connection, *became)) return std::move(*settled);
    }
    const auto left = end - std::chrono::steady_clock::now();
    const bool may_come =
        became ? *became == "in progress" || *became == "standby" || *became == "prepared" : became.error().retryable;
    if (!may_come || left <= std::chrono::milliseconds(0)) return outcome_unknown();
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(pause, left));
  }
}

void PostgresSession::rollback() {
  if (stage_ == Stage::kOpen && usable()) fly({Command::kRollback}, {});
  stage_ = Stage::kIdle;
}

bool PostgresSession::healthy() const { return usable() && !stale_ && stage_ != Stage::kOpen; }

}  // namespace cala::store::postgres
