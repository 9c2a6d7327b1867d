// Two copies of SQLite in one process, another process besides, one file. All three post to the same accounts, opening
// and closing as they go. Without the care of platform/file_locks.h this ends in lost postings
// or a damaged file within seconds.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <thread>

#include "platform/file_locks.h"
#include "store/host_sqlite.h"
#include "store/sqlite_ledger.h"

namespace cala::tests {
namespace {

using base::Outcome;
using base::Result;
using platform::descriptor_counts;
using store::Access;
using store::StatementId;

constexpr int kPostings = 400;  // of each writer

store::SqliteOptions options_for(const std::string &path) {
  store::SqliteOptions options;
  options.path = path;
  options.durable = false;
  options.busy_timeout_ms = 60000;
  return options;
}

Sketch hot_pair(int i) { return i % 3 == 0 ? transfer(1, 0, "1.00") : transfer(0, 1, "2.00"); }

// A posting on the program's connection, in the program's transaction, with a row of the program's own.
Outcome post_by_host(HostSqlite &host, const store::Dialect &dialect, SqliteLedger &ledger, const Sketch &sketch) {
  if (auto begun = host.run("BEGIN IMMEDIATE"); !begun) return std::move(begun.error());
  if (auto row = host.run("INSERT INTO orders (placed) VALUES (1)"); !row) return std::move(row.error());
  std::vector<core::PostedTransaction> postings = ledger.draw(std::vector{sketch});
  const base::Timestamp now = base::Timestamp::from_micros(ledger.now_micros);
  Result<store::Answer> read = host.ask(dialect, read_request(postings, true));
  if (!read) return std::move(read.error());
  const store::PostingState state = std::get<store::PostingState>(read.take());
  Result<store::Answer> written = host.ask(dialect, fold_postings(state, std::move(postings), now));
  if (!written) return std::move(written.error());
  if (auto committed = host.run("COMMIT"); !committed) return std::move(committed.error());
  return {};
}

// Each posting on a session of its own, opened and closed; it is the only connection of its copy.
int post_by_ourselves(SqliteLedger &ledger) {
  int posted = 0;
  ledger.close_writer();
  for (int i = 0; i < kPostings; ++i) {
    const std::unique_ptr<store::Session> session = ledger.session(Access::kWrite);
    if (session != nullptr && ledger.post({hot_pair(i)}, *session).ok()) ++posted;
  }
  return posted;
}

// The other process: forked, so it inherits every descriptor that this one has.
pid_t start_other_process(const SqliteLedger &ledger, const std::string &path) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  SqliteLedger own(ledger, options_for(path));
  ::_exit(post_by_ourselves(own) == kPostings ? 0 : 1);
}

TEST(TwoSqlites, AndAnotherProcessLoseNothing) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  ASSERT_TRUE(HostSqlite::is_another_copy());
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  SqliteLedger ledger(options_for(path), 2);
  auto host = std::make_unique<HostSqlite>(path);
  ASSERT_TRUE(host->run("CREATE TABLE orders (id INTEGER PRIMARY KEY, placed INTEGER)").ok());

  const pid_t other = start_other_process(ledger, path);
  ASSERT_GT(other, 0);
  const std::unique_ptr<store::Dialect> dialect = store::make_sqlite_dialect();
  SqliteLedger hosts_view(ledger, options_for(path));
  int by_host = 0;
  std::string host_error;
  std::thread host_thread([&] {
    for (int i = 0; i < kPostings && host_error.empty(); ++i) {
      if (i % 50 == 49) host = std::make_unique<HostSqlite>(path);
      const Outcome posted = post_by_host(*host, *dialect, hosts_view, hot_pair(i));
      if (posted.ok())
        ++by_host;
      else
        host_error = posted.error().message;
    }
  });
  const int by_us = post_by_ourselves(ledger);
  host_thread.join();
  int status = -1;
  ASSERT_EQ(::waitpid(other, &status, 0), other);

