// Making operations.
#pragma once

#include <memory>

#include "api/handles.h"
#include "engine/makers.h"
#include "live/op.h"
#include "live/tx.h"

namespace cala::api {

// From a request: what every named operation of cala.h does.
cala_status make_op(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len, cala_op **out_op,
                    cala_error **out_error, engine::Maker maker);

// One that begins a transaction of ours, or ends it.
cala_op *make_begin(std::shared_ptr<live::TxState> tx);
cala_op *make_end(std::shared_ptr<live::TxState> tx, live::TxState::Ending ending);

}  // namespace cala::api
