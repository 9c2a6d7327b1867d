// TxTemplate: how a posting is made: declared params and a CEL expression for every field. The source of a template, as it was
// given and as it is stored. Immutable once created.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "core/values.h"

namespace cala::core {

struct TxTemplateParam {
  std::string name;
  ParamType type = ParamType::kString;
  std::optional<std::string> default_expr;  // CEL
  std::optional<std::string> description;
  std::optional<std::string> min{}, max{};  // CEL, constants
};

struct TxTemplateEntry {  // every field is CEL
  std::string entry_type;
  std::string account_id;
  std::string layer;
  std::string direction;
  std::string units;
  std::string currency;
  std::optional<std::string> description;
  std::optional<std::string> metadata;
  std::optional<std::string> min_available{}, max_available{};
};

struct TxTemplateTransaction {  // every field is CEL
  std::string effective;
  std::string journal_id;
  std::optional<std::string> correlation_id;
  std::optional<std::string> external_id;
  std::optional<std::string> description;
  std::optional<std::string> metadata;
};

struct TxTemplate {
  base::Uuid id;
  std::int64_t version = 1;
  std::string code;
  std::vector<TxTemplateParam> params;
  TxTemplateTransaction transaction;
  std::vector<TxTemplateEntry> entries;
  std::optional<std::string> description;
  std::optional<std::string> metadata;  // JSON text
  base::Timestamp created_at;
  base::Timestamp modified_at;
};

}  // namespace cala::core
