// The store contract's fixture: a store of one kind with a fresh ledger, and short words for what the tests ask of it.
// A test runs once for each kind; one that speaks of PostgreSQL alone belongs in postgres_test.cc.
// "sqlite_by_statements" is the embedded store posting through the very statements that a program runs;
// "sqlite_in_reverse" is that with rows in the opposite order wherever a statement asks for none.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "core/tx_template/tx_template.h"
#include "store/port.h"

namespace cala::tests {

// One entry to be: units as text.
struct EntrySketch {
  base::Uuid account_id;
  core::Direction direction = core::Direction::kDebit;
  std::string units;
  std::string currency = "USD";
  core::Layer layer = core::Layer::kSettled;
};

class StoreContract : public ::testing::TestWithParam<std::string> {
 protected:
  static constexpr std::int64_t kNow = 1767225600123456;  // 2026-01-01T00:00:00.123456Z

  void SetUp() override;
  void TearDown() override;

  bool is_postgres() const { return GetParam() == "postgres"; }
  store::Store &store() { return *store_; }
  // The same ledger through another Store, as another process would.
  std::unique_ptr<store::Store> open_again();
  // Throws the ledger away: what open_again gives next is empty, and store() too.
  void forget_ledger();
  const std::string &schema() const { return schema_; }
  const std::string &connection_string() const { return connection_string_; }

  std::unique_ptr<store::Session> session(store::Access access = store::Access::kWrite);
  // A statement in a transaction of its own.
  base::Result<std::string> call(store::StatementId id, const std::string &document, bool writes = false);
  // The rows of a find or a list. Fails the test when there is an error.
  base::Json rows(store::StatementId id, const std::string &document);
  std::vector<std::string> column(store::StatementId id, const std::string &document, std::string_view key);
  // A list page by page until it ends.
  std::vector<std::string> pages(store::StatementId id, const std::string &filters, std::int64_t size, bool desc,
                                 std::string_view key);

  core::Account account(const std::string &code) const;
  core::Journal journal(const std::string &name) const;
  core::TxTemplate tx_template(const std::string &code) const;
  template <typename T>
  base::Result<std::string> write(store::StatementId id, const std::vector<T> &insert,
                                  const std::vector<T> &update = {});
  // They exist; fails the test otherwise.
  core::Account add_account(const std::string &code);
  core::Journal add_journal(const std::string &name);
  core::TxTemplate add_tx_template(const std::string &code);

  core::PostedTransaction sketch(const core::Journal &in, const core::TxTemplate &by,
                                 const std::vector<EntrySketch> &entries) const;
  core::PostedTransaction transfer(const base::Uuid &from, const base::Uuid &to, const std::string &units);
  static store::PostingRead read_of(const std::vector<core::PostedTransaction> &postings, bool host = false);
  // Folds the postings into what was read and says what to write. Fills in ids, versions and entry_ids of the postings.
  static store::PostingWrite write_of(const store::PostingState &state, std::vector<core::PostedTransaction> &postings,
                                      std::int64_t now_micros = kNow);
  // Read, fold, write and commit on a session.
  static base::Outcome post(store::Session &on, std::vector<core::PostedTransaction> &postings,
                            std::int64_t now_micros = kNow);
  core::PostedTransaction post_transfer(const base::Uuid &from, const base::Uuid &to, const std::string &units,
                                        std::int64_t now_micros = kNow);

  std::string balance_key(const base::Uuid &account_id) const;
  core::Balance balance(const base::Uuid &account_id);

  // What transfer() posts with; made on first use.
  core::Journal main_journal();
  core::TxTemplate main_tx_template();

 private:
  void set_plans(const std::string &mode);
  std::unique_ptr<store::Session> reader();

  std::string connection_string_;
  std::string schema_;
  std::string folder_;
  std::unique_ptr<store::Store> store_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<store::Session>> readers_;  // idle, for the next call that reads
  std::optional<core::Journal> journal_;
  std::optional<core::TxTemplate> tx_template_;
};

store::PostingState take_state(base::Result<store::Answer> answer);
// Reading a session's answer to a posting read; fails the test on an error.
store::PostingState read_state(store::Session &on, const store::PostingRead &request);

// The write of rows with one event each, as the engine makes it.
std::string write_document(const std::string &insert, const std::string &update, const std::string &events,
                           std::int64_t now_micros, const std::string &guard = {});

inline std::string store_name(const ::testing::TestParamInfo<std::string> &kind) { return kind.param; }

#define CALA_FOR_EVERY_STORE(Suite) \
  INSTANTIATE_TEST_SUITE_P(         \
      Stores, Suite, ::testing::Values("sqlite", "sqlite_by_statements", "sqlite_in_reverse", "postgres"), store_name)

}  // namespace cala::tests
