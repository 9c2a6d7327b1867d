// A posting whose commit was done and whose answer was lost, on a PostgreSQL behind a proxy that cuts the line at that
// moment; and what two-phase commit says instead of COMMIT.
#include <cala.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"
#include "loopback.h"
#include "postgres_cluster.h"

namespace cala::tests {
namespace {

constexpr const char *kPost = R"({"tx_template_code": "MOVE"})";

// Hands on to the server's Unix socket.
class CuttingProxy {
 public:
  explicit CuttingProxy(std::string socket_path) : upstream_(std::move(socket_path)) {
    if (listener_.good()) accepter_ = std::thread([this] { accept_all(); });
  }
  ~CuttingProxy() {
    stopping_.store(true);
    if (accepter_.joinable()) accepter_.join();
    for (std::thread &each : lines_) each.join();
  }
  CuttingProxy(const CuttingProxy &) = delete;
  CuttingProxy &operator=(const CuttingProxy &) = delete;

  bool good() const { return listener_.good(); }
  int port() const { return port_; }
  std::string address() const { return "host=127.0.0.1 port=" + std::to_string(port_) + " sslmode=disable"; }
  // The next commit, or one after it, is done and its answer lost; then so many connections are refused before one is
  // accepted again.
  void cut_next_commit(int refusals, int commits_before = 0) {
    cut_next(std::string_view("COMMIT\0", 7), refusals, commits_before);
  }
  // The same of the next statement with that in its text. arrives: false: the server never hears it.
  void cut_next(std::string_view statement, int refusals, int commits_before = 0, bool arrives = true) {
    cut_at_ = statement;
    arrives_.store(arrives);
    refused_.store(0);
    commits_before_.store(commits_before);
    to_refuse_.store(refusals);
    cuts_.store(true);
  }
  void accept_again() { to_refuse_.store(0); }
  int refused() const { return refused_.load(); }

 private:
  static bool send_all(int to, const char *data, std::size_t size) {
    while (size > 0) {
      const ssize_t sent = ::send(to, data, size, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      data += sent;
      size -= static_cast<std::size_t>(sent);
    }
    return true;
  }

  void accept_all() {
    while (!stopping_.load()) {
      pollfd waiting{listener_.descriptor(), POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int client = listener_.accept();
      if (client < 0) continue;
      if (away_.load() && refused_.load() < to_refuse_.load()) {
        ++refused_;
        ::close(client);
        continue;
      }
      away_.store(false);
      lines_.emplace_back([this, client] { hand_on(client); });
    }
  }

  void hand_on(int client) {
    const int server = connect_to_unix_socket(upstream_);
    bool open = server >= 0;
    bool cutting = false;
    while (open && !stopping_.load() && !(away_.load() && !cutting)) {
      std::array<pollfd, 2> ends{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
      if (::poll(ends.data(), ends.size(), 20) <= 0) continue;
      for (std::size_t from = 0; from < ends.size() && open; ++from) {
        if (ends[from].revents == 0) continue;
        std::array<char, 65536> buffer;
        const ssize_t size = ::recv(ends[from].fd, buffer.data(), buffer.size(), 0);
        if (size <= 0) {
          open = false;
        } else if (from == 1 && cutting) {  // the server has committed and says so: to nobody
          open = false;
        } else {
          const std::string_view text(buffer.data(), static_cast<std::size_t>(size));
          if (from == 0 && cuts_.load() && text.find(cut_at_) != std::string_view::npos &&
              commits_before_.fetch_sub(1) <= 0) {
            cutting = true;
            cuts_.store(false);
            away_.store(true);
            open = arrives_.load();
            if (!open) break;
          }
          open = send_all(ends[1 - from].fd, text.data(), text.size());
        }
      }
    }
    if (server >= 0) ::close(server);
    ::close(client);
  }

  const std::string upstream_;
  LoopbackListener listener_;
  const int port_ = listener_.port();
  std::atomic<bool> stopping_{false};
  std::string_view cut_at_;  // set before cuts_
  std::atomic<bool> arrives_{true};
  std::atomic<bool> cuts_{false};
  std::atomic<int> commits_before_{0};
  std::atomic<bool> away_{false};
  std::atomic<int> to_refuse_{0};
  std::atomic<int> refused_{0};
  std::thread accepter_;
  std::vector<std::thread> lines_;  // the accepter's, until it is joined
};

constexpr int kForEver = 1'000'000;

class LostCommit : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::optional<std::string> direct = postgres_connection();
    if (!direct) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    const std::optional<DirectServer> server = DirectServer::of(*direct);
    ASSERT_TRUE(server) << *direct;
    proxy_ = std::make_unique<CuttingProxy>(server->socket_path);
    ASSERT_TRUE(proxy_->good());
    store_ = proxy_->address() + " user=cala dbname=" + server->database;
  }

  std::string config(const std::string &more) const {
    static std::atomic<int> serial = 0;
    return R"({"store": ")" + store_ + R"(", "migrate": true, "schema": "lost_)" + std::to_string(::getpid()) + "_" +
           std::to_string(++serial) + "\"" + more + "}";
  }

