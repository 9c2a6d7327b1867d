// Opening, migrating and refusing: what the embedded store says when the file,
// the disk or another writer is in the way.
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <thread>

#include "store/sqlite/sqlite_session.h"
#include "store/sqlite_ledger.h"

namespace cala::tests {
namespace {

using base::Outcome;
using base::Result;
using base::Status;
using store::Access;
using store::StatementId;
using store::sqlite::SqliteSession;

base::Error open_error(const std::string &path) {
  Result<std::unique_ptr<store::Store>> opened = store::open_sqlite({.path = path});
  EXPECT_FALSE(opened.ok());
  return opened ? base::Error{} : std::move(opened.error());
}

// A path in a child process that is not root; true when `act` says so there.
template <typename Act>
bool as_nobody(Act act) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setegid(65534) != 0 || ::seteuid(65534) != 0)) ::_exit(2);
    ::_exit(act() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(SqliteStore, OpensWhatItMade) {
  const TemporaryFolder folder;
  const store::SqliteOptions options{.path = folder.file("strange ?#%41.db")};
  {
    SqliteLedger ledger(options);
    ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  }
  EXPECT_EQ(::access(options.path.c_str(), F_OK), 0);
  Result<std::unique_ptr<store::Store>> again = store::open_sqlite(options);
  ASSERT_TRUE(again.ok()) << again.error().message;
  const Result<store::MigrationReport> report = (*again)->migrate();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().from_version, report.value().to_version);
  EXPECT_EQ((*again)->name(), "sqlite");
  EXPECT_EQ((*again)->max_writers(), 1U);
}

TEST(SqliteStore, SaysWhetherThereIsALedger) {
  const TemporaryFolder folder;
  Result<std::unique_ptr<store::Store>> store = store::open_sqlite({.path = folder.file("ledger.db")});
  ASSERT_TRUE(store.ok());
  const auto ask = [&](StatementId id) {
    Result<std::unique_ptr<store::Session>> session = (*store)->connect(Access::kRead);
    EXPECT_TRUE(session.ok());
    return (*session)->execute(store::Call{id, "{}", false});
  };
  EXPECT_EQ(std::get<std::string>(*ask(StatementId::kSchemaProbe)), R"({"present":false})");
  EXPECT_EQ(ask(StatementId::kLedgerInfo).error().code, "store.migrations_missing");
  const Result<store::MigrationReport> report = (*store)->migrate();
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report.value().from_version, 0);
  EXPECT_EQ(report.value().to_version, (*store)->dialect().schema_version());
  EXPECT_EQ(std::get<std::string>(*ask(StatementId::kSchemaProbe)), R"({"present":true})");
  EXPECT_EQ(std::get<std::string>(*ask(StatementId::kSchemaRead)),
            R"({"version":)" + std::to_string(report.value().to_version) + "}");
}

TEST(SqliteStore, MigratesOnceWhenSeveralRace) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  std::vector<std::thread> racers;
  std::vector<std::string> failures(6);
  for (std::string &failure : failures) {
    racers.emplace_back([&failure, &path] {
      Result<std::unique_ptr<store::Store>> store = store::open_sqlite({.path = path, .durable = false});
      if (!store) {
        failure = store.error().message;
        return;
      }
      const Result<store::MigrationReport> report = (*store)->migrate();
      if (!report) failure = report.error().message;
    });
  }
  for (std::thread &racer : racers) racer.join();
  for (const std::string &failure : failures) EXPECT_EQ(failure, "");
}

TEST(SqliteStore, RefusesASchemaThatIsNewer) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db")});
  auto &session = static_cast<SqliteSession &>(ledger.writer());
  ASSERT_TRUE(session.connection().run("INSERT INTO cala_migrations VALUES (9999, 0)").ok());
  const Result<store::MigrationReport> report = ledger.store().migrate();
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().status, Status::kUnsupported);
  EXPECT_EQ(report.error().code, "store.newer");
}

TEST(SqliteStore, RefusesAFileThatIsNoDatabase) {
  const TemporaryFolder folder;
  const std::string path = folder.file("notes.txt");
  std::ofstream(path) << std::string(5000, 'x');
  const base::Error error = open_error(path);
  EXPECT_EQ(error.status, Status::kInvalid);
  EXPECT_EQ(error.code, "store.not_a_ledger");
  EXPECT_NE(error.message.find(path), std::string::npos);
}

