// The PostgreSQL of the tests. Most tests use the cluster that ctest started (postgres_connection); a test that stops
// or kills its server starts a cluster of its own, so that it disturbs nobody.
// Not thread-safe: one test's main thread owns a PostgresCluster.
#pragma once

#include <memory>
#include <optional>
#include <string>

namespace cala::tests {

// The connection string in CALA_TEST_POSTGRES: a database for this executable alone.
// nullopt when run without a cluster.
std::optional<std::string> postgres_connection();

class PostgresCluster {
 public:
  // A running cluster in a temporary folder with one empty database, or nullptr (the reason is on stderr).
  static std::unique_ptr<PostgresCluster> start();
  ~PostgresCluster();  // stops it and removes the folder

  PostgresCluster(const PostgresCluster &) = delete;
  PostgresCluster &operator=(const PostgresCluster &) = delete;

  // A standby of this one, with the same database; from then on a commit is answered when the standby has it.
  std::unique_ptr<PostgresCluster> start_standby();

  const std::string &connection() const { return connection_; }
  const std::string &folder() const { return folder_; }  // "host" of a connection string
  bool kill();                                           // as in a crash: every connection breaks, nobody answers
  bool restart();                                        // after kill: recovers and answers again at the same place
  bool end(const std::string &way);                      // "crash", "immediate", "fast"; or "freeze", ended by "thaw"
  bool promote();                                        // of a standby

 private:
  explicit PostgresCluster(std::string state) : state_(std::move(state)) {}

  std::string state_;  // the folder in which postgres_cluster.sh remembers the cluster
  std::string folder_;
  std::string connection_;
};

}  // namespace cala::tests
