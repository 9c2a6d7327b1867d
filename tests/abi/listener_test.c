/* Listeners: events through a queue, in order, each at least once and none missed: from the start, from now and from a
 * place; with a kept place; with a reader that is slow, or killed; beside posting threads; while the ledger shuts down;
 * and after a fork. */
#include "ledger_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 2000, THREADS = 3, POSTINGS = 40, BOOKS = 6, PATIENCE_MS = 30000 };

/* What a listener heard, by reading the queue or by callbacks. */
struct ear {
  cala_queue *queue;
  cala_listener *listener;
  int count;
  long places[MOST];
  long versions[MOST]; /* of the account of the first entry */
  int posted[MOST];    /* whether it was a transaction */
  cala_status last;    /* of the record that ended it */
  int free_after;      /* callbacks: frees the listener from inside after so many */
};

/* key: with its quotes and colon. */
static long number_in(const char *document, const char *key) {
  const char *at = strstr(document, key);
  return at != NULL ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void heard(struct ear *ear, const char *event) {
  if (ear->count >= MOST) return;
  ear->places[ear->count] = number_in(event, "\"place\":");
  ear->versions[ear->count] = number_in(event, "\"account_version\":");
  ear->posted[ear->count] = strstr(event, "\"type\":\"transaction_created\"") != NULL;
  ear->count += 1;
}

static void on_event(void *user, cala_status status, const char *event, size_t event_len) {
  struct ear *ear = user;
  if (status != CALA_OK) {
    ear->last = status;
    return;
  }
  if (strlen(event) == event_len) heard(ear, event);
  if (ear->count == ear->free_after) cala_listener_free(ear->listener);
}

static struct ear *open_ear(cala_ledger *ledger, const char *options, int by_callback) {
  struct ear *ear = calloc(1, sizeof *ear);
  cala_error *error = NULL;
  assert_non_null(ear);
  ear->queue = new_queue();
  expect_ok(cala_listener_open(ledger, options, strlen(options), ear->queue, by_callback ? on_event : NULL, ear,
                               &ear->listener, &error),
            error);
  return ear;
}

static void close_ear(struct ear *ear) {
  cala_listener_free(ear->listener);
  cala_queue_free(ear->queue);
  free(ear);
}

/* Takes what is there, up to `room` bytes; gives how many records. */
static int read_some(struct ear *ear, size_t room) {
  static char buffer[1 << 18];
  size_t used = 0;
  size_t at;
  int records = 0;
  assert_int_equal(cala_queue_read(ear->queue, buffer, room < sizeof buffer ? room : sizeof buffer, &used), CALA_OK);
  for (at = 0; at < used; ++records) {
    struct queue_record record;
    memcpy(&record, buffer + at, sizeof record);
    assert_int_equal(record.type, CALA_RECORD_EVENT);
    assert_int_equal(record.tag, (uintptr_t)ear);
    if (record.status == CALA_OK) {
      char *event = malloc(record.data_len + 1);
      assert_non_null(event);
      memcpy(event, buffer + at + record.header_len, record.data_len);
      event[record.data_len] = '\0';
      heard(ear, event);
      free(event);
    } else {
      ear->last = record.status;
    }
    at += record.record_len;
  }
  return records;
}

static void hear_at_least(struct ear *ear, int count) {
  while (ear->count < count) {
    assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
    read_some(ear, SIZE_MAX);
  }
}

static void hear(struct ear *ear, int count) {
  hear_at_least(ear, count);
  assert_int_equal(ear->count, count);
}

/* Nothing more comes, not even a while later. */
static void hear_no_more(struct ear *ear) {
  const int before = ear->count;
  if (cala_queue_wait(ear->queue, 150) == CALA_OK) read_some(ear, SIZE_MAX);
  assert_int_equal(ear->count, before);
}

static void expect_in_order(const struct ear *ear) {
  int i;
  for (i = 1; i < ear->count; ++i) assert_true(ear->places[i] > ear->places[i - 1]);
}

static void post(cala_ledger *ledger, int count) {
  for (; count > 0; --count) transfer(ledger, NULL, "1");
}

static void events_come_from_the_start_from_now_and_from_a_place(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *now = open_ear(books->ledger, "{}", 0);
  struct ear *start = open_ear(books->ledger, "{\"from\": \"start\"}", 0);
  struct ear *postings = open_ear(books->ledger, "{\"from\": \"start\", \"types\": [\"transaction_created\"]}", 0);
  struct ear *later;
  char options[64];
  hear(start, BOOKS);
  post(books->ledger, 3);
  hear(now, 3);
  hear(start, BOOKS + 3);
  hear(postings, 3);
  assert_memory_equal(postings->places, now->places, 3 * sizeof *now->places);
  assert_memory_equal(start->places + BOOKS, now->places, 3 * sizeof *now->places);
  expect_in_order(start);
  snprintf(options, sizeof options, "{\"from\": %ld, \"entries\": true}", now->places[0]);
  later = open_ear(books->ledger, options, 0);
  hear(later, 2);
  assert_memory_equal(later->places, now->places + 1, 2 * sizeof *now->places);
  hear_no_more(start);
  assert_true(cala_listener_reached(later->listener) >= now->places[2]);
  close_ear(now);
  close_ear(start);
  close_ear(postings);
  close_ear(later);
}

static void what_another_ledger_commits_is_heard_too(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_ledger *other = fixture_open_again(books, "");
  struct ear *ear = open_ear(books->ledger, "{\"poll_ms\": 20}", 0);
  cala_tx *tx = begin_tx(other);
  transfer(other, tx, "1");
  hear_no_more(ear); /* not committed yet */
  assert_int_equal(cala_tx_commit(tx, NULL), CALA_OK);
  cala_tx_free(tx);
  hear(ear, 1);
  post(other, 2);
  hear(ear, 3);
  cala_ledger_free(other);
  close_ear(ear);
}

static void a_named_listener_goes_on_where_it_was_done(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{\"name\": \"mailer\"}", 0);
  char request[128];
  cala_tx *tx;
  post(books->ledger, 3);
  hear(ear, 3);
  snprintf(request, sizeof request, "{\"name\": \"mailer\", \"place\": %ld}", ear->places[0]);
  succeed(books->ledger, NULL, cala_listener_ack, request);
  snprintf(request, sizeof request, "{\"name\": \"mailer\", \"place\": %ld}", ear->places[1]);
  tx = begin_tx(books->ledger); /* with what the program writes */
  succeed(books->ledger, tx, cala_listener_ack, request);
  assert_int_equal(cala_tx_rollback(tx, NULL), CALA_OK);
  cala_tx_free(tx);
  {
    struct ear *again = open_ear(books->ledger, "{\"name\": \"mailer\", \"from\": \"start\"}", 0);
    hear(again, 2);
    assert_memory_equal(again->places, ear->places + 1, 2 * sizeof *ear->places);
    close_ear(again);
  }
  close_ear(ear);
  succeed(books->ledger, NULL, cala_listener_remove, "{\"name\": \"mailer\"}");
  refuse(books->ledger, NULL, cala_listener_ack, request, CALA_NOT_FOUND, "listener.not_found");
}

static void a_slow_reader_misses_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{\"buffer\": 3}", 0);
  int in_queue = 0;
  post(books->ledger, 40);
  while (ear->count < 40) {
    assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
    usleep(5000); /* whatever could come has come */
    in_queue = read_some(ear, SIZE_MAX);
    assert_true(in_queue <= 3);
  }
  expect_in_order(ear);
  hear_no_more(ear);
  close_ear(ear);
}

