package cala

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"libcala.dev/cala/raw"
)

// Params are the params of a posting by name. Decimals, UUIDs, dates and timestamps are strings: a float, which cannot hold every
// amount, is refused wherever it is in them: ErrInvalid param.type.
type Params = map[string]any

// Posting is one of several that are posted together: see [Operations.PostMany].
type Posting struct {
	// ID is the transaction's UUID; one is made when it is left out.
	ID             string `json:"id,omitempty"`
	TxTemplateCode string `json:"tx_template_code"`
	Params         Params `json:"params,omitempty"`
}

// Transaction is a transaction that was posted.
type Transaction struct {
	ID             string   `json:"id"`
	Version        int64    `json:"version"`
	JournalID      string   `json:"journal_id"`
	TxTemplateID   string   `json:"tx_template_id"`
	TxTemplateCode string   `json:"tx_template_code"`
	EntryIDs       []string `json:"entry_ids"`
	// Effective is a date, "2026-01-31".
	Effective     string          `json:"effective"`
	CorrelationID string          `json:"correlation_id"`
	ExternalID    string          `json:"external_id,omitempty"`
	Description   string          `json:"description,omitempty"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	CreatedAt     time.Time       `json:"created_at"`
	ModifiedAt    time.Time       `json:"modified_at"`
}

// Posted is what a posting became.
type Posted struct {
	Transaction Transaction `json:"transaction"`
	Entries     []Entry     `json:"entries"`
	// Replayed is true when the same id or external id had been posted before with the same content: nothing was written, and
	// this is the first result.
	Replayed bool `json:"replayed"`
}

// TransactionFilter says which transactions are listed, and the page.
type TransactionFilter struct {
	PageRequest
	TxTemplateID  string `json:"tx_template_id,omitempty"`
	JournalID     string `json:"journal_id,omitempty"`
	AccountID     string `json:"account_id,omitempty"`
	CorrelationID string `json:"correlation_id,omitempty"`
	// EffectiveFrom and EffectiveTo are dates, both inclusive.
	EffectiveFrom string `json:"effective_from,omitempty"`
	EffectiveTo   string `json:"effective_to,omitempty"`
	// Stable ends the list before what is still being posted, so that following it misses nothing.
	Stable bool `json:"stable,omitempty"`
}

// PostOption is a setting of one posting.
type PostOption func(*Posting)

// WithID gives the transaction its id, a UUID. Posting the same id again is safe: it answers with the first result.
func WithID(id string) PostOption { return func(posting *Posting) { posting.ID = id } }

// Post posts a transaction with the tx template of that code. Debits and credits must agree in each currency and layer.
//
// Errors: ErrNotFound (tx_template.not_found, journal.not_found, account.not_found), ErrInvalid (cel.eval, cel.coerce,
// param.missing, param.unknown, param.type, currency.unknown, amount.range), ErrRejected (posting.unbalanced, journal.locked,
// account.locked), ErrConflict (transaction.replay_differs), ErrMisuse (transaction.none: in a [HostTx] without an open transaction).
func (o *Operations) Post(ctx context.Context, txTemplateCode string, params Params, options ...PostOption) (*Posted, error) {
	posting := Posting{TxTemplateCode: txTemplateCode, Params: params}
	for _, option := range options {
		option(&posting)
	}
	if err := refuseFloats(posting, -1); err != nil {
		return nil, err
	}
	return call[Posted](ctx, o, raw.TransactionPost, posting)
}

// PostMany posts several transactions, 10,000 at most, all or none, as if one after the other.
// Errors as for Post, with [Error].PostingIndex, and ErrConflict (transaction.exists: the same id twice in the batch).
func (o *Operations) PostMany(ctx context.Context, postings []Posting) ([]Posted, error) {
	for i, posting := range postings {
		if err := refuseFloats(posting, i); err != nil {
			return nil, err
		}
	}
	request := struct {
		Postings []Posting `json:"postings"`
	}{list(postings)}
	type results struct {
		Results []Posted `json:"results"`
	}
	return callFor(ctx, o, raw.TransactionPostMany, request, func(r *results) []Posted { return r.Results })
}

// FindTransaction finds a transaction by id or external id. Errors: ErrNotFound (transaction.not_found).
func (o *Operations) FindTransaction(ctx context.Context, key Key) (*Transaction, error) {
	return call[Transaction](ctx, o, raw.TransactionFind, key)
}

// FindTransactions finds transactions, 10,000 at most, in the order asked; missing ones are left out.
func (o *Operations) FindTransactions(ctx context.Context, ids []string) ([]Transaction, error) {
	type transactions struct {
		Transactions []Transaction `json:"transactions"`
	}
	return callFor(ctx, o, raw.TransactionFindMany, idsRequest{list(ids)},
		func(t *transactions) []Transaction { return t.Transactions })
}

// Transactions goes through transactions in the order in which they were posted.
func (o *Operations) Transactions(ctx context.Context, filter TransactionFilter) iter.Seq2[Transaction, error] {
	return pages(func(after string) (*Page[Transaction], error) {
		filter.After = after
		return o.TransactionsPage(ctx, filter)
	}, filter.After)
}

// TransactionsPage gives one page of transactions in the order in which they were posted.
func (o *Operations) TransactionsPage(ctx context.Context, filter TransactionFilter) (*Page[Transaction], error) {
	return call[Page[Transaction]](ctx, o, raw.TransactionList, filter)
}
