#include "live/tx.h"

#include <utility>

namespace cala::live {

namespace {

using base::Outcome;
using base::Result;
using base::Status;

base::Error not_begun_error() {
  return misuse("the transaction has not begun: the operation of cala_tx_begin_op has to end well first");
}

base::Error over_error() {
  return base::make_error(Status::kMisuse, "tx.over",
                          "the transaction has been committed, rolled back or prepared already");
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
  std::unique_ptr<engine::OwnTransaction> over;  // rolled back without the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  busy_ = false;
  if (ended_) over = std::move(own_);
}

void TxState::end() {
  if (kind_ != Kind::kOwn) return;
  std::unique_ptr<engine::OwnTransaction> over;
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = true;
  if (!busy_) over = std::move(own_);
}

Result<engine::Render> TxState::run(engine::Operation &operation, engine::CancelToken &cancel) {
  if (adopted_) {
    const engine::Context context{.ledger = &ledger_->ledger(), .host = true, .inside = true, .savepoint = savepoint_};
    return engine::run_inside(operation, context, *adopted_, cancel);
  }
  if (!begun_) return not_begun_error();
  if (!own_ || !own_->open()) return over_error();
  return own_->run(operation, cancel, savepoint_);
}

Outcome TxState::begin(engine::Course &course) {
  if (begun_) return misuse("the transaction has begun already");
  Result<std::unique_ptr<engine::OwnTransaction>> own =
      engine::OwnTransaction::begin(ledger_->ledger(), ledger_->sessions(), ledger_->failover_wait(), course);
  if (!own) return std::move(own.error());
  own_ = own.take();
  begun_ = true;
  return {};
}

Outcome TxState::end_begun(const Ending &ending) {
  if (!begun_) return not_begun_error();
  if (!own_ || !own_->open()) return over_error();
  switch (ending.how) {
    case End::kCommit: return own_->commit();
    case End::kPrepare: return own_->prepare(ending.gid);
    default: return own_->rollback();
  }
}

Outcome TxState::finish(const Ending &ending) {
  if (Outcome free = occupy(); !free) return free;
  try {
    Outcome finished = end_begun(ending);
    if (ending.how == End::kCommit && finished) ledger_->committed();
    if (!finished) ledger_->ledger().telemetry().log().failed(name_of(ending.how), finished.error());
    release();
    return finished;
  } catch (...) {
    release();
    throw;
  }
}

std::string_view name_of(TxState::End how) {
  switch (how) {
    case TxState::End::kCommit: return "tx_commit";
    case TxState::End::kPrepare: return "tx_prepare";
    default: return "tx_rollback";
  }
}

}  // namespace cala::live
