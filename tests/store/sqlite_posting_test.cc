// The two ways of posting (typed values on our own connection, JSON documents on a program's) and what both refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "store/host_sqlite.h"
#include "store/rows.h"
#include "store/sqlite/entry_id.h"
#include "store/sqlite/layer_text.h"
#include "store/sqlite/sqlite_connection.h"
#include "store/sqlite_ledger.h"

namespace cala::tests {
namespace {

using base::Outcome;
using base::Result;
using base::Status;
using store::Access;
using store::StatementId;
using store::sqlite::Connection;

// Every row of every table of the ledger, as SQL literals.
std::vector<std::string> dump(const std::string &path) {
  std::vector<std::string> rows;
  Connection::Options options;
  options.uri = "file:" + path;
  Result<std::unique_ptr<Connection>> connection = Connection::open(options);
  EXPECT_TRUE(connection.ok());
  const auto column = [&](const std::string &sql) {
    std::vector<std::string> values;
    Result<store::sqlite::Statement> statement = (*connection)->prepare(sql);
    EXPECT_TRUE(statement.ok()) << statement.error().message;
    while (statement->step() == 100) values.emplace_back(statement->column_text(0));
    return values;
  };
  for (const std::string &table : column("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'cala_%'"
                                         " AND name <> 'cala_migrations' ORDER BY name")) {
    const auto names =
        column("SELECT group_concat('quote(' || name || ')', ' || '','' || ') FROM pragma_table_info('" + table + "')");
    for (const std::string &row : column("SELECT " + names.at(0) + " FROM " + table + " ORDER BY 1")) {
      rows.push_back(table + ": " + row);
    }
  }
  return rows;
}

std::vector<std::vector<Sketch>> varied_batches() {
  std::mt19937_64 random(7);
  std::vector<std::vector<Sketch>> batches;
  for (int i = 0; i < 40; ++i) {
    std::vector<Sketch> batch;
    for (std::uint64_t n = random() % 6; batch.size() <= n;) {
      Sketch sketch = transfer(random() % 4, random() % 4, std::to_string(random() % 100) + ".50");
      const auto layer = static_cast<core::Layer>(random() % 3);
      for (EntrySketch &entry : sketch.entries) entry.layer = layer;
      if (random() % 3 == 0)
        sketch.external_id = "ext-'\"\\\n-" + std::to_string(i) + "-" + std::to_string(batch.size());
      if (random() % 3 == 0) sketch.correlation_id = "cor-\xC3\xA9\xF0\x9F\x98\x80";
      if (random() % 4 == 0) sketch.entries[1].currency = "BTC";
      batch.push_back(std::move(sketch));
    }
    batches.push_back(std::move(batch));
  }
  return batches;
}

TEST(SqlitePosting, LeavesTheSameRowsByEitherWay) {
  const TemporaryFolder folder;
  const std::string typed_path = folder.file("typed.db");
  const std::string document_path = folder.file("document.db");
  const std::string host_path = folder.file("host.db");
  SqliteLedger first({.path = typed_path, .durable = false});
  first.close_writer();
  std::filesystem::copy_file(typed_path, document_path);
  std::filesystem::copy_file(typed_path, host_path);
  SqliteLedger typed(first, {.path = typed_path, .durable = false});
  SqliteLedger document(first, {.path = document_path, .durable = false, .typed_postings = false});
  SqliteLedger hosts(first, {.path = host_path});
  typed.id_seed = document.id_seed = hosts.id_seed = 42;
  for (const std::vector<Sketch> &batch : varied_batches()) {
    ASSERT_TRUE(typed.post(batch).ok());
    const Outcome posted = document.post(batch);
    ASSERT_TRUE(posted.ok()) << posted.error().message;
  }
  EXPECT_GT(dump(typed_path).size(), 300U);
  EXPECT_EQ(dump(typed_path), dump(document_path));

  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  HostSqlite host(host_path);
  const store::Dialect &dialect = hosts.store().dialect();
  for (const std::vector<Sketch> &batch : varied_batches()) {
    ASSERT_TRUE(host.run("BEGIN").ok());
    std::vector<core::PostedTransaction> postings = hosts.draw(batch);
    Result<store::Answer> read = host.ask(dialect, read_request(postings, true));
    ASSERT_TRUE(read.ok()) << read.error().message;
    const store::PostingState state = std::get<store::PostingState>(read.take());
    EXPECT_FALSE(state.guard.empty());
    const Result<store::Answer> written =
        host.ask(dialect, fold_postings(state, std::move(postings), base::Timestamp::from_micros(hosts.now_micros)));
    ASSERT_TRUE(written.ok()) << written.error().message;
    ASSERT_TRUE(host.run("COMMIT").ok());
  }
  EXPECT_EQ(dump(typed_path), dump(host_path));
}

TEST(SqlitePosting, ReadsTheSameStateByEitherWay) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  SqliteLedger typed({.path = path, .durable = false});
  for (const std::vector<Sketch> &batch : varied_batches()) ASSERT_TRUE(typed.post(batch).ok());
  SqliteLedger document(typed, {.path = path, .durable = false, .typed_postings = false});
  store::PostingRead read = read_request(typed.posted, false);
  read.keys.push_back({base::new_uuid(), *core::Currency::parse("USD"), typed.journal});
  std::sort(read.keys.begin(), read.keys.end());
  read.transaction_ids.push_back(base::new_uuid());
  read.tx_template_ids.push_back(base::new_uuid());
  Result<store::Answer> one = typed.writer().execute(read);
  Result<store::Answer> other = document.writer().execute(read);
  ASSERT_TRUE(one.ok());
  ASSERT_TRUE(other.ok()) << other.error().message;
  const auto rendered = [](store::PostingState state) {
    base::JsonWriter out;
    out.begin_array();
    for (const core::JournalState &row : state.journals) {
      out.string(row.id.text()).string(core::text_of(row.status));
      row.max_scale.append_to(out);
    }
    for (const core::AccountState &row : state.accounts) {
      out.string(row.id.text()).string(core::text_of(row.status)).boolean(row.is_set);
    }
    for (const core::Balance &row : state.balances) store::write_row(out, row);
    for (const base::Uuid &id : state.tx_template_ids) out.string(id.text());
    for (const core::PostedTransaction &posted : state.existing) {
      store::write_row(out, posted.transaction);
      for (const core::Entry &entry : posted.entries) store::write_row(out, entry);
    }
    out.end_array();
    return out.take();
  };
  store::PostingState state = std::get<store::PostingState>(one.take());
  EXPECT_EQ(state.existing.size(), typed.posted.size());
  EXPECT_EQ(state.accounts.size(), 4U);
  EXPECT_EQ(state.tx_template_ids.size(), 1U);
  EXPECT_EQ(rendered(std::move(state)), rendered(std::get<store::PostingState>(other.take())));
}

class SqlitePostingWay : public ::testing::TestWithParam<bool> {
 protected:
  SqlitePostingWay() : ledger({.path = folder.file("ledger.db"), .durable = false, .typed_postings = GetParam()}) {}
  TemporaryFolder folder;
  SqliteLedger ledger;
};

TEST_P(SqlitePostingWay, RefusesToFollowAReadThatSomebodyElseOvertook) {
  store::PostingState state;
  ASSERT_TRUE(ledger.writer().begin(Access::kRead).ok());
  Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1)}, ledger.writer(), state, true);
  ASSERT_TRUE(write.ok());
  ledger.writer().rollback();
  const std::unique_ptr<store::Session> other = ledger.session(Access::kWrite);
  ASSERT_TRUE(ledger.post({transfer(2, 3)}, *other).ok());
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  const Result<store::Answer> refused = ledger.writer().execute(write.take());
  ledger.writer().rollback();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kMisuse);
  EXPECT_EQ(refused.error().code, "transaction.none");
  EXPECT_EQ(ledger.count("transactions"), 1);
}

