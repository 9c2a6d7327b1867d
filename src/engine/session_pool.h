// SessionPool: the connections of one store, lent out one at a time. Made when first needed, kept while healthy, and
// all idle ones thrown away when one was found dead. Thread-safe; the pool outlives its leases.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/telemetry.h"
#include "store/port.h"

namespace cala::engine {

base::Error cancelled_error();

class SessionPool {
 public:
  // A borrowed session; goes back when the lease ends, or away when it is no longer healthy or still in a
  // transaction (Session::healthy).
  class Lease {
   public:
    Lease() = default;
    Lease(SessionPool *pool, store::Access access, std::unique_ptr<store::Session> session)
        : pool_(pool), access_(access), session_(std::move(session)) {}
    Lease(Lease &&other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)),
          access_(other.access_),
          session_(std::move(other.session_)),
          spent_(other.spent_) {}
    Lease &operator=(Lease &&other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(access_, other.access_);
      std::swap(session_, other.session_);
      std::swap(spent_, other.spent_);
      return *this;
    }
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    ~Lease() { give_back(); }

    store::Session &operator*() const { return *session_; }
    store::Session *operator->() const { return session_.get(); }
    explicit operator bool() const { return session_ != nullptr; }
    void give_back();
    // Closed when the lease ends: what was done on the session may outlive its transaction.
    void spend() { spent_ = true; }

   private:
    SessionPool *pool_ = nullptr;
    store::Access access_ = store::Access::kRead;
    std::unique_ptr<store::Session> session_;
    bool spent_ = false;
  };

  // max: sessions of a store with many writers. A store with one writer gets that one, and four readers beside it.
  SessionPool(store::Store &store, std::size_t max, std::chrono::milliseconds timeout);

  // Waits for a free session: kBusy "store.pool_timeout", or "store.busy" where there is one writer, when none came
  // free in time, kCancelled when `stop` was set and wake() called, kClosed after refuse_waiting() or close(), or what
  // connecting failed with. A store that gives no further session, while we have others, is asked again now and then
  // until one of those comes free. deadline: an earlier end of waiting.
  base::Result<Lease> acquire(
      store::Access access, const std::atomic<bool> *stop = nullptr,
      std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max());
  // Waits; false when there is no use in waiting any longer: `stop` was set and wake() called,
  // or the pool refuses waiting.
  bool pause(std::chrono::milliseconds how_long, const std::atomic<bool> *stop);
  void wake();
  // From now on only a session that is free at once is lent out.
  void refuse_waiting();
  // Closes idle sessions; those lent out are closed when they come back.
  void close();

  std::size_t max_of(store::Access access) const;
  PoolSizes sizes(store::Access access);  // of readers, where they are others than the writers

 private:
  // One for reading and writing where the store has many writers, else one for each.
  struct Shelf {
    std::size_t max = 0;
    std::size_t made = 0;
    std::vector<std::unique_ptr<store::Session>> idle;
  };

  class Place;

  Shelf &shelf(store::Access access);
  static bool put(Shelf &to, std::unique_ptr<store::Session> &session) noexcept;
  base::Error refusal(bool stopped, std::chrono::steady_clock::duration waited) const;
  base::Result<Lease> make(store::Access access, Shelf &shelf);
  void take_back(store::Access access, std::unique_ptr<store::Session> session, bool spent) noexcept;

  store::Store &store_;
  const bool shared_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable freed_;
  Shelf writers_;
  Shelf readers_;
  bool refuses_waiting_ = false;
  bool closed_ = false;
};

}  // namespace cala::engine
