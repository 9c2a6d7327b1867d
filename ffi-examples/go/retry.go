package cala

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"libcala.dev/cala/raw"
)

const defaultAttempts = 10

// RetryOption is a setting of [Retrying].
type RetryOption func(*int)

// Attempts bounds how often a transaction is run. Default 10.
func Attempts(most int) RetryOption { return func(attempts *int) { *attempts = most } }

// Retrying runs a whole transaction, and runs it again when it lost a race: see [LostRace]. The function begins, works,
// commits and returns the error; its transaction must be rolled back when it returns one:
//
//	err := cala.Retrying(ctx, func(ctx context.Context) error {
//		tx, err := db.BeginTx(ctx, nil)
//		if err != nil {
//			return err
//		}
//		defer tx.Rollback()
//		...
//		return tx.Commit()
//	})
//
// The last error is given when it lost every time. It waits longer before each attempt: 2 to 4 ms, then twice as much
// each time, 256 ms at most.
func Retrying(ctx context.Context, transaction func(context.Context) error, options ...RetryOption) error {
	attempts := defaultAttempts
	for _, option := range options {
		option(&attempts)
	}
	for attempt := 1; ; attempt++ {
		err := transaction(ctx)
		if err == nil || attempt >= attempts || !LostRace(err) {
			return err
		}
		select {
		case <-time.After(pause(attempt)):
		case <-ctx.Done():
			return err
		}
	}
}

// LostRace says whether an error means that the whole transaction may succeed when it is run again. The library knows:
// of its own errors by TxRetry, of the driver's by their SQLSTATE (40001, 40P01) or SQLite's name of their code
// (SQLITE_BUSY). Also when one of them is wrapped in it.
func LostRace(err error) bool {
	var failure *Error
	if errors.As(err, &failure) {
		return failure.TxState == TxRetry
	}
	state := sqlState(err)
	if state == "" {
		state = sqliteName(err)
	}
	return state != "" && loadLibrary() == nil && raw.LostRace(state) != 0
}

// Random, so that two that met do not meet again.
func pause(attempt int) time.Duration {
	most := 2 * time.Millisecond << min(attempt, 7)
	return most/2 + rand.N(most/2)
}
