// A journal's max_scale: how fine the units of its entries may be.
#include <gtest/gtest.h>

#include <string>

#include "core/journal/journal.h"

namespace cala::core {
namespace {

base::Result<MaxScale> parsed(const std::string &text) {
  const base::Result<base::Json> json = base::Json::parse(text);
  EXPECT_TRUE(json.ok()) << text;
  return MaxScale::parse(json->root(), "/max_scale");
}

std::string written(const MaxScale &scale) {
  base::JsonWriter out;
  scale.append_to(out);
  return out.take();
}

TEST(MaxScale, OneForAllOrByCurrency) {
  const base::Result<MaxScale> all = parsed("2");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->for_currency(*Currency::parse("USD")), 2);
  EXPECT_EQ(written(*all), "2");
  const base::Result<MaxScale> some = parsed(R"({"USD":2,"default":9,"JPY":0})");
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->for_currency(*Currency::parse("USD")), 2);
  EXPECT_EQ(some->for_currency(*Currency::parse("JPY")), 0);
  EXPECT_EQ(some->for_currency(*Currency::parse("EUR")), 9);
  EXPECT_EQ(written(*some), R"({"default":9,"JPY":0,"USD":2})");
}

TEST(MaxScale, TheDefaultIs18) {
  EXPECT_EQ(MaxScale().for_currency(*Currency::parse("USD")), 18);
  EXPECT_EQ(parsed(R"({"USD":2})")->for_currency(*Currency::parse("EUR")), 18);
}

TEST(MaxScale, AnErrorNamesThePlace) {
  for (const auto &[text, pointer] :
       {std::pair("19", "/max_scale"), std::pair("-1", "/max_scale"), std::pair("1.5", "/max_scale"),
        std::pair("\"2\"", "/max_scale"), std::pair(R"({"USD":19})", "/max_scale/USD"),
        std::pair(R"({"usd":2})", "/max_scale/usd"), std::pair(R"({"default":null})", "/max_scale/default")}) {
    const base::Result<MaxScale> refused = parsed(text);
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().code, "request.malformed") << text;
    EXPECT_NE(refused.error().details.find(std::string("\"") + pointer + "\""), std::string::npos)
        << refused.error().details;
  }
}

}  // namespace
}  // namespace cala::core
