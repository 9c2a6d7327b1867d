/* A host that lends its own libpq connection: the ledger works inside its transaction with its copy of libpq. */
#include "ledger_fixture.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum store_kind own_connections = STORE_POSTGRES;

/* Where libpq's functions come from: this program's own copy, or another one that was loaded under another name. */
struct libpq {
  void *module; /* NULL: this program's */
  PGconn *(*connectdb)(const char *);
  void (*finish)(PGconn *);
  PGresult *(*exec)(PGconn *, const char *);
  void (*clear)(PGresult *);
  ExecStatusType (*result_status)(const PGresult *);
};

static struct libpq own = {NULL, PQconnectdb, PQfinish, PQexec, PQclear, PQresultStatus};

static void run_sql(const struct libpq *libpq, PGconn *connection, const char *sql) {
  PGresult *result = libpq->exec(connection, sql);
  const ExecStatusType status = libpq->result_status(result);
  libpq->clear(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) print_error("%s\n", sql);
  assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
}

static PGconn *connect_host(const struct libpq *libpq) {
  PGconn *connection = libpq->connectdb(getenv("CALA_TEST_POSTGRES"));
  run_sql(libpq, connection, "SET client_min_messages = error");
  run_sql(libpq, connection, "CREATE TABLE IF NOT EXISTS adopted_orders (note text)");
  run_sql(libpq, connection, "TRUNCATE adopted_orders");
  return connection;
}

static cala_tx *adopt(struct ledger_fixture *books, PGconn *connection, const char *options) {
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  expect_ok(cala_tx_adopt(books->ledger, connection, NULL, NULL, options, strlen(options), &tx, &error), error);
  assert_non_null(tx);
  return tx;
}

static long orders(PGconn *connection) {
  PGresult *result = PQexec(connection, "SELECT count(*) FROM adopted_orders");
  const long count = strtol(PQgetvalue(result, 0, 0), NULL, 10);
  PQclear(result);
  return count;
}

/* Statements of this database that wait for a lock; seen afresh only outside of a transaction. */
static long statements_waiting(PGconn *connection) {
  PGresult *result =
      PQexec(connection,
             "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
  const long count = strtol(PQgetvalue(result, 0, 0), NULL, 10);
  PQclear(result);
  return count;
}

static void the_row_and_the_posting_land_together(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  int round;
  for (round = 0; round < 2; ++round) {
    cala_tx *tx;
    run_sql(&own, connection, "BEGIN");
    run_sql(&own, connection, "INSERT INTO adopted_orders VALUES ('one')");
    tx = adopt(books, connection, "{}");
    transfer(books->ledger, tx, "4");
    assert_int_equal(units_of(books->ledger, tx, BOB), 4);
    assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
    cala_tx_free(tx);
    assert_int_equal(PQtransactionStatus(connection), PQTRANS_INTRANS);
    run_sql(&own, connection, round == 0 ? "ROLLBACK" : "COMMIT");
  }
  assert_int_equal(orders(connection), 1);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 4);
  PQfinish(connection);
}

static void a_rejection_leaves_the_transaction_usable(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  cala_tx *tx;
  run_sql(&own, connection, "BEGIN");
  tx = adopt(books, connection, "{}");
  refuse(books->ledger, tx, cala_transaction_post,
         "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"1\", \"credit\": \"2\"}}", CALA_REJECTED,
         "posting.unbalanced");
  run_sql(&own, connection, "INSERT INTO adopted_orders VALUES ('after')");
  run_sql(&own, connection, "COMMIT");
  cala_tx_free(tx);
  assert_int_equal(orders(connection), 1);
  PQfinish(connection);
}

static void a_refused_statement_aborts_unless_behind_a_savepoint(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  PGconn *other = connect_host(&own);
  cala_tx *holder;
  int savepoint;
  run_sql(&own, other, "BEGIN");
  holder = adopt(books, other, "{}");
  transfer(books->ledger, holder, "1");
  for (savepoint = 0; savepoint < 2; ++savepoint) {
    cala_tx *tx;
    cala_op *op;
    run_sql(&own, connection, "BEGIN");
    run_sql(&own, connection, "SET LOCAL lock_timeout = '50ms'");
    run_sql(&own, connection, "INSERT INTO adopted_orders VALUES ('one')");
    tx = adopt(books, connection, savepoint ? "{\"savepoint\": true}" : "{}");
    op = make_transfer(books->ledger, tx, "2");
    assert_int_equal(cala_op_run(op, -1, NULL), CALA_BUSY);
    expect_op_error(op, CALA_BUSY, "store.lock_timeout");
    assert_int_equal(cala_error_tx_state(cala_op_error(op)), savepoint ? CALA_TX_USABLE : CALA_TX_ABORTED);
    cala_op_free(op);
    if (!savepoint) {
      refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "2"), CALA_MISUSE, "transaction.aborted");
    }
    cala_tx_free(tx);
    run_sql(&own, connection, "COMMIT");
  }
  cala_tx_free(holder);
  run_sql(&own, other, "ROLLBACK");
  assert_int_equal(orders(connection), 1);
  PQfinish(connection);
  PQfinish(other);
}

