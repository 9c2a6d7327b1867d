// The posting path with an outcome for each posting: what a group of independent callers' postings will be committed by.
#include "engine/operations.h"
#include "engine/post.h"
#include "engine/runner.h"
#include "runtime/clock.h"
#include "tests/store_contract/contract.h"

namespace cala::tests {
namespace {

constexpr std::chrono::milliseconds kNoWaiting{0};

constexpr const char *kJournal = R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})";
constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice"},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "BOB", "name": "Bob"},
  {"id": "a0000000-0000-0000-0000-000000000003", "code": "LOCKED", "name": "Locked", "status": "locked"}]})";
constexpr const char *kTemplate = R"json({"code": "TRANSFER",
  "params": [{"name": "to", "type": "uuid"}, {"name": "debit", "type": "decimal"}, {"name": "credit", "type": "decimal"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "uuid('a0000000-0000-0000-0000-000000000001')", "layer": "SETTLED",
     "direction": "DEBIT", "units": "params.debit", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "params.to", "layer": "SETTLED", "direction": "CREDIT", "units": "params.credit",
     "currency": "'USD'"}]})json";

std::string params(const char *last_digit_of_account, const char *debit, const char *credit) {
  return std::string(R"({"to": "a0000000-0000-0000-0000-00000000000)") + last_digit_of_account + R"(", "debit": ")" +
         debit + R"(", "credit": ")" + credit + "\"}";
}

class GroupedPostings : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped()) return;
    ledger_ = std::make_unique<engine::Ledger>(clock_, store().dialect(), store().name(), true, "test");
    pool_ = std::make_unique<engine::SessionPool>(store(), 2, std::chrono::seconds(30));
    run(engine::journal_create, kJournal);
    run(engine::account_create_many, kAccounts);
    run(engine::tx_template_create, kTemplate);
  }

  std::string run(engine::Maker maker, const std::string &request) {
    base::Result<base::Json> json = base::Json::parse(request);
    base::Result<engine::OperationPtr> operation = maker(*ledger_, std::make_shared<const base::Json>(json.take()));
    engine::CancelToken cancel;
    base::Result<engine::Render> answer = engine::run(**operation, *ledger_, store(), *pool_, cancel, kNoWaiting);
    EXPECT_TRUE(answer.ok()) << (answer ? "" : answer.error().message);
    base::JsonWriter text;
    if (answer) (*answer)(text);
    return text.take();
  }

  // Posts them as one group, each with its own outcome.
  std::vector<engine::PostingOutcome> post_each(std::vector<engine::Posting> group) {
    auto postings = std::make_shared<const std::vector<engine::Posting>>(std::move(group));
    engine::PostingOutcomes out;
    engine::Operation operation("post_each", {store::Access::kWrite, true}, [&](engine::Context context) {
      return engine::post(context, postings, engine::Outcomes::kEach, false, &out);
    });
    engine::CancelToken cancel;
    const base::Result<engine::Render> done = engine::run(operation, *ledger_, store(), *pool_, cancel, kNoWaiting);
    EXPECT_TRUE(done.ok()) << (done ? "" : done.error().message);
    return std::move(out.items);
  }

  engine::Posting posting(const std::string &text, const char *code = "TRANSFER") {
    params_.push_back(std::make_unique<base::Json>(base::Json::parse(text).take()));
    engine::Posting made;
    made.id = base::new_uuid();
    made.tx_template_code = code;
    made.params = params_.back()->root();
    return made;
  }

  runtime::ManualClock clock_{base::Timestamp::from_micros(kNow)};
  std::unique_ptr<engine::Ledger> ledger_;
  std::unique_ptr<engine::SessionPool> pool_;
  std::vector<std::unique_ptr<base::Json>> params_;
};

TEST_P(GroupedPostings, KeepTheirOutcomesApart) {
  engine::Posting first = posting(params("2", "10.00", "10.00"));
  first.id_given = true;
  engine::Posting other_content = posting(params("2", "11", "11"));
  other_content.id = first.id;
  other_content.id_given = true;
  ASSERT_TRUE(post_each({first})[0].ok());

  const std::vector<engine::PostingOutcome> outcomes = post_each({
      posting(params("2", "1", "1")),
      posting(params("2", "1", "2")),
      posting(params("2", "1", "1"), "NOBODY"),
      posting(params("3", "1", "1")),
      first,
      posting(params("2", "0.50", "0.50")),
  });
  ASSERT_EQ(outcomes.size(), 6U);
  ASSERT_TRUE(outcomes[0].ok());
  ASSERT_FALSE(outcomes[1].ok());
  EXPECT_EQ(outcomes[1].error().code, "posting.unbalanced");
  EXPECT_EQ(outcomes[1].error().posting_index, 1);
  ASSERT_FALSE(outcomes[2].ok());
  EXPECT_EQ(outcomes[2].error().code, "tx_template.not_found");
  ASSERT_FALSE(outcomes[3].ok());
  EXPECT_EQ(outcomes[3].error().code, "account.locked");
  ASSERT_TRUE(outcomes[4].ok());
  EXPECT_TRUE((*outcomes[4]).replayed);
  ASSERT_TRUE(outcomes[5].ok());
  EXPECT_EQ((*outcomes[5]).posted.entries[1].account_version, 3);

  const std::vector<engine::PostingOutcome> conflict = post_each({other_content});
  ASSERT_FALSE(conflict[0].ok());
  EXPECT_EQ(conflict[0].error().code, "transaction.replay_differs");
  EXPECT_NE(run(engine::ledger_info, "{}").find("\"transactions\":3,\"entries\":6"), std::string::npos);
}

TEST_P(GroupedPostings, ThatAreAllRefusedWriteNothing) {
  const std::vector<engine::PostingOutcome> outcomes =
      post_each({posting(params("2", "1", "2")), posting(params("3", "1", "1"))});
  EXPECT_FALSE(outcomes[0].ok());
  EXPECT_FALSE(outcomes[1].ok());
  EXPECT_NE(run(engine::ledger_info, "{}").find("\"transactions\":0,\"entries\":0"), std::string::npos);
}

CALA_FOR_EVERY_STORE(GroupedPostings);

}  // namespace
}  // namespace cala::tests
