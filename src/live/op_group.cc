// Operations that are committed together: what the executor's batches do.
#include <utility>
#include <vector>

#include "engine/commit_group.h"
#include "engine/post.h"
#include "live/op.h"

namespace cala::live {

using base::Error;
using base::Outcome;
using base::Status;

// Takes its task out of the batch when it is answered, so that nobody answers it again.
class OpState::Member final : public engine::GroupMember {
 public:
  explicit Member(std::unique_ptr<runtime::Task> &task) : task_(task), op_(of(*task)) {}

  engine::Operation &operation() override { return *op_.operation_; }
  engine::CancelToken &cancel() override { return op_.cancel_; }
  void succeed(engine::Render render) override {
    op_.answer(std::move(render));
    task_.reset();
  }
  void fail(Error error) override {
    op_.fail_own(std::move(error));
    task_.reset();
  }
  void run_elsewhere() override {
    Error refused;
    refused.status = Status::kNoMemory;
    try {
      Outcome handed_in = op_.hand_in(In::kNoGroup);
      if (handed_in) {
        task_.reset();
        return;
      }
      refused = std::move(handed_in.error());
    } catch (...) {  // the status must do
    }
    fail(std::move(refused));
  }

 private:
  std::unique_ptr<runtime::Task> &task_;
  OpState &op_;
};

std::size_t OpState::weight_in_batch(const runtime::Task &task) {
  const OpState &op = of(task);
  return op.tx_ != nullptr || op.by_itself_.load() ? 0 : op.ledger_->weight_in_group(*op.operation_);
}

bool OpState::groups_with(const runtime::Task &one, const runtime::Task &other) {
  return (of(one).operation_->postings() != nullptr) == (of(other).operation_->postings() != nullptr);
}

void OpState::run_batch(std::vector<std::unique_ptr<runtime::Task>> &tasks) {
  const bool posts = of(*tasks.front()).operation_->postings() != nullptr;
  if (tasks.size() == 1) {
    if (posts && weight_in_batch(*tasks.front()) > 0) of(*tasks.front()).ledger_->ledger().telemetry().grouped(1);
    return tasks.front()->run();
  }
  const std::shared_ptr<LedgerState> ledger = of(*tasks.front()).ledger_;  // outlives the last answer
  std::vector<Member> members;
  std::vector<engine::GroupMember *> group;
  members.reserve(tasks.size());
  group.reserve(tasks.size());
  for (std::unique_ptr<runtime::Task> &task : tasks) {
    of(*task).leaves_line();
    group.push_back(&members.emplace_back(task));
  }
  if (Outcome ready = ledger->ensure_ready(); !ready) {
    for (Member &member : members) member.fail(Error(ready.error()));
    return;
  }
  const auto run = posts ? engine::run_group : engine::run_writers;
  run(group, ledger->ledger(), ledger->store(), ledger->sessions(), ledger->failover_wait());
}

}  // namespace cala::live
