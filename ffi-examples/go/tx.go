package cala

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	"libcala.dev/cala/raw"
)

// TxOption is a setting of a transaction, for [Ledger.Begin], [Ledger.InSQL] and [Ledger.InHost].
type TxOption func(*txOptions)

type txOptions struct {
	Savepoint bool `json:"savepoint,omitempty"`
}

// WithSavepoints runs every operation behind a SAVEPOINT of its own, so that one that the database refuses leaves the
// transaction usable. A lost race ([TxRetry]) still needs the whole transaction again.
// It costs two more statements an operation.
func WithSavepoints() TxOption { return func(options *txOptions) { options.Savepoint = true } }

func (options txOptions) document() string {
	if options.Savepoint {
		return `{"savepoint":true}`
	}
	return "{}"
}

func readOptions(given []TxOption) (options txOptions) {
	for _, option := range given {
		option(&options)
	}
	return options
}

// Tx is a transaction on a connection of the ledger's own. Its operations see each other's writes; nobody else does
// until Commit. Operations that are called at the same time take turns.
// On SQLite it holds the only writer: keep it short.
type Tx struct {
	Operations
	ledger  *Ledger
	handle  *txHandle
	cleanup runtime.Cleanup
}

// The handle of a transaction, which one operation uses at a time.
type txHandle struct {
	turn chan struct{} // holds one value while the handle is in use
	tx   *raw.Tx       // nil when it is over
}

// Begin begins a transaction, and waits for a connection. End it with Commit or Rollback; a Tx that is dropped is
// rolled back.
//
// Errors: ErrBusy (store.busy), ErrUnavailable, ErrClosed, ErrCancelled, ErrMisuse (a host-only ledger).
func (l *Ledger) Begin(ctx context.Context, options ...TxOption) (*Tx, error) {
	defer runtime.KeepAlive(l)
	if ctx.Err() != nil {
		return nil, cancelledError(ctx)
	}
	if err := l.core.enter(); err != nil {
		return nil, err
	}
	handle := &txHandle{turn: make(chan struct{}, 1)}
	text := readOptions(options).document()
	begin := func() error {
		defer l.core.leave()
		tx, failure, status := raw.TxBegin(l.core.ledger, text)
		if status != raw.StatusOk {
			return takeError(failure, status)
		}
		handle.tx = tx
		return nil
	}
	if err := blocking(ctx, begin, handle.free); err != nil {
		return nil, err
	}
	tx := &Tx{Operations: Operations{ownRunner{l.core, handle}}, ledger: l, handle: handle}
	tx.cleanup = runtime.AddCleanup(tx, func(handle *txHandle) { go handle.free() }, handle)
	return tx, nil
}

// Waits for the handle's turn. A nil handle stands for no transaction.
func (h *txHandle) take(ctx context.Context) (*raw.Tx, func(), error) {
	if h == nil {
		return nil, func() {}, nil
	}
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, cancelledError(ctx)
	}
	release := func() { <-h.turn }
	if h.tx == nil {
		release()
		return nil, nil, newError(ErrMisuse, "tx.over", "the transaction has been committed, rolled back or prepared already")
	}
	return h.tx, release, nil
}

// Rolls back what is left open. Doing it twice is fine, and so is doing it after the ledger's end.
func (h *txHandle) free() {
	h.turn <- struct{}{}
	raw.TxFree(h.tx)
	h.tx = nil
	<-h.turn
}

// Commit lands everything together. After it the transaction is over, whatever it answers,
// unless the context had ended before.
//
// Errors: ErrConflict (store.serialization: run the transaction again), ErrUnavailable,
// ErrOutcomeUnknown, ErrMisuse (tx.over).
func (tx *Tx) Commit(ctx context.Context) error { return tx.finish(ctx, raw.TxCommit, false) }

// Rollback leaves nothing. It is meant for defer: after Commit it only answers ErrMisuse (tx.over), and it is done even
// when the context has ended.
func (tx *Tx) Rollback(ctx context.Context) error {
	return tx.finish(context.WithoutCancel(ctx), raw.TxRollback, false)
}

