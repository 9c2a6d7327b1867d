// Waiting for a connection, and for a place: how long, and what it ends with.
#include <cala.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ledger_client.h"
#include "postgres_cluster.h"

namespace cala::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class Waiting : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP();
    store_.emplace(GetParam());
  }
  std::string code() const { return GetParam() == StoreKind::kSqlite ? "store.busy" : "store.pool_timeout"; }
  // TestStore's own configuration of PostgreSQL has a pool already.
  cala_ledger *open(const std::string &more) const {
    std::string config = store_->config(more);
    if (GetParam() == StoreKind::kPostgres) {
      config = R"({"migrate": true, "store": ")" + postgres_connection().value_or("") + R"(", "schema": ")" +
               store_->schema() + "\", " + more + "}";
    }
    cala_ledger *ledger = nullptr;
    EXPECT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
    return ledger;
  }

  std::optional<TestStore> store_;
};

TEST_P(Waiting, ForAConnectionThatOnesOwnTransactionHoldsEnds) {
  cala_ledger *ledger = open(R"("pool": {"max": 1, "timeout_ms": 300})");
  ASSERT_NE(ledger, nullptr);
  cala_tx *first = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger, nullptr, 0, &first, nullptr), CALA_OK);
  const auto begun = steady_clock::now();
  cala_tx *second = nullptr;
  cala_error *error = nullptr;
  EXPECT_EQ(cala_tx_begin(ledger, nullptr, 0, &second, &error), CALA_BUSY);
  EXPECT_EQ(cala_error_code(error), code());
  EXPECT_EQ(cala_error_retryable(error), 1);
  cala_error_free(error);
  error = nullptr;
  const std::string request = R"({"code": "A", "name": "A"})";
  cala_op *op = nullptr;
  ASSERT_EQ(cala_account_create(ledger, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK);
  EXPECT_EQ(cala_op_run(op, -1, &error), CALA_BUSY);
  EXPECT_EQ(cala_error_code(error), code());
  cala_error_free(error);
  cala_op_free(op);
  EXPECT_GE(steady_clock::now() - begun, milliseconds(600));
  EXPECT_LT(steady_clock::now() - begun, seconds(10));
  EXPECT_EQ(cala_tx_rollback(first, nullptr), CALA_OK);
  cala_tx_free(first);
  EXPECT_EQ(cala_tx_begin(ledger, nullptr, 0, &second, nullptr), CALA_OK);
  cala_tx_free(second);
  cala_ledger_free(ledger);
}

// Both at once, because it takes that long.
TEST(WaitingByDefault, EndsAfterThirtySeconds) {
  std::vector<std::thread> threads;
  for (const StoreKind kind : {StoreKind::kSqlite, StoreKind::kPostgres}) {
    if (!is_available(kind)) continue;
    threads.emplace_back([kind] {
      const TestStore store(kind);
      std::string config = store.config("");
      if (kind == StoreKind::kPostgres) {
        config = R"({"migrate": true, "store": ")" + postgres_connection().value_or("") + R"(", "schema": ")" +
                 store.schema() + R"(", "pool": {"max": 1}})";
      }
      cala_ledger *ledger = nullptr;
      cala_tx *holder = nullptr;
      cala_tx *second = nullptr;
      cala_error *error = nullptr;
      EXPECT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
      EXPECT_EQ(cala_tx_begin(ledger, nullptr, 0, &holder, nullptr), CALA_OK);
      const auto begun = steady_clock::now();
      EXPECT_EQ(cala_tx_begin(ledger, nullptr, 0, &second, &error), CALA_BUSY);
      const auto waited = steady_clock::now() - begun;
      EXPECT_EQ(cala_error_code(error), std::string(kind == StoreKind::kSqlite ? "store.busy" : "store.pool_timeout"));
      EXPECT_GE(waited, milliseconds(29'900));
      EXPECT_LT(waited, seconds(45));
      cala_error_free(error);
      cala_tx_free(holder);
      cala_ledger_free(ledger);
    });
  }
  for (std::thread &thread : threads) thread.join();
}

