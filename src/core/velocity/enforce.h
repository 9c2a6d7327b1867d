// Enforcing velocity limits on a posting, in two steps: which limits count which of its entries, and in which window
// (expressions only); then, with what has been counted there so far, whether one is exceeded.
// Pure. One thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/posting/transaction.h"
#include "core/velocity/frozen.h"
#include "core/velocity/velocity.h"

namespace cala::core {

// An account or a set that controls are attached to, as expressions see it.
struct VelocityBearer {
  base::Uuid id;
  std::string name;
  std::optional<std::string> external_id;
  Direction normal_balance_type = Direction::kCredit;
  std::optional<std::string> metadata;  // JSON text
  std::vector<CompiledControlPtr> controls;
};

// One limit that counts one entry.
struct VelocityHit {
  const Entry *entry = nullptr;
  const CompiledControl *control = nullptr;
  const FrozenLimit *limit = nullptr;
  VelocityKey key;
  base::Timestamp at;    // decides which of its amounts are in force
  bool of_void = false;  // which is never refused where it gives room
};

class VelocityBearers {
 public:
  void add(VelocityBearer bearer);
  bool empty() const { return bearers_.empty(); }
  // Null where the control is not attached there.
  const CompiledControl *find(const base::Uuid &account_id, const base::Uuid &control_id) const;

  // The limits that count the entries of a posting whose instants are set, entry by entry, for each the oldest control
  // and limit first, then the account before its sets. sets_of: the sets that an entry moves, always in one order.
  // counted_as: of a void, what it takes back, entry by entry; of a capture the same of its first entries, and those
  // after them count as its own. Expressions see that, so that the limits and windows are those that had counted it.
  // An error refuses the posting: cel.eval, cel.coerce.
  using SetsOf = std::function<std::vector<base::Uuid>(const Entry &entry)>;
  base::Result<std::vector<VelocityHit>> match(const PostedTransaction &posting, const SetsOf &sets_of,
                                               const PostedTransaction *counted_as = nullptr) const;

 private:
  struct Bearer {
    VelocityBearer row;
    std::optional<base::Json> metadata;
  };
  friend class PostingFields;  // reads a Bearer
  std::unordered_map<base::Uuid, Bearer, base::UuidHash> bearers_;
};

struct VelocityWarning {
  std::string message;
  std::string details;  // a JSON object: that of the error
};

// {"code": "velocity.exceeded", "message", and the details}
std::string warning_json(const VelocityWarning &warning);

// What is counted, as it changes from hit to hit.
using VelocityBalances = std::map<VelocityKey, VelocityBalance>;

// Counts one hit. kRejected "velocity.exceeded", or a warning where the control only warns;
// amount.range past 38 digits.
base::Outcome count_hit(const VelocityHit &hit, VelocityBalance &balance, std::vector<VelocityWarning> &warnings);

}  // namespace cala::core