TEST(SqliteStore, NamesAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  const std::string path = folder.file("absent/ledger.db");
  const base::Error error = open_error(path);
  EXPECT_EQ(error.status, Status::kUnavailable);
  EXPECT_EQ(error.code, "store.cannot_open");
  EXPECT_NE(error.message.find(path), std::string::npos);
  EXPECT_EQ(open_error(folder.path()).code, "store.cannot_open");
  EXPECT_EQ(open_error("").code, "store.cannot_open");
}

// Whether opening fails with store.cannot_open, in a message that has the words.
bool is_told(const std::string &path, const std::string &words) {
  const base::Error error = open_error(path);
  EXPECT_EQ(error.code, "store.cannot_open") << error.message;
  EXPECT_EQ(error.status, Status::kUnavailable);
  EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
  EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  return error.code == "store.cannot_open" && error.message.find(words) != std::string::npos;
}

std::string system_says(int number) { return std::generic_category().message(number); }

TEST(SqliteStore, SaysWhyAFileCannotBeOpened) {
  const TemporaryFolder folder;
  std::ofstream(folder.file("a file")) << "x";
  is_told(folder.path(), "it is a folder");
  is_told(folder.file("ledger.db/"), "ends with a slash");
  is_told(folder.file("absent/ledger.db"), "its folder: " + system_says(ENOENT));
  is_told(folder.file("a file/ledger.db"), system_says(ENOTDIR));
  is_told(folder.file(std::string(300, 'x')), system_says(ENAMETOOLONG));
  ASSERT_EQ(::symlink("loop", folder.file("loop").c_str()), 0);
  is_told(folder.file("loop"), system_says(ELOOP));
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  EXPECT_TRUE(as_nobody([&] { return is_told(folder.file("new.db"), "its folder: " + system_says(EACCES)); }));
  ASSERT_EQ(::chmod(folder.file("a file").c_str(), 0), 0);
  EXPECT_TRUE(as_nobody([&] { return is_told(folder.file("a file"), "(" + system_says(EACCES)); }));
}

TEST(SqliteStore, SaysThatNoDescriptorIsLeft) {
  const TemporaryFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  EXPECT_TRUE(as_nobody([&] {
    const rlimit none{0, 0};
    return ::setrlimit(RLIMIT_NOFILE, &none) == 0 && is_told(folder.file("ledger.db"), system_says(EMFILE));
  }));
}

// In a child with mounts of its own, where the system lets a test have some.
TEST(SqliteStore, SaysThatTheFileSystemIsReadOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  {
    SqliteLedger ledger({.path = path});
    ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  }
  constexpr int kMayNotMount = 77;
  const pid_t child = ::fork();
  if (child == 0) {
    const char *place = folder.path().c_str();
    if ((::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(place, place, nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("none", place, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      ::_exit(kMayNotMount);
    }
    const bool new_one = is_told(folder.file("new.db"), "its folder: " + system_says(EROFS));
    const bool old_one = is_told(path, "(" + system_says(EROFS));
    ::_exit(new_one && old_one ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kMayNotMount) GTEST_SKIP() << "the system lets nobody mount here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(SqliteStore, ReadsAFileThatItMayNotWrite) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  {
    SqliteLedger ledger({.path = path});
    ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  }
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0777), 0);
  EXPECT_TRUE(as_nobody([&] {
    Result<std::unique_ptr<store::Store>> store = store::open_sqlite({.path = path});
    if (!store || !(*store)->migrate().ok()) return false;
    Result<std::unique_ptr<store::Session>> session = (*store)->connect(Access::kWrite);
    if (!session) return false;
    const Outcome begun = (*session)->begin(Access::kWrite);
    const Result<store::Answer> info = (*session)->execute(store::Call{StatementId::kLedgerInfo, "{}", false});
    return !begun.ok() && begun.error().status == Status::kPermission && begun.error().code == "store.read_only" &&
           begun.error().message.find(system_says(EACCES)) != std::string::npos && info.ok() &&
           std::get<std::string>(info.value()).find(R"("transactions":1)") != std::string::npos;
  }));
}

TEST(SqliteStore, OpensForReadingOnlyWhenAsked) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  SqliteLedger ledger({.path = path});
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  SqliteLedger reader(ledger, {.path = path, .read_only = true});
  EXPECT_EQ(reader.count("transactions"), 1);
  EXPECT_EQ(reader.post({transfer(0, 1)}).error().code, "store.read_only");
}

