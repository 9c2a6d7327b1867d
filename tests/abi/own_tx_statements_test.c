/* What a transaction of cala_tx_begin carries besides the ledger's operations:
 * the program's own statements, locks, savepoints. */
#include "ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void commit(cala_tx *tx) {
  cala_error *error = NULL;
  expect_ok(cala_tx_commit(tx, &error), error);
  cala_tx_free(tx);
}

static cala_tx *begin_with(cala_ledger *ledger, const char *options) {
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  expect_ok(cala_tx_begin(ledger, options, strlen(options), &tx, &error), error);
  return tx;
}

/* A table of the program's, named after the fixture's schema so that runs do not meet. */
static const char *table_of(const struct ledger_fixture *books) {
  static char name[80];
  snprintf(name, sizeof name, "orders%s", books->kind == STORE_POSTGRES ? books->schema : "");
  return name;
}

/* sql: with one %s for the table. params: JSON. The text is the caller's until the next call. */
static const char *statement(const struct ledger_fixture *books, const char *sql, const char *params) {
  static char request[1024];
  char text[512];
  snprintf(text, sizeof text, sql, table_of(books));
  snprintf(request, sizeof request, "{\"sql\": \"%s\", \"params\": %s}", text, params);
  return request;
}

static void make_table(const struct ledger_fixture *books) {
  cala_tx *tx = begin_tx(books->ledger);
  succeed(books->ledger, tx, cala_tx_exec,
          statement(books, "CREATE TABLE %s (note TEXT NOT NULL UNIQUE, amount INTEGER)", "[]"));
  commit(tx);
}

static const char *insert_of(const struct ledger_fixture *books) {
  return books->kind == STORE_POSTGRES ? "INSERT INTO %s (note, amount) VALUES ($1, CAST($2 AS INTEGER))"
                                       : "INSERT INTO %s (note, amount) VALUES (?, CAST(? AS INTEGER))";
}

static void expect_rows(const struct ledger_fixture *books, const char *rows) {
  cala_tx *tx = begin_tx(books->ledger);
  char *answer =
      answer_of(books->ledger, tx, cala_tx_exec, statement(books, "SELECT note, amount FROM %s ORDER BY note", "[]"));
  char wanted[256];
  snprintf(wanted, sizeof wanted, "{\"columns\":[\"note\",\"amount\"],\"rows\":%s,\"affected\":0}", rows);
  assert_string_equal(answer, wanted);
  free(answer);
  commit(tx);
}

static void the_programs_rows_and_the_postings_land_together(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx;
  char *answer;
  int round;
  make_table(books);
  for (round = 0; round < 2; ++round) {
    tx = begin_tx(books->ledger);
    answer = answer_of(books->ledger, tx, cala_tx_exec,
                       statement(books, insert_of(books), round == 0 ? "[\"lost\", \"1\"]" : "[\"kept\", null]"));
    assert_string_equal(answer, "{\"columns\":[],\"rows\":[],\"affected\":1}");
    free(answer);
    transfer(books->ledger, tx, "4");
    if (round == 1) {
      commit(tx);
    } else {
      cala_tx_free(tx);
    }
  }
  expect_rows(books, "[[\"kept\",null]]");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 4);
}

static void a_refused_statement_is_told_in_the_stores_words(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  const int aborts = books->kind == STORE_POSTGRES;
  cala_tx *tx;
  cala_op *op;
  make_table(books);
  tx = begin_tx(books->ledger);
  refuse(books->ledger, tx, cala_tx_exec, statement(books, "SELEKT 1 FROM %s", "[]"), CALA_INVALID, "tx.statement");
  if (aborts) {
    refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_MISUSE, "transaction.aborted");
    cala_tx_free(tx);
    tx = begin_tx(books->ledger);
  }
  succeed(books->ledger, tx, cala_tx_exec, statement(books, insert_of(books), "[\"twice\", \"1\"]"));
  op = make_op(books->ledger, tx, cala_tx_exec, statement(books, insert_of(books), "[\"twice\", \"2\"]"));
  assert_int_equal(cala_op_run(op, -1, NULL), CALA_CONFLICT);
  expect_op_error(op, CALA_CONFLICT, "tx.constraint");
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), aborts ? CALA_TX_ABORTED : CALA_TX_USABLE);
  cala_op_free(op);
  cala_tx_free(tx);
}

