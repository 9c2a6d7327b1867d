/* A program with a libpq connection of its own. The ledger has connections to the same database, or, as host:postgres,
 * none at all. */
#include "host_claims.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mode { LEDGER_HAS_CONNECTIONS, HOST_ONLY };
static enum mode same_database = LEDGER_HAS_CONNECTIONS;
static enum mode host_only = HOST_ONLY;

enum { MAX_PARAMETERS = 8 };

struct desk {
  PGconn *connection;
  PGresult *last;
};

static struct desk desk;
static struct desk outside;
static struct shop shop;
static char count_transactions[160];
static char count_events[200];
static char schema[64];

static void execute(void *connection, const cala_op *op, struct host_answer *answer) {
  struct desk *self = connection;
  const char *values[MAX_PARAMETERS];
  const int32_t count = cala_op_param_count(op);
  int32_t i;
  assert_true(count >= 0 && count <= MAX_PARAMETERS);
  for (i = 0; i < count; ++i) values[i] = cala_op_param(op, i, NULL);
  PQclear(self->last);
  self->last = PQexecParams(self->connection, cala_op_sql(op, NULL), count, NULL, values, NULL, NULL, 0);
  switch (PQresultStatus(self->last)) {
    case PGRES_COMMAND_OK: assert_int_equal(cala_op_sql_returns_row(op), 0); break;
    case PGRES_TUPLES_OK:
      assert_int_equal(cala_op_sql_returns_row(op), 1);
      assert_int_equal(PQntuples(self->last), 1);
      assert_int_equal(PQnfields(self->last), 1);
      if (PQgetisnull(self->last, 0, 0)) break;
      answer->text = PQgetvalue(self->last, 0, 0);
      answer->text_len = (size_t)PQgetlength(self->last, 0, 0);
      break;
    default:
      answer->failed = 1;
      answer->sqlstate = PQresultErrorField(self->last, PG_DIAG_SQLSTATE);
      answer->message = PQresultErrorField(self->last, PG_DIAG_MESSAGE_PRIMARY);
  }
}

static void run_sql(void *connection, const char *text) {
  struct desk *self = connection;
  PGresult *result = PQexec(self->connection, text);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    print_error("%s: %s", text, PQresultErrorMessage(result));
  PQclear(result);
  assert_true(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
}

static long read_number(void *connection, const char *text) {
  struct desk *self = connection;
  PGresult *result = PQexec(self->connection, text);
  long number = -1;
  if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
    number = strtol(PQgetvalue(result, 0, 0), NULL, 10);
  } else {
    print_error("%s: %s", text, PQresultErrorMessage(result));
  }
  PQclear(result);
  assert_true(number >= 0);
  return number;
}

static void ignore_notice(void *unused, const PGresult *result) {
  (void)unused;
  (void)result;
}

static void open_desk(struct desk *self) {
  memset(self, 0, sizeof *self);
  self->connection = PQconnectdb(getenv("CALA_TEST_POSTGRES"));
  if (PQstatus(self->connection) != CONNECTION_OK) print_error("%s", PQerrorMessage(self->connection));
  assert_int_equal(PQstatus(self->connection), CONNECTION_OK);
  PQsetNoticeReceiver(self->connection, ignore_notice, NULL);
}

static void close_desk(struct desk *self) {
  PQclear(self->last);
  PQfinish(self->connection);
  memset(self, 0, sizeof *self);
}

/* Connected to an empty schema; the ledger has no connection and no tables yet. */
static void open_bare_shop(struct ledger_fixture *books) {
  char text[200];
  if (books->ledger == NULL) {
    snprintf(text, sizeof text, "{\"store\": \"host:postgres\", \"schema\": \"%s\"}", books->schema);
    books->ledger = open_ledger(text);
  }
  snprintf(schema, sizeof schema, "%s", books->schema);
  snprintf(count_transactions, sizeof count_transactions, "SELECT count(*) FROM %s.transactions", schema);
  snprintf(count_events, sizeof count_events,
           "SELECT count(*) FROM %s.outbox_events WHERE type = 'transaction_created'", schema);
  open_desk(&desk);
  open_desk(&outside);
  shop.ledger = books->ledger;
  shop.dialect = "{}";
  shop.connection = &desk;
  shop.outside = &outside;
  shop.execute = execute;
  shop.sql = run_sql;
  shop.number = read_number;
  shop.count_transactions = count_transactions;
  shop.count_events = count_events;
  run_sql(&desk, "DROP TABLE IF EXISTS orders");
  run_sql(&desk, "CREATE TABLE orders (n bigserial PRIMARY KEY, note text NOT NULL)");
}

