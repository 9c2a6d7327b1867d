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

base::Error not_found(std::string_view noun, std::string_view by, const std::string &key) {
  std::string name(noun);
  for (char &c : name) {
    if (c == '_') c = ' ';
  }
  base::Error error = base::make_error(base::Status::kNotFound, std::string(noun) + ".not_found",
                                       "there is no " + name + " with " + std::string(by) + " \"" + key + "\"");
  base::JsonWriter details;
  details.begin_object().key(by).string(key).end_object();
  error.details = details.take();
  return error;
}

}  // namespace cala::core
