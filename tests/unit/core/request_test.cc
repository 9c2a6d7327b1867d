// What new entities and changes read from a request, by the lists of their fields.
#include "core/request_fields.h"

#include <gtest/gtest.h>

#include <string>

#include "core/account/account.h"
#include "core/posting/prepare.h"
#include "core/tx_template/compiled.h"
#include "core/tx_template/tx_template.h"
#include "core/velocity/velocity.h"

namespace cala::core {
namespace {

template <typename T, typename Read>
base::Result<T> read(const std::string &text, Read take) {
  const base::Result<base::Json> json = base::Json::parse(text);
  EXPECT_TRUE(json.ok()) << text;
  RequestReader reader(json->root());
  T out = take(reader);
  if (base::Outcome finished = reader.finish(); !finished) return std::move(finished.error());
  return out;
}

std::string refusal_of(const base::Error &error) { return error.code + " " + error.details; }

template <typename T>
std::string refusal_of_new(const std::string &text) {
  const base::Result<T> made = read<T>(text, read_new<T>);
  return made ? "ok" : refusal_of(made.error());
}

TEST(RequestFields, ANewEntityHasWhatIsGivenAndDefaults) {
  const auto account = read<Account>(R"({"code": "C", "name": "N", "normal_balance_type": "DEBIT", "metadata": {"a": 1},
    "min_available": "0"})",
                                     read_new<Account>);
  ASSERT_TRUE(account.ok()) << account.error().message;
  EXPECT_TRUE(account->id.is_nil()) << "the library draws it";
  EXPECT_EQ(account->code, "C");
  EXPECT_EQ(account->normal_balance_type, Direction::kDebit);
  EXPECT_EQ(account->status, LockStatus::kActive);
  EXPECT_EQ(account->metadata, R"({"a":1})");
  EXPECT_FALSE(account->floors.min.empty());
  EXPECT_FALSE(account->external_id);
}

TEST(RequestFields, WhatTheLibraryKeepsIsNotTaken) {
  EXPECT_EQ(refusal_of_new<Account>(R"({"code": "C", "name": "N", "version": 2})"),
            R"(request.unknown_key {"pointer":"/version"})");
  EXPECT_EQ(refusal_of_new<Account>(R"({"code": "C", "name": "N", "is_set": true})"),
            R"(request.unknown_key {"pointer":"/is_set"})");
  EXPECT_EQ(refusal_of_new<Account>(R"({"code": "", "name": "N"})"), R"(request.malformed {"pointer":"/code"})");
  EXPECT_EQ(refusal_of_new<Account>(R"({"name": "N"})"), R"(request.missing_key {"pointer":"/code"})");
}

TEST(RequestFields, PartsAreReadWithTheirPointers) {
  EXPECT_EQ(refusal_of_new<VelocityLimit>(R"({"name": "L", "limit": {"balance": []}})"),
            R"(request.malformed {"pointer":"/limit/balance"})");
  EXPECT_EQ(refusal_of_new<VelocityLimit>(R"({"name": "L", "limit": {"balance": [{"layer": "SETTLED"}]}})"),
            R"(request.missing_key {"pointer":"/limit/balance/0/amount"})");
  EXPECT_EQ(refusal_of_new<VelocityLimit>(R"({"name": "L", "params": [{"name": "p"}], "limit": {"balance": []}})"),
            R"(request.missing_key {"pointer":"/params/0/type"})");
}

TEST(RequestFields, AChangeHasWhatIsGivenAndClearsWhatIsNull) {
  const auto change = read<Change<Account>>(
      R"({"id": "00000000-0000-0000-0000-000000000001", "name": "New", "description": null, "code": "SAME"})",
      read_change<Account>);
  ASSERT_TRUE(change.ok()) << change.error().message;
  Account account;
  account.code = "SAME";
  account.name = "Old";
  account.description = "said";
  account.external_id = "stays";
  EXPECT_EQ(apply(account, *change), (std::vector<std::string>{"name", "description"}));
  EXPECT_EQ(account.name, "New");
  EXPECT_FALSE(account.description);
  EXPECT_EQ(account.external_id, "stays");
}

TEST(RequestFields, AChangeClearsNothingThatMustBeThere) {
  for (const char *key : {"name", "code", "normal_balance_type"}) {
    const auto change = read<Change<Account>>(
        std::string(R"({"id": "00000000-0000-0000-0000-000000000001", ")") + key + "\": null}", read_change<Account>);
    ASSERT_FALSE(change.ok()) << key;
    EXPECT_EQ(refusal_of(change.error()), std::string(R"(request.malformed {"pointer":"/)") + key + "\"}");
  }
  const auto change = read<Change<Account>>(R"({"id": "00000000-0000-0000-0000-000000000001", "status": "locked"})",
                                            read_change<Account>);
  ASSERT_FALSE(change.ok()) << "only lock and unlock change it";
  EXPECT_EQ(change.error().code, "request.unknown_key");
}

// What a program without an engine and a store needs to say whether a tx template is sound, and what it would post.
TEST(RequestFields, ATemplatesDocumentBecomesAPosting) {
  const auto source = read<TxTemplate>(R"json(
    {"code": "PAY", "params": [{"name": "amount", "type": "decimal", "min": "decimal('0.01')"}],
     "transaction": {"effective": "date()", "journal_id": "uuid('00000000-0000-7000-8000-000000000001')"},
     "entries": [
       {"entry_type": "'PAY_DR'", "account_id": "uuid('00000000-0000-7000-8000-000000000002')",
        "layer": "SETTLED", "direction": "DEBIT", "units": "params.amount", "currency": "'USD'"},
       {"entry_type": "'PAY_CR'", "account_id": "uuid('00000000-0000-7000-8000-000000000003')",
        "layer": "SETTLED", "direction": "CREDIT", "units": "params.amount", "currency": "'USD'"}]})json",
                                       read_new<TxTemplate>);
  ASSERT_TRUE(source.ok()) << source.error().message;
  const base::Timestamp now = *base::Timestamp::parse("2026-03-10T12:00:00Z");
  const base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(*source);
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  EXPECT_TRUE(check_tx_template(**compiled, now).ok());
  const base::Result<base::Json> params = base::Json::parse(R"({"amount": "12.50"})");
  const base::Result<PostedTransaction> posting = prepare_posting(**compiled, params->root(), base::Uuid(), now);
  ASSERT_TRUE(posting.ok()) << posting.error().message;
  ASSERT_EQ(posting->entries.size(), 2U);
  EXPECT_EQ(posting->entries[0].units.text(), "12.50");
  EXPECT_EQ(posting->entries[1].entry_type, "PAY_CR");
  EXPECT_EQ(posting->transaction.effective, now.date());
}

}  // namespace
}  // namespace cala::core
