#include "store/postgres/row_literal.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cala::store::postgres {
namespace {

// What PostgreSQL sees once the JSON text is read.
std::string after_json(const std::string &json) {
  const base::Result<base::Json> parsed = base::Json::parse(json);
  EXPECT_TRUE(parsed.ok()) << json;
  return parsed ? std::string(parsed->root().string()) : std::string();
}

std::string one_text(std::string_view text) {
  std::string out;
  RowLiteral rows(out);
  rows.begin_row().text(text).end_row().end_array();
  return after_json(out);
}

TEST(RowLiteral, WritesRowsAsPostgresReadsThem) {
  std::string out;
  RowLiteral rows(out);
  rows.begin_row().integer(-7).null().word("USD").end_row();
  rows.begin_row().decimal(core::Decimal::parse("1.50").value()).uuid_unless_nil(base::Uuid{}).word("x").end_row();
  rows.end_array();
  EXPECT_EQ(after_json(out), R"~({"(-7,,USD)","(1.50,,x)"})~");
}

TEST(RowLiteral, DatesAndInstantsAreReadAlikeWhateverTheDateStyle) {
  std::string out;
  RowLiteral rows(out);
  rows.begin_row().date(base::Date{0}).instant(base::Timestamp::from_micros(-1)).end_row().end_array();
  EXPECT_EQ(after_json(out), R"~({"(1970-01-01,1969-12-31T23:59:59.999999Z)"})~");
}

TEST(RowLiteral, AnArrayMayBeEmpty) {
  std::string out;
  RowLiteral(out).end_array();
  EXPECT_EQ(after_json(out), "{}");
}

TEST(RowLiteral, EmptyTextIsNotNull) {
  EXPECT_EQ(one_text(""), R"~({"(\"\")"})~");
  std::string out;
  RowLiteral rows(out);
  rows.begin_row().text_or_null(std::nullopt).text_or_null("").end_row().end_array();
  EXPECT_EQ(after_json(out), R"~({"(,\"\")"})~");
}

TEST(RowLiteral, TextIsQuotedForRowAndArray) {
  EXPECT_EQ(one_text("a,b(c){d}"), R"~({"(\"a,b(c){d}\")"})~");
  EXPECT_EQ(one_text("\""), R"~({"(\"\"\"\")"})~");
  EXPECT_EQ(one_text("\\"), R"~({"(\"\\\\\")"})~");
  EXPECT_EQ(one_text("tab\tline\n\x01"), "{\"(\\\"tab\tline\n\x01\\\")\"}");
  EXPECT_EQ(one_text("é€"), R"~({"(\"é€\")"})~");
}

TEST(RowLiteral, PlainArraysAreQuotedForArrayOnly) {
  std::string out;
  append_text_array(out, std::vector<std::string>{"a,b", "\"", "\\", "NULL", ""});
  EXPECT_EQ(after_json(out), R"~({"a,b","\"","\\","NULL",""})~");
  out.clear();
  append_uuid_array(out, std::vector<base::Uuid>{base::Uuid{}, base::Uuid{}});
  EXPECT_EQ(after_json(out), "{00000000-0000-0000-0000-000000000000,00000000-0000-0000-0000-000000000000}");
}

}  // namespace
}  // namespace cala::store::postgres