static struct shop *open_postgres_shop(void **state) {
  memset(&shop, 0, sizeof shop);
  if (*(const enum mode *)*state == LEDGER_HAS_CONNECTIONS) {
    void *kind = &on_postgres;
    open_bare_shop(fixture_open(&kind, ""));
    return &shop;
  }
  open_bare_shop(fixture_prepare(STORE_POSTGRES));
  {
    cala_tx *tx = host_tx(shop.ledger, "{}");
    char *answer;
    run_sql(&desk, "BEGIN");
    answer = hosted_answer(&shop, tx, cala_ledger_migrate, "{}");
    expect_contains(answer, "\"from_version\":0,");
    free(answer);
    hosted_books(&shop);
    run_sql(&desk, "COMMIT");
    cala_tx_free(tx);
  }
  return &shop;
}

shop_open_fn open_shop = open_postgres_shop;

static int close_shop(void **state) {
  char text[128];
  fixture_teardown(state);
  if (desk.connection != NULL) {
    PQclear(PQexec(desk.connection, "ROLLBACK"));
    snprintf(text, sizeof text, "DROP SCHEMA IF EXISTS %s CASCADE", schema);
    PQclear(PQexec(desk.connection, text));
  }
  close_desk(&desk);
  close_desk(&outside);
  return 0;
}

static void without_a_transaction_nothing_is_written(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_op *op = make_transfer(shop.ledger, tx, "4");
  assert_int_equal(host_drive(op, execute, &desk, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_MISUSE, "transaction.none");
  cala_op_free(op);
  assert_int_equal(read_number(&desk, shop.count_transactions), 0);
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  run_sql(&desk, "COMMIT");
  assert_int_equal(read_number(&desk, shop.count_transactions), 1);
  cala_tx_free(tx);
}

/* As a pool does that hands out another connection for every statement. */
static void two_connections_are_no_transaction_either(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_op *op = make_transfer(shop.ledger, tx, "4");
  struct desk *turns[2] = {&desk, &outside};
  struct host_answer answer;
  int turn = 0;
  int32_t step = cala_op_step(op);
  run_sql(&desk, "BEGIN");
  while (step == CALA_STEP_NEED_QUERY) {
    const int writes = strstr(cala_op_sql_name(op), "write") != NULL;
    if (writes) {
      run_sql(&desk, "COMMIT"); /* or its locks would hold up the other */
      run_sql(&outside, "BEGIN");
      turn = 1;
    }
    memset(&answer, 0, sizeof answer);
    execute(turns[turn], op, &answer);
    step = answer.failed ? cala_op_feed_error(op, answer.sqlstate, answer.message)
                         : cala_op_feed(op, answer.text, answer.text_len);
  }
  assert_int_equal(step, CALA_STEP_FAILED);
  expect_op_error(op, CALA_MISUSE, "transaction.none");
  run_sql(&outside, "ROLLBACK");
  cala_op_free(op);
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, shop.count_transactions), 0);
}

static void a_failed_statement_aborts_the_transaction(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  run_sql(&desk, "BEGIN");
  PQclear(PQexec(desk.connection, "SELECT 1 / 0"));
  hosted_error(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"), CALA_MISUSE, "transaction.aborted",
               CALA_TX_ABORTED);
  run_sql(&desk, "ROLLBACK");
  run_sql(&desk, "BEGIN READ ONLY");
  hosted_error(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"), CALA_PERMISSION, "store.read_only",
               CALA_TX_ABORTED);
  run_sql(&desk, "ROLLBACK");
  run_sql(&desk, "BEGIN READ ONLY");
  hosted_error(&shop, tx, cala_transaction_preview, transfer_request(NULL, "4"), CALA_PERMISSION, "store.read_only",
               CALA_TX_ABORTED);
  run_sql(&desk, "ROLLBACK");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_preview, transfer_request(NULL, "4"));
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  run_sql(&desk, "COMMIT");
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, shop.count_transactions), 1);
}

