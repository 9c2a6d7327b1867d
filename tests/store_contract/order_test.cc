// The order of posting as one who follows it sees it: lists with "stable".
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "store_contract/contract.h"
#include "store_contract/postgres_sql.h"

namespace cala::tests {
namespace {

using base::Result;
using store::Access;
using store::StatementId;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class OrderContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const char *code : {"A", "B", "C", "D"}) accounts_.push_back(add_account(code));
    main_journal();
    main_tx_template();
  }

  core::PostedTransaction between(std::size_t from, std::size_t to) {
    return transfer(accounts_[from].id, accounts_[to].id, "1");
  }

  // A posting in a transaction that goes on.
  std::string begin_posting(store::Session &on, const core::PostedTransaction &posting) {
    EXPECT_TRUE(on.begin(Access::kWrite).ok());
    return go_on_posting(on, posting);
  }
  std::string go_on_posting(store::Session &on, const core::PostedTransaction &posting) {
    std::vector<core::PostedTransaction> one = {posting};
    const store::PostingState state = read_state(on, read_of(one));
    const Result<store::Answer> written = on.execute(write_of(state, one));
    EXPECT_TRUE(written.ok()) << written.error().code;
    return posting.transaction.id.text();
  }

  std::vector<std::string> stable(StatementId id = StatementId::kTransactionList, std::string_view key = "id") {
    return column(id, R"({"first":1000,"stable":true})", key);
  }

  // The subjects of the events behind a place, which goes on to their end.
  std::vector<std::string> events(std::int64_t &place, const std::string &more = "") {
    const base::Json page =
        rows(StatementId::kEventList, R"({"after":)" + std::to_string(place) + R"(,"first":100)" + more + "}");
    std::vector<std::string> out;
    for (const base::JsonView row : page.root().get("rows")) {
      EXPECT_GT(row.get("sequence").integer().value_or(0), place);
      place = row.get("sequence").integer().value_or(0);
      out.emplace_back(row.get("subject_id").string());
    }
    EXPECT_GE(page.root().get("place").integer().value_or(-1), place);
    EXPECT_GE(page.root().get("mark").integer().value_or(-1), page.root().get("place").integer().value_or(0));
    place = page.root().get("place").integer().value_or(-1);
    return out;
  }

  std::vector<core::Account> accounts_;
};
CALA_FOR_EVERY_STORE(OrderContract);

TEST_P(OrderContract, EventsAreReadOnFromTheirPlaceAndFromTheNewest) {
  std::int64_t place = 0;
  EXPECT_EQ(events(place).size(), 6U);  // what SetUp made
  EXPECT_THAT(events(place), IsEmpty());
  const std::string first = post_transfer(accounts_[0].id, accounts_[1].id, "1").transaction.id.text();
  std::int64_t newest = 0;
  EXPECT_THAT(events(newest, R"(,"newest":true)"), IsEmpty());
  EXPECT_GT(newest, place);
  const std::string second = post_transfer(accounts_[2].id, accounts_[1].id, "1").transaction.id.text();
  EXPECT_THAT(events(place), ElementsAre(first, second));
  EXPECT_THAT(events(newest, R"(,"types":["transaction_created"])"), ElementsAre(second));
  EXPECT_EQ(newest, place);
}

