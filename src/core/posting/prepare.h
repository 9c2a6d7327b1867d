// Preparing a posting: from a tx template and params to a transaction and its entries, balanced per currency and layer.
// Pure: the clock's instant comes in, no id is drawn (entries get theirs when they are written).
#pragma once

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/posting/transaction.h"
#include "core/tx_template/compiled.h"

namespace cala::core {

// params: an object, or absent. Errors in this order: params (param.unknown, param.type), journal_id, entries in order,
// balance (posting.unbalanced), the transaction's other fields; each cel.eval, cel.coerce, param.missing,
// currency.unknown or amount.range.
base::Result<PostedTransaction> prepare_posting(const CompiledTxTemplate &tx_template, base::JsonView params,
                                                const base::Uuid &transaction_id, base::Timestamp now);

// Debits equal credits in each currency and layer, or posting.unbalanced, naming the first pair, in entry order, that
// does not.
base::Outcome check_balanced(const std::vector<Entry> &entries);

}  // namespace cala::core
