#include "engine/typed_value.h"

#include <charconv>
#include <cmath>

#include "base/double_text.h"
#include "base/utf8.h"
#include "cel/functions.h"
#include "cel/lexer.h"
#include "cel/map.h"
#include "cel/operators.h"

namespace cala::engine {

using namespace cel;

namespace {

constexpr int kMaxTypedDepth = 64;

base::Error malformed(std::string message) {
  return base::make_error(base::Status::kInvalid, "request.malformed", std::move(message));
}

base::Result<Value> wrong(std::string_view type) {
  return malformed("a typed value of type '" + std::string(base::utf8_prefix(type, 40)) + "' has a value that is none");
}

// The text of a number, whether it came as text or as a JSON number.
std::string number_text(base::JsonView value) { return value.is_string() ? std::string(value.string()) : value.text(); }

template <typename T>
bool whole(const std::string &text, T &out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && stop == text.data() + text.size();
}

bool read_double(const std::string &text, double &out) {
  if (text == "NaN" || text == "nan") return out = std::nan(""), true;
  if (text == "Infinity" || text == "inf") return out = HUGE_VAL, true;
  if (text == "-Infinity" || text == "-inf") return out = -HUGE_VAL, true;
  const auto parsed = parse_double(text);
  if (parsed) out = *parsed;
  return parsed.has_value();
}

base::Result<Value> read_number(std::string_view type, base::JsonView value) {
  if (!value.is_string() && !value.is_number()) return wrong(type);
  const std::string text = number_text(value);
  std::int64_t number = 0;
  std::uint64_t natural = 0;
  double fraction = 0;
  if (type == "int" && whole(text, number)) return Value::integer(number);
  if (type == "uint" && whole(text, natural)) return Value::unsigned_integer(natural);
  if (type == "double" && read_double(text, fraction)) return Value::number(fraction);
  return wrong(type);
}

base::Result<Value> read_bytes(std::string_view hex, Arena &arena) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0'
                                : (c >= 'a' && c <= 'f' ? c - 'a' + 10 : (c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1));
  };
  auto *to = static_cast<char *>(arena.allocate(hex.size() / 2 + 1));
  if (to == nullptr || hex.size() % 2 != 0) return wrong("bytes");
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    if (digit(hex[i]) < 0 || digit(hex[i + 1]) < 0) return wrong("bytes");
    to[i / 2] = static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return Value::bytes({to, hex.size() / 2});
}

base::Result<Value> read_text(std::string_view type, std::string_view text, Arena &arena) {
  if (type == "string" || type == "layer" || type == "direction" || type == "currency") return Value::string(text);
  if (type == "bytes") return read_bytes(text, arena);
  if (type == "type") return Value::type(text);
  if (type == "timestamp") {
    if (const auto parsed = base::Timestamp::parse(text)) return Value::timestamp(*parsed);
  } else if (type == "date") {
    if (const auto parsed = base::Date::parse(text)) return Value::date(*parsed);
  } else if (type == "duration") {
    if (const auto parsed = parse_duration(text); parsed.ok) return Value::duration({parsed.nanos});
  } else if (type == "decimal") {
    if (const auto parsed = Decimal::parse(text)) return Value::decimal(*parsed);
  } else if (type == "uuid") {
    if (const auto parsed = base::Uuid::parse(text)) return Value::uuid(*parsed);
  }
  return wrong(type);
}

base::Result<Value> read_list(base::JsonView value, Arena &arena, int depth) {
  if (!value.is_array()) return wrong("list");
  const std::size_t count = value.size();
  auto *items = arena.allocate_array<Value>(count);
  if (items == nullptr) return wrong("list");
  std::size_t made = 0;
  for (const base::JsonView item : value) {
    auto read = read_typed_value(item, arena, depth + 1);
    if (!read) return read;
    items[made++] = *read;
  }
  return Value::list(items, made);
}

base::Result<Value> read_map(base::JsonView value, Arena &arena, int depth) {
  if (!value.is_array()) return wrong("map");
  MapBuilder builder(arena);
  for (const base::JsonView pair : value) {
    if (!pair.is_array() || pair.size() != 2) return wrong("map");
    auto key = read_typed_value(pair.first(), arena, depth + 1);
    if (!key) return key;
    auto held = read_typed_value(pair.first().next(), arena, depth + 1);
    if (!held) return held;
    if (builder.put(*key, *held) != MapBuilder::Put::kDone) return wrong("map");
  }
  const MapData *data = builder.finish();
  return data == nullptr ? wrong("map") : Value::map(data);
}

