// A ledger's log: each kind of record, provoked by what it tells of; what is never in one; what becomes of those that
// nobody reads.
#include <cala.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/json.h"
#include "ledger_client.h"
#include "postgres_cluster.h"
#include "store_sql.h"

namespace cala::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using MakeOperation = cala_status (*)(cala_ledger *, cala_tx *, const char *, std::size_t, cala_op **, cala_error **);

constexpr const char *kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "SECRET-ALICE", "name": "Secret Alice",
    "metadata": {"pin": "SECRET"}},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "SECRET-BOB", "name": "Secret Bob",
    "description": "SECRET"}]})";
constexpr const char *kTemplate = R"json({"code": "MOVE",
  "params": [{"name": "amount", "type": "decimal", "default": "decimal('1')"},
             {"name": "key", "type": "string", "default": "''"}, {"name": "note", "type": "json", "default": "null"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')",
    "external_id": "params.key == '' ? null : params.key", "metadata": "params.note"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
     "direction": "DEBIT", "units": "params.amount", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000002')", "layer": "SETTLED",
     "direction": "CREDIT", "units": "params.amount", "currency": "'USD'"}]})json";
constexpr const char *kPost = R"({"tx_template_code": "MOVE"})";

struct Record {
  std::uint16_t type = 0;
  std::uint64_t tag = 0;
  std::string text;
};

std::string word_of(const Record &record, const char *key) {
  const base::Result<base::Json> json = base::Json::parse(record.text);
  return json && json->root().get(key).is_string() ? std::string(json->root().get(key).string()) : "";
}

std::int64_t number_of(const Record &record, const char *key) {
  const base::Result<base::Json> json = base::Json::parse(record.text);
  return json ? json->root().get(key).integer().value_or(-1) : -1;
}

class Logged : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    store_.emplace(GetParam());
    ASSERT_EQ(cala_queue_new(&queue_, nullptr), CALA_OK);
  }
  void TearDown() override {
    cala_ledger_free(ledger_);
    cala_queue_free(queue_);
  }

  // more: of the configuration. store: what to add to PostgreSQL's connection string.
  void open(const std::string &more = R"("lazy": false)", const std::string &store = "") {
    std::string config = store_->config(more);
    if (GetParam() == StoreKind::kPostgres) {
      config = R"({"migrate": true, "store": ")" + postgres_connection().value_or("") + store + R"(", "schema": ")" +
               store_->schema() + "\", " + more + "}";
    }
    cala_error *error = nullptr;
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger_, &error), CALA_OK) << cala_error_message(error);
  }
  void fill() {
    ASSERT_EQ(run(cala_journal_create, R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})"), CALA_OK);
    ASSERT_EQ(run(cala_account_create_many, kAccounts), CALA_OK);
    ASSERT_EQ(run(cala_tx_template_create, kTemplate), CALA_OK);
    ASSERT_EQ(run(cala_transaction_post, kPost), CALA_OK);
  }
  void log(const std::string &options, cala_log_fn fn = nullptr, void *user = nullptr) {
    cala_error *error = nullptr;
    ASSERT_EQ(cala_ledger_log(ledger_, options.data(), options.size(), queue_, fn, user, &error), CALA_OK)
        << cala_error_message(error);
  }

  cala_op *make(MakeOperation make_it, const std::string &request, cala_tx *tx = nullptr) {
    cala_op *op = nullptr;
    cala_error *error = nullptr;
    EXPECT_EQ(make_it(ledger_, tx, request.data(), request.size(), &op, &error), CALA_OK) << cala_error_message(error);
    cala_error_free(error);
    return op;
  }
  cala_status run(MakeOperation make_it, const std::string &request, const char *trace = nullptr,
                  cala_tx *tx = nullptr) {
    cala_op *op = make(make_it, request, tx);
    if (op == nullptr) return CALA_INVALID;
    if (trace != nullptr) EXPECT_EQ(cala_op_trace(op, trace, std::strlen(trace)), CALA_OK);
    const cala_status status = cala_op_run(op, 30000, nullptr);
    code_ = cala_error_code(cala_op_error(op));
    cala_op_free(op);
    return status;
  }
  std::string table(const std::string &name) const {
    return GetParam() == StoreKind::kSqlite ? "cala_" + name : store_->schema() + "." + name;
  }

  // What has come since the last time.
  std::vector<Record> read() {
    struct {
      std::uint32_t record_len;
      std::uint16_t header_len;
      std::uint16_t type;
      std::uint64_t tag;
      std::int32_t status;
      std::uint32_t data_len;
    } header;
    std::vector<char> buffer(1 << 20);
    std::size_t used = 0;
    EXPECT_EQ(cala_queue_read(queue_, buffer.data(), buffer.size(), &used), CALA_OK);
    std::vector<Record> out;
    for (std::size_t at = 0; at < used; at += header.record_len) {
      std::memcpy(&header, buffer.data() + at, sizeof header);
      out.push_back({header.type, header.tag, std::string(buffer.data() + at + header.header_len, header.data_len)});
    }
    for (const Record &record : out) everything_ += record.text + "\n";
    return out;
  }
  // The first record of an event, which must come within a while; what else came is let go.
  Record hear(const std::string &event, const std::function<bool(const Record &)> &wanted = {}) {
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      for (const Record &record : read()) {
        if (record.type == CALA_RECORD_LOG && word_of(record, "event") == event && (!wanted || wanted(record))) {
          return record;
        }
      }
      cala_queue_wait(queue_, 50);
    }
    ADD_FAILURE() << "no record " << event << " in\n" << everything_;
    return {};
  }
  std::int64_t dropped_by_metrics() {
    cala_op *op = make(cala_ledger_metrics, "{}");
    EXPECT_EQ(cala_op_run(op, -1, nullptr), CALA_OK);
    const base::Result<base::Json> json = base::Json::parse(cala_op_result(op, nullptr));
    std::int64_t out = -1;
    for (const base::JsonView family : json->root().get("metrics")) {
      if (family.get("name").string() != "log_dropped") continue;
      for (const base::JsonView sample : family.get("samples")) out = sample.get("value").integer().value_or(-1);
    }
    cala_op_free(op);
    return out;
  }
  // The database refuses a transaction with this external id, in words that repeat what it was given.
  void forbid(const std::string &key, const std::string &sqlstate) {
    std::string sql = "CREATE TRIGGER forbidden BEFORE INSERT ON cala_transactions WHEN NEW.external_id = '" + key +
                      "' BEGIN SELECT RAISE(ABORT, 'SECRET'); END";
    if (GetParam() == StoreKind::kPostgres) {
      sql = "CREATE FUNCTION " + table("forbid()") +
            " RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'SECRET %', NEW.metadata USING ERRCODE = '" +
            sqlstate + "'; END $$; CREATE TRIGGER forbidden BEFORE INSERT ON " + table("transactions") +
            " FOR EACH ROW WHEN (NEW.external_id = '" + key + "') EXECUTE FUNCTION " + table("forbid()");
    }
    ASSERT_EQ(run_sql(*store_, sql), "");
  }

  std::optional<TestStore> store_;
  cala_queue *queue_ = nullptr;
  cala_ledger *ledger_ = nullptr;
  std::string code_;
  std::string everything_;
};

