// Hold: amounts set aside in the pending layer by a transaction, whose id is the hold's, until they are captured or
// released. What is done to a hold is done by transactions of its own. Plain values and rules; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/posting/transaction.h"
#include "core/values.h"

namespace cala::core {

struct Hold {
  base::Uuid id;
  base::Uuid journal_id;
  HoldStatus status = HoldStatus::kOpen;  // as it was when last written
  std::optional<base::Timestamp> expires_at;
  std::optional<Decimal> amount;  // where all entries have the same units and currency; else it is captured as a whole
  Currency currency;              // of the amount
  Decimal captured;
  std::optional<base::Uuid> closed_by;  // the transaction after which nothing is pending any more
  std::int64_t version = 1;
  base::Timestamp created_at;
  base::Timestamp modified_at;

  // An open hold has expired when the ledger's clock comes to expires_at, whether it was released by then or not.
  HoldStatus status_at(base::Timestamp now) const;
  // What is still pending of a hold of one amount.
  Decimal left() const;
};

struct AskedHold {
  std::optional<base::Timestamp> expires_at;
};

struct AskedHoldStep {
  enum Kind : std::uint8_t { kCapture, kRelease, kExpire };
  base::Uuid hold_id;
  Kind kind = kCapture;
  std::optional<Decimal> amount;        // of a capture: all that is left where none is given
  bool final = true;                    // of a capture: what is left after it is released
  std::optional<base::Date> effective;  // today where none is given
};

// kRejected "hold.not_pending" where an entry is of another layer.
base::Outcome check_pending(const PostedTransaction &posting);

// The hold that a posting makes. Its instants are the posting's.
Hold hold_of(const PostedTransaction &posting, const AskedHold &asked);

struct HoldStep {
  PostedTransaction posting;
  Hold after;
};

// The transaction that captures or releases: the entries of the hold's own with what is taken negated, and, of a
// capture, as much of each settled. kRejected "hold.not_open", "hold.exceeded", "hold.not_divisible"; "amount.range"
// when what is captured in all, or what is left then, would pass 38 digits.
base::Result<HoldStep> take_step(const Hold &hold, const PostedTransaction &original, const AskedHoldStep &asked,
                                 const base::Uuid &id, base::Timestamp now);

// The first field in which a transaction that was posted before is not the step that is asked; nullopt when it is.
std::optional<std::string> step_difference(const Hold &hold, const Transaction &posted,
                                           const std::vector<Entry> &entries, const AskedHoldStep &asked);

// kRejected "hold.not_voidable": a hold's transactions are not voided one by one.
base::Error not_voidable(const Transaction &transaction);

// A hold as it is written: with the version that it was read at, 0 for a new one, and those by which it is listed: the
// accounts of its entries, and the sets above them in its journal, each once.
struct HoldWrite {
  Hold hold;
  std::int64_t old_version = 0;
  std::vector<base::Uuid> account_ids;
};

HoldWrite write_of(const Hold &hold, std::vector<base::Uuid> account_ids);

}  // namespace cala::core
