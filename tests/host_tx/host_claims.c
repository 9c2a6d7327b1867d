#include "host_claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POSTING_ID "00000000-0000-7000-8000-0000000000f1"

static void order(struct shop *shop, const char *note) {
  char text[128];
  snprintf(text, sizeof text, "INSERT INTO orders (note) VALUES ('%s')", note);
  shop->sql(shop->connection, text);
}

static void expect_state(struct shop *shop, long orders, long transactions) {
  assert_int_equal(shop->number(shop->connection, "SELECT count(*) FROM orders"), orders);
  assert_int_equal(shop->number(shop->connection, shop->count_transactions), transactions);
  assert_int_equal(shop->number(shop->connection, shop->count_events), transactions);
}

/* Fails the test with the operation's own words. */
static char *take_answer(cala_op *op, int32_t step) {
  size_t len = 0;
  const char *result = cala_op_result(op, &len);
  char *copy;
  if (step != CALA_STEP_DONE) {
    const cala_error *error = cala_op_error(op);
    print_error("step %d: %s: %s\n", (int)step, cala_error_code(error), cala_error_message(error));
  }
  assert_int_equal(step, CALA_STEP_DONE);
  assert_non_null(result);
  copy = strndup(result, len);
  cala_op_free(op);
  return copy;
}

char *hosted_answer(struct shop *shop, cala_tx *tx, operation_fn operation, const char *request) {
  cala_op *op = make_op(shop->ledger, tx, operation, request);
  return take_answer(op, host_drive(op, shop->execute, shop->connection, 0, NULL));
}

void hosted(struct shop *shop, cala_tx *tx, operation_fn operation, const char *request) {
  free(hosted_answer(shop, tx, operation, request));
}

void hosted_error(struct shop *shop, cala_tx *tx, operation_fn operation, const char *request, cala_status status,
                  const char *code, int32_t tx_state) {
  cala_op *op = make_op(shop->ledger, tx, operation, request);
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, status, code);
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), tx_state);
  cala_op_free(op);
}

void hosted_books(struct shop *shop) {
  const struct book_step *step;
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  for (step = books_steps; step->operation != NULL; ++step) hosted(shop, tx, step->operation, step->request);
  cala_tx_free(tx);
}

void committing_leaves_the_row_and_the_posting(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  char *answer;
  shop->sql(shop->connection, "BEGIN");
  order(shop, "one");
  answer = hosted_answer(shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  expect_contains(answer, "\"replayed\":false");
  free(answer);
  shop->sql(shop->connection, "COMMIT");
  cala_tx_free(tx);
  expect_state(shop, 1, 1);
}

void rolling_back_leaves_neither(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  shop->sql(shop->connection, "BEGIN");
  order(shop, "one");
  hosted(shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  hosted(shop, tx, cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}");
  shop->sql(shop->connection, "ROLLBACK");
  expect_state(shop, 0, 0);
  hosted_error(shop, tx, cala_account_find, "{\"code\": \"DAVE\"}", CALA_NOT_FOUND, "account.not_found",
               CALA_TX_USABLE);
  cala_tx_free(tx);
}

/* Left after every number of statements that still has one to come. */
void an_operation_left_between_two_steps_leaves_nothing(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  int32_t step = CALA_STEP_NEED_QUERY;
  int statements = 0;
  for (; step == CALA_STEP_NEED_QUERY; ++statements) {
    cala_op *op = make_transfer(shop->ledger, tx, "4");
    shop->sql(shop->connection, "BEGIN");
    order(shop, "one");
    step = statements == 0 ? cala_op_step(op) : host_drive(op, shop->execute, shop->connection, statements, NULL);
    cala_op_free(op);
    shop->sql(shop->connection, step == CALA_STEP_NEED_QUERY ? "COMMIT" : "ROLLBACK");
    expect_state(shop, step == CALA_STEP_NEED_QUERY ? statements + 1 : statements, 0);
  }
  assert_int_equal(step, CALA_STEP_DONE);
  assert_true(statements >= 3);
  shop->sql(shop->connection, "BEGIN");
  hosted(shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, statements - 1, 1);
  cala_tx_free(tx);
}

void a_cancelled_operation_leaves_nothing(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  cala_op *op = make_transfer(shop->ledger, tx, "4");
  cala_op *before = make_transfer(shop->ledger, tx, "4");
  shop->sql(shop->connection, "BEGIN");
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 1, NULL), CALA_STEP_NEED_QUERY);
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  assert_int_equal(cala_op_feed(op, NULL, 0), CALA_STEP_FAILED);
  expect_op_error(op, CALA_CANCELLED, "op.cancelled");
  assert_int_equal(cala_op_cancel(before), CALA_OK);
  assert_int_equal(cala_op_step(before), CALA_STEP_FAILED);
  expect_op_error(before, CALA_CANCELLED, "op.cancelled");
  order(shop, "one");
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, 1, 0);
  cala_op_free(op);
  cala_op_free(before);
  cala_tx_free(tx);
}

