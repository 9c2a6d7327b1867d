package cala

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"libcala.dev/cala/raw"
)

// Status says what kind of failure an error is. Each status is an error value of its own,
// to be compared with errors.Is:
//
//	if errors.Is(err, cala.ErrRejected) { ... }
//
// Treat a status that you do not know like ErrInternal.
type Status int32

// What became of a call.
const (
	// ErrMisuse: the call itself is wrong; fix the program.
	ErrMisuse = Status(raw.StatusMisuse)
	// ErrInvalid: the request is not right; Details name the place.
	ErrInvalid = Status(raw.StatusInvalid)
	// ErrNotFound: what the request names does not exist.
	ErrNotFound = Status(raw.StatusNotFound)
	// ErrConflict: an id, code or external id is taken, or something changed meanwhile.
	ErrConflict = Status(raw.StatusConflict)
	// ErrRejected: the ledger refuses (unbalanced, locked); nothing was written.
	ErrRejected = Status(raw.StatusRejected)
	// ErrBusy: too much at once; try again later.
	ErrBusy = Status(raw.StatusBusy)
	// ErrTimeout: not finished within the time given.
	ErrTimeout = Status(raw.StatusTimeout)
	// ErrCancelled: cancelled; nothing was written. errors.Is finds the context's error in it too.
	ErrCancelled = Status(raw.StatusCancelled)
	// ErrClosed: the ledger was closed.
	ErrClosed = Status(raw.StatusClosed)
	// ErrUnavailable: the store cannot be reached or cannot work, or the library is missing.
	ErrUnavailable = Status(raw.StatusUnavailable)
	// ErrPermission: the store does not let us.
	ErrPermission = Status(raw.StatusPermission)
	// ErrUnsupported: not with this store, schema version or build.
	ErrUnsupported = Status(raw.StatusUnsupported)
	// ErrNoMemory: out of memory; nothing was written.
	ErrNoMemory = Status(raw.StatusNoMemory)
	// ErrInternal: a defect of the library.
	ErrInternal = Status(raw.StatusInternal)
	// ErrForked: the ledger belongs to the parent process.
	ErrForked = Status(raw.StatusForked)
	// ErrOutcomeUnknown: the connection was lost during commit; post the same id again, or look it up.
	ErrOutcomeUnknown = Status(raw.StatusOutcomeUnknown)
)

var statusTexts = map[Status]string{
	ErrMisuse: "misuse", ErrInvalid: "invalid", ErrNotFound: "not found", ErrConflict: "conflict", ErrRejected: "rejected",
	ErrBusy: "busy", ErrTimeout: "timeout", ErrCancelled: "cancelled", ErrClosed: "closed", ErrUnavailable: "unavailable",
	ErrPermission: "permission", ErrUnsupported: "unsupported", ErrNoMemory: "no memory", ErrInternal: "internal",
	ErrForked: "forked", ErrOutcomeUnknown: "outcome unknown",
}

// Error is the status in words.
func (status Status) Error() string {
	if text, known := statusTexts[status]; known {
		return "cala: " + text
	}
	return fmt.Sprintf("cala: status %d", int32(status))
}

// TxState says what a failure means for the database transaction that the operation ran in.
type TxState int32

const (
	// TxUsable: nothing was written; the transaction can go on.
	TxUsable = TxState(raw.TxUsable)
	// TxAborted: the database refuses further statements; roll back.
	TxAborted = TxState(raw.TxAborted)
	// TxRetry: roll back and run the whole transaction again: it lost a race. See [Retrying].
	TxRetry = TxState(raw.TxRetry)
)

// Error is why a call failed. Find it with errors.As; compare its status with errors.Is.
type Error struct {
	// Status is the kind of failure.
	Status Status `json:"status"`
	// Code is a stable dotted word for programs: "account.locked". The library's docs/errors.md lists them.
	Code string `json:"code"`
	// Message is one sentence for people.
	Message string `json:"message"`
	// Details is a JSON object with more: {"pointer": "/params/amount"}.
	Details json.RawMessage `json:"details"`
	// Retryable is true when the same call may succeed if repeated (in a transaction: after a rollback).
	Retryable bool `json:"retryable"`
	// SQLState is the five characters of the database's SQLSTATE, or "" when no database said no.
	SQLState string `json:"sqlstate"`
	// TxState says whether the transaction can go on.
	TxState TxState `json:"tx_state"`
	// PostingIndex is which posting of a batch was refused, counted from 0; -1 when the error is about none.
	PostingIndex int `json:"posting_index"`

	cause error
}

// Error is the code and the message.
func (e *Error) Error() string { return "cala: " + e.Code + ": " + e.Message }

// Is compares the status with that of target.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap gives what the driver or the context said, if either did.
func (e *Error) Unwrap() error { return e.cause }

// Detail gives the text of one of the Details, or "" when it is not there or no text.
func (e *Error) Detail(key string) string {
	var details map[string]any
	if json.Unmarshal(e.Details, &details) != nil {
		return ""
	}
	text, _ := details[key].(string)
	return text
}

func newError(status Status, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message, Details: json.RawMessage("{}"), PostingIndex: -1}
}

func closedError() *Error { return newError(ErrClosed, "ledger.closed", "the ledger has been closed") }

func cancelledError(ctx context.Context) *Error {
	failure := newError(ErrCancelled, "op.cancelled", "the operation was cancelled before it began")
	failure.cause = contextError(ctx)
	return failure
}

// The context's error and, when it was given one, its cause.
func contextError(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ctx.Err()) {
		return errors.Join(ctx.Err(), cause)
	}
	return ctx.Err()
}

// A failure of a function that gives no cala_error.
func statusError(status raw.Status) *Error {
	switch Status(status) {
	case ErrClosed:
		return closedError()
	case ErrBusy:
		failure := newError(ErrBusy, "queue.full", "too many operations are in flight")
		failure.Retryable = true
		return failure
	default:
		return newError(Status(status), "call.failed", "the library answered "+raw.StatusName(status))
	}
}

// Reads an error that belongs to somebody else.
func readError(failure *raw.Error) *Error {
	return &Error{
		Status:       Status(raw.ErrorStatus(failure)),
		Code:         raw.ErrorCode(failure),
		Message:      raw.ErrorMessage(failure),
		Details:      json.RawMessage(raw.ErrorDetails(failure)),
		Retryable:    raw.ErrorRetryable(failure) != 0,
		SQLState:     raw.ErrorSqlstate(failure),
		TxState:      TxState(raw.ErrorTxState(failure)),
		PostingIndex: int(raw.ErrorPostingIndex(failure)),
	}
}

// Takes an error that is ours to free.
func takeError(failure *raw.Error, status raw.Status) *Error {
	if failure == nil {
		return statusError(status)
	}
	defer raw.ErrorFree(failure)
	return readError(failure)
}
