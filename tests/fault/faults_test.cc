// Every allocation and every call of the store fails once, of every operation: the operation says so or goes on,
// nothing is half done, and the ledger goes on.
#include <cala.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "failing_memory.h"
#include "failing_store.h"
#include "postgres_cluster.h"

namespace cala::tests {
namespace {

using MakeOperation = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

constexpr std::size_t kEnough = 30000;  // allocations: none of these operations makes so many
// Beyond kMany SQLite compiles a statement, or a connection is made: every kFew-th will do, another one in each test.
constexpr std::size_t kMany = 1000;
constexpr std::size_t kFew = 41;
constexpr std::size_t kFewInASoak = 5;

bool in_a_soak() {
  static const bool soak = std::getenv("CALA_SOAK") != nullptr;  // NOLINT(concurrency-mt-unsafe): nothing calls setenv
  return soak;
}

// How far apart the allocations are that fail, and which is the first: a soak tries all, the gate every third or so,
// others in each test. A write's are all tried on SQLite: what PostgreSQL has besides is a connection, and each failure
// costs it one.
struct Stride {
  std::size_t step;
  std::size_t first = 1;
};
Stride stride_of(std::size_t in_the_gate, std::size_t in_soaks) {
  static std::size_t tests = 0;
  if (in_a_soak()) return {in_soaks};
  return {in_the_gate, 1 + tests++ % in_the_gate};
}

// The next allocation to fail, after the nth.
std::size_t after(std::size_t n, std::size_t step) {
  static std::size_t tests = 0;
  const std::size_t stride = in_a_soak() ? kFewInASoak : kFew;
  if (n < kMany && n + step < kMany) return n + step;
  return n < kMany ? kMany + ++tests % stride : n + stride;
}
constexpr const char *kJournal =
    R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main", "code": "MAIN", "effective_balances": true})";
constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice"},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "BOB", "name": "Bob"},
  {"id": "a0000000-0000-0000-0000-000000000003", "code": "CAROL", "name": "Carol"}]})";
constexpr const char *kSet = R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "Set",
  "journal_id": "10000000-0000-0000-0000-000000000001"})";
constexpr const char *kLimit = R"json({"id": "40000000-0000-0000-0000-000000000001", "name": "Limit",
  "limit": {"balance": [{"layer": "SETTLED", "amount": "decimal('1')", "enforcement_direction": "DEBIT"}]}})json";
constexpr const char *kControl = R"({"id": "50000000-0000-0000-0000-000000000001", "name": "Control"})";
constexpr const char *kMember = R"({"id": "a2000000-0000-0000-0000-000000000#", "code": "MEMBER#", "name": "Member"})";
constexpr const char *kMemberInSet =
    R"({"id": "a3000000-0000-0000-0000-000000000#", "code": "INSIDE#", "name": "Member",
  "account_set_id": "f0000000-0000-0000-0000-000000000001"})";
constexpr const char *kTemplate = R"json({"code": "TRANSFER", "id": "20000000-0000-0000-0000-000000000001",
  "params": [{"name": "amount", "type": "decimal"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
      "direction": "DEBIT",
      "units": "params.amount", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
      "direction": "CREDIT",
      "units": "params.amount", "currency": "'USD'"}]})json";
constexpr const char *kVelocityLimit = R"json({"id": "b1000000-0000-0000-0000-000000000000", "name": "Most",
  "window": [{"alias": "day", "value": "context.vars.transaction.effective"}],
    "limit": {"balance": [{"layer": "SETTLED",
  "amount": "decimal('1000000')", "enforcement_direction": "DEBIT"}]}})json";
constexpr const char *kVelocityControl = R"({"id": "b2000000-0000-0000-0000-000000000000", "name": "Spending"})";
constexpr const char *kVelocityPair = R"({"control_id": "b2000000-0000-0000-0000-000000000000",
  "limit_id": "b1000000-0000-0000-0000-000000000000"})";
constexpr const char *kVelocityAttached = R"({"control_id": "b2000000-0000-0000-0000-000000000000",
  "account_ids": ["a0000000-0000-0000-0000-000000000001"]})";
constexpr const char *kBalance = R"({"journal_id": "10000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD"})";

// In a request # stands for a number of three digits or more that is new each time.
struct Case {
  const char *name;
  MakeOperation make;
  const char *request;
  cala_status again = CALA_OK;  // what it answers when it was done already
  std::size_t postings = 0;     // of one unit from Alice to Bob
  bool in_transactions = true;
  bool alone = true;
  MakeOperation prepare = nullptr;  // run before, with memory
  const char *preparation = nullptr;
};

std::ostream &operator<<(std::ostream &out, const Case &one) { return out << one.name; }

