#include "core/velocity/counting.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "unit/core/velocity/velocity_fixture.h"

namespace cala::core {
namespace {

using base::Uuid;

// At most 100 settled, on the debit side.
CompiledControlPtr control() { return compiled(control_of({limit_of("decimal('100')")})); }

class Counting : public ::testing::Test {
 protected:
  Counting() {
    VelocityBearers bearers;
    bearers.add(VelocityBearer{kAccount, "A", {}, Direction::kDebit, {}, {control()}});
    counting.limit_by(std::move(bearers));
  }

  std::vector<VelocityHit> hits(const char *units) {
    PostedTransaction &posting = *postings.emplace_back(std::make_unique<PostedTransaction>());
    Entry &entry = posting.entries.emplace_back();
    entry.account_id = kAccount;
    entry.journal_id = kJournal;
    entry.direction = Direction::kDebit;
    entry.units = amount(units);
    entry.currency = usd();
    auto found = counting.bearers().match(posting, [](const Entry &) { return std::vector<Uuid>(); });
    EXPECT_TRUE(found.ok() && found->size() == 1U);
    return found.take();
  }
  std::string count(const char *units, VelocityBalances &mine) {
    const base::Outcome counted = counting.count(hits(units).front(), mine, warnings);
    return counted ? "ok" : counted.error().code;
  }

  VelocityCounting counting;
  std::vector<std::unique_ptr<PostedTransaction>> postings;
  std::vector<VelocityWarning> warnings;
};

TEST_F(Counting, WhatIsNotKnownPassesAndIsAskedFor) {
  VelocityBalances mine;
  EXPECT_EQ(count("1000", mine), "ok");
  EXPECT_TRUE(mine.empty());
  const std::vector<VelocityKey> needs = counting.needs();
  ASSERT_EQ(needs.size(), 1U);
  counting.start_over(needs, {});
  EXPECT_TRUE(counting.needs().empty());
  EXPECT_EQ(count("1000", mine), "velocity.exceeded");
  EXPECT_EQ(counting.version_read(needs[0]), 0);
}

TEST_F(Counting, CountsOnFromWhatTheStoreHasAndWhatWasKept) {
  VelocityBalances mine;
  EXPECT_EQ(count("1", mine), "ok");
  VelocityBalance stored{counting.needs()[0], 4, {}};
  stored.layers[0].debit = *Decimal::parse("60");
  counting.start_over(counting.needs(), {stored});
  EXPECT_EQ(counting.version_read(stored.key), 4);
  EXPECT_EQ(count("41", mine), "velocity.exceeded");
  mine.clear();
  EXPECT_EQ(count("30", mine), "ok");
  EXPECT_TRUE(counting.kept().empty()) << "not before it is kept";
  counting.keep(std::move(mine));
  mine.clear();
  EXPECT_EQ(count("11", mine), "velocity.exceeded");
  const base::Result<std::vector<VelocityHeadroom>> left = counting.headroom_after(base::Timestamp());
  ASSERT_TRUE(left.ok());
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().left.text(), "10");
}

}  // namespace
}  // namespace cala::core
