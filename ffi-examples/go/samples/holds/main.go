// Holds: amounts set aside, captured in parts, released, expired.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

func main() {
	ctx := context.Background()
	ledger := sample.Open(ctx, "sqlite::memory:")
	defer ledger.Close()
	card := cards{ledger, ledger.Journal(ctx), ledger.Account(ctx, "ALICE", "Alice", cala.Credit),
		ledger.Account(ctx, "SHOP", "Shop", cala.Credit)}
	bank := ledger.Account(ctx, "BANK", "Bank", cala.Debit)
	card.template(ctx, "DEPOSIT", "SETTLED")
	card.template(ctx, "AUTHORISE", "PENDING")
	sample.Must(ledger.Post(ctx, ledger.Code("DEPOSIT"), cala.Params{"debit": bank, "credit": card.alice,
		"amount": "100.00"}))

	hotel := card.hold(ctx, "60.00", time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC))
	fmt.Println("held 60.00 of 100.00")
	card.show(ctx)
	part := sample.Must(ledger.CaptureHold(ctx, cala.HoldCaptureRequest{HoldID: hotel, Amount: "20.00",
		Final: cala.Ptr(false)})).Hold
	fmt.Printf("captured 20.00, %s left\n", part.Left)
	card.show(ctx)
	_, err := ledger.CaptureHold(ctx, cala.HoldCaptureRequest{HoldID: hotel, Amount: "50.00"})
	numbers := refusal(err)
	fmt.Printf("%s: %s of %s\n", numbers.Code, numbers.Requested, numbers.Left)

	// with an id of its own it can be repeated
	last := cala.HoldCaptureRequest{HoldID: hotel, ID: sample.NewID(), Amount: "25.00"}
	captured := sample.Must(ledger.CaptureHold(ctx, last)).Hold
	fmt.Printf("captured %s of %s, and the rest is released\n", captured.Captured, captured.Amount)
	card.show(ctx)
	fmt.Println("the same again: replayed", sample.Must(ledger.CaptureHold(ctx, last)).Replayed)
	_, err = ledger.ReleaseHold(ctx, cala.HoldReleaseRequest{HoldID: hotel})
	fmt.Printf("%s: %s\n", refusal(err).Code, refusal(err).Status)

	sample.Must(ledger.ReleaseHold(ctx, cala.HoldReleaseRequest{HoldID: card.hold(ctx, "30.00", time.Time{})}))
	fmt.Println("released 30.00")
	card.show(ctx)
	card.hold(ctx, "10.00", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	sample.Must(ledger.ExpireHold(ctx, cala.HoldExpireRequest{}))
	expired := sample.Must(ledger.HoldsPage(ctx, cala.HoldFilter{AccountID: card.alice, Status: cala.HoldExpired}))
	open := sample.Must(ledger.HoldsPage(ctx, cala.HoldFilter{AccountID: card.alice, Status: cala.HoldOpen}))
	fmt.Printf("expired 10.00, holds that have expired: %d, open ones: %d\n", len(expired.Items), len(open.Items))
	card.show(ctx)
}

type cards struct {
	sample.Ledger
	journal, alice, shop string
}

// template creates one with params debit, credit, amount: one debit and one credit of the layer.
func (c cards) template(ctx context.Context, code, layer string) {
	entry := func(direction, account string) cala.TxTemplateEntry {
		return cala.TxTemplateEntry{EntryType: "'" + code + "'", AccountID: account, Layer: layer, Direction: direction,
			Units: "params.amount", Currency: "'USD'"}
	}
	sample.Must(c.CreateTxTemplate(ctx, cala.NewTxTemplate{
		Code: c.Code(code),
		Params: []cala.Param{{Name: "debit", Type: cala.ParamUUID}, {Name: "credit", Type: cala.ParamUUID},
			{Name: "amount", Type: cala.ParamDecimal}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "uuid('" + c.journal + "')"},
		Entries:     []cala.TxTemplateEntry{entry("DEBIT", "params.debit"), entry("CREDIT", "params.credit")},
	}))
}

func (c cards) hold(ctx context.Context, amount string, expiresAt time.Time) string {
	params := cala.Params{"debit": c.alice, "credit": c.shop, "amount": amount}
	return sample.Must(c.CreateHold(ctx, cala.NewHold{TxTemplateCode: c.Code("AUTHORISE"), Params: params,
		ExpiresAt: expiresAt})).Hold.ID
}

func (c cards) show(ctx context.Context) {
	balance := sample.Must(c.FindBalance(ctx, cala.BalanceKey{JournalID: c.journal, AccountID: c.alice, Currency: "USD"}))
	fmt.Printf("  ALICE  settled %s  pending %s  available %s\n", balance.Settled.Net, balance.Pending.Net,
		balance.Available.Pending)
}

type refused struct{ Code, Requested, Left, Status string }

// refusal is what the ledger says of it; any other error stops the program.
func refusal(err error) refused {
	var failure *cala.Error
	if !errors.Is(err, cala.ErrRejected) || !errors.As(err, &failure) {
		sample.Check(err)
		return refused{}
	}
	told := refused{Code: failure.Code}
	sample.Check(json.Unmarshal(failure.Details, &told))
	return told
}
