// cala_listener_*: opening, reading and closing. The pump.
#include "api/listener.h"

#include <algorithm>
#include <utility>

#include "api/ledger.h"
#include "api/op.h"
#include "engine/operations.h"

namespace cala::api {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds kBetweenReads{5};     // commits that come one after the other are read together
constexpr std::chrono::milliseconds kWithoutMemory{100};  // until it is tried again
constexpr std::int64_t kMostInPage = 500;

// What may be over when it is asked again.
bool passes(const Error &error) {
  switch (error.status) {
    case Status::kUnavailable:
    case Status::kBusy:
    case Status::kTimeout:
    case Status::kConflict:
    case Status::kCancelled:
    case Status::kNoMemory:
    case Status::kClosed: return true;
    default: return false;
  }
}

}  // namespace

// One event on its way to the program, or why there will be none any more.
class ListenerState::Record final : public runtime::Completion {
 public:
  Record(std::shared_ptr<ListenerState> listener, std::string text, cala_status status)
      : listener_(std::move(listener)), text_(std::move(text)), status_(status) {}
  ~Record() override { leave(); }
  Record(const Record &) = delete;
  Record &operator=(const Record &) = delete;

  std::uint64_t tag() const override {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(listener_->user_));
  }
  std::int32_t status() const override { return status_; }
  std::uint16_t type() const override { return CALA_RECORD_EVENT; }
  void append_data(std::string &out) const override { out += text_; }
  void deliver() override {
    leave();  // before: the program may leave its callback by a longjmp
    const cala_event_fn fn = listener_->fn_;
    if (fn != nullptr && !listener_->freed()) fn(listener_->user_, status_, text_.data(), text_.size());
  }

 private:
  void leave() noexcept {
    if (!std::exchange(left_, true)) listener_->taken();
  }

  const std::shared_ptr<ListenerState> listener_;
  const std::string text_;
  const cala_status status_;
  bool left_ = false;
};

void ListenerState::free() {
  freed_.store(true, std::memory_order_release);
  hub_->wake();
}

void ListenerState::taken() noexcept {
  const std::size_t left = waiting_.fetch_sub(1) - 1;
  if (left <= options_.buffer / 2 && full_.exchange(false)) hub_->wake();
}

std::size_t ListenerState::room() const {
  const std::size_t waiting = waiting_.load();
  return waiting < options_.buffer ? options_.buffer - waiting : 0;
}

// False when nobody can read it any more.
bool ListenerState::push(std::string text, cala_status status) {
  auto record = std::make_shared<Record>(shared_from_this(), std::move(text), status);
  waiting_.fetch_add(1);  // given back by the record
  if (Outcome reserved = queue_->reserve_any(); !reserved) return false;
  queue_->push(std::move(record));
  return true;
}

void ListenerState::rest() {
  due_ = Clock::now() + pause_;
  pause_ = std::min(pause_ * 2, options_.poll);
}

void ListenerState::read(LedgerState &ledger, engine::CancelToken &cancel) {
  last_ = Clock::now();
  try {
    read_page(ledger, cancel);
  } catch (...) {  // there may be memory later; what was handed on is behind the place
    rest();
  }
}

void ListenerState::read_page(LedgerState &ledger, engine::CancelToken &cancel) {
  engine::EventQuery query = options_.query;
  query.after = place();
  query.limit = std::min(static_cast<std::int64_t>(room()), kMostInPage);
  const auto page = std::make_shared<engine::ReadEvents>();
  Outcome ready = ledger.ensure_ready();
  if (ready) {
    const engine::OperationPtr operation = engine::read_events(query, page);
    const Result<engine::Render> outcome = engine::run(*operation, ledger.ledger(), ledger.store(), ledger.sessions(),
                                                       cancel, std::chrono::milliseconds(0));
    if (!outcome) ready = Error(outcome.error());
  }
  if (!ready) {
    if (passes(ready.error())) return rest();
    std::string document;
    append_error_document(document, ready.error());
    push(std::move(document), status_of(ready.error().status));
    ended_ = true;
    return;
  }
  for (engine::ReadEvents::One &event : page->events) {
    if (freed()) return;
    if (!push(std::move(event.text), CALA_OK)) {
      ended_ = true;
      return;
    }
    place_.store(event.place, std::memory_order_release);
  }
  place_.store(page->place, std::memory_order_release);
  if (!page->events.empty()) pause_ = kFirstPause;
  if (page->more) {
    due_ = Clock::now();
  } else {
    rest();
  }
}

