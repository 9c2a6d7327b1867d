// Voiding: a transaction that takes back another one, entry by entry. Nothing is erased; once for each transaction.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/posting/transaction.h"

namespace cala::core {

struct AskedVoid {
  base::Uuid of;
  std::optional<base::Date> effective;  // the day of the voiding where none is given
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON text
};

// The voiding transaction: the same entries with negated units, so that sums become what they were before. It has no
// external id: that stays the original's.
PostedTransaction mirror_of(const PostedTransaction &original, const AskedVoid &asked, const base::Uuid &id,
                            base::Timestamp now);

// kRejected "transaction.already_voided".
base::Error already_voided(const Transaction &original);

}  // namespace cala::core
