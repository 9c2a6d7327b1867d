// AccountSet: accounts and other sets under one name, in one journal, with balances of its own. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/uuid.h"
#include "core/account/floors.h"
#include "core/values.h"

namespace cala::core {

struct AccountSet {
  base::Uuid id;
  std::int64_t version = 1;
  base::Uuid journal_id;
  std::string name;
  std::optional<std::string> external_id;
  Direction normal_balance_type = Direction::kCredit;
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON text
  BalanceRollup balance_rollup = BalanceRollup::kSynchronous;
  Floors floors{};
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

}  // namespace cala::core
