#include "api/op.h"

#include <utility>

namespace cala::api {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

Error run_twice_error() { return misuse("an operation runs once; this one is in flight or answered already"); }

Error shut_down_first() {
  return base::make_error(Status::kCancelled, "op.cancelled", "the ledger was shut down before the operation began");
}

}  // namespace

OpState::OpState(std::shared_ptr<TxState> tx, Step step)
    : ledger_(tx->ledger()),
      tx_(std::move(tx)),
      operation_(std::make_unique<engine::Operation>(
          "tx_step", engine::Operation::Traits{.access = store::Access::kWrite}, nullptr)),
      step_(step) {}

OpState &OpState::of(const runtime::Task &task) { return *static_cast<const OpTask &>(task).op; }

OpState::~OpState() {
  ErrorSlots::free(error_handle_);
  // A host may leave an operation between two steps; the next one may then use the transaction.
  if (stage_.load(std::memory_order_acquire) == Stage::kStepping && tx_) tx_->release();
}

// Takes what an operation holds while it is in flight: its transaction and, on our own threads, a place in the ledger.
Outcome OpState::accept(bool host) {
  Stage expected = Stage::kMade;
  if (!stage_.compare_exchange_strong(expected, host ? Stage::kStepping : Stage::kInFlight)) return run_twice_error();
  bool occupied = false;
  const auto undo = [&] {
    if (occupied) tx_->release();
    stage_.store(Stage::kMade);
  };
  try {
    Outcome taken;
    if (tx_) taken = tx_->occupy();
    occupied = tx_ && taken;
    if (taken && !host) taken = ledger_->enter();
    if (!taken) undo();
    return taken;
  } catch (...) {
    undo();
    throw;
  }
}

// Takes it back: somebody may try again.
void OpState::unaccept() {
  ledger_->leave();
  ledger_->answered();
  if (tx_) tx_->release();
  stage_.store(Stage::kMade);
}

Outcome OpState::submit() {
  Outcome submitted;
  try {
    submitted = hand_in(false);
  } catch (...) {  // only before the executor has the task
    unaccept();
    throw;
  }
  if (submitted) return submitted;
  unaccept();
  return submitted.error().status == Status::kClosed ? Outcome(closed_error()) : std::move(submitted);
}

// by_itself: as a task that joins no group.
Outcome OpState::hand_in(bool by_itself) {
  std::unique_ptr<runtime::Task> task = std::make_unique<OpTask>(shared_from_this());
  by_itself_.store(by_itself);
  task_id_.store(task->id());
  const std::size_t lane =
      step_ == Step::kBegin ? LedgerState::begin_lane() : ledger_->lane_of(*operation_, tx_ != nullptr, by_itself);
  return ledger_->executor().submit(lane, std::move(task));
}

namespace {

Outcome refuse_host(const LedgerState &ledger, const TxState *tx) {
  if (tx != nullptr && tx->kind() == TxState::Kind::kHost) {
    return base::make_error(Status::kMisuse, "op.host_transaction",
                            "the operation is in a transaction of the program's; drive it with cala_op_step");
  }
  if (!ledger.host_only() || tx != nullptr) return {};
  return base::make_error(
      Status::kMisuse, "op.host_only",
      "this ledger has no connection of its own; make the operation in a cala_tx_host and drive it with "
      "cala_op_step");
}

}  // namespace

Outcome OpState::run(std::int32_t timeout_ms) {
  if (operation_->traits().needs_store) {
    if (Outcome own = refuse_host(*ledger_, tx_.get()); !own) return own;
  }
  if (started_.load()) return misuse("the operation was started; its answer comes through the queue");
  if (tx_ && tx_->kind() == TxState::Kind::kAdopted) return run_adopted();
  if (stage_.load() == Stage::kMade) {
    if (Outcome accepted = accept(false); !accepted) return accepted;
    if (Outcome submitted = submit(); !submitted) return submitted;
  }
  if (stage_.load() == Stage::kStepping) return run_twice_error();
  if (!answered_.wait(timeout_ms)) {
    return base::make_error(Status::kTimeout, "op.timeout",
                            "the operation has not finished in " + std::to_string(timeout_ms) + " ms; it goes on");
  }
  if (failure_) return Error(*failure_);
  return {};
}

