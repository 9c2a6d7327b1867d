#include "store/schema_name.h"

#include <gtest/gtest.h>

#include <string>

namespace cala::store {
namespace {

TEST(SchemaNames, AreLowerCaseIdentifiers) {
  for (const char *good : {"cala", "_", "a1_b", "x"}) EXPECT_TRUE(is_schema_name(good)) << good;
  for (const char *bad : {"", "1a", "Cala", "a b", "a-b", "a\"", "é", "pg_x", "information_schema"})
    EXPECT_FALSE(is_schema_name(bad)) << bad;
  EXPECT_TRUE(is_schema_name(std::string(63, 'a')));
  EXPECT_FALSE(is_schema_name(std::string(64, 'a')));
}

}  // namespace
}  // namespace cala::store
