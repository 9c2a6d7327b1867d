#include "store/postgres/row_binary.h"

#include <gtest/gtest.h>

#include <array>

namespace cala::store::postgres {
namespace {

std::string hex(const std::string &bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xfU];
  }
  return out;
}

const std::string kArray =
    "00000001"
    "00000000"
    "00000100";  // one dimension, no null rows, of type 256

// The value of a row of one field, without its type.
std::string one(Field field, const auto &put) {
  std::string out;
  const std::array fields = {field};
  const RowTypes types{.layer = 300, .direction = 301};
  RowBinary rows(out, 256, fields, types);
  put(rows.begin_row());
  rows.end_row().end_array();
  return hex(out).substr(64);
}

std::string decimal(const char *text) {
  return one(Field::kDecimal, [&](RowBinary &row) { row.decimal(core::Decimal::parse(text).value()); });
}

TEST(RowBinary, WritesRowsAsPostgresReceivesThem) {
  std::string out = "x";
  static constexpr std::array kFields = {Field::kInteger, Field::kText, Field::kLayer};
  const RowTypes types{.layer = 300, .direction = 301};
  RowBinary rows(out, 256, kFields, types);
  rows.begin_row().integer(-2).null().word("settled").end_row();
  rows.begin_row().integer(1).text("").word("pending").end_row();
  rows.end_array();
  EXPECT_EQ(hex(out.substr(1)), kArray +
                                    "00000002"
                                    "00000001"
                                    "00000027"
                                    "00000003"
                                    "00000017"
                                    "00000004"
                                    "fffffffe"
                                    "00000019"
                                    "ffffffff"
                                    "0000012c"
                                    "00000007"
                                    "736574746c6564"
                                    "00000027"
                                    "00000003"
                                    "00000017"
                                    "00000004"
                                    "00000001"
                                    "00000019"
                                    "00000000"
                                    "0000012c"
                                    "00000007"
                                    "70656e64696e67");
}

TEST(RowBinary, AnArrayMayBeEmpty) {
  std::string out;
  RowBinary(out, 256, {}, RowTypes{}).end_array();
  EXPECT_EQ(hex(out),
            "00000000"
            "00000000"
            "00000100");
  EXPECT_EQ(hex(binary_array(std::vector<std::string>{})),
            "00000000"
            "00000000"
            "00000019");
}

TEST(RowBinary, ValuesAreAsWideAsTheirTypes) {
  EXPECT_EQ(one(Field::kSmall, [](RowBinary &row) { row.integer(2); }),
            "00000002"
            "0002");
  EXPECT_EQ(one(Field::kBig, [](RowBinary &row) { row.integer(-1); }),
            "00000008"
            "ffffffffffffffff");
  EXPECT_EQ(one(Field::kDate, [](RowBinary &row) { row.date(base::Date{10958}); }),
            "00000004"
            "00000001");
  EXPECT_EQ(
      one(Field::kInstant, [](RowBinary &row) { row.instant(base::Timestamp::from_micros(946'684'800'000'001)); }),
      "00000008"
      "0000000000000001");
  EXPECT_EQ(one(Field::kUuid, [](RowBinary &row) { row.uuid_unless_nil(base::Uuid{}); }), "ffffffff");
}

// Digits by four, the first group's weight, the sign, the scale.
TEST(RowBinary, DecimalsAreGroupsOfFourDigits) {
  EXPECT_EQ(decimal("12345.678"),
            "0000000e"
            "0003"
            "0001"
            "0000"
            "0003"
            "0001"
            "0929"
            "1a7c");
  EXPECT_EQ(decimal("-0.5"),
            "0000000c"
            "0002"
            "0000"
            "4000"
            "0001"
            "0000"
            "1388");
  EXPECT_EQ(decimal("0"),
            "0000000a"
            "0001"
            "0000"
            "0000"
            "0000"
            "0000");
}

TEST(RowBinary, PlainArrays) {
  EXPECT_EQ(hex(binary_array(std::vector<std::int32_t>{7})),
            "00000001"
            "00000000"
            "00000017"
            "00000001"
            "00000001"
            "00000004"
            "00000007");
  EXPECT_EQ(hex(binary_array(std::vector<std::string>{"a"})),
            "00000001"
            "00000000"
            "00000019"
            "00000001"
            "00000001"
            "00000001"
            "61");
}

}  // namespace
}  // namespace cala::store::postgres