// On the caller's thread: the connection is the host's, and belongs to it.
Outcome OpState::run_adopted() {
  if (stage_.load() == Stage::kMade) {
    if (ledger_->closing()) return closed_error();
    if (Outcome accepted = accept(true); !accepted) return accepted;
    if (cancel_.cancelled()) {
      answer(engine::cancelled_error());
    } else {
      run_lent();
    }
  }
  if (stage_.load() == Stage::kStepping) return run_twice_error();
  if (failure_) return Error(*failure_);
  return {};
}

void OpState::run_lent() {
  try {
    answer(tx_->run(*operation_, cancel_));
  } catch (const std::bad_alloc &) {
    fail_thrown(Status::kNoMemory);
  } catch (...) {
    fail_thrown(Status::kInternal);
  }
}

void OpState::fail_thrown(base::Status status) noexcept {
  if (stage_.load() != Stage::kStepping) return;
  Error error;
  error.status = status;
  error.tx_state = base::TxState::kAborted;  // nobody knows whether the last statement wrote
  try {
    const bool memory = status == Status::kNoMemory;
    error.code = memory ? "memory.exhausted" : "call.failed";
    error.message = memory ? "out of memory" : "the call ended in an unexpected way";
  } catch (...) {
  }
  statement_.reset();
  fail(std::move(error));
}

Outcome OpState::start(const std::shared_ptr<runtime::Queue> &queue, cala_completion_fn fn, void *user) {
  if (operation_->traits().needs_store) {
    if (Outcome own = refuse_host(*ledger_, tx_.get()); !own) return own;
  }
  if (tx_ && tx_->kind() == TxState::Kind::kAdopted) {
    return base::make_error(Status::kMisuse, "op.adopted_transaction",
                            "the operation is in a transaction of the program's libpq connection; use cala_op_run");
  }
  if (Outcome reserved = queue->reserve(ledger_->queue_max()); !reserved) return reserved;
  try {
    Outcome accepted = accept(false);
    if (accepted) accepted = submit_to(queue, fn, user);
    if (!accepted) queue->cancel_reservation();
    return accepted;
  } catch (...) {
    queue->cancel_reservation();
    throw;
  }
}

Outcome OpState::submit_to(const std::shared_ptr<runtime::Queue> &queue, cala_completion_fn fn, void *user) {
  started_.store(true);
  queue_ = queue;
  fn_ = fn;
  user_ = user;
  const auto undo = [this] {
    queue_ = nullptr;
    started_.store(false);
  };
  try {
    Outcome submitted = submit();
    if (!submitted) undo();
    return submitted;
  } catch (...) {
    undo();
    throw;
  }
}

// On a library thread, or, when the executor refuses, wherever it does.
void OpState::execute(const Error *refused) {
  if (refused != nullptr) {
    Error error;
    error.status = refused->status;
    try {
      error = refused->status == Status::kCancelled ? shut_down_first() : Error(*refused);
    } catch (...) {  // the status must do
    }
    if (tx_ && refused->status != Status::kCancelled) error.tx_state = base::TxState::kAborted;  // it threw
    return fail(std::move(error));
  }
  if (cancel_.cancelled()) return answer(engine::cancelled_error());
  if (operation_->traits().needs_store && !operation_->traits().migrates) {
    if (Outcome ready = ledger_->ensure_ready(); !ready) return answer(std::move(ready.error()));
  }
  if (step_ != Step::kNone) return take_step();
  if (tx_ && tx_->kind() == TxState::Kind::kOwn) return answer(tx_->run(*operation_, cancel_));
  if (ledger_->host_only()) {
    operation_->begin(engine::Context{.ledger = &ledger_->ledger()});
    return answer(operation_->take_outcome());
  }
  Result<engine::Render> outcome = engine::run(*operation_, ledger_->ledger(), ledger_->store(), ledger_->sessions(),
                                               cancel_, ledger_->failover_wait());
  if (outcome) return answer(std::move(outcome));
  fail_own(std::move(outcome.error()));
}

