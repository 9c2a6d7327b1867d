// Whether a posting is the one that was posted before.
#include "core/posting/replay.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "base/json.h"

namespace cala::core {
namespace {

PostedTransaction posted() {
  PostedTransaction out;
  out.transaction.correlation_id = "c";
  out.transaction.metadata = R"({"a": 1, "b": [2]})";
  out.transaction.effective = base::Date{20454};
  for (const Direction direction : {Direction::kDebit, Direction::kCredit}) {
    Entry &entry = out.entries.emplace_back();
    entry.entry_type = "E";
    entry.direction = direction;
    entry.units = *Decimal::parse("1.50");
    entry.currency = *Currency::parse("USD");
  }
  return out;
}

std::string difference(const std::function<void(PostedTransaction &)> &change) {
  PostedTransaction again = posted();
  change(again);
  return first_difference(posted(), again).value_or("none");
}

TEST(Replay, AmountsAreComparedByValueAndMetadataAsJson) {
  EXPECT_EQ(difference([](PostedTransaction &) {}), "none");
  EXPECT_EQ(difference([](PostedTransaction &again) { again.entries[0].units = *Decimal::parse("1.5"); }), "none");
  EXPECT_EQ(difference([](PostedTransaction &again) { again.transaction.metadata = R"({"b":[2],"a":1})"; }), "none");
  EXPECT_EQ(difference([](PostedTransaction &again) { again.transaction.metadata = R"({"b":[3],"a":1})"; }),
            "metadata");
  EXPECT_EQ(difference([](PostedTransaction &again) { again.transaction.metadata.reset(); }), "metadata");
}

// What the library drew or noted itself is no difference.
TEST(Replay, IdsOfEntriesAndInstantsDoNotCount) {
  EXPECT_EQ(difference([](PostedTransaction &again) {
              again.entries[0].id.bytes[0] = 1;
              again.entries[0].account_version = 9;
              again.transaction.created_at = base::Timestamp::from_micros(5);
            }),
            "none");
}

TEST(Replay, TheFirstDifferenceIsNamed) {
  EXPECT_EQ(difference([](PostedTransaction &again) {
              again.entries[1].direction = Direction::kDebit;
              again.entries[1].units = *Decimal::parse("2");
            }),
            "entries/1/direction");
  EXPECT_EQ(difference([](PostedTransaction &again) {
              again.entries.pop_back();
              again.transaction.description = "x";
            }),
            "description");
  EXPECT_EQ(difference([](PostedTransaction &again) { again.entries.pop_back(); }), "entries");
  EXPECT_EQ(difference([](PostedTransaction &again) { again.transaction.id.bytes[3] = 1; }), "id");
}

TEST(Replay, TheConflictNamesTransactionAndField) {
  const base::Error error = replay_differs(posted(), "entries/0/units");
  EXPECT_EQ(error.status, base::Status::kConflict);
  EXPECT_EQ(error.code, "transaction.replay_differs");
  EXPECT_EQ(error.details, R"({"transaction_id":"00000000-0000-0000-0000-000000000000","field":"entries/0/units"})");
}

}  // namespace
}  // namespace cala::core
