package cala

import (
	"context"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// Journal is a journal of the ledger: what its transactions are posted to.
type Journal struct {
	ID                string `json:"id"`
	Version           int64  `json:"version"`
	Name              string `json:"name"`
	Code              string `json:"code,omitempty"`
	Description       string `json:"description,omitempty"`
	Status            State  `json:"status"`
	EffectiveBalances bool   `json:"effective_balances"`
	// MaxScale is what encoding/json makes of a number, or of an object of numbers by currency and "default".
	MaxScale   any       `json:"max_scale"`
	CreatedAt  time.Time `json:"created_at"`
	ModifiedAt time.Time `json:"modified_at"`
}

// NewJournal is a journal to be created. Name is needed.
type NewJournal struct {
	// ID is a UUID; one is made when it is left out.
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	// Code is unique in the ledger.
	Code        string `json:"code,omitempty"`
	Description string `json:"description,omitempty"`
	// Status is Active when it is left out.
	Status            State `json:"status,omitempty"`
	EffectiveBalances bool  `json:"effective_balances,omitempty"`
	// MaxScale says how many digits after the decimal point an entry may have: 2, or map[string]int{"default": 18, "USD": 2}.
	MaxScale any `json:"max_scale,omitempty"`
}

// JournalUpdate says what changes in a journal: see [Set] and [Clear].
type JournalUpdate struct {
	Name        Change[string] `json:"name,omitzero"`
	Description Change[string] `json:"description,omitzero"`
	// MaxScale is for postings to come; as in NewJournal.
	MaxScale Change[any] `json:"max_scale,omitzero"`
}

// JournalFilter says which journals are listed, and the page.
type JournalFilter struct {
	PageRequest
	Status State `json:"status,omitempty"`
}

// CreateJournal creates a journal. Errors: ErrConflict (journal.exists; Details column: id or code).
func (o *Operations) CreateJournal(ctx context.Context, journal NewJournal) (*Journal, error) {
	return call[Journal](ctx, o, raw.JournalCreate, journal)
}

// FindJournal finds a journal by id or code. Errors: ErrNotFound (journal.not_found).
func (o *Operations) FindJournal(ctx context.Context, key Key) (*Journal, error) {
	return call[Journal](ctx, o, raw.JournalFind, key)
}

// Journals goes through journals by time of creation.
func (o *Operations) Journals(ctx context.Context, filter JournalFilter) iter.Seq2[Journal, error] {
	return pages(func(after string) (*Page[Journal], error) {
		filter.After = after
		return o.JournalsPage(ctx, filter)
	}, filter.After)
}

// JournalsPage gives one page of journals by time of creation.
func (o *Operations) JournalsPage(ctx context.Context, filter JournalFilter) (*Page[Journal], error) {
	return call[Page[Journal]](ctx, o, raw.JournalList, filter)
}

// UpdateJournal changes a journal. Errors: ErrNotFound (journal.not_found), ErrConflict (journal.changed).
func (o *Operations) UpdateJournal(ctx context.Context, id string, update JournalUpdate) (*Journal, error) {
	request := struct {
		idRequest
		JournalUpdate
	}{idRequest{id}, update}
	return call[Journal](ctx, o, raw.JournalUpdate, request)
}

// LockJournal locks a journal: postings to it are rejected until it is unlocked. Locking twice is fine.
// Errors: ErrNotFound (journal.not_found), ErrConflict (journal.changed).
func (o *Operations) LockJournal(ctx context.Context, id string) (*Journal, error) {
	return call[Journal](ctx, o, raw.JournalLock, idRequest{id})
}

// UnlockJournal unlocks a journal. Errors as for LockJournal.
func (o *Operations) UnlockJournal(ctx context.Context, id string) (*Journal, error) {
	return call[Journal](ctx, o, raw.JournalUnlock, idRequest{id})
}
