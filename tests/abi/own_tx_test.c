/* Transactions of cala_tx_begin: what lands, what is seen from where, and how they end. */
#include "ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void commit(cala_tx *tx) {
  cala_error *error = NULL;
  expect_ok(cala_tx_commit(tx, &error), error);
}

static void roll_back(cala_tx *tx) {
  cala_error *error = NULL;
  expect_ok(cala_tx_rollback(tx, &error), error);
}

static void operations_land_together_when_committed(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "3");
  transfer(books->ledger, tx, "4");
  succeed(books->ledger, tx, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  commit(tx);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 7);
  succeed(books->ledger, NULL, cala_account_find, "{\"code\": \"DAVE\"}");
  assert_int_equal(count_of(books->ledger, "transactions"), 2);
}

static void operations_leave_nothing_when_rolled_back(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "3");
  succeed(books->ledger, tx, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  roll_back(tx);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  refuse(books->ledger, NULL, cala_account_find, "{\"code\": \"DAVE\"}", CALA_NOT_FOUND, "account.not_found");
  assert_int_equal(count_of(books->ledger, "transactions"), 0);
}

static void reading_inside_sees_what_reading_outside_does_not(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "5");
  assert_int_equal(units_of(books->ledger, tx, BOB), 5);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 5);
  cala_tx_free(tx);
}

static void a_freed_transaction_is_rolled_back(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "3");
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void a_freed_transaction_lets_go_while_its_operations_are_still_handles(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_op *op = make_transfer(books->ledger, tx, "3");
  cala_op *never_run = make_transfer(books->ledger, tx, "3");
  cala_error *error = NULL;
  expect_ok(cala_op_run(op, -1, &error), error);
  cala_tx_free(tx);
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
  expect_error(cala_op_run(never_run, -1, &error), error, CALA_MISUSE, "tx.over");
  assert_non_null(cala_op_result(op, NULL));
  cala_op_free(op);
  cala_op_free(never_run);
}

static void a_rejected_operation_leaves_the_transaction_usable(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_op *op;
  cala_error *error = NULL;
  transfer(books->ledger, tx, "2");
  op = make_op(books->ledger, tx, cala_transaction_post,
               "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"1\", \"credit\": \"2\"}}");
  assert_int_equal(cala_op_run(op, -1, NULL), CALA_REJECTED);
  expect_op_error(op, CALA_REJECTED, "posting.unbalanced");
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
  assert_int_equal(cala_error_posting_index(cala_op_error(op)), -1);
  cala_op_free(op);
  refuse(books->ledger, tx, cala_account_find, "{\"code\": \"NOBODY\"}", CALA_NOT_FOUND, "account.not_found");
  transfer(books->ledger, tx, "3");
  expect_ok(cala_tx_commit(tx, &error), error);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 5);
}

static void a_locked_account_refuses_inside_as_outside(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  succeed(books->ledger, tx, cala_account_lock, "{\"id\": \"" BOB "\"}");
  refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_REJECTED, "account.locked");
  roll_back(tx);
  cala_tx_free(tx);
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void a_template_of_a_rolled_back_transaction_is_forgotten(void **state) {
  static const char *const request =
      "{\"code\": \"GIFT\", \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('" JOURNAL
      "')\"}, \"entries\": [{\"entry_type\": \"'A'\", \"account_id\": \"uuid('" ALICE
      "')\", \"layer\": \"'SETTLED'\", \"direction\": \"'DEBIT'\", \"units\": \"decimal('%s')\", \"currency\": "
      "\"'USD'\"}, {\"entry_type\": \"'B'\", \"account_id\": \"uuid('" BOB
      "')\", \"layer\": \"'SETTLED'\", \"direction\": \"'CREDIT'\", \"units\": \"decimal('%s')\", \"currency\": "
      "\"'USD'\"}]}";
  struct ledger_fixture *books = fixture_open(state, "");
  char text[1024];
  cala_tx *tx = begin_tx(books->ledger);
  snprintf(text, sizeof text, request, "1", "1");
  succeed(books->ledger, tx, cala_tx_template_create, text);
  succeed(books->ledger, tx, cala_transaction_post, "{\"tx_template_code\": \"GIFT\"}");
  roll_back(tx);
  cala_tx_free(tx);
  refuse(books->ledger, NULL, cala_transaction_post, "{\"tx_template_code\": \"GIFT\"}", CALA_NOT_FOUND,
         "tx_template.not_found");
  snprintf(text, sizeof text, request, "20", "20");
  succeed(books->ledger, NULL, cala_tx_template_create, text);
  succeed(books->ledger, NULL, cala_transaction_post, "{\"tx_template_code\": \"GIFT\"}");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 20);
}