void a_rejected_posting_leaves_the_transaction_usable(void **state) {
  static const char *const lopsided =
      "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"1\", \"credit\": \"2\"}}";
  static const char *const unknown = "{\"tx_template_code\": \"NO_SUCH\"}";
  static const char *const stranger =
      "{\"tx_template_code\": \"TRANSFER\", \"params\": {\"sender\": \"" ALICE
      "\", \"recipient\": \"00000000-0000-7000-8000-00000000dead\", \"amount\": \"1\"}}";
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  shop->sql(shop->connection, "BEGIN");
  hosted(shop, tx, cala_account_lock, "{\"id\": \"" CAROL "\"}");
  shop->sql(shop->connection, "COMMIT");
  shop->sql(shop->connection, "BEGIN");
  order(shop, "before");
  hosted_error(shop, tx, cala_transaction_post, lopsided, CALA_REJECTED, "posting.unbalanced", CALA_TX_USABLE);
  hosted_error(shop, tx, cala_transaction_post, unknown, CALA_NOT_FOUND, "tx_template.not_found", CALA_TX_USABLE);
  hosted_error(shop, tx, cala_transaction_post, stranger, CALA_NOT_FOUND, "account.not_found", CALA_TX_USABLE);
  hosted_error(shop, tx, cala_transaction_post,
               "{\"tx_template_code\": \"TRANSFER\", \"params\": {\"sender\": \"" ALICE "\", \"recipient\": \"" CAROL
               "\", \"amount\": \"1\"}}",
               CALA_REJECTED, "account.locked", CALA_TX_USABLE);
  order(shop, "after");
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, 2, 0);
  cala_tx_free(tx);
}

void a_taken_code_is_told_as_such(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  cala_op *op = make_op(shop->ledger, tx, cala_account_create, "{\"code\": \"BOB\", \"name\": \"Another\"}");
  shop->sql(shop->connection, "BEGIN");
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_CONFLICT, "account.exists");
  expect_contains(cala_error_details(cala_op_error(op)), "\"column\":\"code\"");
  if (cala_error_tx_state(cala_op_error(op)) == CALA_TX_USABLE) order(shop, "after");
  shop->sql(shop->connection, "ROLLBACK");
  cala_op_free(op);
  cala_tx_free(tx);
}

