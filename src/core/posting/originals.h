// Originals: the transactions that a batch voids, as the store has them; where one is a void itself also what that took
// back, and so on down to one that is none. Pure.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "base/uuid.h"
#include "core/posting/transaction.h"

namespace cala::core {

class Originals {
 public:
  // What must be known next of a transaction that is to be voided; none when all is.
  std::optional<base::Uuid> missing(const base::Uuid &voided) const;
  // What the store has of those that were asked for; one that is not there cannot be voided.
  void add(const std::vector<base::Uuid> &asked, std::vector<PostedTransaction> found);
  // Null where it is not there.
  const PostedTransaction *find(const base::Uuid &id) const;
  // What voiding it takes back, or gives again, in the end. Null where it is not there.
  const PostedTransaction *first(const base::Uuid &voided) const;

 private:
  std::unordered_map<base::Uuid, std::optional<PostedTransaction>, base::UuidHash> known_;
};

}  // namespace cala::core
