// cala_tx_*: transactions.
#include <memory>
#include <string>
#include <utility>

#include "api/backends.h"
#include "api/make_op.h"
#include "base/json.h"
#include "engine/prepared.h"
#include "engine/request.h"

namespace cala::api {

namespace {

using base::Outcome;
using base::Result;
using base::Status;

Result<base::Json> read_options(const char *options, size_t options_len) {
  return base::Json::parse(options == nullptr || options_len == 0 ? std::string_view("{}")
                                                                  : std::string_view(options, options_len));
}

struct HostOptions {
  store::Placeholder placeholder = store::Placeholder::kDollar;
  bool savepoint = false;
};

Result<HostOptions> read_host_options(bool sqlite, const base::Json &options) {
  engine::RequestReader reader(options.root());
  HostOptions out;
  out.savepoint = reader.boolean("savepoint", false);
  const std::string dialect = reader.optional_text("dialect").value_or(sqlite ? "qmark" : "dollar");
  if (dialect == "qmark") {
    out.placeholder = store::Placeholder::kQmark;
  } else if (dialect == "percent") {
    out.placeholder = store::Placeholder::kPercent;
  } else if (dialect != "dollar") {
    reader.fail("request.malformed", "dialect", "must be dollar, qmark or percent");
  }
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return out;
}

struct AdoptOptions {
  std::string module;
  bool savepoint = false;
};

Result<AdoptOptions> read_adopt_options(const base::Json &options) {
  engine::RequestReader reader(options.root());
  AdoptOptions out;
  out.module = reader.optional_text("library").value_or("");
  out.savepoint = reader.boolean("savepoint", false);
  if (Outcome read = reader.finish(); !read) return std::move(read.error());
  return out;
}

Result<std::shared_ptr<live::TxState>> make_own(const std::shared_ptr<live::LedgerState> &state, const char *options,
                                                size_t options_len) {
  Result<base::Json> read = read_options(options, options_len);
  if (!read) return std::move(read.error());
  engine::RequestReader reader(read->root());
  const bool savepoint = reader.boolean("savepoint", false);
  if (Outcome known = reader.finish(); !known) return std::move(known.error());
  if (state->host_only()) {
    return base::make_error(Status::kMisuse, "op.host_only",
                            "this ledger has no connection of its own; use cala_tx_host on the program's transaction");
  }
  if (state->closing()) return live::closed_error();
  return std::make_shared<live::TxState>(state, savepoint);
}

Outcome begin(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out) {
  const std::shared_ptr<live::LedgerState> state = ledger->state;
  Result<std::shared_ptr<live::TxState>> made = make_own(state, options, options_len);
  if (!made) return std::move(made.error());
  const std::shared_ptr<live::TxState> transaction = made.take();
  if (Outcome ready = state->ensure_ready(); !ready) return ready;
  engine::Course course;
  if (Outcome begun = transaction->begin(course); !begun) return begun;
  state->add_transaction(transaction);
  *out = TxSlots::make(transaction);
  return {};
}

Outcome begin_op(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out, cala_op **out_op) {
  Result<std::shared_ptr<live::TxState>> made = make_own(ledger->state, options, options_len);
  if (!made) return std::move(made.error());
  const std::shared_ptr<live::TxState> transaction = made.take();
  *out_op = make_begin(transaction);
  try {
    *out = TxSlots::make(transaction);
  } catch (...) {
    OpSlots::free(*out_op);
    *out_op = nullptr;
    throw;
  }
  return {};
}

Outcome adopt(cala_ledger *ledger, void *pgconn, const Resolver &resolve, const base::Json &options, cala_tx **out) {
  const std::shared_ptr<live::LedgerState> state = ledger->state;
  Result<AdoptOptions> read = read_adopt_options(options);
  if (!read) return std::move(read.error());
  if (pgconn == nullptr) return live::misuse("pgconn must not be NULL");
  if (state->closing()) return live::closed_error();
  if (Outcome ready = state->ensure_ready(); !ready) return ready;
  Result<std::unique_ptr<store::Session>> session = adopt_session(*state, pgconn, resolve, read->module);
  if (!session) return std::move(session.error());
  *out = TxSlots::make(std::make_shared<live::TxState>(state, session.take(), read->savepoint));
  return {};
}

Outcome check_own(cala_tx *tx) {
  if (Outcome valid = check_handle<TxSlots>(tx, "cala_tx"); !valid) return valid;
  if (tx->state->kind() == live::TxState::Kind::kOwn) return {};
  return live::misuse("the program commits and rolls back its own transaction");
}

// What a transaction is to be prepared under, and whether it can be.
Result<live::TxState::Ending> prepared_as(cala_tx *tx, const char *gid, size_t gid_len) {
  if (Outcome valid = check_handle<TxSlots>(tx, "cala_tx"); !valid) return std::move(valid.error());
  if (gid == nullptr) return live::misuse("gid must not be NULL");
  if (tx->state->kind() != live::TxState::Kind::kOwn) {
    return base::make_error(Status::kMisuse, "tx.not_own",
                            "the program prepares its own transaction; this one was not begun by cala_tx_begin");
  }
  if (Outcome fit = engine::check_gid({gid, gid_len}); !fit) return std::move(fit.error());
  return live::TxState::Ending{live::TxState::End::kPrepare, std::string(gid, gid_len)};
}

Result<live::TxState::Ending> ended_by(cala_tx *tx, live::TxState::End how) {
  if (Outcome own = check_own(tx); !own) return std::move(own.error());
  return live::TxState::Ending{how};
}

template <typename MakeEnding>
cala_status finish_op(cala_tx *tx, cala_op **out_op, cala_error **out_error, MakeEnding make_ending) {
  return guard(out_error, [&]() -> Outcome {
    if (out_op == nullptr) return live::misuse("out_op must not be NULL");
    *out_op = nullptr;
    Result<live::TxState::Ending> ending = make_ending();
    if (!ending) return std::move(ending.error());
    if (tx->state->ledger()->closing()) return live::closed_error();
    *out_op = make_end(tx->state, ending.take());
    return {};
  });
}

template <typename MakeEnding>
cala_status finish(cala_tx *tx, cala_error **out_error, MakeEnding make_ending) {
  return guard(out_error, [&]() -> Outcome {
    Result<live::TxState::Ending> ending = make_ending();
    if (!ending) return std::move(ending.error());
    return tx->state->finish(*ending);
  });
}

}  // namespace

}  // namespace cala::api