static void expect_refused(struct ledger_fixture *books, void *connection, const char *options, cala_status status,
                           const char *code) {
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  expect_error(cala_tx_adopt(books->ledger, connection, NULL, NULL, options, strlen(options), &tx, &error), error,
               status, code);
  assert_null(tx);
}

static void what_cannot_be_adopted_is_refused(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  PGresult *result;
  cala_tx *tx;
  expect_refused(books, connection, "{}", CALA_MISUSE, "transaction.none");
  expect_refused(books, NULL, "{}", CALA_MISUSE, "call.misuse");
  expect_refused(books, connection, "{\"library\": \"/nowhere/libpq.so\"}", CALA_INVALID, "tx.libpq");
  expect_refused(books, connection, "{\"pool\": 1}", CALA_INVALID, "request.unknown_key");
  run_sql(&own, connection, "BEGIN");
  assert_int_equal(PQenterPipelineMode(connection), 1);
  expect_refused(books, connection, "{}", CALA_MISUSE, "tx.connection");
  assert_int_equal(PQexitPipelineMode(connection), 1);
  assert_int_equal(PQsendQuery(connection, "SELECT 1"), 1);
  expect_refused(books, connection, "{}", CALA_MISUSE, "tx.connection");
  while ((result = PQgetResult(connection)) != NULL) PQclear(result);
  PQclear(PQexec(connection, "SELECT 1 / 0"));
  expect_refused(books, connection, "{}", CALA_MISUSE, "transaction.aborted");
  run_sql(&own, connection, "ROLLBACK");
  /* The transaction ends while the handle is still there. */
  run_sql(&own, connection, "BEGIN");
  tx = adopt(books, connection, "{}");
  run_sql(&own, connection, "COMMIT");
  refuse(books->ledger, tx, cala_transaction_post, transfer_request(NULL, "2"), CALA_MISUSE, "transaction.none");
  cala_tx_free(tx);
  PQfinish(connection);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 0);
}

/* The server would take the ledger's UTF-8 for something else, and store that. */
static void another_encoding_is_refused(void **state) {
  static const char *const encodings[] = {"LATIN1", "WIN1252", "SJIS", "SQL_ASCII"};
  static const char *const create = "{\"code\": \"CAF\", \"name\": \"Caf\303\251\"}";
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  char *answer;
  cala_tx *tx;
  size_t i;
  for (i = 0; i < sizeof encodings / sizeof *encodings; ++i) {
    char sql[64];
    snprintf(sql, sizeof sql, "SET client_encoding TO '%s'", encodings[i]);
    run_sql(&own, connection, sql);
    run_sql(&own, connection, "BEGIN");
    expect_refused(books, connection, "{}", CALA_MISUSE, "tx.encoding");
    run_sql(&own, connection, "SET LOCAL client_encoding TO 'UTF8'");
    tx = adopt(books, connection, "{}");
    run_sql(&own, connection, sql); /* after it was adopted */
    refuse(books->ledger, tx, cala_account_create, create, CALA_MISUSE, "tx.encoding");
    run_sql(&own, connection, "SET LOCAL client_encoding TO 'UTF8'");
    if (i == 0) succeed(books->ledger, tx, cala_account_create, create);
    cala_tx_free(tx);
    run_sql(&own, connection, i == 0 ? "COMMIT" : "ROLLBACK");
  }
  answer = answer_of(books->ledger, NULL, cala_account_find, "{\"code\": \"CAF\"}");
  expect_contains(answer, "\"name\":\"Caf\303\251\"");
  free(answer);
  PQfinish(connection);
}

