// Transaction and Entry: what a posting leaves in the ledger, for ever. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "core/fields.h"
#include "core/values.h"

namespace cala::core {

struct Entry {
  base::Uuid id;
  base::Uuid transaction_id;
  base::Uuid journal_id;
  base::Uuid account_id;
  std::string entry_type;
  std::int32_t sequence = 0;  // 1-based within its transaction
  Layer layer = Layer::kSettled;
  Direction direction = Direction::kCredit;
  Decimal units;
  Currency currency;
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON text
  std::int64_t account_version = 0;     // version of the (journal, account, currency) balance after this entry
  base::Timestamp created_at;
};

struct Transaction {
  base::Uuid id;
  base::Uuid journal_id;
  base::Uuid tx_template_id;
  std::string tx_template_code;
  base::Date effective;
  std::string correlation_id;
  std::optional<std::string> external_id;
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON text
  std::optional<base::Uuid> void_of;
  std::optional<base::Uuid> voided_by;
  std::optional<base::Uuid> hold_id;  // of the hold that it made, captured or released (core/hold/hold.h)
  std::int64_t version = 1;
  base::Timestamp created_at;
  base::Timestamp modified_at;
  std::vector<base::Uuid> entry_ids;  // in order of sequence
};

// What its tx template says must stay available, or may be at most, after the posting: of an entry's account, up to the
// entry's layer.
struct EntryFloors {
  std::size_t entry = 0;  // index of PostedTransaction::entries
  std::optional<Decimal> min;
  std::optional<Decimal> max;
};

struct PostedTransaction {
  Transaction transaction;
  std::vector<Entry> entries;
  std::vector<EntryFloors> floors{};  // of one that is being made; not kept
};

template <>
struct Fields<Entry> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &Entry::id, kKept);
    visit("transaction_id", &Entry::transaction_id, kKept);
    visit("journal_id", &Entry::journal_id, kKept);
    visit("account_id", &Entry::account_id, kKept);
    visit("entry_type", &Entry::entry_type, kKept);
    visit("sequence", &Entry::sequence, kKept);
    visit("layer", &Entry::layer, kKept);
    visit("direction", &Entry::direction, kKept);
    visit("units", &Entry::units, kKept);
    visit("currency", &Entry::currency, kKept);
    visit("description", &Entry::description, kKept);
    visit("metadata", &Entry::metadata, {.given = false, .json = true});
    visit("account_version", &Entry::account_version, kKept);
    visit("created_at", &Entry::created_at, kKept);
  }
};

template <>
struct Fields<Transaction> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &Transaction::id, kKept);
    visit("version", &Transaction::version, kKept);
    visit("journal_id", &Transaction::journal_id, kKept);
    visit("tx_template_id", &Transaction::tx_template_id, kKept);
    visit("tx_template_code", &Transaction::tx_template_code, kKept);
    visit("entry_ids", &Transaction::entry_ids, kKept);
    visit("effective", &Transaction::effective, kKept);
    visit("correlation_id", &Transaction::correlation_id, kKept);
    visit("external_id", &Transaction::external_id, kKept);
    visit("description", &Transaction::description, kKept);
    visit("metadata", &Transaction::metadata, {.given = false, .json = true});
    visit("void_of", &Transaction::void_of, kKept);
    visit("voided_by", &Transaction::voided_by, kKept);
    visit("hold_id", &Transaction::hold_id, kKept);
    visit("created_at", &Transaction::created_at, kKept);
    visit("modified_at", &Transaction::modified_at, kKept);
  }
};

}  // namespace cala::core
