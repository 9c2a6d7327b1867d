#include "core/rejection.h"

#include <gtest/gtest.h>

namespace cala::core {
namespace {

TEST(Rejection, HasItsDetailsInTheirOrderAndEscaped) {
  const base::Error error =
      rejection(base::Status::kRejected, "account.locked", "account A is locked", {{"b", "1"}, {"a", "say \"no\""}});
  EXPECT_EQ(error.status, base::Status::kRejected);
  EXPECT_EQ(error.code, "account.locked");
  EXPECT_EQ(error.message, "account A is locked");
  EXPECT_EQ(error.details, R"({"b":"1","a":"say \"no\""})");
}

TEST(Rejection, OfWhatIsNotThereNamesTheKey) {
  const base::Error error = not_found("tx_template", "code", "TRANSFER");
  EXPECT_EQ(error.status, base::Status::kNotFound);
  EXPECT_EQ(error.code, "tx_template.not_found");
  EXPECT_EQ(error.message, "there is no tx template with code \"TRANSFER\"");
  EXPECT_EQ(error.details, R"({"code":"TRANSFER"})");
}

TEST(Rejection, OfWhatIsTakenNamesTheColumnAndTheItem) {
  const base::Error known = already_exists("account", "code", "CASH", 3);
  EXPECT_EQ(known.status, base::Status::kConflict);
  EXPECT_EQ(known.code, "account.exists");
  EXPECT_EQ(known.message, "the ledger has another account with code \"CASH\"");
  EXPECT_EQ(known.details, R"({"column":"code","value":"CASH","index":3})");
  const base::Error unknown = already_exists("account_set", "external_id");
  EXPECT_EQ(unknown.message, "the ledger has another account set with this external_id");
  EXPECT_EQ(unknown.details, R"({"column":"external_id"})");
}

}  // namespace
}  // namespace cala::core
