/* Two-phase commit: what cala_tx_prepare takes and refuses, what is prepared holds and hides, how it ends; and
 * processes that are killed at every step. Its cluster is its own: what is prepared holds back events. */
#include "ledger_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void prepare(cala_tx *tx, const char *gid) {
  cala_error *error = NULL;
  expect_ok(cala_tx_prepare(tx, gid, strlen(gid), &error), error);
  cala_tx_free(tx);
}

/* A transfer that is prepared. */
static void prepare_transfer(cala_ledger *ledger, const char *gid, const char *amount) {
  cala_tx *tx = begin_tx(ledger);
  transfer(ledger, tx, amount);
  prepare(tx, gid);
}

static const char *finish_request(const char *gid, const char *outcome) {
  static char text[400];
  snprintf(text, sizeof text, "{\"gid\": \"%s\", \"outcome\": \"%s\"}", gid, outcome);
  return text;
}

static void finish(cala_ledger *ledger, const char *gid, const char *outcome) {
  succeed(ledger, NULL, cala_tx_finish, finish_request(gid, outcome));
}

static int is_prepared(cala_ledger *ledger, const char *gid_as_json) {
  char *listed = answer_of(ledger, NULL, cala_prepared_list, "{}");
  char wanted[400];
  int found;
  snprintf(wanted, sizeof wanted, "{\"gid\":\"%s\",\"owner\":\"cala\",\"prepared_at\":\"", gid_as_json);
  found = strstr(listed, wanted) != NULL && strstr(listed, "\"age_ms\":") != NULL;
  free(listed);
  return found;
}

static void what_is_prepared_is_seen_by_nobody_until_it_is_committed(void **state) {
  struct ledger_fixture *books = fixture_open(state, ", \"pool\": {\"max\": 1}");
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  transfer(books->ledger, tx, "3");
  expect_ok(cala_tx_prepare(tx, "order", 5, &error), error);
  /* The one connection is free again, and the handle's transaction over. */
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  assert_true(is_prepared(books->ledger, "order"));
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "tx.over");
  expect_error(cala_tx_prepare(tx, "order", 5, &error), error, CALA_MISUSE, "tx.over");
  refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_MISUSE, "tx.over");
  cala_tx_free(tx);
  assert_true(is_prepared(books->ledger, "order"));
  finish(books->ledger, "order", "commit");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
  assert_false(is_prepared(books->ledger, "order"));
  refuse(books->ledger, NULL, cala_tx_finish, finish_request("order", "commit"), CALA_NOT_FOUND, "prepared.not_found");
  refuse(books->ledger, NULL, cala_tx_finish, finish_request("order", "rollback"), CALA_NOT_FOUND,
         "prepared.not_found");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
}

