// DatedTotal: the sums of many days added up exactly, whatever they are on the way: negated amounts may make a part of
// them pass 38 digits that the whole does not. Pure.
#pragma once

#include <array>
#include <optional>

#include "core/balance/effective.h"
#include "values/decimal_sum.h"

namespace cala::core {

class DatedTotal {
 public:
  // Of other days than those before, in any order.
  void add(const DatedSums &more);
  // nullopt past 38 digits.
  std::optional<DatedSums> sums() const;

 private:
  struct Side {
    values::DecimalSum debit;
    values::DecimalSum credit;
  };
  DatedSums last_;  // but for the amounts
  std::array<Side, kLayerCount> layers_;
};

}  // namespace cala::core
