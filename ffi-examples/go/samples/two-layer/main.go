// Money that is held before it moves: the pending layer.
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
	alice := ledger.Account(ctx, "ALICE", "Alice", cala.Credit)
	bank := ledger.Account(ctx, "BANK", "Bank", cala.Debit)
	journal := ledger.Journal(ctx)
	key := cala.BalanceKey{JournalID: journal, AccountID: alice, Currency: "USD"}

	fromBank := func(layer string) []cala.TxTemplateEntry {
		return []cala.TxTemplateEntry{entry("CREDIT", "params.alice", layer), entry("DEBIT", "params.bank", layer)}
	}
	toBank := func(layer string) []cala.TxTemplateEntry {
		return []cala.TxTemplateEntry{entry("DEBIT", "params.alice", layer), entry("CREDIT", "params.bank", layer)}
	}
	create(ctx, ledger, "DEPOSIT", fromBank("SETTLED"))
	create(ctx, ledger, "HOLD", toBank("PENDING"))
	create(ctx, ledger, "CAPTURE", append(fromBank("PENDING"), toBank("SETTLED")...))
	create(ctx, ledger, "RELEASE", fromBank("PENDING"))

	post := func(code, amount string) {
		params := cala.Params{"journal": journal, "alice": alice, "bank": bank, "amount": amount}
		sample.Must(ledger.Post(ctx, ledger.Code(code), params))
	}
	show := func(done string) {
		balance := sample.Must(ledger.FindBalance(ctx, key))
		fmt.Println(done)
		fmt.Printf("  ALICE  settled %s  pending %s  available %s\n", balance.Settled.Net, balance.Pending.Net,
			balance.Available.Pending)
	}
	post("DEPOSIT", "100.00")
	post("HOLD", "40.00")
	show("held 40.00")
	post("CAPTURE", "25.00")
	show("captured 25.00")
	post("RELEASE", "15.00")
	show("released 15.00")

	fmt.Println("history of ALICE")
	for balance, err := range ledger.BalanceHistory(ctx, key, cala.PageRequest{}) {
		sample.Check(err)
		fmt.Printf("  %d  settled %s  pending %s\n", balance.Version, balance.Settled.Net, balance.Pending.Net)
	}
}

func entry(direction, account, layer string) cala.TxTemplateEntry {
	return cala.TxTemplateEntry{EntryType: "'CARD'", AccountID: account, Layer: layer, Direction: direction,
		Units:    "params.amount",
		Currency: "'USD'"}
}

func create(ctx context.Context, ledger sample.Ledger, code string, entries []cala.TxTemplateEntry) {
	sample.Must(ledger.CreateTxTemplate(ctx, cala.NewTxTemplate{
		Code: ledger.Code(code),
		Params: []cala.Param{{Name: "journal", Type: cala.ParamUUID}, {Name: "alice", Type: cala.ParamUUID},
			{Name: "bank", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "params.journal"},
		Entries:     entries,
	}))
}
