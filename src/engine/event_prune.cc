// Deleting events that everybody is done with.
#include <utility>

#include "engine/answers.h"
#include "engine/entity_write.h"
#include "engine/event.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using store::StatementId;

constexpr std::int64_t kMostEvents = 100'000;

struct PruneRequest {
  std::optional<std::int64_t> place;
  std::optional<base::Timestamp> before;
  std::int64_t limit = 0;
};

struct Prunable {
  std::int64_t place = 0;  // of the last that can be deleted
  std::int64_t events = 0;
  std::int64_t pruned = 0;  // before
  bool more = false;
};

store::Call read_of(const PruneRequest &request) {
  base::JsonWriter out;
  out.begin_object();
  if (request.place) out.key("place").integer(*request.place);
  if (request.before) out.key("before").integer(request.before->micros());
  out.key("limit").integer(request.limit).end_object();
  // It writes nothing, but what it sees has to stay as it is until the write.
  return read_call(StatementId::kEventPruneRead, out.take());
}

base::Error listener_behind(base::JsonView listener) {
  const std::string name(listener.get("name").string());
  const std::int64_t place = listener.get("place").integer().value_or(0);
  base::Error error = base::make_error(
      base::Status::kRejected, "event.listener_behind",
      "the listener \"" + name + "\" is not done with these events: its place is " + std::to_string(place));
  base::JsonWriter details;
  error.details = details.begin_object().key("name").string(name).key("place").integer(place).end_object().take();
  return error;
}

Result<Prunable> prunable_of(Result<store::Answer> answer) {
  if (!answer) return std::move(answer.error());
  const Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return base::Error(json.error());
  if (const base::JsonView behind = json->root().get("behind"); behind.is_object()) return listener_behind(behind);
  Prunable out;
  out.pruned = json->root().get("pruned").integer().value_or(0);
  out.events = json->root().get("events").integer().value_or(0);
  if (out.events > 0) out.place = json->root().get("place").integer().value_or(0);
  out.more = json->root().get("more").boolean();
  return out;
}

store::Call write_of(const Prunable &what, const std::string &guard) {
  base::JsonWriter out;
  out.begin_object().key("place").integer(what.place).key("pruned").integer(what.pruned);
  if (!guard.empty()) out.key("guard").string(guard);
  out.end_object();
  return write_call(StatementId::kEventPrune, out.take());
}

AskWrite ask_prune(const Context &context, const Prunable &what) {
  return AskWrite([what](const std::string &guard) { return write_of(what, guard); }, "event", context.host);
}

Flow prune(Context context, PruneRequest request) {
  Result<store::Answer> answer = co_await ask(read_of(request));
  const Result<Prunable> read = prunable_of(std::move(answer));
  if (!read) co_return base::Error(read.error());
  const Prunable what = *read;
  if (what.events > 0) {
    Outcome written = co_await ask_prune(context, what);
    if (!written) co_return std::move(written.error());
  }
  co_return Render([what](base::JsonWriter &out) {
    out.begin_object().key("pruned").integer(what.events);
    out.key("place").integer(what.events > 0 ? what.place : what.pruned).key("more").boolean(what.more).end_object();
  });
}

}  // namespace

Result<OperationPtr> event_prune(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  PruneRequest what;
  what.place = reader.optional_integer("place", 0, kLastPlace);
  what.before = reader.optional_instant("before");
  what.limit = reader.integer("limit", 10'000, 1, kMostEvents);
  if (!reader.failed() && what.place && what.before) {
    reader.fail("request.malformed", "before", "cannot stand beside place: give one of the two");
  }
  if (!reader.failed() && !what.place && !what.before) {
    reader.fail("request.missing_key", "place", "is missing: give a place, or an instant as before");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  return std::make_unique<Operation>("event_prune", traits, [what](Context context) { return prune(context, what); });
}

}  // namespace cala::engine
