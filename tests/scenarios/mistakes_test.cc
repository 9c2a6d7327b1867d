// No mistake of a user is INTERNAL: each value of a request that works is taken out or put wrong, and so are statements
// and expressions. Whatever is said of it is one of the statuses that tell a mistake from a defect.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {
namespace {

constexpr const char *kJournal = R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main", "code": "MAIN"})";
constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice", "external_id": "alice"},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "BOB", "name": "Bob"}]})";
constexpr const char *kLimit = R"json({"id": "40000000-0000-0000-0000-000000000001", "name": "Limit",
  "params": [{"name": "most", "type": "decimal", "default": "decimal('1')"}],
  "limit": {"balance": [{"layer": "SETTLED", "amount": "params.most", "enforcement_direction": "DEBIT"}]}})json";
constexpr const char *kControl = R"({"id": "50000000-0000-0000-0000-000000000001", "name": "Control"})";
constexpr const char *kLimitOfControl =
    R"({"control_id": "50000000-0000-0000-0000-000000000001", "limit_id": "40000000-0000-0000-0000-000000000001"})";
constexpr const char *kSet = R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "Set", "external_id": "set",
  "journal_id": "10000000-0000-0000-0000-000000000001"})";
constexpr const char *kTemplate = R"json({"code": "TRANSFER",
  "params": [{"name": "amount", "type": "decimal", "default": "decimal('1')"},
    {"name": "any", "type": "json", "default": "{}"},
             {"name": "count", "type": "integer", "default": "1", "min": "0", "max": "9"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')",
                  "metadata": "params.any"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
      "direction": "DEBIT",
      "units": "params.amount * params.count", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
      "direction": "CREDIT",
      "units": "params.amount * params.count", "currency": "'USD'"}]})json";

#define CALA_JOURNAL_ID "\"journal_id\": \"10000000-0000-0000-0000-000000000001\""
#define CALA_KEY CALA_JOURNAL_ID ", \"account_id\": \"a0000000-0000-0000-0000-000000000001\", \"currency\": \"USD\""
#define CALA_PAGE "\"first\": 2, \"after\": \"x\", \"order\": \"desc\""