// Under the lock of the listeners, what the caller lets go of after it: a listener may take its queue with it.
template <typename Which>
void ListenerHub::take_out(Listeners &gone, Which which) {
  gone.reserve(listeners_.size());  // before anything is moved
  for (std::shared_ptr<ListenerState> &each : listeners_) {
    if (which(*each)) gone.push_back(std::move(each));
  }
  std::erase(listeners_, nullptr);
}

Outcome ListenerHub::add(const std::shared_ptr<ListenerState> &listener) {
  Listeners gone;  // ends after the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return closed_error();
  take_out(gone, [](const ListenerState &each) { return each.freed(); });
  if (listeners_.size() >= kMost) {
    Error error = base::make_error(Status::kBusy, "listener.too_many",
                                   "the ledger has " + std::to_string(kMost) + " open listeners already");
    error.retryable = true;
    return error;
  }
  listeners_.reserve(listeners_.size() + 1);
  if (!pumping_) {  // it waits for the lock
    Outcome started = ledger_->executor().submit(LedgerState::listener_lane(),
                                                 runtime::make_task([hub = shared_from_this()](const Error *refused) {
                                                   if (refused == nullptr) hub->pump();
                                                 }));
    if (!started) return started.error().status == Status::kClosed ? Outcome(closed_error()) : std::move(started);
    pumping_ = true;
  }
  listeners_.push_back(listener);
  listening_.store(true);
  woken_ = true;
  changed_.notify_all();
  return {};
}

void ListenerHub::wake() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void ListenerHub::close() noexcept {
  Listeners gone;  // ends after the lock; each holds the hub
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    gone.swap(listeners_);
  }
  changed_.notify_all();
  cancel_.cancel();
}

// False when there is nobody to read for: the pump ends. Where it throws there is no memory, and nothing is lost.
bool ListenerHub::begin_round(Listeners &round) {
  Listeners gone;  // ends after the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  woken_ = false;
  take_out(gone, [](const ListenerState &each) { return each.freed() || each.ended_; });
  if (closed_ || listeners_.empty()) {
    listening_.store(false);
    pumping_ = false;
    return false;
  }
  round = listeners_;
  return true;
}

void ListenerHub::end_round(Clock::time_point until) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_until(lock, until, [this] { return woken_ || closed_; });
}

void ListenerHub::pump() {
  Listeners round;
  while (true) {
    try {
      if (!begin_round(round)) return;
    } catch (...) {
      end_round(Clock::now() + kWithoutMemory);
      continue;
    }
    const bool committed = committed_.exchange(false);
    Clock::time_point next = Clock::now() + std::chrono::seconds(60);
    for (const std::shared_ptr<ListenerState> &listener : round) {
      if (committed) {
        listener->pause_ = ListenerState::kFirstPause;
        listener->due_ = std::min(listener->due_, listener->last_ + kBetweenReads);
      }
      if (listener->room() == 0) {
        listener->full_.store(true);
        if (listener->room() == 0) continue;  // whoever takes one wakes
        listener->full_.store(false);
      }
      if (listener->due_ <= Clock::now()) listener->read(*ledger_, cancel_);
      next = std::min(next, listener->due_);
    }
    round.clear();
    end_round(next);
  }
}

namespace {

struct OpenOptions {
  ListenerState::Options options;
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
Result<std::int64_t> ask_place(const std::shared_ptr<LedgerState> &ledger, const std::string &request) {
  Result<base::Json> json = base::Json::parse(request);
  if (!json) return std::move(json.error());
  Result<engine::OperationPtr> made =
      engine::listener_place(ledger->ledger(), std::make_shared<const base::Json>(json.take()));
  if (!made) return std::move(made.error());
  const auto op = std::make_shared<OpState>(ledger, nullptr, made.take());
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
    if (out == nullptr) return api::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    if (options == nullptr && options_len > 0) return api::misuse("options is NULL but its length is not 0");
    const std::shared_ptr<api::LedgerState> state = ledger->state;
    base::Result<api::OpenOptions> read = api::read_open_options(options, options_len);
    if (!read) return std::move(read.error());
    if (state->host_only()) {
      return base::make_error(base::Status::kMisuse, "op.host_only",
                              "this ledger has no connection of its own to read events with; use event_list");
    }
    if (state->closing()) return api::closed_error();
    if (!read->place_request.empty()) {
      base::Result<std::int64_t> place = api::ask_place(state, read->place_request);
      if (!place) return std::move(place.error());
      read->options.query.after = *place;
    }
    const auto listener =
        std::make_shared<api::ListenerState>(state->listeners(), std::move(read->options), queue->state, fn, user);
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
  return listener->state->place();
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