  EXPECT_EQ(by_us, kPostings);
  EXPECT_EQ(by_host, kPostings) << host_error;
  EXPECT_EQ(status, 0) << "the other process lost postings";
  const auto answer = [&](const char *sql) {
    Result<std::string> text = host->run(sql);
    return text ? text.take() : text.error().message;
  };
  EXPECT_EQ(answer("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(answer("SELECT count(*) FROM orders"), std::to_string(kPostings));
  EXPECT_EQ(answer("SELECT count(*) FROM cala_transactions"), std::to_string(3 * kPostings));
  EXPECT_EQ(answer("SELECT group_concat(version) FROM cala_balances"),
            std::to_string(3 * kPostings) + "," + std::to_string(3 * kPostings));
  // Every entry follows the one before it on its balance.
  EXPECT_EQ(answer("SELECT count(*) FROM cala_entries e LEFT JOIN cala_entries p ON p.n = e.prev_n"
                   " WHERE e.version <> coalesce(p.version, 0) + 1"),
            "0");
  SqliteLedger reopened(ledger, options_for(path));
  EXPECT_EQ(reopened.count("entries"), 6 * kPostings);
}

TEST(TwoSqlites, LeaveTheHostsLocksAloneWhenASessionCloses) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  store::SqliteOptions options = options_for(path);
  SqliteLedger ledger(options, 2);
  HostSqlite host(path);
  ASSERT_TRUE(host.run("BEGIN IMMEDIATE").ok());
  options.busy_timeout_ms = 0;
  for (int i = 0; i < 3; ++i) {
    SqliteLedger other(ledger, options);  // opens and closes the file, the log and the shared memory
    const Outcome refused = other.post({transfer(0, 1)});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, "store.busy");
    EXPECT_TRUE(refused.error().retryable);
  }
  // The program's lock is still there for another process, too.
  const pid_t child = ::fork();
  if (child == 0) {
    SqliteLedger other(ledger, options);
    const Outcome refused = other.post({transfer(0, 1)});
    ::_exit(!refused.ok() && refused.error().code == "store.busy" ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_TRUE(host.run("ROLLBACK").ok());
  EXPECT_TRUE(ledger.post({transfer(0, 1)}).ok());
}

// The program's pragmas name the columns that a star stands for, so no statement of ours has one that is read by name.
TEST(TwoSqlites, UnderstandEachStatementWhateverThePragmasOfTheProgramCallColumns) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  const std::unique_ptr<store::Dialect> dialect = store::make_sqlite_dialect();
  for (const char *full : {"OFF", "ON"}) {
    for (const char *brief : {"ON", "OFF"}) {
      HostSqlite host(":memory:");
      ASSERT_TRUE(host.run(std::string("PRAGMA full_column_names = ") + full).ok());
      ASSERT_TRUE(host.run(std::string("PRAGMA short_column_names = ") + brief).ok());
      for (const std::string &migration : dialect->migration_statements(0)) ASSERT_TRUE(host.run(migration).ok());
      for (std::size_t id = 0; id < store::kStatementCount; ++id) {
        const store::SqlStatement statement =
            dialect->encode(store::Call{static_cast<StatementId>(id), "{}", false}, store::Placeholder::kQmark);
        const Result<std::string> explained = host.run("EXPLAIN " + std::string(statement.sql), &statement.parameter);
        EXPECT_TRUE(explained.ok()) << statement.name << " with full " << full << ", short " << brief << ": "
                                    << explained.error().message;
      }
    }
  }
}

// Names that a program gives what is temporary come first where a statement names no database.
TEST(TwoSqlites, UseNothingOfTheProgramsThatHasANameOfOurs) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  const std::unique_ptr<store::Dialect> dialect = store::make_sqlite_dialect();
  const std::string names =
      "SELECT group_concat(name, ' ') FROM main.sqlite_master WHERE name LIKE 'cala_%' AND type IN ";
  HostSqlite model(":memory:");
  for (const std::string &migration : dialect->migration_statements(0)) ASSERT_TRUE(model.run(migration).ok());
  const std::string ours = *model.run(names + "('table', 'view')");
  HostSqlite host(":memory:");
  std::istringstream each(ours);
  std::size_t made = 0;
  for (std::string name; each >> name; ++made) ASSERT_TRUE(host.run("CREATE TEMP TABLE " + name + " (theirs)").ok());
  EXPECT_GT(made, 50U);
  for (const std::string &migration : dialect->migration_statements(0)) {
    const Result<std::string> done = host.run(migration);
    ASSERT_TRUE(done.ok()) << migration << ": " << done.error().message;
  }
  EXPECT_EQ(*host.run(names + "('table', 'view')"), ours);
  EXPECT_EQ(*host.run(names + "('index', 'trigger')"), *model.run(names + "('index', 'trigger')"));
  for (std::size_t id = 0; id < store::kStatementCount; ++id) {
    const store::SqlStatement statement =
        dialect->encode(store::Call{static_cast<StatementId>(id), "{}", false}, store::Placeholder::kQmark);
    const std::string explain = "EXPLAIN " + std::string(statement.sql);
    const Result<std::string> explained = host.run(explain, &statement.parameter);
    EXPECT_TRUE(explained.ok()) << statement.name << ": " << explained.error().message;
  }
  const store::Call place{StatementId::kListenerWrite,
                          R"({"change":"insert","name":"mailer","place":0,"now":1767225600000000})", true};
  EXPECT_TRUE(host.ask(*dialect, place).ok());
  EXPECT_EQ(*host.run("SELECT count(*) FROM main.cala_listeners"), "1");
  each.clear();
  each.seekg(0);
  for (std::string name; each >> name;) EXPECT_EQ(*host.run("SELECT count(*) FROM temp." + name), "0") << name;
}

