// cala_listener_*: opening and closing.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "api/handles.h"
#include "base/json.h"
#include "engine/makers.h"
#include "engine/request.h"
#include "live/op.h"

namespace cala::api {

using base::Outcome;
using base::Result;

static_assert(static_cast<int>(runtime::MessageType::kEvent) == CALA_RECORD_EVENT);

namespace {

struct OpenOptions {
  live::ListenerState::Options options;
  std::string place_request;  // of listener_place; empty: the place is known
};

Result<OpenOptions> read_open_options(const char *options, std::size_t length) {
  Result<base::Json> json = base::Json::parse(length == 0 ? std::string_view("{}") : std::string_view(options, length));
  if (!json) return std::move(json.error());
  engine::RequestReader reader(json->root());
  OpenOptions out;
  const engine::ListenerStart start = engine::read_listener_start(reader);
  out.options.query = engine::read_event_filters(reader);
  out.options.buffer = static_cast<std::size_t>(reader.integer("buffer", 500, 1, 10'000));
  out.options.poll = std::chrono::milliseconds(reader.integer("poll_ms", 100, 5, 60'000));
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  out.options.query.after = start.place;
  if (start.name || start.newest) out.place_request = start.request();
  return out;
}

// Where it begins, when the store has to be asked. Blocks.
Result<std::int64_t> ask_place(const std::shared_ptr<live::LedgerState> &ledger, const std::string &request) {
  Result<base::Json> json = base::Json::parse(request);
  if (!json) return std::move(json.error());
  Result<engine::OperationPtr> made =
      engine::listener_place(ledger->ledger(), std::make_shared<const base::Json>(json.take()));
  if (!made) return std::move(made.error());
  const auto op = std::make_shared<live::OpState>(ledger, nullptr, made.take());
  if (Outcome run = op->run(-1); !run) return std::move(run.error());
  Result<base::Json> answer = base::Json::parse(*op->result());
  if (!answer) return std::move(answer.error());
  return answer->root().get("place").integer().value_or(0);
}

}  // namespace

}  // namespace cala::api

using namespace cala;

extern "C" {

cala_status cala_listener_open(cala_ledger *ledger, const char *options, size_t options_len, cala_queue *queue,
                               cala_event_fn fn, void *user, cala_listener **out, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return live::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    if (options == nullptr && options_len > 0) return live::misuse("options is NULL but its length is not 0");
    const std::shared_ptr<live::LedgerState> state = ledger->state;
    base::Result<api::OpenOptions> read = api::read_open_options(options, options_len);
    if (!read) return std::move(read.error());
    if (state->host_only()) {
      return base::make_error(base::Status::kMisuse, "op.host_only",
                              "this ledger has no connection of its own to read events with; use event_list");
    }
    if (state->closing()) return live::closed_error();
    if (!read->place_request.empty()) {
      base::Result<std::int64_t> place = api::ask_place(state, read->place_request);
      if (!place) return std::move(place.error());
      read->options.query.after = *place;
    }
    const auto listener =
        std::make_shared<live::ListenerState>(state->listeners(), std::move(read->options), queue->state, fn, user);
    if (base::Outcome added = state->listeners()->add(listener); !added) return added;
    try {
      *out = api::ListenerSlots::make(listener);
    } catch (...) {
      listener->free();
      throw;
    }
    return {};
  });
}

int64_t cala_listener_reached(const cala_listener *listener) {
  if (!api::ListenerSlots::valid(listener)) return -CALA_MISUSE;
  if (runtime::forked_since(listener->generation)) return -CALA_FORKED;
  return listener->state->reached();
}

void cala_listener_free(cala_listener *listener) {
  if (!api::ListenerSlots::valid(listener)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    if (!runtime::forked_since(listener->generation)) listener->state->free();
    api::ListenerSlots::free(listener);
    return {};
  });
}

}  // extern "C"