void write_pair(base::JsonWriter &writer, std::string_view type, std::string_view text) {
  writer.begin_object().key("type").string(type).key("value").string(text).end_object();
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4U];
    out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

std::string_view typed_name(Kind kind) {
  switch (kind) {
    case Kind::kTimestamp: return "timestamp";
    case Kind::kDuration: return "duration";
    case Kind::kDecimal: return "decimal";
    case Kind::kUuid: return "uuid";
    case Kind::kDate: return "date";
    case Kind::kNull: return "null";
    case Kind::kOptional: return "optional";
    default: return kind_type_name(kind);
  }
}

// A small value may hold a large one many times.
base::Outcome check_room(const base::JsonWriter &writer) {
  constexpr std::size_t kMost = std::size_t{16} << 20;
  if (writer.text().size() <= kMost) return {};
  return base::make_error(base::Status::kInvalid, "cel.coerce", "the value's text is longer than 16 MiB");
}

base::Outcome write_list(const Value &value, base::JsonWriter &writer, int depth) {
  writer.begin_object().key("type").string("list").key("value").begin_array();
  ListCursor cursor(value);
  for (Value item; cursor.next(item);) {
    if (auto written = write_typed_value(item, writer, depth + 1); !written) return written;
    if (auto fits = check_room(writer); !fits) return fits;
  }
  writer.end_array().end_object();
  return {};
}

base::Outcome write_map(const Value &value, base::JsonWriter &writer, int depth) {
  writer.begin_object().key("type").string("map").key("value").begin_array();
  MapCursor cursor(value);
  Value key;
  for (Value held; cursor.next(key, held);) {
    writer.begin_array();
    if (auto written = write_typed_value(key, writer, depth + 1); !written) return written;
    if (auto written = write_typed_value(held, writer, depth + 1); !written) return written;
    writer.end_array();
    if (auto fits = check_room(writer); !fits) return fits;
  }
  writer.end_array().end_object();
  return {};
}

base::Outcome write_optional(const Value &value, base::JsonWriter &writer, int depth) {
  writer.begin_object().key("type").string("optional").key("value");
  if (value.as_optional() == nullptr) {
    writer.null();
  } else if (auto written = write_typed_value(*value.as_optional(), writer, depth + 1); !written) {
    return written;
  }
  writer.end_object();
  return {};
}

}  // namespace

std::string typed_double_text(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  std::string text;
  const double size = std::fabs(number);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  if (plain) {
    base::append_shortest_fixed(text, number);
  } else {
    base::append_shortest_scientific(text, number);
  }
  if (plain && text.find('.') == std::string::npos) text += ".0";
  return text;
}

base::Result<Value> read_typed_value(base::JsonView typed, Arena &arena, int depth) {
  if (depth > kMaxTypedDepth || !typed.is_object() || !typed.get("type").is_string())
    return malformed("a typed value is an object {\"type\": ..., \"value\": ...}");
  const std::string_view type = typed.get("type").string();
  const base::JsonView value = typed.get("value");
  if (type == "null") return Value::null();
  if (!value.present()) return wrong(type);
  if (type == "json") return Value::json(value);
  if (type == "bool") return value.is_bool() ? base::Result<Value>(Value::boolean(value.boolean())) : wrong(type);
  if (type == "int" || type == "uint" || type == "double") return read_number(type, value);
  if (type == "list") return read_list(value, arena, depth);
  if (type == "map") return read_map(value, arena, depth);
  if (type == "decimal" && value.is_number() && value.integer())
    return Value::decimal(Decimal::from_int(*value.integer()));
  return value.is_string() ? read_text(type, value.string(), arena) : wrong(type);
}

base::Outcome write_typed_value(const Value &value, base::JsonWriter &writer, int depth) {
  if (depth > kMaxTypedDepth)
    return base::make_error(base::Status::kInvalid, "cel.coerce", "the value is nested more than 64 deep");
  switch (value.kind()) {
    case Kind::kNull: writer.begin_object().key("type").string("null").key("value").null().end_object(); return {};
    case Kind::kBool:
      writer.begin_object().key("type").string("bool").key("value").boolean(value.as_bool()).end_object();
      return {};
    case Kind::kDouble: write_pair(writer, "double", typed_double_text(value.as_double())); return {};
    case Kind::kBytes: write_pair(writer, "bytes", hex(value.as_text())); return {};
    case Kind::kList: return write_list(value, writer, depth);
    case Kind::kMap: return write_map(value, writer, depth);
    case Kind::kOptional: return write_optional(value, writer, depth);
    default: break;
  }
  std::string text;
  append_value_text(value, text);
  write_pair(writer, typed_name(value.kind()), text);
  return {};
}

}  // namespace cala::engine
