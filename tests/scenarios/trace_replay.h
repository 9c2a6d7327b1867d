// TraceReplay: replays one recorded trace line by line on a fresh ledger and says where an answer differs. The format
// is described in the README.md beside the traces. One thread at a time.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host_connection.h"
#include "json_document.h"
#include "ledger_client.h"

namespace cala::tests {

struct TraceResult {
  int run = 0;
  std::vector<std::string> differences;  // "line 7: ..."
};

class TraceReplay {
 public:
  // Every second transaction is the library's own, the others the host's.
  TraceReplay(LedgerClient &ledger, HostConnection &host) : ledger_(ledger), host_(host) {}
  // All lines but the header. Stops after a few differences: what follows is worth little.
  TraceResult replay(const std::vector<std::string> &lines);

 private:
  void replay_line(const cJSON *line);
  void remember_created(const std::string &operation, const cJSON *request, const cJSON *result);

  void run_operation(const std::string &operation, const cJSON *line);
  void run_group(const cJSON *lines);
  void check_answer(const std::string &operation, const cJSON *line, const Answer &answer);
  void check_refusal(const cJSON *line, const Answer &answer);
  void check_result(const std::string &operation, const cJSON *expected, const cJSON *actual);
  void check_posting(const cJSON *expected, const cJSON *actual);
  void check_preview(const cJSON *expected, const cJSON *actual);
  void check_transaction(const cJSON *expected, const cJSON *actual);
  void check_hold(const cJSON *expected, const cJSON *actual);
  void check_ids(const std::string &operation, const cJSON *line);
  void check_members(const cJSON *expected, const cJSON *actual, const std::vector<const char *> &absent_when_left_out);
  void check_balances(const cJSON *line);
  void check_balance(const cJSON *expected, const cJSON *actual);
  void check_effective(const std::string &operation, const cJSON *line);
  void check_dated(const std::string &operation, const cJSON *expected, const std::string &request);
  void check_entries(const cJSON *line);
  void check_account_set(const cJSON *line);
  void check_headroom(const cJSON *line);
  void check_trial_balance(const cJSON *line);
  void check_statement(const cJSON *line);
  void check_in_order(const std::string &what, const cJSON *expected, const std::vector<const cJSON *> &actual);
  void check_rows(const std::string &what, const cJSON *expected, const cJSON *actual);
  std::vector<JsonDocument> all_balances(const cJSON *line);
  std::vector<JsonDocument> all_pages(const std::string &operation, const std::string &filter);
  void differ(const std::string &what);

  LedgerClient &ledger_;
  HostConnection &host_;
  int transactions_ = 0;
  std::vector<std::string> account_ids_;  // of sets too
  std::set<std::string> undated_;         // journals without balances by date
  std::set<std::string> following_;       // sets whose balances may be behind a posting
  std::vector<std::string> differences_;
  int line_ = 1;
};

}  // namespace cala::tests