  std::unique_ptr<LedgerClient> open(const std::string &more = "") {
    std::unique_ptr<LedgerClient> ledger = LedgerClient::open(config(more));
    if (ledger) fill_with_move(*ledger);
    return ledger;
  }

  std::unique_ptr<CuttingProxy> proxy_;
  std::string store_;
};

TEST_F(LostCommit, StaysUnknownWhileTheStoreIsAwayAndNamesTheIdToAskFor) {
  const std::unique_ptr<LedgerClient> ledger = open(R"(, "failover_wait_ms": 200)");
  ASSERT_NE(ledger, nullptr);
  proxy_->cut_next_commit(kForEver);
  const Answer lost = ledger->run("transaction_post", kPost);
  EXPECT_GT(proxy_->refused(), 0);
  EXPECT_EQ(lost.status, CALA_OUTCOME_UNKNOWN) << lost.text();
  EXPECT_EQ(lost.code, "store.outcome_unknown");
  EXPECT_FALSE(lost.retryable);
  const std::string prefix = R"({"transaction_ids":[")";
  ASSERT_TRUE(lost.details.starts_with(prefix)) << lost.details;
  const std::string id = lost.details.substr(prefix.size(), 36);
  proxy_->accept_again();
  const Answer again = ledger->run("transaction_post", R"({"tx_template_code": "MOVE", "id": ")" + id + "\"}");
  ASSERT_TRUE(again.ok()) << again.text();
  EXPECT_NE(again.result.find("\"replayed\":true"), std::string::npos) << again.result;
  EXPECT_NE(ledger->counts().find("transactions 1"), std::string::npos) << ledger->counts();
}

TEST_F(LostCommit, IsLookedUpWhenTheStoreComesBackAndIsThereOnce) {
  const std::unique_ptr<LedgerClient> ledger = open();
  ASSERT_NE(ledger, nullptr);
  proxy_->cut_next_commit(4);
  const Answer posted = ledger->run("transaction_post", kPost);
  ASSERT_TRUE(posted.ok()) << posted.text();
  EXPECT_EQ(proxy_->refused(), 4);
  EXPECT_NE(posted.result.find("\"replayed\":false"), std::string::npos) << posted.result;
  EXPECT_NE(ledger->counts().find("transactions 1"), std::string::npos) << ledger->counts();
}

