/*
 * cala.h: a double-entry ledger in your process.
 *
 * One shared library (libcala.so, .dylib, .dll), this header, no other public file. The ledger lives in an embedded
 * store (SQLite in one file, no server; the default) or in PostgreSQL; the functions, the documents and the answers are
 * the same.
 *
 * ---------------------------------------------------------------------------------------------------------------------
 * A whole program: two accounts, and 10 dollars from one to the other (cc program.c -lcala)
 *
 *   #include <cala.h>
 *   #include <stdio.h>
 *   #include <string.h>
 *
 *   typedef cala_status operation(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);
 *
 *   static int run(cala_ledger *ledger, operation *make, const char *request) {
 *     cala_op *op = NULL;
 *     cala_error *error = NULL;
 *     int ok = make(ledger, NULL, request, strlen(request), &op, &error) == CALA_OK &&
 *              cala_op_run(op, -1, &error) == CALA_OK;
 *     if (ok) puts(cala_op_result(op, NULL));
 *     else fprintf(stderr, "%s: %s\n", cala_error_code(error), cala_error_message(error));
 *     cala_error_free(error);
 *     cala_op_free(op);
 *     return ok;
 *   }
 *
 *   int main(void) {
 *     const char *config = "{\"store\": \"sqlite:ledger.db\"}";
 *     cala_ledger *ledger = NULL;
 *     cala_error *error = NULL;
 *     int ok;
 *     if (cala_ledger_open(config, strlen(config), &ledger, &error) != CALA_OK) {
 *       fprintf(stderr, "%s: %s\n", cala_error_code(error), cala_error_message(error));
 *       cala_error_free(error);
 *       return 1;
 *     }
 *     ok = run(ledger, cala_journal_create, "{\"id\": \"01900000-0000-7000-8000-000000000001\","
 *              "\"name\": \"Main\"}") &&
 *          run(ledger, cala_account_create, "{\"id\": \"01900000-0000-7000-8000-00000000000a\", \"code\": \"ALICE\","
 *              "\"name\": \"Alice\"}") &&
 *          run(ledger, cala_account_create, "{\"id\": \"01900000-0000-7000-8000-00000000000b\", \"code\": \"BOB\","
 *              "\"name\": \"Bob\"}") &&
 *          run(ledger, cala_tx_template_create,
 *              "{\"code\": \"TRANSFER\", \"params\": [{\"name\": \"from\", \"type\": \"uuid\"},"
 *              "{\"name\": \"to\", \"type\": \"uuid\"}, {\"name\": \"amount\", \"type\": \"decimal\"}],"
 *              "\"transaction\": {\"effective\": \"date()\","
 *              "\"journal_id\": \"uuid('01900000-0000-7000-8000-000000000001')\"}, \"entries\": ["
 *              "{\"entry_type\": \"'TRANSFER_DR'\", \"account_id\": \"params.from\", \"layer\": \"SETTLED\","
 *              "\"direction\": \"DEBIT\", \"units\": \"params.amount\", \"currency\": \"'USD'\"},"
 *              "{\"entry_type\": \"'TRANSFER_CR'\", \"account_id\": \"params.to\", \"layer\": \"SETTLED\","
 *              "\"direction\": \"CREDIT\", \"units\": \"params.amount\", \"currency\": \"'USD'\"}]}") &&
 *          run(ledger, cala_transaction_post,
 *              "{\"tx_template_code\": \"TRANSFER\", \"params\": {\"amount\": \"10.00\","
 *              "\"from\": \"01900000-0000-7000-8000-00000000000a\","
 *              "\"to\": \"01900000-0000-7000-8000-00000000000b\"}}");
 *     cala_ledger_free(ledger);
 *     return ok ? 0 : 1;
 *   }
 *
 * ---------------------------------------------------------------------------------------------------------------------
 * Rules that hold everywhere
 *
 * Handles. cala_ledger, cala_queue, cala_tx, cala_op, cala_listener and cala_error are opaque. Each is made by one
 *   function and ended by its _free; _free(NULL) does nothing; frees may come in any order. A NULL, foreign or already
 *   freed handle gives CALA_MISUSE where the library can tell; do not rely on it.
 * Strings. Inputs are UTF-8 with a length in bytes and are copied before the call returns; they need no terminating
 *   NUL. Outputs are UTF-8 and NUL-terminated, belong to their handle and live as long as it does, unless cala_free is
 *   named.
 * Documents. Requests and answers are JSON objects with snake_case keys. An unknown key, a key that is there twice, a
 *   NUL character or invalid UTF-8 is refused, and the error's details name the place by JSON pointer (RFC 6901).
 *   Answers may grow new keys: ignore those that you do not know. Optional values that are absent are left out of
 *   answers.
 * Values. Amounts are decimal strings, exact to 38 digits, their scale kept ("10.00"), booked with 18 digits after the
 *   point at most; a JSON number with a fraction is refused where an amount is meant. Ids are UUID text (8-4-4-4-12,
 *   either case in, lower case out); an id that a create leaves out is made by the library (version 7). Dates are
 *   "2026-01-31", instants RFC 3339 in UTC with six decimals ("2026-01-31T12:00:00.000000Z"). Words of
 *   which a key takes one, "active" | "locked", are lower case in answers, and all lower or all upper case in requests.
 *   metadata is any JSON value.
 * Notation of documents. What follows "request:" and "result:" of an operation, the types before the operations, and
 *   the details of the codes at the end are written so that programs read them too; cala_api gives all of it as JSON.
 *     {code: text, name?: text = "x"}   an object with these keys; ? may be left out, = and what is
 *                                       meant then; {*: json} an object with any keys
 *     [uuid; 100]                       a list, of 100 at most; integer 1..9 a number within these
 *     "asc" | {id: uuid} | null         one of these; where null is one, null clears, and null in another key of such
 *                                       a request is refused; in all others null is as good as left out
 *     page & {status?: text}            the keys of both
 *     -- words                          about the key before, to the end of the line
 * Lists. A page is asked with {"first": 100, "after": CURSOR, "order": "asc" | "desc"}: first is 1 to 1000 (default
 *   100), after is an end_cursor of an earlier page of the same list. The answer is {"items": [...], "has_next_page":
 *   bool, "end_cursor": "..."}; end_cursor is left out of an empty page.
 * Stable lists. Transactions and entries are listed in the order of posting. Such a list shows all that is committed,
 *   and what commits late may then appear in front of what was shown before. With "stable": true the list ends before
 *   the first posting that is still under way: read on from the last end_cursor, at any later time, and you get each
 *   posting once and miss none. On PostgreSQL reading a stable list writes down how far the order is settled. A
 *   read-only connection cannot, nor can a transaction that has written. There the list ends where somebody else wrote
 *   it down last (CALA_UNAVAILABLE list.no_mark when nobody ever did), and lacks what the transaction itself posted. So
 *   read stable lists outside of transactions, or in short ones. On SQLite a stable list is the whole list, with what
 *   the own transaction posted.
 * Errors. Every function that can fail returns a cala_status, or takes an out_error, or both. out_error may be NULL;
 *   otherwise it is set to NULL or to an error that the caller frees with cala_error_free. Nothing is thread-local.
 * Threads. Every function may be called from any thread, but no handle may be in use while it is freed. A cala_tx runs
 *   one operation at a time. The library's own threads block all signals and never call back into the program. A signal
 *   handler must not leave by longjmp while its thread is in a function of the library.
 * Process. The library writes nothing to stdout or stderr, sets no locale, installs no signal handler and never aborts.
 *   After a fork the child must open its own ledger: inherited handles answer CALA_FORKED,
 *   and freeing them touches no connection.
 *
 * Statuses that any function may return besides those it names: CALA_MISUSE (a handle or pointer that cannot be right),
 * CALA_NO_MEMORY, CALA_INTERNAL (a defect of the library: please report it), CALA_FORKED.
 *
 * Everything here is since 1.0 unless it says otherwise. ABI.md holds the promise:
 * nothing released ever changes or leaves.
 */
#ifndef CALA_H
#define CALA_H

#include <stddef.h>
#include <stdint.h>

#define CALA_VERSION_MAJOR 1
#define CALA_VERSION_MINOR 0
#define CALA_VERSION_PATCH 0

#if defined(_WIN32)
#if defined(CALA_BUILDING)
#define CALA_API __declspec(dllexport)
#else
#define CALA_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define CALA_API __attribute__((visibility("default")))
#else
#define CALA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------------------------------------ */
/* Types                                                                                                              */

/* An open ledger: configuration, store, caches, threads. Made by cala_ledger_open. */
typedef struct cala_ledger cala_ledger;
/* Where finished work waits for the program, with a descriptor to watch. Made by cala_queue_new. */
typedef struct cala_queue cala_queue;
/* One database transaction, the library's or the program's own.
 * Made by cala_tx_begin, cala_tx_host or cala_tx_adopt. */
typedef struct cala_tx cala_tx;
/* One operation on its way: made, run, answered. Made by each named operation. */
typedef struct cala_op cala_op;
/* Somebody who is told of events through a queue. Made by cala_listener_open. */
typedef struct cala_listener cala_listener;
/* Why a call failed. Handed out through out_error parameters and by cala_op_error. */
typedef struct cala_error cala_error;

/* What became of a call. New values are only ever added: treat one that you do not know like CALA_INTERNAL. */
typedef int32_t cala_status;
enum {
  CALA_OK = 0,              /* done */
  CALA_MISUSE = 1,          /* the call itself is wrong: a handle, a NULL, an order of calls; fix the program */
  CALA_INVALID = 2,         /* the request is not right: JSON, keys, values, CEL; details name the place */
  CALA_NOT_FOUND = 3,       /* what it names does not exist */
  CALA_CONFLICT = 4,        /* an id, code or external id is taken, or something changed meanwhile */
  CALA_REJECTED = 5,        /* the ledger refuses: unbalanced, locked, over a limit; nothing was written */
  CALA_BUSY = 6,            /* too much at once; try again later */
  CALA_TIMEOUT = 7,         /* not finished within the time given; it goes on */
  CALA_CANCELLED = 8,       /* cancelled; nothing was written */
  CALA_CLOSED = 9,          /* the ledger or queue is shutting down */
  CALA_UNAVAILABLE = 10,    /* the store cannot be reached or cannot work: connection, full disk, missing libpq */
  CALA_PERMISSION = 11,     /* the store does not let us */
  CALA_UNSUPPORTED = 12,    /* not with this store, schema version or build */
  CALA_NO_MEMORY = 13,      /* out of memory; nothing was written */
  CALA_INTERNAL = 14,       /* a defect of the library */
  CALA_FORKED = 15,         /* the handle belongs to the parent process */
  CALA_OUTCOME_UNKNOWN = 16 /* the connection was lost during commit: post the same id again, or look it up */
};

/* What a failure means for the database transaction that the operation ran in (cala_error_tx_state). */
enum {
  CALA_TX_USABLE = 0,  /* nothing was written; the transaction can go on */
  CALA_TX_ABORTED = 1, /* the database refuses further statements; roll back */
  CALA_TX_RETRY = 2    /* roll back and run the whole transaction again: it lost a race */
};

/* What cala_op_step and cala_op_feed answer. Negative values are a cala_status negated (-CALA_MISUSE). */
enum {
  CALA_STEP_DONE = 0,       /* answered: see cala_op_result */
  CALA_STEP_NEED_QUERY = 1, /* run cala_op_sql with its parameters, then feed the answer */
  CALA_STEP_FAILED = 2      /* answered with an error: see cala_op_error */
};

/* Kinds of records that cala_queue_read hands over. */
enum {
  CALA_RECORD_COMPLETION = 1, /* an operation was answered */
  CALA_RECORD_LOG = 2,        /* a record of a ledger's log (cala_ledger_log) */
  CALA_RECORD_SHUTDOWN = 3,   /* a ledger has shut down: the last record that it sends */
  CALA_RECORD_DROPPED = 4,    /* log records were dropped because nobody read them; the data is their number */
  CALA_RECORD_EVENT = 5       /* an event that a listener waits for */
};

/* Called by cala_queue_drain or cala_queue_run, on their caller's thread, once for each operation that was started with
 * it. op is the answered operation, or NULL for the completion of cala_ledger_shutdown. It may call any function of
 * this header, cala_op_free and cala_queue_free included. */
typedef void (*cala_completion_fn)(void *user, cala_op *op);

/* Called by cala_queue_drain or cala_queue_run, on their caller's thread, once for each event of a listener that was
 * opened with it. status is CALA_OK and event the event's document, of event_len bytes, NUL-terminated, valid until the
 * call returns; or status is another, event says why like a record of a failed operation, and no event comes any more.
 * It may call any function of this header, cala_listener_free included. */
typedef void (*cala_event_fn)(void *user, cala_status status, const char *event, size_t event_len);

/* Called by cala_queue_drain or cala_queue_run, on their caller's thread, once for each record of a log that goes to
 * the queue with it (cala_ledger_log). type is CALA_RECORD_LOG and data the record, or CALA_RECORD_DROPPED and data the
 * number of its ledger's that were dropped; of data_len bytes, NUL-terminated, valid until the call returns. It may
 * call any function of this header. */
typedef void (*cala_log_fn)(void *user, int32_t type, const char *data, size_t data_len);

/* Any function's address, and how a program tells where one of libpq's is (cala_tx_adopt): the address of the function
 * called name, or NULL when it has none. Called only while cala_tx_adopt runs, on its caller's thread. */
typedef void (*cala_function)(void);
typedef cala_function (*cala_resolve_fn)(void *user, const char *name);

/* ------------------------------------------------------------------------------------------------------------------ */
/* The library                                                                                                        */

/* The library's version, "1.0.0". Static; never NULL. Any thread. */
CALA_API const char *cala_version(void);

/* The version of this interface that the library implements: major << 16 | minor. Any thread. */
CALA_API int32_t cala_abi_version(void);

/* This header as data: one JSON object, for programs that list, check or complete requests.
 * {version, types: {name: {doc, type}},
 * operations: {name: {since, access: "read" | "write", doc, request: type, result: type, errors: [code]}},
 * codes: {code: {status, section, any, retryable: "no" | "yes" | "sometimes", means, advice, details: type}},
 * functions: [name]}. A type is
 * {kind: "object", fields: [{key, type, optional, default?, doc?}]}, {kind: "list", of, max?}, {kind: "map", of},
 * {kind: "union" | "all", of: [type]}, {kind: "literal", value}, {kind: "integer", min?, max?} or {kind: "name", name}:
 * a word for values, one of types, or "<operation>.request". Static; never NULL. Any thread. */
CALA_API const char *cala_api(void);

/* The name of a status, "CALA_NOT_FOUND"; "CALA_UNKNOWN" for a value that this library does not know.
 * Static. Any thread. */
CALA_API const char *cala_status_name(cala_status status);

/* Frees memory that a function says to free with cala_free. NULL does nothing. Any thread. */
CALA_API void cala_free(void *memory);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Errors. Immutable: any thread may read one. NULL gives CALA_OK, "" and 0, so a check can be left out.              */

/* The status, the same that the failed call returned. */
CALA_API cala_status cala_error_status(const cala_error *error);
/* A stable dotted word for programs: "account.locked". The list is at the end of this header, and in docs/errors.md. */
CALA_API const char *cala_error_code(const cala_error *error);
/* One line of plain English for people: what is wrong and what was expected. Never holds a password. */
CALA_API const char *cala_error_message(const cala_error *error);
/* 1 when the same call may succeed if repeated (after a rollback, in a transaction), else 0. */
CALA_API int32_t cala_error_retryable(const cala_error *error);
/* The five characters of the database's SQLSTATE, or "" when no database said no. */
CALA_API const char *cala_error_sqlstate(const cala_error *error);
/* CALA_TX_USABLE, CALA_TX_ABORTED or CALA_TX_RETRY. */
CALA_API int32_t cala_error_tx_state(const cala_error *error);
/* Which posting of a batch was refused, counted from 0; -1 when the error is about none. */
CALA_API int64_t cala_error_posting_index(const cala_error *error);
/* More, as a JSON object: {"pointer": "/params/amount"}, {"account_id": "..."}; "{}" when there is no more. The list of
 * codes has the keys of each. */
CALA_API const char *cala_error_details(const cala_error *error);
/* Ends an error from an out_error. Errors from cala_op_error are the operation's: do not free them. */
CALA_API void cala_error_free(cala_error *error);
/* For a refusal that the program's own driver tells of, when the ledger was not asked: whether a race was lost, so that
 * the whole transaction may succeed when it is rolled back and run again; what CALA_TX_RETRY says of a cala_error.
 * sqlstate: the SQLSTATE ("40001") or SQLite's name of its code ("SQLITE_BUSY").
 * 1 or 0; 0 for NULL and for "". Any thread. */
CALA_API int32_t cala_lost_race(const char *sqlstate);

/* ------------------------------------------------------------------------------------------------------------------ */
/* The ledger                                                                                                         */

