#include "core/posting/originals.h"

#include <utility>

namespace cala::core {

using base::Uuid;

std::optional<Uuid> Originals::missing(const Uuid &voided) const {
  Uuid id = voided;
  auto at = known_.find(id);
  while (at != known_.end() && at->second && at->second->transaction.void_of) {
    id = *at->second->transaction.void_of;
    at = known_.find(id);
  }
  if (at == known_.end()) return id;
  return std::nullopt;
}

void Originals::add(const std::vector<Uuid> &asked, std::vector<PostedTransaction> found) {
  for (const Uuid &id : asked) known_[id].reset();
  for (PostedTransaction &posted : found) {
    const Uuid id = posted.transaction.id;
    known_[id] = std::move(posted);
  }
}

const PostedTransaction *Originals::find(const Uuid &id) const {
  const auto at = known_.find(id);
  return at == known_.end() || !at->second ? nullptr : &*at->second;
}

const PostedTransaction *Originals::first(const Uuid &voided) const {
  const PostedTransaction *posted = find(voided);
  while (posted != nullptr && posted->transaction.void_of) posted = find(*posted->transaction.void_of);
  return posted;
}

}  // namespace cala::core
