#include "store/postgres/row_binary.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace cala::store::postgres {
namespace {

// PostgreSQL's own types have the same ids everywhere.
constexpr TypeId kBigId = 20;
constexpr TypeId kSmallId = 21;
constexpr TypeId kIntegerId = 23;
constexpr TypeId kTextId = 25;
constexpr TypeId kJsonId = 114;
constexpr TypeId kDateId = 1082;
constexpr TypeId kInstantId = 1184;
constexpr TypeId kDecimalId = 1700;
constexpr TypeId kUuidId = 2950;

constexpr std::int64_t kMicrosTo2000 = 946'684'800'000'000;
constexpr std::int32_t kDaysTo2000 = 10'957;
constexpr std::uint32_t kNull = 0xffff'ffff;
constexpr std::uint16_t kNegative = 0x4000;
constexpr int kGroup = 4;  // decimal digits of a numeric are kept four by four

template <typename Unsigned>
std::array<char, sizeof(Unsigned)> big_endian(Unsigned value) {
  std::array<char, sizeof value> bytes{};
  for (std::size_t i = 0; i < sizeof value; ++i) {
    bytes[i] = static_cast<char>(static_cast<unsigned char>(value >> (8U * (sizeof value - 1 - i))));
  }
  return bytes;
}

void put_at(std::string &out, std::size_t at, std::uint32_t value) {
  const auto bytes = big_endian(value);
  std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
}

template <typename Unsigned>
void put(std::string &out, Unsigned value) {
  const auto bytes = big_endian(value);
  out.append(bytes.data(), bytes.size());
}

void put16(std::string &out, std::int64_t value) { put(out, static_cast<std::uint16_t>(value)); }
void put32(std::string &out, std::int64_t value) { put(out, static_cast<std::uint32_t>(value)); }
void put64(std::string &out, std::int64_t value) { put(out, static_cast<std::uint64_t>(value)); }

void put_id(std::string &out, const base::Uuid &id) { out.append(id.bytes.begin(), id.bytes.end()); }

TypeId id_of(Field field, const RowTypes &types) {
  switch (field) {
    case Field::kSmall: return kSmallId;
    case Field::kInteger: return kIntegerId;
    case Field::kBig: return kBigId;
    case Field::kUuid: return kUuidId;
    case Field::kText: return kTextId;
    case Field::kJson: return kJsonId;
    case Field::kDate: return kDateId;
    case Field::kInstant: return kInstantId;
    case Field::kDecimal: return kDecimalId;
    case Field::kLayer: return types.layer;
    case Field::kDirection: return types.direction;
  }
  return 0;
}

// One dimension from 1; none where it is empty.
void begin_array(std::string &out, TypeId element) {
  put32(out, 1);
  put32(out, 0);
  put32(out, element);
  put32(out, 0);
  put32(out, 1);
}

void end_array_of(std::string &out, std::size_t begin, std::uint32_t count) {
  constexpr std::size_t kCountAt = 12;
  if (count > 0) return put_at(out, begin + kCountAt, count);
  put_at(out, begin, 0);
  out.resize(begin + kCountAt);
}

template <typename Items, typename Put>
std::string array_of(TypeId element, const Items &items, Put &&put_item) {
  std::string out;
  begin_array(out, element);
  for (const auto &item : items) put_item(out, item);
  end_array_of(out, 0, static_cast<std::uint32_t>(items.size()));
  return out;
}

}  // namespace

RowBinary::RowBinary(std::string &out, TypeId row, std::span<const Field> fields, const RowTypes &types)
    : out_(out), fields_(fields), types_(types), array_(out.size()) {
  begin_array(out_, row);
}

RowBinary &RowBinary::begin_row() {
  row_ = out_.size();
  field_ = 0;
  ++rows_;
  put32(out_, 0);
  put32(out_, static_cast<std::int64_t>(fields_.size()));
  return *this;
}

