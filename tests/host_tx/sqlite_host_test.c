/* A program with an SQLite connection of its own, which is another copy of SQLite than the ledger's: the system's
 * shared one. The ledger has the same file open, or, as host:sqlite, no connection at all. */
#include "host_claims.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 2, POSTINGS = 25 };

enum mode { LEDGER_HAS_THE_FILE, HOST_FILE, HOST_MEMORY };
static enum mode same_file = LEDGER_HAS_THE_FILE;
static enum mode host_file = HOST_FILE;
static enum mode host_memory = HOST_MEMORY;

struct till {
  sqlite3 *db;
  char *answer; /* of the last statement */
  int changing;
};

static struct till till;
static struct till outside;
static struct shop shop;

static void refused(struct host_answer *answer, sqlite3 *db) {
  answer->failed = 1;
  answer->message = sqlite3_errmsg(db);
  switch (sqlite3_errcode(db)) {
    case SQLITE_BUSY: answer->sqlstate = "SQLITE_BUSY"; break;
    case SQLITE_CONSTRAINT: answer->sqlstate = "SQLITE_CONSTRAINT"; break;
    default: break;
  }
}

static int bind_all(sqlite3_stmt *statement, const cala_op *op) {
  int32_t i;
  if (sqlite3_bind_parameter_count(statement) != cala_op_param_count(op)) return 0;
  for (i = 0; i < cala_op_param_count(op); ++i) {
    size_t len = 0;
    const char *text = cala_op_param(op, i, &len);
    if (sqlite3_bind_text(statement, i + 1, text, (int)len, SQLITE_TRANSIENT) != SQLITE_OK) return 0;
  }
  return 1;
}

static void execute(void *connection, const cala_op *op, struct host_answer *answer) {
  struct till *self = connection;
  sqlite3_stmt *statement = NULL;
  size_t len = 0;
  const char *sql = cala_op_sql(op, &len);
  int result;
  assert_int_equal(strlen(sql), len);
  if (sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL) != SQLITE_OK) {
    refused(answer, self->db);
    return;
  }
  assert_true(bind_all(statement, op));
  if (!sqlite3_stmt_readonly(statement)) self->changing += 1;
  assert_int_equal(cala_op_sql_returns_row(op), sqlite3_column_count(statement) == 1);
  result = sqlite3_step(statement);
  if (result == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    free(self->answer);
    self->answer = text != NULL ? strdup(text) : NULL;
    answer->text = self->answer;
    answer->text_len = self->answer != NULL ? strlen(self->answer) : 0;
    assert_int_equal(sqlite3_step(statement), SQLITE_DONE);
  } else if (result != SQLITE_DONE) {
    refused(answer, self->db);
  }
  sqlite3_finalize(statement);
}

static void run_sql(void *connection, const char *text) {
  struct till *self = connection;
  char *message = NULL;
  if (sqlite3_exec(self->db, text, NULL, NULL, &message) != SQLITE_OK) print_error("%s: %s\n", text, message);
  assert_null(message);
}