static void callbacks_are_called_until_the_listener_is_freed(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{\"from\": \"start\"}", 1);
  ear->free_after = BOOKS + 2;
  post(books->ledger, 5);
  while (ear->count < BOOKS + 2) {
    assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
    assert_true(cala_queue_drain(ear->queue, 0) >= 0);
  }
  usleep(50000);
  assert_true(cala_queue_drain(ear->queue, 0) >= 0);
  assert_int_equal(ear->count, BOOKS + 2);
  expect_in_order(ear);
  close_ear(ear);
}

static void the_shutdown_comes_after_the_events(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{\"from\": \"start\"}", 0);
  static char buffer[1 << 18];
  size_t used = 0;
  size_t at;
  int shut = 0;
  hear(ear, BOOKS);
  post(books->ledger, 2);
  assert_int_equal(cala_ledger_shutdown(books->ledger, ear->queue, NULL, NULL, NULL), CALA_OK);
  while (!shut) {
    assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
    assert_int_equal(cala_queue_read(ear->queue, buffer, sizeof buffer, &used), CALA_OK);
    for (at = 0; at < used;) {
      struct queue_record record;
      memcpy(&record, buffer + at, sizeof record);
      assert_false(shut);
      shut = record.type == CALA_RECORD_SHUTDOWN;
      at += record.record_len;
    }
  }
  cala_ledger_free(books->ledger);
  books->ledger = NULL;
  assert_true(cala_listener_reached(ear->listener) > 0);
  close_ear(ear);
}

