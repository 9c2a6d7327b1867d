#include "engine/event.h"

#include <string_view>
#include <utility>

#include "engine/answers.h"
#include "engine/makers.h"
#include "store/kept_json.h"

namespace cala::engine {

namespace {

using base::Outcome;
using base::Result;
using store::StatementId;

struct Event {
  std::int64_t sequence = 0;
  std::string type;
  base::Timestamp recorded_at;
  std::string subject_id;
  std::string payload;  // the members of an object, as they were written
  std::optional<core::Transaction> transaction;
  std::optional<std::vector<core::Entry>> entries;
  std::optional<std::vector<ShownBalance>> balances;
};

struct EventPage {
  std::vector<Event> events;
  std::int64_t place = 0;
  std::int64_t mark = 0;
};

base::Error corrupt(const char *what) {
  return base::make_error(base::Status::kInternal, "store.corrupt", std::string("an event has no ") + what);
}

base::Error malformed(const std::string &pointer, const std::string &why) {
  base::Error error = base::make_error(base::Status::kInvalid, "request.malformed", pointer + why);
  base::JsonWriter details;
  error.details = details.begin_object().key("pointer").string(pointer).end_object().take();
  return error;
}

// Those of an event that has any.
template <typename T>
Result<std::optional<std::vector<T>>> parts_of(base::JsonView rows, Result<T> (*read)(base::JsonView)) {
  if (!rows.present() || rows.is_null()) return std::optional<std::vector<T>>();
  std::vector<T> out;
  for (const base::JsonView row : rows) {
    Result<T> one = read(row);
    if (!one) return std::move(one.error());
    out.push_back(one.take());
  }
  return std::optional<std::vector<T>>(std::move(out));
}

// None where somebody put something else there: the event is told of without them, and so are the others.
std::string members_of(std::string_view payload) {
  std::string json = store::kept_json(payload);
  return json.front() == '{' ? json.substr(1, json.size() - 2) : "";
}

Result<Event> event_of(base::JsonView row) {
  Event out;
  const std::optional<std::int64_t> sequence = row.get("sequence").integer();
  const std::optional<std::int64_t> recorded_at = row.get("recorded_at").integer();
  if (!sequence || !recorded_at) return corrupt("number or time");
  out.sequence = *sequence;
  out.recorded_at = base::Timestamp::from_micros(*recorded_at);
  out.type = row.get("type").string();
  out.subject_id = row.get("subject_id").string();
  const base::JsonView payload = row.get("payload");
  const bool has_payload = payload.present() && payload.is_string() && payload.string().size() > 2;
  if (has_payload) out.payload = members_of(payload.string());
  if (const base::JsonView found = row.get("transaction"); found.is_object()) {
    Result<core::Transaction> transaction = store::transaction_of(found);
    if (!transaction) return std::move(transaction.error());
    out.transaction = transaction.take();
  } else if (!has_payload) {
    return corrupt("content");
  }
  Result<std::optional<std::vector<core::Entry>>> entries = parts_of(row.get("entries"), store::entry_of);
  if (!entries) return std::move(entries.error());
  Result<std::optional<std::vector<ShownBalance>>> balances = parts_of(row.get("balances"), shown_balance_of);
  if (!balances) return std::move(balances.error());
  out.entries = entries.take();
  out.balances = balances.take();
  return out;
}

Result<EventPage> page_of(const std::string &text) {
  Result<base::Json> json = base::parse_stored(text);
  if (!json) return std::move(json.error());
  if (const base::JsonView pruned = json->root().get("pruned"); pruned.present()) {
    return events_pruned(pruned.integer().value_or(0));
  }
  EventPage out;
  for (const base::JsonView row : json->root().get("rows")) {
    Result<Event> event = event_of(row);
    if (!event) return std::move(event.error());
    out.events.push_back(event.take());
  }
  out.place = json->root().get("place").integer().value_or(0);
  out.mark = json->root().get("mark").integer().value_or(0);
  return out;
}

void write(base::JsonWriter &out, const Event &event) {
  out.begin_object().key("sequence").integer(event.sequence).key("place").integer(event.sequence);
  out.key("type").string(event.type).key("recorded_at").string(event.recorded_at.micros_text());
  out.key("subject_id").string(event.subject_id);
  if (event.transaction) {
    out.key("transaction");
    render(out, *event.transaction);
  }
  if (event.entries) {
    out.key("entries");
    render_array(out, *event.entries);
  }
  if (event.balances) {
    out.key("balances");
    render_array(out, *event.balances);
  }
  if (!event.payload.empty()) out.raw(event.payload);  // more members of this object
  out.end_object();
}

std::string document_of(const EventQuery &query) {
  base::JsonWriter document;
  document.begin_object().key("after").integer(query.after).key("first").integer(query.limit);
  if (query.types) {
    document.key("types").begin_array();
    for (const std::string &type : *query.types) document.string(type);
    document.end_array();
  }
  if (query.journal_id) document.key("journal_id").string(query.journal_id->text());
  document.key("entries").boolean(query.entries).key("balances").boolean(query.balances);
  return document.end_object().take();
}

Flow list_events(Context, std::string document) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kEventList, document));
  if (!answer) co_return std::move(answer.error());
  Result<EventPage> read = page_of(std::get<std::string>(*answer));
  if (!read) co_return std::move(read.error());
  co_return Render([page = read.take()](base::JsonWriter &out) {
    out.begin_object().key("items").begin_array();
    for (const Event &event : page.events) write(out, event);
    out.end_array().key("place").integer(page.place);
    out.key("has_next_page").boolean(page.place < page.mark).end_object();
  });
}

