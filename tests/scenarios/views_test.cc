// The views of docs/views.md: they show what the operations tell, and a role that may read them reads nothing else.
#include <gtest/gtest.h>

#include <unistd.h>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"
#include "store_sql.h"

namespace cala::tests {
namespace {

constexpr const char *kBooks[][2] = {
    {"journal_create", R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})"},
    {"account_create_many", R"({"accounts": [
      {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice", "metadata": {"k": 1}},
      {"id": "a0000000-0000-0000-0000-000000000002", "code": "CASH", "name": "Cash",
        "normal_balance_type": "debit"}]})"},
    {"tx_template_create",
     R"json({"code": "T", "params": [{"name": "d", "type": "string"}, {"name": "c", "type": "string"},
      {"name": "units", "type": "decimal"}, {"name": "layer", "type": "string", "default": "'SETTLED'"}],
      "transaction": {"effective": "date('2026-01-31')", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
      "entries": [
        {"entry_type": "'D'", "account_id": "uuid(params.d)", "layer": "params.layer", "direction": "DEBIT",
          "units": "params.units", "currency": "'USD'"},
        {"entry_type": "'C'", "account_id": "uuid(params.c)", "layer": "params.layer", "direction": "CREDIT",
          "units": "params.units", "currency": "'USD'"}]})json"},
};
constexpr const char *kAlice = "a0000000-0000-0000-0000-000000000001";
constexpr const char *kCash = "a0000000-0000-0000-0000-000000000002";

constexpr const char *kNames[] = {"accounts", "balances",      "transactions",
                                  "entries",  "trial_balance", "trial_balance_totals"};

class Views : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    ledger_ = store_->open(R"("clock": {"manual": "2026-02-01T10:20:30.000400Z"})");
    ASSERT_NE(ledger_, nullptr);
    for (const auto &[operation, request] : kBooks) ASSERT_TRUE(ledger_->run(operation, request).ok()) << operation;
    post(kCash, kAlice, "10.50", "SETTLED");
    post(kAlice, kCash, "30", "SETTLED");
    post(kCash, kAlice, "99999999999999999999999999999999.125", "PENDING");
    post(kCash, kAlice, "-0.5", "PENDING");
  }

  void post(const char *debit, const char *credit, const char *units, const char *layer) {
    const std::string request = std::string(R"({"tx_template_code": "T", "params": {"d": ")") + debit + R"(", "c": ")" +
                                credit + R"(", "units": ")" + units + R"(", "layer": ")" + layer + "\"}}";
    const Answer answer = ledger_->run("transaction_post", request);
    ASSERT_TRUE(answer.ok()) << answer.text();
  }

  std::string view(const std::string &name) const {
    return GetParam() == StoreKind::kSqlite ? "cala_" + name + "_view" : store_->schema() + "." + name + "_view";
  }

  // The rows of a query, "a|b|c" each; a null is "-".
  std::vector<std::string> rows(const std::string &query) {
    std::vector<std::string> out;
    EXPECT_TRUE(ledger_->begin().ok());
    const Answer answer = ledger_->run("tx_exec", "{\"sql\": \"" + query + "\"}");
    EXPECT_TRUE(answer.ok()) << answer.text();
    EXPECT_TRUE(ledger_->rollback().ok());
    const std::optional<JsonDocument> document = JsonDocument::parse(answer.result);
    const cJSON *row = nullptr;
    cJSON_ArrayForEach(row, json_member(document ? document->root() : nullptr, "rows")) {
      std::string text;
      const cJSON *value = nullptr;
      cJSON_ArrayForEach(value, row) text += "|" + std::string(cJSON_IsString(value) != 0 ? value->valuestring : "-");
      out.push_back(text.substr(1));
    }
    return out;
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
};

using Lines = std::vector<std::string>;

TEST_P(Views, BalancesAreSignedByLayerAndExact) {
  EXPECT_EQ(rows("SELECT account_code, journal_name, currency, settled, pending, encumbrance, settled_debit, "
                 "settled_credit, version FROM " +
                 view("balances") + " ORDER BY account_code"),
            (Lines{"ALICE|Main|USD|-19.50|99999999999999999999999999999998.625|0|30|10.50|4",
                   "CASH|Main|USD|-19.50|99999999999999999999999999999998.625|0|10.50|30|4"}));
}

TEST_P(Views, EntriesHaveARunningBalance) {
  EXPECT_EQ(rows("SELECT sequence, direction, layer, units, balance, account_version, entry_type FROM " +
                 view("entries") + " WHERE account_code = 'ALICE' ORDER BY posting, sequence"),
            (Lines{"2|credit|settled|10.50|10.50|1|C", "1|debit|settled|30|-19.50|2|D",
                   "2|credit|pending|99999999999999999999999999999999.125|99999999999999999999999999999999.125|3|C",
                   "2|credit|pending|-0.5|99999999999999999999999999999998.625|4|C"}));
  EXPECT_EQ(rows("SELECT count(*), count(DISTINCT entry_id), count(DISTINCT transaction_id) FROM " + view("entries")),
            (Lines{"8|8|4"}));
}