void two_operations_in_one_transaction_are_busy(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  cala_tx *another = host_tx(shop->ledger, shop->dialect);
  cala_op *first = make_transfer(shop->ledger, tx, "1");
  cala_op *second = make_transfer(shop->ledger, tx, "2");
  cala_op *elsewhere = make_transfer(shop->ledger, another, "3");
  shop->sql(shop->connection, "BEGIN");
  assert_int_equal(host_drive(first, shop->execute, shop->connection, 1, NULL), CALA_STEP_NEED_QUERY);
  assert_int_equal(cala_op_step(second), -CALA_BUSY);
  assert_int_equal(cala_op_step(elsewhere), CALA_STEP_NEED_QUERY);
  cala_op_free(elsewhere);
  cala_op_free(first); /* ends it, and with it the wait */
  free(take_answer(second, host_drive(second, shop->execute, shop->connection, 0, NULL)));
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, 0, 1);
  cala_tx_free(tx);
  cala_tx_free(another);
}

void the_same_id_answers_with_the_first_result(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  char *first;
  char *again;
  char *mark;
  int round;
  shop->sql(shop->connection, "BEGIN");
  first = hosted_answer(shop, tx, cala_transaction_post, transfer_request(POSTING_ID, "4"));
  mark = strstr(first, ",\"replayed\":false");
  assert_non_null(mark);
  *mark = '\0';
  for (round = 0; round < 2; ++round) { /* in the same transaction, then in the next */
    again = hosted_answer(shop, tx, cala_transaction_post, transfer_request(POSTING_ID, "4"));
    expect_contains(again, "\"replayed\":true");
    assert_memory_equal(again, first, strlen(first));
    free(again);
    hosted_error(shop, tx, cala_transaction_post, transfer_request(POSTING_ID, "5"), CALA_CONFLICT,
                 "transaction.replay_differs", CALA_TX_USABLE);
    shop->sql(shop->connection, "COMMIT");
    shop->sql(shop->connection, "BEGIN");
  }
  shop->sql(shop->connection, "COMMIT");
  free(first);
  expect_state(shop, 0, 1);
  cala_tx_free(tx);
}

void what_is_posted_is_seen_inside_and_not_outside(void **state) {
  static const char *const bob =
      "{\"journal_id\": \"" JOURNAL "\", \"account_id\": \"" BOB "\", \"currency\": \"USD\"}";
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  char *answer;
  shop->sql(shop->connection, "BEGIN");
  hosted(shop, tx, cala_transaction_post, transfer_request(POSTING_ID, "4"));
  answer = hosted_answer(shop, tx, cala_balance_find, bob);
  expect_contains(answer, "\"credit\":\"4\"");
  free(answer);
  hosted(shop, tx, cala_transaction_find, "{\"id\": \"" POSTING_ID "\"}");
  if (shop->outside != NULL) assert_int_equal(shop->number(shop->outside, shop->count_transactions), 0);
  shop->sql(shop->connection, "COMMIT");
  if (shop->outside != NULL) assert_int_equal(shop->number(shop->outside, shop->count_transactions), 1);
  cala_tx_free(tx);
}

struct written_operation {
  operation_fn operation;
  const char *request;
  int writes;
};

#define GRACE "00000000-0000-7000-8000-0000000000e1"
#define SET "00000000-0000-7000-8000-0000000000e2"
#define HELD "00000000-0000-7000-8000-0000000000e3"
#define LIMIT "00000000-0000-7000-8000-0000000000e4"
#define ANOTHER_LIMIT "00000000-0000-7000-8000-0000000000e5"
#define CONTROL "00000000-0000-7000-8000-0000000000e6"
#define ANOTHER_CONTROL "00000000-0000-7000-8000-0000000000e7"

#define MEMBER(account) "{\"members\": [{\"account_set_id\": \"" SET "\", \"account_id\": \"" account "\"}]}"
#define PENDING(account, direction)                            \
  "{\"entry_type\": \"'H'\", \"account_id\": \"uuid('" account \
  "')\", \"layer\": \"PENDING\", \"direction\": \"" direction  \
  "\", \"units\": \"decimal('1')\", \"currency\": \"'USD'\"}"