static void it_runs_on_the_callers_thread_only(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  cala_queue *queue = new_queue();
  cala_error *error = NULL;
  cala_tx *tx;
  cala_op *op;
  run_sql(&own, connection, "BEGIN");
  tx = adopt(books, connection, "{}");
  op = make_transfer(books->ledger, tx, "1");
  assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_MISUSE);
  assert_int_equal(cala_op_step(op), -CALA_MISUSE);
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "call.misuse");
  refuse(books->ledger, tx, cala_tx_exec, "{\"sql\": \"SELECT 1\"}", CALA_MISUSE, "tx.required");
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  expect_error(cala_op_run(op, -1, &error), error, CALA_CANCELLED, "op.cancelled");
  cala_op_free(op);
  cala_tx_free(tx);
  run_sql(&own, connection, "ROLLBACK");
  cala_queue_free(queue);
  PQfinish(connection);
}

struct waiting {
  cala_op *op;
  cala_status status;
};

static void *run_waiting(void *argument) {
  struct waiting *self = argument;
  self->status = cala_op_run(self->op, -1, NULL);
  return NULL;
}

/* A posting that waits for a lock which nobody gives up, so that only the cancel ends it. Says in which state that
 * leaves its transaction. */
static int32_t cancelled_while_it_waits(struct ledger_fixture *books, cala_tx *tx, PGconn *watch) {
  struct waiting waiting;
  pthread_t thread;
  int32_t left;
  waiting.op = make_transfer(books->ledger, tx, "2");
  assert_int_equal(pthread_create(&thread, NULL, run_waiting, &waiting), 0);
  while (statements_waiting(watch) == 0) usleep(1000);
  assert_int_equal(cala_op_cancel(waiting.op), CALA_OK);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(waiting.status, CALA_CANCELLED);
  expect_op_error(waiting.op, CALA_CANCELLED, "op.cancelled");
  left = cala_error_tx_state(cala_op_error(waiting.op));
  cala_op_free(waiting.op);
  return left;
}

