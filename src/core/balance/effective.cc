#include "core/balance/effective.h"

#include <algorithm>
#include <string>

namespace cala::core {

namespace {

base::Error out_of_range(const Entry &entry) {
  base::Error error = base::make_error(base::Status::kInvalid, "amount.range",
                                       "the " + std::string(text_of(entry.layer)) + " balance of account " +
                                           entry.account_id.text() + " by effective date in " +
                                           std::string(entry.currency.code()) + " would need more than 38 digits");
  error.details = "{\"account_id\":\"" + entry.account_id.text() + "\",\"currency\":\"" +
                  std::string(entry.currency.code()) + "\",\"layer\":\"" + std::string(text_of(entry.layer)) + "\"}";
  return error;
}

// Whether what is shown of the sums fits: the net of all layers.
bool can_be_shown(const DatedSums &sums) {
  return available(balance_of(BalanceKey{}, sums, base::Timestamp{}), Layer::kEncumbrance, Direction::kCredit)
      .has_value();
}

}  // namespace

base::Date bucket_start(BucketLevel level, base::Date date) {
  if (level == BucketLevel::kDay) return date;
  const base::Date::Civil civil = date.civil();
  const std::int32_t month = level == BucketLevel::kMonth ? civil.month : 1;
  return base::Date::from_civil(civil.year, month, 1).value_or(date);
}

DateCut cut_at(base::Date date) {
  return {bucket_start(BucketLevel::kYear, date), bucket_start(BucketLevel::kMonth, date), date};
}

bool DateCut::takes(BucketLevel level, base::Date start) const {
  if (level == BucketLevel::kYear) return start < year;
  if (level == BucketLevel::kMonth) return start >= year && start < month;
  return start >= month && start <= day;
}

std::optional<base::Date> day_before(base::Date date) {
  static const base::Date kFirst = base::Date::from_civil(1, 1, 1).value_or(base::Date{});
  if (date <= kFirst) return std::nullopt;
  return base::Date{date.days - 1};
}

base::Outcome fold(DatedSums &sums, const Entry &entry, base::Date effective) {
  DatedSums::Side &layer = sums.layers[static_cast<std::size_t>(entry.layer)];
  Decimal &side = entry.direction == Direction::kDebit ? layer.debit : layer.credit;
  const std::optional<Decimal> sum = Decimal::add(side, entry.units);
  if (!sum) return out_of_range(entry);
  side = *sum;
  if (!can_be_shown(sums)) return out_of_range(entry);
  if (layer.entry_id.is_nil() || effective >= layer.entry_date) {
    layer.entry_id = entry.id;
    layer.entry_date = effective;
  }
  layer.modified_at = std::max(layer.modified_at, entry.created_at);
  if (sums.entries == 0 || effective >= sums.entry_date) {
    sums.entry_id = entry.id;
    sums.entry_date = effective;
  }
  sums.modified_at = std::max(sums.modified_at, entry.created_at);
  sums.entries += 1;
  return {};
}

bool merge(DatedSums &sums, const DatedSums &more) {
  if (more.entries == 0) return true;
  for (std::size_t i = 0; i < kLayerCount; ++i) {
    DatedSums::Side &into = sums.layers[i];
    const DatedSums::Side &from = more.layers[i];
    const std::optional<Decimal> debit = Decimal::add(into.debit, from.debit);
    const std::optional<Decimal> credit = Decimal::add(into.credit, from.credit);
    if (!debit || !credit) return false;
    into.debit = *debit;
    into.credit = *credit;
    if (from.entry_id.is_nil()) continue;
    if (into.entry_id.is_nil() || from.entry_date >= into.entry_date) {
      into.entry_id = from.entry_id;
      into.entry_date = from.entry_date;
    }
    into.modified_at = std::max(into.modified_at, from.modified_at);
  }
  if (sums.entries == 0 || more.entry_date >= sums.entry_date) {
    sums.entry_id = more.entry_id;
    sums.entry_date = more.entry_date;
  }
  sums.modified_at = std::max(sums.modified_at, more.modified_at);
  sums.entries += more.entries;
  return can_be_shown(sums);
}

std::optional<DatedSums> difference(const DatedSums &close, const DatedSums &open) {
  DatedSums between = close;
  between.entries = close.entries - open.entries;
  for (std::size_t i = 0; i < kLayerCount; ++i) {
    const std::optional<Decimal> debit = Decimal::sub(close.layers[i].debit, open.layers[i].debit);
    const std::optional<Decimal> credit = Decimal::sub(close.layers[i].credit, open.layers[i].credit);
    if (!debit || !credit) return std::nullopt;
    between.layers[i].debit = *debit;
    between.layers[i].credit = *credit;
  }
  if (!can_be_shown(between)) return std::nullopt;
  return between;
}

Balance balance_of(const BalanceKey &key, const DatedSums &sums, base::Timestamp created_at) {
  Balance balance = empty_balance(key, created_at);
  balance.version = sums.entries;
  balance.entry_id = sums.entry_id;
  if (sums.entries > 0) balance.modified_at = sums.modified_at;
  for (std::size_t i = 0; i < kLayerCount; ++i) {
    const DatedSums::Side &from = sums.layers[i];
    LayerAmounts &layer = balance.layers[i];
    layer.debit = from.debit;
    layer.credit = from.credit;
    layer.entry_id = from.entry_id;
    if (!from.entry_id.is_nil()) layer.modified_at = from.modified_at;
  }
  return balance;
}

}  // namespace cala::core