#define CASE(name, ...) \
  Case { #name, name, __VA_ARGS__ }
const Case kCases[] = {
    CASE(cala_account_create, R"({"code": "MORE#", "name": "one that is made", "metadata": {"a": [1, "b"]}})",
         CALA_CONFLICT),
    CASE(cala_account_create_many,
         R"({"accounts": [{"code": "FIRST#", "name": "one"}, {"code": "SECOND#", "name": "two"}]})", CALA_CONFLICT),
    CASE(cala_account_ensure, R"({"code": "ENSURED#", "name": "one that is made or found"})"),
    CASE(cala_account_find, R"({"code": "ALICE"})"),
    CASE(cala_account_find_many,
         R"({"ids": ["a0000000-0000-0000-0000-000000000001", "a0000000-0000-0000-0000-000000000002"]})"),
    CASE(cala_account_list, R"({"first": 3})"),
    CASE(cala_account_update, R"({"id": "a0000000-0000-0000-0000-000000000003", "name": "Carol #"})"),
    CASE(cala_account_lock, R"({"id": "a0000000-0000-0000-0000-000000000003"})"),
    CASE(cala_account_unlock, R"({"id": "a0000000-0000-0000-0000-000000000003"})"),
    CASE(
        cala_account_set_create,
        R"({"external_id": "set #", "name": "one that is made", "journal_id": "10000000-0000-0000-0000-000000000001"})",
        CALA_CONFLICT),
    CASE(cala_account_set_ensure, R"({"external_id": "ensured #", "name": "one that is made or found",
      "journal_id": "10000000-0000-0000-0000-000000000001"})"),
    CASE(cala_account_set_find, R"({"id": "f0000000-0000-0000-0000-000000000001"})"),
    CASE(cala_account_set_find_many, R"({"ids": ["f0000000-0000-0000-0000-000000000001"]})"),
    CASE(cala_account_set_list, R"({"first": 3})"),
    CASE(cala_account_set_update, R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "Set #"})"),
    CASE(cala_account_set_add_members, R"({"members": [{"account_set_id": "f0000000-0000-0000-0000-000000000001",
      "account_id": "a2000000-0000-0000-0000-000000000#"}]})",
         CALA_REJECTED, 0, true, true, cala_account_create, kMember),
    CASE(cala_account_set_ensure_members, R"({"members": [{"account_set_id": "f0000000-0000-0000-0000-000000000001",
      "account_id": "a2000000-0000-0000-0000-000000000#"}]})",
         CALA_OK, 0, true, true, cala_account_create, kMember),
    CASE(cala_rollup_status, "{}"),
    CASE(cala_rollup_await, R"({"timeout_ms": 1000})"),
    CASE(cala_account_set_remove_member, R"({"account_set_id": "f0000000-0000-0000-0000-000000000001",
      "account_id": "a3000000-0000-0000-0000-000000000#"})",
         CALA_NOT_FOUND, 0, true, true, cala_account_create, kMemberInSet),
    CASE(cala_account_set_list_members, R"({"first": 3, "account_set_id": "f0000000-0000-0000-0000-000000000001"})"),
    CASE(cala_account_set_list_parents, R"({"account_id": "a0000000-0000-0000-0000-000000000003"})"),
    CASE(cala_velocity_limit_create,
         R"json({"id": "41000000-0000-0000-0000-000000000#", "name": "Limit", "limit": {"balance": [{"layer": )json"
         R"json("SETTLED", "amount": "decimal('1')", "enforcement_direction": "DEBIT"}]}})json",
         CALA_CONFLICT),
    CASE(cala_velocity_limit_ensure,
         R"json({"id": "42000000-0000-0000-0000-000000000#", "name": "Limit", "limit": {"balance": [{"layer": )json"
         R"json("SETTLED", "amount": "decimal('1')", "enforcement_direction": "DEBIT"}]}})json"),
    CASE(cala_velocity_limit_list, R"({"first": 3})"),
    CASE(cala_velocity_control_create, R"({"id": "51000000-0000-0000-0000-000000000#", "name": "Control"})",
         CALA_CONFLICT),
    CASE(cala_velocity_control_ensure, R"({"id": "52000000-0000-0000-0000-000000000#", "name": "Control"})"),
    CASE(cala_velocity_control_list, R"({"first": 3})"),
    CASE(cala_velocity_control_add_limit, R"({"control_id": "53000000-0000-0000-0000-000000000#",
      "limit_id": "40000000-0000-0000-0000-000000000001"})",
         CALA_REJECTED, 0, true, true, cala_velocity_control_create,
         R"({"id": "53000000-0000-0000-0000-000000000#", "name": "Control"})"),
    CASE(cala_velocity_control_ensure_limit, R"({"control_id": "54000000-0000-0000-0000-000000000#",
      "limit_id": "40000000-0000-0000-0000-000000000001"})",
         CALA_OK, 0, true, true, cala_velocity_control_create,
         R"({"id": "54000000-0000-0000-0000-000000000#", "name": "Control"})"),
    CASE(cala_velocity_control_attach, R"({"control_id": "55000000-0000-0000-0000-000000000#",
      "account_ids": ["a0000000-0000-0000-0000-000000000003"]})",
         CALA_REJECTED, 0, true, true, cala_velocity_control_create,
         R"({"id": "55000000-0000-0000-0000-000000000#", "name": "Control"})"),
    CASE(cala_velocity_control_ensure_attached, R"({"control_id": "56000000-0000-0000-0000-000000000#",
      "account_ids": ["a0000000-0000-0000-0000-000000000003"]})",
         CALA_OK, 0, true, true, cala_velocity_control_create,
         R"({"id": "56000000-0000-0000-0000-000000000#", "name": "Control"})"),
    CASE(cala_velocity_control_detach, R"({"control_id": "50000000-0000-0000-0000-000000000001",
      "account_ids": ["a0000000-0000-0000-0000-000000000003"]})"),
    CASE(cala_velocity_attachment_list, R"({"first": 3})"),
    CASE(cala_velocity_headroom, R"({"account_id": "a0000000-0000-0000-0000-000000000001"})"),
    CASE(cala_journal_create, R"({"code": "BOOK#", "name": "one that is made", "max_scale": {"default": 3}})",
         CALA_CONFLICT),
    CASE(cala_journal_ensure, R"({"code": "ENSURED#", "name": "one that is made or found"})"),
    CASE(cala_journal_find, R"({"code": "MAIN"})"),
    CASE(cala_journal_list, R"({"first": 3})"),
    CASE(cala_journal_update, R"({"id": "10000000-0000-0000-0000-000000000001", "description": "the # time"})"),
    CASE(cala_journal_lock, R"({"id": "10000000-0000-0000-0000-000000000002"})"),
    CASE(cala_journal_unlock, R"({"id": "10000000-0000-0000-0000-000000000002"})"),
    CASE(cala_journal_close, R"({"id": "10000000-0000-0000-0000-000000000002", "until": "2020-01-31"})"),
    CASE(cala_journal_reopen, R"({"id": "10000000-0000-0000-0000-000000000002", "until": null})"),
    CASE(cala_tx_template_create, R"json({"code": "TEMPLATE#", "params": [{"name": "to", "type": "uuid"}],
      "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
      "entries": [
        {"entry_type": "'DR'", "account_id": "params.to", "layer": "SETTLED", "direction": "DEBIT",
          "units": "decimal('1')",
          "currency": "'USD'"},
        {"entry_type": "'CR'", "account_id": "params.to", "layer": "SETTLED", "direction": "CREDIT",
          "units": "decimal('1')",
          "currency": "'USD'"}]})json",
         CALA_CONFLICT),
    CASE(cala_tx_template_ensure, R"json({"code": "ENSURED#", "entries": [],
      "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"}})json"),
    CASE(cala_tx_template_find, R"({"code": "TRANSFER"})"),
    CASE(cala_tx_template_list, R"({"first": 3})"),
    CASE(cala_transaction_post, R"({"id": "30000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER",
      "params": {"amount": "1"}})",
         CALA_OK, 1),
    CASE(cala_transaction_post_many, R"({"postings": [
      {"id": "40000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}},
      {"id": "50000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}}]})",
         CALA_OK, 2),
    CASE(cala_transaction_preview, R"({"tx_template_code": "TRANSFER", "params": {"amount": "1"}})"),
    CASE(cala_transaction_void, R"({"id": "80000000-0000-0000-0000-000000000#",
      "void_id": "90000000-0000-0000-0000-000000000#"})",
         CALA_OK, 0, true, true, cala_transaction_post,
         R"({"id": "80000000-0000-0000-0000-000000000#", "tx_template_code": "BY_DATE", "params": {"amount": "1"}})"),
    CASE(cala_hold_create,
         R"({"id": "a4000000-0000-0000-0000-000000000#", "tx_template_code": "HELD", "params": {"amount": "1"},
      "expires_at": "2999-01-01T00:00:00Z"})"),
    CASE(cala_hold_capture,
         R"({"hold_id": "a5000000-0000-0000-0000-000000000#", "id": "a6000000-0000-0000-0000-000000000#",
      "amount": "0.4", "final": false})",
         CALA_OK, 0, true, true, cala_hold_create,
         R"({"id": "a5000000-0000-0000-0000-000000000#", "tx_template_code": "HELD", "params": {"amount": "1"}})"),
    CASE(cala_hold_release, R"({"hold_id": "a7000000-0000-0000-0000-000000000#"})", CALA_OK, 0, true, true,
         cala_hold_create,
         R"({"id": "a7000000-0000-0000-0000-000000000#", "tx_template_code": "HELD", "params": {"amount": "1"}})"),
    CASE(cala_hold_expire, R"({"limit": 2})", CALA_OK, 0, true, true, cala_hold_create,
         R"({"tx_template_code": "HELD", "params": {"amount": "1"}, "expires_at": "2020-01-01T00:00:00Z"})"),
    CASE(cala_hold_find, R"({"id": "a8000000-0000-0000-0000-000000000000"})"),
    CASE(cala_hold_list, R"({"first": 3, "status": "open"})"),
    CASE(cala_transaction_find, R"({"id": "60000000-0000-0000-0000-000000000000"})"),
    CASE(cala_transaction_find_many, R"({"ids": ["60000000-0000-0000-0000-000000000000"]})"),
    CASE(cala_transaction_list, R"({"first": 3})"),
    CASE(cala_entry_list, R"({"first": 3, "account_id": "a0000000-0000-0000-0000-000000000001"})"),
    CASE(cala_event_list,
         R"({"after": 1, "limit": 9, "types": ["account_created", "transaction_created"], "entries": true,
      "balances": true})"),
    CASE(cala_event_prune, R"({"place": 1})"),  // once; nothing here begins before it
    CASE(cala_listener_place, R"({"name": "listener #", "from": 1})"),
    CASE(cala_listener_ack, R"({"name": "acked #", "place": 3})", CALA_OK, 0, true, true, cala_listener_place,
         R"({"name": "acked #", "from": 1})"),
    CASE(cala_listener_remove, R"({"name": "removed #"})", CALA_NOT_FOUND, 0, true, true, cala_listener_place,
         R"({"name": "removed #"})"),
    CASE(cala_listener_list, R"({"first": 3})"),
    CASE(cala_prepared_list, R"({"first": 3})"),
    CASE(cala_entry_find_many, R"({"ids": ["a0000000-0000-0000-0000-000000000001"]})"),
    CASE(cala_balance_find, kBalance),
    CASE(cala_balance_find_many, R"({"keys": [{"journal_id": "10000000-0000-0000-0000-000000000001",
      "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD"}]})"),
    CASE(cala_balance_list, R"({"journal_id": "10000000-0000-0000-0000-000000000001",
      "account_ids": ["a0000000-0000-0000-0000-000000000001"]})"),
    CASE(cala_balance_history, R"({"first": 3, "journal_id": "10000000-0000-0000-0000-000000000001",
      "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD"})"),
    CASE(cala_balance_range, R"({"journal_id": "10000000-0000-0000-0000-000000000003",
      "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD", "from": "2020-01-01"})"),
    CASE(cala_balance_changes, R"({"first": 3, "journal_id": "10000000-0000-0000-0000-000000000003",
      "modified_since": "2020-01-01T00:00:00Z"})"),
    CASE(cala_account_statement, R"({"first": 3, "journal_id": "10000000-0000-0000-0000-000000000001",
      "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD"})"),
    CASE(cala_trial_balance, R"({"first": 3, "journal_id": "10000000-0000-0000-0000-000000000001"})"),
    CASE(cala_balance_at, R"({"journal_id": "10000000-0000-0000-0000-000000000001",
      "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD", "version": 1})"),
    CASE(cala_tx_lock_accounts, R"({"keys": [{"journal_id": "10000000-0000-0000-0000-000000000001",
      "account_id": "a0000000-0000-0000-0000-000000000001", "currency": "USD"}]})",
         CALA_OK, 0, true, false),
    CASE(cala_tx_exec, R"({"sql": "select 1 as one, 'two' as two"})", CALA_OK, 0, true, false),
    CASE(cala_cel_evaluate, R"json({"expr": "[1, 2, 3].map(i, i * 2)", "as": "json"})json"),
    CASE(cala_ledger_info, "{}"),
    CASE(cala_ledger_health, "{}"),
    CASE(cala_ledger_metrics, R"({"format": "openmetrics"})"),
    CASE(cala_ledger_migrate, "{}", CALA_OK, 0, false),
};
#undef CASE

