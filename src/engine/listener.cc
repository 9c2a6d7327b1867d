// Where named listeners are: places in the outbox, kept in the store.
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

constexpr std::string_view kNoun = "listener";
constexpr std::size_t kLongestName = 200;

struct Listener {
  std::string name;
  std::int64_t place = 0;
  base::Timestamp modified_at;
};

Result<Listener> listener_of(base::JsonView row) {
  const std::optional<std::int64_t> place = row.get("place").integer();
  const std::optional<std::int64_t> modified_at = row.get("modified_at").integer();
  if (!place || !modified_at) {
    return base::make_error(base::Status::kInternal, "store.corrupt", "a listener has no place or time");
  }
  return Listener{std::string(row.get("name").string()), *place, base::Timestamp::from_micros(*modified_at)};
}

void render(base::JsonWriter &out, const Listener &listener) {
  out.begin_object().key("name").string(listener.name).key("place").integer(listener.place);
  out.key("modified_at").string(listener.modified_at.micros_text()).end_object();
}

std::string read_name(RequestReader &reader) {
  std::string name = reader.name("name");
  if (name.size() > kLongestName) reader.fail("request.malformed", "name", "must have 200 bytes at most");
  return name;
}

store::Call list_call(const Page &page, const std::optional<std::string> &name) {
  base::JsonWriter document = begin_list(page);
  if (name) document.key("name").string(*name);
  document.end_object();
  return read_call(StatementId::kListenerList, document.take());
}

store::Call named_call(const std::string &name) { return list_call(Page{}, name); }

// Waits so long for writers that began before the newest event.
store::Call newest_call() {
  return read_call(StatementId::kEventList, R"({"after":0,"first":1,"newest":true,"wait_ms":3000})");
}

enum class Change : std::uint8_t { kInsert, kMove, kRemove };

// expected: the place that it must have, where anything but that is a change.
store::Call change_call(Change change, const std::string &name, std::int64_t place,
                        std::optional<std::int64_t> expected, base::Timestamp now, const std::string &guard) {
  base::JsonWriter out;
  out.begin_object().key("change");
  out.string(change == Change::kInsert ? "insert" : change == Change::kMove ? "move" : "remove");
  out.key("name").string(name).key("place").integer(place).key("now").integer(now.micros());
  if (expected) out.key("expected").integer(*expected);
  if (!guard.empty()) out.key("guard").string(guard);
  out.end_object();
  return write_call(StatementId::kListenerWrite, out.take());
}

AskWrite ask_change(const Context &context, Change change, const std::string &name, std::int64_t place,
                    std::optional<std::int64_t> expected = std::nullopt) {
  const base::Timestamp now = context.ledger->now();
  return AskWrite([=](const std::string &guard) { return change_call(change, name, place, expected, now, guard); },
                  kNoun, context.host);
}

Render rendered_place(std::int64_t place) {
  return [place](base::JsonWriter &out) { out.begin_object().key("place").integer(place).end_object(); };
}

base::Error no_listener(const std::string &name) {
  base::Error error =
      base::make_error(base::Status::kNotFound, "listener.not_found", "there is no listener of this name");
  base::JsonWriter details;
  error.details = details.begin_object().key("name").string(name).end_object().take();
  return error;
}

// One listener, the number of the newest event, and the place up to which events were pruned.
struct Found {
  std::optional<Listener> listener;
  std::int64_t newest = 0;
  std::int64_t pruned = 0;
};

Result<Found> found_of(Result<store::Answer> answer) {
  if (!answer) return std::move(answer.error());
  const Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return base::Error(json.error());
  Found found;
  found.newest = json->root().get("newest").integer().value_or(0);
  found.pruned = json->root().get("pruned").integer().value_or(0);
  for (const base::JsonView row : json->root().get("rows")) {
    Result<Listener> listener = listener_of(row);
    if (!listener) return std::move(listener.error());
    found.listener = listener.take();
  }
  return found;
}

base::Error beyond_newest(const std::string &name, std::int64_t place, std::int64_t newest) {
  base::Error error = base::make_error(base::Status::kRejected, "listener.beyond_newest",
                                       "the place that is to be kept is beyond the newest event");
  base::JsonWriter details;
  details.begin_object().key("name").string(name).key("place").integer(place).key("newest").integer(newest);
  error.details = details.end_object().take();
  return error;
}

