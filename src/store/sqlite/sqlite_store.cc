#include "store/sqlite/sqlite_store.h"

#include <atomic>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/json.h"
#include "platform/files.h"
#include "store/sqlite/error_table.h"
#include "store/sqlite/sqlite_session.h"
#include "store/sqlite/unix_vfs.h"
#include "store/sqlite/utf8_path.h"

namespace cala::store {

namespace sqlite {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

// A path may hold anything; in a URI some characters mean something.
std::string file_uri(std::string_view path) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string uri = "file:";
  if (path.starts_with("//")) uri += "//";  // else the path would begin with an authority
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      const auto byte = static_cast<unsigned char>(c);
      uri += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri;
}

// SQLite's memdb: connections that name the same path share one database, locked like a file.
std::string memory_uri() {
  static std::atomic<std::uint64_t> serial = 0;
  return "file:/cala-" + std::to_string(++serial) + "?vfs=memdb";
}

constexpr std::int64_t kMemoryLimit = std::int64_t{1} << 40;

Error naming(Error error, const std::string &path) {
  error.message += ": " + path;
  return error;
}

Error newer_schema(std::int64_t found, std::int64_t known) {
  return base::make_error(Status::kUnsupported, "store.newer",
                          "the ledger's schema is version " + std::to_string(found) + ", this library knows " +
                              std::to_string(known) + " at most");
}

class Migration {
 public:
  Migration(SqliteSession &session, const SqliteDialect &dialect) : session_(session), dialect_(dialect) {}

  Result<MigrationReport> run() {
    Result<std::int64_t> version = stored_version();
    if (!version) return std::move(version.error());
    if (*version == dialect_.schema_version()) return MigrationReport{*version, *version};
    if (*version > dialect_.schema_version()) return newer_schema(*version, dialect_.schema_version());
    if (Outcome begun = session_.begin(Access::kWrite); !begun) return std::move(begun.error());
    Result<MigrationReport> report = apply();
    if (!report) session_.rollback();
    return report;
  }

 private:
  // Another process may have been first: look again now that the file is ours.
  Result<MigrationReport> apply() {
    Result<std::int64_t> version = stored_version();
    if (!version) return std::move(version.error());
    if (*version > dialect_.schema_version()) return newer_schema(*version, dialect_.schema_version());
    for (const std::string &statement : dialect_.migration_statements(*version)) {
      if (Outcome outcome = session_.connection().run(statement.c_str()); !outcome) return std::move(outcome.error());
    }
    if (Outcome committed = session_.commit(); !committed) return std::move(committed.error());
    return MigrationReport{*version, dialect_.schema_version()};
  }

  Result<std::int64_t> stored_version() {
    Result<Answer> probe = session_.execute(Call{.id = StatementId::kSchemaProbe, .document = "{}"});
    if (!probe) return std::move(probe.error());
    Result<base::Json> present = base::Json::parse(std::get<std::string>(*probe));
    if (!present) return corrupt_row("schema");
    if (!present->root().get("present").boolean()) return std::int64_t{0};
    Result<Answer> read = session_.execute(Call{.id = StatementId::kSchemaRead, .document = "{}"});
    if (!read) return std::move(read.error());
    Result<base::Json> version = base::Json::parse(std::get<std::string>(*read));
    if (!version) return corrupt_row("schema");
    return version->root().get("version").integer().value_or(0);
  }

  SqliteSession &session_;
  const SqliteDialect &dialect_;
};

}  // namespace

SqliteStore::SqliteStore(SqliteOptions options)
    : options_(std::move(options)),
      memory_(options_.path == ":memory:"),
      file_(memory_ ? std::string() : options_.path),
      uri_(memory_ ? memory_uri() : file_uri(options_.path)) {}

