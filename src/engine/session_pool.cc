#include "engine/session_pool.h"

namespace cala::engine {

namespace {

constexpr std::size_t kReadersBesideOneWriter = 4;

}  // namespace

base::Error cancelled_error() {
  return base::make_error(base::Status::kCancelled, "op.cancelled", "the operation was cancelled; nothing was written");
}

SessionPool::SessionPool(store::Store &store, std::size_t max) : store_(store), shared_(store.max_writers() > 1) {
  writers_.max = shared_ ? max : 1;
  readers_.max = shared_ ? 0 : kReadersBesideOneWriter;
}

SessionPool::Shelf &SessionPool::shelf(store::Access access) {
  return shared_ || access == store::Access::kWrite ? writers_ : readers_;
}

std::size_t SessionPool::max_of(store::Access access) const {
  return shared_ || access == store::Access::kWrite ? writers_.max : readers_.max;
}

base::Error SessionPool::refusal(bool stopped) const {
  if (closed_ || refuses_waiting_) {
    return base::make_error(base::Status::kClosed, "ledger.closed", "the ledger has been closed");
  }
  if (stopped) return cancelled_error();
  base::Error error = base::make_error(base::Status::kBusy, "store.busy",
                                       "no connection came free; open transactions are holding all of them");
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

base::Result<SessionPool::Lease> SessionPool::acquire(store::Access access, const std::atomic<bool> *stop,
                                                      std::chrono::milliseconds wait) {
  std::unique_lock<std::mutex> lock(mutex_);
  Shelf &from = shelf(access);
  const auto stopped = [&] { return stop != nullptr && stop->load(std::memory_order_acquire); };
  const auto available = [&] { return !closed_ && (!from.idle.empty() || from.made < from.max); };
  freed_.wait_for(lock, wait, [&] { return available() || closed_ || refuses_waiting_ || stopped(); });
  if (!available()) return refusal(stopped());
  if (!from.idle.empty()) {
    std::unique_ptr<store::Session> session = std::move(from.idle.back());
    from.idle.pop_back();
    return Lease(this, access, std::move(session));
  }
  from.made += 1;
  lock.unlock();
  Place place(*this, from);
  base::Result<std::unique_ptr<store::Session>> session = store_.connect(access);
  if (!session) return std::move(session.error());
  place.keep();
  return Lease(this, access, session.take());
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
