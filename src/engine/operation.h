// Operation: one named use case with its request, on its way to an answer. It can be driven from the start again (a
// retry), and knows nothing of who runs its statements.
//
//   operation.begin();
//   while (operation.pending()) operation.feed(... run *operation.pending() ...);
//   operation.outcome() ...
//
// One thread at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/flow.h"
#include "engine/ledger.h"
#include "store/port.h"

namespace cala::engine {

struct Surroundings;

// What a body may know about where it runs.
struct Context {
  Ledger *ledger = nullptr;
  bool host = false;       // the transaction is the program's: ask for a guard
  bool inside = false;     // inside a transaction with other operations: what is read here must not enter shared caches
  bool savepoint = false;  // inside: what the database refuses is undone, so that the transaction stays usable
  bool lost_commit = false;                    // it may have been done by a commit whose answer was lost
  const Surroundings *surroundings = nullptr;  // of an examination on our own store
};

struct PostingUnit;

class Operation {
 public:
  enum class Inside : std::uint8_t { kAnywhere, kTransaction, kOwnTransaction, kNone };
  struct Traits {
    store::Access access = store::Access::kRead;
    bool repeatable = false;  // after a commit whose outcome is unknown, running it again tells what became of it
    bool races = true;        // false: a race that it finds to be lost is its answer; run again, it would be lost again
    bool needs_store = true;  // false: it asks nothing of a store
    bool migrates = false;    // on our own store: done by Store::migrate instead of by its flow
    std::optional<std::chrono::milliseconds> examines_for =
        {};                             // a store of ours that is silent so long is an answer (engine/health.h)
    bool of_ledger = false;             // waits for no other work: it asks how the ledger is
    Inside inside = Inside::kAnywhere;  // where it may be made
  };
  using Body = std::function<Flow(Context)>;

  // postings: what it posts, when that is all it does.
  Operation(std::string_view name, Traits traits, Body body, std::shared_ptr<const PostingUnit> postings = nullptr)
      : name_(name), traits_(traits), body_(std::move(body)), postings_(std::move(postings)) {}

  std::string_view name() const { return name_; }
  const std::shared_ptr<const PostingUnit> &postings() const { return postings_; }
  const Traits &traits() const { return traits_; }
  Course &course() { return course_; }
  const Course &course() const { return course_; }

  void begin(const Context &context);
  // The request to run next; null when there is an outcome.
  const store::Request *pending() const;
  void feed(base::Result<store::Answer> answer);
  base::Result<Render> take_outcome();

 private:
  // With a savepoint, the flow's requests stand between one that sets it and one that releases it, after going back to
  // it when the flow has failed.
  enum class Phase : std::uint8_t { kFlow, kSetting, kRollingBack, kReleasing, kDone };

  void start_flow();
  void after_flow();
  void ask_savepoint(Phase phase, store::Savepoint what);

  std::string_view name_;
  Traits traits_;
  Body body_;
  std::shared_ptr<const PostingUnit> postings_;
  Course course_;
  Context context_;
  std::optional<Flow> flow_;
  Phase phase_ = Phase::kFlow;
  store::Request savepoint_;
  std::optional<base::Result<Render>> outcome_;
};

using OperationPtr = std::unique_ptr<Operation>;

// Whether running the request changes anything in the store.
bool writes(const store::Request &request);

}  // namespace cala::engine
