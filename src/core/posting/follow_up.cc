#include "core/posting/follow_up.h"

#include <utility>

namespace cala::core {

PostedTransaction follow_up(const PostedTransaction &earlier, const base::Uuid &id, base::Date effective) {
  PostedTransaction out;
  const Transaction &from = earlier.transaction;
  out.transaction.id = id;
  out.transaction.journal_id = from.journal_id;
  out.transaction.tx_template_id = from.tx_template_id;
  out.transaction.tx_template_code = from.tx_template_code;
  out.transaction.effective = effective;
  out.transaction.correlation_id = from.correlation_id;
  return out;
}

void add_from(PostedTransaction &out, Entry earlier, std::string_view suffix, const Decimal &units) {
  earlier.id = base::Uuid{};
  earlier.transaction_id = out.transaction.id;
  earlier.entry_type += suffix;
  earlier.sequence = static_cast<std::int32_t>(out.entries.size()) + 1;
  earlier.units = units;
  earlier.account_version = 0;
  earlier.created_at = base::Timestamp();
  out.entries.push_back(std::move(earlier));
}

}  // namespace cala::core
