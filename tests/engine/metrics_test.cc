// ledger_metrics while others go on counting.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "engine/makers.h"
#include "runtime/clock.h"
#include "store/sqlite/sqlite_dialect.h"

namespace cala::engine {
namespace {

std::string metrics_of(Ledger &ledger) {
  base::Result<base::Json> request = base::Json::parse("{}");
  base::Result<OperationPtr> operation = ledger_metrics(ledger, std::make_shared<base::Json>(request.take()));
  EXPECT_TRUE(operation.ok());
  (*operation)->begin(Context{.ledger = &ledger});
  const base::Result<Render> outcome = (*operation)->take_outcome();
  EXPECT_TRUE(outcome.ok());
  base::JsonWriter out;
  (*outcome)(out);
  return out.take();
}

TEST(Metrics, AHistogramHasTheCountOfItsBucketsWhileOthersCount) {
  const runtime::SystemClock clock;
  const store::sqlite::SqliteDialect dialect;
  Ledger ledger(clock, dialect, "sqlite", false, "test");
  std::atomic<bool> ends{false};
  std::thread counting([&] {
    Course course;
    for (int i = 0; !ends.load(); ++i) ledger.telemetry().waited_for_thread(std::chrono::microseconds(i % 4), course);
  });
  int with_buckets = 0;
  for (int i = 0; i < 1000; ++i) {
    const base::Result<base::Json> json = base::Json::parse(metrics_of(ledger));
    ASSERT_TRUE(json.ok());
    for (const base::JsonView family : json->root().get("metrics")) {
      if (family.get("name").string() != "wait_duration") continue;
      for (const base::JsonView sample : family.get("samples")) {
        std::int64_t sum = 0;
        for (const base::JsonView bucket : sample.get("buckets")) sum += bucket.get("count").integer().value_or(0);
        EXPECT_EQ(sum, sample.get("count").integer().value_or(-1));
        if (sum > 0) ++with_buckets;
      }
    }
  }
  ends.store(true);
  counting.join();
  EXPECT_GT(with_buckets, 0);
}

}  // namespace
}  // namespace cala::engine
