/* The queue when several threads are at it: cancel, shut down and free while work is in flight, a dispatcher thread,
 * several consumers, and a child process. Every operation that was accepted is answered exactly once, and a ledger's
 * shutdown is its last word. */
#include "ledger_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#endif

enum { PRODUCERS = 3, EACH = 60, OPERATIONS = PRODUCERS * EACH, SAFETY_MS = 60000 };

/* One operation and what became of it. */
struct job {
  struct work *work;
  cala_op *op;
  int accepted;
  atomic_int answers;
  atomic_int status;
};

/* What several producers and consumers share. `clock` counts answers, so that "last" can be told. */
struct work {
  cala_ledger *ledger;
  cala_queue *queue;
  cala_completion_fn fn;
  struct job jobs[OPERATIONS];
  atomic_int answered;
  atomic_int refused;
  atomic_int broken;
  atomic_int shutdowns;
  atomic_int answered_at_shutdown;
};

struct producer {
  struct work *work;
  int first;
};

static struct work shared;

static struct work *new_work(struct ledger_fixture *books, cala_completion_fn fn) {
  int i;
  memset(&shared, 0, sizeof shared);
  shared.ledger = books->ledger;
  shared.queue = new_queue();
  shared.fn = fn;
  for (i = 0; i < OPERATIONS; ++i) shared.jobs[i].work = &shared;
  return &shared;
}

static void note_answer(struct job *job, int32_t status) {
  atomic_store(&job->status, status);
  atomic_fetch_add(&job->answers, 1);
  atomic_fetch_add(&job->work->answered, 1);
}

static void note_shutdown(struct work *work) {
  atomic_store(&work->answered_at_shutdown, atomic_load(&work->answered));
  atomic_fetch_add(&work->shutdowns, 1);
}

static void on_answer(void *user, cala_op *op) {
  struct job *job = user;
  if (op != job->op) atomic_fetch_add(&job->work->broken, 1);
  note_answer(job, cala_op_status(op));
}

static void on_shutdown(void *user, cala_op *op) {
  struct work *work = user;
  if (op != NULL) atomic_fetch_add(&work->broken, 1);
  note_shutdown(work);
}

/* Starts one operation; 0 when the ledger or the queue takes no more. */
static int start_job(struct job *job) {
  struct work *work = job->work;
  const char *request = transfer_request(NULL, "1");
  cala_status status = cala_transaction_post(work->ledger, NULL, request, strlen(request), &job->op, NULL);
  if (status == CALA_OK) {
    do {
      job->accepted = 1;
      status = cala_op_start(job->op, work->queue, work->fn, job);
      if (status == CALA_BUSY) sched_yield();
    } while (status == CALA_BUSY);
  }
  if (status == CALA_OK) return 1;
  job->accepted = 0;
  atomic_fetch_add(&work->refused, 1);
  if (status != CALA_CLOSED) atomic_fetch_add(&work->broken, 1);
  return 0;
}