class LoggedOnPostgres : public Logged {
 protected:
  void open_named(const std::string &more) { open(more, "&application_name=" + store_->schema()); }
  // The statement that each of the ledger's connections runs, or ran last.
  std::string statements(const std::string &which = "true") const {
    return run_sql(*store_,
                   "DO $$ BEGIN RAISE EXCEPTION '%', (SELECT pg_catalog.string_agg(query, '; ') "
                   "FROM pg_catalog.pg_stat_activity WHERE application_name = '" +
                       store_->schema() + "' AND " + which + "); END $$");
  }
  // What the ledger's connections go by that read for a posting and wait for a lock.
  std::string names_of_waiting() const {
    return run_sql(*store_,
                   "DO $$ BEGIN RAISE EXCEPTION '%', (SELECT pg_catalog.string_agg(application_name, '; ') "
                   "FROM pg_catalog.pg_stat_activity WHERE wait_event_type = 'Lock' "
                   "AND pg_catalog.strpos(query, '\"" +
                       store_->schema() + "\".posting_read_rows_v1(') > 0); END $$");
  }
  // Whether a posting comes to wait for a balance in a transaction that goes by this trace; empty: by no trace.
  bool waits_with(const std::string &trace) const {
    const std::string name = trace.empty() ? store_->schema() : trace;
    std::string seen;
    for (int i = 0; i < 2000; ++i) {
      seen = names_of_waiting();
      if (seen.find(name) != std::string::npos) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    ADD_FAILURE() << "nothing goes by " << name << ", but " << seen;
    return false;
  }
};
class LoggedOnSqlite : public Logged {};  // what does not depend on the store

TEST_P(Logged, AnOperationThatTakesLongTellsWhatItWaitedFor) {
  open();
  fill();
  log(R"({"slow_ms": 100})");
  EXPECT_EQ(run(cala_transaction_post, kPost), CALA_OK);  // not slow, as a rule
  read();
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  ASSERT_EQ(run(cala_transaction_post, kPost, nullptr, tx), CALA_OK);
  std::thread waiting([this] { EXPECT_EQ(run(cala_transaction_post, kPost, kTrace), CALA_OK); });
  std::this_thread::sleep_for(milliseconds(400));
  ASSERT_EQ(cala_tx_commit(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
  waiting.join();
  const Record record = hear("operation.slow", [](const Record &each) { return number_of(each, "took_ms") >= 200; });
  EXPECT_EQ(word_of(record, "level"), "warn");
  EXPECT_EQ(word_of(record, "operation"), "transaction_post");
  EXPECT_EQ(word_of(record, "traceparent"), kTrace);
  EXPECT_EQ(number_of(record, "attempts"), 1);
  // One writer on SQLite; on PostgreSQL the statement that locks the balances.
  if (GetParam() == StoreKind::kSqlite) {
    EXPECT_GE(number_of(record, "session_ms"), 200) << record.text;
  } else {
    EXPECT_GE(number_of(record, "statement_ms"), 200) << record.text;
    EXPECT_EQ(word_of(record, "statement"), "posting_read_v1") << record.text;
    EXPECT_LT(number_of(record, "session_ms"), 200) << record.text;
  }
}

TEST_P(Logged, APoolThatIsExhaustedIsToldAndSoIsWhoWaitedForNothing) {
  open(R"("pool": {"max": 1, "timeout_ms": 150})");
  fill();
  log(R"({"level": "debug"})");
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  EXPECT_EQ(run(cala_transaction_post, kPost, kTrace), CALA_BUSY);
  const std::string code = GetParam() == StoreKind::kSqlite ? "store.busy" : "store.pool_timeout";
  Record record = hear("pool.exhausted");
  EXPECT_EQ(word_of(record, "level"), "warn");
  EXPECT_EQ(word_of(record, "operation"), "transaction_post");
  EXPECT_EQ(word_of(record, "code"), code);
  EXPECT_EQ(word_of(record, "traceparent"), kTrace);
  EXPECT_GE(number_of(record, "session_ms"), 140);
  cala_tx *second = nullptr;
  EXPECT_EQ(cala_tx_begin(ledger_, nullptr, 0, &second, nullptr), CALA_BUSY);
  record = hear("pool.exhausted");
  EXPECT_EQ(word_of(record, "operation"), "tx_begin");
  EXPECT_EQ(cala_tx_rollback(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
}

TEST_P(Logged, ADefectIsAnErrorAndARefusalForWhoAsks) {
  open();
  fill();
  forbid("SECRET-KEY", "XX001");
  log(R"({"level": "info"})", nullptr, this);
  EXPECT_EQ(run(cala_transaction_post, R"({"tx_template_code": "NONE"})"), CALA_NOT_FOUND);
  EXPECT_TRUE(read().empty());
  const std::string request = R"({"tx_template_code": "MOVE", "params": {"amount": "4711.47", "key": "SECRET-KEY",
    "note": {"pin": "SECRET"}}})";
  const cala_status status = run(cala_transaction_post, request, kTrace);
  EXPECT_EQ(status, CALA_INTERNAL) << code_;
  Record record = hear("operation.failed");
  EXPECT_EQ(record.tag, reinterpret_cast<std::uintptr_t>(this));
  EXPECT_EQ(word_of(record, "level"), "error");
  EXPECT_EQ(word_of(record, "code"), code_);
  EXPECT_EQ(word_of(record, "traceparent"), kTrace);
  EXPECT_FALSE(word_of(record, "message").empty());
  EXPECT_EQ(word_of(record, "at").size(), std::strlen("2026-01-31T12:00:00.000000Z"));
  if (GetParam() == StoreKind::kPostgres) EXPECT_EQ(word_of(record, "sqlstate"), "XX001");
  log(R"({"level": "debug"})");
  EXPECT_EQ(run(cala_transaction_post, R"({"tx_template_code": "NONE"})"), CALA_NOT_FOUND);
  record = hear("operation.refused");
  EXPECT_EQ(word_of(record, "level"), "debug");
  EXPECT_EQ(word_of(record, "code"), "tx_template.not_found");
  EXPECT_EQ(record.text.find("traceparent"), std::string::npos);
}

TEST_P(Logged, AGroupThatTheDatabaseRefusesIsHalved) {
  open();
  fill();
  forbid("SECRET-KEY", "XX001");
  log(R"({"level": "debug", "slow_ms": 0})");
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  ASSERT_EQ(run(cala_transaction_post, kPost, nullptr, tx), CALA_OK);  // whoever posts waits for it
  const std::string guilty = R"({"tx_template_code": "MOVE", "params": {"key": "SECRET-KEY"}})";
  std::vector<cala_op *> ops;
  for (const std::string &request : {std::string(kPost), std::string(kPost), guilty, std::string(kPost)}) {
    ops.push_back(make(cala_transaction_post, request));
    ASSERT_EQ(cala_op_trace(ops.back(), kTrace, std::strlen(kTrace)), CALA_OK);
    ASSERT_EQ(cala_op_start(ops.back(), queue_, nullptr, nullptr), CALA_OK);
    std::this_thread::sleep_for(milliseconds(50));  // the first is at work, the others in line
  }
  ASSERT_EQ(cala_tx_commit(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
  const Record record = hear("group.halved");
  EXPECT_EQ(word_of(record, "level"), "debug");
  EXPECT_GE(number_of(record, "operations"), 2);
  EXPECT_EQ(word_of(record, "traceparent"), kTrace);  // of all of them
  EXPECT_FALSE(word_of(record, "code").empty());
  for (cala_op *op : ops) {
    EXPECT_EQ(cala_op_run(op, 0, nullptr), CALA_MISUSE);  // it was started: the queue tells
    for (int i = 0; i < 2000 && cala_op_status(op) == CALA_BUSY; ++i) std::this_thread::sleep_for(milliseconds(10));
    EXPECT_EQ(cala_op_status(op), op == ops[2] ? CALA_INTERNAL : CALA_OK);
    cala_op_free(op);
  }
}

TEST_P(Logged, WhatTheFirstUseMigratesIsTold) {
  open(R"("lazy": true)");
  log(R"({"level": "info"})");
  fill();
  const Record record = hear("schema.migrated");
  EXPECT_EQ(word_of(record, "level"), "info");
  EXPECT_EQ(number_of(record, "from_version"), 0);
  EXPECT_GT(number_of(record, "to_version"), 0);
}

TEST_P(Logged, AListenerThatCannotGoOnIsTold) {
  open();
  fill();
  log(R"({"level": "error"})");
  cala_queue *events = nullptr;
  ASSERT_EQ(cala_queue_new(&events, nullptr), CALA_OK);
  cala_listener *listener = nullptr;
  const std::string options = R"({"poll_ms": 5})";
  ASSERT_EQ(cala_listener_open(ledger_, options.data(), options.size(), events, nullptr, nullptr, &listener, nullptr),
            CALA_OK);
  const std::string sql = GetParam() == StoreKind::kSqlite
                              ? "DROP TABLE cala_outbox_events"
                              : "SET client_min_messages = error; DROP SCHEMA " + store_->schema() + " CASCADE";
  ASSERT_EQ(run_sql(*store_, sql), "");
  const Record record = hear("listener.ended");
  EXPECT_EQ(word_of(record, "level"), "error");
  EXPECT_FALSE(word_of(record, "code").empty());
  cala_listener_free(listener);
  cala_queue_free(events);
}

TEST_P(LoggedOnSqlite, RecordsThatNobodyReadsAreDroppedCountedAndTold) {
  constexpr int kRefused = 12;
  open();
  fill();
  log(R"({"level": "debug", "buffer": 2})");
  for (int i = 0; i < kRefused; ++i) run(cala_account_find, R"({"code": "NOBODY"})");
  EXPECT_EQ(dropped_by_metrics(), kRefused - 2);
  std::vector<Record> records = read();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].type, CALA_RECORD_LOG);
  EXPECT_EQ(records[1].type, CALA_RECORD_LOG);
  EXPECT_EQ(records[2].type, CALA_RECORD_DROPPED);
  EXPECT_EQ(records[2].text, std::to_string(kRefused - 2));
  run(cala_account_find, R"({"code": "NOBODY"})");
  EXPECT_EQ(read().size(), 1U);
  // The same by callbacks.
  struct Heard {
    int records = 0;
    std::string dropped;
  } heard;
  const cala_log_fn fn = [](void *user, int32_t type, const char *data, size_t length) {
    auto *of = static_cast<Heard *>(user);
    EXPECT_EQ(std::strlen(data), length);
    if (type == CALA_RECORD_LOG) ++of->records;
    if (type == CALA_RECORD_DROPPED) of->dropped = data;
  };
  log(R"({"level": "debug", "buffer": 2})", fn, &heard);
  for (int i = 0; i < kRefused; ++i) run(cala_account_find, R"({"code": "NOBODY"})");
  EXPECT_EQ(cala_queue_drain(queue_, 0), 3);
  EXPECT_EQ(heard.records, 2);
  EXPECT_EQ(heard.dropped, std::to_string(kRefused - 2));
  // Another log takes its place, also for what has not been read yet.
  run(cala_account_find, R"({"code": "NOBODY"})");
  log(R"({"level": "error"})", fn, &heard);
  EXPECT_EQ(cala_queue_drain(queue_, 0), 1);
  EXPECT_EQ(heard.records, 2);
  run(cala_account_find, R"({"code": "NOBODY"})");
  EXPECT_EQ(cala_queue_drain(queue_, 0), 0);
}

TEST_P(LoggedOnSqlite, EachLedgerOfAQueueIsToldHowManyOfItsOwnWereDropped) {
  struct Heard {
    int records = 0;
    int dropped = 0;
  } mine, its;
  const cala_log_fn fn = [](void *user, int32_t type, const char *data, size_t) {
    auto *of = static_cast<Heard *>(user);
    of->records += type == CALA_RECORD_LOG ? 1 : 0;
    of->dropped += type == CALA_RECORD_DROPPED ? std::stoi(data) : 0;
  };
  const std::string options = R"({"level": "debug", "buffer": 2})";
  const std::string config = R"({"store": "sqlite::memory:"})";
  const auto refuse = [&](int times, cala_ledger *ledger) {
    std::swap(ledger, ledger_);
    for (int i = 0; i < times; ++i) run(cala_account_find, R"({"code": "NOBODY"})");
    std::swap(ledger, ledger_);
  };
  // One is told a message, and what comes up meanwhile waits for the next drain.
  const auto drain = [&] {
    int messages = 0;
    for (int more = -1; more != 0; messages += more) more = cala_queue_drain(queue_, 0);
    return messages;
  };
  open();
  cala_ledger *other = nullptr;
  ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &other, nullptr), CALA_OK);
  log(options, fn, &mine);
  ASSERT_EQ(cala_ledger_log(other, options.data(), options.size(), queue_, fn, &its, nullptr), CALA_OK);
  refuse(5, ledger_);
  refuse(4, other);
  EXPECT_EQ(drain(), 4);
  EXPECT_EQ(std::pair(mine.records, mine.dropped), std::pair(2, 3));
  EXPECT_EQ(std::pair(its.records, its.dropped), std::pair(0, 4));
  // One that has ended is told of what it lost until then, and of nothing more.
  refuse(2, ledger_);
  refuse(1, other);
  cala_ledger_free(other);
  refuse(3, ledger_);
  EXPECT_EQ(drain(), 4);
  EXPECT_EQ(std::pair(mine.records, mine.dropped), std::pair(4, 6));
  EXPECT_EQ(std::pair(its.records, its.dropped), std::pair(0, 5));
  refuse(3, ledger_);
  EXPECT_EQ(drain(), 3);
  EXPECT_EQ(mine.dropped, 7);
  EXPECT_EQ(its.dropped, 5);
}

