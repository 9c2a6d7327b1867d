#include "runtime/queue.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "platform/fork_generation.h"
#include "runtime/deadline.h"
#include "runtime/fork_guard.h"
#include "runtime/queue_state.h"

namespace cala::runtime {

using base::Error;
using base::make_error;
using base::Outcome;
using base::Result;
using base::Status;

void DroppedMessage::append_data(std::string &out) const {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, count).ptr);
}

void Queue::State::queue_dropped() {
  dropped_queued = true;
  pending.push_back(dropped);
}

// Just before a reader looks into a message. Only the "dropped" one still changes until then.
void Queue::State::prepare(Completion &completion) {
  if (&completion != dropped.get()) return;
  dropped->count = dropped_count;
  dropped->callback = dropped_callback;
  dropped->user = dropped_user;
  dropped->keep = dropped_keep;
}

// Before a drain calls the program, which may leave by a longjmp, and after a read: more logs may have been dropped
// while the reader had the message.
void Queue::State::finish(const Completion &completion) {
  if (&completion != dropped.get()) return;
  dropped_queued = false;
  dropped_count -= dropped->count;
  if (dropped_count > 0 && !closed) queue_dropped();
}

void Queue::State::give_back(const Completion &completion) {
  if (&completion == dropped.get()) return;
  std::size_t &held = completion.holds_place_ ? places : logs;
  if (held > 0) --held;
}

// Tells a call after a longjmp from a nested one: as long as the reader's call is alive, a nested call sits deeper in
// the stack, so a call from the same height or a little above proves that it is gone. Only a little: another fiber of
// the same thread has a stack of its own, anywhere.
bool Queue::State::reader_is_gone(std::uintptr_t frame) const {
  constexpr std::uintptr_t kSameStack = 32U << 10;
  return own_reader() && frame >= reader_frame && frame - reader_frame < kSameStack;
}

Result<std::shared_ptr<Queue>> Queue::create() { return std::shared_ptr<Queue>(new Queue(std::make_unique<State>())); }

Queue::Queue(std::unique_ptr<State> state) : generation_(platform::fork_generation()), state_(state.release()) {}

Queue::~Queue() {
  if (forked()) {
    state_->wake.close_descriptors();
    return;
  }
  delete state_;
}

bool Queue::forked() const { return forked_since(generation_); }

Error Queue::refusal_error(Refusal refusal) {
  switch (refusal) {
    case Refusal::kForked: return forked_error("the queue");
    case Refusal::kClosed: return make_error(Status::kClosed, "queue.closed", "the queue is closed");
    case Refusal::kNested:
      return make_error(Status::kMisuse, "queue.nested",
                        "this thread is reading the queue already: a callback cannot read, drain or run it again");
    default: return make_error(Status::kBusy, "queue.reader_busy", "another thread is reading the queue");
  }
}

void Queue::set_capacity(std::size_t places) {
  if (forked()) return;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->capacity = places;
}

void Queue::set_log_capacity(std::size_t logs) {
  if (forked()) return;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->log_capacity = logs;
}

void Queue::set_dropped_callback(DroppedFn callback, void *user, std::shared_ptr<const void> keep) {
  if (forked()) return;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->dropped_callback = callback;
  state_->dropped_user = user;
  state_->dropped_keep.swap(keep);  // what was kept ends after the lock
}

Outcome Queue::reserve(std::size_t at_least) {
  if (forked()) return refusal_error(Refusal::kForked);
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (state_->closed) return refusal_error(Refusal::kClosed);
    if (state_->places < std::max(state_->capacity, at_least)) {
      ++state_->places;
      return {};
    }
  }
  Error full = make_error(Status::kBusy, "queue.full",
                          "the queue is full of operations in flight and results not read yet; read some first");
  full.retryable = true;
  return full;
}

Outcome Queue::reserve_any() {
  if (forked()) return refusal_error(Refusal::kForked);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->closed) return refusal_error(Refusal::kClosed);
  ++state_->places;
  return {};
}

void Queue::cancel_reservation() {
  if (forked()) return;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->places > 0) --state_->places;
}

