#include "core/rejection.h"

#include "base/json.h"

namespace cala::core {

base::Error rejection(base::Status status, const char *code, std::string message, Details details) {
  base::Error error = base::make_error(status, code, std::move(message));
  base::JsonWriter out;
  out.begin_object();
  for (const auto &[key, value] : details) out.key(key).string(value);
  out.end_object();
  error.details = out.take();
  return error;
}

namespace {

// "tx template", said of a noun.
std::string spoken(std::string_view noun) {
  std::string name(noun);
  for (char &c : name) {
    if (c == '_') c = ' ';
  }
  return name;
}

}  // namespace

base::Error not_found(std::string_view noun, std::string_view by, const std::string &key) {
  base::Error error = base::make_error(base::Status::kNotFound, std::string(noun) + ".not_found",
                                       "there is no " + spoken(noun) + " with " + std::string(by) + " \"" + key + "\"");
  base::JsonWriter details;
  details.begin_object().key(by).string(key).end_object();
  error.details = details.take();
  return error;
}

base::Error already_exists(std::string_view noun, std::string_view column, const std::optional<std::string> &value,
                           std::int64_t index) {
  const std::string with = value ? std::string(column) + " \"" + *value + "\"" : "this " + std::string(column);
  base::Error error = base::make_error(base::Status::kConflict, std::string(noun) + ".exists",
                                       "the ledger has another " + spoken(noun) + " with " + with);
  base::JsonWriter details;
  details.begin_object().key("column").string(column);
  if (value) details.key("value").string(*value);
  if (index >= 0) details.key("index").integer(index);
  details.end_object();
  error.details = details.take();
  return error;
}

}  // namespace cala::core