TEST(SqliteStore, WritesNothingOnAFullDisk) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db")});
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  auto &session = static_cast<SqliteSession &>(ledger.writer());
  ASSERT_TRUE(session.connection().run("PRAGMA max_page_count = 1").ok());  // as many as there are, no more
  Outcome posted;
  std::int64_t before = 0;
  for (int i = 0; i < 1000 && posted.ok(); ++i) {
    before = ledger.count("entries");
    posted = ledger.post(std::vector<Sketch>(20, transfer(0, 1)));
  }
  ASSERT_FALSE(posted.ok());
  EXPECT_EQ(posted.error().status, Status::kUnavailable);
  EXPECT_EQ(posted.error().code, "store.full");
  EXPECT_EQ(ledger.count("entries"), before);
  ASSERT_TRUE(session.connection().run("PRAGMA max_page_count = 100000").ok());
  EXPECT_TRUE(ledger.post({transfer(0, 1)}).ok());
  EXPECT_EQ(ledger.count("entries"), before + 2);
}

TEST(SqliteStore, LosesNothingWhenTheFileMayNotGrow) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db")});
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual), 0);
  rlimit small = usual;
  small.rlim_cur = 400 * 1024;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Outcome posted;
  std::int64_t acknowledged = 1;
  for (int i = 0; i < 1000 && posted.ok(); ++i) {
    posted = ledger.post(std::vector<Sketch>(20, transfer(0, 1)));
    if (posted.ok()) acknowledged += 20;
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &usual), 0);
  ASSERT_FALSE(posted.ok());
  // The commit is what failed; who looks it up finds nothing.
  EXPECT_EQ(posted.error().status, Status::kOutcomeUnknown);
  EXPECT_EQ(posted.error().code, "store.outcome_unknown");
  EXPECT_FALSE(ledger.writer().healthy());
  SqliteLedger again(ledger, {.path = folder.file("ledger.db")});
  EXPECT_EQ(again.count("transactions"), acknowledged);
  EXPECT_TRUE(again.post({transfer(0, 1)}).ok());
}

TEST(SqliteStore, IsBusyWhileAnotherProcessWrites) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  SqliteLedger ledger({.path = path, .busy_timeout_ms = 50});
  int ready[2];
  int release[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(release), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    SqliteLedger own(ledger, {.path = path});
    own.now_micros += 1000000;
    char byte = own.writer().begin(Access::kWrite).ok() ? 'y' : 'n';
    bool fine = ::write(ready[1], &byte, 1) == 1 && ::read(release[0], &byte, 1) == 1;
    own.writer().rollback();
    fine = own.post({transfer(0, 1)}).ok() && fine;
    ::_exit(fine ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const Outcome refused = ledger.post({transfer(0, 1)});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().status, Status::kBusy);
  EXPECT_EQ(refused.error().code, "store.busy");
  EXPECT_TRUE(refused.error().retryable);
  EXPECT_EQ(ledger.count("transactions"), 0);  // reading goes on beside a writer
  ASSERT_EQ(::write(release[1], &byte, 1), 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(ledger.post({transfer(0, 1)}).ok());
  EXPECT_EQ(ledger.count("transactions"), 2);
  for (const int fd : {ready[0], ready[1], release[0], release[1]}) ::close(fd);
}

TEST(SqliteStore, EndsAWaitWhenInterrupted) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  SqliteLedger ledger({.path = path, .busy_timeout_ms = 600000});
  const std::unique_ptr<store::Session> waiting = ledger.session(Access::kWrite);
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  std::atomic<bool> done = false;
  Outcome begun;
  std::thread waiter([&] {
    begun = waiting->begin(Access::kWrite);
    done = true;
  });
  while (!done) {
    waiting->interrupt();
    std::this_thread::yield();
  }
  waiter.join();
  ledger.writer().rollback();
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().status, Status::kCancelled);
  waiting->forget_interrupt();
  EXPECT_TRUE(waiting->begin(Access::kWrite).ok());
}