Flow begin_listening(Context context, ListenerStart start) {
  if (start.name) {
    Result<store::Answer> answer = co_await ask(named_call(*start.name));
    Result<Found> found = found_of(std::move(answer));
    if (!found) co_return std::move(found.error());
    if (found->listener) co_return rendered_place(found->listener->place);
    if (start.place > found->newest) co_return beyond_newest(*start.name, start.place, found->newest);
    if (!start.newest && start.place < found->pruned) co_return events_pruned(found->pruned);
  }
  std::int64_t place = start.place;
  if (start.newest) {
    Result<store::Answer> answer = co_await ask(newest_call());
    if (!answer) co_return std::move(answer.error());
    const Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
    if (!json) co_return base::Error(json.error());
    place = json->root().get("place").integer().value_or(0);
  }
  if (!start.name) co_return rendered_place(place);
  Outcome written = co_await ask_change(context, Change::kInsert, *start.name, place);
  if (!written) co_return std::move(written.error());
  co_return rendered_place(place);
}

base::Error moved_by_another() {
  base::Error error = base::make_error(base::Status::kConflict, "listener.changed",
                                       "the listener is at another place than was expected: another has moved it");
  error.retryable = true;
  return error;
}

Flow acknowledge(Context context, std::string name, std::int64_t place, std::optional<std::int64_t> expected) {
  Result<store::Answer> answer = co_await ask(named_call(name));
  Result<Found> found = found_of(std::move(answer));
  if (!found) co_return std::move(found.error());
  if (!found->listener) co_return no_listener(name);
  const std::int64_t kept = found->listener->place;
  if (expected && *expected != kept) co_return moved_by_another();
  if (place <= kept) co_return rendered_place(kept);
  if (place > found->newest) co_return beyond_newest(name, place, found->newest);
  Outcome written = co_await ask_change(context, Change::kMove, name, place, expected);
  if (!written) co_return std::move(written.error());
  co_return rendered_place(place);
}

Flow forget(Context context, std::string name) {
  Result<store::Answer> answer = co_await ask(named_call(name));
  Result<Found> found = found_of(std::move(answer));
  if (!found) co_return std::move(found.error());
  if (!found->listener) co_return no_listener(name);
  Outcome written = co_await ask_change(context, Change::kRemove, name, 0);
  if (!written) co_return std::move(written.error());
  co_return Render([listener = *found->listener](base::JsonWriter &out) { render(out, listener); });
}

Flow list_listeners(Context, Page page) {
  Result<store::Answer> answer = co_await ask(list_call(page, std::nullopt));
  Result<Rows<Listener>> rows = rows_of(std::move(answer), listener_of);
  if (!rows) co_return std::move(rows.error());
  co_return Render([rows = rows.take(), page](base::JsonWriter &out) { render_page(out, rows, page, kNoun); });
}

}  // namespace

ListenerStart read_listener_start(RequestReader &reader) {
  ListenerStart out;
  if (reader.has("name")) out.name = read_name(reader);
  const base::JsonView from = reader.any("from");
  if (!from.present() || from.is_null() || (from.is_string() && from.string() == "now")) {
    out.newest = true;
  } else if (const auto place = from.is_number() ? from.integer() : std::nullopt;
             place && *place >= 0 && *place <= kLastPlace) {
    out.place = *place;
  } else if (!from.is_string() || from.string() != "start") {
    reader.fail("request.malformed", "from", "must be \"start\", \"now\" or the place of an event");
  }
  return out;
}

std::string ListenerStart::request() const {
  base::JsonWriter out;
  out.begin_object();
  if (name) out.key("name").string(*name);
  out.key("from");
  if (newest) {
    out.string("now");
  } else {
    out.integer(place);
  }
  return out.end_object().take();
}

Result<OperationPtr> listener_place(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const ListenerStart start = read_listener_start(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = start.name ? store::Access::kWrite : store::Access::kRead;
  return std::make_unique<Operation>("listener_place", traits,
                                     [start](Context context) { return begin_listening(context, start); });
}

Result<OperationPtr> listener_ack(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const std::string name = read_name(reader);
  if (!reader.has("place")) reader.fail("request.missing_key", "place", "must be given");
  const std::int64_t place = reader.integer("place", 0, 0, kLastPlace);
  std::optional<std::int64_t> expected;
  if (reader.has("expected_place")) expected = reader.integer("expected_place", 0, 0, kLastPlace);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  traits.repeatable = !expected;  // once it took effect, another place is kept
  traits.races = !expected;       // a place goes forward only, so it would not be the expected one again
  return std::make_unique<Operation>("listener_ack", traits, [name, place, expected](Context context) {
    return acknowledge(context, name, place, expected);
  });
}

Result<OperationPtr> listener_remove(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const std::string name = read_name(reader);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  Operation::Traits traits;
  traits.access = store::Access::kWrite;
  return std::make_unique<Operation>("listener_remove", traits,
                                     [name](Context context) { return forget(context, name); });
}

Result<OperationPtr> listener_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const Page page = read_page(reader, kNoun);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("listener_list", Operation::Traits{},
                                     [page](Context context) { return list_listeners(context, page); });
}

}  // namespace cala::engine
