// OpState: an operation that somebody asked for: who runs it, and its answer. Three ways to run it, each at most once:
// run and start put it into a lane of the executor; on a connection that the program lends us it runs on the caller's
// thread; step and feed (op_step.cc) let the program run its statements.
// op_group.cc: those that are committed together.
//
// Invariants: an operation that was accepted is answered exactly once; what is held while it is in flight (a place in
// the ledger, one in the queue, the transaction) is given back when it is answered. Thread rule: safe from every
// thread; the operation itself is touched by one thread at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "engine/makers.h"
#include "engine/runner.h"
#include "live/ledger.h"
#include "live/tx.h"
#include "runtime/one_shot.h"
#include "runtime/queue.h"

struct cala_op;  // what a program holds of an OpState: handed back to it, and not looked into here

namespace cala::live {

using CompletionFn = void (*)(void *user, cala_op *op);

// What a step or a feed comes to, beside a status negated.
inline constexpr std::int32_t kStepDone = 0;
inline constexpr std::int32_t kStepNeedQuery = 1;
inline constexpr std::int32_t kStepFailed = 2;

class OpState final : public runtime::Completion, public std::enable_shared_from_this<OpState> {
 public:
  OpState(std::shared_ptr<LedgerState> ledger, std::shared_ptr<TxState> tx, engine::OperationPtr operation)
      : ledger_(std::move(ledger)), tx_(std::move(tx)), operation_(std::move(operation)) {}
  // What a transaction of ours does with itself, instead of an operation of the ledger's: it begins, or ends.
  explicit OpState(std::shared_ptr<TxState> tx);
  OpState(std::shared_ptr<TxState> tx, TxState::Ending ending);

  // Where completions find the handle that they hand to the program; cleared when it is freed.
  void set_handle(cala_op *handle) { handle_.store(handle, std::memory_order_release); }

  base::Outcome run(std::int32_t timeout_ms);
  base::Outcome start(const std::shared_ptr<runtime::Queue> &queue, CompletionFn fn, void *user);
  std::int32_t step();
  std::int32_t feed(std::string_view text);
  std::int32_t feed_error(std::string_view sqlstate, std::string_view message);
  // A step or a feed threw: the operation is answered so, and never fed again.
  void fail_thrown(base::Status status) noexcept;
  // Before it is run, started or stepped.
  base::Outcome trace(std::string_view traceparent);
  void cancel();
  void abandon();  // its handle is being freed

  const store::SqlStatement *statement() const { return statement_ ? &*statement_ : nullptr; }
  bool has_parameter() const { return statement_ && statement_->has_parameter; }
  bool in_flight() const { return stage_.load(std::memory_order_acquire) == Stage::kInFlight; }
  base::Status answer_status() const;  // kBusy: there is no answer yet
  const std::string *result();
  const base::Error *failure() const;  // null when it went well, or goes on

  // For the executor: all its tasks are of operations. A batch is of operations that are committed as a group.
  static void run_batch(std::vector<std::unique_ptr<runtime::Task>> &tasks);
  static std::size_t weight_in_batch(const runtime::Task &task);                  // 0: it is in no group
  static bool groups_with(const runtime::Task &one, const runtime::Task &other);  // both post, or neither

  // runtime::Completion
  std::uint64_t tag() const override { return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(user_)); }
  std::int32_t status() const override { return static_cast<std::int32_t>(answer_status()); }
  void append_data(std::string &out) const override;
  void deliver() override;

 private:
  enum class Stage : std::uint8_t { kMade, kInFlight, kStepping, kAnswered };
  class Member;
  class OpTask final : public runtime::Task {
   public:
    explicit OpTask(std::shared_ptr<OpState> of) : op(std::move(of)) {}
    void run() override {
      op->leaves_line();
      op->execute(nullptr);
    }
    void abandon(const base::Error &why) override { op->execute(&why); }

    const std::shared_ptr<OpState> op;
  };

  static OpState &of(const runtime::Task &task);

  void leaves_line() noexcept;  // a thread has taken it
  void take_step();
  base::Result<engine::Render> examine();
  base::Outcome accept(Stage next);
  enum class On : bool { kOurThread, kAnyThread };  // the caller's too
  base::Outcome submit(On on);
  enum class In : bool { kGroup, kNoGroup };  // whether its task may join one
  base::Outcome hand_in(In in, On on = On::kOurThread);
  void unaccept();
  base::Outcome submit_to(const std::shared_ptr<runtime::Queue> &queue, CompletionFn fn, void *user);
  void run_lent();
  base::Outcome run_adopted();
  void execute(const base::Error *refused);
  void answer(base::Result<engine::Render> outcome);
  void fail(base::Error error);
  void fail_own(base::Error error);
  void conclude();
  std::int32_t advance();
  std::int32_t fail_step(base::Error error);
  void render_result() const;

  std::shared_ptr<LedgerState> ledger_;
  std::shared_ptr<TxState> tx_;  // null: a transaction of its own
  engine::OperationPtr operation_;
  const bool begins_ = false;
  const std::optional<TxState::Ending> ending_;
  engine::CancelToken cancel_;
  runtime::OneShot answered_;
  std::atomic<Stage> stage_{Stage::kMade};
  std::atomic<cala_op *> handle_{nullptr};
  std::atomic<std::uint64_t> task_id_{0};
  std::atomic<bool> by_itself_{false};            // in no group
  std::atomic<bool> started_{false};              // through a queue
  engine::Telemetry::Clock::time_point began_{};  // when it was accepted

  std::shared_ptr<runtime::Queue> queue_;
  CompletionFn fn_ = nullptr;
  void *user_ = nullptr;

  std::optional<store::SqlStatement> statement_;  // while the program runs one

  // The answer: written before stage_ becomes kAnswered, except for the text, which is rendered when asked for.
  mutable std::mutex answer_mutex_;
  mutable engine::Render render_;
  mutable std::optional<std::string> text_;
  std::optional<base::Error> failure_;

 public:
  ~OpState() override;
};

// An error as the JSON object that queue records carry.
void append_error_document(std::string &out, const base::Error &error);

}  // namespace cala::live
