// A ledger with a journal, accounts and the template TRANSFER, through cala.h alone.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "cala.h"
#include "common.h"

namespace cala::bench {

using OperationFn = cala_status (*)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

[[noreturn]] void fail(const std::string &what, cala_status status, cala_error *error);

class Books {
 public:
  // full: the journal keeps balances by effective date, the accounts are in a set that is in a set, and a control
  // counts every entry on each of them. Its limit is never reached.
  Books(const std::string &config, int accounts, bool full);
  ~Books() { cala_ledger_free(ledger_); }
  Books(const Books &) = delete;
  Books &operator=(const Books &) = delete;

  cala_ledger *ledger() const { return ledger_; }
  int accounts() const { return accounts_; }

  // Runs an operation, which must succeed; ask also reads its answer, which is only rendered for who reads it.
  void run(OperationFn operation, const std::string &request) const;
  std::string ask(OperationFn operation, const std::string &request) const;

  std::string posting(unsigned number) const;
  std::string batch(unsigned first, int count) const;
  void preload(int postings) const;
  // Operations made from now on are part of these traces, by turns; of none, where there are none.
  void trace(std::vector<std::string> traceparents) { traceparents_ = std::move(traceparents); }

  static std::string journal_id();
  static std::string account_id(int number);

 private:
  cala_op *finished(OperationFn operation, const std::string &request) const;
  void append_posting(std::string &out, unsigned number) const;
  void make_books(bool full) const;
  void make_sets() const;
  void make_limits() const;

  const int accounts_;
  std::vector<std::string> traceparents_;
  mutable std::atomic<std::size_t> traced_{0};
  cala_ledger *ledger_ = nullptr;
};

// Postings by the ledger, one after the other for each caller.
class LedgerWork final : public Work {
 public:
  // answers: each is read, so that it is rendered.
  explicit LedgerWork(const Books &books, bool answers = false) : books_(books), answers_(answers) {}
  Measured round(int callers, int batch, int postings) override;
  // Numbers of postings that no round has, for who posts besides.
  unsigned take(int postings);

 private:
  void run(OperationFn operation, const std::string &request) const;

  const Books &books_;
  const bool answers_;
  unsigned next_ = 1;
};

}  // namespace cala::bench