#define NEW_LIMIT(id)                                                                        \
  "{\"id\": \"" id                                                                           \
  "\", \"name\": \"Limit\", \"limit\": {\"balance\": [{\"layer\": \"SETTLED\", \"amount\": " \
  "\"decimal('1000')\", \"enforcement_direction\": \"DEBIT\"}]}}"
#define LIMIT_OF_CONTROL(limit) "{\"control_id\": \"" CONTROL "\", \"limit_id\": \"" limit "\"}"
#define CONTROL_OF(account) "{\"control_id\": \"" CONTROL "\", \"account_ids\": [\"" account "\"]}"

/* Every operation that writes, each with what those before it have made, and some that do not. */
static const struct written_operation operations[] = {
    {cala_account_create, "{\"code\": \"DAVE\", \"name\": \"Dave\"}", 1},
    {cala_account_ensure, "{\"id\": \"" GRACE "\", \"code\": \"GRACE\", \"name\": \"Grace\"}", 1},
    {cala_account_set_create, "{\"id\": \"" SET "\", \"journal_id\": \"" JOURNAL "\", \"name\": \"Set\"}", 1},
    {cala_account_set_ensure, "{\"external_id\": \"e\", \"journal_id\": \"" JOURNAL "\", \"name\": \"Set\"}", 1},
    {cala_account_set_update, "{\"id\": \"" SET "\", \"name\": \"Group\"}", 1},
    {cala_account_set_add_members, MEMBER(CAROL), 1},
    {cala_account_set_ensure_members, MEMBER(GRACE), 1},
    {cala_account_set_remove_member, "{\"account_set_id\": \"" SET "\", \"account_id\": \"" CAROL "\"}", 1},
    {cala_journal_ensure, "{\"code\": \"THIRD\", \"name\": \"Third\"}", 1},
    {cala_tx_template_ensure,
     "{\"code\": \"EMPTY\", \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('" JOURNAL
     "')\"}, \"entries\": []}",
     1},
    {cala_account_create_many,
     "{\"accounts\": [{\"code\": \"E\", \"name\": \"E\"}, {\"code\": \"F\", \"name\": \"F\"}]}", 1},
    {cala_account_update, "{\"id\": \"" BOB "\", \"name\": \"Robert\"}", 1},
    {cala_account_lock, "{\"id\": \"" CAROL "\"}", 1},
    {cala_account_unlock, "{\"id\": \"" CAROL "\"}", 1},
    {cala_journal_create, "{\"name\": \"Second\"}", 1},
    {cala_journal_update, "{\"id\": \"" JOURNAL "\", \"name\": \"First\"}", 1},
    {cala_journal_lock, "{\"id\": \"" JOURNAL "\"}", 1},
    {cala_journal_unlock, "{\"id\": \"" JOURNAL "\"}", 1},
    {cala_journal_close, "{\"id\": \"" JOURNAL "\", \"until\": \"2020-01-31\"}", 1},
    {cala_journal_reopen, "{\"id\": \"" JOURNAL "\", \"until\": null}", 1},
    {cala_tx_template_create,
     "{\"code\": \"BONUS\", \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('" JOURNAL
     "')\"}, \"entries\": [{\"entry_type\": \"'A'\", \"account_id\": \"uuid('" ALICE
     "')\", \"layer\": \"'SETTLED'\", \"direction\": \"'DEBIT'\", \"units\": \"decimal('1')\", \"currency\": "
     "\"'USD'\"}, "
     "{\"entry_type\": \"'B'\", \"account_id\": \"uuid('" BOB
     "')\", \"layer\": \"'SETTLED'\", \"direction\": \"'CREDIT'\", \"units\": \"decimal('1')\", \"currency\": "
     "\"'USD'\"}]}",
     1},
    {cala_transaction_post,
     "{\"id\": \"" POSTING_ID
     "\", \"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"2\", \"credit\": \"2\"}}",
     1},
    {cala_transaction_void, "{\"id\": \"" POSTING_ID "\"}", 1},
    {cala_tx_template_create,
     "{\"code\": \"HELD\", \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('" JOURNAL
     "')\"}, \"entries\": [" PENDING(ALICE, "DEBIT") ", " PENDING(BOB, "CREDIT") "]}",
     1},
    {cala_hold_create, "{\"tx_template_code\": \"HELD\", \"expires_at\": \"2020-01-01T00:00:00Z\"}", 1},
    {cala_hold_expire, "{}", 1},
    {cala_hold_create, "{\"id\": \"" HELD "\", \"tx_template_code\": \"HELD\"}", 1},
    {cala_hold_capture, "{\"hold_id\": \"" HELD "\", \"amount\": \"0.5\", \"final\": false}", 1},
    {cala_hold_release, "{\"hold_id\": \"" HELD "\"}", 1},
    {cala_velocity_limit_create, NEW_LIMIT(LIMIT), 1},
    {cala_velocity_limit_ensure, NEW_LIMIT(ANOTHER_LIMIT), 1},
    {cala_velocity_control_create, "{\"id\": \"" CONTROL "\", \"name\": \"Control\"}", 1},
    {cala_velocity_control_ensure, "{\"id\": \"" ANOTHER_CONTROL "\", \"name\": \"Another\"}", 1},
    {cala_velocity_control_add_limit, LIMIT_OF_CONTROL(LIMIT), 1},
    {cala_velocity_control_ensure_limit, LIMIT_OF_CONTROL(ANOTHER_LIMIT), 1},
    {cala_velocity_control_attach, CONTROL_OF(ALICE), 1},
    {cala_velocity_control_ensure_attached, CONTROL_OF(BOB), 1},
    {cala_velocity_control_detach, CONTROL_OF(ALICE), 1},
    {cala_transaction_post_many,
     "{\"postings\": [{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"2\", \"credit\": \"2\"}}, "
     "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"3\", \"credit\": \"3\"}}]}",
     1},
    {cala_account_list, "{}", 0},
    {cala_journal_list, "{}", 0},
    {cala_tx_template_list, "{}", 0},
    {cala_transaction_list, "{}", 0},
    {cala_entry_list, "{\"account_id\": \"" BOB "\"}", 0},
    {cala_listener_place, "{\"name\": \"mailer\", \"from\": \"start\"}", 1},
    {cala_listener_ack, "{\"name\": \"mailer\", \"place\": 1}", 1},
    {cala_listener_remove, "{\"name\": \"mailer\"}", 1},
    {cala_listener_list, "{}", 0},
    {cala_prepared_list, "{}", 0},
    {cala_ledger_health, "{}", 0},
    {cala_ledger_metrics, "{}", 0},
    {cala_event_list, "{\"types\": [\"transaction_created\"]}", 0},
    {cala_balance_list, "{\"journal_id\": \"" JOURNAL "\", \"account_ids\": [\"" BOB "\"]}", 0},
    {cala_ledger_info, "{}", 0},
    {cala_cel_evaluate, "{\"expr\": \"1 + 1\"}", 0},
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* Those that write by the header but have claims of their own, or nothing to be kept from:
 * they lock, wait, or run by themselves. */
static const operation_fn elsewhere[] = {cala_event_prune, cala_ledger_migrate,   cala_rollup_await,       cala_tx_exec,
                                         cala_tx_finish,   cala_tx_lock_accounts, cala_transaction_preview};

static int is_tried(operation_fn operation) {
  size_t i;
  for (i = 0; i < sizeof elsewhere / sizeof *elsewhere; ++i) {
    if (elsewhere[i] == operation) return 1;
  }
  for (i = 0; i < OPERATIONS; ++i) {
    if (operations[i].operation == operation) return operations[i].writes;
  }
  return 0;
}

void every_operation_that_writes_is_tried(void **state) {
  static const struct {
    const char *name;
    operation_fn operation;
  } all[] = {
#define CALA_OPERATION(name) {#name, cala_##name},
#include "operations_of_header.inc"
#undef CALA_OPERATION
  };
  size_t writing = 0;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof all / sizeof *all; ++i) {
    char key[80];
    const char *access;
    snprintf(key, sizeof key, "\"%s\":{\"since\"", all[i].name);
    access = strstr(cala_api(), key);
    assert_non_null(access);
    access = strstr(access, "\"access\":\"");
    assert_non_null(access);
    if (strncmp(access, "\"access\":\"write\"", 16) != 0) continue;
    if (!is_tried(all[i].operation)) print_error("%s is new: give it a request\n", all[i].name);
    assert_true(is_tried(all[i].operation));
    ++writing;
  }
  assert_true(writing >= 47);
}

