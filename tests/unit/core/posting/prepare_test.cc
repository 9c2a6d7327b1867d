// Preparing a posting by itself: without a store, a clock or an id that was drawn.
#include "core/posting/prepare.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::core {
namespace {

constexpr const char *kJournal = "uuid('00000000-0000-7000-8000-000000000001')";
constexpr const char *kAccount = "uuid('00000000-0000-7000-8000-000000000002')";

// Pairs of entries, each with this description.
CompiledTxTemplatePtr pairs(int count, const std::string &description) {
  TxTemplate source;
  source.code = "T";
  TxTemplateParam list;
  list.name = "list";
  list.type = ParamType::kJson;
  TxTemplateParam text;
  text.name = "text";
  source.params = {list, text};
  source.transaction.effective = "date('2026-01-01')";
  source.transaction.journal_id = kJournal;
  for (int i = 0; i < 2 * count; ++i) {
    TxTemplateEntry entry;
    entry.entry_type = "'E'";
    entry.account_id = kAccount;
    entry.layer = "SETTLED";
    entry.direction = i % 2 == 0 ? "DEBIT" : "CREDIT";
    entry.units = "decimal('1')";
    entry.currency = "'USD'";
    entry.description = description;
    source.entries.push_back(entry);
  }
  base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(std::move(source));
  EXPECT_TRUE(compiled.ok()) << compiled.error().message;
  return compiled ? compiled.take() : nullptr;
}

base::Result<PostedTransaction> prepare(const CompiledTxTemplatePtr &tx_template, const std::string &params) {
  const base::Result<base::Json> json = base::Json::parse(params);
  EXPECT_TRUE(json.ok());
  return prepare_posting(*tx_template, json->root(), base::Uuid(), base::Timestamp::from_micros(0));
}

std::string list_of(int count) {
  std::string out = R"({"list":[)";
  for (int i = 0; i < count; ++i) out += (i > 0 ? "," : "") + std::to_string(i);
  return out + "]}";
}

// A template may have many expressions: what bounds one alone bounds no posting.
TEST(PreparePosting, StepsAreCountedOverAllItsExpressions) {
  const std::string search = "params.list.exists(x, x < 0) ? 'a' : 'b'";
  const std::string params = list_of(20'000);
  EXPECT_TRUE(prepare(pairs(5, search), params).ok());
  const base::Result<PostedTransaction> refused = prepare(pairs(100, search), params);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "cel.eval");
  EXPECT_NE(refused.error().message.find("more than 4000000 steps together"), std::string::npos)
      << refused.error().message;
}

TEST(PreparePosting, WhatItsExpressionsBuildIsCountedTogether) {
  const std::string doubled = "(params.text + params.text).startsWith('a') ? 'a' : 'b'";
  const std::string params = R"({"text":")" + std::string(200'000, 'a') + "\"}";
  EXPECT_TRUE(prepare(pairs(10, doubled), params).ok());
  const base::Result<PostedTransaction> refused = prepare(pairs(40, doubled), params);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "cel.eval");
  EXPECT_NE(refused.error().message.find("more than 16 MiB together"), std::string::npos) << refused.error().message;
}

TEST(PreparePosting, EntriesSayWhatMustStayAvailable) {
  TxTemplate source = pairs(1, "'d'")->source;
  source.entries[0].min_available = "has(params.text) ? decimal(params.text) : null";
  source.entries[1].max_available = "7";
  const base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(source);
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  const base::Result<PostedTransaction> none = prepare(*compiled, "{}");
  ASSERT_TRUE(none.ok());
  ASSERT_EQ(none->floors.size(), 2U);
  EXPECT_FALSE(none->floors[0].min.has_value());
  EXPECT_EQ(none->floors[1].entry, 1U);
  EXPECT_EQ(none->floors[1].max->text(), "7");
  const base::Result<PostedTransaction> some = prepare(*compiled, R"({"text": "-0.50"})");
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->floors[0].min->text(), "-0.50");
  const base::Result<PostedTransaction> bad = prepare(*compiled, R"({"text": "much"})");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, "cel.eval");
  EXPECT_NE(bad.error().details.find("/entries/0/min_available"), std::string::npos) << bad.error().details;
  source.entries[1].max_available = "'text'";
  const base::Result<PostedTransaction> text = prepare(*compile_tx_template(source), "{}");
  ASSERT_FALSE(text.ok());
  EXPECT_EQ(text.error().code, "cel.coerce");
}

// JSON that one expression has opened is open for the next.
TEST(PreparePosting, JsonIsOpenedOnceForAllItsExpressions) {
  const std::string lookups = "params.list[19999] + params.list[19998] > 0 ? 'a' : 'b'";
  EXPECT_TRUE(prepare(pairs(250, lookups), list_of(20'000)).ok());
}

TEST(PreparePosting, OneExpressionIsHeldToItsOwnLimit) {
  const base::Result<PostedTransaction> refused =
      prepare(pairs(1, "params.list.exists(x, params.list.exists(y, y < 0)) ? 'a' : 'b'"), list_of(20'000));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("more than 1000000 steps"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace cala::core