/* Opens a ledger. Blocks while it connects and, where asked, migrates.
 *
 * config: a JSON object; NULL with length 0 is {}. Every key is optional:
 *   store       "sqlite:PATH" (the file is made when absent; no // before the path), "sqlite::memory:", a libpq
 *               connection string or URI ("postgres://user@host/db", "host=/run/postgresql dbname=app"; with a
 *               standby, docs/failover.md: "postgres://user@/db?host=a,b&target_session_attrs=read-write"), or
 *               "host:sqlite" / "host:postgres": no connection of its own, everything runs through cala_tx_host.
 *               Default "sqlite:cala.db".
 *   migrate     bool: create or upgrade the ledger's tables. Default true for SQLite, false for PostgreSQL.
 *   schema      PostgreSQL only: the schema of all tables and functions; [a-z_][a-z0-9_]*, 63 bytes at most, and
 *               none of PostgreSQL's own (pg_..., information_schema). Default "cala".
 *   pool        {"max": n, "timeout_ms": t}: connections to PostgreSQL at most (1 to 1000, default 10), and how long to
 *               wait for one of them, or for SQLite's one writer, to come free (0 to 3600000, default 30000; then
 *               store.pool_timeout, store.busy).
 *   clock       {"manual": INSTANT}: time stands still until cala_clock_set or cala_clock_advance. Default: the
 *               system's clock.
 *   commit      {"durable": bool, "group_max": n}. durable: true waits for the disk, where PostgreSQL's settings say
 *               not to wait too. Default true. false may lose the last postings in a power cut, never half of one.
 *               group_max: postings that wait while a commit is under way are committed together, so many at most, each
 *               with its own outcome as if one after the other; on SQLite so are other writes, 100 at most. 1 to 10000,
 *               1: every operation by itself. Default 500.
 *   queue_max   operations in flight at most, 1 to 1048576; one more gives CALA_BUSY. Default 65536.
 *   failover_wait_ms  how long operations wait for a store that was there before and is away, as in a failover, 0 to
 *               3600000. Until then a posting whose commit was not answered is looked up, too. Default 30000.
 *   lazy        bool: connect at the first operation instead of here. Default false.
 * out: the ledger. The caller ends it with cala_ledger_shutdown (optional) and cala_ledger_free.
 *
 * CALA_INVALID (request.*, store.invalid: what the config says), CALA_UNAVAILABLE (store.unreachable,
 * store.libpq_missing, store.cannot_open, store.full), CALA_PERMISSION (store.read_only, store.permission),
 * CALA_UNSUPPORTED (store.migrations_missing: open with "migrate": true or run cala_ledger_migrate; store.newer: the
 * tables are newer than this library), CALA_BUSY (store.busy: another process is migrating). */
CALA_API cala_status cala_ledger_open(const char *config, size_t config_len, cala_ledger **out, cala_error **out_error);

/* Begins to close: new operations are refused with CALA_CLOSED, those that have not begun are answered with
 * CALA_CANCELLED, those that run are finished. Never blocks. The completion comes last, after every other answer of
 * this ledger: as a call of fn (when fn is not NULL) or a record CALA_RECORD_SHUTDOWN with user as its tag, in queue.
 * queue may be NULL: then nothing is told. CALA_CLOSED when it was shut down before. */
CALA_API cala_status cala_ledger_shutdown(cala_ledger *ledger, cala_queue *queue, cala_completion_fn fn, void *user,
                                          cala_error **out_error);

/* Ends a ledger: shuts it down when that was not done, waits for what runs, closes connections. Operations and
 * transactions that are still there stay valid handles and answer CALA_CLOSED. Blocks until running statements end. */
CALA_API void cala_ledger_free(cala_ledger *ledger);

/* Has the ledger tell of its work: of what went wrong, what it did about that, and what took long. Each is a record
 * CALA_RECORD_LOG in queue, whose tag is user and whose data is a log_record ("The documents of the operations"), or a
 * call of fn. No amount, param, metadata, name or password is ever in one, nor a word of the database's. A ledger has
 * one log: this takes the place of the one before, and fn of that is not called any more, though a call on another
 * thread may still be running; with queue NULL it has none, as in the beginning. What waits in queue when the ledger
 * ends is still there for whoever drains or reads it, by fn too. options: NULL or
 *   level    "error", "warn", "info" or "debug": each tells also of those before it. Default "warn".
 *   slow_ms  operations that took so long, 0 to 3600000, are told of too (operation.slow, a warning). Default: none.
 *   buffer   how many log records wait in the queue at most, whichever ledgers they are of, 1 to 100000. Default 1024.
 *            Nothing waits for a place: more are dropped and counted. The next record then says how many
 *            (CALA_RECORD_DROPPED, of all these ledgers, or a call of each one's fn, of its own), and so does
 *            ledger_metrics.
 * What open itself did is over by then; open with "lazy" to hear of it. No record comes after cala_ledger_shutdown has
 * told of its end. CALA_INVALID, CALA_CLOSED. */
CALA_API cala_status cala_ledger_log(cala_ledger *ledger, const char *options, size_t options_len, cala_queue *queue,
                                     cala_log_fn fn, void *user, cala_error **out_error);

/* Sets a manual clock. rfc3339: an instant ("2026-01-01T00:00:00Z"); earlier than now is allowed.
 * CALA_INVALID (request.malformed), CALA_UNSUPPORTED (clock.not_manual). */
CALA_API cala_status cala_clock_set(cala_ledger *ledger, const char *rfc3339, size_t rfc3339_len,
                                    cala_error **out_error);

/* Moves a manual clock forward. CALA_INVALID (clock.range: negative, or past the year 9999),
 * CALA_UNSUPPORTED (clock.not_manual). */
CALA_API cala_status cala_clock_advance(cala_ledger *ledger, int64_t milliseconds, cala_error **out_error);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Completion                                                                                                         */

/* Makes a queue. One event loop, one queue; several queues may serve one ledger and several ledgers one queue. */
CALA_API cala_status cala_queue_new(cala_queue **out, cala_error **out_error);

/* A new descriptor that becomes readable when there may be something to read or drain; watch it with poll, epoll, an
 * event loop. It is non-blocking and close-on-exec, one end of an AF_UNIX socket pair. On Windows it is a SOCKET that
 * no other process inherits, one end of a connection over the loopback address that nobody else can join. The caller
 * closes it (on Windows with closesocket). Reading its bytes is allowed and not needed. A wake without work is
 * possible, work without a wake is not. Negative: a cala_status negated. */
CALA_API int32_t cala_queue_fd(cala_queue *queue);

/* Takes finished records without any callback. buffer is filled with whole records, each aligned to 8 bytes, native
 * byte order:
 *   uint32 record_len | uint16 header_len | uint16 type (CALA_RECORD_*) | uint64 tag |
 *   int32 status | uint32 data_len | data | padding
 * Step by record_len and find the data at header_len: both may grow. tag is the user value of cala_op_start as an
 * integer; data is the result document, or for a failed operation {"status", "code", "message", "retryable",
 * "sqlstate", "tx_state", "posting_index", "details"}. The operation's handle stays the caller's to free. *out_used:
 * bytes filled; 0 when there is nothing. CALA_INVALID when the first record does not fit: *out_used is then what it
 * needs, and nothing is lost. CALA_BUSY when another thread is reading or draining this queue. */
CALA_API cala_status cala_queue_read(cala_queue *queue, void *buffer, size_t capacity, size_t *out_used);

/* Calls the callbacks of what has finished, at most max (0: all that is there now), on this thread, and returns how
 * many. Records of operations started without a callback are skipped over and dropped. Negative: a cala_status negated
 * (-CALA_BUSY when another thread reads or drains, -CALA_MISUSE from inside a callback). */
CALA_API int32_t cala_queue_drain(cala_queue *queue, int32_t max);

/* Drains and waits, until cala_queue_stop. Blocks. One thread a queue: CALA_BUSY for a second. */
CALA_API cala_status cala_queue_run(cala_queue *queue);

/* Waits until there is something to read or drain (CALA_OK), or until timeout_ms have passed (-1: never) or
 * cala_queue_wake was called (both CALA_TIMEOUT). */
CALA_API cala_status cala_queue_wait(cala_queue *queue, int32_t timeout_ms);

/* Ends a wait and makes the descriptor readable. */
CALA_API cala_status cala_queue_wake(cala_queue *queue);

/* Ends cala_queue_run after the callback that is running, or, when none is running, the next cala_queue_run at once.
 * From inside a callback of cala_queue_drain: ends that drain after it; the rest stays queued. */
CALA_API cala_status cala_queue_stop(cala_queue *queue);

/* Ends a queue. What has not been read is dropped; operations still in flight are finished and their answers kept in
 * their handles. From inside a callback the queue lives until that drain ends. */
CALA_API void cala_queue_free(cala_queue *queue);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Operations: made by the named functions below, then run in one of three ways                                       */
/*                                                                                                                    */
/* An operation is checked as it is made (a malformed request fails there, and *out_op is NULL), and runs once.       */

/* 1. Runs and waits. timeout_ms: -1 waits for ever; the caller's own thread may then do the work, where none of the
 * library's is at it and 512 KiB of its stack are left. On CALA_TIMEOUT the operation goes on: run again to wait on, or
 * cancel. Returns the operation's status; out_error gets a copy of its error. CALA_MISUSE when it runs in a
 * cala_tx_host or the ledger is host-only (use cala_op_step), or was started (use the queue). CALA_BUSY (queue.full;
 * tx.busy: another operation runs in the same cala_tx): it may be run again. CALA_CLOSED after a shutdown. */
CALA_API cala_status cala_op_run(cala_op *op, int32_t timeout_ms, cala_error **out_error);

/* 2. Starts and returns. The answer comes through queue exactly once: as a call of fn from cala_queue_drain or
 * cala_queue_run, or, with cala_queue_read, as a record whose tag is user. fn may be NULL when the queue is read.
 * Freeing the handle before that cancels the operation; its callback is then not called (a reader still gets the
 * record). CALA_BUSY (queue.full, tx.busy), CALA_CLOSED, CALA_MISUSE as for cala_op_run; then nothing will come through
 * the queue, and the operation may be started again. */
CALA_API cala_status cala_op_start(cala_op *op, cala_queue *queue, cala_completion_fn fn, void *user);

/* 3. The program runs the SQL, on its own connection, inside its own transaction (cala_tx_host):
 *
 *   int32_t step = cala_op_step(op);
 *   while (step == CALA_STEP_NEED_QUERY) {
 *     ... run cala_op_sql(op) with cala_op_param(op, 0..n-1) bound as text, on the transaction's connection ...
 *     step = it worked ? cala_op_feed(op, text of the one row's one column or NULL, length)
 *                      : cala_op_feed_error(op, sqlstate or NULL, message);
 *   }
 *
 * Begins: CALA_STEP_NEED_QUERY, or DONE / FAILED when no statement is needed. -CALA_MISUSE when the operation is not in
 * a cala_tx_host; -CALA_BUSY when another operation of the same cala_tx is between its first step and its answer. */
CALA_API int32_t cala_op_step(cala_op *op);
/* The statement to run, in the transaction's dialect. NULL when none is needed. Valid until the next feed. out_len
 * may be NULL. */
CALA_API const char *cala_op_sql(const cala_op *op, size_t *out_len);
/* A stable name for the statement, fit for a prepared statement's name. NULL when none is needed. */
CALA_API const char *cala_op_sql_name(const cala_op *op);
/* 1 when the statement answers with one row of one text column, 0 when it answers with no row. */
CALA_API int32_t cala_op_sql_returns_row(const cala_op *op);
/* How many parameters the statement has; each is text. */
CALA_API int32_t cala_op_param_count(const cala_op *op);
/* A parameter, counted from 0. NULL when there is none. Valid until the next feed. out_len may be NULL. */
CALA_API const char *cala_op_param(const cala_op *op, int32_t index, size_t *out_len);
/* Gives the statement's answer: the text of its one row's one column; NULL for SQL NULL and for no row.
 * Returns like cala_op_step. */
CALA_API int32_t cala_op_feed(cala_op *op, const char *text, size_t text_len);
/* Gives the database's refusal: its SQLSTATE (or SQLite's code name; NULL when unknown) and message, both
 * NUL-terminated. Returns like cala_op_step, commonly CALA_STEP_FAILED. */
CALA_API int32_t cala_op_feed_error(cala_op *op, const char *sqlstate, const char *message);

/* Says which trace an operation is part of, before it is run, started or stepped: a traceparent of the W3C's Trace
 * Context, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01". The log records of that operation then have it;
 * and where the trace is sampled (the last digit is odd), so have its statements on PostgreSQL in a comment, when they
 * run on a connection of the library's; a posting's transaction has it as its application_name instead. What a group of
 * operations does has it if all of them have the same. CALA_INVALID (not one), CALA_MISUSE (it runs already). */
CALA_API cala_status cala_op_trace(cala_op *op, const char *traceparent, size_t traceparent_len);
/* Where it stands: CALA_BUSY until it is answered, then its status. */
CALA_API cala_status cala_op_status(const cala_op *op);
/* The answer, a JSON document; NULL unless the status is CALA_OK. Lives as long as the operation.
 * out_len may be NULL. */
CALA_API const char *cala_op_result(const cala_op *op, size_t *out_len);
/* Why it failed; NULL unless it did. Belongs to the operation. */
CALA_API const cala_error *cala_op_error(const cala_op *op);
/* Asks it to stop. What has not begun is answered with CALA_CANCELLED; a running statement is interrupted where the
 * store can; once its write is on the way it finishes. The answer tells which.
 * CALA_OK also when it was answered before. */
CALA_API cala_status cala_op_cancel(cala_op *op);
/* Ends an operation. One that has not been answered is cancelled. */
CALA_API void cala_op_free(cala_op *op);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Transactions: several operations, or an operation and the program's own statements, that land together or not at   */
/* all                                                                                                                */

/* Begins a transaction on a connection of the library's. Operations made with it see each other's writes; nobody else
 * does until cala_tx_commit. On SQLite it holds the only writer: keep it short; "sqlite::memory:" has one connection in
 * all, so everything else waits for the transaction to end, reads too. options: NULL or {savepoint?}; blocks for a
 * connection as the key pool says.
 *   savepoint  bool: every operation runs behind a SAVEPOINT of its own, so that one that the database refuses leaves
 *              the transaction usable (cala_error_tx_state CALA_TX_USABLE instead of CALA_TX_ABORTED); a lost race
 *              (CALA_TX_RETRY) still needs the whole transaction again. Two more statements an operation. Default
 *              false.
 * CALA_INVALID, CALA_BUSY (store.busy, store.pool_timeout), CALA_UNAVAILABLE, CALA_CLOSED,
 * CALA_MISUSE (host-only ledger). */
CALA_API cala_status cala_tx_begin(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                                   cala_error **out_error);

/* As cala_tx_begin, for programs that must not wait: makes the transaction and the operation that begins it, to be
 * run or started like any other; its result is {}. Until it has ended well, operations of the transaction are refused
 * (CALA_MISUSE call.misuse). One that was cancelled or has failed leaves a transaction that never begins: free it. */
CALA_API cala_status cala_tx_begin_op(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                                      cala_op **out_op, cala_error **out_error);

/* Stands for a transaction that the program has open on its own connection. Every operation made with it is driven by
 * cala_op_step and cala_op_feed; committing and rolling back is the program's. options: NULL or {dialect?, savepoint?}:
 *   dialect    "dollar" ($1), "qmark" (?) or "percent" (%s): how parameters are written. Default "dollar" for
 *              PostgreSQL, "qmark" for SQLite.
 *   savepoint  as for cala_tx_begin; the statements SAVEPOINT, RELEASE and ROLLBACK TO come through cala_op_sql like
 *              the rest.
 * The statements of one operation must all run in one open transaction. On PostgreSQL an operation that writes without
 * one, or across two, is answered "transaction.none" and has written nothing. SQLite has no name for a transaction:
 * there a posting notices when anything else was written between its statements, and cala_tx_in_transaction tells the
 * rest. The library's texts are UTF-8. On PostgreSQL the connection's client_encoding must be UTF8, whatever the driver
 * makes of others: each statement looks, and in another one the operation is answered "tx.encoding" and has read and
 * written nothing. On SQLite the driver must hand texts over as UTF-8; the ledger's tables are those of the
 * connection's own database ("main"), never temporary ones or an attached database's; and where the program has made
 * one of SQLite's functions another, a write is answered "tx.connection" or refused otherwise, and has written
 * nothing. CALA_INVALID. */
CALA_API cala_status cala_tx_host(cala_ledger *ledger, const char *options, size_t options_len, cala_tx **out,
                                  cala_error **out_error);

/* Tells the library what the program's connection says of itself: 1 in a transaction, 0 not (sqlite3_get_autocommit is
 * the opposite, Python's in_transaction the same). Call it before cala_op_step; it holds until it is called again, and
 * where it is never called the library does not know. After 0 each operation of the tx that may write is answered
 * CALA_MISUSE transaction.none before its first statement. CALA_MISUSE: not a cala_tx_host, or neither 0 nor 1. */
CALA_API cala_status cala_tx_in_transaction(cala_tx *tx, int32_t in_transaction);

/* Takes part in a transaction that the program has open on a libpq connection of its own (C, C++, psycopg, Ruby's pg):
 * operations made with the handle are run by cala_op_run, on its caller's thread, with the program's connection and the
 * program's copy of libpq. The library never ends the transaction nor the connection. While an operation runs, the
 * connection is the library's: use it for nothing else. Notices go to the program's own receiver, on that thread.
 * cala_op_start is CALA_MISUSE here, and a timeout_ms of cala_op_run is not counted. Since PGconn differs between
 * copies of libpq, its functions must come from the very copy that made the connection:
 *   pgconn    the PGconn *; it must outlive the handle.
 *   resolve   gives the addresses of libpq's functions; user is passed through. NULL: they are looked up in the module
 *             that options name or, without one, in the program itself.
 *   options   NULL or {library?, savepoint?}: library = the path of the loaded module that uses or is the libpq which
 *             made the connection (psycopg2._psycopg.__file__, pg_ext.so, libpq.so.5). savepoint as for cala_tx_begin.
 * The ledger must be on PostgreSQL ("postgres://...", or "host:postgres" when it needs no connection of its own), and
 * its tables in the database of the connection. CALA_MISUSE (transaction.none: no transaction is open; tx.connection:
 * not a connection that these functions understand, broken, in the middle of a statement or of a pipeline; tx.encoding:
 * its client_encoding is not UTF8; transaction.aborted), CALA_INVALID (tx.libpq: a function was not found, or the
 * library is not loaded), CALA_UNSUPPORTED (tx.not_postgres). */
