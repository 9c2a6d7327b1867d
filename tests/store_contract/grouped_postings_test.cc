// Group commit: independent operations in one transaction of the database, each with its own outcome, and as if one
// after the other: postings, and other writers.
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "engine/commit_group.h"
#include "engine/makers.h"
#include "engine/post.h"
#include "engine/runner.h"
#include "runtime/clock.h"
#include "tests/store_contract/contract.h"

namespace cala::tests {
namespace {

using base::Error;
using base::Status;

constexpr std::chrono::milliseconds kNoWaiting{0};
constexpr std::size_t kGroupMax = 100;

constexpr const char *kJournal = R"({"id": "10000000-0000-0000-0000-000000000001", "name": "Main"})";
constexpr const char *kAccounts = R"({"accounts": [
  {"id": "a0000000-0000-0000-0000-000000000001", "code": "ALICE", "name": "Alice"},
  {"id": "a0000000-0000-0000-0000-000000000002", "code": "BOB", "name": "Bob"},
  {"id": "a0000000-0000-0000-0000-000000000003", "code": "LOCKED", "name": "Locked", "status": "locked"},
  {"id": "a0000000-0000-0000-0000-000000000004", "code": "CAROL", "name": "Carol"},
  {"id": "a0000000-0000-0000-0000-000000000005", "code": "DAVE", "name": "Dave"}]})";
// Its entries say the day, so that a posting on the wrong one shows.
constexpr const char *kTemplate = R"json({"code": "TRANSFER", "id": "c0000000-0000-0000-0000-000000000001",
  "params": [{"name": "from", "type": "uuid", "default": "uuid('a0000000-0000-0000-0000-000000000001')"},
             {"name": "to", "type": "uuid"}, {"name": "debit", "type": "decimal"},
               {"name": "credit", "type": "decimal"},
             {"name": "key", "type": "string", "default": "''"}],
  "transaction": {"effective": "date()", "journal_id": "uuid('10000000-0000-0000-0000-000000000001')",
                  "external_id": "params.key == '' ? null : params.key"},
  "entries": [
    {"entry_type": "'DR'", "account_id": "params.from", "layer": "SETTLED",
     "direction": "DEBIT", "units": "params.debit", "currency": "'USD'"},
    {"entry_type": "'CR'", "account_id": "params.to", "layer": "SETTLED", "direction": "CREDIT",
      "units": "params.credit",
     "currency": "'USD'"}]})json";

std::string account_id(int digit) { return "a0000000-0000-0000-0000-00000000000" + std::to_string(digit); }
std::string posting_id(int number) {
  const std::string text = std::to_string(number);
  return "e0000000-0000-0000-0000-" + std::string(12 - text.size(), '0') + text;
}

// A posting's request: units from one account to another.
struct Sketch {
  int to = 2;
  std::string debit = "1";
  std::string credit = debit;
  int from = 1;
  std::string key = {};  // external id
  int id = 0;            // 0: none given
  std::string code = "TRANSFER";

  std::string text() const {
    std::string out = id == 0 ? "{" : R"({"id": ")" + posting_id(id) + R"(", )";
    out += R"("tx_template_code": ")" + code + R"(", "params": {"from": ")" + account_id(from) + R"(", "to": ")" +
           account_id(to) + R"(", "debit": ")" + debit + R"(", "credit": ")" + credit + "\"";
    if (!key.empty()) out += R"(, "key": ")" + key + "\"";
    return out + "}}";
  }
};

std::string many(std::initializer_list<Sketch> postings) {
  std::string out;
  for (const Sketch &each : postings) out += (out.empty() ? R"({"postings": [)" : ", ") + each.text();
  return (out.empty() ? R"({"postings": [)" : out) + "]}";
}

std::string text_of(base::Result<engine::Render> outcome) {
  if (!outcome) {
    const Error &error = outcome.error();
    return error.code + " " + std::to_string(error.posting_index) + " " + error.details + " " + error.message;
  }
  base::JsonWriter text;
  (*outcome)(text);
  return text.take();
}

class Member final : public engine::GroupMember {
 public:
  Member(engine::Ledger &ledger, const std::string &request) {
    auto json = std::make_shared<const base::Json>(base::Json::parse(request).take());
    const auto maker =
        json->root().get("postings").present() ? engine::transaction_post_many : engine::transaction_post;
    operation_ = maker(ledger, json).take();
  }
  Member(engine::Ledger &ledger, engine::Maker maker, const std::string &request)
      : operation_(maker(ledger, std::make_shared<const base::Json>(base::Json::parse(request).take())).take()) {}
  engine::Operation &operation() override { return *operation_; }
  engine::CancelToken &cancel() override { return cancel_; }
  void succeed(engine::Render render) override { end(std::move(render)); }
  void fail(Error error) override { end(std::move(error)); }
  void run_elsewhere() override {
    ++ends;
    sent_elsewhere = true;
  }

