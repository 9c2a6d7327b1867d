// PostgresSession: one connection in pipeline mode. BEGIN travels with a transaction's first request, COMMIT with its
// last, and a transaction of one request needs neither: PostgreSQL makes it one. So a posting costs two round trips.
//
// Reads (Access::kRead) open no transaction: every request sees what is committed when it runs, exactly as on a
// program's connection under READ COMMITTED. Statements are prepared on first use and keep their generic plan.
// One of a trace is sent with its text instead, which has the trace in a comment behind it. A posting of a trace goes
// by its name and makes the trace its transaction's application_name.
//
// two_phase.cc has what prepares a transaction and ends one that was prepared.
//
// After a failed request the transaction is over; only rollback() is left to do.
// One thread at a time, but for interrupt().
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/port.h"
#include "store/postgres/connection.h"
#include "store/postgres/postgres_dialect.h"

namespace cala::store::postgres {

class PostgresSession final : public Session {
 public:
  // Where to ask what became of a commit that was not answered, and for how long to try.
  struct Inquiry {
    const ConnectionTarget &target;
    std::chrono::milliseconds limit;
  };

  // Puts the connection into pipeline mode. The dialect and the target outlive the session.
  static base::Result<std::unique_ptr<Session>> start(std::unique_ptr<Connection> connection,
                                                      const PostgresDialect &dialect, Inquiry inquiry);

  base::Outcome begin(Access access) override;
  void trace(std::string_view traceparent) override { trace_ = traceparent; }
  base::Result<Answer> execute(const Request &request) override { return run(request, Then::kStaysOpen); }
  base::Result<Answer> execute_and_commit(const Request &request) override { return run(request, Then::kCommits); }
  base::Outcome commit() override;
  base::Outcome prepare(const std::string &gid) override;
  void rollback() override;
  bool healthy() const override;
  void interrupt() override { connection_->canceller().cancel(); }
  void forget_interrupt() override { connection_->canceller().forget(); }

 private:
  bool usable() const { return !broken_ && connection_->is_alive(); }

  enum class Stage : std::uint8_t { kIdle, kToBegin, kReading, kOpen };
  enum class Command : std::uint8_t { kBegin, kTypes, kPrepare, kRequest, kPlain, kProgram, kName, kCommit, kRollback };
  enum class Then : std::uint8_t { kStaysOpen, kCommits };  // the transaction, after a request
  struct Carried {                                          // what the commands of a flight are about
    const OwnStatement *own = nullptr;
    const ProgramStatement *program = nullptr;
  };
  struct Flight;

  PostgresSession(std::unique_ptr<Connection> connection, const PostgresDialect &dialect, Inquiry inquiry);

  base::Result<Answer> run(const Request &request, Then then);
  base::Result<Answer> run_program(const ProgramStatement &statement);
  std::vector<Command> begin_with(Then then);
  base::Outcome learn_types();
  Flight fly(std::vector<Command> commands, Carried carried);
  bool send(Command command, Carried carried);
  bool says_trace(const OwnStatement &statement) const;
  bool send_request(const OwnStatement &statement);
  void collect(Flight &flight);
  bool await_answer();
  base::Result<Answer> landed(const Flight &flight, const Request &request, StatementId id, Then then);
  base::Error failure_of(const Flight &flight, Then then) const;
  void take_name(const Flight &flight);
  base::Result<std::string> ask(const std::string &sql, const std::string &parameter);
  base::Result<std::string> run_alone(const std::string &sql);
  base::Result<Answer> end_prepared(const EndPrepared &end);
  base::Outcome look_up_commit() const;
  // Asks a server on another connection, until what it says settles the matter or the time is up.
  using Settle = std::function<std::optional<base::Outcome>(Connection &connection, const std::string &answer)>;
  base::Outcome inquire(const std::string &sql, const Settle &settle) const;

  std::unique_ptr<Connection> connection_;
  const PostgresDialect &dialect_;
  const Inquiry inquiry_;
  std::string name_;  // of the transaction that is open, once it wrote: its number and the server's timeline
  Stage stage_ = Stage::kIdle;
  bool broken_ = false;
  bool stale_ = false;  // another connection may do better: the transaction that is open goes on, the next has another
  std::array<bool, kStatementCount> prepared_{};
  std::optional<RowTypes> types_;  // once the first posting came
  std::string trace_;
};

// Asks what became of a transaction, by its number and timeline: 'in progress', 'committed', 'aborted', or 'standby'
// and 'another' where the server that is asked cannot know.
std::string became_sql(const std::string &transaction);

}  // namespace cala::store::postgres
