// Rows of entities that list their fields (core/fields.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/fields.h"
#include "core/write_fields.h"
#include "store/kept_json.h"
#include "store/row_reader.h"

namespace cala::store {

// How a row says what an answer says otherwise.
struct RowForm {
  static constexpr bool kRow = true;
  static void instant(base::JsonWriter &out, base::Timestamp value) { out.integer(value.micros()); }
  static void date(base::JsonWriter &out, base::Date value) { out.integer(value.days); }
  static void json_text(base::JsonWriter &out, const std::string &text) { out.string(text); }
  static void floors(base::JsonWriter &out, std::string_view key, const core::Floors &value) {
    write_optional(out, key, value.text());
  }
};

template <core::Listed T>
void read_fields(RowReader &row, T &entity);

inline void read_field(RowReader &row, const char *key, std::string &field) { field = row.text(key); }
inline void read_field(RowReader &row, const char *key, std::optional<std::string> &field) {
  field = row.optional_text(key);
}
inline void read_field(RowReader &row, const char *key, base::Uuid &field) { field = row.uuid(key); }
inline void read_field(RowReader &row, const char *key, std::optional<base::Uuid> &field) {
  field = row.optional_uuid(key);
}
inline void read_field(RowReader &row, const char *key, std::int64_t &field) { field = row.integer(key); }
inline void read_field(RowReader &row, const char *key, std::int32_t &field) {
  field = static_cast<std::int32_t>(row.integer(key));
}
inline void read_field(RowReader &row, const char *key, bool &field) { field = row.boolean(key); }
inline void read_field(RowReader &row, const char *key, base::Timestamp &field) { field = row.instant(key); }
inline void read_field(RowReader &row, const char *key, base::Date &field) {
  field = base::Date{static_cast<std::int32_t>(row.integer(key))};
}
inline void read_field(RowReader &row, const char *key, std::optional<base::Date> &field) {
  if (row.has(key)) read_field(row, key, field.emplace());
}
inline void read_field(RowReader &row, const char *key, core::Decimal &field) {
  field = row.parsed<core::Decimal>(key, core::Decimal::parse);
}
inline void read_field(RowReader &row, const char *key, core::Currency &field) {
  field = row.parsed<core::Currency>(key, core::Currency::parse);
}
inline void read_field(RowReader &row, const char *key, std::optional<core::Currency> &field) {
  if (row.has(key)) field = row.parsed<core::Currency>(key, core::Currency::parse);
}
inline void read_field(RowReader &row, const char *key, core::Floors &field) { field = row.floors(key); }
inline void read_field(RowReader &row, const char *key, core::MaxScale &field) {
  base::Result<core::MaxScale> scale = core::MaxScale::parse(row.member(key), {});
  if (!scale) return row.fail(key);
  field = scale.take();
}
inline void read_field(RowReader &row, const char *key, std::vector<base::Uuid> &field) {
  for (const base::JsonView item : row.member(key)) {
    const std::optional<base::Uuid> id = base::Uuid::parse(item.string());
    if (!id) row.fail(key);
    field.push_back(id.value_or(base::Uuid{}));
  }
}
template <core::Worded T>
void read_field(RowReader &row, const char *key, T &field) {
  field = row.parsed<T>(key, core::WordsOf<T>::parse);
}
template <core::Listed T>
void read_field(RowReader &row, const char *key, T &field) {
  RowReader part = row.inside(row.member(key));
  if (!part.failed()) read_fields(part, field);
  if (part.failed()) row.fail(key);
}
template <core::Listed T>
void read_field(RowReader &row, const char *key, std::vector<T> &field) {
  for (const base::JsonView item : row.member(key)) {
    RowReader part = row.inside(item);
    if (!part.failed()) read_fields(part, field.emplace_back());
    if (part.failed()) return row.fail(key);
  }
}

inline void keep_json(std::optional<std::string> &field) {
  if (field) *field = kept_json(*field);
}
template <typename T>
void keep_json(T &) {}  // no text

template <core::Listed T>
void read_fields(RowReader &row, T &entity) {
  core::Fields<T>::each([&](const char *key, auto member, const core::FieldKind &kind) {
    read_field(row, key, entity.*member);
    if (kind.json) keep_json(entity.*member);
  });
}

// A whole row, by its list alone.
template <core::Listed T>
base::Result<T> read_row(std::string_view what, base::JsonView row) {
  RowReader reader(what, row);
  T entity;
  if (!reader.failed()) read_fields(reader, entity);
  return finish(reader, std::move(entity));
}

template <core::Listed T>
void write_fields(base::JsonWriter &out, const T &entity) {
  core::write_fields<RowForm>(out, entity);
}

}  // namespace cala::store
