#include "store/sqlite/sqlite_connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>
#include <system_error>
#include <thread>

#include "platform/files.h"
#include "store/sqlite/error_table.h"
#include "store/sqlite/utf8_path.h"

namespace cala::store::sqlite {

namespace {

constexpr std::int64_t kMillisecond = 1000000;

std::int64_t monotonic_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// In the system's words, where it can be seen: SQLite tells much alike. The file itself is only asked about, since to
// close it would let go of SQLite's locks on it.
std::string why_not(const std::string &path) {
  const std::filesystem::path file = path_of(path);
  std::error_code failed;
  const std::filesystem::file_status found = std::filesystem::status(file, failed);
  if (std::filesystem::is_directory(found)) return "it is a folder";
  const bool is_there = std::filesystem::exists(found);
  if (is_there && !std::filesystem::is_regular_file(found)) return "it is no regular file";
  if (!is_there && found.type() != std::filesystem::file_type::not_found) return failed.message();
  if (is_there) failed = platform::refuses_writing(path);
  if (is_there && failed) return failed.message();
  failed = platform::refuses_writing(text_of(file.parent_path()));
  if (!failed) std::filesystem::directory_iterator(file.parent_path(), failed);  // no descriptor may be left
  return failed ? "its folder: " + failed.message() : std::string();
}

}  // namespace

Statement::~Statement() { sqlite3_finalize(handle_); }

// Binding fails only for want of memory, in a database of another encoding, or a text beyond a gigabyte; the step that
// follows then stores NULL in a column that refuses it.
Statement &Statement::integer(std::int64_t value) {
  sqlite3_bind_int64(handle_, ++bound_, value);
  return *this;
}

Statement &Statement::text(std::string_view value) {
  const int bound = sqlite3_bind_text64(handle_, ++bound_, value.data() == nullptr ? "" : value.data(), value.size(),
                                        SQLITE_STATIC, SQLITE_UTF8);
  if (bound == SQLITE_NOMEM) throw std::bad_alloc();
  return *this;
}

Statement &Statement::optional_text(const std::optional<std::string> &value) { return value ? text(*value) : null(); }

Statement &Statement::null() {
  sqlite3_bind_null(handle_, ++bound_);
  return *this;
}

int Statement::step() { return sqlite3_step(handle_); }

void Statement::reset() {
  sqlite3_reset(handle_);
  bound_ = 0;
}

std::int64_t Statement::column_integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string_view Statement::column_text(int column) const {
  if (column_null(column)) return {};
  const auto *text = reinterpret_cast<const char *>(sqlite3_column_text(handle_, column));
  if (text == nullptr) throw std::bad_alloc();  // for the zero behind it, or for what it is in another encoding
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Statement::column_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::optional<std::string> Statement::column_optional(int column) const {
  if (column_null(column)) return std::nullopt;
  return std::string(column_text(column));
}

base::Result<std::unique_ptr<Connection>> Connection::open(const Options &options) {
  std::unique_ptr<Connection> connection(new Connection(options));
  const int access = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int opened = sqlite3_open_v2(options.uri.c_str(), &connection->handle_,
                                     access | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  if (opened != SQLITE_OK) return connection->error(opened);
  if (base::Outcome configured = connection->configure(options); !configured) return std::move(configured.error());
  return connection;
}

base::Outcome Connection::configure(const Options &options) {
  sqlite3_busy_handler(handle_, on_busy, this);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);
  const std::string settings = "PRAGMA cache_size = -" + std::to_string(options.cache_kib) +
                               "; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF; PRAGMA foreign_keys = ON;"
                               "PRAGMA wal_autocheckpoint = 4000;" +
                               (options.durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  if (base::Outcome outcome = run(settings.c_str()); !outcome) return outcome;
  if (options.memory) return run("PRAGMA journal_mode = MEMORY");
  // Also the first look into the file: what is not a database is found out here.
  return run(is_read_only() ? "SELECT count(*) FROM sqlite_master" : "PRAGMA journal_mode = WAL");
}

Connection::~Connection() { sqlite3_close_v2(handle_); }

base::Result<Statement> Connection::prepare(std::string_view sql) {
  sqlite3_stmt *handle = nullptr;
  const int result = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &handle, nullptr);
  if (result != SQLITE_OK) return error(result);
  return Statement(handle);
}

base::Outcome Connection::run(const char *sql) {
  const int result = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return error(result);
  return {};
}

base::Error Connection::error(int result_code) const {
  if (interrupted_.load(std::memory_order_relaxed)) result_code = SQLITE_INTERRUPT;
  const bool stopped = result_code == SQLITE_INTERRUPT;
  return explained(
      error_of_message(code_name_of(result_code), stopped || handle_ == nullptr ? "" : sqlite3_errmsg(handle_)));
}

base::Error Connection::explained(base::Error error) const {
  const bool of_file = error.code == "store.cannot_open" || error.code == "store.read_only" || error.code == "store.io";
  const std::string why = of_file && !file_.empty() ? why_not(file_) : std::string();
  if (!why.empty()) error.message += " (" + why + ")";
  return error;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

bool Connection::is_read_only() const { return sqlite3_db_readonly(handle_, "main") == 1; }

std::int64_t Connection::changed_rows() const { return sqlite3_changes64(handle_); }

void Connection::allow_memory(std::int64_t bytes) {
  sqlite3_int64 limit = bytes;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_SIZE_LIMIT, &limit);
}

void Connection::interrupt() {
  interrupted_.store(true, std::memory_order_relaxed);
  sqlite3_interrupt(handle_);
}

// Other writers hold the file for milliseconds: look again soon, then every few milliseconds, until the time is up.
int Connection::on_busy(void *self, int tries) {
  auto &connection = *static_cast<Connection *>(self);
  const std::int64_t now = monotonic_ns();
  if (tries == 0) connection.busy_since_ns_ = now;
  if (connection.interrupted_.load(std::memory_order_relaxed)) return 0;
  const std::int64_t left_ns = connection.busy_timeout_ms_ * kMillisecond - (now - connection.busy_since_ns_);
  if (left_ns <= 0) return 0;
  const std::int64_t wait_ns = std::min(left_ns, std::min(1 + tries / 4, 10) * kMillisecond / 2);
  std::this_thread::sleep_for(std::chrono::nanoseconds(wait_ns));
  return 1;
}

}  // namespace cala::store::sqlite
