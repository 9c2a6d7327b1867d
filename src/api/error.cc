// cala_error_*: reading and ending errors.
#include "api/backends.h"
#include "api/guard.h"

namespace cala::api {

static_assert(static_cast<int>(base::Status::kMisuse) == CALA_MISUSE);
static_assert(static_cast<int>(base::Status::kOutcomeUnknown) == CALA_OUTCOME_UNKNOWN);
static_assert(static_cast<int>(base::Status::kRejected) == CALA_REJECTED);
static_assert(static_cast<int>(base::Status::kNoMemory) == CALA_NO_MEMORY);
static_assert(static_cast<int>(base::TxState::kRetry) == CALA_TX_RETRY);

cala_error *make_error_handle(base::Error error) noexcept {
  try {
    if (error.details.empty()) error.details = "{}";
    return ErrorSlots::make(std::make_shared<base::Error>(std::move(error)));
  } catch (...) {
    return nullptr;
  }
}

cala_error *make_error_handle(base::Status status, const char *code, const char *message) noexcept {
  try {
    return make_error_handle(base::make_error(status, code, message));
  } catch (...) {
    return nullptr;
  }
}

namespace {

const base::Error *look(const cala_error *error) { return ErrorSlots::valid(error) ? error->state.get() : nullptr; }

}  // namespace

}  // namespace cala::api

using cala::api::look;

extern "C" {

cala_status cala_error_status(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? CALA_OK : cala::api::status_of(found->status);
}

const char *cala_error_code(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? "" : found->code.c_str();
}

const char *cala_error_message(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? "" : found->message.c_str();
}

int32_t cala_error_retryable(const cala_error *error) {
  const auto *found = look(error);
  return found != nullptr && found->retryable ? 1 : 0;
}

const char *cala_error_sqlstate(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? "" : found->sqlstate.c_str();
}

int32_t cala_error_tx_state(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? CALA_TX_USABLE : static_cast<int32_t>(found->tx_state);
}

int64_t cala_error_posting_index(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? -1 : found->posting_index;
}

const char *cala_error_details(const cala_error *error) {
  const auto *found = look(error);
  return found == nullptr ? "{}" : found->details.c_str();
}

void cala_error_free(cala_error *error) { cala::api::ErrorSlots::free(error); }

int32_t cala_lost_race(const char *sqlstate) {
  bool lost = false;
  const cala_status status = cala::api::guard(nullptr, [&] {
    if (sqlstate != nullptr) lost = cala::api::lost_race(sqlstate);
    return cala::base::Outcome();
  });
  return status == CALA_OK && lost ? 1 : 0;
}

}  // extern "C"
