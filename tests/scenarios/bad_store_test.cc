// Stores that cannot be opened or written: each is refused with its status and code,
// in a message that tells no password.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "json_document.h"
#include "ledger_client.h"
#include "store_sql.h"

namespace cala::tests {
namespace {

constexpr const char *kPassword = "s3cr3t-p4ssw0rd";

Answer open_refused(const std::string &config) {
  Answer refusal;
  const std::unique_ptr<LedgerClient> ledger = LedgerClient::open(config, &refusal);
  EXPECT_EQ(ledger, nullptr) << config;
  EXPECT_FALSE(refusal.message.empty()) << config;
  EXPECT_EQ(refusal.message.find(kPassword), std::string::npos) << refusal.message;
  EXPECT_EQ(refusal.details.find(kPassword), std::string::npos) << refusal.details;
  return refusal;
}

std::string store_config(const std::string &store, const std::string &more = "") {
  return "{\"store\": " + json_quote(store) + more + "}";
}

TEST(BadConfig, EveryKeyIsReadStrictly) {
  const std::pair<const char *, const char *> cases[] = {
      {R"({"stor": "sqlite::memory:"})", "/stor"},
      {R"({"store": 1})", "/store"},
      {R"({"store": "sqlite::memory:", "migrate": "yes"})", "/migrate"},
      {R"({"store": "sqlite::memory:", "schema": "a b"})", "/schema"},
      {R"({"store": "sqlite::memory:", "schema": "x; DROP SCHEMA public"})", "/schema"},
      {R"({"store": "sqlite::memory:", "schema": ""})", "/schema"},
      {R"({"store": "sqlite::memory:", "schema": "Cala"})", "/schema"},
      {R"({"store": "sqlite::memory:", "schema": "pg_ledger"})", "/schema"},
      {R"({"store": "sqlite::memory:", "schema": "information_schema"})", "/schema"},
      {R"({"store": "sqlite::memory:", "schema": "a123456789012345678901234567890123456789012345678901234567890123"})",
       "/schema"},
      {R"({"store": "sqlite::memory:", "pool": 3})", "/pool"},
      {R"({"store": "sqlite::memory:", "pool": {"max": 0}})", "/pool/max"},
      {R"({"store": "sqlite::memory:", "pool": {"max": 1001}})", "/pool/max"},
      {R"({"store": "sqlite::memory:", "pool": {"min": 1}})", "/pool/min"},
      {R"({"store": "sqlite::memory:", "clock": {"manual": "noon"}})", "/clock/manual"},
      {R"({"store": "sqlite::memory:", "commit": {"durable": 1}})", "/commit/durable"},
      {R"({"store": "sqlite::memory:", "commit": {"group_max": 0}})", "/commit/group_max"},
      {R"({"store": "sqlite::memory:", "commit": {"group_max": 10001}})", "/commit/group_max"},
      {R"({"store": "sqlite::memory:", "queue_max": 0})", "/queue_max"},
      {R"({"store": "sqlite::memory:", "queue_max": 1048577})", "/queue_max"},
      {R"({"store": "sqlite::memory:", "lazy": null, "lazy": true})", "/lazy"},
  };
  for (const auto &[config, pointer] : cases) {
    const Answer refusal = open_refused(config);
    EXPECT_EQ(refusal.status, CALA_INVALID) << config;
    const std::optional<JsonDocument> details = JsonDocument::parse(refusal.details);
    ASSERT_TRUE(details.has_value());
    EXPECT_EQ(json_text(details->root(), "pointer"), pointer) << refusal.text();
  }
}

TEST(BadConfig, AConfigurationCutOffAtAnyByteIsMalformed) {
  const std::string config =
      R"({"store": "sqlite::memory:", "migrate": true, "clock": {"manual": "2026-01-01T00:00:00Z"}})";
  for (std::size_t length = 1; length < config.size(); ++length) {
    EXPECT_EQ(open_refused(config.substr(0, length)).code, "request.malformed") << length;
  }
}

TEST(BadStore, NamesThatAreNoStoreAreInvalid) {
  for (const char *store :
       {"", "host:", "host:oracle", "sqlite:", "./foo.db", "foo.db", "/var/foo.db", "sqllite:foo.db", "sqlite://foo.db",
        "sqlite:///var/foo.db", "mysql://user@host/db?a=b", "SQLite:foo.db"}) {
    const Answer refusal = open_refused(store_config(store));
    EXPECT_EQ(refusal.status, CALA_INVALID) << refusal.text();
    EXPECT_TRUE(refusal.code == "store.invalid") << refusal.text();
    EXPECT_NE(refusal.message.find("sqlite:PATH"), std::string::npos) << refusal.message;
  }
}

TEST(BadStore, AConnectionStringThatCannotBeReadIsInvalidAndNotRepeated) {
  for (const std::string &store :
       {"postgres://user:" + std::string(kPassword) + "@[::1/db", "host=/tmp password='" + std::string(kPassword),
        "host=/tmp pasword=" + std::string(kPassword), "nonsense " + std::string(kPassword), std::string(kPassword),
        "postgres://user:" + std::string(kPassword) + "@host:notaport/db?nosuchoption=1"}) {
    const Answer refusal = open_refused(store_config(store));
    EXPECT_EQ(refusal.status, CALA_INVALID) << store << " " << refusal.text();
    EXPECT_EQ(refusal.code, "store.invalid") << refusal.text();
  }
}

TEST(BadStore, AParameterThatLibpqLacksIsNamedUnlessItMayBeASecret) {
  const std::pair<std::string, std::string> cases[] = {
      {"postgres://user:pw@host/db?sslmode=disable&default_query_exec_mode=exec", "\"default_query_exec_mode\""},
      {"postgres://user@host/db?pool=5", "\"pool\""},
      {"host=/tmp pool=5 password=" + std::string(kPassword), "\"pool\""},
      {"host=/tmp pasword=" + std::string(kPassword), "\"pasword\""},
  };
  for (const auto &[store, named] : cases) {
    const Answer refusal = open_refused(store_config(store));
    EXPECT_EQ(refusal.code, "store.invalid") << refusal.text();
    EXPECT_NE(refusal.message.find(named), std::string::npos) << refusal.message;
  }
  for (const char *store : {"host=/tmp password=a s3cret=b", "postgres://user:a?s3cret=b@host/db?pool=5",
                            "postgres://user@host/db?s3cret", "host=/tmp password='a s3cret=b"}) {
    const Answer refusal = open_refused(store_config(store));
    EXPECT_TRUE(refusal.code == "store.invalid" || refusal.code == "store.unreachable") << refusal.text();
    EXPECT_EQ(refusal.message.find("s3cret"), std::string::npos) << refusal.message;
  }
}

// Answers each connection's first message with one message of the protocol, and hangs up after the next.
class FakeServer {
 public:
  explicit FakeServer(std::string first, std::string second = "")
      : first_(std::move(first)), second_(std::move(second)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr *>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  FakeServer(const FakeServer &) = delete;
  FakeServer &operator=(const FakeServer &) = delete;
  int port() const { return port_; }

 private:
  void serve() const {
    for (int client = accept(listener_, nullptr, nullptr); client >= 0; client = accept(listener_, nullptr, nullptr)) {
      char bytes[1024];
      for (const std::string &answer : {first_, second_}) {
        if (answer.empty() || read(client, bytes, sizeof bytes) <= 0) break;
        if (write(client, answer.data(), answer.size()) < 0) break;
      }
      close(client);
    }
  }

  std::string first_;
  std::string second_;
  int listener_;
  int port_ = 0;
  std::thread thread_;
};

std::string protocol_message(char type, const std::string &body) {
  const auto length = static_cast<std::uint32_t>(body.size() + 4);
  std::string out(1, type);
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((length >> shift) & 0xffU);
  return out + body;
}

std::string refusal_message(const std::string &sqlstate) {
  using namespace std::string_literals;
  return protocol_message('E', "SFATAL\0VFATAL\0C"s + sqlstate + "\0Mno\0\0"s);
}

TEST(BadStore, AMissingOrWrongPasswordIsARefusedLogin) {
  using namespace std::string_literals;
  const std::string wants_password = protocol_message('R', "\0\0\0\3"s);
  struct Case {
    std::string first, second, password, says;
  };
  const Case cases[] = {
      {wants_password, "", "", "none was given"},
      {wants_password, refusal_message("28P01"), kPassword, ""},
      {wants_password, refusal_message("08P01"), kPassword, ""},  // pgbouncer
      {refusal_message("28000"), "", "", ""},
  };
  for (const Case &each : cases) {
    const FakeServer server(each.first, each.second);
    const std::string password = each.password.empty() ? "" : " password=" + each.password;
    const Answer refusal = open_refused(
        store_config("host=127.0.0.1 user=user dbname=db sslmode=disable gssencmode=disable passfile=/none port=" +
                     std::to_string(server.port()) + password));
    EXPECT_EQ(refusal.status, CALA_PERMISSION) << refusal.text();
    EXPECT_EQ(refusal.code, "store.login") << refusal.text();
    EXPECT_NE(refusal.message.find(each.says), std::string::npos) << refusal.message;
  }
}

TEST(BadStore, WhyItCannotBeReachedIsTold) {
  const Answer refused = open_refused(store_config("postgres://user@127.0.0.1:1/db"));
  EXPECT_EQ(refused.code, "store.unreachable") << refused.text();
  EXPECT_NE(refused.message.find(std::generic_category().message(ECONNREFUSED)), std::string::npos) << refused.message;
  const Answer unknown = open_refused(store_config("postgres://user@no..such..host/db"));
  EXPECT_EQ(unknown.code, "store.unreachable") << unknown.text();
  EXPECT_NE(unknown.message.find("name is not known"), std::string::npos) << unknown.message;
}

TEST(BadStore, ASchemaWithSomebodyElsesTablesIsNoLedger) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  for (const char *theirs : {"TABLE accounts (a int)", "TABLE migrations (a int)", "VIEW journals AS SELECT 1 AS a"}) {
    const TestStore store(StoreKind::kPostgres);
    std::string sql = std::string("CREATE ") + theirs;
    sql.insert(sql.find(' ', 7) + 1, store.schema() + ".");
    ASSERT_EQ(run_sql(store, "CREATE SCHEMA IF NOT EXISTS " + store.schema()), "");
    ASSERT_EQ(run_sql(store, sql), "");
    const Answer refusal = open_refused(store.config("\"migrate\": true"));
    EXPECT_EQ(refusal.status, CALA_INVALID) << refusal.text();
    EXPECT_EQ(refusal.code, "store.not_a_ledger") << refusal.text();
    EXPECT_FALSE(refusal.retryable) << refusal.text();
  }
}

TEST(BadStore, APostgresThatDoesNotRunIsUnavailable) {
  const TestStore place(StoreKind::kSqlite);
  for (const std::string &store : {"postgres://user:" + std::string(kPassword) + "@/db?host=" + place.folder(),
                                   "host=" + place.folder() + " user=user dbname=db password=" + kPassword,
                                   "postgres://user:" + std::string(kPassword) + "@127.0.0.1:1/db?connect_timeout=2"}) {
    const Answer refusal = open_refused(store_config(store));
    EXPECT_EQ(refusal.status, CALA_UNAVAILABLE) << refusal.text();
    EXPECT_EQ(refusal.code, "store.unreachable") << refusal.text();
  }
}

TEST(BadStore, ALazyLedgerMeetsItsStoreAtTheFirstOperation) {
  const TestStore place(StoreKind::kSqlite);
  Answer refusal;
  const auto ledger = LedgerClient::open(
      store_config("host=" + place.folder() + " user=user dbname=db password=" + kPassword, ", \"lazy\": true"),
      &refusal);
  ASSERT_NE(ledger, nullptr) << refusal.text();
  for (int i = 0; i < 2; ++i) {
    const Answer answer = ledger->run("ledger_info", "{}");
    EXPECT_EQ(answer.status, CALA_UNAVAILABLE) << answer.text();
    EXPECT_EQ(answer.code, "store.unreachable");
    EXPECT_EQ(answer.message.find(kPassword), std::string::npos) << answer.message;
  }
}

// The first check of an answer of ledger_health, as "name code", when the whole is unhealthy.
std::string unhealthy(const Answer &answer) {
  EXPECT_TRUE(answer.ok()) << answer.text();
  const std::optional<JsonDocument> document = JsonDocument::parse(answer.result);
  if (!document || json_text(document->root(), "status") != "unhealthy") return answer.result;
  const cJSON *check = cJSON_GetArrayItem(json_member(document->root(), "checks"), 0);
  for (; check != nullptr; check = check->next) {
    if (json_text(check, "status") == "unhealthy") return json_text(check, "name") + " " + json_text(check, "code");
  }
  return answer.result;
}

TEST(BadStore, AHealthThatIsBadIsAnAnswer) {
  const TestStore place(StoreKind::kSqlite);
  const auto ledger =
      LedgerClient::open(store_config("host=" + place.folder() + " user=user dbname=db password=" + kPassword,
                                      ", \"lazy\": true, \"failover_wait_ms\": 3600000"));
  ASSERT_NE(ledger, nullptr);
  const Answer answer = ledger->run("ledger_health", "{}");
  EXPECT_EQ(unhealthy(answer), "store store.unreachable");
  EXPECT_EQ(answer.result.find(kPassword), std::string::npos) << answer.result;
}

// Whether the one writer is busy in this ledger or in another: all that can be read is told.
TEST(BadStore, AHealthWhoseWriterIsBusyIsDegraded) {
  const TestStore store(StoreKind::kSqlite);
  const auto other = store.open();
  ASSERT_NE(other, nullptr);
  const std::string config = store.config();
  cala_ledger *ledger = nullptr;
  ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
  const auto expect = [&](const std::string &status, const std::string &writable) {
    const std::string request = R"({"free_bytes_min": 0, "timeout_ms": 1000})";
    cala_op *op = nullptr;
    ASSERT_EQ(cala_ledger_health(ledger, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK);
    ASSERT_EQ(cala_op_run(op, 60000, nullptr), CALA_OK);
    const std::string answer = cala_op_result(op, nullptr);
    cala_op_free(op);
    const std::optional<JsonDocument> document = JsonDocument::parse(answer);
    ASSERT_TRUE(document) << answer;
    EXPECT_EQ(json_text(document->root(), "status"), status) << answer;
    std::string names;
    const cJSON *check = cJSON_GetArrayItem(json_member(document->root(), "checks"), 0);
    for (; check != nullptr; check = check->next) {
      names += json_text(check, "name") + " ";
      const bool is_it = json_text(check, "name") == "writable";
      EXPECT_EQ(json_text(check, "status"), is_it ? status : "healthy") << answer;
      if (is_it) {
        EXPECT_EQ(json_text(check, "code"), writable) << answer;
      }
    }
    EXPECT_EQ(names, "store schema writable rollup listeners prepared disk ");
  };
  expect("healthy", "");
  cala_tx *tx = nullptr;
  ASSERT_EQ(cala_tx_begin(ledger, nullptr, 0, &tx, nullptr), CALA_OK);
  expect("degraded", "store.busy");
  cala_tx_free(tx);
  expect("healthy", "");
  ASSERT_TRUE(other->begin().ok());
  expect("degraded", "store.busy");
  ASSERT_TRUE(other->rollback().ok());
  expect("healthy", "");
  cala_ledger_free(ledger);
}

// What is open works on, and is lost: a file that was deleted, one that another was put in the place of.
TEST(BadStore, AHealthWhoseFileIsGoneIsUnhealthy) {
  const TestStore store(StoreKind::kSqlite);
  const auto ledger = store.open();
  ASSERT_NE(ledger, nullptr);
  ASSERT_TRUE(ledger->run("account_create", R"({"code": "A", "name": "A"})").ok());
  const char *const request = R"({"free_bytes_min": 0})";
  EXPECT_NE(ledger->run("ledger_health", request).result.find(R"({"status":"healthy")"), std::string::npos);
  const std::filesystem::path file = store.path();
  const std::filesystem::path away = file.string() + ".away";
  std::filesystem::rename(file, away);
  EXPECT_EQ(unhealthy(ledger->run("ledger_health", request)), "store store.file_gone");
  EXPECT_TRUE(ledger->run("account_find", R"({"code": "A"})").ok()) << "it does not notice";
  std::filesystem::copy_file(away, file);
  EXPECT_EQ(unhealthy(ledger->run("ledger_health", request)), "store store.file_gone");
  std::filesystem::rename(away, file);
  EXPECT_NE(ledger->run("ledger_health", request).result.find(R"({"status":"healthy")"), std::string::npos);
}

TEST(BadStore, AHealthWithoutAFreeConnectionSaysSo) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const TestStore store(StoreKind::kPostgres);
  const std::string config = store.config(R"("migrate": true)");  // two connections
  cala_ledger *ledger = nullptr;
  ASSERT_EQ(cala_ledger_open(config.data(), config.size(), &ledger, nullptr), CALA_OK);
  const auto health = [&](const char *patience) {
    const std::string request = std::string(R"({"timeout_ms": )") + patience + "}";
    cala_op *op = nullptr;
    EXPECT_EQ(cala_ledger_health(ledger, nullptr, request.data(), request.size(), &op, nullptr), CALA_OK);
    EXPECT_EQ(cala_op_run(op, 60000, nullptr), CALA_OK);
    const std::string answer = cala_op_result(op, nullptr);
    cala_op_free(op);
    return answer;
  };
  EXPECT_EQ(health("20000").find(R"({"status":"healthy")"), 0U);
  cala_tx *open[2] = {nullptr, nullptr};
  for (cala_tx *&tx : open) ASSERT_EQ(cala_tx_begin(ledger, nullptr, 0, &tx, nullptr), CALA_OK);
  const std::string answer = health("600");
  const std::string told =
      R"({"status":"degraded","checks":[{"name":"store","status":"degraded","code":"store.pool_timeout")";
  EXPECT_EQ(answer.find(told), 0U) << answer;
  for (cala_tx *tx : open) cala_tx_free(tx);
  EXPECT_EQ(health("20000").find(R"({"status":"healthy")"), 0U);
  cala_ledger_free(ledger);
}

TEST(BadStore, ADatabaseThatPostgresDoesNotHaveIsNamed) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const std::string connection =
      std::string(std::getenv("CALA_TEST_POSTGRES")) + "&dbname=no_such_db&password=" + kPassword;
  const Answer refusal = open_refused(store_config(connection));
  EXPECT_EQ(refusal.status, CALA_UNAVAILABLE) << refusal.text();
}

class Schema : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
    store_ = std::make_unique<TestStore>(GetParam());
  }
  std::string migrations_table() const {
    return GetParam() == StoreKind::kSqlite ? "cala_migrations" : store_->schema() + ".migrations";
  }
  std::unique_ptr<TestStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, Schema, testing::Values(StoreKind::kSqlite, StoreKind::kPostgres),
                         [](const testing::TestParamInfo<StoreKind> &store) {
                           return std::string(name_of(store.param));
                         });

