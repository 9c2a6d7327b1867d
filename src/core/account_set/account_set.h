// AccountSet: accounts and other sets under one name, in one journal, with balances of its own. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/uuid.h"
#include "core/account/floors.h"
#include "core/fields.h"
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

template <>
struct Fields<AccountSet> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &AccountSet::id, kId);
    visit("version", &AccountSet::version, kKept);
    visit("journal_id", &AccountSet::journal_id, kGiven);
    visit("name", &AccountSet::name, kNamed);
    visit("external_id", &AccountSet::external_id, kChanges);
    visit("normal_balance_type", &AccountSet::normal_balance_type, kChanges);
    visit("description", &AccountSet::description, kChanges);
    visit("metadata", &AccountSet::metadata, kJsonText);
    visit("balance_rollup", &AccountSet::balance_rollup, kGiven);
    visit("floors", &AccountSet::floors, kChanges);
    visit("created_at", &AccountSet::created_at, kKept);
    visit("modified_at", &AccountSet::modified_at, kKept);
  }
};

}  // namespace cala::core
