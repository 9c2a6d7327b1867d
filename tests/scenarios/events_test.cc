// What is noted in the outbox: each thing that was written once, in the order in which it was written, and nothing
// where an operation was refused, found what it was to make, or was rolled back. Read with SQL, on both stores.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

#define JOURNAL "10000000-0000-0000-0000-000000000001"
#define ALICE "a0000000-0000-0000-0000-000000000001"
#define BOB "a0000000-0000-0000-0000-000000000002"
#define TOP "f0000000-0000-0000-0000-000000000001"
#define LEFT "f0000000-0000-0000-0000-000000000002"
#define RIGHT "f0000000-0000-0000-0000-000000000003"
#define LIMIT "40000000-0000-0000-0000-000000000001"
#define CONTROL "50000000-0000-0000-0000-000000000001"

using Lines = std::vector<std::string>;

constexpr const char *kLimit = R"j({"id": ")j" LIMIT R"j(", "name": "L", "limit": {"balance": [
  {"layer": "SETTLED", "amount": "decimal('100')", "enforcement_direction": "DEBIT"}]}})j";
constexpr const char *kTemplate = R"j({"code": "T", "transaction": {"effective": "date()",
  "journal_id": "uuid(')j" JOURNAL R"j(')"}, "entries": []})j";

class Events : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    ledger_ = store_->open();
    ASSERT_NE(ledger_, nullptr);
    run("journal_create", R"({"id": ")" JOURNAL R"(", "name": "Main"})");
    run("account_create_many", R"({"accounts": [{"id": ")" ALICE R"(", "code": "ALICE", "name": "Alice"},
        {"id": ")" BOB R"(", "code": "BOB", "name": "Bob"}]})");
  }

  void run(const char *operation, const std::string &request) {
    const Answer answer = ledger_->run(operation, request);
    ASSERT_TRUE(answer.ok()) << operation << ": " << answer.text();
  }
  void refuse(const char *operation, const std::string &request, const char *code) {
    EXPECT_EQ(ledger_->run(operation, request).code, code) << operation;
  }

  // The events since the last call, "type" each, or "type member" where the payload names one.
  Lines told() {
    const bool sqlite = GetParam() == StoreKind::kSqlite;
    const std::string table = sqlite ? "cala_outbox_events" : store_->schema() + ".outbox_events";
    EXPECT_TRUE(ledger_->begin().ok());
    const Answer answer = ledger_->run(
        "tx_exec", R"({"sql": "SELECT type, CAST(payload AS text) FROM )" + table + R"( ORDER BY sequence"})");
    EXPECT_TRUE(answer.ok()) << answer.text();
    EXPECT_TRUE(ledger_->rollback().ok());
    const std::optional<JsonDocument> document = JsonDocument::parse(answer.result);
    Lines all;
    const cJSON *row = nullptr;
    cJSON_ArrayForEach(row, json_member(document ? document->root() : nullptr, "rows")) {
      std::string line = cJSON_GetArrayItem(row, 0)->valuestring;
      const cJSON *payload = cJSON_GetArrayItem(row, 1);
      const std::optional<JsonDocument> more =
          JsonDocument::parse(cJSON_IsString(payload) != 0 ? payload->valuestring : "{}");
      for (const char *key : {"account_id", "member_account_set_id", "limit_id"}) {
        const cJSON *where = more ? json_member(more->root(), "velocity_attachment") : nullptr;
        if (more && where == nullptr) where = more->root();
        if (where != nullptr && json_member(where, key) != nullptr) line += " " + json_text(where, key);
      }
      all.push_back(std::move(line));
    }
    Lines fresh(all.begin() + static_cast<std::ptrdiff_t>(seen_), all.end());
    seen_ = all.size();
    return fresh;
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
  std::size_t seen_ = 0;
};

TEST_P(Events, AreOneForEachThingThatIsMadeOrChanged) {
  EXPECT_EQ(told(), (Lines{"journal_created", "account_created", "account_created"}));
  run("account_update", R"({"id": ")" ALICE R"(", "name": "Alice B."})");
  run("account_update", R"({"id": ")" ALICE R"(", "name": "Alice B."})");  // nothing to change
  run("account_lock", R"({"id": ")" ALICE "\"}");
  run("account_lock", R"({"id": ")" ALICE "\"}");
  run("journal_update", R"({"id": ")" JOURNAL R"(", "description": "d"})");
  EXPECT_EQ(told(), (Lines{"account_updated", "account_updated", "journal_updated"}));
  refuse("account_create", R"({"code": "ALICE", "name": "Again"})", "account.exists");
  refuse("account_create_many", R"({"accounts": [{"code": "C", "name": "C"}, {"code": "BOB", "name": "B"}]})",
         "account.exists");
  EXPECT_EQ(told(), Lines{});
}

