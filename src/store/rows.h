// Rows in documents: the one place that reads and writes the JSON rows that store/port.h describes. Pure; shared by both stores
// and by the engine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/account/account.h"
#include "core/account_set/account_set.h"
#include "core/balance/balance.h"
#include "core/journal/journal.h"
#include "core/posting/transaction.h"
#include "core/tx_template/tx_template.h"

namespace cala::store {

// Reading: "store.corrupt" (kInternal) when a row is not what a store of ours writes.
base::Result<core::Account> account_of(base::JsonView row);
base::Result<core::AccountSet> account_set_of(base::JsonView row);  // a row of an account
base::Result<core::Journal> journal_of(base::JsonView row);
base::Result<core::TxTemplate> tx_template_of(base::JsonView row);
base::Result<core::Transaction> transaction_of(base::JsonView row);
base::Result<core::Entry> entry_of(base::JsonView row);
base::Result<core::Balance> balance_of(base::JsonView row);

// Writing one row at the writer's place.
void write_row(base::JsonWriter &out, const core::Account &account);
void write_row(base::JsonWriter &out, const core::AccountSet &set);
void write_row(base::JsonWriter &out, const core::Journal &journal);
void write_row(base::JsonWriter &out, const core::TxTemplate &tx_template);
void write_row(base::JsonWriter &out, const core::Transaction &transaction);
void write_row(base::JsonWriter &out, const core::Entry &entry);
void write_row(base::JsonWriter &out, const core::Balance &balance);
// The layers of a balance: [[debit, credit, entry_id|null, modified_at], x3].
void write_layers(base::JsonWriter &out, const core::Balance &balance);

}  // namespace cala::store
