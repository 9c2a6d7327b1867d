#include "core/request.h"

#include <algorithm>
#include <utility>

namespace cala::core {

using base::JsonView;
using base::Status;

RequestReader::RequestReader(JsonView object, std::string pointer) : object_(object), pointer_(std::move(pointer)) {
  if (object.present() && object.is_object()) return;
  object_ = JsonView();
  error_ = std::make_unique<base::Error>(
      base::make_error(Status::kInvalid, "request.malformed",
                       (pointer_.empty() ? std::string("the request") : pointer_) + " must be a JSON object"));
  base::JsonWriter details;
  details.begin_object().key("pointer").string(pointer_).end_object();
  error_->details = details.take();
}

std::string pointer_below(std::string pointer, std::string_view key) {
  pointer += '/';
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string RequestReader::pointer_to(std::string_view key) const { return pointer_below(pointer_, key); }

void RequestReader::fail(std::string_view code, std::string_view key, const std::string &what) {
  fail_at(code, pointer_to(key), what);
}

void RequestReader::fail_at(std::string_view code, const std::string &pointer, const std::string &what) {
  if (error_) return;
  error_ = std::make_unique<base::Error>(base::make_error(Status::kInvalid, code, pointer + " " + what));
  base::JsonWriter details;
  details.begin_object().key("pointer").string(pointer).end_object();
  error_->details = details.take();
}

void RequestReader::adopt(base::Outcome outcome) {
  if (!outcome && !error_) error_ = std::make_unique<base::Error>(std::move(outcome.error()));
}

JsonView RequestReader::take(std::string_view key) {
  known_.push_back(key);
  return object_.present() ? object_.get(key) : JsonView();
}

JsonView RequestReader::require(std::string_view key) {
  const JsonView value = take(key);
  if (value.present() && !value.is_null()) return value;
  fail("request.missing_key", key, "is required");
  return JsonView();
}

bool RequestReader::has(std::string_view key) {
  const JsonView value = take(key);
  return value.present() && !value.is_null();
}

bool RequestReader::is_null(std::string_view key) {
  const JsonView value = take(key);
  return value.present() && value.is_null();
}

JsonView RequestReader::any(std::string_view key) { return take(key); }

std::string RequestReader::text(std::string_view key) {
  const JsonView value = require(key);
  if (value.present() && !value.is_string()) fail("request.malformed", key, "must be a string");
  return value.present() ? std::string(value.string()) : std::string();
}

std::optional<std::string> RequestReader::optional_text(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return text(key);
}

std::string RequestReader::name(std::string_view key) {
  std::string value = text(key);
  if (value.empty()) fail("request.malformed", key, "must not be empty");
  return value;
}

std::optional<std::string> RequestReader::optional_name(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return name(key);
}

std::optional<std::string> RequestReader::optional_json(std::string_view key) {
  const JsonView value = take(key);
  if (!value.present() || value.is_null()) return std::nullopt;
  return value.text();
}

base::Uuid RequestReader::uuid(std::string_view key) {
  const JsonView value = require(key);
  if (!value.present()) return {};
  const std::optional<base::Uuid> id = value.is_string() ? base::Uuid::parse(value.string()) : std::nullopt;
  if (!id) fail("request.malformed", key, "must be a UUID, 8-4-4-4-12");
  return id.value_or(base::Uuid{});
}

std::optional<base::Uuid> RequestReader::optional_uuid(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return uuid(key);
}

std::vector<base::Uuid> RequestReader::uuids(std::string_view key, std::size_t max) {
  std::vector<base::Uuid> out;
  for (const JsonView item : array(key, max)) {
    const std::optional<base::Uuid> id = item.is_string() ? base::Uuid::parse(item.string()) : std::nullopt;
    if (!id) {
      fail_at("request.malformed", pointer_to(key) + "/" + std::to_string(out.size()), "must be a UUID, 8-4-4-4-12");
      return out;
    }
    out.push_back(*id);
  }
  return out;
}

std::vector<std::string> RequestReader::texts(std::string_view key, std::size_t max) {
  std::vector<std::string> out;
  for (const JsonView item : array(key, max)) {
    if (!item.is_string()) {
      fail_at("request.malformed", pointer_to(key) + "/" + std::to_string(out.size()), "must be a string");
      return out;
    }
    out.emplace_back(item.string());
  }
  return out;
}

Currency RequestReader::currency(std::string_view key) {
  const std::string code = text(key);
  const std::optional<Currency> currency = Currency::parse(code);
  if (!currency) fail("currency.unknown", key, "is not a currency that the ledger knows: \"" + code + "\"");
  return currency.value_or(Currency{});
}

bool RequestReader::boolean(std::string_view key, bool otherwise) {
  const JsonView value = take(key);
  if (!value.present() || value.is_null()) return otherwise;
  if (!value.is_bool()) fail("request.malformed", key, "must be true or false");
  return value.is_bool() ? value.boolean() : otherwise;
}

std::optional<std::int64_t> RequestReader::optional_integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const JsonView value = take(key);
  if (!value.present() || value.is_null()) return std::nullopt;
  const std::optional<std::int64_t> number = value.is_number() ? value.integer() : std::nullopt;
  if (number && *number >= min && *number <= max) return number;
  fail("request.malformed", key, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::int64_t RequestReader::integer(std::string_view key, std::int64_t otherwise, std::int64_t min, std::int64_t max) {
  return optional_integer(key, min, max).value_or(otherwise);
}

base::Date RequestReader::date(std::string_view key) {
  const std::optional<base::Date> date = base::Date::parse(text(key));
  if (!date) fail("request.malformed", key, "must be a date, YYYY-MM-DD");
  return date.value_or(base::Date{});
}

std::optional<base::Date> RequestReader::optional_date(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return date(key);
}

std::optional<base::Timestamp> RequestReader::optional_instant(std::string_view key) {
  const std::optional<std::string> value = optional_text(key);
  if (!value) return std::nullopt;
  const std::optional<base::Timestamp> instant = base::Timestamp::parse(*value);
  if (!instant) fail("request.malformed", key, "must be an RFC 3339 instant such as 2026-01-31T12:00:00Z");
  return instant;
}

AmountLimits RequestReader::amount_limits(std::string_view key) {
  const base::JsonView value = take(key);
  if (!value.present() || value.is_null()) return {};
  base::Result<AmountLimits> limits = AmountLimits::parse(value, pointer_to(key));
  if (limits) return limits.take();
  adopt(std::move(limits.error()));
  return {};
}

JsonView RequestReader::object(std::string_view key) {
  const JsonView value = require(key);
  if (value.present() && !value.is_object()) {
    fail("request.malformed", key, "must be a JSON object");
    return JsonView();
  }
  return value;
}

JsonView RequestReader::optional_object(std::string_view key) { return has(key) ? object(key) : JsonView(); }

JsonView RequestReader::array(std::string_view key, std::size_t max) {
  const JsonView value = require(key);
  if (!value.present()) return value;
  if (!value.is_array()) {
    fail("request.malformed", key, "must be a JSON array");
    return JsonView();
  }
  if (value.size() <= max) return value;
  fail("request.malformed", key, "may hold " + std::to_string(max) + " items at most");
  return JsonView();
}

JsonView RequestReader::optional_array(std::string_view key, std::size_t max) {
  return has(key) ? array(key, max) : JsonView();
}

base::Outcome RequestReader::finish() {
  const bool incomplete = error_ && error_->code == "request.missing_key";
  if ((!error_ || incomplete) && object_.present()) {
    for (const JsonView member : object_) {
      if (std::find(known_.begin(), known_.end(), member.key()) == known_.end()) {
        error_ = nullptr;
        fail("request.unknown_key", member.key(), "is not a key of this request");
        break;
      }
    }
  }
  if (error_) return std::move(*error_);
  return {};
}

constexpr const char *kLayers = "settled, pending, encumbrance";

Floors read_floors(RequestReader &reader) {
  Floors floors;
  floors.min = reader.amount_limits("min_available");
  floors.max = reader.amount_limits("max_available");
  floors.layer = reader.word("available_layer", Layer::kSettled, parse_layer, kLayers);
  return floors;
}

FloorsChange read_floors_change(RequestReader &reader) {
  FloorsChange change;
  if (reader.any("min_available").present()) change.min = reader.amount_limits("min_available");
  if (reader.any("max_available").present()) change.max = reader.amount_limits("max_available");
  if (reader.has("available_layer")) {
    change.layer = reader.word("available_layer", Layer::kSettled, parse_layer, kLayers);
  }
  if (reader.is_null("available_layer")) reader.fail("request.malformed", "available_layer", "cannot be cleared");
  return change;
}

void apply(Floors &floors, const FloorsChange &change, std::vector<std::string> &fields) {
  const auto set = [&fields](auto &field, const auto &to, const char *name) {
    if (!to || field == *to) return;
    field = *to;
    fields.emplace_back(name);
  };
  set(floors.min, change.min, "min_available");
  set(floors.max, change.max, "max_available");
  set(floors.layer, change.layer, "available_layer");
}

}  // namespace cala::core
