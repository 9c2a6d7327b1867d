package cala

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// Layer is which of an account's three balances an entry moves.
type Layer string

// The layers.
const (
	Settled     Layer = "settled"
	Pending     Layer = "pending"
	Encumbrance Layer = "encumbrance"
)

// Entry is one entry of a transaction.
type Entry struct {
	ID            string `json:"id"`
	TransactionID string `json:"transaction_id"`
	JournalID     string `json:"journal_id"`
	AccountID     string `json:"account_id"`
	EntryType     string `json:"entry_type"`
	// Sequence counts the entries of the transaction from 1.
	Sequence  int       `json:"sequence"`
	Layer     Layer     `json:"layer"`
	Direction Direction `json:"direction"`
	// Units is a decimal with its scale kept: "10.00".
	Units          string          `json:"units"`
	Currency       string          `json:"currency"`
	Description    string          `json:"description,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	AccountVersion int64           `json:"account_version"`
	CreatedAt      time.Time       `json:"created_at"`
}

// EntryFilter says which entries are listed, and the page. Exactly one of AccountID, JournalID and TransactionID is needed.
type EntryFilter struct {
	PageRequest
	AccountID     string
	JournalID     string
	TransactionID string
	// CreatedFrom and CreatedTo are instants, both inclusive, to the microsecond.
	CreatedFrom time.Time
	CreatedTo   time.Time
	// EffectiveFrom and EffectiveTo are dates, both inclusive.
	EffectiveFrom string
	EffectiveTo   string
	// Stable ends the list before what is still being posted, so that following it misses nothing.
	Stable bool
}

// MarshalJSON writes the request of the list.
func (f EntryFilter) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		PageRequest
		AccountID     string  `json:"account_id,omitempty"`
		JournalID     string  `json:"journal_id,omitempty"`
		TransactionID string  `json:"transaction_id,omitempty"`
		CreatedFrom   *string `json:"created_from,omitempty"`
		CreatedTo     *string `json:"created_to,omitempty"`
		EffectiveFrom string  `json:"effective_from,omitempty"`
		EffectiveTo   string  `json:"effective_to,omitempty"`
		Stable        bool    `json:"stable,omitempty"`
	}{f.PageRequest, f.AccountID, f.JournalID, f.TransactionID, instant(f.CreatedFrom), instant(f.CreatedTo), f.EffectiveFrom, f.EffectiveTo, f.Stable})
}

// Entries goes through entries in the order in which they were posted.
func (o *Operations) Entries(ctx context.Context, filter EntryFilter) iter.Seq2[Entry, error] {
	return pages(func(after string) (*Page[Entry], error) {
		filter.After = after
		return o.EntriesPage(ctx, filter)
	}, filter.After)
}

// EntriesPage gives one page of entries in the order in which they were posted.
func (o *Operations) EntriesPage(ctx context.Context, filter EntryFilter) (*Page[Entry], error) {
	return call[Page[Entry]](ctx, o, raw.EntryList, filter)
}

// FindEntries finds entries, 10,000 at most, in the order asked; missing ones are left out.
func (o *Operations) FindEntries(ctx context.Context, ids []string) ([]Entry, error) {
	type entries struct {
		Entries []Entry `json:"entries"`
	}
	return callFor(ctx, o, raw.EntryFindMany, idsRequest{list(ids)}, func(e *entries) []Entry { return e.Entries })
}
