#include "store/postgres/adopted_session.h"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "platform/module.h"
#include "store/postgres/canceller.h"
#include "store/postgres/error_table.h"
#include "store/postgres/libpq_api.h"

namespace cala::store::postgres {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;

constexpr int kOldestServer = 130000;
constexpr int kNewestServer = 1000000;

// A module that is loaded already: looking into it must not load anything.
class LoadedModule {
 public:
  LoadedModule() = default;
  explicit LoadedModule(const char *path) : handle_(platform::hold_loaded_module(path)) {}
  LoadedModule(LoadedModule &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  LoadedModule &operator=(LoadedModule &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~LoadedModule() {
    if (handle_ != nullptr) platform::let_go_of_module(handle_);
  }
  bool loaded() const { return handle_ != nullptr; }
  void *find(const char *name) const { return platform::find_in_module(handle_, name); }

 private:
  void *handle_ = nullptr;
};

template <typename Function>
bool assign(Function &out, const void *address) {
  static_assert(sizeof out == sizeof address);
  std::memcpy(&out, &address, sizeof out);
  return address != nullptr;
}

Error not_found(const std::string &what) { return base::make_error(Status::kInvalid, "tx.libpq", what); }

// One place to look: the program's resolver, a module, or the program itself.
class Source {
 public:
  static Result<Source> make(const FunctionResolver &resolve, const std::string &library) {
    Source source;
    if (resolve) {
      source.resolve_ = &resolve;
    } else if (!library.empty()) {
      source.module_ = LoadedModule(library.c_str());
      if (!source.module_.loaded()) return not_found("\"library\" names no module that is loaded: " + library);
    } else if (platform::find_in_program("PQexecParams") == nullptr) {
      for (const char *name : platform::libpq_names()) {
        if (!source.module_.loaded()) source.module_ = LoadedModule(name);
      }
    }
    return source;
  }

  void *find(const char *name) const {
    if (resolve_ != nullptr) {
      void (*function)() = (*resolve_)(name);
      void *address = nullptr;
      std::memcpy(&address, &function, sizeof address);
      return address;
    }
    return module_.loaded() ? module_.find(name) : platform::find_in_program(name);
  }
  LoadedModule take_module() { return std::move(module_); }

 private:
  const FunctionResolver *resolve_ = nullptr;
  LoadedModule module_;
};

Result<LibpqApi> functions_of(const Source &source) {
  LibpqApi api;
#define CALA_LIBPQ_FIND(name) \
  if (!assign(api.name, source.find(#name))) return not_found("libpq's function " #name " was not found");
  CALA_LIBPQ_ADOPTED_FUNCTIONS(CALA_LIBPQ_FIND)
#undef CALA_LIBPQ_FIND
  assign(api.PQpipelineStatus, source.find("PQpipelineStatus"));
  return api;
}

Error wrong_connection(const char *what) { return base::make_error(Status::kMisuse, "tx.connection", what); }

class AdoptedSession final : public Session {
 public:
  AdoptedSession(LibpqApi api, LoadedModule module, PGconn *connection, const Dialect &dialect)
      : api_(api), module_(std::move(module)), connection_(connection), dialect_(dialect) {}

  // The transaction is the program's: it is neither begun nor ended here.
  Outcome begin(Access) override { return not_ours(); }
  Result<Answer> execute_and_commit(const Request &) override { return not_ours(); }
  Outcome commit() override { return not_ours(); }
  void rollback() override {}

  Result<Answer> execute(const Request &request) override;
  bool healthy() const override { return api_.PQstatus(connection_) == CONNECTION_OK; }
  void interrupt() override { canceller_->cancel(); }
  void forget_interrupt() override { canceller_->forget(); }

  Outcome check() const;
  // On the program's thread, before any other may interrupt: libpq lets no two threads look into one connection.
  void prepare_to_cancel() { canceller_.emplace(api_.PQcancel, api_.PQfreeCancel, api_.PQgetCancel(connection_)); }

 private:
  static Error not_ours() { return wrong_connection("the program begins and ends its own transaction"); }
  Outcome check_encoding() const;
  ResultPtr send(const SqlStatement &statement);

  const LibpqApi api_;
  const LoadedModule module_;
  PGconn *connection_;
  std::optional<Canceller> canceller_;
  const Dialect &dialect_;
};

// Functions of another copy of libpq read nonsense from a connection, and these questions notice it.
Outcome AdoptedSession::check() const {
  if (api_.PQstatus(connection_) != CONNECTION_OK) return wrong_connection("the connection is broken or not libpq's");
  const int version = api_.PQserverVersion(connection_);
  if (version < kOldestServer || version > kNewestServer || api_.PQsocket(connection_) < 0) {
    return wrong_connection("the connection is to no PostgreSQL from 13 on, or was made by another copy of libpq");
  }
  if (api_.PQpipelineStatus != nullptr && api_.PQpipelineStatus(connection_) != PQ_PIPELINE_OFF) {
    return wrong_connection("the connection is in pipeline mode");
  }
  switch (api_.PQtransactionStatus(connection_)) {
    case PQTRANS_INTRANS: return check_encoding();
    case PQTRANS_IDLE:
      return base::make_error(Status::kMisuse, "transaction.none", "no transaction is open on the connection");
    case PQTRANS_INERROR:
      return base::make_error(Status::kMisuse, "transaction.aborted",
                              "an earlier statement failed; the transaction must be rolled back");
    case PQTRANS_ACTIVE: return wrong_connection("a statement is running on the connection");
    default: return wrong_connection("the connection is broken or not libpq's");
  }
}

// Each statement looks too, but by then the server may have found the request to be no text.
Outcome AdoptedSession::check_encoding() const {
  const char *encoding = api_.PQparameterStatus(connection_, "client_encoding");
  if (encoding != nullptr && std::string_view(encoding) == "UTF8") return {};
  return wrong_encoding(encoding == nullptr ? "not known" : encoding);
}

ResultPtr AdoptedSession::send(const SqlStatement &statement) {
  const char *value = statement.parameter.c_str();
  const int count = statement.has_parameter ? 1 : 0;
  const std::string sql(statement.sql);
  canceller_->begin();
  PGresult *result = api_.PQexecParams(connection_, sql.c_str(), count, nullptr, &value, nullptr, nullptr, 0);
  canceller_->end();  // the connection is the program's, so it goes on with it whatever became of the request
  return ResultPtr(result, ClearResult{&api_});
}

Result<Answer> AdoptedSession::execute(const Request &request) {
  const auto *savepoint = std::get_if<Savepoint>(&request);
  const Outcome usable = check();
  // Going back to a savepoint is what an aborted transaction still takes.
  const bool aborted = !usable && usable.error().code == "transaction.aborted";
  if (!usable && !(savepoint != nullptr && aborted)) return Error(usable.error());
  const ResultPtr result = send(dialect_.encode(request, Placeholder::kDollar));
  const ExecStatusType status = api_.PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    const char *sqlstate = api_.PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    if (sqlstate == nullptr) return connection_lost();
    const char *message = api_.PQresultErrorField(result.get(), PG_DIAG_CONSTRAINT_NAME);
    if (message == nullptr) message = api_.PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY);
    return dialect_.error_of(sqlstate, message == nullptr ? "" : message);
  }
  std::string_view text;
  if (api_.PQntuples(result.get()) == 1 && api_.PQgetisnull(result.get(), 0, 0) == 0) {
    text = {api_.PQgetvalue(result.get(), 0, 0), static_cast<std::size_t>(api_.PQgetlength(result.get(), 0, 0))};
  }
  return dialect_.decode(request, text);
}

}  // namespace

Result<std::unique_ptr<Session>> adopt_connection(void *pgconn, const FunctionResolver &resolve,
                                                  const std::string &library, const Dialect &dialect) {
  Result<Source> source = Source::make(resolve, library);
  if (!source) return std::move(source.error());
  Result<LibpqApi> api = functions_of(*source);
  if (!api) return std::move(api.error());
  auto session = std::make_unique<AdoptedSession>(*api, source->take_module(), static_cast<PGconn *>(pgconn), dialect);
  if (Outcome usable = session->check(); !usable) return std::move(usable.error());
  session->prepare_to_cancel();
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace cala::store::postgres