TEST_P(Schema, WithoutItsTablesALedgerIsUnsupportedUntilItIsMigrated) {
  const Answer refusal = open_refused(store_->config("\"migrate\": false"));
  EXPECT_EQ(refusal.status, CALA_UNSUPPORTED) << refusal.text();
  EXPECT_EQ(refusal.code, "store.migrations_missing");
  const auto lazy = LedgerClient::open(store_->config("\"migrate\": false, \"lazy\": true"));
  ASSERT_NE(lazy, nullptr);
  EXPECT_EQ(lazy->run("ledger_info", "{}").code, "store.migrations_missing");
  EXPECT_EQ(unhealthy(lazy->run("ledger_health", "{}")), "schema store.migrations_missing");
  EXPECT_EQ(lazy->run("account_create", R"({"code": "A", "name": "A"})").code, "store.migrations_missing");
  const Answer migrated = lazy->run("ledger_migrate", "{}");
  EXPECT_TRUE(migrated.ok()) << migrated.text();
  const Answer created = lazy->run("account_create", R"({"code": "A", "name": "A"})");
  EXPECT_TRUE(created.ok()) << created.text();
}

TEST_P(Schema, MigratingTwiceChangesNothing) {
  Answer refusal;
  const auto ledger = store_->open("", &refusal);
  ASSERT_NE(ledger, nullptr) << refusal.text();
  ASSERT_TRUE(ledger->run("account_create", R"({"code": "A", "name": "A"})").ok());
  const std::optional<JsonDocument> again = JsonDocument::parse(ledger->run("ledger_migrate", "{}").result);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(json_print(json_member(again->root(), "from_version")),
            json_print(json_member(again->root(), "to_version")));
  EXPECT_TRUE(ledger->run("account_find", R"({"code": "A"})").ok());
}

