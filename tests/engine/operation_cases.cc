#include "operation_cases.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/json.h"

namespace cala::tests {

namespace {

std::string request_of(std::string_view operation) {
  const std::string kLimit =
      R"json({"name": "L", "limit": {"balance": [{"layer": "SETTLED", "amount": "decimal('1000')",
    "enforcement_direction": "DEBIT"}]}, "id": )json";
  const std::string kAttach = R"({"control_id": "50000000-0000-0000-0000-000000000001",
    "account_ids": ["a0000000-0000-0000-0000-00000000000)";
  static const std::map<std::string_view, std::string> requests = {
      {"account_create", R"({"code": "CAROL", "name": "Carol", "external_id": "x", "metadata": {"a": 1}})"},
      {"account_create_many", R"({"accounts": [{"code": "DAVE", "name": "Dave"}, {"code": "ERIN", "name": "Erin"}]})"},
      {"account_ensure", R"({"code": "FRANK", "name": "Frank"})"},
      {"account_find", R"({"code": "ALICE"})"},
      {"account_find_many", R"({"ids": ["a0000000-0000-0000-0000-000000000001"]})"},
      {"account_list", "{}"},
      {"account_lock", kAlice},
      {"account_set_add_members", "{\"members\": [" + std::string(kMember) + "]}"},
      {"account_set_create",
       R"({"journal_id": "10000000-0000-0000-0000-000000000001", "name": "S", "external_id": "s"})"},
      {"account_set_ensure",
       R"({"journal_id": "10000000-0000-0000-0000-000000000001", "name": "S", "external_id": "ensured"})"},
      {"account_set_ensure_members", "{\"members\": [" + std::string(kOtherMember) + "]}"},
      {"account_set_find", R"({"id": "f0000000-0000-0000-0000-000000000001"})"},
      {"account_set_find_many", R"({"ids": ["f0000000-0000-0000-0000-000000000001"]})"},
      {"account_set_list", "{}"},
      {"account_set_list_members", R"({"account_set_id": "f0000000-0000-0000-0000-000000000001"})"},
      {"account_set_list_parents", R"({"account_id": "a0000000-0000-0000-0000-000000000003"})"},
      {"account_set_remove_member", kMember},
      {"account_set_update", R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "T", "external_id": "t"})"},
      {"account_statement", R"({"journal_id": "10000000-0000-0000-0000-000000000001",
        "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD"})"},
      {"account_unlock", kAlice},
      {"rollup_await", "{}"},
      {"rollup_status", "{}"},
      {"account_update", R"({"id": "a0000000-0000-0000-0000-000000000001", "code": "A", "external_id": "y"})"},
      {"balance_at", R"({"journal_id": "10000000-0000-0000-0000-000000000001",
        "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD", "version": 1})"},
      {"balance_changes", R"({"journal_id": "10000000-0000-0000-0000-000000000001",
        "modified_since": "2020-01-01T00:00:00Z"})"},
      {"balance_find", kBalance},
      {"balance_find_many", "{\"keys\": [" + std::string(kBalance) + "]}"},
      {"balance_history", kBalance},
      {"balance_list", R"({"journal_id": "10000000-0000-0000-0000-000000000001",
        "account_ids": ["a0000000-0000-0000-0000-000000000001"]})"},
      {"balance_range", R"({"journal_id": "10000000-0000-0000-0000-000000000001",
        "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD", "from": "2020-01-01"})"},
      {"cel_evaluate", R"({"expr": "1 + 1"})"},
      {"entry_find_many", R"({"ids": ["30000000-0000-0000-0000-000000000001"]})"},
      {"entry_list", R"({"account_id": "a0000000-0000-0000-0000-000000000001"})"},
      {"event_list", R"({"types": ["transaction_created"], "entries": true, "balances": true})"},
      {"event_prune", R"({"place": 1})"},
      {"listener_ack", R"({"name": "first", "place": 3})"},
      {"listener_list", "{}"},
      {"prepared_list", "{}"},
      {"listener_place", R"({"name": "first", "from": 2})"},
      {"listener_remove", R"({"name": "first"})"},
      {"journal_create", R"({"name": "Other", "code": "OTHER"})"},
      {"journal_ensure", R"({"name": "Third", "code": "THIRD"})"},
      {"journal_find", R"({"code": "MAIN"})"},
      {"journal_list", "{}"},
      {"journal_lock", R"({"id": "10000000-0000-0000-0000-000000000001"})"},
      {"journal_unlock", R"({"id": "10000000-0000-0000-0000-000000000001"})"},
      {"journal_close", R"({"id": "10000000-0000-0000-0000-000000000001", "until": "2020-01-31"})"},
      {"journal_reopen", R"({"id": "10000000-0000-0000-0000-000000000001", "until": null})"},
      {"journal_update", R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Renamed"})"},
      {"ledger_health", "{}"},
      {"ledger_info", "{}"},
      {"ledger_metrics", "{}"},
      {"transaction_find", R"({"id": "30000000-0000-0000-0000-000000000001"})"},
      {"transaction_find_many", R"({"external_ids": ["one"]})"},
      {"transaction_list", "{}"},
      {"transaction_post", R"({"tx_template_code": "TRANSFER", "params": {"amount": "1"}})"},
      {"transaction_post_many", R"({"postings": [{"tx_template_code": "TRANSFER", "params": {"amount": "1"}},
        {"tx_template_code": "TRANSFER", "params": {"amount": "1"}}]})"},
      {"transaction_preview", R"({"tx_template_code": "TRANSFER", "params": {"amount": "1"}})"},
      {"transaction_void", R"({"id": "30000000-0000-0000-0000-000000000001"})"},
      {"hold_create", R"({"id": "30000000-0000-0000-0000-00000000000b", "tx_template_code": "HOLD"})"},
      {"hold_capture", R"({"hold_id": "30000000-0000-0000-0000-00000000000b", "amount": "0.5", "final": false})"},
      {"hold_release", R"({"hold_id": "30000000-0000-0000-0000-00000000000b"})"},
      {"hold_find", R"({"id": "30000000-0000-0000-0000-00000000000a"})"},
      {"hold_list", R"({"status": "open"})"},
      {"hold_expire", "{}"},
      {"trial_balance", R"({"journal_id": "10000000-0000-0000-0000-000000000001"})"},
      {"tx_template_create", kAnotherTemplate},
      {"tx_template_ensure", R"json({"code": "ENSURED",
        "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
          "entries": []})json"},
      {"tx_template_find", R"({"code": "TRANSFER"})"},
      {"tx_template_list", "{}"},
      // In the order of the header: each finds what those before it have made.
      {"velocity_limit_create", kLimit + R"("40000000-0000-0000-0000-000000000001"})"},
      {"velocity_limit_ensure", kLimit + R"("40000000-0000-0000-0000-000000000002"})"},
      {"velocity_limit_list", "{}"},
      {"velocity_control_create", R"({"id": "50000000-0000-0000-0000-000000000001", "name": "C"})"},
      {"velocity_control_ensure", R"({"id": "50000000-0000-0000-0000-000000000002", "name": "C"})"},
      {"velocity_control_list", "{}"},
      {"velocity_control_add_limit", R"({"limit_id": "40000000-0000-0000-0000-000000000001",
        "control_id": "50000000-0000-0000-0000-000000000001"})"},
      {"velocity_control_ensure_limit", R"({"limit_id": "40000000-0000-0000-0000-000000000002",
        "control_id": "50000000-0000-0000-0000-000000000001"})"},
      {"velocity_control_attach", kAttach + "1\"]}"},
      {"velocity_control_ensure_attached", kAttach + "2\"]}"},
      {"velocity_control_detach", kAttach + "1\"]}"},
      {"velocity_attachment_list", "{}"},
      {"velocity_headroom", R"({"account_id": "a0000000-0000-0000-0000-000000000001"})"},
  };
  const auto found = requests.find(operation);
  return found == requests.end() ? "" : found->second;
}

// What cannot be asked of a program's own SQLite in this way: tx_exec, which its program does itself, and what locks
// nothing there. ledger_migrate is many statements; tx_finish runs in no transaction.
constexpr std::array<std::string_view, 4> kNoOneWrite = {"ledger_migrate", "tx_exec", "tx_finish", "tx_lock_accounts"};

}  // namespace

std::vector<Case> cases(std::string_view access) {
  const base::Result<base::Json> api = base::Json::parse(cala_api());
  const base::JsonView operations = api->root().get("operations");
  std::vector<Case> out;
#define CALA_OPERATION(name) out.push_back({#name, cala_##name, request_of(#name)});
#include "operations_of_header.inc"
#undef CALA_OPERATION
  std::erase_if(out, [&](const Case &one) {
    const bool none = std::find(kNoOneWrite.begin(), kNoOneWrite.end(), one.name) != kNoOneWrite.end();
    return none || operations.get(one.name).get("access").string() != access;
  });
  return out;
}

}  // namespace cala::tests