static void behind_a_savepoint_the_transaction_stays_usable(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx;
  cala_op *op;
  make_table(books);
  tx = begin_with(books->ledger, "{\"savepoint\": true}");
  succeed(books->ledger, tx, cala_tx_exec, statement(books, insert_of(books), "[\"kept\", \"1\"]"));
  op = make_op(books->ledger, tx, cala_tx_exec, statement(books, insert_of(books), "[\"kept\", \"2\"]"));
  assert_int_equal(cala_op_run(op, -1, NULL), CALA_CONFLICT);
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
  cala_op_free(op);
  transfer(books->ledger, tx, "3");
  refuse(books->ledger, tx, cala_transaction_post,
         "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"1\", \"credit\": \"2\"}}", CALA_REJECTED,
         "posting.unbalanced");
  transfer(books->ledger, tx, "4");
  commit(tx);
  expect_rows(books, "[[\"kept\",\"1\"]]");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 7);
}

static void set_role(cala_ledger *ledger, cala_tx *tx, const char *role) {
  char request[120];
  snprintf(request, sizeof request, "{\"sql\": \"SET LOCAL ROLE %s\"}", role);
  succeed(ledger, tx, cala_tx_exec, request);
}

static void run_alone(cala_ledger *ledger, const char *sql, const char *role) {
  char request[240];
  char text[200];
  cala_tx *tx = begin_tx(ledger);
  snprintf(text, sizeof text, sql, role);
  snprintf(request, sizeof request, "{\"sql\": \"%s\"}", text);
  succeed(ledger, tx, cala_tx_exec, request);
  commit(tx);
}

/* Though the connection is not handed on after such a refusal. */
static void what_is_forbidden_is_no_lost_connection(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  char forbidden[512];
  char role[80];
  char usage[160];
  cala_tx *tx;
  cala_error *error = NULL;
  snprintf(forbidden, sizeof forbidden, "%s", transfer_request(NULL, "1"));
  snprintf(role, sizeof role, "nobody_%s", books->schema);
  snprintf(usage, sizeof usage, "GRANT USAGE ON SCHEMA %s TO %%s", books->schema);
  run_alone(books->ledger, "CREATE ROLE %s", role);
  run_alone(books->ledger, usage, role);
  tx = begin_with(books->ledger, "{\"savepoint\": true}");
  transfer(books->ledger, tx, "3");
  set_role(books->ledger, tx, role);
  refuse(books->ledger, tx, cala_transaction_post, forbidden, CALA_PERMISSION, "store.permission");
  set_role(books->ledger, tx, "NONE");
  transfer(books->ledger, tx, "4");
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 7);
  tx = begin_tx(books->ledger);
  transfer(books->ledger, tx, "5");
  set_role(books->ledger, tx, role);
  refuse(books->ledger, tx, cala_transaction_post, forbidden, CALA_PERMISSION, "store.permission");
  refuse(books->ledger, tx, cala_transaction_post, forbidden, CALA_MISUSE, "transaction.aborted");
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "transaction.aborted");
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 7);
  run_alone(books->ledger, "DROP OWNED BY %s", role);
  run_alone(books->ledger, "DROP ROLE %s", role);
}

