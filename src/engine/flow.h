// Flow: the body of an operation as a coroutine. It asks the store by `co_await ask(request)`, which suspends it until
// whoever drives it (a session of ours, or the program by step / feed) hands in the answer, and ends by returning a
// Render or an Error.
//
// Rule for bodies: awaitables come from plain calls of ask() on a statement of their own, never inside ?:, && or ||,
// and never with braces inside the co_await expression (g++ 12 miscompiles both). Parameters are taken by value, so
// that the frame owns them. One thread at a time.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "store/port.h"

namespace cala::engine {

// Writes the answer's document when somebody asks for it. Called at most once, on any thread.
using Render = std::function<void(base::JsonWriter &)>;

// An awaitable that may ask once more before the body goes on: told when an answer is there, false when that was all.
class Relay {
 public:
  virtual bool asks_again() = 0;

 protected:
  ~Relay() = default;
};

class Flow {
 public:
  struct promise_type {
    const store::Request *pending = nullptr;
    Relay *relay = nullptr;
    std::optional<base::Result<store::Answer>> fed;
    std::optional<base::Result<Render>> outcome;
    std::exception_ptr thrown;

    Flow get_return_object() { return Flow(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(base::Result<Render> value) { outcome.emplace(std::move(value)); }
    // Only allocation throws; it is handed on to whoever drives the flow, and from there to the API's guard.
    void unhandled_exception() { thrown = std::current_exception(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit Flow(Handle handle) : handle_(handle) {}
  Flow(Flow &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Flow &operator=(Flow &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Flow(const Flow &) = delete;
  Flow &operator=(const Flow &) = delete;
  ~Flow() {
    if (handle_) handle_.destroy();
  }

  // Runs to the next request, or to the end.
  void resume() {
    promise().pending = nullptr;
    promise().relay = nullptr;
    handle_.resume();
    if (promise().thrown) std::rethrow_exception(std::exchange(promise().thrown, nullptr));
  }
  void feed(base::Result<store::Answer> answer) {
    promise().fed.emplace(std::move(answer));
    if (promise().relay != nullptr && promise().relay->asks_again()) return;
    resume();
  }
  bool done() const { return handle_.done(); }
  const store::Request *pending() const { return handle_.promise().pending; }
  base::Result<Render> take_outcome() { return std::move(*promise().outcome); }

 private:
  promise_type &promise() { return handle_.promise(); }
  Handle handle_;
};

// The awaitable of ask(): hands the request to the driver and brings back its answer.
class Ask {
 public:
  explicit Ask(store::Request request) : request_(std::move(request)) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(Flow::Handle handle) noexcept {
    handle_ = handle;
    handle.promise().pending = &request_;
  }
  base::Result<store::Answer> await_resume() { return std::move(*handle_.promise().fed); }

 private:
  store::Request request_;
  Flow::Handle handle_;
};

inline Ask ask(store::Request request) { return Ask(std::move(request)); }

// The awaitable of pass_on(): hands to the driver what another flow asks, and feeds that one with the answer.
class PassOn {
 public:
  explicit PassOn(Flow &inner) : inner_(inner) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(Flow::Handle handle) noexcept {
    handle_ = handle;
    handle.promise().pending = inner_.pending();
  }
  void await_resume() { inner_.feed(std::move(*handle_.promise().fed)); }

 private:
  Flow &inner_;
  Flow::Handle handle_;
};

// Of a flow that was resumed once and is not done.
inline PassOn pass_on(Flow &inner) { return PassOn(inner); }

}  // namespace cala::engine
