// cala_op_*: making, running and reading operations.
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "api/make_op.h"
#include "base/json.h"
#include "live/op.h"

namespace cala::api {

using base::Outcome;
using base::Result;
using base::Status;

static_assert(live::kStepDone == CALA_STEP_DONE && live::kStepNeedQuery == CALA_STEP_NEED_QUERY &&
              live::kStepFailed == CALA_STEP_FAILED);

namespace {

// Some operations make sense only together with others.
Outcome check_place(const engine::Operation &operation, const live::TxState *tx) {
  using Inside = engine::Operation::Inside;
  const Inside inside = operation.traits().inside;
  if (inside == Inside::kAnywhere) return {};
  if (inside == Inside::kNone) {
    if (tx == nullptr) return {};
    return base::make_error(Status::kMisuse, "op.own_transaction",
                            std::string("cala_") + std::string(operation.name()) + " runs outside of any transaction");
  }
  if (tx != nullptr && (inside == Inside::kTransaction || tx->kind() == live::TxState::Kind::kOwn)) return {};
  return base::make_error(Status::kMisuse, "tx.required",
                          std::string("cala_") + std::string(operation.name()) +
                              (inside == Inside::kTransaction ? " needs a transaction, its second argument"
                                                              : " needs a transaction of cala_tx_begin"));
}

}  // namespace

cala_status make_op(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len, cala_op **out_op,
                    cala_error **out_error, engine::Maker maker) {
  return guard(out_error, [&]() -> Outcome {
    if (out_op == nullptr) return live::misuse("out_op must not be NULL");
    *out_op = nullptr;
    if (Outcome valid = check_handle<LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    const std::shared_ptr<live::LedgerState> state = ledger->state;
    std::shared_ptr<live::TxState> transaction;
    if (tx != nullptr) {
      if (Outcome valid = check_handle<TxSlots>(tx, "cala_tx"); !valid) return valid;
      transaction = tx->state;
      if (transaction->ledger() != state) return live::misuse("the transaction belongs to another ledger");
    }
    if (state->closing()) return live::closed_error();
    if (request == nullptr && request_len > 0) return live::misuse("request is NULL but its length is not 0");
    Result<base::Json> json = base::Json::parse({request == nullptr ? "" : request, request_len});
    if (!json) return std::move(json.error());
    Result<engine::OperationPtr> made = maker(state->ledger(), std::make_shared<const base::Json>(json.take()));
    if (!made) return std::move(made.error());
    if (Outcome placed = check_place(**made, transaction.get()); !placed) return placed;
    auto op = std::make_shared<live::OpState>(state, std::move(transaction), made.take());
    *out_op = OpSlots::make(op);
    op->set_handle(*out_op);
    return {};
  });
}

namespace {

cala_op *with_handle(const std::shared_ptr<live::OpState> &op) {
  cala_op *handle = OpSlots::make(op);
  op->set_handle(handle);
  return handle;
}

}  // namespace

cala_op *make_begin(std::shared_ptr<live::TxState> tx) {
  return with_handle(std::make_shared<live::OpState>(std::move(tx)));
}

cala_op *make_end(std::shared_ptr<live::TxState> tx, live::TxState::Ending ending) {
  return with_handle(std::make_shared<live::OpState>(std::move(tx), std::move(ending)));
}

namespace {

// Made when it is first asked for, and the operation's until that is freed.
const cala_error *error_of(const cala_op &op, const base::Error &failure) {
  cala_error *made = op.error.load(std::memory_order_acquire);
  if (made != nullptr) return made;
  cala_error *fresh = make_error_handle(failure);
  if (fresh == nullptr || op.error.compare_exchange_strong(made, fresh)) return fresh;
  ErrorSlots::free(fresh);  // another thread was faster
  return made;
}

}  // namespace

}  // namespace cala::api

using namespace cala;

namespace {

// Runs fn on an operation's state; a wrong handle or an exception gives `otherwise`.
template <typename T, typename Fn>
T with_op(const cala_op *op, T otherwise, Fn fn) noexcept {
  if (!api::OpSlots::valid(op) || runtime::forked_since(op->generation)) return otherwise;
  try {
    return fn(*op->state);
  } catch (...) {
    return otherwise;
  }
}

void set_length(size_t *out_len, std::size_t length) {
  if (out_len != nullptr) *out_len = length;
}

// Step and feed answer with a negated status where a status is meant.
template <typename Fn>
int32_t steps(const cala_op *op, Fn fn) noexcept {
  if (!api::OpSlots::valid(op)) return -CALA_MISUSE;
  if (runtime::forked_since(op->generation)) return -CALA_FORKED;
  try {
    return fn(*op->state);
  } catch (const std::bad_alloc &) {
    op->state->fail_thrown(base::Status::kNoMemory);
    return -CALA_NO_MEMORY;
  } catch (...) {
    op->state->fail_thrown(base::Status::kInternal);
    return -CALA_INTERNAL;
  }
}

}  // namespace

extern "C" {

cala_status cala_op_run(cala_op *op, int32_t timeout_ms, cala_error **out_error) {
  const cala_status status = api::guard(out_error, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::OpSlots>(op, "cala_op"); !valid) return valid;
    const std::shared_ptr<live::OpState> state = op->state;
    return state->run(timeout_ms);
  });
  if (status != CALA_NO_MEMORY) return status;
  // There may have been none to say how it ended, or that it goes on.
  return with_op<cala_status>(op, status, [status](live::OpState &state) {
    const cala_status answered = api::status_of(state.answer_status());
    if (answered != CALA_BUSY) return answered;
    return state.in_flight() ? CALA_TIMEOUT : status;
  });
}

