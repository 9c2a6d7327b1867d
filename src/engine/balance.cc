// Reading balances: as they are, and as they were.
#include "engine/balance.h"

#include <map>
#include <utility>

#include "engine/answers.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using core::BalanceKey;
using store::StatementId;

store::Call find_balances(const std::vector<BalanceKey> &keys) {
  base::JsonWriter document;
  document.begin_object().key("keys").begin_array();
  for (const BalanceKey &key : keys) {
    document.begin_object();
    write_key(document, key);
    document.end_object();
  }
  document.end_array().end_object();
  return read_call(StatementId::kBalanceFind, document.take());
}

Flow find_one(Context, store::Call call, BalanceKey key, const char *when) {
  Result<store::Answer> answer = co_await ask(call);
  Result<Rows<ShownBalance>> rows = rows_of(std::move(answer), shown_balance_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return balance_not_found(key, when);
  co_return Render([balance = rows->items.front()](base::JsonWriter &out) { render(out, balance); });
}

Flow find_many(Context, std::vector<BalanceKey> keys) {
  Result<store::Answer> answer = co_await ask(find_balances(keys));
  Result<Rows<ShownBalance>> rows = rows_of(std::move(answer), shown_balance_of);
  if (!rows) co_return std::move(rows.error());
  std::map<BalanceKey, const ShownBalance *> by_key;
  for (const ShownBalance &row : rows->items) by_key[row.balance.key] = &row;
  std::vector<ShownBalance> found;
  for (const BalanceKey &key : keys) {
    const auto at = by_key.find(key);
    if (at != by_key.end()) found.push_back(*at->second);
  }
  co_return Render([found = std::move(found)](base::JsonWriter &out) {
    out.begin_object().key("balances");
    render_array(out, found);
    out.end_object();
  });
}

Flow list(Context, StatementId id, Page page, std::string document, const char *noun) {
  Result<store::Answer> answer = co_await ask(read_call(id, document));
  Result<Rows<ShownBalance>> rows = rows_of(std::move(answer), shown_balance_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page, noun](base::JsonWriter &out) { render_page(out, rows, page, noun); });
}

Result<OperationPtr> make_list(std::string_view name, StatementId id, const Page &page, std::string document,
                               const char *noun) {
  return std::make_unique<Operation>(name, Operation::Traits{},
                                     [id, page, document = std::move(document), noun](Context context) {
                                       return list(context, id, page, document, noun);
                                     });
}

Result<OperationPtr> make_find(std::string_view name, store::Call call, const BalanceKey &key, const char *when) {
  return std::make_unique<Operation>(name, Operation::Traits{}, [call = std::move(call), key, when](Context context) {
    return find_one(context, call, key, when);
  });
}

}  // namespace

void write_key(base::JsonWriter &out, const BalanceKey &key) {
  out.key("account_id").string(key.account_id.text());
  out.key("journal_id").string(key.journal_id.text());
  out.key("currency").string(key.currency.code());
}

base::Error balance_not_found(const BalanceKey &key, const char *when) {
  base::Error error =
      base::make_error(base::Status::kNotFound, "balance.not_found",
                       "account " + key.account_id.text() + " has no " + std::string(key.currency.code()) +
                           " balance in journal " + key.journal_id.text() + when);
  base::JsonWriter details;
  details.begin_object();
  write_key(details, key);
  details.end_object();
  error.details = details.take();
  return error;
}

Result<OperationPtr> balance_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const BalanceKey key = read_balance_key(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return make_find("balance_find", find_balances({key}), key, "");
}

Result<OperationPtr> balance_find_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const std::vector<BalanceKey> keys = read_balance_keys(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("balance_find_many", Operation::Traits{},
                                     [keys](Context context) { return find_many(context, keys); });
}

Result<OperationPtr> balance_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "balance");
  const base::Uuid journal_id = reader.uuid("journal_id");
  const std::vector<base::Uuid> account_ids = reader.uuids("account_ids", kMaxBatch);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  document.key("journal_id").string(journal_id.text()).key("account_ids").begin_array();
  for (const base::Uuid &id : account_ids) document.string(id.text());
  document.end_array().end_object();
  return make_list("balance_list", StatementId::kBalanceList, page, document.take(), "balance");
}

Result<OperationPtr> balance_history(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "balance_history");
  const BalanceKey key = read_balance_key(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  write_key(document, key);
  document.end_object();
  return make_list("balance_history", StatementId::kBalanceHistory, page, document.take(), "balance_history");
}

Result<OperationPtr> balance_at(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const BalanceKey key = read_balance_key(reader);
  const auto version = reader.optional_integer("version", 1, std::int64_t{1} << 53);
  const auto recorded_at = reader.optional_instant("recorded_at");
  const auto effective = reader.optional_date("effective");
  const int given = (version ? 1 : 0) + (recorded_at ? 1 : 0) + (effective ? 1 : 0);
  if (given != 1) {
    reader.fail(given > 1 ? "request.malformed" : "request.missing_key", "version",
                "or recorded_at or effective must be given, and only one of them");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (effective) return balance_at_effective(key, *effective);
  base::JsonWriter document;
  document.begin_object();
  write_key(document, key);
  if (version) document.key("version").integer(*version);
  if (recorded_at) document.key("recorded_at").integer(recorded_at->micros());
  document.end_object();
  return make_find("balance_at", read_call(StatementId::kBalanceAt, document.take()), key,
                   version ? " at that version" : " at that instant");
}

}  // namespace cala::engine