TEST_P(OrderContract, AListenerIsBegunOnceAndNeverMovesBack) {
  const auto change = [&](const char *what, int place, const char *more = "") {
    const Result<std::string> done = call(StatementId::kListenerWrite,
                                          std::string(R"({"change":")") + what + R"(","name":"n","place":)" +
                                              std::to_string(place) + R"(,"now":1)" + more + "}",
                                          true);
    if (!done) return done.error().code;
    const Result<base::Json> json = base::Json::parse(*done);
    return std::string(json && json->root().get("changed").size() == 0 ? "" : "listener.changed");
  };
  const auto places = [&] { return column(StatementId::kListenerList, R"({"first":9})", "place"); };
  EXPECT_EQ(change("move", 3), "listener.changed");
  EXPECT_EQ(change("remove", 0), "listener.changed");
  EXPECT_EQ(change("insert", 5), "");
  EXPECT_EQ(change("insert", 1), "listener.changed");
  EXPECT_THAT(places(), ElementsAre("5"));
  EXPECT_EQ(change("move", 9), "");
  EXPECT_EQ(change("move", 7), "");
  EXPECT_EQ(change("move", 12, R"(,"expected":8)"), "listener.changed");
  EXPECT_THAT(places(), ElementsAre("9"));
  EXPECT_EQ(change("move", 10, R"(,"expected":9)"), "");
  EXPECT_THAT(places(), ElementsAre("10"));
  EXPECT_THAT(column(StatementId::kListenerList, R"({"first":9,"name":"m"})", "place"), IsEmpty());
  EXPECT_EQ(change("remove", 0), "");
  EXPECT_THAT(places(), IsEmpty());
}

TEST_P(OrderContract, EventsArePrunedOnceAndNotBehindAListener) {
  const auto done = [&](StatementId id, const std::string &document) {
    const Result<std::string> answer = call(id, document, true);
    if (!answer) return answer.error().code;
    const Result<base::Json> json = base::Json::parse(*answer);
    return std::string(json && json->root().get("changed").size() == 0 ? "" : "event.changed");
  };
  const auto begin_at = [&](int place) {
    return done(StatementId::kListenerWrite,
                R"({"change":"insert","name":"n","place":)" + std::to_string(place) + R"(,"now":1})");
  };
  const auto prunable = [&](const std::string &document) {
    const Result<std::string> answer = call(StatementId::kEventPruneRead, document, true);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer ? *answer : std::string();
  };
  std::int64_t place = 0;
  ASSERT_EQ(events(place).size(), 6U);
  EXPECT_THAT(prunable(R"({"place":3,"limit":2})"), testing::ContainsRegex(R"("events" ?: ?2)"));
  EXPECT_THAT(prunable(R"({"place":3,"limit":2})"), testing::ContainsRegex(R"("more" ?: ?true)"));
  EXPECT_THAT(prunable(R"({"place":99,"limit":99})"),
              testing::ContainsRegex(R"("place" ?: ?5,)"));  // the newest is kept
  EXPECT_EQ(done(StatementId::kEventPrune, R"({"place":2,"pruned":0})"), "");
  EXPECT_EQ(done(StatementId::kEventPrune, R"({"place":3,"pruned":0})"), "event.changed");  // pruned meanwhile
  EXPECT_NE(begin_at(1), "");                                                               // before what is left
  EXPECT_EQ(begin_at(2), "");
  EXPECT_THAT(prunable(R"({"place":3,"limit":9})"), testing::ContainsRegex(R"("behind" ?: ?\{"name" ?: ?"n")"));
  EXPECT_EQ(done(StatementId::kEventPrune, R"({"place":3,"pruned":2})"), "event.changed");  // n is not done with it
  EXPECT_THAT(rows(StatementId::kEventList, R"({"after":1,"first":9})").root().text(),
              testing::ContainsRegex(R"("pruned" ?: ?2)"));
  place = 2;
  EXPECT_EQ(events(place).size(), 4U);
}

// A page ends where filters have left out many; its place is behind those.
TEST_P(OrderContract, APageOfFilteredEventsEndsSomewhere) {
  const std::string table = is_postgres() ? '"' + schema() + "\".outbox_events" : "cala_outbox_events";
  const std::unique_ptr<store::Session> on = session();
  ASSERT_TRUE(on->begin(Access::kWrite).ok());
  const std::string numbers =
      is_postgres()
          ? "SELECT nextval('\"" + schema() + "\".event_sequence'), now(), '" + accounts_[0].id.text() +
                "'::uuid, 'other', '{\"a\":1}' FROM generate_series(1, 10050)"
          : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050) SELECT NULL, 0, '" +
                accounts_[0].id.text() + "', 'other', '{\"a\":1}' FROM n";
  ASSERT_TRUE(
      on->execute(store::ProgramStatement{
                      "INSERT INTO " + table + " (sequence, recorded_at, subject_id, type, payload) " + numbers, {}})
          .ok());
  ASSERT_TRUE(on->commit().ok());
  std::int64_t place = 0;
  EXPECT_EQ(events(place, R"(,"types":["row_written"])").size(), 6U);
  EXPECT_GE(place, 10000);
  const std::int64_t before = place;
  EXPECT_THAT(events(place, R"(,"journal_id":")" + main_journal().id.text() + '"'), IsEmpty());
  EXPECT_GT(place, before);
  EXPECT_THAT(events(place), IsEmpty());
}

TEST_P(OrderContract, WhereNobodyWritesAStableListHasEverything) {
  std::vector<std::string> posted;
  EXPECT_THAT(stable(), IsEmpty());
  for (int i = 0; i < 5; ++i) {
    posted.push_back(post_transfer(accounts_[0].id, accounts_[1].id, "1").transaction.id.text());
    EXPECT_THAT(stable(), ElementsAreArray(posted));
    EXPECT_EQ(stable(StatementId::kEntryList, "id").size(), 2 * posted.size());
  }
  for (const std::int64_t size : {1, 2, 100}) {
    EXPECT_THAT(pages(StatementId::kTransactionList, R"("stable":true)", size, false, "id"), ElementsAreArray(posted));
    const std::string of_a = R"("stable":true,"account_id":")" + accounts_[0].id.text() + '"';
    EXPECT_THAT(pages(StatementId::kTransactionList, of_a, size, false, "id"), ElementsAreArray(posted));
    EXPECT_THAT(pages(StatementId::kTransactionList, R"("stable":true)", size, true, "id"),
                ElementsAreArray(posted.rbegin(), posted.rend()));
    EXPECT_EQ(pages(StatementId::kEntryList, of_a, size, true, "id").size(), posted.size());
  }
}