static void of_a_thousand_a_hundred_are_taken(void **state) {
  static cala_listener *listeners[1000];
  struct ledger_fixture *books = fixture_open(state, "");
  cala_queue *queue = new_queue();
  struct ear *last;
  cala_error *error = NULL;
  int i;
  for (i = 0; i < 1000; ++i) {
    const cala_status status =
        cala_listener_open(books->ledger, "{\"from\": 0}", 11, queue, NULL, NULL, &listeners[i], &error);
    if (i < 100) {
      expect_ok(status, error);
    } else {
      expect_error(status, error, CALA_BUSY, "listener.too_many");
      assert_null(listeners[i]);
    }
    error = NULL;
  }
  cala_listener_free(listeners[7]);
  last = open_ear(books->ledger, "{}", 0);
  cala_queue_free(queue); /* before its listeners */
  post(books->ledger, 1);
  hear(last, 1);
  for (i = 0; i < 100; ++i) {
    if (i != 7) cala_listener_free(listeners[i]);
  }
  close_ear(last);
}

static void what_cannot_be_opened_is_refused(void **state) {
  static const char *const wrong[] = {"{\"from\": \"yesterday\"}",
                                      "{\"from\": -1}",
                                      "{\"name\": \"\"}",
                                      "{\"buffer\": 0}",
                                      "{\"poll_ms\": 1}",
                                      "{\"nmae\": \"x\"}",
                                      "["};
  struct ledger_fixture *books = fixture_open(state, "");
  cala_ledger *host = open_ledger("{\"store\": \"host:sqlite\"}");
  cala_queue *queue = new_queue();
  cala_listener *listener = NULL;
  cala_error *error = NULL;
  size_t i;
  for (i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    assert_int_equal(cala_listener_open(books->ledger, wrong[i], strlen(wrong[i]), queue, NULL, NULL, &listener, NULL),
                     CALA_INVALID);
    assert_null(listener);
  }
  expect_error(cala_listener_open(host, "{}", 2, queue, NULL, NULL, &listener, &error), error, CALA_MISUSE,
               "op.host_only");
  expect_error(cala_listener_open(books->ledger, NULL, 2, queue, NULL, NULL, &listener, &error), error, CALA_MISUSE,
               "call.misuse");
  cala_ledger_free(host);
  expect_ok(cala_ledger_shutdown(books->ledger, NULL, NULL, NULL, &error), error);
  expect_error(cala_listener_open(books->ledger, "{}", 2, queue, NULL, NULL, &listener, &error), error, CALA_CLOSED,
               "ledger.closed");
  cala_queue_free(queue);
}

static void *post_beside(void *argument) {
  cala_ledger *ledger = argument;
  int i;
  for (i = 0; i < POSTINGS; ++i) {
    const char *request = transfer_request(NULL, "1");
    cala_op *op = NULL;
    if (cala_transaction_post(ledger, NULL, request, strlen(request), &op, NULL) == CALA_OK) cala_op_run(op, -1, NULL);
    cala_op_free(op);
  }
  return NULL;
}

static void every_listener_hears_every_posting_of_every_thread(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_ledger *other = fixture_open_again(books, "");
  struct ear *ears[3];
  pthread_t threads[2 * THREADS];
  int i;
  ears[0] = open_ear(books->ledger, "{\"buffer\": 5}", 0);
  ears[1] = open_ear(books->ledger, "{}", 0);
  ears[2] = open_ear(other, "{\"poll_ms\": 10}", 0);
  for (i = 0; i < 2 * THREADS; ++i) {
    assert_int_equal(pthread_create(&threads[i], NULL, post_beside, i % 2 == 0 ? books->ledger : other), 0);
  }
  for (i = 0; i < 3; ++i) {
    hear(ears[i], 2 * THREADS * POSTINGS);
    expect_in_order(ears[i]);
    assert_memory_equal(ears[i]->places, ears[0]->places, sizeof ears[0]->places);
  }
  for (i = 0; i < 2 * THREADS; ++i) pthread_join(threads[i], NULL);
  for (i = 0; i < 3; ++i) {
    hear_no_more(ears[i]);
    close_ear(ears[i]);
  }
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2 * THREADS * POSTINGS);
  cala_ledger_free(other);
}