static long read_number(void *connection, const char *text) {
  struct till *self = connection;
  sqlite3_stmt *statement = NULL;
  long number;
  assert_int_equal(sqlite3_prepare_v2(self->db, text, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  number = (long)sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return number;
}

static int changing_statements(void *connection) { return ((struct till *)connection)->changing; }

static void open_till(struct till *self, const char *path) {
  memset(self, 0, sizeof *self);
  assert_int_equal(sqlite3_open(path, &self->db), SQLITE_OK);
  sqlite3_busy_timeout(self->db, 20000);
}

static void close_till(struct till *self) {
  sqlite3_close(self->db);
  free(self->answer);
  memset(self, 0, sizeof *self);
}

static struct shop *open_sqlite_shop(void **state) {
  const enum mode mode = *(const enum mode *)*state;
  struct ledger_fixture *books;
  memset(&shop, 0, sizeof shop);
  if (mode == LEDGER_HAS_THE_FILE) {
    void *kind = &on_sqlite;
    books = fixture_open(&kind, "");
  } else {
    books = fixture_prepare(STORE_SQLITE);
    books->ledger = open_ledger("{\"store\": \"host:sqlite\"}");
  }
  open_till(&till, mode == HOST_MEMORY ? ":memory:" : books->file);
  shop.ledger = books->ledger;
  shop.dialect = "{}";
  shop.connection = &till;
  shop.execute = execute;
  shop.sql = run_sql;
  shop.number = read_number;
  shop.changing_statements = changing_statements;
  shop.count_transactions = "SELECT count(*) FROM cala_transactions";
  shop.count_events = "SELECT count(*) FROM cala_outbox_events WHERE type = 'transaction_created'";
  if (mode != LEDGER_HAS_THE_FILE) {
    cala_tx *tx = host_tx(shop.ledger, "{}");
    if (mode == HOST_FILE) run_sql(&till, "PRAGMA journal_mode = WAL");
    run_sql(&till, "BEGIN");
    hosted(&shop, tx, cala_ledger_migrate, "{}");
    hosted_books(&shop);
    run_sql(&till, "COMMIT");
    cala_tx_free(tx);
  }
  run_sql(&till, "CREATE TABLE orders (n INTEGER PRIMARY KEY, note TEXT NOT NULL)");
  if (mode != HOST_MEMORY) {
    open_till(&outside, books->file);
    shop.outside = &outside;
  }
  till.changing = 0;
  return &shop;
}

shop_open_fn open_shop = open_sqlite_shop;

static int close_shop(void **state) {
  int sound = 1;
  if (till.db != NULL) {
    sqlite3_stmt *statement = NULL;
    sqlite3_exec(till.db, "ROLLBACK", NULL, NULL, NULL);
    sound = sqlite3_prepare_v2(till.db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    sqlite3_finalize(statement);
  }
  close_till(&outside);
  close_till(&till);
  fixture_teardown(state);
  if (!sound) print_error("integrity_check is not ok\n");
  return sound ? 0 : -1;
}

static void nothing_is_written_when_others_write_between_the_statements(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_op *op = make_transfer(shop.ledger, tx, "4");
  struct host_answer answer;
  int32_t step = cala_op_step(op);
  /* No BEGIN. The driver's statements go one by one, and right before the last one somebody else posts. */
  while (step == CALA_STEP_NEED_QUERY) {
    if (strstr(cala_op_sql_name(op), "write") != NULL) transfer(shop.ledger, NULL, "1");
    memset(&answer, 0, sizeof answer);
    execute(&till, op, &answer);
    step = answer.failed ? cala_op_feed_error(op, answer.sqlstate, answer.message)
                         : cala_op_feed(op, answer.text, answer.text_len);
  }
  assert_int_equal(step, CALA_STEP_FAILED);
  expect_op_error(op, CALA_MISUSE, "transaction.none");
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
  cala_op_free(op);
  cala_tx_free(tx);
  assert_int_equal(read_number(&till, shop.count_transactions), 1);
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 1);
}

static void the_ledger_sees_what_the_host_committed(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  run_sql(&till, "BEGIN IMMEDIATE");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 0);
  run_sql(&till, "COMMIT");
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 4);
  transfer(shop.ledger, NULL, "1");
  run_sql(&till, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "2"));
  run_sql(&till, "COMMIT");
  cala_tx_free(tx);
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 7);
}

static void a_busy_file_is_told_as_busy(void **state) {
  open_shop(state);
  cala_tx *own = begin_tx(shop.ledger);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_op *op = make_transfer(shop.ledger, tx, "4");
  sqlite3_busy_timeout(till.db, 0);
  run_sql(&till, "BEGIN");
  assert_int_equal(host_drive(op, execute, &till, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_BUSY, "store.busy");
  assert_int_equal(cala_error_retryable(cala_op_error(op)), 1);
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_RETRY);
  run_sql(&till, "ROLLBACK");
  cala_op_free(op);
  cala_tx_free(tx);
  cala_tx_free(own);
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 0);
}

static void *post_beside(void *argument) {
  long *failures = argument;
  int i;
  for (i = 0; i < POSTINGS; ++i) {
    const char *request = transfer_request(NULL, "1");
    cala_op *op = NULL;
    if (cala_transaction_post(shop.ledger, NULL, request, strlen(request), &op, NULL) != CALA_OK ||
        cala_op_run(op, -1, NULL) != CALA_OK) {
      *failures += 1;
    }
    cala_op_free(op);
  }
  return NULL;
}

static void both_copies_of_sqlite_write_to_one_file(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  pthread_t threads[THREADS];
  long failures[THREADS] = {0};
  int i;
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, post_beside, &failures[i]), 0);
  for (i = 0; i < POSTINGS; ++i) {
    struct till short_lived; /* closing a descriptor drops every lock that this process has by fcntl */
    run_sql(&till, "BEGIN IMMEDIATE");
    run_sql(&till, "INSERT INTO orders (note) VALUES ('beside')");
    open_till(&short_lived, sqlite3_db_filename(till.db, "main"));
    assert_true(read_number(&short_lived, "SELECT count(*) FROM cala_accounts") == 3);
    close_till(&short_lived);
    hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "1"));
    run_sql(&till, i % 5 == 4 ? "ROLLBACK" : "COMMIT");
  }
  for (i = 0; i < THREADS; ++i) {
    pthread_join(threads[i], NULL);
    assert_int_equal(failures[i], 0);
  }
  cala_tx_free(tx);
  assert_int_equal(read_number(&till, "SELECT count(*) FROM orders"), POSTINGS * 4 / 5);
  assert_int_equal(read_number(&till, shop.count_transactions), POSTINGS * 4 / 5 + THREADS * POSTINGS);
  assert_int_equal(units_of(shop.ledger, NULL, BOB), POSTINGS * 4 / 5 + THREADS * POSTINGS);
}