static void a_lock_that_is_waited_for_too_long_says_so(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_tx *second = host_tx(shop.ledger, "{}");
  cala_op *op = make_transfer(shop.ledger, second, "2");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  run_sql(&outside, "BEGIN");
  run_sql(&outside, "SET LOCAL lock_timeout = '50ms'");
  assert_int_equal(host_drive(op, execute, &outside, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_BUSY, "store.lock_timeout");
  assert_string_equal(cala_error_sqlstate(cala_op_error(op)), "55P03");
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_ABORTED);
  assert_int_equal(cala_error_retryable(cala_op_error(op)), 1);
  run_sql(&outside, "ROLLBACK");
  run_sql(&desk, "COMMIT");
  cala_op_free(op);
  cala_tx_free(tx);
  cala_tx_free(second);
  assert_int_equal(read_number(&desk, shop.count_transactions), 1);
}

static void a_savepoint_undoes_a_posting(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "1"));
  run_sql(&desk, "SAVEPOINT before_the_second");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "2"));
  run_sql(&desk, "ROLLBACK TO before_the_second");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  run_sql(&desk, "COMMIT");
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, shop.count_transactions), 2);
}

/* The other connection waits for the whole set, so the two cannot hold halves of it against each other. */
static void locked_accounts_are_waited_for(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_tx *second = host_tx(shop.ledger, "{}");
  cala_op *op = make_op(shop.ledger, second, cala_tx_lock_accounts, "{\"keys\": [" KEY(BOB) ", " KEY(ALICE) "]}");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_tx_lock_accounts, "{\"keys\": [" KEY(ALICE) ", " KEY(BOB) "]}");
  run_sql(&outside, "BEGIN");
  run_sql(&outside, "SET LOCAL lock_timeout = '50ms'");
  assert_int_equal(host_drive(op, execute, &outside, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_BUSY, "store.lock_timeout");
  run_sql(&outside, "ROLLBACK");
  run_sql(&desk, "COMMIT");
  cala_op_free(op);
  /* Without a transaction there is nothing that could hold a lock. */
  hosted_error(&shop, tx, cala_tx_lock_accounts, "{\"keys\": [" KEY(ALICE) "]}", CALA_MISUSE, "transaction.none",
               CALA_TX_USABLE);
  cala_tx_free(tx);
  cala_tx_free(second);
}

