// What changes as a ledger grows: rates, memory, size, and how long questions take.
#pragma once

#include <functional>
#include <optional>

#include "books.h"

namespace cala::bench {

// Fills the books up to so many postings, and at a tenth, at half and at the end prints a row of a table. store_bytes
// says how large the store is by then.
void grow(const Books &books, LedgerWork &work, int postings,
          const std::function<std::optional<double>()> &store_bytes);

}  // namespace cala::bench