CALA_API cala_status cala_tx_adopt(cala_ledger *ledger, void *pgconn, cala_resolve_fn resolve, void *user,
                                   const char *options, size_t options_len, cala_tx **out, cala_error **out_error);

/* Commits a transaction of cala_tx_begin. Blocks. After any answer but CALA_BUSY (an operation is running in it) the
 * transaction is over. CALA_MISUSE (not begun by cala_tx_begin, or over), CALA_UNAVAILABLE, CALA_CONFLICT
 * (store.serialization), CALA_OUTCOME_UNKNOWN: the answer was lost, and PostgreSQL could not be asked, until
 * failover_wait_ms had passed, what became of it. SQLite has no way to be asked: look for what was written. */
CALA_API cala_status cala_tx_commit(cala_tx *tx, cala_error **out_error);

/* Rolls back a transaction of cala_tx_begin. Blocks. Statuses as for cala_tx_commit. */
CALA_API cala_status cala_tx_rollback(cala_tx *tx, cala_error **out_error);

/* As cala_tx_commit and cala_tx_rollback, for programs that must not wait: make the operation that commits or rolls
 * back, to be run or started like any other; its result is {}, its errors are theirs. One that is cancelled before it
 * has begun leaves the transaction open. */
CALA_API cala_status cala_tx_commit_op(cala_tx *tx, cala_op **out_op, cala_error **out_error);
CALA_API cala_status cala_tx_rollback_op(cala_tx *tx, cala_op **out_op, cala_error **out_error);

/* The first half of a two-phase commit: a transaction of cala_tx_begin on PostgreSQL goes on in the database under a
 * name, whatever becomes of this process, of the connection or of the server, until cala_tx_finish commits it or rolls
 * it back, from any process; docs/two-phase.md has the whole pattern. Until then it holds its locks, and nobody sees
 * what it wrote. gid: 1 to 100 bytes of UTF-8 without a NUL, of the ledger's own: neither other ledgers nor other
 * programs are in the way. Blocks. After CALA_OK the handle's transaction is over, its connection free. After an error
 * whose cala_error_tx_state is CALA_TX_USABLE the transaction is open as before; after any other it is rolled back, but
 * for CALA_OUTCOME_UNKNOWN: the answer was lost, and PostgreSQL could not be asked in failover_wait_ms;
 * cala_prepared_list tells. CALA_MISUSE (tx.not_own: not of cala_tx_begin; over), CALA_UNSUPPORTED (tx.not_postgres;
 * prepared.disabled: the server's max_prepared_transactions is 0; store.unsupported: the program's statements used
 * temporary tables or the like), CALA_CONFLICT (prepared.exists), CALA_BUSY (prepared.too_many), CALA_INVALID
 * (request.malformed), CALA_UNAVAILABLE. */
CALA_API cala_status cala_tx_prepare(cala_tx *tx, const char *gid, size_t gid_len, cala_error **out_error);

/* As cala_tx_prepare, for programs that must not wait: makes the operation that prepares, to be run or started like any
 * other; its result is {}. One that is cancelled before it has begun leaves the transaction open. */
CALA_API cala_status cala_tx_prepare_op(cala_tx *tx, const char *gid, size_t gid_len, cala_op **out_op,
                                        cala_error **out_error);

/* Ends a transaction handle; one of cala_tx_begin that was neither committed, rolled back nor prepared is
 * rolled back. */
CALA_API void cala_tx_free(cala_tx *tx);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Listeners: events as they happen, each at least once, in order, none missed                                        */

/* Opens a listener: events come through queue, as records CALA_RECORD_EVENT whose tag is user and whose data is the
 * event (cala_event_list has what is in one and in which order they come), or as calls of fn. options: NULL or
 *   from        "start", "now" or the place of an event: where it begins, behind that. Default "now".
 *   name        text of 1 to 200 bytes: a listener whose place is kept in the ledger. Where it has been before it
 *               begins at its kept place, whatever from says; else from says where, and that is kept. cala_listener_ack
 *               moves it; without that every event comes again the next time. Two that are open under one name each
 *               get every event.
 *   types, journal_id, entries, balances  as in cala_event_list.
 *   buffer      how many of its events wait in the queue at most, 1 to 10000. Default 500. What does not fit waits in
 *               the ledger: nothing is dropped.
 *   poll_ms     how long what others have committed may go unseen, 5 to 60000; what this ledger handle commits is seen
 *               at once. Default 100.
 * Blocks for a statement where from is "now" or there is a name, as cala_listener_place does for programs that must
 * not wait, and may wait for writers as that says. While the store is away the listener waits for it. A record whose
 * status is not CALA_OK is its last: data is then as of a failed operation. After cala_ledger_shutdown no event comes.
 * CALA_INVALID, CALA_BUSY (listener.too_many: a ledger has 100 open listeners at most), CALA_MISUSE (op.host_only),
 * CALA_CLOSED, and what cala_listener_place may refuse. */
CALA_API cala_status cala_listener_open(cala_ledger *ledger, const char *options, size_t options_len, cala_queue *queue,
                                        cala_event_fn fn, void *user, cala_listener **out, cala_error **out_error);

/* The place up to which everything that it waits for has left the queue: at least that of the last event that was
 * taken, always before the next one that waits, and where filters leave out much, far behind the last that came. So it
 * may be kept with cala_listener_ack as soon as all that was taken is dealt with. Negative: a cala_status negated. */
CALA_API int64_t cala_listener_reached(const cala_listener *listener);

/* Ends a listener. fn is not called any more; who reads the queue may still find events that were on their way. */
CALA_API void cala_listener_free(cala_listener *listener);

/* ------------------------------------------------------------------------------------------------------------------ */
/* The documents of the operations, in the notation of "Documents" above                                              */
/*                                                                                                                    */
/* Words for values, all JSON strings but those of the second line:                                                   */
/*   text, uuid, decimal, date, instant, currency (ISO 4217 or a crypto code, upper case), cel (a CEL expression),    */
/* cursor                                                                                                             */
/*   boolean, integer (a JSON number without fraction), json (any value)                                              */

/* type page: which page of a list. {
 *   first?: integer 1..1000 = 100,     -- how many
 *   after?: cursor,                    -- the end_cursor of an earlier page of the same list
 *   order?: "asc" | "desc" = "asc"} */
/* type page_end: what an answer has beside its items. {
 *   has_next_page: boolean,
 *   end_cursor?: cursor}               -- left out of an empty page */
/* type direction: a side. "debit" | "credit" */
/* type layer: how final an entry is. "settled" | "pending" | "encumbrance" */
/* type lock_status: whether it takes postings. "active" | "locked" */
/* type balance_rollup: when a set's balance moves: with each posting, or soon after it by the roll-up, which many
 * postings of a hot set do not wait for. An account's own balance moves with the posting in any case; so does a set's
 * on SQLite, where writers take turns anyway, and in a journal with effective_balances. Where it follows, one version
 * of it is many entries: those between are in its sums, and in no history. "synchronous" | "eventually_consistent" */
/* type on_difference: what becomes of something that is there already, and not as it was asked for. "error" | "keep" */
/* type available_limits: how much must stay available, or may be at most: one amount for every currency, or amounts by
 * currency, where the key * is every other. {*: decimal} | decimal */
/* type max_scale: digits after the decimal point that an entry may have: one number, or one by currency, {"default":
 *   18, "USD": 2}. A posting with more is refused (amount.scale): its tx template rounds by name (docs/cel.md). integer
 *   0..18 | {*: integer 0..18} */

/* type account: who money belongs to. {
 *   id: uuid,
 *   version: integer,                  -- 1 at first, one more with each change
 *   code: text,
 *   name: text,
 *   external_id?: text,
 *   normal_balance_type: direction,    -- the side on which its balance is positive
 *   status: lock_status,
 *   description?: text,
 *   metadata?: json,
 *   balance_rollup: balance_rollup,
 *   min_available?: available_limits,  -- a posting may not take what is available below it
 *   max_available?: available_limits,  -- nor raise it above
 *   available_layer?: layer,           -- available up to this layer; there where one of the three was said
 *   created_at: instant,
 *   modified_at: instant} */

/* type account_set: accounts and other sets under one name, with balances of their own. {
 *   id: uuid,
 *   version: integer,
 *   journal_id: uuid,                  -- entries of other journals do not move it
 *   name: text,
 *   external_id?: text,
 *   normal_balance_type: direction,
 *   description?: text,
 *   metadata?: json,
 *   balance_rollup: balance_rollup,
 *   min_available?: available_limits,  -- a posting may not take what is available below it
 *   max_available?: available_limits,  -- nor raise it above
 *   available_layer?: layer,           -- available up to this layer; there where one of the three was said
 *   created_at: instant,
 *   modified_at: instant} */
/* type membership: an account, or another set, in an account set. {account_set_id: uuid, account_id: uuid} |
 *   {account_set_id: uuid, member_account_set_id: uuid} */
/* type member: what is in an account set, one of the two, and since when. {
 *   account_id?: uuid,
 *   member_account_set_id?: uuid,
 *   created_at: instant} */

/* type rollup: how far the balances of eventually consistent account sets have come. {
 *   applied: integer,                  -- they have every posting up to this
 *   frontier: integer,                 -- the newest posting, or other event, that there is
 *   last_error?: rollup_error}         -- while this ledger's thread cannot go on */
/* type rollup_error: why it could not go on, and when. It tries again, at least once a second. {
 *   code: text,
 *   message: text,
 *   at: instant} */

/* type journal: a book of transactions. {
 *   id: uuid,
 *   version: integer,
 *   name: text,
 *   code?: text,
 *   description?: text,
 *   status: lock_status,
 *   effective_balances: boolean,
 *   max_scale: max_scale,
 *   closed_until?: date,               -- nothing is posted any more with an effective date up to it
 *   created_at: instant,
 *   modified_at: instant} */

/* type param: what a posting is told. min and max are constants of an integer, a decimal, a date or a timestamp, and a
 * value outside them is refused. {
 *   name: text,
 *   type: "string" | "integer" | "decimal" | "boolean" | "uuid" | "date" | "timestamp" | "json",
 *   default?: cel,
 *   min?: cel,
 *   max?: cel,
 *   description?: text} */
/* type template_transaction: what the transaction of a posting will be. {
 *   effective: cel,
 *   journal_id: cel,
 *   correlation_id?: cel,
 *   external_id?: cel,
 *   description?: cel,
 *   metadata?: cel} */
/* type template_entry: what an entry of a posting will be. Units may be 0 or less, as a negative debit is no credit but
 * lowers the debit sum; a param that comes from outside has a min where that is not wanted. {
 *   entry_type: cel,
 *   account_id: cel,
 *   layer: cel,
 *   direction: cel,
 *   units: cel,
 *   currency: cel,
 *   description?: cel,
 *   metadata?: cel,
 *   min_available?: cel,               -- what must stay available of the account after the posting, up to the entry's
 *                                      -- layer; null is nothing. What the account itself says holds as well
 *   max_available?: cel} */
/* type tx_template: how a kind of transaction is posted. {
 *   id: uuid,
 *   version: integer,
 *   code: text,
 *   params: [param],
 *   transaction: template_transaction,
 *   entries: [template_entry],
 *   description?: text,
 *   metadata?: json,
 *   created_at: instant,
 *   modified_at: instant} */

/* type transaction: something that happened, with its entries. {
 *   id: uuid,
 *   version: integer,
 *   journal_id: uuid,
 *   tx_template_id: uuid,
 *   tx_template_code: text,
 *   entry_ids: [uuid],
 *   effective: date,
 *   correlation_id: text,
 *   external_id?: text,
 *   description?: text,
 *   metadata?: json,
 *   void_of?: uuid,                    -- the transaction that it takes back
 *   voided_by?: uuid,                  -- the one that takes it back
 *   hold_id?: uuid,                    -- the hold that it made, captured or released
 *   created_at: instant,
 *   modified_at: instant} */
/* type entry: one line of a transaction. {
 *   id: uuid,
 *   transaction_id: uuid,
 *   journal_id: uuid,
 *   account_id: uuid,
 *   entry_type: text,
 *   sequence: integer,                 -- its place in the transaction, from 1
 *   layer: layer,
 *   direction: direction,
 *   units: decimal,
 *   currency: currency,
 *   description?: text,
 *   metadata?: json,
 *   account_version: integer,          -- the version of the balance that it made
 *   created_at: instant} */
/* type velocity_action: what becomes of a posting that a limit does not allow. "reject" | "warn" */
/* type velocity_basis: what a limit measures: one side less the other, so that what comes back gives room again, or one
 * side alone. "net" | "gross" */
/* type velocity_window_key: what a window is named by. Everything that comes to the same values is counted together,
 * whatever zeros a decimal ends with, and in whatever order a map has its members. {
 *   alias: text,
 *   value: cel}                        -- of context.vars, such as context.vars.transaction.effective */
/* type velocity_balance_limit: how much. A layer counts with those before it: settled, pending, encumbrance. {
 *   layer: cel,                        -- these six know the params only: they are worked out as a control is attached
 *   amount: cel,
 *   enforcement_direction: cel,
 *   start?: cel,                       -- an instant, inclusive
 *   end?: cel,                         -- an instant, exclusive
 *   basis?: velocity_basis = "net"} */
/* type velocity_limit_part: what a limit allows. {
 *   timestamp_source?: cel,            -- of context.vars: decides against start and end; else the instant of posting
 *   balance: [velocity_balance_limit; 100]} */
/* type velocity_limit: how much may pass within a window. {
 *   id: uuid,
 *   version: integer,
 *   name: text,
 *   description?: text,
 *   window: [velocity_window_key],
 *   condition?: cel,
 *   currency?: currency,
 *   params: [param],
 *   limit: velocity_limit_part,
 *   created_at: instant,
 *   modified_at: instant} */
/* type velocity_enforcement: what a control does. {
 *   action?: velocity_action = "reject"} */
/* type velocity_control: limits that go together. {
 *   id: uuid,
 *   version: integer,
 *   name: text,
 *   description?: text,
 *   condition?: cel,
 *   enforcement: velocity_enforcement,
 *   limit_ids: [uuid],                 -- oldest first
 *   created_at: instant,
 *   modified_at: instant} */
/* type velocity_attachment: a control at an account or a set, with its limits frozen. {
 *   control_id: uuid,
 *   account_id?: uuid,                 -- this or the other
 *   account_set_id?: uuid,
 *   version: integer,                  -- one more each time the params are replaced
 *   params: json,
 *   created_at: instant,
 *   modified_at: instant} */
/* type velocity_headroom: what is left of a limit. journal_id, currency and window are left out where nothing was
 * counted yet and they are not known. {
 *   control_id: uuid,
 *   limit_id: uuid,
 *   account_id: uuid,                  -- where it is attached: the account, or a set above it
 *   journal_id?: uuid,
 *   currency?: currency,
 *   window?: json,
 *   layer: layer,
 *   direction: direction,
 *   basis: velocity_basis,
 *   limit: decimal,
 *   current: decimal,
 *   left: decimal,                     -- negative where the params were lowered below what had passed
 *   enforcement: velocity_action,
 *   active: boolean}                   -- whether now is between start and end */
/* type warning: what a posting was let pass with. {
 *   code: text,                        -- velocity.exceeded
 *   message: text,
 *   limit_id: uuid,
 *   control_id: uuid,
 *   account_id: uuid,
 *   journal_id: uuid,
 *   currency: currency,
 *   window: json,
 *   layer: layer,
 *   direction: direction,
 *   basis: velocity_basis,
 *   allowed: decimal,
 *   requested: decimal,                -- what it comes to with this entry
 *   current: decimal,                  -- what it was before
 *   sequence: integer}                 -- the entry's */

/* type posted: what a posting became. {
 *   transaction: transaction,
 *   entries: [entry],
 *   replayed: boolean,                 -- true: it had been posted before, and nothing was written
 *   warnings?: [warning]}              -- of limits that only warn; not of a replay */
/* type hold_status: what became of a hold. "open" | "captured" | "released" | "expired" */
/* type hold: amounts set aside by a transaction. amount, currency, captured and left are there where all its entries
 * have the same units and currency; any other is captured as a whole. {
 *   id: uuid,
 *   version: integer,                  -- 1 at first, one more with each capture or release
 *   status: hold_status,               -- by the ledger's clock
 *   transaction_id: uuid,              -- the same as id
 *   journal_id: uuid,
 *   amount?: decimal,
 *   currency?: currency,
 *   captured?: decimal,
 *   left?: decimal,                    -- what is still pending
 *   expires_at?: instant,
 *   closed_by?: uuid,                  -- the transaction since which nothing is pending
 *   created_at: instant,
 *   modified_at: instant} */
/* type hold_refusal: a hold that could not be released. {
 *   hold_id: uuid,
 *   error: refusal} */
/* type hold_posted: what became of a hold, and the transaction that did it. {
 *   hold: hold,                        -- as it is now
 *   transaction: transaction,
 *   entries: [entry],
 *   replayed: boolean,                 -- true: it had been posted before, and nothing was written
 *   warnings?: [warning]}              -- of limits that only warn; not of a replay */

