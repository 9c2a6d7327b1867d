// The main job: accounts, a journal, a tx template, a posting, balances.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	alice := ledger.Account(ctx, "ALICE", "Alice", cala.Credit)
	cash := ledger.Account(ctx, "CASH", "Cash", cala.Debit)
	codes := map[string]string{alice: "ALICE", cash: "CASH"}
	showAccounts(ctx, ledger)

	journal := ledger.Journal(ctx)
	createDeposit(ctx, ledger)
	id := sample.NewID()
	params := cala.Params{"journal": journal, "cash": cash, "account": alice, "amount": "100.00",
		"effective": "2026-01-31"}
	posted := sample.Must(ledger.Post(ctx, ledger.Code("DEPOSIT"), params, cala.WithID(id)))
	fmt.Println("posted DEPOSIT")
	for _, entry := range posted.Entries {
		fmt.Printf("  %d  %-5s  %-6s  %s %s  %s\n", entry.Sequence, codes[entry.AccountID], entry.Direction, entry.Units,
			entry.Currency, entry.Layer)
	}

	fmt.Println("balances")
	for _, account := range []string{alice, cash} {
		balance := sample.Must(ledger.FindBalance(ctx, cala.BalanceKey{JournalID: journal, AccountID: account,
			Currency: "USD"}))
		fmt.Printf("  %-5s  %s %s\n", codes[account], balance.Settled.Net, balance.Currency)
	}
	if sample.Must(ledger.Post(ctx, ledger.Code("DEPOSIT"), params, cala.WithID(id))).Replayed {
		fmt.Println("posted again: replayed")
	}

	_, err := ledger.FindAccount(ctx, cala.ByCode(ledger.Code("NOBODY")))
	var failure *cala.Error
	if errors.Is(err, cala.ErrNotFound) && errors.As(err, &failure) {
		fmt.Println("not found:", failure.Code)
	}
	sample.Check(ledger.Close())
	fmt.Println("closed")
}

func showAccounts(ctx context.Context, ledger sample.Ledger) {
	fmt.Println("accounts")
	for account, err := range ledger.Accounts(ctx, cala.AccountFilter{}) {
		sample.Check(err)
		if strings.HasSuffix(account.Code, ledger.Suffix) {
			fmt.Printf("  %-5s  %-5s  %s\n", ledger.Shown(account.Code), account.Name, account.NormalBalanceType)
		}
	}
}

func createDeposit(ctx context.Context, ledger sample.Ledger) {
	entry := cala.TxTemplateEntry{EntryType: "'DEPOSIT'", Layer: "SETTLED", Units: "params.amount", Currency: "'USD'"}
	debit, credit := entry, entry
	debit.Direction, debit.AccountID = "DEBIT", "params.cash"
	credit.Direction, credit.AccountID = "CREDIT", "params.account"
	sample.Must(ledger.CreateTxTemplate(ctx, cala.NewTxTemplate{
		Code: ledger.Code("DEPOSIT"),
		Params: []cala.Param{{Name: "journal", Type: cala.ParamUUID}, {Name: "cash", Type: cala.ParamUUID},
			{Name: "account", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal},
			{Name: "effective", Type: cala.ParamDate}},
		Transaction: cala.TxTemplateTransaction{Effective: "params.effective", JournalID: "params.journal"},
		Entries:     []cala.TxTemplateEntry{debit, credit},
	}))
}