// Every operation, with as many of its keys as go together, and more of those that do not.
const std::pair<const char *, std::vector<const char *>> kRequests[] = {
    {"account_create",
     {R"({"id": "a0000000-0000-0000-0000-000000000009", "code": "C", "name": "C", "external_id": "c", )"
      R"("description": "c",
       "normal_balance_type": "debit", "status": "active", "metadata": {"a": [1]}, "min_available": "-1",
       "max_available": {"*": "1", "USD": "2"}, "available_layer": "pending"})"}},
    {"account_create_many", {R"({"accounts": [{"code": "D", "name": "D"}, {"code": "E", "name": "E"}]})"}},
    {"account_ensure",
     {R"({"id": "a0000000-0000-0000-0000-000000000008", "code": "F", "name": "F", "external_id": "f", )"
      R"("description": "f",
       "normal_balance_type": "debit", "status": "active", "metadata": {"a": [1]}, "on_difference": "keep"})"}},
    {"account_set_ensure",
     {R"({"id": "f0000000-0000-0000-0000-000000000008", )" CALA_JOURNAL_ID R"(, "name": "S", "external_id": "s8",
       "normal_balance_type": "debit", "description": "s", "metadata": {"a": [1]}, "on_difference": "keep"})"}},
    {"journal_ensure",
     {R"({"id": "10000000-0000-0000-0000-000000000008", "name": "J", "code": "J", "description": "j", )"
      R"("max_scale": {"USD": 2},
       "effective_balances": true, "on_difference": "keep"})"}},
    {"tx_template_ensure",
     {R"json({"code": "ENSURED", "params": [{"name": "a", "type": "decimal", "default": "decimal('1')"}], "entries": [],
       "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
       "on_difference": "keep"})json"}},
    {"account_find",
     {R"({"id": "a0000000-0000-0000-0000-000000000001"})", R"({"code": "ALICE"})", R"({"external_id": "alice"})"}},
    {"account_find_many", {R"({"ids": ["a0000000-0000-0000-0000-000000000001"]})"}},
    {"account_list", {R"({"code_prefix": "A", )" CALA_PAGE "}"}},
    {"account_update",
     {R"({"id": "a0000000-0000-0000-0000-000000000002", "name": "Bob", "code": "BOB", "description": "b",
       "external_id": "bob", "normal_balance_type": "credit", "metadata": {"a": 1}, "expected_version": 1,
       "min_available": {"*": "-9", "USD": "-8"}, "max_available": "9", "available_layer": "settled"})"}},
    {"account_lock", {R"({"id": "a0000000-0000-0000-0000-000000000002"})"}},
    {"account_unlock", {R"({"id": "a0000000-0000-0000-0000-000000000002"})"}},
    {"account_set_create", {R"({"id": "f0000000-0000-0000-0000-000000000002", "journal_id":
       "10000000-0000-0000-0000-000000000001", "name": "Set", "external_id": "s", "normal_balance_type": "debit",
       "description": "s", "metadata": {"a": 1}, "balance_rollup": "synchronous"})"}},
    {"account_set_find", {R"({"id": "f0000000-0000-0000-0000-000000000001"})", R"({"external_id": "set"})"}},
    {"account_set_find_many", {R"({"ids": ["f0000000-0000-0000-0000-000000000001"]})"}},
    {"account_set_list", {"{" CALA_JOURNAL_ID ", " CALA_PAGE "}"}},
    {"account_set_update", {R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "Set", "external_id": "set",
       "normal_balance_type": "debit", "description": "s", "metadata": {"a": 1}, "min_available": "-9",
         "max_available": "9",
       "available_layer": "settled"})"}},
    {"account_set_add_members", {R"({"members": [{"account_set_id": "f0000000-0000-0000-0000-000000000001",
       "account_id": "a0000000-0000-0000-0000-000000000001"}, {"account_set_id": "f0000000-0000-0000-0000-000000000001",
       "member_account_set_id": "f0000000-0000-0000-0000-000000000002"}]})"}},
    {"account_set_ensure_members", {R"({"members": [{"account_set_id": "f0000000-0000-0000-0000-000000000001",
       "account_id": "a0000000-0000-0000-0000-000000000001"}]})"}},
    {"rollup_await", {R"({"sequence": 1, "timeout_ms": 0})"}},
    {"rollup_status", {"{}"}},
    {"account_set_remove_member", {R"({"account_set_id": "f0000000-0000-0000-0000-000000000001",
       "account_id": "a0000000-0000-0000-0000-000000000001"})"}},
    {"account_set_list_members",
     {R"({"account_set_id": "f0000000-0000-0000-0000-000000000001", "by": "external_id", )" CALA_PAGE "}"}},
    {"account_set_list_parents", {R"({"account_id": "a0000000-0000-0000-0000-000000000001", )" CALA_PAGE "}"}},
    {"journal_create", {R"({"id": "10000000-0000-0000-0000-000000000009", "code": "J", "name": "J", "description": "j",
       "status": "active", "max_scale": {"default": 3, "USD": 2}})"}},
    {"journal_find", {R"({"id": "10000000-0000-0000-0000-000000000001"})", R"({"code": "MAIN"})"}},
    {"journal_list", {"{" CALA_PAGE "}"}},
    {"journal_update", {R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main", "code": "MAIN",
       "description": "m", "max_scale": 18})"}},
    {"journal_lock", {R"({"id": "10000000-0000-0000-0000-000000000001"})"}},
    {"journal_unlock", {R"({"id": "10000000-0000-0000-0000-000000000001"})"}},
    {"journal_close", {R"({"id": "10000000-0000-0000-0000-000000000001", "until": "2020-01-31"})"}},
    {"journal_reopen", {R"({"id": "10000000-0000-0000-0000-000000000001", "until": "2020-01-31"})"}},
    {"tx_template_create", {kTemplate, R"json({"code": "T", "description": "t", "metadata": {"a": 1},
       "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')",
         "correlation_id": "'c'", "external_id": "'e'", "description": "'d'", "metadata": "{'a': 1}"},
           "entries": []})json"}},
    {"tx_template_find", {R"({"code": "TRANSFER"})"}},
    {"tx_template_list", {"{" CALA_PAGE "}"}},
    {"transaction_post", {R"({"id": "30000000-0000-0000-0000-000000000001", "tx_template_code": "TRANSFER",
       "params": {"amount": "1", "any": {"a": [1]}, "count": 2}})"}},
    {"transaction_post_many",
     {R"({"postings": [{"id": "30000000-0000-0000-0000-000000000002", "tx_template_code": "TRANSFER",
       "params": {"amount": "1"}}, {"tx_template_code": "TRANSFER", "params": {}}]})"}},
    {"transaction_preview", {R"({"id": "30000000-0000-0000-0000-000000000003", "tx_template_code": "TRANSFER",
       "params": {"amount": "1", "any": {"a": [1]}, "count": 2}})"}},
    {"transaction_void", {R"({"id": "30000000-0000-0000-0000-000000000001", "void_id":
       "30000000-0000-0000-0000-000000000004", "effective": "2026-01-01", "description": "d", "metadata": {"a": 1}})"}},
    {"hold_create", {R"({"id": "30000000-0000-0000-0000-000000000005", "tx_template_code": "TRANSFER",
       "expires_at": "2026-01-01T00:00:00Z", "params": {"amount": "1", "any": {"a": [1]}, "count": 2}})"}},
    {"hold_capture", {R"({"hold_id": "30000000-0000-0000-0000-000000000001", "id":
       "30000000-0000-0000-0000-000000000006", "amount": "1.00", "final": false, "effective": "2026-01-01"})"}},
    {"hold_release", {R"({"hold_id": "30000000-0000-0000-0000-000000000001", "id":
       "30000000-0000-0000-0000-000000000007", "effective": "2026-01-01"})"}},
    {"hold_find", {R"({"id": "30000000-0000-0000-0000-000000000001"})"}},
    {"hold_list", {R"({"account_id": "a0000000-0000-0000-0000-000000000001", "status": "open",
       "expires_before": "2026-01-01T00:00:00Z", )" CALA_PAGE "}"}},
    {"hold_expire", {R"({"limit": 3})"}},
    {"transaction_find", {R"({"id": "30000000-0000-0000-0000-000000000001"})", R"({"external_id": "e"})"}},
    {"transaction_find_many", {R"({"ids": ["30000000-0000-0000-0000-000000000001"]})", R"({"external_ids": ["e"]})"}},
    {"transaction_list",
     {R"({"stable": true, "correlation_id": "c", )" CALA_PAGE "}",
      R"({"tx_template_code": "TRANSFER", )" CALA_JOURNAL_ID ", " CALA_PAGE "}"}},
    {"entry_list", {"{" CALA_KEY ", " CALA_PAGE "}", R"({"transaction_id": "30000000-0000-0000-0000-000000000001"})"}},
    {"event_list",
     {R"({"after": 1, "limit": 3, "types": ["transaction_created"], "entries": true, )"
      R"("balances": false, )" CALA_JOURNAL_ID "}"}},
    {"event_prune", {R"({"place": 1, "limit": 3})", R"({"before": "2026-01-01T00:00:00Z", "limit": 1})"}},
    {"listener_place", {R"({"name": "n", "from": "start"})"}},
    {"listener_ack", {R"({"name": "n", "place": 3, "expected_place": 1})"}},
    {"listener_list", {"{" CALA_PAGE "}"}},
    {"listener_remove", {R"({"name": "n"})"}},
    {"entry_find_many", {R"({"ids": ["a0000000-0000-0000-0000-000000000001"]})"}},
    {"balance_find", {"{" CALA_KEY "}"}},
    {"balance_find_many", {"{\"keys\": [{" CALA_KEY "}]}"}},
    {"balance_list", {"{" CALA_JOURNAL_ID R"(, "account_ids": ["a0000000-0000-0000-0000-000000000001"]})"}},
    {"balance_history", {"{" CALA_KEY ", " CALA_PAGE "}"}},
    {"balance_at", {"{" CALA_KEY ", \"version\": 1}", "{" CALA_KEY R"(, "recorded_at": "2026-01-01T00:00:00Z"})"}},
    {"tx_lock_accounts", {"{\"keys\": [{" CALA_KEY "}]}"}},
    {"tx_exec", {R"({"sql": "select 1", "params": ["1", null]})"}},
    {"tx_finish", {R"({"gid": "g", "outcome": "commit"})"}},
    {"prepared_list", {"{" CALA_PAGE "}"}},
    {"cel_evaluate",
     {R"json({"expr": "n + 1", "as": "json", "clock": "2026-01-01T00:00:00Z", "vars": {"n": "int"},
       "bindings": {"n": {"type": "int", "value": "1"}}, "container": "c", "type_env": {}, "disable_check": true})json",
      R"json({"expr": "params.a", "params": [{"name": "a", "type": "integer", "value": {"type": "int", "value": )json"
      R"json("1"}}]})json"}},
    {"velocity_limit_create",
     {R"json({"id": "40000000-0000-0000-0000-000000000002", "name": "Limit", "description": "l", "condition": )json"
      R"json("context.vars.entry.units > decimal('1')", "currency": "USD",
       "window": [{"alias": "m", "value": "context.vars.transaction.effective.format('%Y')"}],
       "params": [{"name": "most", "type": "decimal", "default": "decimal('1')"}],
       "limit": {"timestamp_source": "context.vars.transaction.createdAt",
         "balance": [{"layer": "SETTLED", "amount": "params.most",
         "enforcement_direction": "DEBIT", "basis": "gross", "start": "timestamp('2026-01-01T00:00:00Z')",
         "end": "timestamp('2027-01-01T00:00:00Z')"}]}})json"}},
    {"velocity_limit_ensure",
     {R"json({"id": "40000000-0000-0000-0000-000000000003", "on_difference": "keep", "name": "Limit", )json"
      R"json("description": "l", "condition": "context.vars.entry.units > decimal('1')", "currency": "USD",
       "window": [{"alias": "m", "value": "context.vars.transaction.effective.format('%Y')"}],
       "params": [{"name": "most", "type": "decimal", "default": "decimal('1')"}],
       "limit": {"timestamp_source": "context.vars.transaction.createdAt",
         "balance": [{"layer": "SETTLED", "amount": "params.most",
         "enforcement_direction": "DEBIT", "basis": "gross", "start": "timestamp('2026-01-01T00:00:00Z')",
         "end": "timestamp('2027-01-01T00:00:00Z')"}]}})json"}},
    {"velocity_limit_list", {R"({"control_id": "50000000-0000-0000-0000-000000000001", )" CALA_PAGE "}"}},
    {"velocity_control_create",
     {R"json({"id": "50000000-0000-0000-0000-000000000002", "name": "Control", "description": "c", "condition": )json"
      R"json("context.vars.entry.units > decimal('1')",
       "enforcement": {"action": "warn"}})json"}},
    {"velocity_control_ensure",
     {R"json({"id": "50000000-0000-0000-0000-000000000003", "on_difference": "keep", "name": "Control", )json"
      R"json("description": "c", "condition": "context.vars.entry.units > decimal('1')",
       "enforcement": {"action": "warn"}})json"}},
    {"velocity_control_list", {"{" CALA_PAGE "}"}},
    {"velocity_control_add_limit",
     {R"({"control_id": "50000000-0000-0000-0000-000000000001", "limit_id": "40000000-0000-0000-0000-000000000001"})"}},
    {"velocity_control_ensure_limit",
     {R"({"control_id": "50000000-0000-0000-0000-000000000001", "limit_id": "40000000-0000-0000-0000-000000000001"})"}},
    {"velocity_control_attach",
     {R"({"control_id": "50000000-0000-0000-0000-000000000001", "account_ids": )"
      R"(["a0000000-0000-0000-0000-000000000001"], "params": {"most": "5"}, "replace": true})",
      R"({"control_id": "50000000-0000-0000-0000-000000000001", "account_set_id": )"
      R"("f0000000-0000-0000-0000-000000000001"})"}},
    {"velocity_control_ensure_attached",
     {R"({"control_id": "50000000-0000-0000-0000-000000000001", "account_ids": )"
      R"(["a0000000-0000-0000-0000-000000000001"], "params": {"most": "5"}, "on_difference": "keep"})"}},
    {"velocity_control_detach",
     {R"({"control_id": "50000000-0000-0000-0000-000000000001", "account_ids": )"
      R"(["a0000000-0000-0000-0000-000000000001"]})"}},
    {"velocity_attachment_list",
     {R"({"control_id": "50000000-0000-0000-0000-000000000001", "account_id": )"
      R"("a0000000-0000-0000-0000-000000000001", )" CALA_PAGE "}"}},
    {"velocity_headroom", {"{" CALA_KEY "}"}},
    {"balance_range", {"{" CALA_KEY R"(, "from": "2026-01-01", "until": "2026-01-31"})"}},
    {"balance_changes", {"{" CALA_JOURNAL_ID R"(, "modified_since": "2026-01-01T00:00:00Z", )" CALA_PAGE "}"}},
    {"account_statement",
     {"{" CALA_KEY R"(, "layer": "settled", "from": "2026-01-01", "until": "2026-01-31", "by": "recorded", )" CALA_PAGE
      "}"}},
    {"trial_balance",
     {"{" CALA_JOURNAL_ID R"(, "account_set_id": "f0000000-0000-0000-0000-000000000001", "currency": "USD",
       "subtotals": true, "layer": "settled", "at": {"recorded_at": "2026-01-01T00:00:00Z"}, )" CALA_PAGE "}"}},
    {"ledger_info", {"{}"}},
    {"ledger_metrics", {R"({"format": "json"})"}},
    {"ledger_health", {R"({"timeout_ms": 3000, "rollup_behind_max": 1, "listener_behind_max": 1,
          "prepared_age_max_ms": 1, "free_bytes_min": 1})"}},
    {"ledger_migrate", {"{}"}},
};

