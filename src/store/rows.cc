#include "store/rows.h"

#include <optional>

#include "cel/cel.h"

namespace cala::store {

namespace {

using base::Error;
using base::JsonView;
using base::JsonWriter;
using base::Result;
using base::Timestamp;
using base::Uuid;

// Reads the members of one row and remembers the first that is not what it should be.
class RowReader {
 public:
  RowReader(std::string_view what, JsonView row) : what_(what), row_(row) {
    if (!row.present() || !row.is_object()) fail("(row)");
  }

  Uuid uuid(std::string_view key) {
    const std::optional<Uuid> id = Uuid::parse(row_.get(key).string());
    if (!id) fail(key);
    return id.value_or(Uuid{});
  }
  std::optional<Uuid> optional_uuid(std::string_view key) {
    if (is_absent(key)) return std::nullopt;
    return uuid(key);
  }
  std::string text(std::string_view key) {
    const JsonView value = row_.get(key);
    if (!value.present() || !value.is_string()) fail(key);
    return std::string(value.present() ? value.string() : std::string_view());
  }
  std::optional<std::string> optional_text(std::string_view key) {
    if (is_absent(key)) return std::nullopt;
    return text(key);
  }
  std::int64_t integer(std::string_view key) {
    const JsonView value = row_.get(key);
    const std::optional<std::int64_t> number = value.present() ? value.integer() : std::nullopt;
    if (!number) fail(key);
    return number.value_or(0);
  }
  // SQLite has no booleans: 0 and 1 will do.
  bool boolean(std::string_view key) {
    const JsonView value = row_.get(key);
    if (value.present() && value.is_bool()) return value.boolean();
    return integer(key) != 0;
  }
  Timestamp instant(std::string_view key) { return Timestamp::from_micros(integer(key)); }
  template <typename T, typename Parse>
  T parsed(std::string_view key, Parse parse) {
    const auto value = parse(row_.get(key).present() ? row_.get(key).string() : std::string_view());
    if (!value) fail(key);
    return value ? *value : T{};
  }
  core::Floors floors(std::string_view key) {
    if (is_absent(key)) return {};
    return parsed<core::Floors>(key, core::Floors::parse_text);
  }
  JsonView member(std::string_view key) const { return row_.get(key); }

  void fail(std::string_view key) {
    if (bad_.empty()) bad_ = key;
  }
  bool failed() const { return !bad_.empty(); }
  Error error() const {
    return base::make_error(base::Status::kInternal, "store.corrupt",
                            "the store gave a " + what_ + " whose \"" + bad_ + "\" is not as this library writes it");
  }

 private:
  bool is_absent(std::string_view key) const {
    const JsonView value = row_.get(key);
    return !value.present() || value.is_null();
  }

  std::string what_;
  JsonView row_;
  std::string bad_;
};

template <typename T>
Result<T> finish(RowReader &reader, T value) {
  if (reader.failed()) return reader.error();
  return value;
}

void write_optional(JsonWriter &out, std::string_view key, const std::optional<std::string> &value) {
  if (value) out.key(key).string(*value);
}

void write_optional(JsonWriter &out, std::string_view key, const std::optional<Uuid> &value) {
  if (value) out.key(key).string(value->text());
}

void write_stamps(JsonWriter &out, Timestamp created_at, Timestamp modified_at) {
  out.key("created_at").integer(created_at.micros()).key("modified_at").integer(modified_at.micros());
}

void read_params(RowReader &row, std::vector<core::TxTemplateParam> &out) {
  for (const JsonView item : row.member("params")) {
    RowReader reader("tx_template", item);
    core::TxTemplateParam param;
    param.name = reader.text("name");
    param.type = reader.parsed<core::ParamType>("type", cel::parse_param_type);
    param.default_expr = reader.optional_text("default");
    param.min = reader.optional_text("min");
    param.max = reader.optional_text("max");
    param.description = reader.optional_text("description");
    if (reader.failed()) row.fail("params");
    out.push_back(std::move(param));
  }
}

void read_template_transaction(RowReader &row, core::TxTemplateTransaction &out) {
  RowReader reader("tx_template", row.member("transaction"));
  if (!reader.failed()) {
    out.effective = reader.text("effective");
    out.journal_id = reader.text("journal_id");
    out.correlation_id = reader.optional_text("correlation_id");
    out.external_id = reader.optional_text("external_id");
    out.description = reader.optional_text("description");
    out.metadata = reader.optional_text("metadata");
  }
  if (reader.failed()) row.fail("transaction");
}

void read_template_entries(RowReader &row, std::vector<core::TxTemplateEntry> &out) {
  for (const JsonView item : row.member("entries")) {
    RowReader reader("tx_template", item);
    core::TxTemplateEntry entry;
    entry.entry_type = reader.text("entry_type");
    entry.account_id = reader.text("account_id");
    entry.layer = reader.text("layer");
    entry.direction = reader.text("direction");
    entry.units = reader.text("units");
    entry.currency = reader.text("currency");
    entry.description = reader.optional_text("description");
    entry.metadata = reader.optional_text("metadata");
    entry.min_available = reader.optional_text("min_available");
    entry.max_available = reader.optional_text("max_available");
    if (reader.failed()) row.fail("entries");
    out.push_back(std::move(entry));
  }
}

void read_layers(RowReader &row, core::Balance &balance) {
  std::size_t index = 0;
  for (const JsonView item : row.member("layers")) {
    if (index >= core::kLayerCount || !item.is_array()) return row.fail("layers");
    const JsonView debit = item.first();
    const JsonView credit = debit ? debit.next() : JsonView();
    const JsonView entry = credit ? credit.next() : JsonView();
    const JsonView modified = entry ? entry.next() : JsonView();
    if (!modified) return row.fail("layers");
    const auto debit_amount = core::Decimal::parse(debit.string());
    const auto credit_amount = core::Decimal::parse(credit.string());
    const auto entry_id = entry.is_null() ? std::optional<Uuid>(Uuid{}) : Uuid::parse(entry.string());
    const auto micros = modified.integer();
    if (!debit_amount || !credit_amount || !entry_id || !micros) return row.fail("layers");
    balance.layers[index++] = {*debit_amount, *credit_amount, *entry_id, Timestamp::from_micros(*micros)};
  }
  if (index != core::kLayerCount) row.fail("layers");
}

// The elements of an array, one after the other. A miss is remembered.
class Cells {
 public:
  explicit Cells(JsonView array) : at_(array.first()) {}

