#include "store/rows.h"

#include <optional>

#include "store/row_reader.h"

namespace cala::store {

namespace {

using base::Error;
using base::JsonView;
using base::JsonWriter;
using base::Result;
using base::Timestamp;
using base::Uuid;

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
