#include "trace_replay.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

namespace cala::tests {

TraceResult TraceReplay::replay(const std::vector<std::string> &lines) {
  TraceResult result;
  for (std::size_t i = 1; i < lines.size() && differences_.size() < 5; ++i) {
    line_ = static_cast<int>(i) + 1;
    const std::optional<JsonDocument> line = JsonDocument::parse(lines[i]);
    if (!line) {
      differ("is not JSON");
      continue;
    }
    replay_line(line->root());
    ++result.run;
  }
  result.differences = std::move(differences_);
  return result;
}

void TraceReplay::differ(const std::string &what) {
  differences_.push_back("line " + std::to_string(line_) + ": " + what);
}

void TraceReplay::replay_line(const cJSON *line) {
  const std::string operation = json_text(line, "op");
  if (operation == "clock_advance") {
    const double seconds = json_member(line, "seconds")->valuedouble;
    const Answer moved = ledger_.advance_clock(std::llround(seconds * 1000));
    if (!moved.ok()) differ("the clock did not move: " + moved.text());
  } else if (operation == "begin" || operation == "commit" || operation == "rollback") {
    const Answer done = operation == "commit"     ? ledger_.commit()
                        : operation == "rollback" ? ledger_.rollback()
                        : ++transactions_ % 2 > 0 ? ledger_.begin_on(host_)
                                                  : ledger_.begin();
    if (!done.ok()) differ(operation + " was refused: " + done.text());
  } else if (operation == "balances") {
    check_balances(line);
  } else if (operation == "effective" || operation == "range") {
    check_effective(operation, line);
  } else if (operation == "entries") {
    check_entries(line);
  } else if (operation == "holds") {
    check_ids("hold_list", line);
  } else if (operation == "transactions") {
    check_ids("transaction_list", line);
  } else if (operation == "members") {
    check_account_set(line);
  } else if (operation == "headroom") {
    check_headroom(line);
  } else if (operation == "trial_balance") {
    check_trial_balance(line);
  } else if (operation == "account_statement") {
    check_statement(line);
  } else if (operation == "group") {
    run_group(json_member(line, "lines"));
  } else if (!LedgerClient::knows(operation)) {
    differ("there is no operation " + operation);
  } else {
    run_operation(operation, line);
  }
}

void TraceReplay::remember_created(const std::string &operation, const cJSON *request, const cJSON *result) {
  if (operation == "journal_create" && cJSON_IsTrue(json_member(result, "effective_balances")) == 0) {
    undated_.insert(json_text(request, "id"));
  }
  const bool is_created = operation.ends_with("_create") || cJSON_IsTrue(json_member(result, "created")) != 0;
  if (is_created && (operation == "account_create" || operation == "account_ensure" ||
                     operation == "account_set_create" || operation == "account_set_ensure")) {
    account_ids_.push_back(json_text(request, "id"));
    const bool follows = json_text(request, "balance_rollup") == "eventually_consistent";
    if (follows && undated_.contains(json_text(request, "journal_id"))) following_.insert(json_text(request, "id"));
  }
  if (operation != "account_create_many") return;
  const cJSON *account = nullptr;
  cJSON_ArrayForEach(account, json_member(request, "accounts")) account_ids_.push_back(json_text(account, "id"));
}

void TraceReplay::run_operation(const std::string &operation, const cJSON *line) {
  check_answer(operation, line, ledger_.run(operation, json_print(json_member(line, "request"))));
}

// Asked for all at once; each has the answer that it would have after those before it.
void TraceReplay::run_group(const cJSON *lines) {
  std::vector<std::pair<std::string, std::string>> asked;
  const cJSON *line = nullptr;
  cJSON_ArrayForEach(line, lines) asked.emplace_back(json_text(line, "op"), json_print(json_member(line, "request")));
  const std::vector<Answer> answers = ledger_.run_together(asked);
  std::size_t at = 0;
  cJSON_ArrayForEach(line, lines) {
    check_answer(asked[at].first, line, answers[at]);
    ++at;
  }
}

void TraceReplay::check_answer(const std::string &operation, const cJSON *line, const Answer &answer) {
  if (json_member(line, "error") != nullptr) return check_refusal(line, answer);
  if (!answer.ok()) return differ(operation + " was refused: " + answer.text());
  const std::optional<JsonDocument> result = JsonDocument::parse(answer.result);
  if (!result) return differ(operation + " did not answer with JSON: " + answer.result);
  remember_created(operation, json_member(line, "request"), result->root());
  check_result(operation, json_member(line, "ok"), result->root());
}

void TraceReplay::check_refusal(const cJSON *line, const Answer &answer) {
  const std::string code = json_text(line, "error");
  if (answer.ok()) return differ("should be refused with " + code + ": " + json_print(json_member(line, "request")));
  const bool any_cel = code == "cel.*" && answer.code.starts_with("cel.");
  if (code != "*" && !any_cel && code != answer.code) differ("should be refused with " + code + ": " + answer.text());
  const cJSON *index = json_member(line, "posting_index");
  if (index != nullptr && index->valueint != answer.posting_index) {
    differ("posting " + std::to_string(index->valueint) + " should be named: " + answer.text());
  }
}

void TraceReplay::check_result(const std::string &operation, const cJSON *expected, const cJSON *actual) {
  if (operation == "transaction_post" || operation == "transaction_void") return check_posting(expected, actual);
  if (operation == "hold_create" || operation == "hold_capture" || operation == "hold_release") {
    check_hold(json_member(expected, "hold"), json_member(actual, "hold"));
    return check_posting(expected, actual);
  }
  if (operation == "hold_find") return check_hold(expected, actual);
  if (operation == "transaction_preview") return check_preview(expected, actual);
  if (operation == "transaction_find") return check_transaction(expected, actual);
  if (operation == "balance_find") return check_balance(expected, actual);
  if (operation.ends_with("_ensure")) {
    const std::string noun = operation.substr(0, operation.size() - std::strlen("_ensure"));
    check_members(json_member(expected, noun.c_str()), json_member(actual, noun.c_str()), {});
    if (cJSON_Compare(json_member(expected, "created"), json_member(actual, "created"), 1) == 0) {
      differ(operation + " should say created: " + json_print(json_member(expected, "created")));
    }
    return;
  }
  if (operation != "transaction_post_many") return check_members(expected, actual, {});
  const cJSON *results = json_member(actual, "results");
  const cJSON *wanted = json_member(expected, "results");
  if (cJSON_GetArraySize(results) != cJSON_GetArraySize(wanted)) return differ("another number of results");
  for (int i = 0; i < cJSON_GetArraySize(wanted); ++i) {
    check_posting(cJSON_GetArrayItem(wanted, i), cJSON_GetArrayItem(results, i));
  }
}

void TraceReplay::check_posting(const cJSON *expected, const cJSON *actual) {
  check_transaction(json_member(expected, "transaction"), json_member(actual, "transaction"));
  const cJSON *wanted = json_member(expected, "entries");
  const cJSON *entries = json_member(actual, "entries");
  if (cJSON_GetArraySize(entries) != cJSON_GetArraySize(wanted)) return differ("another number of entries");
  for (int i = 0; i < cJSON_GetArraySize(wanted); ++i) {
    check_members(cJSON_GetArrayItem(wanted, i), cJSON_GetArrayItem(entries, i), {"description", "metadata"});
  }
  const cJSON *warnings = json_member(expected, "warnings");
  if (warnings != nullptr) check_rows("warnings", warnings, json_member(actual, "warnings"));
}

// {would_post: false, code}, or {would_post: true, balances_after} and what a posting answers.
void TraceReplay::check_preview(const cJSON *expected, const cJSON *actual) {
  const bool would_post = cJSON_IsTrue(json_member(actual, "would_post")) != 0;
  const cJSON *error = json_member(actual, "error");
  const std::string code = error == nullptr ? "" : json_text(error, "code");
  if (would_post != (cJSON_IsTrue(json_member(expected, "would_post")) != 0) || code != json_text(expected, "code")) {
    return differ("a preview should say " + json_print(expected) + " but says " + json_print(actual));
  }
  if (!would_post) return;
  check_posting(expected, actual);
  const cJSON *wanted = json_member(expected, "balances_after");
  std::vector<const cJSON *> after;  // of those that move with it on every store
  const cJSON *row = nullptr;
  cJSON_ArrayForEach(row, json_member(actual, "balances_after")) {
    if (!following_.contains(json_text(row, "account_id"))) after.push_back(row);
  }
  if (static_cast<std::size_t>(cJSON_GetArraySize(wanted)) != after.size()) {
    return differ("another number of balances after it");
  }
  cJSON_ArrayForEach(row, wanted) {
    const cJSON *found = nullptr;
    for (const cJSON *other : after) {
      const bool same = json_text(other, "account_id") == json_text(row, "account_id") &&
                        json_text(other, "currency") == json_text(row, "currency");
      if (same) found = other;
    }
    if (found == nullptr) return differ("a preview should show " + json_print(row));
    check_balance(row, found);
  }
}

void TraceReplay::check_hold(const cJSON *expected, const cJSON *actual) {
  check_members(expected, actual, {"amount", "currency", "captured", "left", "closed_by"});
}

// The ids of a list, in order.
void TraceReplay::check_ids(const std::string &operation, const cJSON *line) {
  std::string filters = json_print(json_member(line, "request"));
  filters = filters == "{}" ? "\"order\": \"asc\"" : filters.substr(1, filters.size() - 2);
  std::string found = "[";
  const std::vector<JsonDocument> pages = all_pages(operation, filters);
  for (const JsonDocument &page : pages) {
    const cJSON *item = nullptr;
    cJSON_ArrayForEach(item, json_member(page.root(), "items")) {
      found += (found.size() > 1 ? "," : "") + json_quote(json_text(item, "id"));
    }
  }
  found += "]";
  const std::string wanted = json_print(json_member(line, "expect"));
  if (found != wanted) differ(operation + " " + filters + " should give " + wanted + " but gives " + found);
}

void TraceReplay::check_transaction(const cJSON *expected, const cJSON *actual) {
  check_members(expected, actual, {"external_id", "description", "metadata"});
  const std::string correlation_id = json_text(actual, "correlation_id");
  if (json_member(expected, "correlation_id") == nullptr && correlation_id != json_text(actual, "id")) {
    differ("the correlation id should be the transaction's id but is " + correlation_id);
  }
}

namespace {

bool is_amount(const char *key) {
  static const std::set<std::string_view> amounts = {"units",   "debit",     "credit", "net",    "limit",   "current",
                                                     "allowed", "requested", "left",   "amount", "captured"};
  return amounts.contains(key);
}

bool same_member(const cJSON *expected, const cJSON *actual) {
  if (actual == nullptr) return false;
  if (!is_amount(expected->string)) return cJSON_Compare(expected, actual, 1) != 0;
  return cJSON_IsString(actual) && same_amount(expected->valuestring, actual->valuestring);
}

}  // namespace

void TraceReplay::check_members(const cJSON *expected, const cJSON *actual,
                                const std::vector<const char *> &absent_when_left_out) {
  const cJSON *member = nullptr;
  cJSON_ArrayForEach(member, expected) {
    const cJSON *other = json_member(actual, member->string);
    if (!same_member(member, other)) {
      differ(std::string(member->string) + " should be " + json_print(member) + " but is " + json_print(other));
    }
  }
  for (const char *key : absent_when_left_out) {
    if (json_member(expected, key) == nullptr && json_member(actual, key) != nullptr) {
      differ(std::string(key) + " should be absent but is " + json_print(json_member(actual, key)));
    }
  }
}

void TraceReplay::check_balance(const cJSON *expected, const cJSON *actual) {
  const std::string account_id = json_text(expected, "account_id");
  for (const char *key : {"account_id", "currency", "version"}) {
    const cJSON *wanted = json_member(expected, key);
    const cJSON *other = json_member(actual, key);
    if (wanted != nullptr && (other == nullptr || cJSON_Compare(wanted, other, 1) == 0)) {
      differ("account " + account_id + ": " + key + " should be " + json_print(wanted) + " but is " +
             json_print(other));
    }
  }
  for (const char *layer : {"settled", "pending", "encumbrance"}) {
    const cJSON *wanted = json_member(expected, layer);
    for (const char *side : {"debit", "credit", "net"}) {
      const std::string amount = wanted == nullptr ? "0" : json_text(wanted, side);
      const std::string other = json_text(json_member(actual, layer), side);
      if (!other.empty() && same_amount(amount, other)) continue;
      differ("account " + account_id + ": " + layer + " " + side + " should be " + amount + " but is " + other);
    }
  }
}

// The pages of a list, asked for one after the other with a small page, so that cursors are used.
std::vector<JsonDocument> TraceReplay::all_pages(const std::string &operation, const std::string &filter) {
  std::vector<JsonDocument> pages;
  std::string after;
  while (true) {
    const Answer answer = ledger_.run(operation, "{\"first\": 7" + after + ", " + filter + "}");
    std::optional<JsonDocument> page = JsonDocument::parse(answer.result);
    if (!page) {
      differ(operation + " failed: " + answer.text());
      return pages;
    }
    const bool more = cJSON_IsTrue(json_member(page->root(), "has_next_page")) != 0;
    after = ", \"after\": " + json_quote(json_text(page->root(), "end_cursor"));
    pages.push_back(std::move(*page));
    if (!more) return pages;
  }
}

std::vector<JsonDocument> TraceReplay::all_balances(const cJSON *line) {
  std::string ids;
  for (const std::string &id : account_ids_) ids += (ids.empty() ? "" : ", ") + json_quote(id);
  const std::string filter =
      "\"journal_id\": " + json_quote(json_text(line, "journal_id")) + ", \"account_ids\": [" + ids + "]";
  return all_pages("balance_list", filter);
}

void TraceReplay::check_balances(const cJSON *line) {
  const std::vector<JsonDocument> pages = all_balances(line);
  std::map<std::pair<std::string, std::string>, const cJSON *> found;
  for (const JsonDocument &page : pages) {
    const cJSON *row = nullptr;
    cJSON_ArrayForEach(row, json_member(page.root(), "items")) {
      found[{json_text(row, "account_id"), json_text(row, "currency")}] = row;
    }
  }
  const cJSON *row = nullptr;
  cJSON_ArrayForEach(row, json_member(line, "expect")) {
    const std::pair<std::string, std::string> key(json_text(row, "account_id"), json_text(row, "currency"));
    const auto at = found.find(key);
    if (at == found.end()) {
      differ("account " + key.first + " should have a balance in " + key.second);
      continue;
    }
    check_balance(row, at->second);
    found.erase(at);
  }
  for (const auto &[key, other] : found) differ("account " + key.first + " should have no balance in " + key.second);
}

// Every balance of the journal, at the date or over the dates of the line: as it says, or not found.
void TraceReplay::check_effective(const std::string &operation, const cJSON *line) {
  std::map<std::pair<std::string, std::string>, const cJSON *> expected;
  const cJSON *row = nullptr;
  cJSON_ArrayForEach(row, json_member(line, "expect")) {
    expected[{json_text(row, "account_id"), json_text(row, "currency")}] = row;
  }
  const std::vector<JsonDocument> pages = all_balances(line);
  for (const JsonDocument &page : pages) {
    cJSON_ArrayForEach(row, json_member(page.root(), "items")) {
      const std::pair<std::string, std::string> key(json_text(row, "account_id"), json_text(row, "currency"));
      std::string request = "{\"journal_id\": " + json_quote(json_text(line, "journal_id")) +
                            ", \"account_id\": " + json_quote(key.first) + ", \"currency\": " + json_quote(key.second);
      for (const char *date : {"effective", "from", "until"}) {
        const std::string text = json_text(line, date);
        if (!text.empty()) request += std::string(", \"") + date + "\": " + json_quote(text);
      }
      const auto at = expected.find(key);
      check_dated(operation, at == expected.end() ? nullptr : at->second, request + "}");
      if (at != expected.end()) expected.erase(at);
    }
  }
  for (const auto &[key, missing] : expected) {
    differ("account " + key.first + " should have a balance in " + key.second);
  }
}

void TraceReplay::check_dated(const std::string &operation, const cJSON *expected, const std::string &request) {
  const Answer answer = ledger_.run(operation == "range" ? "balance_range" : "balance_at", request);
  if (expected == nullptr) {
    if (answer.ok() || answer.code != "balance.not_found") differ(request + " should not be found: " + answer.text());
    return;
  }
  const std::optional<JsonDocument> found = JsonDocument::parse(answer.result);
  if (!answer.ok() || !found) return differ(request + " was refused: " + answer.text());
  if (operation == "effective") return check_balance(expected, found->root());
  for (const char *part : {"open", "period", "close"}) {
    check_balance(json_member(expected, part), json_member(found->root(), part));
  }
  const cJSON *entries = json_member(json_member(found->root(), "period"), "version");
  if (entries == nullptr || cJSON_Compare(json_member(expected, "entries"), entries, 1) == 0) {
    differ(request + " should count " + json_print(json_member(expected, "entries")) + " entries");
  }
}

void TraceReplay::check_entries(const cJSON *line) {
  const std::string request = json_print(json_member(line, "request"));
  std::vector<std::pair<std::string, int>> wanted;
  const cJSON *item = nullptr;
  cJSON_ArrayForEach(item, json_member(line, "expect")) {
    wanted.emplace_back(cJSON_GetArrayItem(item, 0)->valuestring, cJSON_GetArrayItem(item, 1)->valueint);
  }
  std::vector<std::pair<std::string, int>> found;
  for (const JsonDocument &page : all_pages("entry_list", request.substr(1, request.size() - 2))) {
    cJSON_ArrayForEach(item, json_member(page.root(), "items")) {
      found.emplace_back(json_text(item, "transaction_id"), json_member(item, "sequence")->valueint);
    }
  }
  std::sort(found.begin(), found.end());
  std::sort(wanted.begin(), wanted.end());
  if (found != wanted) {
    differ("entry_list should give " + std::to_string(wanted.size()) + " entries but gave " +
           std::to_string(found.size()) + ", or others");
  }
}

// The same rows in any order: each that is expected has one of its own that has all its members.
void TraceReplay::check_rows(const std::string &what, const cJSON *expected, const cJSON *actual) {
  std::vector<const cJSON *> left;
  const cJSON *row = nullptr;
  cJSON_ArrayForEach(row, actual) left.push_back(row);
  cJSON_ArrayForEach(row, expected) {
    const auto found = std::find_if(left.begin(), left.end(), [&](const cJSON *other) {
      const cJSON *member = nullptr;
      cJSON_ArrayForEach(member, row) {
        if (!same_member(member, json_member(other, member->string))) return false;
      }
      return true;
    });
    if (found == left.end()) {
      differ(what + " should have " + json_print(row) + " but has " + json_print(actual));
      return;
    }
    left.erase(found);
  }
  for (const cJSON *other : left) differ(what + " should not have " + json_print(other));
}

// Wherever something was counted; a limit that has counted nothing yet is told without a journal.
void TraceReplay::check_headroom(const cJSON *line) {
  const std::string request = "{\"account_id\": " + json_quote(json_text(line, "account_id")) + "}";
  const Answer answer = ledger_.run("velocity_headroom", request);
  std::optional<JsonDocument> found = JsonDocument::parse(answer.result);
  if (!answer.ok() || !found) return differ("velocity_headroom was refused: " + answer.text());
  cJSON *items = cJSON_GetObjectItemCaseSensitive(found->mutable_root(), "items");
  for (int i = cJSON_GetArraySize(items); i-- > 0;) {
    if (json_member(cJSON_GetArrayItem(items, i), "journal_id") == nullptr) cJSON_DeleteItemFromArray(items, i);
  }
  check_rows("velocity_headroom of " + request, json_member(line, "expect"), items);
}

void TraceReplay::check_in_order(const std::string &what, const cJSON *expected,
                                 const std::vector<const cJSON *> &actual) {
  if (static_cast<std::size_t>(cJSON_GetArraySize(expected)) != actual.size()) {
    return differ(what + " should have " + std::to_string(cJSON_GetArraySize(expected)) + " lines but has " +
                  std::to_string(actual.size()));
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    check_members(cJSON_GetArrayItem(expected, static_cast<int>(i)), actual[i], {});
  }
}

void TraceReplay::check_trial_balance(const cJSON *line) {
  const std::string request = json_print(json_member(line, "request"));
  const std::vector<JsonDocument> pages = all_pages("trial_balance", request.substr(1, request.size() - 2));
  if (pages.empty()) return;
  std::vector<const cJSON *> items;
  std::vector<const cJSON *> totals;
  const cJSON *row = nullptr;
  for (const JsonDocument &page : pages) {
    cJSON_ArrayForEach(row, json_member(page.root(), "items")) items.push_back(row);
  }
  cJSON_ArrayForEach(row, json_member(pages.front().root(), "totals")) totals.push_back(row);
  const cJSON *expect = json_member(line, "expect");
  check_in_order("the trial balance " + request, json_member(expect, "items"), items);
  check_in_order("the totals of " + request, json_member(expect, "totals"), totals);
}

void TraceReplay::check_statement(const cJSON *line) {
  const std::string request = json_print(json_member(line, "request"));
  const std::vector<JsonDocument> pages = all_pages("account_statement", request.substr(1, request.size() - 2));
  const cJSON *expect = json_member(line, "expect");
  std::vector<const cJSON *> entries;
  std::vector<const cJSON *> running;
  const cJSON *item = nullptr;
  for (const JsonDocument &page : pages) {
    for (const char *end : {"opening", "closing"}) {
      check_members(json_member(expect, end), json_member(page.root(), end), {});
    }
    cJSON_ArrayForEach(item, json_member(page.root(), "items")) {
      entries.push_back(json_member(item, "entry"));
      running.push_back(json_member(item, "running"));
    }
  }
  check_in_order("the entries of the statement " + request, json_member(expect, "entries"), entries);
  check_in_order("the statement " + request, json_member(expect, "running"), running);
}

void TraceReplay::check_account_set(const cJSON *line) {
  std::vector<std::string> wanted;
  const cJSON *item = nullptr;
  for (const char *kind : {"accounts", "account_sets"}) {
    cJSON_ArrayForEach(item, json_member(json_member(line, "expect"), kind)) {
      wanted.push_back(kind + (":" + std::string(item->valuestring)));
    }
  }
  for (const char *by : {"created_at", "external_id"}) {
    const std::string filter =
        "\"account_set_id\": " + json_quote(json_text(line, "account_set_id")) + ", \"by\": \"" + by + "\"";
    std::vector<std::string> found;
    for (const JsonDocument &page : all_pages("account_set_list_members", filter)) {
      cJSON_ArrayForEach(item, json_member(page.root(), "items")) {
        const bool is_account = json_member(item, "account_id") != nullptr;
        found.push_back(is_account ? "accounts:" + json_text(item, "account_id")
                                   : "account_sets:" + json_text(item, "member_account_set_id"));
      }
    }
    std::sort(found.begin(), found.end());
    std::sort(wanted.begin(), wanted.end());
    if (found != wanted) {
      differ("the set should have " + std::to_string(wanted.size()) + " members but by " + by + " has " +
             std::to_string(found.size()) + ", or others");
    }
  }
}

}  // namespace cala::tests
