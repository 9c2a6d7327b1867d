#include "core/balance/balance.h"

#include <string>

namespace cala::core {

namespace {

base::Error out_of_range(const Balance &balance, const Entry &entry) {
  base::Error error = base::make_error(base::Status::kInvalid, "amount.range",
                                       "the " + std::string(text_of(entry.layer)) + " balance of account " +
                                           balance.key.account_id.text() + " in " + std::string(entry.currency.code()) +
                                           " would need more than 38 digits");
  error.details = "{\"account_id\":\"" + balance.key.account_id.text() + "\",\"currency\":\"" +
                  std::string(entry.currency.code()) + "\",\"layer\":\"" + std::string(text_of(entry.layer)) + "\"}";
  return error;
}

}  // namespace

Balance empty_balance(const BalanceKey &key, base::Timestamp now) {
  Balance balance;
  balance.key = key;
  balance.created_at = now;
  balance.modified_at = now;
  for (LayerAmounts &layer : balance.layers) layer.modified_at = now;
  return balance;
}

base::Outcome fold(Balance &balance, const Entry &entry) {
  LayerAmounts &layer = balance.layers[static_cast<std::size_t>(entry.layer)];
  Decimal &side = entry.direction == Direction::kDebit ? layer.debit : layer.credit;
  const std::optional<Decimal> sum = Decimal::add(side, entry.units);
  if (!sum) return out_of_range(balance, entry);
  side = *sum;
  // What is shown must fit as well; the normal balance type only changes its sign.
  if (!available(balance, Layer::kEncumbrance, Direction::kCredit)) return out_of_range(balance, entry);
  layer.entry_id = entry.id;
  layer.modified_at = entry.created_at;
  balance.version += 1;
  balance.entry_id = entry.id;
  balance.modified_at = entry.created_at;
  return {};
}

std::optional<Decimal> net(const LayerAmounts &layer, Direction normal_balance_type) {
  return normal_balance_type == Direction::kCredit ? Decimal::sub(layer.credit, layer.debit)
                                                   : Decimal::sub(layer.debit, layer.credit);
}

std::optional<Decimal> available(const Balance &balance, Layer upto, Direction normal_balance_type) {
  Decimal total;
  for (const Layer layer : kLayers) {
    const std::optional<Decimal> part = net(balance.layers[static_cast<std::size_t>(layer)], normal_balance_type);
    if (!part) return std::nullopt;
    const std::optional<Decimal> sum = Decimal::add(total, *part);
    if (!sum) return std::nullopt;
    total = *sum;
    if (layer == upto) break;
  }
  return total;
}

}  // namespace cala::core
