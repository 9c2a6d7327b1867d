// Every named operation, one maker each: it takes the request apart (a malformed one fails here) and gives the
// operation that will carry it out. The names are those of cala.h without the prefix. The request's Json is kept alive
// by the operation where needed.
#pragma once

#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "engine/operation.h"

namespace cala::engine {

using RequestPtr = std::shared_ptr<const base::Json>;
using Maker = base::Result<OperationPtr> (*)(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> account_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_create_many(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_ensure(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_find_many(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_update(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_lock(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_unlock(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> account_set_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_ensure(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_find_many(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_update(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_add_members(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_ensure_members(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_remove_member(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_list_members(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_set_list_parents(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> journal_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_ensure(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_update(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_lock(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_unlock(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_close(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> journal_reopen(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> tx_template_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> tx_template_ensure(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> tx_template_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> tx_template_list(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> velocity_limit_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_limit_ensure(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_limit_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_ensure(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_add_limit(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_ensure_limit(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_attach(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_ensure_attached(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_control_detach(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_attachment_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> velocity_headroom(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> transaction_post(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> transaction_post_many(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> transaction_preview(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> transaction_void(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> hold_create(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> hold_capture(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> hold_release(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> hold_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> hold_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> hold_expire(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> transaction_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> transaction_find_many(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> transaction_list(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> entry_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> entry_find_many(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> balance_find(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> balance_find_many(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> balance_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> balance_history(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> balance_at(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> balance_range(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> balance_changes(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> account_statement(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> event_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> listener_place(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> listener_ack(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> listener_list(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> listener_remove(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> event_prune(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> trial_balance(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> tx_lock_accounts(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> tx_exec(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> tx_finish(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> prepared_list(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> rollup_status(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> rollup_await(Ledger &ledger, const RequestPtr &request);

base::Result<OperationPtr> cel_evaluate(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> ledger_info(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> ledger_health(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> ledger_metrics(Ledger &ledger, const RequestPtr &request);
base::Result<OperationPtr> ledger_migrate(Ledger &ledger, const RequestPtr &request);

}  // namespace cala::engine