  bool ok() const { return outcome && outcome->ok(); }
  std::string code() const { return outcome && !outcome->ok() ? outcome->error().code : ""; }
  std::string text() { return outcome ? text_of(std::move(*outcome)) : "no outcome"; }

  std::optional<base::Result<engine::Render>> outcome;
  bool sent_elsewhere = false;
  int ends = 0;

 private:
  void end(base::Result<engine::Render> with) {
    ++ends;
    outcome.emplace(std::move(with));
  }

  engine::OperationPtr operation_;
  engine::CancelToken cancel_;
};

// A store that somebody can make fail: `before` instead of a request, `after` instead of its answer.
struct Mischief {
  std::function<std::optional<Error>(const store::Request &)> before;
  std::function<std::optional<Error>(const store::Request &)> after;
  std::function<std::optional<Error>()> before_commit = {};
  std::function<std::optional<Error>()> after_commit = {};
};

class FailingSession final : public store::Session {
 public:
  FailingSession(std::unique_ptr<store::Session> inner, const Mischief &mischief)
      : inner_(std::move(inner)), mischief_(mischief) {}
  base::Outcome begin(store::Access access) override { return inner_->begin(access); }
  base::Result<store::Answer> execute(const store::Request &request) override {
    return meddled(request, [&] { return inner_->execute(request); });
  }
  base::Result<store::Answer> execute_and_commit(const store::Request &request) override {
    return meddled(request, [&] { return inner_->execute_and_commit(request); });
  }
  base::Outcome commit() override {
    if (mischief_.before_commit) {
      if (std::optional<Error> error = mischief_.before_commit()) return std::move(*error);
    }
    base::Outcome committed = inner_->commit();
    if (committed && mischief_.after_commit) {
      if (std::optional<Error> error = mischief_.after_commit()) return std::move(*error);
    }
    return committed;
  }
  void rollback() override { inner_->rollback(); }
  bool healthy() const override { return inner_->healthy(); }
  void interrupt() override { inner_->interrupt(); }
  void forget_interrupt() override { inner_->forget_interrupt(); }

 private:
  template <typename Fn>
  base::Result<store::Answer> meddled(const store::Request &request, Fn fn) {
    if (mischief_.before) {
      if (std::optional<Error> error = mischief_.before(request)) return std::move(*error);
    }
    base::Result<store::Answer> answer = fn();
    if (answer && mischief_.after) {
      if (std::optional<Error> error = mischief_.after(request)) return std::move(*error);
    }
    return answer;
  }

  std::unique_ptr<store::Session> inner_;
  const Mischief &mischief_;
};

class FailingStore final : public store::Store {
 public:
  FailingStore(store::Store &inner, const Mischief &mischief) : inner_(inner), mischief_(mischief) {}
  const store::Dialect &dialect() const override { return inner_.dialect(); }
  base::Result<std::unique_ptr<store::Session>> connect(store::Access access) override {
    base::Result<std::unique_ptr<store::Session>> session = inner_.connect(access);
    if (!session) return session;
    return std::unique_ptr<store::Session>(std::make_unique<FailingSession>(session.take(), mischief_));
  }
  base::Result<store::MigrationReport> migrate() override { return inner_.migrate(); }
  std::size_t max_writers() const override { return inner_.max_writers(); }
  std::string_view name() const override { return inner_.name(); }

 private:
  store::Store &inner_;
  const Mischief &mischief_;
};

bool is_write(const store::Request &request) { return std::holds_alternative<store::PostingWrite>(request); }
bool is_read(const store::Request &request) { return std::holds_alternative<store::PostingRead>(request); }

