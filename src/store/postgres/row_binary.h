// RowBinary: an array of composite rows as PostgreSQL receives it in binary, for a parameter of a connection of ours;
// RowLiteral's twin, field for field. A row names the type of each of its fields, so a table of them is given; the ids
// of the ledger's own types differ from database to database.
// One thread at a time; the caller's string outlives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/uuid.h"
#include "core/values.h"

namespace cala::store::postgres {

using TypeId = std::uint32_t;

// What one database calls the types of a posting's rows.
struct RowTypes {
  TypeId key = 0;
  TypeId transaction = 0;
  TypeId entry = 0;
  TypeId history = 0;
  TypeId balance = 0;
  TypeId bucket = 0;
  TypeId layer = 0;
  TypeId direction = 0;
};

enum class Field : std::uint8_t {
  kSmall,    // smallint
  kInteger,  // integer
  kBig,      // bigint
  kUuid,
  kText,
  kJson,
  kDate,
  kInstant,
  kDecimal,
  kLayer,
  kDirection
};

class RowBinary {
 public:
  RowBinary(std::string &out, TypeId row, std::span<const Field> fields, const RowTypes &types);

  RowBinary &begin_row();
  RowBinary &end_row();
  void end_array();

  RowBinary &integer(std::int64_t value);
  RowBinary &uuid(const base::Uuid &value);
  RowBinary &uuid_or_null(const std::optional<base::Uuid> &value) { return value ? uuid(*value) : null(); }
  RowBinary &uuid_unless_nil(const base::Uuid &value) { return value.is_nil() ? null() : uuid(value); }
  RowBinary &decimal(const core::Decimal &value);
  RowBinary &instant(base::Timestamp value);
  RowBinary &date(base::Date value);
  RowBinary &word(std::string_view value) { return text(value); }
  RowBinary &text(std::string_view value);
  RowBinary &text_or_null(const std::optional<std::string> &value) { return value ? text(*value) : null(); }
  RowBinary &null();

 private:
  Field next();

  std::string &out_;
  std::span<const Field> fields_;
  const RowTypes &types_;
  std::size_t array_ = 0;  // where it begins
  std::size_t row_ = 0;    // where the length of the row at hand stands
  std::size_t field_ = 0;  // which is next
  std::uint32_t rows_ = 0;
};

// Arrays of PostgreSQL's own types.
std::string binary_array(std::span<const base::Uuid> ids);
std::string binary_array(std::span<const std::string> texts);
std::string binary_array(std::span<const std::int32_t> integers);
std::string binary_array(std::span<const std::int64_t> integers);

}  // namespace cala::store::postgres
