/* Several threads on one ledger: postings beside each other, one transaction at a time in its hands, cancelling,
 * freeing and shutting down while operations are in flight. Threads of a test note what they saw; only the test's own
 * thread asserts. */
#include "ledger_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, POSTINGS = 25, IN_FLIGHT = 60, ROUNDS = 20 };

struct crew {
  cala_ledger *ledger;
  cala_tx *tx;
  atomic_int ok;
  atomic_int busy;
  atomic_int other;
};

static cala_status post_one(cala_ledger *ledger, cala_tx *tx) {
  const char *request = transfer_request(NULL, "1");
  cala_op *op = NULL;
  cala_status status = cala_transaction_post(ledger, tx, request, strlen(request), &op, NULL);
  if (status == CALA_OK) status = cala_op_run(op, -1, NULL);
  cala_op_free(op);
  return status;
}

static void *post_many_times(void *argument) {
  struct crew *crew = argument;
  int i;
  for (i = 0; i < POSTINGS; ++i) {
    const cala_status status = post_one(crew->ledger, crew->tx);
    atomic_fetch_add(status == CALA_OK ? &crew->ok : status == CALA_BUSY ? &crew->busy : &crew->other, 1);
  }
  return NULL;
}

static void run_crew(struct crew *crew) {
  pthread_t threads[THREADS];
  int i;
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, post_many_times, crew), 0);
  for (i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
}

static void threads_post_beside_each_other(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct crew crew;
  memset(&crew, 0, sizeof crew);
  crew.ledger = books->ledger;
  run_crew(&crew);
  assert_int_equal(atomic_load(&crew.busy), 0);
  assert_int_equal(atomic_load(&crew.other), 0);
  assert_int_equal(atomic_load(&crew.ok), THREADS * POSTINGS);
  assert_int_equal(units_of(books->ledger, NULL, BOB), THREADS * POSTINGS);
}

static void threads_in_one_transaction_are_done_or_busy(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct crew crew;
  memset(&crew, 0, sizeof crew);
  crew.ledger = books->ledger;
  crew.tx = begin_tx(books->ledger);
  run_crew(&crew);
  assert_int_equal(atomic_load(&crew.other), 0);
  assert_int_equal(atomic_load(&crew.ok) + atomic_load(&crew.busy), THREADS * POSTINGS);
  assert_int_equal(units_of(books->ledger, crew.tx, BOB), atomic_load(&crew.ok));
  assert_int_equal(cala_tx_commit(crew.tx, NULL), CALA_OK);
  cala_tx_free(crew.tx);
  assert_int_equal(units_of(books->ledger, NULL, BOB), atomic_load(&crew.ok));
}

/* A batch that takes its time. The text is the caller's to free(). */
static char *batch_request(int postings) {
  const size_t room = (size_t)postings * 256 + 64;
  char *text = malloc(room);
  size_t used;
  int i;
  assert_non_null(text);
  used = (size_t)snprintf(text, room, "{\"postings\": [");
  for (i = 0; i < postings; ++i) {
    used += (size_t)snprintf(text + used, room - used, "%s%s", i > 0 ? ", " : "", transfer_request(NULL, "1"));
  }
  snprintf(text + used, room - used, "]}");
  return text;
}

static void a_transaction_is_busy_while_an_operation_runs_in_it(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_tx *tx = begin_tx(books->ledger);
  char *request = batch_request(1000);
  cala_op *batch = make_op(books->ledger, tx, cala_transaction_post_many, request);
  cala_op *second = make_transfer(books->ledger, tx, "1");
  cala_error *error = NULL;
  free(request);
  assert_int_equal(cala_op_start(batch, queue, NULL, NULL), CALA_OK);
  expect_error(cala_op_run(second, -1, &error), error, CALA_BUSY, "tx.busy");
  assert_int_equal(cala_op_start(second, queue, NULL, NULL), CALA_BUSY);
  expect_error(cala_tx_commit(tx, &error), error, CALA_BUSY, "tx.busy");
  assert_int_equal(cala_queue_wait(queue, -1), CALA_OK);
  assert_int_equal(cala_queue_drain(queue, 0), 1);
  expect_ok(cala_op_run(second, -1, &error), error);
  expect_ok(cala_tx_commit(tx, &error), error);
  assert_int_equal(cala_op_status(batch), CALA_OK);
  cala_op_free(batch);
  cala_op_free(second);
  cala_tx_free(tx);
  cala_queue_free(queue);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1001);
}