class PostgresOrderContract : public OrderContract {
 protected:
  void SetUp() override {
    OrderContract::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    sql_ = SqlConnection::open(connection_string());
    ASSERT_NE(sql_, nullptr);
  }
  std::string stable_on(SqlConnection &on, StatementId id = StatementId::kTransactionList) {
    return run_on(on, id, R"({"first":9,"stable":true})");
  }
  std::string run_on(SqlConnection &on, StatementId id, const std::string &document) {
    const store::SqlStatement statement =
        store().dialect().encode(store::Call{id, document, false}, store::Placeholder::kDollar);
    return on.run(std::string(statement.sql), statement.parameter);
  }
  static std::string listener(const std::string &change, const std::string &name, int place) {
    return R"({"change":")" + change + R"(","name":")" + name + R"(","place":)" + std::to_string(place) +
           R"(,"now":1})";
  }
  static std::size_t rows_in(const std::string &answer) {
    EXPECT_FALSE(answer.starts_with('!')) << answer;
    const Result<base::Json> json = base::Json::parse(answer);
    return json ? json->root().get("rows").size() : 0;
  }

  std::unique_ptr<SqlConnection> sql_;
};
INSTANTIATE_TEST_SUITE_P(Stores, PostgresOrderContract, ::testing::Values("postgres"), store_name);

// Nothing that comes later in the order is shown before it is decided what becomes of the earlier.
TEST_P(PostgresOrderContract, AStableListEndsBeforeWhatIsStillInFlight) {
  for (const bool commits : {true, false}) {
    const std::vector<std::string> before = stable();
    const std::unique_ptr<store::Session> slow = session();
    const std::string first = begin_posting(*slow, between(0, 1));
    EXPECT_EQ(stable(), before);  // also right after its number was drawn, when no later transaction has ended yet
    const std::string second = post_transfer(accounts_[2].id, accounts_[3].id, "1").transaction.id.text();
    for (int i = 0; i < 40; ++i) {
      EXPECT_EQ(stable(), before);
      EXPECT_EQ(stable(StatementId::kEntryList, "id").size(), 2 * before.size());
    }
    EXPECT_EQ(column(StatementId::kTransactionList, R"({"first":1000})", "id").size(), before.size() + 1);
    if (commits) {
      EXPECT_TRUE(slow->commit().ok());
    } else {
      slow->rollback();
    }
    std::vector<std::string> after = before;
    if (commits) after.push_back(first);
    after.push_back(second);
    EXPECT_EQ(stable(), after);
    EXPECT_LE(std::stoi(sql_->run("SELECT count(*) FROM " + schema() + ".order_marks")), 17);
  }
}

