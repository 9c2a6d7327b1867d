// Rows are read as they were written, and what is none is refused by name.
#include "store/rows.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::store {
namespace {

base::Uuid numbered(int n) {
  base::Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

template <typename T>
std::string row_of(const T &entity) {
  base::JsonWriter out;
  write_row(out, entity);
  return out.take();
}

template <typename T>
base::Result<T> read(const std::string &text, base::Result<T> (*of)(base::JsonView)) {
  const base::Result<base::Json> json = base::Json::parse(text);
  EXPECT_TRUE(json.ok()) << text;
  return of(json->root());
}

template <typename T>
void expect_the_same_again(const T &entity, base::Result<T> (*of)(base::JsonView)) {
  const std::string row = row_of(entity);
  const base::Result<T> again = read(row, of);
  ASSERT_TRUE(again.ok()) << again.error().message << "\n" << row;
  EXPECT_EQ(row_of(*again), row);
}

core::Account account() {
  core::Account out;
  out.id = numbered(1);
  out.version = 7;
  out.code = "C";
  out.name = "N";
  out.external_id = "X";
  out.normal_balance_type = core::Direction::kDebit;
  out.status = core::LockStatus::kLocked;
  out.description = "d";
  out.metadata = R"({"a":1})";
  out.balance_rollup = core::BalanceRollup::kEventuallyConsistent;
  out.floors.min.otherwise = core::Decimal::parse("1.5");
  out.created_at = base::Timestamp::from_micros(5);
  out.modified_at = base::Timestamp::from_micros(6);
  return out;
}

TEST(Rows, OfAccountsSetsAndJournals) {
  expect_the_same_again(account(), account_of);
  expect_the_same_again(core::Account(), account_of);
  core::AccountSet set;
  set.id = numbered(2);
  set.journal_id = numbered(3);
  set.name = "S";
  set.floors.max.otherwise = core::Decimal::parse("9");
  expect_the_same_again(set, account_set_of);
  core::Journal journal;
  journal.id = numbered(4);
  journal.code = "J";
  journal.effective_balances = true;
  journal.max_scale.otherwise = 2;
  expect_the_same_again(journal, journal_of);
}

TEST(Rows, OfTemplatesLimitsTransactionsAndEntries) {
  core::TxTemplate tx_template;
  tx_template.id = numbered(5);
  tx_template.code = "T";
  core::TxTemplateParam &param = tx_template.params.emplace_back();
  param.name = "p";
  param.type = core::ParamType::kJson;
  param.default_expr = "{}";
  tx_template.transaction.effective = "date()";
  tx_template.entries.resize(2);
  tx_template.entries[1].max_available = "decimal('1')";
  expect_the_same_again(tx_template, tx_template_of);
  core::Transaction transaction;
  transaction.effective = base::Date{20000};
  transaction.void_of = numbered(6);
  transaction.entry_ids = {numbered(7), numbered(8)};
  expect_the_same_again(transaction, transaction_of);
  core::Entry entry;
  entry.sequence = 3;
  entry.layer = core::Layer::kEncumbrance;
  entry.units = *core::Decimal::parse("-10.00");
  entry.currency = *core::Currency::parse("EUR");
  expect_the_same_again(entry, entry_of);
}

TEST(Rows, ALimitKeepsItsNumberAndItsRule) {
  core::VelocityLimit limit;
  limit.id = numbered(9);
  limit.number = 4;
  limit.window = {{"day", "1"}};
  limit.currency = core::Currency::parse("USD");
  limit.rule.timestamp_source = "t";
  limit.rule.balance.resize(1);
  limit.rule.balance[0].basis = core::VelocityBasis::kGross;
  const base::Result<core::VelocityLimit> again = read(row_of(limit), velocity_limit_of);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->number, 4);
  EXPECT_EQ(again->rule.timestamp_source, "t");
  EXPECT_EQ(again->rule.balance.at(0).basis, core::VelocityBasis::kGross);
  EXPECT_EQ(again->window.at(0).alias, "day");
}

TEST(Rows, WhatIsNoneIsNamed) {
  const std::string row = row_of(account());
  std::string bad = row;
  bad.replace(bad.find("\"locked\""), 8, "\"shut\"");
  const base::Result<core::Account> status = read(bad, account_of);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "store.corrupt");
  EXPECT_NE(status.error().message.find("\"status\""), std::string::npos) << status.error().message;
  EXPECT_FALSE(read("[]", account_of).ok());
  const base::Result<core::TxTemplate> part =
      read(R"({"id":"00000000-0000-0000-0000-000000000001","version":1,"code":"T","params":[{"name":"p","type":"odd"}],
               "transaction":{"effective":"e","journal_id":"j"},"entries":[],"created_at":1,"modified_at":1})",
           tx_template_of);
  ASSERT_FALSE(part.ok());
  EXPECT_NE(part.error().message.find("\"params\""), std::string::npos) << part.error().message;
}

}  // namespace
}  // namespace cala::store