TEST_P(Logged, NothingComesWhenTheLogIsOverOrTheLedgerIs) {
  open();
  fill();
  EXPECT_EQ(run(cala_account_find, R"({"code": "NOBODY"})"), CALA_NOT_FOUND);
  EXPECT_TRUE(read().empty());  // nobody asked
  log(R"({"level": "debug", "slow_ms": 0})");
  EXPECT_EQ(run(cala_account_find, R"({"code": "NOBODY"})"), CALA_NOT_FOUND);
  EXPECT_EQ(read().size(), 2U);  // refused, and slow
  ASSERT_EQ(cala_ledger_log(ledger_, nullptr, 0, nullptr, nullptr, nullptr, nullptr), CALA_OK);
  EXPECT_EQ(run(cala_account_find, R"({"code": "NOBODY"})"), CALA_NOT_FOUND);
  EXPECT_TRUE(read().empty());
  log(R"({"level": "debug", "slow_ms": 0})");
  cala_queue *other = nullptr;
  ASSERT_EQ(cala_queue_new(&other, nullptr), CALA_OK);
  for (int i = 0; i < 50; ++i) {
    cala_op *op = make(cala_account_find, R"({"code": "NOBODY"})");
    ASSERT_EQ(cala_op_start(op, other, nullptr, nullptr), CALA_OK);
    cala_op_free(op);
  }
  ASSERT_EQ(cala_ledger_shutdown(ledger_, queue_, nullptr, nullptr, nullptr), CALA_OK);
  std::vector<Record> records;
  while (records.empty() || records.back().type != CALA_RECORD_SHUTDOWN) {
    ASSERT_EQ(cala_queue_wait(queue_, 20000), CALA_OK);
    for (Record &record : read()) records.push_back(std::move(record));
  }
  cala_error *error = nullptr;
  EXPECT_EQ(cala_ledger_log(ledger_, nullptr, 0, queue_, nullptr, nullptr, &error), CALA_CLOSED);
  cala_error_free(error);
  cala_ledger_free(std::exchange(ledger_, nullptr));
  EXPECT_TRUE(read().empty());
  cala_queue_free(other);
}

