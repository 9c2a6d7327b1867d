package tests

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
	_ "modernc.org/sqlite"

	"libcala.dev/cala"
	"libcala.dev/cala/calapgx"
)

// One way for a program to have its own database, whose transactions the ledger's postings join.
type adapter struct {
	name string
	// Opens what the ledger's store names; readOnly counts on SQLite,
	// where connections and not transactions are read-only.
	open func(t *testing.T, store string, readOnly bool) database
}

// What the behaviours need of a database, the same for every driver.
type database interface {
	Begin(ctx context.Context, options beginOptions) (transaction, error)
	// Outside takes part without any transaction, on the pool.
	Outside(ledger *cala.Ledger) *cala.HostTx
	Exec(ctx context.Context, statement string) error
	Number(ctx context.Context, query string) (int, error)
}

type transaction interface {
	In(ledger *cala.Ledger, options ...cala.TxOption) *cala.HostTx
	Exec(ctx context.Context, statement string) error
	Number(ctx context.Context, query string) (int, error)
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error
}

type beginOptions struct {
	isolation sql.IsolationLevel
	readOnly  bool
}

var postgresAdapters = []adapter{
	{"lib_pq", func(t *testing.T, store string, _ bool) database {
		return openSQL(t, "postgres", store+"&sslmode=disable")
	}},
	{"pgx_stdlib", func(t *testing.T, store string, _ bool) database { return openSQL(t, "pgx", store) }},
	{"pgx", openPgx},
}

var sqliteAdapters = []adapter{
	{"mattn_sqlite3", func(t *testing.T, store string, readOnly bool) database {
		settings := "?_busy_timeout=5000"
		if readOnly {
			settings += "&_query_only=1"
		}
		return openSQL(t, "sqlite3", "file:"+strings.TrimPrefix(store, "sqlite:")+settings)
	}},
	{"modernc_sqlite", func(t *testing.T, store string, readOnly bool) database {
		settings := "?_pragma=busy_timeout(5000)"
		if readOnly {
			settings += "&_pragma=query_only(1)"
		}
		return openSQL(t, "sqlite", "file:"+strings.TrimPrefix(store, "sqlite:")+settings)
	}},
}

type sqlDatabase struct{ *sql.DB }

func openSQL(t *testing.T, driver, name string) database {
	db, err := sql.Open(driver, name)
	check(t, err)
	t.Cleanup(func() { db.Close() })
	return sqlDatabase{db}
}

func (d sqlDatabase) Begin(ctx context.Context, options beginOptions) (transaction, error) {
	tx, err := d.BeginTx(ctx, &sql.TxOptions{Isolation: options.isolation, ReadOnly: options.readOnly})
	return sqlTransaction{tx}, err
}

func (d sqlDatabase) Outside(ledger *cala.Ledger) *cala.HostTx { return ledger.InSQL(d.DB) }

func (d sqlDatabase) Exec(ctx context.Context, statement string) error {
	_, err := d.ExecContext(ctx, statement)
	return err
}

func (d sqlDatabase) Number(ctx context.Context, query string) (n int, err error) {
	err = d.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

type sqlTransaction struct{ *sql.Tx }

func (tx sqlTransaction) In(ledger *cala.Ledger, options ...cala.TxOption) *cala.HostTx {
	return ledger.InSQL(tx.Tx, options...)
}

func (tx sqlTransaction) Exec(ctx context.Context, statement string) error {
	_, err := tx.ExecContext(ctx, statement)
	return err
}

func (tx sqlTransaction) Number(ctx context.Context, query string) (n int, err error) {
	err = tx.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

func (tx sqlTransaction) Commit(context.Context) error   { return tx.Tx.Commit() }
func (tx sqlTransaction) Rollback(context.Context) error { return tx.Tx.Rollback() }

type pgxDatabase struct{ *pgxpool.Pool }

func openPgx(t *testing.T, store string, _ bool) database {
	pool, err := pgxpool.New(context.Background(), store)
	check(t, err)
	t.Cleanup(pool.Close)
	return pgxDatabase{pool}
}

func (d pgxDatabase) Begin(ctx context.Context, options beginOptions) (transaction, error) {
	access := map[bool]pgx.TxAccessMode{false: pgx.ReadWrite, true: pgx.ReadOnly}[options.readOnly]
	isolation := map[sql.IsolationLevel]pgx.TxIsoLevel{sql.LevelDefault: pgx.ReadCommitted,
		sql.LevelRepeatableRead: pgx.RepeatableRead, sql.LevelSerializable: pgx.Serializable}[options.isolation]
	tx, err := d.BeginTx(ctx, pgx.TxOptions{IsoLevel: isolation, AccessMode: access})
	return pgxTransaction{tx}, err
}

func (d pgxDatabase) Outside(ledger *cala.Ledger) *cala.HostTx { return calapgx.In(ledger, d.Pool) }

func (d pgxDatabase) Exec(ctx context.Context, statement string) error {
	_, err := d.Pool.Exec(ctx, statement)
	return err
}

func (d pgxDatabase) Number(ctx context.Context, query string) (n int, err error) {
	err = d.QueryRow(ctx, query).Scan(&n)
	return n, err
}

type pgxTransaction struct{ pgx.Tx }

func (tx pgxTransaction) In(ledger *cala.Ledger, options ...cala.TxOption) *cala.HostTx {
	return calapgx.In(ledger, tx.Tx, options...)
}

func (tx pgxTransaction) Exec(ctx context.Context, statement string) error {
	_, err := tx.Tx.Exec(ctx, statement)
	return err
}

func (tx pgxTransaction) Number(ctx context.Context, query string) (n int, err error) {
	err = tx.QueryRow(ctx, query).Scan(&n)
	return n, err
}

// A host whose statements can be watched: before runs ahead of each, counted from 1.
type watchedHost struct {
	tx     cala.SQLTx
	before func(statement int)
	count  int
}

func (h *watchedHost) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	h.count++
	h.before(h.count)
	return h.tx.QueryRowContext(ctx, query, args...)
}

func (h *watchedHost) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	h.count++
	h.before(h.count)
	return h.tx.ExecContext(ctx, query, args...)
}

// postgresStore is the URL of the test database, or skips.
func postgresStore(t *testing.T) string {
	store := os.Getenv("CALA_TEST_POSTGRES")
	if store == "" {
		t.Skip("CALA_TEST_POSTGRES is not set")
	}
	return store
}

func sqliteStore(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "ledger.db") }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		check(t, err)
		return value
	}
}

func equal[T comparable](t testing.TB, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// expectError checks the status and code of an error.
func expectError(t testing.TB, err error, status cala.Status, code string) *cala.Error {
	t.Helper()
	failure := asError(err)
	if failure == nil || failure.Status != status || failure.Code != code {
		t.Fatalf("got %s, want %s %s", describe(err), status, code)
	}
	return failure
}

func describe(err error) string {
	if failure := asError(err); failure != nil {
		return fmt.Sprintf("%v %s (sqlstate %q, details %s, cause %v)", failure.Status, failure, failure.SQLState,
			failure.Details,
			failure.Unwrap())
	}
	return fmt.Sprint(err)
}