static void a_transaction_ends_once(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  commit(tx);
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "tx.over");
  expect_error(cala_tx_rollback(tx, &error), error, CALA_MISUSE, "tx.over");
  refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_MISUSE, "tx.over");
  cala_tx_free(tx);
  tx = begin_tx(books->ledger);
  roll_back(tx);
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "tx.over");
  cala_tx_free(tx);
}

static void options_are_read_strictly(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  static const char *const unknown = "{\"isolation\": \"serializable\"}";
  static const char *const broken = "{";
  expect_error(cala_tx_begin(books->ledger, unknown, strlen(unknown), &tx, &error), error, CALA_INVALID,
               "request.unknown_key");
  assert_null(tx);
  expect_error(cala_tx_begin(books->ledger, broken, strlen(broken), &tx, &error), error, CALA_INVALID,
               "request.malformed");
  expect_ok(cala_tx_begin(books->ledger, "{}", 2, &tx, &error), error);
  cala_tx_free(tx);
}

static void cel_runs_inside_a_transaction_too(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  char *answer = answer_of(books->ledger, tx, cala_cel_evaluate, "{\"expr\": \"decimal('1.50') + decimal('2')\"}");
  expect_contains(answer, "3.50");
  free(answer);
  cala_tx_free(tx);
}

static void shutting_down_ends_open_transactions(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_op *op = make_transfer(books->ledger, tx, "1");
  cala_error *error = NULL;
  transfer(books->ledger, tx, "3");
  cala_ledger_free(books->ledger);
  /* Its connection is gone, so nothing stands in the way of another ledger, though handles are still there. */
  books->ledger = fixture_open_again(books, "");
  transfer(books->ledger, NULL, "1");
  assert_int_equal(cala_op_run(op, -1, &error), CALA_CLOSED);
  cala_error_free(error);
  assert_int_equal(cala_tx_commit(tx, &error), CALA_CLOSED);
  cala_error_free(error);
  cala_op_free(op);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void two_transactions_run_side_by_side_on_postgres(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *one = begin_tx(books->ledger);
  cala_tx *two = begin_tx(books->ledger);
  transfer(books->ledger, one, "1");
  succeed(books->ledger, two, cala_account_create, "{\"code\": \"ERIN\", \"name\": \"Erin\"}");
  roll_back(one);
  commit(two);
  cala_tx_free(one);
  cala_tx_free(two);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  succeed(books->ledger, NULL, cala_account_find, "{\"code\": \"ERIN\"}");
}

static cala_tx *begun_through(cala_queue *queue, cala_ledger *ledger) {
  cala_tx *tx = NULL;
  cala_op *op = NULL;
  cala_error *error = NULL;
  expect_ok(cala_tx_begin_op(ledger, NULL, 0, &tx, &op, &error), error);
  refuse(ledger, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_MISUSE, "call.misuse");
  assert_int_equal(ended(queue, op), CALA_OK);
  return tx;
}

static void beginning_and_ending_can_be_started(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_tx *tx = begun_through(queue, books->ledger);
  cala_op *op = NULL;
  cala_op *again = NULL;
  cala_error *error = NULL;
  transfer(books->ledger, tx, "3");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  expect_ok(cala_tx_commit_op(tx, &op, &error), error);
  expect_ok(cala_tx_commit_op(tx, &again, &error), error);
  assert_int_equal(ended(queue, op), CALA_OK);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
  expect_error(cala_op_run(again, -1, &error), error, CALA_MISUSE, "tx.over");
  cala_op_free(again);
  cala_tx_free(tx);
  tx = begun_through(queue, books->ledger);
  transfer(books->ledger, tx, "3");
  /* One that is cancelled in time leaves the transaction open. */
  expect_ok(cala_tx_rollback_op(tx, &op, &error), error);
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  assert_int_equal(ended(queue, op), CALA_CANCELLED);
  assert_int_equal(units_of(books->ledger, tx, BOB), 6);
  expect_ok(cala_tx_rollback_op(tx, &op, &error), error);
  assert_int_equal(ended(queue, op), CALA_OK);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
  /* Never begun, and freed with what was to begin it in line. */
  expect_ok(cala_tx_begin_op(books->ledger, NULL, 0, &tx, &op, &error), error);
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "call.misuse");
  assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_OK);
  cala_tx_free(tx);
  cala_op_free(op);
  transfer(books->ledger, NULL, "1");
  cala_queue_free(queue);
}

