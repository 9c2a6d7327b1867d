// The ledger's boundary: results of expressions as the types that entries, transactions and limits need.
#include <algorithm>

#include "base/utf8.h"
#include "cel/cel.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

base::Error refused(std::string_view wanted, const Value &value) {
  std::string message = "the result is ";
  message += value.is(Kind::kNull) ? std::string_view("null") : kind_type_name(value.kind());
  message += ", where ";
  message += wanted;
  message += " is needed";
  return base::make_error(base::Status::kInvalid, "cel.coerce", std::move(message));
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  const std::string_view shown = base::utf8_prefix(text, kLongest);
  return "'" + std::string(shown) + (shown.size() < text.size() ? "...'" : "'");
}

base::Result<std::string_view> one_of(const Value &value, std::string_view what,
                                      std::span<const std::string_view> words) {
  if (!value.is(Kind::kString)) return refused(what, value);
  const auto found = std::find(words.begin(), words.end(), value.as_text());
  if (found != words.end()) return *found;
  std::string message = quoted(value.as_text()) + " is not " + std::string(what) + ": it is one of";
  for (const std::string_view word : words) message += (word == words.front() ? " " : ", ") + std::string(word);
  return base::make_error(base::Status::kInvalid, "cel.coerce", std::move(message));
}

constexpr std::string_view kLayerWords[] = {"SETTLED", "PENDING", "ENCUMBRANCE"};
constexpr std::string_view kDirectionWords[] = {"DEBIT", "CREDIT"};

}  // namespace

base::Result<base::Uuid> to_uuid(const Value &value) {
  if (!value.is(Kind::kUuid)) return refused("a uuid", value);
  return value.as_uuid();
}

base::Outcome check_storable(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return base::make_error(base::Status::kInvalid, "cel.coerce", "the text has the character U+0000 in it");
  }
  if (!base::is_valid_utf8(text))
    return base::make_error(base::Status::kInvalid, "cel.coerce", "the text is not valid UTF-8");
  return {};
}

base::Result<std::string_view> to_string(const Value &value) {
  if (!value.is(Kind::kString)) return refused("a string", value);
  if (auto storable = check_storable(value.as_text()); !storable) return std::move(storable.error());
  return value.as_text();
}

base::Result<std::int64_t> to_integer(const Value &value) {
  if (value.is(Kind::kInt)) return value.as_int();
  if (value.is(Kind::kUint) && value.as_uint() <= static_cast<std::uint64_t>(INT64_MAX))
    return static_cast<std::int64_t>(value.as_uint());
  return refused("an int", value);
}

base::Result<Decimal> to_decimal(const Value &value) {
  Decimal out;
  if (!to_exact(value, out)) return refused("a decimal", value);
  return out;
}

base::Result<base::Date> to_date(const Value &value) {
  if (value.is(Kind::kDate)) return value.as_date();
  if (value.is(Kind::kTimestamp)) return value.as_timestamp().date();
  return refused("a date", value);
}

base::Result<base::Timestamp> to_timestamp(const Value &value) {
  if (value.is(Kind::kDate) || value.is(Kind::kTimestamp)) return midnight(value);
  return refused("a timestamp", value);
}

base::Result<bool> to_bool(const Value &value) {
  if (!value.is(Kind::kBool)) return refused("a bool", value);
  return value.as_bool();
}

base::Result<Currency> to_currency(const Value &value) {
  if (!value.is(Kind::kString)) return refused("a currency code", value);
  if (const auto known = Currency::parse(value.as_text())) return *known;
  base::Error error = base::make_error(base::Status::kInvalid, "currency.unknown",
                                       quoted(value.as_text()) + " is not a known currency code");
  base::JsonWriter details;
  error.details =
      details.begin_object().key("currency").string(base::utf8_prefix(value.as_text(), 16)).end_object().take();
  if (!base::is_valid_utf8(error.details)) error.details.clear();
  return error;
}

base::Result<std::string_view> to_layer(const Value &value) { return one_of(value, "a layer", kLayerWords); }
base::Result<std::string_view> to_direction(const Value &value) {
  return one_of(value, "a direction", kDirectionWords);
}

}  // namespace cala::cel