TEST_P(Events, OfMembershipsAreOneForEachOfARequest) {
  for (const char *set : {TOP, LEFT, RIGHT}) {
    run("account_set_create", std::string(R"({"journal_id": ")" JOURNAL R"(", "name": "S", "id": ")") + set + "\"}");
  }
  told();
  run("account_set_add_members", R"({"members": []})");
  EXPECT_EQ(told(), Lines{});
  run("account_set_add_members", R"({"members": [
    {"account_set_id": ")" TOP R"(", "member_account_set_id": ")" LEFT R"("},
    {"account_set_id": ")" TOP R"(", "member_account_set_id": ")" RIGHT R"("},
    {"account_set_id": ")" LEFT R"(", "account_id": ")" ALICE R"("}]})");
  EXPECT_EQ(told(), (Lines{"account_set_member_created " LEFT, "account_set_member_created " RIGHT,
                           "account_set_member_created " ALICE}));
  refuse("account_set_add_members", R"({"members": [{"account_set_id": ")" RIGHT R"(", "account_id": ")" BOB R"("},
    {"account_set_id": ")" RIGHT R"(", "account_id": ")" ALICE R"("}]})",
         "membership.duplicate_path");
  EXPECT_EQ(told(), Lines{});
  run("account_set_remove_member", R"({"account_set_id": ")" LEFT R"(", "account_id": ")" ALICE "\"}");
  refuse("account_set_remove_member", R"({"account_set_id": ")" LEFT R"(", "account_id": ")" ALICE "\"}",
         "membership.not_found");
  EXPECT_EQ(told(), (Lines{"account_set_member_removed " ALICE}));
  run("account_create",
      R"({"id": "a0000000-0000-0000-0000-000000000003", "code": "N", "name": "N", "account_set_id": ")" LEFT "\"}");
  EXPECT_EQ(told(), (Lines{"account_created", "account_set_member_created a0000000-0000-0000-0000-000000000003"}));
}

TEST_P(Events, AreNoneOfWhatIsFound) {
  run("account_ensure", R"({"code": "CASH", "name": "Cash"})");
  run("journal_ensure", R"({"code": "OTHER", "name": "Other"})");
  run("tx_template_ensure", kTemplate);
  run("velocity_limit_ensure", kLimit);
  run("velocity_control_ensure", R"({"id": ")" CONTROL R"(", "name": "C"})");
  run("velocity_control_ensure_limit", R"({"control_id": ")" CONTROL R"(", "limit_id": ")" LIMIT "\"}");
  run("velocity_control_ensure_attached", R"({"control_id": ")" CONTROL R"(", "account_ids": [")" ALICE R"("]})");
  const Lines first = told();
  EXPECT_EQ(
      Lines(first.begin() + 3, first.end()),
      (Lines{"account_created", "journal_created", "tx_template_created", "velocity_limit_created",
             "velocity_control_created", "velocity_control_limit_added " LIMIT, "velocity_control_attached " ALICE}));
  run("account_ensure", R"({"id": ")" RIGHT R"(", "code": "CASH", "name": "Money", "on_difference": "keep"})");
  run("journal_ensure", R"({"code": "OTHER", "name": "Other"})");
  run("tx_template_ensure", kTemplate);
  run("velocity_limit_ensure", kLimit);
  run("velocity_control_ensure", R"({"id": ")" CONTROL R"(", "name": "C"})");
  run("velocity_control_ensure_limit", R"({"control_id": ")" CONTROL R"(", "limit_id": ")" LIMIT "\"}");
  run("velocity_control_ensure_attached", R"({"control_id": ")" CONTROL R"(", "account_ids": [")" ALICE R"("]})");
  refuse("account_ensure", R"({"code": "CASH", "name": "Money"})", "account.ensure_differs");
  refuse("account_find", R"({"id": ")" RIGHT "\"}", "account.not_found");
  EXPECT_EQ(told(), Lines{});
}

TEST_P(Events, OfPostingsAreOneEachAndOfAReplayNone) {
  run("tx_template_create", kTemplate);
  told();
  const std::string one = R"({"id": "30000000-0000-0000-0000-000000000001", "tx_template_code": "T"})";
  run("transaction_post", one);
  run("transaction_post", one);
  EXPECT_EQ(told(), (Lines{"transaction_created"}));
  run("transaction_post_many",
      R"({"postings": [)" + one + R"(, {"tx_template_code": "T"}, {"tx_template_code": "T"}]})");
  EXPECT_EQ(told(), (Lines{"transaction_created", "transaction_created"}));
  ASSERT_TRUE(ledger_->begin().ok());
  run("transaction_post", R"({"tx_template_code": "T"})");
  run("account_create", R"({"code": "N", "name": "N"})");
  ASSERT_TRUE(ledger_->rollback().ok());
  EXPECT_EQ(told(), Lines{});
}

INSTANTIATE_TEST_SUITE_P(Stores, Events, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
