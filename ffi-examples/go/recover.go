package cala

import (
	"context"
	"errors"
	"time"
)

// Recovery is what [Ledger.Recover] goes by.
type Recovery struct {
	// What the program decided of one that is prepared: [OutcomeCommit], [OutcomeRollback], or "": nothing is decided, it
	// is left as it is. Nothing is guessed. An error ends the recovery.
	Decided func(ctx context.Context, prepared Prepared) (PreparedOutcome, error)
	// What is younger is left alone.
	MinAge time.Duration
}

// NotFinished is a prepared transaction that could not be finished now.
type NotFinished struct {
	Prepared Prepared
	Err      *Error
}

// Recovered is what a recovery did. Each prepared transaction that was old enough is in one of these.
type Recovered struct {
	Committed, RolledBack []Prepared
	// Somebody else has ended these meanwhile.
	Ended []Prepared
	// Of these the program decided nothing.
	Left []Prepared
	// Another session is at these (prepared.busy), or they are another user's (store.permission).
	Failed []NotFinished
}

// Recover ends what is prepared ([Tx.Prepare]) as the program decided. What ends it early leaves what is finished by
// then so, and says it; the rest is for the next time. See docs/two-phase.md.
//
// Errors: ErrInvalid (request.malformed), what Decided gives, and those of [Operations.Prepared] and
// [Operations.FinishPrepared] that are not in Failed.
func (l *Ledger) Recover(ctx context.Context, by Recovery) (Recovered, error) {
	var done Recovered
	if by.Decided == nil {
		return done, newError(ErrInvalid, "request.malformed", "Decided is needed")
	}
	if by.MinAge < 0 {
		return done, newError(ErrInvalid, "request.malformed", "MinAge must not be negative")
	}
	var all []Prepared
	for one, err := range l.Prepared(ctx, PreparedFilter{}) {
		if err != nil {
			return done, err
		}
		all = append(all, one)
	}
	for _, one := range all {
		if time.Duration(one.AgeMs)*time.Millisecond < by.MinAge {
			continue
		}
		outcome, err := by.Decided(ctx, one)
		if err != nil {
			return done, err
		}
		if outcome == "" {
			done.Left = append(done.Left, one)
			continue
		}
		finished, err := l.FinishPrepared(ctx, TxFinishRequest{GID: one.GID, Outcome: outcome})
		var failure *Error
		switch {
		case err == nil && finished.Outcome == OutcomeCommit:
			done.Committed = append(done.Committed, one)
		case err == nil:
			done.RolledBack = append(done.RolledBack, one)
		case !errors.As(err, &failure):
			return done, err
		case failure.Code == "prepared.not_found":
			done.Ended = append(done.Ended, one)
		case failure.Code == "prepared.busy" || failure.Code == "store.permission":
			done.Failed = append(done.Failed, NotFinished{one, failure})
		default:
			return done, err
		}
	}
	return done, nil
}
