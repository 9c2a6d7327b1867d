// Values as JSON, at the ledger's boundary.
#include <cmath>

#include "cel/cel.h"
#include "cel/functions.h"
#include "cel/operators.h"

namespace cala::cel {

namespace {

constexpr int kMaxJsonDepth = 64;

base::Error refused(std::string message) {
  return base::make_error(base::Status::kInvalid, "cel.coerce", std::move(message));
}

// Where the text may end: a small value may hold a large one many times.
struct Room {
  std::size_t end;
  base::Outcome check(const std::string &out) const {
    if (out.size() <= end) return {};
    return refused("the JSON is longer than 4 MiB");
  }
};

base::Outcome write(const Value &value, int depth, Room room, std::string &out);

base::Outcome write_text(std::string_view text, std::string &out) {
  if (auto storable = check_storable(text); !storable) return storable;
  base::append_json_string(out, text);
  return {};
}

base::Outcome write_list(const Value &value, int depth, Room room, std::string &out) {
  out += '[';
  ListCursor cursor(value);
  Value item;
  for (bool first = true; cursor.next(item); first = false) {
    if (!first) out += ',';
    if (auto written = write(item, depth + 1, room, out); !written) return written;
    if (auto fits = room.check(out); !fits) return fits;
  }
  out += ']';
  return {};
}

base::Outcome write_map(const Value &value, int depth, Room room, std::string &out) {
  out += '{';
  MapCursor cursor(value);
  Value key;
  Value held;
  for (bool first = true; cursor.next(key, held); first = false) {
    if (!key.is(Kind::kString))
      return refused("JSON has string keys only, and a key is of type " + std::string(kind_type_name(key.kind())));
    if (!first) out += ',';
    if (auto written = write_text(key.as_text(), out); !written) return written;
    out += ':';
    if (auto written = write(held, depth + 1, room, out); !written) return written;
    if (auto fits = room.check(out); !fits) return fits;
  }
  out += '}';
  return {};
}

// With the offset spelt out and 0, 3, 6 or 9 decimals, as the original ledger writes instants into metadata and
// partition keys.
void write_timestamp(base::Timestamp when, std::string &out) {
  std::string text = base::Timestamp{when.seconds, 0}.text();
  text.pop_back();
  if (when.nanos != 0) {
    const std::size_t digits = when.nanos % 1'000'000 == 0 ? 3 : (when.nanos % 1'000 == 0 ? 6 : 9);
    text += '.';
    text += std::to_string(1'000'000'000 + when.nanos).substr(1, digits);
  }
  base::append_json_string(out, text + "+00:00");
}

base::Outcome write_double(double number, std::string &out) {
  if (!std::isfinite(number)) return refused("JSON has no NaN and no Infinity");
  base::append_json_number(out, number);
  return {};
}

base::Outcome write(const Value &value, int depth, Room room, std::string &out) {
  if (depth > kMaxJsonDepth) return refused("the value is nested more than 64 deep");
  switch (value.kind()) {
    case Kind::kNull: out += "null"; return {};
    case Kind::kBool: out += value.as_bool() ? "true" : "false"; return {};
    case Kind::kInt: out += std::to_string(value.as_int()); return {};
    case Kind::kUint:
      // What is beyond the integers that are read leaves as text.
      if (value.as_uint() <= static_cast<std::uint64_t>(INT64_MAX))
        return out += std::to_string(value.as_uint()), base::Outcome();
      base::append_json_string(out, std::to_string(value.as_uint()));
      return {};
    case Kind::kDouble: return write_double(value.as_double(), out);
    case Kind::kString: return write_text(value.as_text(), out);
    case Kind::kList:
      return value.is_json_view() ? (value.as_json_view().append_to(out), base::Outcome())
                                  : write_list(value, depth, room, out);
    case Kind::kMap:
      return value.is_json_view() ? (value.as_json_view().append_to(out), base::Outcome())
                                  : write_map(value, depth, room, out);
    case Kind::kTimestamp: write_timestamp(value.as_timestamp(), out); return {};
    case Kind::kDuration:
    case Kind::kDecimal:
    case Kind::kUuid:
    case Kind::kDate: {
      std::string text;
      append_value_text(value, text);
      base::append_json_string(out, text);
      return {};
    }
    default: return refused("a value of type " + std::string(kind_type_name(value.kind())) + " has no JSON form");
  }
}

}  // namespace

base::Outcome to_json(const Value &value, std::string &out) {
  const std::size_t size = out.size();
  base::Outcome written = write(value, 0, Room{size + Arena::kEvaluationBudget}, out);
  if (!written) out.resize(size);
  return written;
}

}  // namespace cala::cel
