package cala

import (
	"context"
	"database/sql"
	"errors"
)

// SQLTx is what the ledger needs of a transaction of database/sql:
// a *sql.Tx, or a *sql.Conn on which the program sent BEGIN.
type SQLTx interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// InSQL takes part in a transaction of database/sql, with any driver for the ledger's kind of store:
//
//	tx, err := db.BeginTx(ctx, nil)
//	defer tx.Rollback()
//	tx.ExecContext(ctx, "INSERT INTO orders ...")
//	ledger.InSQL(tx).Post(ctx, "PAYMENT", params)
//	tx.Commit()
//
// A *sql.DB, or on SQLite a *sql.Conn outside a transaction, is ErrMisuse transaction.none. A transaction on the other
// kind of store is ErrMisuse call.misuse, and stays usable.
//
// The ledger's tables must be in the database of the transaction; the ledger's own connections are not used.
func (l *Ledger) InSQL(tx SQLTx, options ...TxOption) *HostTx {
	return l.InHost(sqlHost{tx}, options...)
}

type sqlHost struct{ tx SQLTx }

func (h sqlHost) Transaction() any { return h.tx }

func (h sqlHost) QueryText(ctx context.Context, query string, params []string) (string, error) {
	var text sql.NullString
	err := h.tx.QueryRowContext(ctx, query, arguments(params)...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return text.String, err
}

func (h sqlHost) Exec(ctx context.Context, query string, params []string) error {
	_, err := h.tx.ExecContext(ctx, query, arguments(params)...)
	return err
}

// A pool, which database/sql has no transaction on, and a connection of it can begin; a transaction cannot.
type beginner interface {
	BeginTx(ctx context.Context, options *sql.TxOptions) (*sql.Tx, error)
}

// SQLite has no name for a transaction, so the library cannot tell that there is none; BEGIN, which is refused inside
// one, can.
func (h sqlHost) check(ctx context.Context, sqlite bool) *Error {
	if _, begins := h.tx.(beginner); !begins {
		return nil
	}
	none := newError(ErrMisuse, "transaction.none", "no transaction is open on this connection: begin one first")
	if _, isConnection := h.tx.(interface{ Raw(func(any) error) error }); !isConnection {
		return none
	}
	if !sqlite || ctx.Err() != nil {
		return nil
	}
	if _, err := h.tx.ExecContext(ctx, "BEGIN"); err != nil {
		return nil
	}
	if _, err := h.tx.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		none.cause = err
	}
	return none
}

func arguments(params []string) []any {
	all := make([]any, len(params))
	for i, param := range params {
		all[i] = param
	}
	return all
}
