package tests

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"libcala.dev/cala"
	"libcala.dev/cala/raw"
)

// Which methods reach which operation. coverage.json is made from this: CALA_UPDATE=1 go test -run Coverage.
var coverage = []struct{ operation, methods string }{
	{"account_create", "Ledger.CreateAccount"},
	{"account_create_many", "Ledger.CreateAccounts"},
	{"account_find", "Ledger.FindAccount"},
	{"account_find_many", "Ledger.FindAccounts"},
	{"account_list", "Ledger.Accounts, Ledger.AccountsPage"},
	{"account_update", "Ledger.UpdateAccount"},
	{"account_lock", "Ledger.LockAccount"},
	{"account_unlock", "Ledger.UnlockAccount"},
	{"journal_create", "Ledger.CreateJournal"},
	{"journal_find", "Ledger.FindJournal"},
	{"journal_list", "Ledger.Journals, Ledger.JournalsPage"},
	{"journal_update", "Ledger.UpdateJournal"},
	{"journal_lock", "Ledger.LockJournal"},
	{"journal_unlock", "Ledger.UnlockJournal"},
	{"tx_template_create", "Ledger.CreateTxTemplate"},
	{"tx_template_find", "Ledger.FindTxTemplate"},
	{"tx_template_list", "Ledger.TxTemplates, Ledger.TxTemplatesPage"},
	{"transaction_post", "Ledger.Post"},
	{"transaction_post_many", "Ledger.PostMany"},
	{"transaction_find", "Ledger.FindTransaction"},
	{"transaction_find_many", "Ledger.FindTransactions"},
	{"transaction_list", "Ledger.Transactions, Ledger.TransactionsPage"},
	{"entry_list", "Ledger.Entries, Ledger.EntriesPage"},
	{"entry_find_many", "Ledger.FindEntries"},
	{"balance_find", "Ledger.FindBalance"},
	{"balance_find_many", "Ledger.FindBalances"},
	{"balance_list", "Ledger.Balances, Ledger.BalancesPage"},
	{"balance_history", "Ledger.BalanceHistory, Ledger.BalanceHistoryPage"},
	{"balance_at", "Ledger.BalanceAtVersion, Ledger.BalanceAtTime"},
	{"tx_lock_accounts", "Tx.LockAccounts, HostTx.LockAccounts"},
	{"tx_exec", "Tx.Exec"},
	{"cel_evaluate", "Ledger.EvaluateCEL"},
	{"ledger_info", "Ledger.Info"},
	{"ledger_migrate", "Ledger.Migrate"},
}

func TestCoverage_every_operation_of_the_header_has_its_methods(t *testing.T) {
	header := must[[]byte](t)(os.ReadFile("../../../include/cala.h"))
	makes := regexp.MustCompile(`CALA_API cala_status cala_(\w+)\(cala_ledger \*ledger, cala_tx \*tx, const char \*request,`)
	declared := makes.FindAllStringSubmatch(string(header), -1)
	equal(t, len(declared), len(coverage))
	equal(t, len(raw.Operations), len(coverage))
	for i, row := range coverage {
		equal(t, declared[i][1], row.operation)
		equal(t, raw.Operations[i].Name, row.operation)
		for _, method := range strings.Split(row.methods, ", ") {
			receiver, name, _ := strings.Cut(method, ".")
			_, found := receivers[receiver].MethodByName(name)
			if !found {
				t.Errorf("%s: there is no method %s", row.operation, method)
			}
		}
	}
}

var receivers = map[string]reflect.Type{"Ledger": reflect.TypeFor[*cala.Ledger](), "Tx": reflect.TypeFor[*cala.Tx](),
	"HostTx": reflect.TypeFor[*cala.HostTx]()}

func TestCoverage_the_file_is_made_from_the_table(t *testing.T) {
	rows := make([]string, len(coverage))
	for i, row := range coverage {
		rows[i] = fmt.Sprintf("  %q: %q", row.operation, row.methods)
	}
	want := "{\n" + strings.Join(rows, ",\n") + "\n}\n"
	if os.Getenv("CALA_UPDATE") != "" {
		check(t, os.WriteFile("../coverage.json", []byte(want), 0o644))
	}
	equal(t, string(must[[]byte](t)(os.ReadFile("../coverage.json"))), want)
}
