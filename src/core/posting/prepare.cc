#include "core/posting/prepare.h"

#include <string>
#include <utility>

namespace cala::core {

namespace {

using base::Error;
using base::JsonView;
using base::Outcome;
using base::Result;
using cel::ProgramPtr;

// Evaluates a template's expressions against the params and keeps the first error.
class FieldReader {
 public:
  FieldReader(const cel::Bindings &bindings, cel::Arena &arena) : bindings_(bindings), arena_(arena) {}

  template <typename T, typename Coerce>
  void read(const ProgramPtr &program, const char *field, Coerce coerce, T &out) {
    if (error_ || !program) return;
    Result<cel::Value> value = cel::evaluate(*program, bindings_, arena_);
    if (!value) return fail(std::move(value.error()), field);
    auto result = coerce(*value);
    if (!result) return fail(std::move(result.error()), field);
    out = T(*result);
  }
  // An optional text: null is none.
  void read_text(const ProgramPtr &program, const char *field, std::optional<std::string> &out) {
    if (error_ || !program) return;
    Result<cel::Value> value = cel::evaluate(*program, bindings_, arena_);
    if (!value) return fail(std::move(value.error()), field);
    if (value->is(cel::Kind::kNull)) return;
    Result<std::string_view> text = cel::to_string(*value);
    if (!text) return fail(std::move(text.error()), field);
    out = std::string(*text);
  }
  // An optional amount: null is none.
  void read_amount(const ProgramPtr &program, const char *field, std::optional<Decimal> &out) {
    if (error_ || !program) return;
    Result<cel::Value> value = cel::evaluate(*program, bindings_, arena_);
    if (!value) return fail(std::move(value.error()), field);
    if (value->is(cel::Kind::kNull)) return;
    Result<Decimal> amount = cel::to_decimal(*value);
    if (!amount) return fail(std::move(amount.error()), field);
    out = *amount;
  }
  // Optional metadata, as JSON text: null is none.
  void read_json(const ProgramPtr &program, const char *field, std::optional<std::string> &out) {
    if (error_ || !program) return;
    Result<cel::Value> value = cel::evaluate(*program, bindings_, arena_);
    if (!value) return fail(std::move(value.error()), field);
    if (value->is(cel::Kind::kNull)) return;
    std::string text;
    if (Outcome converted = cel::to_json(*value, text); !converted) return fail(std::move(converted.error()), field);
    out = std::move(text);
  }

  void in_entry(std::size_t index) { entry_ = static_cast<std::int64_t>(index); }
  void in_transaction() { entry_ = -1; }
  bool failed() const { return error_ != nullptr; }
  Error take_error() { return std::move(*error_); }

 private:
  void fail(Error error, const char *field) {
    const std::string at = entry_ < 0 ? "/transaction/" : "/entries/" + std::to_string(entry_) + "/";
    error_ = std::make_unique<Error>(with_pointer(std::move(error), at + field));
  }

