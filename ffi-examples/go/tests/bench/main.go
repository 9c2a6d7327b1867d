// Measures postings a second: on the ledger's own connections, and inside transactions of the program's driver.
//
//	bench [postings]    on a SQLite file, and on PostgreSQL where CALA_TEST_POSTGRES is set
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"

	"libcala.dev/cala"
	"libcala.dev/cala/calapgx"
)

const (
	accounts = 100
	schema   = "go_bench"
)

var ctx = context.Background()

type bench struct {
	ledger  *cala.Ledger
	journal string
	ids     []string
	next    atomic.Int64
}

func main() {
	postings := 2000
	if len(os.Args) > 1 {
		postings = must(strconv.Atoi(os.Args[1]))
	}
	fmt.Printf("%-8s  %-22s  %9s  %10s  %8s  %8s\n", "store", "way", "in flight", "postings/s", "p50 ms", "p99 ms")
	onSQLite(postings)
	if url := os.Getenv("CALA_TEST_POSTGRES"); url != "" {
		onPostgres(url, postings)
	}
}

func onSQLite(postings int) {
	folder := must(os.MkdirTemp("", "cala-bench-"))
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "bench.db")
	b := open(cala.Config{Store: "sqlite:" + path})
	defer b.ledger.Close()
	b.measure("sqlite", "own", 64, postings, b.own)
	b.measure("sqlite", "own", 1, postings/4, b.own)
	db := must(sql.Open("sqlite3", "file:"+path+"?_busy_timeout=5000"))
	defer db.Close()
	b.measure("sqlite", "host mattn/go-sqlite3", 1, postings/4, b.inSQL(db))
}

func onPostgres(url string, postings int) {
	db := must(sql.Open("postgres", url+"&sslmode=disable"))
	defer db.Close()
	b := open(cala.Config{Store: url, Migrate: cala.Ptr(true), Schema: schema})
	defer func() {
		b.ledger.Close()
		must(db.Exec("DROP SCHEMA " + schema + " CASCADE"))
	}()
	b.measure("postgres", "own", 64, postings, b.own)
	b.measure("postgres", "own", 1, postings/4, b.own)
	b.measure("postgres", "host lib/pq", 1, postings/4, b.inSQL(db))
	stdlib := must(sql.Open("pgx", url))
	defer stdlib.Close()
	b.measure("postgres", "host pgx stdlib", 1, postings/4, b.inSQL(stdlib))
	pool := must(pgxpool.New(ctx, url))
	defer pool.Close()
	b.measure("postgres", "host pgx", 1, postings/4, b.inPgx(pool))
}

func open(config cala.Config) *bench {
	b := &bench{ledger: must(cala.Open(ctx, config))}
	b.journal = must(b.ledger.CreateJournal(ctx, cala.NewJournal{Name: "Main"})).ID
	var all []cala.NewAccount
	for i := range accounts {
		all = append(all, cala.NewAccount{Code: fmt.Sprint("A", i), Name: "An account"})
	}
	for _, account := range must(b.ledger.CreateAccounts(ctx, all)) {
		b.ids = append(b.ids, account.ID)
	}
	entry := cala.TxTemplateEntry{EntryType: "'TRANSFER'", AccountID: "params.from", Layer: "SETTLED", Direction: "DEBIT",
		Units: "params.amount", Currency: "'USD'"}
	credit := entry
	credit.AccountID, credit.Direction = "params.to", "CREDIT"
	must(b.ledger.CreateTxTemplate(ctx, cala.NewTxTemplate{
		Code: "TRANSFER",
		Params: []cala.Param{{Name: "journal", Type: cala.ParamUUID}, {Name: "from", Type: cala.ParamUUID},
			{Name: "to", Type: cala.ParamUUID}, {Name: "amount", Type: cala.ParamDecimal}},
		Transaction: cala.TxTemplateTransaction{Effective: "date()", JournalID: "params.journal"},
		Entries:     []cala.TxTemplateEntry{entry, credit},
	}))
	return b
}

func (b *bench) post(o *cala.Operations) error {
	n := int(b.next.Add(1))
	_, err := o.Post(ctx, "TRANSFER", cala.Params{"journal": b.journal, "from": b.ids[n%accounts],
		"to":     b.ids[(n*7+1)%accounts],
		"amount": "1.00"})
	return err
}

func (b *bench) own() error { return b.post(&b.ledger.Operations) }

func (b *bench) inSQL(db *sql.DB) func() error {
	return func() error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := b.post(&b.ledger.InSQL(tx).Operations); err != nil {
			return err
		}
		return tx.Commit()
	}
}

func (b *bench) inPgx(pool *pgxpool.Pool) func() error {
	return func() error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx)
		if err := b.post(&calapgx.In(b.ledger, tx).Operations); err != nil {
			return err
		}
		return tx.Commit(ctx)
	}
}

// measure runs post so often, so many at once, and prints a row.
func (b *bench) measure(store, way string, inFlight, postings int, post func() error) {
	for range inFlight { // connections, templates, plans
		check(post())
	}
	times := make([]time.Duration, postings)
	var taken atomic.Int64
	var group sync.WaitGroup
	begun := time.Now()
	for range inFlight {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := taken.Add(1) - 1; i < int64(postings); i = taken.Add(1) - 1 {
				start := time.Now()
				check(post())
				times[i] = time.Since(start)
			}
		}()
	}
	group.Wait()
	rate := float64(postings) / time.Since(begun).Seconds()
	slices.Sort(times)
	milliseconds := func(share int) float64 { return float64(times[(postings-1)*share/100].Microseconds()) / 1000 }
	fmt.Printf("%-8s  %-22s  %9d  %10.0f  %8.2f  %8.2f\n", store, way, inFlight, rate, milliseconds(50), milliseconds(99))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}