TEST_P(Schema, TablesNewerThanTheLibraryAreUnsupported) {
  const auto opened = store_->open();
  ASSERT_NE(opened, nullptr);
  ASSERT_EQ(run_sql(*store_, "INSERT INTO " + migrations_table() + " (version, applied_at) VALUES (9999, " +
                                 (GetParam() == StoreKind::kSqlite ? "0" : "now()") + ")"),
            "");
  EXPECT_EQ(opened->run("ledger_migrate", "{}").code, "store.newer");
  EXPECT_EQ(unhealthy(opened->run("ledger_health", "{}")), "schema store.newer");
  for (const char *migrate : {"true", "false"}) {
    const Answer refusal = open_refused(store_->config("\"migrate\": " + std::string(migrate)));
    EXPECT_EQ(refusal.status, CALA_UNSUPPORTED) << refusal.text();
    EXPECT_EQ(refusal.code, "store.newer") << refusal.text();
    EXPECT_NE(refusal.message.find("9999"), std::string::npos) << refusal.message;
  }
}

TEST_P(Schema, ATableThatIsMissingIsOfTheSchema) {
  const auto ledger = store_->open();
  ASSERT_NE(ledger, nullptr);
  const std::string prefix = GetParam() == StoreKind::kSqlite ? "cala_" : store_->schema() + ".";
  for (const char *table : {"velocity_balances", "listeners"}) {
    const std::string cascade = GetParam() == StoreKind::kSqlite ? "" : " CASCADE";
    ASSERT_EQ(run_sql(*store_, "DROP TABLE " + prefix + table + cascade), "");
    const Answer answer = ledger->run("ledger_health", R"({"free_bytes_min": 0})");
    EXPECT_EQ(unhealthy(answer), "schema store.migrations_missing") << answer.result;
    EXPECT_EQ(answer.result.find(R"({"status":"unhealthy","checks":[{"name":"store","status":"healthy")"), 0U) << table;
  }
}

