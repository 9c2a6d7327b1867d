// Group commit through the public interface: what is posted while a commit is under way is committed together, and
// nobody can tell but by the clock.
#include <cala.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "ledger_client.h"
#include "postgres_cluster.h"
#include "store_sql.h"

namespace cala::tests {
namespace {

std::string account_id(int number) { return "20000000-0000-0000-0000-00000000000" + std::to_string(number); }

std::string transfer(int from, int to, const std::string &more = "") {
  return R"({"tx_template_code": "MOVE", "params": {"from": ")" + account_id(from) + R"(", "to": ")" + account_id(to) +
         R"("})" + more + "}";
}

void fill(LedgerClient &ledger) {
  std::vector<std::pair<const char *, std::string>> steps = {
      {"journal_create", R"({"id": "10000000-0000-0000-0000-000000000001", "name": "J"})"},
      {"tx_template_create", R"j({"code": "MOVE",
        "params": [{"name": "from", "type": "uuid"}, {"name": "to", "type": "uuid"}],
        "transaction": {"effective": "date('2026-01-01')",
                        "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
        "entries": [{"entry_type": "'D'", "account_id": "params.from", "layer": "SETTLED", "direction": "DEBIT",
                     "units": "decimal('1')", "currency": "'USD'"},
                    {"entry_type": "'C'", "account_id": "params.to", "layer": "SETTLED", "direction": "CREDIT",
                     "units": "decimal('1')", "currency": "'USD'"}]})j"},
  };
  for (int i = 0; i < 8; ++i) {
    const std::string status = i == 7 ? R"(, "status": "locked")" : "";
    steps.emplace_back("account_create", R"({"id": ")" + account_id(i) + R"(", "code": "A)" + std::to_string(i) +
                                             R"(", "name": "A")" + status + "}");
  }
  for (const auto &[operation, request] : steps) {
    const Answer made = ledger.run(operation, request);
    ASSERT_TRUE(made.ok()) << made.text();
  }
}

using OpenLedger = std::unique_ptr<cala_ledger, void (*)(cala_ledger *)>;
OpenLedger open_ledger(const std::string &config) {
  cala_ledger *ledger = nullptr;
  EXPECT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK) << config;
  return {ledger, cala_ledger_free};
}

using Maker = decltype(&cala_transaction_post);

Maker maker_of(const std::string &request) {
  if (request.find("\"postings\"") != std::string::npos) return cala_transaction_post_many;
  return request.find("\"name\"") != std::string::npos ? cala_account_create : cala_transaction_post;
}

cala_op *make(cala_ledger *ledger, cala_tx *tx, const std::string &request) {
  const Maker maker = maker_of(request);
  cala_op *op = nullptr;
  EXPECT_EQ(maker(ledger, tx, request.data(), request.size(), &op, nullptr), CALA_OK) << request;
  return op;
}

