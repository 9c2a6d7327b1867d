#include "transfer.h"

#include <libpq-fe.h>

#include <algorithm>

namespace cala::bench {

namespace {

constexpr const char *kTables = R"sql(
CREATE TABLE accounts (
  id bigint PRIMARY KEY,
  name text NOT NULL,
  currency text NOT NULL,
  balance numeric NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE transfers (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  from_account_id bigint NOT NULL REFERENCES accounts (id),
  to_account_id bigint NOT NULL REFERENCES accounts (id),
  amount numeric NOT NULL CHECK (amount > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (from_account_id <> to_account_id)
);
CREATE INDEX ON transfers (from_account_id);
CREATE INDEX ON transfers (to_account_id);
CREATE TABLE entries (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  account_id bigint NOT NULL REFERENCES accounts (id),
  transfer_id uuid NOT NULL REFERENCES transfers (id),
  amount numeric NOT NULL,
  account_previous_balance numeric NOT NULL,
  account_current_balance numeric NOT NULL,
  account_version bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON entries (account_id);
CREATE INDEX ON entries (transfer_id);
)sql";

constexpr const char *kFunction = R"sql(
CREATE FUNCTION transfer(source bigint, target bigint, units numeric) RETURNS uuid LANGUAGE plpgsql AS $body$
DECLARE
  made uuid;
  now_at bigint;
  reached numeric;
BEGIN
  PERFORM 1 FROM accounts WHERE id IN (source, target) ORDER BY id FOR UPDATE;
  INSERT INTO transfers (from_account_id, to_account_id, amount) VALUES (source, target, units) RETURNING id INTO made;
  UPDATE accounts SET balance = balance - units, version = version + 1, updated_at = now() WHERE id = source
    RETURNING balance, version INTO reached, now_at;
  INSERT INTO entries (account_id, transfer_id, amount, account_previous_balance, account_current_balance,
    account_version)
    VALUES (source, made, -units, reached + units, reached, now_at);
  UPDATE accounts SET balance = balance + units, version = version + 1, updated_at = now() WHERE id = target
    RETURNING balance, version INTO reached, now_at;
  INSERT INTO entries (account_id, transfer_id, amount, account_previous_balance, account_current_balance,
    account_version)
    VALUES (target, made, units, reached - units, reached, now_at);
  RETURN made;
END
$body$)sql";

// A connection with the two statements.
class Session {
 public:
  Session(const std::string &connection, const std::string &schema, bool durable)
      : connection_(PQconnectdb(connection.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) fail(std::string("PostgreSQL: ") + PQerrorMessage(connection_));
    exec("SET client_min_messages = error");
    exec(durable ? "SET synchronous_commit = on" : "SET synchronous_commit = off");
    exec("SET search_path = " + schema);
  }
  ~Session() { PQfinish(connection_); }
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  void prepare() {
    const Oid numbers[] = {20, 20};
    check(PQprepare(connection_, "one", "SELECT transfer($1, $2, 1.00)", 2, numbers));
    const Oid arrays[] = {1016, 1016};
    check(PQprepare(connection_, "many",
                    "SELECT count(transfer(source, target, 1.00)) FROM unnest($1, $2) AS p (source, target)", 2,
                    arrays));
  }
  void exec(const std::string &sql) { check(PQexec(connection_, sql.c_str())); }
  void call(const char *statement, const std::string &source, const std::string &target) {
    const char *const values[] = {source.c_str(), target.c_str()};
    check(PQexecPrepared(connection_, statement, 2, values, nullptr, nullptr, 0));
  }

 private:
  void check(PGresult *result) {
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      fail(std::string("PostgreSQL: ") + PQresultErrorMessage(result));
    PQclear(result);
  }

  PGconn *connection_;
};

class TransferFunction final : public Work {
 public:
  TransferFunction(const std::string &connection, const std::string &schema, int accounts, bool durable)
      : connection_(connection), schema_(schema), accounts_(accounts), durable_(durable) {
    Session session(connection, schema, durable);
    session.exec("CREATE SCHEMA " + schema);
    session.exec(kTables);
    session.exec(kFunction);
    session.exec("INSERT INTO accounts (id, name, currency) SELECT n, 'A' || n, 'USD' FROM generate_series(0, " +
                 std::to_string(std::max(accounts, kHotAccounts) - 1) + ") n");
  }
  ~TransferFunction() override {
    sessions_.clear();
    Session(connection_, schema_, durable_).exec("DROP SCHEMA " + schema_ + " CASCADE");
  }

  Measured round(int callers, int batch, int postings) override {
    while (sessions_.size() < static_cast<std::size_t>(callers)) {
      sessions_.push_back(std::make_unique<Session>(connection_, schema_, durable_));
      sessions_.back()->prepare();
    }
    const int operations = std::max(postings / batch, 1);
    const unsigned first = next_;
    next_ += static_cast<unsigned>(operations * batch);
    Measured measured = run_callers(callers, operations, [&](int caller, int i) {
      call(*sessions_[static_cast<std::size_t>(caller)], first + static_cast<unsigned>(i * batch), batch);
    });
    measured.postings = operations * batch;
    return measured;
  }

 private:
  void call(Session &session, unsigned first, int batch) const {
    std::string sources;
    std::string targets;
    for (int i = 0; i < batch; ++i) {
      const auto [sender, recipient] = pair_of(first + static_cast<unsigned>(i), accounts_);
      sources += (i > 0 ? "," : "") + std::to_string(sender);
      targets += (i > 0 ? "," : "") + std::to_string(recipient);
    }
    if (batch == 1)
      session.call("one", sources, targets);
    else
      session.call("many", '{' + sources + '}', '{' + targets + '}');
  }

  const std::string connection_;
  const std::string schema_;
  const int accounts_;
  const bool durable_;
  std::vector<std::unique_ptr<Session>> sessions_;
  unsigned next_ = 1;
};

}  // namespace

std::unique_ptr<Work> transfer_function(const std::string &connection, const std::string &schema, int accounts,
                                        bool durable) {
  return std::make_unique<TransferFunction>(connection, schema, accounts, durable);
}

}  // namespace cala::bench