TEST_P(Schema, TablesOlderThanTheLibraryAreUnsupportedUntilTheyAreMigrated) {
  ASSERT_NE(store_->open(), nullptr);
  ASSERT_EQ(run_sql(*store_, "DELETE FROM " + migrations_table() + " WHERE version = (SELECT max(version) FROM " +
                                 migrations_table() + ")"),
            "");
  const Answer refusal = open_refused(store_->config("\"migrate\": false"));
  EXPECT_EQ(refusal.status, CALA_UNSUPPORTED) << refusal.text();
  EXPECT_EQ(refusal.code, "store.migrations_missing") << refusal.text();
}

TEST(BadStore, AReadOnlyDatabaseCanBeReadAndNotWritten) {
  if (!is_available(StoreKind::kPostgres)) GTEST_SKIP() << "CALA_TEST_POSTGRES is not set";
  const TestStore store(StoreKind::kPostgres);
  ASSERT_NE(store.open(), nullptr);
  const std::string connection =
      std::string(std::getenv("CALA_TEST_POSTGRES")) + "&options=-cdefault_transaction_read_only%3Don";
  const auto ledger = LedgerClient::open(store_config(connection, ", \"schema\": " + json_quote(store.schema())));
  ASSERT_NE(ledger, nullptr);
  EXPECT_TRUE(ledger->run("ledger_info", "{}").ok());
  EXPECT_EQ(unhealthy(ledger->run("ledger_health", "{}")), "writable store.read_only");
  const Answer refused = ledger->run("account_create", R"({"code": "A", "name": "A"})");
  EXPECT_EQ(refused.status, CALA_PERMISSION) << refused.text();
  EXPECT_EQ(refused.code, "store.read_only") << refused.text();
  EXPECT_EQ(refused.sqlstate, "25006");
}

