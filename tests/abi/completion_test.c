/* Completion through a queue: every operation that was started is answered exactly once, to readers and to callbacks,
 * and a ledger that is full says so. */
#include "ledger_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRODUCERS = 4, EACH = 40, OPERATIONS = PRODUCERS * EACH };

/* Four threads that start operations, each with its own place in `answers` as user value. */
struct work {
  cala_ledger *ledger;
  cala_queue *queue;
  cala_completion_fn fn;
  cala_op *ops[OPERATIONS];
  atomic_int answers[OPERATIONS];
  atomic_int failures;
};
struct producer {
  struct work *work;
  int first;
};

static cala_status start_patiently(cala_op *op, cala_queue *queue, cala_completion_fn fn, void *user) {
  cala_status status = cala_op_start(op, queue, fn, user);
  while (status == CALA_BUSY) {
    sched_yield();
    status = cala_op_start(op, queue, fn, user);
  }
  return status;
}

static void *produce(void *argument) {
  const struct producer *self = argument;
  struct work *work = self->work;
  int i;
  for (i = self->first; i < self->first + EACH; ++i) {
    const char *request = transfer_request(NULL, "1");
    if (cala_transaction_post(work->ledger, NULL, request, strlen(request), &work->ops[i], NULL) != CALA_OK ||
        start_patiently(work->ops[i], work->queue, work->fn, &work->answers[i]) != CALA_OK) {
      atomic_fetch_add(&work->failures, 1);
    }
  }
  return NULL;
}

static void start_producers(struct work *work, struct producer *producers, pthread_t *threads) {
  int i;
  for (i = 0; i < PRODUCERS; ++i) {
    producers[i].work = work;
    producers[i].first = i * EACH;
    assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
  }
}

static void check_answers(struct work *work) {
  int i;
  assert_int_equal(atomic_load(&work->failures), 0);
  for (i = 0; i < OPERATIONS; ++i) {
    assert_int_equal(atomic_load(&work->answers[i]), 1);
    assert_int_equal(cala_op_status(work->ops[i]), CALA_OK);
    cala_op_free(work->ops[i]);
  }
  assert_int_equal(units_of(work->ledger, NULL, BOB), OPERATIONS);
}

/* Reads what is there; returns the number of records, and checks each one's shape. */
static int read_records(cala_queue *queue, void *buffer, size_t capacity) {
  size_t used = 0;
  size_t at = 0;
  int count = 0;
  assert_int_equal(cala_queue_read(queue, buffer, capacity, &used), CALA_OK);
  while (at < used) {
    struct queue_record record;
    const char *data = (const char *)buffer + at;
    memcpy(&record, data, sizeof record);
    assert_int_equal(record.record_len % 8, 0);
    assert_true(record.header_len >= sizeof record);
    assert_true(record.header_len + record.data_len <= record.record_len);
    assert_int_equal(record.type, CALA_RECORD_COMPLETION);
    assert_int_equal(record.status, CALA_OK);
    assert_memory_equal(data + record.header_len, "{\"transaction\":", strlen("{\"transaction\":"));
    atomic_fetch_add((atomic_int *)(uintptr_t)record.tag, 1);
    at += record.record_len;
    count += 1;
  }
  assert_int_equal(at, used);
  return count;
}

static void a_reader_gets_every_answer_once(void **state) {
  static uint64_t buffer[1 << 14];
  static struct work work;
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  struct ledger_fixture *books = fixture_open(state, "");
  struct pollfd watched;
  int i;
  int read = 0;
  memset(&work, 0, sizeof work);
  work.ledger = books->ledger;
  work.queue = new_queue();
  watched.fd = cala_queue_fd(work.queue);
  watched.events = POLLIN;
  assert_true(watched.fd >= 0);
  start_producers(&work, producers, threads);
  while (read < OPERATIONS) {
    assert_int_equal(poll(&watched, 1, 30000), 1);
    read += read_records(work.queue, buffer, sizeof buffer);
  }
  for (i = 0; i < PRODUCERS; ++i) pthread_join(threads[i], NULL);
  assert_int_equal(read_records(work.queue, buffer, sizeof buffer), 0);
  check_answers(&work);
  close(watched.fd);
  cala_queue_free(work.queue);
}

static void count_answer(void *user, cala_op *op) {
  if (cala_op_status(op) == CALA_OK && cala_op_result(op, NULL) != NULL) atomic_fetch_add((atomic_int *)user, 1);
}

static void a_drain_calls_every_callback_once(void **state) {
  static struct work work;
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  struct ledger_fixture *books = fixture_open(state, "");
  int i;
  int drained = 0;
  memset(&work, 0, sizeof work);
  work.ledger = books->ledger;
  work.queue = new_queue();
  work.fn = count_answer;
  start_producers(&work, producers, threads);
  while (drained < OPERATIONS) {
    int32_t now;
    assert_int_equal(cala_queue_wait(work.queue, 30000), CALA_OK);
    now = cala_queue_drain(work.queue, 16);
    assert_true(now >= 0 && now <= 16);
    drained += now;
  }
  for (i = 0; i < PRODUCERS; ++i) pthread_join(threads[i], NULL);
  assert_int_equal(cala_queue_drain(work.queue, 0), 0);
  check_answers(&work);
  cala_queue_free(work.queue);
}

