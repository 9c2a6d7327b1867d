// RowLiteral: writes an array of composite rows as PostgreSQL reads it from text, {"(1,abc)","(2,\"d e\")"}, straight
// into a JSON string, so that many typed rows cross as one value of the one JSON parameter. Each text passes three
// rounds of quoting (row, array, JSON) at once; everything else that a ledger row holds needs none.
// One thread at a time; the caller's string outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/uuid.h"
#include "core/values.h"

namespace cala::store::postgres {

class RowLiteral {
 public:
  explicit RowLiteral(std::string &out) : out_(out) { out_ += "\"{"; }

  RowLiteral &begin_row();
  RowLiteral &end_row();
  void end_array() { out_ += "}\""; }

  RowLiteral &integer(std::int64_t value);
  RowLiteral &uuid(const base::Uuid &value);
  RowLiteral &uuid_or_null(const std::optional<base::Uuid> &value);
  RowLiteral &uuid_unless_nil(const base::Uuid &value);
  RowLiteral &decimal(const core::Decimal &value);
  RowLiteral &instant(base::Timestamp value);
  RowLiteral &date(base::Date value);
  RowLiteral &word(std::string_view value);  // letters, digits and _ only
  RowLiteral &text(std::string_view value);
  RowLiteral &text_or_null(const std::optional<std::string> &value);
  RowLiteral &null();

 private:
  void separate();

  std::string &out_;
  bool any_rows_ = false;
  bool any_fields_ = false;
};

// {a,b} and {"x","y"} inside a JSON string.
void append_uuid_array(std::string &out, std::span<const base::Uuid> ids);
void append_text_array(std::string &out, std::span<const std::string> texts);

}  // namespace cala::store::postgres
