#include "store/postgres/error_table.h"

#include <string>

#include "base/json.h"
#include "core/rejection.h"

namespace cala::store::postgres {
namespace {

using base::Error;
using base::Status;
using base::TxState;

enum class Again : bool { kNo, kYes };      // retryable
enum class Says : bool { kOurs, kTheirs };  // kTheirs: PostgreSQL's own message says more and holds no secrets

struct Rule {
  std::string_view sqlstate;  // a prefix: five characters name an error, two a class
  Status status;
  std::string_view code;
  Again again;
  TxState tx_state;
  std::string_view message;
  Says says;
};

// Whoever migrates holds the migration's fence, so that a table which is there already is nobody's of ours.
constexpr std::string_view kSchemaIsTaken =
    "the schema has something that is not the ledger's under a name that the ledger needs; choose a schema of its own";

constexpr std::string_view kMixedUp =
    "prepared statements are lost or mixed up on this connection, as behind a pooler in transaction mode";

// The first rule that fits counts; the very first is also what a posting's broken uniqueness means.
constexpr Rule kRules[] = {
    {"40001", Status::kConflict, "store.serialization", Again::kYes, TxState::kRetry,
     "another transaction changed the same rows at the same time; run the transaction again", Says::kOurs},
    {"40P01", Status::kConflict, "store.deadlock", Again::kYes, TxState::kRetry,
     "two transactions waited for each other; run the transaction again", Says::kOurs},
    {"55P03", Status::kBusy, "store.lock_timeout", Again::kYes, TxState::kAborted,
     "another transaction held the same rows for longer than lock_timeout", Says::kOurs},
    {"57014", Status::kCancelled, "store.cancelled", Again::kNo, TxState::kAborted, "the statement was cancelled",
     Says::kOurs},
    {"25006", Status::kPermission, "store.read_only", Again::kNo, TxState::kAborted,
     "the database or the transaction is read-only", Says::kOurs},
    {"25P01", Status::kMisuse, "transaction.none", Again::kNo, TxState::kUsable,
     "no transaction is open on this connection: begin one first", Says::kOurs},
    {"25P02", Status::kMisuse, "transaction.aborted", Again::kNo, TxState::kAborted,
     "an earlier statement failed; the transaction must be rolled back", Says::kOurs},
    {"25P03", Status::kUnavailable, "store.connection_lost", Again::kYes, TxState::kAborted,
     "PostgreSQL closed the connection because the transaction was idle for too long", Says::kOurs},
    {"25", Status::kMisuse, "transaction.state", Again::kNo, TxState::kAborted, "the transaction is in the wrong state",
     Says::kTheirs},
    {"42501", Status::kPermission, "store.permission", Again::kNo, TxState::kAborted, "PostgreSQL refuses",
     Says::kTheirs},
    {"42883", Status::kUnsupported, "store.migrations_missing", Again::kNo, TxState::kAborted,
     "the ledger's functions are not in the database; run ledger_migrate", Says::kOurs},
    {"42P01", Status::kUnsupported, "store.migrations_missing", Again::kNo, TxState::kAborted,
     "the ledger's tables are not in the database; run ledger_migrate", Says::kOurs},
    {"42704", Status::kUnsupported, "store.migrations_missing", Again::kNo, TxState::kAborted,
     "the ledger's types are not in the database; run ledger_migrate", Says::kOurs},
    {"3F000", Status::kUnsupported, "store.migrations_missing", Again::kNo, TxState::kAborted,
     "the ledger's schema is not in the database; run ledger_migrate", Says::kOurs},
    {"42P07", Status::kInvalid, "store.not_a_ledger", Again::kNo, TxState::kAborted, kSchemaIsTaken, Says::kTheirs},
    {"42710", Status::kInvalid, "store.not_a_ledger", Again::kNo, TxState::kAborted, kSchemaIsTaken, Says::kTheirs},
    {"42723", Status::kInvalid, "store.not_a_ledger", Again::kNo, TxState::kAborted, kSchemaIsTaken, Says::kTheirs},
    {"42703", Status::kInvalid, "store.not_a_ledger", Again::kNo, TxState::kAborted, kSchemaIsTaken, Says::kTheirs},
    {"42809", Status::kInvalid, "store.not_a_ledger", Again::kNo, TxState::kAborted, kSchemaIsTaken, Says::kTheirs},
    {"42P06", Status::kConflict, "store.migrated_meanwhile", Again::kYes, TxState::kRetry,
     "another process migrates the same schema", Says::kOurs},
    {"53100", Status::kUnavailable, "store.full", Again::kNo, TxState::kAborted, "the database's disk is full",
     Says::kOurs},
    {"53200", Status::kNoMemory, "store.memory", Again::kNo, TxState::kAborted, "the database is out of memory",
     Says::kOurs},
    {"53300", Status::kUnavailable, "store.too_many_connections", Again::kYes, TxState::kAborted,
     "the database has no connection left", Says::kOurs},
    {"53", Status::kUnavailable, "store.full", Again::kNo, TxState::kAborted, "the database is out of resources",
     Says::kTheirs},
    {"57P03", Status::kUnavailable, "store.unreachable", Again::kYes, TxState::kAborted,
     "PostgreSQL is starting, stopping or recovering", Says::kOurs},
    {"57P", Status::kUnavailable, "store.connection_lost", Again::kYes, TxState::kAborted,
     "PostgreSQL ended the connection", Says::kOurs},
    {"08", Status::kUnavailable, "store.connection_lost", Again::kYes, TxState::kAborted,
     "the connection to PostgreSQL was lost", Says::kOurs},
    {"28", Status::kPermission, "store.login", Again::kNo, TxState::kAborted, "PostgreSQL refused the login",
     Says::kOurs},
    {"3D000", Status::kUnavailable, "store.database_missing", Again::kNo, TxState::kAborted,
     "there is no such database", Says::kOurs},
    {"54", Status::kInvalid, "request.too_large", Again::kNo, TxState::kAborted, "a value is too large to be stored",
     Says::kTheirs},
    {"22P05", Status::kInvalid, "store.encoding", Again::kNo, TxState::kAborted,
     "a text has characters that the database's encoding, or the connection's client_encoding, lacks; use a UTF8 "
     "database, and SET client_encoding TO 'UTF8'",
     Says::kOurs},
    // All that the ledger sends is UTF-8.
    {"22021", Status::kMisuse, "tx.encoding", Again::kNo, TxState::kAborted,
     "the connection's client_encoding is not UTF8; the ledger needs SET client_encoding TO 'UTF8' on it first",
     Says::kOurs},
    {"26000", Status::kUnsupported, "store.unsupported", Again::kNo, TxState::kAborted, kMixedUp, Says::kOurs},
    {"42P05", Status::kUnsupported, "store.unsupported", Again::kNo, TxState::kAborted, kMixedUp, Says::kOurs},
    {"0A000", Status::kUnsupported, "store.unsupported", Again::kNo, TxState::kAborted, "PostgreSQL refuses",
     Says::kTheirs},
    {"XX001", Status::kInternal, "store.corrupt", Again::kNo, TxState::kAborted, "PostgreSQL found its data damaged",
     Says::kTheirs},
    {"XX002", Status::kInternal, "store.corrupt", Again::kNo, TxState::kAborted, "PostgreSQL found its data damaged",
     Says::kTheirs},
    {"", Status::kInternal, "store.refused", Again::kNo, TxState::kAborted, "PostgreSQL refuses", Says::kTheirs},
};

// Before the others, for statements of the program's own.
constexpr Rule kProgramRules[] = {
    {"2D", Status::kInvalid, "tx.control_statement", Again::kNo, TxState::kAborted,
     "a procedure or a DO block must not end the transaction", Says::kOurs},
    {"3", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses the statement",
     Says::kTheirs},
    {"23", Status::kConflict, "tx.constraint", Again::kNo, TxState::kAborted, "a constraint of the database is broken",
     Says::kTheirs},
    {"42501", Status::kPermission, "store.permission", Again::kNo, TxState::kAborted, "PostgreSQL refuses",
     Says::kTheirs},
    {"42", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses the statement",
     Says::kTheirs},
    {"26", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses the statement",
     Says::kTheirs},
    {"21", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses the statement",
     Says::kTheirs},
    {"22", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses a value",
     Says::kTheirs},
    {"08P01", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted,
     "the statement does not have as many placeholders as there are params", Says::kOurs},
    {"08", Status::kUnavailable, "store.connection_lost", Again::kYes, TxState::kAborted,
     "the connection to PostgreSQL was lost", Says::kOurs},
    {"0", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses the statement",
     Says::kTheirs},
    {"P0", Status::kInvalid, "tx.statement", Again::kNo, TxState::kAborted, "PostgreSQL refuses the statement",
     Says::kTheirs},
};

struct UniqueIndex {
  std::string_view name;
  std::string_view noun;
  std::string_view column;
};

constexpr UniqueIndex kUniqueIndexes[] = {
    {"accounts_pkey", "account", "id"},
    {"accounts_code_key", "account", "code"},
    {"accounts_external_id_key", "account", "external_id"},
    {"account_sets_external_id_key", "account_set", "external_id"},
    {"journals_pkey", "journal", "id"},
    {"journals_code_key", "journal", "code"},
    {"tx_templates_pkey", "tx_template", "id"},
    {"velocity_limits_pkey", "velocity_limit", "id"},
    {"velocity_controls_pkey", "velocity_control", "id"},
    {"tx_templates_code_key", "tx_template", "code"},
};

constexpr std::size_t kLongestQuote = 200;

// One line, of bounded length, without control characters.
std::string one_line(std::string_view message) {
  std::string out(message.substr(0, message.find('\n')));
  if (out.size() > kLongestQuote) {
    out.resize(kLongestQuote);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0x80U) != 0) out.pop_back();
    out += "...";
  }
  for (char &c : out) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return out;
}

