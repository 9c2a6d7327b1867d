// What the tests of velocity limits share: limits, controls and postings,
// and one account below one set where they are counted.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/velocity/enforce.h"
#include "core/velocity/frozen.h"

namespace cala::core {

inline base::Uuid id_of(int n) {
  base::Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

inline Decimal amount(std::string_view text) { return Decimal::parse(text).value_or(Decimal()); }

inline Currency usd() { return Currency::parse("USD").value_or(Currency()); }

inline base::Timestamp instant(std::string_view text) {
  return base::Timestamp::parse(text).value_or(base::Timestamp());
}

inline const base::Uuid kAccount = id_of(1);
inline const base::Uuid kSet = id_of(2);
inline const base::Uuid kJournal = id_of(3);

inline VelocityLimit limit_of(const std::string &most, const std::string &layer = "SETTLED",
                              const std::string &direction = "DEBIT") {
  VelocityLimit limit;
  limit.id = id_of(10);
  limit.number = 1;
  limit.name = "L";
  VelocityBalanceLimit balance;
  balance.layer = layer;
  balance.amount = most;
  balance.enforcement_direction = direction;
  limit.rule.balance.push_back(balance);
  return limit;
}

inline VelocityControl control_of(std::vector<VelocityLimit> limits) {
  VelocityControl control;
  control.id = id_of(20);
  control.number = 1;
  control.name = "C";
  control.limits = std::move(limits);
  return control;
}

inline TxTemplateParam decimal_param(const std::string &name) {
  TxTemplateParam param;
  param.name = name;
  param.type = ParamType::kDecimal;
  return param;
}

inline std::string code_of(const base::Outcome &outcome) { return outcome ? "ok" : outcome.error().code; }

inline base::Timestamp now() { return instant("2026-03-10T12:00:00Z"); }

// By way of the stored text, as a posting gets it.
inline CompiledControlPtr compiled(const VelocityControl &control, const std::string &params = "{}") {
  const base::Result<base::Json> json = base::Json::parse(params);
  base::Result<FrozenControl> frozen = freeze(control, json->root(), now());
  EXPECT_TRUE(frozen.ok()) << frozen.error().message;
  if (!frozen) return nullptr;
  base::Result<CompiledControlPtr> out = compile_frozen(frozen_text(*frozen));
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out ? out.take() : nullptr;
}

inline base::Date date_of(const char *text) { return base::Date::parse(text).value_or(base::Date()); }

inline Entry entry_of(Direction direction, std::string_view units, Layer layer = Layer::kSettled,
                      const base::Uuid &account = kAccount) {
  Entry entry;
  entry.account_id = account;
  entry.journal_id = kJournal;
  entry.entry_type = "CARD";
  entry.layer = layer;
  entry.direction = direction;
  entry.units = amount(units);
  entry.currency = usd();
  return entry;
}

inline PostedTransaction posting_of(std::vector<Entry> entries) {
  PostedTransaction posting;
  posting.transaction.id = id_of(30);
  posting.transaction.journal_id = kJournal;
  posting.transaction.effective = base::Date::parse("2026-03-09").value_or(base::Date());
  posting.transaction.correlation_id = "order-1";
  posting.transaction.created_at = now();
  posting.entries = std::move(entries);
  for (std::size_t i = 0; i < posting.entries.size(); ++i) {
    posting.entries[i].sequence = static_cast<std::int32_t>(i + 1);
  }
  return posting;
}

// One account below one set, and what has been counted there.
class Velocity : public ::testing::Test {
 protected:
  void attach(const base::Uuid &to, std::vector<CompiledControlPtr> controls) {
    VelocityBearer bearer;
    bearer.id = to;
    bearer.name = to == kSet ? "The set" : "The account";
    bearer.metadata = to == kAccount ? std::optional<std::string>(R"({"tier":"gold"})") : std::nullopt;
    bearer.controls = std::move(controls);
    bearers_.add(std::move(bearer));
  }

  base::Result<std::vector<VelocityHit>> match(const PostedTransaction &posting,
                                               const PostedTransaction *counted_as = nullptr) const {
    return bearers_.match(
        posting, [](const Entry &) { return std::vector<base::Uuid>{kSet}; }, counted_as);
  }

  // "ok", or the error's code; what was counted stays only when all was.
  std::string post(const PostedTransaction &posting, const PostedTransaction *counted_as = nullptr) {
    base::Result<std::vector<VelocityHit>> hits = match(posting, counted_as);
    if (!hits) return hits.error().code;
    VelocityBalances counted = balances_;
    for (const VelocityHit &hit : *hits) {
      VelocityBalance &balance = counted.try_emplace(hit.key, VelocityBalance{hit.key, 0, {}}).first->second;
      base::Outcome outcome = count_hit(hit, balance, warnings_);
      if (outcome) continue;
      details_ = outcome.error().details;
      return outcome.error().code;
    }
    balances_ = std::move(counted);
    return "ok";
  }
  std::string debit(std::string_view units) { return post(posting_of({entry_of(Direction::kDebit, units)})); }
  std::string credit(std::string_view units) { return post(posting_of({entry_of(Direction::kCredit, units)})); }

  std::string window_of(const std::string &expression) {
    VelocityLimit limit = limit_of("decimal('1')");
    limit.window = {{"w", expression}};
    attach(kAccount, {compiled(control_of({limit}))});
    const PostedTransaction posting = posting_of({entry_of(Direction::kDebit, "1")});
    const base::Result<std::vector<VelocityHit>> hits = match(posting);
    if (!hits) return hits.error().code;
    return hits->size() == 1 ? hits->front().key.window : "none";
  }

  VelocityBearers bearers_;
  VelocityBalances balances_;
  std::vector<VelocityWarning> warnings_;
  std::string details_;
};

}  // namespace cala::core
