#include "ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum store_kind on_sqlite = STORE_SQLITE;
enum store_kind on_postgres = STORE_POSTGRES;

static struct ledger_fixture current;

static void make_sqlite_store(struct ledger_fixture *fixture) {
  const char *root = getenv("TMPDIR");
  snprintf(fixture->folder, sizeof fixture->folder, "%s/cala-abi-XXXXXX", root != NULL ? root : "/tmp");
  assert_non_null(mkdtemp(fixture->folder));
  snprintf(fixture->file, sizeof fixture->file, "%s/ledger.db", fixture->folder);
  snprintf(fixture->store, sizeof fixture->store, "sqlite:%s", fixture->file);
}

static void make_postgres_store(struct ledger_fixture *fixture) {
  static int made = 0;
  const char *connection = getenv("CALA_TEST_POSTGRES");
  if (connection == NULL || *connection == '\0') {
    print_message("CALA_TEST_POSTGRES names no server\n");
    skip();
  }
  snprintf(fixture->schema, sizeof fixture->schema, "abi_%ld_%d", (long)getpid(), ++made);
  snprintf(fixture->store, sizeof fixture->store, "%s", connection);
}

struct ledger_fixture *fixture_prepare(enum store_kind kind) {
  memset(&current, 0, sizeof current);
  current.kind = kind;
  if (kind == STORE_SQLITE) {
    make_sqlite_store(&current);
  } else {
    make_postgres_store(&current);
  }
  return &current;
}

struct ledger_fixture *fixture_open(void **state, const char *more) {
  const struct book_step *step;
  fixture_prepare(*(const enum store_kind *)*state);
  current.ledger = fixture_open_again(&current, more);
  for (step = books_steps; step->operation != NULL; ++step)
    succeed(current.ledger, NULL, step->operation, step->request);
  return &current;
}

int fixture_teardown(void **state) {
  char path[320];
  const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  size_t i;
  (void)state;
  cala_ledger_free(current.ledger);
  current.ledger = NULL;
  if (current.folder[0] == '\0') return 0;
  for (i = 0; i < sizeof suffixes / sizeof *suffixes; ++i) {
    snprintf(path, sizeof path, "%s%s", current.file, suffixes[i]);
    unlink(path);
  }
  rmdir(current.folder);
  current.folder[0] = '\0';
  return 0;
}

cala_ledger *fixture_open_again(const struct ledger_fixture *fixture, const char *more) {
  char config[1200];
  if (fixture->kind == STORE_SQLITE) {
    snprintf(config, sizeof config, "{\"store\": \"%s\"%s}", fixture->store, more);
  } else {
    snprintf(config, sizeof config, "{\"store\": \"%s\", \"schema\": \"%s\", \"migrate\": true%s}", fixture->store,
             fixture->schema, more);
  }
  return open_ledger(config);
}

cala_ledger *open_ledger(const char *config) {
  cala_ledger *ledger = NULL;
  cala_error *error = NULL;
  const cala_status status = cala_ledger_open(config, strlen(config), &ledger, &error);
  expect_ok(status, error);
  return ledger;
}

#define ACCOUNT(id, code) \
  { cala_account_create, "{\"id\": \"" id "\", \"code\": \"" code "\", \"name\": \"" code "\"}" }
#define ENTRY(type, account, direction, units)                  \
  "{\"entry_type\": \"'" type "'\", \"account_id\": \"" account \
  "\", \"layer\": \"'SETTLED'\""                                \
  ", \"direction\": \"'" direction "'\", \"units\": \"" units "\", \"currency\": \"'USD'\"}"
#define PARAM(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\"}"
#define TEMPLATE(code, params, entries)                                                                          \
  {                                                                                                              \
    cala_tx_template_create, "{\"code\": \"" code "\", \"params\": [" params                                     \
                             "], \"transaction\": {\"effective\": "                                              \
                             "\"date()\", \"journal_id\": \"uuid('" JOURNAL "')\"}, \"entries\": [" entries "]}" \
  }

