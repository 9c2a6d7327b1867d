#include "engine/health.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/answers.h"
#include "engine/makers.h"

namespace cala::engine {

namespace {

using base::Error;
using base::Outcome;
using base::Result;
using base::Status;
using store::StatementId;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLargest = 9007199254740991;
constexpr int kMostOldConnections = 3;  // that say nothing of the store

enum class State : std::uint8_t { kHealthy, kDegraded, kUnhealthy };

std::string_view word_of(State state) {
  return state == State::kHealthy ? "healthy" : state == State::kDegraded ? "degraded" : "unhealthy";
}

struct Limits {
  std::optional<std::int64_t> rollup_behind_max;
  std::optional<std::int64_t> listener_behind_max;
  std::optional<std::int64_t> prepared_age_max_ms;
  std::int64_t free_bytes_min = 0;
};

struct Check {
  std::string_view name;
  State state = State::kHealthy;
  std::string code;
  std::string message;
  std::vector<std::pair<std::string_view, std::int64_t>> numbers = {};
  std::string listener = {};
  std::optional<base::Timestamp> waiting_since = {};

  void worsen(State to, std::string with_code, std::string why) {
    state = to;
    code = std::move(with_code);
    message = std::move(why);
  }
  void count(std::string_view key, std::optional<std::int64_t> number) {
    if (number && *number >= 0) numbers.emplace_back(key, *number);
  }
};

Check refused(std::string_view name, State state, const Error &error) {
  return Check{name, state, error.code, error.message};
}

Render report_of(std::vector<Check> checks) {
  return [checks = std::move(checks)](base::JsonWriter &out) {
    State worst = State::kHealthy;
    for (const Check &check : checks) worst = std::max(worst, check.state);
    out.begin_object().key("status").string(word_of(worst)).key("checks").begin_array();
    for (const Check &check : checks) {
      out.begin_object().key("name").string(check.name).key("status").string(word_of(check.state));
      if (!check.code.empty()) out.key("code").string(check.code);
      if (!check.message.empty()) out.key("message").string(check.message);
      for (const auto &[key, number] : check.numbers) out.key(key).integer(number);
      if (!check.listener.empty()) out.key("listener").string(check.listener);
      if (check.waiting_since) out.key("waiting_since").string(check.waiting_since->micros_text());
      out.end_object();
    }
    out.end_array().end_object();
  };
}

std::optional<std::int64_t> number_in(base::JsonView object, const char *key) {
  const base::JsonView value = object.get(key);
  return value.present() && value.is_number() ? value.integer() : std::nullopt;
}

bool says(base::JsonView object, const char *key) {
  const base::JsonView value = object.get(key);
  return value.present() && value.is_bool() && value.boolean();
}

Result<base::Json> document_of(Result<store::Answer> answer) {
  if (!answer) return std::move(answer.error());
  return base::parse_stored(std::get<std::string>(*answer));
}

// What the library says of tables that it cannot work with.
bool is_about_schema(const Error &error) {
  return error.code == "store.migrations_missing" || error.code == "store.newer";
}

Check store_check(std::chrono::milliseconds took, const Surroundings *around) {
  Check check{"store", State::kHealthy, {}, {}};
  if (around != nullptr && !around->in_place) {
    check = refused("store", State::kUnhealthy, around->in_place.error());
  }
  check.count("took_ms", took.count());
  return check;
}

Check schema_check(std::int64_t found, std::int64_t known) {
  Check check{"schema", State::kHealthy, {}, {}};
  if (found > known) {
    check.worsen(State::kUnhealthy, "store.newer", "the tables are newer than this library");
  } else if (found < known) {
    check.worsen(State::kUnhealthy, "store.migrations_missing",
                 found == 0 ? "there is no ledger in this database yet" : "the tables are older than this library");
  }
  check.count("schema_version", found);
  check.count("library_schema_version", known);
  return check;
}

// Absent where nobody can tell without writing.
std::optional<Check> writable_check(base::JsonView found, const Surroundings *around) {
  Check check{"writable", State::kHealthy, {}, {}};
  if (around != nullptr && around->try_to_write) {
    const Outcome tried = around->try_to_write();
    if (tried) return check;
    const bool passes = tried.error().status == Status::kBusy;
    return refused("writable", passes ? State::kDegraded : State::kUnhealthy, tried.error());
  }
  if (!found.get("recovery").present()) return std::nullopt;
  if (says(found, "recovery")) {
    check.worsen(State::kUnhealthy, "store.unreachable", "the server is a standby, which takes no writes");
  } else if (says(found, "read_only")) {
    check.worsen(State::kUnhealthy, "store.read_only", "the connection or its role is set to read only");
  }
  return check;
}

Check rollup_check(base::JsonView found, const Limits &limits, const RollupFailure &failure) {
  Check check{"rollup", State::kHealthy, {}, {}};
  const std::int64_t behind = number_in(found, "rollup_behind").value_or(0);
  if (std::string code, message; failure.tell(code, message)) {
    check.worsen(State::kDegraded, std::move(code), std::move(message));
  } else if (limits.rollup_behind_max && behind > *limits.rollup_behind_max) {
    check.worsen(State::kDegraded, {}, "balances that follow are further behind than rollup_behind_max");
  }
  check.count("behind", behind);
  return check;
}

Check listeners_check(base::JsonView found, const Limits &limits) {
  Check check{"listeners", State::kHealthy, {}, {}};
  check.count("listeners", number_in(found, "listeners"));
  const base::JsonView last = found.get("listener");
  if (!last.present() || !last.is_object()) return check;
  const std::int64_t behind = number_in(last, "behind").value_or(0);
  if (limits.listener_behind_max && behind > *limits.listener_behind_max) {
    check.worsen(State::kDegraded, {}, "a listener is further behind than listener_behind_max");
  }
  check.count("behind", behind);
  check.listener = last.get("name").string();
  if (const auto since = number_in(last, "waiting_since"); since && behind > 0) {
    check.waiting_since = base::Timestamp::from_micros(*since);
  }
  return check;
}

// Absent on a standby, which knows of none.
std::optional<Check> prepared_check(base::JsonView found, const Limits &limits) {
  const base::JsonView prepared = found.get("prepared");
  if (!prepared.present() || !prepared.is_object()) return std::nullopt;
  Check check{"prepared", State::kHealthy, {}, {}};
  const std::optional<std::int64_t> age = number_in(prepared, "oldest_age_ms");
  if (limits.prepared_age_max_ms && age.value_or(-1) > *limits.prepared_age_max_ms) {
    check.worsen(State::kDegraded, {}, "a prepared transaction is older than prepared_age_max_ms");
  }
  check.count("prepared", number_in(prepared, "count"));
  check.count("oldest_age_ms", age);
  return check;
}

Check disk_check(base::JsonView found, const Limits &limits, const Surroundings *around) {
  Check check{"disk", State::kHealthy, {}, {}};
  const store::DiskUse use = around == nullptr ? store::DiskUse() : around->disk;
  if (use.free_bytes >= 0 && use.free_bytes < limits.free_bytes_min) {
    check.worsen(State::kDegraded, {}, "less than free_bytes_min is free on the disk");
  }
  check.count("file_bytes", use.file_bytes >= 0 ? use.file_bytes : number_in(found, "file_bytes"));
  check.count("wal_bytes", use.wal_bytes);
  check.count("free_bytes", use.free_bytes);
  return check;
}

// In a transaction what the store refuses is the operation's own failure, since it may have ended the transaction.
Flow look(Context context, Limits limits) {
  std::vector<Check> checks;
  const Clock::time_point began = Clock::now();
  Result<store::Answer> probe = co_await ask(read_call(StatementId::kSchemaProbe, "{}"));
  const auto took = std::chrono::ceil<std::chrono::milliseconds>(Clock::now() - began);
  const Result<base::Json> present = document_of(std::move(probe));
  if (!present) {
    if (context.inside || present.error().status == Status::kCancelled) co_return Error(present.error());
    const State state = present.error().status == Status::kBusy ? State::kDegraded : State::kUnhealthy;
    checks.push_back(refused(is_about_schema(present.error()) ? "schema" : "store", state, present.error()));
    co_return report_of(std::move(checks));
  }
  checks.push_back(store_check(took, context.surroundings));
  std::int64_t version = 0;
  const base::JsonView there = present->root().get("present");  // a number where a program's driver made it one
  if (there.present() && (there.is_bool() ? there.boolean() : there.integer() == 1)) {
    Result<store::Answer> answer = co_await ask(read_call(StatementId::kSchemaRead, "{}"));
    const Result<base::Json> schema = document_of(std::move(answer));
    if (!schema) {
      if (context.inside) co_return Error(schema.error());
      checks.push_back(refused("schema", State::kUnhealthy, schema.error()));
      co_return report_of(std::move(checks));
    }
    version = number_in(schema->root(), "version").value_or(0);
  }
  const std::int64_t known = context.ledger->dialect().schema_version();
  checks.push_back(schema_check(version, known));
  if (version != known) co_return report_of(std::move(checks));
  Result<store::Answer> answer = co_await ask(read_call(StatementId::kLedgerHealth, "{}"));
  const Result<base::Json> found = document_of(std::move(answer));
  if (!found) {
    if (context.inside) co_return Error(found.error());
    if (is_about_schema(found.error())) {
      checks.back() = refused("schema", State::kUnhealthy, found.error());
    } else {
      checks.front() = refused("store", State::kUnhealthy, found.error());
    }
    co_return report_of(std::move(checks));
  }
  if (const base::JsonView missing = found->root().get("missing"); missing.present() && missing.is_string()) {
    checks.back().worsen(State::kUnhealthy, "store.migrations_missing",
                         "tables are missing: " + std::string(missing.string()));
    co_return report_of(std::move(checks));
  }
  if (std::optional<Check> writable = writable_check(found->root(), context.surroundings)) {
    checks.push_back(std::move(*writable));
  }
  checks.push_back(rollup_check(found->root(), limits, context.ledger->rollup_failure()));
  checks.push_back(listeners_check(found->root(), limits));
  if (std::optional<Check> prepared = prepared_check(found->root(), limits)) checks.push_back(std::move(*prepared));
  checks.push_back(disk_check(found->root(), limits, context.surroundings));
  co_return report_of(std::move(checks));
}

Render silent_store(std::chrono::milliseconds patience) {
  std::vector<Check> checks;
  checks.push_back(Check{"store", State::kUnhealthy, "op.timeout",
                         "the store has not answered in " + std::to_string(patience.count()) + " ms"});
  return report_of(std::move(checks));
}

// Where there is one writer, only being it says that there can be one.
Outcome try_to_write(SessionPool &pool, CancelToken &cancel) {
  const Interruptible<SessionPool> waiting(cancel, &pool);
  Result<SessionPool::Lease> lease = pool.acquire(store::Access::kWrite, cancel.flag());
  Outcome begun;
  if (lease) {
    const Interruptible<store::Session> beginning(cancel, &**lease);
    begun = (*lease)->begin(store::Access::kWrite);
    (*lease)->rollback();
  } else {
    begun = std::move(lease.error());
  }
  if (!begun && begun.error().status == Status::kCancelled) {
    return base::make_error(Status::kBusy, "store.busy", "somebody else is the one writer, and has not come to an end");
  }
  return begun;
}

// Gives what kept it from asking anything.
std::optional<Error> ask_all(Operation &operation, const Context &context, store::Session &session,
                             CancelToken &cancel) {
  if (Outcome begun = session.begin(store::Access::kRead); !begun) return std::move(begun.error());
  operation.begin(context);
  bool first = true;
  while (const store::Request *request = operation.pending()) {
    Result<store::Answer> answer = cancelled_error();
    if (!cancel.cancelled()) answer = session.execute(*request);
    if (!answer && std::exchange(first, false) && answer.error().code == "store.connection_lost") {
      return std::move(answer.error());
    }
    operation.feed(std::move(answer));
  }
  session.rollback();
  return std::nullopt;
}

void answer_all(Operation &operation, const Context &context, const Error &error) {
  operation.begin(context);
  while (operation.pending() != nullptr) operation.feed(Error(error));
}

}  // namespace

Result<Render> examine(Operation &operation, Ledger &ledger, store::Store &store, SessionPool &pool,
                       Examination &examination, Clock::time_point deadline, Outcome ready) {
  CancelToken &cancel = examination.cancel();
  Surroundings around;
  around.disk = store.disk_use();
  around.in_place = store.in_place();
  Context context;
  context.ledger = &ledger;
  context.surroundings = &around;
  if (!ready) {
    answer_all(operation, context, ready.error());
    return operation.take_outcome();
  }
  std::optional<Error> refusal;
  // Where all sessions are lent out that is what is told, and in time.
  const Clock::time_point patience = deadline - (deadline - Clock::now()) / 4;
  for (int tries = 0; tries < kMostOldConnections; ++tries) {
    Result<SessionPool::Lease> lease = pool.acquire(store::Access::kRead, cancel.flag(), patience);
    if (lease) {
      if (store.max_writers() == 1) {
        around.try_to_write = [&pool, &examination, session = &**lease] {
          session->rollback();  // all has been read
          return try_to_write(pool, examination.writing());
        };
      }
      const Interruptible<store::Session> asking(cancel, &**lease);
      refusal = ask_all(operation, context, **lease, cancel);
    } else {
      refusal = std::move(lease.error());
    }
    if (!refusal || refusal->code != "store.connection_lost") break;
  }
  if (cancel.cancelled()) return cancelled_error();
  if (refusal && refusal->status == Status::kClosed) return std::move(*refusal);
  if (refusal) answer_all(operation, context, *refusal);
  return operation.take_outcome();
}

void Examination::end(Result<Render> found) {
  const std::lock_guard<std::mutex> lock(mutex_);
  found_.emplace(std::move(found));
  ended_.notify_all();
}

Result<Render> Examination::await(Clock::time_point deadline, std::chrono::milliseconds patience) {
  const Clock::time_point half = deadline - (deadline - Clock::now()) / 2;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto found = [this] { return found_.has_value(); };
    if (!ended_.wait_until(lock, half, found)) writing_.cancel();
    if (ended_.wait_until(lock, deadline, found)) return std::move(*found_);
    given_up_ = true;
  }
  const bool cancelled = cancel_.cancelled();
  cancel_.cancel();
  return cancelled ? Result<Render>(cancelled_error()) : silent_store(patience);
}

bool Examination::in_vain() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return given_up_;
}

Result<OperationPtr> ledger_health(Ledger &, const RequestPtr &request) {
  RequestReader reader(request->root());
  const std::chrono::milliseconds patience(reader.integer("timeout_ms", 5000, 1, 60'000));
  Limits limits;
  limits.rollup_behind_max = reader.optional_integer("rollup_behind_max", 0, kLargest);
  limits.listener_behind_max = reader.optional_integer("listener_behind_max", 0, kLargest);
  limits.prepared_age_max_ms = reader.optional_integer("prepared_age_max_ms", 0, kLargest);
  limits.free_bytes_min = reader.integer("free_bytes_min", 100'000'000, 0, kLargest);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return std::make_unique<Operation>("ledger_health", Operation::Traits{.examines_for = patience, .of_ledger = true},
                                     [limits](Context context) { return look(context, limits); });
}

}  // namespace cala::engine
