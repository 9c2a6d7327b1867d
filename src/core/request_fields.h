// Requests for entities that list their fields (core/fields.h): for new ones, and for changes.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/account/floors.h"
#include "core/fields.h"
#include "core/journal/journal.h"
#include "core/request.h"

namespace cala::core {

template <Listed T>
void read_fields(RequestReader &reader, T &entity);

inline void read_field(RequestReader &reader, const char *key, const FieldKind &kind, std::string &field) {
  field = kind.not_empty ? reader.name(key) : reader.text(key);
}
inline void read_field(RequestReader &reader, const char *key, const FieldKind &kind,
                       std::optional<std::string> &field) {
  field = kind.json        ? reader.optional_json(key)
          : kind.not_empty ? reader.optional_name(key)
                           : reader.optional_text(key);
}
inline void read_field(RequestReader &reader, const char *key, const FieldKind &kind, base::Uuid &field) {
  field = kind.drawn ? reader.optional_uuid(key).value_or(base::Uuid{}) : reader.uuid(key);
}
inline void read_field(RequestReader &reader, const char *key, const FieldKind &, bool &field) {
  field = reader.boolean(key, field);
}
inline void read_field(RequestReader &reader, const char *key, const FieldKind &, std::optional<Currency> &field) {
  if (reader.has(key)) field = reader.currency(key);
}
inline void read_field(RequestReader &reader, const char *, const FieldKind &, Floors &field) {
  field = read_floors(reader);
}
inline void read_field(RequestReader &reader, const char *key, const FieldKind &, MaxScale &field) {
  if (!reader.has(key)) return;
  base::Result<MaxScale> scale = MaxScale::parse(reader.any(key), reader.pointer_to(key));
  if (!scale) return reader.adopt(std::move(scale.error()));
  field = scale.take();
}
template <Worded T>
void read_field(RequestReader &reader, const char *key, const FieldKind &kind, T &field) {
  if (kind.required && !reader.has(key)) reader.fail("request.missing_key", key, "is required");
  field = reader.word(key, field, WordsOf<T>::parse, WordsOf<T>::all);
}
template <Listed T>
void read_field(RequestReader &reader, const char *key, const FieldKind &, T &field) {
  const base::JsonView object = reader.object(key);
  if (!object.present()) return;
  RequestReader part(object, reader.pointer_to(key));
  read_fields(part, field);
  reader.adopt(part.finish());
}
template <Listed T>
void read_field(RequestReader &reader, const char *key, const FieldKind &kind, std::vector<T> &field) {
  for (const base::JsonView item :
       kind.required ? reader.array(key, kind.most) : reader.optional_array(key, kind.most)) {
    RequestReader part(item, reader.pointer_to(key) + "/" + std::to_string(field.size()));
    read_fields(part, field.emplace_back());
    reader.adopt(part.finish());
  }
  if (kind.not_empty && field.empty() && !reader.failed()) reader.fail("request.malformed", key, "must not be empty");
}

// Those that a request gives when the entity is made.
template <Listed T>
void read_fields(RequestReader &reader, T &entity) {
  using Fields = Fields<T>;
  Fields::each([&](const char *key, auto member, const FieldKind &kind) {
    if constexpr (requires { read_field(reader, key, kind, entity.*member); }) {
      if (kind.given) read_field(reader, key, kind, entity.*member);
    }
  });
}

template <Listed T>
T read_new(RequestReader &reader) {
  T entity;
  read_fields(reader, entity);
  return entity;
}

// What an update asks for: absent fields stay, null ones are cleared.
template <typename T>
struct Change {
  base::Uuid id;
  T to{};                               // has the new values
  std::vector<std::string_view> given;  // of these fields
  FloorsChange floors{};                // of what has some
};

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <Listed T>
Change<T> read_change(RequestReader &reader) {
  Change<T> change;
  change.id = reader.uuid("id");
  Fields<T>::each([&](const char *key, auto member, const FieldKind &kind) {
    using Field = std::remove_cvref_t<decltype(change.to.*member)>;
    if constexpr (std::is_same_v<Field, Floors>) {
      change.floors = read_floors_change(reader);
    } else if constexpr (requires { read_field(reader, key, kind, change.to.*member); }) {
      if (!kind.changes) return;
      if (!IsOptional<Field>::value && reader.is_null(key)) {
        reader.fail("request.malformed", key, "cannot be cleared");
      } else if (reader.any(key).present()) {
        read_field(reader, key, kind, change.to.*member);
        change.given.emplace_back(key);
      }
    }
  });
  return change;
}

// The names of the fields that it changes.
template <Listed T>
std::vector<std::string> apply(T &entity, const Change<T> &change) {
  std::vector<std::string> fields;
  Fields<T>::each([&](const char *key, auto member, const FieldKind &) {
    auto &field = entity.*member;
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Floors>) {
      apply(field, change.floors, fields);
    } else {
      const bool given = std::find(change.given.begin(), change.given.end(), key) != change.given.end();
      if (!given || field == change.to.*member) return;
      field = change.to.*member;
      fields.emplace_back(key);
    }
  });
  return fields;
}

}  // namespace cala::core
