// What is left of the limits at one account or set. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/velocity/frozen.h"
#include "core/velocity/velocity.h"

namespace cala::core {

struct VelocityHeadroom {
  base::Uuid account_id;
  base::Uuid control_id;
  base::Uuid limit_id;
  // What is not known before the first entry is absent.
  std::optional<base::Uuid> journal_id;
  std::optional<Currency> currency;
  std::optional<std::string> window;  // a JSON object
  Layer layer = Layer::kSettled;
  Direction direction = Direction::kDebit;
  VelocityBasis basis = VelocityBasis::kNet;
  Decimal limit;
  Decimal current;
  Decimal left;  // negative where a limit was lowered below what had passed
  VelocityAction action = VelocityAction::kReject;
  bool active = true;  // in force at the instant asked about
};

// balances: those counted at this account for this control, in the order of their keys. asked: only this journal and
// currency. A limit under which nothing was counted yet has one row, too. amount.range past 38 digits.
struct HeadroomFilter {
  std::optional<base::Uuid> journal_id;
  std::optional<Currency> currency;
};
base::Result<std::vector<VelocityHeadroom>> headroom(const base::Uuid &account_id, const FrozenControl &control,
                                                     const std::vector<VelocityBalance> &balances,
                                                     const HeadroomFilter &asked, base::Timestamp now);

}  // namespace cala::core