static void *produce(void *argument) {
  const struct producer *self = argument;
  int i;
  for (i = self->first; i < self->first + EACH; ++i) start_job(&self->work->jobs[i]);
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

static void join_all(pthread_t *threads, int count) {
  int i;
  for (i = 0; i < count; ++i) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Takes what one read gives; the number of records, or a status negated. Asserts nothing: it runs on every thread. */
static int take_records(struct work *work) {
  uint64_t buffer[512];
  size_t used = 0;
  size_t at = 0;
  int count = 0;
  const cala_status status = cala_queue_read(work->queue, buffer, sizeof buffer, &used);
  if (status != CALA_OK) return -status;
  while (at < used) {
    struct queue_record record;
    memcpy(&record, (const char *)buffer + at, sizeof record);
    if (record.type == CALA_RECORD_COMPLETION) note_answer((struct job *)(uintptr_t)record.tag, record.status);
    if (record.type == CALA_RECORD_SHUTDOWN) note_shutdown((struct work *)(uintptr_t)record.tag);
    at += record.record_len;
    count += 1;
  }
  return count;
}

/* What was accepted was answered once, what was not never; returns how many were done, and frees the handles. */
static int check_jobs(struct work *work) {
  int done = 0;
  int i;
  for (i = 0; i < OPERATIONS; ++i) {
    struct job *job = &work->jobs[i];
    const int status = atomic_load(&job->status);
    assert_int_equal(atomic_load(&job->answers), job->accepted);
    if (job->accepted) {
      assert_true(status == CALA_OK || status == CALA_CANCELLED);
      assert_int_equal(cala_op_status(job->op), status);
      done += status == CALA_OK;
    }
    cala_op_free(job->op);
  }
  assert_int_equal(atomic_load(&work->broken), 0);
  return done;
}

/* Reads until the shutdown has come, then makes sure that nothing comes after it. */
static void read_to_the_end(struct work *work) {
  while (atomic_load(&work->shutdowns) == 0) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(take_records(work) >= 0);
  }
}

static void check_shutdown_was_last(struct work *work) {
  assert_int_equal(take_records(work), 0);
  assert_int_equal(atomic_load(&work->shutdowns), 1);
  assert_int_equal(atomic_load(&work->answered), atomic_load(&work->answered_at_shutdown));
}

/* Another look at the store tells whether the answers were true. */
static void check_store(struct ledger_fixture *books, int done) {
  cala_ledger_free(books->ledger);
  books->ledger = fixture_open_again(books, "");
  assert_int_equal(units_of(books->ledger, NULL, BOB), done);
}

static void shutdown_answers_all_that_was_accepted_and_comes_last(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, NULL);
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  cala_error *error = NULL;
  cala_status status;
  start_producers(work, producers, threads);
  while (atomic_load(&work->answered) < 10) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(take_records(work) >= 0);
  }
  status = cala_ledger_shutdown(work->ledger, work->queue, NULL, work, &error);
  expect_ok(status, error);
  status = cala_ledger_shutdown(work->ledger, work->queue, NULL, work, &error);
  expect_error(status, error, CALA_CLOSED, "ledger.closed");
  read_to_the_end(work);
  join_all(threads, PRODUCERS);
  check_shutdown_was_last(work);
  check_store(books, check_jobs(work));
  cala_queue_free(work->queue);
}

static void shutdown_is_the_last_callback(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, on_answer);
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  cala_error *error = NULL;
  cala_status status;
  start_producers(work, producers, threads);
  while (atomic_load(&work->answered) < 10) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(cala_queue_drain(work->queue, 4) >= 0);
  }
  status = cala_ledger_shutdown(work->ledger, work->queue, on_shutdown, work, &error);
  expect_ok(status, error);
  while (atomic_load(&work->shutdowns) == 0) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(cala_queue_drain(work->queue, 0) >= 0);
  }
  join_all(threads, PRODUCERS);
  assert_int_equal(cala_queue_drain(work->queue, 0), 0);
  check_shutdown_was_last(work);
  check_store(books, check_jobs(work));
  cala_queue_free(work->queue);
}

static void *free_the_ledger(void *argument) {
  cala_ledger_free((cala_ledger *)argument);
  return NULL;
}

/* Freed without a shutdown before, by a thread of its own, after the producers have started all that they start. */
static void freeing_a_busy_ledger_answers_all_that_was_accepted(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, NULL);
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  pthread_t freeing;
  start_producers(work, producers, threads);
  join_all(threads, PRODUCERS);
  assert_int_equal(pthread_create(&freeing, NULL, free_the_ledger, work->ledger), 0);
  books->ledger = NULL;
  while (atomic_load(&work->answered) < OPERATIONS) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(take_records(work) >= 0);
  }
  join_all(&freeing, 1);
  assert_int_equal(take_records(work), 0);
  check_store(books, check_jobs(work));
  cala_queue_free(work->queue);
}

