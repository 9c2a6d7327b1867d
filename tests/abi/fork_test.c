/* After a fork: what the child inherits answers CALA_FORKED and is freed without touching anything, the parent goes on,
 * and the child opens a ledger of its own. A child never asserts:
 * it says on stderr what it found, and ends with a status. */
#include "ledger_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH = 20, ROUNDS = 10, READERS = 4, FORKS = 100 };

#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

/* AddressSanitizer of gcc 12 and clang 14 does not hold the locks of its allocator around fork: a child of a process
 * whose threads allocate waits for ever in malloc. The build that is shipped runs these. */
static void need_an_allocator_that_knows_fork(void) {
  if (!SANITIZED) return;
  print_message("skipped: this sanitizer's allocator does not survive a fork beside threads\n");
  skip();
}

#define CHECK(condition)                                                     \
  do {                                                                       \
    if (!(condition)) {                                                      \
      fprintf(stderr, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
      return 1;                                                              \
    }                                                                        \
  } while (0)

struct inheritance {
  struct ledger_fixture *books;
  cala_queue *queue;
  cala_tx *tx;
  cala_tx *hosted_tx;
  cala_op *answered;
  cala_op *made;
  cala_op *stepping;
};

static pid_t fork_child(int (*child)(struct inheritance *), struct inheritance *inherited) {
  pid_t pid;
  fflush(NULL);
  pid = fork();
  assert_true(pid >= 0);
  if (pid > 0) return pid;
  alarm(60);
  _exit(child(inherited));
}

static void expect_success(pid_t pid) {
  int status = -1;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static int ledger_calls_are_forked(struct inheritance *from) {
  cala_ledger *ledger = from->books->ledger;
  cala_error *error = NULL;
  cala_op *op = NULL;
  cala_tx *tx = NULL;
  CHECK(cala_account_find(ledger, NULL, "{\"code\": \"BOB\"}", 15, &op, &error) == CALA_FORKED);
  CHECK(op == NULL);
  CHECK(cala_error_status(error) == CALA_FORKED);
  CHECK(strcmp(cala_error_code(error), "process.forked") == 0);
  cala_error_free(error);
  CHECK(cala_tx_begin(ledger, NULL, 0, &tx, NULL) == CALA_FORKED);
  CHECK(cala_tx_host(ledger, NULL, 0, &tx, NULL) == CALA_FORKED);
  CHECK(tx == NULL);
  CHECK(cala_ledger_shutdown(ledger, NULL, NULL, NULL, NULL) == CALA_FORKED);
  CHECK(cala_clock_set(ledger, "2026-01-01T00:00:00Z", 20, NULL) == CALA_FORKED);
  CHECK(cala_clock_advance(ledger, 1, NULL) == CALA_FORKED);
  CHECK(cala_tx_commit(from->tx, NULL) == CALA_FORKED);
  CHECK(cala_tx_rollback(from->tx, NULL) == CALA_FORKED);
  return 0;
}

static int queue_calls_are_forked(struct inheritance *from) {
  char buffer[64];
  size_t used = 0;
  CHECK(cala_queue_fd(from->queue) == -CALA_FORKED);
  CHECK(cala_queue_read(from->queue, buffer, sizeof buffer, &used) == CALA_FORKED);
  CHECK(cala_queue_drain(from->queue, 0) == -CALA_FORKED);
  CHECK(cala_queue_run(from->queue) == CALA_FORKED);
  CHECK(cala_queue_wait(from->queue, -1) == CALA_FORKED);
  CHECK(cala_queue_wake(from->queue) == CALA_FORKED);
  CHECK(cala_queue_stop(from->queue) == CALA_FORKED);
  return 0;
}

static int op_calls_are_forked(struct inheritance *from) {
  CHECK(cala_op_run(from->made, -1, NULL) == CALA_FORKED);
  CHECK(cala_op_start(from->made, from->queue, NULL, NULL) == CALA_FORKED);
  CHECK(cala_op_cancel(from->made) == CALA_FORKED);
  CHECK(cala_op_status(from->made) == CALA_FORKED);
  CHECK(cala_op_status(from->answered) == CALA_FORKED);
  CHECK(cala_op_result(from->answered, NULL) == NULL);
  CHECK(cala_op_error(from->answered) == NULL);
  CHECK(cala_op_step(from->stepping) == -CALA_FORKED);
  CHECK(cala_op_feed(from->stepping, NULL, 0) == -CALA_FORKED);
  CHECK(cala_op_feed_error(from->stepping, NULL, NULL) == -CALA_FORKED);
  CHECK(cala_op_sql(from->stepping, NULL) == NULL);
  CHECK(cala_op_param(from->stepping, 0, NULL) == NULL);
  return 0;
}

static void free_all(struct inheritance *from) {
  cala_op_free(from->answered);
  cala_op_free(from->made);
  cala_op_free(from->stepping);
  cala_tx_free(from->tx);
  cala_tx_free(from->hosted_tx);
  cala_queue_free(from->queue);
  cala_ledger_free(from->books->ledger);
}

static int touch_and_free(struct inheritance *from) {
  if (ledger_calls_are_forked(from) != 0 || queue_calls_are_forked(from) != 0 || op_calls_are_forked(from) != 0)
    return 1;
  free_all(from);
  CHECK(cala_op_status(from->answered) == CALA_MISUSE);
  CHECK(cala_queue_fd(from->queue) == -CALA_MISUSE);
  return 0;
}

static void leave_an_inheritance(struct inheritance *from, struct ledger_fixture *books) {
  cala_error *error = NULL;
  from->books = books;
  from->queue = new_queue();
  from->tx = begin_tx(books->ledger);
  from->hosted_tx = host_tx(books->ledger, "{}");
  from->answered = make_transfer(books->ledger, from->tx, "1");
  from->made = make_transfer(books->ledger, from->tx, "1");
  from->stepping = make_transfer(books->ledger, from->hosted_tx, "1");
  expect_ok(cala_op_run(from->answered, -1, &error), error);
  assert_int_equal(cala_op_step(from->stepping), CALA_STEP_NEED_QUERY);
}

static void an_inheritance_is_forked_and_its_frees_touch_nothing(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct inheritance from;
  cala_error *error = NULL;
  leave_an_inheritance(&from, books);
  expect_success(fork_child(touch_and_free, &from));
  /* The parent's transaction, connection and queue are as they were. */
  assert_int_equal(cala_op_status(from.answered), CALA_OK);
  assert_int_equal(cala_op_start(from.made, from.queue, NULL, NULL), CALA_OK);
  assert_int_equal(cala_queue_wait(from.queue, -1), CALA_OK);
  assert_int_equal(cala_queue_drain(from.queue, 0), 1);
  assert_int_equal(cala_op_status(from.made), CALA_OK);
  expect_ok(cala_tx_commit(from.tx, &error), error);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2);
  transfer(books->ledger, NULL, "1");
  cala_op_free(from.answered);
  cala_op_free(from.made);
  cala_op_free(from.stepping);
  cala_tx_free(from.tx);
  cala_tx_free(from.hosted_tx);
  cala_queue_free(from.queue);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 3);
}

