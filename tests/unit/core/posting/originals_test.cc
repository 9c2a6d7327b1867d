#include "core/posting/originals.h"

#include <gtest/gtest.h>

#include <utility>

namespace cala::core {
namespace {

using base::Uuid;

Uuid numbered(int n) {
  Uuid id;
  id.bytes[15] = static_cast<std::uint8_t>(n);
  return id;
}

PostedTransaction posted(int id, int void_of = 0) {
  PostedTransaction out;
  out.transaction.id = numbered(id);
  if (void_of != 0) out.transaction.void_of = numbered(void_of);
  return out;
}

TEST(Originals, AskForWhatIsVoidedAndForWhatThatTookBack) {
  Originals originals;
  EXPECT_EQ(originals.missing(numbered(3)), numbered(3));
  originals.add({numbered(3)}, {posted(3, 2)});
  EXPECT_EQ(originals.missing(numbered(3)), numbered(2));
  originals.add({numbered(2)}, {posted(2, 1)});
  EXPECT_EQ(originals.missing(numbered(3)), numbered(1));
  originals.add({numbered(1)}, {posted(1)});
  EXPECT_FALSE(originals.missing(numbered(3)));
  ASSERT_NE(originals.first(numbered(3)), nullptr);
  EXPECT_EQ(originals.first(numbered(3))->transaction.id, numbered(1));
  EXPECT_EQ(originals.find(numbered(3))->transaction.void_of, numbered(2));
}

TEST(Originals, AreAskedForOnceWhereTheyAreNotThere) {
  Originals originals;
  originals.add({numbered(1), numbered(2)}, {posted(2)});
  EXPECT_FALSE(originals.missing(numbered(1)));
  EXPECT_EQ(originals.find(numbered(1)), nullptr);
  EXPECT_EQ(originals.first(numbered(1)), nullptr);
  EXPECT_EQ(originals.first(numbered(2))->transaction.id, numbered(2)) << "one that is no void is the first itself";
}

}  // namespace
}  // namespace cala::core