/* Whoever waits to begin must not keep those from a thread who have a connection and may give it back. */
static void more_begin_than_there_are_connections(void **state) {
  enum { MANY = 40 };
  struct ledger_fixture *books = fixture_open(state, ", \"pool\": {\"max\": 2}");
  cala_queue *queue = new_queue();
  cala_tx *txs[MANY];
  cala_op *begins[MANY];
  cala_error *error = NULL;
  int done = 0;
  int i;
  for (i = 0; i < MANY; ++i) {
    expect_ok(cala_tx_begin_op(books->ledger, NULL, 0, &txs[i], &begins[i], &error), error);
    assert_int_equal(cala_op_start(begins[i], queue, NULL, NULL), CALA_OK);
  }
  while (done < MANY) {
    cala_op *op = NULL;
    for (i = 0; i < MANY && (begins[i] == NULL || cala_op_status(begins[i]) == CALA_BUSY); ++i) {
    }
    if (i == MANY) {
      assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
      assert_true(cala_queue_drain(queue, 0) >= 0);
      continue;
    }
    assert_int_equal(cala_op_status(begins[i]), CALA_OK);
    cala_op_free(begins[i]);
    begins[i] = NULL;
    transfer(books->ledger, txs[i], "1");
    expect_ok(cala_tx_commit_op(txs[i], &op, &error), error);
    assert_int_equal(ended(queue, op), CALA_OK);
    cala_tx_free(txs[i]);
    ++done;
  }
  assert_int_equal(units_of(books->ledger, NULL, BOB), MANY);
  cala_queue_free(queue);
}

#define ON_BOTH(test) ON_SQLITE(test), ON_POSTGRES(test)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(operations_land_together_when_committed),
      ON_BOTH(operations_leave_nothing_when_rolled_back),
      ON_BOTH(reading_inside_sees_what_reading_outside_does_not),
      ON_BOTH(a_freed_transaction_is_rolled_back),
      ON_BOTH(a_freed_transaction_lets_go_while_its_operations_are_still_handles),
      ON_BOTH(a_rejected_operation_leaves_the_transaction_usable),
      ON_BOTH(a_locked_account_refuses_inside_as_outside),
      ON_BOTH(a_template_of_a_rolled_back_transaction_is_forgotten),
      ON_BOTH(a_transaction_ends_once),
      ON_BOTH(options_are_read_strictly),
      ON_BOTH(cel_runs_inside_a_transaction_too),
      ON_BOTH(shutting_down_ends_open_transactions),
      ON_BOTH(beginning_and_ending_can_be_started),
      ON_BOTH(more_begin_than_there_are_connections),
      ON_POSTGRES(two_transactions_run_side_by_side_on_postgres),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