Error of_rule(const Rule &rule, std::string_view message) {
  Error error = base::make_error(rule.status, rule.code, std::string(rule.message));
  if (rule.says == Says::kTheirs && !message.empty()) error.message += ": " + one_line(message);
  error.retryable = rule.again == Again::kYes;
  error.tx_state = rule.tx_state;
  return error;
}

// What the postings write besides transactions is unique by version: another session was first since it was read.
Error of_unique_violation(std::string_view message) {
  for (const UniqueIndex &index : kUniqueIndexes) {
    if (message.find(index.name) == std::string_view::npos) continue;
    Error error = core::already_exists(index.noun, index.column);
    error.tx_state = TxState::kAborted;
    return error;
  }
  if (message.find("transactions_") == std::string_view::npos) return of_rule(kRules[0], message);
  Error error = taken_meanwhile();
  error.tx_state = TxState::kRetry;
  return error;
}

}  // namespace

Error error_of_sqlstate(std::string_view sqlstate, std::string_view message) {
  Error error;
  if (sqlstate == "23505") {
    error = of_unique_violation(message);
  } else if (sqlstate == "42704" && message.find("\"plpgsql\"") != std::string_view::npos) {
    error = base::make_error(Status::kUnsupported, "store.unsupported",
                             "the database has no language plpgsql, in which the ledger's functions are written; run "
                             "CREATE EXTENSION plpgsql");
    error.tx_state = TxState::kAborted;
  } else {
    for (const Rule &rule : kRules) {
      if (!sqlstate.starts_with(rule.sqlstate)) continue;
      error = of_rule(rule, message);
      break;
    }
  }
  error.sqlstate = sqlstate;
  return error;
}

