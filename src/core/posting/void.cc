#include "core/posting/void.h"

#include "core/rejection.h"

namespace cala::core {

PostedTransaction mirror_of(const PostedTransaction &original, const AskedVoid &asked, const base::Uuid &id,
                            base::Timestamp now) {
  PostedTransaction out;
  const Transaction &from = original.transaction;
  out.transaction.id = id;
  out.transaction.journal_id = from.journal_id;
  out.transaction.tx_template_id = from.tx_template_id;
  out.transaction.tx_template_code = from.tx_template_code;
  out.transaction.effective = asked.effective.value_or(now.date());
  out.transaction.correlation_id = from.correlation_id;
  out.transaction.description = asked.description;
  out.transaction.metadata = asked.metadata;
  out.transaction.void_of = from.id;
  for (Entry entry : original.entries) {
    entry.id = base::Uuid{};
    entry.transaction_id = id;
    entry.entry_type += "_VOID";
    entry.units = entry.units.negated();
    entry.account_version = 0;
    entry.created_at = base::Timestamp();
    out.entries.push_back(std::move(entry));
  }
  return out;
}

base::Error already_voided(const Transaction &original) {
  const std::string id = original.id.text();
  const std::string by = original.voided_by ? original.voided_by->text() : std::string();
  return rejection(base::Status::kRejected, "transaction.already_voided", "transaction " + id + " was voided by " + by,
                   {{"transaction_id", id}, {"voided_by", by}});
}

}  // namespace cala::core