TEST_P(SqlitePostingWay, RefusesToFollowAReadWhenAnAccountWasLockedSince) {
  store::PostingState state;
  Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1)}, ledger.writer(), state, true);
  ASSERT_TRUE(write.ok());
  const base::Json found =
      ledger.rows(StatementId::kAccountFind, R"({"by":"id","keys":[")" + ledger.accounts.at(0).text() + R"("]})");
  Result<core::Account> locked = store::account_of(found.root().get("rows").first());
  ASSERT_TRUE(locked.ok());
  locked->version += 1;
  locked->status = core::LockStatus::kLocked;
  base::JsonWriter document;
  document.begin_object().key("update").begin_array();
  store::write_row(document, *locked);
  document.end_array().key("now").integer(1).end_object();
  ASSERT_TRUE(ledger.call(StatementId::kAccountWrite, document.take(), true).ok());
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  const Result<store::Answer> refused = ledger.writer().execute(write.take());
  ledger.writer().rollback();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "transaction.none");
  EXPECT_EQ(ledger.count("transactions"), 0);
}

TEST_P(SqlitePostingWay, RefusesABalanceThatIsNotAtTheVersionRead) {
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  for (const std::int64_t wrong : {std::int64_t{0}, std::int64_t{2}}) {
    ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
    store::PostingState state;
    Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1)}, ledger.writer(), state);
    ASSERT_TRUE(write.ok());
    write->balance_versions[1] = wrong;
    const Result<store::Answer> refused = ledger.writer().execute(write.take());
    ledger.writer().rollback();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, "balance.changed");
    EXPECT_TRUE(refused.error().retryable);
  }
  EXPECT_EQ(ledger.count("transactions"), 1);
}

