package tests

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"libcala.dev/cala"
	"libcala.dev/cala/calapgx"
)

func forEachPostgresAdapter(t *testing.T, test func(*testing.T, adapter)) {
	for _, adapter := range postgresAdapters {
		t.Run(adapter.name, func(t *testing.T) { test(t, adapter) })
	}
}

func TestHostPostgres_older_snapshots_are_never_silently_stale(t *testing.T) {
	forEachPostgresAdapter(t, func(t *testing.T, adapter adapter) {
		for _, level := range []sql.IsolationLevel{sql.LevelRepeatableRead, sql.LevelSerializable} {
			s := newShop(t, adapter, postgresStore(t))
			must[*cala.Posted](t)(s.post(s.ctx, &s.ledger.Operations, "1"))
			tx := s.begin(beginOptions{isolation: level})
			must[int](t)(tx.Number(s.ctx, "SELECT count(*) FROM "+s.orders))
			must[*cala.Posted](t)(s.post(s.ctx, &s.ledger.Operations, "2"))
			_, err := s.post(s.ctx, &tx.In(s.ledger).Operations, "4")
			if err == nil {
				err = tx.Commit(s.ctx)
			}
			switch {
			case err == nil:
				s.expect(0, "7")
			case cala.LostRace(err):
				s.expect(0, "3")
			default:
				t.Fatal(describe(err))
			}
		}
	})
}

// The drivers send and read UTF-8 all the same, which the server would store as other characters.
func TestHostPostgres_another_client_encoding_is_refused(t *testing.T) {
	forEachPostgresAdapter(t, func(t *testing.T, adapter adapter) {
		s := newShop(t, adapter, postgresStore(t))
		tx := s.begin()
		inside := &tx.In(s.ledger).Operations
		check(t, tx.Exec(s.ctx, "SET LOCAL client_encoding TO 'LATIN1'"))
		_, err := s.post(s.ctx, inside, "1")
		equal(t, expectError(t, err, cala.ErrMisuse, "tx.encoding").TxState, cala.TxUsable)
		_, err = inside.Info(s.ctx)
		equal(t, expectError(t, err, cala.ErrMisuse, "tx.encoding").TxState, cala.TxUsable)
		check(t, tx.Exec(s.ctx, "SET LOCAL client_encoding TO 'UTF8'"))
		must[*cala.Posted](t)(s.post(s.ctx, inside, "2"))
		check(t, tx.Commit(s.ctx))
		s.expect(0, "2")
	})
}

func TestHostPostgres_locking_first_prevents_deadlocks(t *testing.T) {
	forEachPostgresAdapter(t, func(t *testing.T, adapter adapter) {
		s := newShop(t, adapter, postgresStore(t))
		crossing := func(tx transaction, from, to string) error {
			inside := tx.In(s.ledger)
			if _, err := inside.LockAccounts(s.ctx, s.key(from), s.key(to)); err != nil {
				return err
			}
			for _, params := range []cala.Params{s.transfer(from, to, "2"), s.transfer(to, from, "1")} {
				if _, err := inside.Post(s.ctx, "TRANSFER", params); err != nil {
					return err
				}
			}
			return tx.Commit(s.ctx)
		}
		done := make(chan error, 2)
		for _, pair := range [][2]string{{s.alice, s.bob}, {s.bob, s.alice}} {
			tx := s.begin()
			go func() { done <- crossing(tx, pair[0], pair[1]) }()
		}
		check(t, <-done)
		check(t, <-done)
		equal(t, s.transactions(), 4)
		s.expect(0, "0")
	})
}

func TestHostPostgres_pgbouncer_in_transaction_mode(t *testing.T) {
	through := os.Getenv("CALA_TEST_PGBOUNCER")
	if through == "" {
		t.Skip("CALA_TEST_PGBOUNCER is not set")
	}
	for _, adapter := range postgresAdapters {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, postgresStore(t))
			s.db = adapter.open(t, withUnnamedStatements(adapter, through), false)
			for range 3 {
				tx := s.begin()
				s.order(tx)
				must[*cala.Posted](t)(s.post(s.ctx, &tx.In(s.ledger).Operations, "1"))
				check(t, tx.Rollback(s.ctx))
				tx = s.begin()
				s.order(tx)
				must[*cala.Posted](t)(s.post(s.ctx, &tx.In(s.ledger).Operations, "1"))
				check(t, tx.Commit(s.ctx))
			}
			s.expect(3, "3")
		})
	}
}

// pgx names its prepared statements unless it is told not to; lib/pq does not.
func withUnnamedStatements(adapter adapter, store string) string {
	if adapter.name == "lib_pq" {
		return store
	}
	return store + "&default_query_exec_mode=exec"
}

