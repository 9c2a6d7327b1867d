#include "books.h"

#include <algorithm>
#include <cstdio>

namespace cala::bench {

namespace {

std::string uuid_of(int kind, int number) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-7000-8%03x-%012x", kind, static_cast<unsigned>(number));
  return text;
}

constexpr int kJournalKind = 1;
constexpr int kAccountKind = 2;
constexpr int kSetKind = 4;
constexpr int kVelocityKind = 5;

std::string inner_set() { return uuid_of(kSetKind, 0); }
std::string outer_set() { return uuid_of(kSetKind, 1); }

}  // namespace

void fail(const std::string &what, cala_status status, cala_error *error) {
  fail(what + ": " + cala_status_name(status) + " " + cala_error_code(error) + ": " + cala_error_message(error));
}

Books::Books(const std::string &config, int accounts, bool full) : accounts_(accounts) {
  cala_error *error = nullptr;
  const cala_status status = cala_ledger_open(config.data(), config.size(), &ledger_, &error);
  if (status != CALA_OK) fail("the ledger did not open", status, error);
  make_books(full);
}

void Books::run(OperationFn operation, const std::string &request) const { cala_op_free(finished(operation, request)); }

std::string Books::ask(OperationFn operation, const std::string &request) const {
  cala_op *op = finished(operation, request);
  size_t length = 0;
  const char *result = cala_op_result(op, &length);
  std::string answer(result, length);
  cala_op_free(op);
  return answer;
}

cala_op *Books::finished(OperationFn operation, const std::string &request) const {
  cala_op *op = nullptr;
  cala_error *error = nullptr;
  cala_status status = operation(ledger_, nullptr, request.data(), request.size(), &op, &error);
  if (status == CALA_OK && !traceparents_.empty()) {
    const std::string &traceparent = traceparents_[traced_.fetch_add(1) % traceparents_.size()];
    cala_op_trace(op, traceparent.data(), traceparent.size());
  }
  if (status == CALA_OK) status = cala_op_run(op, -1, &error);
  if (status != CALA_OK) fail("an operation failed", status, error);
  return op;
}

void Books::append_posting(std::string &out, unsigned number) const {
  const auto [sender, recipient] = pair_of(number, accounts_);
  out += R"({"tx_template_code":"TRANSFER","params":{"sender":")" + account_id(sender);
  out += R"(","recipient":")" + account_id(recipient) + R"(","amount":"1.00"}})";
}

std::string Books::posting(unsigned number) const {
  std::string out;
  append_posting(out, number);
  return out;
}

std::string Books::batch(unsigned first, int count) const {
  std::string out = R"({"postings":[)";
  for (int i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append_posting(out, first + static_cast<unsigned>(i));
  }
  return out + "]}";
}

void Books::preload(int postings) const {
  for (int done = 0; done < postings; done += 500)
    run(cala_transaction_post_many, batch(0x80000000U + static_cast<unsigned>(done), 500));
}

std::string Books::journal_id() { return uuid_of(kJournalKind, 0); }
std::string Books::account_id(int number) { return uuid_of(kAccountKind, number); }

void Books::make_sets() const {
  for (const std::string &set : {inner_set(), outer_set()})
    run(cala_account_set_create,
        R"({"id":")" + set + R"(","journal_id":")" + journal_id() + R"(","name":"S","balance_rollup":"synchronous"})");
  run(cala_account_set_add_members,
      R"({"members":[{"account_set_id":")" + outer_set() + R"(","member_account_set_id":")" + inner_set() + R"("}]})");
}

void Books::make_limits() const {
  const std::string limit = uuid_of(kVelocityKind, 0);
  const std::string control = uuid_of(kVelocityKind, 1);
  run(cala_velocity_limit_create,
      R"x({"id":")x" + limit +
          R"x(","name":"L","window":[{"alias":"currency","value":"context.vars.entry.currency"}],"limit":{"balance":[)x"
          R"x({"layer":"SETTLED","amount":"decimal('1000000000000')","enforcement_direction":"DEBIT"},)x"
          R"x({"layer":"SETTLED","amount":"decimal('1000000000000')","enforcement_direction":"CREDIT"}]}})x");
  run(cala_velocity_control_create, R"({"id":")" + control + R"(","name":"C"})");
  run(cala_velocity_control_add_limit, R"({"control_id":")" + control + R"(","limit_id":")" + limit + R"("})");
  const int count = std::max(accounts_, kHotAccounts);
  for (int first = 0; first < count; first += kMaxBatch) {
    std::string ids;
    for (int i = first; i < std::min(count, first + kMaxBatch); ++i)
      ids += (i > first ? R"(,")" : R"(")") + account_id(i) + '"';
    run(cala_velocity_control_attach, R"({"control_id":")" + control + R"(","account_ids":[)" + ids + "]}");
  }
}

void Books::make_books(bool full) const {
  run(cala_journal_create,
      R"({"id":")" + journal_id() + R"(","name":"Bench","effective_balances":)" + (full ? "true" : "false") + "}");
  if (full) make_sets();
  const std::string in_set = full ? R"(","account_set_id":")" + inner_set() : "";
  for (int first = 0; first < std::max(accounts_, kHotAccounts); first += kMaxBatch) {
    std::string request = R"({"accounts":[)";
    const int end = std::min(std::max(accounts_, kHotAccounts), first + kMaxBatch);
    for (int i = first; i < end; ++i) {
      if (i > first) request += ',';
      request +=
          R"({"id":")" + account_id(i) + R"(","code":"A)" + std::to_string(i) + R"(","name":"A)" + in_set + R"("})";
    }
    run(cala_account_create_many, request + "]}");
  }
  if (full) make_limits();
  const std::string rest = R"(,"layer":"'SETTLED'","units":"params.amount","currency":"'USD'"})";
  run(cala_tx_template_create,
      R"x({"code":"TRANSFER","params":[{"name":"sender","type":"uuid"},{"name":"recipient","type":"uuid"},)x"
      R"x({"name":"amount","type":"decimal"}],"transaction":{"effective":"date()","journal_id":"uuid(')x" +
          journal_id() +
          R"x(')"},"entries":[{"entry_type":"'DEBIT'","direction":"'DEBIT'","account_id":"params.sender")x" + rest +
          R"x(,{"entry_type":"'CREDIT'","direction":"'CREDIT'","account_id":"params.recipient")x" + rest + "]}");
}

unsigned LedgerWork::take(int postings) {
  const unsigned first = next_;
  next_ += static_cast<unsigned>(postings);
  return first;
}

void LedgerWork::run(OperationFn operation, const std::string &request) const {
  if (answers_)
    books_.ask(operation, request);
  else
    books_.run(operation, request);
}

Measured LedgerWork::round(int callers, int batch, int postings) {
  const int operations = std::max(postings / batch, 1);
  const unsigned first = take(operations * batch);
  const auto operation = [&](int, int i) {
    const unsigned number = first + static_cast<unsigned>(i * batch);
    if (batch > 1)
      run(cala_transaction_post_many, books_.batch(number, batch));
    else
      run(cala_transaction_post, books_.posting(number));
  };
  Measured measured = run_callers(callers, operations, operation);
  measured.postings = operations * batch;
  return measured;
}

}  // namespace cala::bench