RowBinary &RowBinary::end_row() {
  put_at(out_, row_, static_cast<std::uint32_t>(out_.size() - row_ - sizeof(std::uint32_t)));
  return *this;
}

void RowBinary::end_array() { end_array_of(out_, array_, rows_); }

// A field past the table's end would be a defect of ours, which the database refuses.
Field RowBinary::next() {
  const Field field = field_ < fields_.size() ? fields_[field_] : Field::kText;
  ++field_;
  put32(out_, id_of(field, types_));
  return field;
}

RowBinary &RowBinary::integer(std::int64_t value) {
  const Field field = next();
  if (field == Field::kSmall) {
    put32(out_, sizeof(std::int16_t));
    put16(out_, value);
  } else if (field == Field::kInteger) {
    put32(out_, sizeof(std::int32_t));
    put32(out_, value);
  } else {
    put32(out_, sizeof(std::int64_t));
    put64(out_, value);
  }
  return *this;
}

RowBinary &RowBinary::uuid(const base::Uuid &value) {
  next();
  put32(out_, static_cast<std::int64_t>(value.bytes.size()));
  put_id(out_, value);
  return *this;
}

RowBinary &RowBinary::decimal(const core::Decimal &value) {
  next();
  // Digits left of the point are filled up with zeros in front, those right of it behind.
  std::string digits = value.abs().text();
  const auto scale = static_cast<std::size_t>(value.scale());
  if (scale > 0) digits.erase(digits.size() - scale - 1, 1);
  const std::size_t whole = digits.size() - scale;
  digits.insert(0, (kGroup - whole % kGroup) % kGroup, '0');
  digits.append((kGroup - scale % kGroup) % kGroup, '0');
  const std::size_t groups = digits.size() / kGroup;
  put32(out_, static_cast<std::int64_t>(4 * sizeof(std::int16_t) + groups * sizeof(std::int16_t)));
  put16(out_, static_cast<std::int64_t>(groups));
  put16(out_, static_cast<std::int64_t>((whole + kGroup - 1) / kGroup) - 1);
  put16(out_, value.is_negative() ? kNegative : 0);
  put16(out_, value.scale());
  for (std::size_t i = 0; i < digits.size(); i += kGroup) {
    int group = 0;
    for (std::size_t k = i; k < i + kGroup; ++k) group = group * 10 + (digits[k] - '0');
    put16(out_, group);
  }
  return *this;
}

RowBinary &RowBinary::instant(base::Timestamp value) {
  next();
  put32(out_, sizeof(std::int64_t));
  put64(out_, value.micros() - kMicrosTo2000);
  return *this;
}

RowBinary &RowBinary::date(base::Date value) {
  next();
  put32(out_, sizeof(std::int32_t));
  put32(out_, value.days - kDaysTo2000);
  return *this;
}

RowBinary &RowBinary::text(std::string_view value) {
  next();
  put32(out_, static_cast<std::int64_t>(value.size()));
  out_ += value;
  return *this;
}

RowBinary &RowBinary::null() {
  next();
  put(out_, kNull);
  return *this;
}

std::string binary_array(std::span<const base::Uuid> ids) {
  return array_of(kUuidId, ids, [](std::string &out, const base::Uuid &id) {
    put32(out, static_cast<std::int64_t>(id.bytes.size()));
    put_id(out, id);
  });
}

std::string binary_array(std::span<const std::string> texts) {
  return array_of(kTextId, texts, [](std::string &out, const std::string &text) {
    put32(out, static_cast<std::int64_t>(text.size()));
    out += text;
  });
}

std::string binary_array(std::span<const std::int32_t> integers) {
  return array_of(kIntegerId, integers, [](std::string &out, std::int32_t value) {
    put32(out, sizeof value);
    put32(out, value);
  });
}

std::string binary_array(std::span<const std::int64_t> integers) {
  return array_of(kBigId, integers, [](std::string &out, std::int64_t value) {
    put32(out, sizeof value);
    put64(out, value);
  });
}

}  // namespace cala::store::postgres
