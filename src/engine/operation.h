// Operation: one named use case with its request, on its way to an answer. It can be driven from the start again (a retry), and
// knows nothing of who runs its statements.
//
//   operation.begin();
//   while (operation.pending()) operation.feed(... run *operation.pending() ...);
//   operation.outcome() ...
//
// One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/flow.h"
#include "engine/ledger.h"
#include "store/port.h"

namespace cala::engine {

// What a body may know about where it runs.
struct Context {
  Ledger *ledger = nullptr;
  bool host = false;    // the transaction is the host's: ask for a guard
  bool inside = false;  // inside a transaction with other operations: what is read here must not enter shared caches
};

class Operation {
 public:
  struct Traits {
    store::Access access = store::Access::kRead;
    bool repeatable = false;  // after a commit whose outcome is unknown, running it again tells what became of it
    bool needs_store = true;  // false: it asks nothing of a store
    bool migrates = false;    // on our own store: done by Store::migrate instead of by its flow
  };
  using Body = std::function<Flow(Context)>;

  Operation(std::string_view name, Traits traits, Body body) : name_(name), traits_(traits), body_(std::move(body)) {}

  std::string_view name() const { return name_; }
  const Traits &traits() const { return traits_; }

  void begin(const Context &context) {
    flow_.reset();
    flow_.emplace(body_(context));
    flow_->resume();
  }
  // The request to run next; null when there is an outcome.
  const store::Request *pending() const { return flow_->done() ? nullptr : flow_->pending(); }
  void feed(base::Result<store::Answer> answer) { flow_->feed(std::move(answer)); }
  base::Result<Render> take_outcome() { return flow_->take_outcome(); }

 private:
  std::string_view name_;
  Traits traits_;
  Body body_;
  std::optional<Flow> flow_;
};

using OperationPtr = std::unique_ptr<Operation>;

// Whether running the request changes anything in the store.
bool writes(const store::Request &request);

}  // namespace cala::engine