  JsonView take() {
    const JsonView cell = at_;
    if (at_.present()) at_ = at_.next();
    return cell;
  }
  std::int64_t integer() {
    const JsonView cell = take();
    return checked(cell.present() ? cell.integer() : std::nullopt);
  }
  Timestamp instant() { return Timestamp::from_micros(integer()); }
  base::Date date() { return base::Date{static_cast<std::int32_t>(integer())}; }
  Uuid uuid() { return checked(Uuid::parse(text())); }
  core::Decimal decimal() { return checked(core::Decimal::parse(text())); }
  core::Currency currency() { return checked(core::Currency::parse(text())); }
  bool ok() const { return ok_; }

 private:
  std::string_view text() {
    const JsonView cell = take();
    return cell.present() && cell.is_string() ? cell.string() : std::string_view();
  }
  template <typename T>
  T checked(const std::optional<T> &value) {
    if (!value) ok_ = false;
    return value.value_or(T{});
  }

  JsonView at_;
  bool ok_ = true;
};

}  // namespace

Result<core::Account> account_of(JsonView row) {
  RowReader reader("account", row);
  if (reader.failed()) return reader.error();
  core::Account account;
  account.id = reader.uuid("id");
  account.version = reader.integer("version");
  account.code = reader.text("code");
  account.name = reader.text("name");
  account.external_id = reader.optional_text("external_id");
  account.normal_balance_type = reader.parsed<core::Direction>("normal_balance_type", core::parse_direction);
  account.status = reader.parsed<core::LockStatus>("status", core::parse_lock_status);
  account.description = reader.optional_text("description");
  account.metadata = reader.optional_text("metadata");
  account.balance_rollup = reader.parsed<core::BalanceRollup>("balance_rollup", core::parse_balance_rollup);
  account.is_set = reader.boolean("is_set");
  account.floors = reader.floors("floors");
  account.created_at = reader.instant("created_at");
  account.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(account));
}

Result<core::AccountSet> account_set_of(JsonView row) {
  RowReader reader("account_set", row);
  if (reader.failed()) return reader.error();
  core::AccountSet set;
  set.id = reader.uuid("id");
  set.version = reader.integer("version");
  set.journal_id = reader.uuid("journal_id");
  set.name = reader.text("name");
  set.external_id = reader.optional_text("external_id");
  set.normal_balance_type = reader.parsed<core::Direction>("normal_balance_type", core::parse_direction);
  set.description = reader.optional_text("description");
  set.metadata = reader.optional_text("metadata");
  set.balance_rollup = reader.parsed<core::BalanceRollup>("balance_rollup", core::parse_balance_rollup);
  set.floors = reader.floors("floors");
  set.created_at = reader.instant("created_at");
  set.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(set));
}