// A defect of ours: nothing of such a write is left out in silence.
TEST_P(SqlitePostingWay, RefusesABalanceThatNoEntryMoves) {
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  store::PostingState state;
  Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1), transfer(1, 2)}, ledger.writer(), state);
  ASSERT_TRUE(write.ok());
  write->transactions.pop_back();
  write->entries.resize(2);
  write->moves.resize(2);
  const Result<store::Answer> refused = ledger.writer().execute(write.take());
  ledger.writer().rollback();
  ASSERT_FALSE(refused.ok());
  // As a document it can only be one that the trigger refuses.
  EXPECT_EQ(refused.error().code, GetParam() ? "store.plan" : "balance.changed");
  EXPECT_EQ(ledger.count("transactions"), 0);
}

TEST_P(SqlitePostingWay, NamesTheColumnThatIsTaken) {
  Sketch sketch = transfer(0, 1);
  sketch.external_id = "order-1";
  ASSERT_TRUE(ledger.post({sketch}).ok());
  const Outcome refused = ledger.post({sketch});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kConflict);
  EXPECT_EQ(refused.error().code, "transaction.exists");
  EXPECT_EQ(refused.error().details, R"({"column":"external_id"})");
  EXPECT_EQ(ledger.count("transactions"), 1);
  EXPECT_TRUE(ledger.post({transfer(0, 1)}).ok());
}

TEST_P(SqlitePostingWay, WritesOneEventForEachTransaction) {
  ASSERT_TRUE(ledger.post({transfer(0, 1), transfer(1, 2)}).ok());
  ledger.close_writer();
  std::vector<std::string> events;
  for (const std::string &row : dump(folder.file("ledger.db"))) {
    if (row.starts_with("cala_outbox_events")) events.push_back(row);
  }
  const std::string at = std::to_string(ledger.now_micros);
  EXPECT_EQ(events, (std::vector<std::string>{"cala_outbox_events: 1,'transaction_created',1,NULL,NULL," + at,
                                              "cala_outbox_events: 2,'transaction_created',2,NULL,NULL," + at}));
}

INSTANTIATE_TEST_SUITE_P(Ways, SqlitePostingWay, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool> &way) { return way.param ? "Typed" : "Document"; });

TEST(SqlitePosting, NeedsAnOpenTransactionOnOurOwnConnection) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db"), .durable = false});
  store::PostingState state;
  Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1)}, ledger.writer(), state);
  ASSERT_TRUE(write.ok());
  const Result<store::Answer> refused = ledger.writer().execute(write.take());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "transaction.none");
}

TEST(SqlitePosting, IsBoundToTheTransactionOfItsGuard) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db"), .durable = false});
  store::PostingState state;
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1)}, ledger.writer(), state, true);
  ASSERT_TRUE(write.ok());
  ASSERT_TRUE(ledger.writer().commit().ok());
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  const Result<store::Answer> refused = ledger.writer().execute(*write);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "transaction.none");
  ledger.writer().rollback();
}

TEST(SqlitePosting, LeavesTheHostsTransactionUsableWhenRefused) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db"), .durable = false});
  HostSqlite host(folder.file("ledger.db"));
  ASSERT_TRUE(host.run("CREATE TABLE orders (id INTEGER PRIMARY KEY)").ok());
  Sketch sketch = transfer(0, 1);
  sketch.external_id = "order-1";
  ASSERT_TRUE(ledger.post({sketch}).ok());

  const store::Dialect &dialect = ledger.store().dialect();
  ASSERT_TRUE(host.run("BEGIN").ok());
  ASSERT_TRUE(host.run("INSERT INTO orders VALUES (1)").ok());
  std::vector<core::PostedTransaction> postings = ledger.draw(std::vector{transfer(0, 2), sketch});
  Result<store::Answer> read = host.ask(dialect, read_request(postings, true));
  ASSERT_TRUE(read.ok());
  const store::PostingState state = std::get<store::PostingState>(read.take());
  const Result<store::Answer> refused =
      host.ask(dialect, fold_postings(state, postings, base::Timestamp::from_micros(1)));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "transaction.exists");
  EXPECT_EQ(refused.error().tx_state, base::TxState::kUsable);
  ASSERT_TRUE(host.run("INSERT INTO orders VALUES (2)").ok());
  ASSERT_TRUE(host.run("COMMIT").ok());
  EXPECT_EQ(*host.run("SELECT count(*) FROM orders"), "2");
  EXPECT_EQ(ledger.count("transactions"), 1);
  EXPECT_EQ(ledger.count("entries"), 2);
  EXPECT_EQ(ledger.count("balances"), 2);
}