static void behind_a_savepoint_a_refused_statement_leaves_the_transaction_usable(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_tx *second = host_tx(shop.ledger, "{\"savepoint\": true}");
  cala_op *op = make_transfer(shop.ledger, second, "2");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  run_sql(&outside, "BEGIN");
  run_sql(&outside, "SET LOCAL lock_timeout = '50ms'");
  run_sql(&outside, "INSERT INTO orders (note) VALUES ('before')");
  assert_int_equal(host_drive(op, execute, &outside, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_BUSY, "store.lock_timeout");
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
  cala_op_free(op);
  run_sql(&desk, "COMMIT");
  op = make_transfer(shop.ledger, second, "2");
  assert_int_equal(host_drive(op, execute, &outside, 0, NULL), CALA_STEP_DONE);
  run_sql(&outside, "COMMIT");
  cala_op_free(op);
  cala_tx_free(tx);
  cala_tx_free(second);
  assert_int_equal(read_number(&desk, shop.count_transactions), 2);
  assert_int_equal(read_number(&desk, "SELECT count(*) FROM orders"), 1);
}

struct change {
  operation_fn operation;
  const char *request; /* NULL: a transfer */
  const char *refused; /* what a posting is told that sees the change; NULL: it is posted */
};

static void change_elsewhere(const struct change *change) {
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_op *op = make_op(shop.ledger, tx, change->operation,
                        change->request != NULL ? change->request : transfer_request(NULL, "1"));
  run_sql(&outside, "BEGIN");
  assert_int_equal(host_drive(op, execute, &outside, 0, NULL), CALA_STEP_DONE);
  run_sql(&outside, "COMMIT");
  cala_op_free(op);
  cala_tx_free(tx);
}

/* A snapshot that is older than what another transaction committed is found out and never posted on: not a balance, not
 * its birth, not a lock on an account or on the journal. */
static void an_old_snapshot_is_never_posted_on(void **state) {
  static const struct change changes[] = {
      {cala_transaction_post, NULL, NULL},
      {cala_transaction_post, NULL, NULL},
      {cala_account_lock, "{\"id\": \"" BOB "\"}", "account.locked"},
      {cala_account_unlock, "{\"id\": \"" BOB "\"}", NULL},
      {cala_journal_lock, "{\"id\": \"" JOURNAL "\"}", "journal.locked"},
      {cala_journal_unlock, "{\"id\": \"" JOURNAL "\"}", NULL},
      {cala_journal_close, "{\"id\": \"" JOURNAL "\", \"until\": \"9999-12-31\"}", "journal.closed"},
      {cala_journal_reopen, "{\"id\": \"" JOURNAL "\", \"until\": null}", NULL},
  };
  static const char *const begins[] = {"BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE"};
  enum { CHANGES = sizeof changes / sizeof *changes };
  long posted = 0;
  size_t i;
  cala_tx *tx;
  open_shop(state);
  tx = host_tx(shop.ledger, "{}");
  for (i = 0; i < 2 * CHANGES; ++i) {
    const struct change *change = &changes[i % CHANGES];
    const char *posting = transfer_request(NULL, "1");
    run_sql(&desk, begins[i / CHANGES]);
    read_number(&desk, "SELECT count(*) FROM orders");
    change_elsewhere(change);
    posted += change->request == NULL;
    hosted_error(&shop, tx, cala_transaction_post, posting, CALA_CONFLICT, "store.serialization", CALA_TX_RETRY);
    run_sql(&desk, "ROLLBACK");
    run_sql(&desk, begins[i / CHANGES]);
    if (change->refused == NULL) {
      hosted(&shop, tx, cala_transaction_post, posting);
      posted += 1;
    } else {
      hosted_error(&shop, tx, cala_transaction_post, posting, CALA_REJECTED, change->refused, CALA_TX_USABLE);
    }
    run_sql(&desk, "COMMIT");
  }
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, shop.count_transactions), posted);
}

#define HOLD "00000000-0000-7000-8000-0000000000c1"
#define EXPIRED_HOLD "00000000-0000-7000-8000-0000000000c2"
#define HOLD_SIDE(account, direction)                          \
  "{\"entry_type\": \"'H'\", \"account_id\": \"uuid('" account \
  "')\", \"layer\": \"PENDING\", \"direction\": \"" direction  \
  "\", \"units\": \"decimal('10')\", \"currency\": \"'USD'\"}"

static void make_holds(cala_tx *tx) {
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_tx_template_create,
         "{\"code\": \"HOLD\", \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('" JOURNAL
         "')\"}, \"entries\": [" HOLD_SIDE(ALICE, "DEBIT") ", " HOLD_SIDE(BOB, "CREDIT") "]}");
  hosted(&shop, tx, cala_hold_create, "{\"id\": \"" HOLD "\", \"tx_template_code\": \"HOLD\"}");
  hosted(&shop, tx, cala_hold_create,
         "{\"id\": \"" EXPIRED_HOLD "\", \"tx_template_code\": \"HOLD\", \"expires_at\": \"2020-01-01T00:00:00Z\"}");
  run_sql(&desk, "COMMIT");
}

/* Nor is a hold captured, released or expired on a snapshot that does not show what became of it,
 * or of its accounts' balances. */
