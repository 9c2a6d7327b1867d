// Open-loop load: operations start at fixed times, whoever is late.
#pragma once

#include "books.h"

namespace cala::bench {

struct Load {
  double offered = 0;  // operations a second that were to start
  double seconds = 0;  // from the first start to the last answer
  int started = 0;
  int answered = 0;
  int refused = 0;  // CALA_BUSY: the queue was full
  int failed = 0;
  double p50_ms = 0;  // from the time an operation was to start until its answer came
  double p99_ms = 0;
  double max_ms = 0;
  double late_ms = 0;  // how late the generator itself was at the most
};

// Postings with the numbers from first on, rate of them a second for so long.
Load open_load(const Books &books, unsigned first, double rate, double seconds);

}  // namespace cala::bench