TEST(TwoSqlites, WriteWherePragmasOfTheProgramHaveAWriteAnswerARow) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  SqliteLedger ledger(options_for(path), 2);
  const std::unique_ptr<store::Dialect> dialect = store::make_sqlite_dialect();
  HostSqlite host(path);
  ASSERT_TRUE(host.run("PRAGMA count_changes = ON").ok());
  const store::Call place{StatementId::kListenerWrite,
                          R"({"change":"insert","name":"mailer","place":0,"now":1767225600000000})", true};
  Result<store::Answer> placed = host.ask(*dialect, place);
  ASSERT_TRUE(placed.ok()) << placed.error().message;
  EXPECT_EQ(std::get<std::string>(*placed), R"({"changed":[]})");
  EXPECT_EQ(*host.run("SELECT count(*) FROM cala_listeners"), "1");
}

TEST(TwoSqlites, KeepFewDescriptorsThroughManyOpens) {
  const TemporaryFolder folder;
  SqliteLedger ledger(options_for(folder.file("ledger.db")), 2);
  const auto before = descriptor_counts();
  for (int i = 0; i < 200; ++i) ledger.session(Access::kWrite);
  const auto after = descriptor_counts();
  EXPECT_LE(after.in_use, before.in_use + 1);  // SQLite keeps one itself while another connection holds a lock
  EXPECT_LE(after.idle, before.idle + 2);
}

TEST(TwoSqlites, BoundThePoolOfFilesThatNobodyUses) {
  const TemporaryFolder folder;
  for (std::size_t i = 0; i < platform::kMaxIdleDescriptors + 20; ++i) {
    const Result<std::unique_ptr<store::Store>> store =
        store::open_sqlite(options_for(folder.file("ledger-" + std::to_string(i) + ".db")));
    ASSERT_TRUE(store.ok()) << store.error().message;
  }
  EXPECT_LE(descriptor_counts().idle, platform::kMaxIdleDescriptors);
}