// What the system was told of this process's sockets to the proxy: {idle, interval, count, user timeout}.
std::vector<std::array<int, 4>> keepalives_of(int port) {
  std::vector<std::array<int, 4>> found;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr *>(&peer), &size) != 0 || peer.sin_family != AF_INET ||
        ntohs(peer.sin_port) != port) {
      continue;
    }
    const auto option = [descriptor](int level, int name) {
      int value = 0;
      socklen_t length = sizeof value;
      EXPECT_EQ(::getsockopt(descriptor, level, name, &value, &length), 0);
      return value;
    };
    EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
    found.push_back({option(IPPROTO_TCP, TCP_KEEPIDLE), option(IPPROTO_TCP, TCP_KEEPINTVL),
                     option(IPPROTO_TCP, TCP_KEEPCNT), option(IPPROTO_TCP, TCP_USER_TIMEOUT)});
  }
  return found;
}

TEST_F(LostCommit, ASilentServerIsNoticedWithinSecondsUnlessTheStringSaysOtherwise) {
  const std::unique_ptr<LedgerClient> ledger = open();
  ASSERT_NE(ledger, nullptr);
  const auto ours = keepalives_of(proxy_->port());
  EXPECT_FALSE(ours.empty());
  for (const auto &each : ours) EXPECT_EQ(each, (std::array<int, 4>{5, 2, 3, 10000}));

  store_ += " keepalives_idle=77 keepalives_interval=11 keepalives_count=7 tcp_user_timeout=66000";
  const std::unique_ptr<LedgerClient> told = open();
  ASSERT_NE(told, nullptr);
  const auto theirs = keepalives_of(proxy_->port());
  EXPECT_TRUE(std::find(theirs.begin(), theirs.end(), std::array<int, 4>{77, 11, 7, 66000}) != theirs.end());
}

TEST_F(LostCommit, NamesEveryTransactionOfABatch) {
  const std::unique_ptr<LedgerClient> ledger = open(R"(, "failover_wait_ms": 200)");
  ASSERT_NE(ledger, nullptr);
  proxy_->cut_next_commit(kForEver);
  const Answer lost = ledger->run("transaction_post_many", R"({"postings": [{"tx_template_code": "MOVE"},
      {"tx_template_code": "MOVE", "id": "30000000-0000-0000-0000-000000000001"}, {"tx_template_code": "MOVE"}]})");
  EXPECT_EQ(lost.status, CALA_OUTCOME_UNKNOWN) << lost.text();
  EXPECT_EQ(std::count(lost.details.begin(), lost.details.end(), ','), 2) << lost.details;
  EXPECT_NE(lost.details.find(R"(","30000000-0000-0000-0000-000000000001",")"), std::string::npos) << lost.details;
  proxy_->accept_again();
  EXPECT_NE(ledger->counts().find("transactions 3"), std::string::npos) << ledger->counts();
}

TEST_F(LostCommit, OfATransactionIsLookedUp) {
  const std::unique_ptr<LedgerClient> ledger = open();
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(ledger->begin().ok());
  ASSERT_TRUE(ledger->run("transaction_post", kPost).ok());
  ASSERT_TRUE(ledger->run("tx_exec", R"({"sql": "select 1"})").ok());
  proxy_->cut_next_commit(3);
  const Answer committed = ledger->commit();
  EXPECT_TRUE(committed.ok()) << committed.text();
  EXPECT_EQ(proxy_->refused(), 3);
  EXPECT_NE(ledger->counts().find("transactions 1"), std::string::npos) << ledger->counts();
}