func TestHostPostgres_host_only_in_memory(t *testing.T) {
	forEachPostgresAdapter(t, func(t *testing.T, adapter adapter) {
		db := adapter.open(t, postgresStore(t), false)
		useHostOnly(t, db, cala.Config{Store: "host:postgres", Schema: freshSchema(t, db.Exec)})
	})
}

// useHostOnly migrates and uses a ledger that has no connection of its own.
func useHostOnly(t *testing.T, db database, config cala.Config) {
	ctx := context.Background()
	ledger := must[*cala.Ledger](t)(cala.Open(ctx, config))
	defer ledger.Close()
	within := func(work func(*cala.Operations)) {
		t.Helper()
		tx, err := db.Begin(ctx, beginOptions{})
		check(t, err)
		defer tx.Rollback(ctx)
		work(&tx.In(ledger).Operations)
		check(t, tx.Commit(ctx))
	}
	var b books
	within(func(o *cala.Operations) {
		equal(t, must[*cala.Migration](t)(o.Migrate(ctx)).FromVersion, 0)
		b = openBooks(t, ctx, o)
	})
	within(func(o *cala.Operations) { must[*cala.Posted](t)(b.post(ctx, o, "4.20")) })
	within(func(o *cala.Operations) { equal(t, b.net(t, ctx, o, b.bob), "4.20") })
	_, err := b.post(ctx, &ledger.Operations, "1")
	expectError(t, err, cala.ErrMisuse, "op.host_only")
	_, err = ledger.Begin(ctx)
	expectError(t, err, cala.ErrMisuse, "op.host_only")
}

func TestHostPostgres_a_ledger_on_sqlite_takes_no_part(t *testing.T) {
	ledger := openLedger(t, cala.Config{Store: "host:sqlite"})
	for _, adapter := range postgresAdapters {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, postgresStore(t))
			tx := s.begin()
			s.order(tx)
			for range 2 {
				_, err := s.post(s.ctx, &tx.In(ledger).Operations, "4")
				equal(t, expectError(t, err, cala.ErrMisuse, "call.misuse").TxState, cala.TxUsable)
			}
			must[*cala.Posted](t)(s.post(s.ctx, &tx.In(s.ledger).Operations, "4")) // the ledger that it is of
			check(t, tx.Commit(s.ctx))
			s.expect(1, "4")
			tx = s.begin()
			if err := tx.Exec(s.ctx, "SELECT nonsense FROM nowhere"); err == nil {
				t.Fatal("it was not refused")
			}
			_, err := s.post(s.ctx, &tx.In(ledger).Operations, "4")
			expectError(t, err, cala.ErrMisuse, "call.misuse")
			check(t, tx.Rollback(s.ctx))
		})
	}
}

// What pgx says of a connection has no SQLSTATE, and is no defect of the library.
func TestHostPostgres_a_connection_that_the_driver_refuses_is_misuse(t *testing.T) {
	ctx, ledger := t.Context(), openLedger(t, cala.Config{Store: "host:postgres"})
	conn := must[*pgx.Conn](t)(pgx.Connect(ctx, postgresStore(t)))
	rows := must[pgx.Rows](t)(conn.Query(ctx, "SELECT generate_series(1, 10)"))
	refused := func(said string) {
		t.Helper()
		_, err := calapgx.In(ledger, conn).Info(ctx)
		failure := expectError(t, err, cala.ErrMisuse, "call.misuse")
		equal(t, strings.HasSuffix(failure.Message, said), true)
		equal(t, errors.Unwrap(failure) != nil, true)
	}
	refused("conn busy")
	rows.Close()
	check(t, conn.Close(ctx))
	refused("conn closed")
}

// A program's own BEGIN on a *sql.Conn is not ended by the question whether there is one.
func TestHostPostgres_a_ledger_on_sqlite_leaves_a_connection_with_its_own_begin(t *testing.T) {
	ledger := openLedger(t, cala.Config{Store: "host:sqlite"})
	for _, adapter := range postgresAdapters[:2] {
		t.Run(adapter.name, func(t *testing.T) {
			s := newShop(t, adapter, postgresStore(t))
			connection := must[*sql.Conn](t)(s.db.(sqlDatabase).Conn(s.ctx))
			defer connection.Close()
			must[sql.Result](t)(connection.ExecContext(s.ctx, "BEGIN"))
			must[sql.Result](t)(connection.ExecContext(s.ctx, "INSERT INTO "+s.orders+" VALUES ('tea')"))
			_, err := s.post(s.ctx, &ledger.InSQL(connection).Operations, "4")
			equal(t, expectError(t, err, cala.ErrMisuse, "call.misuse").TxState, cala.TxUsable)
			must[sql.Result](t)(connection.ExecContext(s.ctx, "COMMIT"))
			s.expect(1, "none")
		})
	}
}