std::string with_number(std::string text, std::size_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, digits.size() < 3 ? 3 - digits.size() : 0, '0');
  // An id has room for three digits; the rest goes in front of them.
  for (std::size_t at = text.find('#'); at != std::string::npos; at = text.find('#', at)) {
    const std::size_t more = digits.size() - 3;
    const bool id = at >= 9 && text.compare(at - 9, 9, "000000000") == 0;
    if (id) text.erase(at - more, more);
    text.replace(id ? at - more : at, 1, digits);
  }
  return text;
}

// What runs out or breaks, and where.
struct Fault {
  const char *name;
  bool sqlite;
  bool memory;  // otherwise a call of the store
};
constexpr Fault kFaults[] = {{"sqlite_memory", true, true},
                             {"sqlite_calls", true, false},
                             {"postgres_memory", false, true},
                             {"postgres_calls", false, false}};

std::ostream &operator<<(std::ostream &out, const Fault &fault) { return out << fault.name; }

// A ledger with a journal to post to and one to lock, three accounts, a template, and some postings; the tests of a
// suite share one for each fault.
class FaultyLedger : public testing::Test {
 protected:
  struct World {
    cala_ledger *ledger = nullptr;
    std::string folder;
    std::size_t postings = 0;
    std::size_t ones = 0;
    std::size_t numbers = 0;
  };

