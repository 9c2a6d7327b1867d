package tests

import (
	"context"
	"errors"
	"testing"
	"time"

	"libcala.dev/cala"
)

func TestEvents_are_read_in_pages(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		b := openBooks(t, ctx, &ledger.Operations)
		before := must[*cala.EventPage](t)(ledger.Events(ctx, cala.EventFilter{}))
		posted := must[*cala.Posted](t)(b.post(ctx, &ledger.Operations, "7"))
		page := must[*cala.EventPage](t)(ledger.Events(ctx, cala.EventFilter{After: &before.Place, Entries: true}))
		equal(t, len(page.Items), 1)
		equal(t, page.Items[0].Transaction.ID, posted.Transaction.ID)
		equal(t, len(page.Items[0].Entries), len(posted.Entries))
		equal(t, page.HasNextPage, false)
	})
}

func TestListener_hears_what_is_posted_and_goes_on_where_it_was_done(t *testing.T) {
	onEachStore(t, func(t *testing.T, ctx context.Context, ledger *cala.Ledger) {
		b := openBooks(t, ctx, &ledger.Operations)
		heard := must[*cala.EventListener](t)(ledger.Listen(ctx, cala.ListenOptions{Name: "mailer"}))
		first := must[*cala.Posted](t)(b.post(ctx, &ledger.Operations, "1"))
		second := must[*cala.Posted](t)(b.post(ctx, &ledger.Operations, "2"))
		var places []int64
		for event, err := range heard.All(ctx) {
			check(t, err)
			places = append(places, event.Place)
			if len(places) == 2 {
				equal(t, event.SubjectID, second.Transaction.ID)
				break
			}
			equal(t, event.Transaction.ID, first.Transaction.ID)
		}
		equal(t, heard.Reached() >= places[1], true)
		later := must[*cala.EventListener](t)(ledger.Listen(ctx,
			cala.ListenOptions{From: "start", Types: []cala.EventType{cala.TransactionCreated}}))
		for i, place := range places {
			equal(t, must[*cala.Event](t)(later.Next(ctx)).Place, place)
			reached := later.Reached()
			equal(t, reached >= place && (i == 1 || reached < places[1]), true)
		}
		check(t, later.Close())
		kept := must[*cala.KeptPlace](t)(ledger.AckListener(ctx, cala.ListenerAckRequest{Name: "mailer", Place: places[0]}))
		equal(t, kept.Place, places[0])
		check(t, heard.Close())
		check(t, heard.Close())
		again := must[*cala.EventListener](t)(ledger.Listen(ctx, cala.ListenOptions{Name: "mailer", From: "start"}))
		equal(t, must[*cala.Event](t)(again.Next(ctx)).Place, places[1])
		check(t, again.Close())
	})
}

func TestListener_ends_with_its_context_and_its_ledger(t *testing.T) {
	ledger := openInMemory(t)
	heard := must[*cala.EventListener](t)(ledger.Listen(t.Context(), cala.ListenOptions{}))
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := heard.Next(short)
	equal(t, errors.Is(err, cala.ErrCancelled), true)
	for range heard.All(short) {
		t.Fatal("nothing happened")
	}
	check(t, ledger.Close())
	_, err = heard.Next(t.Context())
	equal(t, errors.Is(err, cala.ErrClosed), true)
	check(t, heard.Close())
	equal(t, heard.Reached(), -1)
	_, err = ledger.Listen(t.Context(), cala.ListenOptions{From: "yesterday"})
	equal(t, errors.Is(err, cala.ErrClosed), true)
}
