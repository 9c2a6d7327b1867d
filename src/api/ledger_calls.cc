// cala_ledger_* and the clock: opening, shutting down, freeing.
#include <memory>
#include <utility>

#include "api/backends.h"
#include "api/config.h"
#include "api/handles.h"
#include "base/time.h"
#include "runtime/clock.h"

namespace cala::api {

using base::Outcome;
using base::Result;
using base::Status;

namespace {

// The last answer of a ledger.
class ShutdownCompletion final : public runtime::Completion {
 public:
  ShutdownCompletion(cala_completion_fn fn, void *user) : fn_(fn), user_(user) {}
  std::uint64_t tag() const override { return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(user_)); }
  std::int32_t status() const override { return CALA_OK; }
  std::uint16_t type() const override { return CALA_RECORD_SHUTDOWN; }
  void append_data(std::string &out) const override { out += "{}"; }
  void deliver() override {
    if (fn_ != nullptr) fn_(user_, nullptr);
  }

 private:
  cala_completion_fn fn_;
  void *user_;
};

Result<runtime::ManualClock *> manual_clock_of(cala_ledger *ledger) {
  if (Outcome valid = check_handle<LedgerSlots>(ledger, "cala_ledger"); !valid) return std::move(valid.error());
  runtime::ManualClock *clock = ledger->state->manual_clock();
  if (clock != nullptr) return clock;
  return base::make_error(Status::kUnsupported, "clock.not_manual",
                          "the ledger runs on the system's clock; open it with {\"clock\": {\"manual\": ...}}");
}

Outcome as_clock_range(Outcome moved) {
  if (!moved) moved.error().code = "clock.range";
  return moved;
}

}  // namespace

}  // namespace cala::api

using namespace cala;

extern "C" {

cala_status cala_ledger_open(const char *config, size_t config_len, cala_ledger **out, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return live::misuse("out must not be NULL");
    *out = nullptr;
    if (config == nullptr && config_len > 0) return live::misuse("config is NULL but its length is not 0");
    base::Result<live::Config> read = api::read_config({config == nullptr ? "" : config, config_len});
    if (!read) return std::move(read.error());
    base::Result<live::Backend> backend = api::open_backend(*read);
    if (!backend) return std::move(backend.error());
    base::Result<std::shared_ptr<live::LedgerState>> state =
        live::LedgerState::open(*read, backend.take(), cala_version());
    if (!state) return std::move(state.error());
    *out = api::LedgerSlots::make(state.take());
    return {};
  });
}

cala_status cala_ledger_shutdown(cala_ledger *ledger, cala_queue *queue, cala_completion_fn fn, void *user,
                                 cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    if (queue == nullptr) return ledger->state->shutdown(nullptr, nullptr);
    if (base::Outcome valid = api::check_handle<api::QueueSlots>(queue, "cala_queue"); !valid) return valid;
    return ledger->state->shutdown(queue->state, std::make_shared<api::ShutdownCompletion>(fn, user));
  });
}

void cala_ledger_free(cala_ledger *ledger) {
  if (!api::LedgerSlots::valid(ledger)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    if (!runtime::forked_since(ledger->generation)) ledger->state->close();
    api::LedgerSlots::free(ledger);
    return {};
  });
}

cala_status cala_clock_set(cala_ledger *ledger, const char *rfc3339, size_t rfc3339_len, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    base::Result<runtime::ManualClock *> clock = api::manual_clock_of(ledger);
    if (!clock) return std::move(clock.error());
    if (rfc3339 == nullptr) return live::misuse("rfc3339 must not be NULL");
    const auto instant = base::Timestamp::parse({rfc3339, rfc3339_len});
    if (!instant) {
      return base::make_error(base::Status::kInvalid, "request.malformed",
                              "the clock is set by an RFC 3339 instant such as 2026-01-31T12:00:00Z");
    }
    return api::as_clock_range((*clock)->set(*instant));
  });
}

cala_status cala_clock_advance(cala_ledger *ledger, int64_t milliseconds, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    base::Result<runtime::ManualClock *> clock = api::manual_clock_of(ledger);
    if (!clock) return std::move(clock.error());
    return api::as_clock_range((*clock)->advance_millis(milliseconds));
  });
}

}  // extern "C"
