#include "core/posting/void.h"

#include "core/posting/follow_up.h"
#include "core/rejection.h"

namespace cala::core {

PostedTransaction mirror_of(const PostedTransaction &original, const AskedVoid &asked, const base::Uuid &id,
                            base::Timestamp now) {
  PostedTransaction out = follow_up(original, id, asked.effective.value_or(now.date()));
  out.transaction.description = asked.description;
  out.transaction.metadata = asked.metadata;
  out.transaction.void_of = original.transaction.id;
  for (const Entry &entry : original.entries) add_from(out, entry, "_VOID", entry.units.negated());
  return out;
}

base::Error already_voided(const Transaction &original) {
  const std::string id = original.id.text();
  const std::string by = original.voided_by ? original.voided_by->text() : std::string();
  return rejection(base::Status::kRejected, "transaction.already_voided", "transaction " + id + " was voided by " + by,
                   {{"transaction_id", id}, {"voided_by", by}});
}

}  // namespace cala::core