void each_operation_writes_once_and_last(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  size_t i;
  shop->sql(shop->connection, "BEGIN");
  for (i = 0; i < OPERATIONS; ++i) {
    const int before = shop->changing_statements != NULL ? shop->changing_statements(shop->connection) : 0;
    cala_op *op = make_op(shop->ledger, tx, operations[i].operation, operations[i].request);
    struct host_trace trace;
    const int32_t step = host_drive(op, shop->execute, shop->connection, 0, &trace);
    free(take_answer(op, step));
    assert_int_equal(trace.writes, operations[i].writes);
    assert_true(trace.wrote_last_only);
    if (shop->changing_statements == NULL) continue;
    assert_int_equal(shop->changing_statements(shop->connection) - before, operations[i].writes);
  }
  shop->sql(shop->connection, "COMMIT");
  cala_tx_free(tx);
}

/* By itself: what was pruned is nobody's start any more, and on PostgreSQL only what was committed can be. */
void a_prune_writes_once_and_last(void **state) {
  const char *request = "{\"before\": \"9000-01-01T00:00:00Z\"}";
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  struct host_trace trace;
  cala_op *op;
  int tries;
  assert_int_equal(cala_tx_in_transaction(tx, 0), CALA_OK);
  op = make_op(shop->ledger, tx, cala_event_prune, request);
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 0, &trace), CALA_STEP_FAILED);
  expect_op_error(op, CALA_MISUSE, "transaction.none");
  cala_op_free(op);
  assert_int_equal(cala_tx_in_transaction(tx, 1), CALA_OK);
  for (tries = 0; tries < 500; ++tries) { /* what is in flight anywhere in the cluster holds events back */
    shop->sql(shop->connection, "BEGIN");
    op = make_op(shop->ledger, tx, cala_event_prune, request);
    free(take_answer(op, host_drive(op, shop->execute, shop->connection, 0, &trace)));
    shop->sql(shop->connection, "COMMIT");
    if (trace.writes > 0) break;
    usleep(20000);
  }
  assert_int_equal(trace.writes, 1);
  assert_true(trace.wrote_last_only);
  cala_tx_free(tx);
}

