// The PostgreSQL of the tests. Most tests use the cluster that ctest started (postgres_connection); a test that stops or kills
// its server starts a cluster of its own, so that it disturbs nobody.
// Not thread-safe: one test's main thread owns a PostgresCluster.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace cala::tests {

// The connection string in CALA_TEST_POSTGRES: a database for this executable alone. nullopt when run without a cluster.
std::optional<std::string> postgres_connection();

class PostgresCluster {
 public:
  // A running cluster in a temporary folder with one empty database, or nullptr (the reason is on stderr).
  static std::unique_ptr<PostgresCluster> start();
  ~PostgresCluster();  // stops it and removes the folder

  PostgresCluster(const PostgresCluster &) = delete;
  PostgresCluster &operator=(const PostgresCluster &) = delete;

  const std::string &connection() const { return connection_; }
  bool kill();     // as in a crash: every connection breaks, nobody answers
  bool restart();  // after kill: recovers and answers again at the same place

 private:
  explicit PostgresCluster(std::string state) : state_(std::move(state)) {}

  std::string state_;  // the folder in which postgres_cluster.sh remembers the cluster
  std::string connection_;
};

}  // namespace cala::tests