  void use(const Fault &fault) {
    fault_ = fault;
    if (!fault.sqlite && !postgres_connection()) GTEST_SKIP() << "no PostgreSQL";
    World &world = worlds()[fault.name];
    folder_ = world.folder;
    postings_ = world.postings;
    ones_ = world.ones;
    number_ = world.numbers;
    ledger_ = world.ledger;
    if (ledger_ != nullptr) return;
    folder_ = new_folder();
    ASSERT_EQ(open(new_store(folder_), &ledger_), CALA_OK) << error_;
    ASSERT_EQ(run(cala_journal_create, kJournal), CALA_OK);
    ASSERT_EQ(run(cala_journal_create, R"({"id": "10000000-0000-0000-0000-000000000002", "name": "Another"})"),
              CALA_OK);
    ASSERT_EQ(run(cala_account_create_many, kAccounts), CALA_OK);
    ASSERT_EQ(run(cala_account_set_create, kSet), CALA_OK);
    ASSERT_EQ(run(cala_velocity_limit_create, kLimit), CALA_OK);
    ASSERT_EQ(run(cala_velocity_control_create, kControl), CALA_OK);
    ASSERT_EQ(run(cala_tx_template_create, kTemplate), CALA_OK);
    // Every posting from Alice is counted by a limit that is never reached.
    ASSERT_EQ(run(cala_velocity_limit_create, kVelocityLimit), CALA_OK);
    ASSERT_EQ(run(cala_velocity_control_create, kVelocityControl), CALA_OK);
    ASSERT_EQ(run(cala_velocity_control_add_limit, kVelocityPair), CALA_OK);
    ASSERT_EQ(run(cala_velocity_control_attach, kVelocityAttached), CALA_OK);
    // And a posting in a journal that keeps balances by effective date.
    ASSERT_EQ(run(cala_journal_create, R"({"id": "10000000-0000-0000-0000-000000000003", "name": "By date",
      "effective_balances": true})"),
              CALA_OK);
    std::string by_date = kTemplate;
    for (const auto &[what, with] :
         {std::pair{"TRANSFER", "BY_DATE"},
          {"20000000-0000-0000-0000-000000000001", "20000000-0000-0000-0000-000000000002"},
          {"10000000-0000-0000-0000-000000000001", "10000000-0000-0000-0000-000000000003"}}) {
      by_date.replace(by_date.find(what), std::strlen(what), with);
    }
    ASSERT_EQ(run(cala_tx_template_create, by_date), CALA_OK);
    ASSERT_EQ(run(cala_transaction_post, R"({"tx_template_code": "BY_DATE", "params": {"amount": "1"}})"), CALA_OK);
    // And holds there.
    std::string held = by_date;
    for (const auto &[what, with] : {std::pair{"BY_DATE", "HELD"},
                                     {"20000000-0000-0000-0000-000000000002", "20000000-0000-0000-0000-000000000003"},
                                     {"SETTLED", "PENDING"},
                                     {"SETTLED", "PENDING"}}) {
      held.replace(held.find(what), std::strlen(what), with);
    }
    ASSERT_EQ(run(cala_tx_template_create, held), CALA_OK);
    ASSERT_EQ(run(cala_hold_create, R"({"id": "a8000000-0000-0000-0000-000000000000", "tx_template_code": "HELD",
      "params": {"amount": "1"}})"),
              CALA_OK);
    post_one();
  }
  void TearDown() override {
    World &world = worlds()[fault_.name];
    world = {ledger_, folder_, postings_, ones_, number_};
    if (HasFailure()) end(world);  // the next test has a ledger of its own
  }
  static void TearDownTestSuite() {
    for (auto &[name, world] : worlds()) end(world);
    worlds().clear();
  }
  static std::map<std::string, World> &worlds() {
    static std::map<std::string, World> all;
    return all;
  }
  static void end(World &world) {
    cala_ledger_free(world.ledger);
    if (!world.folder.empty()) std::filesystem::remove_all(world.folder);
    world = World();
  }

  std::string new_folder() const {
    char folder[] = "/tmp/cala-fault-XXXXXX";
    return fault_.sqlite && mkdtemp(folder) != nullptr ? folder : "";
  }
  std::string new_store(const std::string &folder) const {
    if (fault_.sqlite) return R"({"store": "sqlite:)" + folder + R"(/ledger.db", "commit": {"durable": false}})";
    static int schemas = 0;
    return R"({"store": ")" + *postgres_connection() + R"(", "migrate": true, "pool": {"max": 2}, "schema": "fault)" +
           std::to_string(++schemas) + "\"}";
  }
  cala_status open(const std::string &config, cala_ledger **out) {
    cala_error *error = nullptr;
    const cala_status status = cala_ledger_open(config.data(), config.size(), out, &error);
    note(error);
    return status;
  }
  void note(cala_error *error) {
    if (error != nullptr && !is_to_fail()) {
      error_ = std::string(" ") + cala_error_code(error) + ": " + cala_error_message(error);
    }
    cala_error_free(error);
  }

  void fail(std::size_t nth) const { fault_.memory ? fail_allocation(nth) : fail_store_call(nth); }
  bool is_to_fail() const { return fault_.memory ? allocation_is_to_fail() : store_call_is_to_fail(); }
  bool did_fail() const { return fault_.memory ? allocation_failed() : store_call_failed(); }
  bool may_fail_so(cala_status status) const {
    return status == CALA_OUTCOME_UNKNOWN || status == (fault_.memory ? CALA_NO_MEMORY : CALA_UNAVAILABLE);
  }
  void prepare(const Case &one) {  // with the number that its request has
    if (one.prepare == nullptr) return;
    ASSERT_EQ(run(one.prepare, with_number(one.preparation, number_)), CALA_OK) << error_;
  }
  std::string with_new_number(const std::string &text) { return with_number(text, ++number_); }

  cala_status run(MakeOperation make, const std::string &request, cala_tx *tx = nullptr,
                  std::string *result = nullptr) {
    cala_op *op = nullptr;
    cala_error *error = nullptr;
    cala_status status = make(ledger_, tx, request.data(), request.size(), &op, &error);
    if (status == CALA_OK) status = cala_op_run(op, 20000, &error);
    note(error);
    if (status == CALA_OK && cala_op_result(op, nullptr) == nullptr) {
      status = cala_op_result(op, nullptr) == nullptr ? CALA_INTERNAL : CALA_OK;  // there is memory again
    }
    if (status == CALA_OK && result != nullptr) *result = cala_op_result(op, nullptr);
    cala_op_free(op);
    return status;
  }

  void post_one() {
    const std::string request = with_number(
        R"({"id": "60000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})",
        ones_++);
    ASSERT_EQ(run(cala_transaction_post, request), CALA_OK);
    ++postings_;
  }

  // Posting goes on, and the account's debits are as many as postings were made.
  void expect_whole() {
    post_one();
    if (ones_ % 8 != 0) return;
    std::string balance;
    ASSERT_EQ(run(cala_balance_find, kBalance, nullptr, &balance), CALA_OK);
    const std::string count = std::to_string(postings_);
    EXPECT_NE(balance.find("\"version\":" + count + ","), std::string::npos) << count << balance;
    EXPECT_NE(balance.find("\"debit\":\"" + count + "\""), std::string::npos) << count << balance;
  }

  Fault fault_{};
  cala_ledger *ledger_ = nullptr;
  std::string folder_;
  std::string error_;
  std::size_t postings_ = 0;
  std::size_t ones_ = 0;
  std::size_t number_ = 0;
};

