#include "live/op.h"

#include <utility>

#include "engine/health.h"

namespace cala::live {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

Error run_twice_error() { return misuse("an operation runs once; this one is in flight or answered already"); }

Error shut_down_first() {
  return base::make_error(Status::kCancelled, "op.cancelled", "the ledger was shut down before the operation began");
}

engine::OperationPtr operation_without_body(std::string_view name) {
  return std::make_unique<engine::Operation>(name, engine::Operation::Traits{.access = store::Access::kWrite}, nullptr);
}

}  // namespace

OpState::OpState(std::shared_ptr<TxState> tx)
    : ledger_(tx->ledger()), tx_(std::move(tx)), operation_(operation_without_body("tx_begin")), begins_(true) {}

OpState::OpState(std::shared_ptr<TxState> tx, TxState::Ending ending)
    : ledger_(tx->ledger()),
      tx_(std::move(tx)),
      operation_(operation_without_body(name_of(ending.how))),
      ending_(std::move(ending)) {}

OpState &OpState::of(const runtime::Task &task) { return *static_cast<const OpTask &>(task).op; }

OpState::~OpState() {
  // A program may leave an operation between two steps; the next one may then use the transaction.
  if (stage_.load(std::memory_order_acquire) == Stage::kStepping && tx_) tx_->release();
}