// Operations that were started, and how often each was told of.
class Started {
 public:
  Started(cala_ledger *ledger, const std::vector<std::string> &requests) : told_(requests.size()) {
    EXPECT_EQ(cala_queue_new(&queue_, nullptr), CALA_OK);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      ops_.push_back(make(ledger, nullptr, requests[i]));
      EXPECT_EQ(cala_op_start(ops_[i], queue_, tell, &told_[i]), CALA_OK);
    }
  }
  ~Started() {
    for (cala_op *op : ops_) cala_op_free(op);
    cala_queue_free(queue_);
  }
  Started(const Started &) = delete;
  Started &operator=(const Started &) = delete;

  cala_queue *queue() const { return queue_; }
  cala_op *op(std::size_t i) const { return ops_[i]; }
  cala_status status(std::size_t i) const { return cala_op_status(ops_[i]); }
  std::string code(std::size_t i) const { return cala_error_code(cala_op_error(ops_[i])); }
  void wait_for(std::size_t answers) {
    std::size_t drained = 0;
    while (drained < answers) {
      ASSERT_EQ(cala_queue_wait(queue_, 60'000), CALA_OK);
      drained += static_cast<std::size_t>(cala_queue_drain(queue_, 0));
    }
  }
  void wait() {
    wait_for(ops_.size());
    for (const int times : told_) EXPECT_EQ(times, 1);
  }
  int count(cala_status status) const {
    int found = 0;
    for (const cala_op *op : ops_) found += cala_op_status(op) == status ? 1 : 0;
    return found;
  }

 private:
  static void tell(void *user, cala_op *) { ++*static_cast<int *>(user); }

  cala_queue *queue_ = nullptr;
  std::vector<cala_op *> ops_;
  std::vector<int> told_;
};

// An open transaction that has posted between 0 and 1: SQLite's writer, or these balances' rows.
class Holder {
 public:
  explicit Holder(cala_ledger *ledger) {
    EXPECT_EQ(cala_tx_begin(ledger, nullptr, 0, &tx_, nullptr), CALA_OK);
    cala_op *op = make(ledger, tx_, transfer(0, 1));
    EXPECT_EQ(cala_op_run(op, -1, nullptr), CALA_OK);
    cala_op_free(op);
  }
  ~Holder() { cala_tx_free(tx_); }
  Holder(const Holder &) = delete;
  Holder &operator=(const Holder &) = delete;
  void commit() { EXPECT_EQ(cala_tx_commit(tx_, nullptr), CALA_OK); }

 private:
  cala_tx *tx_ = nullptr;
};

class GroupCommit : public ::testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    store_ = std::make_unique<TestStore>(GetParam());
    client_ = store_->open();
    ASSERT_NE(client_, nullptr);
    fill(*client_);
  }
  std::string config(int group_max) const {
    const std::string option = R"("group_max": )" + std::to_string(group_max);
    std::string text = is_postgres() ? store_->config(R"("commit": {)" + option + "}") : store_->config();
    const auto replace = [&](const std::string &what, const std::string &by) {
      const std::size_t at = text.find(what);
      if (at != std::string::npos) text.replace(at, what.size(), by);
    };
    replace(R"("durable": false)", R"("durable": false, )" + option);
    replace(R"("max": 2)", R"("max": 6)");
    return text;
  }
  bool is_postgres() const { return GetParam() == StoreKind::kPostgres; }
  // How many transactions of the database the ledger's transactions were written by; PostgreSQL keeps that.
  bool commits_are(const char *comparison) {
    const std::string table = store_->schema() + ".transactions";
    return run_sql(*store_, "DO $$ BEGIN IF NOT (SELECT count(DISTINCT xmin::text) " + std::string(comparison) +
                                " FROM " + table + ") THEN RAISE 'no'; END IF; END $$")
        .empty();
  }
  // Every account's balances add up, and each has as many versions as entries.
  void expect_sound(int transactions) {
    const std::string counts = client_->counts();
    EXPECT_NE(counts.find("transactions " + std::to_string(transactions)), std::string::npos) << counts;
    const std::string sums =
        is_postgres() ? "DO $$ BEGIN IF EXISTS (SELECT FROM " + store_->schema() +
                            ".balances b WHERE b.version <> (SELECT count(*) FROM " + store_->schema() +
                            ".entries e WHERE e.account_id = b.account_id) OR b.settled_debit + b.settled_credit"
                            " <> b.version) THEN RAISE 'unsound'; END IF; END $$"
                      : "CREATE TABLE IF NOT EXISTS sound_check (fine INTEGER CHECK (fine))";
    EXPECT_EQ(run_sql(*store_, sums), "");
    if (is_postgres()) return;
    EXPECT_EQ(
        run_sql(
            *store_,
            "INSERT INTO sound_check SELECT b.version = (SELECT count(*) FROM cala_entries e WHERE e.balance_n = b.n)"
            " AND b.version = (SELECT max(version) FROM cala_entries e WHERE e.balance_n = b.n) FROM cala_balances b"),
        "");
  }

  std::unique_ptr<TestStore> store_;
  std::unique_ptr<LedgerClient> client_;
};

TEST_P(GroupCommit, PutsWhatWaitsIntoOneCommit) {
  const OpenLedger ledger = open_ledger(config(500));
  Holder holder(ledger.get());
  std::vector<std::string> requests(40, transfer(0, 1));
  requests[20] = transfer(0, 7);
  requests[21] = R"({"postings": [)" + transfer(2, 3) + ", " + transfer(0, 7) + "]}";
  requests[22] = R"({"postings": [)" + transfer(2, 3) + ", " + transfer(0, 1) + "]}";
  requests[30] = transfer(0, 1, R"(, "id": "30000000-0000-0000-0000-000000000001")");
  requests[31] = requests[30];
  Started started(ledger.get(), requests);
  holder.commit();
  started.wait();
  EXPECT_EQ(started.count(CALA_OK), 38);
  EXPECT_EQ(started.status(20), CALA_REJECTED);
  EXPECT_EQ(started.status(21), CALA_REJECTED);
  EXPECT_EQ(cala_error_posting_index(cala_op_error(started.op(20))), -1);
  EXPECT_EQ(cala_error_posting_index(cala_op_error(started.op(21))), 1);
  EXPECT_EQ(started.code(21), "account.locked");
  const std::string first = cala_op_result(started.op(30), nullptr);
  const std::string second = cala_op_result(started.op(31), nullptr);
  EXPECT_NE(first.find("\"replayed\":false"), std::string::npos) << first;
  EXPECT_NE(second.find("\"replayed\":true"), std::string::npos) << second;
  expect_sound(1 + 38);
  if (is_postgres()) {
    EXPECT_TRUE(commits_are("< 12"));
  }
}

