// A posting inside the transaction that the program has open on its own driver.
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
	db                   *sql.DB
	orders               string
	journal, cash, alice string
}

func main() {
	ctx := context.Background()
	folder := sample.Must(os.MkdirTemp("", "cala-sample-"))
	defer os.RemoveAll(folder)
	store := "sqlite:" + filepath.Join(folder, "shop.db")
	if len(os.Args) > 1 && os.Args[1] != "sqlite::memory:" {
		store = os.Args[1]
	}
	os.Args = os.Args[:1]
	ledger := sample.Open(ctx, store)
	defer ledger.Close()
	shop := shop{Ledger: ledger, db: openDatabase(store), orders: `"orders` + ledger.Suffix + `"`,
		journal: ledger.Journal(ctx),
		cash:    ledger.Account(ctx, "CASH", "Cash", cala.Debit), alice: ledger.Account(ctx, "ALICE", "Alice", cala.Credit)}
	defer shop.db.Close()
	ledger.Transfer(ctx, "DEPOSIT")
	sample.Must(shop.db.ExecContext(ctx, "CREATE TABLE "+shop.orders+" (note text)"))

	id := sample.NewID()
	tx := sample.Must(shop.db.BeginTx(ctx, nil))
	sample.Must(shop.sell(ctx, tx, id))
	sample.Check(tx.Rollback())
	shop.show(ctx, "rolled back")

	tx = sample.Must(shop.db.BeginTx(ctx, nil))
	sample.Must(shop.sell(ctx, tx, id))
	sample.Check(tx.Commit())
	shop.show(ctx, "committed")

	tx = sample.Must(shop.db.BeginTx(ctx, nil))
	if sample.Must(shop.sell(ctx, tx, id)).Replayed {
		fmt.Println("posted again inside: replayed")
	}
	sample.Check(tx.Commit())
	shop.show(ctx, "committed")
}

func openDatabase(store string) *sql.DB {
	if path, isSQLite := strings.CutPrefix(store, "sqlite:"); isSQLite {
		return sample.Must(sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000"))
	}
	return sample.Must(sql.Open("postgres", store))
}

// An order of the shop's and its posting: both, or neither.
func (s shop) sell(ctx context.Context, tx *sql.Tx, id string) (*cala.Posted, error) {
	if _, err := tx.ExecContext(ctx, "INSERT INTO "+s.orders+" (note) VALUES ('an order')"); err != nil {
		return nil, err
	}
	params := cala.Params{"journal": s.journal, "debit": s.cash, "credit": s.alice, "amount": "30.00"}
	return s.InSQL(tx).Post(ctx, s.Code("DEPOSIT"), params, cala.WithID(id))
}

func (s shop) show(ctx context.Context, outcome string) {
	var orders int
	sample.Check(s.db.QueryRowContext(ctx, "SELECT count(*) FROM "+s.orders).Scan(&orders))
	noun := "orders"
	if orders == 1 {
		noun = "order"
	}
	holds := "no balance"
	balance, err := s.FindBalance(ctx, cala.BalanceKey{JournalID: s.journal, AccountID: s.alice, Currency: "USD"})
	if !errors.Is(err, cala.ErrNotFound) {
		sample.Check(err)
		holds = balance.Settled.Net + " USD"
	}
	fmt.Printf("%s: %d %s, ALICE has %s\n", outcome, orders, noun, holds)
}
