#include "store/program_rows.h"

namespace cala::store {

ProgramRows::ProgramRows() {
  columns_.begin_array();
  rows_.begin_array();
}

void ProgramRows::column(std::string_view name) { columns_.string(base::is_valid_utf8(name) ? name : "?"); }

void ProgramRows::begin_row() {
  if (in_row_) return;
  in_row_ = true;
  ++count_;
  rows_.begin_array();
}

void ProgramRows::end_row() {
  begin_row();
  rows_.end_array();
  in_row_ = false;
}

void ProgramRows::null() {
  begin_row();
  rows_.null();
}

void ProgramRows::text(std::string_view value) {
  if (!base::is_valid_utf8(value) || value.find('\0') != std::string_view::npos) return bytes(value);
  begin_row();
  rows_.string(value);
}

void ProgramRows::bytes(std::string_view value) {
  begin_row();
  std::string text = "\\x";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  rows_.string(text);
}

base::Result<std::string> ProgramRows::take(std::int64_t affected) {
  if (too_many()) {
    return base::make_error(base::Status::kInvalid, "tx.too_many_rows",
                            "the statement gives more than " + std::to_string(kMaxRows) + " rows");
  }
  base::JsonWriter out;
  columns_.end_array();
  rows_.end_array();
  out.begin_object().key("columns").raw(columns_.text()).key("rows").raw(rows_.text());
  out.key("affected").integer(affected).end_object();
  return out.take();
}

}  // namespace cala::store