static int post_in_child(const struct ledger_fixture *books, int postings) {
  char config[1200];
  cala_ledger *ledger = NULL;
  cala_error *error = NULL;
  int i;
  if (books->kind == STORE_SQLITE) {
    snprintf(config, sizeof config, "{\"store\": \"%s\"}", books->store);
  } else {
    snprintf(config, sizeof config, "{\"store\": \"%s\", \"schema\": \"%s\"}", books->store, books->schema);
  }
  if (cala_ledger_open(config, strlen(config), &ledger, &error) != CALA_OK) {
    fprintf(stderr, "child: %s: %s\n", cala_error_code(error), cala_error_message(error));
    return 1;
  }
  for (i = 0; i < postings; ++i) {
    const char *request = transfer_request(NULL, "1");
    cala_op *op = NULL;
    CHECK(cala_transaction_post(ledger, NULL, request, strlen(request), &op, NULL) == CALA_OK);
    if (cala_op_run(op, -1, &error) != CALA_OK) {
      fprintf(stderr, "child: %s: %s\n", cala_error_code(error), cala_error_message(error));
      return 1;
    }
    cala_op_free(op);
  }
  cala_ledger_free(ledger);
  return 0;
}

static int open_one_of_its_own(struct inheritance *from) { return post_in_child(from->books, EACH); }

static int free_then_open_one_of_its_own(struct inheritance *from) {
  free_all(from);
  return post_in_child(from->books, EACH);
}

static void parent_and_child_post_to_the_same_books(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct inheritance from;
  pid_t child;
  int i;
  memset(&from, 0, sizeof from);
  from.books = books;
  transfer(books->ledger, NULL, "1");
  child = fork_child(open_one_of_its_own, &from);
  for (i = 0; i < EACH; ++i) transfer(books->ledger, NULL, "1");
  expect_success(child);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2 * EACH + 1);
}

static void a_child_that_freed_everything_opens_one_of_its_own(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct inheritance from;
  pid_t child;
  int i;
  leave_an_inheritance(&from, books);
  assert_int_equal(cala_tx_commit(from.tx, NULL), CALA_OK);
  child = fork_child(free_then_open_one_of_its_own, &from);
  for (i = 0; i < EACH; ++i) transfer(books->ledger, NULL, "1");
  expect_success(child);
  assert_int_equal(units_of(books->ledger, NULL, BOB), 2 * EACH + 1);
  cala_op_free(from.answered);
  cala_op_free(from.made);
  cala_op_free(from.stepping);
  cala_tx_free(from.tx);
  cala_tx_free(from.hosted_tx);
  cala_queue_free(from.queue);
}

struct poster {
  cala_ledger *ledger;
  const char *store;
  atomic_int stop;
  atomic_int posted;
  atomic_int failed;
};

