#include "core/posting/replay.h"

#include "base/json.h"

namespace cala::core {

namespace {

bool same_json(const std::optional<std::string> &a, const std::optional<std::string> &b) {
  if (a == b) return true;
  if (!a || !b) return false;
  const base::Result<base::Json> left = base::Json::parse(*a);
  const base::Result<base::Json> right = base::Json::parse(*b);
  return left.ok() && right.ok() && base::json_equal(left->root(), right->root());
}

const char *differing_field(const Transaction &a, const Transaction &b) {
  if (a.void_of != b.void_of) return "void_of";
  if (a.hold_id != b.hold_id) return "hold_id";
  if (a.tx_template_id != b.tx_template_id) return "tx_template_code";
  if (a.journal_id != b.journal_id) return "journal_id";
  if (a.effective != b.effective) return "effective";
  if (a.correlation_id != b.correlation_id) return "correlation_id";
  if (a.external_id != b.external_id) return "external_id";
  if (a.description != b.description) return "description";
  if (!same_json(a.metadata, b.metadata)) return "metadata";
  return nullptr;
}

const char *differing_field(const Entry &a, const Entry &b) {
  if (a.account_id != b.account_id) return "account_id";
  if (a.entry_type != b.entry_type) return "entry_type";
  if (a.layer != b.layer) return "layer";
  if (a.direction != b.direction) return "direction";
  if (a.units != b.units) return "units";
  if (a.currency != b.currency) return "currency";
  if (a.description != b.description) return "description";
  if (!same_json(a.metadata, b.metadata)) return "metadata";
  return nullptr;
}

}  // namespace

std::optional<std::string> first_difference(const PostedTransaction &posted, const PostedTransaction &again) {
  if (posted.transaction.id != again.transaction.id) return "id";
  if (const char *field = differing_field(posted.transaction, again.transaction)) return field;
  if (posted.entries.size() != again.entries.size()) return "entries";
  for (std::size_t i = 0; i < posted.entries.size(); ++i) {
    const char *field = differing_field(posted.entries[i], again.entries[i]);
    if (field != nullptr) return "entries/" + std::to_string(i) + "/" + field;
  }
  return std::nullopt;
}

base::Error replay_differs(const PostedTransaction &posted, const std::string &field) {
  const std::string id = posted.transaction.id.text();
  base::Error error = base::make_error(base::Status::kConflict, "transaction.replay_differs",
                                       "transaction " + id + " was posted before with different " + field);
  base::JsonWriter details;
  details.begin_object().key("transaction_id").string(id).key("field").string(field).end_object();
  error.details = details.take();
  return error;
}

}  // namespace cala::core