// In a transaction of its own.
void OpState::fail_own(Error error) {
  // It was waiting for a connection, so it had not begun.
  if (error.status == Status::kClosed) {
    error.status = Status::kCancelled;
    try {
      error = shut_down_first();
    } catch (...) {  // the status must do
    }
  }
  fail(std::move(error));
}

void OpState::take_step() {
  Outcome taken = step_ == Step::kBegin ? tx_->begin() : tx_->end_begun(step_ == Step::kCommit);
  if (!taken) return fail(std::move(taken.error()));
  if (step_ == Step::kBegin) ledger_->add_transaction(tx_);
  answer(engine::Render([](base::JsonWriter &out) { out.begin_object().end_object(); }));
}

void OpState::answer(Result<engine::Render> outcome) {
  {
    const std::lock_guard<std::mutex> lock(answer_mutex_);
    if (outcome) {
      render_ = outcome.take();
    } else {
      failure_ = std::move(outcome.error());
    }
  }
  conclude();
}

// As answer, with nothing to allocate.
void OpState::fail(Error error) {
  {
    const std::lock_guard<std::mutex> lock(answer_mutex_);
    failure_ = std::move(error);
  }
  conclude();
}

void OpState::conclude() {
  const bool in_flight = stage_.exchange(Stage::kAnswered) == Stage::kInFlight;
  const bool commits = tx_ == nullptr || step_ == Step::kCommit;
  if (in_flight && commits && !failure_ && operation_->traits().access == store::Access::kWrite) ledger_->committed();
  if (tx_) tx_->release();
  if (in_flight) ledger_->leave();
  answered_.set();
  if (queue_) queue_->push(shared_from_this());
  if (in_flight) ledger_->answered();
}

std::int32_t OpState::fail_step(Error error) {
  answer(std::move(error));
  return CALA_STEP_FAILED;
}

std::int32_t OpState::advance() {
  statement_.reset();
  const store::Request *request = operation_->pending();
  if (request == nullptr) {
    answer(operation_->take_outcome());
    return failure_ ? CALA_STEP_FAILED : CALA_STEP_DONE;
  }
  statement_ = ledger_->ledger().dialect().encode(*request, tx_->placeholder());
  return CALA_STEP_NEED_QUERY;
}

std::int32_t OpState::step() {
  if (!tx_ || tx_->kind() != TxState::Kind::kHost) return -CALA_MISUSE;
  if (ledger_->closing()) return -CALA_CLOSED;
  if (stage_.load() == Stage::kMade) {
    if (Outcome accepted = accept(true); !accepted) return -status_of(accepted.error().status);
    if (cancel_.cancelled()) return fail_step(engine::cancelled_error());
    if (tx_->outside_transaction() && operation_->traits().access == store::Access::kWrite) {
      return fail_step(base::make_error(base::Status::kMisuse, "transaction.none",
                                        "the connection is in no transaction: begin one before, commit after"));
    }
    operation_->begin(
        engine::Context{.ledger = &ledger_->ledger(), .host = true, .inside = true, .savepoint = tx_->savepoint()});
    return advance();
  }
  return -CALA_MISUSE;
}

std::int32_t OpState::feed(std::string_view text) {
  if (stage_.load() != Stage::kStepping || !statement_) return -CALA_MISUSE;
  const store::Request *request = operation_->pending();
  const bool stops = cancel_.cancelled() && !statement_->writes && !std::holds_alternative<store::Savepoint>(*request);
  Result<store::Answer> answer = engine::cancelled_error();
  if (!stops) answer = ledger_->ledger().dialect().decode(*request, text);
  operation_->feed(std::move(answer));
  return advance();
}

std::int32_t OpState::feed_error(std::string_view sqlstate, std::string_view message) {
  if (stage_.load() != Stage::kStepping || !statement_) return -CALA_MISUSE;
  operation_->feed(ledger_->ledger().dialect().error_of(sqlstate, message));
  return advance();
}

void OpState::cancel() {
  cancel_.cancel();
  if (stage_.load() != Stage::kInFlight) return;
  if (ledger_->executor().try_remove(task_id_.load())) answer(engine::cancelled_error());
}

void OpState::abandon() {
  handle_.store(nullptr, std::memory_order_release);
  const Stage stage = stage_.load();
  if (stage == Stage::kInFlight) cancel();
  if (stage == Stage::kStepping) answer(engine::cancelled_error());
}