std::string account(const std::string &code) { return R"({"code": ")" + code + R"(", "name": "one more"})"; }

// What the metrics, as text, have of that name.
double metric(cala_ledger *ledger, const std::string &name) {
  constexpr std::string_view kRequest = R"({"format": "openmetrics"})";
  cala_op *op = nullptr;
  EXPECT_EQ(cala_ledger_metrics(ledger, nullptr, kRequest.data(), kRequest.size(), &op, nullptr), CALA_OK);
  EXPECT_EQ(cala_op_run(op, -1, nullptr), CALA_OK);
  const std::string text = cala_op_result(op, nullptr);
  cala_op_free(op);
  const std::size_t at = text.find(name + " ");
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 1));
}

TEST_P(GroupCommit, HasWritersOfAnyKindWhereThereIsOneAtATime) {
  const OpenLedger ledger = open_ledger(config(500));
  Holder holder(ledger.get());
  std::vector<std::string> requests;
  for (int i = 0; i < 40; ++i) requests.push_back(account("NEW" + std::to_string(i)));
  requests[7] = requests[3];
  requests[20] = requests[21] = transfer(0, 1);
  Started started(ledger.get(), requests);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(cala_op_cancel(started.op(30)), CALA_OK);
  if (!is_postgres()) {
    started.wait_for(1);  // the writer is still held
    EXPECT_EQ(started.status(30), CALA_CANCELLED);
  }
  holder.commit();
  started.wait_for(is_postgres() ? 40 : 39);
  EXPECT_EQ(started.count(CALA_OK), is_postgres() && started.status(30) == CALA_OK ? 39 : 38);
  const std::string refused = started.code(7) + started.code(3);  // on PostgreSQL they run beside each other
  EXPECT_EQ(refused, "account.exists");
  for (int i = 0; i < 40; ++i) {
    const Answer found = client_->run("account_find", R"({"code": "NEW)" + std::to_string(i) + "\"}");
    const bool moves = i == 20 || i == 21;
    const bool made = i == 3 || (i != 7 && !moves && started.status(static_cast<std::size_t>(i)) == CALA_OK);
    EXPECT_EQ(found.ok(), made) << i << found.text();
  }
  expect_sound(3);
  // The two postings are a group, and the writers before and behind them: those that succeeded, but for the first ones,
  // which waited by themselves.
  if (!is_postgres()) {
    EXPECT_GE(metric(ledger.get(), "cala_group_size_sum"), 2 + 18 + 17);
    EXPECT_LE(metric(ledger.get(), "cala_group_size_count"), 4);
  }
}

TEST_P(GroupCommit, IsSwitchedOffByAGroupOfOne) {
  const OpenLedger ledger = open_ledger(config(1));
  Holder holder(ledger.get());
  Started started(ledger.get(), std::vector<std::string>(20, transfer(0, 1)));
  holder.commit();
  started.wait();
  EXPECT_EQ(started.count(CALA_OK), 20);
  expect_sound(21);
  if (is_postgres()) {
    EXPECT_TRUE(commits_are("= 21"));
  }
}

TEST_P(GroupCommit, LetsACancelledOneGoAtOnce) {
  const OpenLedger ledger = open_ledger(config(500));
  Holder holder(ledger.get());
  Started started(ledger.get(), std::vector<std::string>(20, transfer(0, 1)));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  for (const std::size_t i : {std::size_t{0}, std::size_t{7}, std::size_t{19}}) {
    EXPECT_EQ(cala_op_cancel(started.op(i)), CALA_OK);
    started.wait_for(1);  // the rows are still held
    EXPECT_EQ(started.status(i), CALA_CANCELLED);
  }
  holder.commit();
  started.wait_for(17);
  EXPECT_EQ(started.count(CALA_OK), 17);
  expect_sound(18);
}

TEST_P(GroupCommit, EndsEveryOneOfThemWhenTheLedgerIsShutDown) {
  int there = 0;
  for (int round = 0; round < 10; ++round) {
    const OpenLedger ledger = open_ledger(config(16));
    Started started(ledger.get(), std::vector<std::string>(100, transfer(0, 1)));
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 3));
    EXPECT_EQ(cala_ledger_shutdown(ledger.get(), nullptr, nullptr, nullptr, nullptr), CALA_OK);
    started.wait();
    EXPECT_EQ(started.count(CALA_OK) + started.count(CALA_CANCELLED), 100);
    there += started.count(CALA_OK);
    expect_sound(there);
  }
}

