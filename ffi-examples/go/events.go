package cala

import (
	"context"

	"libcala.dev/cala/raw"
)

// Events gives a page of what happened, in order; read on with the page's Place as After, while HasNextPage or at any later time.
// Nothing is missed and nothing comes twice.
//
// Errors: ErrUnavailable (list.no_mark).
func (o *Operations) Events(ctx context.Context, request EventFilter) (*EventPage, error) {
	return call[EventPage](ctx, o, raw.EventList, request)
}