cala_status OpState::answer_status() const {
  if (stage_.load(std::memory_order_acquire) != Stage::kAnswered) return CALA_BUSY;
  return failure_ ? status_of(failure_->status) : CALA_OK;
}

void OpState::render_result() const {
  if (text_) return;
  base::JsonWriter writer;
  if (render_) render_(writer);
  text_ = writer.take();
  render_ = nullptr;
}

const std::string *OpState::result() {
  if (answer_status() != CALA_OK) return nullptr;
  const std::lock_guard<std::mutex> lock(answer_mutex_);
  render_result();
  return &*text_;
}

const cala_error *OpState::error() {
  if (stage_.load(std::memory_order_acquire) != Stage::kAnswered || !failure_) return nullptr;
  const std::lock_guard<std::mutex> lock(answer_mutex_);
  if (error_handle_ == nullptr) error_handle_ = make_error_handle(*failure_);
  return error_handle_;
}

void OpState::append_data(std::string &out) const {
  const std::lock_guard<std::mutex> lock(answer_mutex_);
  if (failure_) return append_error_document(out, *failure_);
  render_result();
  out += *text_;
}

void OpState::deliver() {
  cala_op *handle = handle_.load(std::memory_order_acquire);
  const cala_completion_fn fn = fn_;
  if (fn != nullptr && handle != nullptr) fn(user_, handle);
}

void append_error_document(std::string &out, const Error &error) {
  base::JsonWriter document;
  document.begin_object().key("status").integer(static_cast<std::int64_t>(error.status));
  document.key("code").string(error.code).key("message").string(error.message);
  document.key("retryable").boolean(error.retryable).key("sqlstate").string(error.sqlstate);
  document.key("tx_state").integer(static_cast<std::int64_t>(error.tx_state));
  document.key("posting_index").integer(error.posting_index);
  document.key("details").raw(error.details.empty() ? "{}" : error.details).end_object();
  out += document.text();
}

namespace {

// Some operations make sense only together with others.
Outcome check_place(const engine::Operation &operation, const TxState *tx) {
  using Inside = engine::Operation::Inside;
  const Inside inside = operation.traits().inside;
  if (inside == Inside::kAnywhere) return {};
  if (tx != nullptr && (inside == Inside::kTransaction || tx->kind() == TxState::Kind::kOwn)) return {};
  return base::make_error(Status::kMisuse, "tx.required",
                          std::string("cala_") + std::string(operation.name()) +
                              (inside == Inside::kTransaction ? " needs a transaction, its second argument"
                                                              : " needs a transaction of cala_tx_begin"));
}

}  // namespace

cala_status make_op(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len, cala_op **out_op,
                    cala_error **out_error, engine::Maker maker) {
  return guard(out_error, [&]() -> Outcome {
    if (out_op == nullptr) return misuse("out_op must not be NULL");
    *out_op = nullptr;
    if (Outcome valid = check_handle<LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    const std::shared_ptr<LedgerState> state = ledger->state;
    std::shared_ptr<TxState> transaction;
    if (tx != nullptr) {
      if (Outcome valid = check_handle<TxSlots>(tx, "cala_tx"); !valid) return valid;
      transaction = tx->state;
      if (transaction->ledger() != state) return misuse("the transaction belongs to another ledger");
    }
    if (state->closing()) return closed_error();
    if (request == nullptr && request_len > 0) return misuse("request is NULL but its length is not 0");
    Result<base::Json> json = base::Json::parse({request == nullptr ? "" : request, request_len});
    if (!json) return std::move(json.error());
    Result<engine::OperationPtr> made = maker(state->ledger(), std::make_shared<const base::Json>(json.take()));
    if (!made) return std::move(made.error());
    if (Outcome placed = check_place(**made, transaction.get()); !placed) return placed;
    auto op = std::make_shared<OpState>(state, std::move(transaction), made.take());
    *out_op = OpSlots::make(op);
    op->set_handle(*out_op);
    return {};
  });
}

cala_op *make_step(std::shared_ptr<TxState> tx, OpState::Step step) {
  auto op = std::make_shared<OpState>(std::move(tx), step);
  cala_op *handle = OpSlots::make(op);
  op->set_handle(handle);
  return handle;
}

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
    const std::shared_ptr<api::OpState> state = op->state;
    return state->run(timeout_ms);
  });
  if (status != CALA_NO_MEMORY) return status;
  // There may have been none to say how it ended, or that it goes on.
  return with_op<cala_status>(op, status, [status](api::OpState &state) {
    const cala_status answered = state.answer_status();
    if (answered != CALA_BUSY) return answered;
    return state.in_flight() ? CALA_TIMEOUT : status;
  });
}

