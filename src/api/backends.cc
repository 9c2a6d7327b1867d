// The one file that names both stores.
#include "api/backends.h"

#include "store/postgres/adopted_session.h"
#include "store/postgres/error_table.h"
#include "store/postgres/postgres_dialect.h"
#include "store/postgres/postgres_store.h"
#include "store/sqlite/error_table.h"
#include "store/sqlite/sqlite_dialect.h"
#include "store/sqlite/sqlite_store.h"

namespace cala::api {

namespace {

constexpr std::string_view kSqlitePrefix = "sqlite:";
constexpr std::string_view kSqliteUri = "sqlite://";

base::Error no_store() {
  return base::make_error(
      base::Status::kInvalid, "store.invalid",
      "store must be sqlite:PATH, sqlite::memory:, host:sqlite, host:postgres or a libpq connection "
      "string or URI (postgres://user@host:port/database, or key=value pairs); it is not shown because it may hold a "
      "password");
}

// SQLAlchemy and others write paths so, each in its own way; taken by the letter it would be a file in the root folder.
base::Error no_uri() {
  return base::make_error(base::Status::kInvalid, "store.invalid",
                          "store must be sqlite:PATH without slashes before the path: sqlite:ledger.db is a file in "
                          "the working folder, sqlite:/var/ledger.db an absolute one");
}

// What libpq might read: a URI of PostgreSQL's, or key=value pairs.
bool may_be_postgres(std::string_view store) {
  if (store.starts_with("postgres://") || store.starts_with("postgresql://")) return true;
  const std::size_t mark = store.find_first_of("=:/");
  return mark != std::string_view::npos && store[mark] == '=';
}

enum class Migrates : bool { kNo, kYes };

base::Result<live::Backend> with_store(base::Result<std::unique_ptr<store::Store>> store, Migrates by_default) {
  if (!store) {
    if (store.error().code == "config.store") store.error().code = "store.invalid";  // as cala_ledger_open names it
    return std::move(store.error());
  }
  live::Backend backend;
  backend.store = store.take();
  backend.name = backend.store->name();
  backend.migrates_by_default = by_default == Migrates::kYes;
  return backend;
}

base::Result<live::Backend> host_only(base::Result<std::unique_ptr<store::Dialect>> dialect, std::string_view name) {
  if (!dialect) return std::move(dialect.error());
  live::Backend backend;
  backend.dialect = dialect.take();
  backend.name = name;
  return backend;
}

}  // namespace

base::Result<live::Backend> open_backend(const live::Config &config) {
  if (config.store == "host:sqlite") return host_only(store::make_sqlite_dialect(), "sqlite");
  if (config.store == "host:postgres") {
    base::Result<std::unique_ptr<store::Dialect>> dialect = store::postgres::make_postgres_dialect(config.schema);
    if (!dialect) return std::move(dialect.error());
    return host_only(dialect.take(), "postgres");
  }
  if (config.store == kSqlitePrefix) return no_store();
  if (config.store.starts_with(kSqliteUri)) return no_uri();
  if (config.store.starts_with(kSqlitePrefix)) {
    store::SqliteOptions options;
    options.path = config.store.substr(kSqlitePrefix.size());
    options.durable = config.durable;
    return with_store(store::open_sqlite(options), Migrates::kYes);
  }
  if (!may_be_postgres(config.store)) return no_store();
  store::postgres::PostgresOptions options;
  options.connection_string = config.store;
  options.schema = config.schema;
  options.durable = config.durable;
  options.commit_wait = config.failover_wait;
  return with_store(store::postgres::open_postgres(options), Migrates::kNo);
}

base::Result<std::unique_ptr<store::Session>> adopt_session(live::LedgerState &ledger, void *pgconn,
                                                            const Resolver &resolve, const std::string &library) {
  if (ledger.ledger().store_name() != "postgres") {
    return base::make_error(base::Status::kUnsupported, "tx.not_postgres",
                            "a libpq connection can be adopted only where the ledger is on PostgreSQL");
  }
  return store::postgres::adopt_connection(pgconn, resolve, library, ledger.ledger().dialect());
}

bool lost_race(std::string_view sqlstate) {
  const base::Error error = sqlstate.starts_with("SQLITE_") ? store::sqlite::program_error_of_message(sqlstate, {})
                                                            : store::postgres::program_error_of_sqlstate(sqlstate, {});
  return error.tx_state == base::TxState::kRetry;
}

}  // namespace cala::api
