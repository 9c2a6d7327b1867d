// Cancelling while the server is silent: it takes connections, and answers nothing on them.
#include <cala.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "loopback.h"
#include "postgres_cluster.h"

namespace cala::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Hands on to the server's Unix socket, unless it is silent.
class SilentProxy {
 public:
  explicit SilentProxy(std::string socket_path) : upstream_(std::move(socket_path)) {
    if (listener_.good()) worker_ = std::thread([this] { work(); });
  }
  ~SilentProxy() {
    stopping_.store(true);
    if (worker_.joinable()) worker_.join();
  }
  SilentProxy(const SilentProxy &) = delete;
  SilentProxy &operator=(const SilentProxy &) = delete;

  bool good() const { return listener_.good(); }
  int port() const { return listener_.port(); }
  void be_silent(bool silent) { silent_.store(silent); }
  int accepted() const { return accepted_.load(); }

 private:
  struct Line {
    int client = -1;
    int server = -1;
  };

  // False at the end of the stream.
  static bool hand_on(int from, int to) {
    std::array<char, 65536> buffer;
    const ssize_t size = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN;
    return size > 0 && ::send(to, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
  }

  void work() {
    std::vector<Line> lines;
    while (!stopping_.load()) {
      std::vector<pollfd> ends{pollfd{listener_.descriptor(), POLLIN, 0}};
      for (const Line &line : lines) {
        if (silent_.load()) break;
        ends.push_back(pollfd{line.client, POLLIN, 0});
        ends.push_back(pollfd{line.server, POLLIN, 0});
      }
      if (::poll(ends.data(), ends.size(), 20) <= 0) continue;
      std::vector<Line> open;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        const Line line = lines[i];
        const bool alive = silent_.load() || (hand_on(line.client, line.server) && hand_on(line.server, line.client));
        if (alive) {
          open.push_back(line);
        } else {
          ::close(line.client);
          ::close(line.server);
        }
      }
      lines = std::move(open);
      if (ends[0].revents == 0) continue;
      const int client = listener_.accept();
      if (client < 0) continue;
      ++accepted_;
      lines.push_back({client, connect_to_unix_socket(upstream_)});
    }
    for (const Line &line : lines) {
      ::close(line.client);
      ::close(line.server);
    }
  }

  const std::string upstream_;
  LoopbackListener listener_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> silent_{false};
  std::atomic<int> accepted_{0};
  std::thread worker_;
};

class SilentServer : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> direct = postgres_connection();
    if (!direct) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    const std::optional<DirectServer> server = DirectServer::of(*direct);
    ASSERT_TRUE(server) << *direct;
    proxy_ = std::make_unique<SilentProxy>(server->socket_path);
    ASSERT_TRUE(proxy_->good());
    store_ = "host=127.0.0.1 sslmode=disable user=cala port=" + std::to_string(proxy_->port()) +
             " dbname=" + server->database;
    const std::string config = R"({"store": ")" + store_ +
                               R"(", "migrate": true, "failover_wait_ms": 0, "schema": "silent_)" +
                               std::to_string(::getpid()) + R"(", "pool": {"max": 2}})";
    ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger_, nullptr), CALA_OK);
    ASSERT_EQ(cala_queue_new(&queue_, nullptr), CALA_OK);
  }
  void TearDown() override {
    cala_queue_free(queue_);
    cala_ledger_free(ledger_);
  }

  cala_op *make_sleep(cala_tx *tx) {
    const std::string request = R"sql({"sql": "select pg_sleep(60)"})sql";
    cala_op *op = nullptr;
    EXPECT_EQ(cala_tx_exec(ledger_, tx, request.data(), request.size(), &op, nullptr), CALA_OK);
    return op;
  }
  cala_op *start_sleep(cala_tx *tx) {
    cala_op *op = make_sleep(tx);
    EXPECT_EQ(cala_op_start(op, queue_, nullptr, nullptr), CALA_OK);
    std::this_thread::sleep_for(milliseconds(500));
    return op;
  }
  void expect_usable() {
    cala_op *op = nullptr;
    ASSERT_EQ(cala_account_list(ledger_, nullptr, "{}", 2, &op, nullptr), CALA_OK);
    EXPECT_EQ(cala_op_run(op, 20000, nullptr), CALA_OK);
    cala_op_free(op);
  }

  std::unique_ptr<SilentProxy> proxy_;
  std::string store_;
  cala_ledger *ledger_ = nullptr;
  cala_queue *queue_ = nullptr;
};

