#include "live/schema_check.h"

#include <string>
#include <utility>
#include <variant>

#include "base/json.h"
#include "base/json_repair.h"
#include "engine/rollup.h"

namespace cala::live {

using base::Outcome;
using base::Result;
using base::Status;

namespace {

base::Error not_migrated(std::string message) {
  return base::make_error(Status::kUnsupported, "store.migrations_missing",
                          std::move(message) + "; open with \"migrate\": true or run ledger_migrate");
}

Result<std::int64_t> ask_integer(store::Session &session, store::StatementId id, const char *key) {
  Result<store::Answer> answer = session.execute(store::Call{.id = id, .document = "{}"});
  if (!answer) return std::move(answer.error());
  Result<base::Json> json = base::parse_stored(std::get<std::string>(*answer));
  if (!json) return std::move(json.error());
  const base::JsonView value = json->root().get(key);
  if (value.present() && value.is_bool()) return value.boolean() ? 1 : 0;
  return value.present() ? value.integer().value_or(0) : 0;
}

}  // namespace

Outcome check_schema(store::Session &session, std::int64_t expected) {
  const Result<std::int64_t> present = ask_integer(session, store::StatementId::kSchemaProbe, "present");
  if (!present) return base::Error(present.error());
  if (*present == 0) return not_migrated("there is no ledger in this database yet");
  const Result<std::int64_t> version = ask_integer(session, store::StatementId::kSchemaRead, "version");
  if (!version) return base::Error(version.error());
  if (*version > expected) {
    return base::make_error(Status::kUnsupported, "store.newer",
                            "the ledger's tables are at version " + std::to_string(*version) +
                                ", newer than this library knows (" + std::to_string(expected) + ")");
  }
  if (*version < expected) {
    return not_migrated("the ledger's tables are at version " + std::to_string(*version) + ", this library needs " +
                        std::to_string(expected));
  }
  return {};
}

bool leaves_balances_behind(store::Session &session) {
  Result<store::Answer> answer =
      session.execute(store::Call{.id = store::StatementId::kRollupStatus, .document = R"({"timeout_ms":0})"});
  if (!answer) return false;
  const Result<engine::RollupProgress> progress = engine::rollup_progress(std::get<std::string>(*answer));
  return progress && !progress->caught_up();
}

}  // namespace cala::live
