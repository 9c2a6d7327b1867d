// What the readers and writers of rows (store/rows.h) share: the members of one row, read with their types, and
// keys that may be absent. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/account/floors.h"

namespace cala::store {

// Reads the members of one row and remembers the first that is not what it should be.
class RowReader {
 public:
  RowReader(std::string_view what, base::JsonView row) : what_(what), row_(row) {
    if (!row.present() || !row.is_object()) fail("(row)");
  }

  base::Uuid uuid(std::string_view key) {
    const std::optional<base::Uuid> id = base::Uuid::parse(row_.get(key).string());
    if (!id) fail(key);
    return id.value_or(base::Uuid{});
  }
  std::optional<base::Uuid> optional_uuid(std::string_view key) {
    if (is_absent(key)) return std::nullopt;
    return uuid(key);
  }
  std::string text(std::string_view key) {
    const base::JsonView value = row_.get(key);
    if (!value.present() || !value.is_string()) fail(key);
    return std::string(value.present() ? value.string() : std::string_view());
  }
  std::optional<std::string> optional_text(std::string_view key) {
    if (is_absent(key)) return std::nullopt;
    return text(key);
  }
  std::int64_t integer(std::string_view key) {
    const base::JsonView value = row_.get(key);
    const std::optional<std::int64_t> number = value.present() ? value.integer() : std::nullopt;
    if (!number) fail(key);
    return number.value_or(0);
  }
  // SQLite has no booleans: 0 and 1 will do.
  bool boolean(std::string_view key) {
    const base::JsonView value = row_.get(key);
    if (value.present() && value.is_bool()) return value.boolean();
    return integer(key) != 0;
  }
  base::Timestamp instant(std::string_view key) { return base::Timestamp::from_micros(integer(key)); }
  template <typename T, typename Parse>
  T parsed(std::string_view key, Parse parse) {
    const auto value = parse(row_.get(key).present() ? row_.get(key).string() : std::string_view());
    if (!value) fail(key);
    return value ? *value : T{};
  }
  core::Floors floors(std::string_view key) {
    if (is_absent(key)) return {};
    return parsed<core::Floors>(key, core::Floors::parse_text);
  }
  bool has(std::string_view key) const { return !is_absent(key); }
  base::JsonView member(std::string_view key) const { return row_.get(key); }
  RowReader inside(base::JsonView part) const { return RowReader(what_, part); }

  void fail(std::string_view key) {
    if (bad_.empty()) bad_ = key;
  }
  bool failed() const { return !bad_.empty(); }
  base::Error error() const {
    return base::make_error(base::Status::kInternal, "store.corrupt",
                            "the store gave a " + what_ + " whose \"" + bad_ + "\" is not as this library writes it");
  }

 private:
  bool is_absent(std::string_view key) const {
    const base::JsonView value = row_.get(key);
    return !value.present() || value.is_null();
  }

  std::string what_;
  base::JsonView row_;
  std::string bad_;
};

template <typename T>
base::Result<T> finish(RowReader &reader, T value) {
  if (reader.failed()) return reader.error();
  return value;
}

inline void write_optional(base::JsonWriter &out, std::string_view key, const std::optional<std::string> &value) {
  if (value) out.key(key).string(*value);
}

inline void write_optional(base::JsonWriter &out, std::string_view key, const std::optional<base::Uuid> &value) {
  if (value) out.key(key).string(value->text());
}

}  // namespace cala::store
