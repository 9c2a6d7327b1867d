// Statements of account by effective date, a balance over a range, and the trial balance.
package main

import (
	"context"
	"fmt"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	defer ledger.Close()
	journal := sample.Must(ledger.CreateJournal(ctx, cala.NewJournal{
		Code: ledger.Code("MAIN"), Name: "Main", EffectiveBalances: true})).ID
	cash := ledger.Account(ctx, "CASH", "Cash", cala.Debit)
	alice := ledger.Account(ctx, "ALICE", "Alice", cala.Credit)
	bob := ledger.Account(ctx, "BOB", "Bob", cala.Credit)
	ledger.DatedTransfer(ctx, "DEPOSIT")
	for _, deposit := range [][3]string{{alice, "100.00", "2026-01-10"}, {alice, "30.00", "2026-02-02"},
		{bob, "50.00", "2026-01-20"}, {alice, "7.00", "2026-01-31"}} {
		params := cala.Params{"journal": journal, "debit": cash, "credit": deposit[0], "amount": deposit[1],
			"day": deposit[2]}
		sample.Must(ledger.Post(ctx, ledger.Code("DEPOSIT"), params))
	}

	key := cala.BalanceKey{JournalID: journal, AccountID: alice, Currency: "USD"}
	statement := sample.Must(ledger.AccountStatement(ctx, cala.AccountStatementRequest{
		BalanceKey: key, By: "effective", From: "2026-01-15", Until: "2026-02-28"}))
	fmt.Println("ALICE, 2026-01-15 to 2026-02-28")
	fmt.Printf("  %-7s  %6s  %6s\n", "opening", "", statement.Opening.Net)
	for _, line := range statement.Items {
		fmt.Printf("  %-7s  %6s  %6s\n", line.Entry.Direction, line.Entry.Units, line.Running.Net)
	}
	fmt.Printf("  %-7s  %6s  %6s\n", "closing", "", statement.Closing.Net)

	fmt.Println("page by page, newest first")
	request := cala.AccountStatementRequest{BalanceKey: key, PageRequest: cala.PageRequest{First: 2, Order: "desc"}}
	for more := true; more; {
		page := sample.Must(ledger.AccountStatement(ctx, request))
		fmt.Print(" ")
		for _, line := range page.Items {
			fmt.Print(" ", line.Entry.Units)
		}
		fmt.Println()
		request.After, more = page.EndCursor, page.HasNextPage
	}

	january := sample.Must(ledger.RangeBalance(ctx, cala.BalanceRangeRequest{BalanceKey: key, From: "2026-01-01",
		Until: "2026-01-31"}))
	fmt.Printf("ALICE in January: %s, %s, %s\n", january.Open.Settled.Net, january.Period.Settled.Net,
		january.Close.Settled.Net)

	trial := sample.Must(ledger.TrialBalance(ctx, cala.TrialBalanceRequest{
		JournalID: journal, At: &cala.TrialMoment{Effective: "2026-01-31"}}))
	fmt.Println("trial balance, 2026-01-31")
	for _, line := range trial.Items {
		fmt.Printf("  %-5s  %6s  %6s\n", ledger.Shown(line.Code), line.Debit, line.Credit)
	}
	for _, total := range trial.Totals {
		fmt.Printf("  %-5s  %6s  %6s\n", "", total.Debit, total.Credit)
	}
}
