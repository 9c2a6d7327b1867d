// The operations on tx templates.
#include "core/tx_template/tx_template.h"

#include <utility>

#include "cel/cel.h"
#include "engine/answers.h"
#include "engine/ensure.h"
#include "engine/entity_write.h"
#include "engine/operations.h"

namespace cala::engine {

namespace {

using base::JsonView;
using base::Outcome;
using base::Result;
using core::TxTemplate;
using store::StatementId;

constexpr const char *kNoun = "tx_template";
constexpr std::size_t kMaxParams = 1000;
constexpr std::size_t kMaxEntries = 1000;

core::TxTemplateParam read_param(RequestReader &reader) {
  core::TxTemplateParam param;
  param.name = reader.name("name");
  if (!reader.has("type")) reader.fail("request.missing_key", "type", "is required");
  param.type = reader.word("type", core::ParamType::kString, cel::parse_param_type,
                           "string, integer, decimal, boolean, uuid, date, timestamp, json");
  param.default_expr = reader.optional_text("default");
  param.min = reader.optional_text("min");
  param.max = reader.optional_text("max");
  param.description = reader.optional_text("description");
  return param;
}

core::TxTemplateTransaction read_transaction(RequestReader &reader) {
  core::TxTemplateTransaction transaction;
  transaction.effective = reader.text("effective");
  transaction.journal_id = reader.text("journal_id");
  transaction.correlation_id = reader.optional_text("correlation_id");
  transaction.external_id = reader.optional_text("external_id");
  transaction.description = reader.optional_text("description");
  transaction.metadata = reader.optional_text("metadata");
  return transaction;
}

core::TxTemplateEntry read_entry(RequestReader &reader) {
  core::TxTemplateEntry entry;
  entry.entry_type = reader.text("entry_type");
  entry.account_id = reader.text("account_id");
  entry.layer = reader.text("layer");
  entry.direction = reader.text("direction");
  entry.units = reader.text("units");
  entry.currency = reader.text("currency");
  entry.description = reader.optional_text("description");
  entry.metadata = reader.optional_text("metadata");
  entry.min_available = reader.optional_text("min_available");
  entry.max_available = reader.optional_text("max_available");
  return entry;
}

TxTemplate read_tx_template(RequestReader &reader) {
  TxTemplate out;
  out.id = reader.optional_uuid("id").value_or(base::Uuid{});
  out.code = reader.name("code");
  for (const JsonView item : reader.optional_array("params", kMaxParams)) {
    RequestReader one(item, "/params/" + std::to_string(out.params.size()));
    out.params.push_back(read_param(one));
    reader.adopt(one.finish());
  }
  const JsonView transaction = reader.object("transaction");
  if (transaction.present()) {
    RequestReader one(transaction, "/transaction");
    out.transaction = read_transaction(one);
    reader.adopt(one.finish());
  }
  for (const JsonView item : reader.array("entries", kMaxEntries)) {
    RequestReader one(item, "/entries/" + std::to_string(out.entries.size()));
    out.entries.push_back(read_entry(one));
    reader.adopt(one.finish());
  }
  out.description = reader.optional_text("description");
  out.metadata = reader.optional_json("metadata");
  return out;
}

Outcome check_source(const Ledger &ledger, const TxTemplate &tx_template) {
  Result<core::CompiledTxTemplatePtr> compiled = core::compile_tx_template(tx_template);
  if (!compiled) return std::move(compiled.error());
  return core::check_tx_template(**compiled, ledger.now());
}

Render render_tx_template(TxTemplate tx_template) {
  return [tx_template = std::move(tx_template)](base::JsonWriter &out) { render(out, tx_template); };
}

Flow create_tx_template(Context context, TxTemplate tx_template) {
  tx_template.created_at = tx_template.modified_at = context.ledger->now();
  const std::vector<Lookup> unique = {lookup_ids({tx_template.id}), Lookup{"code", {tx_template.code}}};
  for (const Lookup &lookup : unique) {
    Result<store::Answer> answer = co_await ask(find_call(StatementId::kTxTemplateFind, lookup));
    Result<Rows<TxTemplate>> rows = rows_of(std::move(answer), store::tx_template_of);
    if (!rows) co_return std::move(rows.error());
    if (!rows->items.empty()) co_return already_exists(kNoun, lookup.by, lookup.keys.front(), -1);
  }
  EntityWrite<TxTemplate> write(StatementId::kTxTemplateWrite, kNoun, tx_template.created_at);
  write.insert(tx_template);
  Outcome written = co_await ask_write(write, context);
  if (!written) co_return std::move(written.error());
  co_return render_tx_template(std::move(tx_template));
}

Flow find_tx_template(Context, Lookup lookup) {
  Result<store::Answer> answer = co_await ask(find_call(StatementId::kTxTemplateFind, lookup));
  Result<Rows<TxTemplate>> rows = rows_of(std::move(answer), store::tx_template_of);
  if (!rows) co_return std::move(rows.error());
  if (rows->items.empty()) co_return not_found(kNoun, lookup);
  co_return render_tx_template(std::move(rows->items.front()));
}

Flow list_tx_templates(Context, Page page, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kTxTemplateList, document));
  Result<Rows<TxTemplate>> rows = rows_of(std::move(answer), store::tx_template_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, kNoun); });
}

}  // namespace

Result<OperationPtr> tx_template_create(Ledger &ledger, const RequestPtr &request) {
  RequestReader reader(request->root());
  TxTemplate tx_template = read_tx_template(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (tx_template.id.is_nil()) tx_template.id = base::new_uuid();
  if (Outcome sound = check_source(ledger, tx_template); !sound) return std::move(sound.error());
  return std::make_unique<Operation>(
      "tx_template_create", Operation::Traits{.access = store::Access::kWrite},
      [tx_template = std::move(tx_template)](Context context) { return create_tx_template(context, tx_template); });
}

// What posts is compared as a whole: a template without params is another than one with some.
Result<OperationPtr> tx_template_ensure(Ledger &ledger, const RequestPtr &request) {
  RequestReader reader(request->root());
  Ensure<TxTemplate> what{
      {kNoun, StatementId::kTxTemplateFind, StatementId::kTxTemplateWrite, store::tx_template_of}, {}, {}, {}, {}, {}};
  what.keep = read_on_difference(reader);
  what.entity = read_tx_template(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  what.id_given = !what.entity.id.is_nil();
  if (what.id_given) what.keys.push_back(lookup_ids({what.entity.id}));
  if (!what.id_given) what.entity.id = base::new_uuid();
  if (Outcome sound = check_source(ledger, what.entity); !sound) return std::move(sound.error());
  what.keys.push_back({"code", {what.entity.code}});
  what.compared = fields_of(request->root());
  what.compared.emplace_back("params");
  return make_ensure("tx_template_ensure", std::move(what));
}

Result<OperationPtr> tx_template_find(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Lookup lookup = read_lookup(reader, {"id", "code"});
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("tx_template_find", Operation::Traits{},
                                     [lookup](Context context) { return find_tx_template(context, lookup); });
}

Result<OperationPtr> tx_template_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  base::JsonWriter document = begin_list(page);
  document.end_object();
  return std::make_unique<Operation>(
      "tx_template_list", Operation::Traits{},
      [page, text = document.take()](Context context) { return list_tx_templates(context, page, text); });
}

}  // namespace cala::engine