cala_status cala_op_start(cala_op *op, cala_queue *queue, cala_completion_fn fn, void *user) {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::OpSlots>(op, "cala_op"); !valid) return valid;
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    const std::shared_ptr<live::OpState> state = op->state;
    return state->start(queue->state, fn, user);
  });
}

int32_t cala_op_step(cala_op *op) {
  return steps(op, [](live::OpState &state) { return state.step(); });
}

const char *cala_op_sql(const cala_op *op, size_t *out_len) {
  set_length(out_len, 0);
  return with_op<const char *>(op, nullptr, [&](live::OpState &state) -> const char * {
    const store::SqlStatement *statement = state.statement();
    if (statement == nullptr) return nullptr;
    set_length(out_len, statement->sql.size());
    return statement->sql.data();
  });
}

const char *cala_op_sql_name(const cala_op *op) {
  return with_op<const char *>(op, nullptr, [](live::OpState &state) -> const char * {
    return state.statement() == nullptr ? nullptr : state.statement()->name.data();
  });
}

int32_t cala_op_sql_returns_row(const cala_op *op) {
  return with_op<int32_t>(op, 0, [](live::OpState &state) -> int32_t {
    return state.statement() != nullptr && state.statement()->returns_row ? 1 : 0;
  });
}

int32_t cala_op_param_count(const cala_op *op) {
  return with_op<int32_t>(op, 0, [](live::OpState &state) -> int32_t { return state.has_parameter() ? 1 : 0; });
}

const char *cala_op_param(const cala_op *op, int32_t index, size_t *out_len) {
  set_length(out_len, 0);
  return with_op<const char *>(op, nullptr, [&](live::OpState &state) -> const char * {
    if (index != 0 || !state.has_parameter()) return nullptr;
    set_length(out_len, state.statement()->parameter.size());
    return state.statement()->parameter.c_str();
  });
}

int32_t cala_op_feed(cala_op *op, const char *text, size_t text_len) {
  return steps(op, [&](live::OpState &state) {
    return state.feed(text == nullptr ? std::string_view() : std::string_view(text, text_len));
  });
}

int32_t cala_op_feed_error(cala_op *op, const char *sqlstate, const char *message) {
  return steps(op, [&](live::OpState &state) {
    return state.feed_error(sqlstate == nullptr ? "" : sqlstate, message == nullptr ? "" : message);
  });
}

cala_status cala_op_status(const cala_op *op) {
  if (api::OpSlots::valid(op) && runtime::forked_since(op->generation)) return CALA_FORKED;
  return with_op<cala_status>(op, CALA_MISUSE,
                              [](live::OpState &state) { return api::status_of(state.answer_status()); });
}

const char *cala_op_result(const cala_op *op, size_t *out_len) {
  set_length(out_len, 0);
  return with_op<const char *>(op, nullptr, [&](live::OpState &state) -> const char * {
    const std::string *text = state.result();
    if (text == nullptr) return nullptr;
    set_length(out_len, text->size());
    return text->c_str();
  });
}

const cala_error *cala_op_error(const cala_op *op) {
  return with_op<const cala_error *>(op, nullptr, [op](live::OpState &state) -> const cala_error * {
    const base::Error *failure = state.failure();
    return failure == nullptr ? nullptr : api::error_of(*op, *failure);
  });
}

cala_status cala_op_trace(cala_op *op, const char *traceparent, size_t traceparent_len) {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::OpSlots>(op, "cala_op"); !valid) return valid;
    if (traceparent == nullptr) return live::misuse("traceparent must not be NULL");
    return op->state->trace({traceparent, traceparent_len});
  });
}

cala_status cala_op_cancel(cala_op *op) {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::OpSlots>(op, "cala_op"); !valid) return valid;
    const std::shared_ptr<live::OpState> state = op->state;
    state->cancel();
    return {};
  });
}

void cala_op_free(cala_op *op) {
  if (!api::OpSlots::valid(op)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    if (!runtime::forked_since(op->generation)) op->state->abandon();
    api::ErrorSlots::free(op->error.exchange(nullptr));
    api::OpSlots::free(op);
    return {};
  });
}

}  // extern "C"
