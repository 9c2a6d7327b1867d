#include "store/postgres/canceller.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "platform/thread.h"

namespace cala::store::postgres {

namespace {

constexpr auto kLongestRequest = std::chrono::seconds(2);  // beyond the end of the statement
constexpr auto kLongestAnswer = std::chrono::seconds(5);   // of the server, from the moment of asking
constexpr auto kAgain = std::chrono::milliseconds(200);
constexpr int kMostThreads = 64;  // that wait for servers which do not answer
constexpr std::size_t kStackBytes = 1U << 18;

constinit std::atomic<int> threads{0};

bool start_thread(void *(*body)(void *), void *argument) {
  platform::Thread thread;
  return platform::start_quiet_thread(platform::ThreadKind::kDetached, kStackBytes, body, argument, thread) == 0;
}

}  // namespace

struct Canceller::State {
  ~State() {
    if (handle != nullptr) free(handle);
  }

  decltype(&::PQcancel) send = nullptr;
  decltype(&::PQfreeCancel) free = nullptr;
  PGcancel *handle = nullptr;
  std::mutex mutex;
  std::condition_variable sent;
  std::condition_variable ended;
  bool wanted = false;     // to cancel something
  bool running = false;    // a statement
  bool asked = false;      // to cancel it
  bool under_way = false;  // the requests
  std::chrono::steady_clock::time_point asked_at;
};

Canceller::Canceller(decltype(&::PQcancel) send, decltype(&::PQfreeCancel) free_handle, PGcancel *handle) {
  std::unique_ptr<PGcancel, decltype(free_handle)> owned(handle, free_handle);  // there may be no memory for the state
  state_ = std::make_shared<State>();
  state_->send = send;
  state_->free = free_handle;
  state_->handle = owned.release();
}

Canceller::~Canceller() = default;

void Canceller::begin() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->running = true;
  state_->asked = false;
  if (state_->wanted) ask();
}

bool Canceller::end() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->running = false;
  state_->ended.notify_all();
  return state_->sent.wait_for(lock, kLongestRequest, [this] { return !state_->under_way; });
}

void Canceller::cancel() noexcept {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->wanted = true;
  if (state_->running) ask();
}

void Canceller::forget() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->wanted = false;
}

// With the lock, while a statement runs.
void Canceller::ask() noexcept {
  if (state_->asked || state_->under_way || state_->handle == nullptr) return;
  auto *shared = new (std::nothrow) std::shared_ptr<State>(state_);
  if (shared == nullptr) return;
  state_->under_way = threads.fetch_add(1) < kMostThreads && start_thread(send_requests, shared);
  if (!state_->under_way) {
    threads.fetch_sub(1);
    delete shared;
    return;
  }
  state_->asked = true;
  state_->asked_at = std::chrono::steady_clock::now();
}

bool Canceller::overdue() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->asked && std::chrono::steady_clock::now() - state_->asked_at > kLongestAnswer;
}

void *Canceller::send_requests(void *state) {
  auto *const given = static_cast<std::shared_ptr<State> *>(state);
  const std::shared_ptr<State> shared = std::move(*given);
  delete given;
  char message[256];
  std::unique_lock<std::mutex> lock(shared->mutex, std::defer_lock);
  const std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now() + kLongestAnswer;
  do {
    if (lock) lock.unlock();
    shared->send(shared->handle, message, sizeof message);
    lock.lock();
  } while (!shared->ended.wait_for(lock, kAgain, [&] { return !shared->running; }) &&
           std::chrono::steady_clock::now() < last);
  threads.fetch_sub(1);
  shared->under_way = false;
  shared->sent.notify_all();
  return nullptr;
}

}  // namespace cala::store::postgres
