#include "core/velocity/headroom.h"

#include <utility>

namespace cala::core {

namespace {

using base::Outcome;
using base::Result;

// The rows of one limit under one key, or before its first entry.
Outcome add_rows(VelocityHeadroom row, const FrozenLimit &limit, const VelocityBalance &balance, base::Timestamp now,
                 std::vector<VelocityHeadroom> &out) {
  for (const FrozenBalanceLimit &amount : limit.balance) {
    const std::optional<Decimal> current = measure(balance, amount.layer, amount.direction, amount.basis);
    const std::optional<Decimal> left = current ? Decimal::sub(amount.amount, *current) : std::nullopt;
    if (!left) {
      return base::make_error(base::Status::kInvalid, "amount.range",
                              "what is left of velocity limit " + limit.id.text() + " would need more than 38 digits");
    }
    row.layer = amount.layer;
    row.direction = amount.direction;
    row.basis = amount.basis;
    row.limit = amount.amount;
    row.current = *current;
    row.left = *left;
    row.active = amount.active(now);
    out.push_back(row);
  }
  return {};
}

bool is_asked(const HeadroomFilter &asked, const VelocityKey &key) {
  return (!asked.journal_id || *asked.journal_id == key.journal_id) &&
         (!asked.currency || *asked.currency == key.currency);
}

}  // namespace

Result<std::vector<VelocityHeadroom>> headroom(const base::Uuid &account_id, const FrozenControl &control,
                                               const std::vector<VelocityBalance> &balances,
                                               const HeadroomFilter &asked, base::Timestamp now) {
  std::vector<VelocityHeadroom> out;
  for (const FrozenLimit &limit : control.limits) {
    if (asked.currency && limit.currency && *asked.currency != *limit.currency) continue;
    VelocityHeadroom row;
    row.account_id = account_id;
    row.control_id = control.id;
    row.limit_id = limit.id;
    row.action = control.action;
    bool counted = false;
    for (const VelocityBalance &balance : balances) {
      if (balance.key.limit_id != limit.id || !is_asked(asked, balance.key)) continue;
      counted = true;
      row.journal_id = balance.key.journal_id;
      row.currency = balance.key.currency;
      row.window = balance.key.window;
      if (Outcome added = add_rows(row, limit, balance, now, out); !added) return std::move(added.error());
    }
    if (counted) continue;
    row.journal_id = asked.journal_id;
    row.currency = limit.currency ? limit.currency : asked.currency;
    if (limit.window.empty()) row.window = "{}";
    if (Outcome added = add_rows(row, limit, VelocityBalance(), now, out); !added) return std::move(added.error());
  }
  return out;
}

}  // namespace cala::core
