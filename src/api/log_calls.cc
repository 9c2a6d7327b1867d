// cala_ledger_log: who hears a ledger's log.
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "api/handles.h"
#include "base/json.h"
#include "engine/request.h"
#include "live/log.h"

namespace cala::api {

using base::Outcome;
using base::Result;

static_assert(static_cast<int>(runtime::MessageType::kLog) == CALA_RECORD_LOG &&
              static_cast<int>(runtime::MessageType::kDropped) == CALA_RECORD_DROPPED);

namespace {

struct LogOptions {
  engine::LogLevel level = engine::LogLevel::kWarn;
  std::optional<std::chrono::milliseconds> slow;
  std::size_t buffer = runtime::Queue::kDefaultLogCapacity;
};

Result<LogOptions> read_log_options(const char *options, std::size_t length) {
  Result<base::Json> json = base::Json::parse(length == 0 ? std::string_view("{}") : std::string_view(options, length));
  if (!json) return std::move(json.error());
  engine::RequestReader reader(json->root());
  LogOptions out;
  out.level = reader.word("level", out.level, engine::log_level_of, "error, warn, info, debug");
  if (const auto slow = reader.optional_integer("slow_ms", 0, 3'600'000)) out.slow = std::chrono::milliseconds(*slow);
  out.buffer = static_cast<std::size_t>(reader.integer("buffer", static_cast<std::int64_t>(out.buffer), 1, 100'000));
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return out;
}

}  // namespace

}  // namespace cala::api

using namespace cala;

extern "C" {

cala_status cala_ledger_log(cala_ledger *ledger, const char *options, size_t options_len, cala_queue *queue,
                            cala_log_fn fn, void *user, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    if (options == nullptr && options_len > 0) return live::misuse("options is NULL but its length is not 0");
    base::Result<api::LogOptions> read = api::read_log_options(options, options_len);
    if (!read) return std::move(read.error());
    if (queue == nullptr) return ledger->state->log_to(nullptr, read->level, {});
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    if (ledger->state->closing()) return live::closed_error();
    queue->state->set_log_capacity(read->buffer);
    return ledger->state->log_to(std::make_shared<live::QueueLog>(queue->state, *queue->ears, fn, user), read->level,
                                 read->slow);
  });
}

}  // extern "C"
