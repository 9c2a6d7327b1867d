/* What holds for every host that runs the ledger's statements on a connection of its own, inside a transaction of its
 * own, beside its own table `orders`. Each claim is one test over a shop; a store's test file opens the shops and lists
 * the claims. */
#ifndef CALA_TESTS_HOST_CLAIMS_H
#define CALA_TESTS_HOST_CLAIMS_H

#include "ledger_fixture.h"

struct shop {
  cala_ledger *ledger;
  const char *dialect; /* options of cala_tx_host */
  void *connection;    /* the host's */
  void *outside;       /* another connection of the host's to the same database; NULL where there can be none */
  host_execute_fn execute;
  void (*sql)(void *connection, const char *text);    /* must succeed */
  long (*number)(void *connection, const char *text); /* one row, one number */
  const char *count_transactions;                     /* SQL */
  const char *count_events;
  int (*changing_statements)(void *connection); /* run so far, by the driver's own knowledge; NULL where it has none */
};

/* Opens the shop that *state asks for, with the fixture's books in the ledger and an empty table orders. */
typedef struct shop *(*shop_open_fn)(void **state);
extern shop_open_fn open_shop;

/* Drives an operation that must succeed to its end, outside or inside whatever transaction is open. The answer is the
 * caller's to free(). */
char *hosted_answer(struct shop *shop, cala_tx *tx, operation_fn operation, const char *request);
void hosted(struct shop *shop, cala_tx *tx, operation_fn operation, const char *request);
void hosted_error(struct shop *shop, cala_tx *tx, operation_fn operation, const char *request, cala_status status,
                  const char *code, int32_t tx_state);
/* The fixture's books, made by the host itself; the transaction around it is the host's as well. */
void hosted_books(struct shop *shop);

void committing_leaves_the_row_and_the_posting(void **state);
void rolling_back_leaves_neither(void **state);
void an_operation_left_between_two_steps_leaves_nothing(void **state);
void a_cancelled_operation_leaves_nothing(void **state);
void a_rejected_posting_leaves_the_transaction_usable(void **state);
void a_taken_code_is_told_as_such(void **state);
void two_operations_in_one_transaction_are_busy(void **state);
void the_same_id_answers_with_the_first_result(void **state);
void what_is_posted_is_seen_inside_and_not_outside(void **state);
void every_operation_that_writes_is_tried(void **state);
void each_operation_writes_once_and_last(void **state);
void a_prune_writes_once_and_last(void **state);
void told_that_there_is_no_transaction_nothing_that_writes_is_asked(void **state);
void without_a_transaction_no_operation_writes(void **state); /* on PostgreSQL */
void a_batch_lands_as_one(void **state);
void a_template_that_was_rolled_back_is_forgotten(void **state);
void a_savepoint_around_each_operation_changes_no_answer(void **state);
void locking_first_locks_and_names_what_is_missing(void **state);
void the_library_runs_nothing_of_a_host_transaction(void **state);

#endif
