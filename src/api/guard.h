// Guard: what every exported function is made of. No exception leaves it, every failure becomes a status and, where
// asked for, a cala_error.
#pragma once

#include <memory>
#include <new>
#include <string>
#include <utility>

#include "api/slots.h"
#include "base/error.h"
#include "cala.h"

struct cala_error : cala::api::Handle<cala::base::Error> {};

namespace cala::api {

using ErrorSlots = Slots<cala_error, kErrorMagic>;

inline cala_status status_of(base::Status status) { return static_cast<cala_status>(status); }

// An owned cala_error, or null when there is no memory for one.
cala_error *make_error_handle(base::Error error) noexcept;
// Of what was thrown.
cala_error *make_error_handle(base::Status status, const char *code, const char *message) noexcept;

// fn: () -> base::Outcome.
template <typename Fn>
cala_status guard(cala_error **out_error, Fn &&fn) noexcept {
  if (out_error != nullptr) *out_error = nullptr;
  try {
    base::Outcome outcome = fn();
    if (outcome) return CALA_OK;
    const cala_status status = status_of(outcome.error().status);
    if (out_error != nullptr) *out_error = make_error_handle(std::move(outcome.error()));
    return status;
  } catch (const std::bad_alloc &) {
    if (out_error != nullptr) {
      *out_error = make_error_handle(base::Status::kNoMemory, "memory.exhausted", "out of memory");
    }
    return CALA_NO_MEMORY;
  } catch (...) {
    if (out_error != nullptr) {
      *out_error = make_error_handle(base::Status::kInternal, "call.failed", "the call ended in an unexpected way");
    }
    return CALA_INTERNAL;
  }
}

}  // namespace cala::api