TEST_P(PostgresOrderContract, EventsEndBeforeWhatIsStillInFlight) {
  for (const bool commits : {true, false}) {
    std::int64_t place = 0;
    const std::size_t before = events(place).size();
    const std::unique_ptr<store::Session> slow = session();
    const std::string first = begin_posting(*slow, between(0, 1));
    const std::string second = post_transfer(accounts_[2].id, accounts_[3].id, "1").transaction.id.text();
    for (int i = 0; i < 20; ++i) EXPECT_THAT(events(place), IsEmpty());
    if (commits) {
      EXPECT_TRUE(slow->commit().ok());
      EXPECT_THAT(events(place), ElementsAre(first, second));
    } else {
      slow->rollback();
      EXPECT_THAT(events(place), ElementsAre(second));
    }
    std::int64_t again = 0;
    EXPECT_EQ(events(again).size(), before + (commits ? 2U : 1U));
    EXPECT_EQ(again, place);
  }
}

// What a writer that is still under way will say is not pruned before it is said.
TEST_P(PostgresOrderContract, NothingIsPrunedBehindWhatIsStillInFlight) {
  std::int64_t place = 0;
  events(place);
  const std::int64_t settled = place;
  const std::unique_ptr<store::Session> slow = session();
  const std::string first = begin_posting(*slow, between(0, 1));
  for (int i = 0; i < 3; ++i) post_transfer(accounts_[2].id, accounts_[3].id, "1");
  const auto prunable = [&] {
    const Result<std::string> answer = call(StatementId::kEventPruneRead, R"({"place":99,"limit":99})", true);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    const Result<base::Json> json = base::Json::parse(answer ? *answer : "{}");
    return json ? json->root().get("place").integer().value_or(-1) : -1;
  };
  EXPECT_EQ(prunable(), settled);
  EXPECT_TRUE(slow->commit().ok());
  EXPECT_THAT(events(place), testing::SizeIs(4));
  EXPECT_EQ(prunable(), place - 1);
}

// Either side of a prune and a listener that begins fails where its snapshot, which is fixed, does not show what the
// other has done.
TEST_P(PostgresOrderContract, APruneAndAListenerThatBeginsDoNotMissEachOtherOnAnOldSnapshot) {
  int pruned = 0;
  for (const char *level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    const auto begin = [&] {
      EXPECT_EQ(sql_->run(std::string("BEGIN ISOLATION LEVEL ") + level), "");
      EXPECT_EQ(sql_->run("SELECT count(*) FROM " + schema() + ".listeners"), "0") << level;
    };
    begin();
    ASSERT_TRUE(call(StatementId::kListenerWrite, listener("insert", "n", pruned), true).ok());
    EXPECT_THAT(run_on(*sql_, StatementId::kEventPruneRead, R"({"place":4,"limit":9})"), testing::StartsWith("!40001"))
        << level;
    sql_->run("ROLLBACK");
    EXPECT_THAT(run_on(*sql_, StatementId::kEventPruneRead, R"({"place":4,"limit":9})"),
                testing::ContainsRegex(R"("behind" ?: ?\{"name" ?: ?"n")"));
    ASSERT_TRUE(call(StatementId::kListenerWrite, listener("remove", "n", 0), true).ok());
    begin();
    const std::string prune =
        R"({"place":)" + std::to_string(pruned + 1) + R"(,"pruned":)" + std::to_string(pruned) + "}";
    ASSERT_TRUE(call(StatementId::kEventPrune, prune, true).ok());
    EXPECT_THAT(run_on(*sql_, StatementId::kListenerWrite, listener("insert", "n", pruned)),
                testing::StartsWith("!40001"))
        << level;
    sql_->run("ROLLBACK");
    pruned += 1;
  }
  EXPECT_EQ(sql_->run("SELECT pruned FROM " + schema() + ".outbox_state"), "2");
}

