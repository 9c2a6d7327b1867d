// Holds when several are at them at once: never is more captured than was held, and each hold is closed once.
#include <cala.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kHold = "30000000-0000-0000-0000-000000000001";
constexpr const char *kBob = R"({"journal_id": "10000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD"})";

class HoldRace : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    first_ = store_->open();
    second_ = store_->open();
    ASSERT_NE(first_, nullptr);
    ASSERT_NE(second_, nullptr);
    for (const auto &[operation, request] :
         {std::pair<const char *, const char *>{"journal_create",
                                                R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})"},
          {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"},
          {"account_create", R"({"id": "a0000000-0000-0000-0000-000000000002", "code": "B", "name": "B"})"},
          {"tx_template_create", R"json({"code": "HOLD", "transaction": {"effective": "date()",
            "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"}, "entries": [
            {"entry_type": "'D'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "PENDING",
              "direction": "DEBIT", "units": "decimal('10')", "currency": "'USD'"},
            {"entry_type": "'C'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "PENDING",
              "direction": "CREDIT", "units": "decimal('10')", "currency": "'USD'"}]})json"}}) {
      const Answer answer = first_->run(operation, request);
      ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
    }
  }

  void make_hold(const std::string &id, const std::string &more = "") {
    const Answer made = first_->run("hold_create", R"({"tx_template_code": "HOLD", "id": ")" + id + "\"" + more + "}");
    ASSERT_TRUE(made.ok()) << made.text();
  }

  // Each request on a ledger of its own, all at once. How often each code came; "" for an answer.
  std::map<std::string, int> at_once(const std::vector<std::pair<std::string, std::string>> &requests) {
    std::vector<std::unique_ptr<LedgerClient>> ledgers;
    ledgers.reserve(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) ledgers.push_back(store_->open());
    std::vector<std::future<Answer>> answers;
    answers.reserve(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      answers.push_back(std::async(std::launch::async, [ledger = ledgers[i].get(), request = requests[i]] {
        return ledger->run(request.first, request.second);
      }));
    }
    std::map<std::string, int> codes;
    for (std::future<Answer> &answer : answers) ++codes[answer.get().code];
    return codes;
  }

  // Settled and pending of the one who is paid.
  std::pair<std::string, std::string> balances() {
    const Answer answer = first_->run("balance_find", kBob);
    const std::optional<JsonDocument> document = JsonDocument::parse(answer.result);
    const auto net = [&document](const char *layer) {
      return document ? json_text(json_member(document->root(), layer), "net") : std::string();
    };
    return {net("settled"), net("pending")};
  }

  // What a capture answers that has to wait until the first ledger's transaction is rolled back,
  // while its hold expires.
  Answer captured_too_late(const std::string &first_does, const std::string &request) {
    const std::unique_ptr<LedgerClient> late = store_->open(R"("clock": {"manual": "2026-01-01T00:00:00Z"})");
    const Answer made = late->run("hold_create", R"({"tx_template_code": "HOLD", "id": ")" + std::string(kHold) +
                                                     R"(", "expires_at": "2026-01-01T00:00:01Z"})");
    EXPECT_TRUE(made.ok()) << made.text();
    EXPECT_TRUE(first_->begin().ok());
    const Answer first = first_->run(first_does, request);
    EXPECT_TRUE(first.ok()) << first.text();
    std::future<Answer> answer = std::async(std::launch::async, [&late] {
      return late->run("hold_capture", R"({"hold_id": ")" + std::string(kHold) + "\"}");
    });
    EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    EXPECT_TRUE(late->set_clock("2026-01-01T00:00:01Z").ok());
    EXPECT_TRUE(first_->rollback().ok());
    return answer.get();
  }

  // The second ledger's answer, whose request has to wait for the first one's transaction.
  Answer after_commit(const std::string &operation, const std::string &request) {
    std::future<Answer> answer =
        std::async(std::launch::async, [this, operation, request] { return second_->run(operation, request); });
    EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    EXPECT_TRUE(first_->commit().ok());
    return answer.get();
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> first_;
  std::unique_ptr<LedgerClient> second_;
};

TEST_P(HoldRace, OfManyCapturesOnlySoManyPassAsAreHeld) {
  make_hold(kHold);
  const std::string capture = R"({"final": false, "amount": "3", "hold_id": ")" + std::string(kHold) + "\"}";
  const std::map<std::string, int> codes =
      at_once(std::vector<std::pair<std::string, std::string>>(6, {"hold_capture", capture}));
  EXPECT_EQ(codes, (std::map<std::string, int>{{"", 3}, {"hold.exceeded", 3}}));
  EXPECT_EQ(balances(), (std::pair<std::string, std::string>("9", "1")));
}