Outcome SqliteStore::open() {
  if (options_.path.empty()) {
    return base::make_error(Status::kInvalid, "store.cannot_open", "the path of the ledger's file is empty");
  }
  if (options_.path.back() == '/') {
    return naming(base::make_error(Status::kUnavailable, "store.cannot_open",
                                   "the path of the ledger's file ends with a slash, as a folder's does"),
                  options_.path);
  }
  if (!install_unix_vfs()) {
    return naming(base::make_error(Status::kUnavailable, "store.cannot_open",
                                   "this process was forked from one that has used SQLite, and on this system could "
                                   "not tell its locks from its own: start another program instead, or fork first"),
                  options_.path);
  }
  // Connections are made later, too, when the program may have gone to another folder.
  if (!memory_ && !path_of(options_.path).is_absolute()) {
    std::error_code failed;
    const std::filesystem::path folder = std::filesystem::current_path(failed);
    if (failed) {
      return naming(base::make_error(Status::kUnavailable, "store.cannot_open", "the current folder has no name"),
                    options_.path);
    }
    file_ = text_of(folder / path_of(options_.path));
    uri_ = file_uri(file_);
  }
  Result<std::unique_ptr<Connection>> connection = open_connection(Access::kWrite);
  if (!connection) return std::move(connection.error());
  if (memory_) anchor_ = connection.take();
  if (!memory_) opened_ = platform::identity_of(file_);
  return {};
}

Result<std::unique_ptr<Connection>> SqliteStore::open_connection(Access access) const {
  Connection::Options options;
  options.uri = uri_;
  options.file = file_;
  options.read_only = options_.read_only;
  options.durable = options_.durable;
  options.memory = memory_;
  options.busy_timeout_ms = options_.busy_timeout_ms;
  options.cache_kib = access == Access::kWrite ? options_.write_cache_kib : options_.read_cache_kib;
  Result<std::unique_ptr<Connection>> connection = Connection::open(options);
  if (!connection) return naming(std::move(connection.error()), options_.path);
  if (memory_) (*connection)->allow_memory(kMemoryLimit);
  return connection;
}

Result<std::unique_ptr<Session>> SqliteStore::connect(Access access) {
  Result<std::unique_ptr<Connection>> connection = open_connection(access);
  if (!connection) return std::move(connection.error());
  return std::unique_ptr<Session>(
      std::make_unique<SqliteSession>(connection.take(), dialect_, options_.typed_postings));
}

Result<MigrationReport> SqliteStore::migrate() {
  Result<std::unique_ptr<Connection>> connection = open_connection(Access::kWrite);
  if (!connection) return std::move(connection.error());
  SqliteSession session(connection.take(), dialect_, options_.typed_postings);
  return Migration(session, dialect_).run();
}

DiskUse SqliteStore::disk_use() const {
  DiskUse use;
  if (memory_) return use;
  const auto known = [](std::uintmax_t bytes, const std::error_code &failed) {
    return failed ? std::int64_t{-1} : static_cast<std::int64_t>(bytes);
  };
  std::error_code failed;
  const std::filesystem::path file = path_of(file_);
  use.file_bytes = known(std::filesystem::file_size(file, failed), failed);
  const std::uintmax_t wal = std::filesystem::file_size(path_of(file_ + "-wal"), failed);
  use.wal_bytes = failed == std::errc::no_such_file_or_directory ? 0 : known(wal, failed);
  const std::filesystem::space_info space = std::filesystem::space(file.parent_path(), failed);
  use.free_bytes = known(space.available, failed);
  return use;
}

Outcome SqliteStore::in_place() const {
  if (!opened_ || platform::identity_of(file_) == opened_) return {};
  return naming(base::make_error(Status::kUnavailable, "store.file_gone",
                                 "the ledger's file was deleted, moved or replaced while it was open"),
                options_.path);
}

}  // namespace sqlite

base::Result<std::unique_ptr<Store>> open_sqlite(const SqliteOptions &options) {
  auto store = std::make_unique<sqlite::SqliteStore>(options);
  if (base::Outcome opened = store->open(); !opened) return std::move(opened.error());
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace cala::store