TEST_P(Logged, NoRecordHasAnythingOfTheProgramsInIt) {
  open(R"("pool": {"max": 1, "timeout_ms": 100})", GetParam() == StoreKind::kPostgres ? "&password=SECRET" : "");
  log(R"({"level": "debug", "slow_ms": 0})");
  fill();
  forbid("SECRET-KEY", "XX001");
  for (const char *request : {
           R"({"tx_template_code": "MOVE", "params": {"amount": "4711.47", "note": {"pin": "SECRET"}}})",
           R"({"tx_template_code": "MOVE", "params": {"amount": "4711.47", "key": "SECRET-KEY", "note": "SECRET"}})",
           R"({"tx_template_code": "MOVE", "params": {"amount": "SECRET"}})",
           R"({"tx_template_code": "SECRET"})",
           R"({"tx_template_code": "MOVE", "params": {"SECRET": "4711.47"}})",
       }) {
    run(cala_transaction_post, request);
  }
  run(cala_account_create, R"({"code": "SECRET-ALICE", "name": "Secret Alice"})");
  run(cala_account_find, R"({"code": "SECRET"})");
  run(cala_cel_evaluate, R"json({"expr": "decimal('SECRET')"})json");
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  run(cala_tx_exec, R"({"sql": "select SECRET from SECRET"})", nullptr, tx);
  run(cala_transaction_post, R"({"tx_template_code": "MOVE", "params": {"amount": "4711.47", "note": "SECRET"}})");
  cala_tx_rollback(tx, nullptr);
  cala_tx_free(tx);
  read();
  EXPECT_NE(everything_.find("operation.failed"), std::string::npos);
  EXPECT_NE(everything_.find("operation.refused"), std::string::npos);
  EXPECT_NE(everything_.find("operation.slow"), std::string::npos);
  EXPECT_NE(everything_.find("pool.exhausted"), std::string::npos);
  for (const char *secret : {"SECRET", "Secret", "secret", "4711", "MOVE", "10000000-0000"}) {
    EXPECT_EQ(everything_.find(secret), std::string::npos) << secret << "\n" << everything_;
  }
}