// Permissions mean nothing to root; for a while the test is somebody else.
class AsNobody {
 public:
  AsNobody() : was_root_(geteuid() == 0) { able_ = !was_root_ || seteuid(65534) == 0; }
  ~AsNobody() {
    if (was_root_ && seteuid(0) != 0) std::abort();
  }
  bool able() const { return able_; }

 private:
  bool was_root_;
  bool able_ = false;
};

TEST(BadFile, AFileThatMayNotBeWrittenIsAPermission) {
  const TestStore store(StoreKind::kSqlite);
  ASSERT_NE(store.open(), nullptr);
  chmod(store.path().c_str(), 0444);
  chmod(store.folder().c_str(), 0555);
  {
    const AsNobody nobody;
    if (!nobody.able()) GTEST_SKIP() << "this user may not become another";
    Answer refusal;
    const auto ledger = LedgerClient::open(store.config(), &refusal);
    const Answer refused = ledger ? ledger->run("account_create", R"({"code": "A", "name": "A"})") : refusal;
    EXPECT_EQ(refused.status, CALA_PERMISSION) << refused.text();
    EXPECT_EQ(refused.code, "store.read_only") << refused.text();
  }
  chmod(store.folder().c_str(), 0755);
}

TEST(BadFile, AFileThatMayNotBeReadIsUnavailableOrAPermission) {
  const TestStore store(StoreKind::kSqlite);
  ASSERT_NE(store.open(), nullptr);
  chmod(store.path().c_str(), 0);
  const AsNobody nobody;
  if (!nobody.able()) GTEST_SKIP() << "this user may not become another";
  const Answer refusal = open_refused(store.config());
  EXPECT_TRUE(refusal.status == CALA_UNAVAILABLE || refusal.status == CALA_PERMISSION) << refusal.text();
  EXPECT_NE(refusal.message.find(store.path()), std::string::npos) << refusal.message;
}