static void *consume(void *argument) {
  struct work *work = argument;
  while (atomic_load(&work->answered) < OPERATIONS) {
    const cala_status waited = cala_queue_wait(work->queue, 1);
    const int taken = take_records(work);
    if (waited != CALA_OK && waited != CALA_TIMEOUT) atomic_fetch_add(&work->broken, 1);
    if (taken < 0 && taken != -CALA_BUSY) atomic_fetch_add(&work->broken, 1);
  }
  return NULL;
}

static void several_readers_share_a_queue_and_no_answer_comes_twice(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, NULL);
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  pthread_t consumers[3];
  int i;
  start_producers(work, producers, threads);
  for (i = 0; i < 3; ++i) assert_int_equal(pthread_create(&consumers[i], NULL, consume, work), 0);
  join_all(threads, PRODUCERS);
  join_all(consumers, 3);
  assert_int_equal(check_jobs(work), OPERATIONS);
  assert_int_equal(units_of(books->ledger, NULL, BOB), OPERATIONS);
  cala_queue_free(work->queue);
}

static void *dispatch(void *argument) {
  struct work *work = argument;
  if (cala_queue_run(work->queue) != CALA_OK) atomic_fetch_add(&work->broken, 1);
  return NULL;
}

static void a_dispatcher_runs_until_another_thread_stops_it(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, on_answer);
  struct producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  pthread_t dispatcher;
  assert_int_equal(pthread_create(&dispatcher, NULL, dispatch, work), 0);
  start_producers(work, producers, threads);
  join_all(threads, PRODUCERS);
  while (atomic_load(&work->answered) < OPERATIONS) sched_yield();
  assert_int_equal(cala_queue_stop(work->queue), CALA_OK);
  join_all(&dispatcher, 1);
  assert_int_equal(check_jobs(work), OPERATIONS);
  cala_queue_free(work->queue);
}

/* A transaction that stays open holds SQLite's only writer, so that operations outside of it stay in flight. */
static void cancel_answers_what_has_not_begun_at_once(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, on_answer);
  cala_tx *tx = begin_tx(books->ledger);
  struct job *jobs = work->jobs;
  int i;
  for (i = 0; i < 3; ++i) assert_true(start_job(&jobs[i]));
  assert_int_equal(cala_op_cancel(jobs[2].op), CALA_OK);
  assert_int_equal(cala_op_cancel(jobs[2].op), CALA_OK);
  assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
  assert_int_equal(cala_queue_drain(work->queue, 0), 1);
  assert_int_equal(atomic_load(&jobs[2].status), CALA_CANCELLED);
  expect_op_error(jobs[2].op, CALA_CANCELLED, "op.cancelled");
  cala_tx_free(tx);
  while (atomic_load(&work->answered) < 3) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(cala_queue_drain(work->queue, 0) >= 0);
  }
  assert_int_equal(cala_op_cancel(jobs[0].op), CALA_OK);
  assert_int_equal(cala_op_status(jobs[0].op), CALA_OK);
  assert_int_equal(check_jobs(work), 2);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2);
  cala_queue_free(work->queue);
}

static void *cancel_every_second(void *argument) {
  struct work *work = argument;
  int i;
  for (i = 0; i < OPERATIONS; i += 2) {
    if (cala_op_cancel(work->jobs[i].op) != CALA_OK) atomic_fetch_add(&work->broken, 1);
  }
  return NULL;
}

static void cancel_and_shutdown_at_once_answer_once_and_shutdown_is_last(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, NULL);
  cala_error *error = NULL;
  cala_status status;
  pthread_t cancelling;
  int i;
  for (i = 0; i < OPERATIONS; ++i) assert_true(start_job(&work->jobs[i]));
  assert_int_equal(pthread_create(&cancelling, NULL, cancel_every_second, work), 0);
  status = cala_ledger_shutdown(work->ledger, work->queue, NULL, work, &error);
  expect_ok(status, error);
  read_to_the_end(work);
  join_all(&cancelling, 1);
  check_shutdown_was_last(work);
  assert_int_equal(atomic_load(&work->answered), OPERATIONS);
  check_store(books, check_jobs(work));
  cala_queue_free(work->queue);
}