class Faults : public FaultyLedger, public testing::WithParamInterface<std::tuple<Fault, Case>> {
 protected:
  void SetUp() override { use(std::get<0>(GetParam())); }
};

class FaultsOfAStore : public FaultyLedger, public testing::WithParamInterface<Fault> {
 protected:
  void SetUp() override { use(GetParam()); }
};

TEST_P(Faults, AnOperationIsDoneOnceOrNotAtAll) {
  const Case one = std::get<1>(GetParam());
  if (!one.alone) return;
  if (!fault_.memory && (one.make == cala_cel_evaluate || one.make == cala_ledger_metrics)) return;  // ask no store
  const bool writes = one.again != CALA_OK || one.postings > 0;
  Stride stride{1};
  if (fault_.memory)
    stride = one.make == cala_ledger_migrate ? Stride{kFew} : stride_of(writes && fault_.sqlite ? 1 : 3, 1);
  bool failed = true;
  std::size_t n = stride.first;
  for (; failed; n = after(n, stride.step)) {
    ASSERT_LT(n, kEnough);
    const std::string request = with_new_number(one.request);
    prepare(one);
    fail(n);
    const cala_status status = run(one.make, request);
    failed = did_fail();
    ASSERT_TRUE(status == CALA_OK || (failed && may_fail_so(status))) << n << " " << status << error_;
    const cala_status again = run(one.make, request);
    const cala_status repeated = one.again;
    if (status == CALA_OUTCOME_UNKNOWN) {
      ASSERT_TRUE(again == CALA_OK || again == repeated) << n << " " << again << error_;
    } else {
      ASSERT_EQ(again, status == CALA_OK ? repeated : CALA_OK) << n << " " << status << error_;
    }
    postings_ += one.postings;  // if it was not made, it is now
    expect_whole();
    ASSERT_FALSE(HasFailure()) << n << " " << status << error_;
  }
  EXPECT_GT(n, fault_.memory ? 10U : 3U);
}

TEST_P(Faults, ATransactionIsCommittedWholeOrRolledBack) {
  const Case one = std::get<1>(GetParam());
  if (!one.in_transactions) return;
  const std::string posting =
      R"({"id": "70000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})";
  const bool writes = one.again != CALA_OK || one.postings > 0;
  Stride stride{writes ? 1UL : 5UL};
  if (fault_.memory) stride = writes ? stride_of(3, 1) : stride_of(7, 5);
  bool failed = true;
  for (std::size_t n = stride.first; failed; n = after(n, stride.step)) {
    ASSERT_LT(n, kEnough);
    const std::string request = with_new_number(one.request);
    prepare(one);
    const std::string first = with_new_number(posting);
    cala_tx *tx = nullptr;
    ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK) << n;
    ASSERT_EQ(run(cala_transaction_post, first, tx), CALA_OK) << n;
    fail(n);
    const cala_status status = run(one.make, request, tx);
    // A program that does not look at the answer: what failed inside must not be half there.
    const cala_status committed = cala_tx_commit(tx, nullptr);
    failed = did_fail();
    cala_tx_free(tx);
    ASSERT_TRUE(failed || (status == CALA_OK && committed == CALA_OK))
        << n << " " << status << " " << committed << error_;
    const std::string find = R"({"id": )" + first.substr(first.find(' ') + 1, 38) + "}";
    const bool there = run(cala_transaction_find, find) == CALA_OK;
    ASSERT_TRUE(there || committed != CALA_OK) << n << " " << status << error_;
    ASSERT_TRUE(!there || committed == CALA_OK || committed == CALA_OUTCOME_UNKNOWN) << n << " " << committed;
    const cala_status again = run(one.make, request, nullptr);
    const bool done = there && status == CALA_OK;
    if (one.alone) {
      ASSERT_EQ(again, done ? one.again : CALA_OK) << n << " " << status << error_;
      postings_ += one.postings;
    }
    postings_ += there ? 1 : 0;
    expect_whole();
    ASSERT_FALSE(HasFailure()) << n << " " << status << " " << committed << error_;
  }
}

// Who listens to the log may miss records, and nothing else: what is lost is counted.
TEST_P(FaultsOfAStore, ALogLosesRecordsAndNoPosting) {
  if (!fault_.memory) GTEST_SKIP() << "allocations only";
  const std::string posting =
      R"({"id": "b9000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})";
  const std::string options = R"({"level": "debug", "slow_ms": 0})";
  const std::string nobody = R"({"code": "NOBODY"})";
  const std::size_t step = fault_.sqlite ? 3 : 11;
  cala_queue *queue = nullptr;
  ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  bool failed = true;
  for (std::size_t n = 1; failed; ++n) {  // who listens is told of it, too
    fail(n);
    const cala_status status =
        cala_ledger_log(ledger_, options.data(), options.size(), queue, nullptr, nullptr, nullptr);
    failed = did_fail();
    ASSERT_TRUE(status == CALA_OK || (failed && status == CALA_NO_MEMORY)) << n << " " << status;
  }
  std::vector<char> buffer(1 << 16);
  const auto read_all = [&] {
    std::size_t records = 0;
    std::size_t used = 1;
    while (used > 0 && cala_queue_read(queue, buffer.data(), buffer.size(), &used) == CALA_OK && used > 0) ++records;
    return records;
  };
  std::size_t heard = 0;
  failed = true;
  for (std::size_t n = 1; failed; n = after(n, step)) {
    ASSERT_LT(n, kEnough);
    const std::string request = with_new_number(posting);
    fail(n);
    const cala_status status = run(cala_transaction_post, request);
    failed = did_fail();
    heard += read_all();
    ASSERT_TRUE(status == CALA_OK || (failed && may_fail_so(status))) << n << " " << status << error_;
    ASSERT_EQ(run(cala_transaction_post, request), CALA_OK) << n << error_;
    ++postings_;
    expect_whole();
    ASSERT_FALSE(HasFailure()) << n << " " << status << error_;
  }
  EXPECT_GT(heard, 0U);
  failed = true;
  for (std::size_t n = 1; failed; n = after(n, 1)) {
    ASSERT_LT(n, kEnough);
    fail(n);
    const cala_status status = run(cala_account_find, nobody);
    failed = did_fail();
    ASSERT_TRUE(status == CALA_NOT_FOUND || (failed && may_fail_so(status))) << n << " " << status << error_;
    read_all();
  }
  ASSERT_EQ(cala_ledger_log(ledger_, nullptr, 0, nullptr, nullptr, nullptr, nullptr), CALA_OK);
  cala_queue_free(queue);
}