TEST_P(GroupCommit, KeepsEveryPromiseBesideAnotherProcess) {
  constexpr int kThreads = 6;
  constexpr int kEach = 40;
  const OpenLedger one = open_ledger(config(500));
  const OpenLedger other = open_ledger(config(5));
  std::atomic<int> posted{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      cala_ledger *ledger = thread % 2 == 0 ? one.get() : other.get();
      for (int i = 0; i < kEach; ++i) {
        const int number = thread * kEach + i;
        // Every third id is posted by two threads of two ledgers.
        const int shared = i % 3 == 0 ? (thread / 2) * kEach + i : 1000 + number;
        const std::string id = R"(, "id": "40000000-0000-0000-0000-00000000)" + std::to_string(1000 + shared) + "\"";
        const int from = i % 3 == 0 ? i % 4 : number % 4;
        const std::string request =
            i % 10 == 7 ? transfer(from, 7) : transfer(from, i % 3 == 0 ? 5 : 4 + number % 3, id);
        cala_op *op = make(ledger, nullptr, request);
        const cala_status status = cala_op_run(op, -1, nullptr);
        if (status == CALA_OK) ++posted;
        if (status == CALA_REJECTED) ++refused;
        cala_op_free(op);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(refused.load(), kThreads * kEach / 10);
  EXPECT_EQ(posted.load(), kThreads * kEach * 9 / 10);
  int shared = 0;
  for (int i = 0; i < kEach; ++i) shared += i % 3 == 0 && i % 10 != 7 ? 1 : 0;
  expect_sound(kThreads * kEach * 9 / 10 - kThreads / 2 * shared);
}

std::string with_connections(std::string config, int most) {
  const std::string usual = R"("max": 2)";
  const std::size_t at = config.find(usual);
  EXPECT_NE(at, std::string::npos) << config;
  return config.replace(at, usual.size(), "\"max\": " + std::to_string(most));
}

// Whether there are connections for many, or the one writer's lane is all there is.
class HeldRows : public ::testing::TestWithParam<int> {};

TEST_P(HeldRows, LetOthersGoOn) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
  const TestStore store(StoreKind::kPostgres);
  const std::unique_ptr<LedgerClient> client = store.open();
  ASSERT_NE(client, nullptr);
  fill(*client);
  std::string config = store.config();
  const std::size_t query = config.find("?host=");
  ASSERT_NE(query, std::string::npos) << config;
  config.insert(query + 1, "options=-c%20lock_timeout%3D300ms&");
  const OpenLedger other = open_ledger(config);
  config = with_connections(config, GetParam());
  const OpenLedger ledger = open_ledger(config);
  Holder holder(other.get());
  std::vector<std::string> requests;
  for (int i = 0; i < 20; ++i) requests.push_back(i % 5 == 0 ? transfer(0, 1) : transfer(2 + i % 2, 4));
  Started started(ledger.get(), requests);
  started.wait();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(started.status(i), i % 5 == 0 ? CALA_BUSY : CALA_OK) << i;
    if (i % 5 == 0) {
      EXPECT_EQ(started.code(i), "store.lock_timeout");
    }
  }
  holder.commit();
}
INSTANTIATE_TEST_SUITE_P(Pools, HeldRows, ::testing::Values(1, 10));

// Where nobody says how long to wait for rows, a group does not wait as long as one posting would:
// its others are let go.
TEST(GroupCommitOnPostgres, WaitsForHeldRowsOnlyWithWhoNeedsThem) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
  const TestStore store(StoreKind::kPostgres);
  const std::unique_ptr<LedgerClient> client = store.open();
  ASSERT_NE(client, nullptr);
  fill(*client);
  const OpenLedger ledger = open_ledger(with_connections(store.config(), 10));
  Holder holder(ledger.get());
  Started started(ledger.get(), {transfer(0, 1), transfer(2, 4), transfer(0, 1), transfer(3, 4)});
  started.wait_for(2);  // the two that need nothing of what is held
  EXPECT_EQ(started.status(1), CALA_OK);
  EXPECT_EQ(started.status(3), CALA_OK);
  holder.commit();
  started.wait_for(2);
  EXPECT_EQ(started.count(CALA_OK), 4);
}

INSTANTIATE_TEST_SUITE_P(Stores, GroupCommit, ::testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const ::testing::TestParamInfo<StoreKind> &kind) { return name_of(kind.param); });

}  // namespace
}  // namespace cala::tests
