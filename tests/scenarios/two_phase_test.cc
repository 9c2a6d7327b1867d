// Two-phase commit beside others: other ledgers, databases, users and programs of the same server, a server that goes,
// and one that prepares nothing.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "ledger_client.h"
#include "postgres_cluster.h"

namespace cala::tests {
namespace {

constexpr const char *kPost = R"({"tx_template_code": "MOVE"})";

class TwoPhase : public testing::Test {
 protected:
  void SetUp() override {
    if (!postgres_connection()) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    cluster_ = PostgresCluster::start();
    ASSERT_NE(cluster_, nullptr);
    ledger_ = open();
    ASSERT_NE(ledger_, nullptr);
    fill_with_move(*ledger_);
  }

  std::string store(const std::string &database = "cala_test", const std::string &user = "cala") const {
    return "postgres://" + user + "@/" + database + "?host=" + cluster_->folder();
  }
  static std::unique_ptr<LedgerClient> open_at(const std::string &store, const std::string &more = "") {
    Answer refusal;
    std::unique_ptr<LedgerClient> ledger =
        LedgerClient::open(R"({"store": ")" + store + R"(", "migrate": true)" + more + "}", &refusal);
    EXPECT_NE(ledger, nullptr) << refusal.text();
    return ledger;
  }
  std::unique_ptr<LedgerClient> open(const std::string &more = "") const { return open_at(store(), more); }

  // The first value of the last row, past the library.
  std::string sql(const std::string &text, const std::string &database = "cala_test") const {
    PGconn *connection = PQconnectdb(store(database).c_str());
    PGresult *result = PQexec(connection, text.c_str());
    const bool well = PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK;
    EXPECT_TRUE(well) << text << ": " << PQerrorMessage(connection);
    std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    PQclear(result);
    PQfinish(connection);
    return value;
  }

  static Answer prepare(LedgerClient &ledger, const std::string &gid) {
    EXPECT_TRUE(ledger.begin().ok());
    const Answer posted = ledger.run("transaction_post", kPost);
    EXPECT_TRUE(posted.ok()) << posted.text();
    return ledger.prepare(gid);
  }
  static Answer finish(LedgerClient &ledger, const std::string &gid, const std::string &outcome) {
    return ledger.run("tx_finish", R"({"gid": ")" + gid + R"(", "outcome": ")" + outcome + "\"}");
  }
  static std::string listed(LedgerClient &ledger) { return ledger.run("prepared_list", "{}").result; }
  static bool lists(LedgerClient &ledger, const std::string &gid) {
    return listed(ledger).find(R"("gid":")" + gid + '"') != std::string::npos;
  }
  static bool counts(LedgerClient &ledger, int transactions) {
    return ledger.counts().find("transactions " + std::to_string(transactions) + ",") != std::string::npos;
  }