// Each half of a two-phase commit, with the answer lost or the statement itself.
TEST_F(LostCommit, OfTwoPhasesIsLookedUp) {
  const std::unique_ptr<LedgerClient> ledger = open();
  ASSERT_NE(ledger, nullptr);
  const auto prepare = [&](const char *gid) {
    EXPECT_TRUE(ledger->begin().ok());
    EXPECT_TRUE(ledger->run("transaction_post", kPost).ok());
    return ledger->prepare(gid);
  };
  const auto finish = [&](const std::string &gid, const std::string &outcome) {
    return ledger->run("tx_finish", R"({"gid": ")" + gid + R"(", "outcome": ")" + outcome + "\"}");
  };
  const auto prepared = [&] { return ledger->run("prepared_list", "{}").result; };

  proxy_->cut_next("PREPARE TRANSACTION", 3);
  const Answer first = prepare("first");
  EXPECT_TRUE(first.ok()) << first.text();
  EXPECT_EQ(proxy_->refused(), 3);
  EXPECT_NE(prepared().find(R"("gid":"first")"), std::string::npos) << prepared();
  EXPECT_TRUE(finish("first", "commit").ok());  // its rows are locked until then

  proxy_->cut_next("PREPARE TRANSACTION", 3, 0, false);
  const Answer never = prepare("never");
  EXPECT_EQ(never.code, "store.connection_lost") << never.text();
  EXPECT_EQ(prepared().find(R"("gid":"never")"), std::string::npos) << prepared();

  for (const bool arrives : {true, false}) {
    for (const std::string outcome : {"COMMIT", "ROLLBACK"}) {
      const std::string gid = outcome + (arrives ? " answered to nobody" : " heard by nobody");
      EXPECT_TRUE(prepare(gid.c_str()).ok());
      proxy_->cut_next(outcome == "COMMIT" ? "COMMIT PREPARED" : "ROLLBACK PREPARED", 3, 0, arrives);
      const Answer ended = finish(gid, outcome == "COMMIT" ? "commit" : "rollback");
      EXPECT_TRUE(ended.ok()) << gid << ": " << ended.text();
      EXPECT_EQ(proxy_->refused(), 3) << gid;
      EXPECT_EQ(prepared().find(gid), std::string::npos) << prepared();
    }
  }
  EXPECT_NE(ledger->counts().find("transactions 3"), std::string::npos) << ledger->counts();
}

TEST_F(LostCommit, OfTwoPhasesStaysUnknownWhileTheStoreIsAway) {
  const std::unique_ptr<LedgerClient> ledger = open(R"(, "failover_wait_ms": 200)");
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(ledger->begin().ok());
  ASSERT_TRUE(ledger->run("transaction_post", kPost).ok());
  proxy_->cut_next("PREPARE TRANSACTION", kForEver);
  const Answer prepared = ledger->prepare("gone");
  EXPECT_EQ(prepared.status, CALA_OUTCOME_UNKNOWN) << prepared.text();
  proxy_->accept_again();
  EXPECT_NE(ledger->run("prepared_list", "{}").result.find(R"("gid":"gone")"), std::string::npos);
  proxy_->cut_next("COMMIT PREPARED", kForEver);
  const Answer finished = ledger->run("tx_finish", R"({"gid": "gone", "outcome": "commit"})");
  EXPECT_EQ(finished.status, CALA_OUTCOME_UNKNOWN) << finished.text();
  proxy_->accept_again();
  EXPECT_EQ(ledger->run("prepared_list", "{}").result.find(R"("gid":"gone")"), std::string::npos);
  EXPECT_NE(ledger->counts().find("transactions 1"), std::string::npos) << ledger->counts();
}

TEST_F(LostCommit, OfAProgramsOwnStatementsIsLookedUpToo) {
  const std::unique_ptr<LedgerClient> ledger = open();
  ASSERT_NE(ledger, nullptr);
  const std::string table = "public.lost_" + std::to_string(::getpid());
  ASSERT_TRUE(ledger->begin().ok());
  ASSERT_TRUE(ledger->run("tx_exec", R"({"sql": "create table )" + table + R"( as select 1 as one"})").ok());
  proxy_->cut_next_commit(0);
  EXPECT_TRUE(ledger->commit().ok());
  ASSERT_TRUE(ledger->begin().ok());
  EXPECT_TRUE(ledger->run("tx_exec", R"({"sql": "drop table )" + table + R"("})").ok());
  EXPECT_TRUE(ledger->commit().ok());
}