TEST(SqlitePosting, MigratesAndPostsThroughAHostAlone) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  const std::unique_ptr<store::Dialect> dialect = store::make_sqlite_dialect();
  HostSqlite host(":memory:");
  const auto ask = [&](StatementId id) {
    Result<store::Answer> answer = host.ask(*dialect, store::Call{id, "{}", false});
    return answer ? std::get<std::string>(answer.take()) : answer.error().message;
  };
  EXPECT_EQ(ask(StatementId::kSchemaProbe), R"({"present":false})");
  ASSERT_TRUE(host.run("BEGIN").ok());
  for (const std::string &statement : dialect->migration_statements(0)) {
    const Result<std::string> ran = host.run(statement);
    ASSERT_TRUE(ran.ok()) << ran.error().message << "\n" << statement;
  }
  ASSERT_TRUE(host.run("COMMIT").ok());
  EXPECT_EQ(ask(StatementId::kSchemaRead), R"({"version":)" + std::to_string(dialect->schema_version()) + "}");
  EXPECT_TRUE(dialect->migration_statements(dialect->schema_version()).empty());
  EXPECT_EQ(ask(StatementId::kLedgerInfo),
            R"({"accounts":0,"journals":0,"tx_templates":0,"transactions":0,"entries":0,"balances":0})");
}

TEST(SqliteDialect, HasOnePlaceholderInEveryStatement) {
  const std::unique_ptr<store::Dialect> dialect = store::make_sqlite_dialect();
  const std::pair<store::Placeholder, std::string> kinds[] = {
      {store::Placeholder::kQmark, "?"}, {store::Placeholder::kDollar, "$1"}, {store::Placeholder::kPercent, "%s"}};
  for (std::size_t id = 0; id < store::kStatementCount; ++id) {
    for (const auto &[placeholder, mark] : kinds) {
      store::Request request = store::Call{static_cast<StatementId>(id), "{}", false};
      const store::SqlStatement statement = dialect->encode(request, placeholder);
      const std::size_t at = statement.sql.find(mark);
      ASSERT_NE(at, std::string_view::npos) << statement.name;
      EXPECT_EQ(statement.sql.find(mark, at + 1), std::string_view::npos) << statement.name;
      EXPECT_EQ(statement.sql.find("--"), std::string_view::npos) << statement.name;
      EXPECT_TRUE(statement.name.ends_with("_v1")) << statement.name;
    }
  }
}

TEST(SqliteLayers, ComeBackAsTheyWere) {
  core::Balance balance = core::empty_balance({}, base::Timestamp::from_micros(5000));
  constexpr std::uint32_t kSalt = 77;
  std::mt19937_64 random(3);
  for (std::int64_t n = 1; n <= 200; ++n) {
    core::Entry entry;
    entry.created_at = base::Timestamp::from_micros(5000 + n * 1000);
    entry.id = store::sqlite::entry_id(n, entry.created_at, kSalt);
    entry.layer = static_cast<core::Layer>(n < 3 ? 2 : random() % 3);
    entry.direction = static_cast<core::Direction>(random() % 2);
    entry.units = *core::Decimal::parse(std::to_string(random() % 100000) + ".0001");
    ASSERT_TRUE(core::fold(balance, entry).ok());
    const Result<std::string> text = store::sqlite::layers_text(balance, kSalt);
    ASSERT_TRUE(text.ok());
    core::Balance back = balance;
    back.layers = {};
    ASSERT_TRUE(store::sqlite::read_layers(text.value(), kSalt, back)) << text.value();
    for (std::size_t i = 0; i < core::kLayerCount; ++i) {
      EXPECT_EQ(back.layers[i].debit.text(), balance.layers[i].debit.text());
      EXPECT_EQ(back.layers[i].credit.text(), balance.layers[i].credit.text());
      EXPECT_EQ(back.layers[i].entry_id, balance.layers[i].entry_id);
      EXPECT_EQ(back.layers[i].modified_at, balance.layers[i].modified_at);
    }
  }
  for (const char *bad : {"", "[", "[]x", "[1]", R"([["1"]])", R"([["1","x"]])", R"([["1","2",3]])", "[0,0,0,0]"}) {
    EXPECT_FALSE(store::sqlite::read_layers(bad, kSalt, balance)) << bad;
  }
}

TEST(SqliteTrail, LeadsWhereTheLowestBitsClearedLead) {
  std::vector<std::int64_t> trail;
  for (std::int64_t version = 1; version <= 3000; ++version) {
    // Entry numbers are the versions times ten.
    const std::int64_t skip = store::sqlite::extend_trail(trail, version - 1, version * 10);
    EXPECT_EQ(skip, (version & (version - 1)) * 10);
    std::vector<std::int64_t> back;
    ASSERT_TRUE(store::sqlite::read_trail(store::sqlite::trail_text(trail), back));
    EXPECT_EQ(back, trail);
  }
}

}  // namespace
}  // namespace cala::tests