// Takes what an operation holds while it is in flight: its transaction and, on our own threads, a place in the ledger.
Outcome OpState::accept(Stage next) {
  Stage expected = Stage::kMade;
  if (!stage_.compare_exchange_strong(expected, next)) return run_twice_error();
  began_ = engine::Telemetry::Clock::now();
  bool occupied = false;
  const auto undo = [&] {
    if (occupied) tx_->release();
    stage_.store(Stage::kMade);
  };
  try {
    Outcome taken;
    if (tx_) taken = tx_->occupy();
    occupied = tx_ && taken;
    if (taken && next == Stage::kInFlight) taken = ledger_->enter();
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

Outcome OpState::submit(On on) {
  Outcome submitted;
  try {
    submitted = hand_in(In::kGroup, on);
  } catch (...) {  // only before the executor has the task
    unaccept();
    throw;
  }
  if (submitted) return submitted;
  unaccept();
  return submitted.error().status == Status::kClosed ? Outcome(closed_error()) : std::move(submitted);
}

Outcome OpState::hand_in(In in, On on) {
  const bool by_itself = in == In::kNoGroup;
  std::unique_ptr<runtime::Task> task = std::make_unique<OpTask>(shared_from_this());
  by_itself_.store(by_itself);
  task_id_.store(task->id());
  const std::size_t lane =
      begins_ ? LedgerState::begin_lane() : ledger_->lane_of(*operation_, tx_ != nullptr, by_itself);
  runtime::Executor &executor = ledger_->executor();
  if (on == On::kAnyThread && executor.try_run(lane, task)) return {};
  return executor.submit(lane, std::move(task));
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
    if (Outcome accepted = accept(Stage::kInFlight); !accepted) return accepted;
    // Who waits until it is done may as well do it: two changes of threads less.
    const On on = timeout_ms < 0 ? On::kAnyThread : On::kOurThread;
    if (Outcome submitted = submit(on); !submitted) return submitted;
  }
  if (stage_.load() == Stage::kStepping) return run_twice_error();
  if (!answered_.wait(timeout_ms)) {
    return base::make_error(Status::kTimeout, "op.timeout",
                            "the operation has not finished in " + std::to_string(timeout_ms) + " ms; it goes on");
  }
  if (failure_) return Error(*failure_);
  return {};
}

// On the caller's thread: the connection is the program's, and belongs to it.
Outcome OpState::run_adopted() {
  if (stage_.load() == Stage::kMade) {
    if (ledger_->closing()) return closed_error();
    if (Outcome accepted = accept(Stage::kStepping); !accepted) return accepted;
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

Outcome OpState::start(const std::shared_ptr<runtime::Queue> &queue, CompletionFn fn, void *user) {
  if (operation_->traits().needs_store) {
    if (Outcome own = refuse_host(*ledger_, tx_.get()); !own) return own;
  }
  if (tx_ && tx_->kind() == TxState::Kind::kAdopted) {
    return base::make_error(Status::kMisuse, "op.adopted_transaction",
                            "the operation is in a transaction of the program's libpq connection; use cala_op_run");
  }
  if (Outcome reserved = queue->reserve(ledger_->queue_max()); !reserved) return reserved;
  try {
    Outcome accepted = accept(Stage::kInFlight);
    if (accepted) accepted = submit_to(queue, fn, user);
    if (!accepted) queue->cancel_reservation();
    return accepted;
  } catch (...) {
    queue->cancel_reservation();
    throw;
  }
}

Outcome OpState::submit_to(const std::shared_ptr<runtime::Queue> &queue, CompletionFn fn, void *user) {
  started_.store(true);
  queue_ = queue;
  fn_ = fn;
  user_ = user;
  const auto undo = [this] {
    queue_ = nullptr;
    started_.store(false);
  };
  try {
    Outcome submitted = submit(On::kOurThread);
    if (!submitted) undo();
    return submitted;
  } catch (...) {
    undo();
    throw;
  }
}

void OpState::leaves_line() noexcept {
  ledger_->ledger().telemetry().waited_for_thread(engine::Telemetry::Clock::now() - began_, operation_->course());
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
  if (operation_->traits().examines_for && !tx_ && !ledger_->host_only()) return answer(examine());
  if (operation_->traits().needs_store && !operation_->traits().migrates) {
    if (Outcome ready = ledger_->ensure_ready(); !ready) return answer(std::move(ready.error()));
  }
  if (begins_ || ending_) return take_step();
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

// Another thread asks the store, so that this one can say in time that it is silent.
Result<engine::Render> OpState::examine() {
  const std::chrono::milliseconds patience = *operation_->traits().examines_for;
  const auto examination = std::make_shared<engine::Examination>();
  const auto deadline = began_ + patience;
  std::unique_ptr<runtime::Task> task =
      runtime::make_task([self = shared_from_this(), examination, deadline](const Error *refused) {
        if (refused != nullptr) return examination->end(Error(*refused));
        if (examination->in_vain()) return;
        LedgerState &ledger = *self->ledger_;
        Outcome ready = ledger.ensure_ready();
        examination->end(engine::examine(*self->operation_, ledger.ledger(), ledger.store(), ledger.sessions(),
                                         *examination, deadline, std::move(ready)));
      });
  if (Outcome submitted = ledger_->executor().submit(LedgerState::probe_lane(), std::move(task)); !submitted) {
    return std::move(submitted.error());
  }
  const engine::Interruptible<engine::CancelToken> waiting(cancel_, &examination->cancel());
  return examination->await(deadline, patience);
}

void OpState::take_step() {
  Outcome taken = begins_ ? tx_->begin(operation_->course()) : tx_->end_begun(*ending_);
  if (!taken) return fail(std::move(taken.error()));
  if (begins_) ledger_->add_transaction(tx_);
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
  engine::Telemetry &telemetry = ledger_->ledger().telemetry();
  const engine::Telemetry::Clock::duration took = engine::Telemetry::Clock::now() - began_;
  const Error *failure = failure_ ? &*failure_ : nullptr;
  telemetry.answered(operation_->name(), took, failure);
  if (telemetry.log().listens()) telemetry.log().answered(operation_->name(), operation_->course(), took, failure);
  const bool commits = tx_ == nullptr || (ending_ && ending_->how == TxState::End::kCommit);
  if (in_flight && commits && !failure_ && operation_->traits().access == store::Access::kWrite) ledger_->committed();
  if (tx_) tx_->release();
  if (in_flight) ledger_->leave();
  answered_.set();
  if (queue_) queue_->push(shared_from_this());
  if (in_flight) ledger_->answered();
}

Outcome OpState::trace(std::string_view traceparent) {
  const std::optional<engine::TraceParent> parsed = engine::TraceParent::parse(traceparent);
  if (!parsed) {
    return base::make_error(Status::kInvalid, "request.malformed", "not a traceparent of the W3C's Trace Context");
  }
  if (stage_.load() != Stage::kMade) return run_twice_error();
  operation_->course().trace = *parsed;
  return {};
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

Status OpState::answer_status() const {
  if (stage_.load(std::memory_order_acquire) != Stage::kAnswered) return Status::kBusy;
  return failure_ ? failure_->status : Status::kOk;
}

void OpState::render_result() const {
  if (text_) return;
  base::JsonWriter writer;
  if (render_) render_(writer);
  text_ = writer.take();
  render_ = nullptr;
}

const std::string *OpState::result() {
  if (answer_status() != Status::kOk) return nullptr;
  const std::lock_guard<std::mutex> lock(answer_mutex_);
  render_result();
  return &*text_;
}

const Error *OpState::failure() const {
  return stage_.load(std::memory_order_acquire) == Stage::kAnswered && failure_ ? &*failure_ : nullptr;
}

void OpState::append_data(std::string &out) const {
  const std::lock_guard<std::mutex> lock(answer_mutex_);
  if (failure_) return append_error_document(out, *failure_);
  render_result();
  out += *text_;
}

void OpState::deliver() {
  cala_op *handle = handle_.load(std::memory_order_acquire);
  const CompletionFn fn = fn_;
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

}  // namespace cala::live