static void a_waiting_statement_is_cancelled_from_another_thread(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  PGconn *other = connect_host(&own);
  PGconn *watch = connect_host(&own);
  cala_tx *holder;
  cala_tx *tx;
  run_sql(&own, other, "BEGIN");
  holder = adopt(books, other, "{}");
  transfer(books->ledger, holder, "1");
  run_sql(&own, connection, "BEGIN");
  tx = adopt(books, connection, "{}");
  assert_int_equal(cancelled_while_it_waits(books, tx, watch), CALA_TX_ABORTED);
  cala_tx_free(tx);
  cala_tx_free(holder);
  run_sql(&own, connection, "ROLLBACK");
  run_sql(&own, other, "COMMIT");
  PQfinish(connection);
  PQfinish(other);
  PQfinish(watch);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

/* With a savepoint the transaction goes back to before the operation, and goes on: what goes back is not cancelled. */
static void a_cancelled_operation_with_a_savepoint_leaves_the_transaction_open(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  PGconn *other = connect_host(&own);
  PGconn *watch = connect_host(&own);
  cala_tx *holder;
  cala_tx *tx;
  int round;
  run_sql(&own, other, "BEGIN");
  holder = adopt(books, other, "{}");
  transfer(books->ledger, holder, "1");
  run_sql(&own, connection, "BEGIN");
  tx = adopt(books, connection, "{\"savepoint\": true}");
  for (round = 0; round < 10; ++round) {
    assert_int_equal(cancelled_while_it_waits(books, tx, watch), CALA_TX_USABLE);
    assert_int_equal(units_of(books->ledger, tx, BOB), 0);
  }
  cala_tx_free(holder);
  run_sql(&own, other, "COMMIT");
  transfer(books->ledger, tx, "2");
  cala_tx_free(tx);
  run_sql(&own, connection, "COMMIT");
  PQfinish(connection);
  PQfinish(other);
  PQfinish(watch);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
}

static cala_function resolve_in(void *module, const char *name) {
  void *address = dlsym(module, name);
  cala_function function;
  memcpy(&function, &address, sizeof function);
  return function;
}

/* The path of the libpq that this program is linked to. */
static const char *libpq_path(void) {
  static Dl_info info;
  cala_function function = (cala_function)PQexecParams;
  void *address;
  memcpy(&address, &function, sizeof address);
  assert_int_not_equal(dladdr(address, &info), 0);
  return info.dli_fname;
}

/* A second copy of libpq in the process, under a name of its own, as drivers bring it. */
static struct libpq load_other(char *path, size_t size) {
  struct libpq other;
  char command[600];
  snprintf(path, size, "/tmp/cala-libpq-%ld.so", (long)getpid());
  snprintf(command, sizeof command, "cp '%s' %s", libpq_path(), path);
  assert_int_equal(system(command), 0);
  other.module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  assert_non_null(other.module);
#define FIND(member, name)                                    \
  do {                                                        \
    cala_function function_ = resolve_in(other.module, name); \
    memcpy(&other.member, &function_, sizeof other.member);   \
    assert_non_null(other.member);                            \
  } while (0)
  FIND(connectdb, "PQconnectdb");
  FIND(finish, "PQfinish");
  FIND(exec, "PQexec");
  FIND(clear, "PQclear");
  FIND(result_status, "PQresultStatus");
#undef FIND
  assert_true(other.exec != PQexec);
  return other;
}

static void two_copies_of_libpq_serve_two_connections(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  char path[128];
  char options[200];
  struct libpq other = load_other(path, sizeof path);
  PGconn *mine = connect_host(&own);
  PGconn *theirs = connect_host(&other);
  cala_error *error = NULL;
  cala_tx *tx;
  run_sql(&other, theirs, "BEGIN");
  snprintf(options, sizeof options, "{\"library\": \"%s\"}", path);
  tx = adopt(books, theirs, options);
  transfer(books->ledger, tx, "1");
  cala_tx_free(tx);
  run_sql(&other, theirs, "COMMIT");
  run_sql(&own, mine, "BEGIN");
  tx = adopt(books, mine, "{}");
  transfer(books->ledger, tx, "2");
  cala_tx_free(tx);
  run_sql(&own, mine, "COMMIT");
  run_sql(&other, theirs, "BEGIN");
  expect_ok(cala_tx_adopt(books->ledger, theirs, resolve_in, other.module, NULL, 0, &tx, &error), error);
  transfer(books->ledger, tx, "4");
  cala_tx_free(tx);
  run_sql(&other, theirs, "COMMIT");
  assert_int_equal(units_of(books->ledger, NULL, BOB), 7);
  own.finish(mine);
  other.finish(theirs);
  dlclose(other.module);
  unlink(path);
}

static cala_function resolve_nothing(void *user, const char *name) {
  (void)user;
  (void)name;
  return NULL;
}

static void a_resolver_that_knows_nothing_is_told_so(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  PGconn *connection = connect_host(&own);
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  run_sql(&own, connection, "BEGIN");
  expect_error(cala_tx_adopt(books->ledger, connection, resolve_nothing, NULL, NULL, 0, &tx, &error), error,
               CALA_INVALID, "tx.libpq");
  run_sql(&own, connection, "ROLLBACK");
  PQfinish(connection);
}

static void a_ledger_without_connections_adopts_too(void **state) {
  struct ledger_fixture *books = fixture_prepare(*(const enum store_kind *)*state);
  PGconn *connection = connect_host(&own);
  const struct book_step *step;
  char config[200];
  cala_tx *tx;
  snprintf(config, sizeof config, "{\"store\": \"host:postgres\", \"schema\": \"%s\"}", books->schema);
  books->ledger = open_ledger(config);
  run_sql(&own, connection, "BEGIN");
  tx = adopt(books, connection, "{}");
  succeed(books->ledger, tx, cala_ledger_migrate, "{}");
  for (step = books_steps; step->operation != NULL; ++step) succeed(books->ledger, tx, step->operation, step->request);
  transfer(books->ledger, tx, "5");
  assert_int_equal(units_of(books->ledger, tx, BOB), 5);
  cala_tx_free(tx);
  run_sql(&own, connection, "COMMIT");
  PQfinish(connection);
}

static void a_ledger_on_sqlite_adopts_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  expect_refused(books, &own, "{}", CALA_UNSUPPORTED, "tx.not_postgres");
}

#define ON_LIBPQ(test) \
  { #test, test, NULL, fixture_teardown, &own_connections }

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_LIBPQ(the_row_and_the_posting_land_together),
      ON_LIBPQ(a_rejection_leaves_the_transaction_usable),
      ON_LIBPQ(a_refused_statement_aborts_unless_behind_a_savepoint),
      ON_LIBPQ(what_cannot_be_adopted_is_refused),
      ON_LIBPQ(another_encoding_is_refused),
      ON_LIBPQ(it_runs_on_the_callers_thread_only),
      ON_LIBPQ(a_waiting_statement_is_cancelled_from_another_thread),
      ON_LIBPQ(a_cancelled_operation_with_a_savepoint_leaves_the_transaction_open),
      ON_LIBPQ(two_copies_of_libpq_serve_two_connections),
      ON_LIBPQ(a_resolver_that_knows_nothing_is_told_so),
      ON_LIBPQ(a_ledger_without_connections_adopts_too),
      ON_SQLITE(a_ledger_on_sqlite_adopts_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
