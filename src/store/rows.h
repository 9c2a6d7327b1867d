// Rows in documents: the one place that reads and writes the JSON rows that store/port.h describes, in rows.cc and,
// where they are of velocity limits or holds, in velocity_rows.cc and hold_rows.cc. Pure; shared by both stores and by
// the engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/account/account.h"
#include "core/account_set/account_set.h"
#include "core/balance/balance.h"
#include "core/balance/effective.h"
#include "core/hold/hold.h"
#include "core/journal/journal.h"
#include "core/posting/batch.h"
#include "core/posting/transaction.h"
#include "core/tx_template/tx_template.h"
#include "core/velocity/velocity.h"

namespace cala::store {

// Reading: "store.corrupt" (kInternal) when a row is not what a store of ours writes.
base::Result<core::Account> account_of(base::JsonView row);
base::Result<core::AccountSet> account_set_of(base::JsonView row);  // a row of an account
base::Result<core::Journal> journal_of(base::JsonView row);
base::Result<core::TxTemplate> tx_template_of(base::JsonView row);
base::Result<core::Transaction> transaction_of(base::JsonView row);
base::Result<core::Entry> entry_of(base::JsonView row);
base::Result<core::Balance> balance_of(base::JsonView row);
base::Result<core::Hold> hold_of(base::JsonView row);
base::Result<core::VelocityLimit> velocity_limit_of(base::JsonView row);
base::Result<core::VelocityControl> velocity_control_of(base::JsonView row);
base::Result<core::VelocityAttachment> velocity_attachment_of(base::JsonView row);
base::Result<core::VelocityBalance> velocity_balance_of(base::JsonView row);

// {id, name, external_id, normal_balance_type, metadata, controls: [frozen text]}: what is attached to an account.
base::Result<std::shared_ptr<const core::AttachedControls>> attached_controls_of(base::JsonView row);
// Such rows, each handed to its account.
base::Outcome read_attached_controls(base::JsonView rows, std::vector<core::AccountState> &accounts);
base::Result<core::DatedSums> sums_of(base::JsonView row);
// [account_id, journal_id, currency, level, start, sums]
base::Result<core::Bucket> bucket_of(base::JsonView row);

// Writing one row at the writer's place.
void write_row(base::JsonWriter &out, const core::Account &account);
void write_row(base::JsonWriter &out, const core::AccountSet &set);
void write_row(base::JsonWriter &out, const core::Journal &journal);
void write_row(base::JsonWriter &out, const core::TxTemplate &tx_template);
void write_row(base::JsonWriter &out, const core::Transaction &transaction);
void write_row(base::JsonWriter &out, const core::Entry &entry);
void write_row(base::JsonWriter &out, const core::Balance &balance);
void write_row(base::JsonWriter &out, const core::VelocityLimit &limit);
void write_row(base::JsonWriter &out, const core::VelocityControl &control);
void write_row(base::JsonWriter &out, const core::VelocityAttachment &attachment);
// old_version: what was read, 0 for a new one.
void write_row(base::JsonWriter &out, const core::VelocityBalance &balance, std::int64_t old_version);
// What velocity limits have counted, as an array of rows with old_version; empty where there is nothing to write.
std::string velocity_rows(const core::BatchWrite &write);
// The holds that are made, captured or released, as an array of rows with old_version and accounts; empty where there
// is none.
void write_row(base::JsonWriter &out, const core::HoldWrite &write);
std::string hold_rows(const core::BatchWrite &write);
// The payload of each transaction's event, by index: {warnings: [...]}; empty where no transaction has any.
std::vector<std::string> warning_payloads(const core::BatchWrite &write);
void write_row(base::JsonWriter &out, const core::DatedSums &sums);
// The layers of a balance: [[debit, credit, entry_id|null, modified_at], x3].
void write_layers(base::JsonWriter &out, const core::Balance &balance);

}  // namespace cala::store