TEST_P(PostgresOrderContract, APruneWaitsForAListenerThatBeginsAndForNoneThatMoves) {
  std::int64_t settled = 0;
  ASSERT_EQ(events(settled).size(), 6U);
  for (const char *name : {"m", "n"}) {
    ASSERT_TRUE(call(StatementId::kListenerWrite, listener("insert", name, 3), true).ok());
  }
  const std::unique_ptr<SqlConnection> other = SqlConnection::open(connection_string());
  ASSERT_NE(other, nullptr);
  const char *const prune = R"({"place":3,"limit":9})";
  for (SqlConnection *on : {sql_.get(), other.get()}) on->run("SET lock_timeout = '20s'; BEGIN");
  EXPECT_THAT(run_on(*sql_, StatementId::kListenerWrite, listener("move", "m", 4)), testing::HasSubstr("[]"));
  EXPECT_THAT(run_on(*other, StatementId::kListenerWrite, listener("move", "n", 4)), testing::HasSubstr("[]"));
  EXPECT_THAT(run_on(*sql_, StatementId::kEventPruneRead, prune), testing::ContainsRegex(R"("events" ?: ?3)"));
  EXPECT_THAT(run_on(*other, StatementId::kListenerWrite, listener("move", "n", 5)), testing::HasSubstr("[]"));
  std::thread prunes([&] {
    EXPECT_THAT(run_on(*other, StatementId::kEventPruneRead, prune), testing::ContainsRegex(R"("events" ?: ?3)"));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(sql_->run("COMMIT"), "");
  prunes.join();
  EXPECT_EQ(other->run("COMMIT"), "");

  other->run("BEGIN");
  EXPECT_THAT(run_on(*other, StatementId::kListenerWrite, listener("insert", "late", 1)), testing::HasSubstr("[]"));
  sql_->run("SET lock_timeout = '100ms'");
  EXPECT_THAT(run_on(*sql_, StatementId::kEventPruneRead, prune), testing::StartsWith("!55P03"));
  EXPECT_EQ(other->run("COMMIT"), "");
  EXPECT_THAT(run_on(*sql_, StatementId::kEventPruneRead, prune),
              testing::ContainsRegex(R"("behind" ?: ?\{"name" ?: ?"late")"));
}

// Who begins now hears nothing of what was: not where no mark was ever noted, nor where the last one is old.
TEST_P(PostgresOrderContract, NowIsBehindAllThatWasCommitted) {
  const auto newest_on = [](store::Session &on, int wait_ms) {
    const std::string document = R"({"after":0,"first":1,"newest":true,"wait_ms":)" + std::to_string(wait_ms) + "}";
    return on.execute(store::Call{StatementId::kEventList, document, false});
  };
  const auto place_of = [](const Result<store::Answer> &answer) {
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    const Result<base::Json> json = base::Json::parse(answer ? std::get<std::string>(*answer) : "{}");
    return json ? json->root().get("place").integer().value_or(-1) : -1;
  };
  const auto committed = [&] {
    return std::stoll(sql_->run("SELECT max(sequence) FROM " + schema() + ".outbox_events"));
  };
  ASSERT_EQ(sql_->run("SELECT count(*) FROM " + schema() + ".order_marks"), "0");
  const std::unique_ptr<store::Session> slow = session();
  const std::unique_ptr<store::Session> asking = session();
  for (int round = 0; round < 2; ++round) {
    begin_posting(*slow, between(0, 1));
    post_transfer(accounts_[2].id, accounts_[3].id, "1");
    const std::int64_t before = committed();

    ASSERT_TRUE(asking->begin(Access::kRead).ok());
    const auto began = std::chrono::steady_clock::now();
    const Result<store::Answer> refused = newest_on(*asking, 100);
    ASSERT_FALSE(refused.ok()) << std::get<std::string>(*refused);
    EXPECT_EQ(refused.error().code, "list.no_mark");
    EXPECT_TRUE(refused.error().retryable);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
    asking->rollback();

    ASSERT_TRUE(asking->begin(Access::kRead).ok());
    std::thread ends([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      EXPECT_TRUE(slow->commit().ok());
    });
    std::int64_t now = place_of(newest_on(*asking, 30000));
    ends.join();
    EXPECT_GE(now, before);
    EXPECT_TRUE(asking->commit().ok());
    const std::string next = post_transfer(accounts_[2].id, accounts_[3].id, "1").transaction.id.text();
    EXPECT_THAT(events(now), ElementsAre(next));
  }

  // A writer that nothing was committed behind holds nobody up: its events are still to come.
  const std::string late = begin_posting(*slow, between(0, 1));
  ASSERT_TRUE(asking->begin(Access::kRead).ok());
  std::int64_t now = place_of(newest_on(*asking, 0));
  EXPECT_TRUE(asking->commit().ok());
  EXPECT_TRUE(slow->commit().ok());
  EXPECT_THAT(events(now), ElementsAre(late));

  // Who has posted cannot know, and goes on.
  begin_posting(*asking, between(0, 1));
  const Result<store::Answer> own = newest_on(*asking, 30000);
  ASSERT_FALSE(own.ok());
  EXPECT_EQ(own.error().code, "list.no_mark");
  EXPECT_FALSE(own.error().retryable);
  EXPECT_EQ(own.error().tx_state, base::TxState::kUsable);
  EXPECT_TRUE(asking->commit().ok());
}

// Who reads on in one transaction sees what was noted before; what it posts itself is not decided yet.
TEST_P(PostgresOrderContract, ATransactionThatHasPostedDoesNotSeeItsOwnAsStable) {
  const std::string first = post_transfer(accounts_[0].id, accounts_[1].id, "1").transaction.id.text();
  const std::unique_ptr<store::Session> on = session();
  begin_posting(*on, between(0, 1));
  const auto seen = [&] {
    const Result<store::Answer> answer =
        on->execute(store::Call{StatementId::kTransactionList, R"({"first":9,"stable":true})", false});
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer ? rows_in(std::get<std::string>(*answer)) : 99;
  };
  EXPECT_EQ(seen(), 0U);  // nobody noted anything
  EXPECT_THAT(stable(), IsEmpty());
  EXPECT_TRUE(on->commit().ok());
  EXPECT_EQ(stable().size(), 2U);
  begin_posting(*on, between(0, 1));
  EXPECT_EQ(seen(), 2U);
  on->rollback();
}

TEST_P(PostgresOrderContract, WhereNothingCanBeWrittenAnothersMarkCounts) {
  post_transfer(accounts_[0].id, accounts_[1].id, "1");
  sql_->run("BEGIN READ ONLY");
  for (const StatementId id : {StatementId::kTransactionList, StatementId::kEntryList}) {
    const std::string answer = stable_on(*sql_, id);
    const Result<store::Answer> decoded = store().dialect().decode(store::Call{id, "", false}, answer);
    ASSERT_FALSE(decoded.ok()) << answer;
    EXPECT_EQ(decoded.error().code, "list.no_mark");
    EXPECT_EQ(decoded.error().tx_state, base::TxState::kUsable);
  }
  EXPECT_EQ(stable().size(), 1U);
  EXPECT_EQ(rows_in(stable_on(*sql_)), 1U);
  sql_->run("COMMIT");
}

TEST_P(PostgresOrderContract, ARoleThatMayOnlyExecuteNotesMarksAndUnderAFixedSnapshotTheyHold) {
  const std::string role = schema() + "_reader";
  sql_->run("CREATE ROLE " + role + "; GRANT USAGE ON SCHEMA " + schema() + " TO " + role +
            "; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA " + schema() + " TO " + role + "; SET ROLE " + role);
  post_transfer(accounts_[0].id, accounts_[1].id, "1");
  EXPECT_EQ(rows_in(stable_on(*sql_)), 1U);
  for (const char *level : {"REPEATABLE READ", "SERIALIZABLE"}) {
    const std::size_t before = stable().size();
    post_transfer(accounts_[0].id, accounts_[1].id, "1");
    sql_->run(std::string("BEGIN ISOLATION LEVEL ") + level);
    EXPECT_EQ(rows_in(stable_on(*sql_)), before + 1) << level;
    post_transfer(accounts_[0].id, accounts_[1].id, "1");
    EXPECT_EQ(stable().size(), before) << level;  // who noted a mark is in flight until it ends
    EXPECT_EQ(rows_in(stable_on(*sql_)), before + 1) << level;
    EXPECT_EQ(sql_->run("COMMIT"), "");
    EXPECT_EQ(stable().size(), before + 2) << level;
  }
  sql_->run("RESET ROLE; DROP OWNED BY " + role + "; DROP ROLE " + role);
}

TEST_P(PostgresOrderContract, MarksOfAnotherServerAreForgotten) {
  sql_->run("INSERT INTO " + schema() +
            ".order_marks SELECT 1000 + n, '99999999999'::xid8 FROM generate_series(1, 40) n");
  const std::string first = post_transfer(accounts_[0].id, accounts_[1].id, "1").transaction.id.text();
  EXPECT_THAT(stable(), ElementsAre(first));
  EXPECT_EQ(sql_->run("SELECT count(*) FROM " + schema() + ".order_marks"), "1");
}

// Many sessions post, some of them slowly, some in vain; who follows the order meanwhile gets what was committed, once,
// in order.
TEST_P(PostgresOrderContract, FollowingTheCursorMissesNothingAndRepeatsNothing) {
  constexpr int kSessions = 8, kEach = 40;
  std::vector<std::vector<core::PostedTransaction>> work(kSessions);
  for (int i = 0; i < kSessions; ++i) {
    const core::Account a = add_account("F" + std::to_string(i)), b = add_account("T" + std::to_string(i));
    // Pairs of their own, and one that they all meet on, from the same side, so that nobody waits in a circle.
    for (int n = 0; n < kEach; ++n) {
      work[static_cast<std::size_t>(i)].push_back(n % 3 == 0 ? between(0, 1) : transfer(a.id, b.id, "1"));
    }
  }
  std::int64_t made = 0;
  EXPECT_FALSE(events(made).empty());
  std::atomic<int> posting{kSessions};
  const auto post_all = [&](int number) {
    std::minstd_rand random(static_cast<unsigned>(number) + 1);
    const std::unique_ptr<store::Session> on = session();
    const auto pause = [&](unsigned most) { std::this_thread::sleep_for(std::chrono::microseconds(random() % most)); };
    std::vector<core::PostedTransaction> &mine = work[static_cast<std::size_t>(number)];
    for (std::size_t i = 0; i < mine.size(); ++i) {
      begin_posting(*on, mine[i]);
      if (i + 1 < mine.size() && random() % 4 == 0) {
        pause(3000);
        go_on_posting(*on, mine[++i]);
      }
      pause(number == 0 ? 60000 : 4000);
      if (random() % 4 == 0) {
        on->rollback();
      } else {
        EXPECT_TRUE(on->commit().ok());
      }
    }
    --posting;
  };
  struct Follower {
    StatementId id;
    std::string filters;
    std::vector<std::string> seen;
    std::map<std::string, std::int64_t> versions{};  // of accounts: each follows on the one before, in entry lists
  };
  std::vector<Follower> followers = {
      {StatementId::kTransactionList, "", {}},
      {StatementId::kTransactionList, R"(,"journal_id":")" + main_journal().id.text() + '"', {}},
      {StatementId::kEntryList, R"(,"journal_id":")" + main_journal().id.text() + '"', {}},
      {StatementId::kEventList, R"(,"types":["transaction_created"])", {}},
      {StatementId::kEventList, R"(,"types":null)", {}}};
  const auto follow = [&](Follower &me) {
    const std::unique_ptr<store::Session> on = session(Access::kRead);
    const bool events = me.id == StatementId::kEventList;
    std::string after = events ? std::to_string(made) : "null";
    while (true) {
      const bool last = posting == 0;
      ASSERT_TRUE(on->begin(Access::kRead).ok());
      const Result<store::Answer> answer = on->execute_and_commit(
          store::Call{me.id, R"({"first":7,"stable":true,"after":)" + after + me.filters + "}", false});
      ASSERT_TRUE(answer.ok()) << answer.error().message;
      const Result<base::Json> page = base::Json::parse(std::get<std::string>(*answer));
      const std::size_t before = me.seen.size();
      for (const base::JsonView row : page->root().get("rows")) {
        me.seen.emplace_back(row.get(events ? "subject_id" : "id").string());
        if (me.id == StatementId::kEntryList) {
          std::int64_t &version = me.versions[std::string(row.get("account_id").string())];
          EXPECT_EQ(row.get("account_version").integer().value_or(0), ++version) << row.get("id").string();
        }
        after = row.get("cursor").text();
      }
      if (events) after = page->root().get("place").text();
      if (me.seen.size() == before) {
        if (last) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kSessions; ++i) threads.emplace_back(post_all, i);
  for (Follower &follower : followers) threads.emplace_back([&] { follow(follower); });
  for (std::thread &thread : threads) thread.join();
  for (const Follower &follower : followers) {
    const bool of_events = follower.id == StatementId::kEventList;
    const std::vector<std::string> all =
        pages(of_events ? StatementId::kTransactionList : follower.id,
              of_events || follower.filters.empty() ? "" : follower.filters.substr(1), 10000, false, "id");
    EXPECT_GT(all.size(), 100U);
    EXPECT_EQ(follower.seen, all) << follower.filters;
  }
}

}  // namespace
}  // namespace cala::tests