/* Of whatever type: every write of the ledger's has one, but for those of a listener's place. */
static long events_of(struct shop *shop) {
  char sql[128];
  const char *filter = strstr(shop->count_events, " WHERE");
  assert_non_null(filter);
  snprintf(sql, sizeof sql, "%.*s", (int)(filter - shop->count_events), shop->count_events);
  return shop->number(shop->connection, sql);
}

/* Each operation that writes, first without a transaction and then in one. */
static void outside_then_inside(struct shop *shop, cala_tx *tx, int tell) {
  size_t i;
  for (i = 0; i < OPERATIONS; ++i) {
    long before;
    struct host_trace trace;
    cala_op *op;
    if (!operations[i].writes) continue;
    before = events_of(shop);
    if (tell) assert_int_equal(cala_tx_in_transaction(tx, 0), CALA_OK);
    op = make_op(shop->ledger, tx, operations[i].operation, operations[i].request);
    assert_int_equal(host_drive(op, shop->execute, shop->connection, 0, &trace), CALA_STEP_FAILED);
    expect_op_error(op, CALA_MISUSE, "transaction.none");
    if (tell) {
      assert_int_equal(trace.statements, 0);
      assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
    }
    cala_op_free(op);
    assert_int_equal(events_of(shop), before);
    shop->sql(shop->connection, "BEGIN");
    if (tell) assert_int_equal(cala_tx_in_transaction(tx, 1), CALA_OK);
    hosted(shop, tx, operations[i].operation, operations[i].request);
    shop->sql(shop->connection, "COMMIT");
  }
}

