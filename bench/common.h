// What the parts of ledger_bench share.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "usage.h"

namespace cala::bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string &what);
double seconds_since(Clock::time_point begin);
double percentile(std::vector<double> values, double share);

constexpr int kHotAccounts = 2;
constexpr int kMaxBatch = 10000;

// The two accounts of the posting with this number: the hot pair, or two that jump about.
std::pair<int, int> pair_of(unsigned number, int accounts);

// What one round took.
struct Measured {
  double seconds = 0;
  std::vector<double> milliseconds;  // of each operation
  Usage usage;
  int postings = 0;
};

// Something that makes postings. Rounds follow each other and go on where the last one ended.
class Work {
 public:
  Work() = default;
  virtual ~Work() = default;
  Work(const Work &) = delete;
  Work &operator=(const Work &) = delete;
  // So many callers, each with one operation after the other; an operation is a batch of postings. Fills all but usage.
  virtual Measured round(int callers, int batch, int postings) = 0;
};

// The operations of a round, shared among threads of which each runs one after the other.
Measured run_callers(int callers, int operations, const std::function<void(int caller, int operation)> &operation);

}  // namespace cala::bench
