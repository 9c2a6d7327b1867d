// DecimalSum: many decimals added up exactly, whatever the sum is on the way; only the end must fit into a Decimal. A
// plain value.
#pragma once

#include <optional>

#include "values/decimal.h"
#include "values/wide.h"

namespace cala::values {

class DecimalSum {
 public:
  void add(const Decimal &value);
  // Its scale is the greatest of what was added; trailing zeros are given up only to fit. nullopt where it needs more
  // than 38 digits.
  std::optional<Decimal> value() const;

 private:
  Wide above_;  // of what is positive, with this scale; and below_ of what is negative
  Wide below_;
  int scale_ = 0;
  bool lost_ = false;  // more than can be counted with
};

}  // namespace cala::values
