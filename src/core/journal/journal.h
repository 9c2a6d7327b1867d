// Journal: the book that transactions are posted to. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/fields.h"
#include "core/values.h"

namespace cala::core {

// How many digits after the decimal point an entry's units may have. A sum holds 38 digits in all: without a limit one
// posting of 1e-38 would leave no room for the whole units of later ones. 18 keeps room for 20 digits before the point.
struct MaxScale {
  static constexpr int kGreatest = 18;
  int otherwise = kGreatest;
  std::vector<std::pair<Currency, int>> of;  // sorted by code

  int for_currency(Currency currency) const;
  // 2, or {"default": 18, "USD": 2}. An error names the place in details.pointer, below the given one.
  static base::Result<MaxScale> parse(base::JsonView json, const std::string &pointer);
  void append_to(base::JsonWriter &out) const;
  friend bool operator==(const MaxScale &, const MaxScale &) = default;
};

struct Journal {
  base::Uuid id;
  std::int64_t version = 1;
  std::string name;
  std::optional<std::string> code;
  std::optional<std::string> description;
  LockStatus status = LockStatus::kActive;
  bool effective_balances = false;
  MaxScale max_scale;
  std::optional<base::Date> closed_until;  // nothing is posted any more with an effective date up to it
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

// Closing and reopening only move one way, so that whoever comes late undoes nothing: the books stay closed up to a
// later date that they were closed up to before, and open from an earlier one on.
std::optional<base::Date> closed_at_least(std::optional<base::Date> closed_until, base::Date until);
// until: none to open them all.
std::optional<base::Date> closed_at_most(std::optional<base::Date> closed_until, std::optional<base::Date> until);

// What a posting asks of a journal.
struct JournalState {
  base::Uuid id;
  LockStatus status = LockStatus::kActive;
  MaxScale max_scale;
  bool effective_balances = false;
  std::optional<base::Date> closed_until{};
};

// Whether it takes a posting with this effective date: kRejected "journal.locked", "journal.closed".
base::Outcome check_open(const JournalState &journal, base::Date effective);

template <>
struct Fields<Journal> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &Journal::id, kId);
    visit("version", &Journal::version, kKept);
    visit("name", &Journal::name, kNamed);
    visit("code", &Journal::code, {.not_empty = true});
    visit("description", &Journal::description, kChanges);
    visit("status", &Journal::status, kGiven);
    visit("effective_balances", &Journal::effective_balances, kGiven);
    visit("max_scale", &Journal::max_scale, kChanges);
    visit("closed_until", &Journal::closed_until, kKept);
    visit("created_at", &Journal::created_at, kKept);
    visit("modified_at", &Journal::modified_at, kKept);
  }
};

}  // namespace cala::core
