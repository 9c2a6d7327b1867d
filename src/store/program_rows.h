// ProgramRows: puts together the document that answers a ProgramStatement, {columns, rows, affected}.
// One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace cala::store {

class ProgramRows {
 public:
  ProgramRows();
  // All columns, then the values row by row. Bytes that are no UTF-8 text go out as \x and hexadecimal digits.
  void column(std::string_view name);
  void null();
  void text(std::string_view value);
  void bytes(std::string_view value);
  void end_row();

  bool too_many() const { return count_ > kMaxRows; }
  // kInvalid "tx.too_many_rows" past kMaxRows.
  base::Result<std::string> take(std::int64_t affected);

 private:
  static constexpr std::size_t kMaxRows = 100000;

  void begin_row();

  bool in_row_ = false;
  std::size_t count_ = 0;
  base::JsonWriter columns_;
  base::JsonWriter rows_;
};

}  // namespace cala::store