class GroupedPostings : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    if (!IsSkipped()) open();
  }
  void TearDown() override {
    pool_.reset();
    failing_.reset();
    ledger_.reset();
    StoreContract::TearDown();
  }

  void open() {
    pool_.reset();
    failing_ = std::make_unique<FailingStore>(store(), mischief_);
    ledger_ = std::make_unique<engine::Ledger>(clock_, store().dialect(), store().name(), true, "test");
    pool_ = std::make_unique<engine::SessionPool>(*failing_, 4, std::chrono::seconds(30));
    ASSERT_TRUE(clock_.set(base::Timestamp::from_micros(kNow)).ok());
    run(engine::journal_create, kJournal);
    run(engine::account_create_many, kAccounts);
    run(engine::tx_template_create, kTemplate);
  }

  void start_again() {
    pool_.reset();
    failing_.reset();
    forget_ledger();
    ASSERT_TRUE(store().migrate().ok());
    open();
  }

  std::string run(engine::Maker maker, const std::string &request) {
    base::Result<base::Json> json = base::Json::parse(request);
    base::Result<engine::OperationPtr> operation = maker(*ledger_, std::make_shared<const base::Json>(json.take()));
    engine::CancelToken cancel;
    return text_of(engine::run(**operation, *ledger_, *failing_, *pool_, cancel, kNoWaiting));
  }

  using Members = std::vector<std::unique_ptr<Member>>;
  Members members(const std::vector<std::string> &requests) {
    Members made;
    for (const std::string &request : requests) made.push_back(std::make_unique<Member>(*ledger_, request));
    return made;
  }
  void run(const Members &members, std::size_t together = kGroupMax) {
    for (std::size_t first = 0; first < members.size(); first += together) {
      std::vector<engine::GroupMember *> group;
      for (std::size_t i = first; i < std::min(first + together, members.size()); ++i)
        group.push_back(members[i].get());
      engine::run_group(group, *ledger_, *failing_, *pool_, kNoWaiting);
    }
    for (const auto &each : members) EXPECT_EQ(each->ends, 1);
  }
  Members post_group(const std::vector<std::string> &requests, std::size_t together = kGroupMax) {
    Members made = members(requests);
    run(made, together);
    return made;
  }

  std::string counts() { return run(engine::ledger_info, "{}"); }
  bool has(int transactions, int entries) {
    const std::string text =
        R"("transactions":)" + std::to_string(transactions) + R"(,"entries":)" + std::to_string(entries);
    return counts().find(text) != std::string::npos;
  }

  // A statement of the test's own, committed. What it answers, or why not.
  std::string run_sql(const std::string &sql) {
    const std::unique_ptr<store::Session> on = session();
    EXPECT_TRUE(on->begin(store::Access::kWrite).ok());
    base::Result<store::Answer> answer = on->execute(store::ProgramStatement{sql, {}});
    EXPECT_TRUE(answer.ok()) << (answer ? "" : answer.error().message);
    EXPECT_TRUE(on->commit().ok());
    return answer ? std::get<std::string>(*answer) : "";
  }
  // The database refuses transactions with this external id from now on.
  void forbid(const std::string &key) {
    if (is_postgres()) {
      run_sql("ALTER TABLE " + schema() + ".transactions ADD CHECK (external_id <> '" + key + "')");
    } else {
      run_sql("CREATE TRIGGER forbidden BEFORE INSERT ON cala_transactions WHEN NEW.external_id = '" + key +
              "' BEGIN SELECT RAISE(ABORT, 'forbidden'); END");
    }
  }

  // Everything that the ledger tells of its postings.
  std::string everything() {
    const std::string journal = R"("journal_id": "10000000-0000-0000-0000-000000000001")";
    std::string out = run(engine::transaction_list, R"({"first": 1000})") + "\n" +
                      run(engine::entry_list, R"({"first": 1000, )" + journal + "}") + "\n";
    for (int account = 1; account <= 5; ++account) {
      out += run(engine::balance_history, R"({"first": 1000, "currency": "USD", "account_id": ")" +
                                              account_id(account) + "\", " + journal + "}") +
             "\n";
      out += run(engine::balance_list, "{" + journal + R"(, "account_ids": [")" + account_id(account) + "\"]}") + "\n";
    }
    return out + events();
  }
  std::string events() {
    if (is_postgres()) {
      return run_sql("SELECT e.recorded_at, e.type, t.id FROM " + schema() + ".outbox_events e JOIN " + schema() +
                     ".transactions t ON t.id = e.subject_id ORDER BY e.sequence");
    }
    return run_sql(
        "SELECT e.recorded_at, e.type, t.id FROM cala_outbox_events e JOIN cala_transactions t ON t.n = e.subject_n"
        " ORDER BY e.rowid");
  }

  runtime::ManualClock clock_{base::Timestamp::from_micros(kNow)};
  Mischief mischief_;
  std::unique_ptr<FailingStore> failing_;
  std::unique_ptr<engine::Ledger> ledger_;
  std::unique_ptr<engine::SessionPool> pool_;
};

// Ids that the library draws, by the order in which they come up, and no cursors, which the store makes up.
std::string comparable(const std::string &text) {
  std::map<std::string, std::size_t> names;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = std::string_view(text).substr(at);
    if (const std::string_view cursor = "\"end_cursor\":\""; rest.starts_with(cursor)) {
      at = text.find('"', at + cursor.size()) + 1;
    } else if (const auto id = base::Uuid::parse(rest.substr(0, 36)); id && rest.size() > 36) {
      const std::string name(rest.substr(0, 36));
      const bool ours = name.find("-0000-0000-0000-") != std::string::npos;
      out += ours ? name : "#" + std::to_string(names.try_emplace(name, names.size()).first->second);
      at += 36;
    } else {
      out += text[at++];
    }
  }
  return out;
}

struct Step {
  std::int64_t clock = 0;  // seconds from the beginning
  std::vector<std::string> requests;
};

