#include "engine/session_pool.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace cala::engine {

namespace {

constexpr std::size_t kReadersBesideOneWriter = 4;
constexpr std::string_view kTooMany = "store.too_many_connections";
constexpr auto kPause = std::chrono::milliseconds(500);  // before a store is asked again for one more than it gave

}  // namespace

base::Error cancelled_error() {
  return base::make_error(base::Status::kCancelled, "op.cancelled", "the operation was cancelled; nothing was written");
}

SessionPool::SessionPool(store::Store &store, std::size_t max, std::chrono::milliseconds timeout)
    : store_(store), shared_(store.max_writers() > 1), timeout_(timeout) {
  writers_.max = shared_ ? max : 1;
  readers_.max = shared_ ? 0 : kReadersBesideOneWriter;
}

SessionPool::Shelf &SessionPool::shelf(store::Access access) {
  return shared_ || access == store::Access::kWrite ? writers_ : readers_;
}

std::size_t SessionPool::max_of(store::Access access) const {
  return shared_ || access == store::Access::kWrite ? writers_.max : readers_.max;
}

PoolSizes SessionPool::sizes(store::Access access) {
  if (shared_ && access == store::Access::kRead) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  const Shelf &of = shelf(access);
  return {of.max, of.made, of.idle.size()};
}

base::Error SessionPool::refusal(bool stopped, std::chrono::steady_clock::duration waited) const {
  if (closed_ || refuses_waiting_) {
    return base::make_error(base::Status::kClosed, "ledger.closed", "the ledger has been closed");
  }
  if (stopped) return cancelled_error();
  const std::string time = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(waited).count());
  base::Error error =
      shared_
          ? base::make_error(base::Status::kBusy, "store.pool_timeout",
                             "no connection came free in " + time + " ms; open transactions are holding all of them")
          : base::make_error(base::Status::kBusy, "store.busy",
                             "the one writer did not come free in " + time + " ms; an open transaction is holding it");
  error.retryable = true;
  return error;
}

// The place of a session that is being made; free again unless it was made, also when something throws.
class SessionPool::Place {
 public:
  Place(SessionPool &pool, Shelf &shelf) : pool_(pool), shelf_(&shelf) {}
  ~Place() {
    if (shelf_ == nullptr) return;
    const std::lock_guard<std::mutex> lock(pool_.mutex_);
    shelf_->made -= 1;
    pool_.freed_.notify_all();
  }
  Place(const Place &) = delete;
  Place &operator=(const Place &) = delete;
  void keep() { shelf_ = nullptr; }

 private:
  SessionPool &pool_;
  Shelf *shelf_;
};

// Without the lock; the place in `shelf` is counted already.
base::Result<SessionPool::Lease> SessionPool::make(store::Access access, Shelf &from) {
  Place place(*this, from);
  base::Result<std::unique_ptr<store::Session>> session = store_.connect(access);
  if (!session) return std::move(session.error());
  place.keep();
  return Lease(this, access, session.take());
}

base::Result<SessionPool::Lease> SessionPool::acquire(store::Access access, const std::atomic<bool> *stop,
                                                      std::chrono::steady_clock::time_point deadline) {
  using Steady = std::chrono::steady_clock;
  const Steady::time_point start = Steady::now();
  const Steady::time_point end = std::min(start + timeout_, deadline);
  Steady::time_point next_try = Steady::time_point::min();  // to make one
  std::unique_lock<std::mutex> lock(mutex_);
  Shelf &from = shelf(access);
  const auto stopped = [&] { return stop != nullptr && stop->load(std::memory_order_acquire); };
  const auto ends = [&] { return closed_ || refuses_waiting_ || stopped(); };
  while (true) {
    const auto available = [&] {
      return !closed_ && (!from.idle.empty() || (from.made < from.max && Steady::now() >= next_try));
    };
    const Steady::time_point until = next_try > Steady::now() ? std::min(next_try, end) : end;
    freed_.wait_until(lock, until, [&] { return available() || ends(); });
    if (!available() && (ends() || Steady::now() >= end)) return refusal(stopped(), Steady::now() - start);
    if (!available()) continue;
    if (!from.idle.empty()) {
      std::unique_ptr<store::Session> session = std::move(from.idle.back());
      from.idle.pop_back();
      return Lease(this, access, std::move(session));
    }
    from.made += 1;
    lock.unlock();
    base::Result<Lease> made = make(access, from);
    if (made || made.error().code != kTooMany) return made;
    lock.lock();
    if (from.made == 0) return made;  // none of ours that could come free
    next_try = Steady::now() + kPause;
  }
}

// False when there is no memory for it: a lease ends also where something threw.
bool SessionPool::put(Shelf &to, std::unique_ptr<store::Session> &session) noexcept {
  try {
    to.idle.push_back(std::move(session));
    return true;
  } catch (...) {
    return false;
  }
}

void SessionPool::take_back(store::Access access, std::unique_ptr<store::Session> session, bool spent) noexcept {
  std::vector<std::unique_ptr<store::Session>> dead;  // closed after the lock is released, and so is `session`
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Shelf &to = shelf(access);
    if (spent) {
      to.made -= 1;
    } else if (closed_ || !session->healthy() || !put(to, session)) {
      dead.swap(to.idle);
      to.made -= dead.size() + 1;
    }
    // Readers and writers wait on the same condition, each for its own shelf.
    freed_.notify_all();
  }
}

bool SessionPool::pause(std::chrono::milliseconds how_long, const std::atomic<bool> *stop) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !freed_.wait_for(lock, how_long, [&] {
    return closed_ || refuses_waiting_ || (stop != nullptr && stop->load(std::memory_order_acquire));
  });
}

void SessionPool::wake() {
  const std::lock_guard<std::mutex> lock(mutex_);
  freed_.notify_all();
}

void SessionPool::refuse_waiting() {
  const std::lock_guard<std::mutex> lock(mutex_);
  refuses_waiting_ = true;
  freed_.notify_all();
}

void SessionPool::close() {
  std::vector<std::unique_ptr<store::Session>> writers;  // closed after the lock is released
  std::vector<std::unique_ptr<store::Session>> readers;
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  writers_.made -= writers_.idle.size();
  readers_.made -= readers_.idle.size();
  writers.swap(writers_.idle);
  readers.swap(readers_.idle);
  freed_.notify_all();
}

void SessionPool::Lease::give_back() {
  if (session_) pool_->take_back(access_, std::move(session_), spent_);
  pool_ = nullptr;
}

}  // namespace cala::engine
