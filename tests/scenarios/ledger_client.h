// LedgerClient: the C interface as the scenarios use it: operations by name, answers as values. TestStore: where a
// test's ledger lives, fresh for each. Both see nothing but cala.h. One thread at a time.
#pragma once

#include <cala.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cala::tests {

// What a call gave: a result, or everything that an error tells.
struct Answer {
  cala_status status = CALA_OK;
  std::string result;  // of an operation that succeeded
  std::string code;
  std::string message;
  std::string details = "{}";
  std::string sqlstate;
  std::int64_t posting_index = -1;
  std::int32_t tx_state = CALA_TX_USABLE;
  bool retryable = false;

  bool ok() const { return status == CALA_OK; }
  std::string error_document() const;  // as cala_queue_read shows a failed operation
  std::string text() const;            // for a test's message
};

class HostConnection;

class LedgerClient {
 public:
  // nullptr and the reason in *refusal when it cannot be opened.
  static std::unique_ptr<LedgerClient> open(const std::string &config, Answer *refusal = nullptr);
  ~LedgerClient();
  LedgerClient(const LedgerClient &) = delete;
  LedgerClient &operator=(const LedgerClient &) = delete;

  static std::vector<std::string> operations();
  static bool knows(std::string_view operation);
  // Runs an operation; inside the open transaction, if there is one. An answer that the contract does not know fails
  // the test.
  Answer run(std::string_view operation, std::string_view request);
  // Starts them all, outside of a transaction, and waits: those that come while others
  // are committed share the next commit.
  std::vector<Answer> run_together(const std::vector<std::pair<std::string, std::string>> &asked);

  Answer begin();
  // A transaction of the program's own, until commit or rollback: its connection runs what is asked for.
  Answer begin_on(HostConnection &host);
  Answer commit();
  Answer rollback();
  Answer prepare(std::string_view gid);
  bool inside_transaction() const { return tx_ != nullptr; }
  Answer set_clock(std::string_view instant);
  Answer advance_clock(std::int64_t milliseconds);

  // The numbers of things in the ledger, to see that nothing was written: "accounts 2, journals 1, ...".
  std::string counts();

 private:
  explicit LedgerClient(cala_ledger *ledger) : ledger_(ledger) {}
  template <typename End>
  Answer end_transaction(End end, const char *of_host);

  cala_ledger *ledger_;
  cala_tx *tx_ = nullptr;
  HostConnection *host_ = nullptr;  // whose transaction it is, where it is a program's
};

enum class StoreKind { kSqlite, kPostgres };
const char *name_of(StoreKind kind);

// Whether that store can be tested here: PostgreSQL needs CALA_TEST_POSTGRES.
bool is_available(StoreKind kind);

// A place for one ledger: a file in a temporary folder, or a schema of its own.
class TestStore {
 public:
  explicit TestStore(StoreKind kind);
  ~TestStore();
  TestStore(const TestStore &) = delete;
  TestStore &operator=(const TestStore &) = delete;

  // The configuration that opens it; `more` are further members: "\"clock\": {...}".
  std::string config(const std::string &more = "") const;
  std::unique_ptr<LedgerClient> open(const std::string &more = "", Answer *refusal = nullptr) const;

  StoreKind kind() const { return kind_; }
  const std::string &path() const { return path_; }      // of the SQLite file
  const std::string &schema() const { return schema_; }  // in PostgreSQL
  const std::string &folder() const { return folder_; }

 private:
  StoreKind kind_;
  std::string folder_;
  std::string path_;
  std::string schema_;
};

// Makes a journal, two accounts and the tx template MOVE, which moves 1 dollar from one to the other.
void fill_with_move(LedgerClient &ledger);

}  // namespace cala::tests
