#include "engine/commit_group.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/post.h"

namespace cala::engine {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

struct Unit {
  GroupMember *member = nullptr;
  std::optional<Error> unknown;  // of a commit that was not answered: its outcome until that is looked up
  bool answered = false;

  const PostingUnit &postings() const { return *member->operation().postings(); }

  void note_unknown(const Error &error) noexcept {
    if (!unknown) unknown.emplace().status = Status::kOutcomeUnknown;
    try {
      unknown = naming_ids(error, postings());
    } catch (...) {  // the status must do
    }
  }

  const TraceParent &trace() const { return member->operation().course().trace; }
  void note(const Course &of_group) noexcept { member->operation().course().add(of_group); }

  void succeed(Render render) {
    answered = true;
    member->succeed(std::move(render));
  }
  void fail(Error error) {
    answered = true;
    member->fail(unknown && !settles(error) ? std::move(*unknown) : std::move(error));
  }
  void end(Result<Render> outcome) {
    if (outcome) return succeed(outcome.take());
    fail(std::move(outcome.error()));
  }
  void run_elsewhere() {
    answered = true;
    member->run_elsewhere();
  }
};

using Group = std::vector<Unit *>;

// Cancelling one stops the group that it is in, for as long as this lives.
template <typename One>
class Together {
 public:
  Together(const std::vector<One *> &group, CancelToken &token) : group_(group) {
    for (One *one : group_) one->member->cancel().attach(&token);
  }
  ~Together() {
    for (One *one : group_) one->member->cancel().attach(static_cast<CancelToken *>(nullptr));
  }
  Together(const Together &) = delete;
  Together &operator=(const Together &) = delete;

 private:
  const std::vector<One *> &group_;
};

Error without_memory() noexcept {
  Error error;
  error.status = Status::kNoMemory;
  try {
    error = base::make_error(Status::kNoMemory, "memory.exhausted", "out of memory");
  } catch (...) {  // the status must do
  }
  return error;
}

// The trace that all of a group are part of, if it is one.
TraceParent trace_of(const Group &group) {
  const TraceParent first = group.front()->trace();
  const bool same =
      std::all_of(group.begin(), group.end(), [&](const Unit *unit) { return unit->trace().text() == first.text(); });
  return same ? first : TraceParent();
}

// Whether trying again in smaller groups would only be waiting for the same once more.
bool is_everybodys(const Error &error) {
  return error.status == Status::kUnavailable || error.status == Status::kClosed || error.status == Status::kBusy ||
         error.status == Status::kPermission || error.status == Status::kUnsupported;
}

class GroupRun {
 public:
  GroupRun(const std::vector<GroupMember *> &members, Ledger &ledger, store::Store &store, SessionPool &pool,
           std::chrono::milliseconds failover_wait)
      : ledger_(ledger), store_(store), pool_(pool), failover_wait_(failover_wait) {
    for (GroupMember *member : members)
      units_.push_back(Unit{.member = member, .unknown = std::nullopt, .answered = false});
    Group &all = groups_.emplace_back();
    for (Unit &unit : units_) all.push_back(&unit);
  }

  void run() {
    while (!groups_.empty()) {
      Group group = std::move(groups_.front());
      groups_.pop_front();
      drop_cancelled(group);
      if (!group.empty()) ledger_.telemetry().grouped(group.size());
      if (group.size() == 1) {
        run_alone(*group.front());
      } else if (!group.empty()) {
        run(std::move(group));
      }
    }
  }

  void fail_the_rest() {
    for (Unit &unit : units_) {
      if (!unit.answered) unit.fail(without_memory());
    }
  }

 private:
  static void drop_cancelled(Group &group) {
    std::erase_if(group, [](Unit *unit) {
      const bool cancelled = unit->member->cancel().cancelled();
      if (cancelled) unit->fail(cancelled_error());
      return cancelled;
    });
  }

  void run_alone(Unit &unit) {
    Result<Render> outcome = without_memory();
    try {
      outcome = engine::run(unit.member->operation(), ledger_, store_, pool_, unit.member->cancel(), failover_wait_,
                            unit.unknown.has_value());
    } catch (...) {  // nothing was written
    }
    unit.end(std::move(outcome));
  }