/* The running operation waits for the writer that this thread holds:
 * a shutdown that waited for it would never return. */
static void shutdown_does_not_wait_for_what_runs(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, NULL);
  cala_tx *tx = begin_tx(books->ledger);
  cala_error *error = NULL;
  cala_status status;
  int i;
  for (i = 0; i < 5; ++i) assert_true(start_job(&work->jobs[i]));
  status = cala_ledger_shutdown(work->ledger, work->queue, NULL, work, &error);
  expect_ok(status, error);
  assert_int_equal(start_job(&work->jobs[5]), 0);
  assert_int_equal(atomic_load(&work->broken), 0);
  cala_tx_free(tx);
  read_to_the_end(work);
  check_shutdown_was_last(work);
  assert_int_equal(atomic_load(&work->answered), 5);
  check_store(books, check_jobs(work));
  cala_queue_free(work->queue);
}

static void a_queue_freed_while_producers_are_busy_leaves_every_answer_in_its_handle(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, NULL);
  int done = 0;
  int i;
  for (i = 0; i < OPERATIONS; ++i) assert_true(start_job(&work->jobs[i]));
  while (atomic_load(&work->answered) < 5) {
    assert_int_equal(cala_queue_wait(work->queue, SAFETY_MS), CALA_OK);
    assert_true(take_records(work) >= 0);
  }
  cala_queue_free(work->queue);
  for (i = 0; i < OPERATIONS; ++i) {
    while (cala_op_status(work->jobs[i].op) == CALA_BUSY) sched_yield();
    done += cala_op_status(work->jobs[i].op) == CALA_OK;
    cala_op_free(work->jobs[i].op);
  }
  assert_int_equal(done, OPERATIONS);
  assert_int_equal(units_of(books->ledger, NULL, BOB), OPERATIONS);
}

static int is_readable(int descriptor, int timeout_ms) {
  struct pollfd watched;
  watched.fd = descriptor;
  watched.events = POLLIN;
  watched.revents = 0;
  return poll(&watched, 1, timeout_ms) == 1 && (watched.revents & POLLIN) != 0;
}

static void a_descriptor_is_the_callers_own_and_tells_of_what_waits(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, on_answer);
  const int first = cala_queue_fd(work->queue);
  const int second = cala_queue_fd(work->queue);
  char byte;
  assert_true(first >= 0 && second >= 0 && first != second);
  assert_true((fcntl(first, F_GETFL) & O_NONBLOCK) != 0);
  assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
  close(first);
  assert_false(is_readable(second, 0));
  assert_true(start_job(&work->jobs[0]));
  assert_true(is_readable(second, SAFETY_MS));
  while (read(second, &byte, 1) == 1) {
  }
  assert_int_equal(cala_queue_drain(work->queue, 0), 1);
  assert_false(is_readable(second, 0));
  assert_true(start_job(&work->jobs[1]));
  assert_true(is_readable(second, SAFETY_MS));
  assert_int_equal(cala_queue_drain(work->queue, 0), 1);
  assert_int_equal(cala_queue_wake(work->queue), CALA_OK);
  assert_true(is_readable(second, 0));
  cala_queue_free(work->queue);
  assert_true(is_readable(second, 0));
  close(second);
  assert_int_equal(check_jobs(work), 2);
}

static void *wake_now_and_then(void *argument) {
  struct work *work = argument;
  while (atomic_load(&work->shutdowns) == 0) {
    if (cala_queue_wake(work->queue) != CALA_OK) atomic_fetch_add(&work->broken, 1);
    sched_yield();
  }
  return NULL;
}

