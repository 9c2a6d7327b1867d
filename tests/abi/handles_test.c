/* Misuse of every handle by every function of cala.h: NULL, freed, of another kind, foreign memory. Each call says so
 * and breaks nothing. Two tables name all functions, and a test holds them against the header. */
#include "ledger_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum handle_kind { NO_HANDLE, LEDGER, QUEUE, TX, OP, LISTENER, ERROR, KINDS };

struct operation_row {
  const char *name;
  operation_fn operation;
};

#define OPERATION(name) \
  { "cala_" #name, cala_##name }

static const struct operation_row kOperations[] = {
#define CALA_OPERATION(name) OPERATION(name),
#include "operations_of_header.inc"
#undef CALA_OPERATION
};
enum { OPERATION_COUNT = sizeof kOperations / sizeof *kOperations };

/* What a function does with a handle that is not of its kind. Functions without a handle get NULL. */
#define MISUSED(function, kind, ...)                          \
  static void misuse_##function(void *handle) { __VA_ARGS__ } \
  enum { KIND_OF_##function = kind }
#define STATUS_IS_MISUSE(call) assert_int_equal(call, CALA_MISUSE);
#define NEGATIVE_IS_MISUSE(call) assert_int_equal(call, -CALA_MISUSE);

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define expect_misuse(call, error) expect_error(call, error, CALA_MISUSE, "call.misuse")

MISUSED(cala_version, NO_HANDLE, assert_null(handle); assert_string_equal(cala_version(), "1.0.0"););
MISUSED(cala_abi_version, NO_HANDLE, assert_null(handle); assert_int_equal(cala_abi_version(), 1 << 16););
MISUSED(cala_api, NO_HANDLE, assert_null(handle); assert_memory_equal(cala_api(), "{\"version\":\"1.0.0\"", 18););
MISUSED(cala_status_name, NO_HANDLE, assert_null(handle); assert_string_equal(cala_status_name(-1), "CALA_UNKNOWN");
        assert_string_equal(cala_status_name(17), "CALA_UNKNOWN"););
MISUSED(cala_free, NO_HANDLE, cala_free(handle););

MISUSED(cala_error_status, ERROR, assert_int_equal(cala_error_status(handle), CALA_OK););
MISUSED(cala_error_code, ERROR, assert_string_equal(cala_error_code(handle), ""););
MISUSED(cala_error_message, ERROR, assert_string_equal(cala_error_message(handle), ""););
MISUSED(cala_error_retryable, ERROR, assert_int_equal(cala_error_retryable(handle), 0););
MISUSED(cala_error_sqlstate, ERROR, assert_string_equal(cala_error_sqlstate(handle), ""););
MISUSED(cala_error_tx_state, ERROR, assert_int_equal(cala_error_tx_state(handle), CALA_TX_USABLE););
MISUSED(cala_error_posting_index, ERROR, assert_int_equal(cala_error_posting_index(handle), -1););
MISUSED(cala_error_details, ERROR, assert_string_equal(cala_error_details(handle), "{}"););
MISUSED(cala_error_free, ERROR, cala_error_free(handle););
MISUSED(cala_lost_race, NO_HANDLE, assert_null(handle); assert_int_equal(cala_lost_race(NULL), 0);
        assert_int_equal(cala_lost_race(""), 0););

MISUSED(cala_ledger_open, NO_HANDLE, cala_error *error = NULL; cala_ledger *ledger = NULL; assert_null(handle);
        expect_misuse(cala_ledger_open("{}", 2, NULL, &error), error);
        expect_misuse(cala_ledger_open(NULL, 2, &ledger, &error), error); assert_null(ledger););
MISUSED(cala_ledger_shutdown, LEDGER, cala_error *error = NULL;
        expect_misuse(cala_ledger_shutdown(handle, NULL, NULL, NULL, &error), error););
MISUSED(cala_ledger_log, LEDGER, cala_error *error = NULL;
        expect_misuse(cala_ledger_log(handle, NULL, 0, NULL, NULL, NULL, &error), error););
MISUSED(cala_ledger_free, LEDGER, cala_ledger_free(handle););
MISUSED(cala_clock_set, LEDGER, cala_error *error = NULL;
        expect_misuse(cala_clock_set(handle, "2026-01-01T00:00:00Z", 20, &error), error););
MISUSED(cala_clock_advance, LEDGER, cala_error *error = NULL;
        expect_misuse(cala_clock_advance(handle, 1, &error), error););

MISUSED(cala_queue_new, NO_HANDLE, cala_error *error = NULL; assert_null(handle);
        expect_misuse(cala_queue_new(NULL, &error), error););
MISUSED(cala_queue_fd, QUEUE, NEGATIVE_IS_MISUSE(cala_queue_fd(handle)));
MISUSED(cala_queue_read, QUEUE, size_t used = 0; char buffer[64];
        STATUS_IS_MISUSE(cala_queue_read(handle, buffer, sizeof buffer, &used)));
MISUSED(cala_queue_drain, QUEUE, NEGATIVE_IS_MISUSE(cala_queue_drain(handle, 0)));
MISUSED(cala_queue_run, QUEUE, STATUS_IS_MISUSE(cala_queue_run(handle)));
MISUSED(cala_queue_wait, QUEUE, STATUS_IS_MISUSE(cala_queue_wait(handle, -1)));
MISUSED(cala_queue_wake, QUEUE, STATUS_IS_MISUSE(cala_queue_wake(handle)));
MISUSED(cala_queue_stop, QUEUE, STATUS_IS_MISUSE(cala_queue_stop(handle)));
MISUSED(cala_queue_free, QUEUE, cala_queue_free(handle););

MISUSED(cala_op_run, OP, cala_error *error = NULL; expect_misuse(cala_op_run(handle, -1, &error), error););
MISUSED(cala_op_start, OP, STATUS_IS_MISUSE(cala_op_start(handle, NULL, NULL, NULL)));
MISUSED(cala_op_step, OP, NEGATIVE_IS_MISUSE(cala_op_step(handle)));
MISUSED(cala_op_sql, OP, size_t len = 1; assert_null(cala_op_sql(handle, &len)); assert_int_equal(len, 0);
        assert_null(cala_op_sql(handle, NULL)););
MISUSED(cala_op_sql_name, OP, assert_null(cala_op_sql_name(handle)););
MISUSED(cala_op_sql_returns_row, OP, assert_int_equal(cala_op_sql_returns_row(handle), 0););
MISUSED(cala_op_param_count, OP, assert_int_equal(cala_op_param_count(handle), 0););
MISUSED(cala_op_param, OP, size_t len = 1; assert_null(cala_op_param(handle, 0, &len)); assert_int_equal(len, 0););
MISUSED(cala_op_feed, OP, NEGATIVE_IS_MISUSE(cala_op_feed(handle, "{}", 2)));
MISUSED(cala_op_feed_error, OP, NEGATIVE_IS_MISUSE(cala_op_feed_error(handle, NULL, NULL)));
MISUSED(cala_op_status, OP, STATUS_IS_MISUSE(cala_op_status(handle)));
MISUSED(cala_op_result, OP, size_t len = 1; assert_null(cala_op_result(handle, &len)); assert_int_equal(len, 0););
MISUSED(cala_op_error, OP, assert_null(cala_op_error(handle)););
MISUSED(cala_op_trace, OP, STATUS_IS_MISUSE(cala_op_trace(handle, TRACE, strlen(TRACE))));
MISUSED(cala_op_cancel, OP, STATUS_IS_MISUSE(cala_op_cancel(handle)));
MISUSED(cala_op_free, OP, cala_op_free(handle););

MISUSED(cala_tx_begin, LEDGER, cala_error *error = NULL; cala_tx *tx = NULL;
        expect_misuse(cala_tx_begin(handle, NULL, 0, &tx, &error), error); assert_null(tx););
MISUSED(cala_tx_host, LEDGER, cala_error *error = NULL; cala_tx *tx = NULL;
        expect_misuse(cala_tx_host(handle, NULL, 0, &tx, &error), error); assert_null(tx););
MISUSED(cala_tx_adopt, LEDGER, cala_error *error = NULL; cala_tx *tx = NULL;
        expect_misuse(cala_tx_adopt(handle, &tx, NULL, NULL, NULL, 0, &tx, &error), error); assert_null(tx););
MISUSED(cala_tx_in_transaction, TX, assert_int_equal(cala_tx_in_transaction(handle, 1), CALA_MISUSE););
MISUSED(cala_tx_commit, TX, cala_error *error = NULL; expect_misuse(cala_tx_commit(handle, &error), error););
MISUSED(cala_tx_rollback, TX, cala_error *error = NULL; expect_misuse(cala_tx_rollback(handle, &error), error););
MISUSED(cala_tx_begin_op, LEDGER, cala_error *error = NULL; cala_tx *tx = NULL; cala_op *op = NULL;
        expect_misuse(cala_tx_begin_op(handle, NULL, 0, &tx, &op, &error), error); assert_null(tx); assert_null(op););
MISUSED(cala_tx_commit_op, TX, cala_error *error = NULL; cala_op *op = NULL;
        expect_misuse(cala_tx_commit_op(handle, &op, &error), error); assert_null(op););
MISUSED(cala_tx_rollback_op, TX, cala_error *error = NULL; cala_op *op = NULL;
        expect_misuse(cala_tx_rollback_op(handle, &op, &error), error); assert_null(op););
MISUSED(cala_tx_prepare, TX, cala_error *error = NULL;
        expect_misuse(cala_tx_prepare(handle, "gid", 3, &error), error););
MISUSED(cala_tx_prepare_op, TX, cala_error *error = NULL; cala_op *op = NULL;
        expect_misuse(cala_tx_prepare_op(handle, "gid", 3, &op, &error), error); assert_null(op););
MISUSED(cala_tx_free, TX, cala_tx_free(handle););

MISUSED(cala_listener_open, LEDGER, cala_error *error = NULL; cala_listener *listener = NULL;
        expect_misuse(cala_listener_open(handle, NULL, 0, NULL, NULL, NULL, &listener, &error), error);
        assert_null(listener););
MISUSED(cala_listener_reached, LISTENER, NEGATIVE_IS_MISUSE(cala_listener_reached(handle)));
MISUSED(cala_listener_free, LISTENER, cala_listener_free(handle););

struct function_row {
  const char *name;
  int kind;
  void (*misuse)(void *handle);
};

#define FUNCTION(function) \
  { #function, KIND_OF_##function, misuse_##function }

static const struct function_row kFunctions[] = {
    FUNCTION(cala_version),
    FUNCTION(cala_abi_version),
    FUNCTION(cala_api),
    FUNCTION(cala_status_name),
    FUNCTION(cala_free),
    FUNCTION(cala_error_status),
    FUNCTION(cala_error_code),
    FUNCTION(cala_error_message),
    FUNCTION(cala_error_retryable),
    FUNCTION(cala_error_sqlstate),
    FUNCTION(cala_error_tx_state),
    FUNCTION(cala_error_details),
    FUNCTION(cala_error_posting_index),
    FUNCTION(cala_error_free),
    FUNCTION(cala_lost_race),
    FUNCTION(cala_ledger_open),
    FUNCTION(cala_ledger_shutdown),
    FUNCTION(cala_ledger_log),
    FUNCTION(cala_ledger_free),
    FUNCTION(cala_clock_set),
    FUNCTION(cala_clock_advance),
    FUNCTION(cala_queue_new),
    FUNCTION(cala_queue_fd),
    FUNCTION(cala_queue_read),
    FUNCTION(cala_queue_drain),
    FUNCTION(cala_queue_run),
    FUNCTION(cala_queue_wait),
    FUNCTION(cala_queue_wake),
    FUNCTION(cala_queue_stop),
    FUNCTION(cala_queue_free),
    FUNCTION(cala_op_run),
    FUNCTION(cala_op_start),
    FUNCTION(cala_op_step),
    FUNCTION(cala_op_sql),
    FUNCTION(cala_op_sql_name),
    FUNCTION(cala_op_sql_returns_row),
    FUNCTION(cala_op_param_count),
    FUNCTION(cala_op_param),
    FUNCTION(cala_op_feed),
    FUNCTION(cala_op_feed_error),
    FUNCTION(cala_op_status),
    FUNCTION(cala_op_result),
    FUNCTION(cala_op_error),
    FUNCTION(cala_op_trace),
    FUNCTION(cala_op_cancel),
    FUNCTION(cala_op_free),
    FUNCTION(cala_tx_begin),
    FUNCTION(cala_tx_host),
    FUNCTION(cala_tx_adopt),
    FUNCTION(cala_tx_in_transaction),
    FUNCTION(cala_tx_commit),
    FUNCTION(cala_tx_rollback),
    FUNCTION(cala_tx_begin_op),
    FUNCTION(cala_tx_commit_op),
    FUNCTION(cala_tx_rollback_op),
    FUNCTION(cala_tx_prepare),
    FUNCTION(cala_tx_prepare_op),
    FUNCTION(cala_tx_free),
    FUNCTION(cala_listener_open),
    FUNCTION(cala_listener_reached),
    FUNCTION(cala_listener_free),
};
enum { FUNCTION_COUNT = sizeof kFunctions / sizeof *kFunctions };

/* One living and one freed handle of every kind, and memory that is no handle at all. */
struct zoo {
  void *living[KINDS];
  void *freed[KINDS];
  void *foreign;
};

static uint64_t foreign_memory[64];

static cala_error *new_error(void) {
  cala_error *error = NULL;
  assert_int_equal(cala_ledger_open("[", 1, &(cala_ledger *){NULL}, &error), CALA_INVALID);
  assert_non_null(error);
  return error;
}

static cala_listener *new_listener(cala_ledger *ledger, cala_queue *queue) {
  cala_listener *listener = NULL;
  cala_error *error = NULL;
  expect_ok(cala_listener_open(ledger, NULL, 0, queue, NULL, NULL, &listener, &error), error);
  return listener;
}

static void fill_zoo(struct zoo *zoo, struct ledger_fixture *books) {
  int round;
  memset(zoo, 0, sizeof *zoo);
  zoo->foreign = foreign_memory;
  for (round = 0; round < 2; ++round) {
    void **handles = round == 0 ? zoo->freed : zoo->living;
    handles[LEDGER] = round == 0 ? fixture_open_again(books, "") : books->ledger;
    handles[QUEUE] = new_queue();
    handles[TX] = host_tx(books->ledger, "{}");
    handles[OP] = make_transfer(books->ledger, NULL, "1");
    handles[LISTENER] = new_listener(books->ledger, handles[QUEUE]);
    handles[ERROR] = new_error();
  }
  cala_listener_free(zoo->freed[LISTENER]);
  cala_op_free(zoo->freed[OP]);
  cala_tx_free(zoo->freed[TX]);
  cala_queue_free(zoo->freed[QUEUE]);
  cala_error_free(zoo->freed[ERROR]);
  cala_ledger_free(zoo->freed[LEDGER]);
}

/* All of them are as alive as before. */
static void empty_zoo(struct zoo *zoo, struct ledger_fixture *books) {
  assert_string_equal(cala_error_code(zoo->living[ERROR]), "request.malformed");
  assert_int_equal(cala_queue_wake(zoo->living[QUEUE]), CALA_OK);
  assert_int_equal(cala_op_run(zoo->living[OP], -1, NULL), CALA_OK);
  assert_int_equal(cala_tx_commit(zoo->living[TX], NULL), CALA_MISUSE); /* the program's own to commit */
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
  assert_true(cala_listener_reached(zoo->living[LISTENER]) > 0);
  cala_listener_free(zoo->living[LISTENER]);
  cala_op_free(zoo->living[OP]);
  cala_tx_free(zoo->living[TX]);
  cala_queue_free(zoo->living[QUEUE]);
  cala_error_free(zoo->living[ERROR]);
}

static void functions_refuse_every_handle_that_is_not_theirs(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct zoo zoo;
  size_t i;
  int kind;
  fill_zoo(&zoo, books);
  for (i = 0; i < FUNCTION_COUNT; ++i) {
    const struct function_row *row = &kFunctions[i];
    row->misuse(NULL);
    if (row->kind == NO_HANDLE) continue;
    row->misuse(zoo.foreign);
    for (kind = LEDGER; kind < KINDS; ++kind) {
      row->misuse(zoo.freed[kind]);
      if (kind != row->kind) row->misuse(zoo.living[kind]);
    }
  }
  empty_zoo(&zoo, books);
}

static void expect_refused(const struct operation_row *row, cala_ledger *ledger, cala_tx *tx, const char *request,
                           size_t request_len, cala_status wanted) {
  cala_op *op = (cala_op *)(void *)foreign_memory;
  cala_error *error = NULL;
  cala_status status = row->operation(ledger, tx, request, request_len, &op, &error);
  if (status != wanted) print_error("%s answered %s\n", row->name, cala_status_name(status));
  assert_int_equal(status, wanted);
  assert_null(op);
  assert_int_equal(cala_error_status(error), wanted);
  cala_error_free(error);
}

static void operations_refuse_every_handle_that_is_not_theirs(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_ledger *other = fixture_open_again(books, "");
  cala_tx *of_other = host_tx(other, "{}");
  struct zoo zoo;
  size_t i;
  int kind;
  fill_zoo(&zoo, books);
  for (i = 0; i < OPERATION_COUNT; ++i) {
    const struct operation_row *row = &kOperations[i];
    cala_error *error = NULL;
    expect_refused(row, NULL, NULL, "{}", 2, CALA_MISUSE);
    expect_refused(row, zoo.foreign, NULL, "{}", 2, CALA_MISUSE);
    expect_refused(row, books->ledger, zoo.foreign, "{}", 2, CALA_MISUSE);
    expect_refused(row, books->ledger, of_other, "{}", 2, CALA_MISUSE);
    expect_refused(row, books->ledger, NULL, NULL, 2, CALA_MISUSE);
    expect_misuse(row->operation(books->ledger, NULL, "{}", 2, NULL, &error), error);
    for (kind = LEDGER; kind < KINDS; ++kind) {
      expect_refused(row, zoo.freed[kind], NULL, "{}", 2, CALA_MISUSE);
      expect_refused(row, books->ledger, zoo.freed[kind], "{}", 2, CALA_MISUSE);
      if (kind != LEDGER) expect_refused(row, zoo.living[kind], NULL, "{}", 2, CALA_MISUSE);
      if (kind != TX) expect_refused(row, books->ledger, zoo.living[kind], "{}", 2, CALA_MISUSE);
    }
  }
  cala_tx_free(of_other);
  cala_ledger_free(other);
  empty_zoo(&zoo, books);
}

static void operations_refuse_what_is_no_request(void **state) {
  static const char *const broken[] = {
      "", "{", "[]", "nonsense", "{\"first\": 1, \"first\": 1}", "{\"no_such_key\": 1}", "{} {}"};
  struct ledger_fixture *books = fixture_open(state, "");
  size_t i;
  size_t j;
  for (i = 0; i < OPERATION_COUNT; ++i) {
    expect_refused(&kOperations[i], books->ledger, NULL, NULL, 0, CALA_INVALID);
    expect_refused(&kOperations[i], books->ledger, NULL, "{\"id\": \"\\u0000\"}", 16, CALA_INVALID);
    for (j = 0; j < sizeof broken / sizeof *broken; ++j) {
      expect_refused(&kOperations[i], books->ledger, NULL, broken[j], strlen(broken[j]), CALA_INVALID);
    }
  }
}

static void operations_of_a_closed_ledger_are_closed(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_op *made_before = make_transfer(books->ledger, NULL, "1");
  cala_op *in_host_tx;
  cala_queue *queue = new_queue();
  cala_tx *tx = host_tx(books->ledger, "{}");
  cala_error *error = NULL;
  size_t i;
  in_host_tx = make_transfer(books->ledger, tx, "1");
  expect_ok(cala_ledger_shutdown(books->ledger, NULL, NULL, NULL, &error), error);
  for (i = 0; i < OPERATION_COUNT; ++i) expect_refused(&kOperations[i], books->ledger, NULL, "{}", 2, CALA_CLOSED);
  expect_error(cala_op_run(made_before, -1, &error), error, CALA_CLOSED, "ledger.closed");
  assert_int_equal(cala_op_start(made_before, queue, NULL, NULL), CALA_CLOSED);
  cala_ledger_free(books->ledger);
  books->ledger = NULL;
  expect_error(cala_op_run(made_before, -1, &error), error, CALA_CLOSED, "ledger.closed");
  assert_int_equal(cala_op_step(in_host_tx), -CALA_CLOSED);
  assert_int_equal(cala_queue_drain(queue, 0), 0);
  cala_op_free(made_before);
  cala_op_free(in_host_tx);
  cala_tx_free(tx);
  cala_queue_free(queue);
}

static void a_queue_that_is_none_is_refused_before_anything_begins(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_op *op = make_transfer(books->ledger, NULL, "1");
  struct zoo zoo;
  cala_error *error = NULL;
  int kind;
  fill_zoo(&zoo, books);
  for (kind = LEDGER; kind < KINDS; ++kind) {
    if (kind != QUEUE) {
      expect_misuse(cala_ledger_log(books->ledger, NULL, 0, zoo.living[kind], NULL, NULL, &error), error);
    }
    if (kind != QUEUE) {
      cala_listener *listener = NULL;
      expect_misuse(cala_listener_open(books->ledger, NULL, 0, zoo.living[kind], NULL, NULL, &listener, &error), error);
    }
    if (kind != QUEUE) assert_int_equal(cala_op_start(op, zoo.living[kind], NULL, NULL), CALA_MISUSE);
    assert_int_equal(cala_op_start(op, zoo.freed[kind], NULL, NULL), CALA_MISUSE);
    expect_misuse(cala_ledger_shutdown(books->ledger, zoo.freed[kind], NULL, NULL, &error), error);
    expect_misuse(cala_ledger_log(books->ledger, NULL, 0, zoo.freed[kind], NULL, NULL, &error), error);
  }
  assert_int_equal(cala_op_status(op), CALA_BUSY);
  cala_op_free(op);
  empty_zoo(&zoo, books);
}

static void steps_come_in_their_order(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = host_tx(books->ledger, "{}");
  cala_op *own = make_transfer(books->ledger, NULL, "1");
  cala_op *hosted = make_transfer(books->ledger, tx, "1");
  cala_queue *queue = new_queue();
  cala_error *error = NULL;
  assert_int_equal(cala_op_step(own), -CALA_MISUSE);
  assert_int_equal(cala_op_feed(own, "{}", 2), -CALA_MISUSE);
  assert_int_equal(cala_op_feed(hosted, "{}", 2), -CALA_MISUSE);
  assert_int_equal(cala_op_feed_error(hosted, "40001", "no"), -CALA_MISUSE);
  assert_null(cala_op_sql(hosted, NULL));
  expect_error(cala_op_run(hosted, -1, &error), error, CALA_MISUSE, "op.host_transaction");
  assert_int_equal(cala_op_start(hosted, queue, NULL, NULL), CALA_MISUSE);
  assert_int_equal(cala_op_step(hosted), CALA_STEP_NEED_QUERY);
  assert_int_equal(cala_op_step(hosted), -CALA_MISUSE);
  assert_non_null(cala_op_sql(hosted, NULL));
  assert_int_equal(cala_op_param_count(hosted), 1);
  assert_non_null(cala_op_param(hosted, 0, NULL));
  assert_null(cala_op_param(hosted, 1, NULL));
  assert_null(cala_op_param(hosted, -1, NULL));
  assert_int_equal(cala_op_status(hosted), CALA_BUSY);
  assert_int_equal(cala_op_feed_error(hosted, NULL, NULL), CALA_STEP_FAILED);
  assert_int_equal(cala_op_feed(hosted, "{}", 2), -CALA_MISUSE);
  assert_null(cala_op_sql(hosted, NULL));
  assert_int_equal(cala_op_param_count(hosted), 0);
  assert_non_null(cala_op_error(hosted));
  cala_op_free(own);
  cala_op_free(hosted);
  cala_tx_free(tx);
  cala_queue_free(queue);
}

static void a_garbled_answer_of_a_host_is_an_error_and_no_crash(void **state) {
  static const char *const garbage[] = {"", "nonsense", "[]", "{}", "{\"rows\": 1}", "{\"rows\": [1, {}]}", "null"};
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = host_tx(books->ledger, "{}");
  size_t i;
  for (i = 0; i <= sizeof garbage / sizeof *garbage; ++i) {
    cala_op *op = make_op(books->ledger, tx, cala_account_find, "{\"code\": \"ALICE\"}");
    const char *text = i < sizeof garbage / sizeof *garbage ? garbage[i] : NULL;
    assert_int_equal(cala_op_step(op), CALA_STEP_NEED_QUERY);
    assert_int_equal(cala_op_feed(op, text, text != NULL ? strlen(text) : 0), CALA_STEP_FAILED);
    assert_non_null(cala_op_error(op));
    cala_op_free(op);
  }
  cala_tx_free(tx);
}

static void frees_come_in_any_order(void **state) {
  int order;
  for (order = 0; order < 24; ++order) {
    struct ledger_fixture *books = fixture_open(state, "");
    cala_tx *tx = begin_tx(books->ledger);
    cala_op *op = make_transfer(books->ledger, tx, "1");
    cala_queue *queue = new_queue();
    int left[4] = {0, 1, 2, 3};
    int rest = order;
    int i;
    assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_OK);
    for (i = 4; i > 0; --i) {
      const int pick = rest % i;
      switch (left[pick]) {
        case 0: cala_ledger_free(books->ledger); break;
        case 1: cala_tx_free(tx); break;
        case 2: cala_op_free(op); break;
        default: cala_queue_free(queue); break;
      }
      rest /= i;
      left[pick] = left[i - 1];
    }
    books->ledger = NULL;
    fixture_teardown(state);
  }
}

static void errors_say_what_is_wrong(void **state) {
  cala_error *error = new_error();
  (void)state;
  assert_int_equal(cala_error_status(error), CALA_INVALID);
  assert_string_equal(cala_error_code(error), "request.malformed");
  assert_true(strlen(cala_error_message(error)) > 0);
  assert_string_equal(cala_error_sqlstate(error), "");
  assert_int_equal(cala_error_retryable(error), 0);
  assert_int_equal(cala_error_tx_state(error), CALA_TX_USABLE);
  assert_int_equal(cala_error_posting_index(error), -1);
  assert_int_equal(cala_error_details(error)[0], '{');
  cala_error_free(error);
  cala_error_free(error);
  assert_string_equal(cala_error_code(error), "");
}

static void every_status_has_its_name(void **state) {
  static const char *const names[] = {
      "CALA_OK",          "CALA_MISUSE",         "CALA_INVALID",     "CALA_NOT_FOUND", "CALA_CONFLICT",
      "CALA_REJECTED",    "CALA_BUSY",           "CALA_TIMEOUT",     "CALA_CANCELLED", "CALA_CLOSED",
      "CALA_UNAVAILABLE", "CALA_PERMISSION",     "CALA_UNSUPPORTED", "CALA_NO_MEMORY", "CALA_INTERNAL",
      "CALA_FORKED",      "CALA_OUTCOME_UNKNOWN"};
  int i;
  (void)state;
  for (i = 0; i <= CALA_OUTCOME_UNKNOWN; ++i) assert_string_equal(cala_status_name(i), names[i]);
}

static void a_lost_race_is_told_by_the_drivers_word(void **state) {
  static const char *const lost[] = {
      "40001", "40P01", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_BUSY_TIMEOUT", "SQLITE_LOCKED", "SQLITE_SCHEMA"};
  static const char *const other[] = {"40002",       "4000",
                                      "23505",       "25P02",
                                      "42P06",       "55P03",
                                      "57014",       "08006",
                                      "CA001",       "SQLITE_CONSTRAINT_UNIQUE",
                                      "SQLITE_FULL", "SQLITE_READONLY",
                                      "sqlite_busy", "database is locked"};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof lost / sizeof *lost; ++i) assert_int_equal(cala_lost_race(lost[i]), 1);
  for (i = 0; i < sizeof other / sizeof *other; ++i) assert_int_equal(cala_lost_race(other[i]), 0);
}

static void the_clock_moves_only_where_it_is_manual(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_ledger *manual = fixture_open_again(books, ", \"clock\": {\"manual\": \"2026-01-01T00:00:00Z\"}");
  cala_error *error = NULL;
  char *info;
  expect_error(cala_clock_advance(books->ledger, 1, &error), error, CALA_UNSUPPORTED, "clock.not_manual");
  expect_error(cala_clock_set(books->ledger, "2026-01-01T00:00:00Z", 20, &error), error, CALA_UNSUPPORTED,
               "clock.not_manual");
  expect_ok(cala_clock_advance(manual, 1500, &error), error);
  expect_error(cala_clock_advance(manual, -1, &error), error, CALA_INVALID, "clock.range");
  expect_error(cala_clock_advance(manual, INT64_MAX, &error), error, CALA_INVALID, "clock.range");
  expect_error(cala_clock_set(manual, "yesterday", 9, &error), error, CALA_INVALID, "request.malformed");
  expect_misuse(cala_clock_set(manual, NULL, 0, &error), error);
  info = answer_of(manual, NULL, cala_ledger_info, "{}");
  expect_contains(info, "\"now\":\"2026-01-01T00:00:01.500000Z\"");
  expect_contains(info, "\"clock\":\"manual\"");
  free(info);
  expect_ok(cala_clock_set(manual, "2025-06-01T00:00:00Z", 20, &error), error);
  info = answer_of(manual, NULL, cala_ledger_info, "{}");
  expect_contains(info, "\"now\":\"2025-06-01T00:00:00.000000Z\"");
  free(info);
  cala_ledger_free(manual);
}

static char *read_header(void) {
  FILE *file = fopen(CALA_SOURCE_DIR "/include/cala.h", "rb");
  char *text;
  size_t len;
  assert_non_null(file);
  text = malloc(1 << 20);
  assert_non_null(text);
  len = fread(text, 1, (1 << 20) - 1, file);
  fclose(file);
  text[len] = '\0';
  return text;
}

static int is_in_a_table(const char *name) {
  size_t i;
  for (i = 0; i < OPERATION_COUNT; ++i) {
    if (strcmp(kOperations[i].name, name) == 0) return 1;
  }
  for (i = 0; i < FUNCTION_COUNT; ++i) {
    if (strcmp(kFunctions[i].name, name) == 0) return 1;
  }
  return 0;
}

static void the_tables_name_every_function_of_the_header(void **state) {
  char *header = read_header();
  const char *at = header;
  size_t count = 0;
  (void)state;
  while ((at = strstr(at, "\nCALA_API ")) != NULL) {
    const char *open = strchr(at, '(');
    const char *begin = open;
    char name[64];
    assert_non_null(open);
    while (begin[-1] == '_' || (begin[-1] >= 'a' && begin[-1] <= 'z')) --begin;
    assert_true((size_t)(open - begin) < sizeof name);
    memcpy(name, begin, (size_t)(open - begin));
    name[open - begin] = '\0';
    if (!is_in_a_table(name)) print_error("%s is in no table\n", name);
    assert_true(is_in_a_table(name));
    count += 1;
    at = open;
  }
  assert_int_equal(count, (int)OPERATION_COUNT + (int)FUNCTION_COUNT);
  free(header);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_tables_name_every_function_of_the_header),
      ON_SQLITE(functions_refuse_every_handle_that_is_not_theirs),
      ON_SQLITE(operations_refuse_every_handle_that_is_not_theirs),
      ON_SQLITE(operations_refuse_what_is_no_request),
      ON_SQLITE(operations_of_a_closed_ledger_are_closed),
      ON_SQLITE(a_queue_that_is_none_is_refused_before_anything_begins),
      ON_SQLITE(steps_come_in_their_order),
      ON_SQLITE(a_garbled_answer_of_a_host_is_an_error_and_no_crash),
      ON_SQLITE(frees_come_in_any_order),
      cmocka_unit_test(errors_say_what_is_wrong),
      cmocka_unit_test(every_status_has_its_name),
      cmocka_unit_test(a_lost_race_is_told_by_the_drivers_word),
      ON_SQLITE(the_clock_moves_only_where_it_is_manual),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
