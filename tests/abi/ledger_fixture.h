/* What the C tests share: the stores they run on, a ledger with one journal, three accounts and two tx templates, and
 * short ways to run operations, in one call or as a host that drives them statement by statement. Everything goes
 * through cala.h.
 *
 * TRANSFER moves `amount` of USD from `sender` (debited) to `recipient` (credited);
 * LOPSIDED debits `debit` and credits `credit`. */
#ifndef CALA_TESTS_LEDGER_FIXTURE_H
#define CALA_TESTS_LEDGER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cala.h"

#define JOURNAL "00000000-0000-7000-8000-00000000000a"
#define ALICE "00000000-0000-7000-8000-0000000000a1"
#define BOB "00000000-0000-7000-8000-0000000000b0"
#define CAROL "00000000-0000-7000-8000-0000000000ca"

enum store_kind { STORE_SQLITE, STORE_POSTGRES };

struct ledger_fixture {
  enum store_kind kind;
  cala_ledger *ledger;
  char folder[256]; /* SQLite: holds the file and nothing else */
  char file[300];
  char schema[64]; /* PostgreSQL: one for each fixture */
  char store[600]; /* the value of the configuration's "store" */
};

/* One test on both stores; PostgreSQL where CALA_TEST_POSTGRES names one.
 * The test begins with fixture_open(state, ""). */
extern enum store_kind on_sqlite;
extern enum store_kind on_postgres;
int fixture_teardown(void **state);
#define ON_SQLITE(test) \
  { #test " (sqlite)", test, NULL, fixture_teardown, &on_sqlite }
#define ON_POSTGRES(test) \
  { #test " (postgres)", test, NULL, fixture_teardown, &on_postgres }

/* Skips the test when its store is not there. more: further keys of the configuration, each with its comma in front.
 * The fixture is closed when the test ends. */
struct ledger_fixture *fixture_open(void **state, const char *more);
/* The same without opening a ledger: folder, names, configuration. Whoever opens one puts it into `ledger`. */
struct ledger_fixture *fixture_prepare(enum store_kind kind);
/* Another ledger on the same store. */
cala_ledger *fixture_open_again(const struct ledger_fixture *fixture, const char *more);
/* Opens with the whole configuration given, and fails the test when that fails. */
cala_ledger *open_ledger(const char *config);
/* All named operations have one shape. */
typedef cala_status (*operation_fn)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

/* The operations that make journal, accounts and tx templates in an empty ledger; the last has no operation. */
struct book_step {
  operation_fn operation;
  const char *request;
};
extern const struct book_step books_steps[];

/* Makes an operation; fails the test when it is refused. */
cala_op *make_op(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request);
cala_op *make_transfer(cala_ledger *ledger, cala_tx *tx, const char *amount);
/* A TRANSFER from Alice to Bob. id: NULL lets the library choose.
 * The text is the caller's until the next call on this thread. */
const char *transfer_request(const char *id, const char *amount);

/* Makes, runs and frees an operation that must succeed; its answer is the caller's to free() . */
char *answer_of(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request);
void succeed(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request);
void transfer(cala_ledger *ledger, cala_tx *tx, const char *amount);
/* Makes, runs and frees an operation that must fail with this status and code. */
void refuse(cala_ledger *ledger, cala_tx *tx, operation_fn operation, const char *request, cala_status status,
            const char *code);

/* Fails the test with the error's words unless status is CALA_OK. Frees the error. */
void expect_ok_status(cala_status status, cala_error *error);
/* Compares status and code, and frees the error. */
void expect_error_status(cala_status status, cala_error *error, cala_status wanted, const char *code);
/* The same for a call that sets the error: C does not say which argument is looked at first. */
#define expect_ok(call, error)          \
  do {                                  \
    const cala_status status_ = (call); \
    expect_ok_status(status_, (error)); \
  } while (0)
#define expect_error(call, error, wanted, code)          \
  do {                                                   \
    const cala_status status_ = (call);                  \
    expect_error_status(status_, (error), wanted, code); \
  } while (0)
/* The answered operation's status and code. */
void expect_op_error(const cala_op *op, cala_status wanted, const char *code);
void expect_contains(const char *text, const char *part);

/* Whole units on the credit side of an account's settled balance in USD, 0 while it has none. */
long units_of(cala_ledger *ledger, cala_tx *tx, const char *account);
/* How many of a noun ("transactions") ledger_info counts. */
long count_of(cala_ledger *ledger, const char *noun);

/* A key of balances, as JSON. */
#define KEY(account) "{\"journal_id\": \"" JOURNAL "\", \"account_id\": \"" account "\", \"currency\": \"USD\"}"

cala_tx *begin_tx(cala_ledger *ledger);
cala_tx *host_tx(cala_ledger *ledger, const char *options);
cala_queue *new_queue(void);
/* Starts an operation, waits for its answer and frees it. */
cala_status ended(cala_queue *queue, cala_op *op);

/* A record of cala_queue_read, as cala.h lays it out. */
struct queue_record {
  uint32_t record_len;
  uint16_t header_len;
  uint16_t type;
  uint64_t tag;
  int32_t status;
  uint32_t data_len;
};

/* How a host's own driver answered one statement. */
struct host_answer {
  int failed;
  const char *text; /* NULL: SQL NULL or no row */
  size_t text_len;
  const char *sqlstate;
  const char *message;
};
typedef void (*host_execute_fn)(void *connection, const cala_op *op, struct host_answer *answer);

/* What driving an operation took. */
struct host_trace {
  int statements;
  int writes;          /* statements whose name says that they write */
  int wrote_last_only; /* 1 while no statement came after one that writes */
};

/* Drives an operation from its first step to its end, or for at most `limit` statements (0: no limit).
 * Returns the last step. */
int32_t host_drive(cala_op *op, host_execute_fn execute, void *connection, int limit, struct host_trace *trace);

#endif