// The tables are made whole or not at all, and the next one who opens finds them or makes them.
TEST_P(FaultsOfAStore, ALedgerIsOpenedOrNot) {
  bool failed = true;
  std::size_t refused = 0;
  for (std::size_t n = 1; failed; n += fault_.memory ? 1 + n / 4 : 1 + n / 8) {
    ASSERT_LT(n, 10 * kEnough);  // every statement of the schema
    const std::string folder = new_folder();
    const std::string config = new_store(folder);
    cala_ledger *ledger = nullptr;
    fail(n);
    const cala_status opened = open(config, &ledger);
    failed = did_fail();
    ASSERT_TRUE(opened == CALA_OK || (failed && may_fail_so(opened))) << n << " " << opened << error_;
    ASSERT_EQ(ledger != nullptr, opened == CALA_OK) << n;
    refused += opened == CALA_OK ? 0 : 1;
    cala_ledger_free(ledger);
    ledger = nullptr;
    ASSERT_EQ(open(config, &ledger), CALA_OK) << n << error_;
    std::swap(ledger, ledger_);
    EXPECT_EQ(run(cala_account_create_many, kAccounts), CALA_OK) << n << error_;
    std::swap(ledger, ledger_);
    cala_ledger_free(ledger);
    if (!folder.empty()) std::filesystem::remove_all(folder);
    ASSERT_FALSE(HasFailure()) << n;
  }
  EXPECT_GT(refused, 5U);
}

// Each half: what is told is so, and what is not known is found out by asking.
TEST_P(FaultsOfAStore, TwoPhasesAreDoneWholeOrNotAtAll) {
  if (fault_.sqlite) GTEST_SKIP() << "SQLite prepares nothing";
  const std::string posting =
      R"({"id": "ba000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})";
  const std::string gid = "faulty";
  const auto is_prepared = [&] {
    std::string listed;
    EXPECT_EQ(run(cala_prepared_list, "{}", nullptr, &listed), CALA_OK) << error_;
    return listed.find(R"("gid":"faulty")") != std::string::npos;
  };
  for (const char *half : {"prepare", "commit", "rollback"}) {
    const bool prepares = *half == 'p';
    const std::string finish =
        R"({"gid": ")" + gid + R"(", "outcome": ")" + std::string(prepares ? "commit" : half) + "\"}";
    bool failed = true;
    std::size_t n = 1;
    for (; failed; n = after(n, 1)) {
      ASSERT_LT(n, kEnough);
      const std::string request = with_new_number(posting);
      const std::string find = R"({"id": )" + request.substr(request.find(' ') + 1, 38) + "}";
      cala_tx *tx = nullptr;
      ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK) << n;
      ASSERT_EQ(run(cala_transaction_post, request, tx), CALA_OK) << n << error_;
      if (prepares) fail(n);
      cala_status status = cala_tx_prepare(tx, gid.data(), gid.size(), nullptr);
      if (prepares) failed = did_fail();
      cala_tx_free(tx);
      const bool prepared = is_prepared();
      ASSERT_TRUE(status == CALA_OK || (prepares && failed && may_fail_so(status))) << n << " " << status << error_;
      if (status != CALA_OUTCOME_UNKNOWN) {
        ASSERT_EQ(prepared, status == CALA_OK) << n << " " << status;
      }
      ASSERT_NE(run(cala_transaction_find, find), CALA_OK) << n;  // nobody sees it
      bool committed = prepared;
      if (prepares) {
        ASSERT_EQ(run(cala_tx_finish, finish), prepared ? CALA_OK : CALA_NOT_FOUND) << n << error_;
      } else {
        committed = *half == 'c';
        fail(n);
        status = run(cala_tx_finish, finish);
        failed = did_fail();
        ASSERT_TRUE(status == CALA_OK || (failed && may_fail_so(status))) << n << " " << status << error_;
        const cala_status again = run(cala_tx_finish, finish);
        if (status == CALA_OK) {
          ASSERT_EQ(again, CALA_NOT_FOUND) << n << error_;
        } else if (status != CALA_OUTCOME_UNKNOWN) {
          ASSERT_EQ(again, CALA_OK) << n << " " << status << error_;
        }
      }
      ASSERT_FALSE(is_prepared()) << n;
      ASSERT_EQ(run(cala_transaction_find, find) == CALA_OK, committed) << half << " " << n;
      postings_ += committed ? 1 : 0;
      expect_whole();
      ASSERT_FALSE(HasFailure()) << half << " " << n << " " << status << error_;
    }
    EXPECT_GT(n, fault_.memory ? 10U : 3U);
  }
}

TEST_P(FaultsOfAStore, ATransactionBeginsOrNot) {
  bool failed = true;
  for (std::size_t n = 1; failed; ++n) {
    ASSERT_LT(n, kEnough);
    cala_tx *tx = nullptr;
    fail(n);
    const cala_status begun = cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr);
    failed = did_fail();
    ASSERT_TRUE(begun == CALA_OK || (failed && may_fail_so(begun))) << n << " " << begun;
    ASSERT_EQ(tx != nullptr, begun == CALA_OK);
    if (tx != nullptr) {
      ASSERT_EQ(cala_tx_rollback(tx, nullptr), CALA_OK) << n;
    }
    cala_tx_free(tx);
    expect_whole();
    ASSERT_FALSE(HasFailure()) << n;
  }
}

// Through a queue: what was refused may be started again, what was started is told of once.
TEST_P(FaultsOfAStore, AStartedOperationIsToldOfOnce) {
  cala_queue *queue = nullptr;
  ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  const auto count = [](void *user, cala_op *) { ++*static_cast<int *>(user); };
  bool failed = true;
  for (std::size_t n = 1; failed; ++n) {
    ASSERT_LT(n, kEnough);
    const std::string request = with_new_number(
        R"({"id": "80000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})");
    int told = 0;
    cala_op *op = nullptr;
    ASSERT_EQ(cala_transaction_post(ledger_, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK) << n;
    fail(n);
    const cala_status started = cala_op_start(op, queue, count, &told);
    ASSERT_TRUE(started == CALA_OK || may_fail_so(started)) << n << " " << started;
    if (started != CALA_OK) {
      ASSERT_EQ(cala_op_start(op, queue, count, &told), CALA_OK) << n;
    }
    ASSERT_EQ(cala_queue_wait(queue, 20000), CALA_OK) << n;
    ASSERT_EQ(cala_queue_drain(queue, 0), 1) << n;
    failed = did_fail();
    ASSERT_EQ(told, 1) << n;
    const cala_status status = cala_op_status(op);
    ASSERT_TRUE(status == CALA_OK || (failed && may_fail_so(status))) << n << " " << status << error_;
    cala_op_free(op);
    ASSERT_EQ(run(cala_transaction_post, request), CALA_OK) << n;
    ++postings_;
    expect_whole();
    ASSERT_FALSE(HasFailure()) << n << " " << status << error_;
  }
  cala_queue_free(queue);
}