Result<core::Journal> journal_of(JsonView row) {
  RowReader reader("journal", row);
  if (reader.failed()) return reader.error();
  core::Journal journal;
  journal.id = reader.uuid("id");
  journal.version = reader.integer("version");
  journal.name = reader.text("name");
  journal.code = reader.optional_text("code");
  journal.description = reader.optional_text("description");
  journal.status = reader.parsed<core::LockStatus>("status", core::parse_lock_status);
  journal.effective_balances = reader.boolean("effective_balances");
  Result<core::MaxScale> scale = core::MaxScale::parse(row.get("max_scale"), "/max_scale");
  if (!scale) return std::move(scale.error());
  journal.max_scale = scale.take();
  journal.created_at = reader.instant("created_at");
  journal.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(journal));
}

Result<core::TxTemplate> tx_template_of(JsonView row) {
  RowReader reader("tx template", row);
  if (reader.failed()) return reader.error();
  core::TxTemplate tx_template;
  tx_template.id = reader.uuid("id");
  tx_template.version = reader.integer("version");
  tx_template.code = reader.text("code");
  read_params(reader, tx_template.params);
  read_template_transaction(reader, tx_template.transaction);
  read_template_entries(reader, tx_template.entries);
  tx_template.description = reader.optional_text("description");
  tx_template.metadata = reader.optional_text("metadata");
  tx_template.created_at = reader.instant("created_at");
  tx_template.modified_at = reader.instant("modified_at");
  return finish(reader, std::move(tx_template));
}

Result<core::Transaction> transaction_of(JsonView row) {
  RowReader reader("transaction", row);
  if (reader.failed()) return reader.error();
  core::Transaction transaction;
  transaction.id = reader.uuid("id");
  transaction.journal_id = reader.uuid("journal_id");
  transaction.tx_template_id = reader.uuid("tx_template_id");
  transaction.tx_template_code = reader.text("tx_template_code");
  transaction.effective = base::Date{static_cast<std::int32_t>(reader.integer("effective"))};
  transaction.correlation_id = reader.text("correlation_id");
  transaction.external_id = reader.optional_text("external_id");
  transaction.description = reader.optional_text("description");
  transaction.metadata = reader.optional_text("metadata");
  transaction.void_of = reader.optional_uuid("void_of");
  transaction.voided_by = reader.optional_uuid("voided_by");
  transaction.version = reader.integer("version");
  transaction.created_at = reader.instant("created_at");
  transaction.modified_at = reader.instant("modified_at");
  for (const JsonView item : reader.member("entry_ids")) {
    const std::optional<Uuid> id = Uuid::parse(item.string());
    if (!id) reader.fail("entry_ids");
    transaction.entry_ids.push_back(id.value_or(Uuid{}));
  }
  return finish(reader, std::move(transaction));
}

Result<core::Entry> entry_of(JsonView row) {
  RowReader reader("entry", row);
  if (reader.failed()) return reader.error();
  core::Entry entry;
  entry.id = reader.uuid("id");
  entry.transaction_id = reader.uuid("transaction_id");
  entry.journal_id = reader.uuid("journal_id");
  entry.account_id = reader.uuid("account_id");
  entry.entry_type = reader.text("entry_type");
  entry.sequence = static_cast<std::int32_t>(reader.integer("sequence"));
  entry.layer = reader.parsed<core::Layer>("layer", core::parse_layer);
  entry.direction = reader.parsed<core::Direction>("direction", core::parse_direction);
  entry.units = reader.parsed<core::Decimal>("units", core::Decimal::parse);
  entry.currency = reader.parsed<core::Currency>("currency", core::Currency::parse);
  entry.description = reader.optional_text("description");
  entry.metadata = reader.optional_text("metadata");
  entry.account_version = reader.integer("account_version");
  entry.created_at = reader.instant("created_at");
  return finish(reader, std::move(entry));
}

