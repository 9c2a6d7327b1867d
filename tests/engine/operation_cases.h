// A request for each operation, for tests that ask them all of a program's own SQLite.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host_database.h"

namespace cala::tests {

inline constexpr const char *kJournal =
    R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main", "code": "MAIN", "effective_balances": true})";
inline constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice"},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "BOB", "name": "Bob"},
  {"id": "a0000000-0000-0000-0000-000000000003", "code": "ZED", "name": "Zed"},
  {"id": "a0000000-0000-0000-0000-000000000004", "code": "ZOE", "name": "Zoe"}]})";
inline constexpr const char *kSet = R"({"id": "f0000000-0000-0000-0000-000000000001",
  "journal_id": "10000000-0000-0000-0000-000000000001", "name": "Set"})";
inline constexpr const char *kOtherMember = R"({"account_set_id": "f0000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000004"})";
inline constexpr const char *kMember = R"({"account_set_id": "f0000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000003"})";
inline constexpr const char *kTemplate = R"json({"code": "TRANSFER",
  "params": [{"name": "amount", "type": "decimal"}, {"name": "credit", "type": "decimal", "default": "1"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
      "direction": "DEBIT",
      "units": "params.amount", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
      "direction": "CREDIT",
      "units": "params.credit", "currency": "'USD'"}]})json";
inline constexpr const char *kAnotherTemplate = R"json({"code": "FEE",
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
      "direction": "DEBIT",
      "units": "decimal('1')", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
      "direction": "CREDIT",
      "units": "decimal('1')", "currency": "'USD'"}]})json";
inline constexpr const char *kHoldTemplate = R"json({"code": "HOLD",
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "PENDING",
      "direction": "DEBIT",
      "units": "decimal('1')", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "PENDING",
      "direction": "CREDIT",
      "units": "decimal('1')", "currency": "'USD'"}]})json";
inline constexpr const char *kHold =
    R"({"id": "30000000-0000-0000-0000-00000000000a", "tx_template_code": "HOLD", "expires_at": )"
    R"("2999-01-01T00:00:00Z"})";
inline constexpr const char *kExpiredHold = R"({"tx_template_code": "HOLD", "expires_at": "2020-01-01T00:00:00Z"})";
inline constexpr const char *kPosting =
    R"({"id": "30000000-0000-0000-0000-000000000001", "tx_template_code": "TRANSFER", "params": {"amount": "1.0"}})";
inline constexpr const char *kVoid = R"({"id": "30000000-0000-0000-0000-000000000001"})";
inline constexpr const char *kUnbalanced = R"({"tx_template_code": "TRANSFER", "params": {"amount": "2"}})";
inline constexpr const char *kBalance = R"({"journal_id": "10000000-0000-0000-0000-000000000001",
  "account_id": "a0000000-0000-0000-0000-000000000002", "currency": "USD"})";
inline constexpr const char *kAlice = R"({"id": "a0000000-0000-0000-0000-000000000001"})";

// Of every operation of the header: how it is made, and a request that a ledger with kJournal, kAccounts, kSet,
// kTemplate and kPosting grants.
struct Case {
  std::string_view name;
  MakeOperation make;
  std::string request;
};

// Those that write, or those that read, as cala_api() says.
std::vector<Case> cases(std::string_view access);

}  // namespace cala::tests