// Reading answers asks for memory too: each is read once, now or the next time.
TEST_P(FaultsOfAStore, AReadOfAQueueLosesNoAnswer) {
  if (!fault_.memory) return;
  constexpr std::size_t kOps = 4;
  cala_queue *queue = nullptr;
  ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  alignas(8) static char buffer[1 << 16];
  bool failed = true;
  std::size_t refused = 0;
  for (std::size_t n = 1; failed; ++n) {
    ASSERT_LT(n, kEnough);
    cala_op *ops[kOps] = {};
    for (cala_op *&op : ops) {
      ASSERT_EQ(cala_account_list(ledger_, nullptr, "{}", 2, &op, nullptr), CALA_OK);
      ASSERT_EQ(cala_op_start(op, queue, nullptr, nullptr), CALA_OK);
    }
    for (const cala_op *op : ops) {
      for (int left = 20000; left > 0 && cala_op_status(op) == CALA_BUSY; --left) usleep(1000);
    }
    std::size_t read = 0;
    const auto take = [&] {
      std::size_t used = 0;
      const cala_status status = cala_queue_read(queue, buffer, sizeof buffer, &used);
      ASSERT_TRUE(status == CALA_OK || (status == CALA_NO_MEMORY && used == 0)) << n << " " << status << " " << used;
      refused += status == CALA_OK ? 0 : 1;
      for (std::size_t at = 0; at < used; ++read) {
        std::uint32_t length = 0;
        std::memcpy(&length, buffer + at, sizeof length);
        at += length;
      }
    };
    fail_allocation(n);
    take();
    failed = allocation_failed();
    for (int left = 10000; left > 0 && read < kOps; --left) take();
    EXPECT_EQ(read, kOps) << n;
    for (cala_op *op : ops) cala_op_free(op);
    ASSERT_FALSE(HasFailure()) << n;
  }
  EXPECT_GT(refused, 0U);
  cala_queue_free(queue);
}

// What waits behind an open transaction is committed as a group:
// each of it is told of once, and is there if it says so.
TEST_P(FaultsOfAStore, AGroupIsPostedOnceOrNotAtAll) {
  constexpr std::size_t kGroup = 4;
  const char *const posting =
      R"({"id": "80000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})";
  cala_queue *queue = nullptr;
  ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  const auto count = [](void *user, cala_op *) { ++*static_cast<int *>(user); };
  bool failed = true;
  std::size_t refused = 0;
  for (std::size_t n = 1; failed; n = after(n, fault_.memory ? 3 : 1)) {
    ASSERT_LT(n, kEnough);
    cala_tx *tx = nullptr;
    ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK) << n;
    ASSERT_EQ(run(cala_transaction_post, with_new_number(posting), tx), CALA_OK) << n << error_;
    std::vector<std::string> requests;
    std::vector<cala_op *> ops(kGroup);
    std::vector<int> told(kGroup);
    for (std::size_t i = 0; i < kGroup; ++i) {
      const std::string &request = requests.emplace_back(with_new_number(posting));
      ASSERT_EQ(cala_transaction_post(ledger_, nullptr, request.data(), request.size(), &ops[i], nullptr), CALA_OK);
      ASSERT_EQ(cala_op_start(ops[i], queue, count, &told[i]), CALA_OK) << n;
    }
    fail(n);
    cala_tx_rollback(tx, nullptr);
    cala_tx_free(tx);
    for (std::size_t drained = 0; drained < kGroup;) {
      ASSERT_EQ(cala_queue_wait(queue, 20000), CALA_OK) << n;
      drained += static_cast<std::size_t>(cala_queue_drain(queue, 0));
    }
    failed = did_fail();
    for (std::size_t i = 0; i < kGroup; ++i) {
      ASSERT_EQ(told[i], 1) << n;
      const cala_status status = cala_op_status(ops[i]);
      cala_op_free(ops[i]);
      ASSERT_TRUE(status == CALA_OK || (failed && may_fail_so(status))) << n << " " << status;
      refused += status == CALA_OK ? 0 : 1;
      std::string again;
      ASSERT_EQ(run(cala_transaction_post, requests[i], nullptr, &again), CALA_OK) << n << error_;
      if (status != CALA_OUTCOME_UNKNOWN) {
        ASSERT_EQ(again.find("\"replayed\":true") != std::string::npos, status == CALA_OK) << n << " " << status;
      }
      ++postings_;
    }
    expect_whole();
    ASSERT_FALSE(HasFailure()) << n << error_;
  }
  if (fault_.memory || fault_.sqlite) {  // a connection that is lost is made again
    EXPECT_GT(refused, 0U);
  }
  cala_queue_free(queue);
}