Flow hand_over(Context, std::string document, std::shared_ptr<ReadEvents> out) {
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kEventList, document));
  if (!answer) co_return std::move(answer.error());
  Result<EventPage> page = page_of(std::get<std::string>(*answer));
  if (!page) co_return std::move(page.error());
  ReadEvents read;
  for (const Event &event : page->events) {
    base::JsonWriter text;
    write(text, event);
    read.events.push_back({event.sequence, text.take()});
  }
  read.place = page->place;
  read.more = page->place < page->mark;
  read.behind = page->mark - page->place;
  *out = std::move(read);
  co_return Render();
}

}  // namespace

base::Error events_pruned(std::int64_t place) {
  base::Error error = base::make_error(
      base::Status::kNotFound, "event.pruned",
      "the events behind that place have been pruned; the oldest ones are behind " + std::to_string(place));
  base::JsonWriter details;
  error.details = details.begin_object().key("place").integer(place).end_object().take();
  return error;
}

EventQuery read_event_filters(RequestReader &reader) {
  constexpr std::size_t kMostTypes = 100;
  EventQuery out;
  if (const base::JsonView types = reader.optional_array("types", kMostTypes); types.present()) {
    out.types.emplace();
    for (const base::JsonView type : types) {
      const std::string pointer = reader.pointer_to("types") + "/" + std::to_string(out.types->size());
      const std::optional<std::string_view> known = core::parse_event_type(type.string());
      if (!type.is_string()) {
        reader.adopt(malformed(pointer, " must be a text"));
      } else if (!known) {
        reader.adopt(malformed(pointer, " is no type of event"));
      }
      out.types->emplace_back(known.value_or(""));
    }
  }
  out.journal_id = reader.optional_uuid("journal_id");
  out.entries = reader.boolean("entries", false);
  out.balances = reader.boolean("balances", false);
  return out;
}

OperationPtr read_events(const EventQuery &query, std::shared_ptr<ReadEvents> out) {
  return std::make_unique<Operation>(
      "event_list", Operation::Traits{},
      [text = document_of(query), out = std::move(out)](Context context) { return hand_over(context, text, out); });
}

Result<OperationPtr> event_list(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  EventQuery query = read_event_filters(reader);
  query.after = reader.integer("after", 0, 0, kLastPlace);
  query.limit = reader.integer("limit", 100, 1, 1000);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("event_list", Operation::Traits{}, [text = document_of(query)](Context context) {
    return list_events(context, text);
  });
}

}  // namespace cala::engine