static void an_old_snapshot_moves_no_hold(void **state) {
  static const struct change capture = {cala_hold_capture,
                                        "{\"hold_id\": \"" HOLD "\", \"amount\": \"2\", \"final\": false}", NULL};
  static const struct change release = {cala_hold_release, "{\"hold_id\": \"" HOLD "\"}", NULL};
  static const struct change expire = {cala_hold_expire, "{}", NULL};
  static const struct change post = {cala_transaction_post, NULL, NULL};
  static const struct change release_expired = {cala_hold_release, "{\"hold_id\": \"" EXPIRED_HOLD "\"}", NULL};
  const struct change *const pairs[][2] = {{&post, &capture},    {&post, &release},    {&post, &expire},
                                           {&capture, &capture}, {&capture, &release}, {&release_expired, &expire}};
  char text[160];
  size_t i;
  cala_tx *tx;
  open_shop(state);
  tx = host_tx(shop.ledger, "{}");
  make_holds(tx);
  for (i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
    const struct change *step = pairs[i][1];
    run_sql(&desk, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    read_number(&desk, "SELECT count(*) FROM orders");
    change_elsewhere(pairs[i][0]);
    hosted_error(&shop, tx, step->operation, step->request, CALA_CONFLICT, "store.serialization", CALA_TX_RETRY);
    run_sql(&desk, "ROLLBACK");
  }
  snprintf(text, sizeof text, "SELECT count(*) FROM %s.holds WHERE status = 'open' AND captured = 4", schema);
  assert_int_equal(read_number(&desk, text), 1);
  run_sql(&desk, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  hosted(&shop, tx, cala_hold_capture, capture.request);
  hosted(&shop, tx, cala_hold_release, release.request);
  hosted(&shop, tx, cala_hold_expire, "{}");
  run_sql(&desk, "COMMIT");
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, shop.count_transactions), 10);
}

static void a_hostile_session_changes_nothing(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  run_sql(&desk, "CREATE SCHEMA evil");
  run_sql(&desk,
          "CREATE FUNCTION evil.json_build_object(text, boolean) RETURNS json LANGUAGE sql AS 'SELECT NULL::json'");
  run_sql(&desk, "SET search_path = evil");
  run_sql(&desk, "SET DateStyle = 'German'");
  run_sql(&desk, "SET TimeZone = 'Asia/Kolkata'");
  run_sql(&desk, "SET standard_conforming_strings = off");
  run_sql(&desk, "SET bytea_output = 'escape'");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  hosted(&shop, tx, cala_transaction_list, "{}");
  run_sql(&desk, "COMMIT");
  run_sql(&desk, "RESET ALL");
  run_sql(&desk, "DROP SCHEMA evil CASCADE");
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, shop.count_transactions), 1);
}

#define CAFE "{\"code\": \"CAF\", \"name\": \"Caf\303\251\"}"

static void speak(const char *encoding) {
  char sql[64];
  snprintf(sql, sizeof sql, "SET client_encoding TO '%s'", encoding);
  run_sql(&desk, sql);
}

/* The server would take the ledger's UTF-8 for something else and store that, and a reader would get other bytes. */
static void another_encoding_is_refused(void **state) {
  static const char *const encodings[] = {"LATIN1", "WIN1252", "SJIS", "SQL_ASCII"};
  static const char *const read = "{\"code\": \"BOB\"}";
  char count[128];
  char *answer;
  cala_tx *tx;
  size_t i;
  open_shop(state);
  tx = host_tx(shop.ledger, "{}");
  snprintf(count, sizeof count, "SELECT count(*) FROM %s.accounts WHERE code = 'CAF'", schema);
  for (i = 0; i < sizeof encodings / sizeof *encodings; ++i) {
    cala_op *op = make_op(shop.ledger, tx, cala_account_create, CAFE);
    run_sql(&desk, "BEGIN");
    speak(encodings[i]);
    assert_int_equal(host_drive(op, execute, &desk, 0, NULL), CALA_STEP_FAILED);
    expect_op_error(op, CALA_MISUSE, "tx.encoding");
    expect_contains(cala_error_message(cala_op_error(op)), encodings[i]);
    expect_contains(cala_error_message(cala_op_error(op)), "SET client_encoding TO 'UTF8'");
    assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
    cala_op_free(op);
    hosted_error(&shop, tx, cala_transaction_post, transfer_request(NULL, "1"), CALA_MISUSE, "tx.encoding",
                 CALA_TX_USABLE);
    hosted_error(&shop, tx, cala_account_find, read, CALA_MISUSE, "tx.encoding", CALA_TX_USABLE);
    hosted_error(&shop, tx, cala_account_list, "{}", CALA_MISUSE, "tx.encoding", CALA_TX_USABLE);
    hosted_error(&shop, tx, cala_ledger_info, "{}", CALA_MISUSE, "tx.encoding", CALA_TX_USABLE);
    hosted_error(&shop, tx, cala_ledger_migrate, "{}", CALA_MISUSE, "tx.encoding", CALA_TX_USABLE);
    assert_int_equal(read_number(&desk, count), 0);
    speak("UTF8");
    hosted(&shop, tx, cala_account_find, read);
    hosted(&shop, tx, cala_account_create, CAFE);
    answer = hosted_answer(&shop, tx, cala_account_find, "{\"code\": \"CAF\"}");
    expect_contains(answer, "\"name\":\"Caf\303\251\"");
    free(answer);
    run_sql(&desk, "ROLLBACK");
  }
  cala_tx_free(tx);
  assert_int_equal(read_number(&desk, count), 0);
  assert_int_equal(read_number(&desk, shop.count_transactions), 0);
}

