// CompiledTxTemplate: a tx template whose expressions are compiled, ready to post with.
// Immutable and shared between threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "cel/cel.h"
#include "core/tx_template/params.h"
#include "core/tx_template/tx_template.h"

namespace cala::core {

struct CompiledTxTemplate {
  struct Entry {
    cel::ProgramPtr account_id, entry_type, layer, units, currency, direction;
    cel::ProgramPtr description, metadata;         // null when the template has none
    cel::ProgramPtr min_available, max_available;  // likewise
  };

  TxTemplate source;
  std::vector<cel::ParamSpec> params;
  std::vector<cel::ProgramPtr> defaults;  // by param; null when it has none
  cel::ProgramPtr effective, journal_id;
  cel::ProgramPtr correlation_id, external_id, description, metadata;  // null when the template has none
  std::vector<Entry> entries;
};

using CompiledTxTemplatePtr = std::shared_ptr<const CompiledTxTemplate>;

// Compiles every expression. Errors name the expression by JSON pointer: cel.compile, param.duplicate; param.type and
// param.range of bounds.
base::Result<CompiledTxTemplatePtr> compile_tx_template(TxTemplate source);

// What creation checks beyond compiling: defaults have their param's type and bounds (param.type, param.range, cel.*),
// and debits can equal credits (tx_template.unbalanced).
base::Outcome check_tx_template(const CompiledTxTemplate &compiled, base::Timestamp now);

}  // namespace cala::core
