// The operations on tx templates.
#include "core/tx_template/tx_template.h"

#include <utility>

#include "engine/ensure.h"
#include "engine/makers.h"
#include "engine/noun.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using core::TxTemplate;
using store::StatementId;

constexpr const char *kKeys[] = {"id", "code"};
constexpr Noun<TxTemplate> kTxTemplates = {"tx_template",
                                           StatementId::kTxTemplateFind,
                                           StatementId::kTxTemplateList,
                                           StatementId::kTxTemplateWrite,
                                           store::tx_template_of,
                                           kKeys};

Outcome check_source(const Ledger &ledger, const TxTemplate &tx_template) {
  Result<core::CompiledTxTemplatePtr> compiled = core::compile_tx_template(tx_template);
  if (!compiled) return std::move(compiled.error());
  return core::check_tx_template(**compiled, ledger.now());
}

}  // namespace

Result<OperationPtr> tx_template_create(Ledger &ledger, const RequestPtr &request) {
  RequestReader reader(request->root());
  TxTemplate tx_template = read_new<TxTemplate>(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  if (Outcome sound = check_source(ledger, tx_template); !sound) return std::move(sound.error());
  return make_create("tx_template_create", kTxTemplates, std::move(tx_template));
}

// What posts is compared as a whole: a template without params is another than one with some.
Result<OperationPtr> tx_template_ensure(Ledger &ledger, const RequestPtr &request) {
  Result<Ensure<TxTemplate>> what = read_ensured(kTxTemplates, request, read_new<TxTemplate>);
  if (!what) return std::move(what.error());
  if (Outcome sound = check_source(ledger, what->entity); !sound) return std::move(sound.error());
  what->compared.emplace_back("params");
  return make_ensure("tx_template_ensure", what.take());
}

Result<OperationPtr> tx_template_find(Ledger &, const RequestPtr &request) {
  return make_find("tx_template_find", kTxTemplates, request, {"id", "code"});
}

Result<OperationPtr> tx_template_list(Ledger &, const RequestPtr &request) {
  return make_list("tx_template_list", kTxTemplates, request);
}

}  // namespace cala::engine
