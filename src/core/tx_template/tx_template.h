// TxTemplate: how a posting is made: declared params and a CEL expression for every field. The source of a template, as
// it was given and as it is stored. Immutable once created.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "cel/cel.h"
#include "core/fields.h"
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

template <>
struct WordsOf<ParamType> {
  static constexpr const char *all = "string, integer, decimal, boolean, uuid, date, timestamp, json";
  static std::optional<ParamType> parse(std::string_view text) { return cel::parse_param_type(text); }
  static std::string_view text(ParamType value) { return cel::param_type_name(value); }
};

template <>
struct Fields<TxTemplateParam> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("name", &TxTemplateParam::name, {.not_empty = true});
    visit("type", &TxTemplateParam::type, {.required = true});
    visit("default", &TxTemplateParam::default_expr, kGiven);
    visit("min", &TxTemplateParam::min, kGiven);
    visit("max", &TxTemplateParam::max, kGiven);
    visit("description", &TxTemplateParam::description, kGiven);
  }
};

template <>
struct Fields<TxTemplateTransaction> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("effective", &TxTemplateTransaction::effective, kGiven);
    visit("journal_id", &TxTemplateTransaction::journal_id, kGiven);
    visit("correlation_id", &TxTemplateTransaction::correlation_id, kGiven);
    visit("external_id", &TxTemplateTransaction::external_id, kGiven);
    visit("description", &TxTemplateTransaction::description, kGiven);
    visit("metadata", &TxTemplateTransaction::metadata, kGiven);
  }
};

template <>
struct Fields<TxTemplateEntry> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("entry_type", &TxTemplateEntry::entry_type, kGiven);
    visit("account_id", &TxTemplateEntry::account_id, kGiven);
    visit("layer", &TxTemplateEntry::layer, kGiven);
    visit("direction", &TxTemplateEntry::direction, kGiven);
    visit("units", &TxTemplateEntry::units, kGiven);
    visit("currency", &TxTemplateEntry::currency, kGiven);
    visit("description", &TxTemplateEntry::description, kGiven);
    visit("metadata", &TxTemplateEntry::metadata, kGiven);
    visit("min_available", &TxTemplateEntry::min_available, kGiven);
    visit("max_available", &TxTemplateEntry::max_available, kGiven);
  }
};

template <>
struct Fields<TxTemplate> {
  template <typename Visit>
  static void each(Visit &&visit) {
    visit("id", &TxTemplate::id, kId);
    visit("version", &TxTemplate::version, kKept);
    visit("code", &TxTemplate::code, {.not_empty = true});
    visit("params", &TxTemplate::params, {.most = 1000});
    visit("transaction", &TxTemplate::transaction, kGiven);
    visit("entries", &TxTemplate::entries, {.required = true, .most = 1000});
    visit("description", &TxTemplate::description, kGiven);
    visit("metadata", &TxTemplate::metadata, {.json = true});
    visit("created_at", &TxTemplate::created_at, kKept);
    visit("modified_at", &TxTemplate::modified_at, kKept);
  }
};

}  // namespace cala::core
