// VelocityCounting: what velocity limits have counted, as a batch counts on. What one unit counts stays apart until it
// is kept; what is not known yet passes, and is noted, so that the store can be asked and all be counted anew. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/velocity/enforce.h"
#include "core/velocity/headroom.h"

namespace cala::core {

class VelocityCounting {
 public:
  void limit_by(VelocityBearers bearers) { bearers_ = std::move(bearers); }
  const VelocityBearers &bearers() const { return bearers_; }

  // Counts one hit in what a unit counts. kRejected "velocity.exceeded", or a warning; "amount.range".
  base::Outcome count(const VelocityHit &hit, VelocityBalances &mine, std::vector<VelocityWarning> &warnings);
  void keep(VelocityBalances &&mine);
  // What must be known before all is counted.
  std::vector<VelocityKey> needs() const { return {needs_.begin(), needs_.end()}; }
  // Counts anew, with what the store has of what was asked.
  void start_over(const std::vector<VelocityKey> &asked, std::vector<VelocityBalance> found);

  // All that was kept, and the version of each when it was read, 0 for a new one.
  const VelocityBalances &kept() const { return kept_; }
  std::int64_t version_read(const VelocityKey &key) const { return read_.at(key).version; }
  // What is left of the limits that counted something, at an instant.
  base::Result<std::vector<VelocityHeadroom>> headroom_after(base::Timestamp now) const;

 private:
  VelocityBalance *counted(VelocityBalances &mine, const VelocityKey &key);

  VelocityBearers bearers_;
  VelocityBalances read_;
  VelocityBalances kept_;
  std::set<VelocityKey> needs_;
};

}  // namespace cala::core
