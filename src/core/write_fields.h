// Writing the fields of an entity as members of a JSON object: of a row or of an answer, which a Form tells apart:
//
//   static constexpr bool kRow;                                           rows have hidden fields too
//   static void instant(base::JsonWriter &out, base::Timestamp value);    and date, and json_text
//   static void floors(base::JsonWriter &out, std::string_view key, const Floors &value);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "core/account/floors.h"
#include "core/fields.h"
#include "core/journal/journal.h"

namespace cala::core {

template <typename Form, Listed T>
void write_fields(base::JsonWriter &out, const T &entity);

template <typename Form>
struct FieldWriter {
  base::JsonWriter &out;
  FieldKind kind;

  void value(const std::string &text) const {
    if (kind.json) {
      Form::json_text(out, text);
    } else {
      out.string(text);
    }
  }
  void value(const base::Uuid &id) const { out.string(id.text()); }
  void value(std::int64_t number) const { out.integer(number); }
  void value(std::int32_t number) const { out.integer(number); }
  void value(bool yes) const { out.boolean(yes); }
  void value(base::Timestamp instant) const { Form::instant(out, instant); }
  void value(base::Date date) const { Form::date(out, date); }
  void value(const Decimal &amount) const { out.string(amount.text()); }
  void value(const Currency &currency) const { out.string(currency.code()); }
  void value(const MaxScale &scale) const { scale.append_to(out); }
  template <Worded T>
  void value(T word) const {
    out.string(WordsOf<T>::text(word));
  }
  template <Listed T>
  void value(const T &part) const {
    out.begin_object();
    write_fields<Form>(out, part);
    out.end_object();
  }
  template <typename T>
  void value(const std::vector<T> &items) const {
    out.begin_array();
    for (const T &item : items) value(item);
    out.end_array();
  }

  template <typename T>
  void member(std::string_view key, const T &field) const {
    out.key(key);
    value(field);
  }
  template <typename T>
  void member(std::string_view key, const std::optional<T> &field) const {
    if (field) member(key, *field);
  }
  void member(std::string_view key, const Floors &floors) const { Form::floors(out, key, floors); }
};

// Those of them that the form has, each that is there.
template <typename Form, Listed T>
void write_fields(base::JsonWriter &out, const T &entity) {
  Fields<T>::each([&](const char *key, auto member, FieldKind kind) {
    if (kind.shown || Form::kRow) FieldWriter<Form>{out, kind}.member(key, entity.*member);
  });
}

}  // namespace cala::core