std::vector<Step> many_steps() {
  const std::string most(38, '9');
  std::vector<Step> steps = {
      {0, {Sketch{.to = 2, .debit = "10.50"}.text(), Sketch{.to = 4, .debit = "3"}.text(), Sketch{.to = 2}.text()}},
      // Refused in the middle, each for a reason of its own.
      {1,
       {Sketch{.to = 2, .key = "first", .id = 1}.text(), Sketch{.to = 2, .debit = "1", .credit = "2"}.text(),
        Sketch{.to = 3}.text(), Sketch{.code = "NOBODY"}.text(), Sketch{.to = 9}.text(),
        many({Sketch{.to = 2}, Sketch{.to = 3}, Sketch{.to = 9}}), Sketch{.to = 4, .debit = "7"}.text()}},
      // Batches, and the same ids twice: replays, and something else under a known id.
      {2,
       {many({Sketch{.to = 2, .id = 2}, Sketch{.to = 5, .debit = "0.01", .from = 2}, Sketch{.to = 4}}),
        Sketch{.to = 2, .key = "first", .id = 1}.text(), Sketch{.to = 2, .debit = "8", .id = 1}.text(),
        Sketch{.to = 4, .key = "second"}.text(), many({Sketch{.to = 4, .id = 3}, Sketch{.to = 4, .id = 3}}),
        Sketch{.to = 4, .key = "second"}.text(), many({Sketch{.to = 2, .id = 2}}), many({})}},
      // A sum that only fits because one in between was refused, and one that does not fit any more.
      {3,
       {Sketch{.to = 5, .debit = most, .from = 4}.text(), Sketch{.to = 5, .debit = most, .from = 4}.text(),
        Sketch{.to = 4, .debit = most, .from = 5}.text(), Sketch{.to = 5, .from = 4}.text(),
        many({Sketch{.to = 2, .debit = "5"}, Sketch{.to = 5, .debit = "1", .from = 4}}), Sketch{.to = 2}.text()}},
      // The clock goes back: what touches these balances is stamped after them, and the rest is not.
      {3600, {Sketch{.to = 2, .from = 1}.text()}},
      {1800,
       {Sketch{.to = 4, .debit = "2", .from = 5}.text(), Sketch{.to = 2, .from = 4}.text(),
        Sketch{.to = 4, .debit = "3", .from = 5}.text(), Sketch{.to = 3, .from = 1}.text(),
        Sketch{.to = 4, .debit = "4", .from = 5}.text()}},
      // Even to the day before: expressions are asked again, and what comes later stays later.
      {2 * 86400, {Sketch{.to = 2, .from = 1}.text()}},
      {86400,
       {Sketch{.to = 4, .from = 5}.text(), Sketch{.to = 4, .debit = "6", .from = 1}.text(),
        Sketch{.to = 4, .debit = "7", .from = 5}.text(), Sketch{.to = 5, .debit = "8", .from = 2}.text()}},
  };
  Step mixed{3 * 86400, {}};
  std::uint32_t random = 12345;
  for (int i = 0; i < 60; ++i) {
    random = random * 1664525U + 1013904223U;
    const int from = 1 + static_cast<int>(random >> 28U) % 5;
    const int to = 1 + static_cast<int>((random >> 24U) & 15U) % 5;
    Sketch posting{.to = to, .debit = std::to_string(1 + ((random >> 16U) & 255U)), .from = from};
    if (i % 3 == 0) posting.id = 100 + i;
    if (i % 7 == 0) posting.key = "mixed " + std::to_string(i);
    mixed.requests.push_back(i % 5 == 0 ? many({posting, Sketch{.to = 4, .from = to}}) : posting.text());
  }
  steps.push_back(std::move(mixed));
  return steps;
}

TEST_P(GroupedPostings, GiveWhatOneByOneGivesFieldByField) {
  std::vector<std::string> told;
  for (const std::size_t together : {std::size_t{0}, std::size_t{3}, kGroupMax}) {
    if (together > 0) start_again();
    std::string out;
    for (const Step &step : many_steps()) {
      ASSERT_TRUE(clock_.set(base::Timestamp::from_micros(kNow + step.clock * 1'000'000)).ok());
      Members made = members(step.requests);
      if (together > 0) run(made, together);
      for (const auto &each : made) {
        if (together == 0) {
          each->outcome.emplace(
              engine::run(each->operation(), *ledger_, *failing_, *pool_, each->cancel(), kNoWaiting));
        }
        out += each->text() + "\n";
      }
    }
    told.push_back(comparable(out + everything()));
  }
  EXPECT_NE(told[0].find("\"replayed\":true"), std::string::npos);
  for (const char *code : {"posting.unbalanced", "account.locked", "account.not_found", "tx_template.not_found",
                           "amount.range", "transaction.replay_differs", "transaction.exists"}) {
    EXPECT_NE(told[0].find(code), std::string::npos) << code;
  }
  EXPECT_EQ(told[1], told[0]);
  EXPECT_EQ(told[2], told[0]);
}

TEST_P(GroupedPostings, AreOneTransactionOfTheDatabase) {
  int writes = 0;
  mischief_.before = [&](const store::Request &request) -> std::optional<Error> {
    writes += is_write(request) ? 1 : 0;
    return std::nullopt;
  };
  std::vector<std::string> requests(10, Sketch{}.text());
  post_group(requests);
  EXPECT_EQ(writes, 1);
  const std::string three = many({Sketch{}, Sketch{}, Sketch{}});
  writes = 0;
  post_group({three, three, Sketch{}.text(), three});
  EXPECT_EQ(writes, 1);
  EXPECT_TRUE(has(20, 40)) << counts();
}