static void a_ledger_without_a_connection_says_so(void **state) {
  open_shop(state);
  cala_op *op = NULL;
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  char *answer;
  cala_status status = cala_ledger_info(shop.ledger, NULL, "{}", 2, &op, &error);
  if (status == CALA_OK) status = cala_op_run(op, -1, &error);
  expect_error(status, error, CALA_MISUSE, "op.host_only");
  cala_op_free(op);
  expect_error(cala_tx_begin(shop.ledger, NULL, 0, &tx, &error), error, CALA_MISUSE, "op.host_only");
  assert_null(tx);
  answer = answer_of(shop.ledger, NULL, cala_cel_evaluate, "{\"expr\": \"1 + 1\"}"); /* no store is asked */
  expect_contains(answer, "2");
  free(answer);
}

static void where_nothing_may_be_written_a_preview_answers_and_a_posting_says_so(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  char *answer;
  run_sql(&till, "PRAGMA query_only = ON");
  run_sql(&till, "BEGIN");
  answer = hosted_answer(&shop, tx, cala_transaction_preview, transfer_request(NULL, "4"));
  expect_contains(answer, "\"would_post\":true");
  free(answer);
  hosted_error(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"), CALA_PERMISSION, "store.read_only",
               CALA_TX_USABLE);
  run_sql(&till, "ROLLBACK");
  run_sql(&till, "PRAGMA query_only = OFF");
  cala_tx_free(tx);
}

static void migrating_twice_changes_nothing(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  char *answer = hosted_answer(&shop, tx, cala_ledger_migrate, "{}");
  expect_contains(answer, "\"from_version\":");
  assert_int_equal(till.changing, 0);
  free(answer);
  answer = hosted_answer(&shop, tx, cala_ledger_info, "{}");
  expect_contains(answer, "\"store\":\"sqlite\"");
  expect_contains(answer, "\"accounts\":3");
  free(answer);
  cala_tx_free(tx);
}

static void each_dialect_has_one_placeholder(void **state) {
  static const char *const dialects[] = {"dollar", "qmark", "percent"};
  static const char *const placeholders[] = {"$1", "?", "%s"};
  size_t i;
  size_t j;
  open_shop(state);
  for (i = 0; i < 3; ++i) {
    char options[64];
    cala_tx *tx;
    cala_op *op;
    const char *sql;
    snprintf(options, sizeof options, "{\"dialect\": \"%s\"}", dialects[i]);
    tx = host_tx(shop.ledger, options);
    op = make_op(shop.ledger, tx, cala_account_find, "{\"code\": \"BOB\"}");
    assert_int_equal(cala_op_step(op), CALA_STEP_NEED_QUERY);
    sql = cala_op_sql(op, NULL);
    for (j = 0; j < 3; ++j) assert_int_equal(strstr(sql, placeholders[j]) != NULL, i == j);
    cala_op_free(op);
    cala_tx_free(tx);
  }
}

static void an_unknown_dialect_is_refused(void **state) {
  static const char *const options = "{\"dialect\": \"colon\"}";
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  open_shop(state);
  expect_error(cala_tx_host(shop.ledger, options, strlen(options), &tx, &error), error, CALA_INVALID,
               "request.malformed");
  assert_null(tx);
}

#define IN(mode, test) \
  { #test " (" #mode ")", test, NULL, close_shop, &mode }
#define IN_EACH(test) IN(same_file, test), IN(host_file, test), IN(host_memory, test)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_EACH(committing_leaves_the_row_and_the_posting),
      IN_EACH(rolling_back_leaves_neither),
      IN_EACH(an_operation_left_between_two_steps_leaves_nothing),
      IN_EACH(a_cancelled_operation_leaves_nothing),
      IN_EACH(a_rejected_posting_leaves_the_transaction_usable),
      IN_EACH(a_taken_code_is_told_as_such),
      IN_EACH(two_operations_in_one_transaction_are_busy),
      IN_EACH(the_same_id_answers_with_the_first_result),
      IN_EACH(what_is_posted_is_seen_inside_and_not_outside),
      cmocka_unit_test(every_operation_that_writes_is_tried),
      IN_EACH(each_operation_writes_once_and_last),
      IN_EACH(a_prune_writes_once_and_last),
      IN_EACH(a_batch_lands_as_one),
      IN_EACH(told_that_there_is_no_transaction_nothing_that_writes_is_asked),
      IN_EACH(a_template_that_was_rolled_back_is_forgotten),
      IN_EACH(a_savepoint_around_each_operation_changes_no_answer),
      IN_EACH(locking_first_locks_and_names_what_is_missing),
      IN_EACH(the_library_runs_nothing_of_a_host_transaction),
      IN(same_file, nothing_is_written_when_others_write_between_the_statements),
      IN(same_file, the_ledger_sees_what_the_host_committed),
      IN(same_file, a_busy_file_is_told_as_busy),
      IN_EACH(where_nothing_may_be_written_a_preview_answers_and_a_posting_says_so),
      IN(same_file, both_copies_of_sqlite_write_to_one_file),
      IN(host_file, a_ledger_without_a_connection_says_so),
      IN(host_memory, migrating_twice_changes_nothing),
      IN(same_file, each_dialect_has_one_placeholder),
      IN(host_memory, an_unknown_dialect_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
