// cala_queue_*: completion queues.
#include <utility>

#include "api/handles.h"

using namespace cala;

namespace {

// The result of fn as a count, or a cala_status negated.
template <typename Fn>
int32_t counted(const cala_queue *queue, Fn fn) noexcept {
  try {
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) {
      return -api::status_of(valid.error().status);
    }
    base::Result<int> count = fn(*queue->state);
    return count ? *count : -api::status_of(count.error().status);
  } catch (...) {
    return -CALA_INTERNAL;
  }
}

template <typename Fn>
cala_status with_queue(const cala_queue *queue, Fn fn) noexcept {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    return fn(*queue->state);
  });
}

}  // namespace

extern "C" {

cala_status cala_queue_new(cala_queue **out, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return live::misuse("out must not be NULL");
    *out = nullptr;
    base::Result<std::shared_ptr<runtime::Queue>> queue = runtime::Queue::create();
    if (!queue) return std::move(queue.error());
    live::LogEars *ears = nullptr;
    live::LogEars::give(**queue, &ears);
    *out = api::QueueSlots::make(queue.take());
    (*out)->ears = ears;
    return {};
  });
}

int32_t cala_queue_fd(cala_queue *queue) {
  return counted(queue, [](runtime::Queue &state) { return state.descriptor(); });
}

cala_status cala_queue_read(cala_queue *queue, void *buffer, size_t capacity, size_t *out_used) {
  return with_queue(queue, [&](runtime::Queue &state) -> base::Outcome {
    if (out_used == nullptr) return live::misuse("out_used must not be NULL");
    *out_used = 0;
    if (buffer == nullptr && capacity > 0) return live::misuse("buffer is NULL but its capacity is not 0");
    base::Result<std::size_t> count = state.read(buffer, capacity, out_used);
    if (!count) return std::move(count.error());
    return {};
  });
}

int32_t cala_queue_drain(cala_queue *queue, int32_t max) {
  if (max < 0) return -CALA_MISUSE;
  // Nothing with a destructor may be alive here: a callback may leave by longjmp.
  return counted(queue, [max](runtime::Queue &state) { return state.drain(static_cast<std::uint32_t>(max)); });
}

cala_status cala_queue_run(cala_queue *queue) {
  return with_queue(queue, [](runtime::Queue &state) { return state.run(); });
}

cala_status cala_queue_wait(cala_queue *queue, int32_t timeout_ms) {
  return with_queue(queue, [timeout_ms](runtime::Queue &state) -> base::Outcome {
    base::Result<bool> waiting = state.wait(timeout_ms);
    if (!waiting) return std::move(waiting.error());
    if (*waiting) return {};
    return base::make_error(base::Status::kTimeout, "queue.timeout", "nothing came in time");
  });
}

cala_status cala_queue_wake(cala_queue *queue) {
  return with_queue(queue, [](runtime::Queue &state) -> base::Outcome {
    state.wake();
    return {};
  });
}

cala_status cala_queue_stop(cala_queue *queue) {
  return with_queue(queue, [](runtime::Queue &state) -> base::Outcome {
    state.stop();
    return {};
  });
}

void cala_queue_free(cala_queue *queue) {
  if (!api::QueueSlots::valid(queue)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    if (!runtime::forked_since(queue->generation)) queue->state->close();
    api::QueueSlots::free(queue);
    return {};
  });
}

}  // extern "C"
