// Velocity, as a store keeps it: what is attached comes with a posting's read,
// what was counted is written with the posting.
#include <gmock/gmock.h>

#include "store/rows.h"
#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Result;
using store::Access;
using store::StatementId;

class VelocityContract : public StoreContract {
 protected:
  core::VelocityLimit add_limit(const std::string &name) {
    core::VelocityLimit limit;
    limit.id = base::new_uuid();
    limit.name = name;
    limit.description = "d";
    limit.condition = "true";
    limit.currency = core::Currency::parse("USD");
    limit.window = {{"day", "context.vars.transaction.effective.format('%d')"}};
    core::TxTemplateParam param;
    param.name = "most";
    param.type = core::ParamType::kDecimal;
    param.default_expr = "decimal('1')";
    limit.params = {param};
    limit.rule.timestamp_source = "context.vars.transaction.effective";
    limit.rule.balance = {{"SETTLED", "params.most", "DEBIT", "timestamp('2026-01-01T00:00:00Z')", std::nullopt,
                           core::VelocityBasis::kGross}};
    limit.created_at = limit.modified_at = base::Timestamp::from_micros(kNow);
    EXPECT_TRUE(insert(StatementId::kVelocityLimitWrite, limit).ok());
    return limit;
  }
  core::VelocityControl add_control(const std::string &name) {
    core::VelocityControl control;
    control.id = base::new_uuid();
    control.name = name;
    control.action = core::VelocityAction::kWarn;
    control.created_at = control.modified_at = base::Timestamp::from_micros(kNow);
    EXPECT_TRUE(insert(StatementId::kVelocityControlWrite, control).ok());
    return control;
  }
  template <typename T>
  Result<std::string> insert(StatementId id, const T &row) {
    base::JsonWriter out;
    out.begin_array();
    store::write_row(out, row);
    return call(id, write_document(out.end_array().take(), "[]", "[]", kNow), true);
  }

  // One array of the write's document; the others are empty.
  Result<std::string> change(const std::string &which, const std::string &rows) {
    std::string document = "{";
    for (const char *key : {"add", "attach", "replace", "detach", "events"}) {
      document += std::string("\"") + key + "\":" + (key == which ? rows : "[]") + ",";
    }
    return call(StatementId::kVelocityAttachmentWrite, document + "\"now\":" + std::to_string(kNow) + "}", true);
  }
  std::string attachment(const base::Uuid &account, const base::Uuid &control, const std::string &frozen,
                         std::int64_t version = 1) const {
    core::VelocityAttachment row;
    row.account_id = account;
    row.control_id = control;
    row.version = version;
    row.frozen = frozen;
    row.created_at = row.modified_at = base::Timestamp::from_micros(kNow);
    base::JsonWriter out;
    out.begin_array();
    store::write_row(out, row);
    return out.end_array().take();
  }
  // "store" refuses an operation that was overtaken either as an error or by naming what changed.
  static bool overtaken(const Result<std::string> &answer) {
    return answer ? answer->find("\"changed\":[]") == std::string::npos &&
                        answer->find("\"changed\" : []") == std::string::npos
                  : answer.error().code == "velocity_control.changed";
  }

  std::vector<core::VelocityBalance> counted(const core::VelocityKey &key) {
    const std::string document = "{\"keys\":[[\"" + key.account_id.text() + "\",\"USD\",\"" + key.journal_id.text() +
                                 "\",\"" + key.control_id.text() + "\",\"" + key.limit_id.text() +
                                 "\",\"{\\\"w\\\":1}\"]]}";
    std::vector<core::VelocityBalance> out;
    const base::Json found = rows(StatementId::kVelocityRead, document);
    for (const base::JsonView row : found.root().get("rows")) {
      Result<core::VelocityBalance> balance = store::velocity_balance_of(row);
      EXPECT_TRUE(balance.ok()) << balance.error().message;
      if (balance) out.push_back(balance.take());
    }
    return out;
  }

  store::PostingState state_;
};
CALA_FOR_EVERY_STORE(VelocityContract);

