// What listeners read, and the pump.
#include "live/listener.h"

#include <algorithm>
#include <utility>

#include "engine/makers.h"
#include "live/ledger.h"
#include "live/op.h"

namespace cala::live {

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

void advance(std::atomic<std::int64_t> &value, std::int64_t to) noexcept {
  std::int64_t now = value.load();
  while (now < to && !value.compare_exchange_weak(now, to)) {
  }
}

}  // namespace

// One event on its way to the program, or why there will be none any more.
class ListenerState::Record final : public runtime::Completion {
 public:
  Record(std::shared_ptr<ListenerState> listener, std::string text, std::int64_t place, Status status)
      : listener_(std::move(listener)), text_(std::move(text)), place_(place), status_(status) {}
  ~Record() override {
    if (!left_) listener_->dropped();
  }
  Record(const Record &) = delete;
  Record &operator=(const Record &) = delete;

  std::uint64_t tag() const override {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(listener_->user_));
  }
  std::int32_t status() const override { return static_cast<std::int32_t>(status_); }
  std::uint16_t type() const override { return static_cast<std::uint16_t>(runtime::MessageType::kEvent); }
  void append_data(std::string &out) const override { out += text_; }
  void was_read() noexcept override { leave(); }
  void deliver() override {
    leave();  // before: the program may leave its callback by a longjmp
    const EventFn fn = listener_->fn_;
    if (fn != nullptr && !listener_->freed()) fn(listener_->user_, status(), text_.data(), text_.size());
  }

 private:
  void leave() noexcept {
    left_ = true;
    listener_->taken(place_);
  }

  const std::shared_ptr<ListenerState> listener_;
  const std::string text_;
  const std::int64_t place_;
  const Status status_;
  bool left_ = false;
};

void ListenerState::free() {
  freed_.store(true, std::memory_order_release);
  hub_->wake();
}

// The place first: who sees that nothing waits sees what was taken too.
void ListenerState::taken(std::int64_t place) noexcept {
  advance(taken_, place);
  const std::size_t left = waiting_.fetch_sub(1) - 1;
  if (left <= options_.buffer / 2 && full_.exchange(false)) hub_->wake();
}

// Nobody took it, and nobody will: its queue is gone. Nothing behind it is ever reached.
void ListenerState::dropped() noexcept {
  lost_.store(true);
  waiting_.fetch_sub(1);
  if (full_.exchange(false)) hub_->wake();
}

// place_ before waiting_: what was put into the queue up to that place is counted there until it leaves.
std::int64_t ListenerState::reached() noexcept {
  const std::int64_t put = place();
  if (waiting_.load() == 0 && !lost_.load()) advance(taken_, put);
  return taken_.load();
}

std::size_t ListenerState::room() const {
  const std::size_t waiting = waiting_.load();
  return waiting < options_.buffer ? options_.buffer - waiting : 0;
}

// False when nobody can read it any more.
bool ListenerState::push(std::string text, std::int64_t place, Status status) {
  auto record = std::make_shared<Record>(shared_from_this(), std::move(text), place, status);
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
    engine::LogEntry entry(engine::LogLevel::kError, "listener.ended", "a listener cannot go on and has ended");
    ledger.ledger().telemetry().log().tell(entry.with(ready.error()));
    std::string document;
    append_error_document(document, ready.error());
    push(std::move(document), 0, ready.error().status);
    ended_ = true;
    return;
  }
  for (engine::ReadEvents::One &event : page->events) {
    if (freed()) return;
    if (!push(std::move(event.text), event.place, Status::kOk)) {
      ended_ = true;
      return;
    }
    place_.store(event.place, std::memory_order_release);
  }
  place_.store(page->place, std::memory_order_release);
  ledger.ledger().telemetry().listened(page->behind);
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

std::int64_t ListenerHub::open() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::count_if(listeners_.begin(), listeners_.end(), [](const auto &each) { return !each->freed(); });
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

}  // namespace cala::live
