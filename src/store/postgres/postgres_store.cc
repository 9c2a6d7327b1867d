#include "store/postgres/postgres_store.h"

#include <charconv>
#include <utility>

#include "store/postgres/connection.h"
#include "store/postgres/migrations.h"
#include "store/postgres/postgres_dialect.h"
#include "store/postgres/postgres_session.h"

namespace cala::store::postgres {
namespace {

using base::Outcome;
using base::Result;

// More postings at once than this meet on row locks, whatever the pool allows.
constexpr std::size_t kMaxWriters = 64;
constexpr int kMigrationAttempts = 3;

class PostgresStore final : public Store {
 public:
  PostgresStore(const LibpqApi &api, const PostgresOptions &options)
      : api_(api),
        target_{options.connection_string, options.application_name, options.durable},
        commit_wait_(options.commit_wait),
        dialect_(options.schema) {}

  const Dialect &dialect() const override { return dialect_; }
  Result<std::unique_ptr<Session>> connect(Access access) override;
  Result<MigrationReport> migrate() override;
  std::size_t max_writers() const override { return kMaxWriters; }
  std::string_view name() const override { return "postgres"; }

 private:
  Result<std::int64_t> version_of(Connection &connection) const;
  Outcome apply(Connection &connection, std::int64_t from_version) const;

  const LibpqApi &api_;
  const ConnectionTarget target_;
  const std::chrono::milliseconds commit_wait_;
  const PostgresDialect dialect_;
};

Result<std::unique_ptr<Session>> PostgresStore::connect(Access) {
  Result<std::unique_ptr<Connection>> connection = Connection::open(api_, target_);
  if (!connection) return std::move(connection.error());
  return PostgresSession::start(connection.take(), dialect_, {target_, commit_wait_});
}

Result<std::int64_t> PostgresStore::version_of(Connection &connection) const {
  const std::string table = '"' + dialect_.schema() + "\".migrations";
  Result<std::string> name = connection.run("SELECT pg_catalog.to_regclass('" + table + "')");
  if (!name) return std::move(name.error());
  if (name->empty()) return std::int64_t{0};
  Result<std::string> text = connection.run("SELECT pg_catalog.max(version) FROM " + table);
  if (!text) return std::move(text.error());
  std::int64_t version = 0;
  std::from_chars(text->data(), text->data() + text->size(), version);
  return version;
}

// One transaction. The first statement waits for whoever migrates at the same time and then finds itself overtaken.
Outcome PostgresStore::apply(Connection &connection, std::int64_t from_version) const {
  Result<std::string> done = connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  for (const std::string &statement : dialect_.migration_statements(from_version)) {
    if (done) done = connection.run(statement);
  }
  if (done) done = connection.run("COMMIT");
  if (done) return {};
  const Result<std::string> undone = connection.run("ROLLBACK");  // on a broken connection there is nothing to undo
  return std::move(done.error());
}

Result<MigrationReport> PostgresStore::migrate() {
  Result<std::unique_ptr<Connection>> opened = Connection::open(api_, target_);
  if (!opened) return std::move(opened.error());
  Connection &connection = **opened;
  for (int attempt = 1;; ++attempt) {
    Result<std::int64_t> version = version_of(connection);
    if (!version) return std::move(version.error());
    if (*version > newest_migration()) {
      return base::make_error(base::Status::kUnsupported, "store.newer",
                              "the ledger's schema has version " + std::to_string(*version) +
                                  ", newer than this library's " + std::to_string(newest_migration()));
    }
    MigrationReport report{*version, newest_migration()};
    if (report.from_version == report.to_version) return report;
    Outcome applied = apply(connection, report.from_version);
    if (applied) return report;
    if (!applied.error().retryable || attempt == kMigrationAttempts) return std::move(applied.error());
  }
}

}  // namespace

Result<std::unique_ptr<Store>> open_postgres(const PostgresOptions &options) {
  if (Result<std::unique_ptr<Dialect>> named = make_postgres_dialect(options.schema); !named) {
    return std::move(named.error());
  }
  Result<const LibpqApi *> api = load_libpq();
  if (!api) return std::move(api.error());
  if (Outcome readable = check_connection_string(**api, options.connection_string); !readable) {
    return std::move(readable.error());
  }
  return std::unique_ptr<Store>(std::make_unique<PostgresStore>(**api, options));
}

}  // namespace cala::store::postgres