TEST_P(GroupedPostings, ThatAreAllRefusedWriteNothing) {
  mischief_.before = [](const store::Request &request) -> std::optional<Error> {
    EXPECT_FALSE(is_write(request));
    return std::nullopt;
  };
  const Members group = post_group({Sketch{.debit = "1", .credit = "2"}.text(), Sketch{.to = 3}.text()});
  EXPECT_EQ(group[0]->code(), "posting.unbalanced");
  EXPECT_EQ(group[1]->code(), "account.locked");
  EXPECT_TRUE(has(0, 0)) << counts();
}

TEST_P(GroupedPostings, WithAnIdOfARefusedOneArePosted) {
  const Members group = post_group({Sketch{.to = 3, .id = 1}.text(), Sketch{.to = 2, .id = 1}.text(),
                                    Sketch{.to = 2, .id = 1}.text(), Sketch{.to = 2, .key = "k"}.text(),
                                    many({Sketch{.to = 4, .debit = "2"}, Sketch{.to = 2, .key = "k"}})});
  EXPECT_EQ(group[0]->code(), "account.locked");
  EXPECT_NE(group[1]->text().find("\"replayed\":false"), std::string::npos);
  EXPECT_NE(group[2]->text().find("\"replayed\":true"), std::string::npos);
  EXPECT_NE(group[3]->text().find("\"replayed\":false"), std::string::npos);
  const std::string batch = group[4]->text();
  EXPECT_LT(batch.find("\"replayed\":false"), batch.find("\"replayed\":true")) << batch;
  EXPECT_TRUE(has(3, 6)) << counts();
}

TEST_P(GroupedPostings, OutliveOneThatTheDatabaseRefuses) {
  forbid("guilty");
  int writes = 0;
  mischief_.before = [&](const store::Request &request) -> std::optional<Error> {
    writes += is_write(request) ? 1 : 0;
    return std::nullopt;
  };
  std::vector<std::string> requests(16, Sketch{}.text());
  requests[5] = Sketch{.key = "guilty"}.text();
  requests[6] = Sketch{.to = 3}.text();
  requests[12] = many({Sketch{}, Sketch{.key = "guilty"}, Sketch{}});
  const Members group = post_group(requests);
  for (std::size_t i = 0; i < group.size(); ++i) {
    EXPECT_EQ(group[i]->ok(), i != 5 && i != 6 && i != 12) << i;
  }
  EXPECT_EQ(group[5]->code(), group[12]->code());
  EXPECT_EQ(group[6]->code(), "account.locked");
  EXPECT_TRUE(has(13, 26)) << counts();
  EXPECT_LT(writes, 16);
}

TEST_P(GroupedPostings, LoseACancelledOne) {
  const Members group = members({Sketch{}.text(), Sketch{}.text(), Sketch{}.text()});
  group[1]->cancel().cancel();
  run(group);
  EXPECT_TRUE(group[0]->ok());
  EXPECT_EQ(group[1]->code(), "op.cancelled");
  EXPECT_TRUE(group[2]->ok());
  EXPECT_TRUE(has(2, 4)) << counts();
}

TEST_P(GroupedPostings, LoseOneThatIsCancelledBeforeTheWriteAndNoneAfter) {
  const Members group = members({Sketch{}.text(), Sketch{}.text(), Sketch{}.text()});
  int reads = 0;
  mischief_.after = [&](const store::Request &request) -> std::optional<Error> {
    if (is_read(request) && ++reads == 1) group[0]->cancel().cancel();
    if (is_write(request)) group[2]->cancel().cancel();
    return std::nullopt;
  };
  run(group);
  EXPECT_EQ(group[0]->code(), "op.cancelled");
  EXPECT_TRUE(group[1]->ok());
  EXPECT_TRUE(group[2]->ok());
  EXPECT_EQ(reads, 2);
  EXPECT_TRUE(has(2, 4)) << counts();
}

