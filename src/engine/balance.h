// What the operations on balances share.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "core/balance/balance.h"
#include "core/balance/effective.h"
#include "engine/operation.h"

namespace cala::engine {

// The key's members, into an open object.
void write_key(base::JsonWriter &out, const core::BalanceKey &key);
// kNotFound "balance.not_found". when: "", or a phrase after a space.
base::Error balance_not_found(const core::BalanceKey &key, const char *when);

// What the store told of a balance by effective date: what it was before a range of dates, and at its end.
struct DatedRow {
  core::BalanceKey key;
  base::Timestamp created_at;
  core::Direction normal_balance_type = core::Direction::kCredit;
  core::DatedSums open;
  core::DatedSums close;
};

base::Date first_date();
base::Date last_date();
// kRejected "journal.no_effective_balances".
base::Error no_effective_balances(const base::Uuid &journal_id);
// A cut as the store takes it, null without a date.
void write_cut(base::JsonWriter &out, std::string_view key, std::optional<base::Date> date);
store::Call read_dated(const core::BalanceKey &key, std::optional<base::Date> open, base::Date close);
// None where nothing had come by the close.
base::Result<std::optional<DatedRow>> dated_row(base::Result<store::Answer> answer, const core::BalanceKey &key);

// balance_at by effective date.
OperationPtr balance_at_effective(const core::BalanceKey &key, base::Date effective);

}  // namespace cala::engine
