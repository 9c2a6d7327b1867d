#include "ledger_client.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "contract.h"
#include "host_connection.h"
#include "json_document.h"

namespace cala::tests {

namespace {

using Make = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

constexpr std::array kOperations = {
#define CALA_OPERATION(name) std::pair<std::string_view, Make>{#name, cala_##name},
#include "operations_of_header.inc"
#undef CALA_OPERATION
};

Make find_operation(std::string_view name) {
  for (const auto &[known, make] : kOperations) {
    if (known == name) return make;
  }
  return nullptr;
}

Answer read_answer(cala_status status, const cala_error *error) {
  Answer answer;
  answer.status = status;
  answer.code = cala_error_code(error);
  answer.message = cala_error_message(error);
  if (error != nullptr) answer.details = cala_error_details(error);
  answer.sqlstate = cala_error_sqlstate(error);
  answer.posting_index = error == nullptr ? -1 : cala_error_posting_index(error);
  answer.tx_state = cala_error_tx_state(error);
  answer.retryable = cala_error_retryable(error) != 0;
  return answer;
}

// Takes over the error.
Answer answer_of(cala_status status, cala_error *error) {
  Answer answer = read_answer(status, error);
  cala_error_free(error);
  return answer;
}

void read_result(Answer &answer, const cala_op *op) {
  std::size_t length = 0;
  if (const char *result = cala_op_result(op, &length)) answer.result.assign(result, length);
}

void expect_as_in_contract(std::string_view operation, std::string_view request, const Answer &answer) {
  // The tests' own reader of JSON goes by the locale.
  if (*std::localeconv()->decimal_point != '.') return;
  const Contract &contract = Contract::of_library();
  const std::string breach =
      answer.ok() ? contract.breach_of_result(operation, answer.result)
                  : contract.breach_of_error(
                        operation, {answer.code, cala_status_name(answer.status), answer.details, answer.retryable});
  if (!breach.empty()) {
    ADD_FAILURE() << "not what cala.h says of " << operation << ": " << breach
                  << "\n  asked: " << request.substr(0, 500);
  }
}

}  // namespace

std::string Answer::error_document() const {
  return "{\"status\": " + json_quote(cala_status_name(status)) + ", \"code\": " + json_quote(code) +
         ", \"message\": " + json_quote(message) + ", \"retryable\": " + (retryable ? "true" : "false") +
         ", \"sqlstate\": " + json_quote(sqlstate) + ", \"tx_state\": " + std::to_string(tx_state) +
         ", \"posting_index\": " + std::to_string(posting_index) + ", \"details\": " + details + "}";
}

std::string Answer::text() const { return ok() ? result : error_document(); }

std::unique_ptr<LedgerClient> LedgerClient::open(const std::string &config, Answer *refusal) {
  cala_ledger *ledger = nullptr;
  cala_error *error = nullptr;
  const cala_status status = cala_ledger_open(config.data(), config.size(), &ledger, &error);
  Answer answer = answer_of(status, error);
  if (refusal != nullptr) *refusal = answer;
  if (!answer.ok()) return nullptr;
  return std::unique_ptr<LedgerClient>(new LedgerClient(ledger));
}

LedgerClient::~LedgerClient() {
  cala_tx_free(tx_);
  cala_ledger_free(ledger_);
}

std::vector<std::string> LedgerClient::operations() {
  std::vector<std::string> names;
  for (const auto &[name, make] : kOperations) names.emplace_back(name);
  return names;
}

bool LedgerClient::knows(std::string_view operation) { return find_operation(operation) != nullptr; }

Answer LedgerClient::run(std::string_view operation, std::string_view request) {
  cala_op *op = nullptr;
  cala_error *error = nullptr;
  cala_status status = find_operation(operation)(ledger_, tx_, request.data(), request.size(), &op, &error);
  if (status == CALA_OK && host_ == nullptr) status = cala_op_run(op, -1, &error);
  Answer answer = answer_of(status, error);
  if (op != nullptr && host_ != nullptr) {
    std::int32_t step = cala_op_step(op);
    while (step == CALA_STEP_NEED_QUERY) step = host_->feed(op);
    answer = read_answer(cala_op_status(op), cala_op_error(op));
  }
  read_result(answer, op);
  cala_op_free(op);
  expect_as_in_contract(operation, request, answer);
  return answer;
}

std::vector<Answer> LedgerClient::run_together(const std::vector<std::pair<std::string, std::string>> &asked) {
  std::vector<Answer> answers(asked.size());
  std::vector<cala_op *> started(asked.size(), nullptr);
  cala_queue *queue = nullptr;
  EXPECT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  int left = 0;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto &[operation, request] = asked[i];
    cala_error *error = nullptr;
    cala_op *op = nullptr;
    const cala_status made = find_operation(operation)(ledger_, nullptr, request.data(), request.size(), &op, &error);
    answers[i] = answer_of(made, error);
    if (made != CALA_OK) continue;
    EXPECT_EQ(cala_op_start(op, queue, nullptr, nullptr), CALA_OK);
    started[i] = op;
    ++left;
  }
  while (left > 0) {
    if (cala_queue_wait(queue, 60'000) != CALA_OK) {
      ADD_FAILURE() << left << " operations were not answered";
      break;
    }
    left -= cala_queue_drain(queue, 0);
  }
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (started[i] != nullptr) {
      answers[i] = read_answer(cala_op_status(started[i]), cala_op_error(started[i]));
      read_result(answers[i], started[i]);
      cala_op_free(started[i]);
    }
    expect_as_in_contract(asked[i].first, asked[i].second, answers[i]);
  }
  cala_queue_free(queue);
  return answers;
}