TEST_P(GroupedPostings, WaitingForRowsLetACancelledOneGo) {
  engine::Course course;
  auto holder = engine::OwnTransaction::begin(*ledger_, *pool_, kNoWaiting, course);
  ASSERT_TRUE(holder.ok());
  Member first(*ledger_, Sketch{}.text());
  engine::CancelToken never;
  ASSERT_TRUE((*holder)->run(first.operation(), never, false).ok());
  const Members group = members({Sketch{}.text(), Sketch{}.text(), Sketch{}.text()});
  std::thread runner([&] { run(group); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  group[1]->cancel().cancel();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE((*holder)->commit().ok());
  runner.join();
  EXPECT_TRUE(group[0]->ok());
  EXPECT_EQ(group[1]->code(), "op.cancelled");
  EXPECT_TRUE(group[2]->ok());
  EXPECT_TRUE(has(3, 6)) << counts();
}

Error lost_commit() { return base::make_error(Status::kOutcomeUnknown, "store.outcome_unknown", "lost"); }

TEST_P(GroupedPostings, WhoseCommitWasLostAreThereOnce) {
  for (const bool done : {true, false}) {
    int lost = 0;
    (done ? mischief_.after : mischief_.before) = [&](const store::Request &request) -> std::optional<Error> {
      if (!is_write(request) || ++lost > 1) return std::nullopt;
      return lost_commit();
    };
    const int before = done ? 0 : 4;
    const Members group = post_group({Sketch{}.text(), Sketch{.to = 3}.text(), Sketch{.key = done ? "a" : "b"}.text(),
                                      many({Sketch{}, Sketch{.to = 4}})});
    mischief_ = Mischief();
    EXPECT_NE(group[0]->text().find("\"replayed\":false"), std::string::npos) << done;
    EXPECT_EQ(group[1]->code(), "account.locked");
    EXPECT_TRUE(group[2]->ok());
    EXPECT_EQ(group[3]->text().find("\"replayed\":true"), std::string::npos);
    EXPECT_TRUE(has(before + 4, 2 * (before + 4))) << counts();
  }
}

TEST_P(GroupedPostings, StayUnknownUntilTheirCommitIsLookedUp) {
  mischief_.after = [](const store::Request &request) -> std::optional<Error> {
    if (is_write(request)) return lost_commit();
    return std::nullopt;
  };
  mischief_.before = [written = false](const store::Request &request) mutable -> std::optional<Error> {
    if (written) return base::make_error(Status::kUnavailable, "store.unreachable", "away");
    written = is_write(request);
    return std::nullopt;
  };
  const Members group = post_group({Sketch{.id = 7}.text(), Sketch{.to = 3}.text(), Sketch{.id = 8}.text()});
  mischief_ = Mischief();
  EXPECT_EQ(group[0]->code(), "store.outcome_unknown");
  EXPECT_EQ(group[0]->outcome->error().details, R"({"transaction_ids":[")" + posting_id(7) + "\"]}");
  EXPECT_EQ(group[1]->code(), "account.locked");  // that is certain
  EXPECT_EQ(group[2]->outcome->error().details, R"({"transaction_ids":[")" + posting_id(8) + "\"]}");
  EXPECT_NE(run(engine::transaction_post, Sketch{.id = 8}.text()).find("\"replayed\":true"), std::string::npos);
  EXPECT_TRUE(has(2, 4)) << counts();
}

