// Group commit: independent operations, decided and written as if one after the other and committed by one flush.
// Postings are decided together; other writers run one by one in one transaction.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "base/error.h"
#include "engine/operation.h"
#include "engine/runner.h"

namespace cala::engine {

// One operation that writes, and whoever waits for its outcome: exactly one of the last three is
// called, once.
class GroupMember {
 public:
  virtual ~GroupMember() = default;
  virtual Operation &operation() = 0;
  virtual CancelToken &cancel() = 0;
  virtual void succeed(Render render) = 0;
  virtual void fail(base::Error error) = 0;
  // Nothing was written; to be run by itself, elsewhere, so that it holds up nobody.
  virtual void run_elsewhere() = 0;
};

// Runs the members as a group, in the order given. Blocks. Each has its own outcome: what one
// operation alone would have had. One whose id an earlier one of its group has goes into the next group; one that is
// cancelled before the write leaves its group; an error of the database halves a group until the guilty one is alone;
// while one waits for rows that somebody holds longer than the store allows, all of its group are run elsewhere.
void run_group(const std::vector<GroupMember *> &members, Ledger &ledger, store::Store &store, SessionPool &pool,
               std::chrono::milliseconds failover_wait);

// Runs operations of any kind that write, in the order given, in one transaction: for a store that has one writer at a
// time anyway. Blocks. One that fails is undone, and run again by itself behind the others, which tells why; so are all
// of them when the transaction does not hold.
void run_writers(const std::vector<GroupMember *> &members, Ledger &ledger, store::Store &store, SessionPool &pool,
                 std::chrono::milliseconds failover_wait);

}  // namespace cala::engine