TEST_P(Views, AccountsAndTransactionsAreThere) {
  EXPECT_EQ(rows("SELECT account_id, code, name, normal_balance_type, status, external_id, version FROM " +
                 view("accounts") + " ORDER BY code"),
            (Lines{std::string(kAlice) + "|ALICE|Alice|credit|active|-|1",
                   std::string(kCash) + "|CASH|Cash|debit|active|-|1"}));
  EXPECT_EQ(rows("SELECT tx_template_code, journal_name, effective, entries, void_of, voided_by FROM " +
                 view("transactions") + " WHERE correlation_id = CAST(transaction_id AS text) ORDER BY posting"),
            Lines(4, "T|Main|2026-01-31|2|-|-"));
  const Lines times = rows("SELECT DISTINCT created_at FROM " + view("transactions"));
  ASSERT_EQ(times.size(), 1U);
  EXPECT_NE(times[0].find("20:30.0004"), std::string::npos) << times[0];
}

TEST_P(Views, WhatIsOfAHoldNamesIt) {
  const std::string hold = "30000000-0000-0000-0000-000000000001", capture = "30000000-0000-0000-0000-000000000002";
  const Answer made =
      ledger_->run("hold_create", R"({"id": ")" + hold + R"(", "tx_template_code": "T", "params": {"d": ")" + kCash +
                                      R"(", "c": ")" + kAlice + R"(", "units": "7", "layer": "PENDING"}})");
  ASSERT_TRUE(made.ok()) << made.text();
  const Answer captured =
      ledger_->run("hold_capture", R"({"hold_id": ")" + hold + R"(", "id": ")" + capture + R"(", "amount": "5"})");
  ASSERT_TRUE(captured.ok()) << captured.text();
  EXPECT_EQ(
      rows("SELECT transaction_id FROM " + view("transactions") + " WHERE hold_id = '" + hold + "' ORDER BY posting"),
      (Lines{hold, capture}));
  EXPECT_EQ(rows("SELECT transaction_id, entry_type, layer, units FROM " + view("entries") + " WHERE hold_id = '" +
                 hold + "' AND account_code = 'ALICE' ORDER BY posting, sequence"),
            (Lines{hold + "|C|pending|7", capture + "|C_RELEASE|pending|-7", capture + "|C_CAPTURE|settled|5"}));
  EXPECT_EQ(rows("SELECT count(*) FROM " + view("entries") + " WHERE hold_id IS NULL"), Lines{"8"});
  EXPECT_EQ(rows("SELECT count(*) FROM " + view("transactions") + " WHERE hold_id IS NULL"), Lines{"4"});
}

TEST_P(Views, TheTrialBalanceBalances) {
  EXPECT_EQ(rows("SELECT account_code, layer, debit, credit, balance FROM " + view("trial_balance") +
                 " WHERE layer = 'settled' ORDER BY account_code"),
            (Lines{"ALICE|settled|30|10.50|-19.50", "CASH|settled|10.50|30|-19.50"}));
  EXPECT_EQ(rows("SELECT journal_name, currency, layer, debit, credit FROM " + view("trial_balance_totals") +
                 " ORDER BY layer"),
            (Lines{"Main|USD|pending|99999999999999999999999999999998.625|99999999999999999999999999999998.625",
                   "Main|USD|settled|40.50|40.50"}));
}

TEST_P(Views, ARoleReadsThemAndNothingElse) {
  if (GetParam() != StoreKind::kPostgres) return;  // SQLite has no roles
  const std::string role = "auditor_" + std::to_string(::getpid());
  std::string all;
  for (const char *name : kNames) {
    all += (all.empty() ? "" : ", ") + view(name);
  }
  EXPECT_EQ(run_sql(*store_, "CREATE ROLE " + role), "");
  EXPECT_EQ(run_sql(*store_, "GRANT USAGE ON SCHEMA " + store_->schema() + " TO " + role), "");
  EXPECT_EQ(run_sql(*store_, "GRANT SELECT ON " + all + " TO " + role), "");
  const auto read = [&](const std::string &table) {
    return run_sql(*store_, "SET ROLE " + role + "; DO $$ BEGIN PERFORM count(*) FROM " + table + "; END $$");
  };
  for (const char *name : kNames) EXPECT_EQ(read(view(name)), "");
  for (const char *table : {"accounts", "balances", "transactions", "entries", "balance_history", "outbox_events"}) {
    EXPECT_NE(read(store_->schema() + "." + table).find("permission denied"), std::string::npos) << table;
  }
  EXPECT_EQ(run_sql(*store_, "DROP OWNED BY " + role + "; DROP ROLE " + role), "");
}

INSTANTIATE_TEST_SUITE_P(Stores, Views, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
