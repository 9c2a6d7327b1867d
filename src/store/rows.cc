#include "store/rows.h"

#include <optional>

#include "store/row_fields.h"

namespace cala::store {

namespace {

using base::Error;
using base::JsonView;
using base::JsonWriter;
using base::Result;
using base::Timestamp;
using base::Uuid;

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

template <typename T>
void write_listed(JsonWriter &out, const T &entity) {
  out.begin_object();
  write_fields(out, entity);
  out.end_object();
}

}  // namespace

Result<core::Account> account_of(JsonView row) { return read_row<core::Account>("account", row); }
Result<core::AccountSet> account_set_of(JsonView row) { return read_row<core::AccountSet>("account_set", row); }
Result<core::Journal> journal_of(JsonView row) { return read_row<core::Journal>("journal", row); }
Result<core::TxTemplate> tx_template_of(JsonView row) { return read_row<core::TxTemplate>("tx template", row); }
Result<core::Transaction> transaction_of(JsonView row) { return read_row<core::Transaction>("transaction", row); }
Result<core::Entry> entry_of(JsonView row) { return read_row<core::Entry>("entry", row); }

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

void write_row(JsonWriter &out, const core::Account &account) { write_listed(out, account); }
// A row of an account, with what an account has and a set has not.
void write_row(JsonWriter &out, const core::AccountSet &set) {
  out.begin_object();
  write_fields(out, set);
  out.key("code").string(set.id.text()).key("is_set").boolean(true);
  out.key("status").string(core::text_of(core::LockStatus::kActive)).end_object();
}

void write_row(JsonWriter &out, const core::Journal &journal) { write_listed(out, journal); }
void write_row(JsonWriter &out, const core::TxTemplate &tx_template) { write_listed(out, tx_template); }
void write_row(JsonWriter &out, const core::Transaction &transaction) { write_listed(out, transaction); }
void write_row(JsonWriter &out, const core::Entry &entry) { write_listed(out, entry); }
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
  out.key("created_at").integer(balance.created_at.micros());
  out.key("modified_at").integer(balance.modified_at.micros());
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
