package cala

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"runtime"
	"unsafe"

	"libcala.dev/cala/raw"
)

// Operations is what can be done in a ledger. [Ledger], [Tx] and [HostTx] have it in common; which of them it is called
// on says in which transaction the operation runs.
//
// Every operation takes a context: when it ends, the operation is cancelled. One whose write is on its way is finished
// all the same; the answer tells which. Besides the errors that each names, all answer with ErrInvalid (request.*),
// ErrBusy, ErrCancelled, ErrClosed, ErrUnavailable, ErrPermission and ErrUnsupported (store.*), and those that write
// with ErrConflict (store.serialization) and ErrOutcomeUnknown.
type Operations struct{ runner runner }

// How an operation is brought to its answer.
type runner interface {
	run(ctx context.Context, make raw.Operation, request string) ([]byte, error)
}

// Runs an operation and reads its result.
func call[Result any](ctx context.Context, o *Operations, make raw.Operation, request any) (*Result, error) {
	defer runtime.KeepAlive(o) // the ledger lives at least until the answer
	if err := refuseFloats(request); err != nil {
		return nil, err
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, newError(ErrInvalid, "request.malformed", "the request cannot be written as JSON: "+err.Error())
	}
	data, err := o.runner.run(ctx, make, unsafe.String(unsafe.SliceData(text), len(text)))
	if err != nil {
		return nil, err
	}
	result := new(Result)
	if err := json.Unmarshal(data, result); err != nil {
		return nil, newError(ErrInternal, "call.failed", "the library's answer cannot be read: "+err.Error())
	}
	return result, nil
}

// Call runs an operation by its name in cala.h without the prefix ("account_create"), with a JSON document as its
// request and its answer: for what has no method here, and for programs that pass documents on. Floats in params are
// not looked for.
//
// Errors: those of the operation, ErrInvalid (request.malformed) for a name that there is none of.
func (o *Operations) Call(ctx context.Context, operation string, request json.RawMessage) (json.RawMessage, error) {
	for _, known := range raw.Operations {
		if known.Name == operation {
			answer, err := call[json.RawMessage](ctx, o, known.Make, request)
			if err != nil {
				return nil, err
			}
			return *answer, nil
		}
	}
	return nil, newError(ErrInvalid, "request.malformed", "there is no operation "+operation)
}

// Runs an operation whose result is an object around what is wanted.
func callFor[Result, Wanted any](ctx context.Context, o *Operations, make raw.Operation, request any,
	wanted func(*Result) Wanted) (Wanted, error) {
	result, err := call[Result](ctx, o, make, request)
	if err != nil {
		var none Wanted
		return none, err
	}
	return wanted(result), nil
}

// Runs operations on the ledger's own connections, in a transaction of Begin's or each in its own.
type ownRunner struct {
	core *core
	tx   *txHandle
}

func (r ownRunner) run(ctx context.Context, make raw.Operation, request string) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, cancelledError(ctx)
	}
	c := r.core
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	handle, release, err := r.tx.take(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	op, failure, status := make(c.ledger, handle, request)
	if status != raw.StatusOk {
		return nil, takeError(failure, status)
	}
	defer raw.OpFree(op)
	return c.finish(ctx, op)
}

// Starts an operation and waits for its answer, also after asking it to stop: only the answer tells what was written.
func (c *core) finish(ctx context.Context, op *raw.Op) ([]byte, error) {
	if err := trace(ctx, op); err != nil {
		return nil, err
	}
	tag, arrival := c.pump.expect()
	if status := raw.OpStart(op, c.pump.queue, nil, uintptr(tag)); status != raw.StatusOk {
		c.pump.forget(tag)
		if status == raw.StatusMisuse && c.hostOnly {
			return nil, newError(ErrMisuse, "op.host_only", "the ledger has no connection of its own; use InSQL or InHost")
		}
		return nil, statusError(status)
	}
	var finished answer
	select {
	case finished = <-arrival:
	case <-ctx.Done():
		raw.OpCancel(op)
		finished = <-arrival
	}
	data, err := finished.outcome()
	if err != nil {
		return nil, c.failed(ctx, err.(*Error))
	}
	return data, nil
}

// Completes an error with the context's, and logs it.
func (c *core) failed(ctx context.Context, failure *Error) *Error {
	if failure.Status == ErrCancelled && ctx.Err() != nil {
		failure.cause = contextError(ctx)
	}
	logSafely(c.log, slog.LevelDebug, "cala: an operation failed", "code", failure.Code, "message", failure.Message)
	return failure
}

// ByID is the key of what has this id.
func ByID(id string) Key { return Key{ID: id} }

// ByCode is the key of the account, journal or tx template that has this code.
func ByCode(code string) Key { return Key{Code: code} }

// ByExternalID is the key of the account or transaction that has this external id.
func ByExternalID(id string) Key { return Key{ExternalID: id} }

type idRequest struct {
	ID string `json:"id"`
}

type idsRequest struct {
	IDs []string `json:"ids"`
}

// Page is one page of a list.
type Page[Item any] struct {
	Items       []Item `json:"items"`
	HasNextPage bool   `json:"has_next_page"`
	// EndCursor is where the next page begins; "" when this one is empty.
	EndCursor string `json:"end_cursor"`
}

// Goes through a list, fetching page after page. An error comes with the item's zero value and ends the list.
func pages[Item any](fetch func(after string) (*Page[Item], error), after string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for cursor := after; ; {
			page, err := fetch(cursor)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if !page.HasNextPage {
				return
			}
			cursor = page.EndCursor
		}
	}
}

// A list that is never null in a request.
func list[Item any](items []Item) []Item {
	if items == nil {
		return []Item{}
	}
	return items
}
