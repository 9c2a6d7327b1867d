/* The shortest program: Alice pays 100.00 in. cc quick_start.c -lcala */
#include <cala.h>
#include <stdio.h>
#include <string.h>

#define MAIN "01900000-0000-7000-8000-000000000001"
#define ALICE "01900000-0000-7000-8000-00000000000a"
#define CASH "01900000-0000-7000-8000-00000000000b"

typedef cala_status operation(cala_ledger *, cala_tx *, const char *, size_t, cala_op **, cala_error **);

/* Runs one operation: JSON in, JSON out. */
static int run(cala_ledger *ledger, operation *make, const char *request, int show) {
  cala_op *op = NULL;
  cala_error *error = NULL;
  int ok =
      make(ledger, NULL, request, strlen(request), &op, &error) == CALA_OK && cala_op_run(op, -1, &error) == CALA_OK;
  if (ok && show) puts(cala_op_result(op, NULL));
  if (!ok) fprintf(stderr, "%s: %s\n", cala_error_code(error), cala_error_message(error));
  cala_error_free(error);
  cala_op_free(op);
  return ok;
}

int main(void) {
  const char *config = "{\"store\": \"sqlite::memory:\"}";
  cala_ledger *ledger = NULL;
  int ok = cala_ledger_open(config, strlen(config), &ledger, NULL) == CALA_OK;
  ok = ok && run(ledger, cala_account_create, "{\"id\": \"" ALICE "\", \"code\": \"ALICE\", \"name\": \"Alice\"}", 0);
  ok = ok &&
       run(ledger, cala_account_create,
           "{\"id\": \"" CASH "\", \"code\": \"CASH\", \"name\": \"Cash\", \"normal_balance_type\": \"debit\"}", 0);
  ok = ok && run(ledger, cala_journal_create, "{\"id\": \"" MAIN "\", \"name\": \"Main\"}", 0);
  ok = ok &&
       run(ledger, cala_tx_template_create,
           "{\"code\": \"DEPOSIT\","
           " \"params\": [{\"name\": \"account\", \"type\": \"uuid\"}, {\"name\": \"amount\", \"type\": \"decimal\"}],"
           " \"transaction\": {\"journal_id\": \"uuid('" MAIN
           "')\", \"effective\": \"date()\"},"
           " \"entries\": ["
           "  {\"entry_type\": \"'DEPOSIT_DR'\", \"account_id\": \"uuid('" CASH
           "')\", \"direction\": \"DEBIT\","
           "   \"layer\": \"SETTLED\", \"units\": \"params.amount\", \"currency\": \"'USD'\"},"
           "  {\"entry_type\": \"'DEPOSIT_CR'\", \"account_id\": \"params.account\", \"direction\": \"CREDIT\","
           "   \"layer\": \"SETTLED\", \"units\": \"params.amount\", \"currency\": \"'USD'\"}]}",
           0);
  ok = ok &&
       run(ledger, cala_transaction_post,
           "{\"tx_template_code\": \"DEPOSIT\", \"params\": {\"account\": \"" ALICE "\", \"amount\": \"100.00\"}}", 0);
  ok = ok && run(ledger, cala_balance_find,
                 "{\"journal_id\": \"" MAIN "\", \"account_id\": \"" ALICE "\", \"currency\": \"USD\"}", 1);
  cala_ledger_free(ledger);
  return ok ? 0 : 1;
}
