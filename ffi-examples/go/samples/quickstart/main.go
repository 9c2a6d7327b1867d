// The shortest program: money comes in.
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
	accounts, err := ledger.CreateAccounts(ctx, []cala.NewAccount{{Code: "ALICE", Name: "Alice"}, {Code: "BANK", Name: "Bank"}})
	if err != nil {
		return err
	}
	journal, err := ledger.CreateJournal(ctx, cala.NewJournal{Name: "Main"})
	if err != nil {
		return err
	}
	if _, err = ledger.CreateTxTemplate(ctx, deposit(journal.ID, accounts[1].ID)); err != nil {
		return err
	}
	posted, err := ledger.Post(ctx, "DEPOSIT", cala.Params{"account": accounts[0].ID, "amount": "100.00"})
	if err != nil {
		return err
	}
	fmt.Println(posted.Entries[1].Direction, posted.Entries[1].Units, posted.Entries[1].Currency)
	return nil
}

func deposit(journal, bank string) cala.NewTxTemplate {
	return cala.NewTxTemplate{
		Code:        "DEPOSIT",
		Params:      []cala.Param{{Name: "account", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "uuid('" + journal + "')"},
		Entries: []cala.TxTemplateEntry{
			{EntryType: "'DEPOSIT'", AccountID: "uuid('" + bank + "')", Layer: "SETTLED", Direction: "DEBIT",
				Units: "params.amount", Currency: "'USD'"},
			{EntryType: "'DEPOSIT'", AccountID: "params.account", Layer: "SETTLED", Direction: "CREDIT",
				Units: "params.amount", Currency: "'USD'"},
		},
	}
}
