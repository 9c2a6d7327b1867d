// Account: something that holds balances. A plain value; rules about it are in this folder, storage is elsewhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "core/account/floors.h"
#include "core/fields.h"
#include "core/values.h"

namespace cala::core {

struct Account {
  base::Uuid id;
  std::int64_t version = 1;
  std::string code;
  std::string name;
  std::optional<std::string> external_id;
  Direction normal_balance_type = Direction::kCredit;
  LockStatus status = LockStatus::kActive;
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON text
  BalanceRollup balance_rollup = BalanceRollup::kSynchronous;
  bool is_set = false;
  Floors floors{};
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

// A set that an account is in, at whatever depth: its balance moves with the account's.
struct SetAbove {
  base::Uuid id;
  base::Uuid journal_id;  // only entries of this journal move it
  bool at_once{true};     // false: its balance follows, by the roll-up
};

// The velocity controls attached to an account or a set, and what their expressions may ask of it.
struct AttachedControls {
  std::string name;
  std::optional<std::string> external_id;
  Direction normal_balance_type = Direction::kCredit;
  std::optional<std::string> metadata;  // JSON text
  std::vector<std::string> frozen;      // core/velocity/frozen.h
};

// What a posting asks of an account.
struct AccountState {
  base::Uuid id;
  LockStatus status = LockStatus::kActive;
  bool is_set = false;
  std::vector<SetAbove> sets{};
  std::shared_ptr<const AttachedControls> controls{};  // null where none is attached
  Direction normal_balance_type = Direction::kCredit;
  std::shared_ptr<const Floors> floors{};  // null where there are none
};

template <>
struct Fields<Account> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &Account::id, kId);
    visit("version", &Account::version, kKept);
    visit("code", &Account::code, kNamed);
    visit("name", &Account::name, kNamed);
    visit("external_id", &Account::external_id, kChanges);
    visit("normal_balance_type", &Account::normal_balance_type, kChanges);
    visit("status", &Account::status, kGiven);
    visit("description", &Account::description, kChanges);
    visit("metadata", &Account::metadata, kJsonText);
    visit("balance_rollup", &Account::balance_rollup, kGiven);
    visit("is_set", &Account::is_set, kHidden);
    visit("floors", &Account::floors, kChanges);
    visit("created_at", &Account::created_at, kKept);
    visit("modified_at", &Account::modified_at, kKept);
  }
};

}  // namespace cala::core
