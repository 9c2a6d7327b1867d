#include "store/sqlite/sqlite_session.h"

#include <sqlite3.h>

#include <utility>

#include "store/sqlite/error_table.h"
#include "store/sqlite/program_statement.h"

namespace cala::store::sqlite {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

Error no_transaction() { return error_of_message("", "cala:transaction.none"); }

Error aborted_transaction() {
  Error error =
      base::make_error(Status::kMisuse, "transaction.aborted", "the transaction failed before; only rollback is left");
  error.tx_state = base::TxState::kAborted;
  return error;
}

// SQLite itself interrupts what runs, and not what runs next.
Error interrupted_before(const Connection &connection) {
  Error error = connection.error(SQLITE_INTERRUPT);
  error.tx_state = base::TxState::kUsable;
  return error;
}

}  // namespace

SqliteSession::SqliteSession(std::unique_ptr<Connection> connection, const SqliteDialect &dialect, bool typed_postings)
    : connection_(std::move(connection)), dialect_(dialect), native_(*connection_), typed_postings_(typed_postings) {}

Outcome SqliteSession::begin(Access access) {
  if (connection_->in_transaction())
    return base::make_error(Status::kMisuse, "transaction.open", "a transaction is open already");
  if (access == Access::kWrite && connection_->is_read_only()) {
    return connection_->explained(error_of_message("SQLITE_READONLY", ""));
  }
  aborted_ = false;
  if (std::exchange(wrote_, false)) native_.forget();  // SQLite ended that transaction itself
  ++serial_;
  return control(access == Access::kWrite ? kBeginImmediate : kBegin);
}

Result<Answer> SqliteSession::execute(const Request &request) {
  const auto *savepoint = std::get_if<Savepoint>(&request);
  if (savepoint != nullptr) return run_savepoint(*savepoint, dialect_.encode(request, Placeholder::kQmark));
  if (is_aborted()) return aborted_transaction();
  if (connection_->is_interrupted()) return interrupted_before(*connection_);
  const auto *call = std::get_if<Call>(&request);
  wrote_ = wrote_ || std::holds_alternative<PostingWrite>(request) || (call != nullptr && call->writes);
  Result<Answer> answer = dispatch(request);
  if (!answer) note_health(answer.error());
  return answer;
}

Result<Answer> SqliteSession::dispatch(const Request &request) {
  if (const auto *program = std::get_if<ProgramStatement>(&request)) return run_program(*program);
  if (typed_postings_) {
    if (const auto *read = std::get_if<PostingRead>(&request)) return read_posting(*read);
    if (const auto *write = std::get_if<PostingWrite>(&request)) return write_posting(*write);
  }
  return run_statement(request);
}

// SQLite ends a transaction itself: for ON CONFLICT ROLLBACK, RAISE(ROLLBACK), a full disk.
// What came next would be in none.
bool SqliteSession::is_aborted() {
  if (wrote_ && !connection_->in_transaction()) aborted_ = true;
  return aborted_;
}

Result<Answer> SqliteSession::run_savepoint(Savepoint what, const SqlStatement &statement) {
  // Outside a transaction a savepoint would begin one, and releasing it would commit.
  if (is_aborted() && (what == Savepoint::kSet || !connection_->in_transaction())) return aborted_transaction();
  if (Outcome done = connection_->run(statement.sql.data()); !done) return std::move(done.error());
  if (what == Savepoint::kRollBack) {
    aborted_ = false;
    native_.forget();
  }
  return Answer(Written{});
}

Result<Answer> SqliteSession::run_program(const ProgramStatement &statement) {
  Result<std::string> document = execute_program(*connection_, statement);
  if (document && connection_->in_transaction()) return Answer(document.take());
  if (document) document = no_transaction();
  if (!connection_->in_transaction()) {  // ON CONFLICT ROLLBACK, a full disk
    aborted_ = true;
    document.error().tx_state = base::TxState::kAborted;
  }
  return std::move(document.error());
}