TEST_P(VelocityContract, LimitsAndControlsComeBackAsTheyWere) {
  const core::VelocityLimit limit = add_limit("first"), second = add_limit("second");
  const core::VelocityControl control = add_control("c");
  const std::string pair = R"([{"control_id":")" + control.id.text() + R"(","limit_id":")";
  EXPECT_FALSE(overtaken(change("add", pair + second.id.text() + "\"}]")));
  EXPECT_FALSE(overtaken(change("add", pair + limit.id.text() + "\"}]")));
  EXPECT_TRUE(overtaken(change("add", pair + limit.id.text() + "\"}]"))) << "it is there already";
  const base::Json found = rows(StatementId::kVelocityControlFind, R"({"keys":[")" + control.id.text() + "\"]}");
  Result<core::VelocityControl> read = store::velocity_control_of(found.root().get("rows").first());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->action, core::VelocityAction::kWarn);
  ASSERT_EQ(read->limits.size(), 2U);
  core::VelocityLimit first = read->limits[0];
  EXPECT_EQ(first.id, limit.id) << "oldest first";
  EXPECT_LT(first.number, read->limits[1].number);
  first.number = limit.number;  // which the store gave
  base::JsonWriter was, is;
  store::write_row(was, limit);
  store::write_row(is, first);
  EXPECT_EQ(is.text(), was.text());
  EXPECT_EQ(pages(StatementId::kVelocityLimitList, "", 1, false, "name"),
            (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(pages(StatementId::kVelocityLimitList, "", 1, true, "name"), (std::vector<std::string>{"second", "first"}));
  EXPECT_EQ(insert(StatementId::kVelocityLimitWrite, limit).error().code, "velocity_limit.exists");
  EXPECT_EQ(insert(StatementId::kVelocityControlWrite, control).error().code, "velocity_control.exists");
}

TEST_P(VelocityContract, WhatIsAttachedComesWithAPostingsRead) {
  const core::Account alice = add_account("ALICE"), bob = add_account("BOB");
  const core::VelocityControl control = add_control("c");
  const std::unique_ptr<store::Session> on = session();
  const auto attached = [&]() -> const core::AttachedControls * {
    const std::vector<core::PostedTransaction> postings = {transfer(alice.id, bob.id, "1")};
    EXPECT_TRUE(on->begin(Access::kWrite).ok());
    state_ = read_state(*on, read_of(postings));
    on->rollback();
    const core::AttachedControls *found = nullptr;
    for (const core::AccountState &account : state_.accounts) {
      if (account.id == alice.id) found = account.controls.get();
      if (account.id == bob.id) {
        EXPECT_EQ(account.controls, nullptr);
      }
    }
    return found;
  };
  EXPECT_EQ(attached(), nullptr);
  EXPECT_FALSE(overtaken(change("attach", attachment(alice.id, control.id, R"({"a":1})"))));
  const core::AttachedControls *found = attached();
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, alice.name);
  EXPECT_EQ(found->external_id, alice.external_id);
  EXPECT_EQ(found->metadata, alice.metadata);
  ASSERT_EQ(found->frozen.size(), 1U);
  EXPECT_EQ(found->frozen[0], R"({"a":1})");
  EXPECT_TRUE(overtaken(change("attach", attachment(alice.id, control.id, "{}")))) << "it is attached already";
  EXPECT_TRUE(overtaken(change("replace", attachment(alice.id, control.id, "{}", 7)))) << "of another version";
  EXPECT_FALSE(overtaken(change("replace", attachment(alice.id, control.id, R"({"b":2})", 2))));
  found = attached();
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->frozen[0], R"({"b":2})");
  EXPECT_EQ(column(StatementId::kVelocityAttachmentList,
                   R"({"first":9,"account_ids":[")" + alice.id.text() + R"("],"with_sets":true})", "control_id"),
            std::vector<std::string>{control.id.text()});
  EXPECT_FALSE(overtaken(change("detach", attachment(alice.id, control.id, "{}"))));
  EXPECT_EQ(attached(), nullptr);
  EXPECT_TRUE(overtaken(change("detach", attachment(alice.id, control.id, "{}"))));
}

TEST_P(VelocityContract, WhatWasCountedIsWrittenWithThePosting) {
  const core::Account alice = add_account("ALICE"), bob = add_account("BOB");
  const core::VelocityLimit limit = add_limit("l");
  const core::VelocityControl control = add_control("c");
  const core::VelocityKey key{alice.id,    *core::Currency::parse("USD"), main_journal().id, control.id, limit.id,
                              R"({"w":1})"};
  EXPECT_TRUE(counted(key).empty());
  const auto post_counting = [&](std::int64_t old_version, const char *debit) {
    std::vector<core::PostedTransaction> postings = {transfer(alice.id, bob.id, "1")};
    const std::unique_ptr<store::Session> on = session();
    EXPECT_TRUE(on->begin(Access::kWrite).ok());
    const store::PostingState state = read_state(*on, read_of(postings));
    store::PostingWrite write = write_of(state, postings);
    core::VelocityBalance balance{key, old_version + 1, {}};
    balance.layers[0].debit = *core::Decimal::parse(debit);
    balance.layers[2].credit = *core::Decimal::parse("0.50");
    write.velocity = {balance};
    write.velocity_versions = {old_version};
    write.warnings = {{0, {{"too much", R"({"allowed":"1"})"}}}};
    return on->execute_and_commit(std::move(write)).ok();
  };
  EXPECT_TRUE(post_counting(0, "1"));
  EXPECT_TRUE(post_counting(1, "2.25"));
  const std::vector<core::VelocityBalance> found = counted(key);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].version, 2);
  EXPECT_EQ(found[0].key.window, key.window);
  EXPECT_EQ(found[0].layers[0].debit.text(), "2.25");
  EXPECT_EQ(found[0].layers[2].credit.text(), "0.50");
  if (is_postgres()) {
    EXPECT_FALSE(post_counting(0, "1")) << "another session counted meanwhile";
    EXPECT_FALSE(post_counting(1, "1"));
  }
  EXPECT_THAT(column(StatementId::kVelocityBalanceList,
                     R"({"account_ids":[")" + alice.id.text() + R"("],"currency":"USD"})", "window"),
              testing::ElementsAre(key.window));
  EXPECT_TRUE(column(StatementId::kVelocityBalanceList,
                     R"({"account_ids":[")" + alice.id.text() + R"("],"currency":"EUR"})", "window")
                  .empty());
}

}  // namespace
}  // namespace cala::tests