const struct book_step books_steps[] = {
    {cala_journal_create, "{\"id\": \"" JOURNAL "\", \"name\": \"Main\", \"code\": \"MAIN\"}"},
    ACCOUNT(ALICE, "ALICE"),
    ACCOUNT(BOB, "BOB"),
    ACCOUNT(CAROL, "CAROL"),
    TEMPLATE("TRANSFER", PARAM("sender", "uuid") ", " PARAM("recipient", "uuid") ", " PARAM("amount", "decimal"),
             ENTRY("DEBIT", "params.sender", "DEBIT", "params.amount") ", " ENTRY("CREDIT", "params.recipient",
                                                                                  "CREDIT", "params.amount")),
    TEMPLATE("LOPSIDED", PARAM("debit", "decimal") ", " PARAM("credit", "decimal"),
             ENTRY("DEBIT", "uuid('" ALICE "')", "DEBIT", "params.debit") ", " ENTRY("CREDIT", "uuid('" BOB "')",
                                                                                     "CREDIT", "params.credit")),
    {NULL, NULL},
};

void expect_ok_status(cala_status status, cala_error *error) {
  if (status == CALA_OK) {
    assert_null(error);
    return;
  }
  print_error("%s %s: %s %s %s\n", cala_status_name(status), cala_error_code(error), cala_error_message(error),
              cala_error_sqlstate(error), cala_error_details(error));
  cala_error_free(error);
  assert_string_equal(cala_status_name(status), "CALA_OK");
}

static void compare_error(cala_status status, const cala_error *error, cala_status wanted, const char *code) {
  if (status != wanted || strcmp(cala_error_code(error), code) != 0) {
    print_error("%s %s: %s\n", cala_status_name(status), cala_error_code(error), cala_error_message(error));
  }
  assert_string_equal(cala_status_name(status), cala_status_name(wanted));
  assert_non_null(error);
  assert_int_equal(cala_error_status(error), wanted);
  assert_string_equal(cala_error_code(error), code);
  assert_true(strlen(cala_error_message(error)) > 0);
}

void expect_error_status(cala_status status, cala_error *error, cala_status wanted, const char *code) {
  compare_error(status, error, wanted, code);
  cala_error_free(error);
}

void expect_op_error(const cala_op *op, cala_status wanted, const char *code) {
  compare_error(cala_op_status(op), cala_op_error(op), wanted, code);
  assert_null(cala_op_result(op, NULL));
}

void expect_contains(const char *text, const char *part) {
  if (strstr(text, part) == NULL) print_error("\"%s\" is not in %s\n", part, text);
  assert_non_null(strstr(text, part));
}

cala_op *make_op(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request) {
  cala_op *op = NULL;
  cala_error *error = NULL;
  const cala_status status = operation(ledger, tx, request, strlen(request), &op, &error);
  expect_ok(status, error);
  assert_non_null(op);
  return op;
}

const char *transfer_request(const char *id, const char *amount) {
  static _Thread_local char request[512];
  char id_member[80] = "";
  if (id != NULL) snprintf(id_member, sizeof id_member, "\"id\": \"%s\", ", id);
  snprintf(request, sizeof request,
           "{%s\"tx_template_code\": \"TRANSFER\", \"params\": {\"sender\": \"" ALICE "\", \"recipient\": \"" BOB
           "\", \"amount\": \"%s\"}}",
           id_member, amount);
  return request;
}

cala_op *make_transfer(cala_ledger *ledger, cala_tx *tx, const char *amount) {
  return make_op(ledger, tx, cala_transaction_post, transfer_request(NULL, amount));
}

char *answer_of(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request) {
  cala_op *op = make_op(ledger, tx, operation, request);
  cala_error *error = NULL;
  size_t len = 0;
  char *copy;
  const cala_status status = cala_op_run(op, -1, &error);
  if (status != CALA_OK) cala_op_free(op);
  expect_ok(status, error);
  assert_non_null(cala_op_result(op, &len));
  copy = malloc(len + 1);
  assert_non_null(copy);
  memcpy(copy, cala_op_result(op, NULL), len + 1);
  cala_op_free(op);
  return copy;
}

