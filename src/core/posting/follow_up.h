// A follow-up: a transaction that is made of an earlier one's entries, as a void is, and what captures or releases a
// hold. Pure.
#pragma once

#include <string_view>

#include "base/time.h"
#include "base/uuid.h"
#include "core/posting/transaction.h"

namespace cala::core {

// In the same journal, by the same tx template, under the same correlation id; without an external id, which stays the
// earlier one's, and as yet without entries.
PostedTransaction follow_up(const PostedTransaction &earlier, const base::Uuid &id, base::Date effective);

// Adds one of the earlier entries with other units, and the suffix after its type.
void add_from(PostedTransaction &out, Entry earlier, std::string_view suffix, const Decimal &units);

}  // namespace cala::core