/* type refusal: why a posting would be refused; "Codes of errors" below has what the codes and their details mean. {
 *   code: text,
 *   message: text,
 *   details: json} */

/* type balance_key: which balance. {
 *   journal_id: uuid,
 *   account_id: uuid,
 *   currency: currency} */
/* type layer_balance: the sums of a layer. {
 *   debit: decimal,                    -- never netted
 *   credit: decimal,
 *   net: decimal,                      -- signed by the normal balance type
 *   entry_id?: uuid,                   -- the entry that moved it last
 *   modified_at: instant} */
/* type balance: what an account has in a journal and currency. {
 *   journal_id: uuid,
 *   account_id: uuid,
 *   currency: currency,
 *   version: integer,                  -- counts the entries that moved it
 *   created_at: instant,
 *   modified_at: instant,
 *   entry_id: uuid,
 *   normal_balance_type: direction,
 *   settled: layer_balance,
 *   pending: layer_balance,
 *   encumbrance: layer_balance,
 *   available: available}  */
/* type dated_balance: a balance at the end of an effective date. {
 *   journal_id: uuid,
 *   account_id: uuid,
 *   currency: currency,
 *   version: integer,                  -- counts the entries up to that date
 *   created_at: instant,
 *   modified_at: instant,              -- when the newest of them was posted
 *   entry_id: uuid,                    -- of the latest date the last one
 *   normal_balance_type: direction,
 *   settled: layer_balance,
 *   pending: layer_balance,
 *   encumbrance: layer_balance,
 *   available: available,
 *   effective: date}  */
/* type sums: what some entries add up to. {
 *   debit: decimal,
 *   credit: decimal,
 *   net: decimal}                      -- signed by the normal balance type */
/* type statement_line: an entry of a statement. {
 *   entry: entry,
 *   running: sums}                     -- of the layer, after it */
/* type statement: a page of a statement of account. {
 *   opening: sums,
 *   items: [statement_line],
 *   closing: sums,
 *   has_next_page: boolean,
 *   end_cursor?: cursor}               -- left out of an empty page */
/* type trial_balance_line: what an account, or with subtotals an account set, has in a currency. {
 *   account_id: uuid,                  -- or the set's
 *   code: text,                        -- of a set: its id
 *   name: text,
 *   currency: currency,
 *   debit: decimal,
 *   credit: decimal,
 *   net: decimal}                      -- signed by the normal balance type */
/* type trial_balance_total: what all have in a currency. {
 *   currency: currency,
 *   debit: decimal,
 *   credit: decimal}  */
/* type trial_moment: of when a trial balance is. {effective: date} | {recorded_at: instant} */
/* type trial_balance: a page of a trial balance. {
 *   items: [trial_balance_line],
 *   totals?: [trial_balance_total],    -- of all pages; with the first
 *   has_next_page: boolean,
 *   end_cursor?: cursor}               -- left out of an empty page */
/* type event_type: what happened. Later versions add some.
 * "transaction_created" | "account_created" | "account_updated" | "account_set_created" | "account_set_updated" |
 * "account_set_member_created" | "account_set_member_removed" | "journal_created" | "journal_updated" |
 * "tx_template_created" | "velocity_limit_created" | "velocity_control_created" | "velocity_control_limit_added" |
 * "velocity_control_attached" | "velocity_control_replaced" | "velocity_control_detached" */
/* type event: something that happened, with what it happened to under the key of that name. {
 *   sequence: integer,                 -- its number; later events have greater ones, and some numbers have none
 *   place: integer,                    -- what comes after it is read from here
 *   type: text,                        -- an event_type, or one of a later version
 *   recorded_at: instant,
 *   subject_id: uuid,                  -- of what happened to
 *   transaction?: transaction,
 *   entries?: [entry],                 -- of the transaction, where asked for
 *   balances?: [balance],              -- of its accounts right after it, where asked for
 *   warnings?: [warning],
 *   account?: account,
 *   account_set?: account_set,
 *   journal?: journal,
 *   tx_template?: tx_template,
 *   velocity_limit?: velocity_limit,
 *   velocity_control?: velocity_control,
 *   velocity_attachment?: velocity_attachment,
 *   fields?: [text],                   -- of an update: what was asked to change
 *   account_set_id?: uuid,             -- of members: the set, and what came in or went out
 *   account_id?: uuid,
 *   member_account_set_id?: uuid,
 *   control_id?: uuid,                 -- of velocity_control_limit_added: the two
 *   limit_id?: uuid}  */
/* type event_page: a page of events. {
 *   items: [event],
 *   place: integer,                    -- to read on from
 *   has_next_page: boolean}  */
/* type health_state: how well something does. "healthy" | "degraded" | "unhealthy" */
/* type health_check: one thing that was looked at. {
 *   name: "store" | "schema" | "writable" | "rollup" | "listeners" | "prepared" | "disk",
 *   status: health_state,
 *   code?: text,                       -- why it is not healthy, where one of the codes below says so
 *   message?: text,                    -- why, in words
 *   took_ms?: integer,                 -- store: until it answered
 *   schema_version?: integer,          -- schema: of the tables
 *   library_schema_version?: integer,
 *   behind?: integer,                  -- rollup, listeners: numbers of the order that are still to come; of the last
 *   listeners?: integer,               -- listeners: how many have names
 *   listener?: text,                   -- the one that is furthest behind
 *   waiting_since?: instant,           -- when the first event was recorded that it is not done with
 *   prepared?: integer,                -- prepared: transactions that were, and have not ended; 0 on SQLite
 *   oldest_age_ms?: integer,           -- of the one that was first, by the database's clock
 *   file_bytes?: integer,              -- disk: SQLite's file, or all of PostgreSQL's database, without the WAL
 *   wal_bytes?: integer,               -- SQLite's -wal
 *   free_bytes?: integer}              -- what is left to us where SQLite's file is; no SQL tells it on PostgreSQL */
/* type metric: what a ledger handle counts or times of its own work, since it was opened. {
 *   name: text,
 *   type: "counter" | "gauge" | "histogram",
 *   unit?: text,                       -- of the values: microseconds
 *   help: text,
 *   samples: [metric_sample]} */
/* type metric_sample: the number of a counter or gauge, or a histogram. {
 *   labels: {*: text},                 -- one at most: what it is of
 *   value?: integer,
 *   buckets?: [metric_bucket],         -- those that are not empty
 *   count?: integer,                   -- how many values
 *   sum?: integer} */
/* type metric_bucket: the values above the bound before. {
 *   up_to?: integer,                   -- left out of the last
 *   count: integer} */
/* type log_record: what a ledger tells of its work (cala_ledger_log). {
 *   at: instant,                       -- by the system's clock
 *   level: text,                       -- error, warn, info or debug
 *   event: text,                       -- what happened: operation.failed and the like, docs/running.md has all
 *   message: text,                     -- the same in words
 *   operation?: text,                  -- the function's name without cala_, transaction_post_group or rollup_step
 *   traceparent?: text,                -- that was said of the operation, or of all of a group (cala_op_trace)
 *   code?: text,                       -- of the error
 *   sqlstate?: text,
 *   took_ms?: integer,                 -- from the operation's start to its answer
 *   line_ms?: integer,                 -- of these waiting for a thread of the library's
 *   session_ms?: integer,              -- and for a connection, or SQLite's one writer
 *   statement?: text,                  -- the one that took longest
 *   statement_ms?: integer,
 *   attempts?: integer,                -- transactions that were begun for it
 *   after?: text,                      -- why it is run again: the words of the metric retries
 *   operations?: integer,              -- of a group
 *   away_ms?: integer,                 -- the store
 *   from_version?: integer,            -- of the schema
 *   to_version?: integer} */
/* type kept_place: behind which events are to come. {place: integer} */
/* type listener: a listener with a name. {
 *   name: text,
 *   place: integer,                    -- it is done with all events up to this one
 *   modified_at: instant}  */
/* type prepared_outcome: how a prepared transaction ends. "commit" | "rollback" */
/* type prepared: a transaction that was prepared and has not ended. {
 *   gid: text,
 *   owner: text,                       -- the user of the database who prepared it, and may end it
 *   prepared_at: instant,              -- by the database's clock
 *   age_ms: integer}                   -- by the same clock */
/* type dated_sums: what the entries of some effective dates add up to. {
 *   version: integer,                  -- counts them
 *   settled: sums,
 *   pending: sums,
 *   encumbrance: sums,
 *   available: available}  */
/* type balance_range: a balance over a range of effective dates. {
 *   journal_id: uuid,
 *   account_id: uuid,
 *   currency: currency,
 *   normal_balance_type: direction,
 *   open: dated_sums,                  -- of all dates before it
 *   period: dated_sums,                -- of the dates in it
 *   close: dated_sums}                 -- of all dates up to its end */
/* type available: what is there when the layers are added up, signed like net. {
 *   settled: decimal,
 *   pending: decimal,                  -- settled + pending
 *   encumbrance: decimal}              -- settled + pending + encumbrance */

/* ------------------------------------------------------------------------------------------------------------------ */
/* The operations                                                                                                     */

/* All have the same parameters. tx: NULL, or the transaction that it takes part in. request: a JSON object, request_len
 * bytes. *out_op: the operation, to be run and freed by the caller; NULL unless CALA_OK is returned. Returned here:
 * CALA_INVALID (request.malformed, request.unknown_key, request.missing_key), CALA_CLOSED, CALA_MISUSE (tx of another
 * ledger; no tx on a host-only ledger). Answered when it is run: what follows "errors:", and by any of them CALA_BUSY
 * (store.busy, store.lock_timeout, queue.full, tx.busy), CALA_CANCELLED, CALA_CLOSED, CALA_UNAVAILABLE, CALA_PERMISSION
 * and CALA_UNSUPPORTED (store.*), CALA_INVALID (request.too_large); by those that write (access: write) also
 * CALA_CONFLICT (store.serialization, store.deadlock: retry; inside a transaction roll it back first; outside one the
 * library has retried), CALA_OUTCOME_UNKNOWN (store.outcome_unknown) and CALA_MISUSE (transaction.none). The list
 * "Codes of errors" below has every code. */

/* Creates an account, in an account set if one is named. Its code and its external id are its own in the whole ledger.
 * min_available and max_available hold in each journal; what brings an account back towards them is never refused.
 * request: {id?: uuid, code: text, name: text, external_id?: text, normal_balance_type?: direction = "credit",
 *   status?: lock_status = "active", description?: text, metadata?: json, balance_rollup?: balance_rollup =
 *   "synchronous", account_set_id?: uuid, min_available?: available_limits, max_available?: available_limits,
 *   available_layer?: layer = "settled"}
 * result: account
 * errors: CALA_CONFLICT account.exists; CALA_NOT_FOUND account_set.not_found
 * access: write */
