// Rendering: the ledger's values as the API's documents. The one place that knows the shape of an answer.
#pragma once

#include <string>
#include <vector>

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
#include "core/velocity/headroom.h"
#include "core/velocity/velocity.h"

namespace cala::engine {

// A balance with the sign in which it is shown.
struct ShownBalance {
  core::Balance balance;
  core::Direction normal_balance_type = core::Direction::kCredit;
};

// A balance at the end of a day.
struct DatedBalance {
  ShownBalance shown;
  base::Date effective;
};

// What a balance's entries up to a day, or of some days, add up to.
struct ShownSums {
  core::DatedSums sums;
  core::Direction normal_balance_type = core::Direction::kCredit;
};

void render(base::JsonWriter &out, const core::Account &account);
void render(base::JsonWriter &out, const core::AccountSet &set);
void render(base::JsonWriter &out, const core::Journal &journal);
void render(base::JsonWriter &out, const core::TxTemplate &tx_template);
void render(base::JsonWriter &out, const core::Transaction &transaction);
void render(base::JsonWriter &out, const core::Entry &entry);
void render(base::JsonWriter &out, const ShownBalance &balance);
void render(base::JsonWriter &out, const DatedBalance &balance);
void render(base::JsonWriter &out, const ShownSums &sums);
void render(base::JsonWriter &out, const core::Hold &hold);
void render(base::JsonWriter &out, const core::PostingResult &result);
void render_warnings(base::JsonWriter &out, const std::vector<core::VelocityWarning> &warnings);  // if there are any
void render(base::JsonWriter &out, const core::VelocityLimit &limit);
void render(base::JsonWriter &out, const core::VelocityControl &control);
void render(base::JsonWriter &out, const core::VelocityAttachment &attachment);
void render(base::JsonWriter &out, const core::VelocityHeadroom &headroom);

template <typename T>
void render_array(base::JsonWriter &out, const std::vector<T> &items) {
  out.begin_array();
  for (const T &item : items) render(out, item);
  out.end_array();
}

}  // namespace cala::engine
