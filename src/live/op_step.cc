// The program runs an operation's statements on its own connection, and feeds their answers.
#include <utility>

#include "live/op.h"

namespace cala::live {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

namespace {

std::int32_t refused(Status status) { return -static_cast<std::int32_t>(status); }

}  // namespace

std::int32_t OpState::fail_step(Error error) {
  answer(std::move(error));
  return kStepFailed;
}

std::int32_t OpState::advance() {
  statement_.reset();
  const store::Request *request = operation_->pending();
  if (request == nullptr) {
    answer(operation_->take_outcome());
    return failure_ ? kStepFailed : kStepDone;
  }
  statement_ = ledger_->ledger().dialect().encode(*request, tx_->placeholder());
  return kStepNeedQuery;
}

std::int32_t OpState::step() {
  if (!tx_ || tx_->kind() != TxState::Kind::kHost) return refused(Status::kMisuse);
  if (ledger_->closing()) return refused(Status::kClosed);
  if (stage_.load() == Stage::kMade) {
    if (Outcome accepted = accept(Stage::kStepping); !accepted) return refused(accepted.error().status);
    if (cancel_.cancelled()) return fail_step(engine::cancelled_error());
    if (tx_->outside_transaction() && operation_->traits().access == store::Access::kWrite) {
      return fail_step(base::make_error(Status::kMisuse, "transaction.none",
                                        "the connection is in no transaction: begin one before, commit after"));
    }
    operation_->begin(
        engine::Context{.ledger = &ledger_->ledger(), .host = true, .inside = true, .savepoint = tx_->savepoint()});
    return advance();
  }
  return refused(Status::kMisuse);
}

std::int32_t OpState::feed(std::string_view text) {
  if (stage_.load() != Stage::kStepping || !statement_) return refused(Status::kMisuse);
  const store::Request *request = operation_->pending();
  const bool stops = cancel_.cancelled() && !statement_->writes && !std::holds_alternative<store::Savepoint>(*request);
  Result<store::Answer> answer = engine::cancelled_error();
  if (!stops) answer = ledger_->ledger().dialect().decode(*request, text);
  operation_->feed(std::move(answer));
  return advance();
}

std::int32_t OpState::feed_error(std::string_view sqlstate, std::string_view message) {
  if (stage_.load() != Stage::kStepping || !statement_) return refused(Status::kMisuse);
  operation_->feed(ledger_->ledger().dialect().error_of(sqlstate, message));
  return advance();
}

}  // namespace cala::live
