// A listener with a slow reader beside posting programs, while connections are cut and the database is restarted: what
// was acknowledged is heard, once, in order.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "json_document.h"
#include "ledger_client.h"
#include "postgres_cluster.h"

namespace cala::tests {
namespace {

constexpr std::size_t kBetween = 40;  // postings between one fault and the next

// What the programs tried to post, and what was acknowledged.
class Posted {
 public:
  std::string next() {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string digits = std::to_string(tried_.size());
    return *tried_.insert("30000000-0000-0000-0000-" + std::string(12 - digits.size(), '0') + digits).first;
  }
  void acknowledge(const std::string &id) {
    const std::lock_guard<std::mutex> lock(mutex_);
    acknowledged_.insert(id);
  }
  std::size_t count() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return acknowledged_.size();
  }
  const std::set<std::string> &tried() const { return tried_; }                // once nobody posts
  const std::set<std::string> &acknowledged() const { return acknowledged_; }  // the same

 private:
  mutable std::mutex mutex_;
  std::set<std::string> tried_;
  std::set<std::string> acknowledged_;
};

// What one listener hears, held against what it heard before. One thread.
class Heard {
 public:
  void event(const std::string &text) {
    const std::optional<JsonDocument> document = JsonDocument::parse(text);
    ASSERT_TRUE(document) << text;
    const cJSON *place = json_member(document->root(), "place");
    ASSERT_TRUE(cJSON_IsNumber(place) != 0) << text;
    EXPECT_GT(place->valuedouble, place_);
    place_ = place->valuedouble;
    EXPECT_TRUE(ids_.insert(json_text(document->root(), "subject_id")).second) << "twice: " << text;
    const cJSON *entry = nullptr;
    cJSON_ArrayForEach(entry, json_member(document->root(), "entries")) {
      EXPECT_EQ(json_member(entry, "account_version")->valuedouble, ++versions_[json_text(entry, "account_id")])
          << text;
    }
    EXPECT_EQ(versions_.size(), 2U) << text;
  }
  const std::set<std::string> &ids() const { return ids_; }

 private:
  double place_ = 0;
  std::set<std::string> ids_;
  std::map<std::string, double> versions_;
};

class ListenerFaults : public testing::Test {
 protected:
  void SetUp() override {
    if (!postgres_connection()) GTEST_SKIP() << "CALA_TEST_POSTGRES names no PostgreSQL";
    cluster_ = PostgresCluster::start();
    ASSERT_NE(cluster_, nullptr);
    config_ = R"({"store": ")" + cluster_->connection() + R"(", "migrate": true})";
    const std::unique_ptr<LedgerClient> ledger = LedgerClient::open(config_);
    ASSERT_NE(ledger, nullptr);
    fill_with_move(*ledger);
  }

  void cut_all_connections() const {
    PGconn *connection = PQconnectdb(cluster_->connection().c_str());
    PGresult *result =
        PQexec(connection,
               "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
               "AND pid <> pg_backend_pid()");
    EXPECT_EQ(PQresultStatus(result), PGRES_TUPLES_OK) << PQerrorMessage(connection);
    PQclear(result);
    PQfinish(connection);
  }

  std::unique_ptr<PostgresCluster> cluster_;
  std::string config_;
};

TEST_F(ListenerFaults, WhatWasAcknowledgedIsHeardOnceAndInOrder) {
  cala_ledger *ledger = nullptr;
  cala_queue *queue = nullptr;
  cala_listener *listener = nullptr;
  ASSERT_EQ(cala_ledger_open(config_.data(), config_.size(), &ledger, nullptr), CALA_OK);
  ASSERT_EQ(cala_queue_new(&queue, nullptr), CALA_OK);
  const std::string options =
      R"({"from": "start", "types": ["transaction_created"], "entries": true, "buffer": 2, "poll_ms": 10})";
  struct Ear {
    Heard heard;
    std::string ended;
  } ear;
  const cala_event_fn fn = [](void *user, cala_status status, const char *event, std::size_t length) {
    Ear &its = *static_cast<Ear *>(user);
    if (status == CALA_OK) {
      its.heard.event(std::string(event, length));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // slower than what is posted
    } else {
      its.ended = std::string(event, length);
    }
  };
  ASSERT_EQ(cala_listener_open(ledger, options.data(), options.size(), queue, fn, &ear, &listener, nullptr), CALA_OK);

  Posted posted;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      const std::unique_ptr<LedgerClient> client = LedgerClient::open(config_);
      ASSERT_NE(client, nullptr);
      while (!stop) {
        const std::string id = posted.next();
        const Answer answer = client->run("transaction_post", R"({"tx_template_code": "MOVE", "id": ")" + id + "\"}");
        if (answer.ok()) posted.acknowledge(id);
      }
    });
  }
  std::atomic<bool> all_posted{false};
  std::thread reader([&] {
    const auto patience = std::chrono::seconds(60);
    auto since = std::chrono::steady_clock::now();
    while (ear.ended.empty() && std::chrono::steady_clock::now() - since < patience) {
      const std::set<std::string> &ids = ear.heard.ids();
      if (all_posted &&
          std::includes(ids.begin(), ids.end(), posted.acknowledged().begin(), posted.acknowledged().end()))
        break;
      if (!all_posted) since = std::chrono::steady_clock::now();
      cala_queue_wait(queue, 20);
      cala_queue_drain(queue, 1);
    }
  });

  // A machine that is slow is waited for; one on which nothing goes on is not.
  const auto post_some = [&] {
    const std::size_t enough = posted.count() + kBetween;
    const auto begun = std::chrono::steady_clock::now();
    while (posted.count() < enough && std::chrono::steady_clock::now() - begun < std::chrono::seconds(60)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_GE(posted.count(), enough);
  };
  for (const char *way : {"crash", "immediate", "fast"}) {
    post_some();
    cut_all_connections();
    post_some();
    EXPECT_TRUE(cluster_->end(way));
    EXPECT_TRUE(cluster_->restart());
  }
  post_some();
  stop = true;
  for (std::thread &thread : threads) thread.join();
  all_posted = true;
  reader.join();

  EXPECT_EQ(ear.ended, "");
  for (const std::string &id : posted.acknowledged()) EXPECT_TRUE(ear.heard.ids().contains(id)) << "missed: " << id;
  for (const std::string &id : ear.heard.ids()) EXPECT_TRUE(posted.tried().contains(id)) << "whose? " << id;
  cala_listener_free(listener);
  cala_queue_free(queue);
  cala_ledger_free(ledger);
}

}  // namespace
}  // namespace cala::tests
