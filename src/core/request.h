// RequestReader: takes a request's JSON object apart, strictly: every key is asked for by name and type, and what
// nobody asked for is refused at finish(). It keeps the first error, naming the JSON pointer. Strings and views borrow
// from the Json.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/account/floors.h"
#include "core/values.h"

namespace cala::core {

// A JSON pointer (RFC 6901) to what stands under the key at that pointer.
std::string pointer_below(std::string pointer, std::string_view key);

class RequestReader {
 public:
  explicit RequestReader(base::JsonView object, std::string pointer = "");

  bool has(std::string_view key);            // there and not null
  bool is_null(std::string_view key);        // there and null
  base::JsonView any(std::string_view key);  // any JSON value, absent when missing

  std::string text(std::string_view key);
  std::optional<std::string> optional_text(std::string_view key);
  std::string name(std::string_view key);  // a text that is not empty
  std::optional<std::string> optional_name(std::string_view key);
  std::optional<std::string> optional_json(std::string_view key);  // as compact text; null is none
  base::Uuid uuid(std::string_view key);
  std::optional<base::Uuid> optional_uuid(std::string_view key);
  std::vector<base::Uuid> uuids(std::string_view key, std::size_t max);
  std::vector<std::string> texts(std::string_view key, std::size_t max);
  Currency currency(std::string_view key);
  bool boolean(std::string_view key, bool otherwise);
  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t min, std::int64_t max);
  base::Date date(std::string_view key);
  std::optional<base::Date> optional_date(std::string_view key);
  std::optional<base::Timestamp> optional_instant(std::string_view key);
  AmountLimits amount_limits(std::string_view key);             // of what is available; empty when missing or null
  base::JsonView object(std::string_view key);                  // required
  base::JsonView optional_object(std::string_view key);         // absent when missing or null
  base::JsonView array(std::string_view key, std::size_t max);  // required
  base::JsonView optional_array(std::string_view key, std::size_t max);

  // One of an enum's words; `otherwise` when missing.
  template <typename T, typename Parse>
  T word(std::string_view key, T otherwise, Parse parse, const char *words) {
    const base::JsonView value = take(key);
    if (!value.present() || value.is_null()) return otherwise;
    const std::optional<T> parsed = value.is_string() ? parse(value.string()) : std::nullopt;
    if (!parsed) fail("request.malformed", key, std::string("must be one of ") + words);
    return parsed.value_or(otherwise);
  }

  void fail(std::string_view code, std::string_view key, const std::string &what);
  void adopt(base::Outcome outcome);  // another reader's error becomes this one's
  std::string pointer_to(std::string_view key) const;
  bool failed() const { return error_ != nullptr; }

  // Refuses unknown keys and gives the first error, if any; a key that is unknown is named before one that is missing,
  // since it may be that one misspelt.
  base::Outcome finish();

 private:
  void fail_at(std::string_view code, const std::string &pointer, const std::string &what);
  base::JsonView take(std::string_view key);
  base::JsonView require(std::string_view key);

  base::JsonView object_;
  std::string pointer_;
  std::vector<std::string_view> known_;
  std::unique_ptr<base::Error> error_;
};

// "min_available", "max_available" and "available_layer" of an account or a set.
Floors read_floors(RequestReader &reader);
// What an update asks for: absent ones stay, a null amount is cleared.
struct FloorsChange {
  std::optional<AmountLimits> min;
  std::optional<AmountLimits> max;
  std::optional<Layer> layer;
};
FloorsChange read_floors_change(RequestReader &reader);
// Adds the names of the fields that it changes.
void apply(Floors &floors, const FloorsChange &change, std::vector<std::string> &fields);

}  // namespace cala::core
