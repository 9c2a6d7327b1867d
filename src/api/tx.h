// TxState: what a cala_tx stands for: a transaction of ours on one of our sessions, or a token for the host's own. Runs one operation
// at a time, whoever drives it.
#pragma once

#include <memory>
#include <mutex>

#include "api/ledger.h"
#include "engine/runner.h"
#include "store/port.h"

namespace cala::api {

class TxState {
 public:
  // A token for a transaction of the host's.
  TxState(std::shared_ptr<LedgerState> ledger, store::Placeholder placeholder)
      : ledger_(std::move(ledger)), placeholder_(placeholder) {}
  // A transaction of ours.
  TxState(std::shared_ptr<LedgerState> ledger, std::unique_ptr<engine::Transaction> own)
      : ledger_(std::move(ledger)), own_(std::move(own)), is_host_(false) {}

  bool is_host() const { return is_host_; }
  const std::shared_ptr<LedgerState> &ledger() const { return ledger_; }
  store::Placeholder placeholder() const { return placeholder_; }

  // One operation at a time: kBusy "tx.busy".
  base::Outcome occupy();
  void release();
  // Rolls back a transaction of ours, at once or when the operation that runs in it has ended. It is over then.
  void end();

  // Ours only, while occupied.
  base::Result<engine::Render> run(engine::Operation &operation, engine::CancelToken &cancel);
  base::Outcome finish(bool commit);

 private:
  std::shared_ptr<LedgerState> ledger_;
  store::Placeholder placeholder_ = store::Placeholder::kDollar;
  std::unique_ptr<engine::Transaction> own_;  // destroyed before ledger_, which owns its session's pool
  const bool is_host_ = true;
  std::mutex mutex_;
  bool busy_ = false;
  bool ended_ = false;
};

}  // namespace cala::api

struct cala_tx : cala::api::Handle<cala::api::TxState> {};

namespace cala::api {

using TxSlots = Slots<cala_tx, kTxMagic>;

}  // namespace cala::api