TEST_P(LoggedOnSqlite, OptionsAreStrict) {
  open();
  const std::pair<const char *, const char *> cases[] = {
      {R"({"level": "loud"})", "/level"},
      {R"({"level": 1})", "/level"},
      {R"({"slow_ms": -1})", "/slow_ms"},
      {R"({"slow_ms": 3600001})", "/slow_ms"},
      {R"({"buffer": 0})", "/buffer"},
      {R"({"buffer": 100001})", "/buffer"},
      {R"({"level": "warn", "other": 1})", "/other"},
  };
  for (const auto &[options, pointer] : cases) {
    cala_error *error = nullptr;
    EXPECT_EQ(cala_ledger_log(ledger_, options, std::strlen(options), queue_, nullptr, nullptr, &error), CALA_INVALID);
    EXPECT_NE(std::string(cala_error_details(error)).find(pointer), std::string::npos) << options;
    cala_error_free(error);
  }
  cala_error *error = nullptr;
  EXPECT_EQ(cala_ledger_log(ledger_, nullptr, 1, queue_, nullptr, nullptr, &error), CALA_MISUSE);
  cala_error_free(error);
}

TEST_P(LoggedOnSqlite, ATraceparentIsOneOrRefused) {
  open();
  const std::string trace = kTrace;
  const std::pair<std::string, cala_status> cases[] = {
      {trace, CALA_OK},
      {"01" + trace.substr(2) + "-and-more", CALA_OK},  // of a later version
      {"01" + trace.substr(2), CALA_OK},
      {"", CALA_INVALID},
      {trace.substr(0, 54), CALA_INVALID},
      {trace + "-and-more", CALA_INVALID},
      {"01" + trace.substr(2) + "and-more", CALA_INVALID},
      {"ff" + trace.substr(2), CALA_INVALID},
      {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", CALA_INVALID},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", CALA_INVALID},
      {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", CALA_INVALID},
      {"00-4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7-01", CALA_INVALID},
      {"00-4bf92f3577b34da6a3ce929d0e0e473\"-00f067aa0ba902b7-01", CALA_INVALID},
      {"00-00000000000000000000000000000001-0000000000000001-00", CALA_OK},
  };
  cala_op *op = make(cala_account_find, R"({"code": "NOBODY"})");
  for (const auto &[text, status] : cases) EXPECT_EQ(cala_op_trace(op, text.data(), text.size()), status) << text;
  EXPECT_EQ(cala_op_trace(op, nullptr, 0), CALA_MISUSE);
  EXPECT_EQ(cala_op_run(op, -1, nullptr), CALA_NOT_FOUND);
  EXPECT_EQ(cala_op_trace(op, trace.data(), trace.size()), CALA_MISUSE);
  cala_op_free(op);
}

TEST_P(LoggedOnPostgres, TheServerSeesWhichTraceAStatementIsOf) {
  open_named(R"("pool": {"max": 1})");
  fill();
  const std::string comment = std::string(" END /*traceparent='") + kTrace + "'*/";
  EXPECT_EQ(statements().find("traceparent"), std::string::npos);

  EXPECT_EQ(run(cala_account_find, R"({"code": "SECRET-ALICE"})", kTrace), CALA_OK);
  EXPECT_NE(statements().find("account_find_v1($1::pg_catalog.text::pg_catalog.jsonb)"), std::string::npos)
      << statements();
  EXPECT_NE(statements().find(comment), std::string::npos) << statements();
  EXPECT_EQ(run(cala_account_find, R"({"code": "SECRET-ALICE"})"), CALA_OK);  // by the name of the prepared one again
  EXPECT_EQ(statements().find("traceparent"), std::string::npos) << statements();
  EXPECT_EQ(run(cala_account_find, R"({"code": "SECRET-ALICE"})", kTrace), CALA_OK);
  EXPECT_NE(statements().find(comment), std::string::npos) << statements();

  // A trace that nobody keeps is none of the server's business.
  std::string unsampled = kTrace;
  unsampled.back() = '2';
  EXPECT_EQ(run(cala_account_find, R"({"code": "SECRET-ALICE"})", unsampled.c_str()), CALA_OK);
  EXPECT_EQ(statements().find("traceparent"), std::string::npos) << statements();

  // In a transaction each statement has its own operation's.
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  EXPECT_EQ(run(cala_account_find, R"({"code": "SECRET-ALICE"})", kTrace, tx), CALA_OK);
  EXPECT_NE(statements().find(comment), std::string::npos) << statements();
  EXPECT_EQ(run(cala_account_find, R"({"code": "SECRET-ALICE"})", nullptr, tx), CALA_OK);
  EXPECT_EQ(statements().find("traceparent"), std::string::npos) << statements();

  // A posting's transaction goes by its trace, until it ends.
  const auto by_name = [this](const std::string &name) {
    return run_sql(*store_,
                   "DO $$ BEGIN RAISE EXCEPTION '%', (SELECT count(*) FROM pg_catalog.pg_stat_activity "
                   "WHERE application_name = '" +
                       name + "'); END $$");
  };
  EXPECT_EQ(run(cala_transaction_post, kPost, kTrace, tx), CALA_OK);
  EXPECT_TRUE(by_name(kTrace).starts_with("ERROR:  1\n")) << by_name(kTrace);
  EXPECT_TRUE(by_name(store_->schema()).starts_with("ERROR:  0\n")) << by_name(store_->schema());
  EXPECT_EQ(cala_tx_commit(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
  EXPECT_EQ(run(cala_transaction_post, kPost, kTrace), CALA_OK);
  EXPECT_NE(statements().find("COMMIT"), std::string::npos) << statements();
}

TEST_P(LoggedOnPostgres, TheServerSeesWhichTraceAPostingOrAGroupThatWaitsIsOf) {
  open_named(R"("pool": {"max": 3})");
  fill();
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  ASSERT_EQ(run(cala_transaction_post, kPost, nullptr, tx), CALA_OK);  // whoever posts waits for it
  using Ops = std::vector<cala_op *>;
  const auto start = [&](const std::vector<std::string> &traces) {
    Ops ops;
    for (const std::string &trace : traces) {
      ops.push_back(make(cala_transaction_post, kPost));
      EXPECT_EQ(cala_op_trace(ops.back(), trace.data(), trace.size()), CALA_OK);
      EXPECT_EQ(cala_op_start(ops.back(), queue_, nullptr, nullptr), CALA_OK);
    }
    return ops;
  };
  const auto cancel = [&](const Ops &ops) {
    for (cala_op *op : ops) cala_op_cancel(op);
    for (cala_op *op : ops) {
      for (int i = 0; i < 2000 && cala_op_status(op) == CALA_BUSY; ++i) std::this_thread::sleep_for(milliseconds(10));
      EXPECT_EQ(cala_op_status(op), CALA_CANCELLED);
      cala_op_free(op);
    }
  };
  const std::string one = kTrace;
  const std::string other = one.substr(0, 36) + "00f067aa0ba902b8-01";
  const Ops alone = start({one});
  EXPECT_TRUE(waits_with(one));
  // What comes while another is under way is a group after it.
  const Ops of_one_trace = start({other, other});
  cancel(alone);
  EXPECT_TRUE(waits_with(other));
  const Ops of_two = start({one, other});
  cancel(of_one_trace);
  EXPECT_TRUE(waits_with(""));
  cancel(of_two);
  EXPECT_EQ(cala_tx_rollback(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
}

TEST_P(LoggedOnPostgres, AStoreThatIsLostAndReachedAgainIsToldOnce) {
  open(R"("pool": {"max": 2})", "&application_name=" + store_->schema());
  fill();
  log(R"({"level": "info"})");
  ASSERT_EQ(run_sql(*store_,
                    "DO $$ BEGIN PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE application_name = '" +
                        store_->schema() + "'; END $$"),
            "");
  EXPECT_EQ(run(cala_transaction_post, kPost, kTrace), CALA_OK) << code_;
  std::vector<std::string> events;
  for (const Record &record : read()) {
    events.push_back(word_of(record, "event"));
    if (events.back() == "store.lost") {
      EXPECT_EQ(word_of(record, "level"), "warn");
      EXPECT_EQ(word_of(record, "code"), "store.connection_lost");
      EXPECT_EQ(word_of(record, "traceparent"), kTrace);
    } else if (events.back() == "transaction.retried") {
      EXPECT_EQ(word_of(record, "level"), "info");
      EXPECT_EQ(word_of(record, "after"), "lost_connection");
      EXPECT_EQ(number_of(record, "attempts"), 1);
    } else {
      EXPECT_GE(number_of(record, "away_ms"), 0);
    }
  }
  EXPECT_EQ(events, (std::vector<std::string>{"store.lost", "transaction.retried", "store.reached"}));
}

TEST_P(LoggedOnPostgres, ALostRaceIsTold) {
  open();
  fill();
  ASSERT_EQ(
      run_sql(*store_, "CREATE SEQUENCE " + table("races") + "; CREATE FUNCTION " + table("race()") +
                           " RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN IF nextval('" +
                           table("races") + "') = 1 THEN RAISE EXCEPTION 'SECRET' USING ERRCODE = '40001'; END IF; " +
                           "RETURN NEW; END $$; CREATE TRIGGER race BEFORE INSERT ON " + table("transactions") +
                           " FOR EACH ROW EXECUTE FUNCTION " + table("race()")),
      "");
  log(R"({"level": "debug"})");
  EXPECT_EQ(run(cala_transaction_post, kPost, kTrace), CALA_OK) << code_;
  const Record record = hear("transaction.retried");
  EXPECT_EQ(word_of(record, "level"), "debug");
  EXPECT_EQ(word_of(record, "after"), "lost_race");
  EXPECT_EQ(word_of(record, "sqlstate"), "40001");
  EXPECT_EQ(word_of(record, "traceparent"), kTrace);
}

TEST_P(LoggedOnPostgres, AGroupWhoseRowsSomebodyHoldsGoesApart) {
  open(R"("pool": {"max": 5})", "&options=-c%20lock_timeout%3D300");
  fill();
  log(R"({"level": "info"})");
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  ASSERT_EQ(run(cala_transaction_post, kPost, nullptr, tx), CALA_OK);
  std::vector<cala_op *> ops;
  for (int i = 0; i < 4; ++i) {
    ops.push_back(make(cala_transaction_post, kPost));
    ASSERT_EQ(cala_op_start(ops.back(), queue_, nullptr, nullptr), CALA_OK);
    std::this_thread::sleep_for(milliseconds(20));
  }
  const Record record = hear("group.apart");
  EXPECT_GE(number_of(record, "operations"), 2);
  EXPECT_EQ(word_of(record, "code"), "store.lock_timeout");
  EXPECT_EQ(cala_tx_rollback(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
  for (cala_op *op : ops) cala_op_free(op);
}

TEST_P(LoggedOnPostgres, ARollUpThatCannotGoOnIsToldOnceAndThatItCanAgain) {
  open();
  fill();
  ASSERT_EQ(run(cala_account_set_create, R"({"id": "f0000000-0000-0000-0000-000000000001", "name": "Hot",
    "journal_id": "10000000-0000-0000-0000-000000000001", "balance_rollup": "eventually_consistent"})"),
            CALA_OK);
  ASSERT_EQ(run(cala_account_create, R"({"id": "a0000000-0000-0000-0000-000000000003", "code": "C", "name": "C",
    "account_set_id": "f0000000-0000-0000-0000-000000000001"})"),
            CALA_OK);
  std::string another = kTemplate;
  another.replace(another.find("MOVE"), 4, "INTO");
  another.replace(another.rfind("000000000002"), 12, "000000000003");
  ASSERT_EQ(run(cala_tx_template_create, another), CALA_OK);
  log(R"({"level": "info"})");
  ASSERT_EQ(run_sql(*store_, "ALTER TABLE " + table("balances") +
                                 " ADD CONSTRAINT forbidden CHECK (account_id <> "
                                 "'f0000000-0000-0000-0000-000000000001')"),
            "");
  ASSERT_EQ(run(cala_transaction_post, R"({"tx_template_code": "INTO"})"), CALA_OK) << code_;
  const Record record = hear("rollup.failed");
  EXPECT_EQ(word_of(record, "level"), "warn");
  EXPECT_FALSE(word_of(record, "code").empty());
  ASSERT_EQ(run_sql(*store_, "ALTER TABLE " + table("balances") + " DROP CONSTRAINT forbidden"), "");
  const Record after = hear("rollup.recovered", [](const Record &each) {
    EXPECT_NE(word_of(each, "event"), "rollup.failed");
    return true;
  });
  EXPECT_EQ(word_of(after, "level"), "info");
}

INSTANTIATE_TEST_SUITE_P(Stores, Logged, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });
INSTANTIATE_TEST_SUITE_P(Stores, LoggedOnSqlite, ::testing::Values(StoreKind::kSqlite),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });
INSTANTIATE_TEST_SUITE_P(Stores, LoggedOnPostgres, ::testing::Values(StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace cala::tests