TEST(SqliteStore, DoesNotLoseAnInterruptThatComesBeforeTheStatement) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db")});
  store::Session &session = ledger.writer();
  const store::Call info{store::StatementId::kLedgerInfo, "{}", false};
  ASSERT_TRUE(session.begin(Access::kWrite).ok());
  session.interrupt();
  const Result<store::Answer> answer = session.execute(info);
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().status, Status::kCancelled);
  EXPECT_EQ(answer.error().tx_state, base::TxState::kUsable);
  session.forget_interrupt();
  EXPECT_TRUE(session.execute(info).ok());
  session.rollback();
}

TEST(SqliteStore, EndsARunningStatementWhenInterrupted) {
  const TemporaryFolder folder;
  SqliteLedger ledger({.path = folder.file("ledger.db")});
  auto &session = static_cast<SqliteSession &>(ledger.writer());
  std::atomic<bool> done = false;
  Outcome ran;
  std::thread runner([&] {
    ran = session.connection().run(
        "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c");
    done = true;
  });
  while (!done) {
    session.interrupt();
    std::this_thread::yield();
  }
  runner.join();
  session.forget_interrupt();
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().status, Status::kCancelled);
  EXPECT_EQ(ledger.count("accounts"), 4);
}

TEST(SqliteMemory, IsSharedByTheSessionsOfOneStoreOnly) {
  SqliteLedger ledger({.path = ":memory:"});
  SqliteLedger other({.path = ":memory:"});
  const std::unique_ptr<store::Session> second = ledger.session(Access::kWrite);
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  ASSERT_TRUE(ledger.post({transfer(0, 1), transfer(2, 3)}, *second).ok());
  EXPECT_EQ(ledger.count("transactions"), 3);
  EXPECT_EQ(other.count("transactions"), 0);
}

TEST(SqliteMemory, LosesNothingOfSeveralWriters) {
  SqliteLedger ledger({.path = ":memory:", .busy_timeout_ms = 60000}, 2);
  constexpr int kEach = 100;
  std::vector<std::thread> writers;
  std::atomic<int> posted = 0;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([&] {
      const std::unique_ptr<store::Session> session = ledger.session(Access::kWrite);
      for (int i = 0; i < kEach; ++i) {
        if (!session->begin(Access::kWrite).ok()) continue;
        core::PostedTransaction posting;
        posting.transaction.id = base::new_uuid();
        posting.transaction.journal_id = ledger.journal;
        posting.transaction.tx_template_id = ledger.tx_template;
        core::Entry entry;
        entry.transaction_id = posting.transaction.id;
        entry.journal_id = ledger.journal;
        entry.account_id = ledger.accounts[0];
        entry.sequence = 1;
        entry.units = core::Decimal::from_int(1);
        posting.entries.push_back(entry);
        Result<store::Answer> read = session->execute(read_request({posting}, false));
        if (!read) continue;
        const store::PostingState state = std::get<store::PostingState>(read.take());
        const store::PostingWrite write = fold_postings(state, {posting}, base::Timestamp::from_micros(1));
        if (session->execute_and_commit(write).ok()) ++posted;
      }
    });
  }
  for (std::thread &writer : writers) writer.join();
  EXPECT_EQ(posted, 3 * kEach);
  const base::Json found = ledger.rows(StatementId::kBalanceList, R"({"first":10})");
  EXPECT_EQ(found.root().get("rows").first().get("version").integer(), 3 * kEach);
}

TEST(SqliteMemory, ForgetsWhatIsRolledBack) {
  SqliteLedger ledger({.path = ":memory:"});
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  store::PostingState state;
  Result<store::PostingWrite> write = ledger.prepare({transfer(0, 1)}, ledger.writer(), state);
  ASSERT_TRUE(write.ok());
  ASSERT_TRUE(ledger.writer().execute(write.take()).ok());
  ledger.writer().rollback();
  EXPECT_EQ(ledger.count("transactions"), 0);
}

}  // namespace
}  // namespace cala::tests
