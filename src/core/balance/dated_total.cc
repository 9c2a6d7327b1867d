#include "core/balance/dated_total.h"

namespace cala::core {

void DatedTotal::add(const DatedSums &more) {
  DatedSums without = more;
  for (std::size_t i = 0; i < kLayerCount; ++i) {
    layers_[i].debit.add(more.layers[i].debit);
    layers_[i].credit.add(more.layers[i].credit);
    without.layers[i].debit = without.layers[i].credit = Decimal{};
  }
  merge(last_, without);
}

std::optional<DatedSums> DatedTotal::sums() const {
  DatedSums out = last_;
  for (std::size_t i = 0; i < kLayerCount; ++i) {
    const std::optional<Decimal> debit = layers_[i].debit.value();
    const std::optional<Decimal> credit = layers_[i].credit.value();
    if (!debit || !credit) return std::nullopt;
    out.layers[i].debit = *debit;
    out.layers[i].credit = *credit;
  }
  const Balance shown = balance_of(BalanceKey{}, out, base::Timestamp{});
  if (!available(shown, Layer::kEncumbrance, Direction::kCredit)) return std::nullopt;
  return out;
}

}  // namespace cala::core