/* A transaction that stays open holds SQLite's only writer, so that an operation outside of it stays in flight. */
static void run_gives_up_waiting_and_may_wait_again(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  cala_op *op = make_transfer(books->ledger, NULL, "1");
  cala_error *error = NULL;
  expect_error(cala_op_run(op, 5, &error), error, CALA_TIMEOUT, "op.timeout");
  assert_int_equal(cala_op_status(op), CALA_BUSY);
  assert_null(cala_op_result(op, NULL));
  assert_null(cala_op_error(op));
  expect_error(cala_op_run(op, 0, &error), error, CALA_TIMEOUT, "op.timeout");
  cala_tx_free(tx);
  expect_ok(cala_op_run(op, -1, &error), error);
  assert_int_equal(cala_op_status(op), CALA_OK);
  assert_non_null(cala_op_result(op, NULL));
  cala_op_free(op);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

static void one_operation_too_many_is_busy_and_can_be_started_later(void **state) {
  struct ledger_fixture *books = fixture_open(state, ", \"queue_max\": 2");
  cala_queue *queue = new_queue();
  cala_tx *tx = begin_tx(books->ledger);
  atomic_int answers = 0;
  cala_op *ops[3];
  cala_error *error = NULL;
  int i;
  for (i = 0; i < 3; ++i) ops[i] = make_transfer(books->ledger, NULL, "1");
  assert_int_equal(cala_op_start(ops[0], queue, count_answer, &answers), CALA_OK);
  assert_int_equal(cala_op_start(ops[1], queue, count_answer, &answers), CALA_OK);
  assert_int_equal(cala_op_start(ops[2], queue, count_answer, &answers), CALA_BUSY);
  expect_error(cala_op_run(ops[2], -1, &error), error, CALA_BUSY, "queue.full");
  cala_tx_free(tx);
  while (atomic_load(&answers) < 2) {
    assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
    assert_true(cala_queue_drain(queue, 0) >= 0);
  }
  assert_int_equal(cala_op_start(ops[2], queue, count_answer, &answers), CALA_OK);
  while (atomic_load(&answers) < 3) {
    assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
    assert_true(cala_queue_drain(queue, 0) >= 0);
  }
  for (i = 0; i < 3; ++i) cala_op_free(ops[i]);
  cala_queue_free(queue);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
}

static void an_operation_is_run_in_one_way_only(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_op *started = make_transfer(books->ledger, NULL, "1");
  cala_op *run = make_transfer(books->ledger, NULL, "1");
  atomic_int answers = 0;
  assert_int_equal(cala_op_start(started, queue, count_answer, &answers), CALA_OK);
  assert_int_equal(cala_op_run(started, -1, NULL), CALA_MISUSE);
  assert_int_equal(cala_op_start(started, queue, count_answer, &answers), CALA_MISUSE);
  assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
  assert_int_equal(cala_queue_drain(queue, 0), 1);
  assert_int_equal(atomic_load(&answers), 1);
  assert_int_equal(cala_op_run(started, -1, NULL), CALA_MISUSE);
  assert_int_equal(cala_op_start(started, queue, count_answer, &answers), CALA_MISUSE);
  assert_int_equal(cala_op_run(run, -1, NULL), CALA_OK);
  assert_int_equal(cala_op_run(run, -1, NULL), CALA_OK); /* the answer again, not the work */
  assert_int_equal(cala_op_start(run, queue, count_answer, &answers), CALA_MISUSE);
  assert_int_equal(cala_op_step(run), -CALA_MISUSE);
  assert_int_equal(cala_queue_drain(queue, 0), 0);
  cala_op_free(started);
  cala_op_free(run);
  cala_queue_free(queue);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2);
}

struct last_act {
  cala_queue *queue;
  int calls;
  cala_status nested_read;
  int32_t nested_drain;
};

static void free_everything(void *user, cala_op *op) {
  struct last_act *act = user;
  char buffer[64];
  size_t used = 0;
  act->calls += 1;
  act->nested_drain = cala_queue_drain(act->queue, 0);
  act->nested_read = cala_queue_read(act->queue, buffer, sizeof buffer, &used);
  cala_op_free(op);
  cala_queue_free(act->queue);
}

static void a_callback_may_free_its_operation_and_the_queue(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct last_act act = {new_queue(), 0, CALA_OK, 0};
  cala_op *op = make_transfer(books->ledger, NULL, "1");
  assert_int_equal(cala_op_start(op, act.queue, free_everything, &act), CALA_OK);
  assert_int_equal(cala_queue_wait(act.queue, 30000), CALA_OK);
  assert_int_equal(cala_queue_drain(act.queue, 0), 1);
  assert_int_equal(act.calls, 1);
  assert_int_equal(act.nested_drain, -CALA_MISUSE);
  assert_int_equal(act.nested_read, CALA_MISUSE);
  assert_int_equal(cala_queue_drain(act.queue, 0), -CALA_MISUSE);
  assert_int_equal(cala_op_status(op), CALA_MISUSE);
}

