// Compiling a tx template: what each of its expressions must be able to become,
// and which of them is named when one cannot.
#include "core/tx_template/compiled.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::core {
namespace {

const base::Timestamp kNow = *base::Timestamp::parse("2026-03-10T12:00:00Z");

TxTemplate transfer() {
  TxTemplate out;
  out.code = "TRANSFER";
  TxTemplateParam amount;
  amount.name = "amount";
  amount.type = ParamType::kDecimal;
  out.params = {amount};
  out.transaction.effective = "date()";
  out.transaction.journal_id = "uuid('00000000-0000-7000-8000-000000000001')";
  for (const char *direction : {"DEBIT", "CREDIT"}) {
    TxTemplateEntry &entry = out.entries.emplace_back();
    entry.entry_type = "'E'";
    entry.account_id = "uuid('00000000-0000-7000-8000-000000000002')";
    entry.layer = "SETTLED";
    entry.direction = direction;
    entry.units = "params.amount";
    entry.currency = "'USD'";
  }
  return out;
}

// "ok", or the code and where.
std::string made(const TxTemplate &source) {
  const base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(source);
  const base::Outcome checked = compiled ? check_tx_template(**compiled, kNow) : base::Outcome(compiled.error());
  if (checked) return "ok";
  const base::Result<base::Json> details = base::Json::parse(checked.error().details);
  const base::JsonView pointer = details ? details->root().get("pointer") : base::JsonView();
  return checked.error().code + (pointer.present() ? " " + std::string(pointer.string()) : "");
}

TEST(CompiledTxTemplate, HasAProgramForEachExpressionAndNoneForWhatIsLeftOut) {
  TxTemplate source = transfer();
  source.transaction.description = "'bought'";
  source.entries[1].min_available = "0";
  const base::Result<CompiledTxTemplatePtr> compiled = compile_tx_template(source);
  ASSERT_TRUE(compiled.ok()) << compiled.error().message;
  EXPECT_NE((*compiled)->description, nullptr);
  EXPECT_EQ((*compiled)->metadata, nullptr);
  ASSERT_EQ((*compiled)->entries.size(), 2U);
  EXPECT_EQ((*compiled)->entries[0].min_available, nullptr);
  EXPECT_NE((*compiled)->entries[1].min_available, nullptr);
  EXPECT_EQ((*compiled)->entries[1].units->source(), "params.amount");
  EXPECT_EQ((*compiled)->source.code, "TRANSFER");
  EXPECT_TRUE(check_tx_template(**compiled, kNow).ok());
}

TEST(CompiledTxTemplate, NamesTheExpressionThatCanNeverBeWhatItIsFor) {
  TxTemplate source = transfer();
  source.entries[1].units = "'much' + ";
  EXPECT_EQ(made(source), "cel.compile /entries/1/units");
  source = transfer();
  source.entries[0].layer = "true";
  EXPECT_EQ(made(source), "cel.compile /entries/0/layer");
  source = transfer();
  source.transaction.effective = "7";
  EXPECT_EQ(made(source), "cel.compile /transaction/effective");
  source = transfer();
  source.transaction.metadata = "params.none";
  EXPECT_EQ(made(source), "cel.compile /transaction/metadata");
}

TEST(CompiledTxTemplate, OfSeveralWrongExpressionsTheFirstIsNamed) {
  TxTemplate source = transfer();
  source.transaction.effective = "7";
  source.entries[0].units = "true";
  source.transaction.journal_id = "7";
  EXPECT_EQ(made(source), "cel.compile /transaction/journal_id");
}

TEST(CompiledTxTemplate, ThatCanNeverBalanceIsRefused) {
  TxTemplate source = transfer();
  source.entries.pop_back();
  EXPECT_EQ(made(source), "tx_template.unbalanced");
}

TEST(CompiledTxTemplate, DefaultsAreWorkedOutAtOnce) {
  TxTemplate source = transfer();
  source.params[0].default_expr = "'much'";
  EXPECT_EQ(made(source), "param.type /params/0/default");
}

}  // namespace
}  // namespace cala::core
