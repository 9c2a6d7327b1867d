#include "engine/render.h"

#include <optional>

#include "cel/cel.h"

namespace cala::engine {

namespace {

using base::JsonWriter;

void write_optional(JsonWriter &out, std::string_view key, const std::optional<std::string> &value) {
  if (value) out.key(key).string(*value);
}

void write_optional(JsonWriter &out, std::string_view key, const std::optional<base::Uuid> &value) {
  if (value) out.key(key).string(value->text());
}

void write_metadata(JsonWriter &out, const std::optional<std::string> &json) {
  if (json) out.key("metadata").raw(*json);
}

template <typename T>
void write_stamps(JsonWriter &out, const T &entity) {
  out.key("created_at").string(entity.created_at.micros_text());
  out.key("modified_at").string(entity.modified_at.micros_text());
}

void write_amount(JsonWriter &out, std::string_view key, const std::optional<core::Decimal> &amount) {
  out.key(key).string(amount.value_or(core::Decimal{}).text());
}

void write_sides(JsonWriter &out, const core::LayerAmounts &amounts, core::Direction normal_balance_type) {
  write_amount(out, "debit", amounts.debit);
  write_amount(out, "credit", amounts.credit);
  write_amount(out, "net", core::net(amounts, normal_balance_type));
}

void write_layer(JsonWriter &out, const ShownBalance &shown, core::Layer layer) {
  const core::LayerAmounts &amounts = shown.balance.layers[static_cast<std::size_t>(layer)];
  out.key(core::text_of(layer)).begin_object();
  write_sides(out, amounts, shown.normal_balance_type);
  if (!amounts.entry_id.is_nil()) out.key("entry_id").string(amounts.entry_id.text());
  out.key("modified_at").string(amounts.modified_at.micros_text()).end_object();
}

void write_available(JsonWriter &out, const ShownBalance &shown) {
  out.key("available").begin_object();
  for (const core::Layer layer : core::kLayers) {
    write_amount(out, core::text_of(layer), core::available(shown.balance, layer, shown.normal_balance_type));
  }
  out.end_object();
}

void write_balance(JsonWriter &out, const ShownBalance &shown) {
  const core::Balance &balance = shown.balance;
  out.key("journal_id").string(balance.key.journal_id.text());
  out.key("account_id").string(balance.key.account_id.text());
  out.key("currency").string(balance.key.currency.code()).key("version").integer(balance.version);
  write_stamps(out, balance);
  out.key("entry_id").string(balance.entry_id.text());
  out.key("normal_balance_type").string(core::text_of(shown.normal_balance_type));
  for (const core::Layer layer : core::kLayers) write_layer(out, shown, layer);
  write_available(out, shown);
}

void write_floors(JsonWriter &out, const core::Floors &floors) {
  if (floors == core::Floors()) return;
  if (!floors.min.empty()) floors.min.append_to(out.key("min_available"));
  if (!floors.max.empty()) floors.max.append_to(out.key("max_available"));
  out.key("available_layer").string(core::text_of(floors.layer));
}

void write_param(JsonWriter &out, const core::TxTemplateParam &param) {
  out.begin_object().key("name").string(param.name).key("type").string(text_of(param.type));
  write_optional(out, "default", param.default_expr);
  write_optional(out, "min", param.min);
  write_optional(out, "max", param.max);
  write_optional(out, "description", param.description);
  out.end_object();
}

void write_template_transaction(JsonWriter &out, const core::TxTemplateTransaction &transaction) {
  out.begin_object().key("effective").string(transaction.effective);
  out.key("journal_id").string(transaction.journal_id);
  write_optional(out, "correlation_id", transaction.correlation_id);
  write_optional(out, "external_id", transaction.external_id);
  write_optional(out, "description", transaction.description);
  write_optional(out, "metadata", transaction.metadata);
  out.end_object();
}

void write_template_entry(JsonWriter &out, const core::TxTemplateEntry &entry) {
  out.begin_object().key("entry_type").string(entry.entry_type).key("account_id").string(entry.account_id);
  out.key("layer").string(entry.layer).key("direction").string(entry.direction);
  out.key("units").string(entry.units).key("currency").string(entry.currency);
  write_optional(out, "description", entry.description);
  write_optional(out, "metadata", entry.metadata);
  write_optional(out, "min_available", entry.min_available);
  write_optional(out, "max_available", entry.max_available);
  out.end_object();
}

}  // namespace

std::string_view text_of(core::ParamType type) { return cel::param_type_name(type); }

void render(JsonWriter &out, const core::Account &account) {
  out.begin_object().key("id").string(account.id.text()).key("version").integer(account.version);
  out.key("code").string(account.code).key("name").string(account.name);
  write_optional(out, "external_id", account.external_id);
  out.key("normal_balance_type").string(core::text_of(account.normal_balance_type));
  out.key("status").string(core::text_of(account.status));
  write_optional(out, "description", account.description);
  write_metadata(out, account.metadata);
  out.key("balance_rollup").string(core::text_of(account.balance_rollup));
  write_floors(out, account.floors);
  write_stamps(out, account);
  out.end_object();
}

void render(JsonWriter &out, const core::AccountSet &set) {
  out.begin_object().key("id").string(set.id.text()).key("version").integer(set.version);
  out.key("journal_id").string(set.journal_id.text()).key("name").string(set.name);
  write_optional(out, "external_id", set.external_id);
  out.key("normal_balance_type").string(core::text_of(set.normal_balance_type));
  write_optional(out, "description", set.description);
  write_metadata(out, set.metadata);
  out.key("balance_rollup").string(core::text_of(set.balance_rollup));
  write_floors(out, set.floors);
  write_stamps(out, set);
  out.end_object();
}

void render(JsonWriter &out, const core::Journal &journal) {
  out.begin_object().key("id").string(journal.id.text()).key("version").integer(journal.version);
  out.key("name").string(journal.name);
  write_optional(out, "code", journal.code);
  write_optional(out, "description", journal.description);
  out.key("status").string(core::text_of(journal.status));
  out.key("effective_balances").boolean(journal.effective_balances).key("max_scale");
  journal.max_scale.append_to(out);
  write_stamps(out, journal);
  out.end_object();
}

void render(JsonWriter &out, const core::TxTemplate &tx_template) {
  out.begin_object().key("id").string(tx_template.id.text()).key("version").integer(tx_template.version);
  out.key("code").string(tx_template.code).key("params").begin_array();
  for (const core::TxTemplateParam &param : tx_template.params) write_param(out, param);
  out.end_array().key("transaction");
  write_template_transaction(out, tx_template.transaction);
  out.key("entries").begin_array();
  for (const core::TxTemplateEntry &entry : tx_template.entries) write_template_entry(out, entry);
  out.end_array();
  write_optional(out, "description", tx_template.description);
  write_metadata(out, tx_template.metadata);
  write_stamps(out, tx_template);
  out.end_object();
}

void render(JsonWriter &out, const core::Transaction &transaction) {
  out.begin_object().key("id").string(transaction.id.text()).key("version").integer(transaction.version);
  out.key("journal_id").string(transaction.journal_id.text());
  out.key("tx_template_id").string(transaction.tx_template_id.text());
  out.key("tx_template_code").string(transaction.tx_template_code);
  out.key("entry_ids").begin_array();
  for (const base::Uuid &id : transaction.entry_ids) out.string(id.text());
  out.end_array().key("effective").string(transaction.effective.text());
  out.key("correlation_id").string(transaction.correlation_id);
  write_optional(out, "external_id", transaction.external_id);
  write_optional(out, "description", transaction.description);
  write_metadata(out, transaction.metadata);
  write_optional(out, "void_of", transaction.void_of);
  write_optional(out, "voided_by", transaction.voided_by);
  write_stamps(out, transaction);
  out.end_object();
}

void render(JsonWriter &out, const core::Entry &entry) {
  out.begin_object().key("id").string(entry.id.text());
  out.key("transaction_id").string(entry.transaction_id.text());
  out.key("journal_id").string(entry.journal_id.text()).key("account_id").string(entry.account_id.text());
  out.key("entry_type").string(entry.entry_type).key("sequence").integer(entry.sequence);
  out.key("layer").string(core::text_of(entry.layer)).key("direction").string(core::text_of(entry.direction));
  out.key("units").string(entry.units.text()).key("currency").string(entry.currency.code());
  write_optional(out, "description", entry.description);
  write_metadata(out, entry.metadata);
  out.key("account_version").integer(entry.account_version);
  out.key("created_at").string(entry.created_at.micros_text()).end_object();
}

void render(JsonWriter &out, const ShownBalance &shown) {
  out.begin_object();
  write_balance(out, shown);
  out.end_object();
}

void render(JsonWriter &out, const DatedBalance &balance) {
  out.begin_object();
  write_balance(out, balance.shown);
  out.key("effective").string(balance.effective.text()).end_object();
}

void render(JsonWriter &out, const ShownSums &shown) {
  const ShownBalance balance{core::balance_of(core::BalanceKey{}, shown.sums, base::Timestamp{}),
                             shown.normal_balance_type};
  out.begin_object().key("version").integer(shown.sums.entries);
  for (const core::Layer layer : core::kLayers) {
    const core::LayerAmounts &amounts = balance.balance.layers[static_cast<std::size_t>(layer)];
    out.key(core::text_of(layer)).begin_object();
    write_sides(out, amounts, shown.normal_balance_type);
    out.end_object();
  }
  write_available(out, balance);
  out.end_object();
}

void render_warnings(JsonWriter &out, const std::vector<core::VelocityWarning> &warnings) {
  if (warnings.empty()) return;
  out.key("warnings").begin_array();
  for (const core::VelocityWarning &warning : warnings) out.raw(core::warning_json(warning));
  out.end_array();
}

void render(JsonWriter &out, const core::PostingResult &result) {
  out.begin_object().key("transaction");
  render(out, result.posted.transaction);
  out.key("entries");
  render_array(out, result.posted.entries);
  out.key("replayed").boolean(result.replayed);
  render_warnings(out, result.warnings);
  out.end_object();
}

void render(JsonWriter &out, const core::VelocityLimit &limit) {
  out.begin_object().key("id").string(limit.id.text()).key("version").integer(limit.version);
  out.key("name").string(limit.name);
  write_optional(out, "description", limit.description);
  out.key("window").begin_array();
  for (const core::VelocityWindowKey &key : limit.window) {
    out.begin_object().key("alias").string(key.alias).key("value").string(key.value).end_object();
  }
  out.end_array();
  write_optional(out, "condition", limit.condition);
  if (limit.currency) out.key("currency").string(limit.currency->code());
  out.key("params").begin_array();
  for (const core::TxTemplateParam &param : limit.params) write_param(out, param);
  out.end_array().key("limit").begin_object();
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
  write_stamps(out, limit);
  out.end_object();
}

void render(JsonWriter &out, const core::VelocityControl &control) {
  out.begin_object().key("id").string(control.id.text()).key("version").integer(control.version);
  out.key("name").string(control.name);
  write_optional(out, "description", control.description);
  write_optional(out, "condition", control.condition);
  out.key("enforcement").begin_object().key("action").string(core::word_of(control.action)).end_object();
  out.key("limit_ids").begin_array();
  for (const core::VelocityLimit &limit : control.limits) out.string(limit.id.text());
  out.end_array();
  write_stamps(out, control);
  out.end_object();
}

void render(JsonWriter &out, const core::VelocityAttachment &attachment) {
  out.begin_object().key("control_id").string(attachment.control_id.text());
  out.key(attachment.is_set ? "account_set_id" : "account_id").string(attachment.account_id.text());
  out.key("version").integer(attachment.version).key("params").raw(attachment.params);
  write_stamps(out, attachment);
  out.end_object();
}

void render(JsonWriter &out, const core::VelocityHeadroom &headroom) {
  out.begin_object().key("control_id").string(headroom.control_id.text());
  out.key("limit_id").string(headroom.limit_id.text()).key("account_id").string(headroom.account_id.text());
  write_optional(out, "journal_id", headroom.journal_id);
  if (headroom.currency) out.key("currency").string(headroom.currency->code());
  if (headroom.window) out.key("window").raw(*headroom.window);
  out.key("layer").string(core::text_of(headroom.layer)).key("direction").string(core::text_of(headroom.direction));
  out.key("basis").string(core::word_of(headroom.basis)).key("limit").string(headroom.limit.text());
  out.key("current").string(headroom.current.text()).key("left").string(headroom.left.text());
  out.key("enforcement").string(core::word_of(headroom.action)).key("active").boolean(headroom.active).end_object();
}

}  // namespace cala::engine