/* What is no text at all in the connection's encoding, PostgreSQL refuses by itself, before it runs anything. */
static void a_request_that_the_server_cannot_read_is_told_as_such(void **state) {
  static const char *const euro = "{\"code\": \"\342\202\254\"}";
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_tx *behind = host_tx(shop.ledger, "{\"savepoint\": true}");
  speak("EUC_KR");
  run_sql(&desk, "BEGIN");
  hosted_error(&shop, behind, cala_account_find, euro, CALA_MISUSE, "tx.encoding", CALA_TX_USABLE);
  hosted_error(&shop, tx, cala_account_find, euro, CALA_MISUSE, "tx.encoding", CALA_TX_ABORTED);
  run_sql(&desk, "ROLLBACK");
  speak("UTF8");
  hosted_error(&shop, tx, cala_account_find, euro, CALA_NOT_FOUND, "account.not_found", CALA_TX_USABLE);
  cala_tx_free(behind);
  cala_tx_free(tx);
}

static void an_encoding_that_changes_before_the_write_is_noticed(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  cala_op *op = make_transfer(shop.ledger, tx, "4");
  struct host_answer answer;
  int32_t step = cala_op_step(op);
  run_sql(&desk, "BEGIN");
  while (step == CALA_STEP_NEED_QUERY) {
    if (strstr(cala_op_sql_name(op), "write") != NULL) speak("LATIN1");
    memset(&answer, 0, sizeof answer);
    execute(&desk, op, &answer);
    step = answer.failed ? cala_op_feed_error(op, answer.sqlstate, answer.message)
                         : cala_op_feed(op, answer.text, answer.text_len);
  }
  assert_int_equal(step, CALA_STEP_FAILED);
  expect_op_error(op, CALA_MISUSE, "tx.encoding");
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
  cala_op_free(op);
  cala_tx_free(tx);
  run_sql(&desk, "COMMIT");
  speak("UTF8");
  assert_int_equal(read_number(&desk, shop.count_transactions), 0);
}

static void the_ledger_sees_what_the_host_committed(void **state) {
  open_shop(state);
  cala_tx *tx = host_tx(shop.ledger, "{}");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 0);
  run_sql(&desk, "COMMIT");
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 4);
  transfer(shop.ledger, NULL, "1");
  cala_tx_free(tx);
  assert_int_equal(units_of(shop.ledger, NULL, BOB), 5);
}

static void a_ledger_without_a_connection_says_so(void **state) {
  open_shop(state);
  cala_op *op = NULL;
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  cala_status status = cala_ledger_info(shop.ledger, NULL, "{}", 2, &op, &error);
  if (status == CALA_OK) status = cala_op_run(op, -1, &error);
  expect_error(status, error, CALA_MISUSE, "op.host_only");
  cala_op_free(op);
  expect_error(cala_tx_begin(shop.ledger, NULL, 0, &tx, &error), error, CALA_MISUSE, "op.host_only");
  assert_null(tx);
}

