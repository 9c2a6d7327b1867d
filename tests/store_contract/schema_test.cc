#include <gmock/gmock.h>

#include "store/rows.h"
#include "store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Result;
using store::Access;
using store::StatementId;

class SchemaContract : public StoreContract {};
CALA_FOR_EVERY_STORE(SchemaContract);

TEST_P(SchemaContract, ProbeSeesTheLedger) {
  const Result<std::string> probe = call(StatementId::kSchemaProbe, "{}");
  ASSERT_TRUE(probe.ok()) << probe.error().message;
  const Result<base::Json> json = base::Json::parse(*probe);
  const base::JsonView present = json->root().get("present");
  EXPECT_TRUE(present.boolean() || present.integer() == 1) << *probe;
}

TEST_P(SchemaContract, ProbeSeesThatThereIsNoLedger) {
  forget_ledger();
  const Result<std::string> probe = call(StatementId::kSchemaProbe, "{}");
  ASSERT_TRUE(probe.ok()) << probe.error().message;
  const Result<base::Json> json = base::Json::parse(*probe);
  const base::JsonView present = json->root().get("present");
  EXPECT_TRUE(present.present() && !present.boolean() && present.integer().value_or(0) == 0) << *probe;
}

TEST_P(SchemaContract, WithoutALedgerEveryStatementSaysThatMigrationsAreMissing) {
  forget_ledger();
  for (const StatementId id : {StatementId::kLedgerInfo, StatementId::kAccountFind, StatementId::kAccountList}) {
    const Result<std::string> answer = call(id, R"({"by":"id","keys":[],"first":1})");
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.error().status, base::Status::kUnsupported);
    EXPECT_EQ(answer.error().code, "store.migrations_missing");
  }
}

TEST_P(SchemaContract, ReadGivesTheLibrarysVersionAfterMigration) {
  const Result<std::string> read = call(StatementId::kSchemaRead, "{}");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(base::Json::parse(*read)->root().get("version").integer(), store().dialect().schema_version());
}

TEST_P(SchemaContract, MigratingAgainDoesNothing) {
  const Result<store::MigrationReport> again = store().migrate();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->from_version, store().dialect().schema_version());
  EXPECT_EQ(again->to_version, store().dialect().schema_version());
}

TEST_P(SchemaContract, MigrationOfAnUpToDateSchemaHasNoStatements) {
  EXPECT_TRUE(store().dialect().migration_statements(store().dialect().schema_version()).empty());
  EXPECT_GT(store().dialect().migration_statements(0).size(), 3U);
}

TEST_P(SchemaContract, InfoCountsWhatIsThere) {
  const core::Account a = add_account("A"), b = add_account("B");
  post_transfer(a.id, b.id, "1.00");
  const Result<std::string> info = call(StatementId::kLedgerInfo, "{}");
  ASSERT_TRUE(info.ok()) << info.error().message;
  const Result<base::Json> json = base::Json::parse(*info);
  const auto count = [&](const char *noun) { return json->root().get(noun).integer().value_or(-1); };
  EXPECT_EQ(count("accounts"), 2);
  EXPECT_EQ(count("journals"), 1);
  EXPECT_EQ(count("tx_templates"), 1);
  EXPECT_EQ(count("transactions"), 1);
  EXPECT_EQ(count("entries"), 2);
  EXPECT_EQ(count("balances"), 2);
}

TEST_P(SchemaContract, EveryStatementHasExactlyOnePlaceholderInEachStyle) {
  const store::Dialect &dialect = store().dialect();
  const auto count = [](std::string_view text, std::string_view part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
      ++found;
    return found;
  };
  for (std::size_t i = 0; i + 2 < store::kStatementCount; ++i) {
    const store::Request request = store::Call{static_cast<StatementId>(i), "{}", false};
    EXPECT_EQ(count(dialect.encode(request, store::Placeholder::kQmark).sql, "?"), 1U);
    EXPECT_EQ(count(dialect.encode(request, store::Placeholder::kPercent).sql, "%s"), 1U);
    if (is_postgres()) {
      EXPECT_EQ(count(dialect.encode(request, store::Placeholder::kDollar).sql, "$1"), 1U);
    }
    EXPECT_EQ(dialect.encode(request, store::Placeholder::kDollar).id, static_cast<StatementId>(i));
  }
}

// So that none that is added is forgotten there.
TEST_P(SchemaContract, HealthMissesEveryTable) {
  const std::unique_ptr<store::Session> on = session();
  const auto health = [&] { return on->execute(store::Call{StatementId::kLedgerHealth, "{}", false}); };
  const std::string names = is_postgres() ? "SELECT tablename FROM pg_tables WHERE schemaname = '" + schema() + "'"
                                          : "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'cala%'";
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  const Result<store::Answer> listed = on->execute(store::ProgramStatement{names, {}});
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  Result<store::Answer> whole = health();
  ASSERT_TRUE(whole.ok()) << whole.error().message;
  const Result<base::Json> sound = base::Json::parse(std::get<std::string>(*whole));
  EXPECT_FALSE(sound->root().get("missing").is_string());
  on->rollback();
  const Result<base::Json> tables = base::Json::parse(std::get<std::string>(*listed));
  EXPECT_GT(tables->root().get("rows").size(), 20U);
  for (const base::JsonView row : tables->root().get("rows")) {
    const std::string table(row.first().string());
    const std::string quoted = is_postgres() ? '"' + schema() + "\"." + table + " CASCADE" : table;
    ASSERT_TRUE(on->begin(Access::kWrite).ok());
    const Result<store::Answer> dropped = on->execute(store::ProgramStatement{"DROP TABLE " + quoted, {}});
    EXPECT_TRUE(dropped.ok()) << table << ": " << dropped.error().message;
    const Result<store::Answer> answer = health();
    if (answer) {
      const Result<base::Json> found = base::Json::parse(std::get<std::string>(*answer));
      EXPECT_EQ(found->root().get("missing").string(), table);
    } else {
      EXPECT_EQ(answer.error().code, "store.migrations_missing") << table << ": " << answer.error().message;
    }
    on->rollback();
  }
}

TEST_P(SchemaContract, AStatementNobodyCommittedLeavesNothing) {
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  const core::Account lost = account("LOST");
  base::JsonWriter insert;
  insert.begin_array();
  store::write_row(insert, lost);
  insert.end_array();
  const Result<store::Answer> written =
      on->execute(store::Call{StatementId::kAccountWrite, write_document(insert.text(), "[]", "[]", kNow), true});
  ASSERT_TRUE(written.ok()) << written.error().message;
  on->rollback();
  EXPECT_THAT(column(StatementId::kAccountFind, R"({"by":"code","keys":["LOST"]})", "code"), testing::IsEmpty());
  EXPECT_TRUE(on->healthy());
}

TEST_P(SchemaContract, RollbackWithNothingToRollBackIsHarmless) {
  const std::unique_ptr<store::Session> on = session();
  on->rollback();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  on->rollback();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  EXPECT_TRUE(on->commit().ok());
  ASSERT_TRUE(on->begin(Access::kRead).ok());
  EXPECT_TRUE(on->execute(store::Call{StatementId::kSchemaProbe, "{}", false}).ok());
  EXPECT_TRUE(on->commit().ok());
}

}  // namespace
}  // namespace cala::tests
