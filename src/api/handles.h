// What the opaque pointers of cala.h point at, and whether one that came in may be used.
#pragma once

#include <atomic>
#include <string>

#include "api/guard.h"
#include "live/ledger.h"
#include "live/listener.h"
#include "live/log.h"
#include "live/op.h"
#include "live/tx.h"
#include "runtime/queue.h"

struct cala_ledger : cala::api::Handle<cala::live::LedgerState> {};
struct cala_queue : cala::api::Handle<cala::runtime::Queue> {
  cala::live::LogEars *ears = nullptr;  // the queue's
};
struct cala_tx : cala::api::Handle<cala::live::TxState> {};
struct cala_op : cala::api::Handle<cala::live::OpState> {
  mutable std::atomic<cala_error *> error{nullptr};  // null until somebody asks for it
};
struct cala_listener : cala::api::Handle<cala::live::ListenerState> {};

namespace cala::api {

using LedgerSlots = Slots<cala_ledger, kLedgerMagic>;
using QueueSlots = Slots<cala_queue, kQueueMagic>;
using TxSlots = Slots<cala_tx, kTxMagic>;
using OpSlots = Slots<cala_op, kOpMagic>;
using ListenerSlots = Slots<cala_listener, kListenerMagic>;

// Misuse or kForked for a handle that may not be used.
template <typename HandleSlots, typename HandleType>
base::Outcome check_handle(const HandleType *handle, const char *what) {
  if (!HandleSlots::valid(handle)) return live::misuse(std::string("not a valid ") + what + " handle");
  if (runtime::forked_since(handle->generation)) return runtime::forked_error(what);
  return {};
}

}  // namespace cala::api
