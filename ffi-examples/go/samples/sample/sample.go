// Package sample is what the samples share: opening a store that they may use anew, and stopping at the first error.
package sample

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"libcala.dev/cala"
)

// Ledger is a ledger and what tells this run's codes from those of earlier runs on the same store.
type Ledger struct {
	*cala.Ledger
	Suffix string
}

// Open opens the store, or that of the first argument.
func Open(ctx context.Context, store string, options ...cala.Option) Ledger {
	if len(os.Args) > 1 {
		store = os.Args[1]
	}
	ledger := Must(cala.Open(ctx, cala.Config{Store: store, Migrate: cala.Ptr(true)}, options...))
	if store == "sqlite::memory:" {
		return Ledger{ledger, ""}
	}
	return Ledger{ledger, "-" + rand.Text()[:8]}
}

// Code makes a code unique on a store that lives on.
func (l Ledger) Code(code string) string { return code + l.Suffix }

// Shown is a code as it is printed.
func (l Ledger) Shown(code string) string { return strings.TrimSuffix(code, l.Suffix) }

// Account creates an account and gives its id.
func (l Ledger) Account(ctx context.Context, code, name string, normal cala.Direction) string {
	return Must(l.CreateAccount(ctx, cala.NewAccount{Code: l.Code(code), Name: name, NormalBalanceType: normal})).ID
}

// Journal creates the journal MAIN and gives its id.
func (l Ledger) Journal(ctx context.Context) string {
	return Must(l.CreateJournal(ctx, cala.NewJournal{Code: l.Code("MAIN"), Name: "Main"})).ID
}

// Transfer creates a tx template with params journal, debit, credit, amount: one debit and one credit in USD.
func (l Ledger) Transfer(ctx context.Context, code string) { l.transfer(ctx, code, "date()") }

// DatedTransfer creates one with a param day besides, its effective date.
func (l Ledger) DatedTransfer(ctx context.Context, code string) {
	l.transfer(ctx, code, "params.day", cala.Param{Name: "day", Type: cala.ParamDate})
}

func (l Ledger) transfer(ctx context.Context, code, effective string, more ...cala.Param) {
	entry := func(direction, account string) cala.TxTemplateEntry {
		return cala.TxTemplateEntry{EntryType: "'" + code + "'", AccountID: account, Layer: "SETTLED", Direction: direction,
			Units: "params.amount", Currency: "'USD'"}
	}
	Must(l.CreateTxTemplate(ctx, cala.NewTxTemplate{
		Code: l.Code(code),
		Params: append([]cala.Param{{Name: "journal", Type: cala.ParamUUID}, {Name: "debit", Type: cala.ParamUUID},
			{Name: "credit", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal}}, more...),
		Transaction: cala.TxTemplateTransaction{Effective: effective, JournalID: "params.journal"},
		Entries:     []cala.TxTemplateEntry{entry("DEBIT", "params.debit"), entry("CREDIT", "params.credit")},
	}))
}

// NewID makes a UUID.
func NewID() string {
	id := make([]byte, 16)
	rand.Read(id)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// Must gives the value, or stops the program with the error.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

// Check stops the program with the error, if there is one.
func Check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