TEST_F(SilentServer, CancelReturnsAtOnceAndTheOperationEndsSoon) {
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  cala_op *op = start_sleep(tx);
  const int accepted = proxy_->accepted();
  proxy_->be_silent(true);
  const auto asked = steady_clock::now();
  EXPECT_EQ(cala_op_cancel(op), CALA_OK);
  EXPECT_EQ(cala_op_cancel(op), CALA_OK);
  EXPECT_LT(steady_clock::now() - asked, seconds(1));
  EXPECT_EQ(cala_queue_wait(queue_, 20000), CALA_OK);
  EXPECT_LT(steady_clock::now() - asked, seconds(15));
  EXPECT_GT(proxy_->accepted(), accepted) << "the server was not asked";
  EXPECT_NE(cala_op_status(op), CALA_OK);
  EXPECT_NE(cala_op_status(op), CALA_BUSY);
  cala_op_free(op);
  EXPECT_NE(cala_tx_commit(tx, nullptr), CALA_OK);
  cala_tx_free(tx);
  proxy_->be_silent(false);
  expect_usable();
}

TEST_F(SilentServer, FreeReturnsAtOnce) {
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
  cala_op *op = start_sleep(tx);
  proxy_->be_silent(true);
  const auto asked = steady_clock::now();
  cala_op_free(op);
  cala_tx_free(tx);
  EXPECT_LT(steady_clock::now() - asked, seconds(1));
  EXPECT_EQ(cala_queue_wait(queue_, 20000), CALA_OK);
  proxy_->be_silent(false);
  expect_usable();
}

TEST_F(SilentServer, ACancelThatIsAnsweredLeavesTheConnectionAsItWas) {
  for (int round = 0; round < 3; ++round) {
    cala_tx *tx = nullptr;
    ASSERT_EQ(cala_tx_begin(ledger_, nullptr, 0, &tx, nullptr), CALA_OK);
    cala_op *op = start_sleep(tx);
    const auto asked = steady_clock::now();
    EXPECT_EQ(cala_op_cancel(op), CALA_OK);
    EXPECT_EQ(cala_queue_wait(queue_, 20000), CALA_OK);
    EXPECT_LT(steady_clock::now() - asked, seconds(4));
    EXPECT_EQ(cala_op_status(op), CALA_CANCELLED);
    cala_queue_drain(queue_, 0);
    cala_op_free(op);
    cala_tx_free(tx);
    expect_usable();
  }
}

TEST_F(SilentServer, HealthIsToldInTimeAndAgainWhenTheServerIsBack) {
  const auto health = [&](const char *request) {
    cala_op *op = nullptr;
    EXPECT_EQ(cala_ledger_health(ledger_, nullptr, request, std::strlen(request), &op, nullptr), CALA_OK);
    EXPECT_EQ(cala_op_run(op, 30000, nullptr), CALA_OK);
    const std::string answer = cala_op_result(op, nullptr);
    cala_op_free(op);
    return answer;
  };
  const char *const quickly = R"({"timeout_ms": 700, "free_bytes_min": 0})";
  EXPECT_EQ(health(quickly).find(R"({"status":"healthy")"), 0U);
  proxy_->be_silent(true);
  const auto asked = steady_clock::now();
  for (int i = 0; i < 2; ++i) {  // the second while the first is still asking
    const std::string answer = health(quickly);
    EXPECT_EQ(answer.find(R"({"status":"unhealthy","checks":[{"name":"store")"), 0U) << answer;
    EXPECT_NE(answer.find("has not answered in 700 ms"), std::string::npos) << answer;
  }
  EXPECT_LT(steady_clock::now() - asked, seconds(4));
  proxy_->be_silent(false);
  EXPECT_EQ(health(R"({"timeout_ms": 20000})").find(R"({"status":"healthy")"), 0U);
}

