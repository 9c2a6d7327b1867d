package cala

import (
	"context"
	"reflect"
	"sync"

	"libcala.dev/cala/raw"
)

// Host runs the ledger's statements in a transaction that the program has open, on the program's own driver.
// [Ledger.InSQL] brings the one for database/sql; package calapgx the one for pgx. One that also has Store() string,
// "sqlite" or "postgres", is refused by a ledger on the other kind of store before any statement. Any other is asked by
// a ledger on SQLite what it is, with a statement that PostgreSQL answers too.
type Host interface {
	// QueryText runs a statement that answers with one row of one text column, and gives that text;
	// "" for NULL and for no row.
	QueryText(ctx context.Context, sql string, params []string) (string, error)
	// Exec runs a statement that answers with no row.
	Exec(ctx context.Context, sql string, params []string) error
	// Transaction is the driver's handle, commonly a pointer. Operations on the same handle take turns.
	Transaction() any
}

// HostTx takes part in a transaction that the program has open on its own driver: everything lands with the program's
// commit, or not at all. It needs no end. Committing and rolling back is the program's.
//
// After an error, [Error].TxState says whether the transaction can go on. A rejected posting leaves it usable; on
// PostgreSQL a statement that the database refuses aborts it, unless [WithSavepoints] was given.
type HostTx struct {
	Operations
	ledger *Ledger // lives as long as its transactions
}

// InHost takes part in the transaction of any driver.
func (l *Ledger) InHost(host Host, options ...TxOption) *HostTx {
	runner := &hostRunner{core: l.core, host: host, options: readOptions(options).document()}
	runner.key = host.Transaction()
	if !reflect.ValueOf(runner.key).Comparable() {
		runner.key = runner
	}
	return &HostTx{Operations: Operations{runner}, ledger: l}
}

// LockAccounts locks the balances of accounts in the order in which the ledger always locks them: first, when several
// postings share one transaction, so that two such transactions wait for each other instead of deadlocking. It gives
// the distinct keys.
//
// Errors: ErrNotFound (account.not_found, journal.not_found), ErrInvalid (currency.unknown),
// ErrMisuse (tx.required, transaction.none).
func (tx *HostTx) LockAccounts(ctx context.Context, keys ...BalanceKey) ([]BalanceKey, error) {
	return lockAccounts(ctx, &tx.Operations, keys)
}

type hostRunner struct {
	core    *core
	host    Host
	key     any
	options string
	sqlite  bool // it has said so; read and written in the transaction's turn
}

func (r *hostRunner) run(ctx context.Context, make raw.Operation, request string) ([]byte, error) {
	c := r.core
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	release, err := c.turns.take(ctx, r.key)
	if err != nil {
		return nil, err
	}
	defer release()
	if own := r.check(ctx); own != nil {
		return nil, own
	}
	tx, failure, status := raw.TxHost(c.ledger, r.options)
	if status != raw.StatusOk {
		return nil, takeError(failure, status)
	}
	defer raw.TxFree(tx)
	op, failure, status := make(c.ledger, tx, request)
	if status != raw.StatusOk {
		return nil, takeError(failure, status)
	}
	defer raw.OpFree(op)
	return r.drive(ctx, op)
}

// Refuses what can be told before any statement of the ledger's: a transaction on another kind of store, or none.
func (r *hostRunner) check(ctx context.Context) *Error {
	if own := r.checkStore(ctx); own != nil {
		return own
	}
	if known, ok := r.host.(sqlHost); ok {
		return known.check(ctx, r.core.sqlite)
	}
	return nil
}

// To SQLite a text is no number. Neither database refuses this, so the transaction stays usable in both.
const askStore = "SELECT CASE WHEN '1' = 1 THEN 'another' ELSE 'sqlite' END"

func (r *hostRunner) checkStore(ctx context.Context) *Error {
	known, says := r.host.(interface{ Store() string })
	switch {
	case says && known.Store() == "sqlite" && !r.core.sqlite:
		return wrongStore("PostgreSQL", "SQLite")
	case says && known.Store() != "sqlite" && r.core.sqlite:
		return wrongStore("SQLite", "PostgreSQL")
	case says || !r.core.sqlite || r.sqlite || ctx.Err() != nil:
		return nil // SQLite's transaction survives a statement that only PostgreSQL has
	}
	answer, err := r.host.QueryText(ctx, askStore, nil)
	if err != nil { // an end or a refusal of before; what cannot be told here, the ledger's own statement meets again
		_, own := r.core.refusal(ctx, err)
		return own
	}
	if r.sqlite = answer == "sqlite"; !r.sqlite {
		return wrongStore("SQLite", "PostgreSQL")
	}
	return nil
}

// Runs what the operation asks for until it is answered. An ended context is left to the driver to notice: only the
// statement that it refuses is certain to have written nothing.
func (r *hostRunner) drive(ctx context.Context, op *raw.Op) ([]byte, error) {
	if err := trace(ctx, op); err != nil {
		return nil, err
	}
	var refused error // the first one: with savepoints, statements follow it
	step := raw.OpStep(op)
	for step == raw.StepNeedQuery {
		text, err := r.execute(ctx, op)
		if err == nil {
			step = raw.OpFeed(op, text)
			continue
		}
		if refused == nil {
			refused = err
		}
		state, own := r.core.refusal(ctx, err)
		if own != nil {
			return nil, own
		}
		step = raw.OpFeedError(op, state, err.Error())
	}
	switch {
	case step == raw.StepDone:
		return []byte(raw.OpResult(op)), nil
	case step < 0:
		return nil, statusError(raw.Status(-step))
	}
	failure := readError(raw.OpError(op))
	failure.cause = refused
	return nil, r.core.failed(ctx, failure)
}

func (r *hostRunner) execute(ctx context.Context, op *raw.Op) (string, error) {
	sql := raw.OpSql(op)
	params := make([]string, raw.OpParamCount(op))
	for i := range params {
		params[i] = raw.OpParam(op, int32(i))
	}
	if raw.OpSqlReturnsRow(op) == 0 {
		return "", r.host.Exec(ctx, sql, params)
	}
	return r.host.QueryText(ctx, sql, params)
}

// Lets the operations of one transaction take turns, whichever HostTx they come from.
type turns struct {
	mu   sync.Mutex
	held map[any]*turn
}

type turn struct {
	slot  chan struct{}
	users int // those who hold it or wait for it; the last one takes it away
}

func (t *turns) take(ctx context.Context, key any) (release func(), err error) {
	t.mu.Lock()
	if t.held == nil {
		t.held = make(map[any]*turn)
	}
	mine := t.held[key]
	if mine == nil {
		mine = &turn{slot: make(chan struct{}, 1)}
		t.held[key] = mine
	}
	mine.users++
	t.mu.Unlock()
	select {
	case mine.slot <- struct{}{}:
		return func() { <-mine.slot; t.leave(key, mine) }, nil
	case <-ctx.Done():
		t.leave(key, mine)
		return nil, cancelledError(ctx)
	}
}

func (t *turns) leave(key any, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.held, key)
	}
}
