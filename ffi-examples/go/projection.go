package cala

import (
	"context"
	"errors"
	"time"
)

// Projection applies events to tables of the program's, a page in one transaction together with its place, which the
// ledger keeps under the name: each exactly once, whatever is killed when, and however many processes do it.
// Transaction is the program's, a *sql.Tx for example. See docs/projection.md.
type Projection[Transaction any] struct {
	Name string
	// InTransaction begins a transaction, calls work, and commits, or rolls back when work fails.
	InTransaction func(ctx context.Context, work func(tx Transaction) error) error
	// Within is the ledger within a transaction: [Ledger.InSQL] for example, or the transaction itself.
	Within func(tx Transaction) *Operations
	// Apply writes what follows from an event.
	Apply func(ctx context.Context, tx Transaction, event Event) error
	// Clear empties the tables, for Rebuild.
	Clear func(ctx context.Context, tx Transaction) error
	// Which events, and what comes with them; After is not looked at. Limit is how many a transaction has, 1 to 1000.
	Filter EventFilter
}

// CatchUp applies what is new, page after page, and gives how many events that were.
func (p *Projection[Transaction]) CatchUp(ctx context.Context) (applied int, err error) {
	// By itself: a transaction that begins a listener sees no events yet.
	if err = p.begin(ctx); err != nil {
		return 0, err
	}
	for more := true; more; {
		var page *EventPage
		err := p.run(ctx, func(tx Transaction) (err error) {
			page, err = p.step(ctx, tx)
			return err
		})
		if err != nil {
			return applied, err
		}
		applied += len(page.Items)
		more = page.HasNextPage
	}
	return applied, nil
}

// Rebuild empties the tables by Clear and forgets the place, in one transaction, and applies all events anew. It gives
// how many that were. ErrNotFound event.pruned where the first ones are no longer there: nothing is emptied then.
func (p *Projection[Transaction]) Rebuild(ctx context.Context) (applied int, err error) {
	if p.Clear == nil {
		return 0, errors.New("cala: a projection that is rebuilt needs Clear")
	}
	// By itself: what removes the listener holds its row, which the ack of one that is catching up needs.
	if err = p.begin(ctx); err != nil {
		return 0, err
	}
	err = p.run(ctx, func(tx Transaction) error {
		o := p.Within(tx)
		var failure *Error
		if _, err := o.RemoveListener(ctx, ListenerRemoveRequest{Name: p.Name}); err != nil &&
			!(errors.As(err, &failure) && failure.Code == CodeListenerNotFound) { // somebody else removed it
			return err
		}
		// After that: who has written and not committed has been waited for, or fails.
		if err := p.Clear(ctx, tx); err != nil {
			return err
		}
		_, err := p.kept(ctx, o)
		return err
	})
	if err != nil {
		return 0, err
	}
	return p.CatchUp(ctx)
}

func (p *Projection[Transaction]) begin(ctx context.Context) error {
	return p.run(ctx, func(tx Transaction) error {
		_, err := p.kept(ctx, p.Within(tx))
		return err
	})
}

func (p *Projection[Transaction]) kept(ctx context.Context, o *Operations) (*KeptPlace, error) {
	return o.PlaceListener(ctx, ListenerPlaceRequest{Name: p.Name, From: "start"})
}

func (p *Projection[Transaction]) step(ctx context.Context, tx Transaction) (*EventPage, error) {
	o := p.Within(tx)
	kept, err := p.kept(ctx, o)
	if err != nil {
		return nil, err
	}
	filter := p.Filter
	filter.After = &kept.Place
	page, err := o.Events(ctx, filter)
	if err != nil {
		return nil, err
	}
	for _, event := range page.Items {
		if err := p.Apply(ctx, tx, event); err != nil {
			return nil, err
		}
	}
	if page.Place > kept.Place {
		_, err = o.AckListener(ctx, ListenerAckRequest{Name: p.Name, Place: page.Place, ExpectedPlace: &kept.Place})
	}
	return page, err
}

// Runs a transaction, again where another was faster.
func (p *Projection[Transaction]) run(ctx context.Context, work func(tx Transaction) error) error {
	for attempt := 1; ; attempt++ {
		err := p.InTransaction(ctx, work)
		var failure *Error
		moved := errors.As(err, &failure) && (failure.Code == CodeListenerChanged || failure.Code == CodeListenerNotFound)
		if err == nil || attempt == defaultAttempts || !moved && !LostRace(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause(attempt)):
		}
	}
}
