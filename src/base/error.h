// Error: why something failed, in the ledger's words. Result<T>: a value or an Error.
// Nothing in libcala's own code throws; every fallible function returns a Result and callers must look at it.
// Plain values: copy, move and share them between threads freely once built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cala::base {

// The same numbers as cala_status in cala.h (a static_assert in src/api holds them together). Append only.
enum class Status : std::int32_t {
  kOk = 0,
  kMisuse = 1,
  kInvalid = 2,
  kNotFound = 3,
  kConflict = 4,
  kRejected = 5,
  kBusy = 6,
  kTimeout = 7,
  kCancelled = 8,
  kClosed = 9,
  kUnavailable = 10,
  kPermission = 11,
  kUnsupported = 12,
  kNoMemory = 13,
  kInternal = 14,
  kForked = 15,
  kOutcomeUnknown = 16,
};

// What a failed statement means for the transaction it ran in (cala_tx_state in cala.h).
enum class TxState : std::int32_t { kUsable = 0, kAborted = 1, kRetry = 2 };

struct Error {
  Status status = Status::kInternal;
  std::string code;      // stable, dotted: "account.locked"
  std::string message;   // one line of plain English, no secrets
  std::string sqlstate;  // five characters when a database said no, else empty
  std::string details;   // a JSON object as text, or empty
  bool retryable = false;
  TxState tx_state = TxState::kUsable;
  std::int64_t posting_index = -1;  // which posting of a batch, -1 when none
};

// A message is one line of bounded length, whatever a request's text brought into it.
inline std::string as_one_line(std::string message) {
  constexpr std::size_t longest = 1000;
  if (message.size() > longest) {
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0U) == 0x80U) --end;  // whole characters only
    message.resize(end);
    message += "...";
  }
  for (char &c : message) {
    if (static_cast<unsigned char>(c) < 0x20U) c = ' ';
  }
  return message;
}

inline Error make_error(Status status, std::string_view code, std::string message) {
  Error error;
  error.status = status;
  error.code = code;
  error.message = as_one_line(std::move(message));
  return error;
}

// A value or an Error. The error sits behind a pointer so that the happy path stays small.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::make_unique<Error>(std::move(error))) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T &value() & { return *std::get_if<0>(&state_); }
  const T &value() const & { return *std::get_if<0>(&state_); }
  T &&take() { return std::move(*std::get_if<0>(&state_)); }
  T &operator*() { return value(); }
  const T &operator*() const { return value(); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &value(); }
  Error &error() { return **std::get_if<1>(&state_); }
  const Error &error() const { return **std::get_if<1>(&state_); }

 private:
  std::variant<T, std::unique_ptr<Error>> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::make_unique<Error>(std::move(error))) {}
  bool ok() const { return error_ == nullptr; }
  explicit operator bool() const { return ok(); }
  Error &error() { return *error_; }
  const Error &error() const { return *error_; }

 private:
  std::unique_ptr<Error> error_;
};

using Outcome = Result<void>;

}  // namespace cala::base
