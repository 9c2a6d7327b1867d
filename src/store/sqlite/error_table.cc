#include "store/sqlite/error_table.h"

#include "core/rejection.h"

#include <sqlite3.h>

#include <array>
#include <optional>
#include <string>

namespace cala::store::sqlite {

namespace {

using base::Error;
using base::Status;
using base::TxState;

enum class Again : bool { kNo, kYes };  // retryable

struct Refusal {
  std::string_view code_name;  // a prefix of SQLite's name, empty: by message only
  std::string_view message;    // part of SQLite's message, empty: by name only
  Status status;
  std::string_view code;
  std::string_view says;  // empty: SQLite's own message
  Again again;
  TxState tx_state;
};

// First match wins. SQLite gives up the whole transaction on a full disk, an I/O error and lack of memory.
constexpr std::array kRefusals = {
    Refusal{"SQLITE_BUSY_SNAPSHOT", "", Status::kBusy, "store.busy",
            "another connection wrote to the ledger since this transaction began to read", Again::kYes,
            TxState::kRetry},
    Refusal{"SQLITE_BUSY", "database is locked", Status::kBusy, "store.busy",
            "the ledger's file is in use by another writer", Again::kYes, TxState::kRetry},
    Refusal{"SQLITE_LOCKED", "database table is locked", Status::kBusy, "store.busy",
            "the ledger's tables are in use by another connection", Again::kYes, TxState::kRetry},
    Refusal{"SQLITE_SCHEMA", "database schema has changed", Status::kBusy, "store.busy",
            "the ledger's tables were changed while a statement ran", Again::kYes, TxState::kRetry},
    Refusal{"SQLITE_READONLY", "readonly database", Status::kPermission, "store.read_only",
            "the ledger's file cannot be written to", Again::kNo, TxState::kUsable},
    Refusal{"SQLITE_PERM", "access permission denied", Status::kPermission, "store.read_only",
            "the ledger's file cannot be written to", Again::kNo, TxState::kUsable},
    Refusal{"SQLITE_FULL", "disk is full", Status::kUnavailable, "store.full",
            "no space is left for the ledger's file; nothing was written", Again::kNo, TxState::kAborted},
    Refusal{"SQLITE_NOTADB", "file is not a database", Status::kInvalid, "store.not_a_ledger",
            "the file is not an SQLite database", Again::kNo, TxState::kUsable},
    Refusal{"SQLITE_CORRUPT", "malformed", Status::kInternal, "store.corrupt", "the ledger's file is damaged",
            Again::kNo, TxState::kAborted},
    Refusal{"SQLITE_CANTOPEN", "unable to open database file", Status::kUnavailable, "store.cannot_open",
            "the ledger's file cannot be opened", Again::kNo, TxState::kUsable},
    Refusal{"SQLITE_INTERRUPT", "interrupted", Status::kCancelled, "store.cancelled", "the statement was cancelled",
            Again::kNo, TxState::kAborted},
    Refusal{"SQLITE_NOMEM", "out of memory", Status::kNoMemory, "store.memory", "SQLite ran out of memory", Again::kNo,
            TxState::kAborted},
    Refusal{"SQLITE_TOOBIG", "too big", Status::kInvalid, "request.too_large", "a text is too long for SQLite",
            Again::kNo, TxState::kUsable},
    Refusal{"SQLITE_IOERR", "disk I/O error", Status::kUnavailable, "store.io",
            "the ledger's file cannot be read or written", Again::kNo, TxState::kAborted},
    Refusal{"", "unsafe use of", Status::kUnsupported, "store.untrusted_schema",
            "this SQLite refuses JSON functions in triggers: set PRAGMA trusted_schema = ON on this connection",
            Again::kNo, TxState::kUsable},
    Refusal{"", "no such table: main.cala_", Status::kUnsupported, "store.migrations_missing",
            "the connection's own database has no ledger, or an older one; run ledger_migrate", Again::kNo,
            TxState::kUsable},
    // The ledger's own statements are right: an SQLite that cannot read one is older than MATERIALIZED or UPDATE ...
    // FROM.
    Refusal{"", ": syntax error", Status::kUnsupported, "store.too_old",
            "this SQLite does not know the ledger's statements: version 3.38, or 3.35 built with JSON, is needed",
            Again::kNo, TxState::kUsable},
    Refusal{"", "no such function: json", Status::kUnsupported, "store.too_old",
            "this SQLite has no JSON functions: version 3.38, or 3.35 built with them, is needed", Again::kNo,
            TxState::kUsable},
};

struct Raised {
  std::string_view word;  // what a trigger raises after "cala:"
  Status status;
  std::string_view says;
  Again again;
  TxState tx_state;
};

constexpr std::array kRaised = {
    Raised{"account.changed", Status::kConflict, "the account was changed since it was read, or is gone", Again::kNo,
           TxState::kUsable},
    Raised{"journal.changed", Status::kConflict, "the journal was changed since it was read, or is gone", Again::kNo,
           TxState::kUsable},
    Raised{"tx_template.changed", Status::kConflict, "the tx template was changed since it was read, or is gone",
           Again::kNo, TxState::kUsable},
    Raised{"velocity_control.changed", Status::kConflict,
           "what the control is attached to was changed by another at the same time; try again", Again::kYes,
           TxState::kUsable},
    Raised{"listener.changed", Status::kConflict, "the listener was changed by another at the same time; try again",
           Again::kYes, TxState::kUsable},
    Raised{"event.changed", Status::kConflict,
           "events were pruned, or a listener was begun, by another at the same time; try again", Again::kYes,
           TxState::kUsable},
    Raised{"transaction.none", Status::kMisuse,
           "something was written between the read and the write of a posting: both must run in one open transaction",
           Again::kNo, TxState::kUsable},
    Raised{"balance.changed", Status::kConflict, "something was posted or changed since the balances were read",
           Again::kYes, TxState::kRetry},
    Raised{"request.malformed", Status::kInvalid, "the cursor is not one that this list gave", Again::kNo,
           TxState::kUsable},
};

std::string_view word_at(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && (text[end] == '_' || text[end] == '.' || (text[end] >= 'a' && text[end] <= 'z'))) ++end;
  return text.substr(from, end - from);
}

std::optional<Error> raised_error(std::string_view message) {
  const std::size_t at = message.find("cala:");
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view word = word_at(message, at + 5);
  for (const Raised &raised : kRaised) {
    if (raised.word != word) continue;
    Error error = base::make_error(raised.status, raised.word, std::string(raised.says));
    error.retryable = raised.again == Again::kYes;
    error.tx_state = raised.tx_state;
    return error;
  }
  return std::nullopt;
}

struct Unique {
  std::string_view place;  // table and column
  std::string_view noun;
};

constexpr std::array kUniques = {
    Unique{"accounts.id", "account"},
    Unique{"accounts.code", "account"},
    Unique{"accounts.external_id", "account"},
    Unique{"journals.id", "journal"},
    Unique{"journals.code", "journal"},
    Unique{"tx_templates.id", "tx_template"},
    Unique{"tx_templates.code", "tx_template"},
    Unique{"velocity_limits.id", "velocity_limit"},
    Unique{"velocity_controls.id", "velocity_control"},
    Unique{"transactions.id", "transaction"},
    Unique{"transactions.external_id", "transaction"},
    Unique{"transactions.void_of", "transaction"},
};

// "UNIQUE constraint failed: cala_accounts.code". What else is unique is numbered after what was read.
std::optional<Error> taken_error(std::string_view message) {
  constexpr std::string_view kUnique = "UNIQUE constraint failed: cala_";
  const std::size_t at = message.find(kUnique);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view place = word_at(message, at + kUnique.size());
  if (place.starts_with("balances.") || place.ends_with(".n")) return raised_error("cala:balance.changed");
  for (const Unique &unique : kUniques) {
    if (unique.place != place) continue;
    const std::string_view column = place.substr(place.find('.') + 1);
    Error error = core::already_exists(unique.noun, column);
    error.retryable = column == "void_of";  // voided meanwhile, which the next look shows
    return error;
  }
  return std::nullopt;
}

bool matches(const Refusal &refusal, std::string_view code_name, std::string_view message) {
  if (!refusal.code_name.empty() && code_name.starts_with(refusal.code_name)) return true;
  return !refusal.message.empty() && message.find(refusal.message) != std::string_view::npos;
}

}  // namespace

