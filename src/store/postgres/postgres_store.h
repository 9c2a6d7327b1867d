// PostgresStore: the ledger in one schema of a PostgreSQL database. Opening it loads libpq and checks what can be
// checked without a server; connections are made when asked for. Its connections keep session settings and prepared
// statements, so a pooler between must be in session mode. Immutable after open; shared by all threads.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "store/port.h"

namespace cala::store::postgres {

struct PostgresOptions {
  std::string connection_string;  // libpq's: URI or key=value pairs
  std::string schema = "cala";
  std::string application_name = "cala";  // where the connection string names none
  bool durable = true;                    // a commit that was acknowledged survives a power cut
  std::chrono::milliseconds commit_wait{
      30'000};  // for the server, to ask it what became of a commit that it did not answer
};

base::Result<std::unique_ptr<Store>> open_postgres(const PostgresOptions &options);

}  // namespace cala::store::postgres
