// One connection of ours to the embedded store. Statements are prepared once and kept. Postings go the typed way
// (posting_native.h) unless the options say otherwise; everything else runs the dialect's statements,
// as a program would.
//
// A refused Call leaves the transaction usable. A typed posting that fails half way does not: everything after it fails
// with "transaction.aborted" until rollback. One thread at a time, but for interrupt().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "store/port.h"
#include "store/sqlite/posting_native.h"
#include "store/sqlite/sqlite_connection.h"
#include "store/sqlite/sqlite_dialect.h"

namespace cala::store::sqlite {

class SqliteSession final : public Session {
 public:
  SqliteSession(std::unique_ptr<Connection> connection, const SqliteDialect &dialect, bool typed_postings);

  base::Outcome begin(Access access) override;
  base::Result<Answer> execute(const Request &request) override;
  base::Result<Answer> execute_and_commit(const Request &request) override;
  base::Outcome commit() override;
  void rollback() override;
  bool healthy() const override { return healthy_ && !connection_->in_transaction(); }
  void interrupt() override { connection_->interrupt(); }
  void forget_interrupt() override { connection_->forget_interrupt(); }

  Connection &connection() { return *connection_; }

 private:
  enum Control : std::size_t { kBegin, kBeginImmediate, kCommit, kRollback, kControlCount };

  base::Result<Answer> dispatch(const Request &request);
  base::Result<Answer> run_statement(const Request &request);
  base::Result<Answer> run_program(const ProgramStatement &statement);
  base::Result<Answer> run_savepoint(Savepoint what, const SqlStatement &statement);
  bool is_aborted();
  base::Result<Answer> read_posting(const PostingRead &read);
  base::Result<Answer> write_posting(const PostingWrite &write);
  base::Outcome control(Control which);
  void note_health(const base::Error &error);
  base::Result<Statement *> cached(StatementId id, std::string_view sql);
  std::string guard_suffix() const;

  std::unique_ptr<Connection> connection_;  // outlives the statements below
  const SqliteDialect &dialect_;
  NativePosting native_;
  std::array<Statement, kStatementCount> statements_;
  std::array<Statement, kControlCount> controls_;
  std::uint64_t serial_ = 0;  // of the transaction, in guards
  bool typed_postings_;
  bool aborted_ = false;
  bool wrote_ = false;  // in the transaction that is open
  bool healthy_ = true;
};

}  // namespace cala::store::sqlite
