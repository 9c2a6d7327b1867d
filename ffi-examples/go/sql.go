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
	host := sqlHost{tx: tx}
	if own, ok := tx.(*sql.Tx); ok && l.core.sqlite {
		host.kept = &keptStatements{tx: own, uses: map[string]*sql.Stmt{}}
	}
	return l.InHost(host, options...)
}

type sqlHost struct {
	tx   SQLTx
	kept *keptStatements // nil: none are
}

// keptStatements compiles a statement once for the transaction, from its second use on: on SQLite that is most of what
// it costs. database/sql closes them with the transaction, and gives no way to statements that outlive it. Who uses
// them has the transaction's turn.
type keptStatements struct {
	tx   *sql.Tx
	uses map[string]*sql.Stmt // nil: one use
}

func (k *keptStatements) of(ctx context.Context, query string) *sql.Stmt {
	if k == nil {
		return nil
	}
	statement, seen := k.uses[query]
	if seen && statement == nil {
		statement, _ = k.tx.PrepareContext(ctx, query) // where that fails, whoever runs the text says why
	}
	k.uses[query] = statement
	return statement
}

// Of a kept statement whose transaction has ended: nothing was run, and the transaction says it better.
func isClosed(err error) bool { return err != nil && err.Error() == "sql: statement is closed" }

func (h sqlHost) Transaction() any { return h.tx }

func (h sqlHost) QueryText(ctx context.Context, query string, params []string) (string, error) {
	var text sql.NullString
	var err error
	statement := h.kept.of(ctx, query)
	if statement != nil {
		err = statement.QueryRowContext(ctx, arguments(params)...).Scan(&text)
	}
	if statement == nil || isClosed(err) {
		err = h.tx.QueryRowContext(ctx, query, arguments(params)...).Scan(&text)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return text.String, err
}

func (h sqlHost) Exec(ctx context.Context, query string, params []string) error {
	var err error
	statement := h.kept.of(ctx, query)
	if statement != nil {
		_, err = statement.ExecContext(ctx, arguments(params)...)
	}
	if statement == nil || isClosed(err) {
		_, err = h.tx.ExecContext(ctx, query, arguments(params)...)
	}
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