static void what_is_rolled_back_leaves_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "3");
  succeed(books->ledger, tx, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  prepare(tx, "order");
  finish(books->ledger, "order", "rollback");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  refuse(books->ledger, NULL, cala_account_find, "{\"code\": \"DAVE\"}", CALA_NOT_FOUND, "account.not_found");
  /* The gid may be used again, and a transaction in which nothing happened prepared. */
  prepare(begin_tx(books->ledger), "order");
  finish(books->ledger, "order", "commit");
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void a_gid_is_any_text(void **state) {
  /* As they are, and as JSON has them. */
  static const char *const gids[][2] = {
      {"it's", "it's"},
      {"'; DROP SCHEMA public CASCADE; --", "'; DROP SCHEMA public CASCADE; --"},
      {"''", "''"},
      {"\\", "\\\\"},
      {"\\'", "\\\\'"},
      {"E'\\''", "E'\\\\''"},
      {"\"quoted\"", "\\\"quoted\\\""},
      {"$1 %s ? :x $$", "$1 %s ? :x $$"},
      {"two\nlines\tand a tab", "two\\nlines\\tand a tab"},
      {"cala:1:other:gid", "cala:1:other:gid"},
      {"caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe6\xbc\xa2 \xf0\x9f\x98\x80"},
      {" ", " "},
      {"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
       "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"},
  };
  struct ledger_fixture *books = fixture_open(state, "");
  long posted = 0;
  size_t i;
  for (i = 0; i < sizeof gids / sizeof *gids; ++i) {
    const int kept = i % 2 == 0;
    prepare_transfer(books->ledger, gids[i][0], "1");
    assert_true(is_prepared(books->ledger, gids[i][1]));
    finish(books->ledger, gids[i][1], kept ? "commit" : "rollback");
    assert_false(is_prepared(books->ledger, gids[i][1]));
    posted += kept;
    assert_int_equal(units_of(books->ledger, NULL, BOB), posted);
  }
}

static void a_refusal_leaves_the_transaction_open(void **state) {
  static const char too_long[] =
      "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_op *op = NULL;
  cala_error *error = NULL;
  prepare_transfer(books->ledger, "taken", "1");
  succeed(books->ledger, tx, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  expect_error(cala_tx_prepare(tx, "", 0, &error), error, CALA_INVALID, "request.malformed");
  expect_error(cala_tx_prepare(tx, too_long, strlen(too_long), &error), error, CALA_INVALID, "request.malformed");
  expect_error(cala_tx_prepare(tx, "a\0b", 3, &error), error, CALA_INVALID, "request.malformed");
  expect_error(cala_tx_prepare(tx, "\xff", 1, &error), error, CALA_INVALID, "request.malformed");
  expect_error(cala_tx_prepare(tx, NULL, 0, &error), error, CALA_MISUSE, "call.misuse");
  expect_error(cala_tx_prepare_op(tx, "x", 1, NULL, &error), error, CALA_MISUSE, "call.misuse");
  expect_error(cala_tx_prepare_op(tx, "", 0, &op, &error), error, CALA_INVALID, "request.malformed");
  assert_null(op);
  assert_int_equal(cala_tx_prepare(tx, "taken", 5, &error), CALA_CONFLICT);
  assert_string_equal(cala_error_code(error), "prepared.exists");
  assert_string_equal(cala_error_details(error), "{\"gid\":\"taken\"}");
  assert_int_equal(cala_error_tx_state(error), CALA_TX_USABLE);
  cala_error_free(error);
  error = NULL;
  succeed(books->ledger, tx, cala_account_find, "{\"code\": \"DAVE\"}");
  prepare(tx, "free");
  finish(books->ledger, "free", "commit");
  finish(books->ledger, "taken", "commit");
  succeed(books->ledger, NULL, cala_account_find, "{\"code\": \"DAVE\"}");
}

static void only_a_transaction_of_the_ledgers_own_on_postgres_is_prepared(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = host_tx(books->ledger, "{}");
  cala_error *error = NULL;
  expect_error(cala_tx_prepare(tx, "x", 1, &error), error, CALA_MISUSE, "tx.not_own");
  cala_tx_free(tx);
  expect_error(cala_tx_prepare(NULL, "x", 1, &error), error, CALA_MISUSE, "call.misuse");
  if (books->kind != STORE_SQLITE) return;
  tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "3");
  assert_int_equal(cala_tx_prepare(tx, "x", 1, &error), CALA_UNSUPPORTED);
  assert_string_equal(cala_error_code(error), "tx.not_postgres");
  assert_int_equal(cala_error_tx_state(error), CALA_TX_USABLE);
  cala_error_free(error);
  error = NULL;
  expect_ok(cala_tx_commit(tx, &error), error);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
}

/* What PostgreSQL cannot keep ends the transaction, and nothing is prepared. */
static void temporary_tables_cannot_be_prepared(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  transfer(books->ledger, tx, "3");
  succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"create temporary table scratch (a int)\"}");
  assert_int_equal(cala_tx_prepare(tx, "x", 1, &error), CALA_UNSUPPORTED);
  assert_string_equal(cala_error_code(error), "store.unsupported");
  assert_string_equal(cala_error_sqlstate(error), "0A000");
  assert_int_equal(cala_error_tx_state(error), CALA_TX_ABORTED);
  cala_error_free(error);
  error = NULL;
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "tx.over");
  cala_tx_free(tx);
  assert_false(is_prepared(books->ledger, "x"));
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

