// The rows of holds.
#include "store/row_reader.h"
#include "store/rows.h"

namespace cala::store {

base::Result<core::Hold> hold_of(base::JsonView row) {
  RowReader reader("hold", row);
  if (reader.failed()) return reader.error();
  core::Hold hold;
  hold.id = reader.uuid("id");
  hold.journal_id = reader.uuid("journal_id");
  hold.status = reader.parsed<core::HoldStatus>("status", core::parse_hold_status);
  if (reader.has("expires_at")) hold.expires_at = reader.instant("expires_at");
  if (reader.has("amount")) {
    hold.amount = reader.parsed<core::Decimal>("amount", core::Decimal::parse);
    hold.currency = reader.parsed<core::Currency>("currency", core::Currency::parse);
  }
  hold.captured = reader.parsed<core::Decimal>("captured", core::Decimal::parse);
  hold.closed_by = reader.optional_uuid("closed_by");
  hold.version = reader.integer("version");
  hold.created_at = reader.instant("created_at");
  hold.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(hold));
}

void write_row(base::JsonWriter &out, const core::HoldWrite &write) {
  const core::Hold &hold = write.hold;
  out.begin_object().key("id").string(hold.id.text()).key("old_version").integer(write.old_version);
  out.key("version").integer(hold.version).key("status").string(core::text_of(hold.status));
  if (hold.expires_at) out.key("expires_at").integer(hold.expires_at->micros());
  if (hold.amount) out.key("amount").string(hold.amount->text()).key("currency").string(hold.currency.code());
  out.key("captured").string(hold.captured.text());
  write_optional(out, "closed_by", hold.closed_by);
  out.key("modified_at").integer(hold.modified_at.micros()).key("accounts").begin_array();
  for (const base::Uuid &id : write.account_ids) out.string(id.text());
  out.end_array().end_object();
}

std::string hold_rows(const core::BatchWrite &write) {
  if (write.holds.empty()) return {};
  base::JsonWriter out;
  out.begin_array();
  for (const core::HoldWrite &hold : write.holds) write_row(out, hold);
  out.end_array();
  return out.take();
}

}  // namespace cala::store