static void statements_that_would_end_the_transaction_are_refused(void **state) {
  static const char *const statements[] = {"COMMIT",
                                           " /* well */ rollback",
                                           "-- no\\nBEGIN",
                                           "SAVEPOINT mine",
                                           "RELEASE mine",
                                           "end;",
                                           "SET search_path = a",
                                           "/* /* */ COMMIT",
                                           "/* /* */ */ COMMIT",
                                           "PREPARE TRANSACTION 'x'",
                                           "VACUUM",
                                           "; commit",
                                           "/*/**/*/COMMIT",
                                           "\xEF\xBB\xBF"
                                           "COMMIT",
                                           "\xEF\xBB\xBF"
                                           "PRAGMA foreign_keys = OFF",
                                           "-- x\\rCOMMIT\\n"};
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  char request[256];
  size_t i;
  transfer(books->ledger, tx, "2");
  for (i = 0; i < sizeof statements / sizeof *statements; ++i) {
    snprintf(request, sizeof request, "{\"sql\": \"%s\"}", statements[i]);
    refuse(books->ledger, tx, cala_tx_exec, request, CALA_INVALID, "tx.control_statement");
  }
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SELECT 1\", \"params\": [1]}", CALA_INVALID,
         "request.malformed");
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2);
}

/* SQLite ends the transaction itself: nothing of it stays, nothing more is taken, and no commit says otherwise. */
static void a_statement_that_rolls_back_ends_the_transaction(void **state) {
  static const char *const statements[] = {"INSERT OR ROLLBACK INTO %s VALUES ('twice', 2)",
                                           "UPDATE OR ROLLBACK %s SET note = 'twice'",
                                           "INSERT INTO %s VALUES ('forbidden', 3)"};
  struct ledger_fixture *books = fixture_open(state, "");
  size_t i;
  int savepoint;
  cala_tx *tx;
  make_table(books);
  tx = begin_tx(books->ledger);
  succeed(books->ledger, tx, cala_tx_exec, statement(books, "INSERT INTO %s VALUES ('twice', 1), ('other', 1)", "[]"));
  succeed(books->ledger, tx, cala_tx_exec,
          statement(books,
                    "CREATE TRIGGER forbids BEFORE INSERT ON %s WHEN NEW.note = 'forbidden' "
                    "BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
                    "[]"));
  commit(tx);
  for (i = 0; i < sizeof statements / sizeof *statements; ++i) {
    for (savepoint = 0; savepoint < 2; ++savepoint) {
      cala_error *error = NULL;
      cala_op *op;
      tx = begin_with(books->ledger, savepoint ? "{\"savepoint\": true}" : "{}");
      transfer(books->ledger, tx, "2");
      op = make_op(books->ledger, tx, cala_tx_exec, statement(books, statements[i], "[]"));
      assert_int_equal(cala_op_run(op, -1, NULL), CALA_CONFLICT);
      expect_op_error(op, CALA_CONFLICT, "tx.constraint");
      assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_ABORTED);
      cala_op_free(op);
      refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_MISUSE, "transaction.aborted");
      refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SELECT 1\"}", CALA_MISUSE, "transaction.aborted");
      expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "transaction.aborted");
      cala_tx_free(tx);
      assert_int_equal(count_of(books->ledger, "transactions"), 0);
    }
  }
  transfer(books->ledger, NULL, "1");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
  expect_rows(books, "[[\"other\",\"1\"],[\"twice\",\"1\"]]");
}

/* The server answers a procedure's COMMIT; a rollback undoes what came before. */
static void a_block_that_commits_is_refused(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  transfer(books->ledger, tx, "2");
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"DO $$ BEGIN COMMIT; END $$\"}", CALA_INVALID,
         "tx.control_statement");
  expect_ok(cala_tx_rollback(tx, &error), error);
  cala_tx_free(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
  tx = begin_tx(books->ledger);
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SELECT lastval()\"}", CALA_INVALID, "tx.statement");
  cala_tx_free(tx);
}