// Prepare is the first half of a two-phase commit, on PostgreSQL: what the transaction did goes on in the database
// under the gid, until [Operations.FinishPrepared] commits it or rolls it back, from any process; see
// docs/two-phase.md. After it the transaction is over, and after an error whose TxState is not TxUsable.
//
// Errors: ErrConflict (prepared.exists), ErrBusy (prepared.too_many), ErrUnsupported (prepared.disabled,
// tx.not_postgres), ErrInvalid (request.malformed: 1 to 100 bytes), ErrUnavailable,
// ErrOutcomeUnknown, ErrMisuse (tx.over).
func (tx *Tx) Prepare(ctx context.Context, gid string) error {
	return tx.finish(ctx, func(handle *raw.Tx) (*raw.Error, raw.Status) { return raw.TxPrepare(handle, gid) }, true)
}

// mayGoOn: after an error that leaves it usable.
func (tx *Tx) finish(ctx context.Context, end func(*raw.Tx) (*raw.Error, raw.Status), mayGoOn bool) error {
	defer runtime.KeepAlive(tx)
	c := tx.ledger.core
	if err := c.enter(); err != nil {
		tx.handle.free()
		return err
	}
	defer c.leave()
	if ctx.Err() != nil {
		return cancelledError(ctx)
	}
	handle, release, err := tx.handle.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	failure, status := end(handle)
	var refused *Error
	if status != raw.StatusOk {
		refused = takeError(failure, status)
	}
	if refused == nil || !mayGoOn || refused.TxState != TxUsable {
		raw.TxFree(handle)
		tx.handle.tx = nil
		tx.cleanup.Stop()
	}
	if refused != nil {
		return c.failed(ctx, refused)
	}
	return nil
}

// Text is a value of the result, "" for NULL.
func (r *ExecResult) Text(row, column int) string {
	if value := r.Rows[row][column]; value != nil {
		return *value
	}
	return ""
}

// Exec runs one statement of the program's own in the transaction, with the store's placeholders ($1 on PostgreSQL, ?
// on SQLite). Parameters are strings, *string or nil, sent as text of unknown type; cast where the database wants it.
//
// Errors: ErrInvalid (request.malformed: another parameter; tx.control_statement, tx.statement: see SQLState and
// TxState, tx.too_many_rows), ErrConflict (tx.constraint), ErrMisuse (tx.required).
func (tx *Tx) Exec(ctx context.Context, sql string, params ...any) (*ExecResult, error) {
	texts := make([]*string, len(params))
	for i, param := range params {
		switch value := param.(type) {
		case nil:
		case string:
			texts[i] = &value
		case *string:
			texts[i] = value
		default:
			failure := newError(ErrInvalid, "request.malformed", fmt.Sprintf(
				"parameter %d is of type %T, and must be a string, a *string or nil", i+1, param))
			failure.Details = json.RawMessage(fmt.Sprintf(`{"pointer":"/params/%d"}`, i))
			return nil, failure
		}
	}
	return call[ExecResult](ctx, &tx.Operations, raw.TxExec, TxExecRequest{sql, texts})
}

// LockAccounts locks the balances of accounts in the order in which the ledger always locks them: first, when several
// postings share one transaction, so that two such transactions wait for each other instead of deadlocking. It gives
// the distinct keys.
//
// Errors: ErrNotFound (account.not_found, journal.not_found), ErrInvalid (currency.unknown), ErrMisuse (tx.required).
func (tx *Tx) LockAccounts(ctx context.Context, keys ...BalanceKey) ([]BalanceKey, error) {
	return lockAccounts(ctx, &tx.Operations, keys)
}

func lockAccounts(ctx context.Context, o *Operations, keys []BalanceKey) ([]BalanceKey, error) {
	return callFor(ctx, o, raw.TxLockAccounts, TxLockAccountsRequest{list(keys)},
		func(result *TxLockAccountsResult) []BalanceKey { return result.Keys })
}
