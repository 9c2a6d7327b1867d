// What several operations in one transaction need besides themselves: locking first, and the program's own statements.
#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "engine/answers.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using core::BalanceKey;
using store::StatementId;

constexpr std::size_t kMaxParameters = 1000;

store::PostingRead locking_read(const std::vector<BalanceKey> &keys, bool host) {
  store::PostingRead read;
  read.host = host;
  read.keys = keys;
  for (const BalanceKey &key : keys) read.journal_ids.push_back(key.journal_id);
  std::sort(read.journal_ids.begin(), read.journal_ids.end());
  read.journal_ids.erase(std::unique(read.journal_ids.begin(), read.journal_ids.end()), read.journal_ids.end());
  return read;
}

// Of accounts and of nothing: it shows whether the transaction that locked is still there,
// and makes a writer of one on SQLite.
store::Call empty_write(const std::string &guard, base::Timestamp now) {
  base::JsonWriter document;
  document.begin_object().key("insert").raw("[]").key("update").raw("[]").key("events").raw("[]");
  document.key("now").integer(now.micros()).key("guard").string(guard).end_object();
  return write_call(StatementId::kAccountWrite, document.take());
}

template <typename Row>
bool holds(const std::vector<Row> &rows, const base::Uuid &id) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row &row) { return row.id == id; });
}

Outcome check_locked(const store::PostingState &state, const std::vector<BalanceKey> &keys) {
  for (const BalanceKey &key : keys) {
    if (!holds(state.journals, key.journal_id)) return not_found("journal", lookup_ids({key.journal_id}));
    if (!holds(state.accounts, key.account_id)) return not_found("account", lookup_ids({key.account_id}));
  }
  return {};
}

Flow lock_accounts(Context context, std::vector<BalanceKey> keys) {
  if (!keys.empty()) {
    const Result<store::Answer> read = co_await ask(locking_read(keys, context.host));
    if (!read) co_return base::Error(read.error());
    const auto &state = std::get<store::PostingState>(*read);
    Outcome locked = check_locked(state, keys);
    if (!locked) co_return std::move(locked.error());
    if (context.host) {
      const Result<store::Answer> written = co_await ask(empty_write(state.guard, context.ledger->now()));
      if (!written) co_return base::Error(written.error());
    }
  }
  co_return Render([keys = std::move(keys)](base::JsonWriter &out) {
    out.begin_object().key("keys").begin_array();
    for (const BalanceKey &key : keys) {
      out.begin_object().key("journal_id").string(key.journal_id.text());
      out.key("account_id").string(key.account_id.text()).key("currency").string(key.currency.code()).end_object();
    }
    out.end_array().end_object();
  });
}

Flow execute(Context, store::ProgramStatement statement) {
  Result<store::Answer> answer = co_await ask(statement);
  if (!answer) co_return std::move(answer.error());
  co_return Render([text = std::get<std::string>(std::move(*answer))](base::JsonWriter &out) { out.raw(text); });
}

// Comments as a database reads them: PostgreSQL nests them and ends one of a line at a lone carriage return, SQLite
// does neither.
struct Reading {
  bool nests = false;
  std::string_view line_ends;
};

std::string_view skip_block(std::string_view sql, bool nests) {
  int depth = 0;
  while (!sql.empty()) {
    if (sql.starts_with("/*") && (nests || depth == 0)) {
      ++depth;
      sql.remove_prefix(2);
    } else if (sql.starts_with("*/")) {
      sql.remove_prefix(2);
      if (--depth == 0) break;
    } else {
      sql.remove_prefix(1);
    }
  }
  return sql;
}

std::string_view skip_comments(std::string_view sql, const Reading &reading) {
  while (!sql.empty()) {
    if (std::isspace(static_cast<unsigned char>(sql.front())) != 0 || sql.front() == ';') {
      sql.remove_prefix(1);
    } else if (sql.starts_with("--")) {
      sql.remove_prefix(std::min(sql.size(), sql.find_first_of(reading.line_ends)));
    } else if (sql.starts_with("/*")) {
      sql = skip_block(sql, reading.nests);
    } else if (sql.starts_with("\xEF\xBB\xBF")) {
      sql.remove_prefix(3);
    } else {
      break;
    }
  }
  return sql;
}

std::string take_word(std::string_view &sql, const Reading &reading) {
  sql = skip_comments(sql, reading);
  std::string word;
  while (!sql.empty() && std::isalpha(static_cast<unsigned char>(sql.front())) != 0) {
    word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql.front())));
    sql.remove_prefix(1);
  }
  return word;
}

// Statements that end the transaction, or that outlive it on a connection which others use after it. A first look, for
// a clear answer: the stores look again, at what the database makes of the statement.
bool is_control(std::string_view sql, const Reading &reading) {
  static constexpr std::array<std::string_view, 23> kWords = {
      "ABORT",   "ATTACH",  "BEGIN",    "CHECKPOINT", "CLOSE", "COMMIT",   "COPY",   "DEALLOCATE",
      "DETACH",  "DISCARD", "END",      "LISTEN",     "LOAD",  "NOTIFY",   "PRAGMA", "PREPARE",
      "RELEASE", "RESET",   "ROLLBACK", "SAVEPOINT",  "START", "UNLISTEN", "VACUUM"};
  const std::string word = take_word(sql, reading);
  if (word == "SET") {
    const std::string scope = take_word(sql, reading);
    return scope != "LOCAL" && scope != "CONSTRAINTS" && scope != "TRANSACTION";
  }
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

bool is_control(std::string_view sql) { return is_control(sql, {true, "\r\n"}) || is_control(sql, {false, "\n"}); }

}  // namespace

Result<OperationPtr> tx_lock_accounts(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<BalanceKey> keys = read_balance_keys(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  traits.inside = Operation::Inside::kTransaction;
  return std::make_unique<Operation>(
      "tx_lock_accounts", traits, [keys = std::move(keys)](Context context) { return lock_accounts(context, keys); });
}

Result<OperationPtr> tx_exec(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  store::ProgramStatement statement;
  statement.sql = reader.text("sql");
  for (const base::JsonView item : reader.optional_array("params", kMaxParameters)) {
    if (!item.is_string() && !item.is_null()) reader.fail("request.malformed", "params", "must be texts or null");
    statement.parameters.push_back(item.is_string() ? std::optional<std::string>(item.string()) : std::nullopt);
  }
  if (!reader.failed() && is_control(statement.sql)) {
    reader.fail("tx.control_statement", "sql",
                "must not begin or end a transaction, nor change the connection for those who use it afterwards");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  traits.inside = Operation::Inside::kOwnTransaction;
  return std::make_unique<Operation>(
      "tx_exec", traits, [statement = std::move(statement)](Context context) { return execute(context, statement); });
}

}  // namespace cala::engine
