// Reading transactions and entries.
#include <unordered_map>
#include <utility>

#include "engine/answers.h"
#include "engine/operations.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using core::Transaction;
using store::StatementId;

// The items of `rows` in the order of ids, missing ones left out.
template <typename T>
std::vector<T> in_order(const std::vector<base::Uuid> &ids, std::vector<T> rows) {
  std::unordered_map<base::Uuid, const T *, base::UuidHash> by_id;
  for (const T &row : rows) by_id[row.id] = &row;
  std::vector<T> out;
  for (const base::Uuid &id : ids) {
    const auto found = by_id.find(id);
    if (found != by_id.end()) out.push_back(*found->second);
  }
  return out;
}

Flow find_transaction(Context, Lookup lookup) {
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kTransactionFind, lookup));
  Result<Rows<Transaction>> rows = rows_of(std::move(answer), store::transaction_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found("transaction", lookup);
  co_return Render([transaction = rows->items.front()](base::JsonWriter &out) { render(out, transaction); });
}

// One flow for both nouns: found by ids, rendered as {<key>: [...]}.
template <typename T>
Flow find_many(Context, StatementId id, std::vector<base::Uuid> ids, const char *key,
               Result<T> (*read)(base::JsonView)) {
  Result<store::Answer> answer = co_await ask(find_call(id, lookup_ids(ids)));
  Result<Rows<T>> rows = rows_of(std::move(answer), read);
  if (!rows) co_return std::move(rows.error());
  co_return Render([items = in_order(ids, std::move(rows->items)), key](base::JsonWriter &out) {
    out.begin_object().key(key);
    render_array(out, items);
    out.end_object();
  });
}

template <typename T>
Flow list(Context, StatementId id, Page page, std::string document, const char *noun,
          Result<T> (*read)(base::JsonView)) {
  Result<store::Answer> answer = co_await ask(read_call(id, document));
  Result<Rows<T>> rows = rows_of(std::move(answer), read);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page, noun](base::JsonWriter &out) { render_page(out, rows, page, noun); });
}

void write_uuid(base::JsonWriter &document, const char *key, const std::optional<base::Uuid> &id) {
  if (id) document.key(key).string(id->text());
}

// Ends where nothing that is still being posted can come before what it shows.
void end_when_stable(RequestReader &reader, base::JsonWriter &document) {
  if (reader.boolean("stable", false)) document.key("stable").boolean(true);
}

// effective_from and effective_to, both inclusive, as days.
void filter_by_effective(RequestReader &reader, base::JsonWriter &document) {
  for (const char *key : {"effective_from", "effective_to"}) {
    if (const std::optional<base::Date> date = reader.optional_date(key)) document.key(key).integer(date->days);
  }
}

}  // namespace

Result<OperationPtr> transaction_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Lookup lookup = read_lookup(reader, {"id", "external_id"});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("transaction_find", Operation::Traits{},
                                     [lookup](Context context) { return find_transaction(context, lookup); });
}

Result<OperationPtr> transaction_find_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<base::Uuid> ids = reader.uuids("ids", kMaxBatch);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("transaction_find_many", Operation::Traits{}, [ids](Context context) {
    return find_many(context, StatementId::kTransactionFind, ids, "transactions", store::transaction_of);
  });
}

Result<OperationPtr> transaction_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "transaction");
  base::JsonWriter document = begin_list(page);
  for (const char *key : {"tx_template_id", "journal_id", "account_id"}) {
    write_uuid(document, key, reader.optional_uuid(key));
  }
  if (const auto correlation_id = reader.optional_text("correlation_id")) {
    document.key("correlation_id").string(*correlation_id);
  }
  filter_by_effective(reader, document);
  end_when_stable(reader, document);
  document.end_object();
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(
      "transaction_list", Operation::Traits{}, [page, text = document.take()](Context context) {
        return list(context, StatementId::kTransactionList, page, text, "transaction", store::transaction_of);
      });
}

Result<OperationPtr> entry_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, "entry");
  base::JsonWriter document = begin_list(page);
  const auto account_id = reader.optional_uuid("account_id");
  const auto account_set_id = reader.optional_uuid("account_set_id");
  const auto journal_id = reader.optional_uuid("journal_id");
  const auto transaction_id = reader.optional_uuid("transaction_id");
  const int subjects =
      (account_id ? 1 : 0) + (account_set_id ? 1 : 0) + (journal_id ? 1 : 0) + (transaction_id ? 1 : 0);
  if (subjects != 1) {
    reader.fail(subjects == 0 ? "request.missing_key" : "request.malformed", "account_id",
                "or account_set_id or journal_id or transaction_id must be given, and only one of them");
  }
  write_uuid(document, "account_id", account_id);
  write_uuid(document, "account_set_id", account_set_id);
  write_uuid(document, "journal_id", journal_id);
  write_uuid(document, "transaction_id", transaction_id);
  for (const char *key : {"created_from", "created_to"}) {
    if (const auto instant = reader.optional_instant(key)) document.key(key).integer(instant->micros());
  }
  filter_by_effective(reader, document);
  end_when_stable(reader, document);
  document.end_object();
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(
      "entry_list", Operation::Traits{}, [page, text = document.take()](Context context) {
        return list(context, StatementId::kEntryList, page, text, "entry", store::entry_of);
      });
}

Result<OperationPtr> entry_find_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  std::vector<base::Uuid> ids = reader.uuids("ids", kMaxBatch);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("entry_find_many", Operation::Traits{}, [ids](Context context) {
    return find_many(context, StatementId::kEntryFind, ids, "entries", store::entry_of);
  });
}

}  // namespace cala::engine
