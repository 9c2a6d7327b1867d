#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "runtime/fork_guard.h"
#include "runtime/queue.h"
#include "runtime/queue_state.h"

namespace cala::runtime {

using base::make_error;
using base::Outcome;
using base::Result;
using base::Status;

namespace {

constexpr std::size_t kHeaderLen = sizeof(MessageHeader);
constexpr std::size_t kMostData = std::numeric_limits<std::uint32_t>::max() - 2 * kHeaderLen;
constexpr std::size_t kKeepRendered = 1U << 20;

std::size_t framed_len(std::size_t data_len) { return (kHeaderLen + data_len + 7) / 8 * 8; }

void write_message(unsigned char *at, const Completion &completion, const std::string &data) {
  MessageHeader header{};
  header.message_len = static_cast<std::uint32_t>(framed_len(data.size()));
  header.header_len = kHeaderLen;
  header.type = completion.type();
  header.tag = completion.tag();
  header.status = completion.status();
  header.data_len = static_cast<std::uint32_t>(data.size());
  std::memcpy(at, &header, kHeaderLen);
  data.copy(reinterpret_cast<char *>(at + kHeaderLen), data.size());
  const std::size_t end = kHeaderLen + data.size();
  std::memset(at + end, 0, header.message_len - end);
}

}  // namespace

Queue::Refusal Queue::enter(std::uintptr_t frame) {
  if (forked()) return Refusal::kForked;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->closed) return Refusal::kClosed;
  if (state_->reading && !state_->reader_is_gone(frame)) {
    return state_->own_reader() ? Refusal::kNested : Refusal::kBusy;
  }
  state_->reading = true;
  state_->reader = std::this_thread::get_id();
  state_->reader_frame = frame;
  state_->running = false;
  state_->stop_drain = false;
  state_->keep_alive = shared_from_this();
  return Refusal::kNone;
}

// The descriptor is cleared at the end of a reading, not at its start: when a callback leaves by longjmp, the byte is
// still there and the program wakes again. Everything pushed before the lock is seen here, everything after it finds
// the queue armed.
void Queue::leave() {
  std::shared_ptr<Queue> last;  // may be the last reference: `this` ends with it
  if (forked()) return;
  state_->wake.clear();
  bool send = false;
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    const bool waiting = !state_->empty();
    send = std::exchange(state_->owe_wake, false) || waiting;
    state_->armed = !waiting;
    state_->reading = false;
    state_->running = false;
    last = std::move(state_->keep_alive);
  }
  if (send) state_->wake.send();
}

Result<int> Queue::drain(std::uint32_t max) {
  const Refusal refusal = enter(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  if (refusal != Refusal::kNone) return refusal_error(refusal);
  const int count = deliver_waiting(max);
  leave();
  return count;
}

int Queue::deliver_waiting(std::uint32_t max) {
  const std::size_t waiting = begin_round(max);
  int count = 0;
  for (std::size_t i = 0; i < waiting; ++i) {
    Completion *completion = take_for_delivery();
    if (completion == nullptr) break;
    completion->deliver();
    delivered(completion);
    ++count;
  }
  return count;
}

std::size_t Queue::begin_round(std::uint32_t max) {
  if (forked()) return 0;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  constexpr std::size_t kMostPerCall = std::numeric_limits<std::int32_t>::max();
  const std::size_t limit = max == 0 ? kMostPerCall : std::min<std::size_t>(max, kMostPerCall);
  return std::min(limit, state_->pending.size() + state_->taken.size());
}

// The place is given back before the callback, which may then start the next operation in it; and the "dropped" message
// may be queued again, however the callback ends.
Completion *Queue::take_for_delivery() {
  if (forked()) return nullptr;
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->closed || state_->stop_drain) return nullptr;
  if (state_->taken.empty()) state_->taken.take_all(state_->pending);
  std::shared_ptr<Completion> completion = state_->taken.pop_front();
  if (completion == nullptr) return nullptr;
  state_->prepare(*completion);
  state_->give_back(*completion);
  state_->rendered_for = nullptr;
  Completion *raw = completion.get();
  state_->finish(*raw);
  if (raw != state_->dropped.get()) state_->delivering.push_back(std::move(completion));
  return raw;
}