/* What a statement does to its connection is gone with the transaction, however it was said. */
static void a_session_is_not_handed_on(void **state) {
  static const char *const changes[] = {
      "SELECT set_config('search_path', 'pg_temp', false), set_config('client_encoding', 'LATIN1', false)",
      "DO $$ BEGIN SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = 4711000; END $$",
      "DO $$ BEGIN SET ROLE pg_monitor; SET default_transaction_isolation = 'serializable'; END $$",
      "SELECT pg_advisory_lock(4711)", "CREATE TEMPORARY TABLE mine (a int)"};
  static const char *const see =
      "{\"sql\": \"SELECT current_setting('client_encoding'), current_setting('default_transaction_read_only'), "
      "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711), to_regclass('pg_temp.mine'), "
      "current_user = session_user, current_setting('default_transaction_isolation'), "
      "current_setting('statement_timeout')\"}";
  struct ledger_fixture *books = fixture_open(state, ", \"pool\": {\"max\": 1}");
  char request[256];
  char *answer;
  cala_tx *tx;
  size_t i;
  for (i = 0; i < 2 * (sizeof changes / sizeof *changes); ++i) {
    const int round = (int)(i % 2);
    tx = begin_tx(books->ledger);
    snprintf(request, sizeof request, "{\"sql\": \"%s\"}", changes[i / 2]);
    succeed(books->ledger, tx, cala_tx_exec, request);
    if (round == 0) {
      cala_tx_free(tx); /* rolls back, which no advisory lock of a session heeds */
    } else {
      commit(tx);
    }
  }
  succeed(books->ledger, NULL, cala_account_create, "{\"code\": \"CAF\", \"name\": \"Caf\303\251\"}");
  answer = answer_of(books->ledger, NULL, cala_account_find, "{\"code\": \"CAF\"}");
  expect_contains(answer, "\"name\":\"Caf\303\251\"");
  free(answer);
  tx = begin_tx(books->ledger);
  answer = answer_of(books->ledger, tx, cala_tx_exec, see);
  expect_contains(answer, "\"rows\":[[\"UTF8\",\"off\",\"0\",null,\"t\",\"read committed\",\"0\"]]");
  free(answer);
  cala_tx_free(tx);
}

/* Its texts are UTF-8, and the server would take them for something else. */
static void in_another_encoding_the_ledger_does_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  static const char *const create = "{\"code\": \"CAF\", \"name\": \"Caf\303\251\"}";
  static const char *const gid = "caf\303\251";
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  char *answer;
  succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SET LOCAL client_encoding TO 'LATIN1'\"}");
  refuse(books->ledger, tx, cala_account_create, create, CALA_MISUSE, "tx.encoding");
  refuse(books->ledger, tx, cala_account_find, "{\"code\": \"BOB\"}", CALA_MISUSE, "tx.encoding");
  refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "2"), CALA_MISUSE, "tx.encoding");
  expect_error(cala_tx_prepare(tx, gid, strlen(gid), &error), error, CALA_MISUSE, "tx.encoding");
  succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SET LOCAL client_encoding TO 'UTF8'\"}");
  succeed(books->ledger, tx, cala_account_create, create);
  succeed(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "4"));
  commit(tx);
  answer = answer_of(books->ledger, NULL, cala_account_find, "{\"code\": \"CAF\"}");
  expect_contains(answer, "\"name\":\"Caf\303\251\"");
  free(answer);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 4);
}

static void a_temporary_table_is_not_handed_on(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  int round;
  for (round = 0; round < 2; ++round) {
    cala_tx *tx = begin_tx(books->ledger);
    succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"CREATE TEMPORARY TABLE cala_accounts (a int)\"}");
    commit(tx);
    transfer(books->ledger, NULL, "1");
  }
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2);
}

static void only_one_statement_at_a_time(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SELECT 1; SELECT 2\"}", CALA_INVALID, "tx.statement");
  cala_tx_free(tx);
  tx = begin_tx(books->ledger);
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SELECT 1\", \"params\": [\"too many\"]}", CALA_INVALID,
         "tx.statement");
  cala_tx_free(tx);
}