  std::unique_ptr<PostgresCluster> cluster_;
  std::unique_ptr<LedgerClient> ledger_;
};

TEST_F(TwoPhase, EachLedgerAndEachProgramHasGidsOfItsOwn) {
  const std::unique_ptr<LedgerClient> schema = open(R"(, "schema": "another")");
  ASSERT_NE(schema, nullptr);
  fill_with_move(*schema);
  // The same schema in another database, whose encoding is another one.
  sql("CREATE DATABASE other ENCODING 'LATIN1' TEMPLATE template0");
  const std::unique_ptr<LedgerClient> database = open_at(store("other"));
  ASSERT_NE(database, nullptr);
  fill_with_move(*database);
  sql("SET client_encoding TO 'UTF8'; CREATE TABLE mine (a int); BEGIN; INSERT INTO mine VALUES (1); PREPARE "
      "TRANSACTION 'order'");
  sql("SET client_encoding TO 'UTF8'; CREATE TABLE mine (a int); BEGIN; INSERT INTO mine VALUES (1); PREPARE "
      "TRANSACTION 'cala:caf\xc3\xa9'",
      "other");
  for (LedgerClient *ledger : {ledger_.get(), schema.get(), database.get()}) {
    const Answer prepared = prepare(*ledger, "order");
    EXPECT_TRUE(prepared.ok()) << prepared.text();
  }
  EXPECT_EQ(sql("SELECT count(*) FROM pg_prepared_xacts"), "5");
  for (LedgerClient *ledger : {ledger_.get(), schema.get(), database.get()}) {
    const std::string one = listed(*ledger);
    EXPECT_EQ(one.find(R"("gid":"order")"), one.rfind(R"("gid":)")) << one;
    const Answer ended = finish(*ledger, "order", ledger == schema.get() ? "rollback" : "commit");
    EXPECT_TRUE(ended.ok()) << ended.text();
    EXPECT_EQ(finish(*ledger, "order", "commit").code, "prepared.not_found");
    EXPECT_TRUE(counts(*ledger, ledger == schema.get() ? 0 : 1)) << ledger->counts();
  }
  EXPECT_EQ(sql("SELECT count(*) FROM pg_prepared_xacts"), "2");
  // Whatever a gid looks like, it is no other program's.
  EXPECT_EQ(finish(*ledger_, "caf\xc3\xa9", "rollback").code, "prepared.not_found");
  sql("ROLLBACK PREPARED 'order'");
}

TEST_F(TwoPhase, ListsArePaged) {
  // Of accounts of their own, which nobody locks.
  for (const char *gid : {"b", "a", "c"}) {
    ASSERT_TRUE(ledger_->begin().ok());
    ASSERT_TRUE(ledger_->run("account_create", std::string(R"({"name": "X", "code": "X)") + gid + "\"}").ok());
    ASSERT_TRUE(ledger_->prepare(gid).ok());
  }
  const std::string first = ledger_->run("prepared_list", R"({"first": 2})").result;
  EXPECT_LT(first.find(R"("gid":"a")"), first.find(R"("gid":"b")")) << first;
  EXPECT_NE(first.find(R"("has_next_page":true)"), std::string::npos) << first;
  const std::size_t at = first.find(R"("end_cursor":")") + 14;
  const std::string cursor = first.substr(at, first.find('"', at) - at);
  const std::string rest = ledger_->run("prepared_list", R"({"first": 2, "after": ")" + cursor + "\"}").result;
  EXPECT_NE(rest.find(R"("gid":"c")"), std::string::npos) << rest;
  EXPECT_NE(rest.find(R"("has_next_page":false)"), std::string::npos) << rest;
  const std::string last = ledger_->run("prepared_list", R"({"first": 1, "order": "desc"})").result;
  EXPECT_NE(last.find(R"("gid":"c")"), std::string::npos) << last;
}

TEST_F(TwoPhase, HealthSaysHowManyThereAreAndHowOldTheFirstIs) {
  const auto prepared = [](LedgerClient &ledger, const std::string &request) {
    const std::string all = ledger.run("ledger_health", request).result;
    const std::size_t at = all.find(R"({"name":"prepared",)");
    return at == std::string::npos ? all : all.substr(at, all.find('}', at) + 1 - at);
  };
  const std::unique_ptr<LedgerClient> schema = open(R"(, "schema": "another")");
  ASSERT_NE(schema, nullptr);
  const std::string none = R"({"name":"prepared","status":"healthy","prepared":0})";
  EXPECT_EQ(prepared(*ledger_, R"({"prepared_age_max_ms": 0})"), none);
  for (const char *gid : {"a", "b"}) {
    ASSERT_TRUE(ledger_->begin().ok());
    ASSERT_TRUE(ledger_->run("account_create", std::string(R"({"name": "X", "code": "X)") + gid + "\"}").ok());
    ASSERT_TRUE(ledger_->prepare(gid).ok());
  }
  const std::string two = R"({"name":"prepared","status":"healthy","prepared":2,"oldest_age_ms":)";
  EXPECT_EQ(prepared(*ledger_, "{}").substr(0, two.size()), two);
  EXPECT_EQ(prepared(*ledger_, R"({"prepared_age_max_ms": 3600000})").substr(0, two.size()), two);
  EXPECT_EQ(prepared(*schema, "{}"), none);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const std::string late =
      R"({"name":"prepared","status":"degraded","message":"a prepared transaction is older than prepared_age_max_ms",)"
      R"("prepared":2,"oldest_age_ms":)";
  EXPECT_EQ(prepared(*ledger_, R"({"prepared_age_max_ms": 0})").substr(0, late.size()), late);
  EXPECT_EQ(ledger_->run("ledger_health", R"({"prepared_age_max_ms": 0})").result.find(R"({"status":"degraded")"), 0U);
  for (const char *gid : {"a", "b"}) EXPECT_TRUE(finish(*ledger_, gid, "rollback").ok());
  EXPECT_EQ(prepared(*ledger_, R"({"prepared_age_max_ms": 0})"), none);
}

