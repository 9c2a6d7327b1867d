#include "core/tx_template/compiled.h"

#include <optional>
#include <utility>

#include "core/tx_template/balance_proof.h"

namespace cala::core {

namespace {

using base::Outcome;
using base::Result;
using cel::ResultAs;

CompiledTxTemplate::Entry compile_entry(ExpressionCompiler &compiler, const TxTemplateEntry &source,
                                        std::size_t index) {
  const std::string at = "/entries/" + std::to_string(index);
  CompiledTxTemplate::Entry entry;
  entry.account_id = compiler.compile(source.account_id, ResultAs::kUuid, at + "/account_id");
  entry.entry_type = compiler.compile(source.entry_type, ResultAs::kString, at + "/entry_type");
  entry.layer = compiler.compile(source.layer, ResultAs::kLayer, at + "/layer");
  entry.units = compiler.compile(source.units, ResultAs::kDecimal, at + "/units");
  entry.currency = compiler.compile(source.currency, ResultAs::kCurrency, at + "/currency");
  entry.direction = compiler.compile(source.direction, ResultAs::kDirection, at + "/direction");
  entry.description = compiler.compile(source.description, ResultAs::kAny, at + "/description");
  entry.metadata = compiler.compile(source.metadata, ResultAs::kJson, at + "/metadata");
  entry.min_available = compiler.compile(source.min_available, ResultAs::kAny, at + "/min_available");
  entry.max_available = compiler.compile(source.max_available, ResultAs::kAny, at + "/max_available");
  return entry;
}

}  // namespace

Result<CompiledTxTemplatePtr> compile_tx_template(TxTemplate source) {
  auto out = std::make_shared<CompiledTxTemplate>();
  out->source = std::move(source);
  Result<CompiledParams> params = compile_params(out->source.params);
  if (!params) return std::move(params.error());
  out->params = std::move(params->specs);
  out->defaults = std::move(params->defaults);
  ExpressionCompiler compiler(out->params);
  const TxTemplateTransaction &transaction = out->source.transaction;
  out->journal_id = compiler.compile(transaction.journal_id, ResultAs::kUuid, "/transaction/journal_id");
  for (std::size_t i = 0; i < out->source.entries.size(); ++i) {
    out->entries.push_back(compile_entry(compiler, out->source.entries[i], i));
  }
  out->effective = compiler.compile(transaction.effective, ResultAs::kDate, "/transaction/effective");
  out->correlation_id = compiler.compile(transaction.correlation_id, ResultAs::kAny, "/transaction/correlation_id");
  out->external_id = compiler.compile(transaction.external_id, ResultAs::kAny, "/transaction/external_id");
  out->description = compiler.compile(transaction.description, ResultAs::kAny, "/transaction/description");
  out->metadata = compiler.compile(transaction.metadata, ResultAs::kJson, "/transaction/metadata");
  if (Outcome compiled = compiler.finish(); !compiled) return std::move(compiled.error());
  return CompiledTxTemplatePtr(std::move(out));
}

namespace {

Outcome refuse_unbalanced(const CompiledTxTemplate &compiled) {
  std::vector<EntryPrograms> entries;
  for (const CompiledTxTemplate::Entry &entry : compiled.entries) {
    entries.push_back({entry.units.get(), entry.currency.get(), entry.layer.get(), entry.direction.get()});
  }
  const std::optional<std::string> reason = provably_unbalanced(entries);
  if (!reason) return {};
  return base::make_error(base::Status::kRejected, "tx_template.unbalanced",
                          "the tx template can never balance: " + *reason);
}

}  // namespace

Outcome check_tx_template(const CompiledTxTemplate &compiled, base::Timestamp now) {
  Outcome defaults = check_defaults({compiled.params, compiled.defaults}, now);
  if (!defaults) return defaults;
  return refuse_unbalanced(compiled);
}

}  // namespace cala::core
