package tests

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libcala.dev/cala"
)

// A shop keeps orders in its own table and money in the ledger, in one database.
type shop struct {
	t       *testing.T
	ctx     context.Context
	adapter adapter
	store   string
	ledger  *cala.Ledger
	db      database
	orders  string
	books
}

// What every test posts with.
type books struct{ journal, alice, bob, carol string }

var shops atomic.Int64

// newShop gives each test a file or a schema of its own.
func newShop(t *testing.T, adapter adapter, store string) *shop {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute) // a hang is a failure
	t.Cleanup(stop)
	s := &shop{t: t, ctx: ctx, adapter: adapter, store: store, orders: "orders"}
	config := cala.Config{Store: store, Migrate: cala.Ptr(true)}
	s.db = adapter.open(t, store, false)
	if !s.sqlite() {
		config.Schema = freshSchema(t, s.db.Exec)
		s.orders = config.Schema + ".orders"
	}
	s.ledger = must[*cala.Ledger](t)(cala.Open(ctx, config))
	t.Cleanup(func() { check(t, s.ledger.Close()) })
	check(t, s.db.Exec(ctx, "CREATE TABLE "+s.orders+" (note text)"))
	s.books = openBooks(t, ctx, &s.ledger.Operations)
	return s
}

func (s *shop) sqlite() bool { return strings.HasPrefix(s.store, "sqlite:") }

// freshSchema names a schema that is dropped at the test's end.
func freshSchema(t *testing.T, exec func(context.Context, string) error) string {
	schema := fmt.Sprintf("go_%s_%d", strings.ToLower(rand.Text()[:6]), shops.Add(1))
	t.Cleanup(func() { check(t, exec(context.Background(), "DROP SCHEMA IF EXISTS "+schema+" CASCADE")) })
	return schema
}

func openBooks(t *testing.T, ctx context.Context, o *cala.Operations) books {
	account := func(code string) string {
		return must[*cala.Account](t)(o.CreateAccount(ctx, cala.NewAccount{Code: code, Name: code})).ID
	}
	b := books{alice: account("ALICE"), bob: account("BOB"), carol: account("CAROL")}
	b.journal = must[*cala.Journal](t)(o.CreateJournal(ctx, cala.NewJournal{Code: "MAIN", Name: "Main"})).ID
	must[*cala.Account](t)(o.LockAccount(ctx, b.carol))
	for code, credit := range map[string]string{"TRANSFER": "params.amount", "LOPSIDED": "params.credit"} {
		must[*cala.TxTemplate](t)(o.CreateTxTemplate(ctx, transferTemplate(code, credit)))
	}
	return b
}

func transferTemplate(code, creditUnits string) cala.NewTxTemplate {
	entry := func(direction, account, units string) cala.TxTemplateEntry {
		return cala.TxTemplateEntry{EntryType: "'TRANSFER'", AccountID: account, Layer: "SETTLED", Direction: direction,
			Units: units, Currency: "'USD'"}
	}
	return cala.NewTxTemplate{
		Code: code,
		Params: []cala.Param{{Name: "journal", Type: cala.ParamUUID}, {Name: "from", Type: cala.ParamUUID},
			{Name: "to", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal},
			{Name: "credit", Type: cala.ParamDecimal, Default: "decimal('0')"}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "params.journal"},
		Entries: []cala.TxTemplateEntry{entry("DEBIT", "params.from", "params.amount"),
			entry("CREDIT", "params.to", creditUnits)},
	}
}

func (b books) transfer(from, to, amount string) cala.Params {
	return cala.Params{"journal": b.journal, "from": from, "to": to, "amount": amount}
}

func (b books) key(account string) cala.BalanceKey {
	return cala.BalanceKey{JournalID: b.journal, AccountID: account, Currency: "USD"}
}

// post moves an amount from Alice to Bob.
func (b books) post(ctx context.Context, o *cala.Operations, amount string, options ...cala.PostOption) (*cala.Posted,
	error) {
	return o.Post(ctx, "TRANSFER", b.transfer(b.alice, b.bob, amount), options...)
}

// net is an account's settled balance, "none" without one.
func (b books) net(t *testing.T, ctx context.Context, o *cala.Operations, account string) string {
	balance, err := o.FindBalance(ctx, b.key(account))
	if errors.Is(err, cala.ErrNotFound) {
		return "none"
	}
	check(t, err)
	return balance.Settled.Net
}

func (s *shop) begin(options ...beginOptions) transaction {
	s.t.Helper()
	tx, err := s.db.Begin(s.ctx, append(options, beginOptions{})[0])
	check(s.t, err)
	s.t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	return tx
}

func (s *shop) order(tx transaction) {
	s.t.Helper()
	check(s.t, s.orderIn(tx))
}

func (s *shop) orderIn(tx transaction) error {
	return tx.Exec(s.ctx, "INSERT INTO "+s.orders+" (note) VALUES ('an order')")
}

// expect checks what is in the database, seen from outside of any transaction.
func (s *shop) expect(orders int, bob string) {
	s.t.Helper()
	equal(s.t, must[int](s.t)(s.db.Number(s.ctx, "SELECT count(*) FROM "+s.orders)), orders)
	equal(s.t, s.net(s.t, s.ctx, &s.ledger.Operations, s.bob), bob)
}

func (s *shop) transactions() int64 {
	s.t.Helper()
	return must[*cala.Info](s.t)(s.ledger.Info(s.ctx)).Transactions
}

func asError(err error) *cala.Error {
	var failure *cala.Error
	if !errors.As(err, &failure) {
		return nil
	}
	return failure
}

const postingID = "00000000-0000-4000-8000-0000000000f1"
