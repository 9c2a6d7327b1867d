// The shortest program: Alice pays 100.00 in.
package main

import (
	"context"
	"fmt"
	"log"

	"libcala.dev/cala"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	ledger, err := cala.Open(ctx, cala.Config{Store: "sqlite::memory:"})
	if err != nil {
		return err
	}
	defer ledger.Close()
	accounts, err := ledger.CreateAccounts(ctx, []cala.NewAccount{
		{Code: "ALICE", Name: "Alice"}, {Code: "CASH", Name: "Cash", NormalBalanceType: cala.Debit}})
	if err != nil {
		return err
	}
	alice, cash := accounts[0].ID, accounts[1].ID
	journal, err := ledger.CreateJournal(ctx, cala.NewJournal{Name: "Main"})
	if err != nil {
		return err
	}
	if _, err = ledger.CreateTxTemplate(ctx, deposit(journal.ID, cash)); err != nil {
		return err
	}
	if _, err = ledger.Post(ctx, "DEPOSIT", cala.Params{"account": alice, "amount": "100.00"}); err != nil {
		return err
	}
	balance, err := ledger.FindBalance(ctx, cala.BalanceKey{JournalID: journal.ID, AccountID: alice, Currency: "USD"})
	if err != nil {
		return err
	}
	fmt.Println("Alice has", balance.Settled.Net, balance.Currency)
	return nil
}

func deposit(journal, cash string) cala.NewTxTemplate {
	entry := func(entryType, account, direction string) cala.TxTemplateEntry {
		return cala.TxTemplateEntry{EntryType: entryType, AccountID: account, Direction: direction, Layer: "SETTLED",
			Units: "params.amount", Currency: "'USD'"}
	}
	return cala.NewTxTemplate{
		Code:        "DEPOSIT",
		Params:      []cala.Param{{Name: "account", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal}},
		Transaction: cala.TxTemplateTransaction{JournalID: "uuid('" + journal + "')", Effective: "date()"},
		Entries: []cala.TxTemplateEntry{
			entry("'DEPOSIT_DR'", "uuid('"+cash+"')", "DEBIT"),
			entry("'DEPOSIT_CR'", "params.account", "CREDIT"),
		},
	}
}