static void *post_until_told(void *argument) {
  struct poster *self = argument;
  while (!atomic_load(&self->stop)) {
    const char *request = transfer_request(NULL, "1");
    cala_op *op = NULL;
    const int ok = cala_transaction_post(self->ledger, NULL, request, strlen(request), &op, NULL) == CALA_OK &&
                   cala_op_run(op, -1, NULL) == CALA_OK;
    atomic_fetch_add(ok ? &self->posted : &self->failed, 1);
    cala_op_free(op);
  }
  return NULL;
}

static int free_in_the_middle_of_it(struct inheritance *from) {
  cala_op *op = NULL;
  CHECK(cala_account_find(from->books->ledger, NULL, "{\"code\": \"BOB\"}", 15, &op, NULL) == CALA_FORKED);
  cala_queue_free(from->queue);
  cala_ledger_free(from->books->ledger);
  return 0;
}

static void forking_while_threads_work_harms_nobody(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  struct inheritance from;
  struct poster poster;
  pthread_t thread;
  int round;
  need_an_allocator_that_knows_fork();
  memset(&from, 0, sizeof from);
  memset(&poster, 0, sizeof poster);
  from.books = books;
  from.queue = new_queue();
  poster.ledger = books->ledger;
  assert_int_equal(pthread_create(&thread, NULL, post_until_told, &poster), 0);
  for (round = 0; round < ROUNDS; ++round) {
    const int before = atomic_load(&poster.posted);
    while (atomic_load(&poster.posted) == before && atomic_load(&poster.failed) == 0) usleep(100);
    expect_success(fork_child(free_in_the_middle_of_it, &from));
  }
  atomic_store(&poster.stop, 1);
  pthread_join(thread, NULL);
  assert_int_equal(atomic_load(&poster.failed), 0);
  assert_int_equal(units_of(books->ledger, NULL, BOB), atomic_load(&poster.posted));
  cala_queue_free(from.queue);
}

static void *read_until_told(void *argument) {
  struct poster *self = argument;
  while (!atomic_load(&self->stop)) {
    cala_op *op = NULL;
    const int ok = cala_account_find(self->ledger, NULL, "{\"code\": \"BOB\"}", 15, &op, NULL) == CALA_OK &&
                   cala_op_run(op, -1, NULL) == CALA_OK;
    atomic_fetch_add(ok ? &self->posted : &self->failed, 1);
    cala_op_free(op);
  }
  return NULL;
}

/* Opens and closes the file as well, for what SQLite holds while it does. */
static void *open_until_told(void *argument) {
  struct poster *self = argument;
  while (!atomic_load(&self->stop)) {
    char config[1200];
    cala_ledger *ledger = NULL;
    snprintf(config, sizeof config, "{\"store\": \"%s\"}", self->store);
    atomic_fetch_add(cala_ledger_open(config, strlen(config), &ledger, NULL) == CALA_OK ? &self->posted : &self->failed,
                     1);
    cala_ledger_free(ledger);
  }
  return NULL;
}

static int post_one(struct inheritance *from) { return post_in_child(from->books, 1); }

static int close_everything_and_post_one(struct inheritance *from) {
  int descriptor;
  for (descriptor = 3; descriptor < 256; ++descriptor) close(descriptor);
  return post_in_child(from->books, 1);
}

/* CALA_TEST_FORKS: how many, for a long run. */
static int forks_wanted(void) {
  const char *text = getenv("CALA_TEST_FORKS");
  return text != NULL ? atoi(text) : FORKS;
}

static void children_of_a_busy_parent_open_ledgers_of_their_own(void **state) {
  struct ledger_fixture *books = fixture_open(state, "");
  const int forks = forks_wanted();
  struct inheritance from;
  struct poster readers;
  pthread_t threads[READERS + 1];
  int i;
  need_an_allocator_that_knows_fork();
  memset(&from, 0, sizeof from);
  memset(&readers, 0, sizeof readers);
  from.books = books;
  readers.ledger = books->ledger;
  readers.store = books->store;
  for (i = 0; i < READERS; ++i) assert_int_equal(pthread_create(&threads[i], NULL, read_until_told, &readers), 0);
  assert_int_equal(pthread_create(&threads[READERS], NULL, open_until_told, &readers), 0);
  for (i = 0; i < forks; ++i) {
    expect_success(fork_child(i % 2 == 0 ? post_one : close_everything_and_post_one, &from));
  }
  atomic_store(&readers.stop, 1);
  for (i = 0; i <= READERS; ++i) pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&readers.failed), 0);
  assert_int_equal(units_of(books->ledger, NULL, BOB), forks);
}

#define ON_BOTH(test) ON_SQLITE(test), ON_POSTGRES(test)

int main(void) {
  const struct CMUnitTest tests[] = {
      ON_BOTH(an_inheritance_is_forked_and_its_frees_touch_nothing),  ON_BOTH(parent_and_child_post_to_the_same_books),
      ON_BOTH(a_child_that_freed_everything_opens_one_of_its_own),    ON_BOTH(forking_while_threads_work_harms_nobody),
      ON_SQLITE(children_of_a_busy_parent_open_ledgers_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
