// A wallet: money comes in, money goes out, never more than there is.
package main

import (
	"context"
	"encoding/json"
	"errors"
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
	journal, err := ledger.CreateJournal(ctx, cala.NewJournal{Code: "MAIN", Name: "Main"})
	if err != nil {
		return err
	}
	accounts, err := ledger.CreateAccounts(ctx, []cala.NewAccount{
		{Code: "BANK", Name: "Bank", NormalBalanceType: cala.Debit},
		{Code: "ALICE", Name: "Alice", MinAvailable: "0"}})
	if err != nil {
		return err
	}
	bank := "uuid('" + accounts[0].ID + "')"
	for _, template := range []cala.NewTxTemplate{
		payment("DEPOSIT", journal.ID, bank, "params.wallet"),
		payment("WITHDRAWAL", journal.ID, "params.wallet", bank),
	} {
		if _, err := ledger.CreateTxTemplate(ctx, template); err != nil {
			return err
		}
	}

	wallet := cala.BalanceKey{JournalID: journal.ID, AccountID: accounts[1].ID, Currency: "USD"}
	for _, asked := range [][3]string{
		{"DEPOSIT", "payment-1", "100.00"},
		{"WITHDRAWAL", "payment-2", "30.00"},
		{"WITHDRAWAL", "payment-3", "80.00"},
		{"DEPOSIT", "payment-1", "100.00"}, // its answer was lost, so it is sent again
	} {
		if err := pay(ctx, ledger, wallet, asked[0], asked[1], asked[2]); err != nil {
			return err
		}
	}

	// What would become of it, before anybody is asked to confirm.
	for _, amount := range []string{"70.00", "70.01"} {
		preview, err := ledger.PreviewTransaction(ctx, cala.Posting{TxTemplateCode: "WITHDRAWAL",
			Params: cala.Params{"wallet": wallet.AccountID, "amount": amount, "payment": "payment-4"}})
		if err != nil {
			return err
		}
		if preview.WouldPost {
			fmt.Println(amount, "would be paid")
			continue
		}
		var numbers struct{ Available string }
		if err := json.Unmarshal(preview.Error.Details, &numbers); err != nil {
			return err
		}
		fmt.Printf("%s would be refused: %s is there\n", amount, numbers.Available)
	}
	return nil
}

func pay(ctx context.Context, ledger *cala.Ledger, wallet cala.BalanceKey, code, payment, amount string) error {
	params := cala.Params{"wallet": wallet.AccountID, "amount": amount, "payment": payment}
	posted, err := ledger.Post(ctx, code, params)
	var refusal *cala.Error
	if err != nil && !(errors.Is(err, cala.ErrRejected) && errors.As(err, &refusal)) {
		return err
	}
	balance, err := ledger.FindBalance(ctx, wallet)
	if err != nil {
		return err
	}
	switch {
	case refusal != nil:
		fmt.Printf("%-10s %6s  refused   wallet %s, %s\n", code, amount, balance.Settled.Net, refusal.Code)
	case posted.Replayed:
		fmt.Printf("%-10s %6s  replayed  wallet %s\n", code, amount, balance.Settled.Net)
	default:
		fmt.Printf("%-10s %6s  posted    wallet %s\n", code, amount, balance.Settled.Net)
	}
	return nil
}

// payment is a tx template that moves params.amount, which is not below zero, and is known by params.payment.
func payment(code, journal, debited, credited string) cala.NewTxTemplate {
	entry := func(account, direction string) cala.TxTemplateEntry {
		return cala.TxTemplateEntry{EntryType: "'" + code + "'", AccountID: account, Direction: direction, Layer: "SETTLED",
			Units: "params.amount", Currency: "'USD'"}
	}
	return cala.NewTxTemplate{
		Code: code,
		Params: []cala.Param{{Name: "wallet", Type: cala.ParamUUID}, {Name: "payment", Type: cala.ParamString},
			{Name: "amount", Type: cala.ParamDecimal, Min: "decimal('0')"}},
		Transaction: cala.TxTemplateTransaction{JournalID: "uuid('" + journal + "')", Effective: "date()",
			ExternalID: "params.payment"},
		Entries: []cala.TxTemplateEntry{entry(debited, "DEBIT"), entry(credited, "CREDIT")},
	}
}
