// The named operations of cala.h. Each hands its request to the maker of the same name in engine/operations.h.
#include "engine/operations.h"
#include "api/op.h"

// One exported function an operation, all of one shape.
#define CALA_OPERATION(name)                                                                                           \
  cala_status cala_##name(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len, cala_op **out_op, \
                          cala_error **out_error) {                                                                    \
    return cala::api::make_op(ledger, tx, request, request_len, out_op, out_error, cala::engine::name);                \
  }

extern "C" {

CALA_OPERATION(account_create)
CALA_OPERATION(account_create_many)
CALA_OPERATION(account_ensure)
CALA_OPERATION(account_find)
CALA_OPERATION(account_find_many)
CALA_OPERATION(account_list)
CALA_OPERATION(account_update)
CALA_OPERATION(account_lock)
CALA_OPERATION(account_unlock)
CALA_OPERATION(account_set_create)
CALA_OPERATION(account_set_find)
CALA_OPERATION(account_set_find_many)
CALA_OPERATION(account_set_list)
CALA_OPERATION(account_set_update)
CALA_OPERATION(account_set_add_members)
CALA_OPERATION(account_set_remove_member)
CALA_OPERATION(account_set_list_members)
CALA_OPERATION(account_set_list_parents)
CALA_OPERATION(journal_create)
CALA_OPERATION(journal_ensure)
CALA_OPERATION(journal_find)
CALA_OPERATION(journal_list)
CALA_OPERATION(journal_update)
CALA_OPERATION(journal_lock)
CALA_OPERATION(journal_unlock)
CALA_OPERATION(tx_template_create)
CALA_OPERATION(tx_template_ensure)
CALA_OPERATION(tx_template_find)
CALA_OPERATION(tx_template_list)
CALA_OPERATION(velocity_limit_create)
CALA_OPERATION(velocity_limit_ensure)
CALA_OPERATION(velocity_limit_list)
CALA_OPERATION(velocity_control_create)
CALA_OPERATION(velocity_control_ensure)
CALA_OPERATION(velocity_control_list)
CALA_OPERATION(velocity_control_add_limit)
CALA_OPERATION(velocity_control_ensure_limit)
CALA_OPERATION(velocity_control_attach)
CALA_OPERATION(velocity_control_ensure_attached)
CALA_OPERATION(velocity_control_detach)
CALA_OPERATION(velocity_attachment_list)
CALA_OPERATION(velocity_headroom)
CALA_OPERATION(transaction_post)
CALA_OPERATION(transaction_post_many)
CALA_OPERATION(transaction_void)
CALA_OPERATION(transaction_find)
CALA_OPERATION(transaction_find_many)
CALA_OPERATION(transaction_list)
CALA_OPERATION(entry_list)
CALA_OPERATION(entry_find_many)
CALA_OPERATION(balance_find)
CALA_OPERATION(balance_find_many)
CALA_OPERATION(balance_list)
CALA_OPERATION(balance_history)
CALA_OPERATION(balance_at)
CALA_OPERATION(balance_range)
CALA_OPERATION(balance_changes)
CALA_OPERATION(account_statement)
CALA_OPERATION(trial_balance)
CALA_OPERATION(tx_lock_accounts)
CALA_OPERATION(tx_exec)
CALA_OPERATION(cel_evaluate)
CALA_OPERATION(ledger_info)
CALA_OPERATION(ledger_migrate)

}  // extern "C"
