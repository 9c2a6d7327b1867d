#include "store/postgres/row_literal.h"

#include "base/json.h"

namespace cala::store::postgres {
namespace {

void append_control(std::string &out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kHex[byte >> 4U];
  out += kHex[byte & 0xfU];
}

// quote and backslash: how these two look after all the rounds of quoting they pass.
void append_quoted(std::string &out, std::string_view text, std::string_view quote, std::string_view backslash) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    if (c == '"') {
      out += quote;
    } else if (c == '\\') {
      out += backslash;
    } else {
      append_control(out, c);
    }
  }
  out.append(text, plain);
}

}  // namespace

RowLiteral &RowLiteral::begin_row() {
  if (any_rows_) out_ += ',';
  any_rows_ = true;
  any_fields_ = false;
  out_ += R"(\"()";
  return *this;
}

RowLiteral &RowLiteral::end_row() {
  out_ += R"()\")";
  return *this;
}

void RowLiteral::separate() {
  if (any_fields_) out_ += ',';
  any_fields_ = true;
}

RowLiteral &RowLiteral::integer(std::int64_t value) {
  separate();
  base::append_integer(out_, value);
  return *this;
}

RowLiteral &RowLiteral::uuid(const base::Uuid &value) {
  separate();
  value.append_to(out_);
  return *this;
}

RowLiteral &RowLiteral::uuid_or_null(const std::optional<base::Uuid> &value) { return value ? uuid(*value) : null(); }

RowLiteral &RowLiteral::uuid_unless_nil(const base::Uuid &value) { return value.is_nil() ? null() : uuid(value); }

RowLiteral &RowLiteral::decimal(const core::Decimal &value) {
  separate();
  value.append_to(out_);
  return *this;
}

// No quoting: neither has a space in it, nor depends on how the session likes its dates.
RowLiteral &RowLiteral::instant(base::Timestamp value) { return word(value.micros_text()); }

RowLiteral &RowLiteral::date(base::Date value) { return word(value.text()); }

RowLiteral &RowLiteral::word(std::string_view value) {
  separate();
  out_ += value;
  return *this;
}

RowLiteral &RowLiteral::text(std::string_view value) {
  separate();
  out_ += R"(\\\")";
  append_quoted(out_, value, R"(\\\"\\\")", R"(\\\\\\\\)");
  out_ += R"(\\\")";
  return *this;
}

RowLiteral &RowLiteral::text_or_null(const std::optional<std::string> &value) { return value ? text(*value) : null(); }

RowLiteral &RowLiteral::null() {
  separate();
  return *this;
}

void append_uuid_array(std::string &out, std::span<const base::Uuid> ids) {
  out += "\"{";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i > 0) out += ',';
    ids[i].append_to(out);
  }
  out += "}\"";
}

void append_text_array(std::string &out, std::span<const std::string> texts) {
  out += "\"{";
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    out += R"(\")";
    append_quoted(out, texts[i], R"(\\\")", R"(\\\\)");
    out += R"(\")";
  }
  out += "}\"";
}

}  // namespace cala::store::postgres
