// Reading transactions and entries.
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/makers.h"
#include "engine/noun.h"

namespace cala::engine {

namespace {

using base::Result;
using core::Entry;
using core::Transaction;
using store::StatementId;

constexpr Noun<Transaction> kTransactions = {"transaction",
                                             StatementId::kTransactionFind,
                                             StatementId::kTransactionList,
                                             StatementId::kPostingWrite,
                                             store::transaction_of,
                                             {}};
constexpr Noun<Entry> kEntries = {
    "entry", StatementId::kEntryFind, StatementId::kEntryList, StatementId::kPostingWrite, store::entry_of, {}};

// {transactions: [...]}, in the order of the external ids; missing ones are left out.
Flow find_by_external_ids(Context, Lookup lookup) {
  base::Result<store::Answer> answer = co_await ask(find_call(kTransactions.find, lookup));
  Result<Rows<Transaction>> rows = rows_of(std::move(answer), kTransactions.read);
  if (!rows) co_return std::move(rows.error());
  std::unordered_map<std::string_view, const Transaction *> by_external_id;
  for (const Transaction &row : rows->items) {
    if (row.external_id) by_external_id[*row.external_id] = &row;
  }
  std::vector<Transaction> found;
  for (const std::string &external_id : lookup.keys) {
    const auto at = by_external_id.find(external_id);
    if (at != by_external_id.end()) found.push_back(*at->second);
  }
  co_return Render([found = std::move(found)](base::JsonWriter &out) {
    out.begin_object().key("transactions");
    render_array(out, found);
    out.end_object();
  });
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
  return make_find("transaction_find", kTransactions, request, {"id", "external_id"});
}

Result<OperationPtr> transaction_find_many(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const bool by_external_id = reader.has("external_ids"), by_id = reader.has("ids");
  if (by_external_id == by_id) {
    reader.fail(by_id ? "request.malformed" : "request.missing_key", "ids",
                "or external_ids must be given, and only one of them");
  }
  Lookup lookup{"external_id", {}};
  std::vector<base::Uuid> ids;
  if (by_external_id) lookup.keys = reader.texts("external_ids", kMaxBatch);
  if (by_id) ids = reader.uuids("ids", kMaxBatch);
  if (base::Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("transaction_find_many", Operation::Traits{},
                                     [lookup, ids, by_external_id](Context context) {
                                       return by_external_id ? find_by_external_ids(context, lookup)
                                                             : find_many(context, kTransactions, ids, "transactions");
                                     });
}

Result<OperationPtr> transaction_list(Ledger &, const RequestPtr &request) {
  return make_list("transaction_list", kTransactions, request, [](RequestReader &reader, base::JsonWriter &document) {
    for (const char *key : {"tx_template_id", "journal_id", "account_id"}) {
      write_uuid(document, key, reader.optional_uuid(key));
    }
    if (const auto correlation_id = reader.optional_text("correlation_id")) {
      document.key("correlation_id").string(*correlation_id);
    }
    filter_by_effective(reader, document);
    end_when_stable(reader, document);
  });
}

Result<OperationPtr> entry_list(Ledger &, const RequestPtr &request) {
  return make_list("entry_list", kEntries, request, [](RequestReader &reader, base::JsonWriter &document) {
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
  });
}

Result<OperationPtr> entry_find_many(Ledger &, const RequestPtr &request) {
  return make_find_many("entry_find_many", kEntries, request, "entries");
}

}  // namespace cala::engine