void without_a_transaction_no_operation_writes(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  outside_then_inside(shop, tx, 0);
  cala_tx_free(tx);
}

void told_that_there_is_no_transaction_nothing_that_writes_is_asked(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  assert_int_equal(cala_tx_in_transaction(tx, 2), CALA_MISUSE);
  assert_int_equal(cala_tx_in_transaction(NULL, 1), CALA_MISUSE);
  outside_then_inside(shop, tx, 1);
  cala_tx_free(tx);
}

void a_batch_lands_as_one(void **state) {
  static const char *const half_wrong =
      "{\"postings\": [{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"2\", \"credit\": \"2\"}}, "
      "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"2\", \"credit\": \"3\"}}]}";
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  cala_op *op;
  char request[1024];
  size_t used;
  shop->sql(shop->connection, "BEGIN");
  op = make_op(shop->ledger, tx, cala_transaction_post_many, half_wrong);
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 0, NULL), CALA_STEP_FAILED);
  expect_op_error(op, CALA_REJECTED, "posting.unbalanced");
  assert_int_equal(cala_error_posting_index(cala_op_error(op)), 1);
  assert_int_equal(cala_error_tx_state(cala_op_error(op)), CALA_TX_USABLE);
  cala_op_free(op);
  used = (size_t)snprintf(request, sizeof request, "{\"postings\": [%s, ", transfer_request(NULL, "1"));
  snprintf(request + used, sizeof request - used, "%s]}", transfer_request(NULL, "2"));
  hosted(shop, tx, cala_transaction_post_many, request);
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, 0, 2);
  cala_tx_free(tx);
}

/* The library keeps compiled templates, but none that may never have been. */
void a_template_that_was_rolled_back_is_forgotten(void **state) {
  static const char *const form =
      "{\"code\": \"GIFT\", \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('" JOURNAL
      "')\"}, \"entries\": [{\"entry_type\": \"'A'\", \"account_id\": \"uuid('" ALICE
      "')\", \"layer\": \"'SETTLED'\", \"direction\": \"'DEBIT'\", \"units\": \"decimal('%d')\", \"currency\": "
      "\"'USD'\"}, "
      "{\"entry_type\": \"'B'\", \"account_id\": \"uuid('" BOB
      "')\", \"layer\": \"'SETTLED'\", \"direction\": \"'CREDIT'\", \"units\": \"decimal('%d')\", \"currency\": "
      "\"'USD'\"}]}";
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  char request[1024];
  char *answer;
  int units;
  for (units = 1; units <= 2; ++units) {
    shop->sql(shop->connection, "BEGIN");
    snprintf(request, sizeof request, form, units, units);
    hosted(shop, tx, cala_tx_template_create, request);
    answer = hosted_answer(shop, tx, cala_transaction_post, "{\"tx_template_code\": \"GIFT\"}");
    expect_contains(answer, units == 1 ? "\"units\":\"1\"" : "\"units\":\"2\"");
    free(answer);
    shop->sql(shop->connection, units == 1 ? "ROLLBACK" : "COMMIT");
  }
  expect_state(shop, 0, 1);
  cala_tx_free(tx);
}