  void run(Group group) {
    GroupOutcomes outcomes(group.size());
    CancelToken cancel;
    const Result<Render> done = run_together(group, outcomes, cancel);
    // First of all: what was written is answered without asking for memory.
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (outcomes[i].result && (done || outcomes[i].settled)) group[i]->end(std::move(*outcomes[i].result));
    }
    if (!done) return after_failure(group, done.error(), cancel.cancelled());
    std::vector<Group> next(1);  // in order: one that is alone, and what is between two of those
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (group[i]->answered) continue;
      if (!outcomes[i].alone) {
        next.back().push_back(group[i]);
        continue;
      }
      next.push_back({group[i]});
      next.emplace_back();
    }
    for (auto each = next.rbegin(); each != next.rend(); ++each) {
      if (!each->empty()) groups_.push_front(std::move(*each));
    }
  }

  static Group unanswered(const Group &group) {
    Group rest;
    for (Unit *unit : group) {
      if (!unit->answered) rest.push_back(unit);
    }
    return rest;
  }

  Result<Render> run_together(const Group &group, GroupOutcomes &outcomes, CancelToken &cancel) {
    try {
      std::vector<PostingUnitPtr> units;
      units.reserve(group.size());
      for (const Unit *unit : group) units.push_back(unit->member->operation().postings());
      Operation together("transaction_post_group",
                         Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
                         [&](Context context) { return post_group(context, units, &outcomes); });
      together.course().trace = trace_of(group);
      const Together<Unit> cancelling(group, cancel);
      const bool lost_commit =
          std::any_of(group.begin(), group.end(), [](const Unit *unit) { return unit->unknown.has_value(); });
      Result<Render> done = engine::run(together, ledger_, store_, pool_, cancel, failover_wait_, lost_commit);
      if (ledger_.telemetry().log().listens()) {
        for (Unit *unit : group) unit->note(together.course());
      }
      return done;
    } catch (...) {  // nothing was written
      return without_memory();
    }
  }

  void after_failure(const Group &all, const Error &error, bool cancelled) {
    const bool unknown = error.status == Status::kOutcomeUnknown;
    for (Unit *unit : all) {  // before anything that asks for memory
      if (unknown && !unit->answered) unit->note_unknown(error);
    }
    Group group = unanswered(all);
    if (group.empty()) return;
    if (!cancelled && error.code == "store.lock_timeout") {
      tell(LogLevel::kInfo, "group.apart", "somebody holds rows of a group: its operations run one by one", group,
           error);
      for (Unit *unit : group) unit->unknown ? unit->fail(error) : unit->run_elsewhere();
    } else if (!cancelled && (unknown || is_everybodys(error))) {
      for (Unit *unit : group) unit->fail(error);
    } else if (cancelled || group.size() == 1) {
      groups_.push_front(std::move(group));  // without whoever was cancelled
    } else {
      tell(LogLevel::kDebug, "group.halved", "a group was refused: its halves are tried", group, error);
      const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
      groups_.emplace_front(middle, group.end());
      groups_.emplace_front(group.begin(), middle);
    }
  }

  void tell(LogLevel level, std::string_view event, std::string_view message, const Group &group,
            const Error &error) noexcept {
    Log &log = ledger_.telemetry().log();
    if (!log.hears(level)) return;
    log.tell(LogEntry(level, event, message)
                 .with("traceparent", trace_of(group).text())
                 .with("operations", static_cast<std::int64_t>(group.size()))
                 .with(error));
  }

  Ledger &ledger_;
  store::Store &store_;
  SessionPool &pool_;
  const std::chrono::milliseconds failover_wait_;
  std::deque<Unit> units_;
  std::deque<Group> groups_;
};

struct Writer {
  GroupMember *member = nullptr;
  std::optional<Render> done = {};  // in the transaction of all
  bool answered = false;

  Operation &operation() const { return member->operation(); }
  CancelToken &cancel() const { return member->cancel(); }

  void succeed(Render render) {
    answered = true;
    member->succeed(std::move(render));
  }
  void fail(Error error) {
    answered = true;
    member->fail(std::move(error));
  }
  void end(Result<Render> outcome) {
    if (outcome) return succeed(outcome.take());
    fail(std::move(outcome.error()));
  }
};

class WritersRun {
 public:
  WritersRun(const std::vector<GroupMember *> &members, Ledger &ledger, store::Store &store, SessionPool &pool,
             std::chrono::milliseconds failover_wait)
      : ledger_(ledger), store_(store), pool_(pool), failover_wait_(failover_wait) {
    for (GroupMember *member : members) writers_.push_back(Writer{.member = member});
  }

