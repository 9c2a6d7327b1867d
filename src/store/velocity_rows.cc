// The rows of velocity limits, controls, attachments and what was counted.
#include "store/row_reader.h"
#include "store/rows.h"

namespace cala::store {

namespace {

using base::JsonView;
using base::JsonWriter;
using base::Result;
using base::Uuid;

void read_balance_limits(RowReader &row, std::vector<core::VelocityBalanceLimit> &out) {
  const JsonView limit = row.member("limit");
  if (!limit.present() || !limit.is_object()) return row.fail("limit");
  for (const JsonView item : limit.get("balance")) {
    RowReader reader("velocity_limit", item);
    core::VelocityBalanceLimit balance;
    balance.layer = reader.text("layer");
    balance.amount = reader.text("amount");
    balance.enforcement_direction = reader.text("enforcement_direction");
    balance.start = reader.optional_text("start");
    balance.end = reader.optional_text("end");
    balance.basis = reader.parsed<core::VelocityBasis>("basis", core::parse_velocity_basis);
    if (reader.failed()) row.fail("limit");
    out.push_back(std::move(balance));
  }
}

}  // namespace

Result<core::VelocityLimit> velocity_limit_of(JsonView row) {
  RowReader reader("velocity_limit", row);
  if (reader.failed()) return reader.error();
  core::VelocityLimit limit;
  limit.id = reader.uuid("id");
  limit.version = reader.integer("version");
  limit.number = reader.integer("number");
  limit.name = reader.text("name");
  limit.description = reader.optional_text("description");
  limit.condition = reader.optional_text("condition");
  if (reader.optional_text("currency")) {
    limit.currency = reader.parsed<core::Currency>("currency", core::Currency::parse);
  }
  for (const JsonView item : reader.member("window")) {
    RowReader key("velocity_limit", item);
    limit.window.push_back({key.text("alias"), key.text("value")});
    if (key.failed()) reader.fail("window");
  }
  read_params(reader, limit.params);
  if (const JsonView source = reader.member("limit").get("timestamp_source"); source.present()) {
    limit.timestamp_source = std::string(source.string());
  }
  read_balance_limits(reader, limit.balance);
  limit.created_at = reader.instant("created_at");
  limit.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(limit));
}

Result<core::VelocityControl> velocity_control_of(JsonView row) {
  RowReader reader("velocity_control", row);
  if (reader.failed()) return reader.error();
  core::VelocityControl control;
  control.id = reader.uuid("id");
  control.version = reader.integer("version");
  control.number = reader.integer("number");
  control.name = reader.text("name");
  control.description = reader.optional_text("description");
  control.condition = reader.optional_text("condition");
  control.action = reader.parsed<core::VelocityAction>("action", core::parse_velocity_action);
  for (const JsonView item : reader.member("limits")) {
    Result<core::VelocityLimit> limit = velocity_limit_of(item);
    if (!limit) return std::move(limit.error());
    control.limits.push_back(limit.take());
  }
  control.created_at = reader.instant("created_at");
  control.modified_at = reader.instant("modified_at");
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
  out.begin_object().key("id").string(limit.id.text()).key("version").integer(limit.version);
  out.key("name").string(limit.name);
  write_optional(out, "description", limit.description);
  write_optional(out, "condition", limit.condition);
  if (limit.currency) out.key("currency").string(limit.currency->code());
  out.key("window").begin_array();
  for (const core::VelocityWindowKey &key : limit.window) {
    out.begin_object().key("alias").string(key.alias).key("value").string(key.value).end_object();
  }
  out.end_array().key("params");
  write_params(out, limit.params);
  out.key("limit").begin_object();
  write_optional(out, "timestamp_source", limit.timestamp_source);
  out.key("balance").begin_array();
  for (const core::VelocityBalanceLimit &balance : limit.balance) {
    out.begin_object().key("layer").string(balance.layer).key("amount").string(balance.amount);
    out.key("enforcement_direction").string(balance.enforcement_direction);
    write_optional(out, "start", balance.start);
    write_optional(out, "end", balance.end);
    out.key("basis").string(core::word_of(balance.basis)).end_object();
  }
  out.end_array().end_object();
  write_stamps(out, limit.created_at, limit.modified_at);
  out.end_object();
}

void write_row(JsonWriter &out, const core::VelocityControl &control) {
  out.begin_object().key("id").string(control.id.text()).key("version").integer(control.version);
  out.key("name").string(control.name);
  write_optional(out, "description", control.description);
  write_optional(out, "condition", control.condition);
  out.key("action").string(core::word_of(control.action));
  write_stamps(out, control.created_at, control.modified_at);
  out.end_object();
}

void write_row(JsonWriter &out, const core::VelocityAttachment &attachment) {
  out.begin_object().key("account_id").string(attachment.account_id.text());
  out.key("control_id").string(attachment.control_id.text()).key("version").integer(attachment.version);
  out.key("params").string(attachment.params).key("frozen").string(attachment.frozen);
  write_stamps(out, attachment.created_at, attachment.modified_at);
  out.end_object();
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
