#include "engine/operation.h"

#include <utility>

namespace cala::engine {

void Operation::begin(const Context &context) {
  context_ = context;
  flow_.reset();
  outcome_.reset();
  if (context.savepoint && traits_.needs_store) return ask_savepoint(Phase::kSetting, store::Savepoint::kSet);
  start_flow();
}

const store::Request *Operation::pending() const {
  if (phase_ == Phase::kDone) return nullptr;
  return phase_ == Phase::kFlow ? flow_->pending() : &savepoint_;
}

void Operation::feed(base::Result<store::Answer> answer) {
  switch (phase_) {
    case Phase::kFlow: flow_->feed(std::move(answer)); return after_flow();
    case Phase::kSetting:
      if (answer) return start_flow();
      outcome_ = std::move(answer.error());
      break;
    case Phase::kRollingBack:
      if (answer) return ask_savepoint(Phase::kReleasing, store::Savepoint::kRelease);
      break;
    case Phase::kReleasing:
      // What was undone left the transaction as it was before; a lost race is lost all the same.
      if (!answer && outcome_->ok()) outcome_ = std::move(answer.error());
      if (answer && !outcome_->ok() && outcome_->error().tx_state == base::TxState::kAborted) {
        outcome_->error().tx_state = base::TxState::kUsable;
      }
      break;
    case Phase::kDone: break;
  }
  phase_ = Phase::kDone;
}

base::Result<Render> Operation::take_outcome() { return std::move(*outcome_); }

void Operation::start_flow() {
  phase_ = Phase::kFlow;
  flow_.emplace(body_(context_));
  flow_->resume();
  after_flow();
}

void Operation::after_flow() {
  if (!flow_->done()) return;
  outcome_ = flow_->take_outcome();
  if (!context_.savepoint || !traits_.needs_store) {
    phase_ = Phase::kDone;
  } else if (outcome_->ok()) {
    ask_savepoint(Phase::kReleasing, store::Savepoint::kRelease);
  } else {
    ask_savepoint(Phase::kRollingBack, store::Savepoint::kRollBack);
  }
}

void Operation::ask_savepoint(Phase phase, store::Savepoint what) {
  phase_ = phase;
  savepoint_ = what;
}

}  // namespace cala::engine