void Queue::push(std::shared_ptr<Completion> completion) noexcept {
  if (forked() || completion->pushed_.exchange(true)) return;
  bool send = false;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    completion->holds_place_ = true;
    if (state_->closed) {
      state_->give_back(*completion);
      return;  // let go when the argument ends, after the lock
    }
    state_->pending.push_back(std::move(completion));
    send = std::exchange(state_->armed, false);
  }
  state_->changed.notify_all();
  if (send) state_->wake.send();
}

struct Queue::LogOffer {
  std::shared_ptr<Completion> log{};  // what takes the place; null: only asks whether there is one
  std::uint64_t dropped = 0;          // so many had no place before
};

Queue::LogPlace Queue::offer_log(LogOffer offer) noexcept {
  bool changed = true;
  bool send = false;
  LogPlace place = LogPlace::kFree;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    if (state_->closed) return LogPlace::kClosed;
    if (offer.dropped > 0 || state_->logs >= state_->log_capacity) {
      place = LogPlace::kFull;
      state_->dropped_count += offer.dropped > 0 ? offer.dropped : 1;
      changed = !state_->dropped_queued;
      if (changed) state_->queue_dropped();
    } else if (offer.log != nullptr) {
      ++state_->logs;
      state_->pending.push_back(std::move(offer.log));
    } else {
      changed = false;
    }
    if (changed) send = std::exchange(state_->armed, false);
  }
  if (changed) state_->changed.notify_all();
  if (send) state_->wake.send();
  return place;
}

Queue::LogPlace Queue::push_log(std::shared_ptr<Completion> log) noexcept {
  if (forked() || log->pushed_.exchange(true)) return LogPlace::kClosed;
  return offer_log({.log = std::move(log)});
}

Queue::LogPlace Queue::place_for_log() noexcept { return forked() ? LogPlace::kClosed : offer_log({}); }

void Queue::drop_log() noexcept { tell_dropped_again(1); }

void Queue::tell_dropped_again(std::uint64_t rest) noexcept {
  if (!forked()) offer_log({.dropped = rest});
}

Result<int> Queue::descriptor() {
  if (forked()) return refusal_error(Refusal::kForked);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->closed) return refusal_error(Refusal::kClosed);
  Result<int> descriptor = state_->wake.duplicate();
  // An earlier owner of a descriptor may have swallowed the byte that announced what is waiting.
  if (descriptor.ok() && (!state_->empty() || state_->owe_wake)) state_->wake.send();
  return descriptor;
}

void Queue::stop() {
  if (forked()) return;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    const bool own_drain = state_->own_reader() && !state_->running;
    state_->stop_drain = state_->reading;
    if (!own_drain) state_->stop_run = true;
    state_->wait_woken = true;
    ++state_->wakes;
  }
  state_->changed.notify_all();
}

Result<bool> Queue::wait(std::int32_t timeout_ms) {
  if (forked()) return refusal_error(Refusal::kForked);
  const Deadline deadline = Deadline::after_ms(timeout_ms);
  State &state = *state_;
  std::unique_lock<std::mutex> lock(state.mutex);
  const std::uint64_t wakes = state.wakes;
  deadline.wait(state.changed, lock,
                [&state, wakes] { return state.closed || state.wait_woken || state.wakes != wakes || !state.empty(); });
  if (state.closed) return refusal_error(Refusal::kClosed);
  state.wait_woken = false;
  return !state.empty();
}

void Queue::wake() {
  if (forked()) return;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->wait_woken = true;
    state_->owe_wake = true;
    ++state_->wakes;
  }
  state_->changed.notify_all();
  state_->wake.send();
}

void Queue::close() {
  if (forked()) return;
  std::shared_ptr<Queue> last;  // may be the last reference: `this` ends with it
  CompletionList pending;       // destroyed after the lock: their destructors are the engine's business
  CompletionList taken;
  CompletionList delivering;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->closed = true;
    pending.take_all(state_->pending);
    taken.take_all(state_->taken);
    // A drain that was left by longjmp can no longer let go of the queue: a close from its height or above does.
    const bool abandoned = state_->reader_is_gone(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
    if (abandoned) {
      last = std::move(state_->keep_alive);
      delivering.take_all(state_->delivering);
    }
  }
  state_->changed.notify_all();
  state_->wake.send();
}

std::size_t Queue::undelivered() const {
  if (forked()) return 0;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->pending.size() + state_->taken.size();
}

std::size_t Queue::places_taken() const {
  if (forked()) return 0;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->places;
}

}  // namespace cala::runtime