TEST(BadFile, AFileThatIsNoDatabaseIsLeftAlone) {
  const TestStore store(StoreKind::kSqlite);
  const std::string text = "Dear diary, this is not a database. " + std::string(8192, '.');
  std::ofstream(store.path()) << text;
  const Answer refusal = open_refused(store.config());
  EXPECT_EQ(refusal.status, CALA_INVALID) << refusal.text();
  EXPECT_EQ(refusal.code, "store.not_a_ledger") << refusal.text();
  EXPECT_NE(refusal.message.find(store.path()), std::string::npos) << refusal.message;
  std::ifstream file(store.path());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
}

TEST(BadFile, AFolderThatIsNotThereCannotBeOpened) {
  const TestStore store(StoreKind::kSqlite);
  for (const std::string &path : {store.folder() + "/no/such/folder/ledger.db", store.folder()}) {
    const Answer refusal = open_refused(store_config("sqlite:" + path));
    EXPECT_EQ(refusal.status, CALA_UNAVAILABLE) << refusal.text();
    EXPECT_EQ(refusal.code, "store.cannot_open") << refusal.text();
    EXPECT_NE(refusal.message.find(path), std::string::npos) << refusal.message;
  }
}

TEST(BadFile, ATruncatedDatabaseIsToldApartFromAnEmptyOne) {
  const TestStore store(StoreKind::kSqlite);
  ASSERT_NE(store.open(), nullptr);
  const auto size = std::filesystem::file_size(store.path());
  std::filesystem::resize_file(store.path(), size / 2);
  Answer refusal;
  const auto ledger = LedgerClient::open(store.config(), &refusal);
  const Answer answer = ledger ? ledger->run("account_create", R"({"code": "A", "name": "A"})") : refusal;
  EXPECT_EQ(answer.code, "store.corrupt") << answer.text();
}

TEST(BadFile, NamesWithUnusualCharactersAreOneFileEach) {
  const TestStore store(StoreKind::kSqlite);
  for (const char *name : {"a b.db", "a?mode=ro", "a%41.db", "a#b", "';--.db", "ü€.db"}) {
    const std::string path = store.folder() + "/" + name;
    Answer refusal;
    const auto ledger = LedgerClient::open(store_config("sqlite:" + path), &refusal);
    ASSERT_NE(ledger, nullptr) << refusal.text();
    EXPECT_TRUE(ledger->run("account_create", R"({"code": "A", "name": "A"})").ok()) << path;
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
  }
}

}  // namespace
}  // namespace cala::tests