Result<Answer> SqliteSession::run_statement(const Request &request) {
  const SqlStatement wanted = dialect_.encode(request, Placeholder::kQmark);
  Result<Statement *> statement = cached(wanted.id, wanted.sql);
  if (!statement) return std::move(statement.error());
  Statement &row = **statement;
  const Resetting resetting(row);
  const int result = row.text(wanted.parameter).step();
  if (result != SQLITE_ROW && result != SQLITE_DONE) return connection_->error(result);
  return dialect_.decode(request, result == SQLITE_ROW ? row.column_text(0) : std::string_view());
}

Result<Answer> SqliteSession::read_posting(const PostingRead &read) {
  Result<PostingState> state = native_.read(read);
  if (!state) return std::move(state.error());
  if (read.host) state->guard += guard_suffix();
  return Answer(state.take());
}

Result<Answer> SqliteSession::write_posting(const PostingWrite &write) {
  if (!connection_->in_transaction()) return no_transaction();
  Result<PostingPlan> plan = plan_posting(write);
  if (!plan) return std::move(plan.error());
  // Unlike a program's, our guards name the transaction itself.
  if (!write.guard.empty()) {
    if (write.guard != plan->seen + guard_suffix()) return no_transaction();
    plan->guard = plan->seen;
  }
  Outcome outcome = native_.write(*plan);
  if (outcome) return Answer(Written{});
  aborted_ = outcome.error().code != "transaction.none";
  if (aborted_ && outcome.error().tx_state == base::TxState::kUsable)
    outcome.error().tx_state = base::TxState::kAborted;
  return std::move(outcome.error());
}

Result<Answer> SqliteSession::execute_and_commit(const Request &request) {
  Result<Answer> answer = execute(request);
  if (!answer) return answer;
  if (Outcome committed = commit(); !committed) return std::move(committed.error());
  return answer;
}

Outcome SqliteSession::commit() {
  if (is_aborted()) return aborted_transaction();
  if (!connection_->in_transaction()) return no_transaction();
  Outcome outcome = control(kCommit);
  if (outcome) wrote_ = false;
  // What was written last may be in the file though the system did not say so: who reads it anew will see.
  if (!outcome && outcome.error().code == "store.io") {
    outcome.error() = base::make_error(Status::kOutcomeUnknown, "store.outcome_unknown",
                                       "the disk failed during the commit; it may or may not have happened");
    outcome.error().tx_state = base::TxState::kAborted;
  }
  return outcome;
}

void SqliteSession::rollback() {
  connection_->forget_interrupt();
  aborted_ = false;
  if (std::exchange(wrote_, false)) native_.forget();
  if (!connection_->in_transaction()) return;
  if (Outcome outcome = control(kRollback); !outcome) healthy_ = false;
}

Outcome SqliteSession::control(Control which) {
  static constexpr std::array<std::string_view, kControlCount> kTexts = {"BEGIN", "BEGIN IMMEDIATE", "COMMIT",
                                                                         "ROLLBACK"};
  Statement &statement = controls_[which];
  if (!statement.prepared()) {
    Result<Statement> prepared = connection_->prepare(kTexts[which]);
    if (!prepared) return std::move(prepared.error());
    statement = prepared.take();
  }
  const Resetting resetting(statement);
  const int result = statement.step();
  Outcome outcome;
  if (result != SQLITE_DONE) outcome = connection_->error(result);
  if (!outcome) note_health(outcome.error());
  return outcome;
}

// What a connection knows of a file that failed under it is not to be trusted; a fresh one reads it anew.
void SqliteSession::note_health(const Error &error) {
  if (error.code == "store.io" || error.code == "store.corrupt") healthy_ = false;
}

Result<Statement *> SqliteSession::cached(StatementId id, std::string_view sql) {
  Statement &statement = statements_[static_cast<std::size_t>(id)];
  if (!statement.prepared()) {
    Result<Statement> prepared = connection_->prepare(sql);
    if (!prepared) return std::move(prepared.error());
    statement = prepared.take();
  }
  return &statement;
}

std::string SqliteSession::guard_suffix() const { return '#' + std::to_string(serial_); }

}  // namespace cala::store::sqlite
