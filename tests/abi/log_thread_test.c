/* A ledger's log beside posting threads: it begins, ends and changes its queue while they post; a queue is freed under
 * it; a ledger shuts down while it tells; callbacks that do not return; and after a fork. */
#include "ledger_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3, ROUNDS = 40 };

#define EVERYTHING "{\"level\": \"debug\", \"slow_ms\": 0}"
#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

struct crew {
  cala_ledger *ledger;
  atomic_int stop;
  atomic_int answered;
  atomic_int other; /* answers that nobody expected */
};

static void hear(cala_ledger *ledger, const char *options, cala_queue *queue, cala_log_fn fn, void *user) {
  cala_error *error = NULL;
  expect_ok(cala_ledger_log(ledger, options, strlen(options), queue, fn, user, &error), error);
}

static void *post_until_stopped(void *argument) {
  struct crew *crew = argument;
  while (!atomic_load(&crew->stop)) {
    const char *request = transfer_request(NULL, "1");
    cala_op *op = NULL;
    cala_status status = cala_transaction_post(crew->ledger, NULL, request, strlen(request), &op, NULL);
    if (status == CALA_OK) status = cala_op_trace(op, TRACE, strlen(TRACE));
    if (status == CALA_OK) status = cala_op_run(op, -1, NULL);
    cala_op_free(op);
    atomic_fetch_add(status == CALA_OK ? &crew->answered : &crew->other, 1);
    if (status == CALA_CLOSED || status == CALA_CANCELLED) break;
  }
  return NULL;
}

static void count_records(void *user, int32_t type, const char *data, size_t data_len) {
  int *records = user;
  if (type == CALA_RECORD_LOG && strlen(data) == data_len && strstr(data, TRACE) != NULL) *records += 1;
}

static void start(struct crew *crew, pthread_t *threads) {
  int i;
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, post_until_stopped, crew), 0);
}

