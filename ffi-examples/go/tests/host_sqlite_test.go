package tests

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
	"libcala.dev/cala"
)

// The host's SQLite is another copy than the ledger's, in the same process and on the same file.
func TestHostSQLite_beside_an_open_ledger_on_the_same_file(t *testing.T) {
	const each = 25
	for _, adapter := range sqliteAdapters {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, sqliteStore(t))
			posts := []func(context.Context) error{
				func(ctx context.Context) error {
					_, err := s.post(ctx, &s.ledger.Operations, "1")
					return err
				},
				func(ctx context.Context) error { return postWithOrder(s, ctx) },
			}
			var group sync.WaitGroup
			failures := make(chan error, len(posts)*each)
			for _, post := range posts {
				group.Add(1)
				go func() {
					defer group.Done()
					for range each {
						failures <- cala.Retrying(s.ctx, post, cala.Attempts(200))
					}
				}()
			}
			group.Wait()
			for range len(posts) * each {
				check(t, <-failures)
			}
			s.expect(each, "50")
			tx := s.begin()
			equal(t, s.net(t, s.ctx, &tx.In(s.ledger).Operations, s.bob), "50")
			check(t, tx.Rollback(s.ctx))
			var verdict string
			check(t, s.db.(sqlDatabase).QueryRow("PRAGMA integrity_check").Scan(&verdict))
			equal(t, verdict, "ok")
		})
	}
}

func postWithOrder(s *shop, ctx context.Context) error {
	tx, err := s.db.Begin(ctx, beginOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	if err := s.orderIn(tx); err != nil {
		return err
	}
	if _, err := s.post(ctx, &tx.In(s.ledger).Operations, "1"); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func TestHostSQLite_host_only_in_memory(t *testing.T) {
	for _, driver := range []string{"sqlite3", "sqlite"} {
		t.Run(driver, func(t *testing.T) {
			db := openSQL(t, driver, ":memory:").(sqlDatabase)
			db.SetMaxOpenConns(1) // each connection would have a memory of its own
			useHostOnly(t, db, cala.Config{Store: "host:sqlite"})
		})
	}
}

// A program that begins by hand, as BEGIN IMMEDIATE needs with database/sql, hands over its *sql.Conn.
func TestHostSQLite_a_connection_with_its_own_begin(t *testing.T) {
	for _, adapter := range sqliteAdapters {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, sqliteStore(t))
			connection := must[*sql.Conn](t)(s.db.(sqlDatabase).Conn(s.ctx))
			defer connection.Close()
			for _, end := range []string{"ROLLBACK", "COMMIT"} {
				must[sql.Result](t)(connection.ExecContext(s.ctx, "BEGIN IMMEDIATE"))
				must[*cala.Posted](t)(s.post(s.ctx, &s.ledger.InSQL(connection).Operations, "4"))
				must[sql.Result](t)(connection.ExecContext(s.ctx, end))
			}
			s.expect(0, "4")
		})
	}
}

func TestHostSQLite_without_begin_nothing_is_written(t *testing.T) {
	for _, adapter := range sqliteAdapters {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, sqliteStore(t))
			pool := s.db.(sqlDatabase).DB
			connection := must[*sql.Conn](t)(pool.Conn(s.ctx))
			defer connection.Close()
			for _, outside := range []cala.SQLTx{pool, connection} {
				_, err := s.post(s.ctx, &s.ledger.InSQL(outside).Operations, "4")
				expectError(t, err, cala.ErrMisuse, "transaction.none")
				_, err = s.ledger.InSQL(outside).CreateAccount(s.ctx, cala.NewAccount{Code: "NONE", Name: "Of no transaction"})
				expectError(t, err, cala.ErrMisuse, "transaction.none")
			}
			_, err := s.ledger.FindAccount(s.ctx, cala.ByCode("NONE"))
			expectError(t, err, cala.ErrNotFound, "account.not_found")
			must[sql.Result](t)(connection.ExecContext(s.ctx, "BEGIN")) // nothing is left open
			must[sql.Result](t)(connection.ExecContext(s.ctx, "ROLLBACK"))
			s.expect(0, "none")
		})
	}
}

func TestHostSQLite_a_ledger_on_postgres_takes_no_part(t *testing.T) {
	ledger := openLedger(t, cala.Config{Store: "host:postgres"})
	for _, adapter := range sqliteAdapters {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, sqliteStore(t))
			tx := s.begin()
			_, err := s.post(s.ctx, &tx.In(ledger).Operations, "4")
			equal(t, expectError(t, err, cala.ErrMisuse, "call.misuse").TxState, cala.TxUsable)
			s.order(tx)
			check(t, tx.Commit(s.ctx))
			s.expect(1, "none")
		})
	}
}

// Counts what is compiled: database/sql compiles each statement where the driver cannot run its text.
type compiling struct{ counts map[string]int }

func (d compiling) Open(name string) (driver.Conn, error) {
	connection, err := (&sqlite3.SQLiteDriver{}).Open(name)
	return compilingConn{connection, d.counts}, err
}

type compilingConn struct {
	driver.Conn
	counts map[string]int
}

func (c compilingConn) Prepare(query string) (driver.Stmt, error) {
	c.counts[query]++
	return c.Conn.Prepare(query)
}

func TestHostSQLite_compiles_a_statement_once_for_a_transaction_from_its_second_use_on(t *testing.T) {
	counts := map[string]int{}
	sql.Register("sqlite3_compiling", compiling{counts})
	s := newShop(t, adapter{"compiling", func(t *testing.T, store string, _ bool) database {
		return openSQL(t, "sqlite3_compiling", "file:"+strings.TrimPrefix(store, "sqlite:"))
	}}, sqliteStore(t))
	s.db.(sqlDatabase).SetMaxOpenConns(1)
	tx := s.begin()
	inside := tx.In(s.ledger)
	clear(counts)
	for range 5 {
		must[*cala.Posted](t)(s.post(s.ctx, &inside.Operations, "1"))
	}
	compiled := 0
	for query, times := range counts {
		if times > 2 {
			t.Errorf("compiled %d times: %.80s", times, query)
		}
		compiled++
	}
	if compiled == 0 {
		t.Error("nothing was compiled")
	}
	check(t, tx.Commit(s.ctx))
	_, err := s.post(s.ctx, &inside.Operations, "1")
	expectError(t, err, cala.ErrMisuse, "transaction.none")
	s.expect(0, "5")
}