TEST_F(LostCommit, OfATransactionStaysUnknownWhileTheStoreIsAway) {
  const std::unique_ptr<LedgerClient> ledger = open(R"(, "failover_wait_ms": 200)");
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(ledger->begin().ok());
  ASSERT_TRUE(ledger->run("transaction_post", kPost).ok());
  proxy_->cut_next_commit(kForEver);
  const Answer committed = ledger->commit();
  EXPECT_EQ(committed.status, CALA_OUTCOME_UNKNOWN) << committed.text();
  EXPECT_GT(proxy_->refused(), 0);
  proxy_->accept_again();
}

// What waits for rows that somebody holds is committed as a group; wherever it is cut, every posting is there once.
TEST_F(LostCommit, OfAGroupIsLookedUpForEveryPostingOfIt) {
  constexpr std::size_t kPostings = 30;
  std::string text = config("");
  const std::unique_ptr<LedgerClient> filler = LedgerClient::open(text);
  ASSERT_NE(filler, nullptr);
  fill_with_move(*filler);
  for (const int commits_before : {0, 1, 2}) {
    std::string direct = text;
    direct.replace(direct.find(store_), store_.size(), *postgres_connection());
    const std::unique_ptr<LedgerClient> holder = LedgerClient::open(direct);
    ASSERT_NE(holder, nullptr);
    ASSERT_TRUE(holder->begin().ok());
    ASSERT_TRUE(holder->run("transaction_post", kPost).ok());
    cala_ledger *ledger = nullptr;
    cala_queue *queue = nullptr;
    ASSERT_EQ(cala_ledger_open(text.data(), text.size(), &ledger, nullptr), CALA_OK);
    ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
    std::vector<cala_op *> ops(kPostings);
    for (cala_op *&op : ops) {
      ASSERT_EQ(cala_transaction_post(ledger, nullptr, kPost, std::strlen(kPost), &op, nullptr), CALA_OK);
      ASSERT_EQ(cala_op_start(op, queue, nullptr, nullptr), CALA_OK);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    proxy_->cut_next_commit(2, commits_before);
    ASSERT_TRUE(holder->commit().ok());
    for (std::size_t drained = 0; drained < kPostings;) {
      ASSERT_EQ(cala_queue_wait(queue, 60'000), CALA_OK);
      drained += static_cast<std::size_t>(cala_queue_drain(queue, 0));
    }
    for (cala_op *op : ops) {
      ASSERT_EQ(cala_op_status(op), CALA_OK) << cala_error_message(cala_op_error(op));
      const std::string result = cala_op_result(op, nullptr);
      EXPECT_NE(result.find("\"replayed\":false"), std::string::npos) << result;
      cala_op_free(op);
    }
    cala_queue_free(queue);
    cala_ledger_free(ledger);
  }
  EXPECT_NE(filler->counts().find("transactions 93"), std::string::npos) << filler->counts();
}

TEST_F(LostCommit, CancelledItDoesNotSayThatNothingWasWritten) {
  const std::string text = config("");
  cala_ledger *ledger = nullptr;
  {
    const std::unique_ptr<LedgerClient> filler = LedgerClient::open(text);
    ASSERT_NE(filler, nullptr);
    fill_with_move(*filler);
  }
  ASSERT_EQ(cala_ledger_open(text.data(), text.size(), &ledger, nullptr), CALA_OK);
  cala_op *op = nullptr;
  ASSERT_EQ(cala_transaction_post(ledger, nullptr, kPost, std::strlen(kPost), &op, nullptr), CALA_OK);
  proxy_->cut_next_commit(kForEver);
  EXPECT_EQ(cala_op_run(op, 0, nullptr), CALA_TIMEOUT);
  while (proxy_->refused() == 0) std::this_thread::yield();
  cala_op_cancel(op);
  EXPECT_EQ(cala_op_run(op, -1, nullptr), CALA_OUTCOME_UNKNOWN);
  cala_op_free(op);
  cala_ledger_free(ledger);
}

}  // namespace
}  // namespace cala::tests
