// Journal: the book that transactions are posted to. A plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/uuid.h"
#include "core/terms.h"

namespace cala::core {

struct Journal {
  base::Uuid id;
  std::int64_t version = 1;
  std::string name;
  std::optional<std::string> code;
  std::optional<std::string> description;
  LockStatus status = LockStatus::kActive;
  bool effective_balances = false;
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

}  // namespace cala::core