/* An open transaction holds SQLite's writer, or PostgreSQL's rows of these accounts:
 * what is posted beside it has to wait. */
static cala_op *start_one_that_waits(struct ledger_fixture *books, cala_queue *queue, cala_tx **holder) {
  cala_op *op = make_transfer(books->ledger, NULL, "1");
  *holder = begin_tx(books->ledger);
  transfer(books->ledger, *holder, "1");
  assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_OK);
  assert_int_equal(cala_queue_wait(queue, 50), CALA_TIMEOUT);
  return op;
}

static void cancelling_ends_an_operation_that_waits(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_tx *holder = NULL;
  cala_op *op = start_one_that_waits(books, queue, &holder);
  assert_int_equal(cala_op_status(op), CALA_BUSY);
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  /* The transaction is still open, so only the cancelling can have ended it. */
  assert_int_equal(cala_queue_wait(queue, 20000), CALA_OK);
  assert_int_equal(cala_queue_drain(queue, 0), 1);
  assert_int_equal(cala_op_status(op), CALA_CANCELLED);
  assert_int_equal(cala_op_cancel(op), CALA_OK);
  cala_op_free(op);
  assert_int_equal(cala_tx_commit(holder, NULL), CALA_OK);
  cala_tx_free(holder);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
  transfer(books->ledger, NULL, "1");
  cala_queue_free(queue);
}