static void without_a_statement_nothing_is_lost(void **state) {
  static const char *const empty[] = {"{\"sql\": \"\"}", "{\"sql\": \" ;\"}", "{\"sql\": \"-- well\"}"};
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  size_t i;
  for (i = 0; i < sizeof empty / sizeof *empty; ++i) {
    cala_op *op = make_op(books->ledger, tx, cala_tx_exec, empty[i]);
    assert_int_equal(cala_op_run(op, -1, NULL), CALA_INVALID);
    expect_op_error(op, CALA_INVALID, "tx.statement");
    assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
    cala_op_free(op);
  }
  transfer(books->ledger, tx, "1");
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void a_flood_of_rows_is_refused(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  refuse(books->ledger, tx, cala_tx_exec,
         "{\"sql\": \"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001) SELECT i FROM "
         "n\"}",
         CALA_INVALID, "tx.too_many_rows");
  transfer(books->ledger, tx, "1");
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void they_need_a_transaction(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *hosted = host_tx(books->ledger, "{}");
  refuse(books->ledger, NULL, cala_tx_exec, "{\"sql\": \"SELECT 1\"}", CALA_MISUSE, "tx.required");
  refuse(books->ledger, hosted, cala_tx_exec, "{\"sql\": \"SELECT 1\"}", CALA_MISUSE, "tx.required");
  refuse(books->ledger, NULL, cala_tx_lock_accounts, "{\"keys\": []}", CALA_MISUSE, "tx.required");
  cala_tx_free(hosted);
}

static void accounts_are_locked_in_one_order(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  char *answer = answer_of(books->ledger, tx, cala_tx_lock_accounts, "{\"keys\": [" KEY(BOB) ", " KEY(ALICE) "]}");
  assert_true(strstr(answer, ALICE) < strstr(answer, BOB));
  free(answer);
  refuse(books->ledger, tx, cala_tx_lock_accounts,
         "{\"keys\": [{\"journal_id\": \"" ALICE "\", \"account_id\": \"" ALICE "\", \"currency\": \"USD\"}]}",
         CALA_NOT_FOUND, "journal.not_found");
  transfer(books->ledger, tx, "3");
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
}

static void bytes_come_out_as_digits(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  char *answer =
      answer_of(books->ledger, tx, cala_tx_exec,
                books->kind == STORE_POSTGRES ? "{\"sql\": \"SELECT '\\\\xff00'::bytea AS b, 1.50::numeric AS n\"}"
                                              : "{\"sql\": \"SELECT x'ff00' AS b, '1.50' AS n\"}");
  expect_contains(answer, "\"rows\":[[\"\\\\xff00\",\"1.50\"]]");
  free(answer);
  cala_tx_free(tx);
}

static void a_transaction_may_choose_its_isolation(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  char *answer;
  succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE\"}");
  answer = answer_of(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SHOW transaction_isolation\"}");
  expect_contains(answer, "serializable");
  free(answer);
  transfer(books->ledger, tx, "2");
  commit(tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2);
}

#define ON_BOTH(test) ON_SQLITE(test), ON_POSTGRES(test)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(the_programs_rows_and_the_postings_land_together),
      ON_BOTH(a_refused_statement_is_told_in_the_stores_words),
      ON_BOTH(behind_a_savepoint_the_transaction_stays_usable),
      ON_POSTGRES(what_is_forbidden_is_no_lost_connection),
      ON_BOTH(statements_that_would_end_the_transaction_are_refused),
      ON_BOTH(only_one_statement_at_a_time),
      ON_BOTH(without_a_statement_nothing_is_lost),
      ON_SQLITE(a_statement_that_rolls_back_ends_the_transaction),
      ON_POSTGRES(a_block_that_commits_is_refused),
      ON_POSTGRES(a_session_is_not_handed_on),
      ON_POSTGRES(in_another_encoding_the_ledger_does_nothing),
      ON_BOTH(a_temporary_table_is_not_handed_on),
      ON_BOTH(a_flood_of_rows_is_refused),
      ON_BOTH(they_need_a_transaction),
      ON_BOTH(accounts_are_locked_in_one_order),
      ON_BOTH(bytes_come_out_as_digits),
      ON_POSTGRES(a_transaction_may_choose_its_isolation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
