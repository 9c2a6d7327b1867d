#include "tests/postgres_cluster.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

namespace cala::tests {
namespace {

// Runs postgres_cluster.sh with its output in *output, when asked for, and says whether it succeeded.
bool run_script(const std::vector<std::string> &arguments, std::string *output = nullptr) {
  std::string command = "'" CALA_SOURCE_DIR "/tests/postgres_cluster.sh'";
  for (const std::string &argument : arguments) command += " '" + argument + "'";
  FILE *pipe = popen(command.c_str(), "r");  // NOLINT(cert-env33-c): the arguments are ours
  if (pipe == nullptr) return false;
  char buffer[512];
  while (fgets(buffer, sizeof buffer, pipe) != nullptr) {
    if (output != nullptr) *output += buffer;
  }
  if (output != nullptr && !output->empty() && output->back() == '\n') output->pop_back();
  const int status = pclose(pipe);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::optional<std::string> postgres_connection() {
  const char *value = std::getenv("CALA_TEST_POSTGRES");  // NOLINT(concurrency-mt-unsafe): nothing here calls setenv
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::unique_ptr<PostgresCluster> PostgresCluster::start() {
  std::string state = "/tmp/cala-pg-state-XXXXXX";
  if (mkdtemp(state.data()) == nullptr) return nullptr;
  std::unique_ptr<PostgresCluster> cluster(new PostgresCluster(state));
  if (!run_script({"start", state}) || !run_script({"connection", state, "cala_test"}, &cluster->connection_)) {
    return nullptr;
  }
  std::ifstream(state + "/cluster") >> cluster->folder_;
  return cluster;
}

std::unique_ptr<PostgresCluster> PostgresCluster::start_standby() {
  std::string state = "/tmp/cala-pg-state-XXXXXX";
  if (mkdtemp(state.data()) == nullptr) return nullptr;
  std::unique_ptr<PostgresCluster> standby(new PostgresCluster(state));
  if (!run_script({"standby", state, state_})) return nullptr;
  std::ifstream(state + "/cluster") >> standby->folder_;
  standby->connection_ = "postgres://cala@/cala_test?host=" + standby->folder_;
  return standby;
}

PostgresCluster::~PostgresCluster() {
  run_script({"stop", state_});
  std::error_code ignored;
  std::filesystem::remove_all(state_, ignored);
}

bool PostgresCluster::kill() { return run_script({"kill", state_}); }

bool PostgresCluster::restart() { return run_script({"restart", state_}); }

bool PostgresCluster::end(const std::string &way) { return run_script({way, state_}); }

bool PostgresCluster::promote() { return run_script({"promote", state_}); }

}  // namespace cala::tests