static void cancelling_reaches_what_has_not_begun(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_op *never_run = make_transfer(books->ledger, NULL, "1");
  cala_op *expression = make_op(books->ledger, NULL, cala_cel_evaluate, "{\"expr\": \"1 + 1\"}");
  cala_op *done = make_transfer(books->ledger, NULL, "1");
  assert_int_equal(cala_op_cancel(never_run), CALA_OK);
  assert_int_equal(cala_op_run(never_run, -1, NULL), CALA_CANCELLED);
  expect_op_error(never_run, CALA_CANCELLED, "op.cancelled");
  assert_int_equal(cala_op_cancel(expression), CALA_OK);
  assert_int_equal(cala_op_run(expression, -1, NULL), CALA_CANCELLED);
  assert_int_equal(cala_op_run(done, -1, NULL), CALA_OK);
  assert_int_equal(cala_op_cancel(done), CALA_OK);
  assert_int_equal(cala_op_status(done), CALA_OK);
  cala_op_free(never_run);
  cala_op_free(expression);
  cala_op_free(done);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

struct hasty {
  cala_op **ops;
  atomic_int begun;
};

static void *cancel_all(void *argument) {
  struct hasty *hasty = argument;
  int i;
  atomic_store(&hasty->begun, 1);
  for (i = IN_FLIGHT - 1; i >= 0; --i) cala_op_cancel(hasty->ops[i]);
  return NULL;
}

static void cancelling_beside_running_tells_each_outcome_right(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_op *ops[IN_FLIGHT];
  struct hasty hasty;
  pthread_t thread;
  int i;
  int done = 0;
  int answered = 0;
  hasty.ops = ops;
  atomic_init(&hasty.begun, 0);
  for (i = 0; i < IN_FLIGHT; ++i) ops[i] = make_transfer(books->ledger, NULL, "1");
  assert_int_equal(pthread_create(&thread, NULL, cancel_all, &hasty), 0);
  while (!atomic_load(&hasty.begun)) sched_yield();
  for (i = 0; i < IN_FLIGHT; ++i) assert_int_equal(cala_op_start(ops[i], queue, NULL, NULL), CALA_OK);
  pthread_join(thread, NULL);
  while (answered < IN_FLIGHT) {
    assert_int_equal(cala_queue_wait(queue, -1), CALA_OK);
    answered += cala_queue_drain(queue, 0);
  }
  for (i = 0; i < IN_FLIGHT; ++i) {
    const cala_status status = cala_op_status(ops[i]);
    assert_true(status == CALA_OK || status == CALA_CANCELLED);
    if (status == CALA_OK) ++done;
    cala_op_free(ops[i]);
  }
  assert_int_equal(units_of(books->ledger, NULL, BOB), done);
  cala_queue_free(queue);
}

struct reader {
  cala_queue *queue;
  int finished;
  int cancelled;
  int shutdowns;
  int after_shutdown;
  int other;
};

static void note_record(struct reader *reader, const struct queue_record *record) {
  if (record->type == CALA_RECORD_SHUTDOWN) {
    reader->shutdowns += 1;
    return;
  }
  if (reader->shutdowns > 0) reader->after_shutdown += 1;
  if (record->status == CALA_OK) {
    reader->finished += 1;
  } else if (record->status == CALA_CANCELLED) {
    reader->cancelled += 1;
  } else {
    reader->other += 1;
  }
}

static void read_all_there_is(struct reader *reader) {
  static uint64_t buffer[1 << 13];
  size_t used = 0;
  do {
    size_t at = 0;
    assert_int_equal(cala_queue_read(reader->queue, buffer, sizeof buffer, &used), CALA_OK);
    while (at < used) {
      struct queue_record record;
      memcpy(&record, (const char *)buffer + at, sizeof record);
      note_record(reader, &record);
      at += record.record_len;
    }
  } while (used > 0);
}

static void start_many(cala_ledger *ledger, cala_queue *queue, cala_op **ops, int count) {
  int i;
  for (i = 0; i < count; ++i) {
    ops[i] = make_transfer(ledger, NULL, "1");
    assert_int_equal(cala_op_start(ops[i], queue, NULL, NULL), CALA_OK);
  }
}

static void freeing_a_ledger_answers_what_is_in_flight(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct reader reader;
  cala_op *ops[IN_FLIGHT];
  int i;
  memset(&reader, 0, sizeof reader);
  reader.queue = new_queue();
  start_many(books->ledger, reader.queue, ops, IN_FLIGHT);
  cala_ledger_free(books->ledger);
  read_all_there_is(&reader);
  assert_int_equal(reader.other, 0);
  assert_int_equal(reader.finished + reader.cancelled, IN_FLIGHT);
  for (i = 0; i < IN_FLIGHT; ++i) {
    assert_int_not_equal(cala_op_status(ops[i]), CALA_BUSY);
    cala_op_free(ops[i]);
  }
  books->ledger = fixture_open_again(books, "");
  assert_int_equal(units_of(books->ledger, NULL, BOB), reader.finished);
  cala_queue_free(reader.queue);
}

static void freeing_a_ledger_does_not_wait_for_what_waits(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct reader reader;
  cala_tx *holder = NULL;
  cala_op *op;
  memset(&reader, 0, sizeof reader);
  reader.queue = new_queue();
  op = start_one_that_waits(books, reader.queue, &holder);
  cala_ledger_free(books->ledger);
  books->ledger = NULL;
  read_all_there_is(&reader);
  assert_int_equal(reader.finished + reader.cancelled, 1);
  assert_int_equal(reader.other, 0);
  cala_op_free(op);
  cala_tx_free(holder);
  cala_queue_free(reader.queue);
}

struct shutdown_watch {
  int answers;
  int shutdowns;
  int answers_after_shutdown;
};

static void note_answer(void *user, cala_op *op) {
  struct shutdown_watch *watch = user;
  if (op == NULL) {
    watch->shutdowns += 1;
    return;
  }
  watch->answers += 1;
  if (watch->shutdowns > 0) watch->answers_after_shutdown += 1;
}

struct canceller {
  cala_op **ops;
  int count;
};

static void *cancel_every_third(void *argument) {
  const struct canceller *self = argument;
  int i;
  for (i = 0; i < self->count; i += 3) cala_op_cancel(self->ops[i]);
  return NULL;
}

/* One round: work in flight, some of it being cancelled by another thread, and a shutdown right into it. */
static long shut_down_while_busy(cala_ledger *ledger, int round) {
  struct shutdown_watch watch = {0, 0, 0};
  cala_queue *queue = new_queue();
  cala_op *ops[IN_FLIGHT];
  struct canceller canceller = {ops, round + 1};
  cala_error *error = NULL;
  pthread_t thread;
  long finished = 0;
  int i;
  for (i = 0; i < IN_FLIGHT; ++i) {
    ops[i] = make_transfer(ledger, NULL, "1");
    assert_int_equal(cala_op_start(ops[i], queue, note_answer, &watch), CALA_OK);
    if (i == round) assert_int_equal(pthread_create(&thread, NULL, cancel_every_third, &canceller), 0);
    if (i == round) pthread_join(thread, NULL);
  }
  canceller.count = IN_FLIGHT;
  assert_int_equal(pthread_create(&thread, NULL, cancel_every_third, &canceller), 0);
  expect_ok(cala_ledger_shutdown(ledger, queue, note_answer, &watch, &error), error);
  expect_error(cala_ledger_shutdown(ledger, queue, note_answer, &watch, &error), error, CALA_CLOSED, "ledger.closed");
  while (watch.shutdowns == 0) {
    assert_int_equal(cala_queue_wait(queue, -1), CALA_OK);
    assert_true(cala_queue_drain(queue, 0) >= 0);
  }
  pthread_join(thread, NULL);
  assert_int_equal(cala_queue_drain(queue, 0), 0);
  assert_int_equal(watch.answers, IN_FLIGHT);
  assert_int_equal(watch.answers_after_shutdown, 0);
  assert_int_equal(watch.shutdowns, 1);
  for (i = 0; i < IN_FLIGHT; ++i) {
    const cala_status status = cala_op_status(ops[i]);
    assert_true(status == CALA_OK || status == CALA_CANCELLED);
    finished += status == CALA_OK;
    cala_op_free(ops[i]);
  }
  cala_queue_free(queue);
  return finished;
}

static void the_shutdown_completes_last(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  long finished = 0;
  int round;
  for (round = 0; round < ROUNDS; ++round) {
    finished += shut_down_while_busy(books->ledger, round);
    refuse(books->ledger, NULL, cala_ledger_info, "{}", CALA_CLOSED, "ledger.closed");
    cala_ledger_free(books->ledger);
    books->ledger = fixture_open_again(books, "");
  }
  assert_int_equal(units_of(books->ledger, NULL, BOB), finished);
}

static void a_shutdown_is_a_record_too(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct reader reader;
  cala_op *ops[IN_FLIGHT];
  int i;
  memset(&reader, 0, sizeof reader);
  reader.queue = new_queue();
  start_many(books->ledger, reader.queue, ops, IN_FLIGHT);
  assert_int_equal(cala_ledger_shutdown(books->ledger, reader.queue, NULL, NULL, NULL), CALA_OK);
  while (reader.shutdowns == 0) {
    assert_int_equal(cala_queue_wait(reader.queue, -1), CALA_OK);
    read_all_there_is(&reader);
  }
  assert_int_equal(reader.finished + reader.cancelled, IN_FLIGHT);
  assert_int_equal(reader.after_shutdown + reader.other, 0);
  for (i = 0; i < IN_FLIGHT; ++i) cala_op_free(ops[i]);
  cala_queue_free(reader.queue);
}

static void count_call(void *user, cala_op *op) {
  (void)op;
  *(int *)user += 1;
}

static void an_operation_freed_early_never_calls_back(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_error *error = NULL;
  struct shutdown_watch watch = {0, 0, 0};
  int calls = 0;
  int i;
  for (i = 0; i < IN_FLIGHT; ++i) {
    cala_op *op = make_transfer(books->ledger, NULL, "1");
    assert_int_equal(cala_op_start(op, queue, count_call, &calls), CALA_OK);
    cala_op_free(op);
  }
  expect_ok(cala_ledger_shutdown(books->ledger, queue, note_answer, &watch, &error), error);
  while (watch.shutdowns == 0) {
    assert_int_equal(cala_queue_wait(queue, -1), CALA_OK);
    assert_true(cala_queue_drain(queue, 0) >= 0);
  }
  assert_int_equal(calls, 0);
  cala_queue_free(queue);
}

static void a_reader_still_gets_the_record_of_a_freed_operation(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct reader reader;
  int i;
  memset(&reader, 0, sizeof reader);
  reader.queue = new_queue();
  for (i = 0; i < IN_FLIGHT; ++i) {
    cala_op *op = make_transfer(books->ledger, NULL, "1");
    assert_int_equal(cala_op_start(op, reader.queue, NULL, NULL), CALA_OK);
    cala_op_free(op);
  }
  while (reader.finished + reader.cancelled < IN_FLIGHT) {
    assert_int_equal(cala_queue_wait(reader.queue, -1), CALA_OK);
    read_all_there_is(&reader);
  }
  assert_int_equal(reader.other, 0);
  assert_int_equal(units_of(books->ledger, NULL, BOB), reader.finished);
  cala_queue_free(reader.queue);
}

static void *make_and_free(void *argument) {
  static const char *const unknown_key = "{\"code\": \"BOB\", \"kode\": 1}";
  struct crew *crew = argument;
  int i;
  for (i = 0; i < POSTINGS * 8; ++i) {
    cala_error *error = NULL;
    cala_op *op = NULL;
    cala_queue *queue = NULL;
    if (cala_account_find(crew->ledger, NULL, unknown_key, strlen(unknown_key), &op, &error) != CALA_INVALID) {
      atomic_fetch_add(&crew->other, 1);
    }
    if (strcmp(cala_error_code(error), "request.unknown_key") != 0) atomic_fetch_add(&crew->other, 1);
    cala_error_free(error);
    if (cala_account_find(crew->ledger, NULL, "{\"code\": \"BOB\"}", 15, &op, NULL) != CALA_OK ||
        cala_queue_new(&queue, NULL) != CALA_OK) {
      atomic_fetch_add(&crew->other, 1);
    }
    if (i % 16 == 0 && cala_op_run(op, -1, NULL) != CALA_OK) atomic_fetch_add(&crew->other, 1);
    cala_op_free(op);
    cala_queue_free(queue);
  }
  return NULL;
}

static void handles_are_made_and_freed_on_any_thread(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct crew crew;
  pthread_t threads[THREADS];
  int i;
  memset(&crew, 0, sizeof crew);
  crew.ledger = books->ledger;
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, &crew), 0);
  for (i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&crew.other), 0);
}

#define ON_BOTH(test) ON_SQLITE(test), ON_POSTGRES(test)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(threads_post_beside_each_other),
      ON_BOTH(threads_in_one_transaction_are_done_or_busy),
      ON_BOTH(a_transaction_is_busy_while_an_operation_runs_in_it),
      ON_BOTH(cancelling_ends_an_operation_that_waits),
      ON_BOTH(cancelling_reaches_what_has_not_begun),
      ON_BOTH(cancelling_beside_running_tells_each_outcome_right),
      ON_BOTH(freeing_a_ledger_answers_what_is_in_flight),
      ON_BOTH(freeing_a_ledger_does_not_wait_for_what_waits),
      ON_BOTH(the_shutdown_completes_last),
      ON_BOTH(a_shutdown_is_a_record_too),
      ON_BOTH(an_operation_freed_early_never_calls_back),
      ON_BOTH(a_reader_still_gets_the_record_of_a_freed_operation),
      ON_SQLITE(handles_are_made_and_freed_on_any_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
