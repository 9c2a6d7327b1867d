// ledger_health: how a ledger is, as an answer. On a store of ours the examination is made by one thread while another
// waits for it, so that a store which is silent is told of in time;
// whatever the store says then goes into the answer, too.
//
// Thread rule: an Examination is shared by the two; everything else belongs to one thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "engine/operation.h"
#include "engine/runner.h"
#include "engine/session_pool.h"
#include "store/port.h"

namespace cala::engine {

// What an examination finds beside what its requests are answered.
struct Surroundings {
  store::DiskUse disk;
  base::Outcome in_place;                            // whether what is open is what its name says
  std::function<base::Outcome()> try_to_write = {};  // where a store has one writer; asked when all has been read
};

// Where who examines leaves what was found for who waits.
class Examination {
 public:
  using Clock = std::chrono::steady_clock;

  Examination() { cancel_.attach(&writing_); }

  CancelToken &cancel() { return cancel_; }
  // Of the try to write alone: cancelled at half the time, so that a busy writer does not keep back what was read.
  CancelToken &writing() { return writing_; }
  void end(base::Result<Render> found);
  // The answer, or that of a silent store; then whoever examines is cancelled, and finds in vain.
  base::Result<Render> await(Clock::time_point deadline, std::chrono::milliseconds patience);
  bool in_vain() const;

 private:
  CancelToken writing_;
  CancelToken cancel_;
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<base::Result<Render>> found_;
  bool given_up_ = false;
};

// Examines our own store. ready: why its schema could not be made ready, if it could not. Blocks, for as long as the
// store lets it; gives kCancelled or a Render. deadline: for waiting for a session.
base::Result<Render> examine(Operation &operation, Ledger &ledger, store::Store &store, SessionPool &pool,
                             Examination &examination, Examination::Clock::time_point deadline, base::Outcome ready);

}  // namespace cala::engine