static void stop_queue(void *user, cala_op *op) {
  (void)op;
  cala_queue_stop((cala_queue *)user);
}

static void stop_ends_run_and_a_drain_after_the_callback(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_op *ops[3];
  int i;
  for (i = 0; i < 3; ++i) {
    ops[i] = make_transfer(books->ledger, NULL, "1");
    assert_int_equal(cala_op_start(ops[i], queue, stop_queue, queue), CALA_OK);
  }
  for (i = 0; i < 3; ++i) {
    while (cala_op_status(ops[i]) == CALA_BUSY) sched_yield();
  }
  assert_int_equal(cala_queue_drain(queue, 0), 1);
  assert_int_equal(cala_queue_run(queue), CALA_OK);
  assert_int_equal(cala_queue_run(queue), CALA_OK);
  assert_int_equal(cala_queue_drain(queue, 0), 0);
  assert_int_equal(cala_queue_stop(queue), CALA_OK);
  assert_int_equal(cala_queue_run(queue), CALA_OK);
  for (i = 0; i < 3; ++i) cala_op_free(ops[i]);
  cala_queue_free(queue);
}

static void a_small_buffer_loses_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_op *op = make_op(books->ledger, NULL, cala_account_find, "{\"code\": \"NOBODY\"}");
  uint64_t buffer[256];
  struct queue_record record;
  size_t needed = 0;
  size_t used = 0;
  char *data;
  assert_int_equal(cala_op_start(op, queue, NULL, (void *)(uintptr_t)77), CALA_OK);
  assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
  assert_int_equal(cala_queue_read(queue, buffer, 16, &needed), CALA_INVALID);
  assert_true(needed > sizeof record && needed <= sizeof buffer);
  assert_int_equal(cala_queue_read(queue, buffer, needed - 1, &used), CALA_INVALID);
  assert_int_equal(used, needed);
  assert_int_equal(cala_queue_read(queue, NULL, 0, &used), CALA_INVALID);
  assert_int_equal(cala_queue_read(queue, buffer, needed, &used), CALA_OK);
  assert_int_equal(used, needed);
  memcpy(&record, buffer, sizeof record);
  assert_int_equal(record.tag, 77);
  assert_int_equal(record.status, CALA_NOT_FOUND);
  data = strndup((const char *)buffer + record.header_len, record.data_len);
  expect_contains(data, "\"code\":\"account.not_found\"");
  expect_contains(data, "\"status\":3");
  expect_contains(data, "\"retryable\":false");
  expect_contains(data, "\"sqlstate\":\"\"");
  expect_contains(data, "\"tx_state\":0");
  expect_contains(data, "\"posting_index\":-1");
  expect_contains(data, "\"details\":{");
  free(data);
  assert_int_equal(cala_queue_read(queue, buffer, sizeof buffer, &used), CALA_OK);
  assert_int_equal(used, 0);
  expect_op_error(op, CALA_NOT_FOUND, "account.not_found");
  cala_op_free(op);
  cala_queue_free(queue);
}

static void wake_ends_a_wait_and_time_does_too(void **state) {
  cala_queue *queue = new_queue();
  struct pollfd watched;
  (void)state;
  watched.fd = cala_queue_fd(queue);
  watched.events = POLLIN;
  assert_int_equal(cala_queue_wait(queue, 0), CALA_TIMEOUT);
  assert_int_equal(cala_queue_wait(queue, 1), CALA_TIMEOUT);
  assert_int_equal(cala_queue_wake(queue), CALA_OK);
  assert_int_equal(poll(&watched, 1, 0), 1);
  assert_int_equal(cala_queue_wait(queue, -1), CALA_TIMEOUT);
  close(watched.fd);
  cala_queue_free(queue);
}

static void freeing_a_queue_leaves_the_answers_in_their_handles(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  cala_op *op = make_transfer(books->ledger, NULL, "1");
  assert_int_equal(cala_op_start(op, queue, NULL, NULL), CALA_OK);
  cala_queue_free(queue);
  while (cala_op_status(op) == CALA_BUSY) sched_yield();
  assert_int_equal(cala_op_status(op), CALA_OK);
  assert_non_null(cala_op_result(op, NULL));
  cala_op_free(op);
}

#define ON_BOTH(test) ON_SQLITE(test), ON_POSTGRES(test)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(a_reader_gets_every_answer_once),
      ON_BOTH(a_drain_calls_every_callback_once),
      ON_SQLITE(run_gives_up_waiting_and_may_wait_again),
      ON_SQLITE(one_operation_too_many_is_busy_and_can_be_started_later),
      ON_SQLITE(an_operation_is_run_in_one_way_only),
      ON_SQLITE(a_callback_may_free_its_operation_and_the_queue),
      ON_SQLITE(stop_ends_run_and_a_drain_after_the_callback),
      ON_BOTH(a_small_buffer_loses_nothing),
      ON_SQLITE(wake_ends_a_wait_and_time_does_too),
      ON_SQLITE(freeing_a_queue_leaves_the_answers_in_their_handles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
