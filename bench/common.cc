#include "common.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace cala::bench {

void fail(const std::string &what) {
  std::fprintf(stderr, "ledger_bench: %s\n", what.c_str());
  std::exit(1);
}

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::pair<int, int> pair_of(unsigned number, int accounts) {
  if (accounts <= kHotAccounts) return {0, 1};
  const unsigned count = static_cast<unsigned>(accounts);
  const unsigned sender = number * 2654435761U % count;
  const unsigned step = 1 + number * 40503U % (count - 1);
  return {static_cast<int>(sender), static_cast<int>((sender + step) % count)};
}

Measured run_callers(int callers, int operations, const std::function<void(int, int)> &operation) {
  std::vector<std::vector<double>> times(static_cast<std::size_t>(callers));
  std::atomic<int> next{0};
  const auto call = [&](int caller) {
    for (int i = next.fetch_add(1); i < operations; i = next.fetch_add(1)) {
      const Clock::time_point begin = Clock::now();
      operation(caller, i);
      times[static_cast<std::size_t>(caller)].push_back(seconds_since(begin) * 1000);
    }
  };
  Measured measured;
  const Clock::time_point begin = Clock::now();
  if (callers == 1) {
    call(0);
  } else {
    std::vector<std::thread> threads;
    for (int caller = 0; caller < callers; ++caller) threads.emplace_back(call, caller);
    for (std::thread &thread : threads) thread.join();
  }
  measured.seconds = seconds_since(begin);
  for (const auto &own : times) measured.milliseconds.insert(measured.milliseconds.end(), own.begin(), own.end());
  return measured;
}

}  // namespace cala::bench
