#include "core/velocity/counting.h"

#include <utility>

namespace cala::core {

using base::Outcome;
using base::Result;

Outcome VelocityCounting::count(const VelocityHit &hit, VelocityBalances &mine,
                                std::vector<VelocityWarning> &warnings) {
  VelocityBalance *balance = counted(mine, hit.key);
  if (balance != nullptr) return count_hit(hit, *balance, warnings);
  needs_.insert(hit.key);
  return {};
}

void VelocityCounting::keep(VelocityBalances &&mine) {
  for (auto &[key, balance] : mine) kept_.insert_or_assign(key, std::move(balance));
}

void VelocityCounting::start_over(const std::vector<VelocityKey> &asked, std::vector<VelocityBalance> found) {
  for (const VelocityKey &key : asked) read_.insert_or_assign(key, VelocityBalance{key, 0, {}});
  for (VelocityBalance &balance : found) {
    const VelocityKey key = balance.key;
    read_.insert_or_assign(key, std::move(balance));
  }
  kept_.clear();
  needs_.clear();
}

Result<std::vector<VelocityHeadroom>> VelocityCounting::headroom_after(base::Timestamp now) const {
  std::vector<VelocityHeadroom> out;
  for (auto at = kept_.begin(); at != kept_.end(); ++at) {
    const VelocityKey &key = at->first;
    const CompiledControl *control = bearers_.find(key.account_id, key.control_id);
    if (control == nullptr) continue;
    FrozenControl counting = control->frozen;
    std::erase_if(counting.limits, [&key](const FrozenLimit &limit) { return limit.id != key.limit_id; });
    const HeadroomFilter only{key.journal_id, key.currency};
    Result<std::vector<VelocityHeadroom>> left = headroom(key.account_id, counting, {at->second}, only, now);
    if (!left) return std::move(left.error());
    out.insert(out.end(), left->begin(), left->end());
  }
  return out;
}

// What has been counted under a key, to be counted on; null where that is not known yet.
VelocityBalance *VelocityCounting::counted(VelocityBalances &mine, const VelocityKey &key) {
  if (const auto at = mine.find(key); at != mine.end()) return &at->second;
  auto before = kept_.find(key);
  if (before == kept_.end()) {
    before = read_.find(key);
    if (before == read_.end()) return nullptr;
  }
  return &mine.emplace(key, before->second).first->second;
}

}  // namespace cala::core