Error error_of_message(std::string_view code_name, std::string_view message) {
  if (std::optional<Error> raised = raised_error(message)) return std::move(*raised);
  if (std::optional<Error> taken = taken_error(message)) return std::move(*taken);
  for (const Refusal &refusal : kRefusals) {
    if (!matches(refusal, code_name, message)) continue;
    Error error = base::make_error(refusal.status, refusal.code, std::string(refusal.says));
    error.retryable = refusal.again == Again::kYes;
    error.tx_state = refusal.tx_state;
    return error;
  }
  Error error = base::make_error(Status::kInternal, "store.refused", "SQLite said: " + std::string(message));
  error.tx_state = TxState::kAborted;
  return error;
}

Error program_error_of_message(std::string_view code_name, std::string_view message) {
  const bool constraint = code_name == "SQLITE_CONSTRAINT";
  if (!constraint && code_name != "SQLITE_ERROR" && code_name != "SQLITE_RANGE") {
    return error_of_message(code_name, message);
  }
  return base::make_error(constraint ? Status::kConflict : Status::kInvalid,
                          constraint ? "tx.constraint" : "tx.statement", "SQLite refuses: " + std::string(message));
}

std::string_view code_name_of(int extended_code) {
  if (extended_code == SQLITE_BUSY_SNAPSHOT) return "SQLITE_BUSY_SNAPSHOT";
  switch (extended_code & 0xff) {
    case SQLITE_PERM: return "SQLITE_PERM";
    case SQLITE_BUSY: return "SQLITE_BUSY";
    case SQLITE_LOCKED: return "SQLITE_LOCKED";
    case SQLITE_NOMEM: return "SQLITE_NOMEM";
    case SQLITE_READONLY: return "SQLITE_READONLY";
    case SQLITE_INTERRUPT: return "SQLITE_INTERRUPT";
    case SQLITE_IOERR: return "SQLITE_IOERR";
    case SQLITE_CORRUPT: return "SQLITE_CORRUPT";
    case SQLITE_FULL: return "SQLITE_FULL";
    case SQLITE_CANTOPEN: return "SQLITE_CANTOPEN";
    case SQLITE_SCHEMA: return "SQLITE_SCHEMA";
    case SQLITE_TOOBIG: return "SQLITE_TOOBIG";
    case SQLITE_CONSTRAINT: return "SQLITE_CONSTRAINT";
    case SQLITE_NOTADB: return "SQLITE_NOTADB";
    default: return "SQLITE_ERROR";
  }
}

Error corrupt_row(std::string_view what) {
  return base::make_error(Status::kInternal, "store.corrupt",
                          "the store gave a " + std::string(what) + " that is not as this library writes it");
}

}  // namespace cala::store::sqlite
