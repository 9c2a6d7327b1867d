// A thin owner of our SQLite's connection and statements: binding, stepping, and refusals turned into errors. A
// connection and its statements belong to one thread at a time, but for interrupt(), which any thread may call while
// the connection lives.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cala::store::sqlite {

class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt *handle) : handle_(handle) {}
  Statement(Statement &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Statement &operator=(Statement &&other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Statement();

  bool prepared() const { return handle_ != nullptr; }
  // Parameters count from 1 and are bound in order. Texts are borrowed until reset().
  Statement &integer(std::int64_t value);
  Statement &text(std::string_view value);
  Statement &optional_text(const std::optional<std::string> &value);
  Statement &null();

  int step();  // SQLite's result code
  void reset();

  // Columns count from 0; views live until the next step or reset.
  std::int64_t column_integer(int column) const;
  std::string_view column_text(int column) const;
  bool column_null(int column) const;
  std::optional<std::string> column_optional(int column) const;

 private:
  sqlite3_stmt *handle_ = nullptr;
  int bound_ = 0;
};

// A statement that is borrowed for one run: without bindings and at its beginning afterwards,
// also when an allocation throws.
class Resetting {
 public:
  explicit Resetting(Statement &statement) : statement_(statement) {}
  ~Resetting() { statement_.reset(); }
  Resetting(const Resetting &) = delete;
  Resetting &operator=(const Resetting &) = delete;

 private:
  Statement &statement_;
};

class Connection {
 public:
  struct Options {
    std::string uri;
    std::string file;  // which errors look at for why it cannot be opened or written; empty: in memory
    bool read_only = false;
    bool durable = true;
    bool memory = false;
    std::int64_t busy_timeout_ms = 5000;
    std::int64_t cache_kib = 16384;
  };
  static base::Result<std::unique_ptr<Connection>> open(const Options &options);
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  base::Result<Statement> prepare(std::string_view sql);
  base::Outcome run(const char *sql);              // statements without an answer
  base::Error error(int result_code) const;        // of the call that just failed
  base::Error explained(base::Error error) const;  // with why the file refuses, where it does
  bool in_transaction() const;
  bool is_read_only() const;
  std::int64_t changed_rows() const;  // by the statement that just ended

  sqlite3 *raw() const { return handle_; }
  bool is_interrupted() const { return interrupted_.load(std::memory_order_relaxed); }

  void allow_memory(std::int64_t bytes);  // of a memory database

  // From here on a statement that waits or runs ends with SQLITE_INTERRUPT, and none should begin, until forgotten.
  void interrupt();
  void forget_interrupt() { interrupted_.store(false, std::memory_order_relaxed); }

 private:
  explicit Connection(const Options &options) : file_(options.file), busy_timeout_ms_(options.busy_timeout_ms) {}
  static int on_busy(void *self, int tries);
  base::Outcome configure(const Options &options);

  sqlite3 *handle_ = nullptr;
  std::string file_;
  std::int64_t busy_timeout_ms_;
  std::int64_t busy_since_ns_ = 0;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace cala::store::sqlite