Answer LedgerClient::begin() {
  cala_error *error = nullptr;
  const cala_status status = cala_tx_begin(ledger_, nullptr, 0, &tx_, &error);
  return answer_of(status, error);
}

Answer LedgerClient::begin_on(HostConnection &host) {
  EXPECT_EQ(host.execute("BEGIN"), "");
  host_ = &host;
  cala_error *error = nullptr;
  const cala_status status = cala_tx_host(ledger_, nullptr, 0, &tx_, &error);
  return answer_of(status, error);
}

template <typename End>
Answer LedgerClient::end_transaction(End end, const char *of_host) {
  if (host_ != nullptr) {
    EXPECT_EQ(std::exchange(host_, nullptr)->execute(of_host), "");
    cala_tx_free(std::exchange(tx_, nullptr));
    return {};
  }
  cala_error *error = nullptr;
  const cala_status status = end(tx_, &error);
  cala_tx_free(std::exchange(tx_, nullptr));
  return answer_of(status, error);
}

Answer LedgerClient::commit() { return end_transaction(cala_tx_commit, "COMMIT"); }

Answer LedgerClient::rollback() { return end_transaction(cala_tx_rollback, "ROLLBACK"); }

Answer LedgerClient::prepare(std::string_view gid) {
  return end_transaction(
      [&](cala_tx *tx, cala_error **error) { return cala_tx_prepare(tx, gid.data(), gid.size(), error); }, nullptr);
}

Answer LedgerClient::set_clock(std::string_view instant) {
  cala_error *error = nullptr;
  const cala_status status = cala_clock_set(ledger_, instant.data(), instant.size(), &error);
  return answer_of(status, error);
}

Answer LedgerClient::advance_clock(std::int64_t milliseconds) {
  cala_error *error = nullptr;
  const cala_status status = cala_clock_advance(ledger_, milliseconds, &error);
  return answer_of(status, error);
}

std::string LedgerClient::counts() {
  const Answer answer = run("ledger_info", "{}");
  const std::optional<JsonDocument> info = JsonDocument::parse(answer.result);
  if (!info) return "no counts: " + answer.text();
  std::string out;
  for (const char *noun : {"accounts", "journals", "tx_templates", "transactions", "entries", "balances"}) {
    out += (out.empty() ? "" : ", ") + std::string(noun) + " " + json_print(json_member(info->root(), noun));
  }
  return out;
}

namespace {

const char *postgres_connection() {
  const char *value = std::getenv("CALA_TEST_POSTGRES");  // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
  return value == nullptr || *value == '\0' ? nullptr : value;
}

std::string fresh_schema() {
  static std::atomic<int> number{0};
  return "cala_test_" + std::to_string(getpid()) + "_" + std::to_string(++number);
}

}  // namespace

const char *name_of(StoreKind kind) { return kind == StoreKind::kSqlite ? "Sqlite" : "Postgres"; }

bool is_available(StoreKind kind) { return kind == StoreKind::kSqlite || postgres_connection() != nullptr; }

TestStore::TestStore(StoreKind kind) : kind_(kind), folder_("/tmp/cala-scenario-XXXXXX") {
  if (mkdtemp(folder_.data()) == nullptr) folder_.clear();
  path_ = folder_ + "/ledger.db";
  if (kind == StoreKind::kPostgres) schema_ = fresh_schema();
}

TestStore::~TestStore() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

std::string TestStore::config(const std::string &more) const {
  std::string out = "{\"store\": ";
  if (kind_ == StoreKind::kSqlite) {
    out += json_quote("sqlite:" + path_) + ", \"commit\": {\"durable\": false}";
  } else {
    out += json_quote(postgres_connection()) + ", \"pool\": {\"max\": 2}, \"schema\": " + json_quote(schema_);
  }
  return out + (more.empty() ? "" : ", " + more) + "}";
}

std::unique_ptr<LedgerClient> TestStore::open(const std::string &more, Answer *refusal) const {
  return LedgerClient::open(config("\"migrate\": true" + (more.empty() ? "" : ", " + more)), refusal);
}

void fill_with_move(LedgerClient &ledger) {
  constexpr std::pair<const char *, const char *> kSteps[] = {
      {"journal_create", R"({"id": "10000000-0000-0000-0000-000000000001", "name": "J"})"},
      {"account_create", R"({"id": "20000000-0000-0000-0000-000000000001", "code": "A", "name": "A"})"},
      {"account_create", R"({"id": "20000000-0000-0000-0000-000000000002", "code": "B", "name": "B"})"},
      {"tx_template_create", R"j({"code": "MOVE",
        "transaction": {"effective": "date('2026-01-01')",
                        "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
        "entries": [{"entry_type": "'D'", "account_id": "uuid('20000000-0000-0000-0000-000000000001')",
                     "layer": "SETTLED", "direction": "DEBIT", "units": "decimal('1')", "currency": "'USD'"},
                    {"entry_type": "'C'", "account_id": "uuid('20000000-0000-0000-0000-000000000002')",
                     "layer": "SETTLED", "direction": "CREDIT", "units": "decimal('1')", "currency": "'USD'"}]})j"},
  };
  for (const auto &[operation, request] : kSteps) {
    const Answer made = ledger.run(operation, request);
    ASSERT_TRUE(made.ok()) << made.text();
  }
}

}  // namespace cala::tests