namespace {

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

void write_params(JsonWriter &out, const std::vector<core::TxTemplateParam> &params) {
  out.begin_array();
  for (const core::TxTemplateParam &param : params) {
    out.begin_object().key("name").string(param.name).key("type").string(cel::param_type_name(param.type));
    write_optional(out, "default", param.default_expr);
    write_optional(out, "min", param.min);
    write_optional(out, "max", param.max);
    write_optional(out, "description", param.description);
    out.end_object();
  }
  out.end_array();
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

Result<core::Balance> balance_of(JsonView row) {
  RowReader reader("balance", row);
  if (reader.failed()) return reader.error();
  core::Balance balance;
  balance.key.account_id = reader.uuid("account_id");
  balance.key.journal_id = reader.uuid("journal_id");
  balance.key.currency = reader.parsed<core::Currency>("currency", core::Currency::parse);
  balance.version = reader.integer("version");
  balance.entry_id = reader.uuid("entry_id");
  balance.created_at = reader.instant("created_at");
  balance.modified_at = reader.instant("modified_at");
  read_layers(reader, balance);
  return finish(reader, std::move(balance));
}

Result<core::DatedSums> sums_of(JsonView row) {
  const Error corrupt =
      base::make_error(base::Status::kInternal, "store.corrupt",
                       "the store gave sums by effective date that are not as this library writes them");
  if (!row.present() || !row.is_array()) return corrupt;
  Cells cells(row);
  core::DatedSums sums;
  sums.entries = cells.integer();
  sums.entry_id = cells.uuid();
  sums.entry_date = cells.date();
  sums.modified_at = cells.instant();
  for (core::DatedSums::Side &layer : sums.layers) {
    const JsonView cell = cells.take();
    if (cell.present() && cell.is_null()) continue;
    if (!cell.present() || !cell.is_array()) return corrupt;
    Cells side(cell);
    layer.debit = side.decimal();
    layer.credit = side.decimal();
    layer.entry_id = side.uuid();
    layer.entry_date = side.date();
    layer.modified_at = side.instant();
    if (!side.ok()) return corrupt;
  }
  if (!cells.ok()) return corrupt;
  return sums;
}

Result<core::Bucket> bucket_of(JsonView row) {
  const Error corrupt =
      base::make_error(base::Status::kInternal, "store.corrupt",
                       "the store gave a bucket by effective date that is not as this library writes it");
  if (!row.present() || !row.is_array()) return corrupt;
  Cells cells(row);
  core::Bucket bucket;
  bucket.key.account_id = cells.uuid();
  bucket.key.journal_id = cells.uuid();
  bucket.key.currency = cells.currency();
  const std::int64_t level = cells.integer();
  bucket.start = cells.date();
  Result<core::DatedSums> sums = sums_of(cells.take());
  if (!sums) return std::move(sums.error());
  bucket.sums = sums.take();
  if (!cells.ok() || level < 0 || level >= static_cast<std::int64_t>(core::kBucketLevels.size())) return corrupt;
  bucket.level = core::kBucketLevels[static_cast<std::size_t>(level)];
  return bucket;
}

void write_row(JsonWriter &out, const core::Account &account) {
  out.begin_object().key("id").string(account.id.text()).key("version").integer(account.version);
  out.key("code").string(account.code).key("name").string(account.name);
  write_optional(out, "external_id", account.external_id);
  out.key("normal_balance_type").string(core::text_of(account.normal_balance_type));
  out.key("status").string(core::text_of(account.status));
  write_optional(out, "description", account.description);
  write_optional(out, "metadata", account.metadata);
  out.key("balance_rollup").string(core::text_of(account.balance_rollup)).key("is_set").boolean(account.is_set);
  write_optional(out, "floors", account.floors.text());
  write_stamps(out, account.created_at, account.modified_at);
  out.end_object();
}

void write_row(JsonWriter &out, const core::AccountSet &set) {
  out.begin_object().key("id").string(set.id.text()).key("version").integer(set.version);
  out.key("code").string(set.id.text()).key("name").string(set.name);
  write_optional(out, "external_id", set.external_id);
  out.key("normal_balance_type").string(core::text_of(set.normal_balance_type));
  out.key("status").string(core::text_of(core::LockStatus::kActive));
  write_optional(out, "description", set.description);
  write_optional(out, "metadata", set.metadata);
  out.key("balance_rollup").string(core::text_of(set.balance_rollup)).key("is_set").boolean(true);
  out.key("journal_id").string(set.journal_id.text());
  write_optional(out, "floors", set.floors.text());
  write_stamps(out, set.created_at, set.modified_at);
  out.end_object();
}

void write_row(JsonWriter &out, const core::Journal &journal) {
  out.begin_object().key("id").string(journal.id.text()).key("version").integer(journal.version);
  out.key("name").string(journal.name);
  write_optional(out, "code", journal.code);
  write_optional(out, "description", journal.description);
  out.key("status").string(core::text_of(journal.status));
  out.key("effective_balances").boolean(journal.effective_balances).key("max_scale");
  journal.max_scale.append_to(out);
  write_stamps(out, journal.created_at, journal.modified_at);
  out.end_object();
}

void write_row(JsonWriter &out, const core::TxTemplate &tx_template) {
  out.begin_object().key("id").string(tx_template.id.text()).key("version").integer(tx_template.version);
  out.key("code").string(tx_template.code).key("params");
  write_params(out, tx_template.params);
  const core::TxTemplateTransaction &transaction = tx_template.transaction;
  out.key("transaction").begin_object();
  out.key("effective").string(transaction.effective).key("journal_id").string(transaction.journal_id);
  write_optional(out, "correlation_id", transaction.correlation_id);
  write_optional(out, "external_id", transaction.external_id);
  write_optional(out, "description", transaction.description);
  write_optional(out, "metadata", transaction.metadata);
  out.end_object().key("entries").begin_array();
  for (const core::TxTemplateEntry &entry : tx_template.entries) {
    out.begin_object().key("entry_type").string(entry.entry_type).key("account_id").string(entry.account_id);
    out.key("layer").string(entry.layer).key("direction").string(entry.direction);
    out.key("units").string(entry.units).key("currency").string(entry.currency);
    write_optional(out, "description", entry.description);
    write_optional(out, "metadata", entry.metadata);
    write_optional(out, "min_available", entry.min_available);
    write_optional(out, "max_available", entry.max_available);
    out.end_object();
  }
  out.end_array();
  write_optional(out, "description", tx_template.description);
  write_optional(out, "metadata", tx_template.metadata);
  write_stamps(out, tx_template.created_at, tx_template.modified_at);
  out.end_object();
}

void write_row(JsonWriter &out, const core::Transaction &transaction) {
  out.begin_object().key("id").string(transaction.id.text());
  out.key("journal_id").string(transaction.journal_id.text());
  out.key("tx_template_id").string(transaction.tx_template_id.text());
  out.key("tx_template_code").string(transaction.tx_template_code);
  out.key("effective").integer(transaction.effective.days);
  out.key("correlation_id").string(transaction.correlation_id);
  write_optional(out, "external_id", transaction.external_id);
  write_optional(out, "description", transaction.description);
  write_optional(out, "metadata", transaction.metadata);
  write_optional(out, "void_of", transaction.void_of);
  write_optional(out, "voided_by", transaction.voided_by);
  out.key("version").integer(transaction.version);
  write_stamps(out, transaction.created_at, transaction.modified_at);
  out.key("entry_ids").begin_array();
  for (const Uuid &id : transaction.entry_ids) out.string(id.text());
  out.end_array().end_object();
}

void write_row(JsonWriter &out, const core::Entry &entry) {
  out.begin_object().key("id").string(entry.id.text());
  out.key("transaction_id").string(entry.transaction_id.text());
  out.key("journal_id").string(entry.journal_id.text()).key("account_id").string(entry.account_id.text());
  out.key("entry_type").string(entry.entry_type).key("sequence").integer(entry.sequence);
  out.key("layer").string(core::text_of(entry.layer)).key("direction").string(core::text_of(entry.direction));
  out.key("units").string(entry.units.text()).key("currency").string(entry.currency.code());
  write_optional(out, "description", entry.description);
  write_optional(out, "metadata", entry.metadata);
  out.key("account_version").integer(entry.account_version);
  out.key("created_at").integer(entry.created_at.micros()).end_object();
}

void write_layers(JsonWriter &out, const core::Balance &balance) {
  out.begin_array();
  for (const core::LayerAmounts &layer : balance.layers) {
    out.begin_array().string(layer.debit.text()).string(layer.credit.text());
    if (layer.entry_id.is_nil()) {
      out.null();
    } else {
      out.string(layer.entry_id.text());
    }
    out.integer(layer.modified_at.micros()).end_array();
  }
  out.end_array();
}

void write_row(JsonWriter &out, const core::Balance &balance) {
  out.begin_object().key("account_id").string(balance.key.account_id.text());
  out.key("journal_id").string(balance.key.journal_id.text());
  out.key("currency").string(balance.key.currency.code()).key("version").integer(balance.version);
  out.key("entry_id").string(balance.entry_id.text());
  write_stamps(out, balance.created_at, balance.modified_at);
  out.key("layers");
  write_layers(out, balance);
  out.end_object();
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

void write_row(JsonWriter &out, const core::DatedSums &sums) {
  out.begin_array().integer(sums.entries).string(sums.entry_id.text()).integer(sums.entry_date.days);
  out.integer(sums.modified_at.micros());
  for (const core::DatedSums::Side &layer : sums.layers) {
    if (layer.entry_id.is_nil()) {
      out.null();
      continue;
    }
    out.begin_array().string(layer.debit.text()).string(layer.credit.text()).string(layer.entry_id.text());
    out.integer(layer.entry_date.days).integer(layer.modified_at.micros()).end_array();
  }
  out.end_array();
}

}  // namespace cala::store
