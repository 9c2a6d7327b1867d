#include <gmock/gmock.h>

#include "store/rows.h"
#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Result;
using store::StatementId;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class EntityContract : public StoreContract {
 protected:
  template <typename T>
  T find_one(StatementId id, const std::string &by, const std::string &key, Result<T> (*read)(base::JsonView)) {
    base::JsonWriter document;
    document.begin_object().key("by").string(by).key("keys").begin_array().string(key).end_array().end_object();
    const base::Json found = rows(id, document.text());
    EXPECT_EQ(found.root().get("rows").size(), 1U) << document.text();
    Result<T> value = read(found.root().get("rows").first());
    EXPECT_TRUE(value.ok());
    return value ? value.take() : T{};
  }

  // A write that came too late is told by the answer or by an error; either way nothing is written.
  static bool is_refused_as_changed(const Result<std::string> &answer, const std::string &noun) {
    if (!answer) return answer.error().code == noun + ".changed";
    return base::Json::parse(*answer)->root().get("changed").size() > 0;
  }
  static void expect_taken(const Result<std::string> &answer, const std::string &code, const std::string &column) {
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().status, base::Status::kConflict);
    EXPECT_EQ(answer.error().code, code);
    const Result<base::Json> details = base::Json::parse(answer.error().details);
    ASSERT_TRUE(details.ok()) << answer.error().details;
    EXPECT_EQ(details->root().get("column").string(), column);
  }
};
CALA_FOR_EVERY_STORE(EntityContract);

TEST_P(EntityContract, AccountComesBackAsItWasWritten) {
  core::Account full = account("FULL \"q\" \\ %_ ü");
  full.name = "line\nbreak\ttab";
  full.external_id = "ext";
  full.description = "";
  full.metadata = R"({"z":1.0,"a":[1,2,{"b":"\u00e9\\"}],"big":12345678901234567890})";
  full.normal_balance_type = core::Direction::kDebit;
  full.status = core::LockStatus::kLocked;
  full.balance_rollup = core::BalanceRollup::kEventuallyConsistent;
  full.floors = *core::Floors::parse_text("encumbrance|*=-10.50,USD=0|EUR=99999999999999999999999999999999999999");
  full.modified_at = base::Timestamp::from_micros(kNow + 1);
  ASSERT_TRUE(write<core::Account>(StatementId::kAccountWrite, {full, account("PLAIN")}).ok());
  for (const auto &[by, key] : {std::pair<std::string, std::string>{"id", full.id.text()},
                                {"code", full.code},
                                {"external_id", *full.external_id}}) {
    const core::Account found = find_one(StatementId::kAccountFind, by, key, store::account_of);
    EXPECT_EQ(found.id, full.id);
    EXPECT_EQ(found.version, 1);
    EXPECT_EQ(found.code, full.code);
    EXPECT_EQ(found.name, full.name);
    EXPECT_EQ(found.external_id, full.external_id);
    EXPECT_EQ(found.description, full.description);
    EXPECT_EQ(found.metadata, full.metadata);
    EXPECT_EQ(found.normal_balance_type, full.normal_balance_type);
    EXPECT_EQ(found.status, full.status);
    EXPECT_EQ(found.balance_rollup, full.balance_rollup);
    EXPECT_EQ(found.floors, full.floors);
    EXPECT_FALSE(found.is_set);
    EXPECT_EQ(found.created_at, full.created_at);
    EXPECT_EQ(found.modified_at, full.modified_at);
  }
}

TEST_P(EntityContract, AbsentValuesComeBackAbsent) {
  const core::Account plain = add_account("PLAIN");
  const core::Account found = find_one(StatementId::kAccountFind, "id", plain.id.text(), store::account_of);
  EXPECT_EQ(found.external_id, std::nullopt);
  EXPECT_EQ(found.description, std::nullopt);
  EXPECT_EQ(found.metadata, std::nullopt);
}

TEST_P(EntityContract, InstantsBeforeTheEpochAndFarAheadAreExact) {
  core::Account old = account("OLD");
  old.created_at = base::Timestamp::from_micros(-1);
  old.modified_at = base::Timestamp::parse("2250-12-31T23:59:59.999999Z").value();
  ASSERT_TRUE(write<core::Account>(StatementId::kAccountWrite, {old}).ok());
  const core::Account found = find_one(StatementId::kAccountFind, "code", "OLD", store::account_of);
  EXPECT_EQ(found.created_at, old.created_at);
  EXPECT_EQ(found.modified_at, old.modified_at);
}

TEST_P(EntityContract, JournalComesBackAsItWasWritten) {
  core::Journal full = journal("Full");
  full.code = "J1";
  full.description = "about";
  full.status = core::LockStatus::kLocked;
  full.effective_balances = true;
  full.closed_until = base::Date{20000};
  full.max_scale = {4, {{core::Currency::parse("JPY").value(), 0}, {core::Currency::parse("USD").value(), 2}}};
  ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, {full}).ok());
  for (const auto &[by, key] : {std::pair<std::string, std::string>{"id", full.id.text()}, {"code", "J1"}}) {
    const core::Journal found = find_one(StatementId::kJournalFind, by, key, store::journal_of);
    EXPECT_EQ(found.id, full.id);
    EXPECT_EQ(found.name, full.name);
    EXPECT_EQ(found.code, full.code);
    EXPECT_EQ(found.description, full.description);
    EXPECT_EQ(found.status, full.status);
    EXPECT_TRUE(found.effective_balances);
    EXPECT_EQ(found.max_scale, full.max_scale);
    EXPECT_EQ(found.closed_until, full.closed_until);
    EXPECT_EQ(found.created_at, full.created_at);
  }
}