static void join(struct crew *crew, const pthread_t *threads) {
  int i;
  atomic_store(&crew->stop, 1);
  for (i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
}

static void the_log_changes_while_threads_post(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct crew crew = {.ledger = books->ledger};
  pthread_t threads[THREADS];
  cala_queue *kept = new_queue();
  int records = 0;
  int i;
  start(&crew, threads);
  for (i = 0; i < ROUNDS || records == 0; ++i) {
    cala_queue *queue = new_queue();
    hear(books->ledger, EVERYTHING, kept, count_records, &records);
    cala_queue_wait(kept, 20);
    cala_queue_drain(kept, 0);
    hear(books->ledger, EVERYTHING, queue, NULL, NULL);
    cala_queue_wait(queue, 20);
    if (i % 2 == 0) hear(books->ledger, "{}", NULL, NULL, NULL);
    cala_queue_free(queue); /* also while the log goes there */
  }
  join(&crew, threads);
  assert_int_equal(atomic_load(&crew.other), 0);
  assert_int_equal(units_of(books->ledger, NULL, BOB), atomic_load(&crew.answered));
  cala_queue_free(kept);
}

static void a_ledger_that_shuts_down_tells_its_end_last(void **state) {
  static char buffer[1 << 20];
  struct ledger_fixture *books = fixture_open(state, "");
  struct crew crew = {.ledger = books->ledger};
  pthread_t threads[THREADS];
  cala_queue *queue = new_queue();
  int last = 0;
  cala_error *error = NULL;
  hear(books->ledger, EVERYTHING, queue, NULL, NULL);
  start(&crew, threads);
  assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
  expect_ok(cala_ledger_shutdown(books->ledger, queue, NULL, NULL, &error), error);
  while (last != CALA_RECORD_SHUTDOWN) {
    size_t used = 0;
    size_t at;
    assert_int_equal(cala_queue_wait(queue, 30000), CALA_OK);
    assert_int_equal(cala_queue_read(queue, buffer, sizeof buffer, &used), CALA_OK);
    for (at = 0; at < used;) {
      struct queue_record record;
      memcpy(&record, buffer + at, sizeof record);
      assert_int_not_equal(last, CALA_RECORD_SHUTDOWN);
      last = record.type;
      at += record.record_len;
    }
  }
  join(&crew, threads);
  assert_int_equal(cala_queue_wait(queue, 50), CALA_TIMEOUT);
  cala_queue_free(queue);
}

/* The last words are those that somebody looks for. */
static void what_waits_when_the_ledger_ends_is_told(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  int records = 0;
  cala_op *op = make_transfer(books->ledger, NULL, "1");
  hear(books->ledger, EVERYTHING, queue, count_records, &records);
  assert_int_equal(cala_op_trace(op, TRACE, strlen(TRACE)), CALA_OK);
  assert_int_equal(cala_op_run(op, -1, NULL), CALA_OK);
  cala_op_free(op);
  cala_ledger_free(books->ledger);
  books->ledger = NULL;
  assert_true(cala_queue_drain(queue, 0) >= 1);
  assert_int_equal(records, 1);
  cala_queue_free(queue);
}

struct told {
  int records;
  int dropped;
};
static jmp_buf out_of_callback;

/* As Ruby's throw does. */
static void leave_by_longjmp(void *user, int32_t type, const char *data, size_t data_len) {
  struct told *told = user;
  (void)data_len;
  if (type == CALA_RECORD_DROPPED) {
    told->dropped += atoi(data);
  } else {
    told->records += 1;
  }
  longjmp(out_of_callback, 1);
}

static void drain_all(cala_queue *queue) {
  while (setjmp(out_of_callback) != 0 || cala_queue_drain(queue, 0) > 0) {
  }
}

static void look_for_nobody(cala_ledger *ledger, int times) {
  int i;
  for (i = 0; i < times; ++i) {
    refuse(ledger, NULL, cala_account_find, "{\"code\": \"NOBODY\"}", CALA_NOT_FOUND, "account.not_found");
  }
}

static void a_callback_that_leaves_silences_nobody(void **state) {
  static const char *const options = "{\"level\": \"debug\", \"buffer\": 1}";
  struct ledger_fixture *books = fixture_open(state, "");
  cala_ledger *other = open_ledger("{\"store\": \"sqlite::memory:\"}");
  cala_queue *queue = new_queue();
  struct told mine = {0, 0};
  struct told its = {0, 0};
  int round;
  hear(books->ledger, options, queue, leave_by_longjmp, &mine);
  hear(other, options, queue, leave_by_longjmp, &its);
  for (round = 1; round <= 3; ++round) {
    look_for_nobody(books->ledger, 5);
    look_for_nobody(other, 3);
    drain_all(queue);
    assert_int_equal(mine.records, round);
    assert_int_equal(mine.dropped, 4 * round);
    assert_int_equal(its.records, 0);
    assert_int_equal(its.dropped, 3 * round);
  }
  cala_ledger_free(other);
  cala_queue_free(queue);
}

static void a_child_hears_nothing_and_the_parent_goes_on(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  int records = 0;
  int status = -1;
  pid_t pid;
  cala_op *op;
  hear(books->ledger, EVERYTHING, queue, count_records, &records);
  op = make_transfer(books->ledger, NULL, "1");
  fflush(NULL);
  pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    alarm(60);
    if (cala_ledger_log(books->ledger, NULL, 0, queue, NULL, NULL, NULL) != CALA_FORKED) _exit(1);
    if (cala_op_trace(op, TRACE, strlen(TRACE)) != CALA_FORKED) _exit(2);
    if (cala_queue_drain(queue, 0) != -CALA_FORKED) _exit(3);
    cala_op_free(op);
    cala_ledger_free(books->ledger);
    cala_queue_free(queue);
    _exit(0);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(cala_op_trace(op, TRACE, strlen(TRACE)), CALA_OK);
  assert_int_equal(cala_op_run(op, -1, NULL), CALA_OK);
  assert_true(cala_queue_drain(queue, 0) >= 1);
  assert_int_equal(records, 1);
  cala_op_free(op);
  cala_queue_free(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_SQLITE(the_log_changes_while_threads_post),
      ON_POSTGRES(the_log_changes_while_threads_post),
      ON_SQLITE(a_ledger_that_shuts_down_tells_its_end_last),
      ON_POSTGRES(a_ledger_that_shuts_down_tells_its_end_last),
      ON_SQLITE(what_waits_when_the_ledger_ends_is_told),
      ON_POSTGRES(what_waits_when_the_ledger_ends_is_told),
      ON_SQLITE(a_callback_that_leaves_silences_nobody),
      ON_SQLITE(a_child_hears_nothing_and_the_parent_goes_on),
      ON_POSTGRES(a_child_hears_nothing_and_the_parent_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