static void wakes_from_another_thread_end_waits_and_break_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct work *work = new_work(books, on_answer);
  const int descriptor = cala_queue_fd(work->queue);
  pthread_t waking;
  int i;
  assert_int_equal(pthread_create(&waking, NULL, wake_now_and_then, work), 0);
  for (i = 0; i < 20; ++i) {
    assert_int_equal(cala_queue_wait(work->queue, -1), CALA_TIMEOUT);
    assert_true(is_readable(descriptor, SAFETY_MS));
    assert_int_equal(cala_queue_drain(work->queue, 0), 0);
  }
  assert_true(start_job(&work->jobs[0]));
  while (atomic_load(&work->answered) < 1) assert_true(cala_queue_drain(work->queue, 0) >= 0);
  note_shutdown(work);
  join_all(&waking, 1);
  close(descriptor);
  cala_queue_free(work->queue);
  assert_int_equal(check_jobs(work), 1);
}

static int child_sees_forked(struct work *work, int descriptor) {
  uint64_t buffer[16];
  size_t used = 0;
  if (cala_queue_fd(work->queue) != -CALA_FORKED) return 1;
  if (cala_queue_drain(work->queue, 0) != -CALA_FORKED) return 2;
  if (cala_queue_read(work->queue, buffer, sizeof buffer, &used) != CALA_FORKED) return 3;
  if (cala_queue_run(work->queue) != CALA_FORKED) return 4;
  if (cala_queue_wait(work->queue, -1) != CALA_FORKED) return 5;
  if (cala_queue_wake(work->queue) != CALA_FORKED) return 6;
  if (cala_queue_stop(work->queue) != CALA_FORKED) return 7;
  if (cala_op_start(work->jobs[0].op, work->queue, NULL, NULL) != CALA_FORKED) return 8;
  cala_queue_free(work->queue);
  cala_op_free(work->jobs[0].op);
  cala_ledger_free(work->ledger);
  return is_readable(descriptor, 0) ? 0 : 9;
}

static void a_child_process_can_neither_take_nor_disturb_its_parents_answers(void **state) {
  struct ledger_fixture *books;
  struct work *work;
  int descriptor;
  int outcome = 0;
  pid_t child;
#ifdef UNDER_TSAN
  (void)state;
  skip();
#endif
  books = fixture_open(state, "");
  work = new_work(books, on_answer);
  descriptor = cala_queue_fd(work->queue);
  assert_true(start_job(&work->jobs[0]));
  assert_true(is_readable(descriptor, SAFETY_MS));
  child = fork();
  if (child == 0) {
    alarm(60);
    _exit(child_sees_forked(work, descriptor));
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &outcome, 0), child);
  assert_int_equal(outcome, 0);
  assert_true(is_readable(descriptor, 0));
  assert_int_equal(cala_queue_drain(work->queue, 0), 1);
  close(descriptor);
  cala_queue_free(work->queue);
  assert_int_equal(check_jobs(work), 1);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_SQLITE(shutdown_answers_all_that_was_accepted_and_comes_last),
      ON_POSTGRES(shutdown_answers_all_that_was_accepted_and_comes_last),
      ON_SQLITE(shutdown_is_the_last_callback),
      ON_POSTGRES(shutdown_is_the_last_callback),
      ON_SQLITE(freeing_a_busy_ledger_answers_all_that_was_accepted),
      ON_POSTGRES(freeing_a_busy_ledger_answers_all_that_was_accepted),
      ON_SQLITE(several_readers_share_a_queue_and_no_answer_comes_twice),
      ON_SQLITE(a_dispatcher_runs_until_another_thread_stops_it),
      ON_POSTGRES(a_dispatcher_runs_until_another_thread_stops_it),
      ON_SQLITE(cancel_answers_what_has_not_begun_at_once),
      ON_SQLITE(cancel_and_shutdown_at_once_answer_once_and_shutdown_is_last),
      ON_POSTGRES(cancel_and_shutdown_at_once_answer_once_and_shutdown_is_last),
      ON_SQLITE(shutdown_does_not_wait_for_what_runs),
      ON_SQLITE(a_queue_freed_while_producers_are_busy_leaves_every_answer_in_its_handle),
      ON_SQLITE(a_descriptor_is_the_callers_own_and_tells_of_what_waits),
      ON_SQLITE(wakes_from_another_thread_end_waits_and_break_nothing),
      ON_SQLITE(a_child_process_can_neither_take_nor_disturb_its_parents_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