const char *const kWrong[] = {"null",
                              "true",
                              "0",
                              "-1",
                              "1.5",
                              "1e300",
                              "9007199254740993",
                              R"("")",
                              R"("x")",
                              R"("\u0001\u2028\ud83d\ude00'\"\\%_;--")",
                              R"("0")",
                              R"("1e38")",
                              R"("-0")",
                              R"("00000000-0000-0000-0000-000000000000")",
                              R"("0001-01-01T00:00:00Z")",
                              R"("9999-12-31T23:59:59.999999Z")",
                              R"("2026-02-30T00:00:00Z")",
                              R"("params.nobody")",
                              R"("1 / 0")",
                              R"j("decimal('1') / 3")j",
                              R"j("uuid('x')")j",
                              R"j("string(b'\\x00')")j",
                              R"("[][0]")",
                              "[]",
                              "{}",
                              R"([null])",
                              R"([[[[1]]]])",
                              R"({"": {"": null}})",
                              R"(["a", "a"])"};

bool tells_a_mistake(const Answer &answer) {
  static const std::set<cala_status> kStatuses = {CALA_OK,       CALA_MISUSE,   CALA_INVALID,    CALA_NOT_FOUND,
                                                  CALA_CONFLICT, CALA_REJECTED, CALA_UNSUPPORTED};
  // A sequence that no posting has yet is awaited.
  return kStatuses.contains(answer.status) || answer.code == "rollup.timeout";
}