void Queue::delivered(Completion *completion) {
  if (forked()) return;
  std::shared_ptr<Completion> done;  // ends after the lock: its destructor is the engine's business
  const std::lock_guard<std::mutex> lock(state_->mutex);
  done = state_->delivering.remove(completion);
}

Outcome Queue::run() {
  Refusal refusal = enter(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  if (refusal != Refusal::kNone) return refusal_error(refusal);
  bool stopped = false;
  mark_running();
  while (refusal == Refusal::kNone && !stopped) {
    deliver_waiting(0);
    refusal = wait_for_run(&stopped);
  }
  leave();
  if (refusal != Refusal::kNone) return refusal_error(refusal);
  return {};
}

void Queue::mark_running() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->running = true;
}

Queue::Refusal Queue::wait_for_run(bool *stopped) {
  if (forked()) return Refusal::kForked;
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->closed || state_->stop_run || !state_->empty(); });
  if (state_->closed) return Refusal::kClosed;
  *stopped = std::exchange(state_->stop_run, false);
  return Refusal::kNone;
}

Result<std::size_t> Queue::read(void *buf, std::size_t cap, std::size_t *used) {
  *used = 0;
  const Refusal refusal = enter(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  if (refusal != Refusal::kNone) return refusal_error(refusal);
  struct Leave {
    Queue &queue;
    ~Leave() { queue.leave(); }
  } const leave_at_end{*this};
  return fill(static_cast<unsigned char *>(buf), cap, used);
}

Result<std::size_t> Queue::fill(unsigned char *buf, std::size_t cap, std::size_t *used) {
  const std::size_t waiting = begin_round(0);
  std::size_t count = 0;
  for (; count < waiting; ++count) {
    const std::shared_ptr<Completion> next = next_to_read();
    if (next == nullptr) break;
    try {
      render(*next);
    } catch (...) {  // no memory: what is in the buffer has been read, and the rest is there the next time
      if (count == 0) throw;
      break;
    }
    const std::size_t needed = framed_len(state_->rendered.size());
    if (needed > cap - *used) {
      if (count > 0) break;
      *used = needed;
      return make_error(Status::kInvalid, "queue.buffer_too_small", "the buffer is too small for the next message");
    }
    write_message(buf + *used, *next, state_->rendered);
    *used += needed;
    next->was_read();
    was_read(*next);
  }
  return count;
}

std::shared_ptr<Completion> Queue::next_to_read() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->taken.empty()) state_->taken.take_all(state_->pending);
  const std::shared_ptr<Completion> &next = state_->taken.front();
  if (next != nullptr && state_->rendered_for != next.get()) state_->prepare(*next);
  return next;
}

// Outside the lock: rendering a large result takes time, and producers must not wait for it.
void Queue::render(const Completion &completion) {
  if (state_->rendered_for == &completion) return;
  state_->rendered_for = nullptr;
  state_->rendered.clear();
  completion.append_data(state_->rendered);
  if (state_->rendered.size() > kMostData) state_->rendered = "{\"code\":\"queue.message_too_large\"}";
  state_->rendered_for = &completion;
}

void Queue::was_read(const Completion &completion) {
  state_->rendered_for = nullptr;
  if (state_->rendered.capacity() > kKeepRendered) std::string().swap(state_->rendered);
  const std::lock_guard<std::mutex> lock(state_->mutex);
  if (state_->taken.front().get() != &completion) return;  // closed meanwhile
  state_->taken.pop_front();
  state_->give_back(completion);
  state_->finish(completion);
}

}  // namespace cala::runtime
