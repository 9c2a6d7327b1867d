// The embedded store: a ledger in an SQLite file of the application's (WAL, several readers beside one writer), or in
// memory. Our copy of SQLite is hidden in the library and lives with others in the process (unix_vfs.h).
// Shared by threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "platform/files.h"
#include "store/port.h"
#include "store/sqlite/sqlite_connection.h"
#include "store/sqlite/sqlite_dialect.h"

namespace cala::store {

struct SqliteOptions {
  std::string path;     // ":memory:" is a ledger of this store's own, gone with it
  bool durable = true;  // a commit that was acknowledged survives a power cut
  bool read_only = false;
  std::int64_t busy_timeout_ms = 5000;   // for another process, or the program, to let go of the file
  std::int64_t write_cache_kib = 65536;  // of pages, for each session that writes
  std::int64_t read_cache_kib = 8192;
  bool typed_postings = true;  // false: postings through the statements that programs run; same rows, slower
};

// Opens or creates the file. kUnavailable "store.cannot_open", kInvalid "store.not_a_ledger", kBusy "store.busy".
base::Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions &options);

namespace sqlite {

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(SqliteOptions options);

  base::Outcome open();
  const Dialect &dialect() const override { return dialect_; }
  base::Result<std::unique_ptr<Session>> connect(Access access) override;
  base::Result<MigrationReport> migrate() override;
  std::size_t max_writers() const override { return 1; }
  std::string_view name() const override { return "sqlite"; }
  DiskUse disk_use() const override;
  base::Outcome in_place() const override;

 private:
  base::Result<std::unique_ptr<Connection>> open_connection(Access access) const;

  SqliteOptions options_;
  SqliteDialect dialect_;
  bool memory_;
  std::string file_;  // its whole path; empty: in memory
  std::string uri_;
  std::optional<platform::FileIdentity> opened_;  // the file's device and inode; in memory none
  std::unique_ptr<Connection> anchor_;            // keeps a memory ledger alive; otherwise null
};

}  // namespace sqlite

}  // namespace cala::store