class Mistakes : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
    ledger_ = store_->open();
    ASSERT_NE(ledger_, nullptr);
    for (const auto &[operation, request] : {std::pair{"journal_create", kJournal},
                                             {"account_create_many", kAccounts},
                                             {"account_set_create", kSet},
                                             {"velocity_limit_create", kLimit},
                                             {"velocity_control_create", kControl},
                                             {"velocity_control_add_limit", kLimitOfControl},
                                             {"tx_template_create", kTemplate}}) {
      const Answer answer = ledger_->run(operation, request);
      ASSERT_TRUE(answer.ok()) << answer.text();
    }
  }

  void expect_told(const std::string &operation, const std::string &request) {
    const Answer answer = ledger_->run(operation, request);
    ++(answer.ok() ? taken_ : refused_);
    EXPECT_TRUE(tells_a_mistake(answer)) << operation << " " << request << "\n  " << answer.text();
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> ledger_;
  int taken_ = 0;
  int refused_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Stores, Mistakes, testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &store) { return std::string(name_of(store.param)); });

// Every value of a document, by its place among them all.
void collect(cJSON *value, std::vector<cJSON *> &all) {
  for (cJSON *child = value->child; child != nullptr; child = child->next) {
    all.push_back(child);
    collect(child, all);
  }
}

