#include "engine/render.h"

#include <optional>

#include "core/write_fields.h"
#include "store/kept_json.h"

namespace cala::engine {

namespace {

using base::JsonWriter;

void write_optional(JsonWriter &out, std::string_view key, const std::optional<base::Uuid> &value) {
  if (value) out.key(key).string(value->text());
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

// How an answer says what a row says otherwise.
struct AnswerForm {
  static constexpr bool kRow = false;
  static void instant(JsonWriter &out, base::Timestamp value) { out.string(value.micros_text()); }
  static void date(JsonWriter &out, base::Date value) { out.string(value.text()); }
  static void json_text(JsonWriter &out, const std::string &text) { out.raw(text); }
  static void floors(JsonWriter &out, std::string_view, const core::Floors &value) {
    if (value == core::Floors()) return;
    if (!value.min.empty()) value.min.append_to(out.key("min_available"));
    if (!value.max.empty()) value.max.append_to(out.key("max_available"));
    out.key("available_layer").string(core::text_of(value.layer));
  }
};

template <typename T>
void write_listed(JsonWriter &out, const T &entity) {
  out.begin_object();
  core::write_fields<AnswerForm>(out, entity);
  out.end_object();
}

}  // namespace

void render(JsonWriter &out, const core::Account &account) { write_listed(out, account); }
void render(JsonWriter &out, const core::AccountSet &set) { write_listed(out, set); }
void render(JsonWriter &out, const core::Journal &journal) { write_listed(out, journal); }
void render(JsonWriter &out, const core::TxTemplate &tx_template) { write_listed(out, tx_template); }
void render(JsonWriter &out, const core::Transaction &transaction) { write_listed(out, transaction); }
void render(JsonWriter &out, const core::Entry &entry) { write_listed(out, entry); }

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

void render(JsonWriter &out, const core::Hold &hold) {
  out.begin_object().key("id").string(hold.id.text()).key("version").integer(hold.version);
  out.key("status").string(core::text_of(hold.status)).key("transaction_id").string(hold.id.text());
  out.key("journal_id").string(hold.journal_id.text());
  if (hold.amount) {
    out.key("amount").string(hold.amount->text()).key("currency").string(hold.currency.code());
    out.key("captured").string(hold.captured.text()).key("left").string(hold.left().text());
  }
  if (hold.expires_at) out.key("expires_at").string(hold.expires_at->micros_text());
  write_optional(out, "closed_by", hold.closed_by);
  write_stamps(out, hold);
  out.end_object();
}

void render(JsonWriter &out, const core::PostingResult &result) {
  out.begin_object();
  if (result.hold) {
    out.key("hold");
    render(out, *result.hold);
  }
  out.key("transaction");
  render(out, result.posted.transaction);
  out.key("entries");
  render_array(out, result.posted.entries);
  out.key("replayed").boolean(result.replayed);
  render_warnings(out, result.warnings);
  out.end_object();
}

void render(JsonWriter &out, const core::VelocityLimit &limit) { write_listed(out, limit); }

void render(JsonWriter &out, const core::VelocityControl &control) {
  out.begin_object();
  core::write_fields<AnswerForm>(out, control);
  out.key("enforcement").begin_object().key("action").string(core::word_of(control.action)).end_object();
  out.key("limit_ids").begin_array();
  for (const core::VelocityLimit &limit : control.limits) out.string(limit.id.text());
  out.end_array().end_object();
}

void render(JsonWriter &out, const core::VelocityAttachment &attachment) {
  out.begin_object().key("control_id").string(attachment.control_id.text());
  out.key(attachment.is_set ? "account_set_id" : "account_id").string(attachment.account_id.text());
  out.key("version").integer(attachment.version).key("params").raw(store::kept_json(attachment.params));
  write_stamps(out, attachment);
  out.end_object();
}

void render(JsonWriter &out, const core::VelocityHeadroom &headroom) {
  out.begin_object().key("control_id").string(headroom.control_id.text());
  out.key("limit_id").string(headroom.limit_id.text()).key("account_id").string(headroom.account_id.text());
  write_optional(out, "journal_id", headroom.journal_id);
  if (headroom.currency) out.key("currency").string(headroom.currency->code());
  if (headroom.window) out.key("window").raw(store::kept_json(*headroom.window));
  out.key("layer").string(core::text_of(headroom.layer)).key("direction").string(core::text_of(headroom.direction));
  out.key("basis").string(core::word_of(headroom.basis)).key("limit").string(headroom.limit.text());
  out.key("current").string(headroom.current.text()).key("left").string(headroom.left.text());
  out.key("enforcement").string(core::word_of(headroom.action)).key("active").boolean(headroom.active).end_object();
}

}  // namespace cala::engine
