// Floors by themselves: how they are written, and what they refuse by how much.
#include "core/account/floors.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::core {
namespace {

Decimal amount(std::string_view text) { return Decimal::parse(text).value_or(Decimal()); }
Currency usd() { return Currency::parse("USD").value_or(Currency()); }
Currency eur() { return Currency::parse("EUR").value_or(Currency()); }

base::Result<AmountLimits> parsed(const std::string &json) {
  const base::Result<base::Json> root = base::Json::parse(json);
  EXPECT_TRUE(root.ok()) << json;
  return AmountLimits::parse(root->root(), "/min_available");
}

std::string again(const std::string &json) {
  const base::Result<AmountLimits> limits = parsed(json);
  if (!limits) return limits.error().details;
  base::JsonWriter out;
  limits->append_to(out);
  return out.take();
}

TEST(Floors, AmountsAreOneTextOrByCurrency) {
  EXPECT_EQ(again(R"("0.50")"), R"("0.50")");
  EXPECT_EQ(again(R"({"USD": "1", "*": "-10", "EUR": "2"})"), R"({"*":"-10","EUR":"2","USD":"1"})");
  EXPECT_EQ(again("{}"), "{}");
  EXPECT_EQ(again("1"), R"({"pointer":"/min_available"})");
  EXPECT_EQ(again(R"("much")"), R"({"pointer":"/min_available"})");
  EXPECT_EQ(again(R"({"USD": 1})"), R"({"pointer":"/min_available/USD"})");
  EXPECT_EQ(again(R"({"usd": "1"})"), R"({"pointer":"/min_available/usd"})");
}

TEST(Floors, ACurrencyOfItsOwnComesBeforeAllOthers) {
  const base::Result<AmountLimits> limits = parsed(R"({"USD": "1", "*": "-10"})");
  ASSERT_TRUE(limits.ok());
  EXPECT_EQ(limits->for_currency(usd())->text(), "1");
  EXPECT_EQ(limits->for_currency(eur())->text(), "-10");
  EXPECT_EQ(parsed(R"({"USD": "1"})")->for_currency(eur()), nullptr);
}

TEST(Floors, AreStoredAsTextAndReadBack) {
  EXPECT_EQ(Floors().text(), std::nullopt);
  Floors floors;
  floors.layer = Layer::kPending;
  EXPECT_EQ(floors.text(), "pending||");
  floors.min = *parsed(R"({"USD": "1.00", "*": "-10"})");
  floors.max.otherwise = amount("99");
  EXPECT_EQ(floors.text(), "pending|*=-10,USD=1.00|*=99");
  EXPECT_EQ(Floors::parse_text(*floors.text()), floors);
  for (const char *bad :
       {"", "settled", "settled|*=0", "slow|*=0|", "settled|0|", "settled|*=x|", "settled|XYZZY=0|"}) {
    EXPECT_FALSE(Floors::parse_text(bad).has_value()) << bad;
  }
}

// An account of the credit side with so much settled and so much pending.
Balance having(std::string_view settled, std::string_view pending = "0") {
  Balance balance;
  balance.key.currency = usd();
  balance.layers[0].credit = amount(settled);
  balance.layers[1].credit = amount(pending);
  return balance;
}

class CheckFloor : public ::testing::Test {
 protected:
  std::string refusal(const Balance &before, const Balance &after) {
    const base::Outcome outcome = check_floor(watched, before, after);
    if (outcome) return "ok";
    const base::Result<base::Json> details = base::Json::parse(outcome.error().details);
    EXPECT_TRUE(details.ok());
    std::string out = outcome.error().code;
    for (const char *key : {"layer", "limit", "current", "requested", "available"}) {
      out += " " + std::string(details->root().get(key).present() ? details->root().get(key).string() : "none");
    }
    return out;
  }

  Decimal min = amount("10");
  Decimal max = amount("100");
  Watched watched{{{}, usd(), {}}, Layer::kSettled, Direction::kCredit, &min, &max};
};

TEST_F(CheckFloor, TellsByHowMuch) {
  EXPECT_EQ(refusal(having("50"), having("10")), "ok");
  EXPECT_EQ(refusal(having("50"), having("9.99")), "account.below_min settled 10 50 40.01 40");
  EXPECT_EQ(refusal(having("50"), having("100")), "ok");
  EXPECT_EQ(refusal(having("50"), having("100.01")), "account.above_max settled 100 50 50.01 50");
}

TEST_F(CheckFloor, LetsGoWhatLeadsBack) {
  EXPECT_EQ(refusal(having("1"), having("5")), "ok");
  EXPECT_EQ(refusal(having("5"), having("5")), "ok") << "out and in again";
  EXPECT_EQ(refusal(having("5"), having("1")), "account.below_min settled 10 5 4 0") << "nothing could be taken";
  EXPECT_EQ(refusal(having("500"), having("400")), "ok");
  EXPECT_EQ(refusal(having("500"), having("501")), "account.above_max settled 100 500 1 0");
}

TEST_F(CheckFloor, CountsUpToItsLayerOnTheSideOfTheAccount) {
  EXPECT_EQ(refusal(having("50"), having("50", "-45")), "ok");
  watched.layer = Layer::kPending;
  EXPECT_EQ(refusal(having("50"), having("50", "-45")), "account.below_min pending 10 50 45 40");
  watched.layer = Layer::kSettled;
  watched.normal_balance_type = Direction::kDebit;
  EXPECT_EQ(refusal(having("-50"), having("-5")), "account.below_min settled 10 50 45 40");
}

TEST_F(CheckFloor, SaysNothingOfWhatIsNotLimited) {
  watched.min = watched.max = nullptr;
  EXPECT_EQ(refusal(having("50"), having("-1000")), "ok");
}

TEST_F(CheckFloor, RefusesAChangeThatNoDecimalCanSay) {
  const std::string most(38, '9');
  EXPECT_EQ(check_floor(watched, having(most), having("-" + most)).error().code, "amount.range");
}

}  // namespace
}  // namespace cala::core