TEST_P(HoldRace, TheSameCaptureByManyIsOne) {
  make_hold(kHold);
  const std::string capture =
      R"({"id": "30000000-0000-0000-0000-000000000002", "hold_id": ")" + std::string(kHold) + "\"}";
  const std::map<std::string, int> codes =
      at_once(std::vector<std::pair<std::string, std::string>>(4, {"hold_capture", capture}));
  EXPECT_EQ(codes, (std::map<std::string, int>{{"", 4}}));
  EXPECT_EQ(balances(), (std::pair<std::string, std::string>("10", "0")));
}

TEST_P(HoldRace, AHoldIsCapturedOrReleasedAndNeverBoth) {
  for (int round = 0; round < 3; ++round) {
    const std::string id = "30000000-0000-0000-0000-0000000000" + std::to_string(10 + round);
    make_hold(id);
    const std::string of = R"({"hold_id": ")" + id + "\"";
    const std::string again = R"(, "id": "31000000-0000-0000-0000-0000000000)" + std::to_string(10 + round) + "\"}";
    const std::map<std::string, int> codes =
        at_once({{"hold_capture", of + "}"}, {"hold_release", of + again}, {"hold_capture", of + "}"}});
    EXPECT_EQ(codes, (std::map<std::string, int>{{"", 1}, {"hold.not_open", 2}}));
    EXPECT_EQ(balances().second, "0");
  }
}

TEST_P(HoldRace, WhatHasExpiredIsReleasedOnce) {
  std::vector<std::pair<std::string, std::string>> requests(3, {"hold_expire", "{}"});
  for (int i = 10; i < 16; ++i) {
    make_hold("30000000-0000-0000-0000-0000000000" + std::to_string(i), R"(, "expires_at": "2020-01-01T00:00:00Z")");
  }
  requests.emplace_back("hold_capture", R"({"hold_id": "30000000-0000-0000-0000-000000000010"})");
  requests.emplace_back("hold_release", R"({"hold_id": "30000000-0000-0000-0000-000000000011"})");
  const std::map<std::string, int> codes = at_once(requests);
  EXPECT_EQ(codes, (std::map<std::string, int>{{"", 4}, {"hold.not_open", 1}}));
  EXPECT_TRUE(first_->run("hold_expire", "{}").ok()) << "what others were at";
  EXPECT_EQ(balances(), (std::pair<std::string, std::string>("0", "0")));
  const Answer listed = first_->run("hold_list", R"({"status": "expired"})");
  EXPECT_EQ(listed.result.find("\"left\":\"10\""), std::string::npos) << listed.text();
}

TEST_P(HoldRace, ACaptureWaitsForTheOneInFlight) {
  make_hold(kHold);
  const std::string of = R"({"hold_id": ")" + std::string(kHold) + "\"";
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("hold_capture", of + R"(, "amount": "6", "final": false})").ok());
  EXPECT_EQ(after_commit("hold_capture", of + R"(, "amount": "5"})").code, "hold.exceeded");
  ASSERT_TRUE(first_->begin().ok());
  ASSERT_TRUE(first_->run("hold_release", of + "}").ok());
  EXPECT_EQ(after_commit("hold_capture", of + "}").code, "hold.not_open");
  EXPECT_EQ(balances(), (std::pair<std::string, std::string>("6", "0")));
}

TEST_P(HoldRace, ACaptureThatWaitedForTheHoldComesTooLateWhereItHasExpired) {
  const Answer late = captured_too_late("hold_release", R"({"hold_id": ")" + std::string(kHold) + "\"}");
  EXPECT_EQ(late.code, "hold.not_open") << late.text();
  EXPECT_EQ(balances(), (std::pair<std::string, std::string>("0", "10")));
}

TEST_P(HoldRace, ACaptureThatWaitedForBalancesComesTooLateWhereItsHoldHasExpired) {
  const Answer late = captured_too_late("transaction_post", R"({"tx_template_code": "HOLD"})");
  EXPECT_EQ(late.code, "hold.not_open") << late.text();
  EXPECT_EQ(balances(), (std::pair<std::string, std::string>("0", "10")));
}

INSTANTIATE_TEST_SUITE_P(Stores, HoldRace, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
