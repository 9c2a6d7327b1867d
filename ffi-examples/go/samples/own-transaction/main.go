// The program's SQL and the ledger's postings in one transaction of the ledger's own.
package main

import (
	"context"
	"errors"
	"fmt"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

type shop struct {
	sample.Ledger
	orders               string // the table, which outlives a run on a store that does
	journal, cash, alice string
}

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	defer ledger.Close()
	shop := shop{Ledger: ledger, orders: `"orders` + ledger.Suffix + `"`, journal: ledger.Journal(ctx),
		cash: ledger.Account(ctx, "CASH", "Cash", cala.Debit), alice: ledger.Account(ctx, "ALICE", "Alice", cala.Credit)}
	ledger.Transfer(ctx, "DEPOSIT")
	carol := ledger.Account(ctx, "CAROL", "Carol", cala.Credit)
	within(ctx, shop, func(tx *cala.Tx) {
		sample.Must(tx.Exec(ctx, "CREATE TABLE "+shop.orders+" (note text)"))
	})

	tx := sample.Must(ledger.Begin(ctx))
	shop.order(ctx, tx, "rolled back")
	sample.Check(shop.deposit(ctx, tx, shop.alice))
	sample.Check(tx.Rollback(ctx))
	shop.show(ctx, "rolled back")

	within(ctx, shop, func(tx *cala.Tx) {
		shop.order(ctx, tx, "committed")
		sample.Check(shop.deposit(ctx, tx, shop.alice))
	})
	shop.show(ctx, "committed")

	within(ctx, shop, func(tx *cala.Tx) { sample.Must(tx.LockAccount(ctx, carol)) })
	within(ctx, shop, func(tx *cala.Tx) {
		shop.order(ctx, tx, "without a deposit")
		var failure *cala.Error
		if err := shop.deposit(ctx, tx, carol); errors.As(err, &failure) && failure.TxState == cala.TxUsable {
			fmt.Printf("rejected inside: %s, the transaction goes on\n", failure.Code)
		}
	})
	shop.show(ctx, "committed")
}

// Runs work in a transaction and commits it.
func within(ctx context.Context, shop shop, work func(tx *cala.Tx)) {
	tx := sample.Must(shop.Begin(ctx))
	defer tx.Rollback(ctx)
	work(tx)
	sample.Check(tx.Commit(ctx))
}

func (s shop) order(ctx context.Context, tx *cala.Tx, note string) {
	placeholder := "$1"
	if info := sample.Must(tx.Info(ctx)); info.Store == "sqlite" {
		placeholder = "?"
	}
	sample.Must(tx.Exec(ctx, "INSERT INTO "+s.orders+" (note) VALUES ("+placeholder+")", note))
}

func (s shop) deposit(ctx context.Context, tx *cala.Tx, account string) error {
	_, err := tx.Post(ctx, s.Code("DEPOSIT"),
		cala.Params{"journal": s.journal, "debit": s.cash, "credit": account, "amount": "30.00"})
	return err
}

func (s shop) show(ctx context.Context, outcome string) {
	within(ctx, s, func(tx *cala.Tx) {
		orders := sample.Must(tx.Exec(ctx, "SELECT count(*) FROM "+s.orders)).Text(0, 0)
		noun := "orders"
		if orders == "1" {
			noun = "order"
		}
		holds := "no balance"
		balance, err := tx.FindBalance(ctx, cala.BalanceKey{JournalID: s.journal, AccountID: s.alice, Currency: "USD"})
		if !errors.Is(err, cala.ErrNotFound) {
			sample.Check(err)
			holds = balance.Settled.Net + " USD"
		}
		fmt.Printf("%s: %s %s, ALICE has %s\n", outcome, orders, noun, holds)
	})
}