Error program_error_of_sqlstate(std::string_view sqlstate, std::string_view message) {
  for (const Rule &rule : kProgramRules) {
    if (!sqlstate.starts_with(rule.sqlstate)) continue;
    Error error = of_rule(rule, message);
    error.sqlstate = sqlstate;
    return error;
  }
  Error error = error_of_sqlstate(sqlstate, message);
  // What no rule knows is a defect of ours in a statement of ours, and the program's in its own.
  if (error.code == "store.refused" && !sqlstate.starts_with("XX")) {
    error.status = Status::kInvalid;
    error.code = "tx.statement";
  }
  return error;
}

Error taken_meanwhile() {
  Error error = base::make_error(Status::kConflict, "transaction.exists",
                                 "another session posted a transaction with this id or external id at the same time");
  error.retryable = true;
  return error;
}

Error no_transaction() {
  return base::make_error(Status::kMisuse, "transaction.none",
                          "the statements of one operation must run in one open transaction, and these did not");
}

Error connection_lost() {
  Error error =
      base::make_error(Status::kUnavailable, "store.connection_lost", "the connection to PostgreSQL was lost");
  error.retryable = true;
  error.tx_state = TxState::kAborted;
  return error;
}

Error outcome_unknown() {
  Error error = base::make_error(Status::kOutcomeUnknown, "store.outcome_unknown",
                                 "the connection was lost after the commit was sent and before it was answered");
  error.tx_state = TxState::kAborted;
  return error;
}

Error wrong_encoding(std::string_view client_encoding) {
  return base::make_error(Status::kMisuse, "tx.encoding",
                          "the connection's client_encoding is " + std::string(client_encoding) +
                              "; the ledger needs SET client_encoding TO 'UTF8' on it first");
}

}  // namespace cala::store::postgres
