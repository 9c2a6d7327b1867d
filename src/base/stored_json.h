// What a store answers, parsed: as Json, but instants are microseconds since 1970, so integers of 64 bits are read, and exactly.
#pragma once

#include <memory>
#include <string_view>

#include "base/json.h"

namespace cala::base {

class StoredJson {
 public:
  static Result<StoredJson> parse(std::string_view text);

  JsonView root() const { return JsonView(root_.get()); }

 private:
  struct Delete {
    void operator()(cJSON *node) const;
  };
  std::unique_ptr<cJSON, Delete> root_;
};

}  // namespace cala::base