TEST_P(EntityContract, JournalsWithoutCodeDoNotCollide) {
  add_journal("One");
  add_journal("Two");
  EXPECT_EQ(column(StatementId::kJournalList, R"({"first":10})", "name").size(), 2U);
}

TEST_P(EntityContract, TxTemplateComesBackAsItWasWritten) {
  core::TxTemplate full = tx_template("T1");
  full.description = "about";
  full.metadata = R"({"k":[1,2]})";
  full.params.push_back({"plain", core::ParamType::kJson, std::nullopt, "described"});
  full.params[1].min = "0";
  full.params[1].max = "decimal('10')";
  full.transaction.external_id = "params.x + \"\\n\"";
  full.entries[0].metadata = "{'a': 1}";
  ASSERT_TRUE(write<core::TxTemplate>(StatementId::kTxTemplateWrite, {full}).ok());
  for (const auto &[by, key] : {std::pair<std::string, std::string>{"id", full.id.text()}, {"code", "T1"}}) {
    const core::TxTemplate found = find_one(StatementId::kTxTemplateFind, by, key, store::tx_template_of);
    EXPECT_EQ(found.id, full.id);
    EXPECT_EQ(found.code, full.code);
    EXPECT_EQ(found.description, full.description);
    EXPECT_EQ(found.metadata, full.metadata);
    ASSERT_EQ(found.params.size(), 2U);
    EXPECT_EQ(found.params[0].default_expr, full.params[0].default_expr);
    EXPECT_EQ(found.params[1].type, core::ParamType::kJson);
    EXPECT_EQ(found.params[1].description, "described");
    EXPECT_EQ(found.params[0].min, std::nullopt);
    EXPECT_EQ(found.params[1].min, "0");
    EXPECT_EQ(found.params[1].max, "decimal('10')");
    EXPECT_EQ(found.transaction.effective, full.transaction.effective);
    EXPECT_EQ(found.transaction.external_id, full.transaction.external_id);
    EXPECT_EQ(found.transaction.description, std::nullopt);
    ASSERT_EQ(found.entries.size(), 1U);
    EXPECT_EQ(found.entries[0].metadata, full.entries[0].metadata);
    EXPECT_EQ(found.entries[0].units, "params.amount");
  }
}

TEST_P(EntityContract, FindsLeaveMissingOnesOut) {
  const core::Account a = add_account("A");
  const std::string keys = R"({"by":"id","keys":[")" + base::new_uuid().text() + R"(",")" + a.id.text() + R"("]})";
  EXPECT_THAT(column(StatementId::kAccountFind, keys, "code"), ElementsAre("A"));
  EXPECT_THAT(column(StatementId::kAccountFind, R"({"by":"code","keys":["a","A "]})", "code"), IsEmpty());
  EXPECT_THAT(column(StatementId::kAccountFind, R"({"by":"code","keys":[]})", "code"), IsEmpty());
}

TEST_P(EntityContract, AnUpdateAppliesToTheVersionBeforeIt) {
  core::Account a = add_account("A");
  a.version = 2;
  a.name = "Renamed";
  a.external_id = "e";
  a.metadata = "[1]";
  const Result<std::string> written = write<core::Account>(StatementId::kAccountWrite, {}, {a});
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_FALSE(is_refused_as_changed(written, "account"));
  a.version = 3;
  a.external_id.reset();
  ASSERT_TRUE(write<core::Account>(StatementId::kAccountWrite, {}, {a}).ok());
  const core::Account found = find_one(StatementId::kAccountFind, "code", "A", store::account_of);
  EXPECT_EQ(found.version, 3);
  EXPECT_EQ(found.name, "Renamed");
  EXPECT_EQ(found.metadata, "[1]");
  EXPECT_EQ(found.external_id, std::nullopt);
  EXPECT_EQ(found.created_at, a.created_at);
}

TEST_P(EntityContract, AnUpdateOfAnotherVersionWritesNothingOfItsRequest) {
  core::Account a = add_account("A"), b = add_account("B");
  a.version = 3;  // 1 is stored
  a.name = "Late";
  b.version = 2;
  b.name = "In time";
  EXPECT_TRUE(
      is_refused_as_changed(write<core::Account>(StatementId::kAccountWrite, {account("C")}, {b, a}), "account"));
  EXPECT_THAT(column(StatementId::kAccountList, R"({"first":10})", "name"), ElementsAre("Account A", "Account B"));
  core::Journal j = add_journal("J");
  j.version = 1;
  EXPECT_TRUE(is_refused_as_changed(write<core::Journal>(StatementId::kJournalWrite, {}, {j}), "journal"));
}