TEST(TwoSqlites, SeeThatAFileWasDeletedAndMadeAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  const auto idle_before = descriptor_counts().idle;
  for (int round = 0; round < 5; ++round) {
    SqliteLedger ledger(options_for(path), 2);
    ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
    EXPECT_EQ(ledger.count("transactions"), 1);
    for (const char *suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
  }
  EXPECT_LE(descriptor_counts().idle, idle_before + 1);
}

TEST(TwoSqlites, LeaveAParentsLocksAloneInAChild) {
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  store::SqliteOptions options = options_for(path);
  options.busy_timeout_ms = 0;
  SqliteLedger ledger(options, 2);
  ASSERT_TRUE(ledger.writer().begin(Access::kWrite).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    // Opens, is refused, and closes again.
    const bool refused = [&] {
      SqliteLedger own(ledger, options);
      return !own.writer().begin(Access::kWrite).ok();
    }();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const std::unique_ptr<store::Session> second = ledger.session(Access::kWrite);
  EXPECT_FALSE(second->begin(Access::kWrite).ok());
  if (HostSqlite::functions() != nullptr) {
    HostSqlite host(path);
    ASSERT_TRUE(host.run("PRAGMA busy_timeout = 0").ok());
    EXPECT_FALSE(host.run("BEGIN IMMEDIATE").ok());
  }
  ledger.writer().rollback();
  EXPECT_TRUE(ledger.post({transfer(0, 1)}).ok());
}

// What check says in a forked child: 0, or the number of what did not hold. A child that hangs is ended by its alarm:
// -1.
int in_child(const std::function<int()> &check) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(check());
  }
  int status = -1;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

// What a program does that lets nothing through: daemons, programs before exec.
void close_everything() {
  for (int fd = 3; fd < 256; ++fd) ::close(fd);
}

constexpr int kHostFiles = 8;

// Files of the program's own, which get the numbers that have just become free.
void open_host_files(const TemporaryFolder &folder) {
  for (int i = 0; i < kHostFiles; ++i) {
    const std::string path = folder.file("host-" + std::to_string(i));
    if (::open(path.c_str(), O_RDWR | O_CREAT, 0600) < 0) ::_exit(100);
  }
}

bool host_files_are_empty(const TemporaryFolder &folder) {
  for (int i = 0; i < kHostFiles; ++i) {
    struct stat status {};
    if (::stat(folder.file("host-" + std::to_string(i)).c_str(), &status) != 0 || status.st_size != 0) return false;
  }
  return true;
}

// Opens, closes everything behind the library's back, opens files of its own, and opens the ledger again.
int lose_all_descriptors(const TemporaryFolder &folder, SqliteLedger &ledger, const store::SqliteOptions &options) {
  { const SqliteLedger first(ledger, options); }
  close_everything();
  open_host_files(folder);
  SqliteLedger again(ledger, options);
  if (again.count("transactions") != 1) return 1;
  if (!again.post({transfer(0, 1)}).ok()) return 2;
  if (!host_files_are_empty(folder)) return 3;
  // And once more with the descriptors in use.
  close_everything();
  again.close_writer();
  return 0;
}

TEST(TwoSqlites, TakeNoDescriptorForTheFileItOnceWas) {
  const TemporaryFolder folder;
  const store::SqliteOptions options = options_for(folder.file("ledger.db"));
  SqliteLedger ledger(options, 2);
  ASSERT_TRUE(ledger.post({transfer(0, 1)}).ok());
  ASSERT_TRUE(ledger.writer().begin(Access::kRead).ok());  // a lock for which a child keeps its descriptors
  EXPECT_EQ(in_child([&] { return lose_all_descriptors(folder, ledger, options); }), 0);
  ledger.writer().rollback();
  EXPECT_EQ(ledger.count("transactions"), 2);
}

TEST(TwoSqlites, CloseNoFileOfTheHostsWithTheirOwn) {
  const TemporaryFolder folder;
  const store::SqliteOptions options = options_for(folder.file("ledger.db"));
  SqliteLedger ledger(options, 2);
  EXPECT_EQ(in_child([&] {
              auto own = std::make_unique<SqliteLedger>(ledger, options);
              close_everything();
              open_host_files(folder);
              own.reset();
              for (int fd = 3; fd < 3 + kHostFiles; ++fd) {
                if (::fcntl(fd, F_GETFD) < 0) return fd;
              }
              return 0;
            }),
            0);
}

TEST(TwoSqlites, AskForPermissionAtEveryOpen) {
  if (HostSqlite::functions() == nullptr) GTEST_SKIP() << "the system has no libsqlite3.so.0";
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  const TemporaryFolder folder;
  const std::string path = folder.file("ledger.db");
  const store::SqliteOptions options = options_for(path);
  SqliteLedger ledger(options, 2);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  HostSqlite host(path);
  ASSERT_TRUE(host.run("BEGIN IMMEDIATE").ok());
  EXPECT_EQ(in_child([&] {
              { const SqliteLedger own(ledger, options); }
              if (descriptor_counts().idle == 0) return 1;
              constexpr uid_t nobody = 65534;
              if (::setuid(nobody) != 0) return 2;
              const Result<std::unique_ptr<store::Store>> refused = store::open_sqlite(options);
              if (refused.ok()) return 3;
              return refused.error().code == "store.cannot_open" ? 0 : 4;
            }),
            0);
}

TEST(TwoSqlites, KeepNothingOpenOfAFileThatNobodyUses) {
  const TemporaryFolder folder;
  const store::SqliteOptions options = options_for(folder.file("ledger.db"));
  SqliteLedger ledger(options, 2);
  const TemporaryFolder others_folder;
  const store::SqliteOptions others = options_for(others_folder.file("ledger.db"));
  const auto before = descriptor_counts();
  {
    SqliteLedger other(others, 2);
    EXPECT_GT(descriptor_counts().in_use, before.in_use);
  }
  EXPECT_EQ(descriptor_counts().in_use, before.in_use);
  EXPECT_EQ(descriptor_counts().idle, before.idle);
}

TEST(TwoSqlites, FindTheFileOfARelativePathFromEveryFolder) {
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  const std::filesystem::path start = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  SqliteLedger ledger(options_for("ledger.db"), 2);
  std::filesystem::current_path(elsewhere.path());
  ledger.close_writer();
  const std::unique_ptr<store::Session> session = ledger.session(Access::kWrite);
  const bool posted = session != nullptr && ledger.post({transfer(0, 1)}, *session).ok();
  const bool made_another = std::filesystem::exists("ledger.db");
  std::filesystem::current_path(start);
  EXPECT_TRUE(posted);
  EXPECT_FALSE(made_another);
  EXPECT_TRUE(std::filesystem::exists(folder.file("ledger.db")));
}

}  // namespace
}  // namespace cala::tests
