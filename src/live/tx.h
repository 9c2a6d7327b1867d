// TxState: a transaction of ours on one of our sessions, a token for the program's own, or the program's on a
// connection that it lends us. Runs one operation at a time, whoever drives it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/runner.h"
#include "live/ledger.h"
#include "store/port.h"

namespace cala::live {

class TxState {
 public:
  enum class Kind : std::uint8_t { kOwn, kHost, kAdopted };
  enum class End : std::uint8_t { kCommit, kRollback, kPrepare };
  struct Ending {
    End how;
    std::string gid = {};  // to be prepared under
  };

  TxState(std::shared_ptr<LedgerState> ledger, store::Placeholder placeholder, bool savepoint)
      : ledger_(std::move(ledger)), kind_(Kind::kHost), placeholder_(placeholder), savepoint_(savepoint) {}
  // One of ours, which is to begin.
  TxState(std::shared_ptr<LedgerState> ledger, bool savepoint)
      : ledger_(std::move(ledger)), kind_(Kind::kOwn), savepoint_(savepoint) {}
  TxState(std::shared_ptr<LedgerState> ledger, std::unique_ptr<store::Session> adopted, bool savepoint)
      : ledger_(std::move(ledger)), kind_(Kind::kAdopted), savepoint_(savepoint), adopted_(std::move(adopted)) {}

  Kind kind() const { return kind_; }
  bool savepoint() const { return savepoint_; }
  const std::shared_ptr<LedgerState> &ledger() const { return ledger_; }
  store::Placeholder placeholder() const { return placeholder_; }
  // What the program says of the connection that its transaction is on; nothing said: there may be one.
  void tell_in_transaction(bool in_transaction) { outside_.store(!in_transaction); }
  bool outside_transaction() const { return outside_.load(); }

  // One operation at a time: kBusy "tx.busy".
  base::Outcome occupy();
  void release();
  // Rolls back a transaction of ours, at once or when the operation that runs in it has ended. It is over then.
  void end();

  // While occupied, on connections that we can use: ours and adopted ones.
  base::Result<engine::Render> run(engine::Operation &operation, engine::CancelToken &cancel);
  // Ours only. begin and end_begun while occupied.
  base::Outcome begin(engine::Course &course);
  base::Outcome end_begun(const Ending &ending);
  base::Outcome finish(const Ending &ending);

 private:
  std::shared_ptr<LedgerState> ledger_;
  const Kind kind_;
  store::Placeholder placeholder_ = store::Placeholder::kDollar;
  const bool savepoint_;
  std::unique_ptr<engine::OwnTransaction> own_;  // destroyed before ledger_, which owns its session's pool
  std::unique_ptr<store::Session> adopted_;
  std::atomic<bool> outside_{false};
  std::mutex mutex_;
  bool busy_ = false;
  bool ended_ = false;
  bool begun_ = false;
};

// What it is called in logs and metrics.
std::string_view name_of(TxState::End how);

}  // namespace cala::live
