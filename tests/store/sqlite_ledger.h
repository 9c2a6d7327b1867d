// A ledger in a folder of its own, for tests of the embedded store: a few accounts, a journal, a template, and postings
// made the way the engine makes them (read, fold, write).
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "store/port.h"
#include "store/sqlite/sqlite_store.h"

namespace cala::tests {

// A folder that goes when the test does.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

// One entry to be.
struct EntrySketch {
  std::size_t account = 0;  // index into SqliteLedger::accounts
  core::Direction direction = core::Direction::kDebit;
  std::string units = "1";
  core::Layer layer = core::Layer::kSettled;
  std::string currency = "USD";
};

// One transaction to be.
struct Sketch {
  std::vector<EntrySketch> entries;
  std::int32_t effective_days = 20000;
  std::string external_id;
  std::string correlation_id;  // empty: the transaction's own id
};

Sketch transfer(std::size_t from, std::size_t to, std::string units = "1");

class SqliteLedger {
 public:
  explicit SqliteLedger(store::SqliteOptions options, std::size_t account_count = 4);
  // A second handle on a ledger that is there already, with the same accounts.
  SqliteLedger(const SqliteLedger &other, store::SqliteOptions options);

  store::Store &store() { return *store_; }
  store::Session &writer() { return *writer_; }
  void close_writer() { writer_.reset(); }
  std::unique_ptr<store::Session> session(store::Access access);

  // All in one transaction; instants rise by a millisecond with each call.
  base::Outcome post(const std::vector<Sketch> &sketches);
  base::Outcome post(const std::vector<Sketch> &sketches, store::Session &on);
  // The transactions to be, without their entries' ids.
  std::vector<core::PostedTransaction> draw(const std::vector<Sketch> &sketches);
  // Read and fold, and what to write; for tests that write it themselves.
  base::Result<store::PostingWrite> prepare(const std::vector<Sketch> &sketches, store::Session &on,
                                            store::PostingState &state, bool host = false);

  base::Result<std::string> call(store::StatementId id, const std::string &document, bool writes = false);
  // The rows of a find or a list; fails the test on an error.
  base::Json rows(store::StatementId id, const std::string &document);
  std::int64_t count(const std::string &noun);  // of kLedgerInfo

  std::vector<base::Uuid> accounts;
  base::Uuid journal;
  base::Uuid tx_template;
  std::int64_t now_micros = 1767225600000000;  // 2026-01-01
  std::vector<core::PostedTransaction> posted;
  bool keep_posted = true;
  std::uint64_t id_seed = 0;  // not 0: transaction ids are drawn from it, the same for the same seed

 private:
  void open(const store::SqliteOptions &options);
  void fill(std::size_t account_count);
  core::PostedTransaction draw(const Sketch &sketch);
  base::Uuid next_transaction_id();

  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Session> writer_;
};

// The requests of a posting; for tests that send them by a way of their own.
store::PostingRead read_request(const std::vector<core::PostedTransaction> &postings, bool host);
store::PostingWrite fold_postings(const store::PostingState &state, std::vector<core::PostedTransaction> postings,
                                  base::Timestamp now);

}  // namespace cala::tests