TEST_P(EntityContract, AnUpdateOfAnUnknownRowIsRefused) {
  core::Account nobody = account("NOBODY");
  nobody.version = 2;
  EXPECT_TRUE(is_refused_as_changed(write<core::Account>(StatementId::kAccountWrite, {}, {nobody}), "account"));
}

TEST_P(EntityContract, JournalsAreUpdated) {
  core::Journal j = add_journal("J");
  j.version = 2;
  j.status = core::LockStatus::kLocked;
  j.description = "closed";
  ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, {}, {j}).ok());
  const core::Journal found = find_one(StatementId::kJournalFind, "id", j.id.text(), store::journal_of);
  EXPECT_EQ(found.status, core::LockStatus::kLocked);
  EXPECT_EQ(found.description, "closed");
  EXPECT_EQ(found.version, 2);
}

TEST_P(EntityContract, APostingReadsUntilWhenItsJournalIsClosed) {
  const core::Account a = add_account("A"), b = add_account("B");
  core::Journal journal = main_journal();
  main_tx_template();
  const auto read = [&] {
    const std::unique_ptr<store::Session> on = session();
    EXPECT_TRUE(on->begin(store::Access::kWrite).ok());
    const store::PostingState state = read_state(*on, read_of({transfer(a.id, b.id, "1")}));
    on->rollback();
    EXPECT_EQ(state.journals.size(), 1U);
    return state.journals.front().closed_until;
  };
  EXPECT_EQ(read(), std::nullopt);
  for (const std::optional<base::Date> until :
       {std::optional(base::Date{-719162}), std::optional(base::Date{20000}), std::optional<base::Date>()}) {
    ++journal.version;
    journal.closed_until = until;
    ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, {}, {journal}).ok());
    EXPECT_EQ(read(), until);
    EXPECT_EQ(find_one(StatementId::kJournalFind, "id", journal.id.text(), store::journal_of).closed_until, until);
  }
}

TEST_P(EntityContract, TakenAccountColumnsAreNamed) {
  core::Account first = account("A");
  first.external_id = "e";
  ASSERT_TRUE(write<core::Account>(StatementId::kAccountWrite, {first}).ok());
  core::Account same_id = account("B");
  same_id.id = first.id;
  expect_taken(write<core::Account>(StatementId::kAccountWrite, {same_id}), "account.exists", "id");
  expect_taken(write<core::Account>(StatementId::kAccountWrite, {account("A")}), "account.exists", "code");
  core::Account same_external = account("C");
  same_external.external_id = "e";
  expect_taken(write<core::Account>(StatementId::kAccountWrite, {same_external}), "account.exists", "external_id");
}

TEST_P(EntityContract, TakenJournalAndTemplateColumnsAreNamed) {
  core::Journal j = journal("J");
  j.code = "J";
  ASSERT_TRUE(write<core::Journal>(StatementId::kJournalWrite, {j}).ok());
  core::Journal same_id = journal("Other");
  same_id.id = j.id;
  expect_taken(write<core::Journal>(StatementId::kJournalWrite, {same_id}), "journal.exists", "id");
  j.id = base::new_uuid();
  expect_taken(write<core::Journal>(StatementId::kJournalWrite, {j}), "journal.exists", "code");
  core::TxTemplate t = add_tx_template("T");
  t.code = "OTHER";
  expect_taken(write<core::TxTemplate>(StatementId::kTxTemplateWrite, {t}), "tx_template.exists", "id");
  expect_taken(write<core::TxTemplate>(StatementId::kTxTemplateWrite, {tx_template("T")}), "tx_template.exists",
               "code");
}

TEST_P(EntityContract, AnUpdateThatTakesAnothersCodeIsRefused) {
  add_account("A");
  core::Account b = add_account("B");
  b.version = 2;
  b.code = "A";
  expect_taken(write<core::Account>(StatementId::kAccountWrite, {}, {b}), "account.exists", "code");
}

TEST_P(EntityContract, TwiceTheSameCodeInOneRequestIsRefusedWhole) {
  expect_taken(write<core::Account>(StatementId::kAccountWrite, {account("NEW"), account("TWICE"), account("TWICE")}),
               "account.exists", "code");
  EXPECT_THAT(column(StatementId::kAccountList, R"({"first":10})", "code"), IsEmpty());
}

TEST_P(EntityContract, ARefusedWriteLeavesItsTransactionUsable) {
  add_account("A");
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(store::Access::kWrite).ok());
  const auto insert = [&](const std::string &code) {
    base::JsonWriter out;
    out.begin_array();
    store::write_row(out, account(code));
    out.end_array();
    return on->execute(store::Call{StatementId::kAccountWrite, write_document(out.text(), "[]", "[]", kNow), true});
  };
  const Result<store::Answer> refused = insert("A");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().tx_state, base::TxState::kUsable);
  ASSERT_TRUE(insert("B").ok());
  ASSERT_TRUE(on->commit().ok());
  EXPECT_THAT(column(StatementId::kAccountList, R"({"first":10})", "code"), ElementsAre("A", "B"));
}

}  // namespace
}  // namespace cala::tests
