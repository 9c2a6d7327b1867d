// Package calapgx lets libcala's postings take part in transactions of pgx, version 5.
package calapgx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"libcala.dev/cala"
)

// Tx is what the ledger needs of a transaction of pgx: a pgx.Tx, or a *pgx.Conn on which the program sent BEGIN.
type Tx interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// In takes part in a transaction of pgx. The ledger must be on PostgreSQL, and its tables in the database of the
// transaction; the ledger's own connections are not used.
//
//	tx, err := conn.Begin(ctx)
//	defer tx.Rollback(ctx)
//	tx.Exec(ctx, "INSERT INTO orders ...")
//	calapgx.In(ledger, tx).Post(ctx, "PAYMENT", params)
//	tx.Commit(ctx)
func In(ledger *cala.Ledger, tx Tx, options ...cala.TxOption) *cala.HostTx {
	return ledger.InHost(host{tx}, options...)
}

type host struct{ tx Tx }

func (h host) Transaction() any { return h.tx }

func (h host) Store() string { return "postgres" }

func (h host) QueryText(ctx context.Context, query string, params []string) (string, error) {
	var text *string
	err := h.tx.QueryRow(ctx, query, arguments(params)...).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil || text == nil {
		return "", told(err)
	}
	return *text, nil
}

func (h host) Exec(ctx context.Context, query string, params []string) error {
	_, err := h.tx.Exec(ctx, query, arguments(params)...)
	return told(err)
}

// Says in database/sql's words, which the ledger knows, that the transaction is over.
func told(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("%w: %w", sql.ErrTxDone, err)
	}
	return err
}

func arguments(params []string) []any {
	all := make([]any, len(params))
	for i, param := range params {
		all[i] = param
	}
	return all
}
