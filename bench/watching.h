// What it costs to be told: events by listeners and by pages, and telemetry.
#pragma once

#include "books.h"

namespace cala::bench {

// How fast the events that are there are read, in pages and by a listener that is all of them behind, and how fast one
// listener hears what is being posted.
void hear_events(const Books &books, LedgerWork &work, int preloaded, int postings, int rounds);

// Short slices of postings by turns with nobody watching and with more and more of it: the metrics
// scraped once a second, a log that is read, a traceparent on each operation.
void watch(Books &books, LedgerWork &work, const Meter &meter, int callers, int batch, int rounds);

}  // namespace cala::bench
