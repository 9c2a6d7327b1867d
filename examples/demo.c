/*
 * demo.c: the main job of a ledger, from C.
 *
 *   cala_demo                      in memory
 *   cala_demo sqlite:ledger.db     in a file
 *   cala_demo postgres://...       in PostgreSQL
 *
 * It creates two accounts, a journal and a tx template, posts a deposit and shows what is then in the ledger. It may
 * run many times on the same store: every run has codes of its own.
 */
#include <cala.h>
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef cala_status (*operation_fn)(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

/* ------------------------------------------------------------------------------------------------------------------ */
/* Calling the ledger                                                                                                 */

static void show_error(const cala_error *error) {
  printf("  %s %s\n  %s\n", cala_status_name(cala_error_status(error)), cala_error_code(error),
         cala_error_message(error));
}

static void *give_up(cala_error *error) {
  printf("The demo cannot go on:\n");
  show_error(error);
  cala_error_free(error);
  exit(EXIT_FAILURE);
}

/* Runs an operation and gives its result as JSON, or NULL and the error. The caller frees either. */
static cJSON *try_run(cala_ledger *ledger, operation_fn make, const char *request, cala_error **error) {
  cala_op *op = NULL;
  cJSON *result = NULL;
  if (make(ledger, NULL, request, strlen(request), &op, error) == CALA_OK && cala_op_run(op, -1, error) == CALA_OK) {
    result = cJSON_Parse(cala_op_result(op, NULL));
  }
  cala_op_free(op);
  return result;
}

/* The same, for what must succeed. The request is formatted like printf's;
 * only text that needs no escapes is put into it. */
static cJSON *run(cala_ledger *ledger, operation_fn make, const char *format, ...) {
  char request[4096];
  cala_error *error = NULL;
  cJSON *result;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(request, sizeof request, format, arguments);
  va_end(arguments);
  result = try_run(ledger, make, request, &error);
  return result != NULL ? result : give_up(error);
}

static const char *text_of(const cJSON *object, const char *key) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static cala_ledger *open_ledger(const char *store) {
  cala_ledger *ledger = NULL;
  cala_error *error = NULL;
  cJSON *config = cJSON_CreateObject();
  char *text;
  cJSON_AddStringToObject(config, "store", store);
  cJSON_AddTrueToObject(config, "migrate");
  text = cJSON_PrintUnformatted(config);
  if (cala_ledger_open(text, strlen(text), &ledger, &error) != CALA_OK) give_up(error);
  cJSON_free(text);
  cJSON_Delete(config);
  return ledger;
}

/* ------------------------------------------------------------------------------------------------------------------ */
/* Showing tables                                                                                                     */

enum { MAX_COLUMNS = 8, CELL = 96 };

/* A column: its title and where its values are: "units", or "settled.net" for a member of a member. */
typedef struct {
  const char *title;
  const char *path;
  int to_the_right;
} column;

static void read_cell(const cJSON *row, const char *path, char cell[CELL]) {
  char key[CELL];
  const char *dot = strchr(path, '.');
  snprintf(key, sizeof key, "%.*s", dot == NULL ? (int)strlen(path) : (int)(dot - path), path);
  const cJSON *value = cJSON_GetObjectItemCaseSensitive(row, key);
  if (dot != NULL && value != NULL) {
    read_cell(value, dot + 1, cell);
  } else if (cJSON_IsString(value)) {
    snprintf(cell, CELL, "%s", value->valuestring);
  } else if (cJSON_IsNumber(value)) {
    snprintf(cell, CELL, "%.0f", value->valuedouble);
  } else {
    snprintf(cell, CELL, "%s", cJSON_IsTrue(value) ? "true" : cJSON_IsFalse(value) ? "false" : "");
  }
}

/* One line of cells; the last one is not padded. */
static void show_line(const column *columns, int count, const int *widths, const cJSON *row) {
  for (int i = 0; i < count; ++i) {
    char cell[CELL];
    if (row == NULL) {
      snprintf(cell, sizeof cell, "%s", columns[i].title);
    } else {
      read_cell(row, columns[i].path, cell);
    }
    if (i == count - 1 && !columns[i].to_the_right) {
      printf("  %s", cell);
    } else {
      printf(columns[i].to_the_right ? "  %*s" : "  %-*s", widths[i], cell);
    }
  }
  printf("\n");
}

/* rows: an array of objects. */
static void show_table(const char *title, const column *columns, int count, const cJSON *rows) {
  int widths[MAX_COLUMNS];
  const cJSON *row;
  for (int i = 0; i < count; ++i) {
    widths[i] = (int)strlen(columns[i].title);
    cJSON_ArrayForEach(row, rows) {
      char cell[CELL];
      read_cell(row, columns[i].path, cell);
      if ((int)strlen(cell) > widths[i]) widths[i] = (int)strlen(cell);
    }
  }
  printf("\n%s\n", title);
  show_line(columns, count, widths, NULL);
  for (int i = 0; i < count; ++i) printf("  %.*s", widths[i], "------------------------------------------------");
  printf("\n");
  cJSON_ArrayForEach(row, rows) show_line(columns, count, widths, row);
}

#define SHOW_TABLE(title, columns, rows) show_table(title, columns, (int)(sizeof columns / sizeof *columns), rows)

/* ------------------------------------------------------------------------------------------------------------------ */
/* The story                                                                                                          */

typedef struct {
  char suffix[32]; /* tells this run's codes from those of other runs */
  char alice[37];
  char cash[37];
  char journal[37];
  char post[37];
} names;

/* Copies the id out of an answer, which is freed. */
static void keep_id(cJSON *answer, char id[37]) {
  snprintf(id, 37, "%s", text_of(answer, "id"));
  cJSON_Delete(answer);
}

static void set_up(cala_ledger *ledger, names *n) {
  snprintf(n->suffix, sizeof n->suffix, "%lx%04x", (unsigned long)time(NULL), (unsigned)getpid() & 0xffff);
  keep_id(run(ledger, cala_account_create, "{\"code\": \"ALICE-%s\", \"name\": \"Alice's wallet\"}", n->suffix),
          n->alice);
  keep_id(run(ledger, cala_account_create,
              "{\"code\": \"CASH-%s\", \"name\": \"Cash at bank\", \"normal_balance_type\": \"debit\"}", n->suffix),
          n->cash);
  keep_id(run(ledger, cala_journal_create, "{\"code\": \"MAIN-%s\", \"name\": \"General journal\"}", n->suffix),
          n->journal);
  cJSON_Delete(
      run(ledger, cala_tx_template_create,
          "{\"code\": \"DEPOSIT-%s\", \"description\": \"Money comes in\","
          " \"params\": [{\"name\": \"account\", \"type\": \"uuid\"}, {\"name\": \"amount\", \"type\": \"decimal\"},"
          "              {\"name\": \"currency\", \"type\": \"string\", \"default\": \"'EUR'\"}],"
          " \"transaction\": {\"effective\": \"date()\", \"journal_id\": \"uuid('%s')\","
          "                   \"description\": \"'Deposit in ' + params.currency\"},"
          " \"entries\": ["
          "  {\"entry_type\": \"'DEPOSIT_DR'\", \"account_id\": \"uuid('%s')\", \"layer\": \"SETTLED\","
          "   \"direction\": \"DEBIT\", \"units\": \"params.amount\", \"currency\": \"params.currency\"},"
          "  {\"entry_type\": \"'DEPOSIT_CR'\", \"account_id\": \"params.account\", \"layer\": \"SETTLED\","
          "   \"direction\": \"CREDIT\", \"units\": \"params.amount\", \"currency\": \"params.currency\"}]}",
          n->suffix, n->journal, n->cash));
}

/* Puts codes in place of account ids, which are hard to read. */
static void name_accounts(cJSON *rows, const names *n) {
  cJSON *row;
  cJSON_ArrayForEach(row, rows) {
    char code[64];
    snprintf(code, sizeof code, "%s-%s", strcmp(text_of(row, "account_id"), n->alice) == 0 ? "ALICE" : "CASH",
             n->suffix);
    cJSON_ReplaceItemInObjectCaseSensitive(row, "account_id", cJSON_CreateString(code));
  }
}

static void show_accounts(cala_ledger *ledger, const names *n) {
  static const column columns[] = {{"code", "code", 0},
                                   {"name", "name", 0},
                                   {"normal", "normal_balance_type", 0},
                                   {"status", "status", 0},
                                   {"id", "id", 0}};
  cJSON *answer = run(ledger, cala_account_find_many, "{\"ids\": [\"%s\", \"%s\"]}", n->alice, n->cash);
  SHOW_TABLE("Accounts", columns, cJSON_GetObjectItem(answer, "accounts"));
  cJSON_Delete(answer);
}

static void show_balances(cala_ledger *ledger, const names *n) {
  static const column columns[] = {{"account", "account_id", 0},  {"currency", "currency", 0},
                                   {"debit", "settled.debit", 1}, {"credit", "settled.credit", 1},
                                   {"net", "settled.net", 1},     {"normal", "normal_balance_type", 0},
                                   {"version", "version", 1}};
  cJSON *answer = run(ledger, cala_balance_list, "{\"journal_id\": \"%s\", \"account_ids\": [\"%s\", \"%s\"]}",
                      n->journal, n->alice, n->cash);
  name_accounts(cJSON_GetObjectItem(answer, "items"), n);
  SHOW_TABLE("Balances (settled layer)", columns, cJSON_GetObjectItem(answer, "items"));
  cJSON_Delete(answer);
}

static void post(cala_ledger *ledger, names *n) {
  static const column transaction_columns[] = {{"id", "id", 0},
                                               {"tx template", "tx_template_code", 0},
                                               {"effective", "effective", 0},
                                               {"description", "description", 0}};
  static const column entry_columns[] = {{"sequence", "sequence", 1},  {"entry type", "entry_type", 0},
                                         {"account", "account_id", 0}, {"direction", "direction", 0},
                                         {"layer", "layer", 0},        {"units", "units", 1},
                                         {"currency", "currency", 0}};
  cJSON *answer =
      run(ledger, cala_transaction_post,
          "{\"tx_template_code\": \"DEPOSIT-%s\", \"params\": {\"account\": \"%s\", \"amount\": \"150.00\"}}",
          n->suffix, n->alice);
  cJSON *transaction = cJSON_DetachItemFromObject(answer, "transaction");
  cJSON *rows = cJSON_CreateArray();
  snprintf(n->post, sizeof n->post, "%s", text_of(transaction, "id"));
  cJSON_AddItemToArray(rows, transaction);
  SHOW_TABLE("Posted transaction", transaction_columns, rows);
  name_accounts(cJSON_GetObjectItem(answer, "entries"), n);
  SHOW_TABLE("Its entries", entry_columns, cJSON_GetObjectItem(answer, "entries"));
  cJSON_Delete(rows);
  cJSON_Delete(answer);
}

/* A program that lost the answer just posts the same id again. */
static void post_again(cala_ledger *ledger, const names *n) {
  cJSON *answer = run(ledger, cala_transaction_post,
                      "{\"id\": \"%s\", \"tx_template_code\": \"DEPOSIT-%s\","
                      " \"params\": {\"account\": \"%s\", \"amount\": \"150.00\"}}",
                      n->post, n->suffix, n->alice);
  printf("\nThe same id posted again\n  replayed: %s; nothing was written\n",
         cJSON_IsTrue(cJSON_GetObjectItem(answer, "replayed")) ? "true" : "false");
  cJSON_Delete(answer);
}

static void post_to_locked_account(cala_ledger *ledger, const names *n) {
  char request[256];
  cala_error *error = NULL;
  cJSON *answer;
  cJSON_Delete(run(ledger, cala_account_lock, "{\"id\": \"%s\"}", n->alice));
  snprintf(request, sizeof request,
           "{\"tx_template_code\": \"DEPOSIT-%s\", \"params\": {\"account\": \"%s\", \"amount\": \"1\"}}", n->suffix,
           n->alice);
  answer = try_run(ledger, cala_transaction_post, request, &error);
  printf("\nA posting to an account that was locked\n");
  show_error(error);
  cala_error_free(error);
  cJSON_Delete(answer);
}

int main(int argc, char **argv) {
  cala_ledger *ledger = open_ledger(argc > 1 ? argv[1] : "sqlite::memory:");
  cJSON *info = run(ledger, cala_ledger_info, "{}");
  names n;
  printf("cala %s on %s\n", cala_version(), text_of(info, "store"));
  cJSON_Delete(info);
  set_up(ledger, &n);
  show_accounts(ledger, &n);
  post(ledger, &n);
  show_balances(ledger, &n);
  post_again(ledger, &n);
  post_to_locked_account(ledger, &n);
  show_balances(ledger, &n);
  cala_ledger_free(ledger);
  return EXIT_SUCCESS;
}