using namespace cala;

extern "C" {

cala_status cala_tx_begin(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                          cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return live::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    return api::begin(ledger, options, options_len, out);
  });
}

cala_status cala_tx_host(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                         cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return live::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    base::Result<base::Json> read = api::read_options(options, options_len);
    if (!read) return std::move(read.error());
    const bool sqlite = ledger->state->ledger().store_name() == "sqlite";
    base::Result<api::HostOptions> host = api::read_host_options(sqlite, *read);
    if (!host) return std::move(host.error());
    *out = api::TxSlots::make(std::make_shared<live::TxState>(ledger->state, host->placeholder, host->savepoint));
    return {};
  });
}

cala_status cala_tx_in_transaction(cala_tx *tx, int32_t in_transaction) {
  return api::guard(nullptr, [&]() -> base::Outcome {
    if (base::Outcome valid = api::check_handle<api::TxSlots>(tx, "cala_tx"); !valid) return valid;
    if (tx->state->kind() != live::TxState::Kind::kHost) return live::misuse("only of a cala_tx_host is it not known");
    if (in_transaction != 0 && in_transaction != 1) return live::misuse("in_transaction must be 0 or 1");
    tx->state->tell_in_transaction(in_transaction == 1);
    return {};
  });
}

cala_status cala_tx_adopt(cala_ledger *ledger, void *pgconn, cala_resolve_fn resolve, void *user, const char *options,
                          size_t options_len, cala_tx **out, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr) return live::misuse("out must not be NULL");
    *out = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    base::Result<base::Json> read = api::read_options(options, options_len);
    if (!read) return std::move(read.error());
    api::Resolver find;
    if (resolve != nullptr) find = [&](const char *name) { return resolve(user, name); };
    return api::adopt(ledger, pgconn, find, *read, out);
  });
}

cala_status cala_tx_begin_op(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                             cala_op **out_op, cala_error **out_error) {
  return api::guard(out_error, [&]() -> base::Outcome {
    if (out == nullptr || out_op == nullptr) return live::misuse("out and out_op must not be NULL");
    *out = nullptr;
    *out_op = nullptr;
    if (base::Outcome valid = api::check_handle<api::LedgerSlots>(ledger, "cala_ledger"); !valid) return valid;
    return api::begin_op(ledger, options, options_len, out, out_op);
  });
}

cala_status cala_tx_commit_op(cala_tx *tx, cala_op **out_op, cala_error **out_error) {
  return api::finish_op(tx, out_op, out_error, [&] { return api::ended_by(tx, live::TxState::End::kCommit); });
}

cala_status cala_tx_rollback_op(cala_tx *tx, cala_op **out_op, cala_error **out_error) {
  return api::finish_op(tx, out_op, out_error, [&] { return api::ended_by(tx, live::TxState::End::kRollback); });
}

cala_status cala_tx_prepare_op(cala_tx *tx, const char *gid, size_t gid_len, cala_op **out_op, cala_error **out_error) {
  return api::finish_op(tx, out_op, out_error, [&] { return api::prepared_as(tx, gid, gid_len); });
}

cala_status cala_tx_commit(cala_tx *tx, cala_error **out_error) {
  return api::finish(tx, out_error, [&] { return api::ended_by(tx, live::TxState::End::kCommit); });
}

cala_status cala_tx_rollback(cala_tx *tx, cala_error **out_error) {
  return api::finish(tx, out_error, [&] { return api::ended_by(tx, live::TxState::End::kRollback); });
}

cala_status cala_tx_prepare(cala_tx *tx, const char *gid, size_t gid_len, cala_error **out_error) {
  return api::finish(tx, out_error, [&] { return api::prepared_as(tx, gid, gid_len); });
}

void cala_tx_free(cala_tx *tx) {
  if (!api::TxSlots::valid(tx)) return;
  api::guard(nullptr, [&]() -> base::Outcome {
    // Operations may still hold the transaction; its locks must not wait for them.
    if (!runtime::forked_since(tx->generation)) tx->state->end();
    api::TxSlots::free(tx);
    return {};
  });
}

}  // extern "C"