/* A transaction that has failed is rolled back instead. */
static void a_failed_transaction_is_not_prepared(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  transfer(books->ledger, tx, "3");
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"select 1 / 0\"}", CALA_INVALID, "tx.statement");
  expect_error(cala_tx_prepare(tx, "x", 1, &error), error, CALA_MISUSE, "transaction.aborted");
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "tx.over");
  cala_tx_free(tx);
  assert_false(is_prepared(books->ledger, "x"));
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void preparing_and_finishing_can_be_started(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_tx *tx = begin_tx(books->ledger);
  cala_op *op = NULL;
  cala_error *error = NULL;
  transfer(books->ledger, tx, "3");
  /* One that is cancelled in time leaves the transaction open. */
  expect_ok(cala_tx_prepare_op(tx, "order", 5, &op, &error), error);
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  assert_int_equal(ended(queue, op), CALA_CANCELLED);
  transfer(books->ledger, tx, "3");
  expect_ok(cala_tx_prepare_op(tx, "order", 5, &op, &error), error);
  assert_int_equal(ended(queue, op), CALA_OK);
  cala_tx_free(tx);
  assert_true(is_prepared(books->ledger, "order"));
  op = make_op(books->ledger, NULL, cala_tx_finish, finish_request("order", "commit"));
  assert_int_equal(ended(queue, op), CALA_OK);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 6);
  cala_queue_free(queue);
}

