#include "core/tx_template/balance_proof.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>
#include <vector>

namespace cala::cel {
namespace {

const std::vector<ParamSpec> kParams = {{"amount", ParamType::kDecimal}, {"fee", ParamType::kDecimal},
                                        {"rate", ParamType::kDecimal},   {"currency", ParamType::kString},
                                        {"layer", ParamType::kString},   {"kind", ParamType::kString},
                                        {"order", ParamType::kJson}};

struct Source {
  std::string units, direction, currency = "'USD'", layer = "SETTLED";
};

// The reason, or "none".
std::string proof(const std::vector<Source> &entries) {
  std::vector<ProgramPtr> kept;
  std::vector<core::EntryPrograms> programs;
  const auto compiled = [&](const std::string &source) {
    CompileOptions options;
    options.params = kParams;
    auto program = compile(source, options);
    EXPECT_TRUE(program.ok()) << source;
    kept.push_back(program.take());
    return kept.back().get();
  };
  for (const Source &entry : entries)
    programs.push_back(
        {compiled(entry.units), compiled(entry.currency), compiled(entry.layer), compiled(entry.direction)});
  return core::provably_unbalanced(programs).value_or("none");
}

TEST(BalanceProof, RefusesConstantsThatDiffer) {
  EXPECT_EQ(proof({{"decimal('100')", "DEBIT"}, {"decimal('90')", "CREDIT"}}),
            "debits exceed credits by 10 in USD SETTLED, whatever the params");
  EXPECT_EQ(proof({{"1", "CREDIT"}}), "credits exceed debits by 1 in USD SETTLED, whatever the params");
  EXPECT_EQ(proof({{"decimal('100.0')", "DEBIT"}, {"100", "CREDIT"}}), "none");
}

TEST(BalanceProof, RefusesOneSidedEntries) {
  EXPECT_NE(proof({{"params.amount", "DEBIT"}, {"params.amount", "DEBIT"}}), "none");
  EXPECT_NE(proof({{"params.amount", "DEBIT"}, {"params.amount * 2", "CREDIT"}}), "none");
  EXPECT_NE(proof({{"params.amount", "DEBIT"}, {"params.amount", "CREDIT", "'EUR'"}}), "none");
  EXPECT_NE(proof({{"params.amount", "DEBIT"}, {"params.amount", "CREDIT", "'USD'", "PENDING"}}), "none");
}

TEST(BalanceProof, SeesThroughArithmetic) {
  EXPECT_EQ(proof({{"params.amount * (1 + params.rate)", "DEBIT"},
                   {"params.amount", "CREDIT"},
                   {"decimal.Mul(params.rate, params.amount)", "CREDIT"}}),
            "none");
  EXPECT_EQ(proof({{"decimal.Mul(params.amount, '-1')", "DEBIT"}, {"decimal.Sub('0', params.amount)", "CREDIT"}}),
            "none");
  EXPECT_NE(proof({{"params.amount + 10", "DEBIT"}, {"params.amount", "CREDIT"}}), "none");
  EXPECT_EQ(proof({{"-params.amount", "DEBIT"}, {"0 - params.amount", "CREDIT"}}), "none");
}

TEST(BalanceProof, SeesThroughConditions) {
  EXPECT_EQ(proof({{"params.amount", "DEBIT"},
                   {"params.amount > 5 ? params.amount - params.fee : params.amount", "CREDIT"},
                   {"params.amount > 5 ? params.fee : decimal('0')", "CREDIT"}}),
            "none");
  EXPECT_EQ(proof({{"params.amount", "params.kind == 'a' ? CREDIT : DEBIT"},
                   {"params.amount", "params.kind == 'a' ? DEBIT : CREDIT"}}),
            "none");
  EXPECT_NE(proof({{"params.amount", "params.kind == 'a' ? CREDIT : DEBIT"},
                   {"params.amount", "params.kind == 'a' ? CREDIT : DEBIT"}}),
            "none");
  EXPECT_EQ(proof({{"params.amount", "DEBIT"},
                   {"params.amount", "CREDIT"},
                   {"params.kind == 'a' ? params.fee : decimal('0')", "DEBIT"}}),
            "none");
}

TEST(BalanceProof, AcceptsWhatItCannotDecide) {
  EXPECT_EQ(proof({{"params.amount", "DEBIT"}, {"params.fee", "CREDIT"}}), "none");
  EXPECT_EQ(proof({{"params.amount", "DEBIT", "params.currency"}, {"params.amount", "CREDIT"}}), "none");
  EXPECT_EQ(proof({{"params.amount", "DEBIT", "'USD'", "params.layer"},
                   {"params.amount", "CREDIT", "'EUR'", "params.layer"},
                   {"params.amount", "CREDIT", "params.currency"},
                   {"params.amount", "DEBIT", "params.currency"}}),
            "none");
  EXPECT_EQ(proof({{"decimal(params.order.total)", "DEBIT"}, {"decimal(params.order.total)", "CREDIT"}}), "none");
  EXPECT_EQ(proof({}), "none");
}

TEST(BalanceProof, AcceptsWhatBalancesForSomeParams) {
  EXPECT_EQ(proof({{"params.amount", "DEBIT"}, {"params.amount + params.fee", "CREDIT"}}), "none");
  EXPECT_EQ(proof({{"params.amount", "DEBIT"}, {"params.amount", "CREDIT"}, {"params.fee", "CREDIT"}}), "none");
  EXPECT_EQ(proof({{"params.amount", "DEBIT"}, {"params.amount * (1 + params.rate)", "CREDIT"}}), "none");
  EXPECT_EQ(proof({{"params.kind == 'a' ? params.amount : 0", "DEBIT"},
                   {"0", "CREDIT"},
                   {"params.fee", "CREDIT"},
                   {"params.fee", "DEBIT"}}),
            "none");
}

TEST(BalanceProof, RefusesWhatIsZeroOnlyWhereNothingMoves) {
  EXPECT_NE(proof({{"params.amount * params.rate", "DEBIT"}, {"params.rate * params.amount * 2", "CREDIT"}}), "none");
  EXPECT_NE(proof({{"params.kind == 'a' ? params.amount : 0", "DEBIT"}}), "none");
  EXPECT_NE(proof({{"params.amount", "DEBIT"}, {"params.amount", "CREDIT"}, {"params.amount * 2", "CREDIT"}}), "none");
  EXPECT_NE(proof({{"7", "params.kind == 'a' ? CREDIT : DEBIT"}}), "none");
}

// Each of these would be followed for many seconds, were the cost not linear or bounded.
TEST(BalanceProof, IsQuickWithManyEntriesOfLongUnits) {
  std::string sum = "params.amount";
  std::string product = "(params.kind == 'a' ? params.amount : params.fee)";
  for (int i = 0; i < 60; ++i) {
    sum += " + params.amount * (params.kind == 'k" + std::to_string(i) + "' ? 1 : 0)";
    product += " * (params.kind == '" + std::to_string(i % 5) + "' ? 1 : 2)";
  }
  for (int i = 0; i < 1500; ++i) sum += " + params.fee";
  CompileOptions options;
  options.params = kParams;
  const auto program = [&](const std::string &source) { return compile(source, options).take(); };
  const ProgramPtr usd = program("'USD'");
  const ProgramPtr any = program("params.currency");
  const ProgramPtr settled = program("SETTLED");
  const ProgramPtr debit = program("DEBIT");
  const ProgramPtr credit = program("CREDIT");
  timespec begun{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
  for (const std::string &source : {sum, product}) {
    const ProgramPtr units = program(source);
    std::vector<core::EntryPrograms> entries;
    for (int i = 0; i < 1000; ++i) {
      entries.push_back({units.get(), (i < 500 ? usd : any).get(), settled.get(), (i % 2 == 0 ? debit : credit).get()});
    }
    EXPECT_EQ(core::provably_unbalanced(entries).value_or("none"), "none");
  }
  timespec ended{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
  EXPECT_LT(ended.tv_sec - begun.tv_sec, 10);  // of this thread's own, under sanitizers; it was 39 s without
}

TEST(BalanceProof, JoinsWhatMayMeetInOneCurrency) {
  EXPECT_NE(proof({{"10", "DEBIT", "params.currency"},
                   {"params.amount", "CREDIT", "'EUR'"},
                   {"params.amount", "DEBIT", "'EUR'"}}),
            "none");
  EXPECT_NE(proof({{"params.amount", "DEBIT", "'EUR'", "params.layer"},
                   {"params.amount", "CREDIT", "'USD'", "params.layer"}}),
            "none");
}

}  // namespace
}  // namespace cala::cel