// No memory from some point on, for as long as the call lasts: what may have been committed is not told as not done.
TEST_P(FaultsOfAStore, MemoryThatDoesNotComeBackHidesNoCommit) {
  if (!fault_.memory) return;
  const char *const posting =
      R"({"id": "80000000-0000-0000-0000-000000000#", "tx_template_code": "TRANSFER", "params": {"amount": "1"}})";
  const auto expect_told_truly = [&](const std::string &request, cala_status status, std::size_t n) {
    ASSERT_TRUE(status == CALA_OK || status == CALA_NO_MEMORY || status == CALA_OUTCOME_UNKNOWN) << n << " " << status;
    std::string again;
    ASSERT_EQ(run(cala_transaction_post, request, nullptr, &again), CALA_OK) << n << error_;
    if (status != CALA_OUTCOME_UNKNOWN) {
      ASSERT_EQ(again.find("\"replayed\":true") != std::string::npos, status == CALA_OK) << n << " " << status;
    }
    ++postings_;
  };
  enum Way { kRun, kCommit, kCommitLater, kGroup, kWays };
  std::map<cala_status, int> told;
  const std::size_t step = stride_of(3, 1).step;
  for (int way = kRun; way < kWays; ++way) {
    bool failed = true;
    for (std::size_t n = 1; failed; n += fault_.sqlite && (way != kGroup || n < 60) ? 1 : step) {
      ASSERT_LT(n, kEnough);
      std::vector<std::string> requests = {with_new_number(posting)};
      if (way == kGroup) requests.push_back(with_new_number(posting));
      if (way == kGroup) requests.push_back(with_new_number(posting));
      std::vector<cala_status> statuses;
      cala_tx *tx = nullptr;
      if (way == kRun) {
        cala_op *op = nullptr;
        ASSERT_EQ(cala_transaction_post(ledger_, nullptr, requests[0].data(), requests[0].size(), &op, nullptr),
                  CALA_OK);
        fail_allocations_from(n);
        const cala_status status = cala_op_run(op, -1, nullptr);
        failed = allocation_failed();
        statuses.push_back(status);
        cala_op_free(op);
      } else if (way == kCommit || way == kCommitLater) {
        ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK) << n;
        ASSERT_EQ(run(cala_transaction_post, requests[0], tx), CALA_OK) << n << error_;
        cala_op *op = nullptr;
        ASSERT_EQ(way == kCommit ? CALA_OK : cala_tx_commit_op(tx, &op, nullptr), CALA_OK);
        fail_allocations_from(n);
        const cala_status status = way == kCommit ? cala_tx_commit(tx, nullptr) : cala_op_run(op, -1, nullptr);
        failed = allocation_failed();
        statuses.push_back(status);
        cala_op_free(op);
        cala_tx_free(tx);
      } else {
        cala_queue *queue = nullptr;
        ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
        ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK) << n;
        ASSERT_EQ(run(cala_transaction_post, requests[0], tx), CALA_OK) << n << error_;
        std::vector<cala_op *> ops(requests.size());
        for (std::size_t i = 1; i < requests.size(); ++i) {
          ASSERT_EQ(cala_transaction_post(ledger_, nullptr, requests[i].data(), requests[i].size(), &ops[i], nullptr),
                    CALA_OK);
          ASSERT_EQ(cala_op_start(ops[i], queue, nullptr, nullptr), CALA_OK) << n;
        }
        fail_allocations_from(n);
        cala_tx_rollback(tx, nullptr);
        const cala_status waited = cala_queue_wait(queue, 20000);
        for (int left = 20000; left > 0 && cala_op_status(ops.back()) == CALA_BUSY; --left) usleep(100);
        failed = allocation_failed();
        ASSERT_EQ(waited, CALA_OK) << n;
        cala_tx_free(tx);
        for (std::size_t drained = 0; drained + 1 < ops.size();) {
          ASSERT_EQ(cala_queue_wait(queue, 20000), CALA_OK) << n;
          drained += static_cast<std::size_t>(cala_queue_drain(queue, 0));
        }
        requests.erase(requests.begin());
        for (std::size_t i = 1; i < ops.size(); ++i) {
          statuses.push_back(cala_op_status(ops[i]));
          cala_op_free(ops[i]);
        }
        cala_queue_free(queue);
      }
      for (std::size_t i = 0; i < statuses.size(); ++i) {
        ++told[statuses[i]];
        ASSERT_NO_FATAL_FAILURE(expect_told_truly(requests[i], statuses[i], n)) << way;
      }
      expect_whole();
      ASSERT_FALSE(HasFailure()) << way << " " << n << error_;
    }
  }
  EXPECT_GT(told[CALA_OK], 0);
  EXPECT_GT(told[CALA_NO_MEMORY], 0);
  EXPECT_GT(told[CALA_OUTCOME_UNKNOWN], 0);
}

INSTANTIATE_TEST_SUITE_P(Stores, FaultsOfAStore, testing::ValuesIn(kFaults),
                         [](const auto &instance) { return std::string(instance.param.name); });
INSTANTIATE_TEST_SUITE_P(Stores, Faults, testing::Combine(testing::ValuesIn(kFaults), testing::ValuesIn(kCases)),
                         [](const auto &instance) {
                           return std::string(std::get<0>(instance.param).name) + "_" +
                                  std::get<1>(instance.param).name;
                         });

TEST(FaultCases, AreAllTheOperationsOfTheHeader) {
  std::ifstream file(CALA_SOURCE_DIR "/include/cala.h");
  std::stringstream header;
  header << file.rdbuf();
  const std::string text = header.str();
  const std::regex operation(R"(cala_status (cala_\w+)\(cala_ledger \*ledger, cala_tx \*tx, const char \*request,)");
  std::set<std::string> wanted;
  for (std::sregex_iterator at(text.begin(), text.end(), operation), end; at != end; ++at) wanted.insert((*at)[1]);
  std::set<std::string> had = {"cala_tx_finish"};  // TwoPhasesAreDoneWholeOrNotAtAll has it
  for (const Case &one : kCases) had.insert(one.name);
  EXPECT_EQ(had, wanted);
  EXPECT_GE(had.size(), 60U);
}

// Whatever a host's connection answers.
TEST(HostFaults, AnOperationThatRanOutIsAnsweredAndFedNoMore) {
  constexpr int kMostSteps = 1000;  // a migration has many
  std::size_t kinds = 0;
  for (const char *store : {"host:sqlite", "host:postgres"}) {
    const std::string config = R"({"store": ")" + std::string(store) + "\"}";
    cala_ledger *ledger = nullptr;
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
    for (const char *options : {"{}", R"({"savepoint": true})"}) {
      cala_tx *tx = nullptr;
      ASSERT_EQ(cala_tx_host(ledger, options, std::strlen(options), &tx, nullptr), CALA_OK);
      for (const Case &one : kCases) {
        if (one.make == cala_tx_exec) continue;  // only in a transaction of the library's
        const std::string request = with_number(one.request, 1);
        bool failed = true;
        std::size_t thrown = 0;
        const std::size_t step_by = one.make == cala_ledger_migrate ? kFew : 1;
        for (std::size_t n = 1; failed; n += step_by) {
          ASSERT_LT(n, kEnough) << one;
          cala_op *op = nullptr;
          ASSERT_EQ(one.make(ledger, tx, request.data(), request.size(), &op, nullptr), CALA_OK) << one;
          fail_allocation(n);
          std::int32_t step = cala_op_step(op);
          for (int steps = 0; step == CALA_STEP_NEED_QUERY && steps < kMostSteps; ++steps) {
            step = cala_op_feed(op, R"({"rows": []})", 12);
          }
          failed = allocation_failed();
          ASSERT_NE(step, CALA_STEP_NEED_QUERY) << one << n;
          if (step == -CALA_NO_MEMORY) {
            ++thrown;
            EXPECT_EQ(cala_op_status(op), CALA_NO_MEMORY) << one << n;
            EXPECT_EQ(cala_error_tx_state(cala_op_error(op)), CALA_TX_ABORTED) << one << n;
            EXPECT_EQ(cala_op_feed(op, R"({"rows": []})", 12), -CALA_MISUSE) << one << n;
            EXPECT_EQ(cala_op_feed_error(op, "23505", "x"), -CALA_MISUSE) << one << n;
            EXPECT_EQ(cala_op_step(op), -CALA_MISUSE) << one << n;
          } else {
            EXPECT_TRUE(step == CALA_STEP_DONE || step == CALA_STEP_FAILED) << one << n << " " << step;
            EXPECT_EQ(step == CALA_STEP_DONE, cala_op_status(op) == CALA_OK) << one << n;
          }
          cala_op_free(op);
          // The transaction is free for the next one.
          ASSERT_FALSE(HasFailure()) << one << n;
        }
        EXPECT_GT(thrown, one.make == cala_ledger_metrics ? 0U : 3U) << one;
        ++kinds;
      }
      cala_tx_free(tx);
    }
    cala_ledger_free(ledger);
  }
  EXPECT_EQ(kinds, 4 * (std::size(kCases) - 1));
}

}  // namespace
}  // namespace cala::tests