/* The ledger's other work goes on; its events end before what is prepared, and come in order when that has ended. */
static void events_wait_for_what_is_prepared(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  char *events = NULL;
  int tries;
  prepare_transfer(books->ledger, "order", "3");
  succeed(books->ledger, NULL, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  for (tries = 0; tries < 5; ++tries) { /* each sets a mark, which the next may reach */
    events = answer_of(books->ledger, NULL, cala_event_list, "{}");
    assert_null(strstr(events, "transaction_created"));
    assert_null(strstr(events, "DAVE"));
    free(events);
  }
  finish(books->ledger, "order", "commit");
  for (tries = 0; tries < 500; ++tries) {
    events = answer_of(books->ledger, NULL, cala_event_list, "{}");
    if (strstr(events, "DAVE") != NULL) break;
    free(events);
    usleep(20000);
  }
  assert_true(tries < 500);
  expect_contains(events, "transaction_created");
  expect_contains(strstr(events, "transaction_created"), "DAVE");
  free(events);
}

/* Where a process is killed. */
enum step { BEFORE_PREPARE, AFTER_PREPARE, AFTER_COMMIT, AFTER_ROLLBACK, STEPS };

static void die(void) { kill(getpid(), SIGKILL); }

static void live_until(const struct ledger_fixture *books, enum step step) {
  cala_ledger *ledger = fixture_open_again(books, "");
  cala_tx *tx = begin_tx(ledger);
  cala_error *error = NULL;
  transfer(ledger, tx, "5");
  if (step == BEFORE_PREPARE) die();
  expect_ok(cala_tx_prepare(tx, "killed", 6, &error), error);
  if (step == AFTER_PREPARE) die();
  finish(ledger, "killed", step == AFTER_COMMIT ? "commit" : "rollback");
  die();
}

static void killed(pid_t child) {
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_process_that_is_killed_leaves_nothing_half(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  int step;
  int commits;
  long posted = 0;
  cala_ledger_free(books->ledger);
  for (step = BEFORE_PREPARE; step < STEPS; ++step) {
    for (commits = 0; commits <= 1; ++commits) {
      pid_t child;
      books->ledger = NULL;
      child = fork();
      if (child == 0) live_until(books, (enum step)step);
      killed(child);
      books->ledger = fixture_open_again(books, "");
      assert_int_equal(is_prepared(books->ledger, "killed"), step == AFTER_PREPARE);
      if (step == AFTER_COMMIT) posted += 5;
      assert_int_equal(units_of(books->ledger, NULL, BOB), posted);
      if (step == AFTER_PREPARE) {
        finish(books->ledger, "killed", commits ? "commit" : "rollback");
        posted += commits ? 5 : 0;
      }
      transfer(books->ledger, NULL, "1");
      posted += 1;
      assert_int_equal(units_of(books->ledger, NULL, BOB), posted);
      cala_ledger_free(books->ledger);
    }
  }
  books->ledger = NULL;
}

/* Prepares and finishes as fast as it can, and writes a byte when a gid is decided. */
static void hurry(const struct ledger_fixture *books, int decided) {
  struct ledger_fixture doomed = *books;
  cala_ledger *ledger;
  int i;
  if (snprintf(doomed.store, sizeof doomed.store, "%s&application_name=doomed", books->store) >=
      (int)sizeof doomed.store)
    abort();
  ledger = fixture_open_again(&doomed, "");
  for (i = 0; i < 100000; ++i) {
    char gid[32];
    snprintf(gid, sizeof gid, "%d", i);
    prepare_transfer(ledger, gid, "1");
    assert_int_equal(write(decided, i % 3 != 0 ? "c" : "r", 1), 1);
    finish(ledger, gid, i % 3 != 0 ? "commit" : "rollback");
  }
}

/* The server goes on with what it was told last, whoever asked for it is gone or not. */
static void await_end_of_doomed(cala_ledger *ledger) {
  static const char *const request =
      "{\"sql\": \"select count(*) from pg_stat_activity where application_name = 'doomed'\"}";
  int alive = 1;
  while (alive) {
    cala_tx *tx = begin_tx(ledger);
    char *answer = answer_of(ledger, tx, cala_tx_exec, request);
    alive = strstr(answer, "[[\"0\"]]") == NULL;
    free(answer);
    cala_tx_free(tx);
  }
}

/* Killed at any moment: what was decided is decided again by whoever comes next, and what was not is rolled back. */
static void whoever_comes_next_ends_what_was_decided(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  long committed = 0;
  int round;
  cala_ledger_free(books->ledger);
  for (round = 0; round < 12; ++round) {
    int ends[2];
    int decisions = 0;
    char decision;
    char gid[32];
    pid_t child;
    books->ledger = NULL;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) hurry(books, ends[1]);
    close(ends[1]);
    /* After so many of them, and a moment more. */
    while (decisions < 5 && read(ends[0], &decision, 1) == 1) {
      ++decisions;
      committed += decision == 'c';
    }
    usleep((useconds_t)(round * 700));
    kill(child, SIGKILL);
    killed(child);
    while (read(ends[0], &decision, 1) == 1) {
      ++decisions;
      committed += decision == 'c';
    }
    close(ends[0]);
    books->ledger = fixture_open_again(books, "");
    await_end_of_doomed(books->ledger);
    snprintf(gid, sizeof gid, "%d", decisions - 1);
    if (is_prepared(books->ledger, gid)) finish(books->ledger, gid, (decisions - 1) % 3 != 0 ? "commit" : "rollback");
    snprintf(gid, sizeof gid, "%d", decisions);
    if (is_prepared(books->ledger, gid)) finish(books->ledger, gid, "rollback");
    assert_false(is_prepared(books->ledger, gid));
    assert_int_equal(units_of(books->ledger, NULL, BOB), committed);
    assert_int_equal(count_of(books->ledger, "transactions"), committed);
    cala_ledger_free(books->ledger);
  }
  books->ledger = NULL;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_POSTGRES(what_is_prepared_is_seen_by_nobody_until_it_is_committed),
      ON_POSTGRES(what_is_rolled_back_leaves_nothing),
      ON_POSTGRES(a_gid_is_any_text),
      ON_POSTGRES(a_refusal_leaves_the_transaction_open),
      ON_POSTGRES(only_a_transaction_of_the_ledgers_own_on_postgres_is_prepared),
      ON_SQLITE(only_a_transaction_of_the_ledgers_own_on_postgres_is_prepared),
      ON_POSTGRES(temporary_tables_cannot_be_prepared),
      ON_POSTGRES(a_failed_transaction_is_not_prepared),
      ON_POSTGRES(preparing_and_finishing_can_be_started),
      ON_POSTGRES(events_wait_for_what_is_prepared),
      ON_POSTGRES(a_process_that_is_killed_leaves_nothing_half),
      ON_POSTGRES(whoever_comes_next_ends_what_was_decided),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