/* After each event, while others are put into the queue. */
static void reached_lies_between_what_was_taken_and_what_waits(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{\"types\": [\"transaction_created\"]}", 1);
  pthread_t threads[THREADS];
  int64_t reached = cala_listener_reached(ear->listener);
  int i;
  post(books->ledger, 2);
  assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
  for (i = 0; i < THREADS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, post_beside, books->ledger), 0);
  for (i = 0; i < 2 + THREADS * POSTINGS; ++i) {
    while (cala_queue_drain(ear->queue, 1) == 0) {
      assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
    }
    assert_int_equal(ear->count, i + 1);
    assert_true(ear->places[i] > reached);
    reached = cala_listener_reached(ear->listener);
    assert_true(reached >= ear->places[i]);
  }
  for (i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  close_ear(ear);
}

/* Who stops in the middle may still keep the place: what went with the queue comes again. */
static void what_went_with_the_queue_was_not_taken(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{\"types\": [\"transaction_created\"]}", 1);
  int64_t reached;
  post(books->ledger, 10);
  while (ear->count < 3) {
    assert_int_equal(cala_queue_wait(ear->queue, PATIENCE_MS), CALA_OK);
    cala_queue_drain(ear->queue, 1);
  }
  reached = cala_listener_reached(ear->listener);
  assert_int_equal(reached, ear->places[2]);
  cala_queue_free(ear->queue);
  post(books->ledger, 1);
  usleep(100000);
  assert_int_equal(cala_listener_reached(ear->listener), reached);
  cala_listener_free(ear->listener);
  free(ear);
}

/* Where a process with a listener is killed. */
enum step { BEFORE_OPENING, AFTER_OPENING, AFTER_TAKING, BEFORE_COMMIT, AFTER_COMMIT, STEPS };

static void die(void) { kill(getpid(), SIGKILL); }

/* Writes down what it hears, each event in the transaction that keeps its place. Until the step, or until somebody
 * kills it. */
static void listen_until(const struct ledger_fixture *books, enum step step) {
  cala_ledger *ledger = fixture_open_again(books, "");
  char *begin;
  long place;
  struct ear *ear;
  int done;
  if (step == BEFORE_OPENING) die();
  begin = answer_of(ledger, NULL, cala_listener_place, "{\"name\": \"clerk\", \"from\": \"start\"}");
  place = number_in(begin, "\"place\":");
  free(begin);
  ear = open_ear(ledger,
                 "{\"name\": \"clerk\", \"types\": [\"transaction_created\"], \"entries\": true, \"buffer\": 2, "
                 "\"poll_ms\": 10}",
                 0);
  if (step == AFTER_OPENING) die();
  for (done = 0;; ++done) {
    char request[200];
    cala_tx *tx;
    cala_op *op;
    hear_at_least(ear, done + 1);
    if (step == AFTER_TAKING) die();
    tx = begin_tx(ledger);
    snprintf(request, sizeof request, "{\"sql\": \"insert into clerks_book values (%ld, %ld)\"}", ear->places[done],
             ear->versions[done]);
    succeed(ledger, tx, cala_tx_exec, request);
    snprintf(request, sizeof request, "{\"name\": \"clerk\", \"place\": %ld, \"expected_place\": %ld}",
             ear->places[done], place);
    op = make_op(ledger, tx, cala_listener_ack, request);
    /* Refused where the server went on with the commit of one that is dead. */
    if (cala_op_run(op, -1, NULL) != CALA_OK) {
      expect_op_error(op, CALA_CONFLICT, "listener.changed");
      die();
    }
    cala_op_free(op);
    if (step == BEFORE_COMMIT) die();
    assert_int_equal(cala_tx_commit(tx, NULL), CALA_OK);
    cala_tx_free(tx);
    place = ear->places[done];
    if (step == AFTER_COMMIT) die();
  }
}

/* How many were written down, how many of these once, the first and the last version,
 * and how many pairs are not in order. */
static int is_written(cala_ledger *ledger, int count) {
  static const char *const request =
      "{\"sql\": \"select count(*), count(distinct place), coalesce(min(version), 0), coalesce(max(version), 0), "
      "(select "
      "count(*) from clerks_book a join clerks_book b on a.place < b.place and a.version >= b.version) from "
      "clerks_book\"}";
  char wanted[100];
  cala_tx *tx = begin_tx(ledger);
  char *answer = answer_of(ledger, tx, cala_tx_exec, request);
  int found;
  cala_tx_free(tx);
  snprintf(wanted, sizeof wanted, "[[\"%d\",\"%d\",\"1\",\"%d\",\"0\"]]", count, count, count);
  found = strstr(answer, wanted) != NULL;
  free(answer);
  return found;
}