  void run() {
    run_together();
    for (Writer &writer : writers_) {
      if (!writer.answered) run_alone(writer);
    }
  }

  void fail_the_rest() noexcept {
    for (Writer &writer : writers_) {
      if (!writer.answered) writer.fail(lost_ && writer.done ? lost_commit() : without_memory());
    }
  }

 private:
  void run_together() {
    const std::unique_ptr<OwnTransaction> transaction = begin();
    if (transaction == nullptr) return;
    std::size_t done = 0;
    for (Writer &writer : writers_) {
      if (writer.answered || writer.cancel().cancelled()) continue;
      ++writer.operation().course().attempts;
      Result<Render> outcome = transaction->run(writer.operation(), writer.cancel(), true);
      if (outcome) {
        writer.done = outcome.take();
        ++done;
      } else if (outcome.error().tx_state != base::TxState::kUsable) {
        return forget();
      }
    }
    if (done == 0) return;
    Outcome committed = transaction->commit();
    if (!committed && committed.error().status != Status::kOutcomeUnknown) return forget();
    if (!committed) {
      lost_ = std::move(committed.error());
      return;
    }
    for (Writer &writer : writers_) {  // without asking for memory
      if (writer.done) writer.succeed(std::move(*writer.done));
    }
    ledger_.telemetry().grouped(done);
  }

  // Nothing was written.
  void forget() {
    for (Writer &writer : writers_) writer.done.reset();
  }

  // The transaction of all. None where only one is left, or where there is none to be had, which all of them are told.
  // Whoever is cancelled while they wait for it leaves at once.
  std::unique_ptr<OwnTransaction> begin() {
    while (true) {
      std::vector<Writer *> waiting;
      for (Writer &writer : writers_) {
        if (!writer.answered && writer.cancel().cancelled()) writer.fail(cancelled_error());
        if (!writer.answered) waiting.push_back(&writer);
      }
      if (waiting.size() < 2) return nullptr;
      CancelToken cancel;
      const Together<Writer> cancelling(waiting, cancel);
      Result<std::unique_ptr<OwnTransaction>> begun =
          OwnTransaction::begin(ledger_, pool_, failover_wait_, waiting.front()->operation().course(), &cancel);
      if (begun) return begun.take();
      if (cancel.cancelled()) continue;
      for (Writer *writer : waiting) writer->fail(Error(begun.error()));
      return nullptr;
    }
  }

  void run_alone(Writer &writer) {
    const bool unknown = lost_ && writer.done;
    if (unknown && !writer.operation().traits().repeatable) return writer.fail(lost_commit());
    Result<Render> outcome = without_memory();
    try {
      outcome = engine::run(writer.operation(), ledger_, store_, pool_, writer.cancel(), failover_wait_, unknown);
    } catch (...) {  // nothing was written
    }
    if (unknown && !outcome && !settles(outcome.error())) return writer.fail(lost_commit());
    writer.end(std::move(outcome));
  }

  Error lost_commit() const noexcept {
    Error error;
    error.status = Status::kOutcomeUnknown;
    try {
      error = *lost_;
    } catch (...) {  // the status must do
    }
    return error;
  }

  Ledger &ledger_;
  store::Store &store_;
  SessionPool &pool_;
  const std::chrono::milliseconds failover_wait_;
  std::deque<Writer> writers_;
  std::optional<Error> lost_;  // a commit whose outcome is unknown: of those that are done and have no answer
};

}  // namespace

void run_group(const std::vector<GroupMember *> &members, Ledger &ledger, store::Store &store, SessionPool &pool,
               std::chrono::milliseconds failover_wait) {
  GroupRun group(members, ledger, store, pool, failover_wait);
  try {
    group.run();
  } catch (...) {  // between two transactions: what was written has been answered
    group.fail_the_rest();
  }
}

void run_writers(const std::vector<GroupMember *> &members, Ledger &ledger, store::Store &store, SessionPool &pool,
                 std::chrono::milliseconds failover_wait) {
  WritersRun writers(members, ledger, store, pool, failover_wait);
  try {
    writers.run();
  } catch (...) {  // what was written has been answered
    writers.fail_the_rest();
  }
}

}  // namespace cala::engine