cala_status cala_op_start(cala_op *op, cala_queue *queue, cala_completion_fn fn, void *user) {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::OpSlots>(op, "cala_op"); !valid) return valid;
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    const std::shared_ptr<api::OpState> state = op->state;
    return state->start(queue->state, fn, user);
  });
}

int32_t cala_op_step(cala_op *op) {
  return steps(op, [](api::OpState &state) { return state.step(); });
}

const char *cala_op_sql(const cala_op *op, size_t *out_len) {
  set_length(out_len, 0);
  return with_op<const char *>(op, nullptr, [&](api::OpState &state) -> const char * {
    const store::SqlStatement *statement = state.statement();
    if (statement == nullptr) return nullptr;
    set_length(out_len, statement->sql.size());
    return statement->sql.data();
  });
}

const char *cala_op_sql_name(const cala_op *op) {
  return with_op<const char *>(op, nullptr, [](api::OpState &state) -> const char * {
    return state.statement() == nullptr ? nullptr : state.statement()->name.data();
  });
}

int32_t cala_op_sql_returns_row(const cala_op *op) {
  return with_op<int32_t>(op, 0, [](api::OpState &state) -> int32_t {
    return state.statement() != nullptr && state.statement()->returns_row ? 1 : 0;
  });
}

int32_t cala_op_param_count(const cala_op *op) {
  return with_op<int32_t>(op, 0, [](api::OpState &state) -> int32_t { return state.has_parameter() ? 1 : 0; });
}

const char *cala_op_param(const cala_op *op, int32_t index, size_t *out_len) {
  set_length(out_len, 0);
  return with_op<const char *>(op, nullptr, [&](api::OpState &state) -> const char * {
    if (index != 0 || !state.has_parameter()) return nullptr;
    set_length(out_len, state.statement()->parameter.size());
    return state.statement()->parameter.c_str();
  });
}

int32_t cala_op_feed(cala_op *op, const char *text, size_t text_len) {
  return steps(op, [&](api::OpState &state) {
    return state.feed(text == nullptr ? std::string_view() : std::string_view(text, text_len));
  });
}

int32_t cala_op_feed_error(cala_op *op, const char *sqlstate, const char *message) {
  return steps(op, [&](api::OpState &state) {
    return state.feed_error(sqlstate == nullptr ? "" : sqlstate, message == nullptr ? "" : message);
  });
}

cala_status cala_op_status(const cala_op *op) {
  if (api::OpSlots::valid(op) && runtime::forked_since(op->generation)) return CALA_FORKED;
  return with_op<cala_status>(op, CALA_MISUSE, [](api::OpState &state) { return state.answer_status(); });
}

const char *cala_op_result(const cala_op *op, size_t *out_len) {
  set_length(out_len, 0);
  return with_op<const char *>(op, nullptr, [&](api::OpState &state) -> const char * {
    const std::string *text = state.result();
    if (text == nullptr) return nullptr;
    set_length(out_len, text->size());
    return text->c_str();
  });
}

const cala_error *cala_op_error(const cala_op *op) {
  return with_op<const cala_error *>(op, nullptr, [](api::OpState &state) { return state.error(); });
}

cala_status cala_op_cancel(cala_op *op) {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::OpSlots>(op, "cala_op"); !valid) return valid;
    const std::shared_ptr<api::OpState> state = op->state;
    state->cancel();
    return {};
  });
}

void cala_op_free(cala_op *op) {
  if (!api::OpSlots::valid(op)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    if (!runtime::forked_since(op->generation)) op->state->abandon();
    api::OpSlots::free(op);
    return {};
  });
}

}  // extern "C"