static void a_listener_that_is_killed_misses_nothing_and_does_nothing_twice(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  cala_tx *tx = begin_tx(books->ledger);
  int posted = 0;
  int round;
  int written = 0;
  succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"create table clerks_book (place bigint, version bigint)\"}");
  assert_int_equal(cala_tx_commit(tx, NULL), CALA_OK);
  cala_tx_free(tx);
  cala_ledger_free(books->ledger);
  /* At every step, then at any moment; then until all is written down. */
  for (round = 0; round < STEPS + 10 || !written; ++round) {
    const enum step step = round < STEPS ? (enum step)round : STEPS;
    int status = 0;
    int i;
    pid_t ended = 0;
    pid_t child;
    books->ledger = NULL;
    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      alarm(300);
      listen_until(books, step);
    }
    books->ledger = fixture_open_again(books, "");
    for (i = 0; i < 7 && round < STEPS + 10; ++i) {
      transfer(books->ledger, NULL, "1");
      ++posted;
    }
    if (step == STEPS && round < STEPS + 10) usleep(7000 * (unsigned)(round % 5));
    for (i = 0; i < 3000 && round >= STEPS + 10 && !written && ended == 0; ++i) {
      usleep(20000);
      written = is_written(books->ledger, posted);
      ended = waitpid(child, &status, WNOHANG);
    }
    if (ended == 0) {
      if (step == STEPS) kill(child, SIGKILL);
      ended = waitpid(child, &status, 0);
    }
    assert_int_equal(ended, child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(round < STEPS + 30);
    cala_ledger_free(books->ledger);
  }
  books->ledger = fixture_open_again(books, "");
  assert_true(is_written(books->ledger, posted));
  assert_int_equal(units_of(books->ledger, NULL, BOB), posted);
  tx = begin_tx(books->ledger);
  succeed(books->ledger, tx, cala_tx_exec, "{\"sql\": \"drop table clerks_book\"}");
  assert_int_equal(cala_tx_commit(tx, NULL), CALA_OK);
  cala_tx_free(tx);
}

static void a_child_has_no_listener(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct ear *ear = open_ear(books->ledger, "{}", 0);
  pid_t child;
  int status = 1;
  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    alarm(60);
    if (cala_listener_reached(ear->listener) != -CALA_FORKED) _exit(1);
    cala_listener_free(ear->listener);
    _exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  post(books->ledger, 1);
  hear(ear, 1);
  close_ear(ear);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_SQLITE(events_come_from_the_start_from_now_and_from_a_place),
      ON_POSTGRES(events_come_from_the_start_from_now_and_from_a_place),
      ON_SQLITE(what_another_ledger_commits_is_heard_too),
      ON_POSTGRES(what_another_ledger_commits_is_heard_too),
      ON_SQLITE(a_named_listener_goes_on_where_it_was_done),
      ON_POSTGRES(a_named_listener_goes_on_where_it_was_done),
      ON_SQLITE(a_slow_reader_misses_nothing),
      ON_POSTGRES(a_slow_reader_misses_nothing),
      ON_SQLITE(callbacks_are_called_until_the_listener_is_freed),
      ON_SQLITE(the_shutdown_comes_after_the_events),
      ON_POSTGRES(the_shutdown_comes_after_the_events),
      ON_SQLITE(of_a_thousand_a_hundred_are_taken),
      ON_POSTGRES(of_a_thousand_a_hundred_are_taken),
      ON_SQLITE(what_cannot_be_opened_is_refused),
      ON_SQLITE(every_listener_hears_every_posting_of_every_thread),
      ON_POSTGRES(every_listener_hears_every_posting_of_every_thread),
      ON_SQLITE(reached_lies_between_what_was_taken_and_what_waits),
      ON_POSTGRES(reached_lies_between_what_was_taken_and_what_waits),
      ON_SQLITE(what_went_with_the_queue_was_not_taken),
      ON_POSTGRES(what_went_with_the_queue_was_not_taken),
      ON_SQLITE(a_listener_that_is_killed_misses_nothing_and_does_nothing_twice),
      ON_POSTGRES(a_listener_that_is_killed_misses_nothing_and_does_nothing_twice),
      ON_SQLITE(a_child_has_no_listener),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