  cel::Bindings bindings_;
  cel::Arena &arena_;
  std::int64_t entry_ = -1;
  std::unique_ptr<Error> error_;
};

Layer layer_of(std::string_view upper) { return parse_layer(upper).value_or(Layer::kSettled); }

void read_entry(FieldReader &reader, const CompiledTxTemplate::Entry &source, Entry &entry) {
  std::string layer;
  std::string direction;
  reader.read(source.account_id, "account_id", cel::to_uuid, entry.account_id);
  reader.read(source.entry_type, "entry_type", cel::to_string, entry.entry_type);
  reader.read(source.layer, "layer", cel::to_layer, layer);
  reader.read(source.units, "units", cel::to_decimal, entry.units);
  reader.read(source.currency, "currency", cel::to_currency, entry.currency);
  reader.read(source.direction, "direction", cel::to_direction, direction);
  reader.read_text(source.description, "description", entry.description);
  reader.read_json(source.metadata, "metadata", entry.metadata);
  entry.layer = layer_of(layer);
  entry.direction = parse_direction(direction).value_or(Direction::kCredit);
}

struct Side {
  Currency currency;
  Layer layer;
  Decimal debit;
  Decimal credit;
};

Error unbalanced(const Side &side) {
  const std::string currency(side.currency.code());
  const std::string layer(text_of(side.layer));
  Error error = base::make_error(base::Status::kRejected, "posting.unbalanced",
                                 "debits and credits differ in " + currency + ", " + layer + ": debit " +
                                     side.debit.text() + ", credit " + side.credit.text());
  base::JsonWriter details;
  details.begin_object().key("currency").string(currency).key("layer").string(layer);
  details.key("debit").string(side.debit.text()).key("credit").string(side.credit.text()).end_object();
  error.details = details.take();
  return error;
}

Side &side_of(std::vector<Side> &sides, const Entry &entry) {
  for (Side &side : sides) {
    if (side.currency == entry.currency && side.layer == entry.layer) return side;
  }
  return sides.emplace_back(Side{entry.currency, entry.layer, {}, {}});
}

}  // namespace

Outcome check_balanced(const std::vector<Entry> &entries) {
  std::vector<Side> sides;
  for (const Entry &entry : entries) {
    Side &side = side_of(sides, entry);
    Decimal &sum = entry.direction == Direction::kDebit ? side.debit : side.credit;
    const std::optional<Decimal> total = Decimal::add(sum, entry.units);
    if (!total) {
      return base::make_error(base::Status::kInvalid, "amount.range",
                              "the sum of the posting's units in " + std::string(entry.currency.code()) +
                                  " would need more than 38 digits");
    }
    sum = *total;
  }
  for (const Side &side : sides) {
    if (side.debit != side.credit) return unbalanced(side);
  }
  return {};
}

Result<PostedTransaction> prepare_posting(const CompiledTxTemplate &tx_template, JsonView params,
                                          const base::Uuid &transaction_id, base::Timestamp now) {
  cel::Arena arena;
  cel::Shared shared;
  cel::Bindings bindings;
  bindings.now = now;
  bindings.shared = &shared;
  Outcome known = refuse_unknown_params(tx_template.params, params, "tx template " + tx_template.source.code);
  if (!known) return std::move(known.error());
  const Result<std::vector<cel::Value>> values =
      bind_params(tx_template.params, tx_template.defaults, params, bindings, arena);
  if (!values) return Error(values.error());
  bindings.params = *values;
  PostedTransaction out;
  Transaction &transaction = out.transaction;
  transaction.id = transaction_id;
  transaction.tx_template_id = tx_template.source.id;
  transaction.tx_template_code = tx_template.source.code;
  transaction.created_at = now;
  transaction.modified_at = now;

  FieldReader reader(bindings, arena);
  reader.read(tx_template.journal_id, "journal_id", cel::to_uuid, transaction.journal_id);
  out.entries.resize(tx_template.entries.size());
  for (std::size_t i = 0; i < out.entries.size(); ++i) {
    Entry &entry = out.entries[i];
    reader.in_entry(i);
    read_entry(reader, tx_template.entries[i], entry);
    entry.transaction_id = transaction_id;
    entry.journal_id = transaction.journal_id;
    entry.sequence = static_cast<std::int32_t>(i + 1);
    entry.created_at = now;
    if (!tx_template.entries[i].min_available && !tx_template.entries[i].max_available) continue;
    EntryFloors floors;
    floors.entry = i;
    reader.read_amount(tx_template.entries[i].min_available, "min_available", floors.min);
    reader.read_amount(tx_template.entries[i].max_available, "max_available", floors.max);
    out.floors.push_back(floors);
  }
  if (reader.failed()) return reader.take_error();
  if (Outcome balanced = check_balanced(out.entries); !balanced) return std::move(balanced.error());

  reader.in_transaction();
  reader.read(tx_template.effective, "effective", cel::to_date, transaction.effective);
  std::optional<std::string> correlation_id;
  reader.read_text(tx_template.correlation_id, "correlation_id", correlation_id);
  reader.read_text(tx_template.external_id, "external_id", transaction.external_id);
  reader.read_text(tx_template.description, "description", transaction.description);
  reader.read_json(tx_template.metadata, "metadata", transaction.metadata);
  if (reader.failed()) return reader.take_error();
  transaction.correlation_id = correlation_id ? std::move(*correlation_id) : transaction_id.text();
  return out;
}

}  // namespace cala::core