// However many ask at once: each is answered in its own time, and metrics are not behind them.
TEST_F(SilentServer, HealthIsToldInTimeToEverybodyWhoAsks) {
  const auto make = [&](int timeout_ms) {
    const std::string request = R"({"free_bytes_min": 0, "timeout_ms": )" + std::to_string(timeout_ms) + "}";
    cala_op *op = nullptr;
    EXPECT_EQ(cala_ledger_health(ledger_, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK);
    return op;
  };
  const auto start_all = [&](std::size_t number, int timeout_ms) {
    std::vector<cala_op *> started(number);
    for (cala_op *&op : started) {
      op = make(timeout_ms);
      EXPECT_EQ(cala_op_start(op, queue_, nullptr, nullptr), CALA_OK);
    }
    return started;
  };
  const auto await_all = [](const std::vector<cala_op *> &started, const char *status) {
    for (cala_op *op : started) {
      while (cala_op_status(op) == CALA_BUSY) std::this_thread::sleep_for(milliseconds(5));
      const std::string answer = cala_op_result(op, nullptr);
      EXPECT_EQ(answer.find(std::string(R"({"status":")") + status), 0U) << answer;
      cala_op_free(op);
    }
  };
  const auto run = [](cala_op *op) {
    EXPECT_EQ(cala_op_run(op, 60000, nullptr), CALA_OK);
    const std::string answer = cala_op_result(op, nullptr);
    cala_op_free(op);
    return answer;
  };
  proxy_->be_silent(true);
  auto asked = steady_clock::now();
  await_all(start_all(20, 1500), "unhealthy");
  EXPECT_LT(steady_clock::now() - asked, milliseconds(2700));

  const std::vector<cala_op *> patient = start_all(6, 20000);
  asked = steady_clock::now();
  EXPECT_NE(run(make(300)).find("has not answered in 300 ms"), std::string::npos);
  cala_op *metrics = nullptr;
  ASSERT_EQ(cala_ledger_metrics(ledger_, nullptr, "{}", 2, &metrics, nullptr), CALA_OK);
  EXPECT_NE(run(metrics).find("operation_duration"), std::string::npos);
  EXPECT_LT(steady_clock::now() - asked, seconds(10));
  proxy_->be_silent(false);
  await_all(patient, "healthy");
}

// A connection of the program's: the caller of cala_op_run waits for the server, whoever cancels does not.
TEST_F(SilentServer, CancelOnABorrowedConnectionReturnsAtOnce) {
  PGconn *connection = PQconnectdb(store_.c_str());
  ASSERT_EQ(PQstatus(connection), CONNECTION_OK);
  PQclear(PQexec(connection, "BEGIN"));
  PGconn *other = PQconnectdb(store_.c_str());
  const std::string schema = "silent_" + std::to_string(::getpid());
  PQclear(PQexec(other, ("BEGIN; LOCK TABLE " + schema + ".accounts IN ACCESS EXCLUSIVE MODE").c_str()));
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_adopt(ledger_, connection, nullptr, nullptr, nullptr, 0, &tx, nullptr), CALA_OK);
  cala_op *op = nullptr;
  ASSERT_EQ(cala_account_list(ledger_, tx, "{}", 2, &op, nullptr), CALA_OK);
  std::atomic<cala_status> ran{-1};
  std::thread runner([&] { ran.store(cala_op_run(op, -1, nullptr)); });
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_EQ(ran.load(), -1);
  proxy_->be_silent(true);
  const auto asked = steady_clock::now();
  EXPECT_EQ(cala_op_cancel(op), CALA_OK);
  EXPECT_LT(steady_clock::now() - asked, seconds(1));
  std::this_thread::sleep_for(milliseconds(500));
  proxy_->be_silent(false);  // now the request comes through
  runner.join();
  EXPECT_EQ(ran.load(), CALA_CANCELLED);
  cala_op_free(op);
  cala_tx_free(tx);
  PQfinish(other);
  PQfinish(connection);
}

}  // namespace
}  // namespace cala::tests
