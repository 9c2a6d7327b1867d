// The rows of velocity limits, controls, attachments and what was counted.
#include "store/row_fields.h"
#include "store/rows.h"

namespace cala::store {

using base::JsonView;
using base::JsonWriter;
using base::Result;
using base::Uuid;

Result<core::VelocityLimit> velocity_limit_of(JsonView row) {
  return read_row<core::VelocityLimit>("velocity_limit", row);
}

Result<core::VelocityControl> velocity_control_of(JsonView row) {
  RowReader reader("velocity_control", row);
  if (reader.failed()) return reader.error();
  core::VelocityControl control;
  read_fields(reader, control);
  control.action = reader.parsed<core::VelocityAction>("action", core::parse_velocity_action);
  for (const JsonView item : reader.member("limits")) {
    Result<core::VelocityLimit> limit = velocity_limit_of(item);
    if (!limit) return std::move(limit.error());
    control.limits.push_back(limit.take());
  }
  return finish(reader, std::move(control));
}

Result<core::VelocityAttachment> velocity_attachment_of(JsonView row) {
  RowReader reader("velocity_attachment", row);
  if (reader.failed()) return reader.error();
  core::VelocityAttachment attachment;
  attachment.account_id = reader.uuid("account_id");
  attachment.control_id = reader.uuid("control_id");
  attachment.version = reader.integer("version");
  attachment.is_set = reader.boolean("is_set");
  attachment.params = reader.text("params");
  attachment.frozen = reader.text("frozen");
  attachment.created_at = reader.instant("created_at");
  attachment.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(attachment));
}

Result<std::shared_ptr<const core::AttachedControls>> attached_controls_of(JsonView row) {
  RowReader reader("account", row);
  if (reader.failed()) return reader.error();
  auto out = std::make_shared<core::AttachedControls>();
  out->name = reader.text("name");
  out->external_id = reader.optional_text("external_id");
  out->normal_balance_type = reader.parsed<core::Direction>("normal_balance_type", core::parse_direction);
  out->metadata = reader.optional_text("metadata");
  for (const JsonView text : reader.member("controls")) out->frozen.emplace_back(text.string());
  if (reader.failed()) return reader.error();
  return std::shared_ptr<const core::AttachedControls>(std::move(out));
}

base::Outcome read_attached_controls(JsonView rows, std::vector<core::AccountState> &accounts) {
  if (!rows.present() || !rows.is_array()) return {};
  for (const JsonView row : rows) {
    const std::optional<Uuid> id = Uuid::parse(row.get("id").present() ? row.get("id").string() : std::string_view());
    Result<std::shared_ptr<const core::AttachedControls>> controls = attached_controls_of(row);
    if (!controls) return std::move(controls.error());
    for (core::AccountState &account : accounts) {
      if (id && account.id == *id) account.controls = *controls;
    }
  }
  return {};
}

Result<core::VelocityBalance> velocity_balance_of(JsonView row) {
  RowReader reader("velocity_balance", row);
  if (reader.failed()) return reader.error();
  core::VelocityBalance balance;
  balance.key.account_id = reader.uuid("account_id");
  balance.key.currency = reader.parsed<core::Currency>("currency", core::Currency::parse);
  balance.key.journal_id = reader.uuid("journal_id");
  balance.key.control_id = reader.uuid("control_id");
  balance.key.limit_id = reader.uuid("limit_id");
  balance.key.window = reader.text("window");
  balance.version = reader.integer("version");
  std::size_t index = 0;
  for (const JsonView item : reader.member("layers")) {
    const JsonView debit = item.first();
    const JsonView credit = debit ? debit.next() : JsonView();
    const auto debit_amount = core::Decimal::parse(debit ? debit.string() : std::string_view());
    const auto credit_amount = core::Decimal::parse(credit ? credit.string() : std::string_view());
    if (index >= core::kLayerCount || !debit_amount || !credit_amount) {
      reader.fail("layers");
      break;
    }
    balance.layers[index++] = {*debit_amount, *credit_amount};
  }
  return finish(reader, std::move(balance));
}

void write_row(JsonWriter &out, const core::VelocityLimit &limit) {
  out.begin_object();
  write_fields(out, limit);
  out.end_object();
}

void write_row(JsonWriter &out, const core::VelocityControl &control) {
  out.begin_object();
  write_fields(out, control);
  out.key("action").string(core::word_of(control.action)).end_object();
}

void write_row(JsonWriter &out, const core::VelocityAttachment &attachment) {
  out.begin_object().key("account_id").string(attachment.account_id.text());
  out.key("control_id").string(attachment.control_id.text()).key("version").integer(attachment.version);
  out.key("params").string(attachment.params).key("frozen").string(attachment.frozen);
  out.key("created_at").integer(attachment.created_at.micros());
  out.key("modified_at").integer(attachment.modified_at.micros()).end_object();
}

void write_row(JsonWriter &out, const core::VelocityBalance &balance, std::int64_t old_version) {
  const core::VelocityKey &key = balance.key;
  out.begin_object().key("account_id").string(key.account_id.text()).key("currency").string(key.currency.code());
  out.key("journal_id").string(key.journal_id.text()).key("control_id").string(key.control_id.text());
  out.key("limit_id").string(key.limit_id.text()).key("window").string(key.window);
  out.key("version").integer(balance.version).key("old_version").integer(old_version).key("layers").begin_array();
  for (const core::VelocityBalance::Sides &sides : balance.layers) {
    out.begin_array().string(sides.debit.text()).string(sides.credit.text()).end_array();
  }
  out.end_array().end_object();
}

std::string velocity_rows(const core::BatchWrite &write) {
  if (write.velocity.empty()) return {};
  JsonWriter out;
  out.begin_array();
  for (std::size_t i = 0; i < write.velocity.size(); ++i) write_row(out, write.velocity[i], write.velocity_versions[i]);
  out.end_array();
  return out.take();
}

std::vector<std::string> warning_payloads(const core::BatchWrite &write) {
  std::vector<std::string> payloads;
  if (write.warnings.empty()) return payloads;
  payloads.resize(write.transactions.size());
  for (const core::TransactionWarnings &of_one : write.warnings) {
    JsonWriter out;
    out.begin_object().key("warnings").begin_array();
    for (const core::VelocityWarning &warning : of_one.warnings) out.raw(core::warning_json(warning));
    out.end_array().end_object();
    payloads[of_one.transaction] = out.take();
  }
  return payloads;
}

}  // namespace cala::store