// Its commit is lost at the end of a day, and on the next one its template refuses.
TEST_P(GroupedPostings, WhoseCommitWasLostOverMidnightAreNotTakenForRefused) {
  const std::string today = base::Timestamp::from_micros(kNow).date().text();
  std::string once = kTemplate;
  const auto replace = [&](const std::string &what, const std::string &by) {
    once.replace(once.find(what), what.size(), by);
  };
  replace("TRANSFER", "TODAY");
  replace("c0000000-0000-0000-0000-000000000001", "c0000000-0000-0000-0000-000000000002");
  replace("\"date()\"", "\"[date()][date() == date('" + today + "') ? 0 : 1]\"");
  ASSERT_EQ(run(engine::tx_template_create, once).find("{"), 0U);
  int transactions = 0;
  for (const bool done : {true, false}) {
    for (const int together : {1, 3}) {
      ASSERT_TRUE(clock_.set(base::Timestamp::from_micros(kNow)).ok());
      int lost = 0;
      (done ? mischief_.after : mischief_.before) = [&](const store::Request &request) -> std::optional<Error> {
        if (!is_write(request) || ++lost > 1) return std::nullopt;
        EXPECT_TRUE(clock_.set(base::Timestamp::from_micros(kNow + 86'400'000'000)).ok());
        return lost_commit();
      };
      std::vector<std::string> requests;
      for (int i = 0; i < together; ++i)
        requests.push_back(
            Sketch{.key = i == 0 ? "" : "k" + std::to_string(together) + std::to_string(i) + (done ? "d" : ""),
                   .code = "TODAY"}
                .text());
      const Members group = post_group(requests);
      mischief_ = Mischief();
      for (const auto &each : group) {
        EXPECT_EQ(each->code(), done ? "" : "store.outcome_unknown");
        if (done) {
          EXPECT_NE(each->text().find("\"replayed\":false"), std::string::npos);
        } else {
          EXPECT_NE(each->outcome->error().details.find("transaction_ids"), std::string::npos);
        }
      }
      transactions += done ? together : 0;
      EXPECT_TRUE(has(transactions, 2 * transactions)) << counts();
    }
  }
}

// How many postings are looked for in all, however many rounds that takes.
TEST_P(GroupedPostings, AreNotLookedForAgainAndAgain) {
  constexpr int kMembers = 60;
  std::size_t looked_for = 0;
  mischief_.before = [&](const store::Request &request) -> std::optional<Error> {
    if (is_read(request)) looked_for += std::get<store::PostingRead>(request).transaction_ids.size();
    return std::nullopt;
  };
  const Members same = post_group(std::vector<std::string>(kMembers, Sketch{.id = 1}.text()));
  int replayed = 0;
  for (const auto &each : same) replayed += each->text().find("\"replayed\":true") != std::string::npos ? 1 : 0;
  EXPECT_EQ(replayed, kMembers - 1);
  EXPECT_LE(looked_for, 2U * kMembers);
  const Members external = post_group(std::vector<std::string>(kMembers, Sketch{.key = "same"}.text()));
  for (const auto &each : external) EXPECT_TRUE(each->ok());
  EXPECT_LE(looked_for, 4U * kMembers);
  EXPECT_TRUE(has(2, 4)) << counts();
  // A balance that is dated a day ahead of the clock, and what takes that day on from account to account.
  ASSERT_TRUE(clock_.set(base::Timestamp::from_micros(kNow + 86'400'000'000)).ok());
  post_group({Sketch{.to = 2, .from = 4}.text()});
  ASSERT_TRUE(clock_.set(base::Timestamp::from_micros(kNow)).ok());
  looked_for = 0;
  std::vector<std::string> behind(kMembers, Sketch{.to = 2, .from = 4}.text());
  behind[1] = Sketch{.to = 5, .from = 2}.text();
  for (std::size_t i = 2; i < behind.size(); i += 2) behind[i] = Sketch{.to = 1, .from = 5}.text();
  for (const auto &each : post_group(behind)) EXPECT_TRUE(each->ok());
  EXPECT_LE(looked_for, 3U * kMembers);
  EXPECT_TRUE(has(3 + kMembers, 2 * (3 + kMembers))) << counts();
}

TEST_P(GroupedPostings, RepeatWhatLostARace) {
  int lost = 0;
  mischief_.before = [&](const store::Request &request) -> std::optional<Error> {
    if (!is_write(request) || ++lost > 2) return std::nullopt;
    Error error = base::make_error(Status::kConflict, "store.deadlock", "lost");
    error.retryable = true;
    return error;
  };
  const Members group = post_group({Sketch{}.text(), Sketch{}.text()});
  EXPECT_TRUE(group[0]->ok() && group[1]->ok());
  EXPECT_EQ(lost, 3);
  EXPECT_TRUE(has(2, 4)) << counts();
}

TEST_P(GroupedPostings, ThatWaitTooLongForRowsAreRunElsewhere) {
  mischief_.before = [](const store::Request &request) -> std::optional<Error> {
    if (!is_read(request)) return std::nullopt;
    return base::make_error(Status::kBusy, "store.lock_timeout", "held");
  };
  const Members group = post_group({Sketch{}.text(), Sketch{.debit = "1", .credit = "2"}.text(), Sketch{}.text()});
  EXPECT_TRUE(group[0]->sent_elsewhere);
  EXPECT_TRUE(group[2]->sent_elsewhere);
  mischief_ = Mischief();
  EXPECT_TRUE(has(0, 0)) << counts();
}

TEST_P(GroupedPostings, FailTogetherWhenTheStoreIsAway) {
  int tries = 0;
  mischief_.before = [&](const store::Request &) -> std::optional<Error> {
    ++tries;
    return base::make_error(Status::kUnavailable, "store.unreachable", "away");
  };
  const Members group = post_group(std::vector<std::string>(8, Sketch{}.text()));
  for (const auto &each : group) EXPECT_EQ(each->code(), "store.unreachable");
  EXPECT_EQ(tries, 1);
}

// Writers that post nothing, each with the accounts that it would make: the middle ones are refused.
class GroupedWriters : public GroupedPostings {
 protected:
  static constexpr std::size_t kWriters = 9;

  Members writers() {
    const auto account = [](int number) {
      return R"({"id": "b0000000-0000-0000-0000-00000000000)" + std::to_string(number) + R"(", "code": "W)" +
             std::to_string(number) + R"(", "name": "W"})";
    };
    Members made;
    const auto add = [&](engine::Maker maker, const std::string &request) {
      made.push_back(std::make_unique<Member>(*ledger_, maker, request));
    };
    add(engine::account_create, account(1));
    add(engine::account_create, account(2));
    add(engine::account_create, R"({"code": "ALICE", "name": "a code that is taken"})");
    add(engine::account_update, R"({"id": "b0000000-0000-0000-0000-000000000001", "name": "of the first"})");
    add(engine::account_update, R"({"id": "b0000000-0000-0000-0000-000000000009", "name": "of nobody"})");
    add(engine::account_create_many, R"({"accounts": [)" + account(3) + ", " + account(4) + "]}");
    add(engine::account_create_many, R"({"accounts": [)" + account(5) + R"(, {"code": "BOB", "name": "taken, too"}]})");
    add(engine::account_set_create, R"({"id": "b0000000-0000-0000-0000-0000000000ff", "name": "S",
      "journal_id": "10000000-0000-0000-0000-000000000001"})");
    add(engine::account_create, account(6));
    return made;
  }
  void run_writers(const Members &made) {
    std::vector<engine::GroupMember *> group;
    for (const auto &each : made) group.push_back(each.get());
    engine::run_writers(group, *ledger_, *failing_, *pool_, kNoWaiting);
    for (const auto &each : made) EXPECT_EQ(each->ends, 1);
  }
  // What each writer would make, and whether it is there. Nothing of one that is refused is.
  void expect_there(const Members &made, bool unknown_are_there = false) {
    const std::vector<std::vector<std::string>> codes = {{"W1"}, {"W2"}, {}, {}, {}, {"W3", "W4"}, {"W5"}, {}, {"W6"}};
    for (std::size_t i = 0; i < kWriters; ++i) {
      const bool unknown =
          made[i]->outcome && !made[i]->ok() && made[i]->outcome->error().status == Status::kOutcomeUnknown;
      for (const std::string &code : codes[i]) {
        const std::string found = run(engine::account_find, R"({"code": ")" + code + "\"}");
        EXPECT_EQ(found.find("not_found") == std::string::npos, made[i]->ok() || (unknown && unknown_are_there))
            << code << found;
      }
    }
  }
};

TEST_P(GroupedWriters, GiveWhatOneByOneGivesFieldByField) {
  std::string told;
  for (const bool together : {false, true}) {
    if (together) start_again();
    int commits = 0;
    mischief_.before_commit = [&]() -> std::optional<Error> {
      ++commits;
      return std::nullopt;
    };
    Members made = writers();
    if (together) run_writers(made);
    for (std::size_t i = 0; i < kWriters && !together; ++i) {
      made[i]->outcome.emplace(
          engine::run(made[i]->operation(), *ledger_, *failing_, *pool_, made[i]->cancel(), kNoWaiting));
    }
    for (std::size_t i = 0; i < kWriters; ++i) EXPECT_EQ(made[i]->ok(), i != 2 && i != 4 && i != 6) << i;
    expect_there(made);
    std::string out;
    for (const auto &each : made) out += each->text() + "\n";
    EXPECT_EQ(commits, together ? 1 : 0);  // one by one the write carries it
    out += run(engine::account_list, R"({"first": 100})");
    mischief_ = Mischief();
    if (!together) {
      told = comparable(out);
    } else {
      EXPECT_EQ(comparable(out), told);
    }
  }
}

TEST_P(GroupedWriters, HaveAnOutcomeEachWhateverRequestFails) {
  for (const bool before : {true, false}) {
    for (int nth = 1;; nth += is_postgres() ? 7 : 2) {
      start_again();
      Members made = writers();
      int seen = 0;
      const auto fail = [&](const store::Request &request) -> std::optional<Error> {
        if (std::holds_alternative<store::Savepoint>(request) && !before) return std::nullopt;
        if (++seen != nth) return std::nullopt;
        Error error = base::make_error(Status::kUnavailable, "store.disk_full", "no room");
        error.tx_state = base::TxState::kAborted;
        return error;
      };
      (before ? mischief_.before : mischief_.after) = fail;
      run_writers(made);
      mischief_ = Mischief();
      const bool over = seen < nth;
      int ok = 0;
      for (const auto &each : made) ok += each->ok() ? 1 : 0;
      EXPECT_GE(ok, over ? 6 : 5) << nth;
      expect_there(made);
      ASSERT_FALSE(HasFailure()) << nth;
      if (over) break;
    }
  }
}

TEST_P(GroupedWriters, RunOneByOneWhenTheirCommitFails) {
  Members made = writers();
  mischief_.before_commit = []() -> std::optional<Error> {
    return base::make_error(Status::kUnavailable, "store.disk_full", "no room");
  };
  run_writers(made);
  mischief_ = Mischief();
  int ok = 0;
  for (const auto &each : made) ok += each->ok() ? 1 : 0;
  EXPECT_EQ(ok, 6);
  expect_there(made);
}

TEST_P(GroupedWriters, AreToldThatALostCommitIsUnknownOrWhatBecameOfIt) {
  Members made = writers();
  mischief_.after_commit = []() -> std::optional<Error> { return lost_commit(); };
  run_writers(made);
  mischief_ = Mischief();
  for (std::size_t i = 0; i < kWriters; ++i) {
    if (i == 2 || i == 4 || i == 6) {
      EXPECT_FALSE(made[i]->ok()) << i;
      EXPECT_NE(made[i]->code(), "store.outcome_unknown") << i;
    } else if (!made[i]->ok()) {
      EXPECT_EQ(made[i]->code(), "store.outcome_unknown") << i;
    }
  }
  expect_there(made, true);
}

TEST_P(GroupedWriters, LetACancelledOneGo) {
  Members made = writers();
  made[1]->cancel().cancel();
  made[8]->cancel().cancel();
  run_writers(made);
  EXPECT_EQ(made[1]->code(), "op.cancelled");
  EXPECT_EQ(made[8]->code(), "op.cancelled");
  EXPECT_TRUE(made[5]->ok());
}

CALA_FOR_EVERY_STORE(GroupedPostings);
CALA_FOR_EVERY_STORE(GroupedWriters);

}  // namespace
}  // namespace cala::tests
