// Collapse the boundary: what follows from the ledger's events is written into the program's tables in the transaction
// that keeps the place. Each event counts once, whatever is killed when,
// and the tables can be made anew from the start.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
	"libcala.dev/cala"
	"libcala.dev/cala/samples/sample"
)

type shop struct {
	sample.Ledger
	db              *sql.DB
	totals, journal string
	names           map[string]string
}

func main() {
	ctx := context.Background()
	folder := sample.Must(os.MkdirTemp("", "cala-sample-"))
	defer os.RemoveAll(folder)
	store := "sqlite:" + filepath.Join(folder, "ledger.db")
	if len(os.Args) > 1 {
		store = os.Args[1]
	}
	ledger := sample.Open(ctx, store)
	defer ledger.Close()
	s := shop{ledger, openDatabase(store), `"totals` + ledger.Suffix + `"`, ledger.Journal(ctx), map[string]string{}}
	defer s.db.Close()
	alice, bob := ledger.Account(ctx, "ALICE", "Alice", cala.Credit), ledger.Account(ctx, "BOB", "Bob", cala.Credit)
	s.names[alice], s.names[bob] = "ALICE", "BOB"
	cash := ledger.Account(ctx, "CASH", "Cash", cala.Debit)
	ledger.Transfer(ctx, "PAYMENT")
	pay := func(accounts ...string) {
		for _, account := range accounts {
			params := cala.Params{"journal": s.journal, "debit": cash, "credit": account, "amount": "1"}
			sample.Must(ledger.Post(ctx, ledger.Code("PAYMENT"), params))
		}
	}
	sample.Must(s.db.ExecContext(ctx, "CREATE TABLE "+s.totals+" (account text PRIMARY KEY, payments integer NOT NULL)"))

	pay(alice, bob, alice, bob)
	s.show(ctx, fmt.Sprintf("caught up with %d events", sample.Must(s.projection(s.count).CatchUp(ctx))))

	pay(alice, bob, alice)
	seen := 0
	dies := func(ctx context.Context, tx *sql.Tx, event cala.Event) error {
		if seen++; seen == 2 {
			return errors.New("killed")
		}
		return s.count(ctx, tx, event)
	}
	if _, err := s.projection(dies).CatchUp(ctx); err != nil {
		s.show(ctx, "killed in the middle")
	}
	s.show(ctx, fmt.Sprintf("and again, %d events", sample.Must(s.projection(s.count).CatchUp(ctx))))

	pay(alice)
	late := func(ctx context.Context, tx *sql.Tx, event cala.Event) error {
		if _, err := s.projection(s.count).CatchUp(ctx); err != nil {
			return err
		}
		return s.count(ctx, tx, event)
	}
	sample.Must(s.projection(late).CatchUp(ctx))
	s.show(ctx, "another process at the same time")
	s.show(ctx, fmt.Sprintf("rebuilt from the start with %d events", sample.Must(s.projection(s.count).Rebuild(ctx))))
	sample.Must(ledger.RemoveListener(ctx, cala.ListenerRemoveRequest{Name: s.totals}))
}

func openDatabase(store string) *sql.DB {
	if path, isSQLite := strings.CutPrefix(store, "sqlite:"); isSQLite {
		return sample.Must(sql.Open("sqlite3", "file:"+path+"?_busy_timeout=30000"))
	}
	return sample.Must(sql.Open("postgres", store))
}

// What follows from an event: applied twice, it would be wrong.
func (s shop) count(ctx context.Context, tx *sql.Tx, event cala.Event) error {
	for _, entry := range event.Entries {
		if name, mine := s.names[entry.AccountID]; mine {
			_, err := tx.ExecContext(ctx,
				"INSERT INTO "+s.totals+" VALUES ($1, 1) ON CONFLICT (account) DO UPDATE SET payments = "+
					s.totals+".payments + 1", name)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (s shop) projection(apply func(context.Context, *sql.Tx, cala.Event) error) *cala.Projection[*sql.Tx] {
	return &cala.Projection[*sql.Tx]{
		Name: s.totals,
		InTransaction: func(ctx context.Context, work func(*sql.Tx) error) error {
			tx, err := s.db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			if err := work(tx); err != nil {
				return err
			}
			return tx.Commit()
		},
		Within: func(tx *sql.Tx) *cala.Operations { return &s.InSQL(tx).Operations },
		Apply:  apply,
		Clear: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "DELETE FROM "+s.totals)
			return err
		},
		Filter: cala.EventFilter{Types: []cala.EventType{cala.TransactionCreated}, JournalID: s.journal, Entries: true,
			Limit: 2},
	}
}

func (s shop) show(ctx context.Context, what string) {
	rows := sample.Must(s.db.QueryContext(ctx, "SELECT account, payments FROM "+s.totals+" ORDER BY account"))
	defer rows.Close()
	var totals []string
	for rows.Next() {
		var account string
		var payments int
		sample.Check(rows.Scan(&account, &payments))
		totals = append(totals, fmt.Sprintf("%s %d payments", account, payments))
	}
	fmt.Printf("%s: %s\n", what, strings.Join(totals, ", "))
}