// Nothing is read while they run: what bounds them is the ledger's limit,
// above and below what a queue has room for by itself.
TEST_P(Waiting, AsManyOperationsAsTheConfigurationSaysAreTaken) {
  if (GetParam() != StoreKind::kSqlite) return;  // it is the same for both
  for (const std::size_t most : {std::size_t{10}, std::size_t{65600}}) {
    cala_ledger *ledger = open(R"("pool": {"max": 1}, "queue_max": )" + std::to_string(most));
    ASSERT_NE(ledger, nullptr);
    cala_queue *queue = nullptr;
    ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
    cala_tx *tx = nullptr;
    ASSERT_EQ(cala_tx_begin(ledger, nullptr, 0, &tx, nullptr), CALA_OK);
    // It holds the writer, so that what comes after it stays in flight.
    const std::string request = R"({"code": "A", "name": "A"})";
    std::vector<cala_op *> ops(most + 1, nullptr);
    std::size_t taken = 0;
    cala_status status = CALA_OK;
    for (cala_op *&op : ops) {
      ASSERT_EQ(cala_account_create(ledger, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK);
      status = cala_op_start(op, queue, nullptr, nullptr);
      if (status != CALA_OK) break;
      ++taken;
    }
    EXPECT_EQ(status, CALA_BUSY);
    EXPECT_EQ(taken, most);
    for (cala_op *op : ops) cala_op_free(op);
    cala_tx_free(tx);
    cala_queue_free(queue);
    cala_ledger_free(ledger);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, Waiting, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const auto &instance) { return std::string(name_of(instance.param)); });

class OnPostgres : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> connection = postgres_connection();
    if (!connection) GTEST_SKIP();
    connection_ = *connection;
    const std::string folder = connection_.substr(connection_.find("?host="));
    const std::size_t slash = connection_.find("@/");
    role_ = "waiting_" + std::to_string(::getpid()) + "_" + std::to_string(++serial_);
    schema_ = role_;
    as_role_ = "postgres://" + role_ + "@/" + connection_.substr(slash + 2, connection_.find('?') - slash - 2) + folder;
    owner_ = open(connection_, R"("pool": {"max": 2})");
    ASSERT_NE(owner_, nullptr);
  }
  std::unique_ptr<LedgerClient> open(const std::string &store, const std::string &more) {
    Answer refusal;
    auto ledger = LedgerClient::open(
        R"({"store": ")" + store + R"(", "migrate": true, "schema": ")" + schema_ + "\", " + more + "}", &refusal);
    EXPECT_NE(ledger, nullptr) << refusal.text();
    return ledger;
  }
  static std::string sql(LedgerClient &ledger, const std::string &statement) {
    EXPECT_TRUE(ledger.begin().ok());
    const Answer answer = ledger.run("tx_exec", R"({"sql": ")" + statement + "\"}");
    EXPECT_TRUE(answer.ok()) << answer.text();
    EXPECT_TRUE(ledger.commit().ok());
    return answer.result;
  }
  std::string synchronous_commit(const std::string &store, const std::string &more) {
    const std::unique_ptr<LedgerClient> ledger = open(store, more);
    return ledger ? sql(*ledger, "show synchronous_commit") : "";
  }

  static inline int serial_ = 0;
  std::string connection_;
  std::string role_;
  std::string schema_;
  std::string as_role_;
  std::unique_ptr<LedgerClient> owner_;
};

TEST_F(OnPostgres, FewerConnectionsThanThePoolWantsAreWaitedFor) {
  sql(*owner_, "create role " + role_ + " superuser login");
  sql(*owner_, "alter role " + role_ + " nosuperuser connection limit 2");
  sql(*owner_, "grant all on database " +
                   as_role_.substr(as_role_.find("@/") + 2, as_role_.find('?') - as_role_.find("@/") - 2) + " to " +
                   role_);
  sql(*owner_, "grant all on schema " + schema_ + " to " + role_);
  sql(*owner_, "grant all on all tables in schema " + schema_ + " to " + role_);
  sql(*owner_, "grant all on all sequences in schema " + schema_ + " to " + role_);
  sql(*owner_, "grant execute on all functions in schema " + schema_ + " to " + role_);
  const std::string config = R"({"store": ")" + as_role_ + R"(", "schema": ")" + schema_ + R"(", "pool": {"max": 8}})";
  cala_ledger *ledger = nullptr;
  cala_error *error = nullptr;
  ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, &error), CALA_OK) << cala_error_message(error);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        cala_tx *tx = nullptr;
        cala_error *why = nullptr;
        EXPECT_EQ(cala_tx_begin(ledger, nullptr, 0, &tx, &why), CALA_OK) << cala_error_message(why);
        cala_op *op = nullptr;
        EXPECT_EQ(cala_account_list(ledger, tx, "{}", 2, &op, nullptr), CALA_OK);
        EXPECT_EQ(cala_op_run(op, -1, nullptr), CALA_OK);
        cala_op_free(op);
        EXPECT_EQ(cala_tx_commit(tx, nullptr), CALA_OK);
        cala_tx_free(tx);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  cala_ledger_free(ledger);
  // None of ours that could come free: said at once.
  sql(*owner_, "alter role " + role_ + " connection limit 0");
  const auto begun = steady_clock::now();
  EXPECT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, &error), CALA_UNAVAILABLE);
  EXPECT_EQ(cala_error_code(error), std::string("store.too_many_connections"));
  EXPECT_LT(steady_clock::now() - begun, seconds(10));
  cala_error_free(error);
}

// The settings of a session that owns the tables: of its server, database, role or connection string.
TEST_F(OnPostgres, ASessionThatIsStrictWithPlpgsqlMigrates) {
  schema_ += "_strict";
  const auto ledger = open(connection_ + "&options=-c%20plpgsql.extra_errors%3Dall", R"("pool": {"max": 2})");
  ASSERT_NE(ledger, nullptr);
  fill_with_move(*ledger);
  EXPECT_TRUE(ledger->run("transaction_post", R"({"tx_template_code": "MOVE"})").ok());
}

TEST_F(OnPostgres, DurabilityIsWhatTheConfigurationSays) {
  const std::string off = connection_ + "&options=-c%20synchronous_commit%3Doff";
  const std::string apply = connection_ + "&options=-c%20synchronous_commit%3Dremote_apply";
  const std::string durable = R"("commit": {"durable": true})";
  EXPECT_NE(synchronous_commit(off, durable).find("[[\"on\"]]"), std::string::npos);
  EXPECT_NE(synchronous_commit(off, R"("pool": {"max": 1})").find("[[\"on\"]]"), std::string::npos);
  EXPECT_NE(synchronous_commit(apply, durable).find("[[\"remote_apply\"]]"), std::string::npos);
  EXPECT_NE(synchronous_commit(connection_, R"("commit": {"durable": false})").find("[[\"off\"]]"), std::string::npos);
  sql(*owner_, "create role " + role_ + " superuser login");
  sql(*owner_, "alter role " + role_ + " set synchronous_commit = off");
  EXPECT_NE(synchronous_commit(as_role_, durable).find("[[\"on\"]]"), std::string::npos);
}

}  // namespace
}  // namespace cala::tests