TEST_F(TwoPhase, OutlivesTheServer) {
  int posted = 0;
  for (const char *way : {"crash", "immediate", "fast"}) {
    for (const char *outcome : {"commit", "rollback"}) {
      const Answer prepared = prepare(*ledger_, "order");
      ASSERT_TRUE(prepared.ok()) << way << ": " << prepared.text();
      ASSERT_TRUE(cluster_->end(way));
      ASSERT_TRUE(cluster_->restart());
      EXPECT_TRUE(lists(*ledger_, "order")) << way << ": " << listed(*ledger_);
      EXPECT_TRUE(counts(*ledger_, posted)) << ledger_->counts();
      const Answer ended = finish(*ledger_, "order", outcome);
      EXPECT_TRUE(ended.ok()) << way << ": " << ended.text();
      posted += *outcome == 'c' ? 1 : 0;
      EXPECT_TRUE(counts(*ledger_, posted)) << ledger_->counts();
      const Answer next = ledger_->run("transaction_post", kPost);
      EXPECT_TRUE(next.ok()) << next.text();
      ++posted;
      EXPECT_TRUE(counts(*ledger_, posted)) << ledger_->counts();
    }
  }
}

TEST_F(TwoPhase, AStandbySaysThatItDoesNotKnowAndTakesOverWhatIsPrepared) {
  const Answer prepared = prepare(*ledger_, "order");
  ASSERT_TRUE(prepared.ok()) << prepared.text();
  const std::unique_ptr<PostgresCluster> standby = cluster_->start_standby();
  ASSERT_NE(standby, nullptr);
  const std::unique_ptr<LedgerClient> there =
      LedgerClient::open(R"({"store": ")" + standby->connection() + R"(", "failover_wait_ms": 100})");
  ASSERT_NE(there, nullptr);
  EXPECT_EQ(there->run("prepared_list", "{}").code, "store.unreachable");
  EXPECT_EQ(there->run("ledger_health", "{}").result.find(R"("name":"prepared")"), std::string::npos);
  EXPECT_EQ(finish(*there, "order", "commit").code, "store.unreachable");
  ASSERT_TRUE(there->begin().ok());
  EXPECT_EQ(there->prepare("another").code, "store.unreachable");
  ASSERT_TRUE(cluster_->end("immediate"));
  ASSERT_TRUE(standby->promote());
  EXPECT_TRUE(lists(*there, "order")) << listed(*there);
  const Answer ended = finish(*there, "order", "commit");
  EXPECT_TRUE(ended.ok()) << ended.text();
  EXPECT_TRUE(counts(*there, 1)) << there->counts();
}