void succeed(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request) {
  free(answer_of(ledger, tx, operation, request));
}

void transfer(cala_ledger *ledger, cala_tx *tx, const char *amount) {
  succeed(ledger, tx, cala_transaction_post, transfer_request(NULL, amount));
}

void refuse(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request, cala_status status,
            const char *code) {
  cala_op *op = NULL;
  cala_error *error = NULL;
  cala_status got = operation(ledger, tx, request, strlen(request), &op, &error);
  if (got == CALA_OK) got = cala_op_run(op, -1, &error);
  cala_op_free(op);
  expect_error(got, error, status, code);
}

long units_of(cala_ledger *ledger, cala_tx *tx, const char *account) {
  char request[256];
  cala_op *op;
  cala_error *error = NULL;
  cala_status status;
  long units = 0;
  snprintf(request, sizeof request, "{\"journal_id\": \"" JOURNAL "\", \"account_id\": \"%s\", \"currency\": \"USD\"}",
           account);
  op = make_op(ledger, tx, cala_balance_find, request);
  status = cala_op_run(op, -1, &error);
  if (status == CALA_NOT_FOUND) {
    cala_error_free(error);
  } else {
    const char *settled;
    const char *credit;
    expect_ok(status, error);
    settled = strstr(cala_op_result(op, NULL), "\"settled\":{");
    assert_non_null(settled);
    credit = strstr(settled, "\"credit\":\"");
    assert_non_null(credit);
    units = strtol(credit + strlen("\"credit\":\""), NULL, 10);
  }
  cala_op_free(op);
  return units;
}

long count_of(cala_ledger *ledger, const char *noun) {
  char key[64];
  char *info = answer_of(ledger, NULL, cala_ledger_info, "{}");
  const char *at;
  long count;
  snprintf(key, sizeof key, "\"%s\":", noun);
  at = strstr(info, key);
  assert_non_null(at);
  count = strtol(at + strlen(key), NULL, 10);
  free(info);
  return count;
}

cala_tx *begin_tx(cala_ledger *ledger) {
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  expect_ok(cala_tx_begin(ledger, NULL, 0, &tx, &error), error);
  assert_non_null(tx);
  return tx;
}

cala_tx *host_tx(cala_ledger *ledger, const char *options) {
  cala_tx *tx = NULL;
  cala_error *error = NULL;
  expect_ok(cala_tx_host(ledger, options, strlen(options), &tx, &error), error);
  assert_non_null(tx);
  return tx;
}

cala_queue *new_queue(void) {
  cala_queue *queue = NULL;
  cala_error *error = NULL;
  expect_ok(cala_queue_new(&queue, &error), error);
  assert_non_null(queue);
  return queue;
}

int32_t host_drive(cala_op *op, host_execute_fn execute, void *connection, int limit, struct host_trace *trace) {
  struct host_trace ignored;
  struct host_trace *seen = trace != NULL ? trace : &ignored;
  int32_t step = cala_op_step(op);
  memset(seen, 0, sizeof *seen);
  seen->wrote_last_only = 1;
  while (step == CALA_STEP_NEED_QUERY && (limit == 0 || seen->statements < limit)) {
    struct host_answer answer;
    assert_non_null(cala_op_sql(op, NULL));
    assert_non_null(cala_op_sql_name(op));
    if (seen->writes > 0) seen->wrote_last_only = 0;
    if (strstr(cala_op_sql_name(op), "write") != NULL) seen->writes += 1;
    seen->statements += 1;
    memset(&answer, 0, sizeof answer);
    execute(connection, op, &answer);
    step = answer.failed ? cala_op_feed_error(op, answer.sqlstate, answer.message)
                         : cala_op_feed(op, answer.text, answer.text_len);
  }
  return step;
}

cala_status ended(cala_queue *queue, cala_op *op) {
  cala_status status;
  assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_OK);
  while (cala_op_status(op) == CALA_BUSY) {
    assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
    assert_true(cala_queue_drain(queue, 0) >= 0);
  }
  status = cala_op_status(op);
  cala_op_free(op);
  return status;
}