cJSON *parent_of(cJSON *value, const cJSON *child) {
  for (cJSON *each = value->child; each != nullptr; each = each->next) {
    if (each == child) return value;
    if (cJSON *found = parent_of(each, child)) return found;
  }
  return nullptr;
}

// The request with the value at that place replaced, or left out.
std::string spoilt(const char *request, std::size_t place, const char *with) {
  std::optional<JsonDocument> document = JsonDocument::parse(request);
  std::vector<cJSON *> all;
  collect(document->mutable_root(), all);
  cJSON *parent = parent_of(document->mutable_root(), all[place]);
  if (with == nullptr) {
    cJSON_Delete(cJSON_DetachItemViaPointer(parent, all[place]));
  } else {
    const std::string key = all[place]->string == nullptr ? "" : all[place]->string;
    if (cJSON_IsObject(parent)) {
      cJSON_ReplaceItemInObjectCaseSensitive(parent, key.c_str(), cJSON_CreateRaw(with));
    } else {
      cJSON_ReplaceItemViaPointer(parent, all[place], cJSON_CreateRaw(with));
    }
  }
  return json_print(document->root());
}

TEST(MistakeRequests, AreOfEveryOperation) {
  std::set<std::string> had;
  for (const auto &[operation, requests] : kRequests) had.insert(operation);
  const std::vector<std::string> all = LedgerClient::operations();
  EXPECT_EQ(had, std::set<std::string>(all.begin(), all.end()));
}