static void a_migration_that_is_rolled_back_leaves_nothing(void **state) {
  struct ledger_fixture *books = fixture_prepare(STORE_POSTGRES);
  cala_tx *tx;
  char *answer;
  (void)state;
  memset(&shop, 0, sizeof shop);
  open_bare_shop(books);
  tx = host_tx(shop.ledger, "{}");
  run_sql(&desk, "BEGIN");
  hosted_error(&shop, tx, cala_account_list, "{}", CALA_UNSUPPORTED, "store.migrations_missing", CALA_TX_ABORTED);
  run_sql(&desk, "ROLLBACK");
  run_sql(&desk, "BEGIN");
  hosted(&shop, tx, cala_ledger_migrate, "{}");
  hosted(&shop, tx, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  run_sql(&desk, "ROLLBACK");
  hosted_error(&shop, tx, cala_ledger_migrate, "{}", CALA_MISUSE, "transaction.none", CALA_TX_USABLE);
  hosted_error(&shop, tx, cala_ledger_info, "{}", CALA_UNSUPPORTED, "store.migrations_missing", CALA_TX_ABORTED);
  run_sql(&desk, "BEGIN");
  answer = hosted_answer(&shop, tx, cala_ledger_migrate, "{}");
  expect_contains(answer, "\"from_version\":0,");
  free(answer);
  run_sql(&desk, "COMMIT");
  answer = hosted_answer(&shop, tx, cala_ledger_info, "{}");
  expect_contains(answer, "\"store\":\"postgres\"");
  expect_contains(answer, "\"accounts\":0");
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
    snprintf(options, sizeof options, "{\"dialect\": \"%s\"}", dialects[i]);
    tx = host_tx(shop.ledger, options);
    op = make_transfer(shop.ledger, tx, "1");
    assert_int_equal(cala_op_step(op), CALA_STEP_NEED_QUERY);
    for (j = 0; j < 3; ++j) assert_int_equal(strstr(cala_op_sql(op, NULL), placeholders[j]) != NULL, i == j);
    cala_op_free(op);
    cala_tx_free(tx);
  }
}

#define IN(mode, test) \
  { #test " (" #mode ")", test, NULL, close_shop, &mode }
#define IN_EACH(test) IN(same_database, test), IN(host_only, test)

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
      IN_EACH(each_operation_writes_once_and_last),
      IN_EACH(a_prune_writes_once_and_last),
      IN_EACH(a_batch_lands_as_one),
      IN_EACH(told_that_there_is_no_transaction_nothing_that_writes_is_asked),
      IN_EACH(without_a_transaction_no_operation_writes),
      IN_EACH(a_template_that_was_rolled_back_is_forgotten),
      IN_EACH(a_savepoint_around_each_operation_changes_no_answer),
      IN_EACH(locking_first_locks_and_names_what_is_missing),
      IN_EACH(the_library_runs_nothing_of_a_host_transaction),
      IN_EACH(without_a_transaction_nothing_is_written),
      IN_EACH(two_connections_are_no_transaction_either),
      IN_EACH(a_failed_statement_aborts_the_transaction),
      IN_EACH(a_lock_that_is_waited_for_too_long_says_so),
      IN(same_database, a_savepoint_undoes_a_posting),
      IN_EACH(locked_accounts_are_waited_for),
      IN_EACH(behind_a_savepoint_a_refused_statement_leaves_the_transaction_usable),
      IN_EACH(an_old_snapshot_is_never_posted_on),
      IN_EACH(an_old_snapshot_moves_no_hold),
      IN_EACH(a_hostile_session_changes_nothing),
      IN_EACH(another_encoding_is_refused),
      IN_EACH(a_request_that_the_server_cannot_read_is_told_as_such),
      IN_EACH(an_encoding_that_changes_before_the_write_is_noticed),
      IN(same_database, the_ledger_sees_what_the_host_committed),
      IN(host_only, a_ledger_without_a_connection_says_so),
      IN(host_only, a_migration_that_is_rolled_back_leaves_nothing),
      IN(same_database, each_dialect_has_one_placeholder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
