// cala_tx_*: transactions.
#include "api/tx.h"

#include <utility>

#include "engine/request.h"

namespace cala::api {

namespace {

using base::Outcome;
using base::Result;
using base::Status;

base::Error over_error() {
  return base::make_error(Status::kMisuse, "tx.over", "the transaction has been committed or rolled back already");
}

Result<base::Json> read_options(const char *options, size_t options_len) {
  return base::Json::parse(options == nullptr || options_len == 0 ? std::string_view("{}")
                                                                  : std::string_view(options, options_len));
}

Result<store::Placeholder> read_dialect(bool sqlite, const base::Json &options) {
  engine::RequestReader reader(options.root());
  const std::string dialect = reader.optional_text("dialect").value_or(sqlite ? "qmark" : "dollar");
  store::Placeholder placeholder = store::Placeholder::kDollar;
  if (dialect == "qmark") {
    placeholder = store::Placeholder::kQmark;
  } else if (dialect == "percent") {
    placeholder = store::Placeholder::kPercent;
  } else if (dialect != "dollar") {
    reader.fail("request.malformed", "dialect", "must be dollar, qmark or percent");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return placeholder;
}

Outcome begin(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out) {
  const std::shared_ptr<LedgerState> state = ledger->state;
  Result<base::Json> read = read_options(options, options_len);
  if (!read) return std::move(read.error());
  engine::RequestReader reader(read->root());
  if (Outcome known = reader.finish(); !known) return known;
  if (state->host_only()) {
    return base::make_error(Status::kMisuse, "op.host_only",
                            "this ledger has no connection of its own; use cala_tx_host on the program's transaction");
  }
  if (state->closing()) return closed_error();
  if (Outcome ready = state->ensure_ready(); !ready) return ready;
  Result<std::unique_ptr<engine::Transaction>> own = engine::Transaction::begin(state->ledger(), state->sessions());
  if (!own) return std::move(own.error());
  auto transaction = std::make_shared<TxState>(state, own.take());
  state->add_transaction(transaction);
  *out = TxSlots::make(std::move(transaction));
  return {};
}

cala_status finish(cala_tx *tx, cala_error **out_error, bool commit) {
  return guard(out_error, [&]() -> Outcome {
    if (Outcome valid = check_handle<TxSlots>(tx, "cala_tx"); !valid) return valid;
    if (tx->state->is_host()) return misuse("the program commits and rolls back its own transaction");
    return tx->state->finish(commit);
  });
}

}  // namespace

Outcome TxState::occupy() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ended_) return ledger_->closing() ? closed_error() : over_error();
  if (!busy_) {
    busy_ = true;
    return {};
  }
  base::Error error = base::make_error(Status::kBusy, "tx.busy", "another operation is running in this transaction");
  error.retryable = true;
  return error;
}

void TxState::release() {
  std::unique_ptr<engine::Transaction> over;  // rolled back without the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  busy_ = false;
  if (ended_) over = std::move(own_);
}

void TxState::end() {
  if (is_host_) return;
  std::unique_ptr<engine::Transaction> over;
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  if (!busy_) over = std::move(own_);
}

Result<engine::Render> TxState::run(engine::Operation &operation, engine::CancelToken &cancel) {
  if (!own_ || !own_->open()) return over_error();
  return own_->run(operation, cancel);
}

Outcome TxState::finish(bool commit) {
  if (Outcome free = occupy(); !free) return free;
  Outcome finished = over_error();
  if (own_ && own_->open()) finished = commit ? own_->commit() : own_->rollback();
  release();
  return finished;
}

}  // namespace cala::api

using namespace cala;

extern "C" {

cala_status cala_tx_begin(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                          cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return api::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    return api::begin(ledger, options, options_len, out);
  });
}

cala_status cala_tx_host(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                         cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return api::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    base::Result<base::Json> read = api::read_options(options, options_len);
    if (!read) return std::move(read.error());
    const bool sqlite = ledger->state->ledger().store_name() == "sqlite";
    base::Result<store::Placeholder> placeholder = api::read_dialect(sqlite, *read);
    if (!placeholder) return std::move(placeholder.error());
    *out = api::TxSlots::make(std::make_shared<api::TxState>(ledger->state, *placeholder));
    return {};
  });
}

cala_status cala_tx_commit(cala_tx *tx, cala_error **out_error) { return api::finish(tx, out_error, true); }

cala_status cala_tx_rollback(cala_tx *tx, cala_error **out_error) { return api::finish(tx, out_error, false); }

void cala_tx_free(cala_tx *tx) {
  if (!api::TxSlots::valid(tx)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    // Operations may still hold the transaction; its locks must not wait for them.
    if (!runtime::forked_since(tx->generation)) tx->state->end();
    api::TxSlots::free(tx);
    return {};
  });
}

}  // extern "C"