TEST_P(Mistakes, InAnyValueOfARequestAreToldAsSuch) {
  for (const auto &[operation, requests] : kRequests) {
    for (const char *request : requests) {
      std::optional<JsonDocument> document = JsonDocument::parse(request);
      ASSERT_TRUE(document.has_value()) << request;
      std::vector<cJSON *> all;
      collect(document->mutable_root(), all);
      for (std::size_t place = 0; place < all.size(); ++place) {
        expect_told(operation, spoilt(request, place, nullptr));
        for (const char *wrong : kWrong) expect_told(operation, spoilt(request, place, wrong));
      }
      expect_told(operation, R"({"unknown": 1})");
      expect_told(operation, request);
    }
  }
  EXPECT_GT(taken_, 80);
  EXPECT_GT(refused_, 2000);
}

TEST_P(Mistakes, InStatementsOfATransactionAreToldAsSuch) {
  for (const char *sql : {"",
                          " ",
                          ";",
                          "--",
                          "/*",
                          "'",
                          "\\\"",
                          "SELEKT",
                          "SELECT",
                          "SELECT 1 / 0",
                          "SELECT nobody",
                          "SELECT * FROM nowhere",
                          "SELECT nothing(1)",
                          "SELECT CAST('x' AS integer) + 9223372036854775807 * 9223372036854775807",
                          "SELECT $1",
                          "SELECT ?1",
                          "SELECT ?",
                          "SELECT :a",
                          "INSERT INTO nowhere VALUES (1)",
                          "CREATE TABLE",
                          "DROP TABLE nowhere",
                          "CREATE TABLE a_b (a integer CHECK (a > 1)); SELECT 1",
                          "UPDATE nowhere SET a = 1",
                          "EXPLAIN nothing",
                          "COPY nowhere FROM STDIN",
                          "COPY (SELECT 1) TO STDOUT",
                          "LISTEN a",
                          "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
                          "FETCH 1 FROM nothing",
                          "EXECUTE nothing",
                          "DEALLOCATE ALL",
                          "DISCARD ALL",
                          "LOCK TABLE nowhere",
                          "CALL nothing()",
                          "DO $$ BEGIN RAISE EXCEPTION 'x'; END $$",
                          "DO $$ BEGIN COMMIT; END $$",
                          "DO $$ BEGIN ROLLBACK; END $$",
                          "SELECT pg_terminate_backend(0)",
                          "ATTACH 'x' AS y",
                          "PRAGMA journal_mode = DELETE",
                          "VACUUM",
                          "CREATE DATABASE x",
                          "CREATE INDEX CONCURRENTLY i ON nowhere (a)",
                          "SELECT RAISE(ROLLBACK, 'x')",
                          "SELECT load_extension('x')",
                          "SELECT zeroblob(2000000000)",
                          "SELECT repeat('x', 2000000000)"}) {
    ASSERT_TRUE(ledger_->begin().ok());
    expect_told("tx_exec", "{\"sql\": \"" + std::string(sql) + "\"}");
    expect_told("tx_exec", "{\"sql\": \"" + std::string(sql) + "\", \"params\": [\"1\"]}");
    ledger_->rollback();
  }
  EXPECT_GT(refused_, 80);
}