/* The driver's own count of what it was asked to run shows that the savepoints are there. */
void a_savepoint_around_each_operation_changes_no_answer(void **state) {
  static const char *const lopsided =
      "{\"tx_template_code\": \"LOPSIDED\", \"params\": {\"debit\": \"1\", \"credit\": \"2\"}}";
  struct shop *shop = open_shop(state);
  cala_tx *plain = host_tx(shop->ledger, shop->dialect);
  cala_tx *tx = host_tx(shop->ledger, "{\"savepoint\": true}");
  struct host_trace bare;
  struct host_trace behind;
  cala_op *op;
  shop->sql(shop->connection, "BEGIN");
  order(shop, "one");
  op = make_transfer(shop->ledger, plain, "1");
  free(take_answer(op, host_drive(op, shop->execute, shop->connection, 0, &bare)));
  op = make_transfer(shop->ledger, tx, "2");
  free(take_answer(op, host_drive(op, shop->execute, shop->connection, 0, &behind)));
  assert_int_equal(behind.statements, bare.statements + 2);
  op = make_op(shop->ledger, tx, cala_transaction_post, lopsided);
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 0, &behind), CALA_STEP_FAILED);
  expect_op_error(op, CALA_REJECTED, "posting.unbalanced");
  assert_int_equal(behind.statements, 4); /* set, the template, back, release */
  cala_op_free(op);
  op = make_transfer(shop->ledger, tx, "3"); /* cancelled between two steps: it goes back before it answers */
  assert_int_equal(host_drive(op, shop->execute, shop->connection, 2, NULL), CALA_STEP_NEED_QUERY);
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  assert_int_equal(cala_op_feed(op, NULL, 0), CALA_STEP_NEED_QUERY);
  expect_contains(cala_op_sql(op, NULL), "ROLLBACK TO");
  cala_op_free(op);
  hosted(shop, tx, cala_cel_evaluate, "{\"expr\": \"1 + 1\"}");
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, 1, 2);
  cala_tx_free(plain);
  cala_tx_free(tx);
}

void locking_first_locks_and_names_what_is_missing(void **state) {
  static const char *const both = "{\"keys\": [" KEY(BOB) ", " KEY(ALICE) ", " KEY(BOB) "]}";
  static const char *const stranger = "{\"keys\": [" KEY("00000000-0000-7000-8000-00000000dead") "]}";
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  char *answer;
  const char *alice;
  const char *bob;
  shop->sql(shop->connection, "BEGIN");
  answer = hosted_answer(shop, tx, cala_tx_lock_accounts, both);
  alice = strstr(answer, ALICE);
  bob = strstr(answer, BOB);
  assert_true(alice != NULL && bob != NULL && alice < bob && strstr(bob + 1, BOB) == NULL);
  free(answer);
  hosted_error(shop, tx, cala_tx_lock_accounts, stranger, CALA_NOT_FOUND, "account.not_found", CALA_TX_USABLE);
  hosted(shop, tx, cala_transaction_post, transfer_request(NULL, "4"));
  shop->sql(shop->connection, "COMMIT");
  expect_state(shop, 0, 1);
  cala_tx_free(tx);
}

void the_library_runs_nothing_of_a_host_transaction(void **state) {
  struct shop *shop = open_shop(state);
  cala_tx *tx = host_tx(shop->ledger, shop->dialect);
  cala_op *op = make_transfer(shop->ledger, tx, "1");
  cala_queue *queue = new_queue();
  cala_error *error = NULL;
  expect_error(cala_op_run(op, -1, &error), error, CALA_MISUSE, "op.host_transaction");
  assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_MISUSE);
  expect_error(cala_tx_commit(tx, &error), error, CALA_MISUSE, "call.misuse");
  expect_error(cala_tx_rollback(tx, &error), error, CALA_MISUSE, "call.misuse");
  assert_int_equal(cala_op_status(op), CALA_BUSY);
  expect_state(shop, 0, 0);
  cala_op_free(op);
  cala_tx_free(tx);
  cala_queue_free(queue);
}