TEST_F(TwoPhase, AServerThatPreparesNothingSaysSo) {
  sql("ALTER SYSTEM SET max_prepared_transactions = 1");
  ASSERT_TRUE(cluster_->end("fast"));
  ASSERT_TRUE(cluster_->restart());
  ASSERT_TRUE(prepare(*ledger_, "only").ok());
  ASSERT_TRUE(ledger_->begin().ok());
  ASSERT_TRUE(ledger_->run("account_create", R"({"name": "X", "code": "X"})").ok());
  const Answer full = ledger_->prepare("more");
  EXPECT_EQ(full.code, "prepared.too_many") << full.text();
  EXPECT_EQ(full.status, CALA_BUSY);
  EXPECT_EQ(full.tx_state, CALA_TX_USABLE);
  EXPECT_TRUE(full.retryable);
  EXPECT_TRUE(finish(*ledger_, "only", "commit").ok());
  sql("ALTER SYSTEM SET max_prepared_transactions = 0");
  ASSERT_TRUE(cluster_->end("fast"));
  ASSERT_TRUE(cluster_->restart());
  EXPECT_EQ(listed(*ledger_).find("gid"), std::string::npos);
  const Answer disabled = prepare(*ledger_, "order");
  EXPECT_EQ(disabled.code, "prepared.disabled") << disabled.text();
  EXPECT_EQ(disabled.status, CALA_UNSUPPORTED);
  EXPECT_EQ(disabled.tx_state, CALA_TX_USABLE);
  EXPECT_NE(disabled.message.find("max_prepared_transactions"), std::string::npos) << disabled.message;
  EXPECT_TRUE(counts(*ledger_, 1)) << ledger_->counts();
}

TEST_F(TwoPhase, OnlyTheUserWhoPreparedMayFinish) {
  sql("CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA cala TO clerk; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cala TO "
      "clerk; "
      "CREATE ROLE other LOGIN; GRANT USAGE ON SCHEMA cala TO other; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cala TO "
      "other");
  const auto as = [&](const std::string &user) {
    return LedgerClient::open(R"({"store": ")" + store("cala_test", user) + "\"}");
  };
  const std::unique_ptr<LedgerClient> clerk = as("clerk");
  const std::unique_ptr<LedgerClient> other = as("other");
  ASSERT_NE(clerk, nullptr);
  ASSERT_NE(other, nullptr);
  const Answer prepared = prepare(*clerk, "order");
  ASSERT_TRUE(prepared.ok()) << prepared.text();
  EXPECT_NE(listed(*other).find(R"("owner":"clerk")"), std::string::npos) << listed(*other);
  const Answer refused = finish(*other, "order", "commit");
  EXPECT_EQ(refused.code, "store.permission") << refused.text();
  EXPECT_EQ(refused.status, CALA_PERMISSION);
  EXPECT_TRUE(lists(*other, "order"));
  EXPECT_TRUE(finish(*clerk, "order", "commit").ok());
  EXPECT_TRUE(prepare(*clerk, "order").ok());
  EXPECT_TRUE(finish(*ledger_, "order", "rollback").ok());  // a superuser's
  EXPECT_TRUE(counts(*ledger_, 1)) << ledger_->counts();
}

// One session is at it, and waits for a standby that is not there; the other is told so.
TEST_F(TwoPhase, TwoSessionsDoNotFinishAtOnce) {
  const std::unique_ptr<LedgerClient> second = open();
  ASSERT_NE(second, nullptr);
  ASSERT_TRUE(prepare(*ledger_, "order").ok());
  sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
  sql("SELECT pg_reload_conf()");
  sql("CHECKPOINT");  // by whom commits are told of it: the checkpointer has heard it now
  Answer first;
  std::thread finishing([&] { first = finish(*ledger_, "order", "commit"); });
  while (sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "0") std::this_thread::yield();
  const Answer busy = finish(*second, "order", "commit");
  EXPECT_EQ(busy.code, "prepared.busy") << busy.text();
  EXPECT_EQ(busy.status, CALA_BUSY);
  EXPECT_TRUE(busy.retryable);
  sql("ALTER SYSTEM RESET synchronous_standby_names");
  sql("SELECT pg_reload_conf()");
  finishing.join();
  EXPECT_TRUE(first.ok()) << first.text();
  EXPECT_EQ(finish(*second, "order", "commit").code, "prepared.not_found");
  EXPECT_TRUE(counts(*second, 1)) << second->counts();
}

}  // namespace
}  // namespace cala::tests