// What templates make of params when they are posted with.
TEST_P(Mistakes, InExpressionsAreToldAsSuch) {
  for (const char *expression : {"params.any.nothing",
                                 "params.any[0]",
                                 "params.any + 1",
                                 "int(params.any)",
                                 "decimal(params.any)",
                                 "decimal(string(params.any))",
                                 "uuid(params.any)",
                                 "params.any.map(i, i / 0)",
                                 "params.any == 1 ? decimal('1') : 'text'",
                                 "decimal('99999999999999999999999999999999999999') * 10",
                                 "decimal.Div('1', '0', 2, 'UP')",
                                 "timestamp('9999-12-31T23:59:59Z') + duration('48h')",
                                 "string(base64.decode('AAA='))",
                                 "string(base64.decode('/w=='))",
                                 "lists.range(2000000)",
                                 "'x'.matches(params.any)",
                                 "{1: 2}",
                                 "b'x'",
                                 "type(1)",
                                 "optional.none()"}) {
    for (const char *field : {"effective", "description", "metadata", "external_id", "correlation_id"}) {
      const std::string code = std::string(field) + expression;
      std::string request = R"({"code": )" + json_quote(code) + R"j(, "params": [{"name": "any", "type": "json"}],
        "transaction": {"journal_id": "uuid('10000000-0000-0000-0000-000000000001')")j";
      if (std::string(field) != "effective") request += R"j(, "effective": "date()")j";
      expect_told("tx_template_create",
                  request + ", " + json_quote(field) + ": " + json_quote(expression) + R"(}, "entries": []})");
      for (const char *any : {"null", "1", "\"x\"", "[1]", "{\"a\": 1}", "1.5", "\"(\""}) {
        expect_told("transaction_post",
                    R"({"tx_template_code": )" + json_quote(code) + R"(, "params": {"any": )" + any + "}}");
      }
    }
  }
  EXPECT_GT(refused_, 300);
  EXPECT_GT(taken_, 30);
}

}  // namespace
}  // namespace cala::tests
