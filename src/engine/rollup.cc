#include "engine/rollup.h"

#include <limits>
#include <optional>
#include <utility>

#include "base/json_repair.h"
#include "engine/answers.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using store::StatementId;

constexpr std::int64_t kLongestWait = 600'000;
constexpr std::int64_t kStepsAtATime = 1;

struct Status {
  RollupProgress progress;
  std::int64_t target = 0;
};

Result<base::Json> parsed(Result<store::Answer> answer) {
  if (!answer) return std::move(answer.error());
  return base::parse_stored(std::get<std::string>(*answer));
}

std::int64_t number(const base::Json &json, const char *key) {
  const base::JsonView value = json.root().get(key);
  return value.present() ? value.integer().value_or(0) : 0;
}

Result<Status> status_of(Result<store::Answer> answer) {
  const Result<base::Json> json = parsed(std::move(answer));
  if (!json) return base::Error(json.error());
  Status status;
  status.progress = {
      .applied = number(*json, "applied"), .frontier = number(*json, "frontier"), .reached = number(*json, "reached")};
  status.target = number(*json, "target");
  return status;
}

store::Call ask_status(const std::optional<std::int64_t> &sequence, std::int64_t timeout_ms) {
  base::JsonWriter out;
  out.begin_object();
  if (sequence) out.key("sequence").integer(*sequence);
  out.key("timeout_ms").integer(timeout_ms).end_object();
  return read_call(StatementId::kRollupStatus, out.take());
}

store::Call apply(const std::optional<std::int64_t> &steps) {
  base::JsonWriter out;
  out.begin_object();
  if (steps) out.key("steps").integer(*steps);
  out.end_object();
  return write_call(StatementId::kRollupApply, out.take());
}

base::JsonWriter &begin_progress(base::JsonWriter &out, const RollupProgress &progress) {
  return out.begin_object().key("applied").integer(progress.applied).key("frontier").integer(progress.frontier);
}

Render render_progress(const Context &context, const RollupProgress &progress) {
  return [progress, ledger = context.ledger](base::JsonWriter &out) {
    begin_progress(out, progress);
    ledger->rollup_failure().render(out, "last_error");
    out.end_object();
  };
}

base::Error timed_out(const RollupProgress &progress, std::int64_t target) {
  base::Error error =
      base::make_error(base::Status::kTimeout, "rollup.timeout",
                       "balances that follow have come to " + std::to_string(progress.applied) + " and not yet to " +
                           std::to_string(target) + "; something before that is not committed, or not posted");
  base::JsonWriter details;
  begin_progress(details, progress).end_object();
  error.details = details.take();
  return error;
}

Flow read_status(Context context) {
  Result<store::Answer> answer = co_await ask(ask_status(std::nullopt, 0));
  const Result<Status> status = status_of(std::move(answer));
  if (!status) co_return base::Error(status.error());
  co_return render_progress(context, status->progress);
}

Flow await(Context context, std::optional<std::int64_t> sequence, std::int64_t timeout_ms) {
  Result<store::Answer> answer = co_await ask(ask_status(sequence, timeout_ms));
  Result<Status> status = status_of(std::move(answer));
  if (!status) co_return std::move(status.error());
  RollupProgress progress = status->progress;
  if (progress.applied < status->target && !progress.caught_up()) {
    const std::optional<std::int64_t> all;
    Result<store::Answer> written = co_await ask(apply(all));
    const Result<base::Json> json = parsed(std::move(written));
    if (!json) co_return base::Error(json.error());
    progress.applied = number(*json, "applied");
  }
  if (progress.applied < status->target) co_return timed_out(progress, status->target);
  co_return render_progress(context, progress);
}

Flow step(Context, RollupProgress *progress) {
  Result<store::Answer> answer = co_await ask(ask_status(std::nullopt, 0));
  const Result<Status> status = status_of(std::move(answer));
  if (!status) co_return base::Error(status.error());
  *progress = status->progress;
  // Also when it cannot come further now: what the store notes of how far it may come must be committed. No step where
  // nothing is to follow yet: the first set that follows may come with a transaction that is not committed.
  const bool caught_up = progress->caught_up();
  if (!caught_up || progress->reached < progress->frontier) {
    const std::optional<std::int64_t> some = caught_up ? 0 : kStepsAtATime;
    Result<store::Answer> written = co_await ask(apply(some));
    const Result<base::Json> json = parsed(std::move(written));
    if (!json) co_return base::Error(json.error());
    if (caught_up) co_return Render();
    const std::int64_t applied = number(*json, "applied");
    progress->stalled = applied == progress->applied;
    progress->applied = applied;
  }
  co_return Render();
}

}  // namespace

Result<RollupProgress> rollup_progress(std::string_view answer) {
  const Result<base::Json> json = base::parse_stored(answer);
  if (!json) return base::Error(json.error());
  return RollupProgress{
      .applied = number(*json, "applied"), .frontier = number(*json, "frontier"), .reached = number(*json, "reached")};
}

OperationPtr make_rollup_step(RollupProgress &progress) {
  return std::make_unique<Operation>("rollup_step",
                                     Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
                                     [&progress](Context context) { return step(context, &progress); });
}

Result<OperationPtr> rollup_status(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("rollup_status", Operation::Traits{},
                                     [](Context context) { return read_status(context); });
}

Result<OperationPtr> rollup_await(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const auto sequence = reader.optional_integer("sequence", 0, std::numeric_limits<std::int64_t>::max());
  const std::int64_t timeout_ms = reader.integer("timeout_ms", 30'000, 0, kLongestWait);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>(
      "rollup_await", Operation::Traits{.access = store::Access::kWrite, .repeatable = true},
      [sequence, timeout_ms](Context context) { return await(context, sequence, timeout_ms); });
}

}  // namespace cala::engine
