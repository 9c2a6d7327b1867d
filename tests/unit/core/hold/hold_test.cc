// The rules of holds by themselves: what a hold is, what capturing and releasing it posts, what is the same step again.
#include "core/hold/hold.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace cala::core {
namespace {

using base::Timestamp;
using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

const Timestamp kNow = Timestamp::from_micros(1'767'225'600'000'000);  // 2026-01-01
const Timestamp kLater = Timestamp::from_micros(1'767'225'600'000'001);
const Uuid kHold = numbered(51);

Decimal decimal(const char *text) { return *Decimal::parse(text); }

Entry entry_of(int account, const char *units, const char *currency = "USD") {
  Entry entry;
  entry.account_id = numbered(account);
  entry.entry_type = "E";
  entry.sequence = 1;
  entry.layer = Layer::kPending;
  entry.direction = account % 2 == 0 ? Direction::kDebit : Direction::kCredit;
  entry.units = decimal(units);
  entry.currency = *Currency::parse(currency);
  entry.transaction_id = kHold;
  entry.account_version = 7;
  return entry;
}

PostedTransaction posting_of(std::vector<Entry> entries) {
  PostedTransaction posting;
  posting.transaction.id = kHold;
  posting.transaction.hold_id = kHold;
  posting.transaction.journal_id = numbered(1);
  posting.transaction.correlation_id = "c";
  posting.transaction.external_id = "e";
  posting.transaction.description = "d";
  posting.transaction.metadata = R"({"order": 7})";
  posting.transaction.created_at = kNow;
  posting.entries = std::move(entries);
  return posting;
}

PostedTransaction ten() { return posting_of({entry_of(2, "10.00"), entry_of(3, "10")}); }

AskedHoldStep capture(const char *amount = nullptr, bool final = true) {
  AskedHoldStep asked;
  asked.hold_id = kHold;
  if (amount != nullptr) asked.amount = decimal(amount);
  asked.final = final;
  return asked;
}

AskedHoldStep release() {
  AskedHoldStep asked;
  asked.hold_id = kHold;
  asked.kind = AskedHoldStep::kRelease;
  return asked;
}

HoldStep taken(const Hold &hold, const PostedTransaction &original, const AskedHoldStep &asked, int id = 52) {
  base::Result<HoldStep> step = take_step(hold, original, asked, numbered(id), kNow);
  EXPECT_TRUE(step.ok()) << step.error().message;
  if (!step) return HoldStep{};
  step->posting.transaction.created_at = kNow;
  return step.take();
}

std::string refusal(const Hold &hold, const PostedTransaction &original, const AskedHoldStep &asked,
                    Timestamp now = kNow) {
  const base::Result<HoldStep> step = take_step(hold, original, asked, numbered(52), now);
  return step ? "taken" : step.error().code;
}

std::vector<std::string> units(const HoldStep &step) {
  std::vector<std::string> out;
  out.reserve(step.posting.entries.size());
  for (const Entry &entry : step.posting.entries) {
    out.push_back(entry.units.text() + " " + std::string(text_of(entry.layer)));
  }
  return out;
}

TEST(Hold, HasAnAmountWhereAllItsEntriesHaveTheSame) {
  EXPECT_EQ(hold_of(ten(), {}).amount, decimal("10"));
  EXPECT_EQ(hold_of(ten(), {}).left().text(), "10.00");
  EXPECT_EQ(hold_of(posting_of({entry_of(2, "10"), entry_of(3, "9"), entry_of(5, "1")}), {}).amount, std::nullopt);
  EXPECT_EQ(hold_of(posting_of({entry_of(2, "10"), entry_of(3, "10"), entry_of(2, "10", "EUR")}), {}).amount,
            std::nullopt);
  EXPECT_EQ(hold_of(posting_of({}), {}).amount, std::nullopt);
}

TEST(Hold, IsOfPendingEntriesOnly) {
  PostedTransaction posting = ten();
  EXPECT_TRUE(check_pending(posting));
  posting.entries[1].layer = Layer::kEncumbrance;
  posting.entries[1].sequence = 2;
  const base::Outcome refused = check_pending(posting);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "hold.not_pending");
  EXPECT_EQ(refused.error().details, R"({"sequence":2,"layer":"encumbrance"})");
}

TEST(Hold, ACaptureReleasesAndSettlesAsMuch) {
  const Hold hold = hold_of(ten(), {});
  const HoldStep step = taken(hold, ten(), capture("4", false));
  EXPECT_EQ(units(step), (std::vector<std::string>{"-4 pending", "-4 pending", "4 settled", "4 settled"}));
  EXPECT_EQ(step.posting.entries[1].entry_type, "E_RELEASE");
  EXPECT_EQ(step.posting.entries[2].entry_type, "E_CAPTURE");
  EXPECT_EQ(step.posting.entries[2].account_id, numbered(2));
  EXPECT_EQ(step.posting.entries[3].sequence, 4);
  EXPECT_EQ(step.posting.entries[3].transaction_id, numbered(52));
  EXPECT_EQ(step.posting.entries[3].account_version, 0);
  EXPECT_EQ(step.posting.transaction.hold_id, kHold);
  EXPECT_EQ(step.posting.transaction.correlation_id, "c");
  EXPECT_EQ(step.posting.transaction.description, "d");
  EXPECT_EQ(step.posting.transaction.metadata, R"({"order": 7})");
  EXPECT_EQ(step.posting.transaction.external_id, std::nullopt);
  EXPECT_EQ(step.posting.transaction.effective, kNow.date());
  EXPECT_EQ(step.after.status, HoldStatus::kOpen);
  EXPECT_EQ(step.after.version, 2);
  EXPECT_EQ(step.after.left().text(), "6.00");
  EXPECT_EQ(step.after.closed_by, std::nullopt);
}

TEST(Hold, AFinalCaptureReleasesTheRest) {
  const HoldStep first = taken(hold_of(ten(), {}), ten(), capture("4", false));
  const HoldStep last = taken(first.after, ten(), capture("5"), 53);
  EXPECT_EQ(units(last), (std::vector<std::string>{"-6.00 pending", "-6.00 pending", "5 settled", "5 settled"}));
  EXPECT_EQ(last.after.status, HoldStatus::kCaptured);
  EXPECT_EQ(last.after.captured, decimal("9"));
  EXPECT_EQ(last.after.closed_by, numbered(53));
  EXPECT_TRUE(last.after.left().is_zero());
  const HoldStep all = taken(first.after, ten(), capture(), 53);
  EXPECT_EQ(units(all), (std::vector<std::string>{"-6.00 pending", "-6.00 pending", "6.00 settled", "6.00 settled"}));
}

TEST(Hold, IsCapturedWhenNothingIsLeft) {
  const HoldStep step = taken(hold_of(ten(), {}), ten(), capture("10", false));
  EXPECT_EQ(step.after.status, HoldStatus::kCaptured);
  EXPECT_EQ(step.after.closed_by, numbered(52));
}

TEST(Hold, OfSeveralAmountsIsCapturedAndReleasedAsAWhole) {
  const PostedTransaction original = posting_of({entry_of(2, "10"), entry_of(3, "9"), entry_of(5, "1")});
  const Hold hold = hold_of(original, {});
  EXPECT_EQ(refusal(hold, original, capture("1")), "hold.not_divisible");
  const HoldStep step = taken(hold, original, capture());
  EXPECT_EQ(units(step), (std::vector<std::string>{"-10 pending", "-9 pending", "-1 pending", "10 settled", "9 settled",
                                                   "1 settled"}));
  EXPECT_EQ(step.after.status, HoldStatus::kCaptured);
  EXPECT_EQ(step_difference(step.after, step.posting.transaction, step.posting.entries, capture()), std::nullopt);
  EXPECT_EQ(units(taken(hold, original, release())),
            (std::vector<std::string>{"-10 pending", "-9 pending", "-1 pending"}));
}

TEST(Hold, NeverGivesMoreThanItHas) {
  const HoldStep first = taken(hold_of(ten(), {}), ten(), capture("4", false));
  EXPECT_EQ(refusal(first.after, ten(), capture("6.01", false)), "hold.exceeded");
  EXPECT_EQ(refusal(first.after, ten(), capture("6.00", false)), "taken");
  const base::Result<HoldStep> step = take_step(first.after, ten(), capture("7"), numbered(52), kNow);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().details,
            R"({"hold_id":")" + kHold.text() + R"(","currency":"USD","requested":"7","left":"6.00","captured":"4"})");
}

TEST(Hold, IsNotCapturedWhereAnAmountWouldHaveTooManyDigits) {
  const PostedTransaction wide =
      posting_of({entry_of(2, "1000000000000000000000"), entry_of(3, "1000000000000000000000")});
  const Hold hold = hold_of(wide, {});
  EXPECT_EQ(refusal(hold, wide, capture("0.000000000000000001", false)), "amount.range") << "what is left";
  const HoldStep fine = taken(hold, wide, capture("0.000000000000000001"));
  EXPECT_EQ(fine.after.captured.text(), "0.000000000000000001") << "nothing is left";
  EXPECT_TRUE(fine.after.left().is_zero());
  Hold part = hold;
  part.captured = decimal("0.000000000000000001");
  part.amount = decimal("99999999999999999999.000000000000000001");
  EXPECT_EQ(refusal(part, wide, capture()), "taken");
  part.amount = decimal("99999999999999999999");
  part.captured = decimal("10000000000000000000");
  EXPECT_EQ(refusal(part, wide, capture("1.0000000000000000001", false)), "amount.range") << "what is captured in all";
}

TEST(Hold, ExpiresAtItsInstant) {
  AskedHold asked;
  asked.expires_at = kLater;
  Hold hold = hold_of(ten(), asked);
  EXPECT_EQ(hold.status_at(kNow), HoldStatus::kOpen);
  EXPECT_EQ(hold.status_at(kLater), HoldStatus::kExpired);
  EXPECT_EQ(refusal(hold, ten(), capture(), kLater), "hold.not_open");
  EXPECT_EQ(refusal(hold, ten(), release(), kLater), "taken");
  const base::Result<HoldStep> swept = take_step(hold, ten(), release(), numbered(52), kLater);
  ASSERT_TRUE(swept);
  EXPECT_EQ(swept->after.status, HoldStatus::kExpired);
  EXPECT_EQ(swept->after.left().text(), "0");
  EXPECT_EQ(refusal(swept->after, ten(), release(), kLater), "hold.not_open");
  hold.status = HoldStatus::kCaptured;
  EXPECT_EQ(hold.status_at(kLater), HoldStatus::kCaptured);
}

TEST(Hold, TheSameStepAgainIsTheSameInEachOfItsFields) {
  const auto differs = [](const Hold &hold, const HoldStep &step, const AskedHoldStep &asked) {
    return step_difference(hold, step.posting.transaction, step.posting.entries, asked).value_or("");
  };
  const HoldStep part = taken(hold_of(ten(), {}), ten(), capture("4", false));
  const HoldStep last = taken(part.after, ten(), capture("6"), 53);
  const Hold &now = last.after;
  EXPECT_EQ(differs(now, part, capture("4.0", false)), "");
  EXPECT_EQ(differs(now, part, capture("4")), "final");
  EXPECT_EQ(differs(now, part, capture("5", false)), "amount");
  EXPECT_EQ(differs(now, last, capture("6")), "");
  EXPECT_EQ(differs(now, last, capture()), "");
  EXPECT_EQ(differs(now, part, capture()), "amount") << "all that is left, which it was not";
  EXPECT_EQ(differs(now, part, capture(nullptr, false)), "amount");
  EXPECT_EQ(differs(now, part, release()), "entries");
  AskedHoldStep dated = capture("6");
  dated.effective = base::Date{1};
  EXPECT_EQ(differs(now, last, dated), "effective");
  const HoldStep on_a_day = taken(part.after, ten(), dated, 53);
  EXPECT_EQ(differs(on_a_day.after, on_a_day, dated), "");
  EXPECT_EQ(differs(on_a_day.after, on_a_day, capture("6")), "effective") << "today is not the day that was given";
  AskedHoldStep other = capture("6");
  other.hold_id = numbered(60);
  EXPECT_EQ(differs(now, last, other), "hold_id");
  EXPECT_EQ(step_difference(now, ten().transaction, ten().entries, capture()), "hold_id") << "its own transaction";
}

TEST(Hold, IsWrittenWithItsAccountsEachOnce) {
  Hold hold = hold_of(ten(), {});
  const HoldWrite write = write_of(hold, {numbered(3), numbered(2), numbered(3)});
  EXPECT_EQ(write.old_version, 0);
  EXPECT_EQ(write.account_ids, (std::vector<Uuid>{numbered(2), numbered(3)}));
}

}  // namespace
}  // namespace cala::core
