// Telemetry: what an open ledger counts and times while it works. engine/metrics.cc shows it.
//
// Thread rule: every method from every thread. What counts takes no lock and allocates nothing; numbers that belong
// together may be seen a moment apart.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "engine/log.h"
#include "store/port.h"

namespace cala::engine {

// How many of the values were how large: each counts at the first bound that is not below it, or behind the last one.
class Histogram {
 public:
  static constexpr std::size_t kMostBounds = 18;

  explicit Histogram(const std::int64_t *bounds, std::size_t count) : bounds_(bounds), count_(count) {}

  void add(std::int64_t value) noexcept {
    const std::int64_t *at = std::lower_bound(bounds_, bounds_ + count_, value);
    counts_[static_cast<std::size_t>(at - bounds_)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  std::size_t bounds() const { return count_; }
  std::int64_t bound(std::size_t i) const { return bounds_[i]; }
  std::int64_t count(std::size_t i) const {
    return counts_[i].load(std::memory_order_relaxed);
  }  // i == bounds(): above
  std::int64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::int64_t *bounds_;
  std::size_t count_;
  std::array<std::atomic<std::int64_t>, kMostBounds + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};
};

inline constexpr std::array<std::int64_t, 18> kMicroseconds = {
    50,     100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,
    50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000};
inline constexpr std::array<std::int64_t, 13> kSizes = {1,   2,   5,     10,    20,    50,    100,
                                                        200, 500, 1'000, 2'000, 5'000, 10'000};

class Times : public Histogram {
 public:
  Times() : Histogram(kMicroseconds.data(), kMicroseconds.size()) {}
  void add(std::chrono::steady_clock::duration took) noexcept {
    Histogram::add(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  }
};

class Counter {
 public:
  void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  std::int64_t value() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> count_{0};
};

// One T for each name, made when a name first comes. Names that are too long, or too many, share one.
template <typename T, std::size_t kMost>
class ByName {
 public:
  T &of(std::string_view name) noexcept {
    if (name.empty() || name.size() > kLongest) return others_;
    std::size_t at = hash(name) % kMost;
    for (std::size_t tried = 0; tried < kMost; ++tried, at = (at + 1) % kMost) {
      Slot &slot = slots_[at];
      State state = slot.state.load(std::memory_order_acquire);
      if (state == State::kFree && slot.state.compare_exchange_strong(state, State::kBeingNamed)) {
        std::copy(name.begin(), name.end(), slot.name.begin());
        slot.length = name.size();
        slot.state.store(State::kNamed, std::memory_order_release);
        return slot.value;
      }
      // Somebody is at it: a copy of some bytes, unless that thread is not running just now.
      for (int i = 0; i < kPatience && state != State::kNamed; ++i) state = slot.state.load(std::memory_order_acquire);
      if (state != State::kNamed) return others_;
      if (slot.text() == name) return slot.value;
    }
    return others_;
  }

  // fn(name, T) of each; the one that is shared is called "other".
  template <typename Fn>
  void each(Fn fn) const {
    for (const Slot &slot : slots_) {
      if (slot.state.load(std::memory_order_acquire) == State::kNamed) fn(slot.text(), slot.value);
    }
    fn(std::string_view("other"), others_);
  }

 private:
  static constexpr std::size_t kLongest = 40;
  static constexpr int kPatience = 1000;
  enum class State : std::uint8_t { kFree, kBeingNamed, kNamed };
  struct Slot {
    std::string_view text() const { return {name.data(), length}; }

    std::atomic<State> state{State::kFree};
    std::array<char, kLongest> name{};
    std::size_t length = 0;
    T value;
  };

  static std::size_t hash(std::string_view name) noexcept {
    std::size_t out = 2166136261U;
    for (const char c : name) out = (out ^ static_cast<unsigned char>(c)) * 16777619U;
    return out;
  }

  std::array<Slot, kMost> slots_;
  T others_;
};

enum class Retry : std::uint8_t { kLostRace, kLostConnection, kLostCommit, kStoreAway };
inline constexpr std::array<std::string_view, 4> kRetryNames = {"lost_race", "lost_connection", "lost_commit",
                                                                "store_away"};

// Places of sessions in a pool.
struct PoolSizes {
  std::size_t max = 0;
  std::size_t open = 0;
  std::size_t idle = 0;
};

class Telemetry {
 public:
  using Clock = std::chrono::steady_clock;

  void answered(std::string_view operation, Clock::duration took, const base::Error *failure) noexcept {
    operations_.of(operation).add(took);
    if (failure != nullptr) refusals_.of(failure->code).add();
  }
  void waited_for_thread(Clock::duration took, Course &course) noexcept {
    thread_waits_.add(took);
    if (log_->listens()) course.line += took;
  }
  void waited_for_session(Clock::duration took, Course &course) noexcept {
    session_waits_.add(took);
    if (log_->listens()) course.session += took;
  }
  // course: of the operation that asked.
  void ran(const store::Request &request, Clock::duration took, Course &course) noexcept;
  void retried(Retry why) noexcept { retries_[static_cast<std::size_t>(why)].add(); }
  void grouped(std::size_t postings) noexcept { groups_.add(static_cast<std::int64_t>(postings)); }
  void looked_up(bool tx_template_found) noexcept { (tx_template_found ? cache_hits_ : cache_misses_).add(); }
  void rolled_up(std::int64_t behind) noexcept { rollup_behind_.store(behind, std::memory_order_relaxed); }
  void listened(std::int64_t behind) noexcept { listeners_behind_.store(behind, std::memory_order_relaxed); }

  const ByName<Times, 128> &operations() const { return operations_; }
  const ByName<Counter, 256> &refusals() const { return refusals_; }
  const Times &thread_waits() const { return thread_waits_; }
  const Times &session_waits() const { return session_waits_; }
  const Times &statement(std::size_t which) const { return statements_[which]; }  // the last: of the program's own
  const Counter &retries(std::size_t why) const { return retries_[why]; }
  const Histogram &groups() const { return groups_; }
  std::int64_t cache_hits() const { return cache_hits_.value(); }
  std::int64_t cache_misses() const { return cache_misses_.value(); }
  std::int64_t rollup_behind() const { return rollup_behind_.load(std::memory_order_relaxed); }
  std::int64_t listeners_behind() const { return listeners_behind_.load(std::memory_order_relaxed); }

  // What others know when they are asked. Set before the first operation.
  struct Watched {
    std::function<std::int64_t()> in_flight;
    std::function<std::int64_t()> listeners;
    std::function<PoolSizes(store::Access)> pool;
  };
  void watch(Watched watched) { watched_ = std::move(watched); }
  const Watched &watched() const { return watched_; }

  Log &log() { return *log_; }
  const Log &log() const { return *log_; }
  const std::shared_ptr<Log> &shared_log() const { return log_; }

 private:
  ByName<Times, 128> operations_;
  ByName<Counter, 256> refusals_;
  Times thread_waits_;
  Times session_waits_;
  std::array<Times, store::kStatementCount + 1> statements_;
  std::array<Counter, kRetryNames.size()> retries_;
  Histogram groups_{kSizes.data(), kSizes.size()};
  Counter cache_hits_;
  Counter cache_misses_;
  std::atomic<std::int64_t> rollup_behind_{0};
  std::atomic<std::int64_t> listeners_behind_{0};
  Watched watched_;
  const std::shared_ptr<Log> log_ = std::make_shared<Log>();
};

}  // namespace cala::engine