CALA_API cala_status cala_account_create(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Creates accounts, all or none; the answer has them in the same order.
 * request: {accounts: [account_create.request; 10000]}
 * result: {accounts: [account]}
 * errors: CALA_CONFLICT account.exists; CALA_NOT_FOUND account_set.not_found
 * access: write */
CALA_API cala_status cala_account_create_many(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                              cala_op **out_op, cala_error **out_error);

/* Creates an account, or finds the one that has its id, code or external id: for programs that set up their ledger at
 * each start. Of a found one only the fields that the request has are compared, amounts by value, and those only where
 * on_difference is "error"; nothing is changed. Of two at the same moment one creates and the other finds. It takes no
 * account_set_id: a found one may be in other sets.
 * request: {id?: uuid, code: text, name: text, external_id?: text, normal_balance_type?: direction = "credit",
 *   status?: lock_status = "active", description?: text, metadata?: json, balance_rollup?: balance_rollup =
 *   "synchronous", min_available?: available_limits, max_available?: available_limits,
 *   available_layer?: layer = "settled", on_difference?: on_difference = "error"}
 * result: {created: boolean, account: account}
 * errors: CALA_CONFLICT account.ensure_differs, account.keys_span, account.exists
 * access: write */
CALA_API cala_status cala_account_ensure(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Finds an account.
 * request: {id: uuid} | {code: text} | {external_id: text}
 * result: account
 * errors: CALA_NOT_FOUND account.not_found
 * access: read */
CALA_API cala_status cala_account_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Finds accounts, in the order asked; missing ones are left out.
 * request: {ids: [uuid; 10000]}
 * result: {accounts: [account]}
 * access: read */
CALA_API cala_status cala_account_find_many(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                            cala_op **out_op, cala_error **out_error);

/* Lists accounts by code.
 * request: page & {code_prefix?: text, status?: lock_status}
 * result: {items: [account]} & page_end
 * access: read */
CALA_API cala_status cala_account_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Changes an account: only what is given changes. A new normal_balance_type changes the sign in which balances are
 * shown, past ones too. version is one higher when anything changed.
 * request: {id: uuid, code?: text, name?: text, external_id?: text | null, normal_balance_type?: direction,
 *   description?: text | null, metadata?: json, min_available?: available_limits | null,
 *   max_available?: available_limits | null, available_layer?: layer}
 * result: account
 * errors: CALA_NOT_FOUND account.not_found; CALA_CONFLICT account.exists, account.changed; CALA_REJECTED account.is_set
 * access: write */
CALA_API cala_status cala_account_update(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Locks an account: postings to it are rejected until it is unlocked. Postings in flight end first.
 * Locking twice is fine.
 * request: {id: uuid}
 * result: account
 * errors: CALA_NOT_FOUND account.not_found; CALA_CONFLICT account.changed; CALA_REJECTED account.is_set
 * access: write */
CALA_API cala_status cala_account_lock(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Unlocks an account. Unlocking twice is fine.
 * request: {id: uuid}
 * result: account
 * errors: CALA_NOT_FOUND account.not_found; CALA_CONFLICT account.changed; CALA_REJECTED account.is_set
 * access: write */
CALA_API cala_status cala_account_unlock(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Creates an account set: accounts and other sets under one name, in one journal, with balances of its own, which its
 * members' entries move; one that is eventually consistent has no min_available or max_available. Its id is found
 * wherever a balance or entries are asked for by account_id, and refused where only an account will do
 * (account.is_set). Its external id is its own among sets.
 * request: {id?: uuid, journal_id: uuid, name: text, external_id?: text, normal_balance_type?: direction = "credit",
 *   description?: text, metadata?: json, balance_rollup?: balance_rollup = "synchronous",
 *   min_available?: available_limits, max_available?: available_limits, available_layer?: layer = "settled"}
 * result: account_set
 * errors: CALA_CONFLICT account_set.exists; CALA_NOT_FOUND journal.not_found
 * access: write */
CALA_API cala_status cala_account_set_create(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                             cala_op **out_op, cala_error **out_error);

/* Creates an account set, or finds the one that has its id or external id, of which one must be given; as
 * account_ensure. Its members are ensured by account_set_ensure_members.
 * request: account_set_create.request & {on_difference?: on_difference = "error"}
 * result: {created: boolean, account_set: account_set}
 * errors: CALA_CONFLICT account_set.ensure_differs, account_set.keys_span, account_set.exists; CALA_NOT_FOUND
 *   journal.not_found
 * access: write */
CALA_API cala_status cala_account_set_ensure(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                             cala_op **out_op, cala_error **out_error);

/* Finds an account set.
 * request: {id: uuid} | {external_id: text}
 * result: account_set
 * errors: CALA_NOT_FOUND account_set.not_found
 * access: read */
CALA_API cala_status cala_account_set_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Finds account sets, in the order asked; missing ones are left out.
 * request: {ids: [uuid; 10000]}
 * result: {account_sets: [account_set]}
 * access: read */
CALA_API cala_status cala_account_set_find_many(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists account sets in the order in which they were created.
 * request: page & {journal_id?: uuid}
 * result: {items: [account_set]} & page_end
 * access: read */
CALA_API cala_status cala_account_set_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Changes an account set: only what is given changes.
 * request: {id: uuid, name?: text, external_id?: text | null, normal_balance_type?: direction,
 *   description?: text | null, metadata?: json, min_available?: available_limits | null,
 *   max_available?: available_limits | null, available_layer?: layer}
 * result: account_set
 * errors: CALA_NOT_FOUND account_set.not_found; CALA_CONFLICT account_set.exists, account_set.changed
 * access: write */
CALA_API cala_status cala_account_set_update(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                             cala_op **out_op, cala_error **out_error);

/* Puts accounts and account sets into account sets, all or none: what counts is the graph that comes of all of them. A
 * member is in every set above it by one way only, sets are at most 16 deep, and a member must not yet have entries in
 * the set's journal, so that a set's balances are complete. An account may be in sets of several journals, a set only
 * in sets of its own. Of several errors the first of this order is told, and index says of which member:
 * account_set.not_found, membership.journal_mismatch, .has_history, account.is_set, membership.cycle, .duplicate_path,
 * .depth, account.not_found. Postings in flight in the sets' journals end first,
 * and others wait until the transaction ends.
 * request: {members: [membership; 10000]}
 * result: {added: integer}
 * errors: CALA_NOT_FOUND account_set.not_found, account.not_found; CALA_REJECTED membership.journal_mismatch,
 *   membership.has_history, membership.cycle, membership.duplicate_path, membership.depth, account.is_set
 * access: write */
CALA_API cala_status cala_account_set_add_members(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                  size_t request_len, cala_op **out_op, cala_error **out_error);

/* Puts those into account sets that are not there yet, all or none, for setting up at a start: what is there already
 * stays, also when it has entries by now. created and found: how many; a member that is named twice is found the second
 * time. index counts the missing ones.
 * request: {members: [membership; 10000]}
 * result: {created: integer, found: integer}
 * errors: CALA_NOT_FOUND account_set.not_found, account.not_found; CALA_REJECTED membership.journal_mismatch,
 *   membership.has_history, membership.cycle, membership.duplicate_path, membership.depth, account.is_set
 * access: write */
CALA_API cala_status cala_account_set_ensure_members(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                     size_t request_len, cala_op **out_op, cala_error **out_error);

/* Takes a member out of an account set, as long as it has no entries in the set's journal.
 * request: membership
 * result: {removed: integer}
 * errors: CALA_NOT_FOUND account_set.not_found, account.not_found, membership.not_found; CALA_REJECTED
 *   membership.journal_mismatch, membership.has_history, account.is_set
 * access: write */
CALA_API cala_status cala_account_set_remove_member(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                    size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists what is in an account set itself: in the order in which it was put there,
 * or by external id, those without one last.
 * request: page & {account_set_id: uuid, by?: "created_at" | "external_id" = "created_at"}
 * result: {items: [member]} & page_end
 * access: read */
CALA_API cala_status cala_account_set_list_members(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                   size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists the account sets that an account or a set is in itself, in the order in which those were created.
 * request: page & ({account_id: uuid} | {account_set_id: uuid})
 * result: {items: [account_set]} & page_end
 * access: read */
CALA_API cala_status cala_account_set_list_parents(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                   size_t request_len, cala_op **out_op, cala_error **out_error);

/* Creates a journal.
 * request: {id?: uuid, name: text, code?: text, description?: text, status?: lock_status = "active",
 *   effective_balances?: boolean = false, max_scale?: max_scale = 18}
 * result: journal
 * errors: CALA_CONFLICT journal.exists
 * access: write */
CALA_API cala_status cala_journal_create(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Creates a journal, or finds the one that has its id or code, of which one must be given; as account_ensure.
 * request: journal_create.request & {on_difference?: on_difference = "error"}
 * result: {created: boolean, journal: journal}
 * errors: CALA_CONFLICT journal.ensure_differs, journal.keys_span, journal.exists
 * access: write */
CALA_API cala_status cala_journal_ensure(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Finds a journal.
 * request: {id: uuid} | {code: text}
 * result: journal
 * errors: CALA_NOT_FOUND journal.not_found
 * access: read */
CALA_API cala_status cala_journal_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Lists journals by time of creation.
 * request: page & {status?: lock_status}
 * result: {items: [journal]} & page_end
 * access: read */
CALA_API cala_status cala_journal_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Changes a journal: only what is given changes. A new max_scale is for postings to come.
 * request: {id: uuid, name?: text, description?: text | null, max_scale?: max_scale}
 * result: journal
 * errors: CALA_NOT_FOUND journal.not_found; CALA_CONFLICT journal.changed
 * access: write */
CALA_API cala_status cala_journal_update(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Locks a journal: postings to it are rejected until it is unlocked. Locking twice is fine.
 * request: {id: uuid}
 * result: journal
 * errors: CALA_NOT_FOUND journal.not_found; CALA_CONFLICT journal.changed
 * access: write */
CALA_API cala_status cala_journal_lock(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Unlocks a journal. Unlocking twice is fine.
 * request: {id: uuid}
 * result: journal
 * errors: CALA_NOT_FOUND journal.not_found; CALA_CONFLICT journal.changed
 * access: write */
CALA_API cala_status cala_journal_unlock(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Closes a journal's books up to a date: what has an effective date up to it is rejected from now on (journal.closed),
 * be it a posting, a void, or what becomes of a hold, until the books are reopened. It waits for postings under way;
 * what was posted stays, and balances by effective date up to that date change no more. Books that are closed up to a
 * later date stay so.
 * request: {id: uuid, until: date}
 * result: journal
 * errors: CALA_NOT_FOUND journal.not_found; CALA_CONFLICT journal.changed
 * access: write */
CALA_API cala_status cala_journal_close(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* Reopens a journal's books: they stay closed up to a date, or with null are open altogether. Books that are closed up
 * to an earlier date stay so.
 * request: {id: uuid, until: date | null}
 * result: journal
 * errors: CALA_NOT_FOUND journal.not_found; CALA_CONFLICT journal.changed
 * access: write */
CALA_API cala_status cala_journal_reopen(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Creates a tx template: how a kind of transaction is posted. It never changes. Its expressions are checked now.
 * request: {id?: uuid, code: text, params?: [param; 1000], transaction: template_transaction, entries: [template_entry;
 *   1000], description?: text, metadata?: json}
 * result: tx_template
 * errors: CALA_INVALID cel.compile, cel.eval, cel.coerce, currency.unknown, param.duplicate, param.type (a default or
 *   bound of the wrong type), param.range (a default outside the bounds, a max below the min); CALA_REJECTED
 *   tx_template.unbalanced (it can never balance); CALA_CONFLICT tx_template.exists
 * access: write */
CALA_API cala_status cala_tx_template_create(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                             cala_op **out_op, cala_error **out_error);

/* Creates a tx template, or finds the one that has its id or code; as account_ensure. params, transaction and entries
 * are compared as a whole.
 * request: tx_template_create.request & {on_difference?: on_difference = "error"}
 * result: {created: boolean, tx_template: tx_template}
 * errors: CALA_INVALID cel.compile, cel.eval, cel.coerce, currency.unknown, param.duplicate, param.type, param.range;
 *   CALA_REJECTED tx_template.unbalanced; CALA_CONFLICT tx_template.ensure_differs,
 *   tx_template.keys_span, tx_template.exists
 * access: write */
CALA_API cala_status cala_tx_template_ensure(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                             cala_op **out_op, cala_error **out_error);

/* Finds a tx template.
 * request: {id: uuid} | {code: text}
 * result: tx_template
 * errors: CALA_NOT_FOUND tx_template.not_found
 * access: read */
CALA_API cala_status cala_tx_template_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Lists tx templates by code.
 * request: page
 * result: {items: [tx_template]} & page_end
 * access: read */
CALA_API cala_status cala_tx_template_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Creates a velocity limit. It never changes. Its expressions are checked now. condition, window and timestamp_source
 * see context.vars: transaction {id, createdAt, journalId, txTemplateId, effective, correlationId, metadata}, entry
 * {entryType, sequence, layer, direction, units, currency, metadata} and account {id, name, externalId,
 * normalBalanceType, metadata}, which is the account or set that the control is attached to; a void's entries are seen
 * as those that it takes back. metadata that is not there does not exist: ask has() first.
 * request: {id?: uuid, name: text, description?: text, window?: [velocity_window_key; 100], condition?: cel,
 *   currency?: currency, params?: [param; 1000], limit: velocity_limit_part}
 * result: velocity_limit
 * errors: CALA_INVALID cel.compile, cel.eval, cel.coerce, currency.unknown, param.duplicate, param.type, param.range;
 *   CALA_CONFLICT velocity_limit.exists
 * access: write */
CALA_API cala_status cala_velocity_limit_create(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                size_t request_len, cala_op **out_op, cala_error **out_error);

/* Creates a velocity limit, or finds the one that has this id; as account_ensure.
 * request: {id: uuid, name: text, description?: text, window?: [velocity_window_key; 100], condition?: cel,
 *   currency?: currency, params?: [param; 1000], limit: velocity_limit_part, on_difference?: on_difference = "error"}
 * result: {created: boolean, velocity_limit: velocity_limit}
 * errors: CALA_INVALID cel.compile, cel.eval, cel.coerce, currency.unknown, param.duplicate, param.type, param.range;
 *   CALA_CONFLICT velocity_limit.ensure_differs, velocity_limit.exists
 * access: write */
CALA_API cala_status cala_velocity_limit_ensure(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists velocity limits, oldest first.
 * request: page & {control_id?: uuid}
 * result: {items: [velocity_limit]} & page_end
 * access: read */
CALA_API cala_status cala_velocity_limit_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                              cala_op **out_op, cala_error **out_error);

/* Creates a velocity control, without limits at first.
 * request: {id?: uuid, name: text, description?: text, condition?: cel, enforcement?: velocity_enforcement}
 * result: velocity_control
 * errors: CALA_INVALID cel.compile; CALA_CONFLICT velocity_control.exists
 * access: write */
CALA_API cala_status cala_velocity_control_create(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                  size_t request_len, cala_op **out_op, cala_error **out_error);

/* Creates a velocity control, or finds the one that has this id; as account_ensure.
 * request: {id: uuid, name: text, description?: text, condition?: cel, enforcement?: velocity_enforcement,
 *   on_difference?: on_difference = "error"}
 * result: {created: boolean, velocity_control: velocity_control}
 * errors: CALA_INVALID cel.compile; CALA_CONFLICT velocity_control.ensure_differs, velocity_control.exists
 * access: write */
CALA_API cala_status cala_velocity_control_ensure(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                  size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists velocity controls, oldest first.
 * request: page
 * result: {items: [velocity_control]} & page_end
 * access: read */
CALA_API cala_status cala_velocity_control_list(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                size_t request_len, cala_op **out_op, cala_error **out_error);

/* Adds a limit to a control. Where the control is attached already, its limits stay as they were frozen.
 * request: {control_id: uuid, limit_id: uuid}
 * result: velocity_control
 * errors: CALA_NOT_FOUND velocity_control.not_found, velocity_limit.not_found; CALA_REJECTED
 *   velocity_control.has_limit; CALA_CONFLICT velocity_control.changed
 * access: write */
CALA_API cala_status cala_velocity_control_add_limit(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                     size_t request_len, cala_op **out_op, cala_error **out_error);

/* Adds a limit to a control, or finds it there.
 * request: {control_id: uuid, limit_id: uuid}
 * result: {created: integer, found: integer}
 * errors: CALA_NOT_FOUND velocity_control.not_found, velocity_limit.not_found; CALA_CONFLICT velocity_control.changed
 * access: write */
CALA_API cala_status cala_velocity_control_ensure_limit(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                        size_t request_len, cala_op **out_op, cala_error **out_error);

/* Attaches a control to accounts, or to an account set, which then counts every account below it in the set's journal.
 * The limits are frozen with the params; counting begins with what is posted from now on. Waits for postings in flight.
 * replace: where it is attached already the params are replaced, and what was counted stays; else that is refused.
 * account_ids takes sets, too.
 * request: {control_id: uuid, params?: {*: json}, replace?: boolean = false} & ({account_ids: [uuid; 10000]} |
 *   {account_set_id: uuid})
 * result: {attached: integer, replaced: integer}
 * errors: CALA_NOT_FOUND velocity_control.not_found, account.not_found, account_set.not_found;
 *   CALA_INVALID param.missing, param.unknown, param.type, param.range, amount.range, cel.eval, cel.coerce;
 *   CALA_REJECTED velocity_control.attached; CALA_CONFLICT velocity_control.changed
 * access: write */
CALA_API cala_status cala_velocity_control_attach(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                  size_t request_len, cala_op **out_op, cala_error **out_error);

/* Attaches a control where it is not attached yet. Where it is, its params are compared, and whether it has the limits
 * that the control has by now, unless on_difference is "keep". created and found: how many; one that is named twice is
 * found the second time.
 * request: {control_id: uuid, params?: {*: json}, on_difference?: on_difference = "error"} &
 *   ({account_ids: [uuid; 10000]} | {account_set_id: uuid})
 * result: {created: integer, found: integer}
 * errors: CALA_NOT_FOUND velocity_control.not_found, account.not_found, account_set.not_found;
 *   CALA_INVALID param.missing, param.unknown, param.type, param.range, amount.range, cel.eval, cel.coerce;
 *   CALA_CONFLICT velocity_control.ensure_differs, velocity_control.changed
 * access: write */
CALA_API cala_status cala_velocity_control_ensure_attached(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                           size_t request_len, cala_op **out_op,
                                                           cala_error **out_error);

/* Detaches a control. Where it is not attached nothing happens. Attached again it goes on with what it had counted.
 * request: {control_id: uuid} & ({account_ids: [uuid; 10000]} | {account_set_id: uuid})
 * result: {detached: integer}
 * errors: CALA_NOT_FOUND velocity_control.not_found; CALA_CONFLICT velocity_control.changed
 * access: write */
CALA_API cala_status cala_velocity_control_detach(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                  size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists where controls are attached, oldest first. account_id: an account or a set.
 * request: page & {control_id?: uuid, account_id?: uuid}
 * result: {items: [velocity_attachment]} & page_end
 * access: read */
CALA_API cala_status cala_velocity_attachment_list(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                   size_t request_len, cala_op **out_op, cala_error **out_error);

/* Says what is left of each limit at an account, and at the sets above it: by limit, journal, currency and window.
 * request: {account_id: uuid, journal_id?: uuid, currency?: currency}
 * result: {items: [velocity_headroom]}
 * errors: CALA_NOT_FOUND account.not_found; CALA_INVALID currency.unknown, amount.range
 * access: read */
CALA_API cala_status cala_velocity_headroom(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                            cala_op **out_op, cala_error **out_error);

/* Posts a transaction. Posting the same id or external id again with the same content writes nothing and answers with
 * the first result, replayed true: so a post whose answer was lost is simply repeated. Debits and credits must agree in
 * each currency and layer. When several errors hold, the first in this order is named: template, params, expressions,
 * balance; journal, until when it is closed, its max_scale; accounts in entry order; what must stay available, of an
 * account before the sets above it, and then what the entry says; velocity limits, first the expressions of their
 * conditions and windows, then the lowest entry, the oldest control and limit.
 * request: {id?: uuid, tx_template_code: text, params?: {*: json}}
 * result: posted
 * errors: CALA_NOT_FOUND tx_template.not_found, journal.not_found, account.not_found;
 *   CALA_INVALID cel.eval, cel.coerce, param.missing, param.unknown, param.type, param.range, currency.unknown,
 *   amount.range, amount.scale; CALA_REJECTED posting.unbalanced, journal.locked, journal.closed, account.locked,
 *   account.is_set, account.below_min, account.above_max, velocity.exceeded;
 *   CALA_CONFLICT transaction.replay_differs, transaction.exists (posted by another session at the same moment:
 *   repeat), balance.changed (only where the program's own transaction reads an old snapshot:
 *   roll it back and run it again)
 * access: write */
CALA_API cala_status cala_transaction_post(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Posts several transactions, all or none, as if one after the other in their order. Errors tell which by
 * cala_error_posting_index. All postings pass one stage before any goes to the next; within a stage the lowest posting
 * is named. An id or external id that the batch has twice is found in the first stage, at the second of the two.
 * request: {postings: [transaction_post.request; 10000]}
 * result: {results: [posted]}
 * errors: as transaction_post; CALA_CONFLICT transaction.exists (also the same id or external id twice in the batch)
 * access: write */
CALA_API cala_status cala_transaction_post_many(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                size_t request_len, cala_op **out_op, cala_error **out_error);

/* Says what would become of a posting, and writes nothing: the same decisions on the same balances, which it locks as
 * the posting would, so that in a transaction the posting can follow. For that it needs what a posting needs: a
 * connection that may write, and on one of the program's own a transaction (CALA_MISUSE transaction.none). What the
 * ledger would refuse it with is in error; only what is wrong with the request itself, or with the store, fails the
 * operation. limits are those that would count an entry, with what they would then have left. The ids of entries, and
 * of a transaction that has none in the request, are not those that the posting will have.
 * request: transaction_post.request
 * result: {would_post: boolean, replayed?: boolean, transaction?: transaction, entries?: [entry],
 *   balances_after?: [balance], limits?: [velocity_headroom], warnings?: [warning], error?: refusal}
 * errors: CALA_CONFLICT balance.changed (as a posting)
 * access: write */
CALA_API cala_status cala_transaction_preview(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                              cala_op **out_op, cala_error **out_error);

/* Voids a transaction: posts another one that takes it back, with the same entries, "_VOID" after their types, and
 * negated units. It obeys locks and what must stay available, as any posting; no max_scale. A velocity limit that
 * counted the original counts the void in the same window, whenever it comes; one that only gives room is never
 * refused. A transaction is voided once, a void too; the same void_id again with the same content is a replay. The void
 * is effective today where nothing is said, has the original's correlation_id, and no external_id: the original keeps
 * its own.
 * request: {id: uuid, void_id?: uuid, effective?: date, description?: text, metadata?: json}
 * result: posted
 * errors: CALA_NOT_FOUND transaction.not_found; CALA_INVALID amount.range, cel.eval, cel.coerce;
 *   CALA_REJECTED transaction.already_voided, hold.not_voidable, journal.locked, journal.closed, account.locked,
 *   account.below_min, account.above_max, velocity.exceeded;
 *   CALA_CONFLICT transaction.replay_differs, transaction.exists (voided by another session at the same moment:
 *   repeat), balance.changed (as transaction_post)
 * access: write */
CALA_API cala_status cala_transaction_void(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Makes a hold: posts a transaction whose entries are all in the layer pending, and remembers that they are to be
 * captured or released. The hold has the transaction's id. Repeated under the same id or external id it is a replay, as
 * a posting is. A hold with expires_at has expired when the ledger's clock comes to it: it cannot be captured then, and
 * what it holds stays pending until it is released, by hold_expire or hold_release.
 * request: {id?: uuid, tx_template_code: text, params?: {*: json}, expires_at?: instant}
 * result: hold_posted
 * errors: CALA_NOT_FOUND tx_template.not_found, journal.not_found, account.not_found;
 *   CALA_INVALID cel.eval, cel.coerce, param.missing, param.unknown, param.type, param.range, currency.unknown,
 *   amount.range, amount.scale; CALA_REJECTED hold.not_pending, posting.unbalanced, journal.locked, journal.closed,
 *   account.locked, account.is_set, account.below_min, account.above_max, velocity.exceeded;
 *   CALA_CONFLICT transaction.replay_differs, transaction.exists (as transaction_post), balance.changed (likewise)
 * access: write */
CALA_API cala_status cala_hold_create(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                      cala_op **out_op, cala_error **out_error);

/* Captures a hold, or a part of it: one transaction with the hold's entries, "_RELEASE" after their types and negated
 * units, and the same settled, "_CAPTURE" after their types. With an amount, of a hold whose entries all have the same
 * units and currency, that much is captured; without, all that is left. Final, what is left after it is released with
 * it; else the hold stays open for more, and is captured when nothing is left. The same id again with the same content
 * is a replay. It obeys locks and what must stay available. Every velocity limit attached now counts what is released
 * as given back, in the window that the hold was in: also one that was attached after the hold was made, and never
 * counted it. What is settled counts as any posting. Effective today where nothing is said; a date before the hold's is
 * taken as it is, as a clearing may bring it: by effective date, what is pending is then given back before it was held.
 * The hold's correlation_id, description and metadata.
 * In a tx that has posted on the hold's accounts before, it may deadlock with a hold_expire that has the hold and
 * waits for the accounts: PostgreSQL then ends one of the two (store.deadlock). Capture first and post then.
 * request: {hold_id: uuid, id?: uuid, amount?: decimal, final?: boolean = true, effective?: date}
 * result: hold_posted
 * errors: CALA_NOT_FOUND hold.not_found; CALA_INVALID amount.range, amount.scale (of the amount), cel.eval, cel.coerce;
 *   CALA_REJECTED hold.not_open, hold.exceeded, hold.not_divisible, journal.locked, journal.closed, account.locked,
 *   account.below_min, account.above_max, velocity.exceeded;
 *   CALA_CONFLICT transaction.replay_differs, transaction.exists (as transaction_post), balance.changed (likewise)
 * access: write */
CALA_API cala_status cala_hold_capture(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Releases what is left of a hold: one transaction with the hold's entries, "_RELEASE" after their types and negated
 * units. One that has expired is released too, and is then still expired. Repeated, also without an id, it is a replay.
 * For velocity limits and in a tx it is as hold_capture.
 * request: {hold_id: uuid, id?: uuid, effective?: date}
 * result: hold_posted
 * errors: CALA_NOT_FOUND hold.not_found; CALA_INVALID amount.range, cel.eval, cel.coerce;
 *   CALA_REJECTED hold.not_open (captured), journal.locked, journal.closed, account.locked, account.below_min,
 *   account.above_max, velocity.exceeded;
 *   CALA_CONFLICT transaction.replay_differs, transaction.exists (as transaction_post), balance.changed (likewise)
 * access: write */
CALA_API cala_status cala_hold_release(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Finds a hold.
 * request: {id: uuid}
 * result: hold
 * errors: CALA_NOT_FOUND hold.not_found
 * access: read */
CALA_API cala_status cala_hold_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                    cala_op **out_op, cala_error **out_error);

/* Lists holds in the order in which they were posted. account_id: those with an entry of the account, or of any account
 * below it where it is an account set; expires_before: those that expire before it,
 * or have, in the order in which they do.
 * request: page & {account_id?: uuid, status?: hold_status, expires_before?: instant}
 * result: {items: [hold]} & page_end
 * access: read */
CALA_API cala_status cala_hold_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                    cala_op **out_op, cala_error **out_error);

/* Releases holds that have expired, the earliest first, in one transaction; those of a locked account or journal, of
 * one whose books are closed for today, and those that another session is just at, wait. Each is released or refused as
 * if by itself; what is refused stays due, and those behind it are released in its stead, until `limit` are or none is
 * left (or 10000 were refused). All have the same instant. Call it again until it has expired none; nothing else does,
 * for a look for expired holds would be one more read in every posting. What it locks it holds to its end: of a small
 * limit postings wait less.
 * request: {limit?: integer 1..1000 = 100}
 * result: {expired: integer,           -- released by this call
 *   refused: integer,                  -- that what must stay available or a velocity limit did not allow
 *   refusals: [hold_refusal; 100]}     -- those of them that expired first, and why
 * errors: CALA_CONFLICT balance.changed (as transaction_post), transaction.exists (likewise)
 * access: write */
CALA_API cala_status cala_hold_expire(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                      cala_op **out_op, cala_error **out_error);

/* Finds a transaction.
 * request: {id: uuid} | {external_id: text}
 * result: transaction
 * errors: CALA_NOT_FOUND transaction.not_found
 * access: read */
CALA_API cala_status cala_transaction_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Finds transactions, in the order asked; missing ones are left out.
 * request: {ids: [uuid; 10000]} | {external_ids: [text; 10000]}
 * result: {transactions: [transaction]}
 * access: read */
CALA_API cala_status cala_transaction_find_many(cala_ledger *ledger, cala_tx *tx, const char *request,
                                                size_t request_len, cala_op **out_op, cala_error **out_error);

/* Lists transactions in the order in which they were posted. effective_from and effective_to are inclusive. account_id:
 * those with an entry of the account, or of an account below the account set, in the set's journal.
 * request: page & {tx_template_id?: uuid, journal_id?: uuid, account_id?: uuid, correlation_id?: text,
 *   effective_from?: date, effective_to?: date, stable?: boolean = false}
 * result: {items: [transaction]} & page_end
 * errors: CALA_UNAVAILABLE list.no_mark
 * access: read */
CALA_API cala_status cala_transaction_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Lists entries in the order in which they were posted. The four limits are inclusive.
 * Those of an account set are those of every account below it, in the set's journal.
 * request: page & ({account_id: uuid} | {account_set_id: uuid} | {journal_id: uuid} | {transaction_id: uuid}) &
 *   {created_from?: instant, created_to?: instant, effective_from?: date, effective_to?: date,
 *   stable?: boolean = false}
 * result: {items: [entry]} & page_end
 * errors: CALA_UNAVAILABLE list.no_mark
 * access: read */
CALA_API cala_status cala_entry_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                     cala_op **out_op, cala_error **out_error);

/* Finds entries, in the order asked; missing ones are left out.
 * request: {ids: [uuid; 10000]}
 * result: {entries: [entry]}
 * access: read */
CALA_API cala_status cala_entry_find_many(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                          cala_op **out_op, cala_error **out_error);

/* Finds a balance. An account without an entry has none.
 * request: balance_key
 * result: balance
 * errors: CALA_NOT_FOUND balance.not_found; CALA_INVALID currency.unknown
 * access: read */
CALA_API cala_status cala_balance_find(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Finds balances, in the order asked; missing ones are left out.
 * request: {keys: [balance_key; 10000]}
 * result: {balances: [balance]}
 * errors: CALA_INVALID currency.unknown
 * access: read */
CALA_API cala_status cala_balance_find_many(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                            cala_op **out_op, cala_error **out_error);

/* Lists balances by account id and currency.
 * request: page & {journal_id: uuid, account_ids: [uuid; 10000]}
 * result: {items: [balance]} & page_end
 * access: read */
CALA_API cala_status cala_balance_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Lists every version of a balance, by version. A balance that follows (balance_rollup) leaps over some: its version is
 * how many entries moved it, and it is written down once for many.
 * request: page & balance_key
 * result: {items: [balance]} & page_end
 * errors: CALA_INVALID currency.unknown
 * access: read */
CALA_API cala_status cala_balance_history(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                          cala_op **out_op, cala_error **out_error);

/* The balance as it was: that version of it, what had been written at that instant, or what its entries up to the end
 * of that effective date add up to, whenever they were posted (in a journal with effective_balances). A balance by
 * effective date has as its version how many entries those are; its entry_id, as a layer's, is the last one of the
 * latest date. A version that a balance that follows (balance_rollup) leapt over is not found.
 * request: balance_key & ({version: integer} | {recorded_at: instant} | {effective: date})
 * result: balance
 * errors: CALA_NOT_FOUND balance.not_found; CALA_REJECTED journal.no_effective_balances; CALA_INVALID currency.unknown,
 *   amount.range
 * access: read */
CALA_API cala_status cala_balance_at(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                     cala_op **out_op, cala_error **out_error);

/* A balance over a range of effective dates, both inclusive, in a journal with effective_balances: what it was before
 * it, what came in it, and what it was at its end. until left out is today by the ledger's clock. A from after until is
 * refused. A balance without an entry up to the range's end is not found.
 * request: balance_key & {from: date, until?: date}
 * result: balance_range
 * errors: CALA_NOT_FOUND balance.not_found; CALA_REJECTED journal.no_effective_balances; CALA_INVALID currency.unknown,
 *   request.malformed, amount.range
 * access: read */
CALA_API cala_status cala_balance_range(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* Lists the balances by effective date that changed at or after an instant, by account id, currency and date, in a
 * journal with effective_balances: one for each date that has entries, from the first date that was posted to since
 * then; an entry posted to a past date changes all later ones. To follow a journal, ask again with an instant before
 * the last call: what was in flight then is shown the next time.
 * request: page & {journal_id: uuid, modified_since: instant}
 * result: {items: [dated_balance]} & page_end
 * errors: CALA_REJECTED journal.no_effective_balances; CALA_INVALID amount.range
 * access: read */
CALA_API cala_status cala_balance_changes(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                          cala_op **out_op, cala_error **out_error);

/* The statement of an account or an account set in one layer: what it had before, each entry with what there was after
 * it, and what it had at the end. By recorded time (from and until are instants) in the order of posting; by effective
 * time (dates), in a journal with effective_balances, by date and within one in the order of posting. Both are
 * inclusive; left out, it begins with the first entry and ends with the last. opening and closing are those of the
 * whole statement on every page. Newest first, running is still what there was after the entry. By recorded time, that
 * of a set that follows (balance_rollup) shows of the entries that came together the last only, with what there was
 * after all of them, and none where that one is of another layer; its opening and closing are right.
 * request: page & balance_key & {layer?: layer = "settled", from?: instant | date, until?: instant | date,
 *   by?: "recorded" | "effective" = "recorded"}
 * result: statement
 * errors: CALA_NOT_FOUND account.not_found; CALA_REJECTED journal.no_effective_balances; CALA_INVALID currency.unknown,
 *   request.malformed, amount.range
 * access: read */
CALA_API cala_status cala_account_statement(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                            cala_op **out_op, cala_error **out_error);

/* Lists what the accounts of a journal, or those below an account set, have in one layer, by code and currency: now, as
 * it was recorded at an instant, or at the end of an effective date (in a journal with effective_balances). Accounts
 * that had no entry then are left out. totals are of all of them, by currency, and come with the first page: over a
 * whole journal debit and credit are equal. With subtotals, its lines are those of account sets instead: of the sets
 * directly in account_set_id, or without it of the journal's sets that are in no other;
 * the totals stay those of the accounts.
 * request: page & {journal_id: uuid, account_set_id?: uuid, subtotals?: boolean = false,
 *   currency?: currency, layer?: layer = "settled", at?: trial_moment}
 * result: trial_balance
 * errors: CALA_NOT_FOUND journal.not_found, account_set.not_found; CALA_REJECTED journal.no_effective_balances;
 *   CALA_INVALID currency.unknown, amount.range
 * access: read */
CALA_API cala_status cala_trial_balance(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* Lists what happened in the ledger, in order, an event each: postings, and every change of what else it holds, as
 * event_type has them. The list ends before the first writer that is still under way: read on from place, at any later
 * time, and you get each event once and miss none. For each account the order of events is that of its versions.
 * "Stable lists" above holds here too. Filters stop at 10,000 events: a page may have fewer than limit, or none, while
 * has_next_page is true. journal_id: the journal itself, its transactions, and its account sets with what becomes of
 * their members. entries, balances: give those of transactions;
 * balances are those of accounts, as the transaction left them.
 * request: {after?: integer 0..9007199254740991 = 0, limit?: integer 1..1000 = 100, types?: [event_type; 100],
 *   journal_id?: uuid, entries?: boolean = false, balances?: boolean = false}
 * result: event_page
 * errors: CALA_UNAVAILABLE list.no_mark; CALA_NOT_FOUND event.pruned
 * access: read */
CALA_API cala_status cala_event_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                     cala_op **out_op, cala_error **out_error);

/* Deletes the oldest events: those up to a place, or recorded before an instant, limit of them at most, in order.
 * Nobody can begin before the last of them any more (CALA_NOT_FOUND event.pruned); only events go, all else stays. It
 * is refused while a named listener is not done with one of them; listeners without a name do not count. The newest
 * event is kept, and on PostgreSQL those behind the first writer that is still under way. pruned: how many went; place:
 * where to begin now; more: call again.
 * request: {limit?: integer 1..100000 = 10000} & ({place: integer 0..9007199254740991} | {before: instant})
 * result: {pruned: integer, place: integer, more: boolean}
 * errors: CALA_REJECTED event.listener_behind; CALA_CONFLICT event.changed; CALA_UNAVAILABLE list.no_mark
 * access: write */
CALA_API cala_status cala_event_prune(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                      cala_op **out_op, cala_error **out_error);

/* Says where a listener begins: a named one at its kept place, where it has one; else where from says, which is kept
 * under the name. Events behind that place are those to come; one beyond the newest event is not kept. "now" is behind
 * all that is committed: on PostgreSQL it waits for writers that began before the newest event, 3 seconds at most, and
 * is then refused; so it is in a transaction that has posted.
 * request: {name?: text, from?: "start" | "now" | integer = "now"}
 * result: kept_place
 * errors: CALA_REJECTED listener.beyond_newest; CALA_CONFLICT listener.changed; CALA_UNAVAILABLE list.no_mark;
 *   CALA_NOT_FOUND event.pruned
 * access: write */
CALA_API cala_status cala_listener_place(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Keeps the place up to which a named listener is done: that of an event, or cala_listener_reached when everything that
 * was taken is dealt with. In the transaction in which the program writes what follows from the events, each takes
 * effect exactly once. A place is never moved back; the answer is the kept one. One beyond the newest event is refused:
 * what comes up to there would be missed. With expected_place, where the program read on from, it is refused if the
 * kept place is another (listener.changed): somebody else has dealt with those events, and the program's transaction is
 * to be rolled back. So one of two that follow the same events at once does.
 * request: {name: text, place: integer 0..9007199254740991, expected_place?: integer 0..9007199254740991}
 * result: kept_place
 * errors: CALA_NOT_FOUND listener.not_found; CALA_REJECTED listener.beyond_newest; CALA_CONFLICT listener.changed
 * access: write */
CALA_API cala_status cala_listener_ack(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Lists named listeners by name.
 * request: page
 * result: {items: [listener]} & page_end
 * access: read */
CALA_API cala_status cala_listener_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* Forgets a named listener, and answers with what it was.
 * request: {name: text}
 * result: listener
 * errors: CALA_NOT_FOUND listener.not_found; CALA_CONFLICT listener.changed
 * access: write */
CALA_API cala_status cala_listener_remove(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                          cala_op **out_op, cala_error **out_error);

/* Locks the balances of accounts, in the order that the library always locks in: first, when several postings share one
 * transaction, so that two such transactions wait for each other instead of deadlocking. Accounts that have no balance
 * yet are locked too. Needs a tx. On SQLite, where writers take turns anyway, it makes the transaction a writer. The
 * answer has the keys distinct, as they were locked.
 * request: {keys: [balance_key; 10000]}
 * result: {keys: [balance_key]}
 * errors: CALA_NOT_FOUND account.not_found, journal.not_found; CALA_INVALID currency.unknown; CALA_MISUSE tx.required
 * access: write */
CALA_API cala_status cala_tx_lock_accounts(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                           cala_op **out_op, cala_error **out_error);

/* Runs a statement of the program's own inside a transaction of cala_tx_begin, so that its rows and the ledger's land
 * together. Needs such a tx. One statement, with the store's own placeholders ($1 on PostgreSQL, ? on SQLite); params
 * are sent as text of unknown type: cast where the database wants it. The answer's values are as the database writes
 * them as text, a SQLite BLOB as \x and hexadecimal digits; affected is the number of rows written, 0 for a query.
 * 100,000 rows at most.
 * request: {sql: text, params?: [text | null; 1000]}
 * result: {columns: [text], rows: [[text | null]], affected: integer}
 * errors: CALA_INVALID tx.control_statement (BEGIN, COMMIT, SAVEPOINT and their kin are the library's business),
 *   tx.statement (the SQLSTATE, the message and cala_error_tx_state tell more), tx.too_many_rows; CALA_CONFLICT
 *   tx.constraint; CALA_MISUSE tx.required
 * access: write */
CALA_API cala_status cala_tx_exec(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                  cala_op **out_op, cala_error **out_error);

/* Commits a transaction that cala_tx_prepare prepared, or rolls it back: the second half of a two-phase commit. Any
 * process may, on a connection as the user who prepared it, or a superuser. Only the program knows which: it has its
 * decision on record before it commits (docs/two-phase.md). An answer that is lost is looked up. No transaction is
 * prepared on SQLite, so there it is always prepared.not_found. Takes no tx.
 * request: {gid: text, outcome: prepared_outcome}
 * result: {gid: text, outcome: prepared_outcome}
 * errors: CALA_NOT_FOUND prepared.not_found; CALA_BUSY prepared.busy; CALA_MISUSE op.own_transaction
 * access: write */
CALA_API cala_status cala_tx_finish(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                    cala_op **out_op, cala_error **out_error);

/* Lists the transactions of this ledger that are prepared and have not ended, by gid. None is committed or rolled back
 * by itself, however old it is. On a standby, which knows of none, it is CALA_UNAVAILABLE.
 * request: page
 * result: {items: [prepared]} & page_end
 * access: read */
CALA_API cala_status cala_prepared_list(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* How far the balances of eventually consistent account sets have come: every posting up to applied is in them.
 * frontier: the newest posting or event there is. A thread of the ledger's own brings them on after each posting that
 * concerns them, once that is committed; whatever it had not done when a process ended is done by the next one that
 * opens the ledger, posts or awaits.
 * request: {}
 * result: rollup
 * access: read */
CALA_API cala_status cala_rollup_status(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* Waits until those balances have everything up to the sequence, by default all that was posted until now, and brings
 * them there itself where need be. Inside a transaction it sees what others have committed, and what this one has
 * posted follows after its commit; until that the roll-up of others waits for it.
 * request: {sequence?: integer, timeout_ms?: integer 0..600000 = 30000}
 * result: rollup
 * errors: CALA_TIMEOUT rollup.timeout
 * access: write */
CALA_API cala_status cala_rollup_await(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* Evaluates a CEL expression, for authors of tx templates. No store is asked. as is the type to coerce the result to;
 * clock the instant of date(), by default the ledger's; docs/cel.md has the typed values.
 * request: {expr: text, as?: "any" | "string" | "int" | "decimal" | "bool" | "uuid" | "date" | "timestamp" | "json" |
 *   "layer" | "direction" | "currency", clock?: instant, params?: [json], vars?: {*: json}, bindings?: {*: json},
 *   container?: text}
 * result: {value: json}
 * errors: CALA_INVALID cel.compile, cel.params, cel.eval, cel.coerce
 * access: read */
CALA_API cala_status cala_cel_evaluate(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                       cala_op **out_op, cala_error **out_error);

/* What this ledger is.
 * request: {}
 * result: {version: text, store: text, schema_version: integer, library_schema_version: integer, accounts: integer,
 *   journals: integer, tx_templates: integer, transactions: integer, entries: integer, balances: integer,
 *   clock: "system" | "manual", now: instant}
 * access: read */
CALA_API cala_status cala_ledger_info(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                      cala_op **out_op, cala_error **out_error);

/* Whether the ledger can work, for a load balancer's question or an operator's: an answer also where the store is away.
 * status is that of the worst check. store: it answers; schema: its tables are this library's; writable: it takes
 * writes, left out where only writing would tell; rollup: balances that follow do; listeners: how far the named ones
 * are; prepared: the transactions of cala_prepared_list, left out on a standby, which knows of none; disk: what the
 * store takes, and on SQLite what is left. A check that was not reached is left out. It is answered within timeout_ms,
 * whatever the store does, and on SQLite it is the one writer for a moment. In a transaction it fails as any operation
 * where the store does. The limits make a check degraded.
 * request: {timeout_ms?: integer 1..60000 = 5000, rollup_behind_max?: integer 0..9007199254740991,
 *   listener_behind_max?: integer 0..9007199254740991, prepared_age_max_ms?: integer 0..9007199254740991,
 *   free_bytes_min?: integer 0..9007199254740991 = 100000000}
 * result: {status: health_state, checks: [health_check]}
 * access: read */
CALA_API cala_status cala_ledger_health(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                        cala_op **out_op, cala_error **out_error);

/* What this ledger handle has counted and timed since it was opened: operations by name, refusals by code, statements
 * of the store, waits, retries, groups, connections, how far behind the roll-up and its listeners were when they last
 * looked. No store is asked, and nothing that runs is waited for. openmetrics: as text in the format of that name, for
 * a scraper (application/openmetrics-text; version=1.0.0; charset=utf-8).
 * Later versions add metrics, labels and buckets.
 * request: {format?: "json" | "openmetrics" = "json"}
 * result: {metrics?: [metric], text?: text}
 * access: read */
CALA_API cala_status cala_ledger_metrics(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* Brings the tables to this library's version; safe when several processes do it at once. In a cala_tx_host each
 * statement is run by the program.
 * request: {}
 * result: {from_version: integer, to_version: integer}
 * errors: CALA_UNSUPPORTED store.newer; CALA_MISUSE op.own_transaction
 * access: write */
CALA_API cala_status cala_ledger_migrate(cala_ledger *ledger, cala_tx *tx, const char *request, size_t request_len,
                                         cala_op **out_op, cala_error **out_error);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Codes of errors                                                                                                    */
/*                                                                                                                    */
/* Each with its status. any: whatever operation may answer with it; others come from those that name them (errors:). */
/* retryable: what cala_error_retryable says of it. Then what it means, what to do, and what cala_error_details has.  */

/* codes: The request */
/* code request.malformed, CALA_INVALID, any: not JSON, a wrong type, a value out of range, a key that is there
 *   twice, invalid UTF-8, a NUL character, an `after` that is no cursor of this list
 * do: correct the request
 * details: {pointer?: text, offset?: integer} */
/* code request.unknown_key, CALA_INVALID, any: a key that the operation does not know
 * do: remove it, or look for a misspelling
 * details: {pointer: text} */
/* code request.missing_key, CALA_INVALID, any: a key that the operation needs is absent or null
 * do: add it
 * details: {pointer: text} */
/* code request.too_large, CALA_INVALID, any: a text is longer than the store can keep or index
 * do: shorten it */
/* code currency.unknown, CALA_INVALID: a currency that the ledger does not know
 * do: use an ISO 4217 code or one of the crypto codes, in upper case
 * details: {pointer?: text, currency?: text} */
/* code amount.scale, CALA_INVALID: an entry has more digits after the decimal point than its journal's `max_scale`
 * do: round in the tx template, of a capture the amount, or raise `max_scale` by `journal_update`
 * details: {journal_id: uuid, currency: currency, units: decimal, max_scale: integer, pointer?: text} */
/* code amount.range, CALA_INVALID: an amount or a sum would need more than 38 digits
 * do: post a smaller amount; nothing is ever rounded
 * details: {account_id: uuid, currency: currency, layer: layer} | {pointer?: text, param?: text, type?: "decimal"} */

/* codes: Tx templates, params and expressions */
/* code cel.compile, CALA_INVALID: an expression is not well-formed, or can never be of the type needed
 * do: correct the expression; `cel_evaluate` tries one out
 * details: {pointer?: text, line?: integer, column?: integer, expression?: text, hint?: text} */
/* code cel.eval, CALA_INVALID: an expression failed while it was evaluated: a division by zero, a missing key
 * do: guard it, for example with `has()`
 * details: {pointer?: text, line?: integer, column?: integer, expression?: text, param?: text, control_id?: uuid,
 *   limit_id?: uuid, sequence?: integer} */
/* code cel.coerce, CALA_INVALID: an expression's result is not what its place needs
 * do: convert it, for example with `decimal()` or `uuid()`
 * details: {pointer?: text, currency?: text, control_id?: uuid, limit_id?: uuid, sequence?: integer} */
/* code cel.params, CALA_INVALID: the params, vars or bindings of `cel_evaluate` are not right
 * do: correct them
 * details: {pointer?: text, param?: text, type?: text, line?: integer, column?: integer, expression?: text,
 *   hint?: text} */
/* code param.missing, CALA_INVALID: an expression reads a param that was not given and has no default
 * do: give it, or ask `has(params.x)` first
 * details: {pointer: text, param: text} */
/* code param.unknown, CALA_INVALID: a param that the tx template does not declare
 * do: remove it, or look for a misspelling
 * details: {pointer: text, param: text} */
/* code param.type, CALA_INVALID: a param's value, or its default, is not of the declared type
 * do: pass decimals, dates and UUIDs as text
 * details: {pointer: text, param?: text, type?: text} */
/* code param.range, CALA_INVALID: a param's value, or its default, is less than its `min` or greater than its `max`
 * do: pass a value within the bounds
 * details: {pointer: text, param?: text, min?: text, max?: text} */
/* code param.duplicate, CALA_INVALID: the tx template declares a param twice
 * do: remove one
 * details: {pointer: text} */
/* code tx_template.unbalanced, CALA_REJECTED: whatever is posted with this tx template, debits and credits could
 *   never agree
 * do: correct its entries */
/* code tx_template.exists, CALA_CONFLICT: the id or code is taken
 * do: choose another, or use the one that is there
 * details: {column: text, value?: text} */
/* code tx_template.ensure_differs, CALA_CONFLICT: the tx template is there, and not as it was asked for; pointer is of
 *   the place inside the field
 * do: change what is asked for or what is there, or say `"on_difference": "keep"`
 * details: {id: uuid, field: text, pointer?: text} */
/* code tx_template.keys_span, CALA_CONFLICT: what is to be ensured has the keys of more than one tx template
 * do: correct the keys
 * details: {ids: [uuid], keys: [text]} */
/* code tx_template.not_found, CALA_NOT_FOUND: no tx template has this id or code
 * do: create it first
 * details: {id: text} | {code: text} */
/* code tx_template.changed, CALA_CONFLICT, retryable: the tx template was changed by another at the same time
 * do: try again */

/* codes: Accounts and journals */
/* code account.exists, CALA_CONFLICT: the id, code or external id is taken
 * do: choose another, or use the one that is there
 * details: {column: text, value?: text, index?: integer} */
/* code account.ensure_differs, CALA_CONFLICT: the account is there, and not as it was asked for; pointer is of
 *   the place inside the field
 * do: change what is asked for or what is there, or say `"on_difference": "keep"`
 * details: {id: uuid, field: text, pointer?: text} */
/* code account.keys_span, CALA_CONFLICT: what is to be ensured has the keys of more than one account
 * do: correct the keys
 * details: {ids: [uuid], keys: [text]} */
/* code account.not_found, CALA_NOT_FOUND: no account has this id, code or external id
 * do: create it first
 * details: {id: text, index?: integer} | {code: text} | {external_id: text} */
/* code account.changed, CALA_CONFLICT, retryable: the account was changed by another at the same time
 * do: try again */
/* code account.locked, CALA_REJECTED: an entry's account is locked
 * do: `account_unlock`, or post elsewhere
 * details: {account_id: uuid} */
/* code account.below_min, CALA_REJECTED: less would stay available of an account, or of a set above it, than its
 *   `min_available`, or that of an entry of the tx template (`limit`). `current` is what is available before the
 *   posting, `requested` what the posting takes of it, `available` what it could take; `layer` up to where
 * do: post less, or wait until more is there
 * details: {account_id: uuid, journal_id: uuid, currency: currency, layer: layer, limit: decimal, current: decimal,
 *   requested: decimal, available: decimal} */
/* code account.above_max, CALA_REJECTED: more would be available of an account, or of a set above it, than its
 *   `max_available`, or that of an entry of the tx template; `requested` is what the posting adds, `available` what it
 *   could add
 * do: post less
 * details: {account_id: uuid, journal_id: uuid, currency: currency, layer: layer, limit: decimal, current: decimal,
 *   requested: decimal, available: decimal} */
/* code account.is_set, CALA_REJECTED: an account set is named where only an account will do: an entry,
 *   `account_update`, a member's `account_id`
 * do: post to one of its members, or use `account_set_update` or `member_account_set_id`
 * details: {account_id: uuid} | {index: integer, account_set_id: uuid, account_id: uuid} */
/* code account_set.exists, CALA_CONFLICT: the id or external id is taken
 * do: choose another, or use the one that is there
 * details: {column: text, value?: text} */
/* code account_set.ensure_differs, CALA_CONFLICT: the account set is there, and not as it was asked for; pointer is of
 *   the place inside the field
 * do: change what is asked for or what is there, or say `"on_difference": "keep"`
 * details: {id: uuid, field: text, pointer?: text} */
/* code account_set.keys_span, CALA_CONFLICT: what is to be ensured has the keys of more than one account set
 * do: correct the keys
 * details: {ids: [uuid], keys: [text]} */
/* code account_set.not_found, CALA_NOT_FOUND: no account set has this id or external id
 * do: create it first
 * details: {id: text, index?: integer} | {external_id: text} */
/* code account_set.changed, CALA_CONFLICT, retryable: the account set was changed by another at the same time
 * do: try again */
/* code membership.journal_mismatch, CALA_REJECTED: an account set and its member set are of different journals
 * do: put sets together that are of one journal
 * details: {index: integer, account_set_id: uuid, member_account_set_id: uuid, journal_id: uuid,
 *   member_journal_id: uuid} */
/* code membership.has_history, CALA_REJECTED: the member, or an account below it, has entries in the set's journal
 * do: add and remove members before they have entries
 * details: {index: integer, account_set_id: uuid, account_id?: uuid, member_account_set_id?: uuid, journal_id: uuid} */
/* code membership.cycle, CALA_REJECTED: the account set would be below itself
 * do: leave that member out
 * details: {index: integer, account_set_id: uuid, member_account_set_id: uuid} */
/* code membership.duplicate_path, CALA_REJECTED: the member, or something below it, would be in an account set twice
 * do: leave that member out, or take it out where it is
 * details: {index: integer, account_set_id: uuid, account_id?: uuid, member_account_set_id?: uuid} */
/* code membership.depth, CALA_REJECTED: account sets would be more than 16 memberships deep
 * do: build a flatter tree
 * details: {index: integer, account_set_id: uuid, member_account_set_id: uuid, depth: integer, max: integer} */
/* code rollup.timeout, CALA_TIMEOUT: balances that follow have not come that far in the time given
 * do: wait again; a transaction that is open for long holds them up
 * details: {applied: integer, frontier: integer} */
/* code membership.not_found, CALA_NOT_FOUND: the account or set is no member of the account set
 * do: nothing; it is not in there
 * details: {index: integer, account_set_id: uuid, account_id?: uuid, member_account_set_id?: uuid} */
/* code journal.exists, CALA_CONFLICT: the id or code is taken
 * do: choose another, or use the one that is there
 * details: {column: text, value?: text} */
/* code journal.ensure_differs, CALA_CONFLICT: the journal is there, and not as it was asked for; pointer is of
 *   the place inside the field
 * do: change what is asked for or what is there, or say `"on_difference": "keep"`
 * details: {id: uuid, field: text, pointer?: text} */
/* code journal.keys_span, CALA_CONFLICT: what is to be ensured has the keys of more than one journal
 * do: correct the keys
 * details: {ids: [uuid], keys: [text]} */
/* code journal.not_found, CALA_NOT_FOUND: no journal has this id or code
 * do: create it first
 * details: {id: text} | {code: text} */
/* code journal.changed, CALA_CONFLICT, retryable: the journal was changed by another at the same time
 * do: try again */
/* code journal.no_effective_balances, CALA_REJECTED: balances by effective date are asked of a journal that keeps none
 * do: create the journal with `effective_balances`
 * details: {journal_id: uuid} */
/* code journal.closed, CALA_REJECTED: the posting is effective on a date up to which its journal's books are closed
 * do: date it later, or `journal_reopen`
 * details: {journal_id: uuid, closed_until: date, effective: date} */
/* code journal.locked, CALA_REJECTED: the posting's journal is locked
 * do: `journal_unlock`, or post to another
 * details: {journal_id: uuid} */

/* codes: Velocity */
/* code velocity.exceeded, CALA_REJECTED: a posting would come to more than a velocity limit allows. `account_id` is
 *   where the control is attached, `current` what was counted there before the entry, `requested` what it would come to
 * do: post less, wait for the next window, or raise the limit; `velocity_headroom` says what is left
 * details: {limit_id: uuid, control_id: uuid, account_id: uuid, journal_id: uuid, currency: currency, window: json,
 *   layer: layer, direction: direction, basis: velocity_basis, allowed: decimal, requested: decimal,
 *   current: decimal, sequence: integer} */
/* code velocity_limit.exists, CALA_CONFLICT: the id is taken
 * do: choose another, or use the one that is there
 * details: {column: text, value?: text} */
/* code velocity_limit.ensure_differs, CALA_CONFLICT: the limit is there, with another content than
 *   `velocity_limit_ensure` asked for
 * do: change what is asked for, or say `"on_difference": "keep"`
 * details: {id: uuid, field: text, pointer?: text} */
/* code velocity_limit.not_found, CALA_NOT_FOUND: no velocity limit has this id
 * do: create it first
 * details: {id: text} */
/* code velocity_control.exists, CALA_CONFLICT: the id is taken
 * do: choose another, or use the one that is there
 * details: {column: text, value?: text} */
/* code velocity_control.ensure_differs, CALA_CONFLICT: the control is there with another content than was asked for, or
 *   attached with other params, or (`field` is `limit_ids`) without a limit that it was given since
 * do: change what is asked for, or say `"on_difference": "keep"`; `velocity_control_attach` with `"replace": true`
 *   attaches anew what is attached
 * details: {id: uuid, field: text, pointer?: text} | {account_id: uuid, field: text, pointer?: text} */
/* code velocity_control.not_found, CALA_NOT_FOUND: no velocity control has this id
 * do: create it first
 * details: {id: text} */
/* code velocity_control.has_limit, CALA_REJECTED: the control has this limit already
 * do: nothing: it counts already
 * details: {control_id: uuid, limit_id: uuid} */
/* code velocity_control.attached, CALA_REJECTED: the control is attached there already
 * do: `"replace": true` replaces its params
 * details: {control_id: uuid, account_id: uuid} | {control_id: uuid, account_set_id: uuid} */
/* code velocity_control.changed, CALA_CONFLICT, retryable: the control's limits or attachments were changed by another
 *   at the same time
 * do: try again */

/* codes: Postings and balances */
/* code posting.unbalanced, CALA_REJECTED: debits and credits differ in a currency and layer
 * do: correct the params
 * details: {currency: currency, layer: layer, debit: decimal, credit: decimal} */
/* code transaction.replay_differs, CALA_CONFLICT: the id or external id was posted before with other content
 * do: use a new id for a new posting
 * details: {transaction_id: uuid, field: text} */
/* code transaction.exists, CALA_CONFLICT, sometimes retryable: two postings of one batch have the same id or
 *   external id, or another session posted it at the same moment
 * do: leave one of the two out; when the error is retryable, repeat the posting
 * details: {column?: "id" | "external_id", value?: text} */
/* code transaction.already_voided, CALA_REJECTED: the transaction was voided before
 * do: nothing is left to void
 * details: {transaction_id: uuid, voided_by: uuid} */
/* code hold.not_pending, CALA_REJECTED: an entry of what is to be a hold is not in the layer pending
 * do: use a tx template all of whose entries are PENDING
 * details: {sequence: integer, layer: layer} */
/* code hold.not_found, CALA_NOT_FOUND: no hold has this id
 * do: it may be a transaction that `transaction_post` made; `hold_create` makes holds
 * details: {id: text} */
/* code hold.not_open, CALA_REJECTED: the hold was captured, released, or has expired
 * do: nothing is left of one that was captured or released; what has expired cannot be captured, and `hold_release` or
 *   `hold_expire` gives it back; to set aside again, make a new one
 * details: {hold_id: uuid, status: hold_status} */
/* code hold.exceeded, CALA_REJECTED: more is to be captured than the hold has left
 * do: capture what is left, and the rest with a posting of its own
 * details: {hold_id: uuid, currency: currency, requested: decimal, left: decimal, captured: decimal} */
/* code hold.not_divisible, CALA_REJECTED: an amount is to be captured of a hold whose entries are not all of one amount
 * do: capture it as a whole, without `amount`
 * details: {hold_id: uuid} */
/* code hold.not_voidable, CALA_REJECTED: the transaction made, captured or released a hold
 * do: `hold_release` an open hold; give back what was captured with a posting of its own
 * details: {transaction_id: uuid, hold_id: uuid} */
/* code transaction.not_found, CALA_NOT_FOUND: no transaction has this id or external id
 * do: look for its other name; a posting that was refused, or whose transaction was rolled back, is not there
 * details: {id: text} | {external_id: text} */
/* code list.no_mark, CALA_UNAVAILABLE, sometimes retryable: a list with `stable`, or of events, on a read-only
 *   connection or in a read-only transaction, and nobody has read one elsewhere yet; or where a listener begins
 *   "now", and a transaction that has written, this one or one that began before the newest event, has not ended
 * do: read one where the database can be written; begin the listener before the transaction writes; when the error is
 *   retryable, try again */
/* code balance.not_found, CALA_NOT_FOUND: the account has no entry in this journal and currency, or had none then
 * do: read it as zero
 * details: balance_key */
/* code balance.changed, CALA_CONFLICT, retryable: a balance was moved by another between reading and writing
 * do: roll back and run the transaction again; outside one the library has */

/* codes: Listeners */
/* code event.pruned, CALA_NOT_FOUND: the events behind that place were pruned
 * do: begin at `place`, and take what was missed from the ledger's lists
 * details: {place: integer} */
/* code event.listener_behind, CALA_REJECTED: a named listener is not done with events that were to be pruned
 * do: wait for it, prune up to its place, or `listener_remove` it
 * details: {name: text, place: integer} */
/* code event.changed, CALA_CONFLICT, retryable: another has pruned events, or begun a listener, at the same time
 * do: try again */
/* code listener.not_found, CALA_NOT_FOUND: no listener has this name
 * do: `listener_place` begins one
 * details: {name: text} */
/* code listener.beyond_newest, CALA_REJECTED: a place beyond the newest event is to be kept
 * do: keep the place of an event that came, or what `cala_listener_reached` gives; after an older copy of the ledger
 *   was restored, decide where to read on
 * details: {name: text, place: integer, newest: integer} */
/* code listener.changed, CALA_CONFLICT, retryable: the listener was begun, moved or forgotten by another at the same
 *   time
 * do: roll the transaction back and try again, from the place that is kept now */
/* code listener.too_many, CALA_BUSY, retryable: the ledger has 100 open listeners already
 * do: free some, or hand the events of one on */

/* codes: Transactions */
/* code transaction.none, CALA_MISUSE, any: the statements of an operation in a `cala_tx_host` did not run in one
 *   open transaction, or `cala_tx_in_transaction` said that there is none
 * do: begin a transaction before, commit after */
/* code transaction.open, CALA_MISUSE, any: a transaction is open already on this connection
 * do: end it first */
/* code transaction.state, CALA_MISUSE, any: the database says that the transaction is in the wrong state
 * do: roll back */
/* code transaction.aborted, CALA_MISUSE, any: an earlier statement of the transaction failed, and PostgreSQL takes
 *   no more
 * do: roll back; or open it with `savepoint` */
/* code tx.required, CALA_MISUSE: `cala_tx_lock_accounts` was made without a transaction, or `cala_tx_exec` without
 *   one of `cala_tx_begin`
 * do: pass the transaction */
/* code tx.not_postgres, CALA_UNSUPPORTED: `cala_tx_adopt` or `cala_tx_prepare` on a ledger that is not on PostgreSQL
 * do: use `cala_tx_host`; `cala_tx_commit` */
/* code tx.not_own, CALA_MISUSE: `cala_tx_prepare` of a transaction that `cala_tx_begin` has not begun
 * do: run `PREPARE TRANSACTION` on the program's own connection */
/* code prepared.disabled, CALA_UNSUPPORTED: the server's `max_prepared_transactions` is 0; the transaction is still
 *   open
 * do: set it to as many as may be prepared at once, and start PostgreSQL again */
/* code prepared.exists, CALA_CONFLICT: a transaction is prepared under this gid already
 * do: choose another gid, one for each transaction
 * details: {gid: text} */
/* code prepared.too_many, CALA_BUSY, retryable: as many transactions are prepared in the server as
 *   `max_prepared_transactions` allows
 * do: end some: `prepared_list`, and those of other programs in `pg_prepared_xacts` */
/* code prepared.not_found, CALA_NOT_FOUND: no transaction of this ledger is prepared under this gid: it has ended, or
 *   never was
 * do: look at what it would have written
 * details: {gid: text} */
/* code prepared.busy, CALA_BUSY, retryable: another session is ending this prepared transaction
 * do: try again; it may be `prepared.not_found` then */
/* code tx.libpq, CALA_INVALID: libpq's functions were not found where `cala_tx_adopt` was told to look
 * do: name the module that made the connection */
/* code tx.connection, CALA_MISUSE, any: the connection is broken, busy, in pipeline mode, or of another copy of libpq;
 *   or the program has given one of SQLite's functions another meaning on it, and nothing is written
 * do: pass it between two statements, with its own copy of libpq; give the function another name */
/* code tx.encoding, CALA_MISUSE, any: the `client_encoding` of the connection that the operation runs on is not UTF8:
 *   of the program's in `cala_tx_host` or `cala_tx_adopt`, or of the ledger's, after a statement of `cala_tx_exec`
 * do: `SET client_encoding TO 'UTF8'` on it */
/* code tx.control_statement, CALA_INVALID: `cala_tx_exec` was given `COMMIT` or another statement that ends the
 *   transaction or outlives it
 * do: use `cala_tx_commit`, `cala_tx_rollback`, `savepoint`
 * details: {pointer?: text} */
/* code tx.statement, CALA_INVALID: the database refuses the statement of `cala_tx_exec`
 * do: see the message and the SQLSTATE */
/* code tx.constraint, CALA_CONFLICT: the statement of `cala_tx_exec` breaks a constraint of the database
 * do: see the message */
/* code tx.too_many_rows, CALA_INVALID: the statement of `cala_tx_exec` gives more than 100,000 rows
 * do: add a LIMIT */
/* code tx.busy, CALA_BUSY, any, retryable: another operation is running in this `cala_tx`
 * do: wait for it: one at a time */
/* code tx.over, CALA_MISUSE, any: the `cala_tx` was committed, rolled back or prepared
 * do: begin another */

/* codes: Calls, operations and queues */
/* code call.misuse, CALA_MISUSE, any: a handle, a pointer or the order of calls is wrong
 * do: correct the program */
/* code call.failed, CALA_INTERNAL, any: a call ended in an unexpected way
 * do: report it */
/* code posting.fold, CALA_INTERNAL, any: an accepted entry could not be added to its balance; nothing was written
 * do: report it */
/* code op.adopted_transaction, CALA_MISUSE, any: an operation in a `cala_tx_adopt` was started through a queue
 * do: run it with `cala_op_run` */
/* code op.host_transaction, CALA_MISUSE, any: an operation in a `cala_tx_host` was run or started
 * do: drive it with `cala_op_step` and `cala_op_feed` */
/* code op.host_only, CALA_MISUSE, any: the ledger has no connection of its own
 * do: make operations in a `cala_tx_host` */
/* code op.own_transaction, CALA_MISUSE: `ledger_migrate` was asked inside a transaction of the library's, or
 *   `tx_finish` inside any
 * do: run it without one */
/* code op.timeout, CALA_TIMEOUT, any: the operation is not finished yet; it goes on
 * do: run it again to wait on, or cancel it */
/* code op.cancelled, CALA_CANCELLED, any: the operation was cancelled, or the ledger shut down before it began
 * do: make it again if it is still wanted; what was cancelled before it began has written nothing */
/* code queue.full, CALA_BUSY, any, retryable: too many operations are in flight
 * do: read the queue, then try again */
/* code queue.closed, CALA_CLOSED, any: the queue was freed
 * do: free a queue last, when nothing is started through it any more */
/* code queue.reader_busy, CALA_BUSY: another thread reads or drains the queue
 * do: one reader a queue */
/* code queue.nested, CALA_MISUSE: a callback of a drain tried to drain or run the same queue
 * do: return from the callback first */
/* code queue.timeout, CALA_TIMEOUT: nothing came in time, or the wait was woken
 * do: wait again */
/* code queue.buffer_too_small, CALA_INVALID: the next record does not fit
 * do: read again with a buffer of the size given */
/* code queue.descriptor, CALA_UNAVAILABLE, retryable: no descriptor could be made
 * do: raise the limit of open files */
/* code ledger.closed, CALA_CLOSED, any: the ledger has been shut down
 * do: open another */
/* code clock.not_manual, CALA_UNSUPPORTED: the ledger runs on the system's clock
 * do: open it with `{"clock": {"manual": ...}}` */
/* code clock.range, CALA_INVALID: the clock would go back, or past the year 9999
 * do: set an instant that is not before the clock's, and before the year 10000 */
/* code process.forked, CALA_FORKED, any: the handle belongs to the parent process
 * do: open a ledger in the child */
/* code memory.exhausted, CALA_NO_MEMORY, any: there is no memory
 * do: ask for less at once */
/* code executor.closed, CALA_CLOSED, any: the ledger is shutting down
 * do: open another ledger */
/* code executor.full, CALA_BUSY, any, retryable: too many operations are waiting
 * do: try again later */
/* code executor.thread, CALA_UNAVAILABLE, any, retryable: no thread could be started
 * do: raise the limit of threads */
/* code executor.lane, CALA_INTERNAL, any: a defect of the library
 * do: report it */
/* code executor.task_failed, CALA_INTERNAL, any: an operation ended in an unexpected way
 * do: report it */

/* codes: Stores */
/* code store.invalid, CALA_INVALID, any: `store` is no name of a store, or the connection string cannot be read
 * do: write `sqlite:FILE`, `sqlite::memory:`, `postgres://USER@HOST/DATABASE`, `host:sqlite` or `host:postgres` */
/* code store.unreachable, CALA_UNAVAILABLE, any, sometimes retryable: PostgreSQL does not answer, or is a standby
 *   that is asked to write; the message ends in why
 * do: start it; check host, port and network; docs/failover.md */
/* code store.libpq_missing, CALA_UNAVAILABLE, any: libpq, PostgreSQL's client library, is not installed
 * do: install it (Debian: `libpq5`) */
/* code store.login, CALA_PERMISSION, any: PostgreSQL refused the user or password, or wants a password and got none
 * do: correct the connection string */
/* code store.database_missing, CALA_UNAVAILABLE, any: PostgreSQL has no database of that name
 * do: create it */
/* code store.too_many_connections, CALA_UNAVAILABLE, any, retryable: PostgreSQL has no connection left
 * do: lower `pool.max`, or raise its limit */
/* code store.server_version, CALA_UNSUPPORTED, any: PostgreSQL is too old
 * do: use version 13 or newer */
/* code store.connection_lost, CALA_UNAVAILABLE, any, retryable: the connection broke; nothing was written
 * do: try again */
/* code store.outcome_unknown, CALA_OUTCOME_UNKNOWN, any: the connection broke during the commit, or SQLite's disk
 *   failed then, and nobody has said since what became of it
 * do: post the same ids again, or find the transactions; `prepared_list` says what is prepared
 * details: {transaction_ids?: [uuid]} */
/* code store.cannot_open, CALA_UNAVAILABLE, any: the ledger's file cannot be opened or made; the message says why: no
 *   such folder, no permission, a read-only file system, a folder in its place
 * do: check the path and its folder, in which SQLite makes files beside the ledger's */
/* code store.not_a_ledger, CALA_INVALID, any: the file is not an SQLite database, or the schema in PostgreSQL has
 *   other tables or types under names that the ledger needs
 * do: choose another file, another `schema` */
/* code store.file_gone, CALA_UNAVAILABLE, any: SQLite's file was deleted, moved or replaced while it was open; told by
 *   `ledger_health`, since what is open works on under no name, and is lost with it
 * do: close the ledger, put the file back, and open it again */
/* code store.read_only, CALA_PERMISSION, any: the file, database or transaction may not be written; of a
 *   file the message says why
 * do: check permissions */
/* code store.permission, CALA_PERMISSION, any: PostgreSQL's user may not do this
 * do: grant it: to post, `USAGE` on the schema and `EXECUTE` on its functions; to make or upgrade the tables, open as
 *   their owner */
/* code store.full, CALA_UNAVAILABLE, any: the disk, or another resource of the database, is used up
 * do: make room */
/* code store.io, CALA_UNAVAILABLE, any: the file cannot be read or written
 * do: look at the disk */
/* code store.memory, CALA_NO_MEMORY, any: the database is out of memory
 * do: give the database more, or ask for less at once */
/* code store.corrupt, CALA_INTERNAL, any: the data in the store are damaged, or are not as this library writes them, or
 *   a program fed something else than what its database answered
 * do: feed the text of the one row as it came, else restore a backup */
/* code store.migrations_missing, CALA_UNSUPPORTED, any: the database lacks the ledger's tables, or has those of an
 *   older version
 * do: open with `"migrate": true`, or run `ledger_migrate` */
/* code store.migrated_meanwhile, CALA_CONFLICT, any, retryable: another process migrates the same schema
 * do: try again */
/* code store.newer, CALA_UNSUPPORTED, any: the tables are newer than this library
 * do: use a newer library */
/* code store.busy, CALA_BUSY, any, retryable: another writer holds the file, or our one writer did not come free in
 *   `pool.timeout_ms`
 * do: try again later; a transaction that is still open may be one's own */
/* code store.pool_timeout, CALA_BUSY, any, retryable: no connection to PostgreSQL came free in `pool.timeout_ms`
 * do: try again later; end transactions sooner, or raise `pool.max` */
/* code store.lock_timeout, CALA_BUSY, any, retryable: another transaction held the same rows for too long
 * do: try again */
/* code store.serialization, CALA_CONFLICT, any, retryable: another transaction changed the same rows
 * do: roll back and run the transaction again; outside one the library has */
/* code store.deadlock, CALA_CONFLICT, any, retryable: two transactions waited for each other
 * do: roll back and run the transaction again; outside one the library has */
/* code store.cancelled, CALA_CANCELLED, any: the statement was interrupted
 * do: try again if nobody meant to stop it; in a transaction, roll back first */
/* code store.too_old, CALA_UNSUPPORTED, any: the program's SQLite has no JSON functions, or cannot read the ledger's
 *   statements
 * do: use SQLite 3.38 or newer */
/* code store.untrusted_schema, CALA_UNSUPPORTED, any: the program's SQLite forbids functions in triggers
 * do: `PRAGMA trusted_schema = ON` */
/* code store.encoding, CALA_INVALID, any: the database's encoding lacks a character, or the connection's
 *   `client_encoding` does
 * do: use a database in UTF8, and `SET client_encoding TO 'UTF8'` */
/* code store.unsupported, CALA_UNSUPPORTED, any: PostgreSQL cannot do this, the database lacks the language plpgsql,
 *   or a pooler in transaction mode mixes up prepared statements
 * do: see the message */
/* code store.refused, CALA_INTERNAL, any: the database refused in a way that the library does not know
 * do: report it with the message */
/* code store.protocol, CALA_INTERNAL, any: an answer of PostgreSQL's could not be understood
 * do: report it */
/* code store.plan, store.entry_id, store.misuse, CALA_INTERNAL, any: a defect of the library
 * do: report it */
/* code config.store, config.schema, CALA_INVALID, any: the connection string, or the name of the schema, cannot be
 *   right; seen only where it was not looked at when the ledger was opened
 * do: correct it */

#ifdef __cplusplus
}
#endif

#endif /* CALA_H */
