// The operations about the ledger itself, and CEL for template authors.
#include <utility>

#include "base/json_repair.h"
#include "engine/answers.h"
#include "engine/cel_document.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using store::StatementId;

// The schema's version as stored: 0 when there is no ledger yet.
Result<std::int64_t> version_of(const Result<store::Answer> &answer) {
  if (!answer) return base::Error(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  return json->root().get("version").integer().value_or(0);
}

Flow evaluate_cel(Context context, RequestPtr request) {
  Result<std::string> value = evaluate_document(request->root(), context.ledger->now());
  if (!value) co_return std::move(value.error());
  co_return Render([text = value.take()](base::JsonWriter &out) { out.raw(text); });
}

Flow read_info(Context context, std::string library_version) {
  const Result<store::Answer> schema = co_await ask(read_call(StatementId::kSchemaRead, "{}"));
  const Result<std::int64_t> version = version_of(schema);
  if (!version) co_return base::Error(version.error());
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kLedgerInfo, "{}"));
  if (!answer) co_return std::move(answer.error());
  auto counts = std::make_shared<Result<base::Json>>(base::parse_stored(std::get<std::string>(*answer)));
  if (!counts->ok()) co_return base::Error(counts->error());
  Ledger *ledger = context.ledger;
  const base::Timestamp now = ledger->now();
  const std::int64_t schema_version = *version;
  co_return Render([=](base::JsonWriter &out) {
    out.begin_object().key("version").string(library_version).key("store").string(ledger->store_name());
    out.key("schema_version").integer(schema_version);
    out.key("library_schema_version").integer(ledger->dialect().schema_version());
    for (const char *noun : {"accounts", "journals", "tx_templates", "transactions", "entries", "balances"}) {
      out.key(noun).integer((*counts)->root().get(noun).integer().value_or(0));
    }
    out.key("clock").string(ledger->manual_clock() ? "manual" : "system");
    out.key("now").string(now.micros_text()).end_object();
  });
}

// Whether the answer of a probe has no transaction's id, from a store that has such.
bool names_no_transaction(const base::Json &probe) {
  const base::JsonView xid = probe.root().get("xid");
  return xid.present() && xid.is_null();
}

// For programs: each statement of the migration is theirs to run. The first one writes nothing; after it a transaction
// has an id.
Flow migrate(Context context) {
  std::int64_t from_version = 0;
  const Result<store::Answer> probe = co_await ask(read_call(StatementId::kSchemaProbe, "{}"));
  if (!probe) co_return base::Error(probe.error());
  Result<base::Json> present = base::parse_stored(std::get<std::string>(*probe));
  if (!present) co_return std::move(present.error());
  const base::JsonView there = present->root().get("present");
  if (there.present() && (there.is_bool() ? there.boolean() : there.integer() == 1)) {
    const Result<store::Answer> schema = co_await ask(read_call(StatementId::kSchemaRead, "{}"));
    const Result<std::int64_t> version = version_of(schema);
    if (!version) co_return base::Error(version.error());
    from_version = *version;
  }
  const std::int64_t to_version = context.ledger->dialect().schema_version();
  if (from_version > to_version) {
    co_return base::make_error(base::Status::kUnsupported, "store.newer",
                               "the ledger's tables are at version " + std::to_string(from_version) +
                                   ", newer than this library knows (" + std::to_string(to_version) + ")");
  }
  const std::vector<std::string> statements = context.ledger->dialect().migration_statements(from_version);
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Result<store::Answer> done = co_await ask(ddl(statements[i]));
    if (!done) co_return base::Error(done.error());
    if (i != 0 || !names_no_transaction(*present)) continue;
    const Result<store::Answer> asked = co_await ask(read_call(StatementId::kSchemaProbe, "{}"));
    if (!asked) co_return base::Error(asked.error());
    const Result<base::Json> inside = base::parse_stored(std::get<std::string>(*asked));
    if (!inside) co_return base::Error(inside.error());
    if (names_no_transaction(*inside)) {
      co_return base::make_error(base::Status::kMisuse, "transaction.none",
                                 "a migration must run in one open transaction, and there is none");
    }
  }
  co_return Render([from_version, to_version](base::JsonWriter &out) {
    out.begin_object().key("from_version").integer(from_version).key("to_version").integer(to_version).end_object();
  });
}

}  // namespace

// The request's shape; what the typed values and the expression hold is found out when it runs.
Result<OperationPtr> cel_evaluate(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  reader.text("expr");
  reader.optional_text("as");
  reader.optional_instant("clock");
  reader.optional_text("container");
  reader.boolean("disable_check", false);
  for (const char *key : {"params", "type_env"}) reader.optional_array(key, kMaxBatch);
  for (const char *key : {"vars", "bindings"}) reader.optional_object(key);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.needs_store = false;
  return std::make_unique<Operation>("cel_evaluate", traits,
                                     [request](Context context) { return evaluate_cel(context, request); });
}

Result<OperationPtr> ledger_info(Ledger &ledger, const RequestPtr &request) {
  RequestReader reader(request->root());
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(
      "ledger_info", Operation::Traits{},
      [version = ledger.build_version()](Context context) { return read_info(context, version); });
}

Result<OperationPtr> ledger_migrate(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  traits.migrates = true;
  return std::make_unique<Operation>("ledger_migrate", traits, [](Context context) { return migrate(context); });
}

}  // namespace cala::engine
